#include "daemon/app/join.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
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
        if (--running_ == 0 && on_idle_) std::exchange(on_idle_, nullptr)();
    });
}

net::awaitable<void> Join::all_done() {
    if (running_ == 0) co_return;
    auto start = [this](auto done) {
        // std::function wants a copyable target; the completion handler is not.
        auto kept = std::make_shared<decltype(done)>(std::move(done));
        on_idle_ = [kept, executor = executor_]() mutable {
            net::post(executor, [kept] { std::move (*kept)(); });
        };
    };
    co_await net::async_initiate<const net::use_awaitable_t<>, void()>(std::move(start),
                                                                       net::use_awaitable);
}

}  // namespace gerbang
