#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "daemon/journal/mirror.hpp"
#include "tests/daemon/journal/damage_samples.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace gerbang::damaging;

TEST_CASE("A damaged database is set aside, metering goes on, and all it held comes back",
          "[journal][damage]") {
    FaultVfs disk;
    write_fixture(disk);
    auto bytes = disk.content(kDatabase);
    // The schema is beyond reading; every row of readings is whole.
    for (std::size_t i = 100; i < 1000; ++i) bytes[i] = '\x55';
    disk.put(kDatabase, bytes);
    auto journal = reopen(disk);
    CHECK(disk.content("journal.damaged").size() == bytes.size());
    const auto& cause = journal->state().next_epoch;
    CHECK(journal->state().epoch.is_none());
    CHECK(cause.reason == "damage");
    CHECK(cause.parent == epoch_id(2));
    CHECK(cause.parent_last.value == fixtures::content()[1].records.size());
    // Counters and outage ids go on before anything was salvaged.
    begin_next(*journal, 3);
    REQUIRE(journal->state().totals.size() == 2);
    CHECK(journal->state().totals[0].value == 27'000'000);
    CHECK(journal->state().last_outage_id > 2);
    REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, 90)}));
    tend_all(*journal);
    const auto found = content_of(*journal);
    CHECK(wrong_in(found, given()) == "");
    CHECK(count_of(found, given()) == count_of(given(), given()));
    const auto cursors = journal->cursors();
    REQUIRE(cursors);
    CHECK(*cursors == fixtures::cursors());
    CHECK(journal->note("back-off") == "42");
    const auto days = journal->usage(UsagePeriod::year, wall_from_ms(0), wall_from_ms(INT64_MAX));
    REQUIRE(days);
    journal.reset();
    // Everything was brought over: nothing is done twice, and a restart knows that.
    journal = reopen(disk);
    CHECK(journal->state().epoch == epoch_id(3));
    tend_all(*journal);
    CHECK(wrong_in(content_of(*journal), given()) == "");
    CHECK(count_of(content_of(*journal), given()) == count_of(given(), given()));
}

TEST_CASE("A second damage before the salvage ended: what was brought over stays, the rest is told",
          "[journal][damage]") {
    FaultVfs disk;
    write_fixture(disk);
    const auto spoil = [&disk] {
        auto bytes = disk.content(kDatabase);
        for (std::size_t i = 100; i < 1000; ++i) bytes[i] = '\x55';
        disk.put(kDatabase, bytes);
    };
    spoil();
    const auto slices = GENERATE(0, 2, 5, 9, 14);
    INFO("slices of salvage before the second damage: " << slices);
    std::map<std::uint64_t, Record> between;
    std::size_t brought_over = 0;
    {
        auto journal = reopen(disk);
        begin_next(*journal, 3);
        for (int slice = 0; slice < slices; ++slice) REQUIRE(journal->tend());
        for (std::int64_t n = 90; n < 95; ++n) {
            REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, n)}));
        }
        brought_over = count_of(content_of(*journal), given());
        between = content_of(*journal).at(epoch_id(3));
    }
    // Everything into the database, as far as it is there.
    reopen(disk).reset();
    disk.put(kLog, "");
    spoil();
    auto journal = reopen(disk);
    CHECK(journal->state().next_epoch.reason == "damage");
    CHECK(journal->state().next_epoch.parent == epoch_id(3));
    begin_next(*journal, 4);
    CHECK(journal->state().totals.size() == 2);
    REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, 99)}));
    tend_all(*journal);
    const auto found = content_of(*journal);
    // Nothing invented, nothing wrong; the newest is whole.
    CHECK(wrong_in(found, given()) == "");
    CHECK(found.at(epoch_id(3)) == between);
    const auto left = count_of(found, given());
    CHECK(left >= brought_over);
    // What is gone is told, record by record, in the names that it had.
    std::uint64_t told = 0;
    for (;;) {
        const auto losses = journal->untold_losses();
        REQUIRE(losses);
        std::vector<RecordBody> bodies;
        for (const auto& loss : *losses) {
            if (loss.what == "records" && loss.epoch != epoch_id(3)) told += loss.count;
            bodies.push_back(to_event(loss, at(1, 99 * 60)));
        }
        if (bodies.empty()) break;
        REQUIRE(journal->append(journal->state().last.next(), bodies));
    }
    CHECK(told == count_of(given(), given()) - left);
}

TEST_CASE("Roll-ups of a damaged database come over once", "[journal][damage]") {
    FaultVfs disk;
    write_fixture(disk);
    const auto received = [](Journal& journal) {
        const auto rows =
            journal.usage(UsagePeriod::year, wall_from_ms(0), wall_from_ms(4'000'000'000'000));
        std::uint64_t sum = 0;
        if (!rows) return sum;
        for (const auto& row : *rows) {
            if (row.is_role && row.name == "wan" && !row.is_undated) {
                sum += row.sum.received.value;
            }
        }
        return sum;
    };
    const auto before = received(*reopen(disk));
    REQUIRE(before > 0);
    auto bytes = disk.content(kDatabase);
    // Bytes kept free in each page, by the header.
    bytes[20] = '\x77';
    disk.put(kDatabase, bytes);
    auto journal = reopen(disk);
    REQUIRE(journal->state().next_epoch.reason == "damage");
    begin_next(*journal, 3);
    tend_all(*journal);
    CHECK(received(*journal) == before);
    journal = nullptr;
    journal = reopen(disk);
    tend_all(*journal);
    CHECK(received(*journal) == before);
}

TEST_CASE("A database that is gone altogether is remembered by its mirror", "[journal][damage]") {
    FaultVfs disk;
    write_fixture(disk);
    disk.put(kDatabase, "");
    auto journal = reopen(disk);
    CHECK(journal->state().next_epoch.reason == "damage");
    CHECK(journal->state().next_epoch.parent == epoch_id(2));
    begin_next(*journal, 3);
    CHECK(journal->state().totals.size() == 2);
    CHECK(journal->state().totals[0].value > 0);
    tend_all(*journal);
    CHECK(wrong_in(content_of(*journal), given()) == "");
    const auto cursors = journal->cursors();
    REQUIRE(cursors);
    CHECK(cursors->size() == 2);
    // What is missing is written down.
    CHECK(count_of(content_of(*journal), given()) == 0);
}

TEST_CASE("A log damaged in its middle is noticed, and what it held is salvaged",
          "[journal][damage]") {
    FaultVfs disk;
    auto options = options_on(disk);
    options.wal_pages = 4000;
    {
        auto opened = Journal::open(options);
        REQUIRE(opened);
        REQUIRE((*opened)->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
        for (std::int64_t n = 0; n < 50; ++n) {
            REQUIRE((*opened)->append((*opened)->state().last.next(), {nth_minute(1, n)}));
        }
    }
    auto log = disk.content(kLog);
    log[log.size() / 2] = static_cast<char>(log[log.size() / 2] ^ 0x10);
    disk.put(kLog, log);
    auto opened = Journal::open(options);
    REQUIRE(opened);
    auto& journal = **opened;
    CHECK(journal.state().next_epoch.reason == "damage");
    begin_next(journal, 2);
    tend_all(journal);
    const auto found = content_of(journal);
    // Commits before and after the flipped bit; at most the one that it hit is missing.
    CHECK(found.at(epoch_id(1)).size() >= 54);
    CHECK(found.at(epoch_id(1)).at(55) == Record{Seq{55}, nth_minute(1, 49)});
}

TEST_CASE(
    "A log that the database holds already may be torn at its begin, and nothing is set aside",
    "[journal][damage]") {
    FaultVfs disk;
    auto options = options_on(disk);
    options.wal_pages = 4000;
    {
        auto opened = Journal::open(options);
        REQUIRE(opened);
        REQUIRE((*opened)->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
        for (std::int64_t n = 0; n < 50; ++n) {
            REQUIRE((*opened)->append((*opened)->state().last.next(), {nth_minute(1, n)}));
        }
    }
    const auto log = disk.content(kLog);
    // Opening moves it into the database; the next commit overwrites its begin.
    REQUIRE(Journal::open(options));
    const bool is_torn_at_begin = GENERATE(true, false);
    auto torn = log;
    for (std::size_t i = 0; i < 512; ++i) {
        torn[is_torn_at_begin ? 32 + i : torn.size() / 2 + i] = static_cast<char>(i * 7);
    }
    disk.put(kLog, torn);
    auto opened = Journal::open(options);
    REQUIRE(opened);
    if (is_torn_at_begin) {
        CHECK((*opened)->state().epoch == epoch_id(1));
        CHECK((*opened)->state().last == Seq{55});
        CHECK(content_of(**opened).at(epoch_id(1)).size() == 55);
    } else {
        // The older part of the log would be laid over a newer database.
        CHECK((*opened)->state().next_epoch.reason == "damage");
    }
}

TEST_CASE("A file of a newer schema stays where it is, unless the mirror says it is damage",
          "[journal][damage]") {
    FaultVfs disk;
    write_fixture(disk);
    auto bytes = disk.content(kDatabase);
    bytes[60] = 7;  // user_version
    disk.put(kDatabase, bytes);
    disk.put(kLog, "");
    SECTION("the mirror knows better") {
        CHECK(reopen(disk)->state().next_epoch.reason == "damage");
    }
    SECTION("no mirror") {
        disk.put(kMirrorName, "");
        const auto opened = Journal::open(options_on(disk));
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Errc::bad_input);
        CHECK(disk.content(kDatabase) == bytes);
    }
}

namespace {

/// A damaged journal, a new epoch and its salvage to the end, as far as the disk lets it.
void salvage_on(FaultVfs& disk, std::uint8_t epoch) {
    auto opened = Journal::open(options_on(disk));
    if (!opened) return;
    auto& journal = **opened;
    const auto& cause = journal.state().next_epoch;
    if (journal.state().epoch.is_none()) {
        EpochFact fact;
        fact.id = epoch_id(epoch);
        fact.parent = cause.parent;
        fact.parent_last = cause.parent_last;
        fact.reason = cause.reason;
        if (!journal.begin_epoch(fact, at(1, 5), {})) return;
    }
    for (int slice = 0; slice < 10'000; ++slice) {
        const auto more = journal.tend();
        if (!more || !*more) return;
    }
}

void damage(FaultVfs& disk) {
    auto bytes = disk.content(kDatabase);
    for (std::size_t i = 100; i < 1000; ++i) bytes[i] = '\x55';
    disk.put(kDatabase, bytes);
}

}  // namespace

TEST_CASE("Setting aside and salvaging lose nothing to a power cut or a fault at any call",
          "[journal][damage][fault]") {
    std::mt19937_64 random{test_seed()};
    const auto rounds = test_rounds(100);
    std::uint64_t lost = 0;
    std::uint64_t wrong = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        FaultVfs disk;
        write_fixture(disk);
        damage(disk);
        constexpr Fault kFaults[] = {Fault::power_cut, Fault::power_cut,    Fault::io_error,
                                     Fault::full,      Fault::failing_sync, Fault::cannot_open,
                                     Fault::short_read};
        for (std::uint8_t life = 3; life < 6; ++life) {
            const auto kind = kFaults[random() % std::size(kFaults)];
            const auto directory =
                random() % 2 == 0 ? Directory::with_any_sync : Directory::with_its_own;
            disk.arm({.fault = kind,
                      .at_call = 1 + random() % 400,
                      .is_persistent = kind != Fault::short_read && random() % 2 == 0,
                      .seed = random(),
                      .directory = directory});
            salvage_on(disk, life);
            if (kind == Fault::power_cut) {
                disk.restart({.directory = directory});
            } else {
                disk.arm({.directory = directory});
            }
        }
        salvage_on(disk, 6);
        auto journal = reopen(disk);
        const auto found = content_of(*journal);
        if (const auto defect = wrong_in(found, given()); !defect.empty()) {
            UNSCOPED_INFO("round " << round << ": " << defect);
            ++wrong;
        }
        if (count_of(found, given()) != count_of(given(), given())) {
            std::printf("salvaging, round %llu: %zu records\n",
                        static_cast<unsigned long long>(round), count_of(found, given()));
            ++lost;
        }
    }
    std::printf("faults while salvaging: tried %llu, lost %llu, corrupt %llu\n",
                static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(lost),
                static_cast<unsigned long long>(wrong));
    CHECK(lost == 0);
    CHECK(wrong == 0);
}
