#pragma once

// What the two halves of the pack codec share. FORMAT.md, "Packs".

#include <cstdint>
#include <string_view>

namespace gerbang::wire::pack {

/// Two letters, then the version of the format. A new layout of the content is a new version.
inline constexpr std::string_view kMagic{"GP"};
/// Chunks have ticks, and series one column each.
inline constexpr std::uint8_t kPlain = 1;
/// With what reduction leaves: chunks without ticks, series in parts. Written only where needed.
inline constexpr std::uint8_t kReduced = 2;

enum class Compression : std::uint8_t { none = 0, zstd = 1 };

/// At which ticks a series has values: bits 4-5 of its header byte, beside the plan of the column.
enum class Presence : std::uint8_t {
    always = 0,    ///< every tick of every chunk that has ticks
    by_chunk = 1,  ///< every tick of some chunks: a bitmap over those that have ticks follows
    by_tick = 2,   ///< a bitmap over all ticks of all chunks follows
};
inline constexpr unsigned kPresenceShift = 4;

[[nodiscard]] constexpr std::size_t bitmap_bytes(std::size_t bits) noexcept {
    return (bits + 7) / 8;
}

}  // namespace gerbang::wire::pack
