// Pushing to a receiver of Remote-Write 1.0: what differs from a province, which answers receipts.

#include <algorithm>

#include "common/core/check.hpp"
#include "daemon/host/log.hpp"
#include "daemon/sync/pusher_state.hpp"
#include "daemon/sync/reactions.hpp"
#include "daemon/sync/remote_write.hpp"

namespace gerbang {
namespace {

/// Records without a time, or ahead of the receiver's, are looked at again so often.
constexpr Millis kDeferredRetry{600'000};
/// A receiver that refuses more series than these refuses us.
constexpr std::size_t kMostLeftOut = 64;
/// A receiver's clock has whole seconds, and may be behind ours by what NTP leaves.
constexpr Millis kAhead{2'000};

std::size_t columns_of(const std::vector<Record>& records) {
    if (records.size() != 1) return 0;
    const auto* chunk = std::get_if<Chunk>(&records.front().body);
    return chunk == nullptr ? 0 : chunk->columns.size();
}

}  // namespace

std::optional<WallTime> Pusher::State::their_time() const {
    if (!their_date) return std::nullopt;
    return *their_date + (clock.now() - their_date_at);
}

/// Whoever answers 2xx is the receiver, and its own clock is what judges our samples, trusted
/// certificate or not.
void Pusher::State::take_date(const HttpAnswer& answer) {
    if (!answer.date || answer.status < 200 || answer.status > 299) return;
    their_date = *answer.date;
    their_date_at = clock.now();
}

void Pusher::State::retry_deferred() {
    if (clock.now() < deferred_due) return;
    deferred_due = clock.now() + kDeferredRetry;
    for (auto& epoch : epochs) epoch.cursor.deferred = {};
}

std::optional<Job> Pusher::State::choose_remote() {
    retry_deferred();
    Job job;
    job.lane = Lane::backlog;
    if (!their_date) {
        if (!in_flight.empty()) return std::nullopt;
        job.is_question = true;
        return job;
    }
    const auto is_part = [](const Job& other) { return other.columns.has_value(); };
    if (!dissection || std::any_of(in_flight.begin(), in_flight.end(), is_part)) {
        return std::nullopt;
    }
    const auto* epoch = find(dissection->epoch);
    if (epoch == nullptr || dissection->untried.empty()) return std::nullopt;
    job.epoch = dissection->epoch;
    job.range = {dissection->seq, dissection->seq};
    job.planned_to = epoch->last;
    job.columns = dissection->untried.back();
    dissection->untried.pop_back();
    return job;
}

net::awaitable<Result<void>> Pusher::State::load_samples(Job& job, JournalSlice slice) {
    const auto dictionary = co_await journal.dictionary(job.epoch);
    if (!dictionary) co_return dictionary.error();
    auto* epoch = find(job.epoch);
    const auto now = their_time();
    GERBANG_CHECK(epoch != nullptr && now.has_value());
    const auto anchors = dictionary->timeline.count();
    if (std::exchange(anchors_known[job.epoch], anchors) != anchors &&
        !epoch->cursor.deferred.empty()) {
        epoch->cursor.deferred = {};  // and what they hold comes before this
        if (job.is_suspect) suspects.put_back({job.epoch, job.range});
        job.is_void = true;
        co_return ok();
    }

    const RemoteWriter writer{settings.site, settings.remote_write->labels, *dictionary};
    RemoteWriteLimits limits{.not_after = *now + kAhead,
                             .not_before = {},
                             .left_out = &left_out[job.epoch],
                             .columns = job.columns};
    const auto max_age = settings.remote_write->max_age;
    if (max_age > Millis{0}) limits.not_before = *now - max_age;
    auto& records = slice.records;
    const auto most = body_bytes(job.lane);
    RemoteWritePart part;
    for (;;) {
        part = writer.write(records, limits);
        if (part.body.size() <= most || records.size() == 1) break;
        const auto fitting = std::uint64_t{records.size()} * most / part.body.size();
        records.resize(
            static_cast<std::size_t>(std::clamp<std::uint64_t>(fitting, 1, records.size() - 1)));
    }
    if (job.is_suspect && records.back().seq < job.range.last) {
        suspects.put_back({job.epoch, {records.back().seq.next(), job.range.last}});
    }
    job.range.last = records.back().seq;
    job.column_count = columns_of(records);
    job.body = std::move(part.body);
    job.carried = std::move(part.carried);
    if (part.ahead) deferred_due = std::min(deferred_due, clock.now() + (*part.ahead - *now));
    for (const auto& range : part.deferred) {
        if (epoch->cursor.deferred.add(range)) continue;
        co_return Error{Errc::overloaded, "too many stretches of records wait for a clock"};
    }
    for (const auto& parked : part.parked) {
        // They can never go there. Where there is no room to keep count of them they are settled,
        // rather than let them stop everything else.
        if (!park(epoch->cursor, parked.range, parked.reason)) job.carried.push_back(parked.range);
    }
    std::sort(job.carried.begin(), job.carried.end());
    if (!part.unfit.empty()) {
        tell_left_out(writer.name_of(part.unfit.front()) +
                      " is no name that receivers take: left out");
    }
    co_return ok();
}

void Pusher::State::tell_left_out(std::string why) {
    if (left_out_detail == why) return;
    left_out_detail = std::move(why);
    log(LogLevel::warning, "series_left_out",
        {{"consumer", settings.consumer}, {"why", left_out_detail}});
}

/// The receiver took the body of `job`, or there was nothing in its records to send.
net::awaitable<void> Pusher::State::settle_carried(const Job& job) {
    auto* epoch = find(job.epoch);
    if (epoch == nullptr) co_return;
    const auto& cursor = epoch->cursor;
    for (const auto& range : job.carried) {
        // Such a receiver has no store of its own that could tell what it holds.
        Receipt receipt;
        receipt.site = settings.site;
        receipt.epoch = job.epoch;
        receipt.through = cursor.through;
        if (range.last <= cursor.through) continue;
        if (range.first <= cursor.through.next()) {
            receipt.through = range.last;
        } else {
            (void)receipt.held.add(range);
        }
        sync_last();
        const auto settled = settle(epoch->cursor, receipt, epoch->last);
        if (!settled) {
            Error unusable{Errc::unreachable, settled.error().detail};
            co_await failed(std::move(unusable), std::nullopt);
            co_return;
        }
    }
    const bool is_fresh = job.lane == Lane::fresh && job.range.last == job.planned_to;
    if (is_fresh) fresh_due = clock.now() + settings.interval;
    const bool is_draining = next_backlog(view_of(*epoch), epoch->last, 1).has_value();
    std::vector<Cursor> moved{epoch->cursor};
    co_await stage(std::move(moved), is_draining);
}

net::awaitable<void> Pusher::State::settle_question(Result<HttpAnswer> answer) {
    auto taken = answer ? to_acceptance(*answer) : Result<void>{answer.error()};
    if (taken && !their_date) {
        taken =
            Error{Errc::overloaded, answer->what() +
                                        ": the server says no Date, so nobody knows which samples "
                                        "lie in its future: let its proxy pass Date on"};
    }
    if (taken) {
        close_gate(clock.now(), PushState::idle, {});
        if (backoff.failures() > 0) {
            backoff.succeed();
            co_await save_backoff();
        }
        co_return;
    }
    if (taken.error().code == Errc::not_authorised) {
        stop_lane(taken.error().detail);
        co_return;
    }
    if (taken.error().code == Errc::stopped) co_return;
    const auto retry_after = answer ? answer->retry_after : std::nullopt;
    co_await failed(taken.error(), retry_after);
}

net::awaitable<void> Pusher::State::land_samples(Job job, Result<HttpAnswer> answer,
                                                 Monotonic began, std::size_t body_bytes) {
    const Millis took = clock.now() - began;
    if (answer) take_date(*answer);
    // From here to the outcome nothing is awaited, so that no plan sees the range as free.
    std::erase_if(in_flight, [&](const Job& other) { return other.number == job.number; });
    if (job.is_question) {
        co_await settle_question(std::move(answer));
        co_return;
    }
    const auto retry_after = answer ? answer->retry_after : std::nullopt;
    const auto taken = answer ? to_acceptance(*answer) : Result<void>{answer.error()};
    if (!taken) {
        const auto& error = taken.error();
        const bool is_slow = error.code == Errc::unreachable && took >= kSlowFailure;
        if (error.code == Errc::too_large || is_slow) {
            size.too_much(body_bytes, error.code == Errc::too_large);
        }
        if (!job.columns && error.code == Errc::refused && is_too_old(*answer)) {
            co_await park_old(job, error);
        } else if (!job.columns) {
            co_await react(job, error, retry_after, body_bytes);
        } else if (error.code == Errc::refused || error.code == Errc::too_large) {
            co_await dissect(job, error);
        } else {
            if (dissection) dissection->untried.push_back(*job.columns);
            co_await react(job, error, retry_after, body_bytes);
        }
        co_return;
    }
    size.arrived(body_bytes, took * 4 < settings.timeout);
    if (!job.columns) note_pace(job, body_bytes, began);
    last_success = clock.now();
    refused_in_a_row = 0;
    const bool was_failing = backoff.failures() > 0;
    backoff.succeed();
    if (gate_state != PushState::idle) {
        log(LogLevel::notice, "push_works", {{"consumer", settings.consumer}});
    }
    close_gate(clock.now(), PushState::idle, {});
    if (was_failing) co_await save_backoff();
    if (job.columns) {
        co_await dissect(job, std::nullopt);
    } else {
        co_await settle_carried(job);
    }
}

net::awaitable<void> Pusher::State::park_old(const Job& newest, const Error& error) {
    auto* epoch = find(newest.epoch);
    if (epoch == nullptr) co_return;
    // The newest of a refused range is tried first: where that is too old, everything is.
    const auto alone = suspects.refused(newest.epoch, newest.range, true);
    if (!alone) co_return;
    auto ranges = suspects.take_before(newest.epoch, *alone);
    ranges.push_back({*alone, *alone});
    std::sort(ranges.begin(), ranges.end());
    std::uint64_t count = 0;
    for (const auto& range : ranges) {
        count += range.size();
        if (park(epoch->cursor, range, "the receiver says that it is too old (max_age)")) continue;
        stop_lane(error.detail + "; too many records are refused already");
        co_return;
    }
    log(LogLevel::warning, "records_too_old",
        {{"consumer", settings.consumer},
         {"epoch", to_string(newest.epoch)},
         {"up_to", std::to_string(alone->value)},
         {"records", std::to_string(count)},
         {"why", error.detail}});
    std::vector<Cursor> moved{epoch->cursor};
    co_await stage(std::move(moved), true);
}

bool Pusher::State::begin_dissection(const Job& job, const Error& error) {
    // Where the record before was refused whole the parts of this one would be, too.
    if (!settings.remote_write || job.column_count < 2 || dissection || refused_in_a_row != 0) {
        return false;
    }
    const auto half = job.column_count / 2;
    dissection = Dissection{.epoch = job.epoch,
                            .seq = job.range.first,
                            .why = error.detail,
                            .untried = {{half, job.column_count}, {0, half}},
                            .refused = {},
                            .was_any_taken = false};
    return true;
}

/// What became of a part of the record that is being dissected.
net::awaitable<void> Pusher::State::dissect(const Job& job, std::optional<Error> refused) {
    if (!dissection || !job.columns) co_return;
    const auto [first, last] = *job.columns;
    if (!refused) {
        dissection->was_any_taken = true;
    } else if (last - first > 1) {
        const auto half = first + (last - first) / 2;
        dissection->untried.push_back({half, last});
        dissection->untried.push_back({first, half});
    } else {
        auto slice = co_await journal.read(job.epoch, job.range, size.bytes());
        const auto* chunk = slice && slice->records.size() == 1
                                ? std::get_if<Chunk>(&slice->records.front().body)
                                : nullptr;
        if (chunk != nullptr && first < chunk->columns.size()) {
            dissection->refused.push_back(chunk->columns[first].series);
        }
    }
    if (!dissection->untried.empty()) co_return;
    const auto done = *std::exchange(dissection, std::nullopt);
    auto* epoch = find(done.epoch);
    if (epoch == nullptr) co_return;
    auto why = done.why;
    if (done.was_any_taken && !done.refused.empty()) {
        auto& out = left_out[done.epoch];
        out.insert(done.refused.begin(), done.refused.end());
        refused_in_a_row = 0;
        const auto dictionary = co_await journal.dictionary(done.epoch);
        const auto name =
            dictionary ? RemoteWriter{settings.site, {}, *dictionary}.name_of(done.refused.front())
                       : std::string{};
        why = name +
              (done.refused.size() > 1 ? " and " + std::to_string(done.refused.size() - 1) + " more"
                                       : "") +
              " is refused and left out: " + done.why;
        tell_left_out(why);
        if (out.size() > kMostLeftOut) {
            stop_lane("the server refuses more than " + std::to_string(kMostLeftOut) + " series");
            co_return;
        }
    }
    if (!done.was_any_taken) ++refused_in_a_row;
    epoch = find(done.epoch);
    if (epoch == nullptr) co_return;
    if (!park(epoch->cursor, {done.seq, done.seq}, why)) {
        stop_lane(why + "; too many records are refused already");
        co_return;
    }
    log(LogLevel::warning, "record_parked",
        {{"consumer", settings.consumer},
         {"epoch", to_string(done.epoch)},
         {"seq", std::to_string(done.seq.value)},
         {"why", why}});
    std::vector<Cursor> moved{epoch->cursor};
    co_await stage(std::move(moved), true);
}

}  // namespace gerbang
