// When rounds of probes are asked beside the ticks.

#include <catch2/catch.hpp>
#include <vector>

#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// The instants at which somebody was asked in ten minutes of ticks of `tick`.
std::vector<Monotonic> rounds_beside(Millis tick) {
    Village village{test_seed()};
    village.config.metering.tick = tick;
    std::vector<Monotonic> rounds;
    village.prober.set_script([&rounds](const ProbeTarget&, Monotonic at) {
        if (rounds.empty() || rounds.back() != at) rounds.push_back(at);
        ProbeAnswer answer;
        answer.answered = true;
        answer.round_trip = 40ms;
        return answer;
    });
    village.start();
    village.run_for(10min);
    village.stop();
    return rounds;
}

bool is_on_grid(Monotonic at, Millis step) {
    return to_ms(at) % step.count() == 0;
}

}  // namespace

TEST_CASE("Rounds ride on fast ticks and keep their interval", "[scenario]") {
    const auto rounds = rounds_beside(1s);
    REQUIRE(rounds.size() >= 58);
    CHECK(rounds.size() <= 68);
    for (std::size_t i = 1; i < rounds.size(); ++i) {
        CHECK(is_on_grid(rounds[i], 1s));
        CHECK(rounds[i] - rounds[i - 1] <= 11s);
    }
}

TEST_CASE("Rounds keep their own time, with its jitter, beside slow ticks", "[scenario]") {
    const auto rounds = rounds_beside(10s);
    REQUIRE(rounds.size() >= 58);
    std::size_t on_grid = 0;
    for (std::size_t i = 1; i < rounds.size(); ++i) {
        if (is_on_grid(rounds[i], 1s)) ++on_grid;
        CHECK(rounds[i] - rounds[i - 1] <= 12s);
    }
    CHECK(on_grid < 10);
}

TEST_CASE("What comes in between two slow ticks speaks for the link", "[scenario]") {
    Village village{test_seed()};
    village.config.metering.tick = 10s;
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    village.run_for(5min);
    // A line so full that every question is lost.
    village.prober.set_script([](const ProbeTarget&, Monotonic) { return ProbeAnswer{}; });
    village.prober.set_name_script([](const NameQuestion&, Monotonic) { return ProbeAnswer{}; });
    for (int i = 0; i < 120; ++i) {
        village.run_for(1s);
        REQUIRE(village.daemon().status().link.state != "down");
    }
    village.kernel.rate("eth0", {}, {});
    village.run_for(1min);
    CHECK(village.daemon().status().link.state == "down");
}
