#include <catch2/catch.hpp>

#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {

TEST_CASE("Ledger calls a gap on the same boot daemon: unmeasured, not down", "[ledger]") {
    const bool cleanly = GENERATE(false, true);
    Wan ledger{3, 7};
    const auto written = ledger.start(run_until(at(1000), cleanly), at(1200), true);

    REQUIRE(written.size() == 1);
    CHECK(written[0].id == 8);
    CHECK(written[0].cause == Cause::daemon);
    CHECK(written[0].last_good == at(1000));
    CHECK(written[0].first_bad == (cleanly ? at(1000) : at(1060)));
    CHECK(written[0].is_open());
    CHECK(ledger.state() == LinkState::unknown);
    CHECK(ledger.is_in_doubt());

    const auto end = ledger.observe(good(1202));
    REQUIRE(end.size() == 1);
    CHECK(end[0].cause == Cause::daemon);
    CHECK(end[0].last_bad == at(1200));
    CHECK(end[0].first_good == at(1202));
    CHECK(ledger.state() == LinkState::up);
}

TEST_CASE("Ledger never claims a gap longer than the time until the start", "[ledger]") {
    Wan ledger;
    const auto written = ledger.start(run_until(at(1000)), at(1005), true);
    REQUIRE(written.size() == 1);
    CHECK(written[0].first_bad == at(1005));
    const auto end = ledger.observe(good(1005));
    REQUIRE(end.size() == 1);
    CHECK(end[0].last_bad == at(1005));
    CHECK(end[0].first_good == at(1005));
}

TEST_CASE("Ledger calls a gap before another boot device_off, or off after a clean stop",
          "[ledger]") {
    const bool cleanly = GENERATE(false, true);
    Wan ledger;
    const auto written = ledger.start(run_until(at(1000, 4), cleanly), at(40, 5), false);
    REQUIRE(written.size() == 1);
    CHECK(written[0].cause == (cleanly ? Cause::off : Cause::device_off));
    CHECK(written[0].last_good == at(1000, 4));
    CHECK(written[0].first_bad == at(cleanly ? 1000 : 1060, 4));

    const auto end = ledger.observe(good(55, 5));
    REQUIRE(end.size() == 1);
    CHECK(end[0].last_bad == at(0, 5));
    CHECK(end[0].first_good == at(55, 5));
}

TEST_CASE("Ledger keeps the cause of a gap when the link fails fewer than k rounds after it",
          "[ledger]") {
    Wan ledger;
    (void)ledger.start(run_until(at(1000, 4)), at(40, 5), false);
    CHECK(ledger.observe(dead(41, 5)).empty());
    CHECK(ledger.observe(dead(44, 5)).empty());
    CHECK(ledger.state() == LinkState::unknown);
    const auto end = ledger.observe(good(47, 5));
    REQUIRE(end.size() == 1);
    CHECK(end[0].cause == Cause::device_off);
    CHECK(end[0].first_good == at(47, 5));
    CHECK(end[0].last_bad == at(0, 5));
}

TEST_CASE("Ledger calls a gap undetermined when the link is down after it and goes on behind it",
          "[ledger]") {
    const bool same_boot = GENERATE(false, true);
    const std::uint32_t boot = same_boot ? 4 : 5;
    Wan ledger{3, 1};
    (void)ledger.start(run_until(at(1000, 4)), at(2000, boot), same_boot);
    (void)ledger.observe(dead(2001, boot));
    (void)ledger.observe(dead(2004, boot));
    const auto written = ledger.observe(dead(2007, boot));

    const auto gap_end = same_boot ? at(2000, 4) : at(0, 5);
    REQUIRE(written.size() == 2);
    CHECK(written[0].id == 2);
    CHECK(written[0].segment == 1);
    CHECK(written[0].cause == Cause::undetermined);
    CHECK(written[0].last_good == at(1000, 4));
    CHECK(written[0].last_bad == gap_end);
    CHECK(written[0].first_good == at(2001, boot));
    CHECK(written[1].id == 2);
    CHECK(written[1].segment == 2);
    CHECK(written[1].cause == Cause::isp);
    CHECK(written[1].last_good == gap_end);
    CHECK(written[1].first_bad == at(2001, boot));
    CHECK(ledger.state() == LinkState::down);
    CHECK(ledger.since() == at(2001, boot));
}

TEST_CASE("Ledger calls a gap undetermined when the link was down before it", "[ledger]") {
    const bool same_boot = GENERATE(false, true);
    const std::uint32_t boot = same_boot ? 4 : 5;
    auto previous = run_until(at(1000, 4));
    previous.open = segment(9, 2, Cause::isp, at(900, 4), at(910, 4));
    Wan ledger{3, 9};
    const auto written = ledger.start(previous, at(2000, boot), same_boot);

    REQUIRE(written.size() == 2);
    CHECK(written[0].id == 9);
    CHECK(written[0].segment == 2);
    CHECK(written[0].cause == Cause::isp);
    CHECK(written[0].last_bad == at(1000, 4));
    CHECK(written[0].first_good == at(1060, 4));
    CHECK(written[1].id == 9);
    CHECK(written[1].segment == 3);
    CHECK(written[1].cause == Cause::undetermined);
    CHECK(written[1].last_good == at(1000, 4));
    CHECK(written[1].first_bad == at(1060, 4));
    CHECK(written[1].is_open());

    SECTION("and the link answers after it") {
        const auto end = ledger.observe(good(2003, boot));
        REQUIRE(end.size() == 1);
        CHECK(end[0].cause == Cause::undetermined);
        CHECK(end[0].last_bad == (same_boot ? at(2000, 4) : at(0, 5)));
        CHECK(end[0].first_good == at(2003, boot));
    }
    SECTION("and is still down after it") {
        (void)ledger.observe(unplugged(2001, boot));
        (void)ledger.observe(unplugged(2004, boot));
        const auto more = ledger.observe(unplugged(2007, boot));
        REQUIRE(more.size() == 2);
        CHECK(more[0].cause == Cause::undetermined);
        CHECK(more[0].first_good == at(2001, boot));
        CHECK(more[1].id == 9);
        CHECK(more[1].segment == 4);
        CHECK(more[1].cause == Cause::carrier);
    }
    SECTION("and the device goes off again before the link was seen") {
        auto again = run_until(at(2001, boot));
        again.open = written[1];
        Wan next{3, 9};
        CHECK(next.start(again, at(30, 6), false).empty());
        const auto end = next.observe(good(31, 6));
        REQUIRE(end.size() == 1);
        CHECK(end[0].segment == 3);
        CHECK(end[0].first_bad == at(1060, 4));
        CHECK(end[0].last_bad == at(0, 6));
    }
}

TEST_CASE("Ledger extends a daemon gap over a crash loop without a new record", "[ledger]") {
    Wan first{3, 3};
    auto written = first.start(run_until(at(1000)), at(1100), true);
    REQUIRE(written.size() == 1);
    auto open = written[0];
    for (std::int64_t second = 1200; second < 2000; second += 100) {
        auto previous = run_until(at(second - 90));
        previous.open = open;
        Wan ledger{3, 4};
        CHECK(ledger.start(previous, at(second), true).empty());
        CHECK(ledger.open() == open);
    }
    auto previous = run_until(at(1990));
    previous.open = open;
    Wan last{3, 4};
    (void)last.start(previous, at(2000), true);
    const auto end = last.observe(good(2001));
    REQUIRE(end.size() == 1);
    CHECK(end[0].id == 4);
    CHECK(end[0].last_good == at(1000));
    CHECK(end[0].last_bad == at(2000));
}

TEST_CASE("Ledger keeps device_off apart from a daemon gap right behind it", "[ledger]") {
    Wan first{3, 0};
    const auto gap = first.start(run_until(at(1000, 1)), at(30, 2), false);
    REQUIRE(gap.size() == 1);

    auto previous = run_until(at(35, 2));
    previous.longest_silence = Millis{10000};
    previous.open = gap[0];
    Wan second{3, 1};
    const auto written = second.start(previous, at(60, 2), true);
    REQUIRE(written.size() == 2);
    CHECK(written[0].cause == Cause::device_off);
    CHECK(written[0].last_bad == at(0, 2));
    CHECK(written[0].first_good == at(45, 2));
    CHECK(written[1].segment == 2);
    CHECK(written[1].cause == Cause::daemon);
    CHECK(written[1].last_good == at(0, 2));
    CHECK(written[1].first_bad == at(45, 2));

    SECTION("an answer leaves both as they are") {
        const auto end = second.observe(good(61, 2));
        REQUIRE(end.size() == 1);
        CHECK(end[0].cause == Cause::daemon);
    }
    SECTION("a dead link makes both undetermined") {
        (void)second.observe(dead(61, 2));
        (void)second.observe(dead(64, 2));
        const auto down = second.observe(dead(67, 2));
        REQUIRE(down.size() == 3);
        CHECK(down[0].segment == 1);
        CHECK(down[0].cause == Cause::undetermined);
        CHECK(down[1].segment == 2);
        CHECK(down[1].cause == Cause::undetermined);
        CHECK(down[2].segment == 3);
        CHECK(down[2].cause == Cause::isp);
    }
    SECTION("a dead link after a third start makes all three undetermined") {
        auto third_previous = run_until(at(62, 2));
        third_previous.open = written[1];
        third_previous.earlier = {written[0]};
        Wan third{1, 1};
        const auto joined = third.start(third_previous, at(20, 3), false);
        REQUIRE(joined.size() == 2);
        CHECK(joined[1].cause == Cause::device_off);
        const auto down = third.observe(dead(21, 3));
        REQUIRE(down.size() == 4);
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(down[i].segment == i + 1);
            CHECK(down[i].cause == Cause::undetermined);
        }
        CHECK(down[3].cause == Cause::isp);
    }
}

TEST_CASE("Ledger joins a power cut that came before the first tick after a restart", "[ledger]") {
    auto previous = run_until(at(1000, 1));
    previous.open = segment(5, 1, Cause::daemon, at(1000, 1), at(1060, 1));
    Wan ledger{3, 5};
    const auto written = ledger.start(previous, at(10, 2), false);
    REQUIRE(written.size() == 1);
    CHECK(written[0].segment == 1);
    CHECK(written[0].cause == Cause::device_off);
    const auto end = ledger.observe(good(12, 2));
    REQUIRE(end.size() == 1);
    CHECK(end[0].first_bad == at(1060, 1));
    CHECK(end[0].last_bad == at(0, 2));
}

TEST_CASE("Ledger closes a gap at the start when nothing can be asked", "[ledger]") {
    Wan ledger;
    (void)ledger.start(run_until(at(1000, 1)), at(30, 2), false);
    CHECK(ledger.observe(unasked(40, 2)).empty());
    CHECK(ledger.observe(unasked(50, 2)).empty());
    const auto end = ledger.observe(unasked(60, 2));
    REQUIRE(end.size() == 1);
    CHECK(end[0].cause == Cause::device_off);
    CHECK(end[0].first_good == at(30, 2));
    CHECK(ledger.state() == LinkState::unknown);
    CHECK_FALSE(ledger.is_in_doubt());
}

TEST_CASE("Ledger sees no gap in a reload of the configuration", "[ledger]") {
    const DeviceTime last{BootNo{1}, monotonic_from_ms(100'000)};
    const DeviceTime now{BootNo{1}, monotonic_from_ms(100'030)};
    PreviousRun previous{.last_tick = last,
                         .ended_cleanly = true,
                         .ending = {},
                         .open = std::nullopt,
                         .earlier = {},
                         .longest_silence = Millis{10'000},
                         .was_reload = true};
    SECTION("with the link up") {
        Wan ledger{3, 7};
        CHECK(ledger.start(previous, now, true).empty());
        CHECK(ledger.state() == LinkState::unknown);
    }
    SECTION("with the link down: the outage goes on as it was") {
        previous.open = Outage{.id = 7,
                               .segment = 1,
                               .link = "wan",
                               .cause = Cause::isp,
                               .last_good = {BootNo{1}, monotonic_from_ms(40'000)},
                               .first_bad = {BootNo{1}, monotonic_from_ms(50'000)},
                               .last_bad = {},
                               .first_good = {},
                               .confidence = Confidence::medium,
                               .evidence = "targets silent"};
        Wan ledger{3, 7};
        CHECK(ledger.start(previous, now, true).empty());
        CHECK(ledger.state() == LinkState::down);
        CHECK(ledger.cause() == Cause::isp);
        const DeviceTime answer{BootNo{1}, monotonic_from_ms(110'000)};
        const auto ended = ledger.observe(good(110));
        REQUIRE(ended.size() == 1);
        CHECK(ended[0].id == 7);
        CHECK(ended[0].segment == 1);
        CHECK(ended[0].first_bad == previous.open->first_bad);
        CHECK(ended[0].last_bad == last);
        CHECK(ended[0].first_good == answer);
    }
    SECTION("unless the next life was long in coming") {
        Wan ledger{3, 7};
        const DeviceTime late{BootNo{1}, monotonic_from_ms(160'000)};
        const auto gap = ledger.start(previous, late, true);
        REQUIRE(gap.size() == 1);
        CHECK(gap[0].cause == Cause::daemon);
    }
}

TEST_CASE("Ledger invents no gap for a previous run that cannot be ordered before the start",
          "[ledger]") {
    Wan other_boot;
    CHECK(other_boot.start(run_until(at(1000, 7)), at(10, 2), false).empty());
    Wan same_boot;
    CHECK(same_boot.start(run_until(at(1000, 7)), at(10, 2), true).empty());
    CHECK_FALSE(same_boot.open());
}

TEST_CASE("Ledger never makes a gap negative when the last tick is later than the start",
          "[ledger]") {
    Wan ledger;
    const auto written = ledger.start(run_until(at(1000)), at(900), true);
    REQUIRE(written.size() == 1);
    CHECK(written[0].last_good == at(900));
    CHECK(written[0].first_bad == at(900));
}

}  // namespace gerbang
