#pragma once

// How often the journal commits. Pure: time and counts come from the caller.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/time.hpp"

namespace gerbang {

/// Lengthens the time between commits, step by step, on a day on which more is written to flash
/// than the day's budget allows, and shortens it again when the day has caught up.
///
/// A day may write its budget evenly, and an hour's share ahead. Each commit of a day that is
/// beyond that doubles the interval, up to ten times the configured one and five minutes; each
/// commit of a day that is within its even share halves it. While anything is wrong (`is_calm`)
/// the interval is the configured one at once: the record of an outage is worth more than the
/// flash, and a power cut is at its most likely. Without a budget, a clock or permission it never
/// changes.
class CommitPace {
public:
    static constexpr Millis kLongest{300'000};
    static constexpr unsigned kMostTimes = 10;

    /// `commit`: as configured. `may_stretch` false: the interval is that for ever.
    CommitPace(Millis commit, bool may_stretch);

    struct Signs {
        std::optional<WallTime> local;    ///< site time; nothing: the clock is not set
        std::uint64_t written_bytes = 0;  ///< by this process, ever
        std::uint64_t today_bytes = 0;    ///< of the day, as the journal says; may lag by an hour
        std::uint64_t budget_bytes = 0;   ///< of a day
        bool is_calm = false;             ///< every link is up, the mains are not known to be off
    };
    /// To be called once before each commit; what it decides holds until the next one.
    void decide(const Signs& signs);
    /// Something is wrong: the configured interval at once.
    void hurry() noexcept { times_ = 1; }

    /// The interval in configured ones: 1 to `kMostTimes`.
    [[nodiscard]] unsigned times() const noexcept { return times_; }
    [[nodiscard]] Millis interval() const noexcept { return commit_ * times_; }

    /// The interval in ms, for the journal's notes: with the commit that it follows, so that the
    /// next life knows for how long this one may have been silent before a power cut. Empty: the
    /// configured one.
    [[nodiscard]] std::string memory() const;
    /// The interval that `memory` tells, at least `commit`; `commit` for a text that is not ours.
    [[nodiscard]] static Millis silence_of(std::string_view memory, Millis commit);

private:
    [[nodiscard]] std::uint64_t bytes_of_day(const Signs& signs, std::int64_t day);

    Millis commit_;
    unsigned most_times_;
    unsigned times_ = 1;
    std::optional<std::int64_t> day_;  ///< of `written_before_`, in days since 1970
    /// By this process when the day began; negative where others wrote on that day before it.
    std::int64_t written_before_ = 0;
};

}  // namespace gerbang
