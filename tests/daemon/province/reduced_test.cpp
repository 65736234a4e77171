// Records that a gateway had to reduce before it could send them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "common/model/reduction.hpp"
#include "common/model/timeline.hpp"
#include "daemon/province/sites_json.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"
#include "tests/support/sample_site.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::province;

namespace {

constexpr WallTime kNow = wall_from_ms(1'795'000'000'000);

std::unique_ptr<Store> open_store(const std::string& path = ":memory:") {
    auto store = Store::open({.path = path, .vfs = {}, .new_id = {{1, 2, 3}}});
    REQUIRE(store);
    return *std::move(store);
}

/// A site's journal at every level, block by block, as a gateway short of room would have it.
struct Levels {
    explicit Levels(const SampleSite& sample, std::uint64_t block = 20) : site{sample} {
        std::map<SeriesId, SeriesKind> kinds;
        for (const auto& record : site.records()) {
            const auto* event = std::get_if<Event>(&record.body);
            if (event == nullptr || event->kind != EventKind::series) continue;
            const auto series = series_from(*event);
            REQUIRE(series);
            kinds[series->id] = series->kind;
        }
        const auto kind_of = [&](SeriesId id) { return kinds.at(id); };
        at[0] = site.records();
        for (std::uint64_t first = 1; first <= site.last().value; first += block) {
            const SeqRange range{Seq{first}, Seq{std::min(site.last().value, first + block - 1)}};
            for (std::uint8_t level = 1; level <= kMaxLevel; ++level) {
                for (auto& record : reduce(site.records(range), level, kind_of)) {
                    at[level].push_back(std::move(record));
                }
            }
        }
    }

    [[nodiscard]] wire::Batch batch(std::uint8_t level, std::uint64_t first,
                                    std::uint64_t last) const {
        auto made = site.batch(first, last);
        const auto begin = at[level].begin() + static_cast<std::ptrdiff_t>(first - 1);
        made.pack =
            wire::encode_pack({begin, begin + static_cast<std::ptrdiff_t>(last - first + 1)});
        return made;
    }

    const SampleSite& site;
    std::array<std::vector<Record>, kMaxLevel + 1> at;
};

SampleSite busy_site(std::uint64_t seed, int minutes) {
    SampleSite site{"muara-siran", seed};
    for (int i = 0; i < minutes; ++i) {
        site.minute();
        if (i % 20 == 3) site.anchor();
        if (i % 17 == 5) site.begin_outage(Cause::isp);
        if (i % 17 == 8) site.end_outage();
        if (i % 45 == 30) site.reboot();
    }
    site.anchor();
    return site;
}

Errc refusal(const Result<Receipt>& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

std::vector<ReducedRange> reduced_of(Store& store) {
    const auto list = store.list();
    REQUIRE(list);
    return list->front().epochs.front().reduced;
}

}  // namespace

TEST_CASE("Store compares the heads around reduced records, as far as they are known",
          "[province]") {
    const auto site = busy_site(1, 60);
    const Levels journal{site};
    auto store = open_store();
    REQUIRE(store->accept(journal.batch(0, 1, 20), kNow));
    const auto otherwise = [](wire::Batch batch) {
        batch.before[3] ^= 1;
        return batch;
    };
    CHECK(refusal(store->accept(otherwise(journal.batch(1, 21, 40)), kNow)) == Errc::diverged);
    REQUIRE(store->accept(journal.batch(1, 21, 40), kNow));

    SECTION("the head after them is not known until the next batch tells it") {
        auto receipt = store->receipt(site.site(), site.epoch());
        REQUIRE(receipt);
        CHECK(receipt->through == Seq{40});
        CHECK(receipt->head == Head{});
        receipt = store->accept(journal.batch(0, 41, 50), kNow);
        REQUIRE(receipt);
        CHECK(receipt->through == Seq{50});
        CHECK(receipt->head == site.head(Seq{50}));
    }
    SECTION("what was told once holds") {
        // Ahead of the rest, so that nothing but the told head can contradict.
        REQUIRE(store->accept(journal.batch(2, 41, 60), kNow));
        CHECK(refusal(store->accept(otherwise(journal.batch(0, 41, 42)), kNow)) == Errc::diverged);
        CHECK(refusal(store->accept(otherwise(journal.batch(1, 41, 60)), kNow)) == Errc::diverged);
    }
    SECTION("a head that is known here does for a batch that comes without one") {
        REQUIRE(store->accept(journal.batch(0, 41, 50), kNow));
        auto batch = journal.batch(0, 51, 60);
        batch.before = {};
        const auto receipt = store->accept(batch, kNow);
        REQUIRE(receipt);
        CHECK(receipt->head == site.head(Seq{60}));

        // A gap whose two ends are known closes with the right records only.
        REQUIRE(store->accept(journal.batch(0, 71, 75), kNow));
        batch = journal.batch(0, 61, 70);
        auto records = site.records({Seq{61}, Seq{70}});
        const auto chunk = std::find_if(records.begin(), records.end(), [](const Record& record) {
            return std::holds_alternative<Chunk>(record.body);
        });
        REQUIRE(chunk != records.end());
        std::get<Chunk>(chunk->body).columns.front().values.front() += 1;
        batch.pack = wire::encode_pack(records);
        batch.before = {};
        CHECK(refusal(store->accept(batch, kNow)) == Errc::diverged);
        // Part of it is held already: the rest is compared all the same.
        batch.pack = wire::encode_pack(records);
        REQUIRE(store->accept(journal.batch(0, 61, 61), kNow));
        CHECK(refusal(store->accept(batch, kNow)) == Errc::diverged);
        CHECK(store->accept(journal.batch(0, 61, 70), kNow).value().head == site.head(Seq{75}));
    }
    SECTION("what follows reduced records in one batch is compared by the heads held there") {
        REQUIRE(store->accept(journal.batch(0, 41, 41), kNow));
        REQUIRE(store->accept(journal.batch(0, 61, 65), kNow));
        auto batch = journal.batch(1, 21, 40);
        std::vector<Record> records{journal.at[1].begin() + 20, journal.at[1].begin() + 40};
        for (const auto& record : site.records({Seq{41}, Seq{60}})) records.push_back(record);
        const auto right = wire::encode_pack(records);
        const auto chunk = std::find_if(records.begin() + 21, records.end(), [](const auto& each) {
            return std::holds_alternative<Chunk>(each.body);
        });
        REQUIRE(chunk != records.end());
        std::get<Chunk>(chunk->body).columns.front().values.front() += 1;
        batch.pack = wire::encode_pack(records);
        CHECK(refusal(store->accept(batch, kNow)) == Errc::diverged);
        batch.pack = right;
        CHECK(store->accept(batch, kNow).value().head == site.head(Seq{65}));
    }
    SECTION("a head that the sender does not know is no other head") {
        auto batch = journal.batch(0, 41, 50);
        batch.before = {};
        auto receipt = store->accept(batch, kNow);
        REQUIRE(receipt);
        CHECK(receipt->head == Head{});
        // Where the head before it is known here, it does for the batch too, and for what follows.
        batch = journal.batch(0, 21, 40);
        batch.before = {};
        receipt = store->accept(batch, kNow);
        REQUIRE(receipt);
        CHECK(receipt->head == site.head(Seq{50}));
    }
}

TEST_CASE("Store keeps what it holds finer, and takes what comes finer later", "[province]") {
    const auto site = busy_site(2, 60);
    const Levels journal{site};
    auto store = open_store();
    REQUIRE(store->accept(journal.batch(0, 1, 30), kNow));
    // A reduced block is sent whole, from its first record.
    auto receipt = store->accept(journal.batch(2, 21, 40), kNow);
    REQUIRE(receipt);
    CHECK(receipt->through == Seq{40});
    CHECK(store->duplicates_ignored() == 10);
    auto held = store->records(site.site(), site.epoch(), {Seq{1}, Seq{40}});
    REQUIRE(held);
    for (std::uint64_t seq = 1; seq <= 40; ++seq) {
        INFO("record " << seq);
        CHECK((*held)[seq - 1] == journal.at[seq <= 30 ? 0 : 2][seq - 1]);
    }

    // As coarse, from other blocks: a repeat changes nothing.
    const Levels other_blocks{site, 7};
    REQUIRE(other_blocks.at[2] != journal.at[2]);
    REQUIRE(store->accept(other_blocks.batch(2, 31, 40), kNow));
    CHECK(store->records(site.site(), site.epoch(), {Seq{1}, Seq{40}}).value() == *held);
    // Coarser: merely held. Finer: replaces, and the chain closes again.
    REQUIRE(store->accept(journal.batch(3, 21, 40), kNow));
    CHECK(store->records(site.site(), site.epoch(), {Seq{1}, Seq{40}}).value() == *held);
    receipt = store->accept(journal.batch(0, 31, 40), kNow);
    REQUIRE(receipt);
    CHECK(receipt->head == site.head(Seq{40}));
    CHECK(reduced_of(*store).empty());
    CHECK(store->records(site.site(), site.epoch(), {Seq{1}, Seq{40}}).value() ==
          site.records({Seq{1}, Seq{40}}));
}

TEST_CASE("Store holds each record at the lowest level that ever came, in any order and cut",
          "[province]") {
    std::mt19937_64 random{test_seed()};
    const TempFolder folder;
    for (auto round = test_rounds(30); round > 0; --round) {
        INFO("round " << round);
        const auto path = folder.file(std::to_string(round) + ".db");
        const auto site = busy_site(test_seed() + round, 30 + static_cast<int>(random() % 40));
        const Levels journal{site, 5 + random() % 25};
        const auto last = site.last().value;
        constexpr std::uint8_t kAbsent = 255;
        std::vector<std::uint8_t> expected(last + 1, kAbsent);
        expected[0] = 0;
        {
            auto store = open_store(path);
            for (int i = 0; i < 30; ++i) {
                const auto first = 1 + random() % last;
                const auto end = std::min(last, first + random() % 25);
                const auto level = static_cast<std::uint8_t>(random() % (kMaxLevel + 1));
                auto batch = journal.batch(level, first, end);
                if (first > 1 && random() % 5 == 0) batch.before = {};
                const auto receipt = store->accept(batch, kNow);
                REQUIRE(receipt);
                for (auto seq = first; seq <= end; ++seq) {
                    expected[seq] = std::min(expected[seq], level);
                }
                std::uint64_t through = 0;
                while (through < last && expected[through + 1] != kAbsent) ++through;
                REQUIRE(receipt->through == Seq{through});
                REQUIRE((receipt->head == Head{} || receipt->head == site.head(Seq{through})));
                for (auto seq = through + 1; seq <= last; ++seq) {
                    REQUIRE(receipt->held.contains(Seq{seq}) == (expected[seq] != kAbsent));
                }
            }
            const auto held = store->records(site.site(), site.epoch(), {Seq{1}, site.last()});
            REQUIRE(held);
            std::size_t found = 0;
            for (std::uint64_t seq = 1; seq <= last; ++seq) {
                if (expected[seq] == kAbsent) continue;
                INFO("record " << seq << ", level " << int{expected[seq]});
                REQUIRE(found < held->size());
                REQUIRE((*held)[found++] == journal.at[expected[seq]][seq - 1]);
            }
            REQUIRE(found == held->size());
            std::set<std::uint64_t> reduced;
            for (const auto& each : reduced_of(*store)) {
                for (auto seq = each.range.first; seq <= each.range.last; seq = seq.next()) {
                    REQUIRE(reduced.insert(seq.value).second);
                    const auto& record = site.records()[seq.value - 1];
                    if (std::holds_alternative<Event>(record.body)) continue;
                    REQUIRE(expected[seq.value] == each.level);
                }
            }
            for (std::uint64_t seq = 1; seq <= last; ++seq) {
                const auto& record = site.records()[seq - 1];
                if (std::holds_alternative<Event>(record.body)) continue;
                const auto level = expected[seq] == kAbsent ? 0 : expected[seq];
                REQUIRE(reduced.contains(seq) == (level > 0));
            }
        }
        {
            auto database = Database::open(path, "");
            REQUIRE(database);
            auto rows = (*database)->query("SELECT seq, level FROM chunk ORDER BY seq");
            for (std::uint64_t seq = 1; seq <= last; ++seq) {
                if (expected[seq] == kAbsent) continue;
                const auto* chunk = std::get_if<Chunk>(&journal.at[expected[seq]][seq - 1].body);
                if (chunk == nullptr || chunk->is_emptied()) continue;
                REQUIRE(rows.next());
                REQUIRE(rows.integer(0) == static_cast<std::int64_t>(seq));
                REQUIRE(rows.integer(1) == chunk->level);
            }
            REQUIRE_FALSE(rows.next());
        }
        // All of it as it was written: as if nothing had ever been reduced.
        auto store = open_store(path);
        const auto receipt = store->accept(site.all(), kNow);
        REQUIRE(receipt);
        REQUIRE(receipt->through == site.last());
        REQUIRE(receipt->head == site.head(site.last()));
        REQUIRE(reduced_of(*store).empty());
        REQUIRE(store->records(site.site(), site.epoch(), {Seq{1}, site.last()}).value() ==
                site.records());
    }
}

TEST_CASE("SQL shows merged points with level, minimum, maximum and count, and states in seconds",
          "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    const auto site = busy_site(3, 60);
    const Levels journal{site, 1000};
    REQUIRE(open_store(path)->accept(journal.batch(2, 1, site.last().value), kNow));
    auto opened = Database::open(path, "");
    REQUIRE(opened);
    auto& database = **opened;

    Timeline timeline;
    for (const auto& record : site.records()) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != EventKind::anchor) continue;
        timeline.add(record.seq, anchor_from(*event).value());
    }
    std::size_t points = 0;
    std::size_t times = 0;
    for (const auto& record : journal.at[2]) {
        const auto* chunk = std::get_if<Chunk>(&record.body);
        if (chunk == nullptr) continue;
        for (const auto& column : chunk->columns) {
            std::size_t next = 0;
            for (std::size_t t = 0; t < chunk->ticks.size(); ++t) {
                if (!column.present.empty() && column.present[t] == 0) continue;
                const auto value = column.values[next++];
                const auto at_ms = to_ms(chunk->ticks[t]);
                const auto seq = static_cast<std::int64_t>(record.seq.value);
                INFO("record " << seq << ", series " << column.series.value << ", part "
                               << int{column.part});
                if (column.part >= part::kStateTime) {
                    ++times;
                    CHECK(database.number("SELECT round(seconds * 1000) FROM state_time WHERE "
                                          "seq = ?1 AND series_id = ?2 AND device_ms = ?3 AND "
                                          "state = ?4",
                                          {seq, column.series.value, at_ms,
                                           column.part - part::kStateTime}) == value);
                    continue;
                }
                points += column.part == part::kValue ? 1 : 0;
                auto rows = database.query(
                    "SELECT level, raw, value, minimum, maximum, count, wall_ms FROM reading "
                    "WHERE seq = ?1 AND series_id = ?2 AND device_ms = ?3",
                    {seq, column.series.value, at_ms});
                REQUIRE(rows.next());
                CHECK(rows.integer(0) == 2);
                // The sample's temperature has a scale of 1.
                const auto scale = rows.integer(1) == rows.integer(2) ? 1.0 : 10.0;
                if (column.part == part::kValue) CHECK(rows.integer(1) == value);
                if (column.part == part::kMinimum) {
                    CHECK(rows.real(3) * scale == Approx(static_cast<double>(value)));
                }
                if (column.part == part::kMaximum) {
                    CHECK(rows.real(4) * scale == Approx(static_cast<double>(value)));
                }
                if (column.part == part::kCount) CHECK(rows.integer(5) == value);
                const auto wall = timeline.wall_of(record.seq, {chunk->boot, chunk->ticks[t]});
                REQUIRE(wall);
                CHECK(rows.integer(6) >= to_ms(*wall));
                CHECK(rows.integer(6) - to_ms(*wall) < 1000);
                CHECK_FALSE(rows.next());
            }
        }
    }
    REQUIRE(points > 50);
    REQUIRE(times > 10);
    CHECK(database.number("SELECT count(*) FROM reading") == static_cast<std::int64_t>(points));
    CHECK(database.number("SELECT count(*) FROM state_time") == static_cast<std::int64_t>(times));
    CHECK(database.number("SELECT sum(last - first + 1) FROM reduced WHERE level = 2 AND "
                          "interval_s = 300") > 50);
    CHECK(database.number("SELECT count(*) FROM unverified") == 1);
    CHECK(database.number("SELECT head IS NULL FROM epoch") == 1);
}

TEST_CASE("SQL shows readings as written as points of one reading", "[province]") {
    const TempFolder folder;
    const auto path = folder.file("p.db");
    const auto site = busy_site(4, 10);
    REQUIRE(open_store(path)->accept(site.all(), kNow));
    auto opened = Database::open(path, "");
    REQUIRE(opened);
    auto& database = **opened;
    CHECK(database.number("SELECT count(*) FROM reading WHERE level = 0 AND minimum = value AND "
                          "maximum = value AND count = 1") ==
          database.number("SELECT count(*) FROM reading"));
    CHECK(database.number("SELECT count(*) FROM state_time") ==
          database.number("SELECT count(*) FROM reading WHERE kind = 'state'"));
    CHECK(database.number("SELECT count(*) FROM reduced") == 0);
    CHECK(database.number("SELECT count(*) FROM unverified") == 0);
}

TEST_CASE("A site's usage is the same from reduced records as from those first written",
          "[province]") {
    const auto site = busy_site(5, 300);
    const Levels journal{site, 60};
    auto plain = open_store();
    REQUIRE(plain->accept(site.all(), kNow));
    const auto expected = plain->list()->front();
    REQUIRE(expected.rx_bytes > 0);
    const TempFolder folder;
    for (std::uint8_t level = 1; level <= kMaxLevel; ++level) {
        INFO("level " << int{level});
        const auto path = folder.file(std::to_string(level));
        {
            auto store = open_store(path);
            REQUIRE(store->accept(journal.batch(level, 1, site.last().value), kNow));
            CHECK(store->list()->front().rx_bytes == expected.rx_bytes);
            CHECK(store->list()->front().tx_bytes == expected.tx_bytes);
        }
        auto database = Database::open(path, "");
        REQUIRE(database);
        CHECK((*database)->number("SELECT rx_bytes FROM usage_total") ==
              static_cast<std::int64_t>(expected.rx_bytes));
        CHECK((*database)->number("SELECT sum(rx_bytes) FROM usage_daily") ==
              static_cast<std::int64_t>(expected.rx_bytes));
    }
}

TEST_CASE("The list tells what is held in a reduced form", "[province]") {
    const auto site = busy_site(6, 60);
    const Levels journal{site, 40};
    auto store = open_store();
    REQUIRE(store->accept(journal.batch(3, 1, 40), kNow));
    REQUIRE(store->accept(journal.batch(1, 41, 80), kNow));
    const auto list = store->list();
    REQUIRE(list);
    const auto& reduced = list->front().epochs.front().reduced;
    REQUIRE(reduced.size() == 2);
    CHECK(reduced[0].level == 3);
    CHECK(reduced[1].level == 1);
    CHECK(sites_from_json(to_json(*list)).value() == *list);
    const auto size = [&](std::size_t i) { return std::to_string(reduced[i].range.size()); };
    CHECK_THAT(to_table(*list, kNow, Language::english),
               Catch::Contains("reduced: " + size(1) + " to 1 min, " + size(0) + " to 1 h ("));
    CHECK_THAT(to_table(*list, kNow, Language::indonesian),
               Catch::Contains("diringkas: " + size(1) + " menjadi per 1 mnt"));
}
