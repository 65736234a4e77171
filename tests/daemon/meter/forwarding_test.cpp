#include "daemon/meter/forwarding.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "daemon/meter/proc_parse.hpp"
#include "tests/daemon/meter/allocations.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const std::string kSnmp =
    "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos\n"
    "Ip: 1 64 432097 0 0 123456789012 0\n"
    "Icmp: InMsgs InErrors\nIcmp: 1 2\n";
const std::string kSnmp6 =
    "Ip6InReceives                   \t31\nIp6OutForwDatagrams             \t11\n"
    "Ip6OutRequests                  \t37\n";

void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << text;
}

}  // namespace

TEST_CASE("Texts that do not count forwarded datagrams give nothing", "[meter]") {
    for (const auto* text :
         {"", "\n", "Ip: ", "Ip: ForwDatagrams", "Ip: ForwDatagrams\n",
          "Ip: ForwDatagrams\nTcp: 1\n", "Ip: ForwDatagrams\nIp: \n", "Ip: ForwDatagrams\nIp: -1\n",
          "Ip: ForwDatagrams\nIp: x\n", "Ip: ForwDatagrams\nIp: 99999999999999999999\n",
          "Ip: A B ForwDatagrams\nIp: 1 2\n", "IpExt: ForwDatagrams\nIpExt: 5\n"})
        CHECK_FALSE(parse_forwarded_v4(text));
    for (const auto* text :
         {"", "Ip6OutForwDatagrams", "Ip6OutForwDatagrams\n", "Ip6OutForwDatagrams \n",
          "Ip6OutForwDatagrams 1x\n", "Ip6OutForwDatagramsX 1\n", "XIp6OutForwDatagrams 1\n"})
        CHECK_FALSE(parse_forwarded_v6(text));
}

TEST_CASE("Forwarded datagrams are read from the kernel's tables", "[meter]") {
    CHECK(parse_forwarded_v4(kSnmp) == 123456789012u);
    CHECK(parse_forwarded_v4("Tcp: X\nTcp: 1\n" + kSnmp) == 123456789012u);
    CHECK(parse_forwarded_v4("Ip: ForwDatagrams\nIp: 5") == 5u);
    CHECK(parse_forwarded_v6(kSnmp6) == 11u);
}

TEST_CASE("Forwarding is read once a minute, from files that stay open", "[meter]") {
    TempFolder folder;
    HostPaths paths;
    paths.proc = folder.path();
    const fs::path proc{folder.path()};
    write(proc / "net/snmp", kSnmp);
    write(proc / "net/snmp6", kSnmp6);
    write(proc / "sys/net/ipv4/ip_forward", "1\n");
    write(proc / "sys/net/ipv6/conf/all/forwarding", "0\n");
    ForwardingReader reader{paths};
    const auto first = reader.read(Monotonic{30s});
    REQUIRE(first);
    CHECK(*first == Forwarding{true, false, 123456789023u});
    CHECK_FALSE(reader.read(Monotonic{59s}));

    write(proc / "net/snmp", "torn");
    write(proc / "sys/net/ipv4/ip_forward", "");
    write(proc / "sys/net/ipv6/conf/all/forwarding", "no\n");
    const auto before = allocations();
    const auto torn = reader.read(Monotonic{60s});
    CHECK(allocations() == before);
    REQUIRE(torn);
    CHECK(*torn == Forwarding{std::nullopt, std::nullopt, 11u});

    paths.proc = folder.file("nowhere");
    ForwardingReader blind{paths};
    CHECK(blind.read(Monotonic{0s}) == Forwarding{});
}

TEST_CASE("The device of PPPoE sessions is taken when it is only one", "[meter]") {
    const std::string head = "Id       Address              Device\n";
    const std::string one = "00000001 0a:00:00:00:00:01     eth0\n";
    CHECK(proc::parse_pppoe_device(head + one) == "eth0");
    CHECK(proc::parse_pppoe_device(head + one + one) == "eth0");
    CHECK(proc::parse_pppoe_device(head).empty());
    CHECK(proc::parse_pppoe_device("").empty());
    CHECK(proc::parse_pppoe_device(one).empty());
    CHECK(proc::parse_pppoe_device(head + one + "00000002 0a:00:00:00:00:02     eth1\n").empty());
    CHECK(proc::parse_pppoe_device(head + one + "00000002 0a:00:00\n").empty());
}
