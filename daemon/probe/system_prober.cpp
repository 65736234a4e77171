#include "daemon/probe/system_prober.hpp"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/host/log.hpp"
#include "daemon/probe/echo.hpp"

namespace gerbang {
namespace {

using boost::system::error_code;

constexpr int kMaxMessagesPerWake = 64;

struct Address {
    IpVersion version = IpVersion::v4;
    sockaddr_storage storage{};
    socklen_t size = 0;
};

std::optional<Address> parse_address(const std::string& text, std::uint16_t port) {
    error_code error;
    const auto parsed = net::ip::make_address(text, error);
    if (error) return std::nullopt;
    Address address;
    if (parsed.is_v4()) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        in.sin_addr.s_addr = htonl(parsed.to_v4().to_uint());
        std::memcpy(&address.storage, &in, sizeof in);
        address.size = sizeof in;
        return address;
    }
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    const auto bytes = parsed.to_v6().to_bytes();
    std::memcpy(&in.sin6_addr, bytes.data(), bytes.size());
    in.sin6_scope_id = static_cast<std::uint32_t>(parsed.to_v6().scope_id());
    address.version = IpVersion::v6;
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
    return address;
}

int open_socket(IpVersion version, ProbeMethod method) {
    const int family = version == IpVersion::v4 ? AF_INET : AF_INET6;
    const int protocol = method == ProbeMethod::tcp ? 0
                         : version == IpVersion::v4 ? static_cast<int>(IPPROTO_ICMP)
                                                    : static_cast<int>(IPPROTO_ICMPV6);
    const int type = method == ProbeMethod::tcp             ? SOCK_STREAM
                     : method == ProbeMethod::icmp_datagram ? SOCK_DGRAM
                                                            : SOCK_RAW;
    return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

ProbeMethod best_method(IpVersion version) {
    for (const auto method : {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw}) {
        const int fd = open_socket(version, method);
        if (fd < 0) continue;
        ::close(fd);
        return method;
    }
    return ProbeMethod::tcp;
}

const char* name_of(ProbeMethod method) {
    switch (method) {
        case ProbeMethod::icmp_datagram:
            return "icmp_datagram";
        case ProbeMethod::icmp_raw:
            return "icmp_raw";
        case ProbeMethod::tcp:
            break;
    }
    return "tcp";
}

std::string text_of(int code) {
    switch (code) {
        case ENETUNREACH:
        case ENETDOWN:
            return "network unreachable";
        case EHOSTUNREACH:
        case EHOSTDOWN:
            return "host unreachable";
        case ECONNREFUSED:
            return "refused";
        case EACCES:
        case EPERM:
            return "not permitted";
        default:
            return error_code{code, boost::system::system_category()}.message();
    }
}

template <class Value>
void set_option(int fd, int level, int name, const Value& value) {
    // Best effort: without it a probe waits longer or wakes more often, and is still right.
    (void)::setsockopt(fd, level, name, &value, sizeof value);
}

/// Asks the kernel to report ICMP errors as errors of the socket, and to drop on a raw socket what
/// is no echo reply.
void tune(int fd, IpVersion version, ProbeMethod method) {
    if (method == ProbeMethod::tcp) return;
    const int on = 1;
    if (version == IpVersion::v4) {
        set_option(fd, IPPROTO_IP, IP_RECVERR, on);
        if (method == ProbeMethod::icmp_raw) {
            icmp_filter filter{};
            filter.data = ~(1U << ICMP_ECHOREPLY);
            set_option(fd, SOL_RAW, ICMP_FILTER, filter);
        }
        return;
    }
    set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, on);
    if (method == ProbeMethod::icmp_raw) {
        icmp6_filter filter{};
        for (auto& word : filter.data) word = ~0U;
        filter.data[ICMPV6_ECHO_REPLY >> 5] &= ~(1U << (ICMPV6_ECHO_REPLY & 31));
        set_option(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filter);
    }
}

/// A socket and the bell that its readiness rings. Shared with the pending wait, which may outlive
/// the probe by one turn of the loop.
struct Waiting {
    Waiting(net::any_io_executor executor, int fd) : socket{std::move(executor), fd} {}

    net::posix::stream_descriptor socket;
    Bell bell;
    bool is_ready = false;
};

/// Sleeps until the socket is ready; false at the deadline or when the clock was stopped.
net::awaitable<bool> wait_ready(std::shared_ptr<Waiting> waiting,
                                net::posix::stream_descriptor::wait_type direction, Clock& clock,
                                Monotonic deadline) {
    waiting->is_ready = false;
    waiting->socket.async_wait(direction, [waiting](const error_code& error) {
        if (error == net::error::operation_aborted) return;
        waiting->is_ready = true;
        waiting->bell.ring();
    });
    while (!waiting->is_ready && clock.now() < deadline) {
        const bool is_on = co_await clock.sleep_until(deadline, &waiting->bell);
        if (!is_on) break;
    }
    if (!waiting->is_ready) {
        error_code ignored;
        waiting->socket.cancel(ignored);
    }
    co_return waiting->is_ready;
}

class SocketProber final : public SystemProber {
public:
    SocketProber(net::any_io_executor executor, Clock& clock, Entropy& entropy,
                 std::optional<ProbeMethod> only)
        : executor_{std::move(executor)},
          clock_{&clock},
          entropy_{&entropy},
          method_v4_{only.value_or(best_method(IpVersion::v4))},
          method_v6_{only.value_or(best_method(IpVersion::v6))} {}

    [[nodiscard]] std::string method() const override {
        std::string text = name_of(method_v4_);
        if (method_v6_ != method_v4_) text += std::string{", IPv6 by "} + name_of(method_v6_);
        return text;
    }
    [[nodiscard]] bool binds_to_device() const override { return may_bind_; }

    [[nodiscard]] net::awaitable<ProbeAnswer> probe(const ProbeTarget& target,
                                                    const std::string& device,
                                                    Millis timeout) override {
        const auto begun = clock_->now();
        const auto address = parse_address(target.address, target.tcp_port);
        if (!address) co_return ProbeAnswer{.detail = "not a numeric address: " + target.address};
        const auto method = address->version == IpVersion::v4 ? method_v4_ : method_v6_;
        const int fd = open_socket(address->version, method);
        if (fd < 0) co_return ProbeAnswer{.detail = "socket: " + text_of(errno)};
        auto waiting = std::make_shared<Waiting>(executor_, fd);
        tune(fd, address->version, method);
        if (const int code = bind_to(fd, device); code != 0) {
            co_return ProbeAnswer{.detail = "device " + device + ": " + text_of(code)};
        }
        std::string failure;
        if (method == ProbeMethod::tcp) {
            failure = co_await connect(waiting, *address, begun + timeout);
        } else {
            failure = co_await echo(waiting, *address, method, begun + timeout);
        }
        ProbeAnswer answer{.answered = failure.empty(), .detail = std::move(failure)};
        if (answer.answered) {
            answer.round_trip = std::chrono::duration_cast<Millis>(clock_->now() - begun);
        }
        co_return answer;
    }

private:
    /// 0, or why `fd` cannot be bound to `device`. Not being permitted is no reason not to ask.
    int bind_to(int fd, const std::string& device) {
        if (device.empty() || !may_bind_) return 0;
        if (device.size() >= IFNAMSIZ) return ENODEV;
        if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                         static_cast<socklen_t>(device.size() + 1)) == 0) {
            return 0;
        }
        if (errno != EPERM) return errno;
        may_bind_ = false;
        log(LogLevel::warning, "probe_not_bound",
            {{"device", device},
             {"detail", "the kernel does not permit it; probes take the default route"}});
        return 0;
    }

    [[nodiscard]] std::string no_answer() const {
        return clock_->is_stopped() ? "stopped" : "time-out";
    }

    /// Empty when the target answered, else why not.
    net::awaitable<std::string> connect(std::shared_ptr<Waiting> waiting, Address address,
                                        Monotonic deadline) {
        const int fd = waiting->socket.native_handle();
        const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
        int code = ::connect(fd, name, address.size) == 0 ? 0 : errno;
        if (code == EINPROGRESS) {
            const bool is_ready = co_await wait_ready(
                waiting, net::posix::stream_descriptor::wait_write, *clock_, deadline);
            if (!is_ready) co_return no_answer();
            socklen_t size = sizeof code;
            if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
        }
        // Whoever refuses is there.
        co_return code == 0 || code == ECONNREFUSED ? std::string{} : text_of(code);
    }

    net::awaitable<std::string> echo(std::shared_ptr<Waiting> waiting, Address address,
                                     ProbeMethod method, Monotonic deadline) {
        const int fd = waiting->socket.native_handle();
        const auto random = entropy_->bits();
        const EchoKey key{.identifier = static_cast<std::uint16_t>(random),
                          .sequence = static_cast<std::uint16_t>(random >> 16),
                          .nonce = entropy_->bits()};
        // Connected, so that the kernel delivers this host's messages and errors only.
        reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = 0;
        const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
        if (::connect(fd, name, address.size) != 0) co_return text_of(errno);
        const auto request = make_echo_request(address.version, key);
        if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
            co_return text_of(errno);
        }
        const bool is_raw = method == ProbeMethod::icmp_raw;
        std::array<std::uint8_t, 256> message{};
        for (;;) {
            const bool is_ready = co_await wait_ready(
                waiting, net::posix::stream_descriptor::wait_read, *clock_, deadline);
            if (!is_ready) co_return no_answer();
            for (int i = 0; i < kMaxMessagesPerWake; ++i) {
                const auto size = ::recv(fd, message.data(), message.size(), MSG_TRUNC);
                if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
                if (size < 0) co_return text_of(errno);
                if (static_cast<std::size_t>(size) > message.size()) continue;
                const std::span bytes{message.data(), static_cast<std::size_t>(size)};
                if (is_echo_reply(address.version, bytes,
                                  is_raw && address.version == IpVersion::v4, is_raw, key)) {
                    co_return std::string{};
                }
            }
        }
    }

    net::any_io_executor executor_;
    Clock* clock_;
    Entropy* entropy_;
    ProbeMethod method_v4_;
    ProbeMethod method_v6_;
    bool may_bind_ = true;
};

}  // namespace

std::unique_ptr<SystemProber> open_system_prober(net::any_io_executor executor, Clock& clock,
                                                 Entropy& entropy,
                                                 std::optional<ProbeMethod> only) {
    return std::make_unique<SocketProber>(std::move(executor), clock, entropy, only);
}

}  // namespace gerbang
