#include "daemon/app/join.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <exception>
#include <memory>

#include "daemon/host/log.hpp"

namespace gerbang {

void Join::start(const char* name, std::function<net::awaitable<void>()> loop) {
    ++running_;
    // The function object outlives the coroutine that it made: it is the one awaited in `run`.
    auto kept = std::make_shared<std::function<net::awaitable<void>()>>(std::move(loop));
    net::co_spawn(executor_, (*kept)(), [this, name, kept](std::exception_ptr failure) {
        if (failure) {
            try {
                std::rethrow_exception(failure);
            } catch (const std::exception& error) {
                log(LogLevel::error, "loop_failed", {{"loop", name}, {"detail", error.what()}});
            } catch (...) {
                log(LogLevel::error, "loop_failed", {{"loop", name}});
            }
            std::abort();
        }
        leave();
    });
}

void Join::leave() {
    if (--running_ == 0 && on_idle_) std::exchange(on_idle_, nullptr)();
}

net::awaitable<void> Join::all_done() {
    if (running_ == 0) co_return;
    // The suspended caller hangs on a timer, which belongs to the io_context: should that die
    // first (a test's kill), so does the caller, and nothing of it is left in here.
    net::steady_timer idle{co_await net::this_coro::executor, net::steady_timer::time_point::max()};
    on_idle_ = [&idle] { idle.cancel(); };
    (void)co_await idle.async_wait(net::as_tuple(net::use_awaitable));
}

}  // namespace gerbang
