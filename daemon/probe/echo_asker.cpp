#include "daemon/probe/echo_asker.hpp"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/probe/echo.hpp"

namespace gerbang {
namespace {

using boost::system::error_code;

constexpr int kMaxMessagesPerWake = 64;
constexpr int kMaxSends = 3;
constexpr Millis kShared{1'000};

template <class Value>
void set_option(int fd, int level, int name, const Value& value) {
    // Best effort: without it a probe waits longer or wakes more often, and is still right.
    (void)::setsockopt(fd, level, name, &value, sizeof value);
}

/// Drops on a raw socket what is no echo reply, and lets the messages die at `hop`, if any.
void tune(int fd, IpVersion version, bool is_raw, unsigned hop) {
    report_errors(fd, version);
    const int hops = static_cast<int>(hop);
    if (version == IpVersion::v4) {
        if (hop > 0) set_option(fd, IPPROTO_IP, IP_TTL, hops);
        if (is_raw) {
            icmp_filter filter{};
            filter.data = ~(1U << ICMP_ECHOREPLY);
            set_option(fd, SOL_RAW, ICMP_FILTER, filter);
        }
        return;
    }
    if (hop > 0) set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
    if (is_raw) {
        icmp6_filter filter{};
        for (auto& word : filter.data) word = ~0U;
        filter.data[ICMPV6_ECHO_REPLY >> 5] &= ~(1U << (ICMPV6_ECHO_REPLY & 31));
        set_option(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filter);
    }
}

bool is_same_host(const SocketAddress& address, const sockaddr_storage& from) {
    if (from.ss_family != address.storage.ss_family) return false;
    if (address.version == IpVersion::v4) {
        return reinterpret_cast<const sockaddr_in*>(&from)->sin_addr.s_addr ==
               reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr.s_addr;
    }
    return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(&from)->sin6_addr,
                       &reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr,
                       sizeof(in6_addr)) == 0;
}

}  // namespace

/// One request, in the frame of who asked.
struct EchoAsker::Waiter {
    const ProbeTarget* target;
    const SocketAddress* address;
    EchoKey key;
    std::optional<ProbeAnswer> answer{};
    Bell bell{};

    void take(ProbeAnswer what) {
        answer = std::move(what);
        bell.ring();
    }
};

/// A socket and those who wait for an answer on it.
struct EchoAsker::Line {
    Line(const net::any_io_executor& executor, int fd) : socket{executor, fd} {}

    [[nodiscard]] int fd() { return socket.native_handle(); }
    [[nodiscard]] bool is_awaited() const {
        return std::any_of(waiters.begin(), waiters.end(),
                           [](const Waiter* waiter) { return !waiter->answer; });
    }

    net::posix::stream_descriptor socket;
    IpVersion version{};
    bool is_raw = false;
    unsigned hop = 0;
    std::string device;
    Monotonic opened;
    bool is_waiting = false;
    std::vector<Waiter*> waiters;
};

/// The place of a waiter in its line.
struct EchoAsker::Place {
    Place(std::shared_ptr<Line> where, Waiter& who) : line{std::move(where)}, waiter{&who} {
        line->waiters.push_back(waiter);
    }
    ~Place() {
        std::erase(line->waiters, waiter);
        if (!line->waiters.empty() || !line->is_waiting) return;
        error_code ignored;
        line->socket.cancel(ignored);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    std::shared_ptr<Line> line;
    Waiter* waiter;
};

int open_icmp_socket(IpVersion version, bool is_raw) {
    const int protocol = version == IpVersion::v4 ? static_cast<int>(IPPROTO_ICMP)
                                                  : static_cast<int>(IPPROTO_ICMPV6);
    return ::socket(version == IpVersion::v4 ? AF_INET : AF_INET6,
                    (is_raw ? SOCK_RAW : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

EchoAsker::EchoAsker(net::any_io_executor executor, Clock& clock, Entropy& entropy,
                     DeviceBinding& binding)
    : executor_{std::move(executor)}, clock_{&clock}, entropy_{&entropy}, binding_{&binding} {}

EchoAsker::~EchoAsker() = default;

std::shared_ptr<EchoAsker::Line> EchoAsker::line_for(IpVersion version, bool is_raw, unsigned hop,
                                                     const std::string& device,
                                                     ProbeAnswer& failure) {
    const auto now = clock_->now();
    std::erase_if(lines_, [](const auto& line) { return line.expired(); });
    for (const auto& known : lines_) {
        auto line = known.lock();
        if (line->version == version && line->is_raw == is_raw && line->hop == hop &&
            line->device == device && now - line->opened < kShared) {
            return line;
        }
    }
    const int fd = open_icmp_socket(version, is_raw);
    if (fd < 0) {
        failure = could_not_ask(errno);
        return nullptr;
    }
    auto line = std::make_shared<Line>(executor_, fd);
    if (auto unbound = binding_->bind(fd, device)) {
        failure = std::move(*unbound);
        return nullptr;
    }
    tune(fd, version, is_raw, hop);
    line->version = version;
    line->is_raw = is_raw;
    line->hop = hop;
    line->device = device;
    line->opened = now;
    lines_.push_back(line);
    return line;
}

net::awaitable<ProbeAnswer> EchoAsker::ask(const ProbeTarget& target, const SocketAddress& address,
                                           bool is_raw, const std::string& device,
                                           Monotonic deadline) {
    ProbeAnswer failure;
    auto line = line_for(address.version, is_raw, target.hop, device, failure);
    if (!line) co_return failure;
    const auto random = entropy_->bits();
    Waiter waiter{.target = &target,
                  .address = &address,
                  .key = {.identifier = static_cast<std::uint16_t>(random),
                          .sequence = static_cast<std::uint16_t>(random >> 16),
                          .nonce = entropy_->bits()}};
    const Place place{line, waiter};
    if (auto unsent = send(*line, waiter)) co_return std::move(*unsent);
    wait(line);
    while (!waiter.answer && clock_->now() < deadline) {
        const bool is_on = co_await clock_->sleep_until(deadline, &waiter.bell);
        if (!is_on) break;
    }
    if (!waiter.answer) co_return nothing_came(*clock_);
    co_return std::move(*waiter.answer);
}

std::optional<ProbeAnswer> EchoAsker::send(Line& line, const Waiter& waiter) {
    const auto request = make_echo_request(line.version, waiter.key);
    int code = 0;
    for (int i = 0; i < kMaxSends; ++i) {
        const auto sent = ::sendto(line.fd(), request.data(), request.size(), MSG_NOSIGNAL,
                                   waiter.address->get(), waiter.address->size);
        if (sent >= 0) return std::nullopt;
        code = errno;
        // The error may be that of another's echo: it is reported to whoever comes first.
        hear(line);
    }
    return could_not_ask(code);
}

void EchoAsker::wait(const std::shared_ptr<Line>& line) {
    if (line->is_waiting) return;
    line->is_waiting = true;
    line->socket.async_wait(net::posix::stream_descriptor::wait_read,
                            [this, line](const error_code& error) {
                                line->is_waiting = false;
                                if (!error) take_in(*line);
                                // Cancelled by the last to go, before another one came.
                                if (line->is_awaited()) wait(line);
                            });
}

void EchoAsker::take_in(Line& line) {
    std::array<std::uint8_t, 256> message{};
    for (int i = 0; i < kMaxMessagesPerWake && line.is_awaited(); ++i) {
        sockaddr_storage from{};
        socklen_t from_size = sizeof from;
        const auto size = ::recvfrom(line.fd(), message.data(), message.size(), MSG_TRUNC,
                                     reinterpret_cast<sockaddr*>(&from), &from_size);
        if (size < 0) {
            const int code = errno;
            if (code == EINTR) continue;
            hear(line);
            if (code == EAGAIN) return;
            if (code != ENETDOWN && code != ENODEV) continue;
            for (auto* waiter : line.waiters) {
                if (!waiter->answer) waiter->take(could_not_ask(code));
            }
            return;
        }
        if (static_cast<std::size_t>(size) > message.size()) continue;
        const std::span bytes{message.data(), static_cast<std::size_t>(size)};
        for (auto* waiter : line.waiters) {
            if (waiter->answer || !is_same_host(*waiter->address, from)) continue;
            if (!is_echo_reply(line.version, bytes, line.is_raw && line.version == IpVersion::v4,
                               line.is_raw, waiter->key)) {
                continue;
            }
            waiter->take(
                {.answered = true,
                 .detail = waiter->target->hop > 0 ? waiter->target->address : std::string{}});
            break;
        }
    }
}

void EchoAsker::hear(Line& line) {
    for (int i = 0; i < kMaxMessagesPerWake; ++i) {
        const auto word = next_word(line.fd());
        if (!word) return;
        answer(line, *word);
    }
}

void EchoAsker::answer(Line& line, const NetworkWord& word) {
    const auto asked =
        std::find_if(line.waiters.begin(), line.waiters.end(), [&](const Waiter* waiter) {
            return !waiter->answer &&
                   quotes_echo_request(line.version, word.quote(), line.is_raw, waiter->key);
        });
    if (asked == line.waiters.end()) return;
    auto& waiter = **asked;
    if (word.is_time_exceeded && waiter.target->hop > 0) {
        waiter.take({.answered = true, .detail = word.from});
        return;
    }
    auto said = word;
    // A neighbour that does not answer is reported as if a router had said so, by ourselves.
    if (said.code == EHOSTUNREACH && !said.from.empty() &&
        said.from == own_address_towards(*waiter.address, line.device, *binding_)) {
        said.is_own = true;
    }
    auto answer = silent_by(said);
    // A refusal by the host itself: it is there.
    const auto host = waiter.target->address.substr(0, waiter.target->address.find('%'));
    if (!said.is_own && said.from == host) {
        answer.answered = true;
        answer.silence = Silence::refused;
    }
    waiter.take(std::move(answer));
}

}  // namespace gerbang
