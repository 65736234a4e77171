// Who pins, what is lost, and the journal's facts.

#include <algorithm>
#include <utility>

#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxOwedRanges = 64;
/// The rate is taken from so much of the newest journal time.
constexpr std::int64_t kRateSeconds = 3 * 86'400;
constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kLeastForRate = 3 * 3'600;

}  // namespace

void SqliteJournal::set_pins(std::vector<std::string> pins) {
    options_.pins = std::move(pins);
}

/// Writes down since when each pin is known, so that one that never sends a receipt ages too.
Result<bool> SqliteJournal::keep_pins() {
    std::vector<std::string> added;
    std::vector<std::string> dropped;
    for (const auto& pin : options_.pins) {
        if (!pins_.contains(pin)) added.push_back(pin);
    }
    for (const auto& [pin, since_s] : pins_) {
        const bool is_configured =
            std::find(options_.pins.begin(), options_.pins.end(), pin) != options_.pins.end();
        if (!is_configured) dropped.push_back(pin);
    }
    if (added.empty() && dropped.empty()) return false;
    auto stored = in_transaction([&]() -> Result<void> {
        for (const auto& pin : added) {
            auto put = put_pin_.start().bind_text(1, pin).bind(2, elapsed_s()).run();
            if (!put) return put;
        }
        for (const auto& pin : dropped) {
            if (auto gone = drop_pin_.start().bind_text(1, pin).run(); !gone) return gone;
        }
        return ok();
    });
    if (!stored) return stored.error();
    for (const auto& pin : added) pins_[pin] = elapsed_s();
    for (const auto& pin : dropped) pins_.erase(pin);
    return true;
}

std::int64_t SqliteJournal::silent_s(const std::string& consumer) const {
    const auto known = pins_.find(consumer);
    const auto since_s = known != pins_.end() ? known->second : elapsed_s();
    return elapsed_s() - std::max(cursors_.heard_s(consumer).value_or(since_s), since_s);
}

std::vector<std::string> SqliteJournal::pinning() const {
    std::vector<std::string> found;
    for (const auto& pin : options_.pins) {
        if (silent_s(pin) <= kPinSilence.count()) found.push_back(pin);
    }
    return found;
}

Result<Holdings> SqliteJournal::holdings(const std::vector<std::string>& consumers) {
    Holdings holdings;
    if (consumers.empty()) return holdings;
    const auto cursors = cursors_.cursors();
    if (!cursors) return fail(cursors.error());
    const auto epochs = epoch_rows();
    if (!epochs) return epochs.error();
    for (const auto& consumer : consumers) {
        std::map<EpochNo, Cursor> held;
        for (const auto& cursor : *cursors) {
            if (cursor.consumer != consumer) continue;
            for (const auto& epoch : *epochs) {
                if (epoch.id == cursor.epoch) held[epoch.number] = cursor;
            }
        }
        holdings.add_consumer(std::move(held));
    }
    return holdings;
}

Result<std::vector<LossFact>> SqliteJournal::untold_losses() {
    if (auto may = usable(); !may) return may.error();
    auto untold = losses_.untold();
    if (!untold) return fail(untold.error());
    const auto epochs = epoch_rows();
    if (!epochs) return epochs.error();
    std::vector<LossFact> facts;
    facts.reserve(untold->size());
    for (auto& each : *untold) {
        for (const auto& epoch : *epochs) {
            if (epoch.number == each.epoch && !epoch.is_open) each.fact.epoch = epoch.id;
        }
        facts.push_back(std::move(each.fact));
    }
    return facts;
}

Result<std::vector<EpochFacts>> SqliteJournal::epoch_facts() {
    const auto epochs = epoch_rows();
    if (!epochs) return epochs.error();
    std::vector<EpochFacts> facts;
    for (const auto& epoch : *epochs) {
        EpochFacts fact;
        fact.id = epoch.id;
        fact.last = epoch.last;
        fact.is_open = epoch.is_open;
        const auto newest = packed_.newest(epoch.number);
        if (!newest) return fail(newest.error());
        const auto packed_through = *newest ? (*newest)->range.last : Seq{0};
        auto read = blocks_.blocks(epoch.number, {packed_through.next(), epoch.last},
                                   [&](Seq first, Seq last, std::string_view body) -> Result<bool> {
                                       fact.unpacked.records += SeqRange{first, last}.size();
                                       fact.unpacked.bytes += body.size();
                                       return true;
                                   });
        if (epoch.last > packed_through && !read) return fail(read.error());
        facts.push_back(std::move(fact));
    }
    for (int level = 0; level <= kGivenUpLevel; ++level) {
        auto visited = packed_.visit(level, false, [&](const PackedBlock& block) {
            for (std::size_t i = 0; i < facts.size(); ++i) {
                if ((*epochs)[i].number != block.epoch) continue;
                auto& to = level == kGivenUpLevel
                               ? facts[i].given_up
                               : facts[i].levels[static_cast<std::size_t>(level)];
                to.records += block.range.size();
                to.bytes += block.bytes;
            }
            return true;
        });
        if (!visited) return fail(visited.error());
    }
    for (auto& fact : facts) {
        fact.levels[0].records += fact.unpacked.records;
        fact.levels[0].bytes += fact.unpacked.bytes;
    }
    return facts;
}

/// The oldest record with a reading.
Result<std::optional<DeviceTime>> SqliteJournal::oldest_reading(std::optional<WallTime>& wall) {
    std::optional<PackedBlock> oldest;
    for (int level = 0; level < kGivenUpLevel; ++level) {
        auto visited = packed_.visit(level, false, [&](const PackedBlock& block) {
            const auto key = row_id(block.epoch, block.range.first);
            if (!oldest || key < row_id(oldest->epoch, oldest->range.first)) oldest = block;
            return false;
        });
        if (!visited) return visited.error();
    }
    const EpochNo epoch = oldest ? oldest->epoch : epoch_no_;
    const Seq first = oldest ? oldest->range.first : Seq{1};
    std::optional<DeviceTime> found;
    auto visited = blocks_.visit(epoch, {first, Seq{kMaxSeq}}, [&](Record& record) {
        const auto* chunk = std::get_if<Chunk>(&record.body);
        if (chunk == nullptr || chunk->is_emptied()) return true;
        found = DeviceTime{chunk->boot, chunk->ticks.front()};
        if (epoch == epoch_no_) wall = memory_.state.timeline.wall_of(record.seq, *found);
        return false;
    });
    if (!visited && visited.error().code != Errc::not_found) return visited.error();
    return found;
}

/// Bytes of a packed day at full resolution, from the blocks of the last three days; 0: there are
/// too few to say.
Result<std::uint64_t> SqliteJournal::day_bytes() {
    std::uint64_t bytes = 0;
    std::int64_t from_s = elapsed_s();
    std::uint64_t left_out = 0;  // of the oldest block: it says where the time begins
    auto visited = packed_.visit(0, true, [&](const PackedBlock& block) {
        bytes += left_out;
        left_out = block.bytes;
        from_s = block.elapsed_s;
        return elapsed_s() - block.elapsed_s < kRateSeconds;
    });
    if (!visited) return visited.error();
    const auto packed = packed_.newest(epoch_no_);
    if (!packed) return packed.error();
    const auto to_s = *packed ? (*packed)->elapsed_s : elapsed_s();
    if (to_s - from_s < kLeastForRate) return std::uint64_t{0};
    return bytes * static_cast<std::uint64_t>(kDaySeconds) /
           static_cast<std::uint64_t>(to_s - from_s);
}

Result<std::vector<PinFacts>> SqliteJournal::pin_facts() {
    const auto held = holdings(options_.pins);
    if (!held) return held.error();
    const auto epochs = epoch_rows();
    if (!epochs) return epochs.error();
    std::vector<PinFacts> facts;
    for (std::size_t i = 0; i < options_.pins.size(); ++i) {
        PinFacts fact;
        fact.consumer = options_.pins[i];
        fact.silent_for = Seconds{silent_s(fact.consumer)};
        fact.is_pinning = fact.silent_for <= kPinSilence;
        for (const auto& epoch : *epochs) {
            const auto left = kMaxOwedRanges - fact.owed.size();
            for (const auto& range : held->owed(i, epoch.number, epoch.last, left)) {
                fact.owed.push_back({epoch.id, range});
            }
        }
        facts.push_back(std::move(fact));
    }
    return facts;
}

Result<JournalFacts> SqliteJournal::facts() {
    if (auto may = usable(); !may) return may.error();
    JournalFacts facts;
    const auto held = pages();
    if (!held) return fail(held.error());
    const auto page = std::uint64_t{plan_.page_bytes};
    facts.wal_bytes = connection_.wal_bytes();
    facts.database_bytes = size_bytes() - facts.wal_bytes;
    facts.free_bytes = static_cast<std::uint64_t>(held->free) * page;
    facts.ballast_bytes = ballast_.bytes();
    facts.mirror_bytes = kMirrorReserveBytes;
    facts.set_aside_bytes = options_.set_aside_bytes;
    facts.quota_bytes = plan_.quota_bytes;
    facts.database_limit = plan_.database_bytes;
    facts.can_shrink = can_shrink_;
    facts.protected_limit = plan_.protected_bytes();
    facts.written_bytes = written_bytes() - counted_bytes_;
    facts.written_days = memory_.written_days;
    if (!facts.written_days.empty()) {
        facts.written_days.back().bytes += facts.written_bytes;
        facts.written_bytes = facts.written_days.back().bytes;
    }
    facts.journal_time = Seconds{elapsed_s()};
    const auto kept = protected_bytes();
    if (!kept) return fail(kept.error());
    facts.protected_bytes = *kept;
    auto losses = losses_.totals();
    if (!losses) return fail(losses.error());
    facts.losses = std::move(*losses);
    auto damage = damage_facts();
    if (!damage) return damage.error();
    facts.damage = std::move(*damage);
    const auto check = check_facts();
    if (!check) return check.error();
    facts.check = *check;
    if (epoch_no_ == 0) return facts;
    auto epochs = epoch_facts();
    if (!epochs) return epochs.error();
    facts.epochs = std::move(*epochs);
    auto pins = pin_facts();
    if (!pins) return pins.error();
    facts.pins = std::move(*pins);
    const auto oldest = oldest_reading(facts.oldest_wall);
    if (!oldest) return fail(oldest.error());
    facts.oldest = *oldest;
    const auto day = day_bytes();
    if (!day) return fail(day.error());
    facts.day_bytes = *day;
    const auto left = room();
    if (!left) return fail(left.error());
    if (*day != 0) {
        const auto bytes = std::max<std::int64_t>(*left - plan_.reserve_pages(), 0) *
                           static_cast<std::int64_t>(page);
        facts.days_left = bytes / static_cast<std::int64_t>(*day);
    }
    return facts;
}

}  // namespace gerbang
