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

/// `method` `path` of the daemon whose runtime folder `request` names, with `json` as its body.
/// Waits at most 30 s: the ladder takes its time. What the daemon refuses (400, 409, 413) ends with
/// EX_DATAERR and its reason.
[[nodiscard]] Fetched fetch(const Request& request, const std::string& method,
                            const std::string& path, const std::string& json = {});

/// EX_DATAERR: what was asked is not accepted, because of `detail`.
[[nodiscard]] Outcome refused(const Request& request, const std::string& detail);

/// The outcome for an answer that was complete but not understood.
[[nodiscard]] Outcome unclear_answer(const Request& request, const std::string& detail);

}  // namespace gerbang::cli
