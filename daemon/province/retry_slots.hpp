#pragma once

#include <cstdint>

#include "common/core/time.hpp"

namespace gerbang::province {

/// When those may come again for whom there is no room now. After an outage of the province a whole
/// herd comes at once; told the same number of seconds it would come at once again. So everyone
/// gets a place of his own in time, at half the pace at which batches were lately kept: the other
/// half is for those who come unasked. Loop thread only.
class RetrySlots {
public:
    static constexpr Seconds kLeast{5};
    static constexpr Seconds kMost{300};

    /// A batch was kept.
    void kept(Monotonic now);
    /// For one who is refused now: `kLeast` to `kMost`.
    [[nodiscard]] Seconds next(Monotonic now);
    /// Batches a second, as known now; at least 1.
    [[nodiscard]] std::uint64_t pace() const noexcept { return pace_; }

private:
    void close_window(Monotonic now);

    Monotonic window_began_{};
    std::uint64_t in_window_ = 0;
    std::uint64_t pace_ = 8;  ///< before anything was measured: what an old disk does
    Monotonic booked_{};      ///< the last place given away
};

}  // namespace gerbang::province
