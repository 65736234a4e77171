#include <algorithm>
#include <map>
#include <optional>

#include "daemon/province/rows.hpp"

namespace gerbang::province {
namespace {

/// Rows read, then rewritten, at a time; bounds the memory of a long re-stamping.
constexpr std::int64_t kSlice = 4096;

/// What places a record in time: wall = max(device time + offset, not_before).
///
/// A chunk's ticks are bound by the chunk before it alone: an event between two chunks happened
/// while the later one's ticks were taken, and must not move the earlier of them to its own time.
/// The record itself, whose time is that of its last tick, is bound by every predecessor.
struct Stamp {
    std::optional<std::int64_t> offset_ms;
    std::optional<std::int64_t> not_before_ms;  ///< wall time of the predecessor (chunk)
    std::optional<std::int64_t> wall_ms;
    bool operator==(const Stamp&) const = default;
};

struct StampedRow {
    std::int64_t seq = 0;
    std::int64_t boot = 0;
    std::int64_t at_ms = 0;
    bool is_chunk = false;
    bool is_anchor = false;
    Stamp stamp;
};

class Stamper {
public:
    Stamper(Database& database, std::int64_t epoch_id) : db_{database}, epoch_id_{epoch_id} {}

    /// Stamps everything from `from` on; beyond `last_new` it stops where nothing changes.
    void run(std::int64_t from, std::int64_t last_new) {
        find_walls_before(from);
        boot_.reset();
        for (;;) {
            const auto rows = slice(from);
            for (const auto& row : rows) {
                const Stamp stamp = place(row);
                if (stamp != row.stamp) {
                    write(row, stamp);
                } else if (row.seq > last_new && row.is_chunk && stamp.wall_ms) {
                    return;  // the same offset and bounds as before: so is all that follows
                }
            }
            if (std::ssize(rows) < kSlice) return;
            from = rows.back().seq + 1;
        }
    }

private:
    void find_walls_before(std::int64_t seq) {
        last_chunk_wall_ms_ = db_.number(
            "SELECT wall_ms FROM chunk WHERE epoch_id = ?1 AND seq < ?2 AND wall_ms IS NOT NULL "
            "ORDER BY seq DESC LIMIT 1",
            {epoch_id_, seq});
        const auto of_events = db_.number(
            "SELECT wall_ms FROM event_row WHERE epoch_id = ?1 AND seq < ?2 AND wall_ms IS NOT "
            "NULL ORDER BY seq DESC LIMIT 1",
            {epoch_id_, seq});
        // Nothing is smaller than any value.
        last_wall_ms_ = std::max(last_chunk_wall_ms_, of_events);
    }

    std::vector<StampedRow> slice(std::int64_t from) {
        std::vector<StampedRow> rows;
        auto found = db_.query(
            "SELECT seq, boot, last_ms, 1, 0, offset_ms, not_before_ms, wall_ms FROM chunk "
            "WHERE epoch_id = ?1 AND seq >= ?2 UNION ALL "
            "SELECT seq, boot, at_ms, 0, kind = 8, offset_ms, not_before_ms, wall_ms FROM "
            "event_row WHERE epoch_id = ?1 AND seq >= ?2 ORDER BY 1 LIMIT ?3",
            {epoch_id_, from, kSlice});
        while (found.next()) {
            rows.push_back({.seq = found.integer(0),
                            .boot = found.integer(1),
                            .at_ms = found.integer(2),
                            .is_chunk = found.integer(3) != 0,
                            .is_anchor = found.integer(4) != 0,
                            .stamp = {.offset_ms = found.integer_or_null(5),
                                      .not_before_ms = found.integer_or_null(6),
                                      .wall_ms = found.integer_or_null(7)}});
        }
        return rows;
    }

    std::optional<std::int64_t> offset_at(std::int64_t boot, std::int64_t seq) {
        const auto before = db_.number(
            "SELECT wall_ms - at_ms FROM anchor_row WHERE epoch_id = ?1 AND boot = ?2 AND "
            "seq < ?3 ORDER BY seq DESC LIMIT 1",
            {epoch_id_, boot, seq});
        if (before) return before;
        return db_.number(
            "SELECT wall_ms - at_ms FROM anchor_row WHERE epoch_id = ?1 AND boot = ?2 "
            "ORDER BY seq LIMIT 1",
            {epoch_id_, boot});
    }

    Stamp place(const StampedRow& row) {
        if (boot_ != row.boot) {
            boot_ = row.boot;
            offset_ms_ = offset_at(row.boot, row.seq);
        }
        Stamp stamp;
        std::int64_t wall_ms = 0;
        if (offset_ms_ && !__builtin_add_overflow(row.at_ms, *offset_ms_, &wall_ms)) {
            stamp.offset_ms = offset_ms_;
            stamp.not_before_ms = last_wall_ms_.value_or(wall_ms);
            // A chunk's first ticks lie before its last one, so its bound must not cut them.
            if (row.is_chunk) stamp.not_before_ms = last_chunk_wall_ms_.value_or(*offset_ms_);
            stamp.wall_ms = last_wall_ms_ ? std::max(wall_ms, *last_wall_ms_) : wall_ms;
            if (row.is_chunk) last_chunk_wall_ms_ = stamp.wall_ms;
            last_wall_ms_ = stamp.wall_ms;
        }
        // An anchor counts for the records after it.
        if (row.is_anchor) offset_ms_ = offset_at(row.boot, row.seq + 1);
        return stamp;
    }

    void write(const StampedRow& row, const Stamp& stamp) {
        db_.run(row.is_chunk ? "UPDATE chunk SET offset_ms = ?3, not_before_ms = ?4, wall_ms = ?5 "
                               "WHERE epoch_id = ?1 AND seq = ?2"
                             : "UPDATE event_row SET offset_ms = ?3, not_before_ms = ?4, "
                               "wall_ms = ?5 WHERE epoch_id = ?1 AND seq = ?2",
                {epoch_id_, row.seq, sql_value(stamp.offset_ms), sql_value(stamp.not_before_ms),
                 sql_value(stamp.wall_ms)});
    }

    Database& db_;
    std::int64_t epoch_id_;
    std::optional<std::int64_t> last_wall_ms_;        ///< of the record before
    std::optional<std::int64_t> last_chunk_wall_ms_;  ///< of the chunk before
    std::optional<std::int64_t> boot_;
    std::optional<std::int64_t> offset_ms_;
};

}  // namespace

void stamp_rows(Database& database, std::int64_t epoch_id,
                const std::vector<const Record*>& records) {
    if (records.empty()) return;
    auto from = static_cast<std::int64_t>(records.front()->seq.value);
    for (const auto* record : records) {
        const auto* event = std::get_if<Event>(&record->body);
        if (event == nullptr || event->kind != EventKind::anchor) continue;
        // A boot's first anchor places everything that the boot recorded before it.
        const auto boot_begins = database.number(
            "SELECT b.first_seq FROM boot_row b WHERE b.epoch_id = ?1 AND b.boot = ?2 AND "
            "(SELECT min(seq) FROM anchor_row a WHERE a.epoch_id = ?1 AND a.boot = ?2) = ?3",
            {epoch_id, event->at.boot.value, static_cast<std::int64_t>(record->seq.value)});
        if (boot_begins) from = std::min(from, *boot_begins);
    }
    Stamper{database, epoch_id}.run(from, static_cast<std::int64_t>(records.back()->seq.value));
}

}  // namespace gerbang::province
