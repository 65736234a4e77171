// What the meter tells probing about the WAN: sessions, stacks, next hop.

#include <catch2/catch.hpp>

#include "tests/daemon/meter/allocations.hpp"
#include "tests/daemon/meter/meter_bench.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// ppp0 over eth0 is the WAN, eth1 the LAN.
Bench session_bench() {
    Bench bench;
    bench.kernel.add("eth0");
    bench.kernel.interface("eth0").line_rate = BitRate{100'000'000};
    bench.kernel.add("eth1");
    bench.kernel.add("ppp0");
    auto& session = bench.kernel.interface("ppp0");
    session.is_physical = false;
    session.is_ppp = true;
    session.is_point_to_point = true;
    bench.kernel.stack("ppp0", "eth0");
    bench.kernel.default_route("ppp0");
    return bench;
}

void end_session(Bench& bench) {
    bench.kernel.default_route("");
    bench.kernel.remove("ppp0");
}

}  // namespace

TEST_CASE("A PPPoE session that ended leaves the carrier of its cable", "[meter]") {
    auto bench = session_bench();
    bench.start();
    bench.tick();
    auto summary = bench.meter->summary();
    CHECK(summary.wan.name == "ppp0");
    CHECK(summary.wan.has_carrier);
    CHECK_FALSE(summary.wan.session_is_down);
    CHECK(summary.wan.is_point_to_point);
    CHECK(summary.wan.is_stacked);
    CHECK(summary.wan.has_default_route);
    CHECK(summary.wan.line_rate == BitRate{100'000'000});

    end_session(bench);
    bench.tick();
    summary = bench.meter->summary();
    CHECK(summary.wan.name == "ppp0");
    CHECK(summary.wan.is_known);
    CHECK(summary.wan.has_carrier);
    CHECK(summary.wan.session_is_down);
    CHECK_FALSE(summary.wan.has_default_route);
    CHECK(bench.of("eth0").role == Role::none);  // and not the village's LAN
    CHECK(bench.of("eth1").role == Role::lan);

    SECTION("the cable's carrier goes too") {
        bench.kernel.carrier("eth0", false);
        bench.tick();
        CHECK(bench.meter->summary().wan.is_known);
        CHECK_FALSE(bench.meter->summary().wan.has_carrier);
        CHECK(bench.meter->summary().wan.session_is_down);
    }
    SECTION("the cable's whole device goes") {
        bench.kernel.remove("eth0");
        bench.tick();
        CHECK(bench.meter->summary().wan.is_known);
        CHECK_FALSE(bench.meter->summary().wan.has_carrier);
    }
    SECTION("the session comes back") {
        bench.kernel.add("ppp0");
        auto& session = bench.kernel.interface("ppp0");
        session.is_physical = false;
        session.is_ppp = true;
        bench.kernel.stack("ppp0", "eth0");
        bench.kernel.default_route("ppp0");
        bench.kernel.traffic("ppp0", 700, 0);
        bench.tick();
        CHECK_FALSE(bench.meter->summary().wan.session_is_down);
        CHECK(bench.wan_received() == 700);
    }
}

TEST_CASE("A cable that is out is seen although the session still stands", "[meter]") {
    auto bench = session_bench();
    bench.start();
    bench.tick();
    bench.kernel.carrier("eth0", false);  // pppd notices after a minute
    bench.tick();
    CHECK_FALSE(bench.meter->summary().wan.has_carrier);
    CHECK_FALSE(bench.meter->summary().wan.session_is_down);
    bench.kernel.carrier("eth0", true);
    bench.kernel.interface("ppp0").is_up = false;
    bench.tick();
    CHECK(bench.meter->summary().wan.has_carrier);
    CHECK(bench.meter->summary().wan.session_is_down);
}

TEST_CASE("A restart while the session is down finds its cable by the roles of before", "[meter]") {
    auto bench = session_bench();
    bench.start();
    bench.tick();
    const bool same_boot = GENERATE(true, false);
    INFO((same_boot ? "same boot" : "after a reboot"));
    end_session(bench);
    if (!same_boot) bench.reboot();
    bench.start();
    bench.tick();
    const auto summary = bench.meter->summary();
    CHECK(summary.wan.name == "ppp0");
    CHECK(summary.wan.is_known);
    CHECK(summary.wan.has_carrier);
    CHECK(summary.wan.session_is_down);
    CHECK(bench.of("eth0").role == Role::none);
    CHECK(bench.of("eth1").role == Role::lan);
}

TEST_CASE("A restart says nothing of the carrier when two cables may be the session's", "[meter]") {
    auto bench = session_bench();
    bench.kernel.add("eth2");
    bench.kernel.interface("eth2").master = 99;  // of a bridge that is not there yet
    bench.start();
    bench.tick();
    end_session(bench);
    bench.reboot();
    bench.kernel.interface("eth2").master = 0;
    bench.start();
    bench.tick();
    CHECK_FALSE(bench.meter->summary().wan.is_known);
    CHECK(bench.meter->summary().wan.session_is_down);
}

TEST_CASE("The PPP of a serial modem says nothing of a cable when it is gone", "[meter]") {
    auto bench = session_bench();
    bench.kernel.stack("ppp0", "");
    bench.start();
    bench.tick();
    CHECK(bench.meter->summary().wan.has_carrier);
    end_session(bench);
    bench.tick();
    CHECK_FALSE(bench.meter->summary().wan.is_known);
    CHECK_FALSE(bench.meter->summary().wan.has_carrier);
    CHECK(bench.meter->summary().wan.session_is_down);
}

TEST_CASE("A session over a VLAN has the carrier of the cable at the bottom", "[meter]") {
    auto bench = session_bench();
    bench.kernel.add("eth0.100");
    bench.kernel.interface("eth0.100").is_physical = false;
    bench.kernel.stack("eth0.100", "eth0");
    bench.kernel.stack("ppp0", "eth0.100");
    bench.start();
    bench.tick();
    CHECK(bench.meter->summary().wan.line_rate == BitRate{100'000'000});
    bench.kernel.carrier("eth0", false);
    bench.tick();
    CHECK_FALSE(bench.meter->summary().wan.has_carrier);
}

TEST_CASE("A plain WAN has no session to lose", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    CHECK_FALSE(bench.meter->summary().wan.is_stacked);
    CHECK_FALSE(bench.meter->summary().wan.session_is_down);
    bench.kernel.carrier("eth0", false);
    bench.tick();
    CHECK_FALSE(bench.meter->summary().wan.session_is_down);
}

TEST_CASE("The gateway is the default route's, and stays known while the route is gone",
          "[meter]") {
    auto bench = wan_bench();
    bench.kernel.add("wwan0");
    bench.kernel.gateway("192.168.1.1", true);
    bench.start();
    bench.tick();
    CHECK(bench.meter->summary().wan.gateway == "192.168.1.1");
    CHECK(bench.meter->summary().wan.gateway_is_neighbour == true);

    bench.kernel.default_route("");
    bench.tick();
    CHECK(bench.meter->summary().wan.gateway == "192.168.1.1");
    CHECK_FALSE(bench.meter->summary().wan.gateway_is_neighbour);
    CHECK_FALSE(bench.meter->summary().wan.has_default_route);

    SECTION("another device's gateway is another's") {
        bench.kernel.gateway("");
        bench.kernel.default_route("wwan0");
        bench.tick();
        CHECK(bench.meter->summary().wan.name == "wwan0");
        CHECK(bench.meter->summary().wan.gateway.empty());
    }
    SECTION("the gateway changes") {
        bench.kernel.gateway("fe80::1", false);
        bench.kernel.default_route("eth0");
        bench.tick();
        CHECK(bench.meter->summary().wan.gateway == "fe80::1");
        CHECK(bench.meter->summary().wan.gateway_is_neighbour == false);
    }
}

TEST_CASE("A named WAN does not take the gateway of another device's default route", "[meter]") {
    auto bench = wan_bench();
    bench.kernel.add("eth1");
    bench.settings.wan = "eth1";
    bench.kernel.gateway("192.168.1.1", true);
    bench.start();
    bench.tick();
    CHECK(bench.meter->summary().wan.name == "eth1");
    CHECK(bench.meter->summary().wan.gateway.empty());
    CHECK_FALSE(bench.meter->summary().wan.has_default_route);
    CHECK_FALSE(bench.meter->summary().wan.gateway_is_neighbour);
}

TEST_CASE("The WAN's packets and the LAN's bytes are those since the start", "[meter]") {
    auto bench = wan_bench();
    bench.kernel.add("eth1");
    bench.kernel.traffic("eth0", 1400, 1400);
    bench.kernel.traffic("eth1", 9'000, 9'000);
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 2 * 1400, 1400);
    bench.kernel.traffic("eth1", 1'000, 500);
    bench.tick();
    const auto summary = bench.meter->summary();
    CHECK(summary.wan.received_packets == 2);
    CHECK(summary.wan.transmitted_packets == 1);
    CHECK(summary.lan.moved == Bytes{1'500});
}

TEST_CASE("The LAN has carrier when one of its interfaces has", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    CHECK_FALSE(bench.meter->summary().lan.has_carrier);
    CHECK_FALSE(bench.meter->summary().lan.is_present);
    bench.kernel.add("eth1");
    bench.kernel.add("wlan0");
    bench.kernel.interface("wlan0").is_wireless = true;
    bench.kernel.carrier("eth1", false);
    bench.tick();
    CHECK(bench.meter->summary().lan.has_carrier == true);
    CHECK(bench.meter->summary().lan.is_present);
    bench.kernel.carrier("wlan0", false);
    bench.tick();
    CHECK(bench.meter->summary().lan.has_carrier == false);
    bench.kernel.remove("eth1");
    bench.kernel.remove("wlan0");
    bench.tick();
    CHECK(bench.meter->summary().lan.has_carrier == false);  // there was one: it is out
    CHECK_FALSE(bench.meter->summary().lan.is_present);
}

TEST_CASE("Stations and daily uniques leave the box in private form, where they are known",
          "[meter]") {
    auto bench = wan_bench();
    bench.kernel.add("wlan0");
    bench.kernel.add("wlan1");
    for (const auto* name : {"wlan0", "wlan1"}) bench.kernel.interface(name).is_wireless = true;
    bench.kernel.interface("wlan0").master = 77;  // hidden by a bridge, its stations are not
    bench.start();
    std::vector<std::int64_t> stations;
    std::vector<std::int64_t> uniques;
    const auto run_for = [&](Millis span) {
        const auto end = bench.kernel.now() + span;
        while (bench.kernel.now() < end) {
            bench.tick();
            if (const auto value = bench.value("wifi_stations")) stations.push_back(*value);
            if (const auto value = bench.value("lan_clients_today")) uniques.push_back(*value);
        }
    };
    run_for(16min);
    CHECK(stations.empty());
    CHECK(uniques.empty());

    bench.kernel.interface("wlan0").stations = 2;
    bench.kernel.interface("wlan1").stations = 1;
    bench.kernel.unique_clients(3);
    run_for(15min);
    bench.kernel.interface("wlan0").stations = 20;
    bench.kernel.unique_clients(31);
    bench.tick();
    bench.kernel.interface("wlan0").stations = 0;
    bench.kernel.interface("wlan1").stations = 0;
    run_for(15min);
    bench.kernel.set_day(1);
    bench.kernel.set_day(2);
    run_for(15min);
    CHECK(stations == std::vector<std::int64_t>{4, 21, 0});
    CHECK(uniques == std::vector<std::int64_t>{4, 31, 0});
}

TEST_CASE("A WAN with a long gateway costs no allocation in the steady state", "[meter]") {
    auto bench = session_bench();
    bench.kernel.stack("ppp0", "");
    bench.kernel.default_route("eth0");
    bench.kernel.gateway("2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff", true);
    bench.kernel.interface("eth1").stations = 3;
    bench.kernel.unique_clients(9);
    bench.start();
    for (int i = 0; i < 200; ++i) bench.tick();
    std::uint64_t allocated = 0;
    for (int i = 0; i < 200; ++i) {
        bench.kernel.advance(10s);
        REQUIRE(bench.kernel.read(bench.reading));
        bench.readings.clear();
        const auto before = allocations();
        bench.meter->advance(bench.reading, bench.readings, bench.events);
        allocated += allocations() - before;
    }
    CHECK(allocated == 0);
}
