// Villages of one address family, and of two of which one is dead.

#include "common/model/ladder.hpp"
#include "tests/daemon/probe/ladder_bench.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

RungState state(const Walk& walk, Rung rung) {
    return walk.round[rung].state;
}

/// One host of each family in each group.
LadderSettings both_families() {
    auto settings = sample_ladder();
    settings.targets = {{{.name = "home-4", .address = "192.0.2.1"}, true},
                        {{.name = "home-6", .address = "2001:db8:d::1"}, true},
                        {{.name = "abroad-4", .address = "198.51.100.1"}, false},
                        {{.name = "abroad-6", .address = "2001:db8:a::1"}, false}};
    return settings;
}

void lose_route(LadderBench& bench, std::initializer_list<const char*> hosts) {
    for (const char* host : hosts) {
        bench.says[host] = not_answered(Silence::local, std::string{kNoRoute});
    }
}

}  // namespace

TEST_CASE("Walk takes no notice of hosts of a family without a route, and asks them rarely",
          "[probe]") {
    for (const bool has_v4 : {true, false}) {
        LadderBench bench{both_families()};
        bench.silent = {};
        if (has_v4) {
            lose_route(bench, {"home-6", "abroad-6"});
        } else {
            lose_route(bench, {"home-4", "abroad-4"});
        }
        const auto first = bench.walk();
        CHECK(state(first, Rung::domestic) == RungState::up);
        CHECK(state(first, Rung::international) == RungState::up);
        CHECK(first.round.asked == 2);
        CHECK(first.round.answered == 2);
        CHECK(first.round[Rung::domestic].detail ==
              (has_v4 ? "home-6: no route" : "home-4: no route"));
        bench.forget_counts();
        const auto rounds = bench.run_for(10min);
        CHECK(rounds.all >= 58);
        CHECK(rounds.full <= 4);  // when those that rest are asked again
        CHECK(bench.hosts[has_v4 ? "home-6" : "home-4"] <= 4);
        CHECK(bench.hosts[has_v4 ? "home-4" : "home-6"] >= 55);
    }
}

TEST_CASE("Walk knows nothing of a group that has no host of the living family", "[probe]") {
    auto settings = both_families();
    settings.targets.erase(settings.targets.begin() + 1);  // home-6
    LadderBench bench{settings};
    lose_route(bench, {"home-4", "abroad-4"});
    const auto first = bench.walk();
    CHECK(state(first, Rung::domestic) == RungState::unknown);
    CHECK(state(first, Rung::international) == RungState::up);
    const auto rounds = bench.run_for(10min);
    CHECK(rounds.full <= 4);
    bench.silent.insert("abroad-6");
    const auto dead = bench.walk();
    CHECK(dead.round.is_full);
    CHECK(dead.round.answered == 0);
    CHECK(state(dead, Rung::international) == RungState::down);
}

TEST_CASE("Walk counts a missing route when no host has one", "[probe]") {
    LadderBench bench{both_families()};
    (void)bench.walk();
    lose_route(bench, {"home-4", "abroad-4", "home-6", "abroad-6"});
    const auto dead = bench.walk();
    CHECK(dead.round.is_full);
    CHECK(dead.round.asked == 4);
    CHECK(dead.round.answered == 0);
    CHECK(state(dead, Rung::domestic) == RungState::down);
    CHECK(state(dead, Rung::international) == RungState::down);
}

TEST_CASE("Walk tells a dead address family from a dead way abroad", "[probe]") {
    auto settings = both_families();
    settings.targets.pop_back();  // abroad-6: abroad is known by IPv4 alone
    LadderBench bench{settings};
    (void)bench.walk();

    bench.silent = {"home-4", "abroad-4"};
    const auto half = bench.walk(true);
    CHECK(state(half, Rung::domestic) == RungState::up);
    CHECK(state(half, Rung::international) == RungState::unknown);
    CHECK(half.round[Rung::international].detail == "abroad-4: time-out");
    CHECK(half.round.asked == half.round.answered);  // nor is the link lossy for that
    CHECK(bench.run_for(10min).full <= 5);

    bench.silent = {"abroad-4"};
    const auto abroad = bench.walk(true);
    CHECK(state(abroad, Rung::domestic) == RungState::up);
    CHECK(state(abroad, Rung::international) == RungState::down);

    bench.silent = {"home-4", "home-6", "abroad-4"};
    const auto all = bench.walk(true);
    CHECK(state(all, Rung::domestic) == RungState::down);
    CHECK(state(all, Rung::international) == RungState::down);
    CHECK(all.round.answered == 0);

    bench.silent = {};
    bench.clock.run_for(bench.io, 1s);
    const auto well = bench.walk(true);
    CHECK(well.round.answered == 3);
}

TEST_CASE("Walk asks everybody before it calls a family dead", "[probe]") {
    // A cheap round asks one of each group in turn: here one of IPv6 answers and one of IPv4 is
    // silent, which might as well be the way abroad.
    auto settings = both_families();
    settings.targets.pop_back();
    for (int turn = 0; turn < 3; ++turn) {
        LadderBench bench{settings};
        for (int i = 0; i <= turn; ++i) {
            (void)bench.walk();
            bench.clock.run_for(bench.io, 10s);
        }
        bench.silent = {"abroad-4"};
        const auto walk = bench.walk();
        CHECK(walk.round.is_full);
        CHECK(state(walk, Rung::international) == RungState::down);
    }
}

TEST_CASE("Walk finds the second family dead in the round in which the first one dies, too",
          "[probe]") {
    LadderBench bench{both_families()};
    (void)bench.walk();
    bench.silent = {"home-4", "abroad-4"};
    (void)bench.run_for(1min);
    bench.silent.insert("home-6");
    bench.silent.insert("abroad-6");
    const auto dead = bench.walk();
    CHECK(dead.round.is_full);
    CHECK(dead.round.asked == 4);
    CHECK(dead.round.answered == 0);
    CHECK(state(dead, Rung::international) == RungState::down);
}

TEST_CASE("Walk asks for the provider by the family of the next hop", "[probe]") {
    for (const bool is_v6 : {false, true}) {
        LadderBench bench{both_families()};
        bench.around.gateway = is_v6 ? "fe80::1" : "203.0.113.1";
        std::string provider;
        bench.prober.set_script([&](const ProbeTarget& target, Monotonic) {
            if (target.name == "provider") provider = target.address;
            ProbeAnswer answer;
            answer.answered = true;
            return answer;
        });
        (void)bench.walk();
        CHECK(provider == (is_v6 ? "2001:db8:a::1" : "198.51.100.1"));
    }
}

TEST_CASE("Walk asks for the provider by a family that has a way where there is no next hop",
          "[probe]") {
    LadderBench bench{both_families()};
    bench.around.gateway.clear();
    bench.around.is_point_to_point = true;
    std::string provider;
    bench.prober.set_script([&](const ProbeTarget& target, Monotonic) {
        if (target.name == "provider") provider = target.address;
        ProbeAnswer answer;
        answer.answered = target.address.find(':') != std::string::npos;
        if (!answer.answered) answer.silence = Silence::local;
        if (!answer.answered) answer.detail = kNoRoute;
        return answer;
    });
    const auto first = bench.walk(true);
    CHECK(state(first, Rung::international) == RungState::up);
    (void)bench.walk(true);
    CHECK(provider == "2001:db8:a::1");
}

TEST_CASE("Walk believes the neighbour entry of a next hop that is configured with its interface",
          "[probe]") {
    auto settings = sample_ladder();
    settings.modem_address = "fe80::1%eth0";
    LadderBench bench{settings};
    bench.around.gateway = "fe80::1";
    bench.around.gateway_is_neighbour = true;
    bench.silent = {"next-hop"};  // it never answered
    CHECK(state(bench.walk(), Rung::next_hop) == RungState::up);
    bench.around.gateway = "fe80::2";
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::unknown);
}

TEST_CASE("Walk asks a link-local resolver on the WAN", "[probe]") {
    auto settings = sample_ladder();
    settings.resolvers = {"fe80::53", "fe80::54%lan0"};
    LadderBench bench{settings};
    (void)bench.walk();
    CHECK(bench.names["fe80::53%eth0"] == 1);
    CHECK(bench.names["fe80::54%lan0"] == 1);
}

}  // namespace gerbang
