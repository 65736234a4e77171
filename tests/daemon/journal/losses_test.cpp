#include "daemon/journal/losses.hpp"

#include <catch2/catch.hpp>

#include "daemon/journal/database.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

struct Losses {
    Losses() {
        REQUIRE(sql::open_database(connection, folder.file("journal.db"), {}, 1024));
        REQUIRE(blocks.prepare(connection));
        REQUIRE(store.prepare(connection));
    }
    void add(std::uint64_t first, std::uint64_t last, const char* reason = "quota",
             EpochNo epoch = 1) {
        const auto time = [](std::uint64_t seq) { return at(1, static_cast<std::int64_t>(seq)); };
        REQUIRE(store.add({.epoch = epoch,
                           .what = "readings",
                           .reason = reason,
                           .range = {Seq{first}, Seq{last}},
                           .count = last - first + 1,
                           .first = time(first),
                           .last = time(last)}));
    }
    TempFolder folder;
    sql::Connection connection;
    BlockStore blocks;
    LossStore store;
};

}  // namespace

TEST_CASE("Losses that adjoin become one, those of another kind or place do not",
          "[journal][losses]") {
    Losses losses;
    losses.add(11, 20);
    losses.add(21, 30);
    losses.add(1, 10);
    losses.add(41, 50);
    losses.add(31, 35, "damage");
    losses.add(31, 35, "quota", 2);
    const auto untold = losses.store.untold();
    REQUIRE(untold);
    REQUIRE(untold->size() == 4);
    const auto& first = untold->front().fact;
    CHECK(first.first_seq == Seq{1});
    CHECK(first.last_seq == Seq{30});
    CHECK(first.count == 30);
    CHECK(first.first == at(1, 1));
    CHECK(first.last == at(1, 30));
    CHECK(untold->at(1).fact.first_seq == Seq{41});
    CHECK(untold->at(2).fact.reason == "damage");
    CHECK(untold->at(3).epoch == 2);
    const auto totals = losses.store.totals();
    REQUIRE(totals->size() == 2);
    CHECK(totals->at(0).reason == "damage");
    CHECK(totals->at(1).records == 45);
}

TEST_CASE("The table of losses is bounded; beyond it the oldest of a kind become one",
          "[journal][losses]") {
    Losses losses;
    REQUIRE(losses.connection.run("BEGIN"));
    std::uint64_t records = 0;
    for (std::uint64_t i = 0; i < 1100; ++i) {
        losses.add(1 + i * 10, 2 + i * 10);
        records += 2;
    }
    REQUIRE(losses.connection.run("COMMIT"));
    CHECK(losses.connection.number("SELECT count(*) FROM loss")->value() == LossStore::kMaxRows);
    CHECK(losses.store.totals()->at(0).records == records);
    const auto untold = losses.store.untold();
    CHECK(untold->front().fact.first_seq == Seq{1});
}

TEST_CASE("A loss is told by the newest event of its id, older copies leave the table of events",
          "[journal][losses]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    {
        auto opened = Journal::open(options);
        REQUIRE(opened);
        REQUIRE((*opened)->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
        CHECK((*opened)->untold_losses()->empty());
    }
    const auto lose = [&](std::uint64_t first, std::uint64_t last) {
        sql::Connection connection;
        REQUIRE(sql::open_database(connection, options.path, {}, 4096));
        LossStore store;
        REQUIRE(store.prepare(connection));
        REQUIRE(store.add({.epoch = 1,
                           .what = "records",
                           .reason = "damage",
                           .range = {Seq{first}, Seq{last}},
                           .count = last - first + 1,
                           .first = {},
                           .last = {}}));
    };
    lose(100, 110);
    {
        auto opened = Journal::open(options);
        auto& journal = **opened;
        const auto untold = journal.untold_losses();
        REQUIRE(untold->size() == 1);
        REQUIRE(journal.append(Seq{6}, {to_event(untold->front(), at(1, 9))}));
        CHECK(journal.untold_losses()->empty());
    }
    lose(111, 111);
    {
        auto opened = Journal::open(options);
        auto& journal = **opened;
        const auto untold = journal.untold_losses();
        REQUIRE(untold->size() == 1);
        CHECK(untold->front().count == 12);
        CHECK(untold->front().epoch.is_none());  // of this epoch
        REQUIRE(journal.append(Seq{7}, {to_event(untold->front(), at(1, 19))}));
        CHECK(journal.untold_losses()->empty());
        // Both events are in their blocks.
        CHECK(journal.read(epoch_id(1), {Seq{6}, Seq{7}}, 1000)->records.size() == 2);
        const auto facts = journal.facts();
        REQUIRE(facts->losses.size() == 1);
        CHECK(facts->losses[0].records == 12);
    }
    sql::Connection connection;
    REQUIRE(sql::open_database(connection, options.path, {}, 4096));
    CHECK(connection.number("SELECT count(*) FROM event WHERE kind=11")->value() == 1);
    CHECK(connection.number("SELECT id & 255 FROM event WHERE kind=11")->value() == 7);
}
