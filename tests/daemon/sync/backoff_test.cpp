#include "daemon/sync/backoff.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "tests/support/seed.hpp"
#include "tests/support/seeded_entropy.hpp"

using namespace gerbang;

TEST_CASE("Backoff ignores a saved text that it did not write", "[sync]") {
    SeededEntropy entropy{test_seed()};
    for (const char* text : {"", "backoff-1", "backoff-1 ", "backoff-1 3", "backoff-1 3 ",
                             "backoff-1 -3 0", "backoff-1 3 -1", "backoff-1 3 0 ", "backoff-2 3 0",
                             "backoff-1 99999999999999999999 0", "backoff-1 0 60"}) {
        INFO(text);
        Backoff backoff;
        CHECK(backoff.restore(text, entropy) == Millis{0});
        CHECK(backoff.failures() == 0);
    }
}

TEST_CASE("Backoff stays within its window, whatever fails how often", "[sync]") {
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(2000); ++round) {
        SeededEntropy entropy{random()};
        Backoff backoff;
        Millis window{5'000};
        for (int failure = 1; failure < 40; ++failure) {
            const Millis wait = backoff.fail(entropy);
            CHECK(wait >= Millis{500});
            CHECK(wait <= window);
            window = std::min(window * 2, Millis{600'000});
        }
        backoff.succeed();
        CHECK(backoff.fail(entropy) <= Millis{5'000});
    }
}

TEST_CASE("Backoff uses its whole window, so that villages do not come back in step", "[sync]") {
    SeededEntropy entropy{test_seed()};
    int early = 0;
    for (int village = 0; village < 841; ++village) {
        Backoff backoff;
        Millis wait{};
        for (int failure = 0; failure < 12; ++failure) wait = backoff.fail(entropy);
        if (wait < Millis{300'000}) ++early;
    }
    CHECK(early > 841 / 3);
    CHECK(early < 841 * 2 / 3);
}

TEST_CASE("Backoff waits at least as long as the server asks, at most an hour and a tenth",
          "[sync]") {
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(5000); ++round) {
        SeededEntropy entropy{random()};
        Backoff backoff;
        const Seconds asked{static_cast<std::int64_t>(random() % 10'000)};
        const Millis wait = backoff.fail(entropy, asked);
        CHECK(wait >= std::min(Millis{asked}, Millis{3'600'000}));
        CHECK(wait <= Millis{3'960'000});
    }
    SeededEntropy entropy{1};
    Backoff backoff;
    CHECK(backoff.fail(entropy, Seconds{-5}) <= Millis{5'000});
}

TEST_CASE("Backoff goes on after a restart, at most a minute later unless the server asked",
          "[sync]") {
    SeededEntropy entropy{test_seed()};
    Backoff before;
    for (int failure = 0; failure < 12; ++failure) (void)before.fail(entropy);
    Backoff after;
    const Millis wait = after.restore(before.save(), entropy);
    CHECK(after.failures() == 12);
    CHECK(wait >= Millis{500});
    CHECK(wait <= Millis{60'000});

    (void)before.fail(entropy, Seconds{1800});
    Backoff asked;
    CHECK(asked.restore(before.save(), entropy) >= Millis{1'800'000});
    before.succeed();
    CHECK(asked.restore(before.save(), entropy) == Millis{0});
}
