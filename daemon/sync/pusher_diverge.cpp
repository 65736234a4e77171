// The consumer holds other records under our numbers: where do the two histories part? It is asked
// for single records that it holds, which change nothing there: a receipt says that all up to that
// record is the same, 409 that it is not.

#include <algorithm>
#include <utility>

#include "daemon/host/log.hpp"
#include "daemon/sync/pusher_state.hpp"

namespace gerbang {
namespace {

/// Leaves nothing beyond `last` in `holdings`, a cursor or a receipt.
template <class Holdings>
void cut_off(Holdings& holdings, Seq last) {
    if (holdings.through > last) {
        holdings.through = last;
        holdings.head = {};
    }
    RangeSet kept;
    for (const auto& range : holdings.held.ranges()) {
        if (range.first <= last) (void)kept.add({range.first, std::min(range.last, last)});
    }
    holdings.held = std::move(kept);
}

}  // namespace

void Pusher::State::limit_to_common(EpochTrack& epoch) const {
    if (&epoch != open_epoch()) cut_off(epoch.cursor, epoch.common_last.value_or(epoch.last));
}

Receipt Pusher::State::common_part(const EpochTrack& epoch, Receipt receipt) const {
    if (&epoch != open_epoch()) cut_off(receipt, epoch.common_last.value_or(epoch.last));
    return receipt;
}

net::awaitable<void> Pusher::State::diverge(EpochId id, std::string why,
                                            std::optional<Receipt> theirs) {
    auto* epoch = find(id);
    if (epoch == nullptr || epoch->divide) co_return;
    sync_last();
    const bool is_news = epoch->why != why;
    epoch->rests_until = clock.now() + settings.stopped_retry;
    epoch->why = why;
    if (is_news) {
        log(LogLevel::error, "push_diverged",
            {{"consumer", settings.consumer}, {"epoch", to_string(id)}, {"why", why}});
    }
    // A consumer that does not say what it holds cannot be asked: people must look.
    if (!theirs || theirs->epoch != id) co_return;
    Divide divide;
    divide.both_last = std::min(theirs->through, epoch->last);
    divide.agreed = Seq{0};
    divide.differs = divide.both_last.next();
    divide.holds_more = theirs->through > epoch->last || !theirs->held.empty();
    epoch->divide = divide;
    if (divide.both_last.value == 0) co_await settle_divide(*epoch);
    bell.ring();
}

/// The next record to ask for; the last common one first, as a consumer that is merely ahead of us
/// agrees with all of it.
std::optional<Job> Pusher::State::choose_question() const {
    for (const auto& epoch : epochs) {
        if (!epoch.divide) continue;
        const bool is_busy = std::any_of(in_flight.begin(), in_flight.end(),
                                         [&](const Job& other) { return other.epoch == epoch.id; });
        if (is_busy) continue;
        const auto& divide = *epoch.divide;
        Seq asked = divide.both_last;
        if (divide.instead) {
            asked = *divide.instead;
        } else if (divide.differs <= divide.both_last) {
            asked = Seq{(divide.agreed.value + divide.differs.value) / 2};
        }
        Job job;
        job.lane = Lane::backlog;
        job.epoch = epoch.id;
        job.range = {asked, asked};
        job.planned_to = asked;
        job.asks_where = true;
        return job;
    }
    return std::nullopt;
}

net::awaitable<bool> Pusher::State::take_answer(const Job& job, const Result<Receipt>& answer) {
    if (!answer && answer.error().code != Errc::diverged) co_return false;
    auto* epoch = find(job.epoch);
    if (epoch == nullptr || !epoch->divide) co_return true;
    auto& divide = *epoch->divide;
    divide.instead.reset();
    if (answer) {
        divide.agreed = std::max(divide.agreed, job.range.first);
    } else {
        divide.differs = std::min(divide.differs, job.range.first);
    }
    backoff.succeed();
    close_gate(clock.now(), PushState::idle, {});
    if (divide.differs <= divide.agreed.next()) co_await settle_divide(*epoch);
    co_return true;
}

/// An emptied record in its place would be called the same by any consumer. So the next one that is
/// here is asked for; where there is none before those that differ, nothing is lost by calling the
/// absent ones different, too.
net::awaitable<void> Pusher::State::step_over(const Job& job, Seq absent_last) {
    auto* epoch = find(job.epoch);
    if (epoch == nullptr || !epoch->divide) co_return;
    auto& divide = *epoch->divide;
    divide.instead.reset();
    const Seq behind = absent_last.next();
    if (behind < divide.differs && behind <= divide.both_last) {
        divide.instead = behind;
        co_return;
    }
    divide.differs = std::min(divide.differs, job.range.first);
    if (divide.differs <= divide.agreed.next()) co_await settle_divide(*epoch);
}

net::awaitable<void> Pusher::State::settle_divide(EpochTrack& epoch) {
    const auto found = *std::exchange(epoch.divide, std::nullopt);
    epoch.rests_until = clock.now() + settings.stopped_retry;
    if (found.agreed == found.both_last && !found.holds_more) {
        epoch.why = settings.consumer +
                    " called this journal diverged, and yet both agree in all that it holds";
        co_return;
    }
    // Record 1 names the epoch, so at least that one is the same.
    const Seq agreed = std::max(found.agreed, Seq{1});
    const auto last_common = std::to_string(agreed.value);
    log(LogLevel::error, "push_diverged_at",
        {{"consumer", settings.consumer},
         {"epoch", to_string(epoch.id)},
         {"last_common", last_common}});
    if (&epoch == open_epoch()) {
        epoch.why = settings.consumer + " holds other records after record " + last_common +
                    " of this journal (an old image, a clone, or a card that loses writes); a new "
                    "epoch begins there, nothing need be done. If it happens again, replace the "
                    "card, and look for a second device with this identity";
        if (diverged_callback) diverged_callback(epoch.id, agreed);
        co_return;
    }
    // What a closed epoch has of its own after that stays here, and is owed.
    epoch.common_last = agreed;
    epoch.rests_until.reset();
    limit_to_common(epoch);
    if (agreed < epoch.last && epoch.cursor.parked.size() < kMaxParked) {
        epoch.cursor.parked.push_back(
            {{agreed.next(), epoch.last}, "other records are held under these numbers"});
    }
    std::vector<Cursor> moved{epoch.cursor};
    co_await stage(std::move(moved), true);
}

}  // namespace gerbang
