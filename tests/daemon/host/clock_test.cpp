#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/host/system_clock.hpp"
#include "tests/support/manual_clock.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// Everything that a sleeper reported, in order.
using Story = std::vector<std::string>;

void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

net::awaitable<void> sleep_once(Clock& clock, Monotonic deadline, Bell* bell, std::string name,
                                Story& story) {
    const bool goes_on = co_await clock.sleep_until(deadline, bell);
    story.push_back(name + (goes_on ? " woke" : " stopped") + " at " +
                    std::to_string(to_ms(clock.now())));
}

net::awaitable<void> tick_for_ever(Clock& clock, Millis interval, int& ticks) {
    auto next = clock.now();
    for (bool running = true; running;) {
        next += interval;
        running = co_await clock.sleep_until(next);
        if (running) ++ticks;
    }
}

/// Says so when its coroutine's frame goes.
struct Witness {
    int& gone;
    ~Witness() { ++gone; }
};

net::awaitable<void> sleep_with_witness(Clock& clock, Bell* bell, int& gone) {
    const Witness witness{gone};
    (void)co_await clock.sleep_until(clock.now() + 24h, bell);
}

net::awaitable<void> sleep_deeper(Clock& clock, Bell* bell, int& gone) {
    const Witness witness{gone};
    co_await sleep_with_witness(clock, bell, gone);
}

void spawn(net::io_context& io, net::awaitable<void> what) {
    net::co_spawn(io, std::move(what), rethrow);
}

}  // namespace

TEST_CASE("ManualClock jumps from sleeper to sleeper and wakes each at its exact time", "[host]") {
    net::io_context io;
    ManualClock clock;
    const auto start = clock.now();
    Story story;
    spawn(io, sleep_once(clock, start + 30s, nullptr, "late", story));
    spawn(io, sleep_once(clock, start + 10s, nullptr, "early", story));
    spawn(io, sleep_once(clock, start + 10s, nullptr, "second", story));

    clock.run_for(io, 29s);
    CHECK(story == Story{"early woke at 11000", "second woke at 11000"});
    clock.run_for(io, 1s);
    CHECK(story.back() == "late woke at 31000");
    CHECK(clock.now() == start + 30s);
    CHECK_FALSE(clock.has_sleepers());
}

TEST_CASE("ManualClock runs thirty days of ticks without waiting for them", "[host]") {
    net::io_context io;
    ManualClock clock;
    int ticks = 0;
    spawn(io, tick_for_ever(clock, 10s, ticks));

    clock.run_for(io, 24h * 30);

    CHECK(ticks == 30 * 8640);
    clock.stop();
    clock.run_ready(io);
    CHECK_FALSE(clock.has_sleepers());
}

TEST_CASE("A sleep on a stopped clock returns false at once, and a present one is woken",
          "[host]") {
    net::io_context io;
    ManualClock clock;
    Story story;
    spawn(io, sleep_once(clock, clock.now() + 1h, nullptr, "asleep", story));
    clock.run_ready(io);

    clock.stop();
    clock.stop();
    clock.run_ready(io);
    spawn(io, sleep_once(clock, clock.now() + 1h, nullptr, "later", story));
    clock.run_ready(io);

    CHECK(clock.is_stopped());
    CHECK(story == Story{"asleep stopped at 1000", "later stopped at 1000"});
}

TEST_CASE("A stop between wake-up and resumption still returns false", "[host]") {
    net::io_context io;
    ManualClock clock;
    Bell bell;
    Story story;
    spawn(io, sleep_once(clock, clock.now() + 1h, &bell, "sleeper", story));
    clock.run_ready(io);

    bell.ring();
    clock.stop();
    clock.run_ready(io);

    CHECK(story == Story{"sleeper stopped at 1000"});
}

TEST_CASE("Bell wakes its sleepers early and nobody else", "[host]") {
    net::io_context io;
    ManualClock clock;
    Bell bell;
    Story story;
    spawn(io, sleep_once(clock, clock.now() + 1h, &bell, "first", story));
    spawn(io, sleep_once(clock, clock.now() + 1h, &bell, "second", story));
    spawn(io, sleep_once(clock, clock.now() + 1h, nullptr, "other", story));
    clock.run_for(io, 10s);

    bell.ring();
    clock.run_ready(io);

    CHECK(story == Story{"first woke at 11000", "second woke at 11000"});
    clock.run_for(io, 1h);
    CHECK(story.size() == 3);
}

TEST_CASE("Bell rung while nobody sleeps is remembered once, not twice", "[host]") {
    net::io_context io;
    ManualClock clock;
    Bell bell;
    Story story;
    bell.ring();
    bell.ring();

    spawn(io, sleep_once(clock, clock.now() + 1h, &bell, "first", story));
    clock.run_ready(io);
    CHECK(story == Story{"first woke at 1000"});

    spawn(io, sleep_once(clock, clock.now() + 1h, &bell, "second", story));
    clock.run_for(io, 59min);
    CHECK(story.size() == 1);
    clock.run_for(io, 2min);
    CHECK(story.back() == "second woke at 3601000");
}

TEST_CASE("Bell that woke a sleeper does not ring again for its next sleep", "[host]") {
    net::io_context io;
    ManualClock clock;
    Bell bell;
    Story story;
    spawn(io, sleep_once(clock, clock.now() + 1h, &bell, "first", story));
    clock.run_ready(io);
    bell.ring();
    clock.run_ready(io);

    spawn(io, sleep_once(clock, clock.now() + 1h, &bell, "second", story));
    clock.run_ready(io);

    CHECK(story == Story{"first woke at 1000"});
    CHECK(clock.has_sleepers());
}

TEST_CASE("A deadline in the past lets other ready coroutines run first", "[host]") {
    net::io_context io;
    ManualClock clock;
    Story story;
    spawn(io, sleep_once(clock, clock.now() - 5s, nullptr, "late", story));
    net::post(io, [&story] { story.emplace_back("other"); });
    clock.run_ready(io);
    CHECK(story == Story{"other", "late woke at 1000"});
}

TEST_CASE("A cancelled sleeper returns false and leaves the clock", "[host]") {
    net::io_context io;
    ManualClock clock;
    Story story;
    net::cancellation_signal cancel;
    net::co_spawn(io, sleep_once(clock, clock.now() + 1h, nullptr, "sleeper", story),
                  net::bind_cancellation_slot(cancel.slot(), rethrow));
    clock.run_ready(io);
    cancel.emit(net::cancellation_type::terminal);
    clock.run_ready(io);
    CHECK(story == Story{"sleeper stopped at 1000"});
    CHECK_FALSE(clock.has_sleepers());
}

TEST_CASE("Clock and bell survive an io_context that dies with sleepers suspended", "[host]") {
    ManualClock clock;
    Bell bell;
    int gone = 0;
    {
        net::io_context io;
        spawn(io, sleep_deeper(clock, &bell, gone));
        spawn(io, sleep_deeper(clock, nullptr, gone));
        clock.run_for(io, 1min);
        CHECK(clock.has_sleepers());
    }
    CHECK(gone == 4);
    CHECK_FALSE(clock.has_sleepers());
    bell.ring();

    net::io_context io;
    Story story;
    spawn(io, sleep_once(clock, clock.now() + 1s, nullptr, "next life", story));
    clock.run_for(io, 1s);
    CHECK(story == Story{"next life woke at 62000"});
}

TEST_CASE("Clock and bell may die before the io_context of their sleepers", "[host]") {
    int gone = 0;
    {
        net::io_context io;
        auto clock = std::make_unique<ManualClock>();
        auto bell = std::make_unique<Bell>();
        spawn(io, sleep_deeper(*clock, bell.get(), gone));
        clock->run_ready(io);
        clock.reset();
        bell.reset();
    }
    CHECK(gone == 2);
}

TEST_CASE("An io_context may die between a wake-up and the resumption", "[host]") {
    ManualClock clock;
    Bell bell;
    int gone = 0;
    {
        net::io_context io;
        spawn(io, sleep_deeper(clock, &bell, gone));
        clock.run_ready(io);
        bell.ring();
    }
    CHECK(gone == 2);
    CHECK_FALSE(clock.has_sleepers());
}

TEST_CASE("ManualClock keeps device time, wall clock and true time apart", "[host]") {
    net::io_context io;
    ManualClock clock{wall_from_ms(4'200'000'000'000)};  // 2103, past 2038
    CHECK(clock.wall().is_synchronised);
    CHECK(clock.wall().wall == wall_from_ms(4'200'000'000'000));

    clock.set_wall(wall_from_ms(0));
    clock.set_synchronised(false);
    clock.run_for(io, 5s);
    CHECK(clock.wall().wall == wall_from_ms(5'000));
    CHECK_FALSE(clock.wall().is_synchronised);
    CHECK(clock.true_time() == wall_from_ms(4'200'000'005'000));

    clock.step_wall(-2s);
    CHECK(clock.wall().wall == wall_from_ms(3'000));

    clock.reboot(1h, 4s);
    CHECK(clock.now() == monotonic_from_ms(4'000));
    CHECK(clock.true_time() == wall_from_ms(4'200'000'005'000) + 1h + 4s);
}

TEST_CASE("SystemClock sleeps no less than asked and returns false once stopped", "[host]") {
    net::io_context io;
    SystemClock clock;
    Story story;
    const auto deadline = clock.now() + 20ms;
    spawn(io, sleep_once(clock, deadline, nullptr, "sleeper", story));
    io.run();
    CHECK(clock.now() >= deadline);
    REQUIRE(story.size() == 1);
    CHECK(story[0].find("sleeper woke") == 0);

    io.restart();
    Bell bell;
    spawn(io, sleep_once(clock, clock.now() + 24h, &bell, "rung", story));
    io.poll();
    bell.ring();
    io.run();
    REQUIRE(story.size() == 2);
    CHECK(story[1].find("rung woke") == 0);

    io.restart();
    spawn(io, sleep_once(clock, clock.now() + 24h, nullptr, "stopped", story));
    io.poll();
    clock.stop();
    io.run();
    REQUIRE(story.size() == 3);
    CHECK(story[2].find("stopped stopped") == 0);
}

TEST_CASE("SystemClock waits for a bell without a deadline and without waking up", "[host]") {
    net::io_context io;
    SystemClock clock;
    Bell bell;
    bool has_rung = false;
    const auto wait = [&]() -> net::awaitable<void> {
        has_rung = co_await clock.sleep_until(Monotonic::max(), &bell);
    };
    net::co_spawn(io, wait, [](std::exception_ptr failure) { CHECK_FALSE(failure); });
    // Handlers are counted, not time: a timer that overflowed would run tens of thousands.
    CHECK(io.run_for(std::chrono::milliseconds(50)) < 10);
    CHECK_FALSE(has_rung);
    bell.ring();
    io.restart();
    io.run_for(std::chrono::seconds(60));  // until it has rung
    CHECK(has_rung);
}

TEST_CASE("SystemClock reads a device time and a wall time that advance", "[host]") {
    SystemClock clock;
    const auto first = clock.now();
    const auto second = clock.now();
    CHECK(to_ms(first) > 0);
    CHECK(second >= first);
    const auto wall = clock.wall();
    CHECK(to_ms(wall.wall) > 1'500'000'000'000);
    if (wall.is_synchronised) CHECK(wall.uncertainty > Millis{0});
}
