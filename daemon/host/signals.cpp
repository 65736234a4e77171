#include "daemon/host/signals.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

namespace gerbang {

struct Signals::Impl {
    explicit Impl(const net::any_io_executor& loop) : set{loop, SIGTERM, SIGINT, SIGHUP} {}

    net::signal_set set;
    bool is_stopped = false;
};

Signals::Signals(const net::any_io_executor& loop) : impl_{std::make_unique<Impl>(loop)} {
    // A peer that hangs up is an error of the write call, not the end of the daemon.
    (void)std::signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() = default;

net::awaitable<std::optional<Signal>> Signals::next() {
    if (impl_->is_stopped) co_return std::nullopt;
    const auto [error, number] = co_await impl_->set.async_wait(net::as_tuple(net::use_awaitable));
    if (error) co_return std::nullopt;
    co_return number == SIGHUP ? Signal::reload : Signal::stop;
}

void Signals::stop() {
    impl_->is_stopped = true;
    impl_->set.cancel();
    impl_->set.clear();
}

}  // namespace gerbang
