#pragma once

// A resolver on the loopback that does what a test tells it.

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace gerbang {

using Packet = std::vector<std::uint8_t>;

namespace dns {

inline constexpr std::uint8_t kServfail = 2, kNxdomain = 3, kRefused = 5;

/// The question's section alone: the header with `rcode` and the question; no answers.
inline Packet reply_to(const Packet& query, std::uint8_t rcode = 0) {
    Packet reply = query;
    reply[2] = 0x81;
    reply[3] = static_cast<std::uint8_t>(0x80 | rcode);
    return reply;
}

/// The same with one A record of the name asked for.
inline Packet answer_to(const Packet& query, std::array<std::uint8_t, 4> address) {
    Packet reply = reply_to(query);
    reply[7] = 1;
    const std::uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
    reply.insert(reply.end(), std::begin(record), std::end(record));
    reply.insert(reply.end(), address.begin(), address.end());
    return reply;
}

}  // namespace dns

/// Listens on 127.0.0.1 by UDP and TCP on one port, in a thread of its own. For each query
/// `respond` gives the packets to send back; those of `forge` go out before, from another port.
class NameServer {
public:
    using Respond = std::function<std::vector<Packet>(const Packet& query, bool is_tcp)>;

    explicit NameServer(Respond respond, Respond forge = {})
        : respond_{std::move(respond)}, forge_{std::move(forge)} {
        stop_ = ::eventfd(0, EFD_CLOEXEC);
        tcp_ = open(SOCK_STREAM, 0);
        port = port_of(tcp_);
        REQUIRE(::listen(tcp_, 4) == 0);
        udp_ = open(SOCK_DGRAM, port);
        other_ = open(SOCK_DGRAM, 0);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~NameServer() {
        const std::uint64_t one = 1;
        (void)!::write(stop_, &one, sizeof one);
        thread_.join();
        for (const int fd : {stop_, tcp_, udp_, other_}) ::close(fd);
    }
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;

    /// Queries that were sent before this call, however late the thread is.
    [[nodiscard]] unsigned heard() const {
        const unsigned before = marks_;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        const char mark = 'm';  // behind them in the socket's queue
        REQUIRE(::sendto(other_, &mark, 1, 0, reinterpret_cast<const sockaddr*>(&address),
                         sizeof address) == 1);
        marks_.wait(before);
        return queries;
    }

    std::uint16_t port = 0;
    std::atomic<unsigned> queries{0};

private:
    static int open(int type, std::uint16_t wanted) {
        const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(wanted);
        REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        return fd;
    }
    static std::uint16_t port_of(int fd) {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }
    void serve() {
        for (;;) {
            std::array<pollfd, 3> ready{{{stop_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}}};
            if (::poll(ready.data(), ready.size(), -1) < 0) return;
            if (ready[0].revents != 0) return;
            if (ready[1].revents != 0) by_udp();
            if (ready[2].revents != 0) by_tcp();
        }
    }
    void by_udp() {
        Packet query(1500);
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const auto got = ::recvfrom(udp_, query.data(), query.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &size);
        if (got == 1) {
            ++marks_;
            marks_.notify_all();
        }
        if (got < 12) return;
        query.resize(static_cast<std::size_t>(got));
        ++queries;
        const auto send = [&](int fd, const std::vector<Packet>& packets) {
            for (const auto& packet : packets) {
                (void)::sendto(fd, packet.data(), packet.size(), 0,
                               reinterpret_cast<const sockaddr*>(&from), size);
            }
        };
        if (forge_) send(other_, forge_(query, false));
        send(udp_, respond_(query, false));
    }
    void by_tcp() {
        const int fd = ::accept(tcp_, nullptr, nullptr);
        Packet query(1500);
        std::size_t held = 0;
        while (held < 2 || held < 2U + (query[0] * 256U + query[1])) {
            const auto got = ::recv(fd, query.data() + held, query.size() - held, 0);
            if (got <= 0) break;
            held += static_cast<std::size_t>(got);
        }
        if (held > 14) {
            ++queries;
            query.resize(held);
            query.erase(query.begin(), query.begin() + 2);
            for (const auto& packet : respond_(query, true)) {
                const std::uint8_t length[] = {static_cast<std::uint8_t>(packet.size() >> 8),
                                               static_cast<std::uint8_t>(packet.size())};
                (void)::send(fd, length, 2, MSG_NOSIGNAL);
                (void)::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL);
            }
        }
        ::close(fd);
    }

    Respond respond_;
    Respond forge_;
    std::atomic<unsigned> marks_{0};
    int stop_ = -1, tcp_ = -1, udp_ = -1, other_ = -1;
    std::thread thread_;
};

}  // namespace gerbang
