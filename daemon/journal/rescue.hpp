#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "daemon/journal/block_store.hpp"
#include "daemon/journal/losses.hpp"
#include "daemon/journal/mirror.hpp"
#include "daemon/journal/packed_store.hpp"
#include "daemon/journal/page_file.hpp"
#include "daemon/journal/rollup_store.hpp"
#include "daemon/journal/salvage.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang {

/// What a rescue has brought over, for logs and status.
struct RescueFacts {
    bool is_running = false;
    std::uint64_t blocks_found = 0;
    std::uint64_t blocks_done = 0;
    std::uint64_t records = 0;         ///< brought over by this process
    std::uint64_t damaged_blocks = 0;  ///< checksum or range wrong, or pages missing
};

/// Brings what the set-aside file still holds into the new database, as closed epochs under their
/// old names, newest first; in slices, each of which may be followed by a power cut: begun anew it
/// finds what is there already and leaves it alone.
///
/// Only what a checksum or the chain vouches for is taken: packs; epochs by their record 1, or by a
/// row and its index that agree; chain heads that were recomputed; cursors whose head is that of
/// the chain. Roll-ups have no such witness: they are taken as they are when they are possible.
class Rescue {
public:
    /// The stages in their order; each is done when its function says so.
    enum class Stage { scan, name, copy, walk, totals, finish, done };

    /// `found`: page_file of the set-aside file, whose name is `path`.
    Rescue(sql::PageFile file, std::string path, std::string vfs, std::optional<Mirror> mirror);
    Rescue(const Rescue&) = delete;
    Rescue& operator=(const Rescue&) = delete;

    [[nodiscard]] Result<void> prepare(sql::Connection& connection);
    /// Some of the newest rows, before anything else: by a few pages, or where the way to them is
    /// damaged by all, which takes some seconds for a full file.
    [[nodiscard]] std::vector<FoundBlock> newest();
    /// Newer values of the counters in `known`, from `newest` into `target`.
    void newest_totals(const std::vector<FoundBlock>& newest, const Mirror& known, Mirror& target);
    /// After the scan: what it knows of epochs.
    [[nodiscard]] std::vector<MirroredEpoch> epochs() const;
    [[nodiscard]] Stage stage() const noexcept { return stage_; }
    [[nodiscard]] RescueFacts facts() const noexcept;

    /// Some more pages; no database needed.
    void scan();
    /// Rows of `epoch` for what was found. Inside a transaction; idempotent.
    [[nodiscard]] Result<void> name_epochs();
    /// Copies some blocks inside a transaction; `elapsed_s` is the journal time that they get.
    [[nodiscard]] Result<void> copy(BlockStore& blocks, PackedStore& packed,
                                    std::int64_t elapsed_s);
    /// The transaction of `copy` was committed, or was not. Gives the space of what was copied
    /// back to the file system.
    void copied(bool is_committed);
    /// Gives up what was not copied yet: there is no room for it.
    void stop_copying();
    /// Recomputes the chain over what was copied and keeps its heads. Inside a transaction.
    [[nodiscard]] Result<void> walk(BlockStore& blocks);
    /// Adds some of the old roll-ups inside a transaction, which must also remember the number
    /// returned: how many are added so far. `begin_totals` says where to go on, after a restart or
    /// a transaction that failed.
    void begin_totals(std::uint64_t done);
    [[nodiscard]] Result<std::uint64_t> add_totals(RollupStore& rollups);
    void give_up_totals() { stage_ = Stage::finish; }
    /// Writes down what is missing, inside the transaction that remembers the whole as done.
    /// Returns how many records of the epochs found are here.
    [[nodiscard]] Result<std::uint64_t> tell_losses(LossStore& losses);
    /// Cursors that stand behind the chain, for those beyond `known`; after `walk`.
    [[nodiscard]] Result<std::vector<Cursor>> cursors(BlockStore& blocks,
                                                      const std::vector<Cursor>& known);
    void finished() { stage_ = Stage::done; }
    /// The transaction of that stage failed: it begins anew.
    void back_to(Stage stage);

    /// Bytes that the set-aside file takes at present.
    [[nodiscard]] std::uint64_t allocated() const;
    /// Removes it.
    [[nodiscard]] Result<void> remove();

private:
    [[nodiscard]] Result<std::vector<SeqRange>> absent(EpochNo number, SeqRange range);
    [[nodiscard]] Result<void> copy_one(const FoundBlock& found, BlockStore& blocks,
                                        PackedStore& packed, std::int64_t elapsed_s);
    [[nodiscard]] Result<void> put_packed(PackedStore& packed, EpochNo number, SeqRange range,
                                          int level, std::int64_t elapsed_s);
    [[nodiscard]] const Head* found_head(EpochNo old_number, Seq seq) const;
    [[nodiscard]] Result<bool> walk_block(BlockStore& blocks);

    /// The chain of the epoch being walked.
    struct Walk {
        EpochNo old_number = 0;
        EpochNo number = 0;
        Seq reached;
        std::optional<Head> head;  ///< after `reached`
        bool is_proven = false;
        std::vector<std::pair<Seq, Head>> unproven;  ///< of this stretch
    };

    /// A walk through the tree of `rollup`.
    struct Totals {
        std::vector<std::uint32_t> open;
        std::set<std::uint32_t> seen_pages;
        std::uint64_t seen_rows = 0;
        std::uint64_t done = 0;
    };

    sql::PageFile file_;
    std::string path_;
    std::string vfs_;
    std::optional<Mirror> mirror_;
    PageScan scan_;
    Stage stage_ = Stage::scan;
    Findings findings_;
    std::map<EpochNo, EpochNo> numbers_;  ///< old -> new
    std::size_t next_block_ = 0;
    std::size_t block_in_hand_ = 0;  ///< `next_block_` once the transaction is committed
    Salvaged salvaged_;
    Salvaged salvaged_in_hand_;
    std::vector<std::uint32_t> holes_;
    bool can_punch_ = true;
    bool is_cut_short_ = false;
    std::map<EpochNo, EpochNo>::const_iterator walked_;
    Walk walk_;
    Totals totals_;

    sql::Statement find_epoch_;
    sql::Statement put_epoch_;
    sql::Statement raise_epoch_;
    sql::Statement list_blocks_;
    sql::Statement list_sizes_;
    sql::Statement first_block_;
    sql::Statement last_of_epoch_;
};

}  // namespace gerbang
