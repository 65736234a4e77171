// What people see who open the store with plain SQL.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <regex>
#include <sstream>
#include <tuple>

#include "common/model/facts.hpp"
#include "common/model/storage_facts.hpp"
#include "common/model/timeline.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"
#include "tests/support/sample_site.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace gerbang::province;

namespace {

constexpr WallTime kNow = wall_from_ms(1'795'000'000'000);

/// A folder of the test's own, removed at the end.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "province-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

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

/// (seq, series id, device ms) -> (raw value, wall ms or -1)
using Readings = std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>,
                          std::pair<std::int64_t, std::int64_t>>;

/// What the view must show: every reading, placed by the same rule as everywhere (Timeline). Ticks
/// are bound by the chunk before theirs, whatever events stand between the two.
Readings expected_readings(const std::vector<Record>& records) {
    Timeline timeline;
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != EventKind::anchor) continue;
        const auto anchor = anchor_from(*event);
        REQUIRE(anchor);
        timeline.add(record.seq, *anchor);
    }
    PrefixStamper stamper{timeline, std::nullopt};
    std::optional<WallTime> last_chunk;
    Readings readings;
    for (const auto& record : records) {
        const auto seq = static_cast<std::int64_t>(record.seq.value);
        const auto* chunk = std::get_if<Chunk>(&record.body);
        const auto of_record = stamper.stamp(record.seq, time_of(record.body).value());
        if (chunk == nullptr) continue;
        const auto bound = last_chunk;
        if (of_record) last_chunk = of_record;
        for (const auto& tick : ticks_of(*chunk)) {
            auto wall = timeline.wall_of(record.seq, {chunk->boot, tick.at});
            if (wall && bound) wall = std::max(*wall, *bound);
            for (const auto& reading : tick.readings) {
                readings[{seq, reading.series.value, to_ms(tick.at)}] = {reading.value,
                                                                         wall ? to_ms(*wall) : -1};
            }
        }
    }
    return readings;
}

Readings readings_in(Database& database, const std::string& epoch) {
    Readings readings;
    auto rows = database.query(
        "SELECT seq, series_id, device_ms, raw, coalesce(wall_ms, -1) FROM reading "
        "WHERE epoch = ?1",
        {std::string_view{epoch}});
    while (rows.next()) {
        const auto added = readings.insert({{rows.integer(0), rows.integer(1), rows.integer(2)},
                                            {rows.integer(3), rows.integer(4)}});
        CHECK(added.second);
    }
    CHECK_FALSE(database.failure());
    return readings;
}

}  // namespace

TEST_CASE("SQL shows every reading that was sent, in whatever order the batches came",
          "[province]") {
    std::mt19937_64 random{test_seed()};
    const auto rounds = test_rounds(25);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        INFO("round " << round);
        const Folder folder;
        const auto path = folder.file("p.db");
        SampleSite site{"muara-siran", test_seed() + round};
        const auto steps = 10 + random() % 30;
        for (std::uint64_t i = 0; i < steps; ++i) {
            switch (random() % 9) {
                case 0:
                    site.anchor();
                    break;
                case 1:
                    site.anchor_off_by(
                        Millis{static_cast<std::int64_t>(random() % 600'000) - 300'000});
                    break;
                case 2:
                    site.reboot();
                    break;
                default:
                    site.minute();
            }
        }
        {
            auto store = open_store(path);
            std::vector<SeqRange> ranges;
            for (std::uint64_t first = 1; first <= site.last().value;) {
                const auto last = std::min(site.last().value, first + random() % 6);
                ranges.push_back({Seq{first}, Seq{last}});
                first = last + 1;
            }
            std::shuffle(ranges.begin(), ranges.end(), random);
            for (const auto& range : ranges) REQUIRE(store->accept(site.batch(range), kNow));
        }
        auto database = look_into(path);
        const auto expected = expected_readings(site.records());
        CHECK(readings_in(*database, to_string(site.epoch())) == expected);
        const auto usage = database->number("SELECT sum(rx_bytes) FROM usage_daily");
        const bool was_measured = !expected.empty();
        CHECK(usage.value_or(0) == (was_measured ? site.wan_rx_bytes() : 0));
        CHECK(database->number("SELECT count(*) FROM missing") == 0);
    }
}

TEST_CASE("SQL shows names, units and scaled values of readings, and null before the clock is set",
          "[province]") {
    const Folder folder;
    SampleSite site{"muara-siran"};
    site.minute();
    {
        auto store = open_store(folder.file("p.db"));
        REQUIRE(store->accept(site.all(), kNow));
    }
    auto database = look_into(folder.file("p.db"));
    CHECK(database->number("SELECT count(*) FROM reading WHERE wall_ms IS NOT NULL OR time IS NOT "
                           "NULL OR local_time IS NOT NULL") == 0);
    CHECK(database->number(
              "SELECT count(*) FROM reading WHERE name = 'temperature_celsius' AND unit = "
              "'celsius' AND kind = 'gauge' AND abs(value - raw / 10.0) < 1e-9") > 0);
    CHECK(database->number("SELECT count(*) FROM reading WHERE name = "
                           "'interface_receive_bytes_total' AND labels ->> 'interface' = 'eth0' "
                           "AND typeof(value) = 'integer'") == 6);
    CHECK(database->number("SELECT count(*) FROM reading WHERE name IS NULL") == 0);
}

TEST_CASE("SQL keeps 64-bit values exact", "[province]") {
    const Folder folder;
    SampleSite site{"muara-siran"};
    const auto last = site.last();
    auto batch = site.all();
    auto records = site.records();
    constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    const Chunk chunk{.boot = BootNo{1},
                      .level = 0,
                      .ticks = {monotonic_from_ms(30'000), monotonic_from_ms(40'000)},
                      .columns = {{.series = SeriesId{1}, .present = {}, .values = {kMin, kMax}},
                                  {.series = SeriesId{2}, .present = {}, .values = {kMax, kMax}},
                                  {.series = SeriesId{3}, .present = {0, 1}, .values = {kMin}}}};
    records.push_back({.seq = last.next(), .body = chunk});
    batch.pack = wire::encode_pack(records);
    {
        auto store = open_store(folder.file("p.db"));
        REQUIRE(store->accept(batch, kNow));
    }
    auto database = look_into(folder.file("p.db"));
    CHECK(readings_in(*database, to_string(site.epoch())) == expected_readings(records));
}

TEST_CASE("SQL places readings in time as soon as the boot's first anchor arrives", "[province]") {
    const Folder folder;
    const auto path = folder.file("p.db");
    SampleSite site{"muara-siran"};
    site.minutes(3);
    const auto before_anchor = site.last();
    site.anchor();
    site.minutes(2);
    {
        auto store = open_store(path);
        REQUIRE(store->accept(site.batch(1, before_anchor.value), kNow));
    }
    CHECK(look_into(path)->number("SELECT count(*) FROM reading WHERE time IS NOT NULL") == 0);
    {
        auto store = open_store(path);
        REQUIRE(store->accept(site.batch(before_anchor.value + 1, site.last().value), kNow));
    }
    CHECK(look_into(path)->number("SELECT count(*) FROM reading WHERE time IS NULL") == 0);
}

TEST_CASE("SQL shows outages with both bounds, boots, and the site's facts", "[province]") {
    const Folder folder;
    SampleSite site{"muara-siran"};
    site.minute();
    site.anchor();
    site.begin_outage(Cause::isp);
    site.minutes(6);
    site.end_outage();
    site.reboot();
    site.minute();
    site.anchor();
    site.begin_outage(Cause::carrier);
    site.minute();
    {
        auto store = open_store(folder.file("p.db"));
        REQUIRE(store->accept(site.all(), kNow));
    }
    auto database = look_into(folder.file("p.db"));
    CHECK(database->number("SELECT count(*) FROM outage") == 2);
    CHECK(database->number("SELECT least_s * 1000 FROM outage WHERE cause = 'isp'") == 360'000 - 0);
    CHECK(database->number("SELECT most_s * 1000 FROM outage WHERE cause = 'isp'") == 362'000);
    CHECK(database->number("SELECT count(*) FROM outage WHERE is_open AND cause = 'carrier' AND "
                           "first_good IS NULL") == 1);
    CHECK(database->number("SELECT count(*) FROM boot WHERE started IS NOT NULL AND boot_id IS "
                           "NOT NULL") == 2);
    CHECK(database->number("SELECT count(*) FROM site WHERE code = '64.02.01.2001' AND provider = "
                           "'Sinar \"Net\"' AND utc_offset_s = 28800") == 1);
    CHECK(database->number("SELECT count(*) FROM event WHERE kind = 'config' AND "
                           "fields ->> 'product' = '50 Mbit/s'") == 1);
}

TEST_CASE("SQL shows an outage as ended even if the record of its beginning comes last",
          "[province]") {
    const Folder folder;
    SampleSite site{"muara-siran"};
    site.minute();
    site.anchor();
    const auto before = site.last().value;
    site.begin_outage(Cause::isp);
    site.end_outage();
    {
        auto store = open_store(folder.file("p.db"));
        REQUIRE(store->accept(site.batch(1, before), kNow));
        REQUIRE(store->accept(site.batch(before + 2, before + 2), kNow));
        REQUIRE(store->accept(site.batch(before + 1, before + 1), kNow));
        CHECK_FALSE(store->list()->front().outage);
    }
    auto database = look_into(folder.file("p.db"));
    CHECK(database->number("SELECT is_open FROM outage") == 0);
    CHECK(database->number("SELECT count(*) FROM outage WHERE first_good IS NOT NULL") == 1);
}

TEST_CASE("SQL counts what was used after a rollback on top of what was used before it",
          "[province]") {
    const Folder folder;
    SampleSite site{"muara-siran"};
    site.anchor();
    site.minutes(5);
    const auto branch = site.last();
    const auto at_branch = site.wan_rx_bytes();
    site.minutes(3);
    auto store = open_store(folder.file("p.db"));
    REQUIRE(store->accept(site.all(), kNow));
    const auto before = site.wan_rx_bytes();
    site.roll_back(branch);
    site.new_epoch(branch, "diverged");
    site.anchor();
    site.minutes(4);
    REQUIRE(store->accept(site.all(), kNow));
    const auto list = store->list();
    REQUIRE(list);
    store.reset();
    const auto expected = before + site.wan_rx_bytes() - at_branch;
    CHECK(list->front().rx_bytes == static_cast<std::uint64_t>(expected));
    auto database = look_into(folder.file("p.db"));
    CHECK(database->number("SELECT rx_bytes FROM usage_total") == expected);
    CHECK(database->number("SELECT sum(rx_bytes) FROM usage_daily") == expected);
}

TEST_CASE("SQL counts usage once over an epoch that branched off before it counted anything",
          "[province]") {
    const Folder folder;
    SampleSite site{"muara-siran"};
    site.anchor();
    site.minutes(5);
    auto store = open_store(folder.file("p.db"));
    REQUIRE(store->accept(site.all(), kNow));
    site.new_epoch(site.last(), "rollback");
    const auto introduced = site.last();
    REQUIRE(store->accept(site.all(), kNow));
    site.new_epoch(introduced, "diverged");
    site.anchor();
    site.minutes(4);
    REQUIRE(store->accept(site.all(), kNow));
    store.reset();
    auto database = look_into(folder.file("p.db"));
    CHECK(database->number("SELECT rx_bytes FROM usage_total") == site.wan_rx_bytes());
    CHECK(database->number("SELECT tx_bytes FROM usage_total") == site.wan_tx_bytes());
    CHECK(database->number("SELECT count(*) FROM clone") == 0);
}

TEST_CASE("SQL sums every site's usage although one site sends impossible counters", "[province]") {
    const Folder folder;
    auto store = open_store(folder.file("p.db"));
    SampleSite good{"good"};
    good.anchor();
    good.minutes(3);
    REQUIRE(store->accept(good.all(), kNow));
    SampleSite bad{"bad", 2};
    bad.minute();  // introduces the series: 1 and 2 are the WAN counters
    auto records = bad.records();
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    std::int64_t ms = 10'000'000;
    for (const auto value : {kMost, std::int64_t{0}, kMost, -kMost - 1, kMost}) {
        const Tick tick{.at = monotonic_from_ms(ms += 60'000),
                        .readings = {{SeriesId{1}, value}, {SeriesId{2}, value}}};
        records.push_back({records.back().seq.next(), make_chunk(BootNo{1}, {tick})});
    }
    auto batch = bad.all();
    batch.pack = wire::encode_pack(records);
    REQUIRE(store->accept(batch, kNow));
    const auto list = store->list();
    REQUIRE(list);
    CHECK(list->size() == 2);
    store.reset();

    auto database = look_into(folder.file("p.db"));
    CHECK(database->number("SELECT count(*) FROM usage_total") == 2);
    CHECK(database->number("SELECT rx_bytes FROM usage_total WHERE site = 'good'") ==
          good.wan_rx_bytes());
    CHECK(database->number("SELECT count(*) FROM usage_daily WHERE rx_bytes > 0") == 2);
    CHECK_FALSE(database->failure());
}

TEST_CASE("SQL examples of config/province/README.md run and give rows", "[province]") {
    const Folder folder;
    SampleSite site{"muara-siran"};
    site.anchor();
    site.minutes(3);
    site.begin_outage(Cause::isp);
    site.minutes(7);
    site.end_outage();
    site.minutes(2);
    {
        auto store = open_store(folder.file("p.db"));
        REQUIRE(store->accept(site.all(), kNow));
        const BootEndFact ending{.boot = BootNo{1},
                                 .ending = Cause::power,
                                 .confidence = Confidence::high,
                                 .last_alive = {BootNo{1}, monotonic_from_ms(26'000)},
                                 .evidence = "mains off"};
        const auto event = to_event(ending, {BootNo{1}, monotonic_from_ms(900'000)});
        const auto later = DeviceTime{BootNo{1}, monotonic_from_ms(901'000)};
        const auto broken = to_event(
            StorageFact{.state = "read_only", .detail = "", .since = monotonic_from_ms(900'000)},
            later);
        LossFact lost;
        lost.what = "ticks";
        lost.reason = "ring_full";
        lost.count = 6;
        lost.first = lost.last = later;
        const auto seq = site.last().value;
        const std::vector<Record> records{{.seq = Seq{seq + 1}, .body = event},
                                          {.seq = Seq{seq + 2}, .body = broken},
                                          {.seq = Seq{seq + 3}, .body = to_event(lost, later)}};
        REQUIRE(store->accept({.site = site.site(),
                               .epoch = site.epoch(),
                               .before = site.head(site.last()),
                               .pack = wire::encode_pack(records)},
                              kNow));
    }
    auto database = look_into(folder.file("p.db"));
    std::ifstream file{std::string{GERBANG_SOURCE_DIR} + "/config/province/README.md"};
    std::stringstream text;
    text << file.rdbuf();
    const std::string readme = text.str();
    const std::regex block{"```sql\n([^`]*)```"};
    int examples = 0;
    for (auto found = std::sregex_iterator{readme.begin(), readme.end(), block};
         found != std::sregex_iterator{}; ++found) {
        const std::string sql = (*found)[1];
        INFO(sql);
        {
            auto rows = database->query(sql);
            CHECK(rows.next());
        }
        CHECK_FALSE(database->failure());
        ++examples;
    }
    CHECK(examples >= 8);
}
