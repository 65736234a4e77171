#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/compact.hpp"
#include "common/model/rollup.hpp"
#include "daemon/journal/journal.hpp"

namespace gerbang {

/// Events whose newest state is looked up, or that outlive reduction: the table `event` has copies
/// of them. `carrier`, `power`, `start` and the like are neither; they are found in their blocks.
[[nodiscard]] bool is_protected(EventKind kind) noexcept;
/// About what a protected event of `body_bytes` (encoded) takes in the table `event`.
[[nodiscard]] constexpr std::uint64_t event_row_bytes(std::size_t body_bytes) noexcept {
    return body_bytes + 16;
}

/// Everything the journal knows of its open epoch besides the records themselves: the state for
/// the daemon and the roll-ups. A function of the records in order, so that a crash loses none of
/// it: restored = the state saved at a checkpoint + the records after it.
class JournalMemory {
public:
    explicit JournalMemory(Seconds utc_offset) : rollup{utc_offset} {}

    /// Takes the next record; `head` is the chain's head after it.
    void apply(const Record& record, const Head& head);
    /// Forgets what belongs to the old epoch; roll-ups, journal time and counts go on.
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
    std::optional<DeviceTime> last_at;     ///< newest time of any record, for `state.elapsed`
    std::uint64_t event_bytes = 0;         ///< about what the table `event` holds, over all epochs
    std::vector<WrittenDay> written_days;  ///< up to `kMaxWrittenDays`, oldest first
    static constexpr std::size_t kMaxWrittenDays = 8;

    /// Counts `bytes` to the day (site time) of the newest record.
    void count_written(std::uint64_t bytes, Seconds utc_offset);

private:
    void advance(DeviceTime at);
    void apply_chunk(const Chunk& chunk);
    void apply_event(Seq seq, const Event& event);
    void apply_outage(const Outage& outage);
    void restore_upkeep(CompactReader& in);
    void set_interface(const InterfaceFact& fact, BootNo boot);
    [[nodiscard]] bool is_counter(SeriesId id) const;
};

}  // namespace gerbang
