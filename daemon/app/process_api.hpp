#pragma once

// Where the HTTP handlers of this process find their answers: in the daemon that lives now.

#include "daemon/app/daemon.hpp"
#include "daemon/serve/api.hpp"
#include "daemon/serve/pull_api.hpp"

namespace gerbang {

/// `current` is looked at with each question and must outlive the sources; nullptr between two
/// lives: `unreachable`.
[[nodiscard]] ApiSources api_of(Daemon*& current);
[[nodiscard]] PullSources pulls_of(Daemon*& current);

}  // namespace gerbang
