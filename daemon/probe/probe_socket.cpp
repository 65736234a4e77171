#include "daemon/probe/probe_socket.hpp"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/host/log.hpp"

namespace gerbang {
namespace {

using boost::system::error_code;

/// Empty for an address of neither family.
std::string text_of(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    if (address.ss_family == AF_INET) {
        bytes = &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
    } else if (address.ss_family == AF_INET6) {
        bytes = &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
    } else {
        return {};
    }
    if (::inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr) return {};
    return text.data();
}

std::string own_address(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return text_of(address);
}

std::string message_of(int code) {
    return error_code{code, boost::system::system_category()}.message();
}

/// Takes over what the control message says; false when it says something else.
bool read_control(const cmsghdr& header, NetworkWord& word) {
    const bool is_v4 = header.cmsg_level == IPPROTO_IP && header.cmsg_type == IP_RECVERR;
    const bool is_v6 = header.cmsg_level == IPPROTO_IPV6 && header.cmsg_type == IPV6_RECVERR;
    if (!is_v4 && !is_v6) return false;
    const std::size_t size = header.cmsg_len - CMSG_LEN(0);
    sock_extended_err error{};
    if (header.cmsg_len < CMSG_LEN(sizeof error)) return false;
    const auto* data = reinterpret_cast<const std::uint8_t*>(&header) + CMSG_LEN(0);
    std::memcpy(&error, data, sizeof error);
    word.code = static_cast<int>(error.ee_errno);
    word.is_own = error.ee_origin == SO_EE_ORIGIN_LOCAL;
    word.is_time_exceeded =
        (error.ee_origin == SO_EE_ORIGIN_ICMP && error.ee_type == ICMP_TIME_EXCEEDED) ||
        (error.ee_origin == SO_EE_ORIGIN_ICMP6 && error.ee_type == ICMPV6_TIME_EXCEED);
    sockaddr_storage offender{};
    const std::size_t rest = std::min(size - sizeof error, sizeof offender);
    std::memcpy(&offender, data + sizeof error, rest);
    word.from = text_of(offender);
    return true;
}

}  // namespace

std::optional<SocketAddress> parse_socket_address(const std::string& text, std::uint16_t port) {
    error_code error;
    const auto parsed = net::ip::make_address(text, error);
    if (error) return std::nullopt;
    SocketAddress address;
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

ProbeAnswer silent(Silence silence, std::string detail) {
    return {.detail = std::move(detail), .silence = silence};
}

ProbeAnswer could_not_ask(int code) {
    switch (code) {
        case ENETUNREACH:
        case EHOSTUNREACH:
            return silent(Silence::local, std::string{kNoRoute});
        case ENETDOWN:
            return silent(Silence::local, "interface down");
        case EACCES:
        case EPERM:
            return silent(Silence::local, "not permitted");
        default:
            return silent(Silence::local, message_of(code));
    }
}

ProbeAnswer nothing_came(const Clock& clock) {
    if (clock.is_stopped()) return silent(Silence::local, "stopped");
    return silent(Silence::timeout, "time-out");
}

std::optional<ProbeAnswer> DeviceBinding::bind(int fd, const std::string& device) {
    if (device.empty() || !may_bind_) return std::nullopt;
    int code = ENODEV;
    if (device.size() < IFNAMSIZ) {
        if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                         static_cast<socklen_t>(device.size() + 1)) == 0) {
            return std::nullopt;
        }
        code = errno;
    }
    if (code != EPERM) return silent(Silence::local, "device " + device + ": " + message_of(code));
    may_bind_ = false;
    log(LogLevel::warning, "probe_not_bound",
        {{"device", device},
         {"detail", "the kernel does not permit it; probes take the default route"}});
    return std::nullopt;
}

void report_errors(int fd, IpVersion version) {
    const int on = 1;
    // Best effort: without it a question waits longer, and its answer is still right.
    (void)(version == IpVersion::v4 ? ::setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on)
                                    : ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on));
}

std::optional<NetworkWord> next_word(int fd) {
    NetworkWord word;
    alignas(cmsghdr) std::array<std::uint8_t, 512> control{};
    iovec into{.iov_base = word.bytes.data(), .iov_len = word.bytes.size()};
    msghdr message{};
    message.msg_iov = &into;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto size = ::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (size < 0) return std::nullopt;
    word.size = static_cast<std::size_t>(size);
    bool is_found = false;
    for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        is_found = read_control(*header, word) || is_found;
    }
    if (!is_found) word.code = EIO;
    // A neighbour that does not answer is reported as if a router had said so, by ourselves.
    if (word.code == EHOSTUNREACH && !word.from.empty() && word.from == own_address(fd)) {
        word.is_own = true;
    }
    return word;
}

std::string own_address_towards(const SocketAddress& address, const std::string& device,
                                DeviceBinding& binding) {
    const int fd = ::socket(address.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return {};
    std::string own;
    if (!binding.bind(fd, device) && ::connect(fd, address.get(), address.size) == 0) {
        own = own_address(fd);
    }
    ::close(fd);
    return own;
}

ProbeAnswer silent_by(const NetworkWord& word) {
    if (word.is_own && word.code == EHOSTUNREACH) {
        return silent(Silence::timeout, "neighbour does not answer");
    }
    if (word.is_own) return could_not_ask(word.code);
    const auto says = word.from.empty() ? std::string{} : ", says " + word.from;
    if (word.is_time_exceeded) return silent(Silence::unreachable, "time exceeded" + says);
    switch (word.code) {
        case ECONNREFUSED:
            return silent(Silence::refused, "refused" + says);
        case ENETUNREACH:
            return silent(Silence::unreachable, "network unreachable" + says);
        case EHOSTUNREACH:
            return silent(Silence::unreachable, "host unreachable" + says);
        default:
            return silent(Silence::unreachable, message_of(word.code) + says);
    }
}

struct Waiting {
    Waiting(const net::any_io_executor& executor, int fd) : socket{executor, fd} {}

    net::posix::stream_descriptor socket;
    Bell bell;
    bool is_ready = false;
};

std::shared_ptr<Waiting> watch(const net::any_io_executor& executor, int fd) {
    return std::make_shared<Waiting>(executor, fd);
}

net::awaitable<bool> wait_ready(std::shared_ptr<Waiting> waiting, bool for_writing, Clock& clock,
                                Monotonic deadline) {
    waiting->is_ready = false;
    const auto direction = for_writing ? net::posix::stream_descriptor::wait_write
                                       : net::posix::stream_descriptor::wait_read;
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

}  // namespace gerbang
