#pragma once

#include <string>

#include "common/core/result.hpp"

namespace gerbang {

/// Removes the socket file of a dead process, so that `path` can be bound; success where there is
/// none. `bad_input` when somebody answers there or it is no socket. Internal to daemon/serve.
[[nodiscard]] Result<void> clear_socket_path(const std::string& path);

}  // namespace gerbang
