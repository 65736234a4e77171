// Outages of all links, power, endings of boots, notes, clock and path as SQL shows them, and
// stores of earlier versions.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "common/model/facts.hpp"
#include "common/model/reduction.hpp"
#include "daemon/province/schema.hpp"
#include "daemon/province/sites_json.hpp"
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

/// `events` as the records after all of `site`'s.
wire::Batch batch_after(const SampleSite& site, const std::vector<Event>& events) {
    std::vector<Record> records;
    auto seq = site.last();
    for (const auto& event : events) {
        seq = seq.next();
        records.push_back({.seq = seq, .body = event});
    }
    return {.site = site.site(),
            .epoch = site.epoch(),
            .before = site.head(site.last()),
            .pack = wire::encode_pack(records)};
}

Outage outage(std::uint64_t id, const char* link, Cause cause, Confidence confidence) {
    Outage fact;
    fact.id = id;
    fact.link = link;
    fact.cause = cause;
    fact.confidence = confidence;
    fact.last_good = at(100'000);
    fact.first_bad = at(103'000);
    return fact;
}

std::vector<Event> sample_events() {
    auto over = outage(7, "service-sidesa", Cause::service, Confidence::low);
    over.last_bad = at(200'000);
    over.first_good = at(203'000);
    const BootEndFact ending{.boot = BootNo{1},
                             .ending = Cause::power,
                             .confidence = Confidence::high,
                             .last_alive = at(90'000),
                             .evidence = "mains off"};
    const NoteFact note{.kind = "maintenance",
                        .author = "Budi",
                        .text = "ganti kabel",
                        .from = wall_from_ms(1'795'240'800'000),
                        .to = std::nullopt};
    const PowerFact power{.name = "ac",
                          .kind = "mains",
                          .is_online = false,
                          .status = "",
                          .capacity_percent = std::nullopt};
    return {to_event(outage(5, "wan", Cause::isp, Confidence::high), at(110'000)),
            to_event(outage(6, "hotspot", Cause::hotspot, Confidence::medium), at(111'000)),
            to_event(over, at(210'000)),
            to_event(power, at(211'000)),
            to_event(ending, at(212'000)),
            to_event(note, at(213'000)),
            to_event(ClockFact{.correction = Millis{-1500}, .source = AnchorSource::province},
                     at(214'000)),
            to_event(PathFact{.confidence = "suspect", .path = "in_path", .reason = "offload"},
                     at(215'000))};
}

}  // namespace

TEST_CASE("SQL shows power, endings, notes, clock and path in views of their own", "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    SampleSite site{"muara-siran"};
    site.anchor();
    REQUIRE(open_store(path)->accept(site.all(), kNow));
    REQUIRE(open_store(path)->accept(batch_after(site, sample_events()), kNow));
    auto db = look_into(path);
    CHECK(text(*db,
               "SELECT group_concat(outage || link || cause || confidence || is_open, ' ') FROM "
               "(SELECT * FROM outage ORDER BY outage)") ==
          "5wanisphigh1 6hotspothotspotmedium1 7service-sidesaservicelow0");
    CHECK(text(*db,
               "SELECT name || supply_kind || is_online || (capacity_percent IS NULL) || "
               "(time IS NOT NULL) FROM power") == "acmains011");
    CHECK(text(*db, "SELECT ended_boot || ending || confidence || evidence FROM boot_end") ==
          "1powerhighmains off");
    CHECK(text(*db,
               "SELECT note_kind || author || text || from_time || (to_time IS NULL) FROM "
               "note") == "maintenanceBudiganti kabel2026-11-21T06:00:00.000Z1");
    CHECK(text(*db, "SELECT correction_s || source FROM clock") == "-1.5province");
    CHECK(text(*db, "SELECT confidence || path || reason FROM path") == "suspectin_pathoffload");
    for (const char* view : {"power", "boot_end", "note", "clock", "path"}) {
        INFO(view);
        CHECK(db->number(std::string{"SELECT count(*) FROM "} + view +
                         " WHERE site = 'muara-siran' AND local_time IS NOT NULL") == 1);
    }
    CHECK_FALSE(db->failure());
}

TEST_CASE("The newest state of an outage holds, its confidence too", "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    SampleSite site{"muara-siran"};
    REQUIRE(open_store(path)->accept(site.all(), kNow));
    const auto before = outage(5, "wan", Cause::unknown, Confidence::low);
    const auto now = outage(5, "wan", Cause::isp, Confidence::high);
    REQUIRE(open_store(path)->accept(
        batch_after(site, {to_event(before, at(110'000)), to_event(now, at(120'000))}), kNow));
    CHECK(text(*look_into(path), "SELECT cause || confidence FROM outage") == "isphigh");
}

TEST_CASE("The list shows the open outage of the WAN, whatever else is down", "[province]") {
    const TempFolder folder;
    SampleSite site{"muara-siran"};
    site.anchor();
    auto store = open_store(folder.file("p.db"));
    REQUIRE(store->accept(site.all(), kNow));
    auto events = sample_events();
    const std::vector<Event> beside{events[1]};
    REQUIRE(store->accept(batch_after(site, beside), kNow));
    CHECK_FALSE(store->list()->front().outage);
    auto later = batch_after(site, {events[1], events[0], events[1]});
    REQUIRE(store->accept(later, kNow));
    REQUIRE(store->list()->front().outage);
    CHECK(store->list()->front().outage->cause == Cause::isp);
}

TEST_CASE("A store of version 1 is opened, brought up and gives what it had kept", "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    SampleSite site{"muara-siran"};
    site.anchor();
    {
        auto store = open_store(path);
        REQUIRE(store->accept(site.all(), kNow));
        REQUIRE(store->accept(batch_after(site, sample_events()), kNow));
    }
    {
        // What version 1 would have made of the same batches.
        auto db = look_into(path);
        db->script(
            "DROP VIEW outage; ALTER TABLE outage_row DROP COLUMN link;"
            "ALTER TABLE outage_row DROP COLUMN confidence;"
            "UPDATE event_row SET kind_name = 'kind-' || kind WHERE kind > 11;"
            "DROP VIEW power; DROP VIEW boot_end; DROP VIEW note; DROP VIEW clock;"
            "DROP VIEW path; DROP VIEW reduced; DROP VIEW unverified; DROP TABLE reduced_row;"
            "ALTER TABLE outage_row DROP COLUMN folded;"
            "ALTER TABLE outage_row DROP COLUMN certain_ms;"
            "ALTER TABLE outage_row DROP COLUMN possible_ms;"
            "ALTER TABLE outage_row DROP COLUMN longest_certain_ms;"
            "ALTER TABLE outage_row DROP COLUMN longest_possible_ms;"
            "PRAGMA user_version=1");
        REQUIRE_FALSE(db->failure());
    }
    const auto list = open_store(path)->list();
    REQUIRE(list);
    REQUIRE(list->front().outage);
    CHECK(list->front().outage->cause == Cause::isp);
    auto db = look_into(path);
    CHECK(db->number("PRAGMA user_version") == kSchemaVersion);
    CHECK(text(*db,
               "SELECT group_concat(outage || link || confidence, ' ') FROM "
               "(SELECT * FROM outage ORDER BY outage)") ==
          "5wanhigh 6hotspotmedium 7service-sidesalow");
    CHECK(db->number("SELECT count(*) FROM power") == 1);
    CHECK(db->number("SELECT count(*) FROM path") == 1);
    CHECK(db->number("SELECT count(*) FROM event WHERE kind LIKE 'kind-%'") == 0);
}

TEST_CASE("A store of version 2 takes reduced records after it was brought up", "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    SampleSite site{"muara-siran"};
    site.minutes(3);
    const auto half = site.last();
    REQUIRE(open_store(path)->accept(site.all(), kNow));
    look_into(path)->script(
        "DROP VIEW reduced; DROP VIEW unverified; DROP VIEW state_time; DROP TABLE reduced_row;"
        "DROP VIEW outage; ALTER TABLE outage_row DROP COLUMN folded;"
        "ALTER TABLE outage_row DROP COLUMN certain_ms;"
        "ALTER TABLE outage_row DROP COLUMN possible_ms;"
        "ALTER TABLE outage_row DROP COLUMN longest_certain_ms;"
        "ALTER TABLE outage_row DROP COLUMN longest_possible_ms;"
        "PRAGMA user_version=2");
    site.minutes(3);
    auto batch = site.batch(half.next().value, site.last().value);
    auto records = site.records({half.next(), site.last()});
    REQUIRE(empty_out(records.back()));
    batch.pack = wire::encode_pack(records);
    auto store = open_store(path);
    const auto receipt = store->accept(batch, kNow);
    REQUIRE(receipt);
    CHECK(receipt->through == site.last());
    CHECK(store->list()->front().epochs.front().reduced ==
          std::vector<ReducedRange>{{{site.last(), site.last()}, kMaxLevel}});
}

TEST_CASE("A store of an unknown version is left as it is", "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    open_store(path).reset();
    look_into(path)->script("PRAGMA user_version=99");
    const auto store = Store::open({.path = path, .vfs = {}, .new_id = {{1, 2, 3}}});
    REQUIRE_FALSE(store);
    CHECK(store.error().detail.find("has schema version 99, this program knows ") !=
          std::string::npos);
    CHECK(look_into(path)->number("PRAGMA user_version") == 99);
}

TEST_CASE("A degraded link goes through the list's JSON and into its table", "[province]") {
    SiteSummary site;
    site.site = "muara-siran";
    site.link = LinkState::degraded;
    const auto back = sites_from_json(to_json(std::vector{site}));
    REQUIRE(back);
    CHECK(back->front().link == LinkState::degraded);
    CHECK(to_table(*back, kNow, Language::indonesian).find("tersendat") != std::string::npos);
    CHECK(to_table(*back, kNow, Language::english).find("degraded") != std::string::npos);
}
