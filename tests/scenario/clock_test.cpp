// Boards without a clock of their own.

#include <catch2/catch.hpp>

#include "common/model/timeline.hpp"
#include "daemon/province/sqlite.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

TEST_CASE("Village whose clock is set late gets the right time for what it measured before",
          "[scenario]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    // The first boot never learns the time, the second one after 70 minutes.
    village.clock.set_wall(wall_from_ms(5'000));
    village.clock.set_synchronised(false);
    village.start();
    village.run_for(50min);
    CHECK(village.daemon().status().clock.state == "unset");
    village.power_cut(30min);
    village.clock.set_wall(wall_from_ms(9'000));
    village.start();
    village.run_for(70min);
    village.clock.set_wall(village.clock.true_time());
    village.clock.set_synchronised(true);
    village.run_for(30min);
    // An operator's mistake or a bad server: the clock jumps, and jumps back.
    village.clock.step_wall(2h);
    village.run_for(10min);
    village.clock.step_wall(-2h);
    village.run_for(20min);
    const auto boot_began = village.clock.true_time() - Millis{to_ms(village.clock.now())};
    village.stop();

    const auto journal = village.journal_records();
    CHECK(Village::wan_bytes(journal).received > 0);
    Timeline timeline;
    Seq first_jump;
    for (const auto& record : journal) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != EventKind::anchor) continue;
        const auto anchor = anchor_from(*event);
        REQUIRE(anchor);
        CHECK(anchor->at.boot == BootNo{2});
        timeline.add(record.seq, *anchor);
        const auto error = anchor->wall - (boot_began + Millis{to_ms(anchor->at.at)});
        if (error > 1h && first_jump.value == 0) first_jump = record.seq;
    }
    REQUIRE(first_jump.value != 0);
    for (const auto& record : journal) {
        const auto at = time_of(record.body).value();
        const auto wall = timeline.wall_of(record.seq, at);
        if (at.boot == BootNo{1}) {
            CHECK_FALSE(wall);
        } else if (record.seq < first_jump) {
            REQUIRE(wall);
            CHECK(*wall == boot_began + Millis{to_ms(at.at)});
        }
    }
    // Nothing that was sent under one time is sent under another later: the prefix decides.
    Timeline early;
    for (const auto& record : journal) {
        if (record.seq > first_jump) break;
        const auto* event = std::get_if<Event>(&record.body);
        if (event != nullptr && event->kind == EventKind::anchor)
            early.add(record.seq, *anchor_from(*event));
    }
    for (const auto& record : journal) {
        if (record.seq > first_jump) break;
        CHECK(early.wall_of(record.seq, time_of(record.body).value()) ==
              timeline.wall_of(record.seq, time_of(record.body).value()));
    }
}

TEST_CASE("Province shows each tick of a village at its own time, events or not", "[scenario]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    for (int i = 0; i < 12; ++i) {
        village.run_for(4min + 17s);
        village.kernel.carrier("eth0", i % 2 != 0);
        village.link_changed();
    }
    village.run_for(10min);
    const auto boot_began = to_ms(village.clock.true_time()) - to_ms(village.clock.now());
    village.kill();
    auto database = village.query_province();
    REQUIRE(database);
    const auto ticks = database->number("SELECT count(DISTINCT device_ms) FROM reading");
    CHECK(ticks.value_or(0) > 300);
    CHECK(database->number("SELECT count(DISTINCT wall_ms) FROM reading") == ticks);
    CHECK(database->number("SELECT count(*) FROM reading WHERE wall_ms <> device_ms + ?1",
                           {boot_began}) == 0);
}
