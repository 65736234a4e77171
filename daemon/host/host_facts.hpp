#pragma once

// daemon/host: what ties the process to its machine. Time, chance, identity, log, threads,
// signals, the service manager, the lock of the state folder, and the ring.

#include <string>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"

namespace gerbang {

/// Where the daemon finds the system and keeps its files; tests inject folders of their own.
struct HostPaths {
    std::string proc = "/proc";
    std::string sys = "/sys";
    std::string state = "/var/lib/gerbang";  ///< the journal; must survive a power cut
    std::string runtime = "/run/gerbang";    ///< ring and socket; tmpfs
    /// What the privileged one-shot found out (`read_machine_facts`).
    std::string facts = "/run/gerbang-facts/facts";
};

/// What stays the same for the life of the process.
struct HostFacts {
    BootId boot;                   ///< /proc/sys/kernel/random/boot_id
    std::string hardware;          ///< 32 hex digits: salted digest of the SoC serial, else of the
                                   ///< lowest permanent MAC (built-in before USB), else of the
                                   ///< mainboard's number; empty when none is known.
    bool kernel_is_32bit = false;  ///< counters of some drivers wrap at 2^32 there
    std::string kernel;            ///< release, for the log
};

/// Reads the facts below `paths`. `bad_input` when boot_id is missing or malformed.
[[nodiscard]] Result<HostFacts> read_host_facts(const HostPaths& paths);

/// True when `folder` lies on a file system that is really RAM (tmpfs, ramfs, overlay whose upper
/// layer is). Unknown counts as false.
[[nodiscard]] bool is_really_ram(const std::string& folder);

}  // namespace gerbang
