#include "daemon/net/verification_time.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

const WallTime kBuilt = wall_from_ms(1'790'000'000'000);

TimeEvidence evidence(WallTime kernel, bool is_synchronised) {
    return {.kernel = {kernel, is_synchronised, Millis{5}}, .built = kBuilt, .good = {}};
}

}  // namespace

TEST_CASE("Certificates are verified no earlier than the program was built", "[net]") {
    CHECK(verification_time(evidence(wall_from_ms(5'000), false)) == kBuilt);
    CHECK(verification_time(evidence(wall_from_ms(5'000), true)) == kBuilt);
}

TEST_CASE("A clock that nobody synchronised is not believed, however late it is", "[net]") {
    CHECK(verification_time(evidence(kBuilt + 24h * 3650, false)) == kBuilt);
    CHECK(verification_time(evidence(kBuilt + 24h, true)) == kBuilt + 24h);
}

TEST_CASE("The last good time holds where the clock says less", "[net]") {
    auto known = evidence(wall_from_ms(5'000), false);
    known.good = kBuilt + 25h;
    CHECK(verification_time(known) == kBuilt + 25h);
    known.good = kBuilt - 48h;  // of an older program
    CHECK(verification_time(known) == kBuilt);
    known.good = kBuilt + 25h;
    known.kernel = {kBuilt + 26h, true, Millis{5}};
    CHECK(verification_time(known) == kBuilt + 26h);
    known.kernel.wall = kBuilt + 1h;  // synchronised, but the journal knows better
    CHECK(verification_time(known) == kBuilt + 25h);
}
