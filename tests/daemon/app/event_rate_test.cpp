#include "daemon/app/event_rate.hpp"

#include <catch2/catch.hpp>

#include "common/model/facts.hpp"

using namespace gerbang;

namespace {

constexpr BootNo kBoot{2};

DeviceTime second(std::int64_t s) {
    return {kBoot, monotonic_from_ms(s * 1000)};
}

Event carrier(std::int64_t s) {
    return to_event(CarrierFact{.name = "eth0", .is_up = s % 2 == 0, .changes = 1}, second(s));
}

}  // namespace

TEST_CASE("EventRate turns a day of a loose cable into 61 events an hour and forgets none",
          "[app][rate]") {
    EventRate rate;
    std::uint64_t kept = 0;
    std::uint64_t summed = 0;
    std::uint64_t summaries = 0;
    const auto take = [&](const std::vector<SummaryFact>& facts) {
        for (const auto& fact : facts) {
            ++summaries;
            summed += fact.count;
            CHECK(fact.kind == EventKind::carrier);
            CHECK(fact.first < fact.last);
        }
    };
    for (std::int64_t s = 0; s < 86'400; ++s) {
        if (rate.admit(carrier(s))) ++kept;
        if (s % 10 == 0) take(rate.due(second(s)));
    }
    take(rate.all());
    CHECK(kept == 24 * EventRate::kMost);
    CHECK(summaries == 24);
    CHECK(kept + summed == 86'400);
}

TEST_CASE("EventRate bounds each kind by itself and no protected one", "[app][rate]") {
    EventRate rate;
    for (std::int64_t s = 0; s < 200; ++s) {
        CHECK(rate.admit(to_event(StopFact{.reason = "signal"}, second(s))));
        (void)rate.admit(carrier(s));
    }
    CHECK(
        rate.admit(to_event(StorageFact{.state = "full", .detail = {}, .since = {}}, second(300))));
    CHECK_FALSE(rate.admit(carrier(301)));
    // Within the hour nothing is told; after it once.
    CHECK(rate.due(second(3599)).empty());
    const auto facts = rate.due(second(3600));
    REQUIRE(facts.size() == 1);
    CHECK(facts[0] == SummaryFact{EventKind::carrier, 141, second(60), second(301)});
    CHECK(rate.due(second(3601)).empty());
    CHECK(rate.admit(carrier(3602)));
}

TEST_CASE("The events of storage and of summaries come back as they were told", "[app][rate]") {
    const StorageFact storage{.state = "read_only", .detail = "write", .since = second(5).at};
    CHECK(*storage_from(to_event(storage, second(9))) == storage);
    const SummaryFact summary{EventKind::power, 7, second(1), second(2)};
    CHECK(*summary_from(to_event(summary, second(9))) == summary);
    CHECK(defect_of(to_event(summary, second(9))).empty());
    CHECK_FALSE(summary_from(to_event(storage, second(9))).has_value());
    auto broken = to_event(summary, second(9));
    broken.fields[1].value = std::int64_t{0};
    CHECK_FALSE(summary_from(broken).has_value());
    auto late = to_event(storage, second(9));
    late.fields[2].value = std::int64_t{9001};
    CHECK_FALSE(storage_from(late).has_value());
}
