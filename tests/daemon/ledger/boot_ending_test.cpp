#include "daemon/ledger/boot_ending.hpp"

#include <catch2/catch.hpp>

namespace gerbang {
namespace {

Ending judged(const EndingEvidence& evidence) {
    return judge_ending(evidence);
}

void check(const EndingEvidence& evidence, Cause cause, Confidence confidence) {
    const auto ending = judged(evidence);
    INFO(ending.evidence);
    CHECK(ending.cause == cause);
    CHECK(ending.confidence == confidence);
}

}  // namespace

TEST_CASE("A boot that left nothing behind was switched off, by whom nobody knows", "[ledger]") {
    check({}, Cause::device_off, Confidence::low);
    CHECK(judged({}).evidence == "no clean stop");
    // A cold start proves that this box lost its supply, not that the village did.
    check({.reset_reason = "power-on"}, Cause::device_off, Confidence::medium);
    check({.reset_reason = "Power-On Reset"}, Cause::device_off, Confidence::medium);
    check({.reset_reason = "brownout"}, Cause::device_off, Confidence::medium);
    check({.reset_reason = "external"}, Cause::device_off, Confidence::low);
    check({.reset_reason = "a word of the kernel's"}, Cause::device_off, Confidence::low);
    check({.reset_reason = "power-on", .mains_was_on = true}, Cause::device_off,
          Confidence::medium);
    check({.mains_was_on = true, .battery_percent = 3}, Cause::device_off, Confidence::low);
}

TEST_CASE("A boot ended for want of power only with evidence of its own", "[ledger]") {
    check({.mains_was_on = false}, Cause::power, Confidence::high);
    check({.reset_reason = "power-on", .mains_was_on = false}, Cause::power, Confidence::high);
    check({.battery_percent = 60, .battery_was_discharging = true}, Cause::power,
          Confidence::medium);
    check({.battery_was_discharging = true}, Cause::power, Confidence::medium);
    check({.battery_percent = 20, .battery_was_discharging = true}, Cause::power, Confidence::high);
    check({.mains_was_on = true, .battery_percent = 5, .battery_was_discharging = true},
          Cause::power, Confidence::low);
}

TEST_CASE("An orderly shutdown is off, a reboot is a reboot", "[ledger]") {
    check({.shutdown_target = "poweroff"}, Cause::off, Confidence::high);
    check({.ended_cleanly = true, .shutdown_target = "halt"}, Cause::off, Confidence::high);
    check({.ended_cleanly = true, .shutdown_target = "reboot"}, Cause::reboot, Confidence::high);
    check({.shutdown_target = "kexec"}, Cause::reboot, Confidence::high);
    check({.ended_cleanly = true}, Cause::off, Confidence::medium);
    check({.ended_cleanly = true, .reset_reason = "software"}, Cause::reboot, Confidence::medium);
    check({.ended_cleanly = true, .reset_reason = "power-on"}, Cause::off, Confidence::medium);
    check({.ended_cleanly = true, .mains_was_on = true, .battery_percent = 100}, Cause::off,
          Confidence::medium);
    check({.shutdown_target = "a word that nobody knows"}, Cause::off, Confidence::high);
    check({.shutdown_target = "reboot", .mains_was_on = false}, Cause::reboot, Confidence::high);
}

TEST_CASE("An orderly shutdown on the last of a battery is for want of power", "[ledger]") {
    check({.shutdown_target = "poweroff", .mains_was_on = false, .battery_percent = 7},
          Cause::power, Confidence::high);
    check({.ended_cleanly = true, .mains_was_on = false}, Cause::power, Confidence::medium);
    check({.shutdown_target = "poweroff", .mains_was_on = false, .battery_percent = 80},
          Cause::power, Confidence::medium);
    check({.shutdown_target = "poweroff", .battery_percent = 7, .battery_was_discharging = true},
          Cause::power, Confidence::medium);
    check({.shutdown_target = "poweroff",
           .mains_was_on = true,
           .battery_percent = 7,
           .battery_was_discharging = true},
          Cause::power, Confidence::low);
    check({.shutdown_target = "poweroff", .battery_percent = 80, .battery_was_discharging = true},
          Cause::off, Confidence::high);
}

TEST_CASE("A dump or a watchdog's reset is a crash, whatever else is known", "[ledger]") {
    for (const bool mains : {true, false}) {
        for (const auto* target : {"", "reboot", "poweroff"}) {
            EndingEvidence evidence{.ended_cleanly = mains, .shutdown_target = target};
            evidence.mains_was_on = mains;
            evidence.battery_was_discharging = !mains;
            evidence.has_crash_dump = true;
            check(evidence, Cause::crash, Confidence::high);
            evidence.has_crash_dump = false;
            for (const auto* reason : {"watchdog", "Watchdog Reset", "imx-wdt", "kernel PANIC"}) {
                evidence.reset_reason = reason;
                check(evidence, Cause::crash, Confidence::high);
            }
        }
    }
    check({.reset_reason = "software"}, Cause::crash, Confidence::low);
    check({.reset_reason = "software", .mains_was_on = false}, Cause::crash, Confidence::low);
    check({.reset_reason = "thermal"}, Cause::crash, Confidence::medium);
}

TEST_CASE("The evidence of an ending names all that was known, cut to a record's size",
          "[ledger]") {
    const auto ending = judged({.ended_cleanly = true,
                                .shutdown_target = std::string(500, 'x'),
                                .reset_reason = std::string(500, 'y'),
                                .has_crash_dump = true,
                                .mains_was_on = false,
                                .battery_percent = 12,
                                .battery_was_discharging = true});
    CHECK(ending.evidence == "clean stop, shutdown to " + std::string(40, 'x') +
                                 ", crash dump in pstore, reset reason " + std::string(80, 'y') +
                                 ", mains was off, battery was discharging, battery at 12 %");
}

}  // namespace gerbang
