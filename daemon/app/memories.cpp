#include "daemon/app/memories.hpp"

#include <charconv>

namespace gerbang {
namespace {

std::optional<unsigned> value_of(std::string_view memory, std::string_view key) {
    const auto at = memory.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    memory.remove_prefix(at + key.size());
    unsigned value = 0;
    const auto end = std::from_chars(memory.data(), memory.data() + memory.size(), value);
    if (end.ec != std::errc{} || value > 100) return std::nullopt;
    return value;
}

}  // namespace

std::string power_memory_of(const PowerSupplies& supplies) {
    std::string memory;
    if (const auto mains = supplies.mains_is_on()) memory = *mains ? "mains=1" : "mains=0";
    if (const auto percent = supplies.battery_percent()) {
        if (!memory.empty()) memory += ' ';
        memory += "battery=" + std::to_string(*percent / 10 * 10);
        memory += supplies.battery_is_discharging() ? " discharging=1" : " discharging=0";
    }
    return memory;
}

void recall_power(std::string_view memory, EndingEvidence& evidence) {
    if (const auto mains = value_of(memory, "mains=")) evidence.mains_was_on = *mains != 0;
    if (const auto percent = value_of(memory, "battery=")) evidence.battery_percent = *percent;
    evidence.battery_was_discharging = value_of(memory, "discharging=") == 1U;
}

void recall_machine(const MachineFacts& facts, const BootId& present, const BootId& ended,
                    EndingEvidence& evidence) {
    if (ended.is_none() || facts.boot != present || facts.previous_boot != ended) return;
    evidence.shutdown_target = facts.shutdown_target;
    evidence.reset_reason = facts.reset_reason;
    evidence.has_crash_dump = !facts.crash_dumps.empty();
}

std::string path_memory_of(const PathVerdict& verdict) {
    return std::string{to_string(verdict.confidence)} + " " + std::string{to_string(verdict.path)};
}

std::optional<PathVerdict> path_of(std::string_view memory) {
    for (const auto confidence :
         {UsageConfidence::unknown, UsageConfidence::good, UsageConfidence::suspect}) {
        for (const auto path :
             {TrafficPath::unknown, TrafficPath::in_path, TrafficPath::not_in_path}) {
            const PathVerdict verdict{.confidence = confidence, .path = path, .reason = {}};
            if (path_memory_of(verdict) == memory) return verdict;
        }
    }
    return std::nullopt;
}

}  // namespace gerbang
