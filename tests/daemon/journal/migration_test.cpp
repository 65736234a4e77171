#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "common/core/ids.hpp"
#include "common/wire/chain.hpp"
#include "tests/daemon/journal/fixture_content.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;

namespace {

/// Schema versions that were released, and what each has.
constexpr const char* kVersions[] = {"v1"};
constexpr const char* kNames[] = {"empty", "page1024", "page4096"};

std::string fixture(const std::string& version, const std::string& name) {
    const auto path = std::filesystem::path{GERBANG_SOURCE_DIR} / "tests/daemon/journal/fixtures" /
                      version / name;
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

void put(FaultVfs& disk, const std::string& version, const std::string& name) {
    const auto database = fixture(version, name + ".db");
    REQUIRE_FALSE(database.empty());
    disk.put("journal.db", database);
    const auto wal = fixture(version, name + ".db-wal");
    if (!wal.empty()) disk.put("journal.db-wal", wal);
}

JournalOptions options_on(const FaultVfs& disk) {
    JournalOptions options;
    options.path = "journal.db";
    options.vfs = disk.name();
    options.wal_pages = 24;
    return options;
}

std::string compare_epoch(Journal& journal, const fixtures::Epoch& epoch, Seq last) {
    if (last.value != epoch.records.size()) return "lost: ends at " + std::to_string(last.value);
    Head head{};
    for (Seq next{1}; next <= last;) {
        const auto slice = journal.read(epoch.fact.id, {next, last}, 4000);
        if (!slice) return "lost: " + slice.error().detail;
        if (slice->before != head) return "corrupt: chain";
        for (const auto& record : slice->records) {
            if (record != epoch.records[record.seq.value - 1]) return "corrupt: other record";
            head = wire::next_head(head, record);
            next = record.seq.next();
        }
    }
    return "";
}

/// Empty when the journal holds the fixtures' content, else what is lost or corrupt.
std::string compare(Journal& journal) {
    const auto expected = fixtures::content();
    const auto epochs = journal.epochs();
    if (!epochs) return "corrupt: " + epochs.error().detail;
    if (epochs->size() != expected.size()) return "lost: an epoch";
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if ((*epochs)[i].id != expected[i].fact.id) return "corrupt: other epoch";
        auto defect = compare_epoch(journal, expected[i], (*epochs)[i].last);
        if (!defect.empty()) return defect;
    }
    const auto cursors = journal.cursors();
    if (!cursors || *cursors != fixtures::cursors()) return "lost: cursors";
    if (journal.note("back-off") != "42") return "lost: note";
    const auto outages = journal.outages();
    if (!outages || outages->size() != 1) return "lost: outages";
    const auto& state = journal.state();
    if (state.open_outages.size() != 1 || state.last_outage_id != 2) return "lost: open outage";
    if (!state.last_event_of_stop) return "lost: stop";
    if (state.totals.size() != 2 || state.totals[0].value != 27'000'000) return "lost: totals";
    const auto days = journal.usage(UsagePeriod::day, wall_from_ms(0), wall_from_ms(INT64_MAX));
    if (!days) return "corrupt: " + days.error().detail;
    std::uint64_t received = 0;
    for (const auto& row : *days) {
        if (row.is_role && row.name == "wan") received += row.sum.received.value;
    }
    if (received != 27'000'000) return "lost: usage, " + std::to_string(received) + " bytes";
    return "";
}

}  // namespace

TEST_CASE("The content of the fixtures is what it was when they were written",
          "[journal][migration]") {
    Head head{};
    for (const auto& epoch : fixtures::content()) {
        for (const auto& record : epoch.records) head = wire::next_head(head, record);
    }
    CHECK(to_hex(head) == "cd486b47a25a255a356beb86d97ea244e02c5d69a670e824cc1106b92a7173ef");
}

TEST_CASE("A journal of every released schema opens with all it held", "[journal][migration]") {
    for (const auto* version : kVersions) {
        for (const auto* name : kNames) {
            INFO(version << " " << name);
            FaultVfs disk;
            put(disk, version, name);
            for (int round = 0; round < 2; ++round) {
                auto opened = Journal::open(options_on(disk));
                if (!opened) FAIL(opened.error().detail);
                auto& journal = **opened;
                if (std::string_view{name} == "empty" && round == 0) {
                    CHECK(journal.state().epoch.is_none());
                    REQUIRE(fixtures::write(journal));
                }
                CHECK(compare(journal) == "");
            }
        }
    }
}

TEST_CASE("A migration loses nothing to power cuts at any of its calls",
          "[journal][migration][fault]") {
    std::mt19937_64 random{test_seed()};
    std::uint64_t tried = 0;
    std::uint64_t bad = 0;
    std::string first;
    for (const auto* version : kVersions) {
        for (const std::string name : {"page1024", "page4096"}) {
            FaultVfs counted;
            put(counted, version, name);
            REQUIRE(Journal::open(options_on(counted)));
            const auto calls = counted.calls();
            const auto rounds = std::max<std::uint64_t>(test_rounds(100), 1);
            for (std::uint64_t round = 0; round < rounds; ++round) {
                FaultVfs disk;
                put(disk, version, name);
                const auto directory =
                    random() % 2 == 0 ? Directory::with_any_sync : Directory::with_its_own;
                // A second cut may hit the migration that the first one left to be done again.
                for (int cut = 0; cut < 2; ++cut) {
                    disk.arm({.fault = Fault::power_cut,
                              .at_call = 1 + random() % calls,
                              .seed = random(),
                              .directory = directory});
                    (void)Journal::open(options_on(disk));
                    disk.restart({.directory = directory});
                }
                ++tried;
                auto opened = Journal::open(options_on(disk));
                const auto defect = opened ? compare(**opened) : opened.error().detail;
                if (defect.empty()) continue;
                if (first.empty()) first = name + ": " + defect;
                ++bad;
            }
        }
    }
    std::printf("power cuts in migrations: tried %llu, lost %llu\n",
                static_cast<unsigned long long>(tried), static_cast<unsigned long long>(bad));
    INFO(first);
    CHECK(bad == 0);
}

TEST_CASE("Fixtures of the current schema are written to GERBANG_FIXTURES", "[.make_fixtures]") {
    const char* folder = std::getenv("GERBANG_FIXTURES");
    REQUIRE(folder != nullptr);
    const auto save = [&](const FaultVfs& disk, const std::string& source,
                          const std::string& name) {
        std::ofstream{std::string{folder} + "/" + name, std::ios::binary} << disk.content(source);
    };
    for (const std::uint32_t page : {1024U, 4096U}) {
        FaultVfs disk;
        auto options = options_on(disk);
        options.page_bytes = page;
        const auto name = "page" + std::to_string(page);
        {
            auto opened = Journal::open(options);
            REQUIRE(opened);
            if (page == 1024) save(disk, "journal.db", "empty.db");
            REQUIRE(fixtures::write(**opened));
        }
        // As after a kill: some commits are in the WAL alone.
        save(disk, "journal.db", name + ".db");
        save(disk, "journal.db-wal", name + ".db-wal");
    }
}
