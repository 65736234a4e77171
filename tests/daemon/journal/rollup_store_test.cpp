#include "daemon/journal/rollup_store.hpp"

#include <catch2/catch.hpp>

#include "daemon/journal/journal.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

constexpr auto kEver = wall_from_ms(INT64_MIN);
constexpr auto kAlways = wall_from_ms(INT64_MAX);

std::vector<UsageRow> usage(Journal& journal, UsagePeriod period) {
    auto rows = journal.usage(period, kEver, kAlways);
    if (!rows) FAIL(rows.error().detail);
    return *rows;
}

/// Three hours of minutes with an anchor at the first, and a checkpoint after some of them.
void three_hours(Journal& journal, bool with_checkpoints, bool anchored_late) {
    if (!journal.begin_epoch(epoch_fact(1), at(1, 5), beginning())) FAIL("no epoch");
    for (std::int64_t n = 0; n < 180; ++n) {
        std::vector<RecordBody> bodies;
        if (n == (anchored_late ? 100 : 0)) {
            bodies.emplace_back(anchor(1, 7 + n * 60, 1'772'294'000 + n * 60));
        }
        bodies.emplace_back(nth_minute(1, n));
        if (!journal.append(journal.state().last.next(), bodies)) FAIL("no commit");
        if (with_checkpoints && n % 60 == 40 && !journal.checkpoint()) FAIL("no checkpoint");
    }
}

}  // namespace

TEST_CASE("Roll-ups are the same with checkpoints, without any, and after a crash between them",
          "[journal][rollup]") {
    const TempFolder folder;
    const bool anchored_late = GENERATE(false, true);
    std::vector<std::vector<UsageRow>> hours;
    for (const bool with_checkpoints : {false, true}) {
        JournalOptions options;
        options.path = folder.file(with_checkpoints ? "a.db" : "b.db");
        auto journal = std::move(*Journal::open(options));
        three_hours(*journal, with_checkpoints, anchored_late);
        journal.reset();  // what was not written is forgotten, as in a crash
        journal = std::move(*Journal::open(options));
        hours.push_back(usage(*journal, UsagePeriod::hour));
        REQUIRE(journal->checkpoint());
        CHECK(usage(*journal, UsagePeriod::hour) == hours.back());
        for (const auto period : {UsagePeriod::day, UsagePeriod::month, UsagePeriod::year}) {
            UsageSum total;
            for (const auto& row : usage(*journal, period)) total += row.sum;
            UsageSum by_hour;
            for (const auto& row : hours.back()) by_hour += row.sum;
            CHECK(total.received == by_hour.received);
            CHECK(total.peak_receive == by_hour.peak_receive);
            CHECK(total.minutes == by_hour.minutes);
        }
        CHECK(usage(*journal, UsagePeriod::month).size() == 2);  // over the end of February
    }
    CHECK(hours[0] == hours[1]);
    REQUIRE(hours[0].size() == 4);
    std::uint64_t received = 0;
    for (const auto& row : hours[0]) {
        CHECK(row.name == "wan");
        CHECK(row.is_role);
        CHECK_FALSE(row.is_undated);
        received += row.sum.received.value;
    }
    CHECK(received == 180 * 6 * 50'000);
    CHECK(hours[0][1].sum.measured_s == 3600);
}

TEST_CASE("Usage without a clock is one undated row", "[journal][rollup]") {
    const TempFolder folder;
    auto journal = std::move(*Journal::open({.path = folder.file("journal.db")}));
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    REQUIRE(journal->append(Seq{6}, {nth_minute(1, 0), nth_minute(1, 1)}));
    REQUIRE(journal->checkpoint());
    const auto rows = usage(*journal, UsagePeriod::day);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].is_undated);
    CHECK(rows[0].sum.received == Bytes{600'000});
    CHECK(rows[0].sum.measured_s == 110);
}

TEST_CASE("Hours and days expire, months and years stay", "[journal][rollup]") {
    const TempFolder folder;
    auto journal = std::move(*Journal::open({.path = folder.file("journal.db")}));
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    constexpr std::int64_t kDay = 86'400;
    std::uint64_t last = 5;
    for (std::int64_t day = 0; day < 500; day += 10) {
        REQUIRE(
            journal->append(Seq{last + 1}, {anchor(1, 8 + day * kDay, 1'772'300'000 + day * kDay),
                                            minute(1, 10 + day * kDay, day * 100, 100)}));
        last += 2;
        REQUIRE(journal->checkpoint());
    }
    for (const auto& row : usage(*journal, UsagePeriod::hour)) {
        CHECK(to_ms(row.start) >= (1'772'300'000 + (490 - 91) * kDay) * 1000);
    }
    for (const auto& row : usage(*journal, UsagePeriod::day)) {
        CHECK(to_ms(row.start) >= (1'772'300'000 + (490 - 401) * kDay) * 1000);
    }
    UsageSum ever;
    for (const auto& row : usage(*journal, UsagePeriod::year)) ever += row.sum;
    CHECK(ever.received == Bytes{490 * 100 + 600});
}
