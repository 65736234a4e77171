#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "daemon/journal/mirror.hpp"
#include "tests/daemon/journal/fixture_content.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

constexpr const char* kDatabase = "journal.db";
constexpr const char* kLog = "journal.db-wal";
constexpr const char* kMirrorName = "journal.mirror";

JournalOptions options_on(const FaultVfs& disk) {
    JournalOptions options;
    options.path = kDatabase;
    options.vfs = disk.name();
    options.page_bytes = 1024;
    options.wal_pages = 24;
    return options;
}

std::unique_ptr<Journal> reopen(const FaultVfs& disk) {
    auto opened = Journal::open(options_on(disk));
    if (!opened) FAIL(opened.error().detail);
    return std::move(*opened);
}

/// Everything that can be read of every closed epoch, by epoch and number.
using Content = std::map<EpochId, std::map<std::uint64_t, Record>>;

Content content_of(Journal& journal) {
    Content content;
    const auto epochs = journal.epochs();
    if (!epochs) FAIL(epochs.error().detail);
    for (const auto& epoch : *epochs) {
        for (Seq next{1}; next <= epoch.last;) {
            const auto slice = journal.read(epoch.id, {next, epoch.last}, 4000);
            if (!slice) {
                if (slice.error().code != Errc::not_found) FAIL(slice.error().detail);
                next = next.next();
                continue;
            }
            if (slice->absent) next = slice->absent->last.next();
            for (const auto& record : slice->records) {
                content[epoch.id][record.seq.value] = record;
                next = record.seq.next();
            }
        }
    }
    return content;
}

/// What the fixtures hold, the same way.
Content given() {
    Content content;
    for (const auto& epoch : fixtures::content()) {
        for (const auto& record : epoch.records) {
            content[epoch.fact.id][record.seq.value] = record;
        }
    }
    return content;
}

void tend_all(Journal& journal) {
    for (int slice = 0; slice < 100'000; ++slice) {
        const auto more = journal.tend();
        if (!more) FAIL(more.error().detail);
        if (!*more) return;
    }
    FAIL("upkeep does not end");
}

/// The next epoch as the daemon begins it.
void begin_next(Journal& journal, std::uint8_t n) {
    const auto& cause = journal.state().next_epoch;
    EpochFact fact;
    fact.id = epoch_id(n);
    fact.parent = cause.parent;
    fact.parent_last = cause.parent_last;
    fact.reason = cause.reason;
    fact.hardware = "00ff";
    const auto begun =
        journal.begin_epoch(fact, at(1, 5), {to_event(BootFact{boot_id(9)}, at(1, 5))});
    if (!begun) FAIL(begun.error().detail);
}

void write_fixture(FaultVfs& disk) {
    auto journal = reopen(disk);
    REQUIRE(fixtures::write(*journal));
    REQUIRE(journal->checkpoint());
    journal.reset();
    // Everything into the database: opening moves the log there.
    reopen(disk).reset();
    disk.put(kLog, "");
}

/// Records found that were never given, or differ.
std::string wrong_in(const Content& found, const Content& expected) {
    for (const auto& [epoch, records] : found) {
        const auto known = expected.find(epoch);
        if (known == expected.end()) continue;  // begun since
        for (const auto& [seq, record] : records) {
            const auto same = known->second.find(seq);
            if (same == known->second.end()) return "invented record " + std::to_string(seq);
            const auto* chunk = std::get_if<Chunk>(&record.body);
            if (chunk != nullptr && chunk->level > 0) continue;  // made smaller for want of room
            if (same->second != record) return "wrong record " + std::to_string(seq);
        }
    }
    return "";
}

std::size_t count_of(const Content& found, const Content& expected) {
    std::size_t count = 0;
    for (const auto& [epoch, records] : expected) {
        const auto known = found.find(epoch);
        if (known != found.end()) count += known->second.size();
    }
    return count;
}

}  // namespace

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

TEST_CASE("Another machine's card begins an epoch of its own", "[journal][identity]") {
    FaultVfs disk;
    write_fixture(disk);
    auto options = options_on(disk);
    options.hardware = "00ff";
    CHECK_FALSE((*Journal::open(options))->state().must_begin_epoch);
    options.hardware = "beef";
    auto opened = Journal::open(options);
    REQUIRE(opened);
    auto& journal = **opened;
    REQUIRE(journal.state().must_begin_epoch);
    CHECK(journal.state().next_epoch.reason == "hardware");
    CHECK(journal.state().next_epoch.parent == epoch_id(2));
    CHECK_FALSE(journal.append(journal.state().last.next(), {nth_minute(1, 90)}));
    begin_next(journal, 3);
    CHECK_FALSE(journal.state().must_begin_epoch);
    CHECK(journal.state().totals.size() == 2);
    REQUIRE(journal.append(journal.state().last.next(), {nth_minute(1, 90)}));
}

TEST_CASE("A database older than its mirror does not use its numbers again",
          "[journal][identity]") {
    FaultVfs disk;
    std::string old_database;
    std::string old_log;
    {
        auto journal = reopen(disk);
        REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
        for (std::int64_t n = 0; n < 10; ++n) {
            REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, n)}));
        }
    }
    old_database = disk.content(kDatabase);
    old_log = disk.content(kLog);
    Seq last;
    {
        auto journal = reopen(disk);
        for (std::int64_t n = 10; n < 20; ++n) {
            REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, n)}));
        }
        last = journal->state().last;
        REQUIRE(journal->checkpoint());  // the first one of a process writes the mirror
    }
    disk.put(kDatabase, old_database);
    disk.put(kLog, old_log);
    auto journal = reopen(disk);
    REQUIRE(journal->state().must_begin_epoch);
    CHECK(journal->state().next_epoch.reason == "rollback");
    CHECK(journal->state().next_epoch.parent == epoch_id(1));
    CHECK(journal->state().next_epoch.parent_last == last);
    begin_next(*journal, 2);
    CHECK(journal->state().totals[0].value == 20 * 6 * 50'000);
    const auto epochs = journal->epochs();
    REQUIRE(epochs);
    CHECK((*epochs)[0].last == last);
    // Nothing of it is here; a reader is told so, and is not told that it diverged.
    const auto slice = journal->read(epoch_id(1), {last, last}, 100);
    REQUIRE(slice);
    CHECK(slice->absent == SeqRange{last, last});
    const auto untold = journal->untold_losses();
    REQUIRE(untold);
    REQUIRE(untold->size() == 1);
    CHECK(untold->front().reason == "rollback");
    CHECK(untold->front().epoch == epoch_id(1));
    CHECK(untold->front().last_seq == last);
    CHECK(untold->front().count == last.value - untold->front().first_seq.value + 1);
    CHECK(slice->records.empty());
}

TEST_CASE("A fork tells everything after the agreed record again under new numbers",
          "[journal][identity]") {
    FaultVfs disk;
    write_fixture(disk);
    const auto records = fixtures::content()[1].records;
    const Seq agreed{GENERATE(10U, 1U, 36U)};
    auto journal = reopen(disk);
    EpochFact fact = epoch_fact(3, epoch_id(2));
    fact.parent_last = agreed;
    const auto before = journal->state();
    const auto forked = journal->fork_epoch(fact, at(1, 1900));
    if (!forked) FAIL(forked.error().detail);
    const auto check = [&](Journal& now) {
        CHECK(now.state().epoch == epoch_id(3));
        CHECK(now.state().totals == before.totals);
        CHECK(now.state().series == before.series);
        CHECK(now.state().open_outages == before.open_outages);
        CHECK(now.state().last_outage_id == before.last_outage_id);
        const auto epochs = now.epochs();
        REQUIRE(epochs);
        REQUIRE(epochs->size() == 3);
        CHECK((*epochs)[1].last == agreed);
        auto found = content_of(now);
        CHECK(found[epoch_id(2)].size() == agreed.value);
        CHECK(wrong_in({{epoch_id(2), found[epoch_id(2)]}}, given()) == "");
        const auto& copies = found[epoch_id(3)];
        const auto tail = records.size() - agreed.value;
        REQUIRE(copies.size() > tail);
        for (std::size_t i = 0; i < tail; ++i) {
            const auto& copy = copies.at(copies.size() - tail + i + 1);
            REQUIRE(copy.body == records[agreed.value + i].body);
        }
    };
    check(*journal);
    REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, 95)}));
    journal = nullptr;
    journal = reopen(disk);
    CHECK(journal->state().epoch == epoch_id(3));
    CHECK(journal->fork_epoch(fact, at(1, 1900)).error().code == Errc::bad_input);
}

TEST_CASE("A fork is whole or has not happened, whatever call a power cut hits",
          "[journal][identity][fault]") {
    std::mt19937_64 random{test_seed()};
    const auto rounds = test_rounds(100);
    std::uint64_t forked = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        FaultVfs disk;
        write_fixture(disk);
        EpochFact fact = epoch_fact(3, epoch_id(2));
        fact.parent_last = Seq{10};
        {
            auto journal = reopen(disk);
            disk.arm({.fault = Fault::power_cut,
                      .at_call = 1 + random() % 120,
                      .seed = random(),
                      .directory =
                          random() % 2 == 0 ? Directory::with_any_sync : Directory::with_its_own});
            (void)journal->fork_epoch(fact, at(1, 1900));
        }
        disk.restart();
        auto journal = reopen(disk);
        const auto found = content_of(*journal);
        REQUIRE(wrong_in(found, given()) == "");
        if (journal->state().epoch == epoch_id(3)) {
            ++forked;
            REQUIRE(found.at(epoch_id(2)).size() == 10);
            continue;
        }
        REQUIRE(count_of(found, given()) == count_of(given(), given()));
        const auto again = journal->fork_epoch(fact, at(1, 1900));
        if (!again) FAIL(again.error().detail);
        REQUIRE(content_of(*journal).at(epoch_id(2)).size() == 10);
    }
    INFO("of " << rounds << " rounds " << forked << " had forked");
    constexpr std::uint64_t kEnough = 20;  // so few would all be cut early by bad luck
    if (rounds >= kEnough) CHECK(forked > 0);
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
    const auto rounds = test_rounds(300);
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
