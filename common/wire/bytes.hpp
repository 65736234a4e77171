#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/result.hpp"

namespace gerbang::wire {

/// Maps small negative and positive numbers alike to small unsigned ones: 0, -1, 1, -2 -> 0, 1, 2,
/// 3. Differences are taken modulo 2^64, so every pair of values has one.
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// Bytes that `put_varint` needs, 1 to 10.
[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) noexcept {
    return static_cast<std::size_t>((70 - __builtin_clzll(value | 1)) / 7);
}

// Writers append to `out`; all fixed-width numbers are little-endian.
inline void put_u8(std::string& out, std::uint8_t value) {
    out.push_back(static_cast<char>(value));
}
void put_u32(std::string& out, std::uint32_t value);
void put_u64(std::string& out, std::uint64_t value);
void put_varint(std::string& out, std::uint64_t value);
inline void put_zigzag(std::string& out, std::int64_t value) {
    put_varint(out, zigzag(value));
}
/// Length as a varint, then the bytes.
void put_text(std::string& out, std::string_view text);

/// Reads what the writers wrote, from bytes that nobody has checked.
///
/// The first failure is kept and everything read afterwards is zero or empty, so a caller may read
/// a group of values and ask `ok()` once, before it allocates or loops by them. Holds a view: the
/// bytes must outlive it. `what` names the part being read and must outlive the reader too.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) noexcept : bytes_{bytes} {}

    [[nodiscard]] std::uint8_t u8(const char* what) noexcept;
    [[nodiscard]] std::uint32_t u32(const char* what) noexcept;
    [[nodiscard]] std::uint64_t varint(const char* what) noexcept;
    /// A varint of at most `max`.
    [[nodiscard]] std::uint64_t varint(const char* what, std::uint64_t max) noexcept;
    [[nodiscard]] std::int64_t zigzag(const char* what) noexcept { return unzigzag(varint(what)); }
    [[nodiscard]] std::string_view take(std::size_t size, const char* what) noexcept;
    /// What `put_text` wrote, at most `max` bytes of text.
    [[nodiscard]] std::string_view text(const char* what, std::size_t max) noexcept;
    /// Fills `out` with `count` varints; false when they are not there.
    bool varints(std::uint64_t* out, std::size_t count, const char* what) noexcept;

    void fail(const char* what) noexcept;
    [[nodiscard]] bool ok() const noexcept { return failed_ == nullptr; }
    [[nodiscard]] std::size_t position() const noexcept { return position_; }
    [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }
    /// `bad_input`: "OBJECT: WHAT at byte N". Only after a failure.
    [[nodiscard]] Error error(std::string_view object) const;

private:
    std::string_view bytes_;
    std::size_t position_ = 0;
    const char* failed_ = nullptr;
    std::size_t failed_at_ = 0;
};

/// CRC-32 as in zlib and Ethernet (polynomial 0x04C11DB7 reflected, initial and final inversion).
[[nodiscard]] std::uint32_t crc32(std::string_view bytes) noexcept;

}  // namespace gerbang::wire
