#pragma once

// What batch, pack and receipt have in common: fixed byte arrays and the checksum at the end.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "common/wire/bytes.hpp"

namespace gerbang::wire {

inline constexpr std::size_t kMaxSiteBytes = 64;
inline constexpr std::size_t kChecksumBytes = 4;

template <std::size_t N>
void put_fixed(std::string& out, const std::array<std::uint8_t, N>& bytes) {
    out.append(bytes.begin(), bytes.end());
}

template <std::size_t N>
void get_fixed(ByteReader& in, std::array<std::uint8_t, N>& bytes, const char* what) {
    const auto read = in.take(N, what);
    std::transform(read.begin(), read.end(), bytes.begin(),
                   [](char c) { return static_cast<std::uint8_t>(c); });
}

/// `bytes` without their last four, which must be the CRC-32 of the rest.
[[nodiscard]] Result<std::string_view> without_checksum(std::string_view bytes,
                                                        std::string_view object);

}  // namespace gerbang::wire
