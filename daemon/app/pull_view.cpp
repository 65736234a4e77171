// What pullers fetch, and what they say that they hold.

#include <algorithm>
#include <utility>

#include "daemon/app/pipeline.hpp"
#include "daemon/host/log.hpp"

namespace gerbang {

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

net::awaitable<Result<void>> Daemon::Pipeline::take_receipt(std::string consumer, Receipt receipt) {
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
    const auto cursors = co_await journal_.cursors();
    if (!cursors) co_return cursors.error();
    Cursor cursor;
    cursor.consumer = consumer;
    cursor.epoch = receipt.epoch;
    for (const auto& known : *cursors) {
        if (known.consumer == consumer && known.epoch == receipt.epoch) cursor = known;
    }
    const auto agrees = co_await has_head(receipt, epoch->last);
    if (!agrees) co_return agrees.error();
    auto changed = settle(cursor, receipt, epoch->last);
    if (changed && !*agrees) {
        changed = Error{Errc::diverged, "the puller holds other records up to " +
                                            std::to_string(receipt.through.value) +
                                            " than this journal: it was rolled back or cloned"};
    }
    if (!changed) {
        log(LogLevel::error, "pull_receipt_refused",
            {{"consumer", consumer}, {"detail", changed.error().detail}});
        co_return changed.error();
    }
    const auto place = std::find_if(pullers_.begin(), pullers_.end(),
                                    [&](const Told& one) { return one.consumer == consumer; });
    Told told{std::move(consumer), edges_.clock->now(), cursor};
    if (place == pullers_.end()) {
        pullers_.push_back(std::move(told));
    } else {
        *place = std::move(told);
    }
    if (!*changed) co_return ok();
    const auto staged = co_await journal_.stage(std::move(cursor));
    co_return staged;
}

std::vector<Series> Daemon::Pipeline::series() const {
    return series_ && !is_blind() ? series_->all() : std::vector<Series>{};
}

void Daemon::Pipeline::show_pullers(web::Status& status) const {
    for (const auto& told : pullers_) {
        web::Status::Sync sync;
        sync.consumer = told.consumer;
        sync.state = "idle";
        sync.detail = "fetches the records itself";
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
