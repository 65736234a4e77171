#include "daemon/ledger/boot_ending.hpp"

#include <string_view>

namespace gerbang {
namespace {

constexpr std::uint32_t kNearlyEmptyPercent = 20;

/// The ASCII word in any case; firmware writes as it likes.
bool contains(std::string_view text, std::string_view word) {
    for (std::size_t at = 0; at + word.size() <= text.size(); ++at) {
        std::size_t same = 0;
        while (same < word.size() && (text[at + same] | 0x20) == word[same]) ++same;
        if (same == word.size()) return true;
    }
    return false;
}

bool is_crash(std::string_view reset_reason) {
    return contains(reset_reason, "watchdog") || contains(reset_reason, "wdt") ||
           contains(reset_reason, "panic");
}

void add(std::string& text, std::string_view fact) {
    if (!text.empty()) text += ", ";
    text += fact;
}

/// Everything that is known, whatever is made of it.
std::string facts_of(const EndingEvidence& evidence) {
    std::string text{evidence.ended_cleanly ? "clean stop" : "no clean stop"};
    if (!evidence.shutdown_target.empty()) {
        add(text, "shutdown to " + evidence.shutdown_target.substr(0, 40));
    }
    if (evidence.has_crash_dump) add(text, "crash dump in pstore");
    if (!evidence.reset_reason.empty()) {
        add(text, "reset reason " + evidence.reset_reason.substr(0, 80));
    }
    if (evidence.mains_was_on) add(text, *evidence.mains_was_on ? "mains was on" : "mains was off");
    if (evidence.battery_was_discharging) add(text, "battery was discharging");
    if (evidence.battery_percent) {
        add(text, "battery at " + std::to_string(*evidence.battery_percent) + " %");
    }
    return text;
}

}  // namespace

Ending judge_ending(const EndingEvidence& evidence) {
    const auto ending = [&](Cause cause, Confidence confidence) {
        return Ending{cause, confidence, facts_of(evidence)};
    };
    if (evidence.has_crash_dump || is_crash(evidence.reset_reason)) {
        return ending(Cause::crash, Confidence::high);
    }
    const auto& target = evidence.shutdown_target;
    if (target == "reboot" || target == "kexec") return ending(Cause::reboot, Confidence::high);

    // An orderly end on the last of a battery is still for want of power.
    const bool nearly_empty =
        evidence.battery_percent && *evidence.battery_percent <= kNearlyEmptyPercent;
    const bool input_gone = evidence.mains_was_on == false;
    // Against an input that says "on", a battery that runs down is weak evidence.
    const bool draining = evidence.battery_was_discharging;
    const bool is_doubtful = evidence.mains_was_on == true;
    const bool is_orderly = !target.empty() || evidence.ended_cleanly;
    const bool by_software = contains(evidence.reset_reason, "software");
    if (is_orderly) {
        if (input_gone && nearly_empty) return ending(Cause::power, Confidence::high);
        if (input_gone) return ending(Cause::power, Confidence::medium);
        if (draining && nearly_empty) {
            return ending(Cause::power, is_doubtful ? Confidence::low : Confidence::medium);
        }
        if (target.empty() && by_software) return ending(Cause::reboot, Confidence::medium);
        return ending(Cause::off, target.empty() ? Confidence::medium : Confidence::high);
    }
    // It began anew without having been off, and nobody had it shut down in order.
    if (by_software) return ending(Cause::crash, Confidence::low);
    if (contains(evidence.reset_reason, "thermal")) return ending(Cause::crash, Confidence::medium);
    if (input_gone) return ending(Cause::power, Confidence::high);
    if (draining) {
        if (is_doubtful) return ending(Cause::power, Confidence::low);
        return ending(Cause::power, nearly_empty ? Confidence::high : Confidence::medium);
    }
    // The supply of this box was interrupted; a pulled plug looks the same as a power cut.
    const bool cold_start =
        contains(evidence.reset_reason, "power-on") || contains(evidence.reset_reason, "brownout");
    return ending(Cause::device_off, cold_start ? Confidence::medium : Confidence::low);
}

}  // namespace gerbang
