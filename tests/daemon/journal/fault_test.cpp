#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <random>

#include "tests/daemon/journal/fault_campaign.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;

namespace {

constexpr int kSteps = 30;

std::uint64_t calls_of_workload() {
    FaultVfs disk;
    Promises promises;
    const auto outcome = run_workload(disk, promises, kSteps);
    INFO(outcome.error.detail);
    REQUIRE_FALSE(outcome.has_failed);
    REQUIRE(look("journal.db", disk.name(), promises).empty());
    return disk.calls();
}

/// Copies the disk's files into `folder`, for SQLite's real VFS.
void pour(const FaultVfs& disk, const TempFolder& folder) {
    for (const auto& name : disk.files()) {
        std::ofstream{folder.file(name), std::ios::binary} << disk.content(name);
    }
}

struct Tally {
    std::uint64_t tried = 0;
    std::uint64_t lost = 0;
    std::uint64_t corrupt = 0;
    std::uint64_t newest = 0;  ///< cuts that cost the newest commit
    std::string first;

    void count(const std::string& defect) {
        ++tried;
        if (defect.empty()) return;
        if (first.empty()) first = defect;
        ++(defect.find("lost") != std::string::npos ? lost : corrupt);
    }
};

/// What one power cut left: a look, and of every tenth some more work, a second cut without work
/// in flight.
void look_after(FaultVfs& disk, Promises promises, std::uint64_t round, Tally& tally) {
    if (round % 20 == 19) {
        const TempFolder folder;
        pour(disk, folder);
        tally.count(look(folder.file("journal.db"), "", promises));
        return;
    }
    if (auto defect = look("journal.db", disk.name(), promises); !defect.empty()) {
        tally.count(defect);
        return;
    }
    if (round % 10 != 0) {
        tally.count("");
        return;
    }
    const auto more = run_workload(disk, promises, 5);
    if (more.has_failed) {
        tally.count("corrupt: does not go on: " + more.error.detail);
        return;
    }
    disk.restart();
    tally.count(look("journal.db", disk.name(), promises));
}

/// The work is done once, and the power cut in a copy of the disk at each of its calls: what comes
/// before a cut is the same for all of them. Repeated, with other seeds and kinds of disk, as far
/// as the rounds go; fewer rounds than calls are spread over them.
Tally power_cuts(std::uint64_t rounds, const FaultPlan& kind) {
    const auto all_calls = calls_of_workload();
    std::mt19937_64 random{test_seed()};
    Tally tally;
    while (tally.tried < rounds) {
        const auto left = rounds - tally.tried;
        const auto share = std::max<std::uint64_t>(1, all_calls / left);
        FaultPlan plan{
            .seed = random(),
            .directory = random() % 2 == 0 ? Directory::with_any_sync : Directory::with_its_own,
            .is_powersafe_overwrite = kind.tears_neighbours || random() % 4 != 0,
            .tears_neighbours = kind.tears_neighbours,
            .sync_is_a_lie = kind.sync_is_a_lie};
        FaultVfs disk{plan};
        Promises promises;
        disk.on_each_call([&](std::uint64_t) {
            if (tally.tried >= rounds || random() % share != 0) return;
            plan.seed = random();
            const auto copy = disk.after_cut(plan);
            if (plan.tears_neighbours) {
                // A second look at the same disk: what is lost of the newest commit.
                auto all = promises;
                const auto again = disk.after_cut(plan);
                if (!look("journal.db", again->name(), all).empty()) ++tally.newest;
                auto older = promises.without_newest_commit();
                tally.count(look("journal.db", copy->name(), older));
                return;
            }
            look_after(*copy, promises, tally.tried, tally);
        });
        const auto outcome = run_workload(disk, promises, kSteps);
        INFO(outcome.error.detail);
        REQUIRE_FALSE(outcome.has_failed);
    }
    return tally;
}

}  // namespace

TEST_CASE("Journal keeps every promised record across a power cut at any I/O call",
          "[journal][fault]") {
    const auto tally = power_cuts(test_rounds(10'000), {});
    std::printf("power cuts: tried %llu, lost %llu, corrupt %llu\n",
                static_cast<unsigned long long>(tally.tried),
                static_cast<unsigned long long>(tally.lost),
                static_cast<unsigned long long>(tally.corrupt));
    INFO(tally.first);
    CHECK(tally.lost == 0);
    CHECK(tally.corrupt == 0);
}

TEST_CASE("The power-cut campaign notices a card that lies about sync", "[journal][fault]") {
    const auto tally = power_cuts(test_rounds(100), {.sync_is_a_lie = true});
    INFO("tried " << tally.tried << ", lost " << tally.lost << ", corrupt " << tally.corrupt);
    CHECK(tally.lost > tally.tried / 4);
}

TEST_CASE("A card that damages what lies beside a torn write costs the newest commit at most",
          "[journal][fault]") {
    const auto tally = power_cuts(test_rounds(500), {.tears_neighbours = true});
    std::printf(
        "power cuts that tear neighbours: tried %llu, newest commit lost %llu, "
        "older lost %llu, corrupt %llu\n",
        static_cast<unsigned long long>(tally.tried), static_cast<unsigned long long>(tally.newest),
        static_cast<unsigned long long>(tally.lost),
        static_cast<unsigned long long>(tally.corrupt));
    INFO(tally.first);
    CHECK(tally.lost == 0);
    CHECK(tally.corrupt == 0);
    // The campaign is what it says.
    if (test_effort() >= 1) CHECK(tally.newest > 0);
}

TEST_CASE("Journal reports a failed I/O call, stores nothing by halves and goes on when reopened",
          "[journal][fault]") {
    const auto fault = GENERATE(Fault::io_error, Fault::full, Fault::cannot_open,
                                Fault::failing_sync, Fault::read_only);
    const bool is_persistent = GENERATE(false, true);
    const auto calls = calls_of_workload();
    const auto stride = std::max<std::uint64_t>(1, calls / test_rounds(25));
    for (std::uint64_t nth = 1; nth <= calls; nth += stride) {
        INFO("fault " << static_cast<int>(fault) << " at call " << nth);
        FaultVfs disk{{.fault = fault,
                       .at_call = nth,
                       .is_persistent = is_persistent,
                       .seed = test_seed() + nth}};
        Promises promises;
        const auto outcome = run_workload(disk, promises, kSteps);
        // A mirror that cannot be written stops nothing, and is the last thing that is written.
        const bool may_be_the_mirror = fault == Fault::full || nth * 5 > calls * 4;
        if (disk.fired() && is_persistent && fault != Fault::cannot_open && !may_be_the_mirror) {
            REQUIRE(outcome.has_failed);
        }
        if (outcome.has_failed) {
            INFO(outcome.error.detail);
            const bool is_right_code =
                outcome.error.code ==
                (fault == Fault::full ? Errc::storage_full : Errc::storage_broken);
            REQUIRE(is_right_code);
            REQUIRE(outcome.error.detail.find("journal.") != std::string::npos);
            // By these words the daemon knows what to tell the technician.
            const bool is_read_only =
                outcome.error.detail.find("Read-only file system") != std::string::npos;
            REQUIRE(is_read_only == (fault == Fault::read_only));
        }
        // The disk heals, the process starts again; later the power goes as well.
        disk.arm({.seed = nth});
        REQUIRE(look("journal.db", disk.name(), promises) == "");
        const auto more = run_workload(disk, promises, 5);
        INFO(more.error.detail);
        REQUIRE_FALSE(more.has_failed);
        disk.restart();
        REQUIRE(look("journal.db", disk.name(), promises) == "");
    }
}
