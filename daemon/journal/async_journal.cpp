#include "daemon/journal/async_journal.hpp"

#include <utility>

#include "daemon/host/offload.hpp"

namespace gerbang {
namespace {

/// A call's result with what the loop may show of the journal after it.
template <class R>
struct Answer {
    R result;
    EpochId epoch;
    Seq last;
    std::uint64_t size_bytes = 0;
    std::uint64_t written_bytes = 0;
};

/// Runs `work(journal)` on the storage worker. Holds the journal alive until it is done.
template <class Work>
auto on_worker(std::shared_ptr<Journal> journal, net::any_io_executor worker, Work work)
    -> net::awaitable<Answer<std::invoke_result_t<Work, Journal&>>> {
    using R = std::invoke_result_t<Work, Journal&>;
    auto job = [journal = std::move(journal), work = std::move(work)]() mutable {
        auto result = work(*journal);
        const auto& state = journal->state();
        return Answer<R>{std::move(result), state.epoch, state.last, journal->size_bytes(),
                         journal->written_bytes()};
    };
    co_return co_await offload(std::move(worker), std::move(job));
}

/// What every call below ends with: the loop's view of the journal follows the answer.
template <class R>
R unpack(Answer<R> answer, EpochId& epoch, Seq& last, std::uint64_t& size, std::uint64_t& written) {
    epoch = answer.epoch;
    last = answer.last;
    size = answer.size_bytes;
    written = answer.written_bytes;
    return std::move(answer.result);
}

}  // namespace

AsyncJournal::AsyncJournal(std::unique_ptr<Journal> journal, net::any_io_executor worker)
    : journal_{std::move(journal)}, worker_{std::move(worker)} {
    epoch_ = journal_->state().epoch;
    last_ = journal_->state().last;
    size_bytes_ = journal_->size_bytes();
    written_bytes_ = journal_->written_bytes();
}

AsyncJournal::~AsyncJournal() = default;

net::awaitable<Result<Committed>> AsyncJournal::append(Seq expected_first,
                                                       std::vector<RecordBody> bodies) {
    auto work = [expected_first, bodies = std::move(bodies)](Journal& journal) {
        return journal.append(expected_first, bodies);
    };
    auto answer = co_await on_worker(journal_, worker_, std::move(work));
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<JournalSlice>> AsyncJournal::read(EpochId epoch, SeqRange range,
                                                        std::uint64_t max_bytes) {
    auto work = [epoch, range, max_bytes](Journal& journal) {
        return journal.read(epoch, range, max_bytes);
    };
    auto answer = co_await on_worker(journal_, worker_, std::move(work));
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<std::vector<Journal::EpochInfo>>> AsyncJournal::epochs() {
    auto answer =
        co_await on_worker(journal_, worker_, [](Journal& journal) { return journal.epochs(); });
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<std::vector<Cursor>>> AsyncJournal::cursors() {
    auto answer =
        co_await on_worker(journal_, worker_, [](Journal& journal) { return journal.cursors(); });
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<void>> AsyncJournal::stage(Cursor cursor) {
    auto work = [cursor = std::move(cursor)](Journal& journal) {
        journal.stage(cursor);
        return ok();
    };
    auto answer = co_await on_worker(journal_, worker_, std::move(work));
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<void>> AsyncJournal::flush_cursors() {
    auto answer = co_await on_worker(journal_, worker_,
                                     [](Journal& journal) { return journal.flush_cursors(); });
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<void>> AsyncJournal::stage_note(std::string key, std::string value) {
    auto work = [key = std::move(key), value = std::move(value)](Journal& journal) -> Result<void> {
        journal.stage_note(key, value);
        if (journal.note(key) == value) return ok();
        return Error{Errc::bad_input, "note " + key + ": over the bounds of notes, not kept"};
    };
    auto answer = co_await on_worker(journal_, worker_, std::move(work));
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<std::optional<std::string>>> AsyncJournal::note(std::string key) {
    auto work = [key = std::move(key)](Journal& journal) {
        return Result<std::optional<std::string>>{journal.note(key)};
    };
    auto answer = co_await on_worker(journal_, worker_, std::move(work));
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<std::vector<UsageRow>>> AsyncJournal::usage(UsagePeriod period, WallTime from,
                                                                  WallTime to) {
    auto work = [period, from, to](Journal& journal) { return journal.usage(period, from, to); };
    auto answer = co_await on_worker(journal_, worker_, std::move(work));
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<std::vector<Outage>>> AsyncJournal::outages() {
    auto answer =
        co_await on_worker(journal_, worker_, [](Journal& journal) { return journal.outages(); });
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

net::awaitable<Result<void>> AsyncJournal::checkpoint() {
    auto answer = co_await on_worker(journal_, worker_,
                                     [](Journal& journal) { return journal.checkpoint(); });
    co_return unpack(std::move(answer), epoch_, last_, size_bytes_, written_bytes_);
}

}  // namespace gerbang
