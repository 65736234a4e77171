#include "daemon/probe/system_prober.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/probe/echo_asker.hpp"
#include "daemon/probe/name_asker.hpp"
#include "daemon/probe/probe_socket.hpp"

namespace gerbang {
namespace {

ProbeMethod best_method(IpVersion version) {
    for (const auto method : {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw}) {
        const int fd = open_icmp_socket(version, method == ProbeMethod::icmp_raw);
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

class SocketProber final : public SystemProber {
public:
    SocketProber(net::any_io_executor executor, Clock& clock, Entropy& entropy,
                 std::optional<ProbeMethod> only)
        : executor_{std::move(executor)},
          clock_{&clock},
          echoes_{executor_, clock, entropy, binding_},
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
        const bool is_bound = !device.empty() && !has_scope(*address);
        const std::string on = is_bound ? device : std::string{};
        ProbeAnswer answer;
        if (is_tcp) {
            answer = co_await connected(*address, on, begun + timeout);
        } else {
            // The place of the port must be 0 on raw IPv6 sockets.
            reinterpret_cast<sockaddr_in*>(&address->storage)->sin_port = 0;
            answer = co_await echoes_.ask(target, *address, method == ProbeMethod::icmp_raw, on,
                                          begun + timeout);
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
    /// How a TCP connection goes.
    net::awaitable<ProbeAnswer> connected(const SocketAddress& address, const std::string& device,
                                          Monotonic deadline) {
        const int fd =
            ::socket(address.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) co_return could_not_ask(errno);
        const auto waiting = watch(executor_, fd);
        // Closed by one packet instead of three: asked all day long, that counts. Best effort.
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        if (auto unbound = binding_.bind(fd, device)) co_return std::move(*unbound);
        int code = ::connect(fd, address.get(), address.size) == 0 ? 0 : errno;
        if (code != 0 && code != EINPROGRESS && code != ECONNREFUSED) {
            co_return could_not_ask(code);
        }
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

    net::any_io_executor executor_;
    Clock* clock_;
    DeviceBinding binding_;
    EchoAsker echoes_;
    ProbeMethod method_v4_;
    ProbeMethod method_v6_;
    std::shared_ptr<NameLibrary> library_ = std::make_shared<NameLibrary>();
};

}  // namespace

std::unique_ptr<SystemProber> open_system_prober(net::any_io_executor executor, Clock& clock,
                                                 Entropy& entropy,
                                                 std::optional<ProbeMethod> only) {
    return std::make_unique<SocketProber>(std::move(executor), clock, entropy, only);
}

}  // namespace gerbang
