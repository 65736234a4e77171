// What is under way when the daemon ends, and what must not come behind its last word.

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>
#include <random>

#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

std::vector<Event> events_of(const std::vector<Record>& records, EventKind kind) {
    std::vector<Event> found;
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event != nullptr && event->kind == kind) found.push_back(*event);
    }
    return found;
}

/// `answers` must outlive the loop.
net::awaitable<void> ask_aloud(Daemon& daemon, unsigned& answers) {
    const auto report = co_await daemon.probe_now();
    ++answers;
    if (report) CHECK(report->ladder.size() == kRungCount);
}

void ask(Village& village, unsigned& answers) {
    net::co_spawn(village.executor(), ask_aloud(village.daemon(), answers),
                  [](std::exception_ptr failure) { CHECK_FALSE(failure); });
}

}  // namespace

TEST_CASE("Stopping daemon takes neither claims nor a clock behind its stop event", "[scenario]") {
    Village village{test_seed()};
    village.clock.set_synchronised(false);
    village.start();
    village.run_for(90s);
    village.daemon().stop("signal");
    CHECK_FALSE(village.daemon().note(
        {.kind = "other", .author = {}, .text = "late", .from = {}, .to = {}}));
    CHECK_FALSE(village.daemon().set_clock(village.clock.true_time(), 60s));
    village.stop();
    const auto records = village.journal_records();
    CHECK(events_of(records, EventKind::note).empty());
    const auto* last = std::get_if<Event>(&records.back().body);
    REQUIRE(last != nullptr);
    CHECK(last->kind == EventKind::stop);
}

TEST_CASE("Ladders asked for by people end with the daemon, whenever it ends", "[scenario]") {
    std::mt19937_64 random{test_seed()};
    for (unsigned round = 0; round < test_rounds(60); ++round) {
        CAPTURE(round);
        unsigned answers = 0;
        Village village{random()};
        village.prober.latency = Millis{static_cast<std::int64_t>(random() % 2500)};
        village.start();
        village.run_for(Millis{static_cast<std::int64_t>(20'000 + random() % 20'000)});
        if (random() % 2 == 0) village.set_link(false);
        village.run_for(Millis{static_cast<std::int64_t>(random() % 10'000)});
        const unsigned asked = 1 + static_cast<unsigned>(random() % 3);
        for (unsigned i = 0; i < asked; ++i) {
            ask(village, answers);
            village.run_for(Millis{static_cast<std::int64_t>(random() % 1500)});
        }
        if (random() % 2 == 0) {
            village.kill();
        } else {
            village.stop();
            CHECK(answers == asked);
        }
        const auto records = village.journal_records();
        CHECK(!records.empty());
        village.start();
        village.run_for(30s);
        village.stop();
    }
}

TEST_CASE("Slow and silent questions make no tick late", "[scenario]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.config.probe.resolvers = {"192.0.2.53", "192.0.2.54", "192.0.2.55"};
    village.start();
    village.run_for(5min);
    // The longest answers, then resolvers that are silent, then nobody at all, and people who ask.
    village.prober.latency = village.config.probe.timeout - Millis{1};
    village.run_for(10min);
    village.prober.set_name_script([](const NameQuestion&, Monotonic) { return ProbeAnswer{}; });
    village.run_for(10min);
    village.set_link(false);
    unsigned answers = 0;
    for (int i = 0; i < 20; ++i) {
        ask(village, answers);
        village.run_for(31s + 7ms);
    }
    CHECK(village.daemon().missed_ticks() == 0);
    village.stop();
    const auto step = village.config.metering.tick.count();
    std::size_t ticks = 0;
    std::optional<std::int64_t> before;
    unsigned off_grid = 0;
    for (const auto& record : village.journal_records()) {
        const auto* chunk = std::get_if<Chunk>(&record.body);
        if (chunk == nullptr) continue;
        for (const auto& at : chunk->ticks) {
            ++ticks;
            if (to_ms(at) % step != 0) {
                ++off_grid;  // the first and the last of the run
                continue;
            }
            if (before) CHECK(to_ms(at) - *before == step);
            before = to_ms(at);
        }
    }
    CHECK(ticks > 200);
    CHECK(off_grid <= 2);
}

TEST_CASE("Carrier that flaps does not hurry the rounds of the ladder", "[scenario]") {
    Village village{test_seed()};
    village.start();
    village.run_for(5min);
    const auto before = village.prober.asked("domestic");
    for (int i = 0; i < 300; ++i) {
        village.kernel.carrier("wlan0", i % 2 != 0);
        village.link_changed();
        village.run_for(1s);
    }
    CHECK(village.prober.asked("domestic") - before <= 110);
    village.stop();
}
