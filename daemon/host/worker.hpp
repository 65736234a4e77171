#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "daemon/host/async.hpp"

namespace gerbang {

/// One named thread for blocking work, reached by `offload(worker.executor(), ...)`. Work runs in
/// the order in which it was given, one piece at a time. Signals are left to the loop thread.
///
/// Work that throws is our own bug: the reason is logged and the process ends.
class Worker {
public:
    /// `name` shows up in `top -H`; at most 15 bytes count.
    explicit Worker(const std::string& name);
    /// Joins.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    [[nodiscard]] net::any_io_executor executor() const;
    /// Finishes all work given so far and ends the thread; later work never runs. Call it before
    /// the io_context of the callers dies. Idempotent; not from the worker itself.
    void join();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gerbang
