#pragma once

#include <compare>
#include <cstdint>

namespace gerbang {

/// A number of bytes on a wire or in a file. Never negative.
struct Bytes {
    std::uint64_t value = 0;

    auto operator<=>(const Bytes&) const = default;
    Bytes& operator+=(Bytes other) noexcept {
        value += other.value;
        return *this;
    }
    friend Bytes operator+(Bytes a, Bytes b) noexcept { return Bytes{a.value + b.value}; }
};

/// Bits per second, decimal as line rates are sold: 50 Mbit/s is 50'000'000.
struct BitRate {
    std::uint64_t bit_per_s = 0;

    auto operator<=>(const BitRate&) const = default;
};

}  // namespace gerbang
