#include "daemon/journal/async_journal.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <catch2/catch.hpp>
#include <exception>

#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/fault_new.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

std::unique_ptr<Journal> new_journal(const std::string& path) {
    auto journal = Journal::open({.path = path});
    if (!journal) FAIL(journal.error().detail);
    if (!(*journal)->begin_epoch(epoch_fact(1), at(1, 5), beginning())) FAIL("no epoch");
    return std::move(*journal);
}

/// Uses every call once. Checks run on the loop.
net::awaitable<void> use(AsyncJournal& journal, bool& is_done) {
    std::vector<RecordBody> early;
    early.emplace_back(nth_minute(1, 0));
    const auto refused = co_await journal.append(Seq{9}, std::move(early));
    CHECK(refused.error().code == Errc::bad_input);
    CHECK(journal.last() == Seq{5});
    std::vector<RecordBody> bodies;
    bodies.emplace_back(anchor(1, 8, 1'800'000'000));
    bodies.emplace_back(nth_minute(1, 0));
    const auto committed = co_await journal.append(Seq{6}, std::move(bodies));
    CHECK(committed.has_value());
    CHECK(journal.last() == Seq{7});
    CHECK(journal.written_bytes() > 0);
    CHECK(journal.size_bytes() > 0);
    const SeqRange both{Seq{6}, Seq{7}};
    const auto slice = co_await journal.read(epoch_id(1), both, 1 << 20);
    CHECK(slice->records.size() == 2);
    Cursor cursor;
    cursor.consumer = "province";
    cursor.epoch = journal.epoch();
    cursor.through = Seq{7};
    const auto staged = co_await journal.stage(cursor);
    CHECK(staged.has_value());
    const auto noted = co_await journal.stage_note("back-off", "4");
    CHECK(noted.has_value());
    const auto too_long = co_await journal.stage_note("back-off", std::string(2000, 'x'));
    CHECK(too_long.error().code == Errc::bad_input);
    const auto flushed = co_await journal.flush_cursors();
    CHECK(flushed.has_value());
    const auto cursors = co_await journal.cursors();
    CHECK(cursors->size() == 1);
    const auto note = co_await journal.note("back-off");
    CHECK(**note == "4");
    const auto epochs = co_await journal.epochs();
    CHECK(epochs->size() == 1);
    const auto done = co_await journal.checkpoint();
    CHECK(done.has_value());
    const auto usage =
        co_await journal.usage(UsagePeriod::day, wall_from_ms(0), wall_from_ms(INT64_MAX));
    CHECK(usage->size() == 1);
    const auto outages = co_await journal.outages();
    CHECK(outages->empty());
    is_done = true;
}

net::awaitable<void> open_it(AsyncJournal& journal) {
    const auto opened = co_await journal.open();
    CHECK(opened.has_value());
}

/// Appends a record while the worker's allocation number `nth` fails; opens again after a failure,
/// and appends it then. The ring holds it in the meantime.
net::awaitable<void> append_in_need(AsyncJournal& journal, std::uint64_t nth, bool& was_short) {
    const auto next = journal.last().next();
    std::vector<RecordBody> bodies;
    bodies.emplace_back(nth_minute(1, static_cast<std::int64_t>(next.value)));
    auto again = bodies;
    fault_new::arm(nth);
    const auto committed = co_await journal.append(next, std::move(bodies));
    was_short = fault_new::fired();
    fault_new::arm(0);
    if (committed) co_return;
    CHECK(committed.error().code == Errc::storage_broken);
    CHECK_FALSE(journal.is_open());
    const auto reopened = co_await journal.open();
    CHECK(reopened.has_value());
    if (!reopened) co_return;
    // Durable or not, as the journal says.
    if (reopened->last == next) co_return;
    CHECK(reopened->last.next() == next);
    const auto retried = co_await journal.append(next, std::move(again));
    CHECK(retried.has_value());
}

void report(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

TEST_CASE("AsyncJournal serves every call when the loop is its own worker", "[journal][async]") {
    const TempFolder folder;
    net::io_context loop;
    AsyncJournal journal{new_journal(folder.file("journal.db")), loop.get_executor()};
    CHECK(journal.epoch() == epoch_id(1));
    bool is_done = false;
    net::co_spawn(loop, use(journal, is_done), report);
    loop.run();
    CHECK(is_done);
}

TEST_CASE("AsyncJournal serves every call from a storage worker of one thread",
          "[journal][async]") {
    const TempFolder folder;
    net::thread_pool worker{1};
    net::io_context loop;
    bool is_done = false;
    {
        AsyncJournal journal{new_journal(folder.file("journal.db")), worker.get_executor()};
        net::co_spawn(loop, use(journal, is_done), report);
        loop.run();
        worker.join();
    }
    CHECK(is_done);
}

TEST_CASE("A call that runs out of memory ends the connection, and the next one goes on",
          "[journal][async]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    (void)new_journal(path);
    net::io_context loop;
    net::thread_pool worker{1};
    std::optional<fault_new::Region> region;
    net::post(worker, [&region] { region.emplace(); });
    ManualClock clock;
    int broken = 0;
    {
        AsyncJournal journal{[path] { return Journal::open({.path = path}); },
                             worker.get_executor(), clock};
        journal.on_broken([&broken](const Error&) { ++broken; });
        net::co_spawn(loop, open_it(journal), report);
        loop.run();
        int failed = 0;
        for (std::uint64_t nth = 1;; nth += test_effort() < 1 ? 7 : 1) {
            INFO("allocation " << nth);
            const auto next = journal.last().next();
            bool was_short = false;
            net::co_spawn(loop, append_in_need(journal, nth, was_short), report);
            loop.restart();
            loop.run();
            REQUIRE(journal.last() == next);
            if (!was_short) break;
            ++failed;
        }
        CHECK(failed > 3);
        CHECK(broken == failed);
        worker.join();
    }
}
