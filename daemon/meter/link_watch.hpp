#pragma once

#include "daemon/host/async.hpp"

namespace gerbang {

/// Tells at once that a link or the default route changed, so that the interval ends there
/// instead of at the next tick. Loop thread only.
class LinkWatch {
public:
    virtual ~LinkWatch() = default;
    /// Resumes when something changed since the last call (several changes are one). False after
    /// `stop`. At most one waiter.
    [[nodiscard]] virtual net::awaitable<bool> changed() = 0;
    virtual void stop() = 0;
};

}  // namespace gerbang
