// What gateways tell of their journals' own troubles, and outages told as one, as SQL shows them.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "common/model/facts.hpp"
#include "common/model/reduction.hpp"
#include "common/model/storage_facts.hpp"
#include "daemon/province/schema.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"
#include "tests/support/sample_site.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::province;

namespace {

constexpr WallTime kNow = wall_from_ms(1'795'000'000'000);

std::unique_ptr<Store> open_store(const std::string& path) {
    auto store = Store::open({.path = path, .vfs = {}, .new_id = {{1, 2, 3}}});
    REQUIRE(store);
    return *std::move(store);
}

std::unique_ptr<Database> look_into(const std::string& path) {
    auto database = Database::open(path, "");
    REQUIRE(database);
    return *std::move(database);
}

std::string text(Database& database, const std::string& sql) {
    auto rows = database.query(sql);
    return rows.next() ? rows.text(0) : "no row";
}

DeviceTime at(std::int64_t ms) {
    return {BootNo{1}, monotonic_from_ms(ms)};
}

/// `site` with an anchor, then `events` as further records.
void accept_with(Store& store, const SampleSite& site, const std::vector<Event>& events) {
    REQUIRE(store.accept(site.all(), kNow));
    std::vector<Record> records;
    auto seq = site.last();
    for (const auto& event : events) {
        seq = seq.next();
        records.push_back({.seq = seq, .body = event});
    }
    REQUIRE(store.accept({.site = site.site(),
                          .epoch = site.epoch(),
                          .before = site.head(site.last()),
                          .pack = wire::encode_pack(records)},
                         kNow));
}

/// Forty outages of a loose cable within a little more than an hour.
Event folded_outage() {
    Outage often;
    often.id = 8;
    often.link = "wan";
    often.cause = Cause::carrier;
    often.confidence = Confidence::low;
    often.last_good = at(100'000);
    often.first_bad = at(103'000);
    often.last_bad = at(4'000'000);
    often.first_good = at(4'003'000);
    often.fold = Fold{.count = 40,
                      .certain = Millis{120'000},
                      .possible = Millis{360'000},
                      .longest_certain = Millis{9'000},
                      .longest_possible = Millis{15'000}};
    return to_event(often, at(4'003'000));
}

Event single_outage() {
    Outage once;
    once.id = 9;
    once.link = "wan";
    once.cause = Cause::isp;
    once.last_good = at(5'000'000);
    once.first_bad = at(5'003'000);
    once.last_bad = at(5'600'000);
    once.first_good = at(5'603'000);
    return to_event(once, at(5'603'000));
}

Event storage(const char* state, std::int64_t since_ms, std::int64_t at_ms) {
    return to_event(StorageFact{.state = state,
                                .detail = "fsync journal.db: Input/output error",
                                .since = monotonic_from_ms(since_ms)},
                    at(at_ms));
}

Event many_carriers() {
    return to_event(SummaryFact{.kind = EventKind::carrier,
                                .count = 3'540,
                                .first = at(3'600'000),
                                .last = at(7'190'000)},
                    at(7'200'000));
}

Event loss(std::uint64_t id, std::uint64_t count, std::uint64_t last, std::int64_t at_ms) {
    return to_event(LossFact{.what = "readings",
                             .reason = "quota",
                             .count = count,
                             .first = at(60'000),
                             .last = at(60'000 + static_cast<std::int64_t>(count) * 60'000),
                             .id = id,
                             .epoch = {},
                             .first_seq = Seq{5},
                             .last_seq = Seq{last}},
                    at(at_ms));
}

constexpr const char* kOutages =
    "SELECT group_concat(outages || ' ' || least_s || ' ' || most_s || ' ' || longest_least_s || "
    "' ' || longest_most_s, ', ') FROM (SELECT * FROM outage ORDER BY outage)";
constexpr const char* kExpectedOutages = "40 120.0 360.0 9.0 15.0, 1 597.0 603.0 597.0 603.0";

}  // namespace

TEST_CASE("SQL shows folded outages as long as the link was down, and the longest of them",
          "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    SampleSite site{"muara-siran"};
    site.anchor();
    accept_with(*open_store(path), site, {folded_outage(), single_outage()});
    auto db = look_into(path);
    CHECK(text(*db, kOutages) == kExpectedOutages);
    CHECK(db->number("SELECT count(*) FROM outage WHERE longest_least_s > 300") == 1);
    CHECK_FALSE(db->failure());
}

TEST_CASE("SQL shows the storage's troubles, what was only counted, and what was given up",
          "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    SampleSite site{"muara-siran"};
    site.anchor();
    accept_with(
        *open_store(path), site,
        {storage("broken", 90'000, 100'000), storage("well", 160'000, 170'000), many_carriers(),
         loss(1, 10, 14, 7'300'000), loss(1, 20, 24, 7'400'000), loss(2, 3, 60, 7'500'000)});
    auto db = look_into(path);
    CHECK(text(*db,
               "SELECT group_concat(state || (julianday(time) - julianday(since) BETWEEN "
               "0.00011 AND 0.00012), ' ') FROM (SELECT * FROM storage ORDER BY seq)") ==
          "broken1 well1");
    CHECK(text(*db, "SELECT detail FROM storage") == "fsync journal.db: Input/output error");
    CHECK(text(*db,
               "SELECT of_kind || count || ' ' || round((julianday(to_time) - "
               "julianday(from_time)) * 86400) FROM summary") == "carrier3540 3590.0");
    // Of a loss with a number the newest event holds.
    CHECK(text(*db,
               "SELECT group_concat(what || reason || count || ' ' || first || '-' || last || ' ' "
               "|| round((julianday(to_time) - julianday(from_time)) * 86400), ', ') FROM "
               "(SELECT * FROM loss ORDER BY last)") ==
          "readingsquota20 5-24 1200.0, readingsquota3 5-60 180.0");
    CHECK(db->number("SELECT count(*) FROM loss WHERE epoch = (SELECT epoch FROM epoch)") == 2);
    CHECK_FALSE(db->failure());
}

TEST_CASE("A store of version 3 is brought up with folded outages and the names of new events",
          "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    SampleSite site{"muara-siran"};
    site.anchor();
    accept_with(
        *open_store(path), site,
        {folded_outage(), single_outage(), storage("broken", 90'000, 100'000), many_carriers()});
    {
        auto db = look_into(path);
        db->script(
            "DROP VIEW outage; DROP VIEW storage; DROP VIEW summary; DROP VIEW loss;"
            "ALTER TABLE outage_row DROP COLUMN folded;"
            "ALTER TABLE outage_row DROP COLUMN certain_ms;"
            "ALTER TABLE outage_row DROP COLUMN possible_ms;"
            "ALTER TABLE outage_row DROP COLUMN longest_certain_ms;"
            "ALTER TABLE outage_row DROP COLUMN longest_possible_ms;"
            "UPDATE event_row SET kind_name = 'kind-' || kind WHERE kind > 16;"
            "PRAGMA user_version=3");
        REQUIRE_FALSE(db->failure());
    }
    open_store(path).reset();
    auto db = look_into(path);
    CHECK(db->number("PRAGMA user_version") == kSchemaVersion);
    CHECK(text(*db, kOutages) == kExpectedOutages);
    CHECK(db->number("SELECT count(*) FROM storage") == 1);
    CHECK(db->number("SELECT count(*) FROM summary") == 1);
    CHECK(db->number("SELECT count(*) FROM event WHERE kind LIKE 'kind-%'") == 0);
}

TEST_CASE("SQL counts the seconds of a state alike, from readings as taken and from merged points",
          "[province]") {
    SampleSite site{"muara-siran"};
    site.anchor();
    site.minutes(10);
    site.begin_outage(Cause::isp);
    site.minutes(7);
    site.end_outage();
    site.minutes(13);
    const auto sums = [&](bool is_reduced) {
        const TempFolder folder;
        const auto path = folder.file("p.db");
        auto batch = site.all();
        if (is_reduced) {
            auto records = site.records({Seq{1}, site.last()});
            const auto kinds = [](SeriesId) { return SeriesKind::state; };
            batch.pack = wire::encode_pack(reduce(std::move(records), 2, kinds));
        }
        REQUIRE(open_store(path)->accept(batch, kNow));
        auto db = look_into(path);
        auto sum = text(*db,
                        "SELECT group_concat(state || ':' || seconds, ' ') FROM (SELECT state, "
                        "sum(seconds) AS seconds FROM state_time WHERE name = 'link_state' GROUP "
                        "BY state ORDER BY state)");
        CHECK_FALSE(db->failure());
        CHECK((db->number("SELECT max(level) FROM state_time") > 0) == is_reduced);
        return sum;
    };
    const auto taken = sums(false);
    CHECK(taken.find("2:") != std::string::npos);
    CHECK(sums(true) == taken);
}
