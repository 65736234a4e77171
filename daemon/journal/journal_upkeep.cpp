// What the journal does between commits: one slice at a time.

#include <malloc.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/model/reduction.hpp"
#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"
#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {
namespace {

/// Reduced blocks of one level grow to about this. Larger ones would compress by a tenth better,
/// but every growth writes the block anew, and the compressor keeps larger tables for good (2 MiB).
constexpr std::uint64_t kMergedBytes = 8u << 10;
constexpr std::int64_t kDaySeconds = 86'400;

}  // namespace

Result<bool> SqliteJournal::tend() {
    if (auto may = usable(); !may) return may.error();
    if (epoch_no_ == 0) return false;
    keep_ballast();
    const auto victims = is_full_by_others_ ? Victims::older : Victims::all;
    if (auto limited = set_limit(Need::upkeep); !limited) return fail(limited.error());
    auto done = keep_pins();
    if (!done || *done) return done;
    done = rescue_slice();
    if (!done || *done) return done;
    done = pack_one(PackWhen::overdue);
    if (!done && done.error().code == Errc::storage_full) {
        // An hour that finds no room to be packed in waits until a reduction has made some.
        const auto reduced = reduce_one(victims);
        if (!reduced || *reduced) return reduced;
    }
    if (!done || *done) return done;
    const auto left = room();
    if (!left) return fail(left.error());
    if (*left < plan_.reserve_pages()) {
        done = reduce_one(victims);
        if (!done || *done) return done;
    }
    done = shrink();
    if (!done || *done) return done;
    done = protect_one(false);
    if (!done || *done) return done;
    return check_slice();
}

Result<std::vector<SqliteJournal::EpochRow>> SqliteJournal::epoch_rows() {
    std::vector<EpochRow> rows;
    list_epochs_.start();
    const sql::Resetting resetting{list_epochs_};
    for (;;) {
        const auto found = list_epochs_.step();
        if (!found) return fail(found.error());
        if (!*found) return rows;
        EpochRow row;
        row.number = list_epochs_.number(2);
        const auto uuid = list_epochs_.bytes(0);
        if (uuid.size() != row.id.bytes.size()) {
            return fail(Error{Errc::storage_broken, "epoch without an identity"});
        }
        std::copy(uuid.begin(), uuid.end(), row.id.bytes.begin());
        row.is_open = row.number == epoch_no_;
        row.last = row.is_open ? memory_.state.last
                               : Seq{static_cast<std::uint64_t>(list_epochs_.number(1))};
        rows.push_back(row);
    }
}

/// The next block to pack. That of the hour just over waits for the hourly checkpoint, whose
/// transaction takes it along: a transaction of its own would cost the flash a megabyte a day.
Result<std::optional<SqliteJournal::Packing>> SqliteJournal::plan_pack(PackWhen when) {
    std::optional<Packer::Group> group;
    if (packed_epochs_ + 1 < epoch_no_) {
        const auto epochs = epoch_rows();
        if (!epochs) return epochs.error();
        for (const auto& epoch : *epochs) {
            if (epoch.is_open || epoch.number <= packed_epochs_) continue;
            auto found = packer_.next(epoch.number, epoch.last, true);
            if (!found) return fail(found.error());
            group = std::move(*found);
            if (group) break;
            packed_epochs_ = epoch.number;
        }
        if (!group) packed_epochs_ = epoch_no_ - 1;
    }
    std::optional<DeviceHour> hour;
    if (memory_.last_at) hour = hour_of(*memory_.last_at);
    if (!group) {
        if (when == PackWhen::overdue && hour && open_hour_ == hour) {
            return std::optional<Packing>{};
        }
        auto found = packer_.next(epoch_no_, memory_.state.last, when == PackWhen::anything);
        if (!found) return fail(found.error());
        group = std::move(*found);
    }
    if (!group) {
        open_hour_ = hour;
        return std::optional<Packing>{};
    }
    std::optional<DeviceTime> end;
    for (const auto& record : group->records) {
        if (const auto at = time_of(record.body)) end = std::max(end.value_or(*at), *at);
    }
    const bool is_of_this_boot =
        group->epoch == epoch_no_ && end && hour && end->boot == hour->boot;
    if (when == PackWhen::overdue && is_of_this_boot && hour->hour - hour_of(*end).hour == 1) {
        open_hour_ = hour;
        return std::optional<Packing>{};
    }
    Packing packing;
    if (group->commits > 1) {
        packing.body = wire::encode_pack(group->records);
        if (packing.body.size() >= group->bytes) group->keep_first_commit();
    }
    packing.is_joined = group->commits > 1;
    auto& block = packing.block;
    block.epoch = group->epoch;
    block.range = {group->records.front().seq, group->records.back().seq};
    block.bytes = packing.is_joined ? packing.body.size() : group->bytes;
    for (const auto& record : group->records) {
        block.level = std::max(block.level, static_cast<int>(level_of(record.body)));
    }
    // Journal time at the block's end: now, less what passed on this boot since.
    block.elapsed_s = elapsed_s();
    if (is_of_this_boot) {
        block.elapsed_s -=
            std::chrono::duration_cast<Seconds>(memory_.last_at->at - end->at).count();
    }
    block.elapsed_s =
        std::clamp(block.elapsed_s, group->elapsed_s, std::max(group->elapsed_s, elapsed_s()));
    // The head at the block's end is computed once and kept: it is the `before` of what follows.
    const auto head = blocks_.head_after(block.epoch, block.range.last);
    if (head) {
        packing.head = *head;
    } else if (head.error().code != Errc::not_found) {
        return fail(head.error());
    }
    return std::optional{std::move(packing)};
}

/// Inside a transaction.
Result<void> SqliteJournal::write_pack(const Packing& packing) {
    const auto& block = packing.block;
    if (packing.is_joined) {
        auto put = blocks_.replace(block.epoch, block.range, packing.body);
        if (!put) return put;
    }
    if (packing.head) {
        auto put = blocks_.put_head(block.epoch, block.range.last, *packing.head);
        if (!put) return put;
    }
    if (auto put = packed_.put(block); !put) return put;
    // Pages in each other's place may hide the row: the same hour would be packed for ever.
    const auto newest = packed_.newest(block.epoch);
    if (!newest) return newest.error();
    if (*newest && (*newest)->range.last == block.range.last) return ok();
    return check_failed(row_id(block.epoch, block.range.first), "packing does not advance");
}

Result<bool> SqliteJournal::pack_one(PackWhen when) {
    const auto packing = plan_pack(when);
    if (!packing) return packing.error();
    if (!*packing) return false;
    auto stored = in_transaction([&] { return write_pack(**packing); });
    give_memory_back();
    if (!stored) return stored.error();
    return true;
}

/// An hour of records takes half a MiB when decoded, in thousands of pieces; the daemon stays as
/// small as it was.
void SqliteJournal::give_memory_back() {
#ifdef __GLIBC__
    ::malloc_trim(128u << 10);
#endif
}

bool SqliteJournal::may_reduce(const PackedBlock& block) const {
    return block.epoch != epoch_no_ || block.range.last <= checkpointed_;
}

/// Row id from which on blocks are the newest day's, or the newest eighth of the database where
/// that is less.
Result<std::int64_t> SqliteJournal::fresh_from() {
    auto from = row_id(kMaxEpochNo, Seq{kMaxSeq});
    std::uint64_t bytes = 0;
    auto visited = packed_.visit(0, true, [&](const PackedBlock& block) {
        bytes += block.bytes;
        if (bytes > plan_.database_bytes / 8) return false;
        if (elapsed_s() - block.elapsed_s > kDaySeconds) return false;
        from = row_id(block.epoch, block.range.first);
        return true;
    });
    if (!visited) return visited.error();
    return from;
}

Result<bool> SqliteJournal::reduce_one(Victims victims) {
    const auto held = holdings(pinning());
    if (!held) return held.error();
    const auto fresh = fresh_from();
    if (!fresh) return fail(fresh.error());
    ReductionChoice choice;
    for (int level = 0; level <= kMaxLevel; ++level) {
        auto visited = packed_.visit(level, false, [&](const PackedBlock& block) {
            if (!may_reduce(block)) return true;
            const bool is_fresh = row_id(block.epoch, block.range.first) >= *fresh;
            if (is_fresh && victims == Victims::older) return true;
            choice.offer(block, held->hold(block.epoch, block.range), is_fresh);
            return true;
        });
        if (!visited) return fail(visited.error());
    }
    if (const auto block = choice.best(elapsed_s())) {
        if (auto done = reduce(*block); !done) return done.error();
        return true;
    }
    // Only what was never packed, or lies past the checkpoint, is left.
    const auto packed = pack_one(PackWhen::anything);
    if (!packed || *packed) return packed;
    if (checkpointed_ == memory_.state.last || checkpoints_for_room_ == memory_.state.last) {
        return false;
    }
    checkpoints_for_room_ = memory_.state.last;
    UsageRollup rollup = memory_.rollup;
    if (auto saved = in_transaction([&] { return write_checkpoint(rollup); }); !saved) {
        return saved.error();
    }
    memory_.rollup = std::move(rollup);
    checkpointed_ = memory_.state.last;
    cursors_.written();
    return true;
}

Result<std::map<SeriesId, SeriesKind>> SqliteJournal::kinds_of(EpochNo epoch) {
    std::map<SeriesId, SeriesKind> kinds;
    if (epoch == epoch_no_) {
        for (const auto& series : memory_.state.series) kinds[series.id] = series.kind;
        return kinds;
    }
    auto listed =
        blocks_.events(epoch, EventKind::series, Seq{kMaxSeq}, false, [&](Seq, const Event& event) {
            const auto series = series_from(event);
            if (series) kinds.emplace(series->id, series->kind);
            return kinds.size() < kMaxSeries;
        });
    if (!listed) return listed.error();
    return kinds;
}

Result<void> SqliteJournal::reduce(const PackedBlock& block) {
    auto records = blocks_.load(block.epoch, block.range.first);
    if (!records) return fail(records.error());
    if (block.level >= kMaxLevel) {
        const auto given = give_up(*records);
        Loss loss{.epoch = block.epoch,
                  .what = "readings",
                  .reason = "quota",
                  .range = block.range,
                  .count = given.readings,
                  .first = given.first,
                  .last = given.last};
        std::vector<Loss> losses{loss};
        loss.what = "events";
        loss.count = given.events;
        losses.push_back(std::move(loss));
        return put_reduced(block, std::move(*records), kGivenUpLevel, losses);
    }
    const auto kinds = kinds_of(block.epoch);
    if (!kinds) return fail(kinds.error());
    const KindOf kind_of = [&kinds = *kinds](SeriesId id) {
        const auto found = kinds.find(id);
        return found != kinds.end() ? found->second : SeriesKind::gauge;
    };
    int level = block.level + 1;
    auto reduced = gerbang::reduce(std::move(*records), static_cast<std::uint8_t>(level), kind_of);
    // Where ticks are rare a level may free nothing: minimum, maximum and count of one reading are
    // more than it was. Then the next level at once.
    while (level < kMaxLevel && wire::encode_pack(reduced).size() * 10 > block.bytes * 9) {
        ++level;
        reduced = gerbang::reduce(std::move(reduced), static_cast<std::uint8_t>(level), kind_of);
    }
    return put_reduced(block, std::move(reduced), level, {});
}

/// Stores `records`, which `block` has become, as a block of `level`; joined with the one before
/// where both are small.
Result<void> SqliteJournal::put_reduced(const PackedBlock& block, std::vector<Record> records,
                                        int level, const std::vector<Loss>& losses) {
    auto body = wire::encode_pack(records);
    auto neighbour = packed_.ending_before(block.epoch, block.range.first, level);
    if (!neighbour) return fail(neighbour.error());
    if (*neighbour && ((*neighbour)->bytes + body.size() > kMergedBytes ||
                       (*neighbour)->range.size() + records.size() > wire::kMaxRecordsPerPack)) {
        neighbour->reset();
    }
    if (*neighbour) {
        auto joined = blocks_.load(block.epoch, (*neighbour)->range.first);
        if (!joined) return fail(joined.error());
        joined->insert(joined->end(), std::make_move_iterator(records.begin()),
                       std::make_move_iterator(records.end()));
        records = std::move(*joined);
        body = wire::encode_pack(records);
    }
    auto result = block;
    result.level = level;
    result.bytes = body.size();
    result.range.first = records.front().seq;
    auto stored = in_transaction([&]() -> Result<void> {
        if (auto put = blocks_.replace(block.epoch, result.range, body); !put) return put;
        if (auto gone = packed_.erase(block); !gone) return gone;
        if (*neighbour) {
            if (auto gone = packed_.erase(**neighbour); !gone) return gone;
        }
        if (auto put = packed_.put(result); !put) return put;
        for (const auto& loss : losses) {
            if (auto added = losses_.add(loss); !added) return added;
        }
        return ok();
    });
    give_memory_back();
    if (!stored) return stored;
    if (block.level == kGivenUpLevel) given_up_bytes_ -= std::min(block.bytes, given_up_bytes_);
    if (level == kGivenUpLevel) {
        given_up_bytes_ += result.bytes;
        if (*neighbour) given_up_bytes_ -= std::min((*neighbour)->bytes, given_up_bytes_);
    }
    return ok();
}

}  // namespace gerbang
