#include <algorithm>

#include "common/wire/codec.hpp"
#include "daemon/host/log.hpp"
#include "daemon/sync/pusher_state.hpp"

namespace gerbang {
namespace {

constexpr Millis kFarAway{24 * 3600 * 1000};

}  // namespace

bool holds_all(const Cursor& cursor, SeqRange range) {
    Seq next = std::max(range.first, cursor.through.next());
    for (const auto& held : cursor.held.ranges()) {
        if (held.first <= next && next <= held.last) next = held.last.next();
    }
    return next > range.last;
}

EpochTrack* Pusher::State::find(const EpochId& id) {
    const auto found = std::find_if(epochs.begin(), epochs.end(),
                                    [&](const EpochTrack& epoch) { return epoch.id == id; });
    return found == epochs.end() ? nullptr : &*found;
}

const EpochTrack* Pusher::State::open_epoch() const {
    if (epochs.empty() || epochs.back().id != journal.epoch()) return nullptr;
    return &epochs.back();
}

Cursor Pusher::State::fresh_cursor(const EpochId& epoch) const {
    Cursor cursor;
    cursor.consumer = settings.consumer;
    cursor.epoch = epoch;
    return cursor;
}

bool Pusher::State::is_stale(const Receipt& receipt) const {
    return std::any_of(epochs.begin(), epochs.end(), [&](const EpochTrack& epoch) {
        return epoch.cursor.store == receipt.store && epoch.cursor.generation > receipt.generation;
    });
}

std::vector<Cursor> Pusher::State::forget_older(const Cursor& newest) {
    std::vector<Cursor> forgotten;
    const StoreId store = newest.store;
    const std::uint64_t generation = newest.generation;
    for (auto& epoch : epochs) {
        const Cursor& cursor = epoch.cursor;
        if (cursor.epoch == newest.epoch || cursor.generation == 0 || generation == 0) continue;
        if (cursor.store == store && cursor.generation >= generation) continue;
        epoch.cursor = fresh_cursor(epoch.id);
        forgotten.push_back(epoch.cursor);
    }
    return forgotten;
}

bool Pusher::State::rests(const EpochTrack& epoch) const {
    return epoch.rests_until && clock.now() < *epoch.rests_until;
}

std::size_t Pusher::State::under_way(Lane lane) const {
    return static_cast<std::size_t>(std::count_if(
        in_flight.begin(), in_flight.end(), [&](const Job& job) { return job.lane == lane; }));
}

LaneView Pusher::State::view_of(const EpochTrack& epoch) const {
    LaneView view;
    view.cursor = &epoch.cursor;
    view.last = epoch.last;
    for (const auto& job : in_flight) {
        if (job.epoch == epoch.id) view.in_flight.push_back(job.range);
    }
    for (const auto& suspect : suspects.ranges()) {
        if (suspect.epoch == epoch.id) view.set_aside.push_back(suspect.range);
    }
    if (dissection && dissection->epoch == epoch.id) {
        view.set_aside.push_back({dissection->seq, dissection->seq});
    }
    return view;
}

void Pusher::State::sync_last() {
    if (!epochs.empty() && epochs.back().id == journal.epoch()) epochs.back().last = journal.last();
}

std::uint64_t Pusher::State::body_bytes(Lane lane) const {
    const auto bytes = budget.body_bytes(size.bytes(), BatchSize::kFloorBytes);
    return lane == Lane::fresh ? bytes : drain_budget.body_bytes(bytes, BatchSize::kFloorBytes);
}

std::uint64_t Pusher::State::body_rate(Lane lane) const {
    if (lane == Lane::fresh || drain_budget.rate() == 0) return budget.rate();
    return budget.rate() == 0 ? drain_budget.rate() : std::min(budget.rate(), drain_budget.rate());
}

std::optional<Job> Pusher::State::choose() {
    if (clock.now() < gate || clock.now() < budget.free_at()) return std::nullopt;
    const bool is_trying = backoff.failures() > 0 || gate_state == PushState::stopped;
    if (is_trying && !in_flight.empty()) return std::nullopt;
    sync_last();
    if (auto question = choose_question()) return question;
    if (settings.remote_write) {
        if (auto job = choose_remote()) return job;
        if (!their_date) return std::nullopt;
        if (is_in_order()) return in_flight.empty() ? choose_backlog() : std::nullopt;
    }
    const EpochTrack* open = open_epoch();
    const bool has_room = suspects.ranges().size() < Suspects::kMaxRanges / 2;
    if (open != nullptr && !rests(*open) && has_room && under_way(Lane::fresh) == 0 &&
        clock.now() >= fresh_due) {
        auto range = next_fresh(view_of(*open));
        // Where it is not known that the consumer holds our own history (an old image, a clone),
        // nothing may go behind a gap: it would stand beside records of the other one.
        if (range && !settings.remote_write && !open->is_proven &&
            range->first > open->cursor.through.next()) {
            if (under_way(Lane::backlog) != 0) return std::nullopt;
            range = next_backlog(view_of(*open), open->last, kFreshRecords);
        }
        if (range) {
            Job job;
            job.lane = Lane::fresh;
            job.epoch = open->id;
            job.range = *range;
            job.planned_to = open->last;
            return job;
        }
    }
    const bool goes_alone = settings.remote_write || clock.now() < crowded_until;
    const std::size_t slots = goes_alone ? 1 : settings.backlog_slots;
    return under_way(Lane::backlog) < slots ? choose_backlog() : std::nullopt;
}

std::optional<Job> Pusher::State::choose_backlog() {
    const bool must_wait = clock.now() < drain_budget.free_at();
    if (must_wait && !is_in_order()) return std::nullopt;
    Job job;
    job.lane = Lane::backlog;
    while (const auto suspect = suspects.take()) {
        const auto* epoch = find(suspect->epoch);
        if (epoch == nullptr || holds_all(epoch->cursor, suspect->range)) continue;
        if (rests(*epoch)) {
            suspects.put_back(*suspect);
            break;
        }
        job.epoch = suspect->epoch;
        job.range = suspect->range;
        job.planned_to = epoch->last;
        job.is_suspect = true;
        return job;
    }
    for (const auto& epoch : epochs) {
        if (rests(epoch)) continue;
        const auto view = view_of(epoch);
        // A second body of an epoch goes behind the gap that the first is to close: only where it
        // is known that the consumer holds no other history there (see `choose`).
        if (!settings.remote_write && !epoch.is_proven && !view.in_flight.empty()) continue;
        const bool is_open = &epoch == open_epoch();
        const bool has_fresh_lane = is_open && !is_in_order();
        const Seq end = has_fresh_lane ? fresh_start(view).previous() : epoch.last;
        const auto range = next_backlog(view, end, wire::kMaxRecordsPerPack);
        if (!range) continue;
        if (is_open && is_in_order() && range->last == end && range->size() <= kFreshRecords) {
            if (clock.now() < fresh_due) continue;
            job.lane = Lane::fresh;
        }
        if (must_wait && job.lane == Lane::backlog) return std::nullopt;
        job.epoch = epoch.id;
        job.range = *range;
        job.planned_to = epoch.last;
        return job;
    }
    return std::nullopt;
}

Monotonic Pusher::State::wake_time() const {
    const Monotonic now = clock.now();
    if (now < gate) return gate;
    Monotonic wake = now + kFarAway;
    for (const auto due : {fresh_due, budget.free_at(), drain_budget.free_at()}) {
        if (now < due) wake = std::min(wake, due);
    }
    for (const auto& epoch : epochs) {
        if (rests(epoch)) wake = std::min(wake, *epoch.rests_until);
    }
    return wake;
}

void Pusher::State::close_gate(Monotonic until, PushState as, const std::string& detail) {
    gate = until;
    gate_state = as;
    gate_detail = detail;
}

void Pusher::State::stop_lane(const std::string& detail) {
    // Between two thirds and four thirds of the interval, so that villages do not ask in step.
    const auto span = static_cast<std::uint64_t>(settings.stopped_retry.count());
    const auto wait = span * 2 / 3 + entropy.below(span * 2 / 3 + 1);
    const bool is_news = gate_state != PushState::stopped || gate_detail != detail;
    close_gate(clock.now() + Millis{static_cast<std::int64_t>(wait)}, PushState::stopped, detail);
    if (is_news) {
        log(LogLevel::error, "push_stopped", {{"consumer", settings.consumer}, {"why", detail}});
    }
}

}  // namespace gerbang
