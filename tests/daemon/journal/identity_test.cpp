// Other machines, older databases, forks: what ends an epoch that did not want to end.

#include <catch2/catch.hpp>
#include <random>

#include "tests/daemon/journal/damage_samples.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace gerbang::damaging;

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

TEST_CASE("A fork after numbers that were given and lost leaves them out and says so",
          "[journal][identity]") {
    FaultVfs disk;
    write_fixture(disk);
    auto journal = reopen(disk);
    const auto before = journal->state();
    EpochFact fact = epoch_fact(3, epoch_id(2));
    fact.reason = "rollback";
    fact.parent_last = Seq{kMaxSeq + 1};
    CHECK(journal->fork_epoch(fact, at(1, 90'000)).error().code == Errc::bad_input);
    fact.parent_last = Seq{before.last.value + 12};
    const auto forked = journal->fork_epoch(fact, at(1, 90'000));
    if (!forked) FAIL(forked.error().detail);
    CHECK(journal->state().totals == before.totals);
    CHECK(journal->state().series == before.series);
    CHECK(journal->state().last_boot == before.last_boot);
    const auto epochs = journal->epochs();
    REQUIRE(epochs);
    CHECK((*epochs)[1].last == fact.parent_last);
    const auto slice = journal->read(epoch_id(2), {before.last.next(), fact.parent_last}, 100);
    REQUIRE(slice);
    CHECK(slice->absent == SeqRange{before.last.next(), fact.parent_last});
    const auto untold = journal->untold_losses();
    REQUIRE(untold);
    REQUIRE_FALSE(untold->empty());
    CHECK(untold->back().reason == "rollback");
    CHECK(untold->back().epoch == epoch_id(2));
    CHECK(untold->back().first_seq == before.last.next());
    CHECK(untold->back().last_seq == fact.parent_last);
    CHECK(untold->back().count == 12);
    // What comes after record 1 keeps its time: none is dated before its predecessor.
    const auto first = journal->read(epoch_id(3), {Seq{1}, Seq{1}}, 1);
    REQUIRE(first);
    CHECK(time_of(first->records.front().body) < at(1, 90'000));
    REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, 95)}));
    journal = nullptr;
    journal = reopen(disk);
    CHECK(journal->state().epoch == epoch_id(3));
    CHECK_FALSE(journal->state().must_begin_epoch);
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
