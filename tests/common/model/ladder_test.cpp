#include "common/model/ladder.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace gerbang {

TEST_CASE("Rungs have names of their own that come back", "[model]") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kRungCount; ++i) {
        const auto rung = static_cast<Rung>(i);
        CHECK(names.insert(to_string(rung)).second);
        CHECK(parse_rung(to_string(rung)) == rung);
    }
    CHECK(to_string(Rung::power) == "power");
    CHECK(to_string(Rung::next_hop) == "next_hop");
    CHECK(to_string(Rung::province) == "province");
    CHECK_FALSE(parse_rung(""));
    CHECK_FALSE(parse_rung("roof"));
}

TEST_CASE("States of a rung and kinds of silence have stable names", "[model]") {
    for (const auto state :
         {RungState::unknown, RungState::up, RungState::down, RungState::portal}) {
        CHECK(parse_rung_state(to_string(state)) == state);
    }
    CHECK(to_string(RungState::portal) == "portal");
    CHECK_FALSE(parse_rung_state("ajar"));
    CHECK(to_string(Silence::none) == "none");
    CHECK(to_string(Silence::timeout) == "time-out");
    CHECK(to_string(Silence::unreachable) == "unreachable");
    CHECK(to_string(Silence::refused) == "refused");
    CHECK(to_string(Silence::servfail) == "SERVFAIL");
    CHECK(to_string(Silence::nxdomain) == "NXDOMAIN");
    CHECK(to_string(Silence::wrong) == "wrong answer");
    CHECK(to_string(Silence::local) == "cannot ask");
}

TEST_CASE("A round gives each rung a place of its own", "[model]") {
    LadderRound round;
    round[Rung::dns].state = RungState::down;
    for (std::size_t i = 0; i < kRungCount; ++i) {
        const auto rung = static_cast<Rung>(i);
        CHECK((round[rung].state == RungState::down) == (rung == Rung::dns));
    }
    CHECK(round.rungs[static_cast<std::size_t>(Rung::dns)] == round[Rung::dns]);
}

}  // namespace gerbang
