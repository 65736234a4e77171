#include "common/sla/clauses.hpp"

#include <catch2/catch.hpp>

#include "common/sla/calendar.hpp"

namespace gerbang::sla {

TEST_CASE("Parties have stable names and are read back by them", "[sla]") {
    for (std::size_t i = 0; i < kPartyCount; ++i) {
        const auto party = static_cast<Party>(i);
        CHECK(parse_party(to_string(party)) == party);
    }
    CHECK(to_string(Party::nobody) == "nobody");
    CHECK_FALSE(parse_party("Provider"));
    CHECK(to_string(static_cast<Party>(200)) == "undecided");
}

TEST_CASE("The example is the published rule, and says that it is an example", "[sla]") {
    const auto& example = example_clauses();
    CHECK(example.is_example);
    CHECK(example.counts_over == Seconds{300});
    const auto party = [&](Cause cause) { return example.party[static_cast<std::size_t>(cause)]; };
    CHECK(party(Cause::power) == Party::utility);
    CHECK(party(Cause::device_off) == Party::undecided);
    CHECK(party(Cause::isp) == Party::provider);
    CHECK(party(Cause::undetermined) == Party::undecided);
    CHECK(party(Cause::hotspot) == Party::village);
}

TEST_CASE("The calendar knows the weekday of instants before 1970 as well", "[sla]") {
    Clauses clauses;
    clauses.hours = {{2, 0, 1440}};  // Wednesdays
    const Calendar calendar{clauses, Seconds{}};
    constexpr std::int64_t kDayMs = 86'400'000;
    CHECK(calendar.look(-1).kind == Calendar::Kind::open);  // 31 December 1969
    CHECK(calendar.look(-1).until_ms == 0);
    CHECK(calendar.look(0).kind == Calendar::Kind::closed);
    CHECK(calendar.look(6 * kDayMs).kind == Calendar::Kind::open);
    CHECK(calendar.excluded_ms(0, 7 * kDayMs) == 6 * kDayMs);
    const Calendar east{clauses, Seconds{8 * 3600}};
    CHECK(east.look(6 * kDayMs - 8 * 3'600'000 - 1).kind == Calendar::Kind::closed);
    CHECK(east.look(6 * kDayMs - 8 * 3'600'000).kind == Calendar::Kind::open);
}

}  // namespace gerbang::sla
