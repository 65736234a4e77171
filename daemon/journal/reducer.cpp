#include "daemon/journal/reducer.hpp"

#include <algorithm>
#include <utility>

#include "common/model/reduction.hpp"
#include "daemon/journal/state.hpp"

namespace gerbang {
namespace {

/// An event as an emptied chunk: the number keeps its record.
void empty_event(Record& record) {
    Chunk chunk;
    chunk.boot = boot_of(record.body);
    chunk.level = kMaxLevel;
    record.body = std::move(chunk);
}

void widen(GivenAway& given, const std::optional<DeviceTime>& at) {
    if (!at) return;
    if (given.first.boot.value == 0) given.first = *at;
    given.last = *at;
}

}  // namespace

void ReductionChoice::offer(const PackedBlock& block, bool is_held, bool is_fresh) {
    if (block.level < 0 || block.level > 3) return;
    auto& levels = is_fresh ? (is_held ? fresh_held_ : fresh_owed_) : (is_held ? held_ : owed_);
    auto& oldest = levels[static_cast<std::size_t>(block.level)];
    const auto key = [](const PackedBlock& each) { return row_id(each.epoch, each.range.first); };
    if (!oldest || key(block) < key(*oldest)) oldest = block;
}

std::optional<PackedBlock> ReductionChoice::best(std::int64_t now_s) const {
    // Ages are compared as age * (product of the other weights), in integers.
    const PackedBlock* best = nullptr;
    std::int64_t best_score = -1;
    for (std::size_t level = 0; level < kAgeWeight.size(); ++level) {
        if (!held_[level]) continue;
        const auto age_s = std::max<std::int64_t>(now_s - held_[level]->elapsed_s, 0);
        const auto score = age_s * kAgeWeight.back() / kAgeWeight[level];
        if (score <= best_score) continue;
        best = &*held_[level];
        best_score = score;
    }
    if (best != nullptr) return *best;
    for (std::size_t level = 0; level < 3; ++level) {
        if (owed_[level]) return owed_[level];
    }
    for (const auto* levels : {&fresh_held_, &fresh_owed_}) {
        for (std::size_t level = 0; level < 3; ++level) {
            if ((*levels)[level]) return (*levels)[level];
        }
    }
    for (const auto* levels : {&held_, &owed_, &fresh_held_, &fresh_owed_}) {
        if ((*levels)[3]) return (*levels)[3];
    }
    return std::nullopt;
}

bool Holdings::hold(EpochNo epoch, SeqRange range) const {
    return std::all_of(consumers_.begin(), consumers_.end(), [&](const auto& cursors) {
        const auto found = cursors.find(epoch);
        if (found == cursors.end()) return false;
        const auto& cursor = found->second;
        if (range.last <= cursor.through) return true;
        const auto from = std::max(range.first, cursor.through.next());
        return std::any_of(
            cursor.held.ranges().begin(), cursor.held.ranges().end(),
            [&](const SeqRange& held) { return held.first <= from && range.last <= held.last; });
    });
}

std::vector<SeqRange> Holdings::owed(std::size_t consumer, EpochNo epoch, Seq last,
                                     std::size_t max) const {
    std::vector<SeqRange> owed;
    const auto found = consumers_[consumer].find(epoch);
    Seq next{1};
    if (found != consumers_[consumer].end()) {
        next = found->second.through.next();
        for (const auto& held : found->second.held.ranges()) {
            if (next > last || held.first > last || owed.size() >= max) break;
            if (held.last < next) continue;
            if (held.first > next) owed.push_back({next, held.first.previous()});
            next = held.last.next();
        }
    }
    if (next <= last && owed.size() < max) owed.push_back({next, last});
    return owed;
}

GivenAway give_up(std::vector<Record>& records) {
    GivenAway given;
    for (auto& record : records) {
        const auto at = time_of(record.body);
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr) {
            // A record that was merged into a later one counts with it: it was a reading once.
            ++given.readings;
            (void)empty_out(record);
        } else if (!is_protected(event->kind)) {
            ++given.events;
            empty_event(record);
        } else {
            continue;
        }
        widen(given, at);
    }
    return given;
}

GivenAway give_up_events(std::vector<Record>& records, EventKind kind,
                         const std::set<std::uint64_t>& kept) {
    GivenAway given;
    for (auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != kind || kept.contains(record.seq.value)) continue;
        widen(given, event->at);
        ++given.events;
        empty_event(record);
    }
    return given;
}

}  // namespace gerbang
