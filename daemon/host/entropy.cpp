#include "daemon/host/entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang {

std::array<std::uint8_t, 16> Entropy::uuid() {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t half = 0; half < 2; ++half) {
        const auto random = bits();
        for (std::size_t i = 0; i < 8; ++i) {
            bytes[half * 8 + i] = static_cast<std::uint8_t>(random >> (8 * i));
        }
    }
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // version 4
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);  // variant of RFC 4122
    return bytes;
}

std::uint64_t Entropy::below(std::uint64_t bound) {
    if (bound == 0) return 0;
    // 2^64 mod bound values at the low end would make some results likelier: draw again.
    const std::uint64_t unfair = (0 - bound) % bound;
    for (;;) {
        const auto random = bits();
        if (random >= unfair) return random % bound;
    }
}

std::uint64_t SystemEntropy::bits() {
    if (left_ == 0) {
        ssize_t got = 0;
        do {
            got = ::getrandom(drawn_.data(), sizeof drawn_, 0);  // up to 256 bytes come whole
        } while (got == -1 && errno == EINTR);
        GERBANG_CHECK(got == static_cast<ssize_t>(sizeof drawn_));
        left_ = drawn_.size();
    }
    return std::exchange(drawn_[--left_], 0);
}

}  // namespace gerbang
