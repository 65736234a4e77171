// Links that come and go every few seconds: what they write down is bounded, and no second of them
// is lost, over restarts too.

#include <catch2/catch.hpp>
#include <map>

#include "common/model/series_table.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// What a journal tells of the WAN's outages.
struct Told {
    std::map<std::pair<std::uint64_t, std::uint32_t>, Outage> segments;  ///< newest states
    std::size_t events = 0;
    Millis counted_down{};  ///< by the readings of seconds per state

    [[nodiscard]] std::size_t open() const {
        std::size_t count = 0;
        for (const auto& [key, outage] : segments) count += outage.is_open();
        return count;
    }
    [[nodiscard]] Millis certain() const { return sum(true); }
    [[nodiscard]] Millis possible() const { return sum(false); }
    [[nodiscard]] std::uint64_t outages() const {
        std::uint64_t count = 0;
        for (const auto& [key, outage] : segments) {
            if (is_down(outage)) count += outage.fold ? outage.fold->count : 1;
        }
        return count;
    }

private:
    static bool is_down(const Outage& outage) { return outage.cause != Cause::daemon; }
    [[nodiscard]] Millis sum(bool is_certain) const {
        Millis all{};
        for (const auto& [key, outage] : segments) {
            if (!is_down(outage) || outage.is_open()) continue;
            if (outage.fold) {
                all += is_certain ? outage.fold->certain : outage.fold->possible;
            } else if (is_certain) {
                all += outage.last_bad->at - outage.first_bad.at;
            } else {
                all += outage.first_good->at - outage.last_good.at;
            }
        }
        return all;
    }
};

Told told_by(const std::vector<Record>& records) {
    Told told;
    std::map<SeriesId, std::int64_t> seconds;
    for (const auto& record : records) {
        if (const auto* chunk = std::get_if<Chunk>(&record.body)) {
            for (const auto& column : chunk->columns) {
                const auto found = seconds.find(column.series);
                if (found != seconds.end()) found->second = column.values.back();
            }
            continue;
        }
        const auto& event = std::get<Event>(record.body);
        if (const auto series = series_from(event); event.kind == EventKind::series && series) {
            if (series->name != "link_state_seconds_total") continue;
            bool is_wan = false;
            bool is_down = false;
            for (const auto& label : series->labels) {
                is_wan = is_wan || (label.name == "link" && label.value == "wan");
                is_down = is_down || (label.name == "state" && label.value == "down");
            }
            if (is_wan && is_down) seconds[series->id] = 0;
        }
        if (event.kind != EventKind::outage) continue;
        const auto outage = outage_from(event);
        REQUIRE(outage);
        if (outage->link != link_name::kWan) continue;
        ++told.events;
        told.segments[{outage->id, outage->segment}] = *outage;
    }
    for (const auto& [series, value] : seconds) told.counted_down += Millis{value};
    return told;
}

/// Down for 40 s, up for 40 s, `times` times.
void flap(Village& village, int times) {
    for (int i = 0; i < times; ++i) {
        village.set_link(false);
        village.run_for(40s);
        village.set_link(true);
        village.run_for(40s);
    }
}

void check_times(const Told& told, Millis down) {
    CHECK(told.open() == 0);
    CHECK(told.certain() <= down);
    CHECK(told.possible() >= down);
    // Exact to the rounds: an answer came at most 10 s before, and 3 s after.
    CHECK(told.possible() - told.certain() <= told.outages() * 20s);
    CHECK(told.counted_down >= told.certain());
    CHECK(told.counted_down <= told.possible());
    DeviceTime before{};
    for (const auto& [key, outage] : told.segments) {
        CHECK(outage.last_good >= before);
        before = *outage.first_good;
    }
}

}  // namespace

TEST_CASE("Village writes a bounded ledger of a provider that flaps all day, with every second",
          "[scenario][flapping]") {
    Village village{test_seed()};
    village.start();
    village.run_for(10min);
    flap(village, 540);
    // Whoever looks sees it, told or not.
    village.set_link(false);
    village.run_for(40s);
    const auto status = village.daemon().status();
    CHECK(status.link.state == "down");
    CHECK(status.link.cause == "isp");
    CHECK(status.link.since_s.value_or(99) <= 40);
    village.set_link(true);
    village.run_for(40s);
    village.stop();
    const auto told = told_by(village.journal_records());
    CHECK(told.outages() == 541);
    // 100 at once, each as it begins, as it is sure and as it ends; one fold each 3 h and the one
    // at the stop.
    CHECK(told.events >= 200);
    CHECK(told.events <= 300 + 4 + 1);
    check_times(told, 541 * 40s);
}

TEST_CASE("Village gives a flapping link no new allowance at a restart and loses no second",
          "[scenario][flapping]") {
    Village village{test_seed()};
    village.start();
    village.run_for(10min);
    flap(village, 120);
    const bool is_held = GENERATE(false, true);
    Millis down = 120 * 40s;
    for (int life = 0; life < 10; ++life) {
        // At the stop an outage is held back, open or over.
        if (is_held) {
            village.set_link(false);
            village.run_for(25s);
        }
        village.stop(kStopForConfiguration);
        village.start();
        if (is_held) {
            village.run_for(15s);
            village.set_link(true);
            village.run_for(40s);
            down += 40s;
        }
        flap(village, 9);
        down += 9 * 40s;
    }
    village.stop();
    const auto told = told_by(village.journal_records());
    CHECK(told.outages() == 120 + 10 * (is_held ? 10 : 9));
    // Each stop tells what it holds: a fold, and the open one with its end.
    CHECK(told.events <= 300 + 11 * (is_held ? 5 : 2));
    check_times(told, down);
}

TEST_CASE("Village loses with the process only what was held back of a flapping link",
          "[scenario][flapping]") {
    Village village{test_seed()};
    village.start();
    village.run_for(10min);
    flap(village, 160);
    SECTION("killed") {
        village.kill();
        village.run_for(20s);
    }
    SECTION("in a power cut") {
        village.power_cut(20min);
    }
    village.start();
    flap(village, 60);
    village.stop();
    const auto told = told_by(village.journal_records());
    CHECK(told.open() == 0);
    // Numbers that nobody saw are given again, those that somebody saw never.
    std::map<std::uint64_t, DeviceTime> begun;
    for (const auto& [key, outage] : told.segments) {
        const auto [found, is_new] = begun.try_emplace(outage.id, outage.last_good);
        if (!is_new) CHECK(found->second <= outage.last_good);
    }
    CHECK(told.outages() >= 100 + 60);
    CHECK(told.outages() <= 160 + 60 + 1);
    CHECK(told.events <= 300 + 4 + 4);
    // The readings know of every second: 220 times 40 s, exact to the rounds.
    CHECK(told.counted_down >= 220 * 25s);
}

TEST_CASE("Village that flaps while its disk is dead joins a bounded ledger",
          "[scenario][flapping][blind]") {
    Village village{test_seed()};
    bool is_dead = true;
    village.state_folder = [&is_dead]() -> Result<StateFolder> {
        if (is_dead) return Error{Errc::storage_broken, "make folder: Input/output error"};
        return StateFolder{};
    };
    village.start();
    village.run_for(10min);
    flap(village, 300);
    is_dead = false;
    village.run_for(2min);
    CHECK(village.daemon().status().journal.storage == "well");
    flap(village, 20);
    village.stop();
    const auto told = told_by(village.journal_records());
    CHECK(told.outages() == 320);
    CHECK(told.events <= 2 * 300 + 10);
    check_times(told, 320 * 40s);
}
