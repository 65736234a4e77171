#include "common/model/receipt.hpp"

#include <algorithm>
#include <utility>

namespace gerbang {
namespace {

bool is_range(const SeqRange& range) noexcept {
    return range.first.value >= 1 && range.first <= range.last && range.last.value <= kMaxSeq;
}

/// Sorts and merges what overlaps or adjoins.
std::vector<SeqRange> coalesce(std::vector<SeqRange> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<SeqRange> merged;
    for (const auto& range : ranges) {
        if (!merged.empty() && range.first <= merged.back().last.next()) {
            merged.back().last = std::max(merged.back().last, range.last);
        } else {
            merged.push_back(range);
        }
    }
    return merged;
}

/// The parts of `range` that `cursor` does not hold, ascending.
std::vector<SeqRange> not_held(SeqRange range, const Cursor& cursor) {
    std::vector<SeqRange> left;
    Seq next = std::max(range.first, cursor.through.next());
    for (const auto& held : cursor.held.ranges()) {
        if (next > range.last) break;
        if (held.last < next) continue;
        if (held.first > range.last) break;
        if (held.first > next) left.push_back({next, held.first.previous()});
        next = held.last.next();
    }
    if (next <= range.last) left.push_back({next, range.last});
    return left;
}

/// Sets what is held to `through` (with its `head`) and `later`, keeping the cursor's invariants.
void hold(Cursor& cursor, Seq through, const Head& head, std::vector<SeqRange> later) {
    cursor.through = through;
    cursor.head = head;
    cursor.held = {};
    for (const auto& range : coalesce(std::move(later))) {
        if (range.last <= cursor.through) continue;
        if (range.first <= cursor.through.next()) {
            // The head after a joined range is known only to the receiver; its next receipt
            // brings it.
            cursor.through = range.last;
            cursor.head = {};
        } else if (!cursor.held.add(range)) {
            break;
        }
    }
}

void drop_what_is_held(Cursor& cursor) {
    std::vector<ParkedRange> parked;
    std::size_t to_come = cursor.parked.size();
    for (const auto& owed : cursor.parked) {
        --to_come;
        const auto left = not_held(owed.range, cursor);
        if (parked.size() + left.size() + to_come > kMaxParked && left.size() > 1) {
            parked.push_back({{left.front().first, left.back().last}, owed.reason});
            continue;
        }
        for (const auto& range : left) parked.push_back({range, owed.reason});
    }
    cursor.parked = std::move(parked);

    RangeSet deferred;
    for (const auto& waiting : cursor.deferred.ranges()) {
        for (const auto& range : not_held(waiting, cursor)) {
            if (!deferred.add(range)) break;
        }
    }
    cursor.deferred = std::move(deferred);
}

}  // namespace

bool RangeSet::add(SeqRange range) {
    if (!is_range(range)) return false;
    // Everything from `begin` to `end` overlaps or adjoins `range`.
    const auto begin = std::lower_bound(
        ranges_.begin(), ranges_.end(), range,
        [](const SeqRange& a, const SeqRange& b) { return a.last.next() < b.first; });
    auto end = begin;
    while (end != ranges_.end() && end->first <= range.last.next()) ++end;
    if (begin == end) {
        if (ranges_.size() >= kMaxRanges) return false;
        ranges_.insert(begin, range);
        return true;
    }
    begin->first = std::min(begin->first, range.first);
    begin->last = std::max(std::prev(end)->last, range.last);
    ranges_.erase(std::next(begin), end);
    return true;
}

void RangeSet::remove_through(Seq seq) {
    const auto kept = std::find_if(ranges_.begin(), ranges_.end(),
                                   [&](const SeqRange& range) { return range.last > seq; });
    ranges_.erase(ranges_.begin(), kept);
    if (!ranges_.empty() && ranges_.front().first <= seq) ranges_.front().first = seq.next();
}

bool RangeSet::contains(Seq seq) const noexcept {
    const auto found =
        std::lower_bound(ranges_.begin(), ranges_.end(), seq,
                         [](const SeqRange& range, Seq wanted) { return range.last < wanted; });
    return found != ranges_.end() && found->first <= seq;
}

std::uint64_t Cursor::pending(Seq last) const noexcept {
    if (last <= through) return 0;
    std::uint64_t count = last.value - through.value;
    for (const auto& range : held.ranges()) {
        if (range.first > last) break;
        count -= SeqRange{range.first, std::min(range.last, last)}.size();
    }
    return count;
}

Result<bool> settle(Cursor& cursor, const Receipt& receipt, Seq last) {
    if (receipt.epoch != cursor.epoch) {
        return Error{Errc::bad_input, "receipt of " + cursor.consumer + " is for epoch " +
                                          to_string(receipt.epoch) + ", expected " +
                                          to_string(cursor.epoch)};
    }
    if (receipt.generation == 0) {
        return Error{Errc::bad_input, "receipt of " + cursor.consumer + " has no generation"};
    }
    const bool is_same_store = cursor.generation != 0 && receipt.store == cursor.store;
    if (is_same_store && receipt.generation < cursor.generation) return false;

    const auto& later = receipt.held.ranges();
    const Seq highest =
        later.empty() ? receipt.through : std::max(receipt.through, later.back().last);
    if (highest > last) {
        return Error{Errc::diverged, "receipt of " + cursor.consumer + " holds record " +
                                         std::to_string(highest.value) + " of epoch " +
                                         to_string(receipt.epoch) + ", our last is " +
                                         std::to_string(last.value)};
    }

    const Cursor before = cursor;
    if (is_same_store && receipt.generation == cursor.generation) {
        const bool both_heads = cursor.head != Head{} && receipt.head != Head{};
        if (receipt.through == cursor.through && both_heads && receipt.head != cursor.head) {
            return Error{Errc::diverged, "receipt of " + cursor.consumer +
                                             " has another head after record " +
                                             std::to_string(receipt.through.value) + " of epoch " +
                                             to_string(receipt.epoch)};
        }
        const bool receipt_leads = receipt.through > cursor.through ||
                                   (receipt.through == cursor.through && cursor.head == Head{});
        auto ranges = cursor.held.ranges();
        ranges.insert(ranges.end(), later.begin(), later.end());
        hold(cursor, receipt_leads ? receipt.through : cursor.through,
             receipt_leads ? receipt.head : cursor.head, std::move(ranges));
    } else {
        if (!cursor.store.is_none() && receipt.store != cursor.store) cursor.parked.clear();
        hold(cursor, receipt.through, receipt.head, later);
        cursor.store = receipt.store;
        cursor.generation = receipt.generation;
    }
    drop_what_is_held(cursor);
    return !(cursor == before);
}

}  // namespace gerbang
