// Holes of closed epochs, and what the journal says of damage.

#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <string>

#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

std::unique_ptr<Journal> open_at(const std::string& path) {
    JournalOptions options;
    options.path = path;
    auto opened = Journal::open(options);
    if (!opened) FAIL(opened.error().detail);
    return std::move(*opened);
}

/// Two epochs: the first of 5 + 20 records, closed, the second open.
void write_two_epochs(const std::string& path) {
    const auto journal = open_at(path);
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    for (std::int64_t n = 0; n < 20; ++n) {
        REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, n)}));
    }
    REQUIRE(journal->begin_epoch(epoch_fact(2, epoch_id(1)), at(1, 2000), beginning()));
    REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, 40)}));
    REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, 41)}));
}

/// Opening reads everything behind the checkpoint.
void write_checkpoint(const std::string& path) {
    REQUIRE(open_at(path)->checkpoint());
}

/// Behind the journal's back.
void run_sql(const std::string& path, const std::string& text) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
    sqlite3_exec(handle, "PRAGMA locking_mode=EXCLUSIVE", nullptr, nullptr, nullptr);
    const int code = sqlite3_exec(handle, text.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    REQUIRE(code == SQLITE_OK);
}

std::string erasing(std::int64_t epoch, std::int64_t first, std::int64_t last) {
    return "DELETE FROM block WHERE id BETWEEN " + std::to_string(epoch << 40 | first) + " AND " +
           std::to_string(epoch << 40 | last);
}

}  // namespace

TEST_CASE("A reader of a closed epoch is told what is absent and goes on behind it",
          "[journal][damage]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    write_two_epochs(path);
    run_sql(path, erasing(1, 8, 11) + ";" + erasing(1, 20, 25));
    const auto journal = open_at(path);
    const auto read = [&](std::uint64_t first, std::uint64_t last) {
        auto slice = journal->read(epoch_id(1), {Seq{first}, Seq{last}}, 1 << 20);
        if (!slice) FAIL(slice.error().detail);
        return *slice;
    };
    const auto before = read(1, kMaxSeq);
    CHECK_FALSE(before.absent);
    CHECK(before.records.back().seq == Seq{7});
    const auto hole = read(8, kMaxSeq);
    CHECK(hole.absent == SeqRange{Seq{8}, Seq{11}});
    CHECK_FALSE(hole.is_salvaging);
    REQUIRE(hole.records.size() == 8);
    CHECK(hole.records.front().seq == Seq{12});
    CHECK(hole.before == Head{});  // nothing says what the chain was behind the hole
    CHECK(read(10, 13).absent == SeqRange{Seq{10}, Seq{11}});
    CHECK(read(10, 13).records.size() == 2);
    // Nothing follows that was asked for.
    CHECK(read(9, 10).absent == SeqRange{Seq{9}, Seq{10}});
    CHECK(read(9, 10).records.empty());
    CHECK(read(20, kMaxSeq).absent == SeqRange{Seq{20}, Seq{25}});
    CHECK(read(20, kMaxSeq).records.empty());
    CHECK(journal->read(epoch_id(1), {Seq{26}, Seq{30}}, 100).error().code == Errc::not_found);
}

TEST_CASE("A hole in the open epoch is damage, found by a reader", "[journal][damage]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    write_two_epochs(path);
    write_checkpoint(path);
    run_sql(path, erasing(2, 1, 5));
    auto journal = open_at(path);
    const auto slice = journal->read(epoch_id(2), {Seq{3}, Seq{7}}, 100);
    REQUIRE_FALSE(slice);
    CHECK(slice.error().code == Errc::storage_broken);
    CHECK(journal->append(journal->state().last.next(), {nth_minute(1, 50)}).error().code ==
          Errc::storage_broken);

    // The next opening salvages what is there, and says what happened.
    journal = open_at(path);
    REQUIRE(journal->state().next_epoch.reason == "damage");
    auto facts = journal->facts();
    REQUIRE(facts);
    CHECK(facts->damage.found.find("record 3") != std::string::npos);
    CHECK(facts->damage.is_salvaging);
    CHECK(facts->damage.epoch.is_none());
    auto fact = epoch_fact(3, journal->state().next_epoch.parent);
    fact.parent_last = journal->state().next_epoch.parent_last;
    fact.reason = "damage";
    REQUIRE(journal->begin_epoch(fact, at(2, 5), {to_event(BootFact{boot_id(2)}, at(2, 5))}));
    REQUIRE(journal->append(journal->state().last.next(), {anchor(2, 10, 1'800'000'000)}));
    const auto early = journal->read(epoch_id(2), {Seq{1}, Seq{5}}, 100);
    REQUIRE(early);
    CHECK(early->is_salvaging);
    for (int slices = 0; slices < 10'000; ++slices) {
        const auto more = journal->tend();
        REQUIRE(more);
        if (!*more) break;
    }
    facts = journal->facts();
    REQUIRE(facts);
    CHECK_FALSE(facts->damage.is_salvaging);
    CHECK(facts->damage.epoch == epoch_id(3));
    CHECK(facts->damage.since == wall_from_ms(1'799'999'995'000));
    CHECK(facts->damage.salvaged_records == 25 + 2);
    CHECK(facts->check.of == 25 + 7 + journal->state().last.value);
    const auto late = journal->read(epoch_id(2), {Seq{1}, Seq{7}}, 100);
    REQUIRE(late);
    CHECK(late->absent == SeqRange{Seq{1}, Seq{5}});
    CHECK_FALSE(late->is_salvaging);
    CHECK(late->records.front().seq == Seq{6});
    journal.reset();

    journal = open_at(path);
    facts = journal->facts();
    REQUIRE(facts);
    CHECK(facts->damage.salvaged_records == 25 + 2);
    CHECK(facts->damage.found.find("record 3") != std::string::npos);
}

TEST_CASE("The check in the background finds records missing in the open epoch, counts its rounds",
          "[journal][damage]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    write_two_epochs(path);
    auto journal = open_at(path);
    const auto tend_after_checkpoint = [&]() -> Result<bool> {
        for (int hour = 0; hour < 4; ++hour) {
            if (auto done = journal->checkpoint(); !done) return done.error();
            for (int slices = 0; slices < 1000; ++slices) {
                auto more = journal->tend();
                if (!more) return more;
                if (!*more) break;
            }
        }
        return journal->tend();
    };
    REQUIRE(tend_after_checkpoint());
    auto facts = journal->facts();
    REQUIRE(facts);
    CHECK(facts->check.rounds >= 1);
    CHECK(facts->check.of == 25 + 7);
    journal.reset();
    journal = open_at(path);
    CHECK(journal->facts()->check.rounds >= 1);
    for (std::int64_t n = 0; n < 900; ++n) {
        REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, 50 + n)}));
    }
    REQUIRE(journal->checkpoint());
    journal.reset();

    // Further back than the newest, at which opening looks.
    run_sql(path, erasing(2, 100, 120));
    journal = open_at(path);
    const auto found = tend_after_checkpoint();
    INFO((found ? "nothing" : found.error().detail));
    const bool is_found = !found && found.error().code == Errc::storage_broken;
    CHECK(is_found);
}
