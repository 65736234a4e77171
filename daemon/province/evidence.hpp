#pragma once

// The batches of an epoch as received, and the chain over them: the province's evidence. All calls
// run inside a transaction of the store; failures of the database stay with it (see sqlite.hpp).

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/record.hpp"
#include "common/wire/codec.hpp"
#include "daemon/province/sqlite.hpp"

namespace gerbang::province {

/// Records with the chain heads around them, as far as those can be known: not after a reduced
/// chunk, nor where the head before the first was not told.
class Links {
public:
    /// `before`: the head before the first record; all zero is not known, except before record 1.
    Links(std::vector<Record> records, const Head& before);

    [[nodiscard]] const std::vector<Record>& records() const noexcept { return records_; }
    [[nodiscard]] SeqRange range() const { return {records_.front().seq, records_.back().seq}; }
    /// The records of `part`, which lies in `range`.
    [[nodiscard]] std::vector<Record> cut(SeqRange part) const;
    /// The head after `seq`, if known here; `seq` is range().first - 1 ... range().last.
    [[nodiscard]] std::optional<Head> after(Seq seq) const;

private:
    std::vector<Record> records_;
    std::vector<Head> heads_;  ///< before each record, one more at the end; all zero: not known
};

/// The stored batches of one epoch, which are disjoint. `epoch_id` is its row number.
class Evidence {
public:
    Evidence(Database& database, std::int64_t epoch_id) : db_{database}, epoch_id_{epoch_id} {}

    /// `records` with the heads around them. Where `before` is not known (all zero), the head that
    /// is stored for that place does, if there is one.
    [[nodiscard]] Links link(std::vector<Record> records, const Head& before);

    /// Compares the heads of `links`, which came in `batch`, with all that are known of what is
    /// held around and beneath it. `diverged` names the record where they differ.
    ///
    /// A stored batch whose own head at an end is not known (reduced records) takes over the one
    /// that `links` knows for it. True when one did.
    [[nodiscard]] Result<bool> check(const wire::Batch& batch, const Links& links);

    /// Stores the records of `part`, of which none is stored. `diverged` as above, for heads that
    /// `check` could not know.
    [[nodiscard]] Result<void> keep(const wire::Batch& batch, const Links& links, SeqRange part,
                                    WallTime received);
    /// Takes `part`, of which all is stored, out of the stored batches. What is left of a batch is
    /// packed again.
    [[nodiscard]] Result<void> remove(SeqRange part);

    /// The stored records in `range`, in order.
    [[nodiscard]] Result<std::vector<Record>> records(SeqRange range);

private:
    struct Stored {
        SeqRange range;
        Head before{};
        Head head{};
        std::int64_t received_ms = 0;
    };

    [[nodiscard]] std::vector<Stored> stored_in(SeqRange range);
    [[nodiscard]] Result<Links> links_of(const Stored& stored);
    [[nodiscard]] std::optional<Head> stored_head(Seq seq);
    [[nodiscard]] Result<bool> adopt(const wire::Batch& batch, const Links& links,
                                     const Stored& stored);
    void insert(const Links& links, std::optional<Head> head, std::string_view pack,
                std::int64_t received_ms);

    Database& db_;
    std::int64_t epoch_id_;
};

}  // namespace gerbang::province
