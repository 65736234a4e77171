#include "daemon/meter/unique_clients.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/daemon/meter/allocations.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/seeded_entropy.hpp"

using namespace gerbang;

namespace {

std::array<std::uint8_t, 8> client(std::uint64_t number) {
    return {2,
            0x1a,
            static_cast<std::uint8_t>(number >> 24),
            static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8),
            static_cast<std::uint8_t>(number),
            0,
            0};
}

}  // namespace

TEST_CASE("SipHash gives the published value", "[meter]") {
    // Key 00..0f, message 00..07: vector 8 of the authors' table for SipHash-2-4.
    CHECK(siphash_word(0x0706050403020100u, 0x0f0e0d0c0b0a0908u, 0x0706050403020100u) ==
          0x93f5f5799a932462u);
}

TEST_CASE("The sketch counts each client once, however often it is seen", "[meter]") {
    SeededEntropy entropy{test_seed()};
    UniqueClients clients;
    clients.start(entropy);
    CHECK(clients.estimate() == 0);
    for (int i = 0; i < 1000; ++i) clients.add(client(7));
    CHECK(clients.estimate() == 1);
    clients.start(entropy);
    CHECK(clients.estimate() == 0);
}

TEST_CASE("The sketch errs by a few per cent from one client to a hundred thousand", "[meter]") {
    SeededEntropy entropy{test_seed()};
    constexpr int kDays = 200;
    for (const std::uint64_t count : {5u, 20u, 100u, 300u, 640u, 1'000u, 5'000u, 100'000u}) {
        double squares = 0;
        double bias = 0;
        const int days = count > 10'000 ? 20 : kDays;
        for (int day = 0; day < days; ++day) {
            UniqueClients clients;
            clients.start(entropy);
            for (std::uint64_t i = 0; i < count; ++i) clients.add(client(i));
            const double error =
                (static_cast<double>(clients.estimate()) - static_cast<double>(count)) /
                static_cast<double>(count);
            squares += error * error;
            bias += error;
        }
        INFO(count << " clients: mean error " << bias / days << ", standard error "
                   << std::sqrt(squares / days));
        CHECK(std::sqrt(squares / days) < 0.10);
        CHECK(std::abs(bias / days) < 0.04);
    }
}

TEST_CASE("The same clients under another key leave other traces", "[meter]") {
    // Else the registers of two days, or of two sites, could be compared.
    SeededEntropy entropy{test_seed()};
    int different = 0;
    for (int i = 0; i < 100; ++i)
        if (siphash_word(entropy.bits(), entropy.bits(), 42) % 256 !=
            siphash_word(entropy.bits(), entropy.bits(), 42) % 256)
            ++different;
    CHECK(different > 90);
}

TEST_CASE("The sketch allocates nothing", "[meter]") {
    SeededEntropy entropy{test_seed()};
    UniqueClients clients;
    const auto before = allocations();
    clients.start(entropy);
    for (std::uint64_t i = 0; i < 100; ++i) clients.add(client(i));
    (void)clients.estimate();
    CHECK(allocations() == before);
}
