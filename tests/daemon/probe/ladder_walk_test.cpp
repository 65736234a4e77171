#include "daemon/probe/ladder_walk.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tests/daemon/probe/ladder_bench.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

RungState state(const Walk& walk, Rung rung) {
    return walk.round[rung].state;
}

ProbeAnswer lie(const std::string& address) {
    return not_answered(Silence::wrong, "wrong answer " + address);
}

}  // namespace

TEST_CASE("Walk asks the whole ladder in the call in which the first rung fails", "[probe]") {
    LadderBench bench;
    (void)bench.walk();
    bench.forget_counts();
    bench.clock.run_for(bench.io, 10s);

    // "home-1" is next in turn; "home-2" answers, so that the group is up all the same.
    bench.silent = {"home-1"};
    const auto walk = bench.walk();
    CHECK(walk.round.is_full);
    for (const auto* host : {"home-1", "home-2", "abroad-1", "abroad-2", "next-hop", "provider"}) {
        INFO(host);
        CHECK(bench.hosts[host] == 1);
    }
    CHECK(bench.names["192.0.2.53"] == 1);
    CHECK(bench.names["192.0.2.54"] == 1);
    CHECK(bench.http["web"] == 1);
    CHECK(bench.http["province"] == 1);
    CHECK(state(walk, Rung::domestic) == RungState::up);
    CHECK(walk.round[Rung::domestic].detail == "home-1: time-out");
    CHECK(walk.round.asked == 4);
    CHECK(walk.round.answered == 3);
    CHECK(bench.took <= 3 * bench.settings.timeout);
}

TEST_CASE("Walk goes on with full rounds until one finds no failure", "[probe]") {
    LadderBench bench;
    CHECK(bench.walk().round.is_full);  // nothing was known before
    bench.clock.run_for(bench.io, 10s);
    CHECK_FALSE(bench.walk().round.is_full);
    bench.silent = {"abroad-1", "abroad-2"};
    bench.clock.run_for(bench.io, 10s);
    CHECK(state(bench.walk(), Rung::international) == RungState::down);
    bench.clock.run_for(bench.io, 10s);
    CHECK(bench.walk().round.is_full);
    bench.silent.clear();
    const auto good = bench.walk();
    CHECK(good.round.is_full);
    CHECK(state(good, Rung::international) == RungState::up);
    CHECK_FALSE(bench.walk().round.is_full);
    CHECK(bench.walk(true).round.is_full);  // the ledger doubts
}

TEST_CASE("Walk asks nobody on the WAN without a carrier, and still looks at the hotspot",
          "[probe]") {
    auto settings = sample_ladder();
    settings.hotspot_address = "192.168.88.2";
    LadderBench bench{settings};
    bench.around.has_carrier = false;
    bench.around.mains_is_on = false;
    const auto walk = bench.walk();
    CHECK(walk.round.is_full);
    CHECK(state(walk, Rung::carrier) == RungState::down);
    CHECK(walk.round[Rung::carrier].detail == "no carrier on eth0");
    CHECK(state(walk, Rung::power) == RungState::down);
    for (auto rung = Rung::next_hop; rung <= Rung::province;
         rung = static_cast<Rung>(static_cast<int>(rung) + 1)) {
        CHECK(state(walk, rung) == RungState::unknown);
    }
    CHECK(bench.hosts == std::map<std::string, unsigned>{{"hotspot", 1}});
    CHECK(bench.prober.last_device().empty());
    CHECK(bench.names.empty());
    CHECK(bench.http.empty());
    REQUIRE(walk.hotspot);
    CHECK(walk.hotspot->state == RungState::up);
    CHECK(bench.took < 1s);
}

TEST_CASE("Walk takes a missing route for evidence, and nothing else that it cannot ask",
          "[probe]") {
    LadderBench bench;
    for (const auto* host : {"home-1", "home-2", "provider", "next-hop"}) {
        bench.says[host] = not_answered(Silence::local, std::string{kNoRoute});
    }
    bench.says["abroad-1"] = not_answered(Silence::local, "device eth0: No such device");
    bench.says["abroad-2"] = bench.says["abroad-1"];
    bench.says["192.0.2.53"] = not_answered(Silence::local, std::string{kNoRoute});
    bench.says["192.0.2.54"] = bench.says["192.0.2.53"];
    const auto walk = bench.walk();
    CHECK(state(walk, Rung::domestic) == RungState::down);
    CHECK(walk.round[Rung::domestic].silence == Silence::local);
    CHECK(walk.round[Rung::domestic].detail == "home-1: no route; home-2: no route");
    CHECK(state(walk, Rung::international) == RungState::unknown);
    CHECK(state(walk, Rung::dns) == RungState::down);
    CHECK(walk.round.asked == 2);
    CHECK(walk.round.answered == 0);
}

TEST_CASE("Walk keeps what a router said rather than mere silence", "[probe]") {
    LadderBench bench;
    bench.silent = {"home-1"};
    bench.says["home-2"] = not_answered(Silence::unreachable, "host unreachable, says 203.0.113.9");
    const auto walk = bench.walk();
    CHECK(state(walk, Rung::domestic) == RungState::down);
    CHECK(walk.round[Rung::domestic].silence == Silence::unreachable);
    CHECK(walk.round[Rung::domestic].detail ==
          "home-1: time-out; home-2: host unreachable, says 203.0.113.9");
}

TEST_CASE("Walk knows nothing of a modem that never answered, but for its neighbour entry",
          "[probe]") {
    LadderBench bench;
    bench.silent = {"next-hop"};
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::unknown);
    bench.around.gateway_is_neighbour = true;
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::up);
    bench.around.gateway_is_neighbour = false;
    // The internet answers: there is something at the other end.
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::unknown);
    bench.silent = {"next-hop", "home-1", "home-2", "abroad-1", "abroad-2"};
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::down);
    bench.around.gateway_is_neighbour.reset();
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::unknown);
}

TEST_CASE("Walk calls a modem down that answered before and is silent twice", "[probe]") {
    LadderBench bench;
    bench.around.gateway_is_neighbour = true;
    CHECK(state(bench.walk(), Rung::next_hop) == RungState::up);
    bench.forget_counts();
    bench.silent = {"next-hop", "home-1", "home-2", "abroad-1", "abroad-2"};
    // An entry of the neighbour's table outlives the neighbour: it is no excuse.
    const auto dead = bench.walk(true);
    CHECK(state(dead, Rung::next_hop) == RungState::down);
    CHECK(dead.round[Rung::next_hop].silence == Silence::timeout);
    CHECK(bench.hosts["next-hop"] == 2);
    // While the internet answers it must be there.
    bench.silent = {"next-hop"};
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::up);
    // One lost echo is none.
    bench.silent = {"home-1", "home-2", "abroad-1", "abroad-2"};
    unsigned count = 0;
    bench.prober.set_script([&](const ProbeTarget& target, Monotonic) {
        ProbeAnswer answer;
        answer.answered = target.name == "next-hop" && ++count == 2;
        answer.round_trip = 2ms;
        return answer;
    });
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::up);
    CHECK(count == 2);
    // The next boot meets it anew.
    bench.boot = 2;
    bench.around.gateway_is_neighbour.reset();
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::unknown);
}

TEST_CASE("Walk judges the provider's hop only after it answered once", "[probe]") {
    LadderBench bench;
    bench.silent = {"provider", "home-1", "home-2", "abroad-1", "abroad-2"};
    CHECK(state(bench.walk(true), Rung::provider) == RungState::unknown);
    bench.silent.clear();
    CHECK(state(bench.walk(true), Rung::provider) == RungState::up);
    bench.silent = {"provider"};
    CHECK(state(bench.walk(true), Rung::provider) == RungState::unknown);
    bench.silent = {"provider", "home-1", "home-2", "abroad-1", "abroad-2"};
    CHECK(state(bench.walk(true), Rung::provider) == RungState::down);
}

TEST_CASE("Walk meets whoever stands behind another WAN anew, but not after a gap", "[probe]") {
    LadderBench bench;
    (void)bench.walk();
    bench.silent = {"next-hop", "provider", "home-1", "home-2", "abroad-1", "abroad-2"};
    CHECK(state(bench.walk(true), Rung::provider) == RungState::down);
    bench.around.wan.clear();
    CHECK(state(bench.walk(true), Rung::provider) == RungState::down);
    bench.around.wan = "eth0";
    CHECK(state(bench.walk(true), Rung::provider) == RungState::down);
    bench.around.wan = "wwan0";
    CHECK(state(bench.walk(true), Rung::provider) == RungState::unknown);
    CHECK(state(bench.walk(true), Rung::next_hop) == RungState::unknown);
}

TEST_CASE("Walk finds the provider at hop 2 behind a modem and at hop 1 without one", "[probe]") {
    const auto hop_of = [](NextHop next_hop, bool is_point_to_point) {
        auto settings = sample_ladder();
        settings.next_hop = next_hop;
        LadderBench bench{settings};
        bench.around.is_point_to_point = is_point_to_point;
        unsigned hop = 0;
        bench.prober.set_script([&](const ProbeTarget& target, Monotonic) {
            if (target.name == "provider") {
                hop = target.hop;
                CHECK(target.address == "198.51.100.1");
            }
            ProbeAnswer answer;
            answer.answered = true;
            return answer;
        });
        (void)bench.walk();
        return hop;
    };
    CHECK(hop_of(NextHop::automatic, false) == 2);
    CHECK(hop_of(NextHop::modem, false) == 2);
    CHECK(hop_of(NextHop::provider, false) == 2);
    CHECK(hop_of(NextHop::automatic, true) == 1);
    CHECK(hop_of(NextHop::none, false) == 1);
}

TEST_CASE("Walk has no next hop on a point-to-point link unless the modem has an address",
          "[probe]") {
    LadderBench bench;
    bench.around.is_point_to_point = true;
    CHECK(state(bench.walk(), Rung::next_hop) == RungState::unknown);
    CHECK(bench.hosts["next-hop"] == 0);

    auto settings = sample_ladder();
    settings.modem_address = "192.168.100.1";
    LadderBench beside{settings};
    beside.around.is_point_to_point = true;
    std::string device = "?";
    beside.prober.set_script([&](const ProbeTarget& target, Monotonic) {
        if (target.name == "next-hop") {
            device = beside.prober.last_device();
            CHECK(target.address == "192.168.100.1");
        }
        ProbeAnswer answer;
        answer.answered = true;
        return answer;
    });
    CHECK(state(beside.walk(), Rung::next_hop) == RungState::up);
    CHECK(device.empty());

    auto nothing = sample_ladder();
    nothing.next_hop = NextHop::none;
    LadderBench without{nothing};
    CHECK(state(without.walk(), Rung::next_hop) == RungState::unknown);
    CHECK(without.hosts["next-hop"] == 0);
}

TEST_CASE("Walk gives a link-local gateway the WAN for its scope", "[probe]") {
    LadderBench bench;
    bench.around.gateway = "fe80::1";
    std::string address;
    bench.prober.set_script([&](const ProbeTarget& target, Monotonic) {
        if (target.name == "next-hop") address = target.address;
        ProbeAnswer answer;
        answer.answered = true;
        return answer;
    });
    (void)bench.walk();
    CHECK(address == "fe80::1%eth0");
}

TEST_CASE("Walk calls DNS down only when every resolver failed, and asks no page then", "[probe]") {
    LadderBench bench;
    (void)bench.walk();
    bench.forget_counts();
    bench.silent = {"192.0.2.53"};
    const auto one = bench.walk(true);
    CHECK(state(one, Rung::dns) == RungState::up);
    CHECK(one.round[Rung::dns].detail == "192.0.2.53: time-out");
    CHECK(bench.http["web"] == 1);

    bench.says["192.0.2.54"] = not_answered(Silence::servfail, "SERVFAIL");
    const auto both = bench.walk(true);
    CHECK(state(both, Rung::dns) == RungState::down);
    CHECK(both.round[Rung::dns].silence == Silence::servfail);
    CHECK(both.round[Rung::dns].detail == "192.0.2.53: time-out; 192.0.2.54: SERVFAIL");
    CHECK(state(both, Rung::web) == RungState::unknown);
    CHECK(bench.http["web"] == 1);
    CHECK(state(both, Rung::international) == RungState::up);
}

TEST_CASE("Walk sees a portal where all resolvers tell the same lie", "[probe]") {
    LadderBench bench;
    bench.says["192.0.2.53"] = lie("10.10.34.34");
    bench.says["192.0.2.54"] = lie("10.10.34.34");
    const auto portal = bench.walk();
    CHECK(state(portal, Rung::dns) == RungState::portal);
    CHECK(portal.round[Rung::dns].silence == Silence::wrong);
    CHECK(bench.http["web"] == 1);

    bench.says["192.0.2.54"] = lie("10.10.34.35");
    CHECK(state(bench.walk(), Rung::dns) == RungState::down);
    bench.says["192.0.2.54"] = not_answered(Silence::nxdomain, "NXDOMAIN");
    CHECK(state(bench.walk(), Rung::dns) == RungState::down);
    bench.says.erase("192.0.2.54");
    CHECK(state(bench.walk(), Rung::dns) == RungState::up);
}

TEST_CASE("A resolver that is silent alone does not keep the whole ladder going", "[probe]") {
    LadderBench bench;
    (void)bench.walk();
    bench.silent = {"192.0.2.53"};
    unsigned full = 0;
    for (int i = 0; i < 24; ++i) {
        bench.clock.run_for(bench.io, 10s);
        const auto round = bench.walk().round;
        CHECK(round[Rung::dns].state == RungState::up);
        if (round.is_full) ++full;
    }
    // Three times it was found silent, then it rests.
    CHECK(full == 3);
}

TEST_CASE("Walk takes the system's resolvers where none are configured, and no DNS without a name",
          "[probe]") {
    auto settings = sample_ladder();
    settings.resolvers.clear();
    LadderBench bench{settings};
    bench.around.resolvers = {"203.0.113.53", "2", "3", "4", "5"};
    (void)bench.walk();
    CHECK(bench.names["203.0.113.53"] == 1);
    CHECK(bench.names.size() == 4);  // no more than four

    settings.dns_name.clear();
    LadderBench without{settings};
    without.around.resolvers = bench.around.resolvers;
    CHECK(state(without.walk(), Rung::dns) == RungState::unknown);
    CHECK(without.names.empty());
    CHECK(without.http["web"] == 1);
}

TEST_CASE("Walk passes on what the page says, and knows nothing without somebody to ask",
          "[probe]") {
    LadderBench bench;
    bench.pages["web"] = page_is(RungState::portal);
    const auto walk = bench.walk();
    CHECK(state(walk, Rung::web) == RungState::portal);
    CHECK(state(walk, Rung::province) == RungState::up);
    // A portal is a failure: the next round is full as well.
    CHECK(bench.walk().round.is_full);

    LadderBench without{sample_ladder(), false};
    const auto quiet = without.walk();
    CHECK(state(quiet, Rung::web) == RungState::unknown);
    CHECK(state(quiet, Rung::province) == RungState::unknown);
    CHECK(quiet.services.empty());
    CHECK_FALSE(without.walk().round.is_full);
}

TEST_CASE("Walk takes at most three time-outs, whoever is stuck", "[probe]") {
    LadderBench bench;
    (void)bench.walk();
    bench.clock.run_for(bench.io, 10min);
    bench.silent = {"home-1",   "home-2",   "abroad-1",  "abroad-2",
                    "next-hop", "provider", "192.0.2.53"};
    bench.stuck = {"web", "province", "sidesa", "absensi"};
    const auto walk = bench.walk();
    CHECK(bench.took == 3 * bench.settings.timeout);
    CHECK(state(walk, Rung::province) == RungState::down);
    CHECK(walk.round[Rung::province].silence == Silence::timeout);
    // What comes back long after is nobody's.
    bench.clock.run_for(bench.io, 2h);
    const auto again = bench.walk();
    CHECK(again.round.at.at == bench.begun);
    CHECK(bench.took <= 3 * bench.settings.timeout);
}

TEST_CASE("Walk ends when the clock is stopped, in any of its phases", "[probe]") {
    for (const auto& after : {1s, 4s, 6s}) {
        LadderBench bench;
        (void)bench.walk();
        bench.clock.run_for(bench.io, 10min);
        bench.silent = {"home-1", "home-2", "abroad-1", "abroad-2", "next-hop", "provider"};
        bench.stuck = {"web", "province"};
        bool is_over = false;
        net::co_spawn(bench.io, bench.ladder->walk(bench.around, BootNo{1}, false),
                      [&](std::exception_ptr, Walk) { is_over = true; });
        bench.clock.run_for(bench.io, after);
        REQUIRE_FALSE(is_over);
        bench.clock.stop();
        bench.clock.run_ready(bench.io);
        CHECK(is_over);
    }
}

TEST_CASE("Walk may be abandoned with its loop while questions are under way", "[probe]") {
    auto bench = std::make_unique<LadderBench>();
    bench->stuck = {"web", "province", "sidesa"};
    net::co_spawn(bench->io, bench->ladder->walk(bench->around, BootNo{1}, false),
                  [](std::exception_ptr, Walk) {});
    bench->clock.run_for(bench->io, 20ms);
    CHECK(bench->prober.asked() == 6);
}

TEST_CASE("Walk outlives whoever throws", "[probe]") {
    LadderBench bench;
    bench.prober.set_script([](const ProbeTarget& target, Monotonic) -> ProbeAnswer {
        if (target.name == "home-1") throw std::runtime_error{"boom"};
        ProbeAnswer answer;
        answer.answered = target.name != "home-2";
        return answer;
    });
    const auto walk = bench.walk();
    CHECK(walk.round[Rung::domestic].detail == "home-1: probe failed: boom; home-2: time-out");
    CHECK(state(walk, Rung::international) == RungState::up);
}

TEST_CASE("Walk says what the hotspot does without charging the ladder", "[probe]") {
    LadderBench bench;
    (void)bench.walk();
    bench.around.lan_has_carrier = false;
    const auto dark = bench.walk();
    REQUIRE(dark.hotspot);
    CHECK(dark.hotspot->state == RungState::down);
    CHECK_FALSE(dark.round.is_full);
    bench.around.lan_has_carrier.reset();
    CHECK_FALSE(bench.walk().hotspot);

    auto settings = sample_ladder();
    settings.hotspot_address = "192.168.88.2";
    LadderBench asked{settings};
    asked.clock.run_until(asked.io, monotonic_from_ms(600'000));
    CHECK(asked.walk().hotspot);
    asked.clock.run_for(asked.io, 10s);
    CHECK_FALSE(asked.walk().hotspot);  // each third round
    asked.silent = {"hotspot"};
    CHECK_FALSE(asked.walk().hotspot);
    const auto silent = asked.walk();
    REQUIRE(silent.hotspot);
    CHECK(silent.hotspot->state == RungState::down);
    CHECK_FALSE(silent.round.is_full);
    asked.silent.clear();
    const auto again = asked.walk();
    REQUIRE(again.hotspot);
    CHECK(again.hotspot->state == RungState::up);
    // And as soon as the cable is back.
    asked.around.lan_has_carrier = false;
    CHECK(asked.walk().hotspot->state == RungState::down);
    asked.around.lan_has_carrier = true;
    const auto back = asked.walk();
    REQUIRE(back.hotspot);
    CHECK(back.hotspot->state == RungState::up);
}

TEST_CASE("Walk blames no service while the internet is down", "[probe]") {
    LadderBench bench;
    bench.pages["sidesa"] = page_is(RungState::down, Silence::timeout);
    const auto walk = bench.walk();
    REQUIRE(walk.services.size() == 2);
    CHECK(walk.services[0].name == "sidesa");
    CHECK(walk.services[0].finding.state == RungState::down);
    CHECK(walk.services[1].finding.state == RungState::up);
    CHECK_FALSE(bench.walk().round.is_full);

    bench.clock.run_for(bench.io, 10min);
    bench.silent = {"home-1", "home-2", "abroad-1", "abroad-2"};
    const auto dead = bench.walk();
    REQUIRE(dead.services.size() == 2);
    CHECK(dead.services[0].finding.state == RungState::unknown);
}

TEST_CASE("walk_all asks everything and leaves the schedule alone", "[probe]") {
    LadderBench bench;
    LadderBench twin;
    (void)bench.walk();
    (void)twin.walk();
    bench.around.last_push = bench.clock.now();
    twin.around.last_push = twin.clock.now();
    for (int i = 0; i < 20; ++i) {
        bench.clock.run_for(bench.io, 10s);
        twin.clock.run_for(twin.io, 10s);
        bench.forget_counts();
        const auto all = bench.walk_all();
        CHECK(all.round.is_full);
        CHECK(bench.http["province"] == 1);
        CHECK(bench.http["web"] == 1);
        CHECK(all.services.size() == 2);
        CHECK(bench.hosts.size() == 6);
        twin.clock.run_for(twin.io, bench.took);
        bench.forget_counts();
        twin.forget_counts();
        CHECK(bench.walk().round.is_full == twin.walk().round.is_full);
        CHECK(bench.hosts == twin.hosts);
        CHECK(bench.names == twin.names);
        CHECK(bench.http == twin.http);
    }
}

TEST_CASE("Walk shows the newest finding of each rung with its age", "[probe]") {
    LadderBench bench;
    CHECK(bench.ladder->view().empty());
    const auto first = bench.clock.now();
    (void)bench.walk();
    const auto find = [&](Rung rung) -> std::optional<LadderWalk::RungView> {
        for (const auto& shown : bench.ladder->view()) {
            if (shown.rung == rung) return shown;
        }
        return std::nullopt;
    };
    bench.clock.run_for(bench.io, 10s);
    const auto second = bench.clock.now();
    (void)bench.walk();
    REQUIRE(find(Rung::domestic));
    CHECK(find(Rung::domestic)->asked == second);
    CHECK(find(Rung::domestic)->finding.round_trip == bench.prober.latency);
    REQUIRE(find(Rung::province));
    CHECK(find(Rung::province)->asked == first);
    // Without a carrier nothing is known of what lies beyond.
    bench.around.has_carrier = false;
    (void)bench.walk();
    CHECK(find(Rung::domestic)->finding.state == RungState::unknown);
    CHECK(find(Rung::province)->finding.state == RungState::unknown);
    CHECK(find(Rung::carrier)->finding.state == RungState::down);
}

}  // namespace gerbang
