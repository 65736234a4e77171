#pragma once

// When something really happened, for ledger and statements only (design 4). What travels uses the
// prefix rule of timeline.hpp.

#include <map>
#include <optional>
#include <vector>

#include "common/model/facts.hpp"
#include "common/model/timeline.hpp"

namespace gerbang {

/// An instant of wall time between two bounds.
struct WallSpan {
    WallTime earliest;
    WallTime latest;
    bool operator==(const WallSpan&) const = default;
    [[nodiscard]] WallTime middle() const { return earliest + (latest - earliest) / 2; }
};

/// Wall times of all boots from all their anchors, seen as a whole.
///
/// Between two anchors of a boot time is interpolated, before the first and after the last it runs
/// on at the kernel's pace; the bounds carry the anchors' uncertainty and 100 ppm of the distance
/// to the nearest of them. A boot without an anchor lies between the newest instant of the boot before it and
/// the first of the boot after it, its own length kept; open at the end where there is none. Bounds
/// never make a later instant end before an earlier one began. Pure.
class TrueTime {
public:
    /// Anchors in any order; `first_alive` and `last_alive` per boot bound boots without one.
    void add(const Anchor& anchor);
    void saw(DeviceTime at);  ///< some record of the journal lies at this instant

    /// Nothing when no anchor of any boot bounds it from both sides.
    [[nodiscard]] std::optional<WallSpan> at(DeviceTime when) const;

private:
    // defined by the implementation
};

/// Ranges of `records` (by sequence) that a form stamped with wall time must defer: their boot has
/// no anchor yet. Ascending, merged.
[[nodiscard]] std::vector<SeqRange> deferred_ranges(const std::vector<Record>& records,
                                                    const Timeline& timeline);

}  // namespace gerbang
