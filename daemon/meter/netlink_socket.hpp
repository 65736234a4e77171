#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/core/result.hpp"
#include "daemon/meter/netlink_messages.hpp"

struct mnl_socket;

namespace gerbang::netlink {

/// A bound rtnetlink socket with its receive buffer. Not for two threads at once.
class Socket {
public:
    /// `groups`: RTNLGRP_* numbers to listen to; none for a socket that asks. `unreachable` with
    /// the reason of the kernel.
    [[nodiscard]] static Result<Socket> open(std::span<const int> groups);

    /// What a dump may ask for; the family is AF_INET and the like.
    struct Request {
        std::uint16_t type = 0;  ///< RTM_GETLINK ...
        std::uint8_t family = 0;
        const char* what = "";  ///< for error messages
    };
    /// Dumps: calls `begin` before each try and `take(datagram, sequence)` for each datagram. At
    /// most three tries. `unreachable` or `bad_input` when none was whole.
    template <class Begin, class Take>
    [[nodiscard]] Result<void> dump(const Request& request, Begin begin, Take take);

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
    /// Sends the request; the sequence number that answers will carry, 0 on failure.
    [[nodiscard]] std::uint32_t ask(const Request& request);
    /// The next datagram, waiting up to 2 s. Empty on failure, with errno.
    [[nodiscard]] Datagram receive(int flags);
    [[nodiscard]] static Error failure(const Request& request, const char* reason);
    [[nodiscard]] static Error failure(const Request& request, int error);

    // The kernel fills up to 32 KiB when the reader can take it; fewer calls.
    static constexpr std::size_t kBufferBytes = 32768;

    std::unique_ptr<mnl_socket, Close> socket_;
    std::unique_ptr<std::byte[]> buffer_;
    std::uint32_t sequence_ = 0;
};

template <class Begin, class Take>
Result<void> Socket::dump(const Request& request, Begin begin, Take take) {
    std::optional<Error> last;
    for (int attempt = 0; attempt < 3; ++attempt) {
        begin();
        const auto sequence = ask(request);
        if (sequence == 0) return failure(request, "the request could not be sent");
        bool was_interrupted = false;
        for (;;) {
            const auto datagram = receive(0);
            if (datagram.empty()) {
                last = failure(request, "no answer");
                break;
            }
            const Progress progress = take(datagram, sequence);
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

}  // namespace gerbang::netlink
