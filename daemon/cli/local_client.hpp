#pragma once

#include <optional>
#include <string>

#include "daemon/cli/commands.hpp"

namespace gerbang::cli {

/// A body of the local API, or the outcome that ends the command instead: what is wrong, in the
/// reader's language, with the next step.
struct Fetched {
    std::string body;
    std::optional<Outcome> failure;
};

/// `method` `path` of the daemon whose runtime folder `request` names. Waits at most 10 s.
[[nodiscard]] Fetched fetch(const Request& request, const std::string& method,
                            const std::string& path);

/// The outcome for an answer that was complete but not understood.
[[nodiscard]] Outcome unclear_answer(const Request& request, const std::string& detail);

}  // namespace gerbang::cli
