#pragma once

// Echo requests, by ICMP sockets that those who ask at the same time share. Loop thread only.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "common/core/time.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/entropy.hpp"
#include "daemon/probe/probe_socket.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

/// Asks hosts by ICMP echo.
///
/// The echoes of a round go by one socket for each family, device and hop limit: making a socket
/// costs several times as much as the echo. It is closed when the last of them has its answer, and
/// none of them is sent by one that is older than a second: an interface may come back as another
/// one, and nothing wakes the daemon between two rounds. Sequence and nonce of each echo are random
/// and its host's address is compared, so that nobody takes another's answer or an old one.
class EchoAsker {
public:
    /// `clock`, `entropy` and `binding` must outlive it and the questions under way.
    EchoAsker(net::any_io_executor executor, Clock& clock, Entropy& entropy,
              DeviceBinding& binding);
    ~EchoAsker();
    EchoAsker(const EchoAsker&) = delete;
    EchoAsker& operator=(const EchoAsker&) = delete;

    /// As `Prober::probe`, by a raw or a datagram socket, but for `round_trip`. `address`: the
    /// target's, its port 0. `target`, `address` and `device` must outlive the call's coroutine.
    [[nodiscard]] net::awaitable<ProbeAnswer> ask(const ProbeTarget& target,
                                                  const SocketAddress& address, bool is_raw,
                                                  const std::string& device, Monotonic deadline);

private:
    struct Line;
    struct Waiter;
    struct Place;

    /// An open one, or a new one; nullptr with `failure` set.
    [[nodiscard]] std::shared_ptr<Line> line_for(IpVersion version, bool is_raw, unsigned hop,
                                                 const std::string& device, ProbeAnswer& failure);
    /// Why it could not be sent, if so.
    [[nodiscard]] std::optional<ProbeAnswer> send(Line& line, const Waiter& waiter);
    void wait(const std::shared_ptr<Line>& line);
    /// Gives what has come to those who wait for it.
    void take_in(Line& line);
    /// Empties the error queue.
    void hear(Line& line);
    void answer(Line& line, const NetworkWord& word);

    net::any_io_executor executor_;
    Clock* clock_;
    Entropy* entropy_;
    DeviceBinding* binding_;
    std::vector<std::weak_ptr<Line>> lines_;
};

/// An ICMP socket, raw or datagram; -1 with errno set.
[[nodiscard]] int open_icmp_socket(IpVersion version, bool is_raw);

}  // namespace gerbang
