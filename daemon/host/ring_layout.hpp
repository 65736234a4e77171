#pragma once

// The ring's file, byte for byte. It never leaves the machine nor outlives the boot, so numbers
// are in the machine's own order.
//
//   0      Preamble: what the file is
//   1024   State, slot 0
//   2048   State, slot 1
//   4096   data: entries, each an EntryHeader and its bytes, padded to 8
//
// A change writes the entry into free space, then the older of the two slots, whose generation is
// 0 while it is incomplete. A process killed between any two stores therefore leaves either the
// state before the change or the one after it, whole.

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace gerbang::ring_layout {

inline constexpr std::uint64_t kMagic = 0x31474e4952424701;  // changes with the byte order too
inline constexpr std::uint64_t kVersion = 3;
inline constexpr std::size_t kDataOffset = 4096;
inline constexpr std::array<std::size_t, 2> kStateOffsets{1024, 2048};
inline constexpr std::uint64_t kSmallest = 64 * 1024;
inline constexpr std::uint64_t kLargest = 64 * 1024 * 1024;

struct Preamble {
    std::uint64_t magic = kMagic;
    std::uint64_t version = kVersion;
    std::array<std::uint8_t, 16> boot{};
    std::uint64_t capacity = 0;  ///< bytes of data
    std::uint64_t crc = 0;       ///< of all before
};

/// Offsets count from the start of the data. Not wrapped: entries in [begin, end). Wrapped: in
/// [begin, wrap), then in [0, end).
struct State {
    std::uint64_t generation = 0;  ///< 0: incomplete; the higher one holds
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t wrap = 0;  ///< 0: not wrapped
    std::uint64_t count = 0;
    std::uint64_t next_number = 1;
    std::array<std::uint8_t, 16> intent_epoch{};
    std::uint64_t intent_first = 0;
    std::uint64_t intent_last = 0;
    std::uint64_t intent_through = 0;
    std::array<std::uint8_t, 16> acknowledged_epoch{};
    std::uint64_t acknowledged_last = 0;
    /// Untold, told, doubtful (`RingLosses`), each count, first and last in ms.
    std::array<std::array<std::int64_t, 3>, 3> losses{};
    std::uint64_t crc = 0;  ///< of all before
};

struct EntryHeader {
    std::uint64_t number = 0;
    std::uint32_t length = 0;  ///< of the bytes that follow, without padding
    std::uint32_t crc = 0;     ///< of number, length and bytes
};

static_assert(std::has_unique_object_representations_v<Preamble> && sizeof(Preamble) == 48);
static_assert(std::has_unique_object_representations_v<State> && sizeof(State) == 192);
static_assert(std::has_unique_object_representations_v<EntryHeader> && sizeof(EntryHeader) == 16);

/// Bytes of data that an entry of `length` bytes occupies.
[[nodiscard]] constexpr std::uint64_t occupied_by(std::uint64_t length) noexcept {
    return sizeof(EntryHeader) + (length + 7) / 8 * 8;
}

}  // namespace gerbang::ring_layout
