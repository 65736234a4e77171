#include "daemon/app/good_time.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

const WallTime kBuilt = wall_from_ms(1'790'000'000'000);
constexpr auto kYear = 24h * 365;

DeviceTime up(Millis since_start, std::uint32_t boot = 1) {
    return {BootNo{boot}, Monotonic{since_start}};
}

/// Looks each minute for `span`, at a clock that shows `wall` at its first look.
DeviceTime watch(GoodTime& good, DeviceTime from, WallTime wall, Millis span,
                 AnchorSource source = AnchorSource::kernel) {
    for (Millis passed{}; passed <= span; passed += 1min) {
        good.look({.at = {from.boot, from.at + passed},
                   .wall = wall + passed,
                   .source = source,
                   .uncertainty = Millis{50}});
    }
    return {from.boot, from.at + span};
}

}  // namespace

TEST_CASE("A clock that was years ahead for a minute leaves no trace to speak of", "[app]") {
    const auto source = GENERATE(AnchorSource::kernel, AnchorSource::province);
    GoodTime good{kBuilt};
    auto now = watch(good, up(1min), kBuilt + 10 * kYear, 1min, source);
    CHECK(good.at(now) <= kBuilt + 35min);
    // It steps back to the truth, which it is pulled to again.
    now = watch(good, {now.boot, now.at + 1min}, kBuilt + 5min, 10min, source);
    CHECK(good.at(now) <= kBuilt + 15min);
    CHECK(good.at(now) >= kBuilt + 14min);
}

TEST_CASE("A clock that stays wrong costs thirty times as long, and no more", "[app]") {
    GoodTime good{kBuilt};
    auto now = watch(good, up(1min), kBuilt + 10 * kYear, 2h);
    CHECK(good.at(now) <= kBuilt + 63h);
    const GoodTime next{kBuilt, good.memory(now)};
    CHECK(next.at(up(0min, 2)) <= kBuilt + 63h);
    // A right clock makes it good in as much time.
    now = watch(good, up(1min, 2), kBuilt + 3h, 3h);
    CHECK(good.at(now) == kBuilt + 6h - 50ms);
}

TEST_CASE("No single word is taken for the floor, nor words that contradict each other", "[app]") {
    GoodTime good{kBuilt};
    good.look({.at = up(1min), .wall = kBuilt + kYear, .source = AnchorSource::kernel});
    CHECK(good.at(up(1min)) == kBuilt + 1min);
    for (int i = 2; i < 100; ++i) {
        good.look(
            {.at = up(i * 1min), .wall = kBuilt + kYear + i * 1h, .source = AnchorSource::kernel});
        CHECK(good.at(up(i * 1min)) == kBuilt + i * 1min);
    }
    // Looks on two boots are not two looks.
    good.look({.at = up(200min, 2), .wall = kBuilt + kYear, .source = AnchorSource::kernel});
    CHECK(good.at(up(200min, 2)) == kBuilt + 200min);
}

TEST_CASE("An operator's word is nothing for certificates", "[app]") {
    GoodTime good{kBuilt};
    const auto now = watch(good, up(1min), kBuilt + kYear, 24h, AnchorSource::operator_);
    CHECK(good.at(now) == kBuilt + 24h + 1min);
}

TEST_CASE("The floor is reached within days by a right clock, and goes on over boots", "[app]") {
    GoodTime good{kBuilt};  // a year in a drawer
    auto now = watch(good, up(1min), kBuilt + kYear, 24h * 13);
    CHECK(good.at(now) == kBuilt + kYear + 24h * 13 - 50ms);
    const auto before = good.at(now);
    CHECK(good.at(up(1h, 2)) == before + 1h);
    const GoodTime next{kBuilt, good.memory(now)};
    CHECK(next.at(up(1h, 7)) >= before);
    CHECK(next.at(up(1h, 7)) <= before + 1h);
    // A new process on the same boot goes on where the old one was.
    CHECK(next.at({now.boot, now.at + 3h}) == before + 3h);
    CHECK(next.memory({now.boot, now.at + 3h}) == good.memory({now.boot, now.at + 3h}));
    CHECK(good.memory({now.boot, now.at + 1ms}) == good.memory({now.boot, now.at + 2ms}));
    // A newer program knows better.
    CHECK(GoodTime{kBuilt + 3 * kYear, good.memory(now)}.at(up(0min)) == kBuilt + 3 * kYear);
}

TEST_CASE("Where kernel and province agree the floor rises at once, and never falls", "[app]") {
    GoodTime good{kBuilt};
    good.prove(up(1min), kBuilt + kYear);
    CHECK(good.at(up(2min)) == kBuilt + kYear + 1min);
    good.prove(up(2min), kBuilt + 1h);
    CHECK(good.at(up(2min)) == kBuilt + kYear + 1min);
    good.prove(up(3min), wall_from_ms(INT64_MAX / 4));
    CHECK(good.at(up(3min)) == kBuilt + kYear + 2min);
}

TEST_CASE("A memory that is not ours is the build date", "[app]") {
    for (const auto* text :
         {"", "x", "1800000000000", "1800000000000 1", "1800000000000 1 x", "-5 1 1",
          "1800000000000 -1 1", "1800000000000 1 1 ", " 1800000000000 1 1", "1800000000000,1,1",
          "99999999999999999999 1 1", "999999999999999 1 1", "1800000000000 9999999999 1",
          "1800000000000 1 999999999999999", "1700000000000 1 1"}) {
        INFO(text);
        CHECK(GoodTime{kBuilt, text}.at(up(0min)) == kBuilt);
    }
}

TEST_CASE("Whatever clocks say, the floor stays between the build date and thirty times its pace",
          "[app]") {
    std::mt19937_64 random{test_seed()};
    for (unsigned round = 0; round < test_rounds(200); ++round) {
        INFO("round " << round);
        GoodTime good{kBuilt};
        Millis spent{};
        std::uint32_t boot = 1;
        Millis at{};
        for (int i = 0; i < 200; ++i) {
            if (random() % 20 == 0) {
                ++boot;
                at = {};
            }
            const Millis step{static_cast<std::int64_t>(random() % 7'200'000)};
            at += step;
            spent += step;
            const auto any =
                static_cast<std::int64_t>(random() % 300'000'000'000'000) - 20'000'000'000'000;
            const auto wall = random() % 2 == 0 ? wall_from_ms(any) : kBuilt + kYear + spent;
            good.look({.at = up(at, boot),
                       .wall = wall,
                       .source = static_cast<AnchorSource>(1 + random() % 3),
                       .uncertainty = Millis{static_cast<std::int64_t>(random() % 100'000)}});
            const auto floor = good.at(up(at, boot));
            CHECK(floor >= kBuilt);
            CHECK(floor <= kBuilt + spent * (GoodTime::kPace + 1));
        }
    }
}

}  // namespace gerbang
