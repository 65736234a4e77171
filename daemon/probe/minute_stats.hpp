#pragma once

// What a minute of questions to one target comes to: pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/time.hpp"
#include "common/model/reading.hpp"
#include "common/model/series_table.hpp"

namespace gerbang {

/// Round trips and losses of every target, minute by minute of device time.
///
/// Series, one of each per target (label `target`), seconds with scale 3: `probe_rtt_min_seconds`,
/// `probe_rtt_mean_seconds`, `probe_rtt_max_seconds`, and `probe_jitter_seconds`, the mean absolute
/// difference of consecutive round trips within the minute (from two answers on); with scale 4
/// `probe_loss_ratio`, questions without an answer by questions. A minute without a question has
/// no readings. A question belongs to the minute in which its answer came or was given up. Series
/// are introduced at their first reading; from then on nothing is allocated.
class MinuteStats {
public:
    /// `series` must outlive it. `targets`: their names, in the order of the indices below.
    MinuteStats(std::vector<std::string> targets, SeriesTable& series);

    /// The question to `target` was answered after `round_trip`, or not.
    void record(std::size_t target, Monotonic at, std::optional<Millis> round_trip);
    /// Appends what belongs to minutes before that of `at`. When it was not called for more than a
    /// minute, the newest closed minute of each target counts and those before it are left out.
    void append(Monotonic at, std::vector<Reading>& into);

private:
    struct Minute {
        std::int64_t number = 0;
        std::uint32_t asked = 0;
        std::uint32_t answered = 0;
        Millis least{}, greatest{}, sum{}, steps{};
        Millis last{};
    };
    enum Kind : std::uint8_t { kLeast, kMean, kGreatest, kJitter, kLoss };
    static constexpr std::size_t kKinds = 5;
    struct Target {
        std::string name;
        Minute open{};
        Minute closed{};
        SeriesId ids[kKinds]{};
    };
    void put(Target& target, Kind kind, std::int64_t value, std::vector<Reading>& into);

    std::vector<Target> targets_;
    SeriesTable* series_;
};

}  // namespace gerbang
