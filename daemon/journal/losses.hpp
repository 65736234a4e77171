#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/facts.hpp"
#include "common/model/journal_facts.hpp"
#include "daemon/journal/block_store.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang {

/// Something of `epoch` that is being given up.
struct Loss {
    EpochNo epoch = 0;
    std::string what;    ///< "readings", "records", "events"
    std::string reason;  ///< "quota", "damage", "quota_anchor", ...
    SeqRange range;
    std::uint64_t count = 0;  ///< of records within `range`
    DeviceTime first;         ///< boot 0: not known
    DeviceTime last;
};

/// The table `loss`: what the journal no longer holds, as ranges that grow. A loss that adjoins an
/// earlier one of the same kind (epoch, what, reason) is added to it, so a year of expiry is one
/// row. Each row is told by a `loss` event with the row's id; the newest event of an id holds, and
/// the copies of older ones leave the table `event` (they stay in their blocks).
class LossStore {
public:
    /// Beyond so many rows the two oldest of the same kind become one whose range spans both.
    static constexpr std::int64_t kMaxRows = 1024;
    static constexpr std::size_t kMaxTold = 64;  ///< rows that one call of `untold` gives

    [[nodiscard]] Result<void> prepare(sql::Connection& connection);

    /// Writes down `loss` inside the transaction that gives it up.
    [[nodiscard]] Result<void> add(const Loss& loss);

    /// A row that no event tells in full; `fact.epoch` is left none.
    struct Untold {
        LossFact fact;
        EpochNo epoch = 0;
    };
    /// Oldest first, at most `kMaxTold`.
    [[nodiscard]] Result<std::vector<Untold>> untold();
    /// `fact` is being committed as record `seq` of `epoch`. Inside that transaction, after the
    /// insertion. Returns the bytes that older copies took in the table `event`.
    [[nodiscard]] Result<std::uint64_t> told(const LossFact& fact, EpochNo epoch, Seq seq,
                                             BlockStore& blocks);
    /// Sums by reason.
    [[nodiscard]] Result<std::vector<LossTotal>> totals();

private:
    [[nodiscard]] Result<void> merge_surplus();

    sql::Statement last_alike_;
    sql::Statement extend_;
    sql::Statement put_;
    sql::Statement count_;
    sql::Statement alike_;
    sql::Statement erase_;
    sql::Statement list_untold_;
    sql::Statement find_told_;
    sql::Statement set_told_;
    sql::Statement sum_;
};

}  // namespace gerbang
