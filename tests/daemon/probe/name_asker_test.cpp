#include "daemon/probe/name_asker.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>
#include <random>

#include "tests/daemon/probe/name_server.hpp"
#include "tests/daemon/probe/own_network.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;
using Packets = std::vector<Packet>;

constexpr std::array<std::uint8_t, 4> kRight{192, 0, 2, 80};
constexpr std::array<std::uint8_t, 4> kWrong{10, 10, 34, 34};

NameQuestion question_to(const NameServer& server) {
    return {.resolver = "127.0.0.1",
            .name = "portal.example.org",
            .expected = {"192.0.2.81", "192.0.2.80"},
            .port = server.port};
}

ProbeAnswer ask(const NameServer& server, Millis timeout = 60s) {
    SocketBench bench;
    return bench.ask_name(question_to(server), "", timeout);
}

NameServer::Respond always(std::function<Packet(const Packet&)> make) {
    return [make = std::move(make)](const Packet& query, bool) { return Packets{make(query)}; };
}

}  // namespace

TEST_CASE("ask_name tells a black hole by the time-out, after one query", "[probe]") {
    const NameServer server{[](const Packet&, bool) { return Packets{}; }};
    SocketBench bench;
    const auto begun = bench.clock.now();
    const auto answer = bench.ask_name(question_to(server), "", 150ms);
    CHECK_FALSE(answer.answered);
    CHECK(answer.silence == Silence::timeout);
    CHECK(answer.detail == "time-out");
    CHECK(bench.clock.now() - begun >= 150ms);
    CHECK(server.heard() == 1);
}

TEST_CASE("ask_name tells SERVFAIL, NXDOMAIN, REFUSED and an empty answer apart", "[probe]") {
    const struct {
        std::uint8_t rcode;
        Silence silence;
        std::string detail;
    } cases[] = {{dns::kServfail, Silence::servfail, "SERVFAIL"},
                 {dns::kNxdomain, Silence::nxdomain, "NXDOMAIN"},
                 {dns::kRefused, Silence::refused, "REFUSED"},
                 {1, Silence::servfail, "resolver cannot answer"},
                 {4, Silence::servfail, "resolver cannot answer"},
                 {0, Silence::nxdomain, "no address for the name"}};
    for (const auto& [rcode, silence, detail] : cases) {
        const NameServer server{
            always([code = rcode](const Packet& query) { return dns::reply_to(query, code); })};
        const auto answer = ask(server);
        INFO("rcode " << int{rcode});
        CHECK_FALSE(answer.answered);
        CHECK(answer.silence == silence);
        CHECK(answer.detail == detail);
        // No second try, and no domain of a search list after it.
        CHECK(server.heard() == 1);
    }
}

TEST_CASE("ask_name tells a wrong address from a right one", "[probe]") {
    const NameServer liar{
        always([](const Packet& query) { return dns::answer_to(query, kWrong); })};
    const auto lie = ask(liar);
    CHECK_FALSE(lie.answered);
    CHECK(lie.silence == Silence::wrong);
    CHECK(lie.detail == "wrong answer 10.10.34.34");

    const NameServer honest{
        always([](const Packet& query) { return dns::answer_to(query, kRight); })};
    const auto truth = ask(honest);
    CHECK(truth.answered);
    CHECK(truth.silence == Silence::none);
    CHECK(truth.detail == "192.0.2.80");
    CHECK(truth.round_trip < 60s);

    auto open = question_to(liar);
    open.expected.clear();
    SocketBench bench;
    CHECK(bench.ask_name(open, "", 60s).answered);
}

TEST_CASE("ask_name asks again by TCP when the answer was too long for a datagram", "[probe]") {
    const NameServer server{[](const Packet& query, bool is_tcp) {
        if (is_tcp) return Packets{dns::answer_to(query, kRight)};
        auto reply = dns::reply_to(query);
        reply[2] |= 2;
        return Packets{reply};
    }};
    const auto answer = ask(server);
    INFO(answer.detail);
    CHECK(answer.answered);
    CHECK(server.queries == 2);
}

TEST_CASE("ask_name waits on when a reply has another identifier, question or sender", "[probe]") {
    const auto other_id = [](const Packet& query) {
        auto reply = dns::answer_to(query, kRight);
        reply[0] ^= 0x55;
        return reply;
    };
    const auto other_question = [](const Packet& query) {
        auto reply = dns::answer_to(query, kRight);
        reply[13] ^= 1;
        return reply;
    };
    const auto right = [](const Packet& query) { return dns::answer_to(query, kRight); };
    const auto nothing = [](const Packet&, bool) { return Packets{}; };
    for (const auto& forged : {NameServer::Respond{always(other_id)}, always(other_question)}) {
        const NameServer server{forged};
        const auto answer = ask(server, 150ms);
        CHECK_FALSE(answer.answered);
        CHECK(answer.silence == Silence::timeout);
    }
    const NameServer elsewhere{nothing, always(right)};
    CHECK(ask(elsewhere, 150ms).silence == Silence::timeout);
    // The true answer behind the forged ones is taken.
    const auto lie = [](const Packet& query) { return dns::answer_to(query, kWrong); };
    const NameServer both{[&](const Packet& query, bool) {
                              return Packets{other_id(query), other_question(query), right(query)};
                          },
                          always(lie)};
    CHECK(ask(both).answered);
}

TEST_CASE("ask_name outlives garbage", "[probe]") {
    const NameServer broken{always([](const Packet& query) {
        auto reply = dns::answer_to(query, kRight);
        reply.resize(reply.size() - 7);  // the record ends before its address
        return reply;
    })};
    const auto answer = ask(broken);
    CHECK_FALSE(answer.answered);
    CHECK(answer.silence == Silence::servfail);

    const NameServer empty{[](const Packet& query, bool) {
        return Packets{{}, {1, 2, 3}, dns::answer_to(query, kRight)};
    }};
    CHECK(ask(empty).answered);

    std::mt19937_64 random{test_seed()};
    const NameServer noisy{[&](const Packet& query, bool) {
        Packets packets;
        for (int i = 0; i < 20; ++i) {
            auto packet = dns::answer_to(query, kWrong);
            for (int flips = 0; flips < 4; ++flips) {
                packet[2 + random() % (packet.size() - 2)] = static_cast<std::uint8_t>(random());
            }
            packet.resize(random() % (packet.size() + 1));
            packets.push_back(packet);
        }
        return packets;
    }};
    for (std::uint64_t round = 0; round < test_rounds(30); ++round) {
        // Whatever comes of it, it ends and it is not right.
        CHECK_FALSE(ask(noisy, 10ms).answered);
    }
}

TEST_CASE("ask_name takes a closed port for a refusal", "[probe]") {
    // A socket that hears another peer only: the port is closed for us, and nobody can take it.
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd, generic, size) == 0);
    REQUIRE(::getsockname(fd, generic, &size) == 0);
    const auto port = ntohs(address.sin_port);
    address.sin_addr.s_addr = htonl(0x7f4a0b08);
    REQUIRE(::connect(fd, generic, size) == 0);
    SocketBench bench;
    const auto answer = bench.ask_name(
        {.resolver = "127.0.0.1", .name = "example.org", .expected = {}, .port = port}, "", 60s);
    ::close(fd);
    CHECK_FALSE(answer.answered);
    CHECK(answer.silence == Silence::refused);
    CHECK(answer.detail == "refused, says 127.0.0.1");
}

TEST_CASE("ask_name says what it cannot ask", "[probe]") {
    SocketBench bench;
    const auto no_address =
        bench.ask_name({.resolver = "dns.example", .name = "a", .expected = {}}, "", 60s);
    CHECK(no_address.silence == Silence::local);
    CHECK(no_address.detail == "not a numeric address: dns.example");
    const auto no_name = bench.ask_name(
        {.resolver = "127.0.0.1", .name = std::string(300, 'a'), .expected = {}}, "", 60s);
    CHECK(no_name.silence == Silence::local);
}

TEST_CASE("ask_name asks a resolver on the loopback unbound", "[probe]") {
    const NameServer server{
        always([](const Packet& query) { return dns::answer_to(query, kRight); })};
    SocketBench bench;
    CHECK(bench.ask_name(question_to(server), "gone0", 60s).answered);
}

TEST_CASE("ask_name ends when the clock is stopped", "[probe]") {
    const NameServer server{[](const Packet&, bool) { return Packets{}; }};
    SocketBench bench;
    net::steady_timer soon{bench.io, 30ms};
    soon.async_wait([&](const auto&) { bench.clock.stop(); });
    const auto answer = bench.ask_name(question_to(server), "", 60s);
    CHECK_FALSE(answer.answered);
    CHECK(answer.detail == "stopped");
    CHECK(answer.silence == Silence::local);
}

TEST_CASE("ask_name may be abandoned with its loop while a question is under way", "[probe]") {
    const NameServer server{[](const Packet&, bool) { return Packets{}; }};
    SystemClock clock;
    SystemEntropy entropy;
    const auto question = question_to(server);
    const std::string device;
    {
        net::io_context io;
        const auto prober = open_system_prober(io.get_executor(), clock, entropy);
        for (int i = 0; i < 3; ++i) {
            net::co_spawn(io, prober->ask_name(question, device, 60s), net::detached);
        }
        while (server.queries < 3) io.poll();
    }
    CHECK(server.queries == 3);
}

TEST_CASE("ask_name tells missing device, missing route and a router's word apart", "[probe]") {
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
        const NameQuestion far{.resolver = "198.51.100.1", .name = "example.org", .expected = {}};
        const auto gone = bench.ask_name(far, "gone0", 60s);
        if (gone.silence != Silence::local) return 2;
        if (gone.detail != "device gone0: No such device") return 3;
        const NameQuestion lost{.resolver = "192.88.99.9", .name = "example.org", .expected = {}};
        const auto no_route = bench.ask_name(lost, "", 60s);
        if (no_route.silence != Silence::local || no_route.detail != kNoRoute) return 4;
        const auto unreachable = bench.ask_name(far, "up0", 60s);
        if (unreachable.silence != Silence::unreachable) return 5;
        if (unreachable.detail != "network unreachable, says 203.0.113.2") return 6;
        // Sooner than by the second, that nobody is there; not before, as the router needs its
        // time.
        if (std::system("echo 30 > /proc/sys/net/ipv4/neigh/up0/retrans_time_ms") != 0) return 100;
        const NameQuestion near{.resolver = "203.0.113.77", .name = "example.org", .expected = {}};
        const auto nobody = bench.ask_name(near, "up0", 150ms);
        return nobody.silence == Silence::timeout ? 0 : 7;
    });
    SKIP_UNLESS(result >= 0, "no network namespaces here");
    CHECK(result == 0);
}

}  // namespace gerbang
