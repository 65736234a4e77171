#pragma once

// What questions by ICMP, TCP and DNS share: addresses, binding to the WAN, waiting, and the words
// of the network about what was sent. Loop thread only.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/probe/echo.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

struct SocketAddress {
    IpVersion version = IpVersion::v4;
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};
/// Nothing when `text` is no numeric address; IPv6 may carry a scope ("fe80::1%eth0").
[[nodiscard]] std::optional<SocketAddress> parse_socket_address(const std::string& text,
                                                                std::uint16_t port);

/// An answer that is none.
[[nodiscard]] ProbeAnswer silent(Silence silence, std::string detail);
/// Why this box could not ask, from the errno of socket(), connect() or send().
[[nodiscard]] ProbeAnswer could_not_ask(int code);
/// Neither answer nor error before the deadline: silence, or `clock` was stopped.
[[nodiscard]] ProbeAnswer nothing_came(const Clock& clock);

/// Binds sockets to the WAN interface as long as the kernel permits it.
class DeviceBinding {
public:
    /// Nothing, or why `fd` must not be used: it would leave by another interface. Empty `device`:
    /// not bound. Not being permitted is no reason not to ask: it is said in the log once.
    [[nodiscard]] std::optional<ProbeAnswer> bind(int fd, const std::string& device);
    [[nodiscard]] bool may_bind() const noexcept { return may_bind_; }

private:
    bool may_bind_ = true;
};

/// Asks the kernel to queue the network's words about what `fd` sends.
void report_errors(int fd, IpVersion version);

/// One entry of a socket's error queue.
struct NetworkWord {
    int code = 0;  ///< errno
    bool is_time_exceeded = false;
    /// This box said it itself: nobody at the other end of the cable answers to the address.
    bool is_own = false;
    std::string from{};  ///< address of the router or host that said it; empty: not known
    std::array<std::uint8_t, 128> bytes{};
    std::size_t size = 0;

    /// What it quotes of the message that it is about.
    [[nodiscard]] std::span<const std::uint8_t> quote() const { return {bytes.data(), size}; }
};
/// The oldest entry, taken out of the queue; nothing when it is empty. `is_own` also for what this
/// box says in the place of a router, if `fd` is connected.
[[nodiscard]] std::optional<NetworkWord> next_word(int fd);
/// The address that this box sends from to `address`, by `device` if it is not empty; empty when
/// nothing can be sent there.
[[nodiscard]] std::string own_address_towards(const SocketAddress& address,
                                              const std::string& device, DeviceBinding& binding);
/// What a word that is no answer says about the question.
[[nodiscard]] ProbeAnswer silent_by(const NetworkWord& word);

/// A socket that somebody waits for. Closed with the last owner; the pending wait is one, and may
/// outlive the question by one turn of the loop.
struct Waiting;
/// Takes `fd` over.
[[nodiscard]] std::shared_ptr<Waiting> watch(const net::any_io_executor& executor, int fd);
/// Sleeps until the socket is readable (writable) or has an error; false at the deadline or when
/// the clock was stopped.
[[nodiscard]] net::awaitable<bool> wait_ready(std::shared_ptr<Waiting> waiting, bool for_writing,
                                              Clock& clock, Monotonic deadline);

}  // namespace gerbang
