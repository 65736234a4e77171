// What pullers fetch, and what they say that they hold.

#include <algorithm>
#include <utility>

#include "daemon/app/pipeline.hpp"
#include "daemon/host/log.hpp"

namespace gerbang {
namespace {

/// Leaves nothing beyond `last`, where an epoch was closed: what the puller has there is another's.
void cut_off(Receipt& receipt, Seq last) {
    if (receipt.through > last) {
        receipt.through = last;
        receipt.head = {};
    }
    RangeSet kept;
    for (const auto& range : receipt.held.ranges()) {
        if (range.first <= last) (void)kept.add({range.first, std::min(range.last, last)});
    }
    receipt.held = std::move(kept);
}

}  // namespace

net::awaitable<Result<PulledRecords>> Daemon::Pipeline::pulled(EpochId epoch, Seq after,
                                                               std::uint64_t max_bytes) {
    if (!journal_.is_open() || is_closed_) co_return journal_not_open();
    const SeqRange range{after.next(), Seq{kMaxSeq}};
    auto slice = co_await journal_.read(epoch, range, max_bytes);
    if (!slice) {
        // Asked for by a number that was the newest one a moment ago.
        if (slice.error().code == Errc::not_found) co_return PulledRecords{config_.site.id};
        co_return slice.error();
    }
    if (slice->absent && slice->is_salvaging) {
        co_return Error{Errc::overloaded,
                        "record " + std::to_string(range.first.value) +
                            " is not here yet: a damaged database is being salvaged"};
    }
    co_return PulledRecords{config_.site.id, slice->before, std::move(slice->records)};
}

net::awaitable<Result<bool>> Daemon::Pipeline::has_head(Receipt receipt, Seq last) {
    if (receipt.through.value == 0 || receipt.head == Head{}) co_return true;
    if (receipt.through == last && receipt.epoch == journal_.epoch()) {
        co_return receipt.head == journal_.head();
    }
    if (receipt.through >= last) co_return true;
    const SeqRange range{receipt.through.next(), receipt.through.next()};
    const auto slice = co_await journal_.read(receipt.epoch, range, 1);
    if (!slice) co_return slice.error();
    const bool is_there =
        !slice->absent && !slice->records.empty() && slice->records.front().seq == range.first;
    co_return !is_there || slice->before == Head{} || slice->before == receipt.head;
}

net::awaitable<Result<void>> Daemon::Pipeline::take_receipt(std::string consumer, Receipt receipt,
                                                            Seq agreed) {
    if (!journal_.is_open() || is_closed_) co_return journal_not_open();
    if (receipt.site != config_.site.id) {
        co_return Error{Errc::bad_input, "the receipt is of site " + receipt.site +
                                             ", this gateway is " + config_.site.id};
    }
    const auto epochs = co_await journal_.epochs();
    if (!epochs) co_return epochs.error();
    const auto epoch =
        std::find_if(epochs->begin(), epochs->end(),
                     [&](const Journal::EpochInfo& one) { return one.id == receipt.epoch; });
    if (epoch == epochs->end()) co_return Error{Errc::not_found, "no such epoch here"};
    // A closed one has ended where the histories part, and has no more to say.
    if (!epoch->is_open) cut_off(receipt, epoch->last);
    const auto cursors = co_await journal_.cursors();
    if (!cursors) co_return cursors.error();
    Cursor cursor;
    cursor.consumer = std::move(consumer);
    cursor.epoch = receipt.epoch;
    for (const auto& known : *cursors) {
        if (known.consumer == cursor.consumer && known.epoch == receipt.epoch) cursor = known;
    }
    if (agreed.value != 0) {
        if (!epoch->is_open) co_return ok();
        if (agreed > epoch->last || (agreed >= receipt.through && receipt.held.empty())) {
            co_return Error{Errc::bad_input, "what is held says of no other record than ours"};
        }
        divergence_ = {receipt.epoch, agreed};
        commit_bell_.ring();
        remember_puller(std::move(cursor), "holds other records after record " +
                                               std::to_string(agreed.value) +
                                               " of this journal; a new epoch begins there");
        co_return ok();
    }
    const auto agrees = co_await has_head(receipt, epoch->last);
    if (!agrees) co_return agrees.error();
    const auto before = cursor;
    auto changed = settle(cursor, receipt, epoch->last);
    if (changed && !*agrees) {
        changed = Error{Errc::diverged, "the puller holds other records up to " +
                                            std::to_string(receipt.through.value) +
                                            " than this journal: it was rolled back or cloned"};
    }
    if (!changed) {
        remember_puller(before, changed.error().detail);
        co_return changed.error();
    }
    remember_puller(cursor, {});
    if (!*changed) co_return ok();
    const auto staged = co_await journal_.stage(std::move(cursor));
    co_return staged;
}

/// What its consumer told just now; `why`: that it contradicts this journal.
void Daemon::Pipeline::remember_puller(Cursor cursor, std::string why) {
    if (!why.empty()) {
        log(LogLevel::error, "pull_diverged", {{"consumer", cursor.consumer}, {"detail", why}});
    }
    const auto place = std::find_if(pullers_.begin(), pullers_.end(), [&](const Told& one) {
        return one.cursor.consumer == cursor.consumer;
    });
    Told told{edges_.clock->now(), std::move(cursor), std::move(why)};
    if (place == pullers_.end()) {
        pullers_.push_back(std::move(told));
    } else {
        *place = std::move(told);
    }
}

std::vector<Series> Daemon::Pipeline::series() const {
    return series_ && !is_blind() ? series_->all() : std::vector<Series>{};
}

void Daemon::Pipeline::show_pullers(web::Status& status) const {
    for (const auto& told : pullers_) {
        web::Status::Sync sync;
        sync.consumer = told.cursor.consumer;
        sync.state = told.why.empty() ? "idle" : "stopped";
        sync.detail = told.why.empty() ? "fetches the records itself" : told.why;
        if (told.cursor.epoch == journal_.epoch()) {
            sync.through = told.cursor.through.value;
            sync.pending_records = told.cursor.pending(journal_.last());
        }
        const auto age = std::chrono::duration_cast<Seconds>(edges_.clock->now() - told.at);
        sync.last_success_s = age.count();
        status.sync.push_back(std::move(sync));
    }
}

}  // namespace gerbang
