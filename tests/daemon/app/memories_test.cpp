#include "daemon/app/memories.hpp"

#include <catch2/catch.hpp>

namespace gerbang {
namespace {

BootId boot(char digit) {
    auto text = std::string{"0e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11"};
    text[0] = digit;
    return *parse_id<BootId>(text);
}

MachineFacts facts_of(std::optional<BootId> present, std::optional<BootId> before) {
    MachineFacts facts;
    facts.boot = present;
    facts.previous_boot = before;
    facts.shutdown_target = "poweroff";
    facts.reset_reason = "watchdog";
    facts.crash_dumps = {"dmesg-ramoops-0"};
    return facts;
}

}  // namespace

TEST_CASE("Machine facts that speak of another boot are no evidence", "[app]") {
    const auto check = [](const MachineFacts& facts, const BootId& ended) {
        EndingEvidence evidence;
        recall_machine(facts, boot('2'), ended, evidence);
        CHECK(evidence.shutdown_target.empty());
        CHECK(evidence.reset_reason.empty());
        CHECK_FALSE(evidence.has_crash_dump);
        CHECK(judge_ending(evidence).cause == Cause::device_off);
    };
    check(facts_of({}, {}), boot('1'));                // of an older one-shot, or its first run
    check(facts_of(boot('2'), {}), boot('1'));         // it does not know what was before
    check(facts_of({}, boot('1')), boot('1'));         // it does not say when it was gathered
    check(facts_of(boot('1'), boot('0')), boot('1'));  // left from the boot before
    check(facts_of(boot('1'), boot('1')), boot('1'));
    check(facts_of(boot('2'), boot('1')), boot('0'));  // a boot without this daemon lies between
    check(facts_of(boot('2'), boot('1')), BootId{});   // the journal knows of none
    check(facts_of(boot('2'), BootId{}), BootId{});
}

TEST_CASE("Machine facts of the boot that ended are evidence of its end", "[app]") {
    EndingEvidence evidence;
    recall_machine(facts_of(boot('2'), boot('1')), boot('2'), boot('1'), evidence);
    CHECK(evidence.shutdown_target == "poweroff");
    CHECK(evidence.reset_reason == "watchdog");
    CHECK(evidence.has_crash_dump);
    CHECK(judge_ending(evidence).cause == Cause::crash);
}

TEST_CASE("What is remembered of the power is told after a power cut", "[app]") {
    EndingEvidence evidence;
    recall_power("mains=0 battery=40 discharging=1", evidence);
    CHECK(evidence.mains_was_on == false);
    CHECK(evidence.battery_percent == 40U);
    CHECK(evidence.battery_was_discharging);
    EndingEvidence nothing;
    for (const auto* text : {"", "mains=", "mains=x battery=101", "battery=-1", "garbage"}) {
        recall_power(text, nothing);
        CHECK_FALSE(nothing.mains_was_on);
        CHECK_FALSE(nothing.battery_percent);
        CHECK_FALSE(nothing.battery_was_discharging);
    }
}

}  // namespace gerbang
