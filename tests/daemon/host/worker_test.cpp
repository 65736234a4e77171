#include "daemon/host/worker.hpp"

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/core/result.hpp"
#include "daemon/host/offload.hpp"

using namespace gerbang;

namespace {

void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

struct Seen {
    std::thread::id loop;
    std::thread::id worker;
    std::thread::id after;
    std::string name;
    bool blocks_sigterm = false;
};

net::awaitable<void> look_around(net::any_io_executor worker, Seen& seen) {
    seen.loop = std::this_thread::get_id();
    auto looked = co_await offload(worker, [] {
        std::array<char, 16> name{};
        ::pthread_getname_np(::pthread_self(), name.data(), name.size());
        sigset_t blocked{};
        ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        Seen inside;
        inside.worker = std::this_thread::get_id();
        inside.name = name.data();
        inside.blocks_sigterm = ::sigismember(&blocked, SIGTERM) == 1;
        return inside;
    });
    seen.worker = looked.worker;
    seen.name = looked.name;
    seen.blocks_sigterm = looked.blocks_sigterm;
    seen.after = std::this_thread::get_id();
}

net::awaitable<void> add_one(net::any_io_executor worker, int number, std::vector<int>& order,
                             std::vector<int>& results) {
    const int result = co_await offload(worker, [number, &order] {
        order.push_back(number);
        return number * 2;
    });
    results.push_back(result);
}

net::awaitable<void> keep_failing(net::any_io_executor worker, std::string& detail) {
    const auto failed = co_await offload(worker, []() -> Result<std::unique_ptr<int>> {
        return Error{Errc::storage_full, "disk full"};
    });
    if (!failed) detail = failed.error().detail;
    auto kept = co_await offload(
        worker, []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); });
    if (kept) detail += " " + std::to_string(**kept);
}

net::awaitable<void> wait_for(net::any_io_executor worker, std::shared_future<void> gate,
                              bool& came_back) {
    auto wait = [gate] {
        gate.wait();
        return true;
    };
    (void)co_await offload(worker, std::move(wait));
    came_back = true;
}

}  // namespace

TEST_CASE("offload works on the worker's thread and resumes on the loop's", "[host]") {
    net::io_context io;
    Worker worker{"storage-worker-x"};
    Seen seen;
    net::co_spawn(io, look_around(worker.executor(), seen), rethrow);
    io.run();
    CHECK(seen.loop == std::this_thread::get_id());
    CHECK(seen.after == seen.loop);
    CHECK(seen.worker != seen.loop);
    CHECK(seen.name == "storage-worker-");
    CHECK(seen.blocks_sigterm);
    sigset_t ours{};
    ::pthread_sigmask(SIG_SETMASK, nullptr, &ours);
    CHECK(::sigismember(&ours, SIGTERM) == 0);
}

TEST_CASE("offload keeps the order of its callers", "[host]") {
    net::io_context io;
    Worker worker{"storage"};
    std::vector<int> order;
    std::vector<int> results;
    for (int i = 0; i < 100; ++i) {
        net::co_spawn(io, add_one(worker.executor(), i, order, results), rethrow);
    }
    io.run();
    REQUIRE(results.size() == 100);
    for (int i = 0; i < 100; ++i) {
        CHECK(order[static_cast<std::size_t>(i)] == i);
        CHECK(results[static_cast<std::size_t>(i)] == 2 * i);
    }
}

TEST_CASE("offload carries move-only results and errors", "[host]") {
    net::io_context io;
    Worker worker{"storage"};
    std::string detail;
    net::co_spawn(io, keep_failing(worker.executor(), detail), rethrow);
    io.run();
    CHECK(detail == "disk full 7");
}

TEST_CASE("offload onto the loop itself runs in turn, as tests do it", "[host]") {
    net::io_context io;
    std::vector<int> order;
    std::vector<int> results;
    net::co_spawn(io, add_one(io.get_executor(), 1, order, results), rethrow);
    CHECK(io.run() > 0);
    CHECK(results == std::vector<int>{2});
}

TEST_CASE("offload keeps the loop alive while work is under way", "[host]") {
    net::io_context io;
    Worker worker{"storage"};
    std::promise<void> gate;
    bool came_back = false;
    net::co_spawn(io, wait_for(worker.executor(), gate.get_future().share(), came_back), rethrow);
    io.poll();
    CHECK_FALSE(io.stopped());
    CHECK_FALSE(came_back);
    gate.set_value();
    io.run();
    CHECK(came_back);
}

TEST_CASE("Cancelling a caller of offload does not tear its frame from under the work",
          "[host][trap]") {
    net::io_context io;
    Worker worker{"storage"};
    std::promise<void> gate;
    bool came_back = false;
    net::cancellation_signal cancel;
    std::exception_ptr end;
    bool has_ended = false;
    net::co_spawn(io, wait_for(worker.executor(), gate.get_future().share(), came_back),
                  net::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error) {
                      end = error;
                      has_ended = true;
                  }));
    io.poll();
    cancel.emit(net::cancellation_type::all);
    io.poll();
    CHECK_FALSE(has_ended);  // the work is under way: the caller waits for it
    gate.set_value();
    io.run();
    CHECK(has_ended);
    CHECK(came_back);
}

TEST_CASE("Joining the worker first makes it safe to destroy the loop with callers suspended",
          "[host][trap]") {
    std::promise<void> gate;
    bool came_back = false;
    {
        net::io_context io;
        Worker worker{"storage"};
        net::co_spawn(io, wait_for(worker.executor(), gate.get_future().share(), came_back),
                      rethrow);
        io.poll();
        gate.set_value();
        worker.join();
        worker.join();
    }
    CHECK_FALSE(came_back);  // its result was never collected, and its frame is gone
}

TEST_CASE("Worker finishes everything it was given before it ends", "[host]") {
    std::atomic<int> done{0};
    {
        const Worker worker{"storage"};
        for (int i = 0; i < 1000; ++i) net::post(worker.executor(), [&done] { ++done; });
    }
    CHECK(done == 1000);
}
