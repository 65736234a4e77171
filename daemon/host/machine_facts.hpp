#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "daemon/host/host_facts.hpp"

namespace gerbang {

/// What a privileged one-shot (systemd/gerbang-facts) knows of the machine and the daemon has no
/// right to ask for. Everything may be absent.
struct MachineFacts {
    /// The boot that the facts were gathered on. Nothing, or another than the present one: they are
    /// old, and say nothing of how the last boot ended.
    std::optional<BootId> boot;
    /// The boot before it as far as the one-shot saw: `shutdown_target`, `reset_reason` and
    /// `crash_dumps` speak of its end, and of no other's.
    std::optional<BootId> previous_boot;
    std::string shutdown_target;  ///< "reboot", "poweroff", "halt", "kexec"; empty: no mark
    /// Why `boot` began, as the SoC or the watchdog says: "power-on", "watchdog", "software",
    /// "thermal", "panic", "brownout", "external"; else the kernel's own word. Empty: unknown, as
    /// on most boards.
    std::string reset_reason;
    std::vector<std::string> crash_dumps;  ///< first seen on `boot`, and not older than the other
    std::vector<std::string> flowtables;  ///< devices that an nftables flowtable takes packets from
    /// Devices whose forwarding is offloaded to hardware, or modules of an accelerator.
    std::vector<std::string> hw_offloads;
    bool offloads_are_known = false;  ///< the one-shot could look: no line means none
    std::size_t unknown_keys = 0;     ///< lines of a newer one-shot, skipped
};

/// Longest file, most values of one repeated key (more are dropped), longest value.
inline constexpr std::size_t kMaxFactsBytes = 16 * 1024;
inline constexpr std::size_t kMaxFactValues = 32;
inline constexpr std::size_t kMaxFactValueBytes = 64;

/// Strict: `key=value` lines of printable ASCII, each ended by a line break; keys
/// `[a-z][a-z0-9_]*`; blank lines and lines that begin with `#` are skipped. Keys: boot,
/// previous_boot, shutdown_target, reset_reason, crash_dump (repeated), flowtable (repeated),
/// hw_offload (repeated), offloads=known. `bad_input` with the line's number for anything else, for
/// a value that its key cannot have, and for a single key given twice. Pure.
[[nodiscard]] Result<MachineFacts> parse_machine_facts(std::string_view text);

/// Reads `paths.facts`. `not_found` when it does not exist (the one-shot is not installed),
/// `bad_input` as above or when it is no readable plain file. Reads at most one small file: cheap
/// enough for once in some minutes.
[[nodiscard]] Result<MachineFacts> read_machine_facts(const HostPaths& paths);

}  // namespace gerbang
