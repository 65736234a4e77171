#pragma once

#include <string>

#include "common/core/result.hpp"
#include "common/core/time.hpp"
#include "daemon/net/uplink.hpp"

namespace gerbang {

/// Asks the daemon of this machine: `method` `path` over the UNIX socket `socket_path`. Blocks for
/// at most `timeout`; for the command line only, never for the loop. `json`, unless empty, is sent
/// as the request's body.
///
/// A complete answer of any status is a value. `not_found`: no socket there. `not_authorised`: the
/// socket may not be opened by this user. `unreachable`: nobody listens, or no complete answer in
/// time. `bad_input`: the socket's name is too long for the system. Answers end at 16 MiB.
[[nodiscard]] Result<HttpAnswer> local_request(const std::string& method,
                                               const std::string& socket_path,
                                               const std::string& path, Millis timeout,
                                               const std::string& json = {});

/// GET by `local_request`.
[[nodiscard]] Result<HttpAnswer> local_get(const std::string& socket_path, const std::string& path,
                                           Millis timeout);

}  // namespace gerbang
