#pragma once

// Which records travel next. Pure functions over what is known of a consumer; the pusher acts on
// their answers.

#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/time.hpp"
#include "common/model/receipt.hpp"

namespace gerbang {

/// What a planner must know of one (consumer, epoch).
struct LaneView {
    const Cursor* cursor = nullptr;
    Seq last;                         ///< last committed record of the epoch; 0: none
    std::vector<SeqRange> in_flight;  ///< on their way, in either lane
    std::vector<SeqRange> set_aside;  ///< being bisected or not readable now: not for planning
};

/// The fresh lane takes the newest records only; what lies before is backlog.
inline constexpr std::uint64_t kFreshRecords = 32;
/// Held ranges, ranges in flight and set aside together stay below this when the fresh lane leaves
/// a gap, so that a receipt never needs more than `RangeSet::kMaxRanges`.
inline constexpr std::size_t kMaxGaps = 48;

/// First record of the fresh lane: behind everything held or in flight, and at most the newest
/// `kFreshRecords`. With `kMaxGaps` gaps already, no new gap: it goes on where the newest known
/// record ends.
[[nodiscard]] Seq fresh_start(const LaneView& view);

/// The next range of the fresh lane, up to `view.last`; nothing when everything new is held or on
/// its way.
[[nodiscard]] std::optional<SeqRange> next_fresh(const LaneView& view);

/// The oldest range up to `end` that is neither held, parked, deferred, in flight nor set aside;
/// at most `max_records` long.
[[nodiscard]] std::optional<SeqRange> next_backlog(const LaneView& view, Seq end,
                                                   std::uint64_t max_records);

/// How large a body may be, learnt from what arrives: halves on a time-out and on 413, doubles
/// again after some successes in a row, the more the more often it failed.
class BatchSize {
public:
    static constexpr std::uint64_t kFloorBytes = 8u << 10;

    /// `max_bytes`: never more, whatever succeeds.
    explicit BatchSize(std::uint64_t max_bytes);

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    /// A body of `sent_bytes` arrived; one much smaller than `bytes` proves nothing. `was_quick`:
    /// twice as much would be in good time as well, so it doubles at once, unless the server itself
    /// ever said that a body was too large.
    void arrived(std::uint64_t sent_bytes, bool was_quick = false) noexcept;
    /// A time-out, or 413 (`said_server`): a body of `sent_bytes` was too much.
    void too_much(std::uint64_t sent_bytes, bool said_server = false) noexcept;

private:
    std::uint64_t max_bytes_;
    std::uint64_t floor_bytes_;
    std::uint64_t bytes_;
    unsigned wanted_ = 1;  ///< successes in a row before it grows
    unsigned successes_ = 0;
    bool is_server_limited_ = false;
};

/// Finds the records that a receiver will not take: a refused range is halved until one is alone.
class Suspects {
public:
    struct Range {
        EpochId epoch;
        SeqRange range;
        bool operator==(const Range&) const = default;
    };
    /// One refused batch of 8,192 records leaves at most 14.
    static constexpr std::size_t kMaxRanges = 64;

    /// The receiver refused `range`. A single record comes back: park it. Longer ones are split
    /// and wait here. With no room left the range is simply forgotten, and is planned again.
    /// The oldest part is tried first; with `newest_first` the newest is.
    [[nodiscard]] std::optional<Seq> refused(const EpochId& epoch, SeqRange range,
                                             bool newest_first = false);
    /// Removes and returns everything of `epoch` that lies before `seq`.
    [[nodiscard]] std::vector<SeqRange> take_before(const EpochId& epoch, Seq seq);
    /// Removes and returns the next range to try.
    [[nodiscard]] std::optional<Range> take();
    /// Puts back what could not be tried after all.
    void put_back(const Range& range);
    [[nodiscard]] const std::vector<Range>& ranges() const noexcept { return ranges_; }
    void clear() noexcept { ranges_.clear(); }

private:
    std::vector<Range> ranges_;  ///< a stack: the next one to try is last
};

/// How fast bodies go, and how much of one a record is: what was learnt from those that arrived.
class Pace {
public:
    /// `body_bytes` with `records` were taken after `took`.
    void landed(std::uint64_t body_bytes, std::uint64_t records, Millis took) noexcept;
    /// Bytes per second while something was under way; 0: not known.
    [[nodiscard]] std::uint64_t bytes_s() const noexcept;
    /// Bytes of `records`; 0: not known.
    [[nodiscard]] std::uint64_t bytes_of(std::uint64_t records) const noexcept;

private:
    std::uint64_t bytes_ = 0;
    std::uint64_t records_ = 0;
    std::int64_t took_ms_ = 0;
};

/// Adds `range`, of which nothing is parked, to the parked ones of `cursor`, joining a neighbour
/// with the same reason. False, and nothing changes, when that would make more than `kMaxParked`
/// ranges.
bool park(Cursor& cursor, SeqRange range, const std::string& reason);

}  // namespace gerbang
