#include "daemon/meter/unique_clients.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace gerbang {
namespace {

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() noexcept {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void take(std::uint64_t word) noexcept {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
};

}  // namespace

std::uint64_t siphash_word(std::uint64_t key0, std::uint64_t key1, std::uint64_t word) noexcept {
    SipState state{key0 ^ 0x736f6d6570736575u, key1 ^ 0x646f72616e646f6du,
                   key0 ^ 0x6c7967656e657261u, key1 ^ 0x7465646279746573u};
    state.take(word);
    state.take(std::uint64_t{8} << 56);  // the length, and no bytes left over
    state.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

void UniqueClients::start(Entropy& entropy) {
    key0_ = entropy.bits();
    key1_ = entropy.bits();
    registers_.fill(0);
}

void UniqueClients::add(const std::array<std::uint8_t, 8>& hardware) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = hardware.size(); i-- > 0;) word = word << 8 | hardware[i];
    const auto hash = siphash_word(key0_, key1_, word);
    auto& highest = registers_[hash & 0xff];
    // A bit below the 56 that are left bounds the count of leading zeros.
    const auto rank = static_cast<std::uint8_t>(std::countl_zero(hash | 0xff) + 1);
    highest = std::max(highest, rank);
}

std::uint32_t UniqueClients::estimate() const noexcept {
    constexpr double kRegisters = 256;
    constexpr double kAlpha = 0.7213 / (1 + 1.079 / kRegisters);
    double sum = 0;
    double empty = 0;
    for (const auto rank : registers_) {
        sum += std::ldexp(1.0, -rank);
        if (rank == 0) ++empty;
    }
    double count = kAlpha * kRegisters * kRegisters / sum;
    // Few clients: the share of empty registers tells more.
    if (count <= 2.5 * kRegisters && empty > 0) count = kRegisters * std::log(kRegisters / empty);
    return static_cast<std::uint32_t>(std::lround(count));
}

}  // namespace gerbang
