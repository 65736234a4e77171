#pragma once

// The command line of `gerbang`: run, check, status, usage, outages, sla, probe, note, clock set,
// sync, journal, export, version, reference. Its words and options: command_table.cpp.

#include <functional>
#include <string>

#include "daemon/config/config.hpp"
#include "daemon/host/host_facts.hpp"

namespace gerbang {

/// Runs the daemon with a valid configuration read from `config_file`; returns a sysexits code.
using RunDaemon = std::function<int(const LoadedConfig& loaded, const std::string& config_file,
                                    const HostPaths& paths)>;

/// Everything `main` has to do. Answers go to standard output, complaints to standard error.
///
/// Returns 0 or a sysexits code: EX_USAGE (64) for the command line, EX_DATAERR (65) for a time, a
/// note or clauses that are not accepted, EX_NOINPUT (66) for a file
/// that cannot be read, EX_UNAVAILABLE (69) when the daemon does not answer, EX_PROTOCOL (76) when
/// its answer cannot be used, EX_NOPERM (77) when its socket may not be opened, EX_CONFIG (78) for
/// mistakes in the configuration; `run` returns what `run_daemon` does.
[[nodiscard]] int run_cli(int argc, const char* const* argv, const RunDaemon& run_daemon,
                          const std::string& version);

}  // namespace gerbang
