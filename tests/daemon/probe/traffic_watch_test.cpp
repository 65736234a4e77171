#include "daemon/probe/traffic_watch.hpp"

#include <catch2/catch.hpp>

#include "daemon/probe/ladder_walk.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

struct Bench {
    TrafficWatch watch;
    Surroundings around;
    Monotonic now = monotonic_from_ms(60'000);

    TrafficWatch::Evidence after(std::uint64_t packets, std::uint64_t bytes,
                                 std::uint64_t sent = 0) {
        now += 10s;
        around.wan_received_packets += packets;
        around.wan_received_bytes += bytes;
        around.wan_total_bytes += bytes + sent;
        return watch.advance(now, around);
    }
};

}  // namespace

TEST_CASE("Traffic proves nothing before a second look, and nothing when counters fell",
          "[probe]") {
    Bench bench;
    CHECK_FALSE(bench.after(1'000, 1'000'000).has_inbound);
    CHECK(bench.after(1'000, 1'000'000).has_inbound);
    bench.around = {};
    CHECK_FALSE(bench.after(500, 500'000).has_inbound);
    CHECK(bench.after(500, 500'000).has_inbound);
}

TEST_CASE("Traffic needs both packets and bytes", "[probe]") {
    Bench bench;
    (void)bench.after(0, 0);
    CHECK(bench.after(20, 10'000).has_inbound);
    CHECK_FALSE(bench.after(19, 20'000).has_inbound);
    CHECK_FALSE(bench.after(200, 9'999).has_inbound);
}

TEST_CASE("Answers to our own questions prove nothing", "[probe]") {
    Bench bench;
    (void)bench.after(0, 0);
    bench.watch.note_web();
    CHECK_FALSE(bench.after(31, 1'000'000).has_inbound);  // few packets, however long
    bench.watch.note_web();
    bench.watch.note_name();
    bench.watch.note_echo();
    CHECK_FALSE(bench.after(33, 16'575).has_inbound);
    CHECK(bench.after(33, 16'575).has_inbound);
}

TEST_CASE("Our own pushes prove nothing, however large", "[probe]") {
    Bench bench;
    (void)bench.after(0, 0);
    // 10 MB sent: an acknowledgement for every segment of 1,448 bytes.
    bench.around.own_sent_bytes += 10'000'000;
    bench.around.own_received_bytes += 4'000;
    CHECK_FALSE(bench.after(6'930, 6'930 * 66 + 4'000 + 5'000, 10'500'000).has_inbound);
    // A pull of 10 MB.
    bench.around.own_received_bytes += 10'000'000;
    CHECK_FALSE(bench.after(6'930, 10'000'000 + 6'930 * 66).has_inbound);
    // Villagers beside a small push.
    bench.around.own_sent_bytes += 2'000;
    CHECK(bench.after(200, 100'000).has_inbound);
}

TEST_CASE("A link is saturated above four fifths of its rate", "[probe]") {
    Bench bench;
    bench.around.rate_bit_per_s = 8'000'000;  // 10 MB in 10 s
    (void)bench.after(0, 0);
    CHECK_FALSE(bench.after(6'000, 7'900'000, 100'000).is_saturated);
    CHECK(bench.after(6'000, 7'900'000, 200'000).is_saturated);
    bench.around.rate_bit_per_s = 0;
    CHECK_FALSE(bench.after(6'000, 79'000'000).is_saturated);
    bench.around.rate_bit_per_s = 10'000'000'000'000;
    CHECK_FALSE(bench.after(6'000, 79'000'000).is_saturated);
}

}  // namespace gerbang
