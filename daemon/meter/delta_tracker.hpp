#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/core/time.hpp"
#include "common/core/units.hpp"
#include "common/model/facts.hpp"

namespace gerbang {

using Counters = std::array<std::uint64_t, kCounterCount>;  ///< indexed by `Counter`

/// The kernel's counters of one device at one instant.
struct CounterReading {
    Monotonic taken;
    Counters counters{};
};

/// How a reading joins the one before it.
enum class Continuity : std::uint8_t {
    first,        ///< nothing before it: nothing is counted
    continued,    ///< no counter fell
    restarted,    ///< all traffic counters fell: counted is what came since, a lower bound
    wrapped,      ///< byte counters passed 2^32 on a 32-bit kernel: counted exactly
    disturbed,    ///< some counters fell and it is no wrap: counted is a lower bound
    implausible,  ///< a value of 2^62 or more: the reading is left out, nothing is counted
};

struct Usage {
    Counters counted{};  ///< by `Counter`, between the two readings; without the suspect bytes
    Bytes suspect_received;
    Bytes suspect_transmitted;
    Continuity continuity = Continuity::first;
};

/// What a link may carry: both the size of a wrap and the suspect bytes are judged by it.
struct LineLimit {
    BitRate rate;  ///< 0: unknown, no byte is suspect and no fall is a wrap
};

/// Turns successive readings of one device's kernel counters into what was counted between them.
///
/// Source: `CounterSource::read`, one tracker per device (ifindex); names and totals are `Meter`'s.
/// - **Restart**: bytes and packets of both directions all fell, as far as they were above zero.
///   Every fallen counter counts from zero. Errors and drops do not decide, because the kernel
///   keeps a part of them outside the driver that restarted.
/// - **Wrap**: only byte counters fell, the kernel is 32-bit, no byte counter of the device was
///   ever seen at 2^32 or above, the rate is known, and the sum fits rate x (elapsed + 1 s).
/// - **Disturbed**, any other fall, where the honest answer is a lower bound: a direction whose
///   bytes and packets fell together restarted and counts from zero (they are counted at one
///   place); a counter that fell without its twin counts nothing, the others their difference.
///   At most one interval's traffic is missing, none is invented.
/// - **Suspect**: bytes of a direction beyond rate x (elapsed + 1 s) come back apart, never as
///   counted. The higher of the rates at both ends applies, as a link may renegotiate in between.
/// A restart after which every counter already overtook its old value cannot be seen; the
/// difference is then a lower bound too. Errors: none. Allocates nothing.
class DeltaTracker {
public:
    /// The next reading is the first: it sets the baseline.
    explicit DeltaTracker(bool kernel_is_32bit) : kernel_is_32bit_{kernel_is_32bit} {}
    /// `start` counts as the reading before the next one.
    DeltaTracker(bool kernel_is_32bit, const CounterReading& start);

    [[nodiscard]] Usage advance(const CounterReading& now, LineLimit limit);

private:
    bool kernel_is_32bit_;
    bool is_beyond_32bit_ = false;  ///< a byte counter of 2^32 or more was seen
    std::optional<CounterReading> previous_;
    BitRate previous_rate_;
};

/// Bytes that a link of `rate` carries in `elapsed` and 1 s of slack; saturates.
[[nodiscard]] std::uint64_t carried_at_most(BitRate rate, Millis elapsed) noexcept;

}  // namespace gerbang
