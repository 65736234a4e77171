// Somebody deletes a file of a daemon that is not running.

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

TEST_CASE("Village counts on to the byte when its ring is deleted on the same boot", "[scenario]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    village.run_for(20min + 33s);
    village.kill();
    village.ring().power_cut();
    village.run_for(4s);
    village.start();
    village.run_for(10min);
    village.stop();
    // The ticks of the open minute are gone, their bytes are not.
    CHECK(Village::wan_bytes(village.journal_records()) == village.kernel.true_wan_bytes());
}

TEST_CASE("Village begins a new epoch and says what it lost when its journal is deleted",
          "[scenario]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    village.run_for(20min + 33s);
    village.kill();
    const auto known = village.kernel.true_wan_bytes();
    for (const auto* end : {"", "-wal"}) {
        std::filesystem::remove(village.journal_path() + end);
    }
    village.start();
    village.run_for(20min);
    village.stop();
    const auto journal = village.journal_records();
    // The new totals begin at zero: what the interface carried before is not counted again.
    const auto kept = Village::wan_bytes(journal);
    CHECK(kept.received == village.kernel.true_wan_bytes().received - known.received);
    std::size_t losses = 0, boots = 0;
    for (const auto& record : journal) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr) continue;
        if (event->kind == EventKind::boot) ++boots;
        if (event->kind != EventKind::loss) continue;
        ++losses;
        const auto loss = loss_from(*event);
        REQUIRE(loss);
        CHECK(loss->reason == "foreign_epoch");
        CHECK(loss->count >= 3);
    }
    CHECK(losses == 1);
    CHECK(boots == 1);
    const auto sites = village.province().list();
    REQUIRE(sites);
    REQUIRE(sites->size() == 1);
    CHECK((*sites)[0].epochs.size() == 2);
}
