#include "common/wire/bytes.hpp"

#include <array>
#include <cstring>

namespace gerbang::wire {
namespace {

/// One byte of a 64-bit number per call is what keeps this independent of the host's byte order.
template <class T>
void put_little_endian(std::string& out, T value) {
    char bytes[sizeof(T)];
    for (auto& byte : bytes) {
        byte = static_cast<char>(value & 0xFF);
        value = static_cast<T>(value >> 8);
    }
    out.append(bytes, sizeof bytes);
}

/// Decodes one varint at `p`. Returns the byte after it, or nullptr when it does not end before
/// `end` or does not fit 64 bits.
const std::uint8_t* get_varint(const std::uint8_t* p, const std::uint8_t* end,
                               std::uint64_t& value) noexcept {
    std::uint64_t result = 0;
    for (unsigned shift = 0; shift < 64 && p != end; shift += 7) {
        const std::uint64_t byte = *p++;
        if (shift == 63 && byte > 1) return nullptr;
        result |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            value = result;
            return p;
        }
    }
    return nullptr;
}

using CrcTables = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr CrcTables make_crc_tables() {
    CrcTables tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320u : 0u);
        }
        tables[0][i] = value;
    }
    for (std::size_t t = 1; t < tables.size(); ++t) {
        for (std::size_t i = 0; i < 256; ++i) {
            const auto previous = tables[t - 1][i];
            tables[t][i] = (previous >> 8) ^ tables[0][previous & 0xFF];
        }
    }
    return tables;
}
constexpr CrcTables kCrcTables = make_crc_tables();

}  // namespace

void put_u32(std::string& out, std::uint32_t value) {
    put_little_endian(out, value);
}

void put_u64(std::string& out, std::uint64_t value) {
    put_little_endian(out, value);
}

void put_varint(std::string& out, std::uint64_t value) {
    char bytes[10];
    std::size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = static_cast<char>(value);
    out.append(bytes, size);
}

void put_text(std::string& out, std::string_view text) {
    put_varint(out, text.size());
    out.append(text);
}

std::uint8_t ByteReader::u8(const char* what) noexcept {
    const auto bytes = take(1, what);
    return bytes.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes[0]);
}

std::uint32_t ByteReader::u32(const char* what) noexcept {
    std::uint32_t value = 0;
    const auto bytes = take(4, what);
    for (std::size_t i = bytes.size(); i-- > 0;) {
        value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
    }
    return value;
}

std::uint64_t ByteReader::varint(const char* what) noexcept {
    std::uint64_t value = 0;
    (void)varints(&value, 1, what);
    return value;
}

std::uint64_t ByteReader::varint(const char* what, std::uint64_t max) noexcept {
    const auto value = varint(what);
    if (value <= max) return value;
    fail(what);
    return 0;
}

std::string_view ByteReader::take(std::size_t size, const char* what) noexcept {
    if (!ok() || size > remaining()) {
        fail(what);
        return {};
    }
    const auto bytes = bytes_.substr(position_, size);
    position_ += size;
    return bytes;
}

std::string_view ByteReader::text(const char* what, std::size_t max) noexcept {
    return take(static_cast<std::size_t>(varint(what, max)), what);
}

bool ByteReader::varints(std::uint64_t* out, std::size_t count, const char* what) noexcept {
    // A varint has at least one byte, so this bounds `count` by what is really there.
    if (!ok() || count > remaining()) {
        fail(what);
        return false;
    }
    const auto* const begin = reinterpret_cast<const std::uint8_t*>(bytes_.data());
    const auto* const end = begin + bytes_.size();
    const auto* p = begin + position_;
    for (std::size_t i = 0; i < count; ++i) {
        if (p != end && *p < 0x80) {
            out[i] = *p++;
            continue;
        }
        const auto* const next = get_varint(p, end, out[i]);
        if (next == nullptr) {
            position_ = static_cast<std::size_t>(p - begin);
            fail(what);
            return false;
        }
        p = next;
    }
    position_ = static_cast<std::size_t>(p - begin);
    return true;
}

void ByteReader::fail(const char* what) noexcept {
    if (!ok()) return;
    failed_ = what;
    failed_at_ = position_;
    position_ = bytes_.size();
}

Error ByteReader::error(std::string_view object) const {
    return Error{Errc::bad_input, std::string{object} + ": bad " + (ok() ? "nothing" : failed_) +
                                      " at byte " + std::to_string(failed_at_)};
}

std::uint32_t crc32(std::string_view bytes) noexcept {
    std::uint32_t crc = 0xFFFFFFFFu;
    const auto* p = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    for (; left >= 4; left -= 4, p += 4) {
        crc ^= static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 |
               static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[3]) << 24;
        crc = kCrcTables[3][crc & 0xFF] ^ kCrcTables[2][crc >> 8 & 0xFF] ^
              kCrcTables[1][crc >> 16 & 0xFF] ^ kCrcTables[0][crc >> 24];
    }
    for (; left > 0; --left, ++p) crc = (crc >> 8) ^ kCrcTables[0][(crc ^ *p) & 0xFF];
    return ~crc;
}

}  // namespace gerbang::wire
