#include "daemon/probe/round.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <optional>
#include <stdexcept>

#include "tests/support/manual_clock.hpp"
#include "tests/support/scripted_prober.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

const std::vector<ProbeTarget> kTargets{{"near", "192.0.2.1", 443}, {"far", "192.0.2.2", 443}};

struct Bench {
    net::io_context io;
    ManualClock clock;
    ScriptedProber prober{clock};
    std::optional<std::vector<ProbeAnswer>> answers;
    Monotonic ended;

    void ask(Prober& by, std::vector<ProbeTarget> targets) {
        net::co_spawn(io, probe_round(by, io.get_executor(), std::move(targets), "wan0", 2500ms),
                      [this](std::exception_ptr, std::vector<ProbeAnswer> got) {
                          answers = std::move(got);
                          ended = clock.now();
                      });
    }
};

/// A library that misbehaves.
class ThrowingProber final : public Prober {
public:
    net::awaitable<ProbeAnswer> probe(const ProbeTarget& target, const std::string&,
                                      Millis) override {
        if (target.name == "far") throw std::runtime_error{"boom"};
        co_return ProbeAnswer{.answered = true, .round_trip = Millis{1}, .detail = {}};
    }
    net::awaitable<ProbeAnswer> ask_name(const NameQuestion&, const std::string&, Millis) override {
        throw std::runtime_error{"no names here"};
    }
};

}  // namespace

TEST_CASE("Round ends at the time-out when a target is silent and keeps the others' answers",
          "[probe]") {
    Bench bench;
    bench.prober.set_script([](const ProbeTarget& target, Monotonic) {
        return ProbeAnswer{.answered = target.name == "near", .round_trip = 600ms, .detail = {}};
    });
    const auto begun = bench.clock.now();
    bench.ask(bench.prober, kTargets);
    bench.clock.run_for(bench.io, 10s);

    REQUIRE(bench.answers);
    REQUIRE(bench.answers->size() == 2);
    CHECK(bench.answers->at(0).answered);
    CHECK(bench.answers->at(0).round_trip == 600ms);
    CHECK_FALSE(bench.answers->at(1).answered);
    CHECK(bench.answers->at(1).detail == "time-out");
    CHECK(bench.ended - begun == 2500ms);
    CHECK(bench.prober.last_device() == "wan0");
}

TEST_CASE("Round asks all targets at once", "[probe]") {
    Bench bench;
    bench.prober.latency = 1s;
    const auto begun = bench.clock.now();
    bench.ask(bench.prober, kTargets);
    bench.clock.run_for(bench.io, 10s);
    REQUIRE(bench.answers);
    CHECK(bench.ended - begun == 1s);
    CHECK(bench.prober.asked() == 2);
    CHECK(bench.prober.asked("far") == 1);
}

TEST_CASE("Round without targets ends at once without answers", "[probe]") {
    Bench bench;
    bench.ask(bench.prober, {});
    bench.clock.run_ready(bench.io);
    REQUIRE(bench.answers);
    CHECK(bench.answers->empty());
}

TEST_CASE("Round ends when the clock is stopped", "[probe]") {
    Bench bench;
    bench.prober.set_reachable(false);
    bench.ask(bench.prober, kTargets);
    bench.clock.run_ready(bench.io);
    REQUIRE_FALSE(bench.answers);
    bench.clock.stop();
    bench.clock.run_ready(bench.io);
    REQUIRE(bench.answers);
    CHECK(bench.answers->at(0).detail == "stopped");
}

TEST_CASE("Round turns a throwing prober into no answer with the reason", "[probe]") {
    Bench bench;
    ThrowingProber throwing;
    bench.ask(throwing, kTargets);
    bench.clock.run_ready(bench.io);
    REQUIRE(bench.answers);
    CHECK(bench.answers->at(0).answered);
    CHECK_FALSE(bench.answers->at(1).answered);
    CHECK(bench.answers->at(1).detail == "probe failed: boom");
}

TEST_CASE("Round may be abandoned with its loop while probes are under way", "[probe]") {
    ManualClock clock;
    ScriptedProber prober{clock};
    {
        net::io_context io;
        net::co_spawn(io, probe_round(prober, io.get_executor(), kTargets, "", 2500ms),
                      net::detached);
        clock.run_ready(io);
    }
    CHECK(prober.asked() == 2);
}

}  // namespace gerbang
