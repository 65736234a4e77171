// What is special about echoes that share a socket.

#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <iterator>
#include <string>

#include "tests/daemon/probe/own_network.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

constexpr ProbeMethod kMethods[] = {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw};

std::ptrdiff_t open_files() {
    const std::filesystem::directory_iterator files{"/proc/self/fd"};
    return std::distance(begin(files), end(files));
}

/// A router at 203.0.113.2 behind up0 that knows no way to 198.51.100.0/24 and says so.
bool set_up(const Neighbour& router) {
    const auto number = std::to_string(router.pid());
    const auto inside = "nsenter -t " + number + " -n ";
    const auto setup = "ip link add up0 type veth peer name down0 netns " + number +
                       " && ip addr add 203.0.113.1/24 dev up0 && ip link set up0 up && " + inside +
                       "ip addr add 203.0.113.2/24 dev down0 && " + inside +
                       "ip link set down0 up && " + inside +
                       "sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; "
                       "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit' && "
                       "ip route add 198.51.100.0/24 via 203.0.113.2";
    return std::system(setup.c_str()) == 0;
}

}  // namespace

TEST_CASE("Echoes that share a socket hear each their own answer, whatever befalls the others",
          "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for network namespaces");
    const int result = in_own_network([] {
        const Neighbour router;
        if (!set_up(router)) return 100;
        SocketBench bench;
        const auto at = [](const char* address) {
            return ProbeTarget{.name = "a", .address = address};
        };
        for (const auto method : kMethods) {
            // The router's word about the first is there before the second is sent.
            const auto answers =
                bench.ask_each(method,
                               {at("198.51.100.1"), at("203.0.113.2"), at("198.51.100.2"),
                                at("203.0.113.2"), at("203.0.113.1")},
                               "up0", 20s);
            for (const std::size_t lost : {0U, 2U}) {
                if (answers[lost].answered) return 2;
                if (answers[lost].detail != "network unreachable, says 203.0.113.2") return 3;
            }
            if (!answers[1].answered || !answers[3].answered) return 4;
        }
        return 0;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE("Echoes asked at once need one socket, which is closed after the last", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for a network namespace");
    const int result = in_own_network([] {
        if (std::system("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev wan0") != 0) return 1;
        SocketBench bench;
        for (const auto method : kMethods) {
            const ProbeTarget here{.name = "lo", .address = "127.0.0.1"};
            // Opens what the loop itself needs.
            if (!bench.ask(method, here, "", 60s).answered) return 5;
            const auto prober =
                open_system_prober(bench.io.get_executor(), bench.clock, bench.entropy, method);
            const std::string wan = "wan0";
            const ProbeTarget hole{.name = "hole", .address = "192.0.2.9"};
            const auto before = open_files();
            std::array<ProbeAnswer, 6> answers;
            bench.io.restart();
            for (auto& answer : answers) {
                net::co_spawn(bench.io, prober->probe(hole, wan, 200ms), answer_into(answer));
            }
            bench.io.poll();
            if (open_files() != before + 1) return 2;
            bench.io.run();
            if (open_files() != before) return 3;
            for (const auto& answer : answers) {
                if (answer.silence != Silence::timeout) return 4;
            }
        }
        return 0;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE("A prober hears a host by an interface that came back as another one", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for network namespaces");
    const int result = in_own_network([] {
        const Neighbour router;
        SocketBench bench;
        for (const auto method : kMethods) {
            const auto prober =
                open_system_prober(bench.io.get_executor(), bench.clock, bench.entropy, method);
            const std::string wan = "up0";
            const ProbeTarget target{.name = "router", .address = "203.0.113.2"};
            for (int life = 0; life < 2; ++life) {
                if (!set_up(router)) return 100;
                ProbeAnswer answer;
                bench.io.restart();
                net::co_spawn(bench.io, prober->probe(target, wan, 60s), answer_into(answer));
                bench.io.run();
                if (!answer.answered) return 2;
                if (std::system("ip link del up0") != 0) return 100;
                bench.io.restart();
                net::co_spawn(bench.io, prober->probe(target, wan, 60s), answer_into(answer));
                bench.io.run();
                if (answer.answered || answer.silence != Silence::local) return 3;
            }
        }
        return 0;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

}  // namespace gerbang
