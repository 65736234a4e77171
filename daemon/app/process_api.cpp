#include "daemon/app/process_api.hpp"

#include <utility>

namespace gerbang {
namespace {

Error not_ready() {
    return Error{Errc::unreachable, "the daemon is starting or stopping; ask again"};
}

}  // namespace

ApiSources api_of(Daemon*& current) {
    ApiSources sources;
    sources.status = [&current]() -> Result<web::Status> {
        if (current == nullptr) return not_ready();
        return current->status();
    };
    sources.newest = [&current]() -> std::vector<SeriesValue> {
        if (current == nullptr) return {};
        return current->newest();
    };
    sources.usage = [&current](UsagePeriod period, WallTime from,
                               WallTime to) -> net::awaitable<Result<std::vector<UsageRow>>> {
        if (current == nullptr) co_return not_ready();
        auto rows = co_await current->usage(period, from, to);
        co_return rows;
    };
    sources.outages = [&current](WallTime,
                                 WallTime) -> net::awaitable<Result<std::vector<web::OutageRow>>> {
        if (current == nullptr) co_return not_ready();
        auto rows = co_await current->outages();
        co_return rows;
    };
    sources.statement =
        [&current](WallTime from, WallTime to,
                   std::optional<sla::Clauses> clauses) -> net::awaitable<Result<sla::Statement>> {
        if (current == nullptr) co_return not_ready();
        auto statement = co_await current->statement(from, to, std::move(clauses));
        co_return statement;
    };
    sources.days = [&current](WallTime from,
                              WallTime to) -> net::awaitable<Result<std::vector<sla::Day>>> {
        if (current == nullptr) co_return not_ready();
        auto days = co_await current->days(from, to);
        co_return days;
    };
    sources.journal = [&current]() -> net::awaitable<Result<JournalFacts>> {
        if (current == nullptr) co_return not_ready();
        auto facts = co_await current->journal_facts();
        co_return facts;
    };
    sources.epochs = [&current]() -> net::awaitable<Result<std::vector<web::EpochRow>>> {
        if (current == nullptr) co_return not_ready();
        const auto epochs = co_await current->epochs();
        if (!epochs) co_return epochs.error();
        std::vector<web::EpochRow> rows;
        for (const auto& epoch : *epochs) rows.push_back({epoch.id, epoch.last, epoch.is_open});
        co_return rows;
    };
    sources.batch = [&current](EpochId epoch, Seq after) -> net::awaitable<Result<std::string>> {
        if (current == nullptr) co_return not_ready();
        auto batch = co_await current->batch(epoch, after);
        co_return batch;
    };
    sources.probe_now = [&current]() -> net::awaitable<Result<web::ProbeReport>> {
        if (current == nullptr) co_return not_ready();
        auto report = co_await current->probe_now();
        co_return report;
    };
    sources.note = [&current](NoteFact claim) -> Result<void> {
        if (current == nullptr) return not_ready();
        return current->note(std::move(claim));
    };
    sources.set_clock = [&current](WallTime wall, Seconds uncertainty) -> Result<void> {
        if (current == nullptr) return not_ready();
        return current->set_clock(wall, uncertainty);
    };
    sources.push_now = [&current] {
        if (current != nullptr) current->push_now();
    };
    return sources;
}

PullSources pulls_of(Daemon*& current) {
    PullSources sources;
    sources.records = [&current](EpochId epoch, Seq after,
                                 std::uint64_t max_bytes) -> net::awaitable<Result<PulledRecords>> {
        if (current == nullptr) co_return not_ready();
        auto records = co_await current->pulled(epoch, after, max_bytes);
        co_return records;
    };
    sources.epochs = api_of(current).epochs;
    sources.receipt = [&current](std::string consumer, Receipt receipt,
                                 Seq agreed) -> net::awaitable<Result<void>> {
        if (current == nullptr) co_return not_ready();
        auto kept = co_await current->take_receipt(std::move(consumer), std::move(receipt), agreed);
        co_return kept;
    };
    sources.series = [&current]() -> std::vector<Series> {
        if (current == nullptr) return {};
        return current->series();
    };
    return sources;
}

}  // namespace gerbang
