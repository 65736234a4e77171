#pragma once

#include <optional>

#include "common/core/time.hpp"
#include "daemon/host/clock.hpp"

namespace gerbang {

/// What is known about the present moment on a board whose clock may be at 1970.
struct TimeEvidence {
    WallReading kernel;
    WallTime built;  ///< this program existed then
    /// It was certainly this late when the kernel started: the last good time of an earlier boot
    /// that the journal holds, or, once this boot has an anchor, the anchor's wall time less its
    /// device time. By kernel or province only: a year typed wrong by an operator would expire
    /// every certificate. Nothing: none is known.
    std::optional<WallTime> good_at_start;
    Monotonic now;
};

/// The instant at which certificates are verified (design 4): the latest of what is known for sure.
/// A kernel clock that nobody synchronised counts for nothing, early or late. Pure; errors: none.
[[nodiscard]] WallTime verification_time(const TimeEvidence& evidence);

}  // namespace gerbang
