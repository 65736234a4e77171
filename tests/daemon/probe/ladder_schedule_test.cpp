#include <catch2/catch.hpp>
#include <utility>

#include "tests/daemon/probe/ladder_bench.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

bool is_about(unsigned count, unsigned expected) {
    return count + 1 >= expected && count <= expected + 1;
}

}  // namespace

TEST_CASE("A healthy hour asks each by turns and nobody too often", "[probe]") {
    LadderBench bench;
    bench.clock.run_until(bench.io, monotonic_from_ms(3'600'000 - 5'000));
    (void)bench.walk();
    bench.forget_counts();
    bench.clock.run_until(bench.io, monotonic_from_ms(3'600'000));
    const auto rounds = bench.run_for(1h);
    CHECK(is_about(rounds.all, 360));
    CHECK(rounds.full == 0);
    for (const auto* host : {"home-1", "home-2", "abroad-1", "abroad-2"}) {
        INFO(host);
        CHECK(is_about(bench.hosts[host], 180));
    }
    CHECK(is_about(bench.names["192.0.2.53"], 180));
    CHECK(is_about(bench.names["192.0.2.54"], 180));
    CHECK(is_about(bench.hosts["next-hop"], 12));
    CHECK(is_about(bench.hosts["provider"], 12));
    CHECK(is_about(bench.http["web"], 60));
    CHECK(is_about(bench.http["province"], 12));
    CHECK(is_about(bench.http["sidesa"], 6));
}

TEST_CASE("Villagers' traffic thins the questions to each third round", "[probe]") {
    LadderBench bench;
    bench.clock.run_until(bench.io, monotonic_from_ms(3'600'000 - 5'000));
    (void)bench.walk();
    bench.forget_counts();
    bench.clock.run_until(bench.io, monotonic_from_ms(3'600'000));
    const auto rounds = bench.run_for(1h, [&] {
        bench.around.wan_received_bytes += 500'000;
        bench.around.wan_received_packets += 400;
        bench.around.wan_total_bytes += 600'000;
    });
    CHECK(is_about(rounds.all, 360));
    CHECK(is_about(bench.hosts["home-1"] + bench.hosts["home-2"], 120));
    // Bytes say nothing of names.
    CHECK(is_about(bench.names["192.0.2.53"], 180));
    CHECK(is_about(bench.http["web"], 60));

    bench.around.wan_received_bytes += 500'000;
    bench.around.wan_received_packets += 400;
    for (int i = 0; i < 3; ++i) {
        bench.around.wan_received_bytes += 500'000;
        bench.around.wan_received_packets += 400;
        const auto round = bench.walk().round;
        CHECK(round.has_inbound_traffic);
        if (round.asked == 0) CHECK(round[Rung::domestic].state == RungState::unknown);
    }
    CHECK_FALSE(bench.walk().round.has_inbound_traffic);
}

TEST_CASE("A day of probing stays within its budget, and costs less while villagers are active",
          "[probe]") {
    // Bytes on the wire, Ethernet's included: both ways of an echo, of a question for a name, of
    // an HTTP exchange from SYN to FIN, of one with a TLS handshake.
    constexpr std::uint64_t kEcho = 2 * 60;
    constexpr std::uint64_t kName = 84 + 134;
    constexpr std::uint64_t kHttp = 1'500;
    constexpr std::uint64_t kHttps = 5'000;
    struct Day {
        bool is_active = false, pushes = false;
        unsigned services = 0;
        std::uint64_t bytes_of_service = kHttp;
    };
    const auto cost_of = [&](const Day& day) {
        auto settings = sample_ladder();
        settings.hotspot_address = "192.168.88.2";  // on the LAN: costs nothing here
        settings.services.clear();
        for (unsigned i = 0; i < day.services; ++i) {
            settings.services.push_back("service-" + std::to_string(i));
        }
        LadderBench bench{settings};
        const auto rounds = bench.run_for(24h, [&] {
            if (day.pushes) bench.around.last_push = bench.clock.now();
            if (!day.is_active) return;
            bench.around.wan_received_bytes += 500'000;
            bench.around.wan_received_packets += 400;
        });
        CHECK(rounds.full == 1);
        std::uint64_t bytes = 0;
        for (const auto& [name, count] : bench.hosts) {
            if (name != "hotspot") bytes += count * kEcho;
        }
        for (const auto& [name, count] : bench.names) bytes += count * kName;
        for (const auto& [name, count] : bench.http) {
            const bool is_page = name == "web";
            bytes += count * (is_page ? kHttp : name == "province" ? kHttps : day.bytes_of_service);
        }
        return bytes;
    };
    const auto plain = cost_of({.services = 6});
    const auto active = cost_of({.is_active = true, .services = 6});
    const auto secure = cost_of({.services = 2, .bytes_of_service = kHttps});
    const auto pushing = cost_of({.pushes = true, .services = 2, .bytes_of_service = kHttps});
    const auto least = cost_of({.pushes = true});
    INFO("bytes a day: " << plain << " with six services by HTTP, " << active
                         << " of these while villagers are active, " << secure
                         << " with two by HTTPS, " << pushing
                         << " of these while pushes prove the province, " << least
                         << " without services");
    CHECK(plain <= 10'000'000);
    CHECK(secure <= 10'000'000);
    CHECK(pushing <= 10'000'000);
    CHECK(active < plain);
    CHECK(least > 4'000'000);  // else somebody was not asked
}

TEST_CASE("The province is not asked while pushes succeed, and soon after they stop", "[probe]") {
    LadderBench bench;
    bench.clock.run_until(bench.io, monotonic_from_ms(3'600'000 - 5'000));
    (void)bench.walk();
    bench.forget_counts();
    std::uint64_t proven = 0;
    (void)bench.run_for(1h, [&] {
        if (to_ms(bench.clock.now()) % 60'000 < 12'000) bench.around.last_push = bench.clock.now();
    });
    CHECK(bench.http["province"] == 0);
    for (const auto& shown : bench.ladder->view()) {
        if (shown.rung == Rung::province) proven += shown.finding.state == RungState::up ? 1 : 0;
    }
    CHECK(proven == 1);

    bench.pages["province"] = page_is(RungState::down, Silence::refused);
    const auto stopped = bench.clock.now();
    Millis until_asked{};
    (void)bench.run_for(7min, [&] {
        if (bench.http["province"] == 0) until_asked = bench.clock.now() - stopped;
    });
    CHECK(bench.http["province"] >= 3);  // full rounds
    CHECK(until_asked <= 3min + 11s);
    // A push that gets through again proves it at once.
    bench.forget_counts();
    bench.around.last_push = bench.clock.now();
    const auto walk = bench.walk();
    CHECK(walk.round[Rung::province].state == RungState::up);
    CHECK(walk.round[Rung::province].detail == "push acknowledged");
    CHECK(bench.http["province"] == 0);
    CHECK_FALSE(bench.walk().round.is_full);
    // A push that failed is as good a reason as one that did not come.
    bench.around.last_push.reset();
    (void)bench.walk();
    CHECK(bench.http["province"] == 1);
}

TEST_CASE("A page that stays away alone costs three full rounds, then a question a minute",
          "[probe]") {
    LadderBench bench;
    (void)bench.run_for(1min);
    bench.pages["web"] = page_is(RungState::down, Silence::timeout);
    bench.pages["province"] = page_is(RungState::down, Silence::refused);
    bench.forget_counts();
    const auto rounds = bench.run_for(1h);
    CHECK(rounds.full == 3);
    CHECK(bench.http["web"] <= 63);
    CHECK(bench.http["web"] >= 59);
    // The next failure is news again, and one of the internet at any time.
    const auto pages = std::exchange(bench.pages, {});
    CHECK(bench.run_for(3min).full == 0);
    bench.pages = pages;
    CHECK(bench.run_for(3min).full == 3);
    bench.silent = {"abroad-1", "abroad-2"};
    CHECK(bench.run_for(1min).full >= 5);
    bench.silent.clear();
    bench.pages.clear();
    (void)bench.run_for(2min);
    CHECK(bench.run_for(2min).full == 0);
    bench.pages["web"] = page_is(RungState::down, Silence::timeout);
    CHECK(bench.run_for(2min).full == 3);
}

TEST_CASE("A province that fails is asked each round at first, then each minute, then seldom",
          "[probe]") {
    LadderBench bench;
    (void)bench.run_for(6min);
    bench.pages["province"] = page_is(RungState::down, Silence::refused);
    while (bench.http["province"] < 3) (void)bench.run_for(10s);
    const auto asked_in = [&](Millis span) {
        bench.http.clear();
        (void)bench.run_for(span);
        return bench.http["province"];
    };
    CHECK(asked_in(4min) >= 23);
    CHECK(asked_in(3min) <= 15);
    CHECK(is_about(asked_in(45min), 45));
    (void)bench.run_for(10min);
    CHECK(is_about(asked_in(10h), 120));
    // Also while rounds are full for another reason.
    bench.silent = {"abroad-1", "abroad-2"};
    CHECK(asked_in(1h) <= 14);

    // One that comes and goes has so many quick looks in an hour, and each minute's besides.
    bench.silent.clear();
    bench.pages.clear();
    (void)bench.run_for(2h);
    unsigned all = 0, rounds = 0;
    for (int i = 0; i < 30; ++i) {
        for (const bool is_up : {false, true}) {
            bench.pages["province"] = page_is(is_up ? RungState::up : RungState::down);
            bench.http.clear();
            rounds += bench.run_for(4min).all;
            all += bench.http["province"];
        }
    }
    CHECK(all <= 4 * 30 + 240 + 100);
    CHECK(rounds >= 1'400);
}

TEST_CASE("A long outage asks page and province once a minute while they answer", "[probe]") {
    LadderBench bench;
    (void)bench.run_for(1min);
    bench.silent = {"home-1", "home-2"};
    bench.forget_counts();
    const auto rounds = bench.run_for(1h);
    CHECK(rounds.full == rounds.all);
    CHECK(is_about(bench.http["web"], 61));
    CHECK(is_about(bench.http["province"], 61));
    // But a portal that answers is asked each time: its end shall be known.
    bench.pages["web"] = page_is(RungState::portal);
    bench.forget_counts();
    const auto blocked = bench.run_for(10min);
    CHECK(bench.http["web"] + 6 >= blocked.all);
}

TEST_CASE("A target that is dead alone rests, and its group is asked all the same", "[probe]") {
    LadderBench bench;
    (void)bench.walk();
    bench.silent = {"abroad-2"};
    bench.forget_counts();
    const auto rounds = bench.run_for(1h);
    // Three times to learn it, then once in five minutes or so.
    CHECK(bench.hosts["abroad-2"] <= 16);
    CHECK(bench.hosts["abroad-2"] >= 11);
    CHECK(rounds.full <= 16);
    CHECK(bench.hosts["abroad-1"] >= 330);
    bench.silent.clear();
    bench.forget_counts();
    (void)bench.run_for(1h);
    CHECK(bench.hosts["abroad-2"] >= 160);
}

TEST_CASE("A lonely target is asked each round although it is dead", "[probe]") {
    auto settings = sample_ladder();
    settings.targets = {{{.name = "home", .address = "192.0.2.1"}, true},
                        {{.name = "abroad", .address = "198.51.100.1"}, false}};
    LadderBench bench{settings};
    bench.silent = {"abroad"};
    (void)bench.run_for(10min);
    CHECK(bench.hosts["abroad"] >= 58);
    CHECK(bench.hosts["home"] >= 58);
}

TEST_CASE("A failing service is asked again within a minute, and at once when it is wanted",
          "[probe]") {
    LadderBench bench;
    bench.pages["sidesa"] = page_is(RungState::down, Silence::timeout);
    Monotonic last;
    Millis longest{};
    unsigned seen = 0;
    (void)bench.run_for(1h, [&] {
        if (std::exchange(seen, bench.http["sidesa"]) == bench.http["sidesa"]) return;
        if (seen > 1) longest = std::max(longest, bench.begun - last);
        last = bench.begun;
    });
    CHECK(is_about(bench.http["sidesa"], 72));
    CHECK(longest <= 1min);
    CHECK(is_about(bench.http["absensi"], 7));
    // After an hour its failure is no news: HTTPS costs 6 kB a question.
    bench.http.clear();
    (void)bench.run_for(10h);
    CHECK(is_about(bench.http["sidesa"], 60));
    // Somebody else's doubt is no reason to ask it; its own is, and asks no other service.
    bench.clock.run_until(
        bench.io, monotonic_from_ms(to_ms(bench.clock.now()) / 600'000 * 600'000 + 601'000));
    (void)bench.walk();
    bench.forget_counts();
    (void)bench.walk(true);
    CHECK(bench.http["sidesa"] == 0);
    bench.around.wanted_services = {"sidesa", "nobody"};
    for (int i = 0; i < 3; ++i) {
        bench.clock.run_until(bench.io, bench.ladder->next(true));
        (void)bench.walk(true);
    }
    CHECK(bench.http["sidesa"] == 3);
    CHECK(bench.http["absensi"] == 0);
}

TEST_CASE("Rounds stay on the grid of their interval, a tenth of it late at most", "[probe]") {
    LadderBench bench;
    std::set<std::int64_t> jitters;
    for (int i = 0; i < 500; ++i) {
        const auto now = bench.clock.now();
        for (const bool in_doubt : {false, true}) {
            const std::int64_t step = in_doubt ? 3'000 : 10'000;
            const auto next = bench.ladder->next(in_doubt);
            CHECK(next > now);
            CHECK(to_ms(next) / step == to_ms(now) / step + 1);
            CHECK(to_ms(next) % step <= step / 10);
            if (!in_doubt) jitters.insert(to_ms(next) % step);
        }
        bench.clock.run_for(bench.io,
                            Millis{static_cast<std::int64_t>(bench.entropy.below(30'000))});
    }
    CHECK(jitters.size() > 300);
}

TEST_CASE("Three rounds of doubt end within 30 s of the first failed probe", "[probe]") {
    for (std::uint64_t round = 0; round < test_rounds(200); ++round) {
        LadderBench bench;
        bench.entropy = SeededEntropy{test_seed() + round};
        (void)bench.walk();
        (void)bench.run_for(Millis{static_cast<std::int64_t>(bench.entropy.below(300'000))});
        bench.silent = {"home-1", "home-2", "abroad-1", "abroad-2", "next-hop", "provider"};
        bench.stuck = {"web", "province"};
        bench.clock.run_until(bench.io, bench.ladder->next(false));
        const auto first = bench.clock.now();
        for (int failures = 0; failures < 3; ++failures) {
            if (failures > 0) bench.clock.run_until(bench.io, bench.ladder->next(true));
            REQUIRE(bench.walk(failures > 0).round[Rung::domestic].state == RungState::down);
        }
        CHECK(bench.clock.now() - first <= 30s);
    }
}

TEST_CASE("Every minute closes with its readings and the state of every known rung", "[probe]") {
    LadderBench bench;
    std::vector<Reading> readings;
    std::map<std::string, std::vector<std::int64_t>> seen;
    std::size_t most = 0;
    std::size_t ticks_with = 0;
    bench.clock.run_until(bench.io, monotonic_from_ms(600'000));
    (void)bench.walk();
    for (int tick = 0; tick < 60; ++tick) {
        bench.clock.run_until(bench.io, monotonic_from_ms(600'000 + (tick + 1) * 10'000));
        readings.clear();
        bench.ladder->append_readings(bench.clock.now(), readings);
        if (!readings.empty()) ++ticks_with;
        most = std::max(most, readings.size());
        for (const auto& reading : readings) {
            const auto* series = bench.series.find(reading.series);
            REQUIRE(series != nullptr);
            seen[series->name + " " + series->labels.front().value].push_back(reading.value);
        }
        (void)bench.walk();
    }
    CHECK(ticks_with == 11);  // the rungs at the first tick, then each minute
    CHECK(seen["probe_rtt_mean_seconds home-1"].size() == 10);
    CHECK(seen["probe_rtt_mean_seconds home-1"].front() == 40);
    CHECK(seen["probe_loss_ratio abroad-2"] == std::vector<std::int64_t>(10, 0));
    CHECK(seen["rung_state international"] == std::vector<std::int64_t>(11, 1));
    CHECK(seen["rung_state carrier"].size() == 11);
    CHECK(seen.count("rung_state power") == 0);  // nothing tells
    CHECK(most == 4 * 5 + 8);
}

TEST_CASE("A state that nobody confirmed for a quarter of an hour is none", "[probe]") {
    LadderBench bench;
    (void)bench.walk();
    std::vector<Reading> readings;
    bench.clock.run_for(bench.io, 20min);
    bench.ladder->append_readings(bench.clock.now(), readings);
    for (const auto& reading : readings) {
        CHECK(bench.series.find(reading.series)->name != "rung_state");
    }
}

}  // namespace gerbang
