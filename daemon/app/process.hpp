#pragma once

#include "daemon/config/config.hpp"
#include "daemon/host/host_facts.hpp"

namespace gerbang {

/// `gerbang run`: the daemon on the real machine until SIGTERM. `config_file` is read again on
/// SIGHUP; a file with mistakes is reported and the running configuration kept.
///
/// Returns a sysexits code: 0 after a clean stop; EX_TEMPFAIL when another daemon holds the lock,
/// EX_CANTCREAT when a folder or the socket cannot be used, EX_IOERR when the daemon cannot begin
/// for another reason. A journal that cannot be opened is tried again every 10 s instead.
[[nodiscard]] int run_process(const LoadedConfig& loaded, const std::string& config_file,
                              const HostPaths& paths);

}  // namespace gerbang
