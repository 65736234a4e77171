#pragma once

#include "daemon/config/config.hpp"
#include "daemon/host/host_facts.hpp"

namespace gerbang {

/// `gerbang run`: the daemon on the real machine until SIGTERM. `config_file` is read again on
/// SIGHUP; a file with mistakes is reported and the running configuration kept.
///
/// Returns a sysexits code: 0 after a clean stop; EX_TEMPFAIL when another daemon holds the lock,
/// EX_CANTCREAT when a folder cannot be used, EX_IOERR when the journal cannot be opened.
[[nodiscard]] int run_process(const LoadedConfig& loaded, const std::string& config_file,
                              const HostPaths& paths);

}  // namespace gerbang
