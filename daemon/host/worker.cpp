#include "daemon/host/worker.hpp"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <optional>
#include <thread>

#include "daemon/host/log.hpp"

namespace gerbang {

struct Worker::Impl {
    net::io_context io{1};
    std::optional<net::executor_work_guard<net::io_context::executor_type>> open{
        net::make_work_guard(io)};
    std::thread thread;
};

Worker::Worker(const std::string& name) : impl_{std::make_unique<Impl>()} {
    // The new thread inherits the mask; a signal must interrupt the loop, never an fsync.
    sigset_t all{};
    sigset_t before{};
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    impl_->thread = std::thread{[impl = impl_.get(), name] {
        ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
        try {
            impl->io.run();
        } catch (const std::exception& error) {
            log(LogLevel::error, "worker_failed", {{"worker", name}, {"reason", error.what()}});
            std::abort();
        }
    }};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Worker::~Worker() {
    join();
}

net::any_io_executor Worker::executor() const {
    return impl_->io.get_executor();
}

void Worker::join() {
    impl_->open.reset();
    if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace gerbang
