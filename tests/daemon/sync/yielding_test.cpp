#include "daemon/sync/yielding.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// A link of `down` and `up` bytes a second, read each ten seconds. The villagers want what they
/// want and share fairly with the drain; whatever the drain is allowed it sends.
struct Link {
    std::uint64_t down = 1'250'000;
    std::uint64_t up = 1'250'000;
    bool is_shared = false;  ///< one medium for both ways: `down` of both together

    Monotonic now{};
    WanTraffic traffic;
    Yielding yielding;
    std::uint64_t drain_bytes_s = 0;  ///< in the last step
    std::uint64_t village_received = 0;

    void step(std::uint64_t wants_down, std::uint64_t wants_up, bool is_draining,
              Millis took = 10s) {
        const auto limit = yielding.drain_bytes_s();
        const auto wants_drain = !is_draining ? 0 : limit == 0 ? up : limit;
        const auto upwards = wants_up + wants_drain;
        auto sent_village = wants_up;
        drain_bytes_s = wants_drain;
        if (upwards > up) {
            drain_bytes_s = std::min(wants_drain, std::max(up / 2, up - std::min(up, wants_up)));
            sent_village = std::min(wants_up, up - drain_bytes_s);
        }
        auto room = down;
        if (is_shared) room -= std::min(room, drain_bytes_s + sent_village);
        if (is_shared && wants_down > room) {
            drain_bytes_s = std::min(drain_bytes_s, down / 2);
            room = down - drain_bytes_s - sent_village;
        }
        village_received = std::min(wants_down, room);
        const auto seconds = static_cast<std::uint64_t>(took.count()) / 1000;
        now += took;
        traffic.own_sent_bytes += drain_bytes_s * seconds;
        traffic.sent_bytes += (drain_bytes_s * 105 / 100 + sent_village) * seconds;
        traffic.received_bytes += (drain_bytes_s / 40 + village_received) * seconds;
        yielding.note(now, traffic);
    }
};

}  // namespace

TEST_CASE("A drain has no limit before the link was read twice, nor after a gap", "[sync][yield]") {
    Yielding yielding;
    CHECK(yielding.drain_bytes_s() == 0);
    WanTraffic traffic{.received_bytes = 5'000'000'000};
    yielding.note(Monotonic{} + 10s, traffic);
    CHECK(yielding.drain_bytes_s() == 0);
    traffic.received_bytes += 10'000'000;
    yielding.note(Monotonic{} + 20s, traffic);
    CHECK(yielding.drain_bytes_s() == Yielding::kFloorBytes);
    SECTION("two minutes without a reading") {
        traffic.received_bytes += 10'000'000;
        yielding.note(Monotonic{} + 140s, traffic);
    }
    SECTION("counters that cannot be read") {
        yielding.forget();
    }
    SECTION("another WAN, whose counters are lower") {
        traffic.received_bytes = 1'000;
        yielding.note(Monotonic{} + 30s, traffic);
    }
    CHECK(yielding.drain_bytes_s() == 0);
    yielding.note(Monotonic{} + 150s, traffic);
    CHECK(yielding.drain_bytes_s() == 0);  // nothing but the first reading of a new series
}

TEST_CASE("The same instant twice changes nothing", "[sync][yield]") {
    Yielding yielding;
    WanTraffic traffic{.received_bytes = 1};
    yielding.note(Monotonic{} + 10s, traffic);
    traffic.received_bytes += 10'000'000;
    yielding.note(Monotonic{} + 20s, traffic);
    const auto limit = yielding.drain_bytes_s();
    traffic.received_bytes += 10'000'000;
    yielding.note(Monotonic{} + 20s, traffic);
    CHECK(yielding.drain_bytes_s() == limit);
}

TEST_CASE("A drain alone on its link has no limit, whatever its own bytes look like",
          "[sync][yield]") {
    Link link;
    SECTION("as they are counted") {
        for (int i = 0; i < 100; ++i) {
            link.step(0, 0, true);
            REQUIRE(link.yielding.drain_bytes_s() == 0);
        }
    }
    SECTION("a body lies in the kernel for a minute before the last of it is on the wire") {
        WanTraffic traffic;
        link.yielding.note(link.now, traffic);
        for (int body = 0; body < 20; ++body) {
            traffic.own_sent_bytes += 600'000;
            for (int i = 0; i < 6; ++i) {
                traffic.sent_bytes += 105'000;
                traffic.received_bytes += 2'500;
                link.now += 10s;
                link.yielding.note(link.now, traffic);
                REQUIRE(link.yielding.drain_bytes_s() == 0);
            }
        }
    }
}

TEST_CASE("A drain goes on at the floor while a download takes the link, and alone again after",
          "[sync][yield]") {
    Link link;
    link.is_shared = GENERATE(false, true);
    for (int i = 0; i < 6; ++i) link.step(0, 0, true);
    REQUIRE(link.drain_bytes_s == link.up);
    std::uint64_t received = 0;
    for (int i = 0; i < 60; ++i) {
        link.step(10'000'000, 0, true);
        if (i >= 4) received += link.village_received;
        if (i >= 4) CHECK(link.yielding.drain_bytes_s() <= link.up * 3 / 100);
        CHECK(link.yielding.drain_bytes_s() >= link.up / 100);
    }
    CHECK(received >= link.down * 56 * 97 / 100);
    link.step(0, 0, true);
    link.step(0, 0, true);
    CHECK(link.yielding.drain_bytes_s() == 0);
}

TEST_CASE("A drain has half of what a steady use leaves free", "[sync][yield]") {
    Link link;
    for (int i = 0; i < 6; ++i) link.step(0, 0, true);
    for (int i = 0; i < 12; ++i) link.step(0, 375'000, true);  // three tenths of the way up
    const auto limit = link.yielding.drain_bytes_s();
    CHECK(limit > link.up * 70 / 200 * 90 / 100);
    CHECK(limit < link.up * 70 / 200 * 110 / 100);
    for (int i = 0; i < 6; ++i) link.step(0, 5'000, true);  // somebody's mail
    CHECK(link.yielding.drain_bytes_s() == 0);
}

TEST_CASE("What a link was seen to carry fades, so that a slower contract is learnt",
          "[sync][yield]") {
    Link link;
    for (int i = 0; i < 6; ++i) link.step(1'250'000, 0, false);
    link.down = link.up = 250'000;  // a fifth of it from now on
    for (int i = 0; i < 6; ++i) link.step(0, 0, true);
    int steps = 0;
    do {
        link.step(250'000, 0, true);
        ++steps;
    } while (steps < 5'000 && link.yielding.drain_bytes_s() > 6'000);
    CHECK(steps > 60);     // not at once
    CHECK(steps < 5'000);  // a working day
}

TEST_CASE("However the village uses the link, a drain never stands still", "[sync][yield]") {
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(200); ++round) {
        Link link;
        link.up = 1 + random() % 12'500'000;
        link.down = link.up * (1 + random() % 10);
        link.is_shared = random() % 2 == 0;
        for (int i = 0; i < 50; ++i) {
            const auto took = Millis{1000 * (1 + static_cast<std::int64_t>(random() % 70))};
            link.step(random() % (2 * link.down), random() % (2 * link.up), random() % 4 != 0,
                      took);
            const auto limit = link.yielding.drain_bytes_s();
            REQUIRE((limit == 0 || limit >= Yielding::kFloorBytes));
        }
    }
}
