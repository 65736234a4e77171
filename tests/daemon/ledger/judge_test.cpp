#include "daemon/ledger/judge.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {
namespace {

constexpr auto kUp = RungState::up;
constexpr auto kDown = RungState::down;
constexpr auto kPortal = RungState::portal;
constexpr auto kUnknown = RungState::unknown;

/// A full round in which everything answers: two targets of each group.
LadderRound healthy(std::int64_t second = 100) {
    LadderRound round;
    round.at = at(second);
    round.is_full = true;
    for (auto& rung : round.rungs) rung.state = kUp;
    round.asked = 4;
    round.answered = 4;
    return round;
}

void set(LadderRound& round, Rung rung, RungState state, Silence silence = Silence::none) {
    round[rung].state = state;
    round[rung].silence = silence;
}

/// Everything beyond the next hop is silent.
LadderRound provider_dead(Silence silence = Silence::timeout) {
    auto round = healthy();
    round.answered = 0;
    for (const auto rung : {Rung::provider, Rung::domestic, Rung::international, Rung::dns,
                            Rung::web, Rung::province}) {
        set(round, rung, kDown, silence);
    }
    return round;
}

LadderRound modem_dead() {
    auto round = provider_dead();
    set(round, Rung::next_hop, kDown, Silence::timeout);
    return round;
}

/// What the walk finds without a carrier: nobody on the WAN is asked.
LadderRound unplugged_round() {
    LadderRound round;
    round.at = at(100);
    round.is_full = true;
    set(round, Rung::power, kUp);
    set(round, Rung::carrier, kDown);
    round[Rung::carrier].detail = "carrier 0 on eth0";
    return round;
}

LadderRound group_dead(Rung group) {
    auto round = healthy();
    round.answered = 2;
    set(round, group, kDown, Silence::timeout);
    return round;
}

LadderRound names_dead(Silence silence) {
    auto round = healthy();
    set(round, Rung::dns, kDown, silence);
    return round;
}

/// The verdict of a judge that saw one healthy round before.
Verdict judged(const LadderRound& round, NextHop next_hop = NextHop::automatic,
               bool is_point_to_point = false) {
    Judge judge{next_hop, is_point_to_point};
    CHECK(judge.judge(healthy(90)).state == LinkState::up);
    auto verdict = judge.judge(round);
    CHECK(verdict.at == round.at);
    return verdict;
}

void check_down(const Verdict& verdict, Cause cause, Confidence confidence) {
    INFO(verdict.evidence);
    CHECK(verdict.state == LinkState::down);
    CHECK(to_string(verdict.cause) == to_string(cause));
    CHECK(to_string(verdict.confidence) == to_string(confidence));
    CHECK_FALSE(verdict.evidence.empty());
}

}  // namespace

TEST_CASE("Judge calls a pulled cable carrier, and power when the mains is off too", "[judge]") {
    auto round = unplugged_round();
    check_down(judged(round), Cause::carrier, Confidence::high);
    CHECK(judged(round).evidence == "carrier: carrier 0 on eth0");
    set(round, Rung::power, kUnknown);
    check_down(judged(round), Cause::carrier, Confidence::high);
    set(round, Rung::power, kDown);
    round[Rung::power].detail = "AC offline";
    check_down(judged(round), Cause::power, Confidence::medium);
    CHECK(judged(round).evidence == "carrier: carrier 0 on eth0; power: AC offline");
    // Bytes of the time before the cable was pulled prove nothing now.
    round.has_inbound_traffic = true;
    check_down(judged(round), Cause::power, Confidence::medium);
}

TEST_CASE("Judge believes an answer more than a driver that reports no carrier", "[judge]") {
    auto round = healthy();
    set(round, Rung::carrier, kDown);
    CHECK(judged(round).state == LinkState::up);
    round = unplugged_round();
    round.asked = 1;
    round.answered = 1;
    CHECK(judged(round).state == LinkState::up);
    round = unplugged_round();
    set(round, Rung::web, kUp);
    CHECK(judged(round).state == LinkState::up);
}

TEST_CASE("Judge blames whoever stands at the other end of the cable when it is silent",
          "[judge]") {
    const auto round = modem_dead();
    check_down(judged(round), Cause::modem, Confidence::medium);
    check_down(judged(round, NextHop::modem, true), Cause::modem, Confidence::medium);
    check_down(judged(round, NextHop::automatic, true), Cause::isp, Confidence::medium);
    check_down(judged(round, NextHop::provider), Cause::isp, Confidence::medium);
    check_down(judged(round, NextHop::none), Cause::isp, Confidence::medium);
    // With nothing to ask, what a stranger at that address says or not tells nothing.
    check_down(Judge{NextHop::none}.judge(round), Cause::isp, Confidence::medium);
}

TEST_CASE("Judge is surer of a dead modem that answered before, or whose neighbour entry failed",
          "[judge]") {
    auto round = modem_dead();
    Judge fresh{NextHop::modem};
    check_down(fresh.judge(round), Cause::modem, Confidence::low);
    set(round, Rung::next_hop, kDown, Silence::unreachable);
    check_down(Judge{NextHop::modem}.judge(round), Cause::modem, Confidence::medium);
    check_down(judged(round), Cause::modem, Confidence::high);
    // Another boot's answers say nothing.
    Judge judge{NextHop::modem};
    (void)judge.judge(healthy());
    round.at = at(10, 2);
    check_down(judge.judge(round), Cause::modem, Confidence::medium);
}

TEST_CASE("Judge takes a dead modem without mains for a power cut", "[judge]") {
    auto round = modem_dead();
    set(round, Rung::power, kDown);
    const auto verdict = judged(round);
    check_down(verdict, Cause::power, Confidence::medium);
    CHECK_THAT(verdict.evidence, Catch::Contains("mains off"));
    CHECK_THAT(verdict.evidence, Catch::Contains("next_hop: time-out"));
    // The modem has a battery of its own: then it is not the power.
    round = provider_dead();
    set(round, Rung::power, kDown);
    check_down(judged(round), Cause::isp, Confidence::medium);
    CHECK_THAT(judged(round).evidence, Catch::Contains("mains off"));
    // Who needs no modem is not without internet for want of mains.
    round = healthy();
    set(round, Rung::power, kDown);
    CHECK(judged(round).state == LinkState::up);
}

TEST_CASE("Judge gives a modem time to start when the mains is back", "[judge]") {
    Judge judge{NextHop::modem};
    (void)judge.judge(healthy(90));
    auto dark = modem_dead();
    dark.at = at(100);
    set(dark, Rung::power, kDown);
    CHECK(judge.judge(dark).cause == Cause::power);
    auto starting = modem_dead();
    starting.at = at(399);
    const auto verdict = judge.judge(starting);
    CHECK(verdict.cause == Cause::power);
    CHECK(verdict.evidence.find("mains back") != std::string::npos);
    starting.at = at(400);
    CHECK(judge.judge(starting).cause == Cause::modem);
    // Another boot: what the mains was then is the ending's business.
    Judge later{NextHop::modem};
    (void)later.judge(dark);
    starting.at = at(101, 2);
    CHECK(later.judge(starting).cause == Cause::modem);
}

TEST_CASE("Judge blames the provider behind a next hop that answers", "[judge]") {
    const auto next_hop =
        GENERATE(NextHop::automatic, NextHop::modem, NextHop::provider, NextHop::none);
    check_down(judged(provider_dead(), next_hop), Cause::isp, Confidence::medium);
    check_down(judged(provider_dead(Silence::unreachable), next_hop), Cause::isp, Confidence::high);
    auto round = provider_dead();
    set(round, Rung::provider, kUnknown);
    check_down(judged(round, next_hop), Cause::isp, Confidence::medium);
    // The provider's first hop answers; what lies beyond is the provider's as well.
    set(round, Rung::provider, kUp);
    check_down(judged(round, next_hop), Cause::isp, Confidence::medium);
    set(round, Rung::next_hop, kUnknown);
    check_down(judged(round, next_hop), Cause::isp, Confidence::medium);
}

TEST_CASE("Judge says how little it knows when nothing next to it ever answers", "[judge]") {
    auto round = provider_dead();
    set(round, Rung::next_hop, kUnknown);
    set(round, Rung::provider, kUnknown);
    check_down(judged(round), Cause::isp, Confidence::low);
    check_down(judged(round, NextHop::modem), Cause::isp, Confidence::low);
    check_down(judged(round, NextHop::automatic, true), Cause::isp, Confidence::medium);
    check_down(judged(round, NextHop::provider), Cause::isp, Confidence::medium);
    check_down(judged(round, NextHop::none), Cause::isp, Confidence::medium);
    set(round, Rung::international, kDown, Silence::unreachable);
    check_down(judged(round), Cause::isp, Confidence::high);
}

TEST_CASE("Judge blames nobody when this box has no way to ask", "[judge]") {
    auto round = provider_dead(Silence::local);
    set(round, Rung::next_hop, kUnknown);
    set(round, Rung::provider, kUnknown);
    check_down(judged(round), Cause::unknown, Confidence::low);
    CHECK_THAT(judged(round).evidence, Catch::Contains("no route"));
    set(round, Rung::carrier, kUnknown);
    check_down(judged(round), Cause::unknown, Confidence::low);
    CHECK_THAT(judged(round).evidence, Catch::Contains("no WAN interface"));
    check_down(judged(round, NextHop::provider), Cause::isp, Confidence::low);
}

TEST_CASE("Judge calls it international when one group answers and the other does not", "[judge]") {
    auto round = group_dead(Rung::international);
    check_down(judged(round), Cause::international, Confidence::medium);
    set(round, Rung::international, kDown, Silence::unreachable);
    check_down(judged(round), Cause::international, Confidence::high);
    // A group that nobody asked, or that is not configured, is not silent.
    set(round, Rung::international, kUnknown);
    round.asked = 2;
    CHECK(judged(round).state == LinkState::up);

    const auto verdict = judged(group_dead(Rung::domestic));
    CHECK(verdict.state == LinkState::up);
    CHECK(verdict.evidence == "domestic: time-out");
}

TEST_CASE("Judge decides nothing beyond the path from a round that is not full", "[judge]") {
    for (auto round : {group_dead(Rung::international), names_dead(Silence::servfail),
                       names_dead(Silence::timeout)}) {
        round.is_full = false;
        CHECK(judged(round).state == LinkState::up);
    }
}

TEST_CASE("Judge calls dead, lying and unable resolvers dns and says which", "[judge]") {
    const auto [silence, confidence] = GENERATE(table<Silence, Confidence>({
        {Silence::timeout, Confidence::medium},
        {Silence::unreachable, Confidence::medium},
        {Silence::servfail, Confidence::high},
        {Silence::nxdomain, Confidence::high},
        {Silence::refused, Confidence::high},
        {Silence::wrong, Confidence::high},
        {Silence::local, Confidence::low},
    }));
    auto round = names_dead(silence);
    set(round, Rung::web, kDown, Silence::timeout);
    const auto verdict = judged(round);
    check_down(verdict, Cause::dns, confidence);
    CHECK_THAT(verdict.evidence, Catch::Contains(std::string{to_string(silence)}));
    set(round, Rung::dns, kPortal);
    check_down(judged(round), Cause::dns, Confidence::high);
}

TEST_CASE("Judge calls a portal blocked, whatever else answers", "[judge]") {
    auto round = healthy();
    set(round, Rung::web, kPortal);
    round[Rung::web].detail = "302 http://isolir.example/";
    check_down(judged(round), Cause::blocked, Confidence::high);
    CHECK(judged(round).evidence == "web: 302 http://isolir.example/");
    set(round, Rung::dns, kPortal);
    check_down(judged(round), Cause::blocked, Confidence::high);
    round = provider_dead();
    set(round, Rung::web, kPortal);
    check_down(judged(round), Cause::blocked, Confidence::high);
    round.has_inbound_traffic = true;
    check_down(judged(round), Cause::blocked, Confidence::high);
}

TEST_CASE("Judge lets neither the province nor its page nor the LAN touch the WAN", "[judge]") {
    auto round = healthy();
    set(round, Rung::province, kDown, Silence::timeout);
    CHECK(judged(round).state == LinkState::up);
    set(round, Rung::web, kDown, Silence::timeout);
    CHECK(judged(round).state == LinkState::up);
    set(round, Rung::next_hop, kDown, Silence::timeout);
    set(round, Rung::provider, kDown, Silence::timeout);
    CHECK(judged(round).state == LinkState::up);
}

TEST_CASE("Judge takes the page or a resolver for the internet when targets are silent",
          "[judge]") {
    auto round = provider_dead();
    set(round, Rung::web, kUp);
    CHECK(judged(round).state == LinkState::up);
    round = provider_dead();
    set(round, Rung::web, kUnknown);
    set(round, Rung::dns, kUp);
    const auto verdict = judged(round);
    CHECK(verdict.state == LinkState::up);
    CHECK(verdict.confidence == Confidence::low);
    // A resolver in the modem answers from its memory: with the page silent it proves nothing.
    set(round, Rung::web, kDown, Silence::timeout);
    check_down(judged(round), Cause::isp, Confidence::medium);
}

TEST_CASE("Judge takes inbound bytes for the internet, but not those from before a silence",
          "[judge]") {
    auto cheap = healthy();
    for (auto& rung : cheap.rungs) rung.state = kUnknown;
    set(cheap, Rung::carrier, kUp);
    cheap.is_full = false;
    cheap.asked = 0;
    cheap.answered = 0;
    cheap.has_inbound_traffic = true;
    auto verdict = judged(cheap);
    CHECK(verdict.state == LinkState::up);
    CHECK(verdict.evidence == "bytes come in on the WAN");

    Judge judge{NextHop::modem};
    auto silent = provider_dead();
    silent.has_inbound_traffic = true;
    verdict = judge.judge(silent);
    CHECK(verdict.state == LinkState::unknown);
    CHECK(judge.judge(silent).state == LinkState::up);
    CHECK(judge.judge(silent).state == LinkState::up);
    silent.has_inbound_traffic = false;
    check_down(judge.judge(silent), Cause::isp, Confidence::medium);
    silent.has_inbound_traffic = true;
    CHECK(judge.judge(silent).state == LinkState::unknown);
}

TEST_CASE("Judge knows nothing when nobody was asked", "[judge]") {
    LadderRound round;
    round.at = at(100);
    auto verdict = judged(round);
    CHECK(verdict.state == LinkState::unknown);
    CHECK(verdict.confidence == Confidence::none);
    CHECK_FALSE(verdict.carrier_is_up);
    set(round, Rung::carrier, kUp);
    CHECK(judged(round).carrier_is_up);
    // Without targets the next hop and the page still tell.
    set(round, Rung::dns, kDown, Silence::timeout);
    CHECK(judged(round).state == LinkState::unknown);
    set(round, Rung::web, kDown, Silence::timeout);
    check_down(judged(round), Cause::isp, Confidence::low);
    set(round, Rung::next_hop, kDown, Silence::timeout);
    set(round, Rung::dns, kUnknown);
    check_down(judged(round), Cause::modem, Confidence::medium);
}

TEST_CASE("Judge hides what is above the broken rung", "[judge]") {
    const auto seen = [](const LadderRound& round) { return shown(round, judged(round)); };
    auto round = modem_dead();
    auto ladder = seen(round);
    CHECK(ladder[Rung::next_hop].state == kDown);
    for (const auto rung : {Rung::provider, Rung::domestic, Rung::international, Rung::dns,
                            Rung::web, Rung::province}) {
        CHECK(ladder[rung].state == kUnknown);
    }
    ladder = shown(round, judged(round, NextHop::provider));
    CHECK(ladder[Rung::next_hop].state == kDown);
    CHECK(ladder[Rung::provider].state == kUnknown);
    ladder = seen(provider_dead());
    CHECK(ladder[Rung::provider].state == kDown);
    CHECK(ladder[Rung::domestic].state == kUnknown);
    round = group_dead(Rung::international);
    set(round, Rung::province, kDown, Silence::timeout);
    ladder = seen(round);
    CHECK(ladder[Rung::international].state == kDown);
    CHECK(ladder[Rung::province].state == kUnknown);
    round = provider_dead(Silence::local);
    set(round, Rung::next_hop, kUnknown);
    set(round, Rung::provider, kUnknown);
    ladder = seen(round);
    CHECK(ladder[Rung::domestic].state == kDown);
    CHECK(ladder[Rung::international].state == kUnknown);
    // What answered, answered; and a province that is silent alone stays silent.
    round = healthy();
    set(round, Rung::province, kDown, Silence::timeout);
    CHECK(seen(round) == round);
    round = unplugged_round();
    set(round, Rung::power, kDown);
    ladder = seen(round);
    CHECK(ladder[Rung::power].state == kDown);
    CHECK(ladder[Rung::carrier].state == kUnknown);
}

TEST_CASE("A link beside the WAN is up, down by its own cause, or unknown", "[judge]") {
    RungFinding finding;
    CHECK(judge_beside(at(5), finding, Cause::hotspot).state == LinkState::unknown);
    finding.state = kUp;
    auto verdict = judge_beside(at(5), finding, Cause::hotspot);
    CHECK(verdict.at == at(5));
    CHECK(verdict.state == LinkState::up);
    CHECK(verdict.cause == Cause::unknown);
    finding.state = kDown;
    finding.silence = Silence::timeout;
    verdict = judge_beside(at(5), finding, Cause::province);
    check_down(verdict, Cause::province, Confidence::medium);
    CHECK(verdict.evidence == "time-out");
    finding.silence = Silence::local;
    check_down(judge_beside(at(5), finding, Cause::hotspot), Cause::hotspot, Confidence::low);
    finding.silence = Silence::none;
    finding.detail = "no LAN carrier";
    check_down(judge_beside(at(5), finding, Cause::hotspot), Cause::hotspot, Confidence::high);
    finding.state = kPortal;
    check_down(judge_beside(at(5), finding, Cause::service), Cause::service, Confidence::high);
}

}  // namespace gerbang
