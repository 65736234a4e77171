#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

#include "daemon/host/async.hpp"

namespace gerbang {

/// Runs blocking `work` on `worker`, then resumes the caller on its own executor with the result.
///
/// A closure whose captures have destructors must have a name and be moved in: g++ 12 copies an
/// unnamed one inside a `co_await` expression byte by byte and destroys it twice.
///
/// The only way to a worker thread. Not cancellable, so `work` has its own deadline; it must not
/// throw. Join `worker` before the caller's io_context dies. Include this header in .cpp files.
template <class Work>
net::awaitable<std::invoke_result_t<Work>> offload(net::any_io_executor worker, Work work) {
    using R = std::invoke_result_t<Work>;
    auto start = [worker, work = std::move(work)](auto done) mutable {
        auto home = net::make_work_guard(net::get_associated_executor(done));
        net::post(worker, [done = std::move(done), work = std::move(work), home]() mutable {
            net::post(home.get_executor(), [done = std::move(done), r = work()]() mutable {
                std::move(done)(std::move(r));
            });
        });
    };
    co_return co_await net::async_initiate<const net::use_awaitable_t<>, void(R)>(
        std::move(start), net::use_awaitable);
}

}  // namespace gerbang
