// What a wrong clock may do to certificates and counters: nothing that lasts.

#include <catch2/catch.hpp>
#include <map>

#include "daemon/app/version.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

constexpr auto kYear = 24h * 365;

/// A village later than any build of this program, whose province tells the time.
struct Late : Village {
    Late() : Village{test_seed()} {
        clock.set_wall(wall_from_ms(1'924'992'000'000));  // 2031
        offset = clock.wall().wall - clock.true_time();
        link.date = [this] { return now(); };
    }
    /// What a right clock shows.
    [[nodiscard]] WallTime now() const { return clock.true_time() + offset; }
    /// The next boot, without a clock of its own.
    void power_cut_without_clock(Millis off) {
        power_cut(off);
        clock.set_wall(wall_from_ms(5'000));
        clock.set_synchronised(false);
    }
    /// Seconds that the counters have for the WAN, by "state cause".
    std::map<std::string, std::int64_t> counted() {
        kill();
        std::map<SeriesId, std::string> names;
        std::map<std::string, std::int64_t> seconds;
        for (const auto& record : journal_records()) {
            if (const auto* event = std::get_if<Event>(&record.body)) {
                if (event->kind != EventKind::series) continue;
                const auto series = series_from(*event);
                if (!series || series->name != "link_state_seconds_total") continue;
                std::map<std::string, std::string> labels;
                for (const auto& label : series->labels) labels[label.name] = label.value;
                if (labels["link"] == "wan") {
                    names[series->id] = labels["state"] + " " + labels["cause"];
                }
                continue;
            }
            for (const auto& column : std::get<Chunk>(record.body).columns) {
                const auto name = names.find(column.series);
                if (name != names.end()) seconds[name->second] = column.values.back() / 1000;
            }
        }
        return seconds;
    }

    Millis offset{};
};

}  // namespace

TEST_CASE("Certificates are verified at the present instant after a restart on an old boot",
          "[scenario]") {
    Late village;
    village.start();
    village.run_for(2min);
    village.stop();
    village.clock.pass(24h * 60);
    village.start();
    village.run_for(2min);
    village.stop();
    village.start();
    village.run_for(2min);
    const auto error = village.daemon().certificate_time() - village.clock.wall().wall;
    CHECK(error < 1s);
    CHECK(error > -1s);
}

TEST_CASE("Floor of the certificates' instant outlives a boot without a clock", "[scenario]") {
    Late village;
    const bool has_province = GENERATE(true, false);
    if (!has_province) village.set_link(false);
    village.start();
    village.run_for(2h);
    const auto seen = village.now();
    village.power_cut_without_clock(30min);
    village.set_link(false);
    village.start();
    village.run_for(2min);
    const auto floor = village.daemon().certificate_time();
    if (has_province) {
        // Kernel and province agreed.
        CHECK(floor >= seen - 2h);
        CHECK(floor <= seen + 30min);
    } else {
        // The kernel alone: it is followed, not taken at its word.
        CHECK(floor >= build_date() + 50h);
        CHECK(floor <= build_date() + 65h);
    }
}

TEST_CASE("A kernel clock that is years ahead for a while locks no certificate out", "[scenario]") {
    Late village;
    village.start();
    village.run_for(2h);
    village.clock.step_wall(10 * kYear);
    // The certificate is expired by that clock: nobody is there to contradict it.
    village.province_down();
    village.run_for(20min);
    CHECK(village.daemon().certificate_time() >= village.now() + 9 * kYear);
    SECTION("when it is no longer synchronised on the same boot") {
        village.clock.set_synchronised(false);
        village.run_for(1min);
        CHECK(village.daemon().certificate_time() <= village.now() + 11h);
    }
    SECTION("when it is right again on the same boot") {
        village.clock.step_wall(-10 * kYear);
        village.run_for(30min);
        CHECK(village.daemon().certificate_time() <= village.now() + 1s);
    }
    SECTION("when the next boot has no clock at all") {
        village.power_cut_without_clock(30min);
        village.start();
        village.run_for(1min);
        CHECK(village.daemon().certificate_time() <= village.now() + 11h);
        CHECK(village.daemon().certificate_time() >= village.now() - 2h);
    }
}

TEST_CASE("A province whose date is years ahead for an hour is heard again after it",
          "[scenario]") {
    Late village;
    village.clock.set_wall(wall_from_ms(5'000));
    village.clock.set_synchronised(false);
    village.link.date = [] { return build_date() + 10 * kYear; };
    village.start();
    village.run_for(1h);
    CHECK(village.daemon().status().clock.state == "province");
    CHECK(village.daemon().certificate_time() <= build_date() + 32h);
    village.power_cut_without_clock(10min);
    village.start();
    village.run_for(1min);
    CHECK(village.daemon().certificate_time() <= build_date() + 33h);
}

TEST_CASE("A gap's seconds are not counted by a clock that is wrong for a minute", "[scenario]") {
    Late village;
    village.start();
    village.run_for(2h);
    village.province_down();
    village.power_cut(3h);
    village.clock.step_wall(2 * kYear);
    village.start();
    village.run_for(1min);
    village.clock.step_wall(-2 * kYear);
    SECTION("and are, by the right one") {
        village.run_for(20min);
        const auto seconds = village.counted()["down device_off"];
        CHECK(seconds >= 3 * 3600 - 60);
        CHECK(seconds <= 3 * 3600 + 120);
    }
    SECTION("and are, as soon as kernel and province agree") {
        village.run_for(10s);
        village.province_up();
        village.run_for(4min);
        const auto seconds = village.counted()["down device_off"];
        CHECK(seconds >= 3 * 3600 - 60);
        CHECK(seconds <= 3 * 3600 + 120);
    }
    SECTION("and are not, when nobody could tell") {
        village.run_for(2min);
        CHECK(village.counted()["down device_off"] <= 120);
    }
}
