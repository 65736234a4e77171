#pragma once

// How soon somebody who fails is asked again: pure.

#include <algorithm>
#include <optional>

#include "common/core/time.hpp"

namespace gerbang {

/// A short failure is asked about each round, so that its end is known to the round; one of days
/// must not eat up a paid volume, and one that comes and goes has 30 such quick looks an hour.
class FailingPace {
public:
    /// An answer, or none, to a question of `asked`; in the order of their time.
    void note(Monotonic asked, bool is_failing) {
        if (is_failing_ && asked - *asked_ < kQuick) {
            quick_until_ = std::max(quick_until_, asked) + kQuickLook;
        }
        if (is_failing && !is_failing_) failing_since_ = asked;
        is_failing_ = is_failing;
        asked_ = asked;
    }

    [[nodiscard]] bool is_failing() const noexcept { return is_failing_; }
    /// When it was asked last.
    [[nodiscard]] const std::optional<Monotonic>& asked() const noexcept { return asked_; }
    /// Whether it fails and may be asked each round now.
    [[nodiscard]] bool may_look_quickly(Monotonic now) const noexcept {
        return is_failing_ && now - failing_since_ < kShort &&
               quick_until_ - now + kQuickLook <= kHour;
    }
    /// Whether it has been failing for an hour.
    [[nodiscard]] bool is_lasting(Monotonic now) const noexcept {
        return is_failing_ && now - failing_since_ >= kHour;
    }

private:
    static constexpr Millis kHour{3'600'000};
    static constexpr Millis kShort{360'000};
    /// Looks nearer than this are quick ones.
    static constexpr Millis kQuick{45'000};
    static constexpr Millis kQuickLook = kHour / 30;

    std::optional<Monotonic> asked_;
    bool is_failing_ = false;
    Monotonic failing_since_;
    Monotonic quick_until_;  ///< when all quick looks will have been paid
};

}  // namespace gerbang
