#include "daemon/meter/netlink_socket.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "common/core/check.hpp"

namespace gerbang::netlink {
namespace {

/// Enough for any header of a request with one attribute.
constexpr std::size_t kMostBody = 64;

}  // namespace

void Socket::Close::operator()(mnl_socket* socket) const noexcept {
    mnl_socket_close(socket);
}

Result<Socket> Socket::open(std::span<const int> groups, Protocol protocol,
                            std::size_t buffer_bytes) {
    const auto failed = [](const char* step) {
        return Error{Errc::unreachable,
                     std::string{"open netlink: "} + step + ": " + std::strerror(errno)};
    };
    Socket made;
    made.socket_.reset(mnl_socket_open2(
        protocol == Protocol::route ? NETLINK_ROUTE : NETLINK_GENERIC, SOCK_CLOEXEC));
    if (!made.socket_) return failed("socket");
    if (mnl_socket_bind(made.socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) return failed("bind");
    for (int group : groups) {
        if (mnl_socket_setsockopt(made.socket_.get(), NETLINK_ADD_MEMBERSHIP, &group,
                                  sizeof group) < 0)
            return failed("join group");
    }
    const timeval wait{.tv_sec = 2, .tv_usec = 0};
    if (::setsockopt(made.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0)
        return failed("set time-out");
    made.buffer_ = std::make_unique<std::byte[]>(buffer_bytes);
    made.buffer_bytes_ = buffer_bytes;
    return made;
}

int Socket::descriptor() const {
    return mnl_socket_get_fd(socket_.get());
}

Result<void> Socket::converse(const Request& request, const Listener& listener) {
    std::optional<Error> last;
    const int attempts = request.is_dump ? 3 : 1;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        listener.begin(listener.context);
        const auto sequence = send(request);
        if (sequence == 0) return failure(request, "the request could not be sent");
        bool was_interrupted = false;
        for (;;) {
            const auto datagram = receive(0);
            if (datagram.empty()) {
                last = failure(request, "no answer");
                break;
            }
            const auto progress = listener.take(listener.context, datagram, sequence);
            was_interrupted = was_interrupted || progress.is_interrupted;
            if (progress.is_malformed)
                return Error{Errc::bad_input, failure(request, "malformed answer").detail};
            if (progress.error != 0) {
                last = failure(request, progress.error);
                break;
            }
            if (!progress.is_done) continue;
            if (!was_interrupted) return ok();
            last = failure(request, "it changed during each of three tries");
            break;
        }
    }
    return *last;
}

std::uint32_t Socket::send(const Request& request) {
    if (++sequence_ == 0) ++sequence_;
    alignas(nlmsghdr) std::byte bytes[NLMSG_HDRLEN + kMostBody]{};
    auto* header = mnl_nlmsg_put_header(bytes);
    header->nlmsg_type = request.type;
    // The acknowledgement marks the end of a single answer as the end mark does a dump's.
    header->nlmsg_flags =
        static_cast<std::uint16_t>(NLM_F_REQUEST | (request.is_dump ? NLM_F_DUMP : NLM_F_ACK));
    header->nlmsg_seq = sequence_;
    if (!request.body.empty()) {
        GERBANG_CHECK(request.body.size() <= kMostBody);
        std::memcpy(mnl_nlmsg_put_extra_header(header, request.body.size()), request.body.data(),
                    request.body.size());
    } else {
        // All zero but the family means "everything".
        std::size_t body = sizeof(ifinfomsg);
        if (request.type == RTM_GETROUTE) body = sizeof(rtmsg);
        if (request.type == RTM_GETNEIGH) body = sizeof(ndmsg);
        if (request.type == RTM_GETSTATS) body = sizeof(if_stats_msg);
        auto* family = static_cast<std::uint8_t*>(mnl_nlmsg_put_extra_header(header, body));
        *family = request.family;
        if (request.type == RTM_GETSTATS) {
            const std::uint32_t mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
            std::memcpy(family + offsetof(if_stats_msg, filter_mask), &mask, sizeof mask);
        }
    }
    ssize_t sent = -1;
    do {
        sent = mnl_socket_sendto(socket_.get(), header, header->nlmsg_len);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? 0 : sequence_;
}

Datagram Socket::receive(int flags) {
    for (;;) {
        sockaddr_nl sender{};
        iovec vector{.iov_base = buffer_.get(), .iov_len = buffer_bytes_};
        msghdr message{};
        message.msg_name = &sender;
        message.msg_namelen = sizeof sender;
        message.msg_iov = &vector;
        message.msg_iovlen = 1;
        const auto got = ::recvmsg(descriptor(), &message, flags);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = ENOTCONN;
        if (got <= 0) return {};
        if (sender.nl_pid != 0) continue;  // another process, not the kernel
        if ((message.msg_flags & MSG_TRUNC) != 0) {
            errno = EMSGSIZE;
            return {};
        }
        return {buffer_.get(), static_cast<std::size_t>(got)};
    }
}

Socket::Received Socket::receive_waiting() {
    Received received;
    for (int tries = 0; tries < 8; ++tries) {
        received.datagram = receive(MSG_DONTWAIT);
        if (!received.datagram.empty()) return received;
        // Reading an overrun clears it; what is still queued can be read after it.
        if (errno != ENOBUFS && errno != EMSGSIZE) {
            received.has_failed = errno != EAGAIN && errno != EWOULDBLOCK;
            return received;
        }
        received.has_overrun = true;
    }
    return received;
}

Error Socket::failure(const Request& request, const char* reason) {
    return {Errc::unreachable, std::string{"ask netlink for "} + request.what + ": " + reason};
}

Error Socket::failure(const Request& request, int error) {
    auto made = failure(request, std::strerror(error));
    if (error == ENOENT) made.code = Errc::not_found;
    return made;
}

}  // namespace gerbang::netlink
