// Several gaps in a row with the link not seen between them: what is found before the first or
// behind the last of them is said of all.

#include <catch2/catch.hpp>
#include <map>

#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// A village whose link nobody sees before the sixth minute of a boot while it is down, as a modem
/// may still be starting.
struct GapVillage : Village {
    GapVillage() : Village{test_seed()} {
        start();
        run_for(20min);
    }
    /// Off for an hour, on for `on`.
    void off_and_on(Millis on) {
        power_cut(1h);
        start();
        run_for(on);
    }
    /// The newest state of the WAN's segments; the daemon is killed for it.
    std::vector<Outage> told() {
        kill();
        std::map<std::pair<std::uint64_t, std::uint32_t>, Outage> newest;
        for (const auto& record : journal_records()) {
            const auto* event = std::get_if<Event>(&record.body);
            if (event == nullptr || event->kind != EventKind::outage) continue;
            const auto outage = outage_from(*event);
            REQUIRE(outage);
            if (outage->link == link_name::kWan) newest[{outage->id, outage->segment}] = *outage;
        }
        std::vector<Outage> all;
        for (auto& [key, outage] : newest) all.push_back(std::move(outage));
        return all;
    }
};

std::vector<Cause> causes(const std::vector<Outage>& outages) {
    std::vector<Cause> all;
    for (const auto& outage : outages) all.push_back(outage.cause);
    return all;
}

/// One number, no hole, both bounds on every seam.
void check_chain(const std::vector<Outage>& outages) {
    for (std::size_t i = 0; i < outages.size(); ++i) {
        INFO("segment " << outages[i].segment << " " << to_string(outages[i].cause));
        CHECK(outages[i].id == outages[0].id);
        CHECK(outages[i].segment == i + 1);
        if (i == 0) continue;
        CHECK(outages[i - 1].last_bad == outages[i].last_good);
        CHECK(outages[i - 1].first_good == outages[i].first_bad);
    }
}

}  // namespace

TEST_CASE("Village off three times calls all of it undetermined when the link is down at last",
          "[scenario]") {
    GapVillage village;
    village.power_cut(1h);
    village.set_link(false);
    village.start();
    SECTION("and was never seen between") {
        village.run_for(2min);
        village.off_and_on(90s);
        village.off_and_on(10min);
        const auto told = village.told();
        CHECK(causes(told) == std::vector{Cause::undetermined, Cause::undetermined,
                                          Cause::undetermined, Cause::isp});
        check_chain(told);
        CHECK(told[0].last_good.boot == BootNo{1});
        CHECK(told[1].last_good == DeviceTime{BootNo{2}, Monotonic{}});
        CHECK(told[2].last_good == DeviceTime{BootNo{3}, Monotonic{}});
        CHECK(told[3].is_open());
    }
    SECTION("with the daemon killed between") {
        village.run_for(2min);
        village.kill();
        village.run_for(30s);
        village.start();
        village.run_for(40s);
        village.off_and_on(10min);
        const auto told = village.told();
        CHECK(causes(told) == std::vector{Cause::undetermined, Cause::undetermined,
                                          Cause::undetermined, Cause::isp});
        check_chain(told);
        CHECK(told[1].last_good.boot == BootNo{2});
    }
    SECTION("with the daemon killed before it could commit anything") {
        // The ring alone knows of the first gap's end.
        village.run_for(2min);
        village.kill();
        village.run_for(30s);
        village.start();
        village.kill();
        village.run_for(10s);
        village.start();
        village.run_for(10min);
        const auto told = village.told();
        CHECK(causes(told) == std::vector{Cause::undetermined, Cause::undetermined, Cause::isp});
        check_chain(told);
    }
    SECTION("with the clock lost between") {
        village.run_for(2min);
        village.power_cut(1h);
        village.clock.set_wall(wall_from_ms(5'000));
        village.clock.set_synchronised(false);
        village.start();
        village.run_for(90s);
        village.off_and_on(10min);
        CHECK(village.daemon().status().clock.state == "unset");
        const auto told = village.told();
        CHECK(causes(told) == std::vector{Cause::undetermined, Cause::undetermined,
                                          Cause::undetermined, Cause::isp});
        check_chain(told);
    }
}

TEST_CASE("Village off twice in mid-outage calls both gaps one undetermined time", "[scenario]") {
    const bool is_up_after = GENERATE(true, false);
    GapVillage village;
    village.set_link(false);
    village.run_for(10min);
    village.off_and_on(4s);  // less than three rounds
    village.power_cut(1h);
    if (is_up_after) village.set_link(true);
    village.start();
    village.run_for(10min);
    const auto told = village.told();
    auto expected = std::vector{Cause::isp, Cause::undetermined};
    if (!is_up_after) expected.push_back(Cause::isp);
    CHECK(causes(told) == expected);
    check_chain(told);
    CHECK(told[1].last_good.boot == BootNo{1});
    CHECK(told[1].last_bad == DeviceTime{BootNo{3}, Monotonic{}});
}

TEST_CASE("Village off three times keeps what ended its boots when the link was up on both sides",
          "[scenario]") {
    GapVillage village;
    village.power_cut(1h);
    village.set_link(false);  // the modem is starting, too
    village.start();
    village.run_for(2min);
    village.kill();
    village.run_for(30s);
    village.start();
    village.run_for(40s);
    village.off_and_on(90s);
    village.set_link(true);
    village.run_for(5min);
    CHECK(village.daemon().status().link.state == "up");
    const auto told = village.told();
    CHECK(causes(told) == std::vector{Cause::device_off, Cause::daemon, Cause::device_off});
    check_chain(told);
    CHECK_FALSE(told[2].is_open());
}

TEST_CASE("Village says nothing of earlier gaps once it saw the link between", "[scenario]") {
    GapVillage village;
    village.off_and_on(10min);  // up
    village.power_cut(1h);
    village.set_link(false);
    village.start();
    village.run_for(10min);
    const auto told = village.told();
    CHECK(causes(told) == std::vector{Cause::device_off, Cause::undetermined, Cause::isp});
    CHECK(told[0].id != told[1].id);
}
