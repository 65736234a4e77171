#pragma once

#include <optional>

#include "common/core/time.hpp"
#include "daemon/host/clock.hpp"

namespace gerbang {

/// What is known about the present moment on a board whose clock may be at 1970.
struct TimeEvidence {
    WallReading kernel;
    WallTime built;  ///< this program existed then
    /// It is certainly this late: the last good time that an earlier run left, and the time since
    /// boot. Nothing: none is known.
    std::optional<WallTime> good;
};

/// The instant at which certificates are verified (design 4): the latest of what is known for sure.
/// A kernel clock that nobody synchronised counts for nothing, early or late; one that claims to be
/// is believed as long as it claims it, and leaves nothing behind. Pure; errors: none.
[[nodiscard]] WallTime verification_time(const TimeEvidence& evidence);

}  // namespace gerbang
