// The meter against a real kernel: veth pairs in a network namespace of this process, frames of
// known size, and the kernel's own counters beside our totals.

#define CATCH_CONFIG_RUNNER
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "daemon/host/system_clock.hpp"
#include "daemon/meter/meter.hpp"
#include "daemon/meter/netlink_source.hpp"
#include "daemon/meter/netlink_watch.hpp"
#include "tests/daemon/meter/allocations.hpp"
#include "tests/daemon/meter/memory_journal.hpp"
#include "tests/support/manual_clock.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kFrameBytes = 1000;

void ip(const std::string& arguments) {
    const auto command = "ip " + arguments;
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
}

/// Tries `condition` until it holds; false after a minute, which is for a machine that hangs and
/// not for one that is slow.
template <class Condition>
bool comes_true(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

/// The kernel opens a link's queue a moment after its carrier came; what is sent before is lost.
void wait_until_up(const std::string& name) {
    const auto command = "ip -o link show " + name + " | grep -q 'state UP'";
    INFO("no carrier on " << name);
    REQUIRE(comes_true([&] { return std::system(command.c_str()) == 0; }));
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream{path} << text;
}

/// Sends `count` frames of `kFrameBytes` out of `name`; its peer receives exactly those.
void send_frames(const std::string& name, int count) {
    const int descriptor = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    REQUIRE(descriptor >= 0);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
    to.sll_halen = 6;
    std::array<unsigned char, kFrameBytes> frame{};
    for (std::size_t i = 0; i < 6; ++i) frame[i] = 0xff;
    frame[12] = 0x88;  // an EtherType for local experiments: no protocol answers
    frame[13] = 0xb5;
    for (int i = 0; i < count; ++i) {
        const auto sent = ::sendto(descriptor, frame.data(), frame.size(), 0,
                                   reinterpret_cast<const sockaddr*>(&to), sizeof to);
        REQUIRE(sent == static_cast<ssize_t>(frame.size()));
    }
    ::close(descriptor);
}

/// What the kernel itself says of `name`, by another road than ours.
std::uint64_t kernel_received(const std::string& name) {
    std::ifstream file{"/proc/thread-self/net/dev"};
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(':');
        if (colon == std::string::npos) continue;
        const auto first = line.find_first_not_of(' ');
        if (line.substr(first, colon - first) != name) continue;
        std::istringstream numbers{line.substr(colon + 1)};
        std::uint64_t received = 0;
        numbers >> received;
        return received;
    }
    return 0;
}

struct Box {
    SystemClock clock;
    HostPaths paths{.proc = "/proc", .sys = "/nonexistent", .state = "", .runtime = ""};
    MeterSettings settings;
    SeriesTable series;
    MemoryJournal journal;
    std::unique_ptr<CounterSource> source;
    std::optional<Meter> meter;
    KernelReading reading;
    std::vector<Reading> readings;
    MeterEvents events;

    Box() {
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        // Otherwise the kernel's own IPv6 chatter is counted with our frames.
        write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        ip("link set lo up");
        settings.lan = {"lan*", "br*"};
    }
    void start() {
        auto opened = open_netlink_source(clock, paths);
        REQUIRE(opened);
        source = std::move(*opened);
        meter.emplace(settings, series);
        meter->restore(journal.history(1));
    }
    void tick() {
        // Device time must move between readings.
        while (reading.taken == clock.now()) std::this_thread::sleep_for(1ms);
        const auto done = source->read(reading);
        if (!done) FAIL(done.error().detail);
        readings.clear();
        meter->advance(reading, readings, events);
        journal.keep(1, reading.taken, readings, events);
    }
    MeterSummary::Interface of(const std::string& name) const {
        for (const auto& one : meter->summary().interfaces)
            if (one.name == name) return one;
        FAIL("not metered: " << name);
        return {};
    }
    std::uint64_t received(const std::string& name) const { return of(name).received.value; }
    std::uint64_t wan_received() const { return meter->summary().wan.received.value; }
};

void add_pair(const std::string& name, const std::string& peer, const std::string& options = "") {
    ip("link add " + name + " " + options + " type veth peer name " + peer);
    ip("link set " + name + " up");
    ip("link set " + peer + " up");
    wait_until_up(name);
    wait_until_up(peer);
}

std::string reason(const MeterEvents& events, const std::string& name) {
    for (const auto& fact : events.interfaces)
        if (fact.name == name) return fact.reason;
    return "";
}

}  // namespace

TEST_CASE("Totals equal the kernel's to the byte through re-creation, rename and restart") {
    Box box;
    box.settings.wan = "wan0";
    add_pair("wan0", "isp0");
    send_frames("isp0", 7);
    box.start();
    box.tick();
    CHECK(box.received("wan0") == 0);
    const auto before = kernel_received("wan0");
    CHECK(before == 7 * kFrameBytes);

    send_frames("isp0", 500);
    send_frames("wan0", 20);
    box.tick();
    CHECK(box.received("wan0") == kernel_received("wan0") - before);
    CHECK(box.received("wan0") == 500 * kFrameBytes);
    CHECK(box.of("wan0").transmitted.value == 20 * kFrameBytes);

    SECTION("while the daemon is down on the same boot") {
        send_frames("isp0", 33);
        box.start();
        box.tick();
        CHECK(box.received("wan0") == 533 * kFrameBytes);
    }
    SECTION("re-created, in operation or not") {
        const bool is_restarted = GENERATE(false, true);
        ip("link del wan0");
        add_pair("wan0", "isp0");
        send_frames("isp0", 900);
        if (is_restarted) box.start();
        box.tick();
        CHECK(box.received("wan0") == 1400 * kFrameBytes);
        CHECK(reason(box.events, "wan0") == "created");
    }
    SECTION("falling counters: the same ifindex, made anew") {
        const auto index = std::to_string(::if_nametoindex("wan0"));
        ip("link del wan0");
        add_pair("wan0", "isp0", "index " + index);
        send_frames("isp0", 11);
        send_frames("wan0", 1);
        box.tick();
        CHECK(box.received("wan0") == 511 * kFrameBytes);
        CHECK(reason(box.events, "wan0") == "reset");
    }
    SECTION("renamed, in operation or not") {
        const bool is_restarted = GENERATE(false, true);
        ip("link set wan0 down");
        ip("link set wan0 name net0");
        ip("link set net0 up");
        wait_until_up("isp0");
        send_frames("isp0", 5);
        box.settings.wan = "net0";
        if (is_restarted) box.start();
        box.tick();
        CHECK(box.received("net0") == 5 * kFrameBytes);
        CHECK(reason(box.events, "net0") == "renamed");
        CHECK(reason(box.events, "wan0") == "gone");
        CHECK(box.wan_received() == 505 * kFrameBytes);
    }
    CHECK(box.wan_received() >= 500 * kFrameBytes);
}

TEST_CASE("The WAN's bytes follow the default route, split where it moves") {
    Box box;
    add_pair("wan0", "isp0");
    add_pair("wan1", "isp1");
    ip("addr add 192.0.2.2/24 dev wan0");
    ip("addr add 198.51.100.2/24 dev wan1");
    ip("route add default via 192.0.2.1 dev wan0");
    box.start();
    box.tick();
    CHECK(box.of("wan0").role == Role::wan);
    send_frames("isp0", 100);
    box.tick();
    CHECK(box.wan_received() == 100 * kFrameBytes);

    send_frames("isp0", 10);
    ip("route replace default via 198.51.100.1 dev wan1");
    box.tick();
    CHECK(box.meter->summary().wan.name == "wan1");
    send_frames("isp0", 1000);
    send_frames("isp1", 3);
    box.tick();
    CHECK(box.wan_received() == 113 * kFrameBytes);

    ip("route del default");
    send_frames("isp1", 4);
    box.tick();
    CHECK(box.of("wan1").role == Role::wan);
    ip("route add default nexthop via 192.0.2.1 dev wan0 nexthop via 198.51.100.1 dev wan1");
    box.tick();
    CHECK(box.of("wan0").role == Role::wan);
    CHECK(box.wan_received() == 117 * kFrameBytes);

    // A dead link takes its route away without a word from the kernel.
    ip("route replace default via 192.0.2.1 dev wan0 metric 5");
    ip("route del default metric 0");
    ip("route add default via 198.51.100.1 dev wan1 metric 50");
    box.tick();
    CHECK(box.of("wan0").role == Role::wan);
    ip("link set wan0 down");
    box.tick();
    CHECK(box.of("wan1").role == Role::wan);
}

TEST_CASE("Carrier changes are told with the kernel's own count, a flap as well") {
    Box box;
    box.settings.wan = "wan0";
    add_pair("wan0", "isp0");
    box.start();
    box.tick();
    REQUIRE(box.events.carriers.size() == 1);
    const auto changes = box.events.carriers[0].changes;
    ip("link set isp0 down");
    box.tick();
    REQUIRE(box.events.carriers.size() == 1);
    CHECK_FALSE(box.events.carriers[0].is_up);
    CHECK(box.events.carriers[0].changes == changes + 1);
    CHECK_FALSE(box.meter->summary().wan.has_carrier);
    ip("link set isp0 up");
    ip("link set isp0 down");
    box.tick();
    REQUIRE(box.events.carriers.size() == 1);
    CHECK_FALSE(box.events.carriers[0].is_up);
    CHECK(box.events.carriers[0].changes == changes + 3);
}

TEST_CASE("Clients on the LAN are counted once each, whatever their addresses") {
    Box box;
    add_pair("lan0", "host0");
    ip("addr add 192.0.2.1/24 dev lan0");
    for (const auto* client : {"192.0.2.10 lladdr 02:00:00:00:00:0a",
                               "192.0.2.11 lladdr "
                               "02:00:00:00:00:0b",
                               "192.0.2.12 lladdr 02:00:00:00:00:0b"})
        ip(std::string{"neigh add "} + client + " dev lan0 nud reachable");
    ip("neigh add 192.0.2.13 dev lan0 nud failed");
    box.start();
    box.tick();
    std::uint32_t clients = 0;
    for (const auto& one : box.reading.interfaces) clients += one.neighbours;
    CHECK(clients == 2);
}

TEST_CASE("Reading the kernel allocates nothing while nothing changes") {
    Box box;
    add_pair("wan0", "isp0");
    add_pair("lan0", "host0");
    box.start();
    for (int i = 0; i < 5; ++i) box.tick();
    const auto before = allocations();
    for (int i = 0; i < 50; ++i) {
        const auto done = box.source->read(box.reading);
        if (!done) FAIL(done.error().detail);
    }
    CHECK(allocations() == before);
}

TEST_CASE("Links that come and go during the dump never disturb a total") {
    Box box;
    box.settings.wan = "wan0";
    add_pair("wan0", "isp0");
    box.start();
    box.tick();
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 60; ++i) {
            const auto name = "churn" + std::to_string(i % 7);
            (void)!std::system(
                ("ip link add " + name + " type veth && ip link del " + name).c_str());
        }
        ::_exit(0);
    }
    std::uint64_t frames = 0;
    unsigned failed = 0;
    for (int i = 0; i < 400; ++i) {
        send_frames("isp0", 3);
        frames += 3;
        while (box.reading.taken == box.clock.now()) std::this_thread::sleep_for(1ms);
        if (!box.source->read(box.reading)) {
            ++failed;
            continue;
        }
        box.readings.clear();
        box.meter->advance(box.reading, box.readings, box.events);
    }
    int status = 0;
    (void)::waitpid(child, &status, 0);
    box.tick();
    CHECK(box.received("wan0") == frames * kFrameBytes);
    // A read that was interrupted too often is left out and made good by the next one; how many are
    // depends on how the two processes take turns.
    CHECK(failed < 200);
}

TEST_CASE("The watch tells of a change at once and of a storm once a second") {
    Box box;
    add_pair("wan0", "isp0");
    ip("addr add 192.0.2.2/24 dev wan0");
    // Real notifications, virtual time: how long this machine takes over an `ip` is no second.
    ManualClock clock;
    net::io_context loop;
    auto watch = open_netlink_watch(loop.get_executor(), clock);
    REQUIRE(watch);
    std::vector<Monotonic> wakes;
    bool has_ended = false;
    struct Listen {
        static net::awaitable<void> run(LinkWatch& watch, Clock& clock,
                                        std::vector<Monotonic>& wakes, bool& has_ended) {
            for (;;) {
                const bool is_on = co_await watch.changed();
                if (!is_on) break;
                wakes.push_back(clock.now());
            }
            has_ended = true;
        }
    };
    net::co_spawn(loop, Listen::run(**watch, clock, wakes, has_ended), net::detached);
    clock.run_for(loop, Millis{5000});
    CHECK(wakes.empty());

    const auto changed = clock.now();
    ip("route add default via 192.0.2.1 dev wan0");
    REQUIRE(comes_true([&] {
        clock.run_ready(loop);
        return !wakes.empty();
    }));
    CHECK(wakes.size() == 1);
    CHECK(wakes[0] == changed);

    while (clock.now() - changed < Millis{2500}) {
        ip("link set isp0 down");
        ip("link set isp0 up");
        clock.run_for(loop, Millis{100});
    }
    clock.run_for(loop, Millis{5000});
    REQUIRE(wakes.size() >= 4);
    for (std::size_t i = 1; i < 4; ++i) CHECK(wakes[i] - wakes[i - 1] == Millis{1000});
    // What the kernel tells late, after the last `ip`, may follow: no faster either.
    for (std::size_t i = 4; i < wakes.size(); ++i) CHECK(wakes[i] - wakes[i - 1] >= Millis{1000});

    (*watch)->stop();
    clock.run_ready(loop);
    CHECK(has_ended);
}

int main(int argc, char* argv[]) {
    const auto child = ::fork();
    if (child == 0)
        ::_exit(::unshare(CLONE_NEWNET) == 0 &&
                        std::system("ip link add gb0 type veth peer name gb1") == 0
                    ? 0
                    : 1);
    int status = 1;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
        std::puts("skipped: needs root, network namespaces, veth and the `ip` tool");
        return 77;
    }
    return Catch::Session().run(argc, argv);
}
