// The journal's records and facts for the local API.

#include <utility>

#include "common/wire/codec.hpp"
#include "daemon/app/pipeline.hpp"

namespace gerbang {
namespace {

/// Of stored bytes in one batch. One slice of the storage worker; a commit waits that long.
constexpr std::uint64_t kBatchBytes = 64u << 10;

}  // namespace

net::awaitable<Result<JournalFacts>> Daemon::Pipeline::journal_facts() {
    if (!journal_.is_open() || is_closed_) co_return journal_not_open();
    auto facts = co_await journal_.facts();
    if (!facts) co_return facts;
    const auto seconds = [](Millis time) { return std::chrono::duration_cast<Seconds>(time); };
    facts->daily_writes_bytes = config_.journal.daily_writes.value;
    facts->commit = seconds(config_.metering.commit);
    facts->loss_window = seconds(loss_window());
    if (health_) {
        facts->device = health_->state_device().name();
        facts->device_written_bytes = health_->state_device().written_bytes();
        facts->device_uptime = Seconds{to_ms(edges_.clock->now()) / 1000};
    }
    co_return facts;
}

net::awaitable<Result<std::vector<Journal::EpochInfo>>> Daemon::Pipeline::epochs() {
    if (!journal_.is_open() || is_closed_) co_return journal_not_open();
    auto epochs = co_await journal_.epochs();
    co_return epochs;
}

net::awaitable<Result<std::string>> Daemon::Pipeline::batch(EpochId epoch, Seq after) {
    if (!journal_.is_open() || is_closed_) co_return journal_not_open();
    const SeqRange range{after.next(), Seq{kMaxSeq}};
    auto slice = co_await journal_.read(epoch, range, kBatchBytes);
    if (!slice) {
        if (slice.error().code == Errc::not_found) co_return std::string{};
        co_return slice.error();
    }
    if (slice->records.empty()) co_return std::string{};
    wire::Batch batch{.site = config_.site.id,
                      .epoch = epoch,
                      .before = slice->before,
                      .pack = wire::encode_pack(slice->records)};
    co_return wire::encode_batch(batch);
}

}  // namespace gerbang
