#pragma once

// Coarser records in place of finer ones, when the journal runs short of room (design 7).

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/core/time.hpp"
#include "common/model/record.hpp"

namespace gerbang {

/// Length of one interval by level; level 0 has none. Intervals begin at multiples of it in the
/// device time of each boot: a tick at t lies in [n * length, (n + 1) * length).
inline constexpr std::array<Millis, kMaxLevel + 1> kReductionInterval{
    Millis{0}, Millis{60'000}, Millis{300'000}, Millis{3'600'000}};

/// What a series is, as its `series` record says; `gauge` when there is none. Asked once a series.
using KindOf = std::function<SeriesKind(SeriesId)>;

/// Reduces the chunks of `records` to `level` (1 to `kMaxLevel`). `records` is one block: a
/// contiguous run of one epoch, well-formed; what adjoins it has no part in the result. Numbers,
/// boots and events stay as they are, and every number keeps its record.
///
/// All readings of an interval become one merged point, which never crosses a boot. It belongs to
/// the last record with a tick in the interval, at the time of the interval's last tick; a record
/// whose ticks all went elsewhere is emptied. A record that straddles the border of two intervals
/// may hold a point of each. Counter: the last value. Gauge: mean (weighted by count, rounded to
/// the nearest, a half upwards), minimum, maximum, count. State: milliseconds in each code.
/// A series without a reading in an interval has no value at its point.
///
/// A tick of level 0 stands for the time since the tick before it on the same boot in `records`.
/// Where that is longer than `UsageRollup::kMaxGap[0]`, or there is no tick before, it stands for
/// the median of all times between ticks (of the boot's first tick: the time to the next one when
/// that is no gap); for nothing when there is no such time. So states add up to measured time.
///
/// Chunks may be of level 0 or of any level up to `level`: in two steps the result is the same as
/// in one, the mean within rounding. Chunks of a higher level stay as they are. Readings of states
/// with more than 15 codes in one block: the rarest to appear count as `part::kMaxStateCode`.
/// Linear in the readings; memory for one interval beside the records.
[[nodiscard]] std::vector<Record> reduce(std::vector<Record> records, std::uint8_t level,
                                         const KindOf& kind_of);

/// Gives up a chunk: it becomes an emptied one of `kMaxLevel`. False, and nothing changes, when
/// `record` is an event or emptied at that level already.
bool empty_out(Record& record);

}  // namespace gerbang
