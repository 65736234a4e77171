// The quarter of the quota that protected data may take, and what happens beyond it.

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "common/wire/codec.hpp"
#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {
namespace {

/// Events that are looked at in one slice.
constexpr std::size_t kWindow = 256;
/// About what a row of `rollup` takes.
constexpr std::uint64_t kRollupRowBytes = 110;

/// From the least value to the highest. `epoch` and `series` (at most 4,096) give every record its
/// meaning, `loss` says what is gone: those stay in any case.
constexpr std::array kByValue{
    EventKind::anchor, EventKind::clock, EventKind::path,     EventKind::stop, EventKind::interface,
    EventKind::config, EventKind::note,  EventKind::boot_end, EventKind::boot, EventKind::outage};

struct Seen {
    Seq seq;
    Event event;
};

/// Whether `window[at]` may go: something later in the window says as much or more.
///
/// Anchors: between two others of their boot, so that its time stays bounded on both sides.
/// Interfaces: a later fact of the same name follows. Anything else: a later one of its kind
/// follows; an outage that is open stays.
bool may_go(const std::vector<Seen>& window, std::size_t at, const std::set<std::uint64_t>& open) {
    if (at + 1 >= window.size()) return false;
    const auto& event = window[at].event;
    if (event.kind == EventKind::anchor) {
        return at > 0 && window[at - 1].event.at.boot == event.at.boot &&
               window[at + 1].event.at.boot == event.at.boot;
    }
    if (event.kind == EventKind::interface) {
        const auto* name = event.text("name");
        return std::any_of(window.begin() + static_cast<std::ptrdiff_t>(at) + 1, window.end(),
                           [&](const Seen& later) {
                               const auto* other = later.event.text("name");
                               return name == nullptr || (other != nullptr && *other == *name);
                           });
    }
    if (event.kind == EventKind::outage) {
        const auto* id = event.number("id");
        return id == nullptr || !open.contains(static_cast<std::uint64_t>(*id));
    }
    return true;
}

}  // namespace

Result<std::uint64_t> SqliteJournal::protected_bytes() {
    const auto rows = connection_.number("SELECT count(*) FROM rollup");
    if (!rows) return rows.error();
    return memory_.event_bytes + given_up_bytes_ +
           static_cast<std::uint64_t>(rows->value_or(0)) * kRollupRowBytes;
}

/// Beyond their quarter, or when their room `is_needed` for a commit, protected events are
/// summarised, those of least value first and of these the oldest: a loss says which kind, how
/// many, and from when to when. Totals (`rollup`) are never touched. One block a slice. False:
/// nothing to do, or nothing that may go is left; then they stay, and readings make room as ever.
Result<bool> SqliteJournal::protect_one(bool is_needed) {
    if (!is_needed && memory_.event_bytes + given_up_bytes_ <= plan_.protected_bytes()) {
        thinned_.clear();
        return false;
    }
    const auto epochs = epoch_rows();
    if (!epochs) return epochs.error();
    for (const auto kind : kByValue) {
        for (const auto& epoch : *epochs) {
            bool waits = false;
            const auto done = thin_out(kind, epoch, waits);
            if (!done || *done) return done;
            // Nothing of more value goes because something of less is not packed yet.
            if (waits && !is_needed) return false;
        }
    }
    return false;
}

Result<bool> SqliteJournal::thin_out(EventKind kind, const EpochRow& epoch, bool& waits) {
    auto& from = thinned_[kind];
    if (from >> 40 > epoch.number) return false;
    const Seq begin =
        from >> 40 == epoch.number ? Seq{static_cast<std::uint64_t>(from) & kMaxSeq} : Seq{1};
    std::vector<Seen> window;
    auto listed = blocks_.events_from(epoch.number, kind, begin, [&](Seq seq, const Event& event) {
        window.push_back({seq, event});
        return window.size() < kWindow;
    });
    if (!listed) return fail(listed.error());
    std::set<std::uint64_t> open;
    if (epoch.is_open) {
        for (const auto& outage : memory_.state.open_outages) open.insert(outage.id);
    }
    std::optional<PackedBlock> block;
    std::set<std::uint64_t> gone;
    for (std::size_t i = 0; i < window.size(); ++i) {
        if (!may_go(window, i, open)) continue;
        if (block) {
            if (window[i].seq <= block->range.last) gone.insert(window[i].seq.value);
            continue;
        }
        const auto found = packed_.holding(epoch.number, window[i].seq);
        if (!found) return fail(found.error());
        if (!*found || !may_reduce(**found)) {
            waits = true;
            break;
        }
        block = **found;
        gone.insert(window[i].seq.value);
    }
    if (waits) return false;
    if (!block) {
        // On with the next window; its first two are this one's last, as neighbours matter.
        if (window.size() < kWindow) {
            from = row_id(epoch.number + 1, Seq{0});
            return false;
        }
        from = row_id(epoch.number, window[window.size() - 2].seq);
        return true;
    }
    if (block->level == 0) {
        // The chain covers a block as taken, whole; it can be taken apart once it is reduced.
        if (auto done = reduce(*block); !done) return done.error();
        return true;
    }
    auto records = blocks_.load(epoch.number, block->range.first);
    if (!records) return fail(records.error());
    std::set<std::uint64_t> kept;
    for (const auto& seen : window) {
        if (!gone.contains(seen.seq.value)) kept.insert(seen.seq.value);
    }
    for (const auto& record : *records) {
        const bool was_seen =
            !window.empty() && record.seq >= window.front().seq && record.seq <= window.back().seq;
        if (!was_seen) kept.insert(record.seq.value);
    }
    const auto given = give_up_events(*records, kind, kept);
    const Loss loss{.epoch = epoch.number,
                    .what = "events",
                    .reason = "quota_" + to_string(kind),
                    .range = {Seq{*gone.begin()}, Seq{*gone.rbegin()}},
                    .count = given.events,
                    .first = given.first,
                    .last = given.last};
    const auto body = wire::encode_pack(*records);
    auto changed = *block;
    changed.bytes = body.size();
    std::uint64_t freed = 0;
    auto stored = in_transaction([&]() -> Result<void> {
        for (const auto seq : gone) {
            const auto erased = blocks_.erase_event(kind, row_id(epoch.number, Seq{seq}));
            if (!erased) return erased.error();
            freed += *erased;
        }
        if (auto put = blocks_.replace(block->epoch, block->range, body); !put) return put;
        if (auto put = packed_.put(changed); !put) return put;
        return losses_.add(loss);
    });
    if (!stored) return stored.error();
    if (block->level == kGivenUpLevel) {
        given_up_bytes_ -= std::min(block->bytes, given_up_bytes_);
        given_up_bytes_ += changed.bytes;
    }
    memory_.event_bytes -= std::min(freed, memory_.event_bytes);
    return true;
}

}  // namespace gerbang
