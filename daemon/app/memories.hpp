#pragma once

// Small facts that the next run must know, as the journal's notes hold them. Of the power: the only
// witness of a power cut on a box without a battery is what its inputs said before it. Of the path:
// so that a restart tells nothing that was told already.

#include <optional>
#include <string>
#include <string_view>

#include "daemon/host/machine_facts.hpp"
#include "daemon/host/power_supply.hpp"
#include "daemon/ledger/boot_ending.hpp"
#include "daemon/meter/path_check.hpp"

namespace gerbang {

/// Keys of the journal's notes.
inline constexpr const char* kPowerMemoryKey = "power";
inline constexpr const char* kPathMemoryKey = "path";
inline constexpr const char* kBudgetMemoryKey = "outage_budget";  ///< see `OutageBudget::memory`
inline constexpr const char* kPaceMemoryKey = "commit_pace";      ///< see `CommitPace::memory`

/// "mains=0 battery=40 discharging=1"; empty where nothing is known. The battery by ten per cent,
/// so that it is written rarely.
[[nodiscard]] std::string power_memory_of(const PowerSupplies& supplies);
/// Fills the power's part of `evidence`; a text that is not ours changes nothing.
void recall_power(std::string_view memory, EndingEvidence& evidence);

/// Fills the machine's part of `evidence` about the end of boot `ended`, told on boot `present`.
/// Facts that are of another boot, or speak of another's end, change nothing: a boot that this
/// daemon did not see may lie between.
void recall_machine(const MachineFacts& facts, const BootId& present, const BootId& ended,
                    EndingEvidence& evidence);

/// "good in_path"; the reason is not kept.
[[nodiscard]] std::string path_memory_of(const PathVerdict& verdict);
/// Nothing for a text that is not ours.
[[nodiscard]] std::optional<PathVerdict> path_of(std::string_view memory);

}  // namespace gerbang
