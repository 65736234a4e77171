#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>

#include "daemon/host/async.hpp"

namespace gerbang {

/// What the operator or systemd asks of a running daemon.
enum class Signal {
    stop,    ///< SIGTERM, SIGINT: end cleanly
    reload,  ///< SIGHUP: read the configuration again
};

/// Receives the process's signals on the loop; SIGPIPE is ignored from the construction on. One
/// object a process. Signals that arrive between two calls of `next` are kept. Loop thread only;
/// must be destroyed before the loop's io_context.
class Signals {
public:
    explicit Signals(const net::any_io_executor& loop);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// The next signal; nothing after `stop`. At most one waiter.
    [[nodiscard]] net::awaitable<std::optional<Signal>> next();
    /// Ends the waiter, and every later one at once. The signals get their default effect again.
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gerbang
