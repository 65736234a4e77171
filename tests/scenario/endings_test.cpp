// How a boot ended, as the daemon tells it from the one-shot's file: with the right one, and with
// every wrong one that a village can have.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

struct EndingVillage : Village {
    EndingVillage() : Village{test_seed()} {
        start();
        run_for(10min);
    }
    void write_facts(const BootId& of, const BootId& before, const std::string& more) {
        std::ofstream{facts_path()} << "boot=" << to_string(of)
                                    << "\nprevious_boot=" << to_string(before) << "\n"
                                    << more;
    }
    /// The endings that the journal tells; the daemon is killed for it.
    std::vector<BootEndFact> told() {
        kill();
        std::vector<BootEndFact> endings;
        for (const auto& record : journal_records()) {
            const auto* event = std::get_if<Event>(&record.body);
            if (event == nullptr || event->kind != EventKind::boot_end) continue;
            const auto fact = boot_end_from(*event);
            REQUIRE(fact);
            endings.push_back(*fact);
        }
        return endings;
    }
};

const auto* const kCrash = "reset_reason=watchdog\ncrash_dump=dmesg-ramoops-0\n";

}  // namespace

TEST_CASE("Village tells device_off where the one-shot's file cannot speak of the end",
          "[scenario]") {
    EndingVillage village;
    const auto first = village.boot();
    village.power_cut(1h);
    SECTION("without a file") {}
    SECTION("with a file of the boot before") {
        village.write_facts(first, first, kCrash);
    }
    SECTION("with a file that does not say of which boot it is") {
        std::ofstream{village.facts_path()} << "previous_boot=" << to_string(first) << "\n"
                                            << kCrash;
    }
    SECTION("with a file that does not know the boot before") {
        std::ofstream{village.facts_path()} << "boot=" << to_string(village.boot()) << "\n"
                                            << kCrash;
    }
    SECTION("with a boot without this daemon between") {
        const auto between = village.boot();
        village.power_cut(1h);
        village.write_facts(village.boot(), between, kCrash);
    }
    SECTION("with a damaged file") {
        village.write_facts(village.boot(), first, std::string{kCrash} + "torn");
    }
    const auto boot = village.boot();
    village.start();
    village.run_for(2min);
    // The one-shot ran late: what was told is told.
    village.write_facts(boot, first, kCrash);
    village.run_for(20min);
    village.stop();
    village.start();
    village.run_for(5min);
    const auto told = village.told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].boot == BootNo{1});
    CHECK(told[0].ending == Cause::device_off);
    CHECK(told[0].confidence == Confidence::low);

    // And it is no evidence of how this boot ended.
    village.power_cut(1h);
    village.start();
    village.run_for(5min);
    const auto next = village.told();
    REQUIRE(next.size() == 2);
    CHECK(next[1].ending == Cause::device_off);
}

TEST_CASE("Village believes the one-shot's file about the boot that ended", "[scenario]") {
    struct Case {
        const char* facts;
        Cause cause;
    };
    const auto expected =
        GENERATE(Case{kCrash, Cause::crash}, Case{"shutdown_target=reboot\n", Cause::reboot},
                 Case{"shutdown_target=poweroff\n", Cause::off},
                 Case{"reset_reason=power-on\n", Cause::device_off});
    EndingVillage village;
    const auto first = village.boot();
    village.power_cut(1h);
    village.write_facts(village.boot(), first, expected.facts);
    village.start();
    village.run_for(5min);
    const auto told = village.told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].ending == expected.cause);
    CHECK(told[0].confidence != Confidence::low);
}
