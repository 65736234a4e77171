#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/journal/block_store.hpp"
#include "daemon/journal/cursor_store.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/journal/rollup_store.hpp"
#include "daemon/journal/sqlite.hpp"
#include "daemon/journal/state.hpp"

namespace gerbang {

/// The journal on one SQLite connection. Its parts each know some tables; this joins them into
/// transactions. sqlite_journal.cpp: opening, appending, checkpoints; journal_reads.cpp: what is
/// asked; journal_upkeep.cpp: packing, reduction, the quota; journal_rescue.cpp: damage, identity.
class SqliteJournal final : public Journal {
public:
    explicit SqliteJournal(const JournalOptions& options)
        : options_{options}, memory_{options.utc_offset} {}

    [[nodiscard]] Result<void> start();

    [[nodiscard]] const JournalState& state() const override { return memory_.state; }
    [[nodiscard]] Result<Committed> begin_epoch(const EpochFact& fact, DeviceTime at,
                                                const std::vector<RecordBody>& first) override;
    [[nodiscard]] Result<void> fork_epoch(const EpochFact& fact, DeviceTime at) override;
    [[nodiscard]] Result<Committed> append(Seq expected_first,
                                           const std::vector<RecordBody>& bodies) override;
    [[nodiscard]] Result<JournalSlice> read(const EpochId& epoch, SeqRange range,
                                            std::uint64_t max_bytes) override;
    [[nodiscard]] Result<std::vector<EpochInfo>> epochs() override;
    [[nodiscard]] Result<std::vector<Cursor>> cursors() override;
    void stage(const Cursor& cursor) override { cursors_.stage(cursor); }
    [[nodiscard]] Result<void> flush_cursors() override;
    void stage_note(const std::string& key, const std::string& value) override {
        cursors_.stage_note(key, value);
    }
    [[nodiscard]] std::optional<std::string> note(const std::string& key) override {
        return cursors_.note(key);
    }
    [[nodiscard]] Result<std::vector<UsageRow>> usage(UsagePeriod period, WallTime from,
                                                      WallTime to) override;
    [[nodiscard]] Result<std::vector<Outage>> outages() override;
    [[nodiscard]] Result<void> checkpoint() override;
    [[nodiscard]] Result<bool> tend() override;
    [[nodiscard]] Result<void> limit(std::uint64_t quota_bytes,
                                     std::uint64_t set_aside_bytes) override;
    void set_pins(std::vector<std::string> pins) override { options_.pins = std::move(pins); }
    [[nodiscard]] Result<std::vector<LossFact>> untold_losses() override;
    [[nodiscard]] Result<JournalFacts> facts() override;
    [[nodiscard]] std::uint64_t size_bytes() const override { return connection_.file_bytes(); }
    [[nodiscard]] std::uint64_t written_bytes() const override {
        return connection_.written_bytes();
    }

private:
    [[nodiscard]] Result<void> prepare();
    [[nodiscard]] Result<void> restore();
    [[nodiscard]] Result<void> write_checkpoint(UsageRollup& rollup);
    [[nodiscard]] Result<void> put_state(EpochNo epoch, const JournalMemory& memory,
                                         const UsageRollup& rollup);
    [[nodiscard]] Result<void> replay_undated(UsageRollup& rollup);
    [[nodiscard]] Result<void> write_epoch(const EpochFact& fact, EpochNo number,
                                           UsageRollup& rollup, const std::vector<Record>& records);
    template <class Work>
    [[nodiscard]] Result<void> in_transaction(Work work);
    [[nodiscard]] Result<void> after_transaction(Result<void> outcome);
    [[nodiscard]] Error fail(Error error);
    [[nodiscard]] Result<void> usable() const;
    void overwrite_wal();
    [[nodiscard]] Committed take(const std::vector<Record>& records);

    struct Place {
        EpochNo number = 0;
        Seq last;
    };
    [[nodiscard]] Result<Place> place_of(const EpochId& epoch);

    JournalOptions options_;
    sql::Connection connection_;  // before everything that holds its statements
    BlockStore blocks_;
    CursorStore cursors_;
    RollupStore rollups_;
    sql::Statement find_epoch_;
    sql::Statement list_epochs_;
    sql::Statement close_epoch_;
    sql::Statement put_epoch_;
    sql::Statement put_checkpoint_;
    EpochNo epoch_no_ = 0;  ///< of the open epoch; 0: none
    JournalMemory memory_;
    std::optional<Error> broken_;
};

/// `bytes` as SQLite takes them.
template <std::size_t N>
[[nodiscard]] std::string_view view(const std::array<std::uint8_t, N>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), N};
}

/// Runs `work` in a transaction; whatever fails undoes it.
template <class Work>
Result<void> SqliteJournal::in_transaction(Work work) {
    auto outcome = [&]() -> Result<void> {
        sql::Transaction transaction{connection_};
        if (auto begun = transaction.begin(); !begun) return begun;
        if (auto done = work(); !done) return done;
        return transaction.commit();
    }();
    return after_transaction(std::move(outcome));
}

}  // namespace gerbang
