#include "daemon/probe/system_prober.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/daemon/probe/own_network.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

/// Whether this process may ask that way at all.
bool may(int type, int family = AF_INET) {
    const int fd = ::socket(
        family, type,
        family == AF_INET ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6));
    if (fd >= 0) ::close(fd);
    return fd >= 0;
}

/// A TCP port of 127.0.0.1; listening, or one that refuses.
class Port {
public:
    explicit Port(bool is_listening) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        if (is_listening) REQUIRE(::listen(fd_, 4) == 0);
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        number = ntohs(address.sin_port);
    }
    ~Port() { ::close(fd_); }
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    std::uint16_t number = 0;

private:
    int fd_;
};

}  // namespace

TEST_CASE("SystemProber says that a name is no address instead of resolving it", "[probe]") {
    SocketBench bench;
    const auto answer = bench.ask(std::nullopt, {"bad", "example.org", 443}, "", 100ms);
    CHECK_FALSE(answer.answered);
    CHECK(answer.detail == "not a numeric address: example.org");
}

TEST_CASE("SystemProber says which device is missing", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root");
    SocketBench bench;
    const auto answer = bench.ask(std::nullopt, {"lo", "127.0.0.1", 443}, "gone0", 100ms);
    CHECK_FALSE(answer.answered);
    CHECK(answer.detail == "device gone0: No such device");
    const auto wordy =
        bench.ask(std::nullopt, {"lo", "127.0.0.1", 443}, "a-name-that-is-too-long", 100ms);
    CHECK_FALSE(wordy.answered);
}

TEST_CASE("SystemProber hears the loopback by raw ICMP", "[probe]") {
    SKIP_UNLESS(may(SOCK_RAW), "no raw sockets for this process");
    SocketBench bench;
    const auto answer = bench.ask(ProbeMethod::icmp_raw, {"lo", "127.0.0.1", 443}, "", 60s);
    INFO(answer.detail);
    CHECK(answer.answered);
    CHECK(answer.detail.empty());
    CHECK(answer.round_trip <= 60s);
}

TEST_CASE("SystemProber hears the loopback by ICMP datagrams, bound to a device", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for a network namespace");
    const int result = in_own_network([] {
        if (!may(SOCK_DGRAM)) return 1;
        SocketBench bench;
        const auto best = open_system_prober(bench.io.get_executor(), bench.clock, bench.entropy);
        if (best->method().substr(0, 13) != "icmp_datagram" || !best->binds_to_device()) return 2;
        const ProbeTarget target{"lo", "127.0.0.1", 443};
        if (!bench.ask(ProbeMethod::icmp_datagram, target, "lo", 60s).answered) return 3;
        // Bound to the wrong device it must not sneak out by another.
        return bench.ask(ProbeMethod::icmp_datagram, target, "wan0", 50ms).answered ? 4 : 0;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE("SystemProber hears the IPv6 loopback by datagram and raw ICMP", "[probe]") {
    const bool has_loopback = std::system("grep -qs '^0*1 ' /proc/net/if_inet6") == 0;
    SKIP_UNLESS(has_loopback, "no IPv6 loopback here");
    SocketBench bench;
    for (const auto method : {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw}) {
        if (!may(method == ProbeMethod::icmp_datagram ? SOCK_DGRAM : SOCK_RAW, AF_INET6)) continue;
        const auto answer = bench.ask(method, {"lo", "::1", 443}, "", 60s);
        INFO(answer.detail);
        CHECK(answer.answered);
    }
}

TEST_CASE("SystemProber takes a TCP connection and a refusal for an answer", "[probe]") {
    SocketBench bench;
    const Port listening{true};
    const Port refusing{false};
    CHECK(bench.ask(ProbeMethod::tcp, {"a", "127.0.0.1", listening.number}, "", 60s).answered);
    CHECK(bench.ask(ProbeMethod::tcp, {"b", "127.0.0.1", refusing.number}, "", 60s).answered);
}

TEST_CASE(
    "SystemProber ends at the time-out in a black hole, and at once when the kernel says "
    "unreachable",
    "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for a network namespace");
    const int result = in_own_network([] {
        // A static neighbour: no address resolution that could fail, the device just swallows.
        if (std::system("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev wan0") != 0) return 1;
        SocketBench bench;
        for (const auto method :
             {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw, ProbeMethod::tcp}) {
            if (method == ProbeMethod::icmp_datagram && !may(SOCK_DGRAM)) continue;
            const auto begun = bench.clock.now();
            auto answer = bench.ask(method, {"hole", "192.0.2.9", 443}, "wan0", 120ms);
            const auto took = bench.clock.now() - begun;
            if (answer.answered || answer.detail != "time-out" || took < 120ms) return 2;

            answer = bench.ask(method, {"nowhere", "198.51.100.1", 443}, "", 60s);
            if (answer.answered || answer.detail != kNoRoute) return 3;
            if (answer.silence != Silence::local) return 4;
        }
        return 0;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE("SystemProber ends at once when a router answers unreachable", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for network namespaces");
    const int result = in_own_network([] {
        const Neighbour router;
        const auto inside = "nsenter -t " + std::to_string(router.pid()) + " -n ";
        const auto setup = "ip link add up0 type veth peer name down0 netns " +
                           std::to_string(router.pid()) +
                           " && ip addr add 203.0.113.1/24 dev up0 && ip link set up0 up && " +
                           inside + "ip addr add 203.0.113.2/24 dev down0 && " + inside +
                           "ip link set down0 up && " + inside +
                           "sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward' && "
                           "ip route add 198.51.100.0/24 via 203.0.113.2";
        if (std::system(setup.c_str()) != 0) return 100;
        SocketBench bench;
        for (const auto method : {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw}) {
            const auto answer = bench.ask(method, {"far", "198.51.100.1", 443}, "up0", 60s);
            if (answer.answered || answer.silence != Silence::unreachable) return 2;
            if (answer.detail != "network unreachable, says 203.0.113.2") return 4;
        }
        return 0;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE("SystemProber hears the router at a hop, apart from the host behind it", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for network namespaces");
    const int result = in_own_network([] {
        const Neighbour router;
        const Neighbour host;
        const auto in_router = "nsenter -t " + std::to_string(router.pid()) + " -n ";
        const auto in_host = "nsenter -t " + std::to_string(host.pid()) + " -n ";
        const auto setup =
            "ip link add up0 type veth peer name down0 netns " + std::to_string(router.pid()) +
            " && " + in_router + "ip link add far0 type veth peer name end0 netns " +
            std::to_string(host.pid()) + " && ip addr add 203.0.113.1/24 dev up0" +
            " && ip -6 addr add 2001:db8:1::1/64 dev up0 nodad && ip link set up0 up" + " && " +
            in_router + "ip addr add 203.0.113.2/24 dev down0 && " + in_router +
            "ip -6 addr add 2001:db8:1::2/64 dev down0 nodad && " + in_router +
            "ip addr add 198.51.100.2/24 dev far0 && " + in_router +
            "ip -6 addr add 2001:db8:2::2/64 dev far0 nodad && " + in_router +
            "ip link set down0 up && " + in_router + "ip link set far0 up && " + in_router +
            "sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; "
            "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding' && " +
            in_host + "ip addr add 198.51.100.1/24 dev end0 && " + in_host +
            "ip -6 addr add 2001:db8:2::1/64 dev end0 nodad && " + in_host +
            "ip link set end0 up && " + in_host + "ip route add default via 198.51.100.2 && " +
            in_host + "ip -6 route add default via 2001:db8:2::2 && " +
            "ip route add 198.51.100.0/24 via 203.0.113.2 && "
            "ip -6 route add 2001:db8:2::/64 via 2001:db8:1::2";
        if (std::system(setup.c_str()) != 0) return 100;
        const struct {
            std::string host, router;
        } ways[] = {{"198.51.100.1", "203.0.113.2"}, {"2001:db8:2::1", "2001:db8:1::2"}};
        SocketBench bench;
        for (const auto& way : ways) {
            for (const auto method : {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw}) {
                // Side by side, as in a round: on raw sockets each hears the other's words.
                const auto answers = bench.ask_each(method,
                                                    {{.name = "a", .address = way.host},
                                                     {.name = "a", .address = way.host, .hop = 1},
                                                     {.name = "a", .address = way.host, .hop = 2}},
                                                    "up0", 60s);
                for (const auto& answer : answers) {
                    if (!answer.answered || answer.silence != Silence::none) return 2;
                }
                if (!answers[0].detail.empty()) return 3;
                if (answers[1].detail != way.router) return 4;
                if (answers[2].detail != way.host) return 5;
            }
        }
        const auto by_tcp = bench.ask(
            ProbeMethod::tcp, {.name = "a", .address = "198.51.100.1", .hop = 1}, "up0", 60s);
        return !by_tcp.answered && by_tcp.silence == Silence::local ? 0 : 6;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE(
    "SystemProber takes a neighbour that does not answer for silence, not for a router's word",
    "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for a network namespace");
    const int result = in_own_network([] {
        if (std::system("echo 30 > /proc/sys/net/ipv4/neigh/wan0/retrans_time_ms") != 0) return 1;
        SocketBench bench;
        for (const auto method : {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw}) {
            const ProbeTarget nobody{.name = "nobody", .address = "192.0.2.77"};
            const auto answer = bench.ask(method, nobody, "", 60s);
            if (answer.answered || answer.silence != Silence::timeout) return 2;
            if (answer.detail != "neighbour does not answer") return 3;
            // A bound socket is not told by the kernel: it waits in vain.
            const auto bound = bench.ask(method, nobody, "wan0", 150ms);
            if (bound.answered || bound.silence != Silence::timeout) return 4;
        }
        const ProbeTarget nobody{.name = "nobody", .address = "192.0.2.78"};
        const auto by_tcp = bench.ask(ProbeMethod::tcp, nobody, "", 60s);
        if (by_tcp.answered || by_tcp.silence != Silence::timeout) return 5;
        return 0;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE("SystemProber ends a probe when the clock is stopped", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for a network namespace");
    const int result = in_own_network([] {
        if (std::system("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev wan0") != 0) return 1;
        SocketBench bench;
        net::steady_timer soon{bench.io, 50ms};
        soon.async_wait([&](const auto&) { bench.clock.stop(); });
        const auto answer = bench.ask(ProbeMethod::tcp, {"hole", "192.0.2.9", 443}, "", 60s);
        return !answer.answered && answer.detail == "stopped" ? 0 : 2;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE("SystemProber names its method for the log", "[probe]") {
    SocketBench bench;
    const auto tcp =
        open_system_prober(bench.io.get_executor(), bench.clock, bench.entropy, ProbeMethod::tcp);
    CHECK(tcp->method() == "tcp");
    const auto best = open_system_prober(bench.io.get_executor(), bench.clock, bench.entropy);
    const std::string expected = may(SOCK_DGRAM) ? "icmp_datagram"
                                 : may(SOCK_RAW) ? "icmp_raw"
                                                 : "tcp";
    CHECK(best->method().substr(0, expected.size()) == expected);
}

}  // namespace gerbang
