#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>

#include "daemon/host/async.hpp"

namespace gerbang {

/// Starts loops and waits until every one of them has returned. A loop that throws ends the
/// process with a logged reason: its work would silently stop otherwise. Loop thread only.
class Join {
public:
    explicit Join(net::any_io_executor executor) : executor_{std::move(executor)} {}

    /// `name` appears in the log should the loop throw.
    void start(const char* name, std::function<net::awaitable<void>()> loop);
    /// Counts as a loop while it lives: work that somebody else awaits and that uses what the
    /// waiter of `all_done` is about to destroy.
    class Guard {
    public:
        explicit Guard(Join& join) : join_{&join} { ++join_->running_; }
        ~Guard() { join_->leave(); }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;

    private:
        Join* join_;
    };
    /// Resumes when all loops have returned. At most one waiter.
    [[nodiscard]] net::awaitable<void> all_done();

private:
    void leave();

    net::any_io_executor executor_;
    std::size_t running_ = 0;
    std::function<void()> on_idle_;
};

}  // namespace gerbang
