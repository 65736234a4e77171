#include "daemon/host/entropy.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <set>
#include <vector>

#include "tests/support/seed.hpp"
#include "tests/support/seeded_entropy.hpp"

using namespace gerbang;

namespace {

/// Gives the listed bits, in order.
struct ListedEntropy final : Entropy {
    explicit ListedEntropy(std::vector<std::uint64_t> list) : bits_{std::move(list)} {}
    std::uint64_t bits() override { return bits_.at(next_++); }

    std::vector<std::uint64_t> bits_;
    std::size_t next_ = 0;
};

}  // namespace

TEST_CASE("Entropy::below stays below its bound and reaches every value", "[host]") {
    SeededEntropy entropy{test_seed()};
    CHECK(entropy.below(0) == 0);
    CHECK(entropy.below(1) == 0);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(entropy.below(7));
    CHECK(seen == std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("Entropy::below draws again where a remainder would favour small values", "[host]") {
    // 2^64 = 3 x 6148914691236517205 + 1: exactly one value of the 2^64 is too many.
    ListedEntropy entropy{{0, 5}};
    CHECK(entropy.below(3) == 2);
    CHECK(entropy.next_ == 2);
}

TEST_CASE("Entropy::uuid is of version 4 and uses all other bits", "[host]") {
    ListedEntropy ones{{~std::uint64_t{0}, ~std::uint64_t{0}}};
    auto uuid = ones.uuid();
    CHECK(uuid[6] == 0x4f);
    CHECK(uuid[8] == 0xbf);
    uuid[6] = uuid[8] = 0xff;
    for (const auto byte : uuid) CHECK(byte == 0xff);

    ListedEntropy zeros{{0, 0}};
    uuid = zeros.uuid();
    CHECK(uuid[6] == 0x40);
    CHECK(uuid[8] == 0x80);
}

TEST_CASE("SystemEntropy does not repeat itself", "[host]") {
    SystemEntropy entropy;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(entropy.bits());
    CHECK(seen.size() == 1000);
}
