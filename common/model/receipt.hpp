#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "common/model/record.hpp"

namespace gerbang {

/// A sorted set of disjoint, non-adjoining ranges, at most `kMaxRanges`.
class RangeSet {
public:
    static constexpr std::size_t kMaxRanges = 64;

    /// Adds `range`, merging what it touches. False, and nothing changes, when the set would need
    /// more than `kMaxRanges` ranges or `range` is not one.
    bool add(SeqRange range);
    /// Removes everything up to and including `seq`.
    void remove_through(Seq seq);
    [[nodiscard]] bool contains(Seq seq) const noexcept;
    [[nodiscard]] const std::vector<SeqRange>& ranges() const noexcept { return ranges_; }
    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    bool operator==(const RangeSet&) const = default;

private:
    std::vector<SeqRange> ranges_;
};

/// Records that a receiver refused: kept, owed, not in the way.
struct ParkedRange {
    SeqRange range;
    std::string reason;  ///< at most 256 bytes
    bool operator==(const ParkedRange&) const = default;
};
inline constexpr std::size_t kMaxParked = 64;

/// What a consumer's store durably holds of one epoch of one site.
///
/// Records are held at the lowest level of reduction that ever came (a record of a higher one is
/// held all the same, and a lower one that comes later takes its place). The chain cannot be
/// computed over reduced records, so the head after them may not be known.
struct Receipt {
    std::string site;
    StoreId store;
    std::uint64_t generation = 1;  ///< grows when the store was restored from a backup
    EpochId epoch;
    Seq through;    ///< everything from 1 to here is held
    Head head{};    ///< chain head after `through`; all zero: nothing held, or not known
    RangeSet held;  ///< later ranges, all beyond `through` + 1
    bool operator==(const Receipt&) const = default;
};

/// What we know of a consumer's holdings in one epoch. Moved by persisted receipts only.
struct Cursor {
    std::string consumer;  ///< name of the push target or puller, `[a-z0-9-]{1,64}`
    EpochId epoch;
    Seq through;
    Head head{};                      ///< after `through`; all zero with `through` > 0: not known
    RangeSet held;                    ///< later ranges, all beyond `through` + 1
    std::vector<ParkedRange> parked;  ///< never counts as held; at most `kMaxParked`
    RangeSet deferred;                ///< waits for an anchor; never counts as held
    StoreId store;
    std::uint64_t generation = 0;  ///< 0: no receipt yet
    bool operator==(const Cursor&) const = default;

    [[nodiscard]] bool holds(Seq seq) const noexcept {
        return seq <= through || held.contains(seq);
    }
    /// Records of 1..`last` that the consumer does not hold, parked ones included.
    [[nodiscard]] std::uint64_t pending(Seq last) const noexcept;
};

/// Applies `receipt` to `cursor`.
///
/// Same store and generation: the union of both. Higher generation or another store: the receipt
/// replaces. Lower generation: a stale reply, ignored. A receipt for another epoch, or without a
/// generation, is `bad_input`; one beyond `last`, our journal's last record, or with another head
/// for the same `through`, is `diverged`; a head that either side does not know is no other head.
/// An error leaves the cursor as it was.
///
/// Afterwards `held` lies beyond `through` + 1 (what adjoins was merged into `through`), and no
/// parked or deferred record is also held, as far as `kMaxParked` leaves room to split a parked
/// range. Ranges beyond `RangeSet::kMaxRanges` are forgotten, the
/// highest first: they will be sent again. Another store has refused nothing, so `parked` starts
/// empty with it. Returns whether the cursor changed.
[[nodiscard]] Result<bool> settle(Cursor& cursor, const Receipt& receipt, Seq last);

}  // namespace gerbang
