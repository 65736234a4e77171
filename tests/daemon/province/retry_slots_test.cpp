#include "daemon/province/retry_slots.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace gerbang;
using namespace gerbang::province;
using namespace std::chrono_literals;

TEST_CASE("RetrySlots spreads a herd at half the pace of the store", "[province]") {
    RetrySlots slots;
    auto now = monotonic_from_ms(1'000'000);
    // 40 batches a second, for a minute.
    for (int i = 0; i < 60 * 40; ++i) slots.kept(now += Millis{25});
    CHECK(slots.pace() >= 39);
    CHECK(slots.pace() <= 41);
    std::map<Seconds, int> arrivals;
    for (int i = 0; i < 841; ++i) ++arrivals[slots.next(now)];
    CHECK(arrivals.begin()->first == RetrySlots::kLeast);
    CHECK(arrivals.rbegin()->first >= 40s);
    CHECK(arrivals.rbegin()->first <= 60s);
    for (const auto& [at, count] : arrivals) {
        INFO(at.count());
        CHECK(count <= 21);
    }
}

TEST_CASE("RetrySlots never sends anybody away for long, however many come", "[province]") {
    RetrySlots slots;
    const auto now = monotonic_from_ms(0);
    for (int i = 0; i < 100'000; ++i) {
        const auto wait = slots.next(now);
        REQUIRE(wait >= RetrySlots::kLeast);
        REQUIRE(wait <= RetrySlots::kMost);
    }
    CHECK(slots.next(now + 1h) == RetrySlots::kLeast);
}

TEST_CASE("RetrySlots learns nothing from an idle store", "[province]") {
    RetrySlots slots;
    auto now = monotonic_from_ms(0);
    const auto before = slots.pace();
    for (int i = 0; i < 50; ++i) slots.kept(now += 60s);
    CHECK(slots.pace() == before);
}
