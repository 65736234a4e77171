// The journal's disk fails under the whole daemon.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>

#include "tests/support/fault_vfs.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

std::size_t ticks_in(const std::vector<Record>& records) {
    std::size_t ticks = 0;
    for (const auto& record : records) {
        if (const auto* chunk = std::get_if<Chunk>(&record.body)) ticks += chunk->ticks.size();
    }
    return ticks;
}

std::size_t events_in(const std::vector<Record>& records, EventKind kind) {
    std::size_t events = 0;
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event != nullptr && event->kind == kind) ++events;
    }
    return events;
}

/// Segments whose newest state has no end.
std::size_t open_outages_in(const std::vector<Record>& records) {
    std::map<std::pair<std::uint64_t, std::uint32_t>, bool> is_open;
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != EventKind::outage) continue;
        const auto outage = outage_from(*event);
        REQUIRE(outage);
        is_open[{outage->id, outage->segment}] = outage->is_open();
    }
    return static_cast<std::size_t>(
        std::count_if(is_open.begin(), is_open.end(), [](const auto& one) { return one.second; }));
}

}  // namespace

TEST_CASE("Village keeps every tick when a commit fails at any call and the journal is reopened",
          "[scenario][fault]") {
    const auto fault = GENERATE(Fault::io_error, Fault::failing_sync);
    for (std::uint64_t at_call = 1; at_call <= 24; ++at_call) {
        INFO("fault " << static_cast<int>(fault) << " at call " << at_call);
        FaultVfs disk;
        Village village{test_seed()};
        village.journal_vfs = disk.name();
        village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
        village.start();
        village.run_for(5min + 3s);
        disk.arm({.fault = fault, .at_call = at_call, .seed = at_call});
        for (int i = 0; i < 5 * 60; ++i) {
            village.run_for(1s);
            if (!village.has_ended()) continue;
            village.kill();
            village.start();
        }
        village.stop();
        const auto journal = village.journal_records();
        CHECK(Village::wan_bytes(journal) == village.kernel.true_wan_bytes());
        std::optional<DeviceTime> last;
        for (const auto& record : journal) {
            const auto* chunk = std::get_if<Chunk>(&record.body);
            if (chunk == nullptr) continue;
            for (const auto at : chunk->ticks) {
                const DeviceTime tick{chunk->boot, at};
                REQUIRE((!last || *last < tick));
                last = tick;
            }
        }
        // One at the start, one each 10 s, and one more where a life begins between two.
        CHECK(ticks_in(journal) >= 1 + 60);
        CHECK(events_in(journal, EventKind::boot) == 1);
        CHECK(events_in(journal, EventKind::loss) == 0);
        CHECK(open_outages_in(journal) == 0);
    }
}

TEST_CASE("Village waits for a full disk and commits everything when there is room again",
          "[scenario][fault]") {
    FaultVfs disk;
    Village village{test_seed()};
    village.journal_vfs = disk.name();
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    village.run_for(1h);
    disk.arm({.fault = Fault::full, .at_call = 1, .is_persistent = true});
    village.run_for(10h);
    REQUIRE_FALSE(village.has_ended());
    CHECK(village.daemon().status().journal.state == "failing");
    disk.arm({});
    village.run_for(2min);
    CHECK(village.daemon().status().journal.state == "ok");
    // A clean stop in the middle of catching up takes all that is left with it.
    village.stop();
    const auto journal = village.journal_records();
    CHECK(ticks_in(journal) >= 11 * 360);
    CHECK(Village::wan_bytes(journal) == village.kernel.true_wan_bytes());
    const auto* stop = std::get_if<Event>(&journal.back().body);
    REQUIRE(stop != nullptr);
    CHECK(stop->kind == EventKind::stop);
    CHECK(village.ring().entries() == 0);
}

TEST_CASE("Village closes the gap of a power cut although its first life ends uncommitted",
          "[scenario][fault]") {
    unsigned broken = 0;
    for (std::uint64_t at_call = 1; at_call <= 60; ++at_call) {
        INFO("fault at call " << at_call);
        FaultVfs disk;
        Village village{test_seed()};
        village.journal_vfs = disk.name();
        village.start();
        village.run_for(10min);
        village.power_cut(20min);
        // The disk fails once: while the journal is opened, or at the first commit of this boot.
        // Then the ring alone knows what the first life saw.
        disk.arm({.fault = Fault::io_error, .at_call = at_call, .seed = at_call});
        village.start();
        if (village.has_ended()) {
            ++broken;
            village.kill();
            village.run_for(5s);
            village.start();
        }
        REQUIRE_FALSE(village.has_ended());
        village.run_for(10min);
        village.stop();
        const auto journal = village.journal_records();
        CHECK(events_in(journal, EventKind::boot) == 2);
        CHECK(open_outages_in(journal) == 0);
        CHECK(ticks_in(journal) >= 61 + 61);
    }
    CHECK(broken > 10);
}
