#include "daemon/meter/path_check.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// A machine whose counters move as told, looked at every minute.
struct Box {
    PathSigns signs{.at = Monotonic{30s},
                    .forwarding = {.is_on_v4 = true, .is_on_v6 = false, .datagrams = 0},
                    .offloads_are_known = true,
                    .wan_is_up = true,
                    .has_lan = true};
    PathCheck check;
    unsigned changes = 0;

    /// An hour in which so much passed.
    void hour(std::uint64_t forwarded, std::uint64_t wan_mb, std::uint64_t lan_mb,
              std::uint64_t wan_packets = 1'000'000) {
        for (int minute = 0; minute < 60; ++minute) {
            if (check.take(signs)) ++changes;
            signs.at += 60s;
        }
        if (signs.forwarding.datagrams) *signs.forwarding.datagrams += forwarded;
        signs.wan_bytes += wan_mb * 1'000'000;
        signs.lan_bytes += lan_mb * 1'000'000;
        signs.wan_packets += wan_packets;
        if (check.take(signs)) ++changes;
    }
    void hours(int count, std::uint64_t forwarded, std::uint64_t wan_mb, std::uint64_t lan_mb) {
        for (int i = 0; i < count; ++i) hour(forwarded, wan_mb, lan_mb);
    }
    TrafficPath path() const { return check.verdict().path; }
    UsageConfidence confidence() const { return check.verdict().confidence; }
};

}  // namespace

TEST_CASE("Nothing is said of the path before an hour has been seen", "[meter]") {
    Box box;
    for (int minute = 0; minute < 60; ++minute) {
        CHECK_FALSE(box.check.take(box.signs));
        box.signs.at += 60s;
    }
    CHECK(box.check.verdict() == PathVerdict{});
}

TEST_CASE("A machine that forwards is in the path", "[meter]") {
    Box box;
    box.hour(100, 50, 50);
    CHECK(box.path() == TrafficPath::in_path);
    CHECK(box.confidence() == UsageConfidence::good);
    CHECK(box.changes == 1);
    CHECK(box.check.verdict().reason ==
          "last hour: forwarded 100 datagrams, WAN 50 MB, LAN 50 MB; no offload of forwarding");
    box.hours(30, 100, 50, 50);
    CHECK(box.changes == 1);
}

TEST_CASE("A proxy that forwards nothing is in the path by its bytes", "[meter]") {
    Box box;
    box.signs.forwarding.is_on_v4 = false;
    box.hour(0, 40, 100);
    CHECK(box.path() == TrafficPath::in_path);
    // At night it is silent, and remains what it is.
    box.hours(10, 0, 0, 0);
    CHECK(box.path() == TrafficPath::in_path);
}

TEST_CASE("A machine that cannot forward and has no LAN is not in the path after an hour",
          "[meter]") {
    Box box;
    box.signs.forwarding.is_on_v4 = false;
    box.signs.has_lan = false;
    box.hour(0, 20, 0);
    CHECK(box.path() == TrafficPath::not_in_path);
    CHECK(box.changes == 1);
    CHECK(box.check.verdict().reason ==
          "last hour: forwarded 0 datagrams, WAN 20 MB, LAN absent; no offload of forwarding");
    // Then somebody makes it the gateway.
    box.signs.forwarding.is_on_v4 = true;
    box.signs.has_lan = true;
    box.hour(5000, 20, 20);
    CHECK(box.path() == TrafficPath::in_path);
    CHECK(box.changes == 2);
}

TEST_CASE("A village that sleeps does not take its gateway out of the path", "[meter]") {
    Box box;
    box.hour(5000, 20, 20);
    for (int night = 0; night < 30; ++night) {
        box.hours(23, 0, 0, 0);
        box.hour(5000, 20, 20);
    }
    CHECK(box.path() == TrafficPath::in_path);
    CHECK(box.changes == 1);
    box.hours(24, 0, 0, 0);
    CHECK(box.path() == TrafficPath::not_in_path);
    CHECK(box.changes == 2);
}

TEST_CASE("A machine that could forward but never does is not in the path after a day", "[meter]") {
    Box box;
    box.hours(23, 9, 3, 0);
    CHECK(box.path() == TrafficPath::unknown);
    box.hour(9, 3, 0);
    CHECK(box.path() == TrafficPath::not_in_path);
}

TEST_CASE("Hours that prove nothing leave the path as it is", "[meter]") {
    Box box;
    box.signs.forwarding.is_on_v4 = false;
    SECTION("the WAN was down for a minute of each") {
        for (int i = 0; i < 50; ++i) {
            box.signs.wan_is_up = false;
            (void)box.check.take(box.signs);
            box.signs.at += 60s;
            box.signs.wan_is_up = true;
            box.hour(0, 0, 0);
        }
    }
    SECTION("the LAN moved something") {
        box.hours(50, 0, 0, 2);
    }
    SECTION("a flowtable may forward beside the count") {
        box.signs.has_flowtable = true;
        box.hours(50, 0, 0, 0);
    }
    SECTION("hardware may forward beside the count") {
        box.signs.has_hw_offload = true;
        box.hours(50, 0, 0, 0);
    }
    SECTION("what is forwarded cannot be read") {
        box.signs.forwarding.datagrams.reset();
        box.hours(50, 0, 0, 0);
    }
    SECTION("a count that fell") {
        box.signs.forwarding.datagrams = 1000;
        (void)box.check.take(box.signs);
        box.signs.forwarding.datagrams = 0;
        box.hour(0, 0, 0);
    }
    CHECK(box.path() == TrafficPath::unknown);
}

TEST_CASE("Totals that start anew are no traffic", "[meter]") {
    Box box;
    box.signs.lan_bytes = box.signs.wan_bytes = 500'000'000;
    (void)box.check.take(box.signs);
    box.signs.lan_bytes = box.signs.wan_bytes = 0;
    box.hour(0, 0, 0);
    CHECK(box.path() == TrafficPath::unknown);
}

TEST_CASE("Offloads make the counters suspect where packets pass beside them", "[meter]") {
    Box box;
    SECTION("hardware always") {
        box.signs.has_hw_offload = true;
        box.hour(5000, 20, 20);
        CHECK(box.confidence() == UsageConfidence::suspect);
    }
    SECTION("a flowtable under a stacked WAN") {
        box.signs.has_flowtable = true;
        box.signs.wan_is_stacked = true;
        box.hour(5000, 20, 20);
        CHECK(box.confidence() == UsageConfidence::suspect);
    }
    SECTION("not a flowtable on a physical WAN") {
        box.signs.has_flowtable = true;
        box.hour(5000, 20, 20);
        CHECK(box.confidence() == UsageConfidence::good);
    }
    SECTION("unknown when nobody could look") {
        box.signs.offloads_are_known = false;
        box.hour(5000, 20, 20);
        CHECK(box.confidence() == UsageConfidence::unknown);
    }
}

TEST_CASE("More forwarded than the WAN counted is suspect for a day", "[meter]") {
    Box box;
    box.hour(2002, 20, 20, 1001);
    CHECK(box.confidence() == UsageConfidence::good);
    box.hour(2004, 20, 20, 1001);
    CHECK(box.confidence() == UsageConfidence::suspect);
    CHECK(box.changes == 2);
    box.hours(23, 5000, 20, 20);
    CHECK(box.confidence() == UsageConfidence::suspect);
    box.hour(5000, 20, 20);
    CHECK(box.confidence() == UsageConfidence::good);
    CHECK(box.changes == 3);
    box.hour(999, 20, 20, 0);  // too few to tell
    CHECK(box.confidence() == UsageConfidence::good);
}

TEST_CASE("A restart does not tell the same verdict again", "[meter]") {
    Box box;
    box.check.restore({UsageConfidence::good, TrafficPath::in_path, "as of yesterday"});
    CHECK(box.check.verdict().reason == "as of yesterday");
    box.hours(5, 5000, 20, 20);
    CHECK(box.changes == 0);
    box.hours(5, 0, 0, 0);
    CHECK(box.path() == TrafficPath::in_path);
}

TEST_CASE("The signs of the path come from meter, kernel and facts", "[meter]") {
    MeterSummary meter;
    meter.wan.is_known = true;
    meter.wan.has_carrier = true;
    meter.wan.has_default_route = true;
    meter.wan.is_stacked = true;
    meter.wan.received = {10};
    meter.wan.transmitted = {5};
    meter.wan.received_packets = 3;
    meter.wan.transmitted_packets = 4;
    meter.lan.is_present = true;
    meter.lan.moved = {77};
    MachineFacts facts;
    facts.offloads_are_known = true;
    facts.flowtables = {"eth0"};
    const Forwarding forwarding{true, false, 9};
    auto signs = path_signs(Monotonic{5s}, meter, forwarding, facts);
    CHECK(signs.at == Monotonic{5s});
    CHECK(signs.forwarding == forwarding);
    CHECK(signs.offloads_are_known);
    CHECK(signs.has_flowtable);
    CHECK_FALSE(signs.has_hw_offload);
    CHECK(signs.wan_is_up);
    CHECK(signs.wan_is_stacked);
    CHECK(signs.has_lan);
    CHECK(signs.wan_bytes == 15);
    CHECK(signs.wan_packets == 7);
    CHECK(signs.lan_bytes == 77);

    meter.wan.has_default_route = false;
    signs = path_signs(Monotonic{5s}, meter, forwarding, std::nullopt);
    CHECK_FALSE(signs.wan_is_up);
    CHECK_FALSE(signs.offloads_are_known);
    CHECK_FALSE(signs.has_flowtable);
}

TEST_CASE("Every verdict has a word", "[meter]") {
    CHECK(to_string(UsageConfidence::unknown) == "unknown");
    CHECK(to_string(UsageConfidence::good) == "good");
    CHECK(to_string(UsageConfidence::suspect) == "suspect");
    CHECK(to_string(TrafficPath::unknown) == "unknown");
    CHECK(to_string(TrafficPath::in_path) == "in_path");
    CHECK(to_string(TrafficPath::not_in_path) == "not_in_path");
}
