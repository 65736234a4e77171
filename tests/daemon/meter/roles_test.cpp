#include "daemon/meter/roles.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;

namespace {

struct Scene {
    MeterSettings settings;
    KernelReading reading;
    std::vector<Standing> standings;

    InterfaceReading& add(const std::string& name) {
        auto& one = reading.interfaces.emplace_back();
        one.name = name;
        one.ifindex = static_cast<std::uint32_t>(reading.interfaces.size() + 1);
        one.has_carrier = true;
        standings.emplace_back();
        return one;
    }
    InterfaceReading& add_wired(const std::string& name) {
        auto& one = add(name);
        one.is_physical = true;
        return one;
    }
    void decide() { decide_roles(settings, reading, standings); }
    const Standing& of(const std::string& name) const {
        for (std::size_t i = 0; i < standings.size(); ++i)
            if (reading.interfaces[i].name == name) return standings[i];
        throw std::runtime_error("no interface " + name);
    }
};

}  // namespace

TEST_CASE("Roles follow the default route and the kind of link", "[meter]") {
    Scene scene;
    const auto wan = scene.add_wired("eth0").ifindex;
    scene.add_wired("eth1");
    scene.add_wired("wlan0").is_wireless = true;
    scene.add("lo").is_loopback = true;
    scene.add("tun0");
    scene.add("dummy0");
    scene.reading.wan_ifindex = wan;
    scene.decide();
    CHECK(scene.of("eth0").role == Role::wan);
    CHECK(scene.of("eth1").role == Role::lan);
    CHECK(scene.of("wlan0").role == Role::wifi);
    CHECK_FALSE(scene.of("lo").is_wanted);
    CHECK_FALSE(scene.of("tun0").is_wanted);
    CHECK_FALSE(scene.of("dummy0").is_wanted);
}

TEST_CASE("A bridge hides its ports, which are metered apart", "[meter]") {
    Scene scene;
    const auto bridge = scene.add("br-lan").ifindex;
    scene.reading.interfaces.back().is_bridge = true;
    scene.add_wired("eth1").master = bridge;
    auto& wireless = scene.add_wired("wlan0");
    wireless.master = bridge;
    wireless.is_wireless = true;
    scene.decide();
    CHECK(scene.of("br-lan").role == Role::lan);
    for (const auto* port : {"eth1", "wlan0"}) {
        CHECK(scene.of(port).role == Role::none);
        CHECK(scene.of(port).is_wanted);
    }
}

TEST_CASE("A VLAN hides the device below it, also when it is the WAN", "[meter]") {
    Scene scene;
    const auto lower = scene.add_wired("eth0").ifindex;
    scene.add("eth0.10").lower = lower;
    scene.reading.wan_ifindex = scene.reading.interfaces.back().ifindex;
    scene.add("eth0.20").lower = lower;
    scene.decide();
    CHECK(scene.of("eth0.10").role == Role::wan);
    CHECK(scene.of("eth0").role == Role::none);
    CHECK(scene.of("eth0").is_wanted);
    CHECK(scene.of("eth0.20").role == Role::lan);
}

TEST_CASE("A management VLAN on the WAN device is no LAN", "[meter]") {
    Scene scene;
    const auto wan = scene.add_wired("eth0").ifindex;
    scene.add("eth0.7").lower = wan;
    scene.reading.wan_ifindex = wan;
    scene.decide();
    CHECK(scene.of("eth0").role == Role::wan);
    CHECK(scene.of("eth0.7").role == Role::none);
}

TEST_CASE("A bridge of containers and their veths are not metered", "[meter]") {
    Scene scene;
    const auto bridge = scene.add("docker0").ifindex;
    scene.reading.interfaces.back().is_bridge = true;
    scene.add("veth12ab").master = bridge;
    scene.decide();
    CHECK_FALSE(scene.of("docker0").is_wanted);
    CHECK_FALSE(scene.of("veth12ab").is_wanted);
}

TEST_CASE("A named role wins over kind and hiding, an ignored name over everything", "[meter]") {
    Scene scene;
    scene.settings.wan = "ppp0";
    scene.settings.lan = {"veth-lan"};
    scene.settings.wifi = {"ath*"};
    scene.settings.ignore = {"eth9", "docker*"};
    scene.reading.wan_ifindex = scene.add_wired("eth9").ifindex;
    scene.add("ppp0");
    scene.add("veth-lan").master = 77;
    scene.add("ath0");
    scene.add_wired("eth1");
    scene.add_wired("docker0");
    scene.decide();
    CHECK(scene.of("ppp0").role == Role::wan);
    CHECK(scene.of("veth-lan").role == Role::lan);
    CHECK(scene.of("ath0").role == Role::wifi);
    CHECK(scene.of("eth1").role == Role::none);
    CHECK(scene.of("eth1").is_wanted);
    CHECK_FALSE(scene.of("eth9").is_wanted);
    CHECK_FALSE(scene.of("docker0").is_wanted);
}

TEST_CASE("The WAN keeps its role while there is no default route", "[meter]") {
    Scene scene;
    scene.add_wired("eth0");
    scene.standings.back().held_wan = true;
    scene.add_wired("eth1");
    scene.decide();
    CHECK(scene.of("eth0").role == Role::wan);
    CHECK(scene.of("eth1").role == Role::lan);
}

TEST_CASE("A stand-by link does not become the LAN", "[meter]") {
    Scene scene;
    scene.add_wired("eth0");
    scene.standings.back().held_wan = true;
    scene.standings.back().has_been_wan = true;
    const auto wan = scene.add_wired("wwan0").ifindex;
    scene.reading.wan_ifindex = wan;
    scene.decide();
    CHECK(scene.of("wwan0").role == Role::wan);
    CHECK(scene.of("eth0").role == Role::none);

    scene.reading.wan_ifindex = scene.reading.interfaces.front().ifindex;
    scene.decide();
    CHECK(scene.of("wwan0").role == Role::none);
}

TEST_CASE("A bond of cables is a LAN, and a bridge over it or over its VLAN", "[meter]") {
    Scene scene;
    const auto bond = scene.add("bond0").ifindex;
    scene.reading.interfaces.back().is_bridge = true;
    scene.add_wired("eth1").master = bond;
    scene.add_wired("eth2").master = bond;
    SECTION("the bond alone") {
        scene.decide();
        CHECK(scene.of("bond0").role == Role::lan);
    }
    SECTION("a bridge over the bond hides it") {
        const auto bridge = scene.add("br-lan").ifindex;
        scene.reading.interfaces.back().is_bridge = true;
        scene.reading.interfaces.front().master = bridge;
        scene.decide();
        CHECK(scene.of("br-lan").role == Role::lan);
        CHECK(scene.of("bond0").role == Role::none);
        CHECK(scene.of("eth1").role == Role::none);
    }
    SECTION("a bridge over a VLAN of the bond hides both") {
        const auto bridge = scene.add("br-lan").ifindex;
        scene.reading.interfaces.back().is_bridge = true;
        auto& vlan = scene.add("bond0.10");
        vlan.lower = bond;
        vlan.master = bridge;
        scene.decide();
        CHECK(scene.of("br-lan").role == Role::lan);
        CHECK(scene.of("bond0.10").role == Role::none);
        CHECK(scene.of("bond0").role == Role::none);
    }
    SECTION("as the WAN it hides its cables") {
        scene.reading.wan_ifindex = bond;
        scene.decide();
        CHECK(scene.of("bond0").role == Role::wan);
        CHECK(scene.of("eth1").role == Role::none);
    }
}

TEST_CASE("Bridges that are each other's members end the search", "[meter]") {
    Scene scene;
    const auto one = scene.add("br0").ifindex;
    const auto other = scene.add("br1").ifindex;
    for (auto& bridge : scene.reading.interfaces) bridge.is_bridge = true;
    scene.reading.interfaces[0].master = other;
    scene.reading.interfaces[1].master = one;
    scene.decide();
    CHECK(scene.of("br0").role == Role::none);
}

TEST_CASE("A PPPoE session hides its cable, whose VLANs lead to the modem only", "[meter]") {
    Scene scene;
    const auto cable = scene.add_wired("eth0").ifindex;
    scene.add("eth0.7").lower = cable;
    scene.add_wired("eth1");
    auto& session = scene.add("ppp0");
    session.is_ppp = true;
    session.lower = cable;
    scene.reading.wan_ifindex = session.ifindex;
    scene.decide();
    CHECK(scene.of("ppp0").role == Role::wan);
    CHECK(scene.of("eth0").role == Role::none);
    CHECK(scene.of("eth0.7").role == Role::none);
    CHECK(scene.of("eth1").role == Role::lan);

    // The session ends: what carried it does not become the LAN.
    scene.reading.interfaces.pop_back();
    scene.standings.pop_back();
    scene.reading.wan_ifindex = 0;
    scene.standings[0].has_been_wan = true;
    scene.standings[0].has_carried_session = true;
    scene.decide();
    CHECK(scene.of("eth0").role == Role::none);
    CHECK(scene.of("eth0.7").role == Role::none);
}

TEST_CASE("Beside a PPPoE session over a VLAN another VLAN may be the LAN", "[meter]") {
    Scene scene;
    const auto cable = scene.add_wired("eth0").ifindex;
    scene.add("eth0.10").lower = cable;
    const auto below = scene.reading.interfaces.back().ifindex;
    scene.add("eth0.20").lower = cable;
    auto& session = scene.add("ppp0");
    session.is_ppp = true;
    session.lower = below;
    scene.reading.wan_ifindex = session.ifindex;
    scene.decide();
    CHECK(scene.of("eth0.10").role == Role::none);
    CHECK(scene.of("eth0.20").role == Role::lan);
    CHECK(scene.of("eth0").role == Role::none);
}

TEST_CASE("An LTE modem is the WAN under any of its names and no LAN without the route",
          "[meter]") {
    for (const auto* name : {"wwan0", "wwp0s20u4i6", "rmnet_data0", "ppp0", "usb0"}) {
        Scene scene;
        auto& modem = scene.add_wired(name);
        modem.is_point_to_point = true;
        scene.reading.wan_ifindex = modem.ifindex;
        scene.add_wired("eth0");
        scene.decide();
        CHECK(scene.of(name).role == Role::wan);
        CHECK(scene.of("eth0").role == Role::lan);
        // A modem by name is never a LAN; one that looks like any other once it has been the WAN.
        scene.standings[0] = {};
        scene.standings[0].has_been_wan = std::string{name} == "usb0";
        scene.reading.wan_ifindex = 999;
        scene.decide();
        CHECK(scene.of(name).role == Role::none);
    }
}

TEST_CASE("What lies below a stack of devices is found, also when the stack is a ring", "[meter]") {
    Scene scene;
    scene.add_wired("eth0");
    scene.add("eth0.100").lower = scene.reading.interfaces[0].ifindex;
    scene.add("ppp0").lower = scene.reading.interfaces[1].ifindex;
    CHECK(bottom_of(scene.reading, 2) == 0);
    CHECK(bottom_of(scene.reading, 1) == 0);
    CHECK(bottom_of(scene.reading, 0) == 0);
    scene.reading.interfaces[1].lower = 4711;  // in another namespace, or gone
    CHECK(bottom_of(scene.reading, 2) == 1);
    scene.reading.interfaces[1].lower = scene.reading.interfaces[2].ifindex;
    CHECK(bottom_of(scene.reading, 2) <= 2);
}

TEST_CASE("Every role has a word that is read back", "[meter]") {
    for (const auto role : {Role::none, Role::wan, Role::lan, Role::wifi})
        CHECK(parse_role(to_string(role)) == role);
    CHECK(parse_role("WAN") == Role::none);
}
