// What differs between IPv4 and IPv6 when hosts and resolvers are asked.

#include <catch2/catch.hpp>

#include "tests/daemon/probe/name_server.hpp"
#include "tests/daemon/probe/own_network.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;
using Packets = std::vector<Packet>;

constexpr std::uint8_t kRecordA = 1, kRecordAaaa = 28;

std::uint8_t type_asked(const Packet& query) {
    return query.size() < 3 ? std::uint8_t{0} : query[query.size() - 3];
}

/// 2001:db8::80 for AAAA; 192.0.2.80 for A.
Packets both_records(const Packet& query, bool) {
    if (type_asked(query) == kRecordA) return {dns::answer_to(query, {192, 0, 2, 80})};
    if (type_asked(query) != kRecordAaaa) return {};
    auto reply = dns::reply_to(query);
    reply[7] = 1;
    const std::uint8_t record[] = {0xc0, 12, 0,  kRecordAaaa, 0, 1, 0, 0, 0, 60, 0, 16,  //
                                   0x20, 1,  13, 0xb8,        0, 0, 0, 0, 0, 0,  0, 0,   //
                                   0,    0,  0,  0x80};
    reply.insert(reply.end(), std::begin(record), std::end(record));
    return {reply};
}

}  // namespace

TEST_CASE("ask_name asks for AAAA records where only IPv6 addresses are right", "[probe]") {
    const NameServer server{both_records};
    const struct {
        std::vector<std::string> expected;
        bool is_right;
        std::string detail;
    } cases[] = {{{}, true, "192.0.2.80"},
                 {{"192.0.2.80"}, true, "192.0.2.80"},
                 {{"2001:db8::80", "192.0.2.80"}, true, "192.0.2.80"},
                 {{"2001:db8::80", "192.0.2.81"}, false, "wrong answer 192.0.2.80"},
                 {{"2001:db8::81", "2001:db8::80"}, true, "2001:db8::80"},
                 {{"2001:0DB8:0:0::80"}, true, "2001:db8::80"},
                 {{"2001:db8::81"}, false, "wrong answer 2001:db8::80"}};
    for (const auto& one : cases) {
        SocketBench bench;
        const auto answer = bench.ask_name({.resolver = "127.0.0.1",
                                            .name = "portal.example.org",
                                            .expected = one.expected,
                                            .port = server.port},
                                           "", 60s);
        INFO(one.detail << " for " << (one.expected.empty() ? "any" : one.expected.front()));
        CHECK(answer.answered == one.is_right);
        CHECK(answer.silence == (one.is_right ? Silence::none : Silence::wrong));
        CHECK(answer.detail == one.detail);
    }
}

TEST_CASE("A reply to AAAA without an address, truncated or of another type is no address",
          "[probe]") {
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{12}}) {
        const NameServer server{[cut](const Packet& query, bool) {
            auto reply = cut == 0 ? dns::reply_to(query) : both_records(query, false).front();
            reply.resize(reply.size() - cut);
            return Packets{reply};
        }};
        SocketBench bench;
        const auto answer = bench.ask_name({.resolver = "127.0.0.1",
                                            .name = "portal.example.org",
                                            .expected = {"2001:db8::80"},
                                            .port = server.port},
                                           "", 60s);
        INFO(cut << " bytes cut off");
        CHECK_FALSE(answer.answered);
        CHECK(answer.silence == (cut == 0 ? Silence::nxdomain : Silence::servfail));
    }
}

TEST_CASE("SystemProber asks a link-local host on the interface of its scope", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for network namespaces");
    const int result = in_own_network([] {
        const Neighbour modem;
        const auto inside = "nsenter -t " + std::to_string(modem.pid()) + " -n ";
        const auto setup =
            "ip link add up0 type veth peer name down0 netns " + std::to_string(modem.pid()) +
            " && ip -6 addr add fe80::2/64 dev up0 nodad && ip link set up0 up && " + inside +
            "ip -6 addr add fe80::1/64 dev down0 nodad && " + inside + "ip link set down0 up";
        if (std::system(setup.c_str()) != 0) return 100;
        SocketBench bench;
        for (const auto method : {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw}) {
            const ProbeTarget hop{.name = "next-hop", .address = "fe80::1%up0"};
            // Whatever interface the WAN is.
            for (const char* device : {"up0", "", "wan0"}) {
                if (!bench.ask(method, hop, device, 60s).answered) return 2;
            }
            const ProbeTarget nowhere{.name = "next-hop", .address = "fe80::1%gone0"};
            if (bench.ask(method, nowhere, "", 60s).silence != Silence::local) return 3;
        }
        // Nobody listens there, and the modem says so itself.
        const auto answer = bench.ask_name(
            {.resolver = "fe80::1%up0", .name = "a.example", .expected = {}}, "wan0", 60s);
        return answer.silence == Silence::refused ? 0 : 4;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

TEST_CASE("SystemProber tells a missing route from silence, bound to a device", "[probe]") {
    SKIP_UNLESS(::geteuid() == 0, "needs root for network namespaces");
    const int result = in_own_network([] {
        SocketBench bench;
        for (const auto method :
             {ProbeMethod::icmp_datagram, ProbeMethod::icmp_raw, ProbeMethod::tcp}) {
            const auto lost = bench.ask_each(method,
                                             {{.name = "v4", .address = "203.0.113.1"},
                                              {.name = "v6", .address = "2001:db8::1"}},
                                             "wan0", 150ms);
            for (const auto& answer : lost) {
                if (answer.silence != Silence::local || answer.detail != kNoRoute) return 2;
            }
        }
        if (std::system("ip route add default via 192.0.2.9 dev wan0") != 0) return 100;
        const ProbeTarget far{.name = "v4", .address = "203.0.113.1"};
        const auto silent = bench.ask(ProbeMethod::icmp_raw, far, "wan0", 150ms);
        return silent.silence == Silence::timeout ? 0 : 3;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

}  // namespace gerbang
