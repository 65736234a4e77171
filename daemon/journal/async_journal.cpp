#include "daemon/journal/async_journal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <new>
#include <utility>

namespace gerbang {

/// The connection. The worker alone touches it.
struct AsyncJournal::Store {
    std::unique_ptr<Journal> journal;
};

/// One piece of work on its way to the worker and back.
struct AsyncJournal::Job {
    std::function<void(Store&)> work;
    std::optional<View> after;
    bool has_landed = false;
    Bell landed;
    std::function<void()> on_landed;
};

/// What is with the worker. Loop thread only.
struct AsyncJournal::Line {
    Clock* clock = nullptr;
    unsigned jobs = 0;
    std::optional<Monotonic> since;  ///< of the one that runs
};

AsyncJournal::View AsyncJournal::view_of(const Journal& journal) {
    const auto& state = journal.state();
    return {state.epoch,
            state.last,
            state.head,
            journal.size_bytes(),
            journal.written_bytes(),
            journal.written_today()};
}

AsyncJournal::AsyncJournal(Open open, net::any_io_executor worker, Clock& clock)
    : store_{std::make_shared<Store>()},
      line_{std::make_shared<Line>()},
      open_{std::move(open)},
      worker_{std::move(worker)},
      clock_{&clock} {
    line_->clock = clock_;
}

AsyncJournal::AsyncJournal(std::unique_ptr<Journal> journal, net::any_io_executor worker)
    : store_{std::make_shared<Store>()},
      line_{std::make_shared<Line>()},
      worker_{std::move(worker)},
      view_{view_of(*journal)},
      is_open_{true} {
    store_->journal = std::move(journal);
}

AsyncJournal::~AsyncJournal() = default;

std::uint64_t AsyncJournal::written_bytes() const {
    return written_before_ + view_.written_bytes;
}

std::optional<Monotonic> AsyncJournal::busy_since() const {
    return line_->since;
}

bool AsyncJournal::is_hanging() const {
    return clock_ != nullptr && line_->since && clock_->now() - *line_->since >= kHangs;
}

Error AsyncJournal::hanging() const {
    const auto seconds = clock_ != nullptr && line_->since
                             ? (clock_->now() - *line_->since).count() / 1000
                             : std::int64_t{0};
    return {Errc::unreachable,
            "the storage has been hanging for " + std::to_string(seconds) +
                " s: a call to the card or disk does not return; ask again later"};
}

std::shared_ptr<AsyncJournal::Job> AsyncJournal::submit(std::function<void(Store&)> work,
                                                        net::any_io_executor home) {
    auto job = std::make_shared<Job>();
    job->work = std::move(work);
    if (line_->jobs++ == 0 && clock_ != nullptr) line_->since = clock_->now();
    auto guard = net::make_work_guard(home);
    net::post(worker_, [store = store_, line = line_, job, guard]() {
        try {
            job->work(*store);
            if (store->journal) job->after = view_of(*store->journal);
        } catch (const std::bad_alloc&) {
            // What it knows may be behind what its file holds; opened again it is whole.
            store->journal.reset();
        }
        net::post(guard.get_executor(), [line, job]() {
            --line->jobs;
            line->since.reset();
            if (line->jobs != 0 && line->clock != nullptr) line->since = line->clock->now();
            job->has_landed = true;
            job->landed.ring();
            if (job->on_landed) job->on_landed();
        });
    });
    return job;
}

/// Waits for `job` however long it takes, also after the clock was stopped.
net::awaitable<void> AsyncJournal::carry(std::shared_ptr<Job> job) {
    net::steady_timer timer{co_await net::this_coro::executor,
                            net::steady_timer::time_point::max()};
    job->on_landed = [&timer] { timer.cancel(); };
    while (!job->has_landed) {
        (void)co_await timer.async_wait(net::as_tuple(net::use_awaitable));
    }
    job->on_landed = nullptr;
}

net::awaitable<Result<void>> AsyncJournal::run(std::function<void(Journal&)> work,
                                               bool is_question) {
    if (!is_open_) co_return Error{Errc::storage_broken, why_closed_};
    if (is_hanging()) co_return hanging();
    auto ran = std::make_shared<bool>(false);
    std::function<void(Store&)> on_store = [work = std::move(work), ran](Store& store) {
        // It may have been closed by what stood before this in line.
        if (!store.journal) return;
        *ran = true;
        work(*store.journal);
    };
    auto home = co_await net::this_coro::executor;
    auto job = submit(std::move(on_store), std::move(home));
    if (is_question && clock_ != nullptr) {
        const auto deadline = clock_->now() + kPatience;
        while (!job->has_landed) {
            if (clock_->now() >= deadline) co_return hanging();
            const bool is_on = co_await clock_->sleep_until(deadline, &job->landed);
            if (!is_on) break;
        }
    }
    if (!job->has_landed) co_await carry(job);
    if (!*ran) {
        const Error closed{Errc::storage_broken, why_closed_};
        notice(closed);
        co_return closed;
    }
    if (job->after && is_open_) view_ = *job->after;
    co_return ok();
}

/// After `storage_broken` the connection is not used again.
void AsyncJournal::notice(const Error& error) {
    if (error.code != Errc::storage_broken || !is_open_ || clock_ == nullptr) return;
    is_open_ = false;
    why_closed_ = error.detail;
    if (broken_) broken_(error);
}

namespace {

Error out_of_memory() {
    return {Errc::storage_broken, "the journal: memory ran out"};
}

template <class R>
std::shared_ptr<std::optional<Result<R>>> make_slot() {
    return std::make_shared<std::optional<Result<R>>>();
}

}  // namespace

/// An empty slot: the work has not come to its end.
template <class R>
Result<R> AsyncJournal::taken(std::shared_ptr<std::optional<Result<R>>> slot,
                              const Result<void>& ran) {
    if (!ran) return ran.error();
    if (!*slot) slot->emplace(out_of_memory());
    auto result = std::move(**slot);
    if (!result) notice(result.error());
    return result;
}

net::awaitable<Result<JournalState>> AsyncJournal::open() {
    is_open_ = false;
    auto slot = make_slot<JournalState>();
    std::function<void(Store&)> work = [slot, open = open_](Store& store) {
        store.journal.reset();
        auto opened = open();
        if (!opened) {
            slot->emplace(opened.error());
            return;
        }
        store.journal = std::move(*opened);
        slot->emplace(store.journal->state());
    };
    auto home = co_await net::this_coro::executor;
    auto job = submit(std::move(work), std::move(home));
    co_await carry(job);
    if (!*slot || (**slot && !job->after)) slot->emplace(out_of_memory());
    auto state = std::move(**slot);
    if (!state) {
        why_closed_ = state.error().detail;
        co_return state;
    }
    written_before_ += view_.written_bytes;
    view_ = *job->after;
    is_open_ = true;
    co_return state;
}

net::awaitable<void> AsyncJournal::close() {
    is_open_ = false;
    why_closed_ = "the journal is closed";
    std::function<void(Store&)> work = [](Store& store) { store.journal.reset(); };
    auto home = co_await net::this_coro::executor;
    auto job = submit(std::move(work), std::move(home));
    co_await carry(job);
}

net::awaitable<Result<JournalState>> AsyncJournal::begin_epoch(EpochFact fact, DeviceTime at,
                                                               std::vector<RecordBody> first) {
    auto slot = make_slot<JournalState>();
    std::function<void(Journal&)> work = [slot, fact = std::move(fact), at,
                                          first = std::move(first)](Journal& journal) {
        const auto begun = journal.begin_epoch(fact, at, first);
        if (begun) {
            slot->emplace(journal.state());
        } else {
            slot->emplace(begun.error());
        }
    };
    const auto ran = co_await run(std::move(work), false);
    co_return taken<JournalState>(slot, ran);
}

net::awaitable<Result<JournalState>> AsyncJournal::fork_epoch(EpochFact fact, DeviceTime at) {
    auto slot = make_slot<JournalState>();
    std::function<void(Journal&)> work = [slot, fact = std::move(fact), at](Journal& journal) {
        const auto forked = journal.fork_epoch(fact, at);
        if (forked) {
            slot->emplace(journal.state());
        } else {
            slot->emplace(forked.error());
        }
    };
    const auto ran = co_await run(std::move(work), false);
    co_return taken<JournalState>(slot, ran);
}

net::awaitable<Result<Committed>> AsyncJournal::append(Seq expected_first,
                                                       std::vector<RecordBody> bodies) {
    auto slot = make_slot<Committed>();
    std::function<void(Journal&)> work = [slot, expected_first,
                                          bodies = std::move(bodies)](Journal& journal) {
        slot->emplace(journal.append(expected_first, bodies));
    };
    const auto ran = co_await run(std::move(work), false);
    co_return taken<Committed>(slot, ran);
}

net::awaitable<Result<JournalSlice>> AsyncJournal::read(EpochId epoch, SeqRange range,
                                                        std::uint64_t max_bytes) {
    auto slot = make_slot<JournalSlice>();
    std::function<void(Journal&)> work = [slot, epoch, range, max_bytes](Journal& journal) {
        slot->emplace(journal.read(epoch, range, max_bytes));
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<JournalSlice>(slot, ran);
}

net::awaitable<Result<std::vector<Journal::EpochInfo>>> AsyncJournal::epochs() {
    auto slot = make_slot<std::vector<Journal::EpochInfo>>();
    std::function<void(Journal&)> work = [slot](Journal& journal) {
        slot->emplace(journal.epochs());
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<std::vector<Journal::EpochInfo>>(slot, ran);
}

net::awaitable<Result<EpochDictionary>> AsyncJournal::dictionary(EpochId epoch) {
    auto slot = make_slot<EpochDictionary>();
    std::function<void(Journal&)> work = [slot, epoch](Journal& journal) {
        slot->emplace(journal.dictionary(epoch));
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<EpochDictionary>(slot, ran);
}

net::awaitable<Result<std::vector<Cursor>>> AsyncJournal::cursors() {
    auto slot = make_slot<std::vector<Cursor>>();
    std::function<void(Journal&)> work = [slot](Journal& journal) {
        slot->emplace(journal.cursors());
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<std::vector<Cursor>>(slot, ran);
}

net::awaitable<Result<void>> AsyncJournal::stage(Cursor cursor) {
    std::function<void(Journal&)> work = [cursor = std::move(cursor)](Journal& journal) {
        journal.stage(cursor);
    };
    const auto ran = co_await run(std::move(work), true);
    co_return ran;
}

net::awaitable<Result<void>> AsyncJournal::flush_cursors() {
    auto slot = make_slot<void>();
    std::function<void(Journal&)> work = [slot](Journal& journal) {
        slot->emplace(journal.flush_cursors());
    };
    const auto ran = co_await run(std::move(work), false);
    co_return taken<void>(slot, ran);
}

net::awaitable<Result<void>> AsyncJournal::stage_note(std::string key, std::string value) {
    auto slot = make_slot<void>();
    std::function<void(Journal&)> work = [slot, key = std::move(key),
                                          value = std::move(value)](Journal& journal) {
        journal.stage_note(key, value);
        if (journal.note(key) == value) {
            slot->emplace(ok());
        } else {
            slot->emplace(
                Error{Errc::bad_input, "note " + key + ": over the bounds of notes, not kept"});
        }
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<void>(slot, ran);
}

net::awaitable<Result<std::optional<std::string>>> AsyncJournal::note(std::string key) {
    auto slot = make_slot<std::optional<std::string>>();
    std::function<void(Journal&)> work = [slot, key = std::move(key)](Journal& journal) {
        slot->emplace(journal.note(key));
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<std::optional<std::string>>(slot, ran);
}

net::awaitable<Result<std::vector<UsageRow>>> AsyncJournal::usage(UsagePeriod period, WallTime from,
                                                                  WallTime to) {
    auto slot = make_slot<std::vector<UsageRow>>();
    std::function<void(Journal&)> work = [slot, period, from, to](Journal& journal) {
        slot->emplace(journal.usage(period, from, to));
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<std::vector<UsageRow>>(slot, ran);
}

net::awaitable<Result<std::vector<Outage>>> AsyncJournal::outages() {
    auto slot = make_slot<std::vector<Outage>>();
    std::function<void(Journal&)> work = [slot](Journal& journal) {
        slot->emplace(journal.outages());
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<std::vector<Outage>>(slot, ran);
}

net::awaitable<Result<void>> AsyncJournal::checkpoint() {
    auto slot = make_slot<void>();
    std::function<void(Journal&)> work = [slot](Journal& journal) {
        slot->emplace(journal.checkpoint());
    };
    const auto ran = co_await run(std::move(work), false);
    co_return taken<void>(slot, ran);
}

net::awaitable<Result<bool>> AsyncJournal::tend() {
    auto slot = make_slot<bool>();
    std::function<void(Journal&)> work = [slot](Journal& journal) {
        slot->emplace(journal.tend());
    };
    const auto ran = co_await run(std::move(work), false);
    co_return taken<bool>(slot, ran);
}

net::awaitable<Result<std::vector<LossFact>>> AsyncJournal::untold_losses() {
    auto slot = make_slot<std::vector<LossFact>>();
    std::function<void(Journal&)> work = [slot](Journal& journal) {
        slot->emplace(journal.untold_losses());
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<std::vector<LossFact>>(slot, ran);
}

net::awaitable<Result<JournalFacts>> AsyncJournal::facts() {
    auto slot = make_slot<JournalFacts>();
    std::function<void(Journal&)> work = [slot](Journal& journal) {
        slot->emplace(journal.facts());
    };
    const auto ran = co_await run(std::move(work), true);
    co_return taken<JournalFacts>(slot, ran);
}

}  // namespace gerbang
