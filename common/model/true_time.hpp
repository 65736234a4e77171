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
/// to the nearest of them. (A clock daemon that slews seconds away, instead of stepping, makes the
/// kernel's pace itself wrong by more; nothing here can see that.)
///
/// Two anchors of one boot that imply a pace off by more than 500 ppm beyond their uncertainties
/// cannot both be right: the wall clock was wrong at one of them. A better source wins (kernel,
/// province, operator), within one source the later: who sets a clock anew corrects it. What lost
/// is left out, and the boot is told from the rest, backwards where they are later. Boots that
/// contradict each other in order (one claims to have lived after the next had begun) are judged
/// alike: of the boots told by the kernel those stay that leave the most in order, then of those
/// told by the province, then by an operator; of equals those with the earlier times, so that a
/// clock gone wrong cannot put the past into the future. The rest count as boots without anchor.
///
/// A boot without an anchor lies between the newest instant of the boot before it and the first of
/// the boot after it, its own length kept, likewise the boots between them. Bounds never make a
/// later instant end before an earlier one began, up to the newest instant seen of each boot; both
/// bounds grow with the instant. Integers only: every machine computes the same.
///
/// Bounds: `kMaxAnchors`, beyond which every second anchor of the boot with most of them is
/// dropped; `kMaxBoots`, beyond which the oldest boot is. Pure. One thread at a time, `at`
/// included: it settles what was added since.
class TrueTime {
public:
    static constexpr std::size_t kMaxAnchors = 32768;
    static constexpr std::size_t kMaxBoots = 8192;

    /// Anchors in any order; twice the same does no harm. One outside of what a journal can hold
    /// (wall before 1970 or after the year 9999, a boot of over 69 years) is ignored.
    void add(const Anchor& anchor);
    void saw(DeviceTime at);  ///< some record of the journal lies at this instant

    /// Nothing when no anchor of any boot bounds it from both sides.
    [[nodiscard]] std::optional<WallSpan> at(DeviceTime when) const;
    /// The start of the first boot that has a place in time: nothing before it can be placed, and
    /// much of what follows can. Nothing as long as no boot has.
    [[nodiscard]] std::optional<WallSpan> begin() const;

private:
    /// One anchor that is believed; microseconds of wall time less microseconds of device time.
    struct Node {
        std::int64_t at_ms;
        std::int64_t low_us, high_us;
    };
    struct Boot {
        std::vector<Anchor> anchors;  ///< by device time
        std::int64_t last_ms = 0;     ///< newest instant seen
        mutable bool is_changed = false;
        mutable std::vector<Node> nodes;  ///< by device time; what the anchors come to
        mutable AnchorSource source = AnchorSource::kernel;  ///< best of `nodes`
        /// Kernel start, from what the other boots allow; milliseconds.
        mutable std::optional<std::int64_t> begins_after_ms, ends_before_ms;
        mutable bool is_believed = false;
    };
    struct Bounds {
        std::int64_t low_us, high_us;
    };
    void thin_out();
    void settle() const;
    static void settle(const Boot& boot);
    static void believe(const std::vector<const Boot*>& boots, AnchorSource source);
    [[nodiscard]] static Bounds told(const Boot& boot, std::int64_t at_ms);
    [[nodiscard]] static std::int64_t begin_latest_ms(const Boot& boot);
    [[nodiscard]] static std::int64_t end_earliest_ms(const Boot& boot);

    std::map<BootNo, Boot> boots_;
    std::size_t count_ = 0;
    mutable bool is_changed_ = false;
};

/// Ranges of `records` (by sequence) that a form stamped with wall time must defer: their boot has
/// no anchor yet. Ascending, merged. `records` ascending.
[[nodiscard]] std::vector<SeqRange> deferred_ranges(const std::vector<Record>& records,
                                                    const Timeline& timeline);

}  // namespace gerbang
