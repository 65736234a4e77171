#pragma once

#include <string>

#include "common/core/result.hpp"
#include "common/core/time.hpp"

namespace gerbang::province {

/// Asks the running receiver over its UNIX socket and returns the body of a 200 answer; blocks up
/// to `timeout` for each step. `unreachable`: nobody answers there; `refused`: another status,
/// with what the receiver said.
[[nodiscard]] Result<std::string> ask_receiver(const std::string& socket_path,
                                               const std::string& method, const std::string& path,
                                               const std::string& body, Seconds timeout);

}  // namespace gerbang::province
