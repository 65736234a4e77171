// The journal's disk fails under the whole daemon.

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "common/model/storage_facts.hpp"
#include "daemon/journal/database.hpp"
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

std::string content_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void fail_aloud(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

net::awaitable<void> ask_outages(Daemon& daemon, std::optional<Errc>& answer) {
    const auto rows = co_await daemon.outages();
    if (!rows) answer = rows.error().code;
}

net::awaitable<void> ask_usage(Daemon& daemon, std::optional<Errc>& answer) {
    const auto rows =
        co_await daemon.usage(UsagePeriod::day, wall_from_ms(0), wall_from_ms(INT64_MAX));
    if (!rows) answer = rows.error().code;
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
        village.run_for(5min);
        CHECK(village.daemon().status().journal.storage == "well");
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
        // One at the start, one each 10 s, one at the stop: the same process all the time.
        CHECK(ticks_in(journal) == 1 + 60 + 1);
        CHECK(village.ring().entries() == 0);
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
    CHECK(village.daemon().status().journal.state == "failing");
    CHECK(village.daemon().status().journal.storage == "full");
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

TEST_CASE("Village closes the gap of a power cut although the disk fails once after it",
          "[scenario][fault]") {
    unsigned fired = 0;
    for (std::uint64_t at_call = 1; at_call <= 60; at_call += 3) {
        INFO("fault at call " << at_call);
        FaultVfs disk;
        Village village{test_seed()};
        village.journal_vfs = disk.name();
        village.start();
        village.run_for(10min);
        village.power_cut(20min);
        // While the journal is opened, or at the first commit of this boot.
        disk.arm({.fault = Fault::io_error, .at_call = at_call, .seed = at_call});
        village.start();
        village.run_for(10min);
        if (disk.fired()) ++fired;
        village.stop();
        const auto journal = village.journal_records();
        CHECK(events_in(journal, EventKind::boot) == 2);
        CHECK(events_in(journal, EventKind::boot_end) == 1);
        CHECK(open_outages_in(journal) == 0);
        CHECK(ticks_in(journal) >= 61 + 61);
    }
    CHECK(fired > 5);
}

TEST_CASE("Village meters from the first instant while its disk is dead for a day and joins it all",
          "[scenario][fault][blind]") {
    const bool has_past = GENERATE(true, false);
    const bool is_same_boot = GENERATE(true, false);
    const bool dies_blind = GENERATE(false, true);
    INFO("past " << has_past << ", same boot " << is_same_boot << ", dies " << dies_blind);
    FaultVfs disk;
    Village village{test_seed()};
    village.journal_vfs = disk.name();
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    std::size_t ticks_before = 0;
    if (has_past) {
        village.start();
        village.run_for(30min);
        village.stop();
        ticks_before = ticks_in(village.journal_records());
        if (is_same_boot) {
            village.run_for(2min);
        } else {
            village.power_cut(20min);
        }
    }
    bool is_dead = true;
    village.state_folder = [&is_dead]() -> Result<StateFolder> {
        if (is_dead) return Error{Errc::storage_broken, "make folder: Input/output error"};
        return StateFolder{};
    };
    village.start();
    CHECK(village.daemon().is_running());
    village.run_for(3h + 5s);
    auto status = village.daemon().status();
    CHECK(status.journal.storage == "broken");
    CHECK(status.journal.state == "failing");
    CHECK(status.link.state == "up");
    if (dies_blind) {
        village.kill();
        village.run_for(30s);
        village.start();
    }
    village.run_for(21h);
    const auto full = village.daemon().status().journal;
    CHECK(full.pending_ticks >= 24 * 360);
    CHECK(full.given_up_ticks == 0);
    // A dead card is no reason for the watchdog.
    CHECK(village.daemon().storage_is_accounted_for());
    CHECK(village.daemon().missed_ticks() == 0);
    // What the ring's size is reckoned with.
    CHECK(full.ring_bytes / full.pending_ticks < 256);
    // An outage while nobody can write it down.
    village.set_link(false);
    village.run_for(10min);
    village.set_link(true);
    village.run_for(20min);
    is_dead = false;
    village.run_for(1min);
    status = village.daemon().status();
    CHECK(status.journal.storage == "well");
    CHECK(status.link.state == "up");
    village.run_for(5min);
    CHECK(village.daemon().status().journal.pending_ticks < 12);
    village.stop();

    const auto journal = village.journal_records();
    // Each tick of 24 h 36 min, one each 10 s; the second of dying blind is not measured.
    const std::size_t wanted = 24 * 360 + 36 * 6;
    CHECK(ticks_in(journal) - ticks_before >= wanted);
    CHECK(events_in(journal, EventKind::boot) == (has_past && !is_same_boot ? 2 : 1));
    CHECK(events_in(journal, EventKind::boot_end) == (has_past && !is_same_boot ? 1 : 0));
    CHECK(events_in(journal, EventKind::loss) == 0);
    CHECK(open_outages_in(journal) == 0);
    // Each process finds it broken; then it is well.
    CHECK(events_in(journal, EventKind::storage) == (dies_blind ? 3 : 2));
    std::optional<DeviceTime> last;
    std::map<SeriesId, std::int64_t> counters;
    std::map<SeriesId, SeriesKind> kinds;
    unsigned isp = 0;
    for (const auto& record : journal) {
        if (const auto* event = std::get_if<Event>(&record.body)) {
            CHECK(event->at.boot.value <= 2);
            if (event->kind == EventKind::series) {
                const auto series = series_from(*event);
                REQUIRE(series);
                REQUIRE(kinds.count(series->id) == 0);
                kinds[series->id] = series->kind;
            }
            if (event->kind == EventKind::outage) {
                const auto outage = outage_from(*event);
                REQUIRE(outage);
                CHECK(outage->first_bad.boot.value <= 2);
                if (!outage->is_open() && outage->cause == Cause::isp) {
                    ++isp;
                    CHECK(*outage->last_bad >= outage->first_bad);
                }
            }
            continue;
        }
        const auto& chunk = std::get<Chunk>(record.body);
        for (const auto at : chunk.ticks) {
            const DeviceTime tick{chunk.boot, at};
            REQUIRE((!last || *last < tick));
            last = tick;
        }
        for (const auto& column : chunk.columns) {
            REQUIRE(kinds.count(column.series) == 1);  // introduced before its use
            if (kinds[column.series] != SeriesKind::counter) continue;
            for (const auto value : column.values) {
                auto& before = counters[column.series];
                REQUIRE(value >= before);
                before = value;
            }
        }
    }
    CHECK(isp == 1);
    CHECK(Village::wan_bytes(journal) == village.kernel.true_wan_bytes());
}

TEST_CASE("Village takes every tick and answers while its storage hangs", "[scenario][fault]") {
    Village village{test_seed()};
    village.storage_may_hang = true;
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    village.run_for(10min);
    REQUIRE(village.daemon().status().journal.storage == "well");
    village.storage_hangs = true;
    village.run_for(2h);
    const auto status = village.daemon().status();
    CHECK(status.journal.storage == "hanging");
    CHECK(status.journal.since_s.value_or(0) > 7000);
    CHECK(village.daemon().missed_ticks() == 0);
    CHECK(village.daemon().storage_is_accounted_for());
    // A question is answered at once, with the reason.
    std::optional<Errc> answer;
    net::co_spawn(village.executor(), ask_outages(village.daemon(), answer), fail_aloud);
    village.run_for(1s);
    CHECK(answer == Errc::unreachable);
    village.storage_hangs = false;
    village.run_for(2min);
    CHECK(village.daemon().status().journal.storage == "well");
    village.stop();
    const auto journal = village.journal_records();
    CHECK(ticks_in(journal) >= 1 + 132 * 6);
    CHECK(events_in(journal, EventKind::storage) >= 2);
    CHECK(Village::wan_bytes(journal) == village.kernel.true_wan_bytes());
}

TEST_CASE("Village answers a question that was put just before the storage hung within 5 s",
          "[scenario][fault]") {
    Village village{test_seed()};
    village.storage_may_hang = true;
    village.start();
    village.run_for(2min + 30s);
    village.storage_hangs = true;
    std::optional<Errc> answer;
    net::co_spawn(village.executor(), ask_usage(village.daemon(), answer), fail_aloud);
    village.run_for(4s);
    CHECK_FALSE(answer);
    village.run_for(2s);
    CHECK(answer == Errc::unreachable);
    // Killed while it hangs: the ring has it all.
    village.run_for(10min);
    village.kill();
    village.storage_hangs = false;
    village.start();
    village.run_for(1min);
    village.stop();
    CHECK(ticks_in(village.journal_records()) >= 13 * 6);
}

TEST_CASE("Village starts while its storage hangs, and joins it when it returns",
          "[scenario][fault][blind]") {
    Village village{test_seed()};
    village.storage_may_hang = true;
    village.storage_hangs = true;
    village.start();
    CHECK(village.daemon().is_running());
    village.run_for(1h);
    CHECK(village.daemon().status().journal.storage == "hanging");
    CHECK(village.daemon().status().link.state == "up");
    village.storage_hangs = false;
    village.run_for(2min);
    CHECK(village.daemon().status().journal.storage == "well");
    village.stop();
    const auto journal = village.journal_records();
    CHECK(ticks_in(journal) >= 1 + 62 * 6);
    CHECK(open_outages_in(journal) == 0);
}

TEST_CASE("Village leaves a newer version's journal untouched and meters in the ring meanwhile",
          "[scenario][fault][blind]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    village.run_for(10min);
    village.stop();
    const auto ticks_before = ticks_in(village.journal_records());
    const auto set_version = [&village](const char* sql) {
        auto database = province::Database::open(village.journal_path(), "");
        REQUIRE(database);
        (*database)->script(sql);
        REQUIRE_FALSE((*database)->failure());
    };
    set_version("PRAGMA user_version=99");
    // It would have a mirror of its own; beside one of ours that version would be damage.
    std::filesystem::remove(
        std::filesystem::path{village.journal_path()}.replace_extension("mirror"));
    const auto content = content_of(village.journal_path());
    village.start();
    village.run_for(2h);
    const auto status = village.daemon().status();
    CHECK(status.journal.state == "failing");
    CHECK(status.journal.detail.find("newer than this gerbang knows") != std::string::npos);
    CHECK(status.journal.pending_ticks >= 720);
    CHECK(status.link.state == "up");
    // No reason for the watchdog to start it anew.
    CHECK(village.daemon().storage_is_accounted_for());
    CHECK(village.daemon().missed_ticks() == 0);
    village.kill();
    CHECK((content_of(village.journal_path()) == content));
    CHECK_FALSE(std::filesystem::exists(village.journal_path() + ".damaged"));
    // The version that knows it is back.
    set_version(("PRAGMA user_version=" + std::to_string(sql::kSchemaVersion)).c_str());
    village.start();
    village.run_for(2min);
    CHECK(village.daemon().status().journal.storage == "well");
    village.stop();
    const auto journal = village.journal_records();
    CHECK(ticks_in(journal) - ticks_before >= 720 + 12);
    CHECK(Village::wan_bytes(journal) == village.kernel.true_wan_bytes());
}

TEST_CASE("Village says aloud that its state folder is RAM", "[scenario]") {
    Village village{test_seed()};
    village.state_folder = []() -> Result<StateFolder> { return StateFolder{.is_ram = true}; };
    village.start();
    village.run_for(2min);
    const auto status = village.daemon().status();
    CHECK(status.journal.is_ram);
    CHECK(status.journal.storage == "well");
    village.stop();
    CHECK(events_in(village.journal_records(), EventKind::storage) == 1);
}

TEST_CASE("Village bounds what a loose cable writes down", "[scenario]") {
    Village village{test_seed()};
    village.start();
    village.run_for(1min);
    for (int i = 0; i < 2 * 3600; ++i) {
        village.kernel.carrier("wlan0", i % 2 != 0);
        village.link_changed();
        village.run_for(1s);
    }
    village.run_for(1h);
    village.stop();
    const auto journal = village.journal_records();
    const auto carriers = events_in(journal, EventKind::carrier);
    CHECK(carriers >= 2 * 60);
    CHECK(carriers <= 4 * 60);
    std::uint64_t summed = 0;
    for (const auto& record : journal) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != EventKind::summary) continue;
        const auto fact = summary_from(*event);
        REQUIRE(fact);
        summed += fact->count;
    }
    // Each one, also those in the very millisecond of a tick; at the start both interfaces are
    // told.
    CHECK(carriers + summed == 2 + 2 * 3600);
}
