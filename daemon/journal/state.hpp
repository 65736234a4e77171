#pragma once

#include <string>
#include <string_view>

#include "common/core/result.hpp"
#include "common/model/rollup.hpp"
#include "daemon/journal/journal.hpp"

namespace gerbang {

/// Everything the journal knows of its open epoch besides the records themselves: the state for
/// the daemon and the roll-ups. A function of the records in order, so that a crash loses none of
/// it: restored = the state saved at a checkpoint + the records after it.
class JournalMemory {
public:
    explicit JournalMemory(Seconds utc_offset) : rollup{utc_offset} {}

    /// Takes the next record; `head` is the chain's head after it.
    void apply(const Record& record, const Head& head);
    /// Forgets what belongs to the old epoch; roll-ups go on.
    void start_epoch(const EpochId& epoch);

    /// What cannot be read from the tables `event` and `head`, with `rollup_to_save` (whose hours
    /// are all taken) for the roll-ups.
    [[nodiscard]] std::string save(const UsageRollup& rollup_to_save) const;
    /// `bad_input` when `bytes` is not what `save` gave. Series and anchors up to the checkpoint
    /// come from the table `event`, through `learn`.
    [[nodiscard]] Result<void> restore(std::string_view bytes, Seconds utc_offset);
    /// Takes a `series` or `anchor` event from before the checkpoint.
    void learn(Seq seq, const Event& event);

    JournalState state;
    UsageRollup rollup;

private:
    void apply_chunk(const Chunk& chunk);
    void apply_event(Seq seq, const Event& event);
    void apply_outage(const Outage& outage);
    void set_interface(const InterfaceFact& fact, BootNo boot);
    [[nodiscard]] bool is_counter(SeriesId id) const;
};

}  // namespace gerbang
