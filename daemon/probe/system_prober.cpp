#include "daemon/probe/system_prober.hpp"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "daemon/probe/echo.hpp"
#include "daemon/probe/name_asker.hpp"
#include "daemon/probe/probe_socket.hpp"

namespace gerbang {
namespace {

constexpr int kMaxMessagesPerWake = 64;

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

template <class Value>
void set_option(int fd, int level, int name, const Value& value) {
    // Best effort: without it a probe waits longer or wakes more often, and is still right.
    (void)::setsockopt(fd, level, name, &value, sizeof value);
}

/// Drops on a raw socket what is no echo reply, and lets the message die at `hop`, if any.
void tune(int fd, IpVersion version, ProbeMethod method, unsigned hop) {
    report_errors(fd, version);
    const int hops = static_cast<int>(hop);
    if (version == IpVersion::v4) {
        if (hop > 0) set_option(fd, IPPROTO_IP, IP_TTL, hops);
        if (method == ProbeMethod::icmp_raw) {
            icmp_filter filter{};
            filter.data = ~(1U << ICMP_ECHOREPLY);
            set_option(fd, SOL_RAW, ICMP_FILTER, filter);
        }
        return;
    }
    if (hop > 0) set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
    if (method == ProbeMethod::icmp_raw) {
        icmp6_filter filter{};
        for (auto& word : filter.data) word = ~0U;
        filter.data[ICMPV6_ECHO_REPLY >> 5] &= ~(1U << (ICMPV6_ECHO_REPLY & 31));
        set_option(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filter);
    }
}

/// Whether the kernel knows a way to the address. A socket that is bound to a device never hears
/// that there is none: without a route it takes every IPv4 address for a neighbour there.
bool has_route(const SocketAddress& address) {
    const int fd = ::socket(address.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return true;
    const bool is_lost = ::connect(fd, address.get(), address.size) != 0 && errno == ENETUNREACH;
    ::close(fd);
    return !is_lost;
}

/// The scope of a link-local address is its device.
bool has_scope(const SocketAddress& address) {
    return address.version == IpVersion::v6 &&
           reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_scope_id != 0;
}

/// One echo request on a connected socket, and what may come back to it.
class Echo {
public:
    Echo(int fd, const ProbeTarget& target, IpVersion version, bool is_raw, Entropy& entropy)
        : fd_{fd}, target_{&target}, version_{version}, is_raw_{is_raw} {
        const auto random = entropy.bits();
        key_ = {.identifier = static_cast<std::uint16_t>(random),
                .sequence = static_cast<std::uint16_t>(random >> 16),
                .nonce = entropy.bits()};
    }

    /// Why it could not be sent, if so.
    [[nodiscard]] std::optional<ProbeAnswer> send() const {
        const auto request = make_echo_request(version_, key_);
        if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) >= 0) return std::nullopt;
        return could_not_ask(errno);
    }

    /// What has come so far, if it ends the question. Other people's messages do not.
    [[nodiscard]] std::optional<ProbeAnswer> receive() const {
        std::array<std::uint8_t, 256> message{};
        for (int i = 0; i < kMaxMessagesPerWake; ++i) {
            if (auto said = hear()) return said;
            const auto size = ::recv(fd_, message.data(), message.size(), MSG_TRUNC);
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
            if (size < 0) {
                // The error of a word that came just now is reported once more here.
                const int code = errno;
                if (auto said = hear()) return said;
                if (code == ENETDOWN || code == ENODEV) return could_not_ask(code);
                continue;
            }
            if (static_cast<std::size_t>(size) > message.size()) continue;
            const std::span bytes{message.data(), static_cast<std::size_t>(size)};
            if (is_echo_reply(version_, bytes, is_raw_ && version_ == IpVersion::v4, is_raw_,
                              key_)) {
                return ProbeAnswer{.answered = true,
                                   .detail = target_->hop > 0 ? target_->address : std::string{}};
            }
        }
        return std::nullopt;
    }

private:
    /// Empties the error queue up to the first word about our request.
    [[nodiscard]] std::optional<ProbeAnswer> hear() const {
        for (int i = 0; i < kMaxMessagesPerWake; ++i) {
            const auto word = next_word(fd_);
            if (!word) return std::nullopt;
            if (!quotes_echo_request(version_, word->quote(), is_raw_, key_)) continue;
            if (word->is_time_exceeded && target_->hop > 0) {
                return ProbeAnswer{.answered = true, .detail = word->from};
            }
            auto answer = silent_by(*word);
            // A refusal by the host itself: it is there.
            const auto host = target_->address.substr(0, target_->address.find('%'));
            if (!word->is_own && word->from == host) {
                answer.answered = true;
                answer.silence = Silence::refused;
            }
            return answer;
        }
        return std::nullopt;
    }

    int fd_;
    const ProbeTarget* target_;
    IpVersion version_;
    bool is_raw_;
    EchoKey key_;
};

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
    [[nodiscard]] bool binds_to_device() const override { return binding_.may_bind(); }

    [[nodiscard]] net::awaitable<ProbeAnswer> probe(const ProbeTarget& target,
                                                    const std::string& device,
                                                    Millis timeout) override {
        const auto begun = clock_->now();
        auto address = parse_socket_address(target.address, target.tcp_port);
        if (!address) {
            co_return silent(Silence::local, "not a numeric address: " + target.address);
        }
        const auto method = address->version == IpVersion::v4 ? method_v4_ : method_v6_;
        const bool is_tcp = method == ProbeMethod::tcp;
        if (is_tcp && target.hop > 0) co_return silent(Silence::local, "needs ICMP");
        const int fd = open_socket(address->version, method);
        if (fd < 0) co_return could_not_ask(errno);
        const auto waiting = watch(executor_, fd);
        if (is_tcp) {
            // Closed by one packet instead of three: asked all day long, that counts.
            set_option(fd, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
        } else {
            tune(fd, address->version, method, target.hop);
        }
        const bool is_bound = !device.empty() && !has_scope(*address);
        if (is_bound) {
            if (auto unbound = binding_.bind(fd, device)) co_return std::move(*unbound);
        }
        // An echo's socket is connected too, so that the kernel delivers this host's messages and
        // errors only; the place of the port must be 0 on raw IPv6 sockets.
        if (!is_tcp) reinterpret_cast<sockaddr_in*>(&address->storage)->sin_port = 0;
        const int code = ::connect(fd, address->get(), address->size) == 0 ? 0 : errno;
        if (code != 0 && code != EINPROGRESS && code != ECONNREFUSED) {
            co_return could_not_ask(code);
        }
        ProbeAnswer answer;
        if (is_tcp) {
            answer = co_await connected(waiting, fd, code, begun + timeout);
        } else {
            const Echo echo{fd, target, address->version, method == ProbeMethod::icmp_raw,
                            *entropy_};
            answer = co_await echoed(waiting, echo, begun + timeout);
        }
        if (answer.answered) {
            answer.round_trip = std::chrono::duration_cast<Millis>(clock_->now() - begun);
        } else if (answer.silence == Silence::timeout && is_bound && !has_route(*address)) {
            answer = could_not_ask(ENETUNREACH);
        }
        co_return answer;
    }

    [[nodiscard]] net::awaitable<ProbeAnswer> ask_name(const NameQuestion& question,
                                                       const std::string& device,
                                                       Millis timeout) override {
        return ask_resolver(library_, executor_, *clock_, binding_, question, device, timeout);
    }

private:
    /// How the TCP connection went that began with `code`.
    net::awaitable<ProbeAnswer> connected(std::shared_ptr<Waiting> waiting, int fd, int code,
                                          Monotonic deadline) {
        if (code == EINPROGRESS) {
            const bool is_ready = co_await wait_ready(waiting, true, *clock_, deadline);
            if (!is_ready) co_return nothing_came(*clock_);
            socklen_t size = sizeof code;
            if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
        }
        if (code == 0) co_return ProbeAnswer{.answered = true, .detail = {}};
        // Whoever refuses is there.
        if (code == ECONNREFUSED) {
            co_return ProbeAnswer{
                .answered = true, .detail = "refused", .silence = Silence::refused};
        }
        if (code == ETIMEDOUT) co_return silent(Silence::timeout, "time-out");
        const auto word = next_word(fd);
        co_return silent_by(word ? *word : NetworkWord{.code = code});
    }

    net::awaitable<ProbeAnswer> echoed(std::shared_ptr<Waiting> waiting, const Echo& echo,
                                       Monotonic deadline) {
        if (auto unsent = echo.send()) co_return std::move(*unsent);
        for (;;) {
            const bool is_ready = co_await wait_ready(waiting, false, *clock_, deadline);
            if (!is_ready) co_return nothing_came(*clock_);
            if (auto answer = echo.receive()) co_return std::move(*answer);
        }
    }

    net::any_io_executor executor_;
    Clock* clock_;
    Entropy* entropy_;
    ProbeMethod method_v4_;
    ProbeMethod method_v6_;
    DeviceBinding binding_;
    std::shared_ptr<NameLibrary> library_ = std::make_shared<NameLibrary>();
};

}  // namespace

std::unique_ptr<SystemProber> open_system_prober(net::any_io_executor executor, Clock& clock,
                                                 Entropy& entropy,
                                                 std::optional<ProbeMethod> only) {
    return std::make_unique<SocketProber>(std::move(executor), clock, entropy, only);
}

}  // namespace gerbang
