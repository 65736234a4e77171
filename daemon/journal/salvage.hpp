#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "common/model/receipt.hpp"
#include "daemon/journal/block_store.hpp"
#include "daemon/journal/page_file.hpp"
#include "daemon/journal/rollup_store.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang {

/// A row of a table `block` somewhere in a damaged file.
struct FoundBlock {
    std::int64_t id = 0;  ///< row id in the damaged file
    Seq last;
    std::uint32_t place = 0;     ///< page, or index of a loose page
    bool is_loose = false;       ///< `place` is an index
    bool has_neighbour = false;  ///< the row beside it in its page goes on where this one ends
    [[nodiscard]] EpochNo epoch() const noexcept { return id >> 40; }
    [[nodiscard]] Seq first() const noexcept {
        return Seq{static_cast<std::uint64_t>(id) & kMaxSeq};
    }
};

/// A chain head found in a damaged file; nothing vouches for it until it was recomputed.
struct FoundHead {
    std::int64_t id = 0;
    Head head{};
};

/// What the pages of a damaged file say, before anything is read in full.
struct Findings {
    /// Rows of `epoch`, confirmed by their index or by the epoch's own record 1.
    std::map<EpochNo, EpochId> epochs;
    std::vector<FoundBlock> blocks;  ///< newest first, without what a flipped bit may have moved
    std::vector<FoundHead> heads;    ///< ascending
    std::vector<Cursor> cursors;     ///< without ranges: consumer, epoch, through, head, store
    std::uint32_t unreadable_pages = 0;  ///< the medium gave an error
};

/// Goes through all pages of a damaged file, some at a time. Bounded: 65,536 blocks (the newest),
/// 65,536 heads, 4,096 epochs, 1,024 cursors.
class PageScan {
public:
    explicit PageScan(const sql::PageFile& file) : file_{&file} {}
    /// Looks at up to `pages` more pages; false when none was left.
    bool look(std::uint32_t pages);
    /// Also gives what confirms the epochs. Call when `look` said false.
    [[nodiscard]] Findings take();
    /// Rows of the page that holds the newest row of `block`, by the schema and the interior pages
    /// alone; empty when those are damaged. Reads a few pages.
    [[nodiscard]] std::vector<FoundBlock> newest();
    /// Root page of a table, if the schema can still be read.
    [[nodiscard]] std::optional<std::uint32_t> root_of(std::string_view table) const;

private:
    void look_at(const std::string& page, std::size_t header_at, std::uint32_t place,
                 bool is_loose);
    void take_rows(const std::vector<sql::LeafCell>& cells, std::uint32_t place, bool is_loose);
    void take_index_row(std::string_view payload);
    void take_epoch_record(const sql::LeafCell& cell, EpochNo number);
    [[nodiscard]] std::optional<std::uint32_t> root_in(std::string_view page, std::size_t header_at,
                                                       std::string_view table) const;
    void keep_newest_blocks();
    void drop_incredible_blocks();

    const sql::PageFile* file_;
    std::uint32_t next_ = 1;
    Findings findings_;
    std::map<EpochNo, EpochId> by_row_;
    std::map<EpochNo, EpochId> by_index_;
    std::map<EpochNo, EpochId> by_record_;
};

/// A row of the table `rollup`.
struct FoundRollup {
    UsagePeriod period{};
    UsageRollup::Hour key;
    UsagePart part;
};
/// Nothing when `payload` is no such row, or no possible one.
[[nodiscard]] std::optional<FoundRollup> rollup_of(std::string_view payload);

/// What a salvage brought over, so far.
struct Salvaged {
    std::uint64_t blocks = 0;
    std::uint64_t records = 0;
    std::uint64_t damaged_blocks = 0;  ///< checksum or range wrong, or pages missing
};

/// Records of `block` as the damaged `file` holds them, all checks passed; `bad_input` else.
/// `pages` gets those that hold nothing but this row.
[[nodiscard]] Result<std::vector<Record>> read_found(const sql::PageFile& file,
                                                     const FoundBlock& block,
                                                     std::vector<std::uint32_t>* pages);

}  // namespace gerbang
