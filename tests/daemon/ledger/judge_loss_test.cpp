// Loss, congestion, and what a judge remembers of earlier rounds.

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "tests/daemon/ledger/ledger_samples.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

/// A round of `asked` targets of both groups, the ladder below them in order.
LadderRound round_of(unsigned answered, unsigned asked = 4) {
    LadderRound round;
    round.at = at(100);
    round.is_full = true;
    for (auto& rung : round.rungs) rung.state = RungState::up;
    round.asked = asked;
    round.answered = answered;
    if (answered == 0) {
        for (const auto rung : {Rung::domestic, Rung::international, Rung::dns, Rung::web}) {
            round[rung].state = RungState::down;
            round[rung].silence = Silence::timeout;
        }
    }
    return round;
}

LadderRound half_dead(Rung group) {
    auto round = round_of(2);
    round[group].state = RungState::down;
    round[group].silence = Silence::timeout;
    return round;
}

}  // namespace

TEST_CASE("Judge calls a link degraded from two lost answers on, until 32 came in a row",
          "[judge]") {
    Judge judge{NextHop::modem};
    for (int i = 0; i < 20; ++i) CHECK(judge.judge(round_of(2, 2)).state == LinkState::up);
    CHECK(judge.judge(round_of(1, 2)).state == LinkState::up);
    const auto verdict = judge.judge(round_of(1, 2));
    CHECK(verdict.state == LinkState::degraded);
    CHECK(verdict.evidence == "2 of the last 32 answers lost");
    for (int i = 0; i < 15; ++i) CHECK(judge.judge(round_of(2, 2)).state == LinkState::degraded);
    CHECK(judge.judge(round_of(2, 2)).state == LinkState::up);
    CHECK(judge.judge(round_of(1, 2)).state == LinkState::up);
}

TEST_CASE("Judge counts the silent rounds of a lossy link, not those of an outage", "[judge]") {
    Judge judge{NextHop::modem};
    (void)judge.judge(round_of(4));
    CHECK(judge.judge(round_of(0)).state == LinkState::down);
    CHECK(judge.judge(round_of(4)).state == LinkState::degraded);

    Judge other{NextHop::modem};
    (void)other.judge(round_of(4));
    for (int i = 0; i < 3; ++i) CHECK(other.judge(round_of(0)).state == LinkState::down);
    CHECK(other.judge(round_of(4)).state == LinkState::up);
}

TEST_CASE("Judge takes a group that never answers for no loss", "[judge]") {
    for (const auto group : {Rung::domestic, Rung::international}) {
        Judge judge{NextHop::modem};
        for (int i = 0; i < 40; ++i) {
            const auto verdict = judge.judge(half_dead(group));
            CHECK(verdict.state == (group == Rung::domestic ? LinkState::up : LinkState::down));
        }
        CHECK(judge.judge(round_of(4)).state == LinkState::up);
    }
}

TEST_CASE("Judge calls losses of a full line congestion", "[judge]") {
    Judge judge{NextHop::modem};
    auto round = round_of(3);
    round.is_saturated = true;
    const auto verdict = judge.judge(round);
    CHECK(verdict.state == LinkState::degraded);
    CHECK(verdict.evidence == "the line is full");
    round = round_of(4);
    round.is_saturated = true;
    CHECK(judge.judge(round).state == LinkState::up);
}

TEST_CASE("Judge gives a full line k silent rounds before it calls it down", "[judge]") {
    const unsigned k = GENERATE(1U, 3U, 5U);
    Judge judge{NextHop::modem, false, k};
    auto round = round_of(0);
    round.is_saturated = true;
    Judge newcomer{NextHop::modem, false, k + 1};
    CHECK(newcomer.judge(round).state == LinkState::unknown);
    const auto healthy = round_of(4);
    CHECK(judge.judge(healthy).state == LinkState::up);
    for (unsigned i = 1; i < k; ++i) {
        const auto verdict = judge.judge(round);
        CHECK(verdict.state == LinkState::degraded);
        // Nothing proves that it was well since.
        CHECK(verdict.good_at == healthy.at);
    }
    CHECK(judge.judge(round).state == LinkState::down);
    // Bytes that come in are the congestion itself.
    round.has_inbound_traffic = true;
    (void)judge.judge(round);
    CHECK(judge.judge(round).state == LinkState::degraded);
}

TEST_CASE("Judge gives a lossy link k rounds before a silent group or resolver counts", "[judge]") {
    auto silent = GENERATE(half_dead(Rung::international), half_dead(Rung::dns));
    if (silent[Rung::dns].state == RungState::down) silent.answered = 4;
    Judge judge{NextHop::modem};
    for (int i = 0; i < 4; ++i) (void)judge.judge(round_of(3));
    CHECK(judge.judge(silent).state == LinkState::unknown);
    CHECK(judge.judge(silent).state == LinkState::unknown);
    CHECK(judge.judge(silent).state == LinkState::down);
    // An answer between them, and it begins anew.
    (void)judge.judge(round_of(3));
    for (int i = 0; i < 2; ++i) CHECK(judge.judge(silent).state == LinkState::unknown);
    // What is said aloud is no loss.
    silent[Rung::dns].state = RungState::down;
    silent[Rung::dns].silence = Silence::servfail;
    silent[Rung::international].state = RungState::up;
    Judge other{NextHop::modem};
    silent.is_saturated = true;
    CHECK(other.judge(silent).cause == Cause::dns);
}

TEST_CASE("Judge blames no part that is silent on a full line, however long", "[judge]") {
    auto silent = GENERATE(half_dead(Rung::international), half_dead(Rung::dns));
    if (silent[Rung::dns].state == RungState::down) silent.answered = 4;
    silent.is_saturated = true;
    Judge judge{NextHop::modem};
    for (int i = 0; i < 10; ++i) CHECK(judge.judge(silent).state == LinkState::degraded);
    silent[Rung::international].silence = silent[Rung::dns].silence = Silence::unreachable;
    if (silent[Rung::international].state == RungState::down) {
        CHECK(judge.judge(silent).cause == Cause::international);
    }
    silent.is_saturated = false;
    for (int i = 0; i < 3; ++i) (void)judge.judge(silent);
    CHECK(judge.judge(silent).state == LinkState::down);
}

TEST_CASE("Judge repeats itself where the broken rung was not asked, at most k times", "[judge]") {
    const auto rung = GENERATE(Rung::web, Rung::dns, Rung::international);
    Judge judge{NextHop::modem};
    auto broken = half_dead(rung);
    broken.answered = rung == Rung::international ? 2 : 4;
    if (rung == Rung::web) broken[rung].state = RungState::portal;
    const auto said = judge.judge(broken);
    REQUIRE(said.state == LinkState::down);
    auto blind = round_of(4);
    blind.is_full = false;
    blind[rung].state = RungState::unknown;
    for (int i = 0; i < 3; ++i) {
        blind.at.at += Millis{3000};
        const auto again = judge.judge(blind);
        CHECK(again.cause == said.cause);
        CHECK(again.at == blind.at);
    }
    CHECK(judge.judge(blind).state != LinkState::down);
    (void)judge.judge(broken);
    CHECK(judge.judge(round_of(4)).state != LinkState::down);
    CHECK(judge.judge(blind).state != LinkState::down);
}

TEST_CASE("A link that loses 20 % of everything is degraded, all but never down", "[judge]") {
    std::uint64_t looks = 0;
    std::uint64_t outages = 0;
    for (std::uint64_t round = 0; round < test_rounds(20); ++round) {
        INFO("round " << round);
        std::mt19937_64 random{test_seed() * 1009 + round};
        const auto is_lost = [&] { return random() % 5 == 0; };
        OutageIds ids;
        Judge judge{NextHop::modem};
        Ledger ledger{3, "wan", ids, true};
        unsigned degraded = 0;
        for (std::int64_t i = 0; i < 1000; ++i) {
            LadderRound seen;
            seen.at = at(i * 3);
            seen.is_full = true;
            seen[Rung::carrier].state = RungState::up;
            seen[Rung::next_hop].state = RungState::up;
            seen.asked = 4;
            const unsigned domestic = (is_lost() ? 0U : 1U) + (is_lost() ? 0U : 1U);
            const unsigned international = (is_lost() ? 0U : 1U) + (is_lost() ? 0U : 1U);
            seen.answered = domestic + international;
            const auto put = [&](Rung rung, bool is_up) {
                seen[rung].state = is_up ? RungState::up : RungState::down;
                seen[rung].silence = is_up ? Silence::none : Silence::timeout;
            };
            put(Rung::domestic, domestic > 0);
            put(Rung::international, international > 0);
            put(Rung::dns, !is_lost() || !is_lost());
            const auto before = ledger.state();
            (void)ledger.observe(judge.judge(seen));
            if (ledger.state() == LinkState::down && before != LinkState::down) ++outages;
            ++looks;
            degraded += ledger.state() == LinkState::degraded ? 1U : 0U;
        }
        CHECK(degraded > 900);
    }
    // Five rounds in a row in which the same half is lost by chance: once in some days of this.
    INFO(outages << " outages in " << looks << " rounds");
    CHECK(outages * 100'000 <= looks + 200'000);
}

}  // namespace gerbang
