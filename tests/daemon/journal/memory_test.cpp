#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>

#include "tests/daemon/journal/fault_campaign.hpp"
#include "tests/support/fault_memory.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;

TEST_CASE("An allocation of SQLite that fails costs no record and damages nothing",
          "[journal][fault][memory]") {
    constexpr int kSteps = 30;
    std::uint64_t calls = 0;
    {
        FaultVfs disk;
        Promises promises;
        fault_memory::arm(0);
        REQUIRE_FALSE(run_workload(disk, promises, kSteps).has_failed);
        calls = fault_memory::calls();
    }
    REQUIRE(calls > 100);
    const auto stride = std::max<std::uint64_t>(1, calls / test_rounds(300));
    std::uint64_t tried = 0;
    std::uint64_t refused = 0;
    for (std::uint64_t nth = 1; nth <= calls; nth += stride) {
        for (const bool is_persistent : {false, true}) {
            INFO("allocation " << nth << (is_persistent ? " and all later ones" : ""));
            FaultVfs disk{{.seed = nth}};
            Promises promises;
            fault_memory::arm(nth, is_persistent);
            const auto outcome = run_workload(disk, promises, kSteps);
            if (fault_memory::fired()) ++refused;
            fault_memory::arm(0);
            ++tried;
            if (outcome.has_failed) {
                INFO(outcome.error.detail);
                // Never "damaged": nothing was set aside.
                REQUIRE(disk.content("journal.damaged").empty());
            }
            REQUIRE(look("journal.db", disk.name(), promises) == "");
            const auto more = run_workload(disk, promises, 5);
            INFO(more.error.detail);
            REQUIRE_FALSE(more.has_failed);
        }
    }
    std::printf("failed allocations: tried %llu, met %llu, lost 0, corrupt 0\n",
                static_cast<unsigned long long>(tried), static_cast<unsigned long long>(refused));
}
