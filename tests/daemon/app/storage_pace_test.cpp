#include "daemon/app/storage_pace.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kBudget = 24 * kMegabyte;  // one an hour

/// A calm instant of the day 20,000, so many hours into it, with so much written on it.
CommitPace::Signs hours(std::int64_t into_day, std::uint64_t written) {
    CommitPace::Signs signs;
    signs.local = wall_from_ms((20'000 * 24 + into_day) * 3'600'000);
    signs.written_bytes = written;
    signs.today_bytes = written;
    signs.budget_bytes = kBudget;
    signs.is_calm = true;
    return signs;
}

}  // namespace

TEST_CASE("CommitPace never changes the interval without permission, a budget or a clock",
          "[app][pace]") {
    CommitPace forbidden{60s, false};
    CommitPace pace{60s, true};
    auto signs = hours(1, 20 * kMegabyte);
    for (int i = 0; i < 10; ++i) forbidden.decide(signs);
    CHECK(forbidden.times() == 1);
    CHECK(forbidden.memory().empty());
    signs.budget_bytes = 0;
    pace.decide(signs);
    CHECK(pace.times() == 1);
    signs.budget_bytes = kBudget;
    signs.local.reset();
    pace.decide(signs);
    CHECK(pace.times() == 1);
    signs.local = wall_from_ms(-1);
    pace.decide(signs);
    CHECK(pace.times() == 1);
}

TEST_CASE("CommitPace goes back to the configured interval at once when anything is wrong",
          "[app][pace]") {
    CommitPace pace{60s, true};
    auto signs = hours(1, 20 * kMegabyte);
    for (int i = 0; i < 3; ++i) pace.decide(signs);
    REQUIRE(pace.times() > 1);
    signs.is_calm = false;
    pace.decide(signs);
    CHECK(pace.times() == 1);
    signs.is_calm = true;
    pace.decide(signs);
    REQUIRE(pace.times() == 2);
    pace.hurry();
    CHECK(pace.interval() == 60s);
}

TEST_CASE(
    "CommitPace doubles the interval at each commit of a day ahead of its budget, up to bounds",
    "[app][pace]") {
    const auto at_most = [](Millis commit) {
        CommitPace pace{commit, true};
        for (int i = 0; i < 20; ++i) pace.decide(hours(1, 20 * kMegabyte));
        return pace.interval();
    };
    CommitPace pace{60s, true};
    pace.decide(hours(1, 20 * kMegabyte));
    CHECK(pace.interval() == 120s);
    pace.decide(hours(1, 20 * kMegabyte));
    CHECK(pace.interval() == 240s);
    CHECK(at_most(60s) == 300s);
    CHECK(at_most(10s) == 100s);
    CHECK(at_most(70s) == 280s);
    CHECK(at_most(200s) == 200s);
    CHECK(at_most(900s) == 900s);
}

TEST_CASE("CommitPace lets a day write an hour's share ahead, and comes back at the even share",
          "[app][pace]") {
    CommitPace pace{60s, true};
    pace.decide(hours(0, kMegabyte));
    CHECK(pace.times() == 1);
    pace.decide(hours(0, kMegabyte + 1));
    CHECK(pace.times() == 2);
    pace.decide(hours(6, 6 * kMegabyte + 1));
    CHECK(pace.times() == 2);
    pace.decide(hours(6, 6 * kMegabyte));
    CHECK(pace.times() == 1);
    pace.decide(hours(23, 24 * kMegabyte));
    CHECK(pace.times() == 1);
    pace.decide(hours(23, 24 * kMegabyte + 1));
    CHECK(pace.times() == 2);
}

TEST_CASE("CommitPace begins each day anew, before the journal's own count does", "[app][pace]") {
    CommitPace pace{60s, true};
    for (int i = 0; i < 5; ++i) pace.decide(hours(23, 30 * kMegabyte));
    REQUIRE(pace.times() == 5);
    // The journal's checkpoint comes within the hour; what it says until then is yesterday's.
    for (int i = 0; i < 5; ++i) pace.decide(hours(24, 30 * kMegabyte));
    CHECK(pace.times() == 1);
    auto signs = hours(25, 31 * kMegabyte);
    signs.today_bytes = kMegabyte;
    pace.decide(signs);
    CHECK(pace.times() == 1);
}

TEST_CASE("CommitPace counts what earlier processes of the day wrote, and forgets yesterday's",
          "[app][pace]") {
    auto signs = hours(12, 20 * kMegabyte);
    signs.written_bytes = 0;
    CommitPace later{60s, true};
    later.decide(signs);
    CHECK(later.times() == 2);
    // Begun just after midnight, when the journal still told of yesterday.
    CommitPace early{60s, true};
    signs = hours(0, 20 * kMegabyte);
    signs.written_bytes = 0;
    early.decide(signs);
    CHECK(early.times() == 2);
    signs = hours(1, 0);
    early.decide(signs);
    CHECK(early.times() == 1);
}

TEST_CASE("CommitPace tells the next life for how long this one may be silent", "[app][pace]") {
    CommitPace pace{60s, true};
    CHECK(CommitPace::silence_of(pace.memory(), 60s) == 60s);
    pace.decide(hours(1, 20 * kMegabyte));
    pace.decide(hours(1, 20 * kMegabyte));
    CHECK(pace.memory() == "240000");
    CHECK(CommitPace::silence_of(pace.memory(), 60s) == 240s);
    CHECK(CommitPace::silence_of(pace.memory(), 900s) == 900s);
    for (const auto* text : {"", "x", "240000x", "-1", "0", "300001", "99999999999999999999"}) {
        CHECK(CommitPace::silence_of(text, 60s) == 60s);
    }
}

TEST_CASE("CommitPace keeps within its bounds whatever it is told", "[app][pace]") {
    std::mt19937_64 random{test_seed()};
    const auto any = [&random] { return random() >> (2 + random() % 62); };
    for (unsigned round = 0; round < test_rounds(2'000); ++round) {
        const Millis commit{static_cast<std::int64_t>(10'000 + random() % 890'001)};
        CommitPace pace{commit, true};
        for (int i = 0; i < 20; ++i) {
            CommitPace::Signs signs;
            signs.local = wall_from_ms(static_cast<std::int64_t>(any()));
            signs.written_bytes = any();
            signs.today_bytes = any();
            signs.budget_bytes = any();
            signs.is_calm = random() % 4 != 0;
            pace.decide(signs);
            REQUIRE(pace.times() >= 1);
            REQUIRE(pace.times() <= CommitPace::kMostTimes);
            REQUIRE((pace.times() == 1 || pace.interval() <= CommitPace::kLongest));
            REQUIRE((signs.is_calm || pace.times() == 1));
        }
    }
}
