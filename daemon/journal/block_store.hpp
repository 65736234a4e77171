#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "common/model/record.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang {

/// Number of an epoch in this database, from 1.
using EpochNo = std::int64_t;
inline constexpr EpochNo kMaxEpochNo = (1 << 22) - 1;

/// Key of a record's row: sorts by epoch, then by sequence number.
[[nodiscard]] constexpr std::int64_t row_id(EpochNo epoch, Seq seq) noexcept {
    return epoch << 40 | static_cast<std::int64_t>(seq.value);
}

/// About what `record` takes in memory.
[[nodiscard]] std::size_t decoded_bytes(const Record& record);

/// The tables `block`, `event` and `head`: records as packs of contiguous ranges, copies of the
/// protected events, and chain heads. A pack may hold any number of records.
class BlockStore {
public:
    [[nodiscard]] Result<void> prepare(sql::Connection& connection);

    /// Stores `records` (contiguous) and the copies of protected events inside the caller's
    /// transaction. Returns the bytes of both.
    [[nodiscard]] Result<std::uint64_t> insert(EpochNo epoch, const std::vector<Record>& records);

    /// The block that begins with `first`, whole. `not_found` when there is none.
    [[nodiscard]] Result<std::vector<Record>> load(EpochNo epoch, Seq first);
    /// Puts one block, encoded as `body`, in the place of all blocks within `range`, and forgets
    /// the heads inside it; inside the caller's transaction.
    [[nodiscard]] Result<void> replace(EpochNo epoch, SeqRange range, std::string_view body);
    /// Takes the copy of an event out of the table `event`. Returns the bytes it took there.
    [[nodiscard]] Result<std::uint64_t> erase_event(EventKind kind, std::int64_t id);

    /// Reads blocks from the one that holds `range.first`; `take(first, last, body)` until false.
    using BlockVisitor = std::function<Result<bool>(Seq, Seq, std::string_view)>;
    [[nodiscard]] Result<void> blocks(EpochNo epoch, SeqRange range, const BlockVisitor& take);

    /// Calls `visit` for each record of `range` in order until it returns false. `not_found` when
    /// `range.first` or a later one before the end of what is stored is absent.
    using Visitor = std::function<bool(Record&)>;
    [[nodiscard]] Result<void> visit(EpochNo epoch, SeqRange range, const Visitor& visitor);

    /// As `Journal::read`, without `epoch` and `before`; nothing of what is given comes before the
    /// block that holds `range.first`.
    [[nodiscard]] Result<std::vector<Record>> read(EpochNo epoch, SeqRange range,
                                                   std::uint64_t max_bytes);

    /// Copies of events of `kind` with numbers up to `last`, ascending or newest first, until
    /// `visit` returns false.
    using EventVisitor = std::function<bool(Seq, const Event&)>;
    [[nodiscard]] Result<void> events(EpochNo epoch, EventKind kind, Seq last, bool newest_first,
                                      const EventVisitor& visitor);

    /// As `events`, ascending from number `first` on.
    [[nodiscard]] Result<void> events_from(EpochNo epoch, EventKind kind, Seq first,
                                           const EventVisitor& visitor);

    /// Chain head after `seq`, from the nearest stored or remembered head at or below it.
    /// `not_found` when a record in between is absent or was reduced.
    [[nodiscard]] Result<Head> head_after(EpochNo epoch, Seq seq);
    /// Stores a head, inside the caller's transaction.
    [[nodiscard]] Result<void> put_head(EpochNo epoch, Seq seq, const Head& head);

private:
    [[nodiscard]] Result<void> list(sql::Statement& list, EventKind kind, std::int64_t from,
                                    std::int64_t to, const EventVisitor& visitor);
    struct KnownHead {
        std::int64_t id = 0;
        Head head{};
    };
    void remember(std::int64_t id, const Head& head);

    sql::Statement put_block_;
    sql::Statement find_block_;
    sql::Statement erase_blocks_;
    sql::Statement erase_heads_;
    sql::Statement find_event_;
    sql::Statement erase_event_;
    sql::Statement put_event_;
    sql::Statement put_head_;
    sql::Statement list_blocks_;
    sql::Statement list_events_;
    sql::Statement list_events_back_;
    sql::Statement find_head_;
    std::vector<KnownHead> known_heads_;  ///< newest last; a drain always finds its last one
};

}  // namespace gerbang
