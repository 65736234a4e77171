#include "daemon/meter/meter.hpp"

#include <catch2/catch.hpp>
#include <optional>

#include "tests/daemon/meter/allocations.hpp"
#include "tests/daemon/meter/meter_bench.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

TEST_CASE("Meter does not count what passed before the daemon first ran", "[meter]") {
    auto bench = wan_bench();
    bench.kernel.traffic("eth0", 5000, 400);
    bench.start();
    bench.tick();
    CHECK(bench.received("eth0") == 0);
    CHECK(bench.reason("eth0") == "first");
    CHECK(bench.journal.fact("eth0")->base[0] == -5000);
    bench.kernel.traffic("eth0", 70, 9);
    bench.tick();
    CHECK(bench.received("eth0") == 70);
    CHECK(bench.of("eth0").transmitted == Bytes{9});
    CHECK(bench.wan_received() == 70);
    CHECK(bench.events.empty());
}

TEST_CASE("Meter counts what passed while the daemon was down on the same boot", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 100, 10);
    bench.tick();
    bench.kernel.traffic("eth0", 1000, 20);
    bench.start();
    bench.tick();
    CHECK(bench.received("eth0") == 1100);
    CHECK(bench.wan_received() == 1100);
    CHECK(bench.events.interfaces.empty());
}

TEST_CASE("Meter counts from zero after a reboot for a name with a history", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 100, 10);
    bench.tick();
    bench.reboot();
    bench.kernel.traffic("eth0", 77, 7);
    bench.kernel.add("eth5");
    bench.kernel.traffic("eth5", 33, 3);
    bench.start();
    bench.tick();
    CHECK(bench.received("eth0") == 177);
    CHECK(bench.wan_received() == 177);
    CHECK(bench.reason("eth0") == "boot");
    CHECK(bench.received("eth5") == 0);
    CHECK(bench.reason("eth5") == "first");
}

TEST_CASE("Meter counts an interface made while it listens from zero", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.add("wwan0");
    bench.kernel.traffic("wwan0", 55, 5);
    bench.tick();
    CHECK(bench.received("wwan0") == 55);
    CHECK(bench.reason("wwan0") == "created");
}

TEST_CASE("Meter counts an interface made while the daemon was down from zero", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.add("eth1");
    bench.kernel.traffic("eth1", 55, 5);
    bench.start();
    bench.tick();
    CHECK(bench.received("eth1") == 55);
    CHECK(bench.reason("eth1") == "created");
}

TEST_CASE("Meter goes on under the same name when a device is made anew", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 1000, 10);
    bench.tick();
    bench.kernel.recreate("eth0");
    // More than before: an ifindex, not a fall, tells that it is another device.
    bench.kernel.traffic("eth0", 5000, 50);
    SECTION("while it listens") {
        bench.tick();
    }
    SECTION("while it is down") {
        bench.start();
        bench.tick();
    }
    CHECK(bench.received("eth0") == 6000);
    CHECK(bench.wan_received() == 6000);
    CHECK(bench.reason("eth0") == "created");
}

TEST_CASE("Meter lets the baseline follow a renamed device", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 1000, 10);
    bench.tick();
    bench.kernel.rename("eth0", "wan0");
    bench.kernel.traffic("wan0", 500, 5);
    SECTION("while it listens") {
        bench.tick();
    }
    SECTION("while it is down") {
        bench.start();
        bench.tick();
    }
    CHECK(bench.received("wan0") == 500);
    CHECK(bench.reason("wan0") == "renamed");
    CHECK(bench.reason("eth0") == "gone");
    CHECK(bench.journal.fact("eth0")->base[0] == 1000);
    CHECK(bench.wan_received() == 1500);
}

TEST_CASE("Meter keeps totals with the names when two devices swap them", "[meter]") {
    Bench bench;
    bench.kernel.add("a");
    bench.kernel.add("b");
    bench.start();
    bench.tick();
    bench.kernel.traffic("a", 100, 0);
    bench.kernel.traffic("b", 7, 0);
    bench.tick();
    bench.kernel.rename("a", "x");
    bench.kernel.rename("b", "a");
    bench.kernel.rename("x", "b");
    bench.kernel.traffic("a", 1, 0);
    bench.kernel.traffic("b", 2, 0);
    bench.tick();
    CHECK(bench.received("a") == 101);
    CHECK(bench.received("b") == 9);
}

TEST_CASE("Meter gives the bytes of an interval to the WAN at its start", "[meter]") {
    auto bench = wan_bench();
    bench.kernel.add("wwan0");
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 100, 0);
    bench.kernel.traffic("wwan0", 9, 0);
    bench.kernel.default_route("wwan0");
    bench.tick();
    CHECK(bench.wan_received() == 100);
    CHECK(bench.journal.fact("wwan0")->role == "wan");
    CHECK(bench.journal.fact("eth0")->role == "none");
    bench.kernel.traffic("eth0", 1000, 0);
    bench.kernel.traffic("wwan0", 40, 0);
    bench.start();
    bench.tick();
    CHECK(bench.wan_received() == 140);
}

TEST_CASE("Meter counts a WAN that was made in the interval as WAN from its birth", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.remove("eth0");
    bench.kernel.default_route("");
    bench.tick();
    CHECK(bench.reason("eth0") == "gone");
    CHECK(bench.journal.fact("eth0")->role == "wan");
    bench.kernel.add("ppp0");
    bench.kernel.interface("ppp0").is_physical = false;
    bench.kernel.default_route("ppp0");
    bench.kernel.traffic("ppp0", 60, 0);
    bench.tick();
    CHECK(bench.wan_received() == 60);
    CHECK(bench.journal.fact("eth0")->role == "none");
}

TEST_CASE("Meter knows whose link is missing when the WAN is gone", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    CHECK_FALSE(bench.meter->summary().wan.is_known);
    bench.tick();
    CHECK(bench.meter->summary().wan.is_known);
    CHECK(bench.meter->summary().wan.has_carrier);
    bench.kernel.default_route("");
    bench.kernel.carrier("eth0", false);
    bench.tick();
    CHECK(bench.of("eth0").role == Role::wan);
    CHECK_FALSE(bench.meter->summary().wan.has_carrier);
    SECTION("a dongle that was pulled has no carrier") {
        bench.kernel.remove("eth0");
        bench.tick();
        CHECK(bench.meter->summary().wan.is_known);
        CHECK_FALSE(bench.meter->summary().wan.has_carrier);
        CHECK(bench.meter->summary().interfaces.empty());
    }
    SECTION("a session that ended says nothing of the cable") {
        bench.kernel.interface("eth0").is_physical = false;
        bench.tick();
        bench.kernel.remove("eth0");
        bench.tick();
        CHECK_FALSE(bench.meter->summary().wan.is_known);
    }
}

TEST_CASE("Meter tells carrier changes, also a flap between two readings", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    REQUIRE(bench.events.carriers.size() == 1);
    CHECK(bench.events.carriers[0] == CarrierFact{"eth0", true, 1});
    bench.tick();
    CHECK(bench.events.carriers.empty());
    bench.kernel.carrier("eth0", false);
    bench.kernel.carrier("eth0", true);
    bench.tick();
    REQUIRE(bench.events.carriers.size() == 1);
    CHECK(bench.events.carriers[0] == CarrierFact{"eth0", true, 3});
}

TEST_CASE("Meter keeps suspect bytes out of usage and in a series of their own", "[meter]") {
    auto bench = wan_bench();
    bench.kernel.interface("eth0").line_rate = BitRate{8'000'000};
    bench.start();
    bench.tick();
    CHECK_FALSE(bench.value(series_name::kInterfaceSuspectBytes));
    bench.kernel.traffic("eth0", 11'000'100, 0);
    bench.tick();
    CHECK(bench.reason("eth0") == "suspect");
    for (const bool restarted : {false, true}) {
        if (restarted) bench.start();
        bench.tick();
        CHECK(bench.received("eth0") == 11'000'000);
        CHECK(bench.wan_received() == 11'000'000);
        CHECK(bench.of("eth0").suspect == Bytes{100});
        CHECK(bench.value(series_name::kInterfaceSuspectBytes) == 100);
    }
}

TEST_CASE("Meter does not call the bytes of a long pause suspect", "[meter]") {
    auto bench = wan_bench();
    bench.kernel.interface("eth0").line_rate = BitRate{8'000'000};
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 3'600'000'000, 0);
    bench.start();
    bench.tick(1h);
    CHECK(bench.received("eth0") == 3'600'000'000);
}

TEST_CASE("Meter loses nothing when a read of the kernel fails", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 10, 0);
    bench.kernel.fail_reads(1);
    CHECK_FALSE(bench.kernel.read(bench.reading));
    bench.kernel.traffic("eth0", 20, 0);
    bench.tick(20s);
    CHECK(bench.received("eth0") == 30);
}

TEST_CASE("Meter continues when only the facts of the last reading were committed", "[meter]") {
    auto bench = wan_bench();
    bench.settings.kernel_is_32bit = true;
    bench.kernel.wrap_at_32bit("eth0");
    bench.kernel.interface("eth0").line_rate = BitRate{1'000'000'000};
    bench.kernel.traffic("eth0", 4'294'967'000, 0);
    bench.start();
    bench.tick();
    const auto readings = bench.readings;
    const auto taken = bench.reading.taken;
    bench.kernel.traffic("eth0", 1000, 0);
    bench.tick();
    REQUIRE(bench.reason("eth0") == "wrap");
    bench.journal.keep(bench.boot, taken, readings, MeterEvents{});
    bench.start();
    bench.tick();
    CHECK(bench.received("eth0") == 1000);
    CHECK(bench.wan_received() == 1000);
}

TEST_CASE("Meter takes in an interface that was there unmetered without its past", "[meter]") {
    auto bench = wan_bench();
    bench.kernel.add("tun0");
    bench.kernel.interface("tun0").is_physical = false;
    bench.start();
    bench.tick();
    bench.kernel.traffic("tun0", 999, 0);
    bench.kernel.default_route("tun0");
    bench.tick();
    CHECK(bench.received("tun0") == 0);
    bench.kernel.traffic("tun0", 5, 0);
    bench.tick();
    CHECK(bench.received("tun0") == 5);
    CHECK(bench.wan_received() == 5);
    bench.kernel.default_route("eth0");
    bench.tick();
    CHECK(bench.of("tun0").role == Role::none);
}

TEST_CASE("Meter stays the same size when a dongle is made anew every minute", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    const auto series = bench.series.all().size();
    for (int i = 0; i < 2000; ++i) {
        bench.kernel.traffic("eth0", 10, 0);
        bench.tick();
        bench.kernel.recreate("eth0");
    }
    bench.tick();
    CHECK(bench.series.all().size() == series);
    CHECK(bench.received("eth0") == 20'000);
}

TEST_CASE("Meter says once which interfaces are beyond its bounds and keeps room for the WAN",
          "[meter]") {
    Bench bench;
    for (int i = 0; i < 40; ++i) bench.kernel.add("vlan" + std::to_string(i));
    for (int i = 0; i < 40; ++i) bench.kernel.interface("vlan" + std::to_string(i)).master = 99;
    bench.kernel.add("ppp0");
    bench.kernel.default_route("ppp0");
    bench.start();
    bench.tick();
    CHECK(bench.events.left_out.size() == 41 - kMeteredWithoutRole);
    CHECK(bench.meter->summary().interfaces.size() == kMeteredWithoutRole);
    CHECK(bench.of("ppp0").role == Role::wan);
    bench.tick();
    CHECK(bench.events.left_out.empty());
}

TEST_CASE("Meter bounds the names that ever had totals", "[meter]") {
    Bench bench;
    bench.start();
    for (int i = 0; i < 300; ++i) {
        const auto name = "enx" + std::to_string(i);
        bench.kernel.add(name);
        bench.tick();
        bench.kernel.remove(name);
    }
    CHECK(bench.series.all().size() < kMaxSeries);
    CHECK(bench.meter->summary().interfaces.empty());
    CHECK(bench.events.left_out.size() == 1);
}

TEST_CASE("Meter tells all facts again for a new epoch", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.tick();
    CHECK(bench.events.empty());
    bench.meter->retell();
    bench.tick();
    REQUIRE(bench.events.interfaces.size() == 1);
    CHECK(bench.events.interfaces[0] == *bench.journal.fact("eth0"));
}

TEST_CASE("Clients leave the box in private form, once a quarter of an hour", "[meter]") {
    CHECK(private_count(0) == 0);
    for (const auto few : {1u, 2u, 3u, 4u}) CHECK(private_count(few) == 4);
    CHECK(private_count(5) == 5);

    auto bench = wan_bench();
    bench.kernel.add("eth1");
    bench.kernel.interface("eth0").neighbours = 50;
    bench.start();
    bench.tick();
    bench.kernel.interface("eth1").neighbours = 2;
    bench.tick();
    bench.kernel.interface("eth1").neighbours = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> said;
    while (bench.kernel.now() < monotonic_from_ms(32 * 60 * 1000)) {
        bench.tick();
        if (const auto clients = bench.value("lan_clients"))
            said.emplace_back(to_ms(bench.kernel.now()) / 60'000, *clients);
    }
    CHECK(said == std::vector<std::pair<std::int64_t, std::int64_t>>{{15, 4}, {30, 0}});
}

TEST_CASE("Meter shows the rates between its last two readings", "[meter]") {
    auto bench = wan_bench();
    bench.start();
    bench.tick();
    bench.kernel.traffic("eth0", 12'500'000, 1250);
    bench.tick(10s);
    CHECK(bench.of("eth0").receive_rate == BitRate{10'000'000});
    CHECK(bench.of("eth0").transmit_rate == BitRate{1000});
    bench.tick(10s);
    CHECK(bench.of("eth0").receive_rate == BitRate{0});
}

TEST_CASE("Meter allocates nothing in the steady state", "[meter]") {
    auto bench = wan_bench();
    bench.kernel.add("eth1");
    bench.kernel.add("wlan0");
    bench.start();
    bench.tick();
    bench.tick();
    std::uint64_t allocated = 0;
    for (int i = 0; i < 100; ++i) {
        bench.kernel.traffic("eth0", 1000, 10);
        bench.kernel.advance(10s);
        REQUIRE(bench.kernel.read(bench.reading));
        bench.readings.clear();
        const auto before = allocations();
        bench.meter->advance(bench.reading, bench.readings, bench.events);
        allocated += allocations() - before;
    }
    CHECK(allocated == 0);
    CHECK(bench.received("eth0") == 100'000);
}
