#include "daemon/meter/netlink_watch.hpp"

#include <linux/rtnetlink.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "daemon/meter/netlink_messages.hpp"
#include "daemon/meter/netlink_socket.hpp"

namespace gerbang {
namespace {

using netlink::Socket;

constexpr Millis kPace{1000};
/// Datagrams taken in one go; the rest of a storm waits for the next turn of the loop.
constexpr int kMostAtOnce = 64;

class NetlinkWatch final : public LinkWatch {
public:
    NetlinkWatch(net::any_io_executor executor, Clock& clock, Socket socket)
        : clock_{&clock},
          socket_{std::move(socket)},
          descriptor_{std::move(executor), socket_.descriptor()} {}
    ~NetlinkWatch() override { (void)descriptor_.release(); }  // the socket closes it
    NetlinkWatch(const NetlinkWatch&) = delete;
    NetlinkWatch& operator=(const NetlinkWatch&) = delete;

    net::awaitable<bool> changed() override {
        while (!is_stopped_) {
            if (last_wake_ && clock_->now() < *last_wake_ + kPace) {
                const bool is_on = co_await clock_->sleep_until(*last_wake_ + kPace, &bell_);
                if (!is_on) co_return false;
                continue;
            }
            auto [error] = co_await descriptor_.async_wait(net::posix::descriptor_base::wait_read,
                                                           net::as_tuple(net::use_awaitable));
            if (error || is_stopped_) co_return false;
            if (take_in()) {
                last_wake_ = clock_->now();
                co_return true;
            }
        }
        co_return false;
    }

    void stop() override {
        is_stopped_ = true;
        bell_.ring();
        boost::system::error_code ignored;
        descriptor_.cancel(ignored);
    }

private:
    bool take_in() {
        bool is_change = false;
        for (int i = 0; i < kMostAtOnce; ++i) {
            const auto received = socket_.receive_waiting();
            if (received.has_overrun) is_change = true;
            if (received.has_failed) is_stopped_ = true;
            if (received.datagram.empty()) break;
            if (filter_.takes(received.datagram)) is_change = true;
        }
        return is_change;
    }

    Clock* clock_;
    Socket socket_;
    net::posix::stream_descriptor descriptor_;
    netlink::ChangeFilter filter_;
    std::optional<Monotonic> last_wake_;
    Bell bell_;
    bool is_stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<LinkWatch>> open_netlink_watch(net::any_io_executor executor, Clock& clock) {
    constexpr std::array kGroups{int{RTNLGRP_LINK}, int{RTNLGRP_IPV4_ROUTE},
                                 int{RTNLGRP_IPV6_ROUTE}};
    auto socket = Socket::open(kGroups);
    if (!socket) return socket.error();
    try {
        return std::unique_ptr<LinkWatch>{
            std::make_unique<NetlinkWatch>(std::move(executor), clock, std::move(*socket))};
    } catch (const boost::system::system_error& error) {
        return Error{Errc::unreachable, std::string{"watch rtnetlink: "} + error.what()};
    }
}

}  // namespace gerbang
