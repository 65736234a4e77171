#include <catch2/catch.hpp>
#include <vector>

#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {
namespace {

/// What an outage wrote, the newest state of each segment.
class Told {
public:
    void take(const std::vector<Outage>& written) {
        for (const auto& segment : written) {
            if (segment.segment > segments.size()) segments.resize(segment.segment);
            segments[segment.segment - 1] = segment;
        }
    }
    void check_is_whole() const {
        for (std::size_t i = 1; i < segments.size(); ++i) {
            CHECK(segments[i].id == segments[0].id);
            CHECK(segments[i].last_good == *segments[i - 1].last_bad);
            CHECK(segments[i].first_bad == *segments[i - 1].first_good);
        }
    }

    std::vector<Outage> segments;
};

}  // namespace

TEST_CASE("Ledger keeps an outage that changes its cause for months in few segments", "[ledger]") {
    Healthy ledger;
    Told told;
    std::int64_t now = 100;
    int doubtful = 0;
    // Four rounds of each in turn, for 90 days.
    for (int i = 0; i < 90 * 8640; ++i) {
        now += 10;
        told.take(ledger.observe(i / 4 % 2 == 0 ? dead(now) : unplugged(now)));
        if (told.segments.size() > 8 && ledger.is_in_doubt()) ++doubtful;
    }
    REQUIRE(told.segments.size() == 9);
    CHECK(told.segments[7].cause == Cause::carrier);
    CHECK(told.segments[8].cause == Cause::undetermined);
    CHECK(told.segments[8].confidence == Confidence::none);
    CHECK(told.segments[8].evidence ==
          "changes its cause too often to be told each time, now: isp; a: time-out");
    CHECK(doubtful == 0);

    // A cause that stays is told again, from then on, and the next change is not.
    const auto settled = now - 30;  // four rounds told of it already
    while (told.segments.size() == 9) told.take(ledger.observe(unplugged(now += 10)));
    CHECK(now - settled >= 600);
    CHECK(now - settled <= 650);
    CHECK(told.segments[9].cause == Cause::carrier);
    CHECK(told.segments[9].first_bad == at(now));
    for (int i = 0; i < 3; ++i) told.take(ledger.observe(dead(now += 10)));
    REQUIRE(told.segments.size() == 11);
    CHECK(told.segments[10].cause == Cause::undetermined);
    told.take(ledger.observe(good(now += 10)));
    told.check_is_whole();
    CHECK_FALSE(ledger.open());

    // The next outage has its own segments.
    for (int i = 0; i < 3; ++i) told.take(ledger.observe(dead(now += 3)));
    CHECK(ledger.cause() == Cause::isp);
}

TEST_CASE("Ledger waits longer for a cause the more of them an outage had", "[ledger]") {
    Healthy ledger;
    Told told;
    std::int64_t now = 100;
    // Eleven minutes of each in turn, for a year.
    for (std::int64_t i = 0; i < 365 * 8640; ++i) {
        now += 10;
        told.take(ledger.observe(i / 66 % 2 == 0 ? dead(now) : unplugged(now)));
    }
    CHECK(told.segments.size() == 25);
    CHECK(ledger.cause() == Cause::undetermined);
    // Two days of each.
    for (std::int64_t i = 0; i < 365 * 8640; ++i) {
        now += 10;
        told.take(ledger.observe(i / 17'280 % 2 == 0 ? dead(now) : unplugged(now)));
    }
    CHECK(told.segments.size() > 300);
    CHECK(told.segments.size() <= 25 + 366);
    told.check_is_whole();
}

TEST_CASE("Ledger of a link that can be looked at by turns only stays bounded", "[ledger]") {
    OutageIds ids;
    Ledger ledger{3, "service-a", ids, false};
    Told told;
    std::int64_t now = 100;
    (void)ledger.start(std::nullopt, at(90), false);
    (void)ledger.observe(good(100));
    for (int i = 0; i < 30 * 8640; ++i) {
        now += 10;
        auto verdict = i / 20 % 2 == 0 ? dead(now) : unasked(now);
        told.take(ledger.observe(verdict));
    }
    CHECK(told.segments.size() == 8);
    CHECK(ledger.state() == LinkState::unknown);
    CHECK(told.segments.back().cause == Cause::unknown);
    while (ledger.state() == LinkState::unknown) told.take(ledger.observe(dead(now += 10)));
    CHECK(ledger.cause() == Cause::isp);
    told.take(ledger.observe(good(now += 10)));
    told.check_is_whole();
}

}  // namespace gerbang
