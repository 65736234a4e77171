// What was last seen well is not always what was last looked at.

#include <catch2/catch.hpp>

#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {
namespace {

LadderRound round_at(std::int64_t second, bool is_full) {
    LadderRound round;
    round.at = at(second);
    round.is_full = is_full;
    round[Rung::carrier].state = RungState::up;
    return round;
}

LadderRound answered(std::int64_t second, bool is_full = false) {
    auto round = round_at(second, is_full);
    round[Rung::domestic].state = round[Rung::international].state = RungState::up;
    round.asked = round.answered = 2;
    return round;
}

}  // namespace

TEST_CASE("An outage of a rarely asked rung begins after its own last answer", "[judge]") {
    Judge judge{NextHop::automatic};
    Wan ledger;
    const auto look = [&](const LadderRound& round) { return ledger.observe(judge.judge(round)); };
    auto names = answered(10);
    names[Rung::dns].state = RungState::up;
    CHECK(look(names).empty());
    CHECK(look(answered(20)).empty());
    CHECK(look(answered(30)).empty());
    std::vector<Outage> written;
    for (const int second : {40, 43, 46}) {
        auto dead = answered(second, true);
        dead[Rung::dns].state = RungState::down;
        dead[Rung::dns].silence = Silence::timeout;
        written = look(dead);
    }
    REQUIRE(written.size() == 1);
    CHECK(written.front().cause == Cause::dns);
    CHECK(written.front().last_good == at(10));
    CHECK(written.front().first_bad == at(40));
}

TEST_CASE("Bytes prove the link up to the look before them only", "[judge]") {
    Judge judge{NextHop::automatic};
    Wan ledger;
    const auto look = [&](const LadderRound& round) { return ledger.observe(judge.judge(round)); };
    CHECK(look(answered(10)).empty());
    auto bytes = round_at(20, false);
    bytes.has_inbound_traffic = true;
    CHECK(look(bytes).empty());
    std::vector<Outage> written;
    for (const int second : {30, 33, 36}) {
        auto dead = round_at(second, true);
        dead[Rung::next_hop].state = RungState::up;
        dead[Rung::domestic].state = dead[Rung::international].state = RungState::down;
        dead.asked = 2;
        written = look(dead);
    }
    REQUIRE(written.size() == 1);
    CHECK(written.front().cause == Cause::isp);
    CHECK(written.front().last_good == at(10));
}

TEST_CASE("An outage does not begin inside the one before it, whatever was asked rarely",
          "[ledger]") {
    Wan ledger;
    CHECK(ledger.observe(good(10)).empty());
    for (const int second : {20, 23}) CHECK(ledger.observe(dead(second)).empty());
    REQUIRE(ledger.observe(dead(26)).size() == 1);
    const auto ended = ledger.observe(good(30));
    REQUIRE(ended.size() == 1);
    auto blocked = failed(at(40), Cause::blocked, Confidence::high);
    blocked.good_at = at(5);
    CHECK(ledger.observe(blocked).empty());
    blocked.at = at(43);
    CHECK(ledger.observe(blocked).empty());
    blocked.at = at(46);
    const auto written = ledger.observe(blocked);
    REQUIRE(written.size() == 1);
    CHECK(written.front().last_good == *ended.front().first_good);
}

TEST_CASE("A provider whose first router answers does not hide the silence beyond it", "[judge]") {
    Judge judge{NextHop::automatic};
    (void)judge.judge(answered(10));
    auto core = round_at(20, true);
    core[Rung::next_hop].state = core[Rung::provider].state = RungState::up;
    core[Rung::domestic].state = core[Rung::international].state = RungState::down;
    core[Rung::domestic].silence = core[Rung::international].silence = Silence::timeout;
    core.asked = 2;
    const auto verdict = judge.judge(core);
    CHECK(verdict.cause == Cause::isp);
    const auto seen = shown(core, verdict);
    CHECK(seen[Rung::provider].state == RungState::up);
    CHECK(seen[Rung::domestic].state == RungState::down);
    CHECK(seen[Rung::international].state == RungState::unknown);
}

}  // namespace gerbang
