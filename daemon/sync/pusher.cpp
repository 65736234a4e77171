#include "daemon/sync/pusher.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "common/core/check.hpp"
#include "common/wire/codec.hpp"
#include "daemon/host/log.hpp"
#include "daemon/sync/pusher_state.hpp"
#include "daemon/sync/reactions.hpp"
#include "daemon/sync/remote_write.hpp"

namespace gerbang {
namespace {

constexpr Millis kStorageRetry{30'000};
/// A consumer that said when to come again has a crowd before it: for this long a drain takes one
/// of its places, not all that it could.
constexpr Millis kCrowdRemembered{10 * 60'000};
/// This many single records refused in a row, with nothing taken between them, is not poison but
/// a receiver that refuses everything.
constexpr unsigned kMaxRefusedInARow = 8;

std::string note_key(const std::string& consumer) {
    return "push." + consumer.substr(0, 59);
}

/// Puts emptied records in the place of those at the begin of `range` that are absent for good: the
/// receiver closes its range with them, and keeps what it may already have. That and why they are
/// lost is told by the journal's `loss` events.
void declare_lost(JournalSlice& slice, SeqRange range) {
    const auto boot = slice.records.empty() ? BootNo{1} : boot_of(slice.records.front().body);
    const auto last = std::min(
        {slice.absent->last, range.last, Seq{range.first.value + wire::kMaxRecordsPerPack - 1}});
    slice.before = {};
    slice.records.clear();
    for (auto seq = range.first; seq <= last; seq = seq.next()) {
        Chunk lost;
        lost.boot = boot;
        lost.level = kMaxLevel;
        slice.records.push_back({seq, std::move(lost)});
    }
}

}  // namespace

const char* to_string(PushState state) noexcept {
    switch (state) {
        case PushState::idle:
            return "idle";
        case PushState::sending:
            return "sending";
        case PushState::waiting:
            return "waiting";
        case PushState::stopped:
            return "stopped";
    }
    return "idle";
}

net::awaitable<bool> Pusher::State::restore() {
    auto saved = co_await journal.note(note_key(settings.consumer));
    if (!saved) {
        close_gate(clock.now() + kStorageRetry, PushState::waiting, saved.error().detail);
        co_return false;
    }
    if (*saved) {
        const Millis wait = backoff.restore(**saved, entropy);
        if (backoff.failures() > 0) {
            close_gate(clock.now() + wait, PushState::waiting,
                       "failing since before the restart; trying again soon");
        }
    }
    is_restored = true;
    co_return true;
}

net::awaitable<bool> Pusher::State::refresh_epochs() {
    if (journal.epoch().is_none() || open_epoch() != nullptr) co_return true;
    auto infos = co_await journal.epochs();
    if (!infos) {
        close_gate(clock.now() + kStorageRetry, PushState::waiting, infos.error().detail);
        co_return false;
    }
    auto cursors = co_await journal.cursors();
    if (!cursors) {
        close_gate(clock.now() + kStorageRetry, PushState::waiting, cursors.error().detail);
        co_return false;
    }
    std::vector<EpochTrack> tracks;
    for (const auto& info : *infos) {
        EpochTrack track{info.id, info.last, fresh_cursor(info.id), std::nullopt, {}};
        if (const auto* known = find(info.id)) {
            track.cursor = known->cursor;  // newer than what is committed
        } else {
            for (const auto& cursor : *cursors) {
                if (cursor.consumer != settings.consumer || cursor.epoch != info.id) continue;
                track.cursor = cursor;
            }
        }
        tracks.push_back(std::move(track));
    }
    epochs = std::move(tracks);
    for (auto& epoch : epochs) limit_to_common(epoch);
    // A restart may have come between a restored store's receipt and the commit of what it meant.
    for (std::size_t i = 0; i < epochs.size(); ++i) (void)forget_older(epochs[i].cursor);
    sync_last();
    co_return open_epoch() != nullptr;
}

/// Reads the records of `job` and encodes as many of them as the body may hold.
net::awaitable<Result<void>> Pusher::State::load(Job& job) {
    // Samples take about eight times the room of our own form.
    const auto most = body_bytes(job.lane);
    const auto wanted = settings.remote_write ? most / 8 : most;
    auto slice = co_await journal.read(job.epoch, job.range, wanted);
    if (!slice) co_return slice.error();
    if (slice->absent && slice->is_salvaging) {
        co_return Error{Errc::overloaded,
                        "record " + std::to_string(job.range.first.value) +
                            " is not here yet: a damaged database is being salvaged"};
    }
    if (settings.remote_write && slice->absent) {
        // Nobody there keeps count of what is missing.
        const auto last = std::min(slice->absent->last, job.range.last);
        job.range.last = last;
        job.carried = {job.range};
        co_return ok();
    }
    if (job.asks_where && slice->absent) {
        job.is_void = true;
        co_await step_over(job, slice->absent->last);
        co_return ok();
    }
    const bool is_lost = slice->absent.has_value();
    if (is_lost) declare_lost(*slice, job.range);
    auto& records = slice->records;
    // A reduced block comes whole, also to a question about one record of it.
    const bool is_whole_block = job.asks_where && !records.empty() &&
                                records.front().seq <= job.range.first &&
                                records.back().seq >= job.range.last;
    if (!is_whole_block && (records.empty() || records.front().seq != job.range.first ||
                            records.back().seq > job.range.last)) {
        co_return Error{Errc::not_found, "journal read of record " +
                                             std::to_string(job.range.first.value) +
                                             " gave other records"};
    }
    // The first of an epoch that waits; of the oldest epoch with any, as that one is planned first.
    const auto* track = find(job.epoch);
    const auto at = time_of(records.front().body);
    if (track != nullptr && at && track->cursor.through.next() == job.range.first) {
        oldest = OldestPending{job.epoch, job.range.first, *at};
    }
    if (settings.remote_write) {
        auto taken = std::move(*slice);
        auto loaded = co_await load_samples(job, std::move(taken));
        co_return loaded;
    }
    const auto* epoch = find(job.epoch);
    GERBANG_CHECK(epoch != nullptr);
    const Cursor& cursor = epoch->cursor;
    if (!is_lost && !job.asks_where && cursor.through.next() == job.range.first &&
        cursor.head != Head{} && slice->before != cursor.head) {
        co_return Error{Errc::diverged, settings.consumer + " holds other records up to " +
                                            std::to_string(cursor.through.value) +
                                            " than this journal: it was rolled back or cloned"};
    }
    wire::Batch batch{settings.site, job.epoch, slice->before, {}};
    for (;;) {
        batch.pack = wire::encode_pack(records);
        job.body = wire::encode_batch(batch);
        if (job.body.size() <= most || records.size() == 1) break;
        const auto fitting = std::uint64_t{records.size()} * most / job.body.size();
        records.resize(
            static_cast<std::size_t>(std::clamp<std::uint64_t>(fitting, 1, records.size() - 1)));
    }
    if (job.is_suspect && records.back().seq < job.range.last) {
        suspects.put_back({job.epoch, {records.back().seq.next(), job.range.last}});
    }
    if (!job.asks_where) job.range.last = records.back().seq;
    co_return ok();
}

net::awaitable<bool> Pusher::State::start_next() {
    auto job = choose();
    if (!job) co_return false;
    job->number = ++jobs;
    auto loaded = Result<void>{ok()};
    if (job->is_question) {
        job->body = empty_remote_write();
    } else {
        loaded = co_await load(*job);
    }
    if (!loaded) {
        if (job->is_suspect) suspects.put_back({job->epoch, job->range});
        const auto& error = loaded.error();
        if (error.code == Errc::diverged) {
            std::optional<Receipt> theirs;
            if (const auto* known = find(job->epoch)) {
                theirs.emplace();
                theirs->epoch = job->epoch;
                theirs->through = known->cursor.through;
            }
            co_await diverge(job->epoch, error.detail, std::move(theirs));
        } else if (auto* epoch = find(job->epoch); epoch != nullptr) {
            epoch->divide.reset();  // a question cannot rest; the search begins anew
            epoch->rests_until = clock.now() + kStorageRetry;
            epoch->why = error.detail;
            const bool will_come = error.code == Errc::overloaded;
            log(will_come ? LogLevel::info : LogLevel::error, "push_read_failed",
                {{"consumer", settings.consumer}, {"why", error.detail}});
        }
        co_return true;
    }
    if (clock.is_stopped()) co_return false;
    if (job->is_void) co_return true;
    if (clock.now() < gate) {  // another one failed while this one was read
        if (job->is_suspect) suspects.put_back({job->epoch, job->range});
        if (job->columns && dissection) dissection->untried.push_back(*job->columns);
        co_return false;
    }
    if (settings.remote_write && job->body.empty()) {
        // The fresh lane would find the same records at once again.
        if (job->lane == Lane::fresh) fresh_due = clock.now() + settings.interval;
        if (job->columns) {
            co_await dissect(*job, std::nullopt);
        } else {
            co_await settle_carried(*job);
        }
        co_return true;
    }
    Job noted = *job;
    noted.body.clear();
    in_flight.push_back(std::move(noted));
    ++attempts;
    budget.spend(clock.now(), job->body.size());
    drain_budget.spend(clock.now(), job->body.size());
    const auto executor = co_await net::this_coro::executor;
    net::co_spawn(executor, deliver(std::move(*job)), [](std::exception_ptr problem) {
        if (problem) std::rethrow_exception(problem);
    });
    co_return true;
}

net::awaitable<void> Pusher::State::deliver(Job job) {
    UplinkRequest request;
    request.method = "POST";
    request.path = settings.path;
    request.body = std::move(job.body);
    request.content_type = settings.remote_write ? kRemoteWriteType : wire::kBatchType;
    if (settings.remote_write) request.headers = {kRemoteWriteEncoding, kRemoteWriteVersion};
    request.timeout = settings.timeout;
    request.max_bytes_s = body_rate(job.lane);
    job.body.clear();
    const auto body_bytes = request.body.size();
    const Monotonic began = clock.now();
    auto answer = co_await uplink.send(std::move(request));
    const Millis took = clock.now() - began;
    if (answer && answer->is_authenticated && answer->date && date_callback) {
        date_callback(*answer->date, began, clock.now());
    }
    if (settings.remote_write) {
        auto given = std::move(answer);
        co_await land_samples(std::move(job), std::move(given), began, body_bytes);
        bell.ring();
        if (on_all_landed && in_flight.empty()) on_all_landed();
        co_return;
    }
    const std::optional<Seconds> retry_after = answer ? answer->retry_after : std::nullopt;
    auto receipt = answer ? to_receipt(*answer) : Result<Receipt>{answer.error()};
    if (receipt && receipt->site != settings.site) {
        receipt =
            Error{Errc::not_authorised, answer->what() + ": the province knows this gateway as '" +
                                            receipt->site + "', the configuration says '" +
                                            settings.site + "': correct site.id or the credential"};
    }
    // Landed: from here to the outcome nothing is awaited, so that no plan sees the range as free.
    std::erase_if(in_flight, [&](const Job& other) { return other.number == job.number; });
    bool is_answered = false;
    if (job.asks_where) is_answered = co_await take_answer(job, receipt);
    if (is_answered) {
        // Nothing was sent that would have to be settled.
    } else if (!receipt && receipt.error().code == Errc::diverged) {
        std::optional<Receipt> theirs;
        if (auto held = wire::decode_receipt(answer->body)) theirs = std::move(*held);
        std::string why = receipt.error().detail;
        if (job.is_suspect) suspects.put_back({job.epoch, job.range});
        co_await diverge(job.epoch, std::move(why), std::move(theirs));
    } else if (receipt) {
        size.arrived(body_bytes, took * 4 < settings.timeout);
        note_pace(job, body_bytes, began);
        co_await settle_receipt(job, *receipt);
    } else {
        const auto code = receipt.error().code;
        if (code == Errc::too_large || (code == Errc::unreachable && took >= kSlowFailure)) {
            size.too_much(body_bytes, code == Errc::too_large);
        }
        co_await react(job, receipt.error(), retry_after, body_bytes);
    }
    bell.ring();
    if (on_all_landed && in_flight.empty()) on_all_landed();
}

void Pusher::State::note_pace(const Job& job, std::size_t body_bytes, Monotonic began) {
    const Monotonic now = clock.now();
    // Of requests side by side each instant counts once.
    pace.landed(body_bytes, job.range.size(), now - std::max(began, last_landed));
    last_landed = now;
}

net::awaitable<void> Pusher::State::settle_receipt(const Job& job, const Receipt& receipt) {
    auto* epoch = find(job.epoch);
    if (epoch == nullptr) co_return;
    sync_last();
    const auto changed = is_stale(receipt)
                             ? Result<bool>{false}
                             : settle(epoch->cursor, common_part(*epoch, receipt), epoch->last);
    if (!changed) {
        const auto error = changed.error();
        if (error.code == Errc::diverged) {
            std::optional<Receipt> theirs{receipt};
            co_await diverge(job.epoch, error.detail, std::move(theirs));
        } else {
            Error unusable{Errc::unreachable, error.detail};
            co_await failed(std::move(unusable), std::nullopt);
        }
        co_return;
    }
    const Monotonic now = clock.now();
    const bool was_taken = holds_all(epoch->cursor, job.range);
    const bool was_failing = backoff.failures() > 0;
    const bool is_draining = next_backlog(view_of(*epoch), epoch->last, 1).has_value();
    const Cursor cursor = epoch->cursor;
    // The receiver compared the heads where this joins what it held.
    if (was_taken && cursor.through <= job.range.last) epoch->is_proven = true;
    if (was_taken) {
        last_success = now;
        refused_in_a_row = 0;
        backoff.succeed();
        if (gate_state != PushState::idle) {
            log(LogLevel::notice, "push_works", {{"consumer", settings.consumer}});
        }
        close_gate(now, PushState::idle, {});
        if (job.lane == Lane::fresh && job.range.last == job.planned_to) {
            fresh_due = now + settings.interval;
        }
    }
    auto moved = forget_older(cursor);
    if (*changed) moved.push_back(cursor);
    co_await stage(std::move(moved), is_draining);
    if (was_taken && was_failing) co_await save_backoff();
    if (was_taken) co_return;
    // Named, as everywhere here: g++ 12 destroys an aggregate made inside a co_await twice.
    Error not_held{Errc::overloaded,
                   settings.consumer + " answered with a receipt that does not hold record " +
                       std::to_string(job.range.first.value) + ", which was sent to it"};
    co_await failed(std::move(not_held), std::nullopt);
}

net::awaitable<void> Pusher::State::stage(std::vector<Cursor> cursors, bool is_draining) {
    for (auto& cursor : cursors) {
        const auto staged = co_await journal.stage(std::move(cursor));
        if (!staged) co_return;  // the cursor in memory goes on; the next receipt stages it again
        has_staged = true;
    }
    if (!has_staged || !is_draining || clock.now() - last_flush < settings.flush_interval)
        co_return;
    last_flush = clock.now();
    const auto flushed = co_await journal.flush_cursors();
    if (flushed) has_staged = false;
}

net::awaitable<void> Pusher::State::failed(Error error, std::optional<Seconds> retry_after) {
    const std::string& detail = error.detail;
    const bool is_news = gate_state != PushState::waiting;
    const Millis wait = backoff.fail(entropy, retry_after);
    close_gate(clock.now() + wait, PushState::waiting, detail);
    if (retry_after) crowded_until = clock.now() + wait + kCrowdRemembered;
    fresh_due = clock.now();
    failed_through = jobs;
    log(is_news ? LogLevel::warning : LogLevel::debug, "push_failed",
        {{"consumer", settings.consumer},
         {"why", detail},
         {"wait_s", std::to_string(wait.count() / 1000)}});
    co_await save_backoff();
}

net::awaitable<void> Pusher::State::save_backoff() {
    auto key = note_key(settings.consumer);
    auto text = backoff.save();
    // A note that cannot be staged costs an early attempt after the next restart, no more.
    (void)co_await journal.stage_note(std::move(key), std::move(text));
}

/// A refused batch is halved; a refused record is parked, unless nothing at all is taken.
net::awaitable<void> Pusher::State::refuse(const Job& job, const Error& error) {
    auto* epoch = find(job.epoch);
    if (epoch == nullptr) co_return;
    const auto alone = suspects.refused(job.epoch, job.range);
    if (!alone || begin_dissection(job, error)) co_return;
    if (refused_in_a_row >= kMaxRefusedInARow) {
        stop_lane(error.detail +
                  "; the server refuses every record: its version or this target's "
                  "url may be wrong");
        co_return;
    }
    ++refused_in_a_row;
    if (!park(epoch->cursor, {*alone, *alone}, error.detail)) {
        stop_lane(error.detail + "; too many records are refused already");
        co_return;
    }
    log(LogLevel::warning, "record_parked",
        {{"consumer", settings.consumer},
         {"epoch", to_string(job.epoch)},
         {"seq", std::to_string(alone->value)},
         {"why", error.detail}});
    std::vector<Cursor> moved{epoch->cursor};
    co_await stage(std::move(moved), true);
}

net::awaitable<void> Pusher::State::react(const Job& job, const Error& error,
                                          std::optional<Seconds> retry_after,
                                          std::size_t body_bytes) {
    const bool goes_again = job.is_suspect && error.code != Errc::refused;
    switch (error.code) {
        case Errc::stopped:
            break;
        case Errc::not_authorised:
            stop_lane(error.detail);
            break;
        case Errc::too_large:
            // Below the smallest body only fewer records can help.
            if (job.range.size() == 1 || body_bytes <= BatchSize::kFloorBytes) {
                co_await refuse(job, error);
                co_return;
            }
            break;
        case Errc::refused:
            co_await refuse(job, error);
            break;
        default:
            // What was under way when another one failed tells of the same trouble: it counts once.
            if (job.number > failed_through || retry_after) co_await failed(error, retry_after);
            break;
    }
    if (goes_again) suspects.put_back({job.epoch, job.range});
}

Pusher::Pusher(PushSettings settings, Clock& clock, Entropy& entropy, AsyncJournal& journal,
               Uplink& uplink)
    : state_{std::make_unique<State>(std::move(settings), clock, entropy, journal, uplink)} {}

Pusher::~Pusher() = default;

net::awaitable<void> Pusher::run() {
    State& s = *state_;
    for (bool running = !s.clock.is_stopped(); running;) {
        bool is_ready = s.is_restored || s.clock.now() >= s.gate;
        if (is_ready && !s.is_restored) is_ready = co_await s.restore();
        if (is_ready) is_ready = co_await s.refresh_epochs();
        while (is_ready && !s.clock.is_stopped()) is_ready = co_await s.start_next();
        running = co_await s.clock.sleep_until(s.wake_time(), &s.bell);
    }
    // The clock sleeps no more, so an idle timer is what the last request under way wakes.
    net::steady_timer landing{co_await net::this_coro::executor,
                              net::steady_timer::time_point::max()};
    s.on_all_landed = [&landing] { landing.cancel(); };
    while (!s.in_flight.empty()) {
        (void)co_await landing.async_wait(net::as_tuple(net::use_awaitable));
    }
    s.on_all_landed = nullptr;
    if (s.has_staged) {
        const auto flushed = co_await s.journal.flush_cursors();
        if (flushed) s.has_staged = false;
    }
}

Bell& Pusher::data_bell() noexcept {
    return state_->bell;
}

void Pusher::push_now() {
    State& s = *state_;
    s.gate = s.clock.now();
    s.fresh_due = s.clock.now();
    s.refused_in_a_row = 0;
    s.suspects.clear();
    for (auto& epoch : s.epochs) {
        epoch.rests_until.reset();
        epoch.divide.reset();
        epoch.common_last.reset();
        epoch.cursor.parked.clear();
    }
    s.bell.ring();
}

void Pusher::limit_drain(std::uint64_t bytes_s) {
    State& s = *state_;
    if (s.drain_budget.rate() == bytes_s) return;
    s.drain_budget.set_rate(bytes_s);
    if (bytes_s == 0) s.bell.ring();
}

void Pusher::on_diverged(std::function<void(const EpochId&, Seq)> callback) {
    state_->diverged_callback = std::move(callback);
}

void Pusher::on_date(std::function<void(WallTime, Monotonic, Monotonic)> callback) {
    state_->date_callback = std::move(callback);
}

PushStatus Pusher::status() const {
    const State& s = *state_;
    PushStatus status;
    status.consumer = s.settings.consumer;
    status.epoch = s.journal.epoch();
    status.state = s.in_flight.empty() ? s.gate_state : PushState::sending;
    status.detail = s.gate_detail;
    if (s.gate_state != PushState::idle && s.clock.now() < s.gate) status.next_attempt = s.gate;
    for (const auto& epoch : s.epochs) {
        const bool is_open = epoch.id == s.journal.epoch();
        status.pending_records += epoch.cursor.pending(is_open ? s.journal.last() : epoch.last);
        for (const auto& parked : epoch.cursor.parked) {
            status.parked_records += parked.range.size();
            if (status.parked.size() < kShownParked) status.parked.push_back(parked);
        }
        if (s.oldest && s.oldest->epoch == epoch.id && !epoch.cursor.holds(s.oldest->seq)) {
            status.oldest = s.oldest;
        }
        if (is_open) status.through = epoch.cursor.through;
        if (!s.rests(epoch)) continue;
        if (status.detail.empty()) status.detail = epoch.why;
        if (is_open && s.in_flight.empty() && s.gate_state == PushState::idle) {
            status.state = PushState::stopped;
            status.next_attempt = epoch.rests_until;
        }
    }
    if (status.detail.empty()) status.detail = s.left_out_detail;
    if (status.detail.empty()) status.detail = s.uplink.remark();
    status.pending_bytes = s.pace.bytes_of(status.pending_records);
    status.rate_bytes_s = s.pace.bytes_s();
    status.last_success = s.last_success;
    const auto traffic = s.uplink.traffic();
    status.sent_bytes = traffic.sent_bytes;
    status.received_bytes = traffic.received_bytes;
    status.attempts = s.attempts;
    status.failures = s.backoff.failures();
    return status;
}

}  // namespace gerbang
