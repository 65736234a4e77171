#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <new>

#include "tests/daemon/journal/fault_campaign.hpp"
#include "tests/support/fault_memory.hpp"
#include "tests/support/fault_new.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

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
    const auto stride = std::max<std::uint64_t>(1, calls / test_rounds(150));
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

TEST_CASE("Memory that runs out at any allocation of the journal's own costs no record",
          "[journal][fault][memory]") {
    constexpr int kSteps = 30;
    // On a real file: what SQLite calls must not throw.
    const auto has_run_out = [](const TempFolder& folder, Promises& promises, int steps) {
        const JournalOptions options{
            .path = folder.file("journal.db"), .page_bytes = 1024, .wal_pages = 24};
        try {
            const auto outcome = run_workload(options, promises, steps);
            INFO(outcome.error.detail);
            REQUIRE_FALSE(outcome.has_failed);
            return false;
        } catch (const std::bad_alloc&) {
            return true;
        }
    };
    std::uint64_t calls = 0;
    {
        const TempFolder folder;
        Promises promises;
        fault_new::arm(0);
        REQUIRE_FALSE(has_run_out(folder, promises, kSteps));
        calls = fault_new::calls();
    }
    REQUIRE(calls > 1000);
    const auto stride = std::max<std::uint64_t>(1, calls / test_rounds(100));
    std::uint64_t tried = 0;
    for (auto nth = 1 + test_seed() % stride; nth <= calls; nth += stride) {
        for (const bool is_persistent : {false, true}) {
            INFO("allocation " << nth << (is_persistent ? " and all later ones" : ""));
            const TempFolder folder;
            Promises promises;
            fault_new::arm(nth, is_persistent);
            const bool was_short = has_run_out(folder, promises, kSteps);
            REQUIRE(was_short == fault_new::fired());
            fault_new::arm(0);
            ++tried;
            // Nothing holds the file, amid a transaction or not; nothing was taken for damage.
            REQUIRE(look(folder.file("journal.db"), "", promises) == "");
            REQUIRE_FALSE(std::filesystem::exists(folder.file("journal.damaged")));
            REQUIRE_FALSE(has_run_out(folder, promises, 5));
        }
    }
    std::printf("operator new: %llu calls, failed %llu times, lost 0, corrupt 0\n",
                static_cast<unsigned long long>(calls), static_cast<unsigned long long>(tried));
}
