#include "daemon/meter/delta_tracker.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kTwoTo32 = std::uint64_t{1} << 32;
constexpr LineLimit kUnknownRate{};

CounterReading reading(Millis at, Counters counters) {
    return {.taken = Monotonic{at}, .counters = counters};
}

std::uint64_t rx(const Usage& usage) {
    return usage.counted[0];
}
std::uint64_t tx(const Usage& usage) {
    return usage.counted[1];
}

}  // namespace

TEST_CASE("DeltaTracker takes its first reading as the baseline", "[meter]") {
    DeltaTracker tracker{false};
    const auto usage = tracker.advance(reading(1s, {900, 800, 7, 6, 5, 4, 3, 2}), kUnknownRate);
    CHECK(usage.continuity == Continuity::first);
    CHECK(usage.counted == Counters{});
}

TEST_CASE("DeltaTracker counts differences while no counter falls", "[meter]") {
    DeltaTracker tracker{false, reading(1s, {100, 200, 3, 4, 0, 0, 0, 0})};
    const auto usage = tracker.advance(reading(11s, {150, 200, 4, 4, 1, 0, 2, 0}), kUnknownRate);
    CHECK(usage.continuity == Continuity::continued);
    CHECK(usage.counted == Counters{50, 0, 1, 0, 1, 0, 2, 0});
}

TEST_CASE("DeltaTracker counts only what came after the kernel counters restarted", "[meter]") {
    for (const bool kernel_is_32bit : {false, true}) {
        DeltaTracker tracker{kernel_is_32bit, reading(1s, {900'000'000, 5000, 9000, 50})};
        const auto usage =
            tracker.advance(reading(61s, {4000, 70, 3, 1}), {BitRate{1'000'000'000}});
        CHECK(usage.continuity == Continuity::restarted);
        CHECK(usage.counted == Counters{4000, 70, 3, 1});
    }
}

TEST_CASE("DeltaTracker sees a restart although the kernel's own drop counter went on", "[meter]") {
    DeltaTracker tracker{false, reading(1s, {9000, 5000, 90, 50, 7, 0, 12, 0})};
    const auto usage = tracker.advance(reading(11s, {400, 70, 3, 1, 2, 0, 13, 0}), kUnknownRate);
    CHECK(usage.continuity == Continuity::restarted);
    CHECK(usage.counted == Counters{400, 70, 3, 1, 2, 0, 1, 0});
}

TEST_CASE("DeltaTracker sees a restart of a link that only ever received", "[meter]") {
    DeltaTracker tracker{false, reading(1s, {9000, 0, 90, 0})};
    const auto usage = tracker.advance(reading(11s, {400, 60, 3, 1}), kUnknownRate);
    CHECK(usage.continuity == Continuity::restarted);
    CHECK(usage.counted == Counters{400, 60, 3, 1});
}

TEST_CASE("DeltaTracker counts through a wrap on a 32-bit kernel", "[meter]") {
    DeltaTracker tracker{true, reading(0s, {kTwoTo32 - 1000, 10, 900, 5})};
    const auto usage = tracker.advance(reading(10s, {500, 20, 910, 6}), {BitRate{1'000'000}});
    CHECK(usage.continuity == Continuity::wrapped);
    CHECK(usage.counted == Counters{1500, 10, 10, 1});
}

TEST_CASE("DeltaTracker counts both directions when both wrap at once", "[meter]") {
    DeltaTracker tracker{true, reading(0s, {kTwoTo32 - 1000, kTwoTo32 - 1, 900, 5})};
    const auto usage = tracker.advance(reading(10s, {500, 9, 910, 6}), {BitRate{1'000'000}});
    CHECK(usage.continuity == Continuity::wrapped);
    CHECK(rx(usage) == 1500);
    CHECK(tx(usage) == 10);
}

TEST_CASE("DeltaTracker takes no fall for a wrap unless every condition holds", "[meter]") {
    const auto before = reading(0s, {kTwoTo32 - 1000, 10, 900, 5});
    const auto after = reading(10s, {500, 20, 910, 6});
    const LineLimit megabit{BitRate{1'000'000}};
    SECTION("64-bit kernel") {
        DeltaTracker tracker{false, before};
        const auto usage = tracker.advance(after, megabit);
        CHECK(usage.continuity == Continuity::disturbed);
        CHECK(usage.counted == Counters{0, 10, 10, 1});
    }
    SECTION("a counter of 2^32 or more was seen before") {
        DeltaTracker tracker{true, reading(-10s, {0, kTwoTo32, 0, 0})};
        (void)tracker.advance(before, kUnknownRate);
        const auto usage = tracker.advance(after, megabit);
        CHECK(usage.continuity == Continuity::disturbed);
        CHECK(rx(usage) == 0);
    }
    SECTION("rate unknown") {
        DeltaTracker tracker{true, before};
        CHECK(rx(tracker.advance(after, kUnknownRate)) == 0);
    }
    SECTION("more than the line carries in the time and its slack") {
        DeltaTracker tracker{true, before};
        // 1500 bytes in 11 s need 1,091 bit/s.
        const auto usage = tracker.advance(after, {BitRate{1090}});
        CHECK(usage.continuity == Continuity::disturbed);
        CHECK(rx(usage) == 0);
    }
    SECTION("packets fell too") {
        DeltaTracker tracker{true, before};
        const auto usage = tracker.advance(reading(10s, {500, 20, 9, 6}), megabit);
        CHECK(usage.continuity == Continuity::disturbed);
        CHECK(usage.counted == Counters{500, 10, 9, 1});
    }
}

TEST_CASE("DeltaTracker accepts a wrap that just fits the line with its slack", "[meter]") {
    DeltaTracker tracker{true, reading(0s, {kTwoTo32 - 1000, 10, 900, 5})};
    const auto usage = tracker.advance(reading(10s, {500, 20, 910, 6}), {BitRate{1091}});
    CHECK(usage.continuity == Continuity::wrapped);
    CHECK(rx(usage) == 1500);
}

TEST_CASE("DeltaTracker counts nothing for a counter that fell without its twin", "[meter]") {
    DeltaTracker tracker{false, reading(0s, {5000, 300, 50, 30, 4, 0, 0, 0})};
    const auto usage = tracker.advance(reading(10s, {4990, 400, 60, 31, 1, 0, 0, 0}), kUnknownRate);
    CHECK(usage.continuity == Continuity::disturbed);
    CHECK(usage.counted == Counters{0, 100, 10, 1, 0, 0, 0, 0});
    // The new level is the baseline of what follows.
    CHECK(rx(tracker.advance(reading(20s, {5090, 400, 61, 31, 1}), kUnknownRate)) == 100);
}

TEST_CASE("DeltaTracker keeps bytes beyond the line rate apart", "[meter]") {
    DeltaTracker tracker{false, reading(0s, {0, 0, 0, 0})};
    // 8 Mbit/s for 10 s and 1 s of slack: 11,000,000 bytes a direction.
    const auto usage =
        tracker.advance(reading(10s, {11'000'005, 11'000'000, 9, 9}), {BitRate{8'000'000}});
    CHECK(rx(usage) == 11'000'000);
    CHECK(tx(usage) == 11'000'000);
    CHECK(usage.suspect_received == Bytes{5});
    CHECK(usage.suspect_transmitted == Bytes{0});
    CHECK(usage.continuity == Continuity::continued);
}

TEST_CASE("DeltaTracker judges an interval by the faster of the rates at its ends", "[meter]") {
    DeltaTracker tracker{false};
    (void)tracker.advance(reading(0s, {}), {BitRate{100'000'000}});
    const auto slower = tracker.advance(reading(10s, {100'000'000}), {BitRate{10'000'000}});
    CHECK(slower.suspect_received == Bytes{0});
    const auto slow = tracker.advance(reading(20s, {200'000'000}), {BitRate{10'000'000}});
    CHECK(slow.suspect_received == Bytes{100'000'000 - 13'750'000});
}

TEST_CASE("DeltaTracker leaves a garbage reading out and goes on after it", "[meter]") {
    DeltaTracker tracker{false, reading(0s, {1000, 10, 5, 5})};
    const auto garbage = tracker.advance(reading(10s, {~std::uint64_t{0} - 3}), kUnknownRate);
    CHECK(garbage.continuity == Continuity::implausible);
    CHECK(garbage.counted == Counters{});
    CHECK(rx(tracker.advance(reading(20s, {1200, 10, 6, 5}), kUnknownRate)) == 200);
}

TEST_CASE("A line's capacity saturates instead of overflowing", "[meter]") {
    CHECK(carried_at_most(BitRate{8'000}, 1s) == 2'000);
    CHECK(carried_at_most(BitRate{8'000}, -5s) == 1'000);
    CHECK(carried_at_most(BitRate{0}, 1h) == 0);
    CHECK(carried_at_most(BitRate{~std::uint64_t{0}}, Millis{1} * (std::int64_t{1} << 60)) >
          (std::uint64_t{1} << 50));
}
