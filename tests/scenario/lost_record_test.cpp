// An epoch whose first record nobody has any more, and the real receiver.

#include <catch2/catch.hpp>

#include "daemon/journal/sqlite.hpp"
#include "tests/support/card.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

JournalOptions options_of(const Village& village) {
    return {.path = village.journal_path(), .page_bytes = 4096};
}

/// The records `range` of the journal's oldest epoch disappear behind its back.
void lose(const Village& village, SeqRange range) {
    sql::Connection connection;
    REQUIRE(connection.open(village.journal_path(), ""));
    REQUIRE(connection.run("PRAGMA locking_mode=EXCLUSIVE"));
    const auto from = (std::int64_t{1} << 40) + static_cast<std::int64_t>(range.first.value);
    const auto to = (std::int64_t{1} << 40) + static_cast<std::int64_t>(range.last.value);
    const auto text =
        "DELETE FROM block WHERE id>=" + std::to_string(from) + " AND id<=" + std::to_string(to);
    REQUIRE(connection.run(text.c_str()));
}

}  // namespace

TEST_CASE("An epoch whose first records are lost reaches the real province, the rest of it whole",
          "[scenario][lost]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{2'000'000}, BitRate{100'000});
    village.set_link(false);
    village.start();
    village.run_for(2h + 31min + 3s);
    // Another epoch begins, so that this one is closed.
    const CardImage image{village};
    village.run_for(5min);
    village.kill();
    image.restore(village);
    village.start();
    village.run_for(5min);
    village.stop();
    auto before = records_in_journal(options_of(village));
    REQUIRE(before.size() == 2);
    lose(village, {Seq{1}, Seq{1}});  // the block of its first hour
    const auto journal = records_in_journal(options_of(village));
    EpochId old;
    for (const auto& [epoch, records] : journal) {
        if (!records.contains(Seq{1})) old = epoch;
    }
    REQUIRE_FALSE(old.is_none());
    REQUIRE(journal.at(old).size() > 60);

    village.set_link(true);
    village.start();
    village.run_for(3h);
    const auto status = village.daemon().status();
    REQUIRE(status.sync.size() == 1);
    CHECK(status.sync.front().parked_records == 0);
    village.stop();
    const auto province = records_at_province(village.province());
    REQUIRE(province.contains(old));
    for (const auto& [seq, body] : province.at(old)) {
        INFO("record " << seq.value);
        if (journal.at(old).contains(seq)) {
            REQUIRE(body == journal.at(old).at(seq));
        } else {
            REQUIRE(is_emptied(body));
        }
    }
    const auto sites = village.province().list();
    REQUIRE(sites);
    for (const auto& epoch : sites->front().epochs) CHECK(epoch.held.empty());
    CHECK(province.at(old).begin()->first == Seq{1});
    CHECK(province.at(old).rbegin()->first > journal.at(old).rbegin()->first);
}
