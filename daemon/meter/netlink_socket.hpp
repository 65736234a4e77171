#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "common/core/result.hpp"
#include "daemon/meter/netlink_messages.hpp"

struct mnl_socket;

namespace gerbang::netlink {

/// Which of the kernel's netlink families a socket speaks to.
enum class Protocol : std::uint8_t { route, generic };

/// A bound netlink socket with its receive buffer. Not for two threads at once.
class Socket {
public:
    /// The kernel fills up to 32 KiB when the reader can take it; fewer calls.
    static constexpr std::size_t kBufferBytes = 32768;

    /// `groups`: RTNLGRP_* numbers to listen to; none for a socket that asks. `unreachable` with
    /// the reason of the kernel. The kernel makes its datagrams as large as `buffer_bytes`, and
    /// larger where one message alone is, which is then an error: less is for short messages only.
    [[nodiscard]] static Result<Socket> open(std::span<const int> groups,
                                             Protocol protocol = Protocol::route,
                                             std::size_t buffer_bytes = kBufferBytes);

    /// What may be asked for.
    struct Request {
        std::uint16_t type = 0;             ///< RTM_GETLINK ..., or a generic family
        std::uint8_t family = 0;            ///< AF_INET and the like; without `body`
        const char* what = "";              ///< for error messages
        std::span<const std::byte> body{};  ///< at most 64 bytes; empty: everything of `family`
        bool is_dump = true;                ///< else one question with one answer
    };
    /// Calls `begin` before each try and `take(datagram, sequence)` for each datagram. A dump is
    /// tried up to three times, a single question once. `not_found` when the kernel says ENOENT,
    /// else `unreachable` or `bad_input` when no answer was whole.
    template <class Begin, class Take>
    [[nodiscard]] Result<void> ask(const Request& request, Begin begin, Take take) {
        struct Both {
            Begin begin;
            Take take;
        } both{std::move(begin), std::move(take)};
        return converse(request,
                        {.context = &both,
                         .begin = [](void* context) { static_cast<Both*>(context)->begin(); },
                         .take =
                             [](void* context, Datagram datagram, std::uint32_t sequence) {
                                 return static_cast<Both*>(context)->take(datagram, sequence);
                             }});
    }

    /// One waiting datagram without waiting for one.
    struct Received {
        Datagram datagram;         ///< empty: none waits
        bool has_overrun = false;  ///< the kernel had to drop some
        bool has_failed = false;   ///< nothing will come any more
    };
    [[nodiscard]] Received receive_waiting();
    [[nodiscard]] int descriptor() const;

private:
    struct Close {
        void operator()(mnl_socket* socket) const noexcept;
    };
    /// Whoever takes the answers in; one code for all of them.
    struct Listener {
        void* context;
        void (*begin)(void* context);
        Progress (*take)(void* context, Datagram datagram, std::uint32_t sequence);
    };
    [[nodiscard]] Result<void> converse(const Request& request, const Listener& listener);
    /// Sends the request; the sequence number that answers will carry, 0 on failure.
    [[nodiscard]] std::uint32_t send(const Request& request);
    /// The next datagram, waiting up to 2 s. Empty on failure, with errno.
    [[nodiscard]] Datagram receive(int flags);
    [[nodiscard]] static Error failure(const Request& request, const char* reason);
    [[nodiscard]] static Error failure(const Request& request, int error);

    std::unique_ptr<mnl_socket, Close> socket_;
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t buffer_bytes_ = 0;
    std::uint32_t sequence_ = 0;
};

}  // namespace gerbang::netlink
