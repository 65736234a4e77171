#pragma once

// What is given up first when the quota is reached.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/receipt.hpp"
#include "common/model/record.hpp"
#include "daemon/journal/losses.hpp"
#include "daemon/journal/packed_store.hpp"

namespace gerbang {

/// Chooses the block to reduce next. Pure; offer every packed block, then ask.
///
/// The order, deterministic and by number and journal time alone:
/// 1. Blocks that every pinning consumer holds, from one level to the next. Among the oldest block
///    of each level the one is taken that is old for its level: whose age / kAgeWeight is largest,
///    the finer level among equals. So resolution falls with age (about 1 : 4 : 16 : 64), and what
///    is freed most, a block as taken, goes while it is the youngest of its kind only.
/// 2. Blocks that somebody does not hold yet, level by level: all as taken to 1 min, oldest first,
///    then to 5 min, then to 1 h. What travels late is then evenly coarse, never fine here and
///    gone there.
/// 3. Blocks of the newest day (`is_fresh`), which 1 and 2 leave alone: a technician looks at it.
/// 4. The oldest blocks of the coarsest level are emptied, held ones first. This alone is a loss.
class ReductionChoice {
public:
    static constexpr std::array<std::int64_t, 3> kAgeWeight{1, 4, 16};

    void offer(const PackedBlock& block, bool is_held, bool is_fresh);
    /// Nothing when nothing is left to give. `now_s` is journal time.
    [[nodiscard]] std::optional<PackedBlock> best(std::int64_t now_s) const;

private:
    using ByLevel = std::array<std::optional<PackedBlock>, 4>;
    ByLevel held_;
    ByLevel owed_;
    ByLevel fresh_held_;
    ByLevel fresh_owed_;
};

/// What the pinning consumers hold.
class Holdings {
public:
    /// `cursors` are those of one pinning consumer.
    void add_consumer(std::map<EpochNo, Cursor> cursors) {
        consumers_.push_back(std::move(cursors));
    }
    /// Whether all of them hold every record of `range`; true when there are none.
    [[nodiscard]] bool hold(EpochNo epoch, SeqRange range) const;
    /// What `consumer` (its index) does not hold of 1..`last`, oldest first, at most `max` ranges.
    [[nodiscard]] std::vector<SeqRange> owed(std::size_t consumer, EpochNo epoch, Seq last,
                                             std::size_t max) const;

private:
    std::vector<std::map<EpochNo, Cursor>> consumers_;
};

/// Gives up the readings of `records` and every event that is not protected. Returns how many
/// records lost something, with the times of the first and last of the block.
struct GivenAway {
    std::uint64_t readings = 0;  ///< records
    std::uint64_t events = 0;
    DeviceTime first;
    DeviceTime last;
};
[[nodiscard]] GivenAway give_up(std::vector<Record>& records);

/// Gives up the events of `kind` among `records` whose numbers are not in `kept`.
[[nodiscard]] GivenAway give_up_events(std::vector<Record>& records, EventKind kind,
                                       const std::set<std::uint64_t>& kept);

}  // namespace gerbang
