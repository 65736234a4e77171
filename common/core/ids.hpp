#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gerbang {

/// 128 random bits, written as RFC 4122 text in lower case. `Tag` keeps kinds apart at compile
/// time. All zero means "none".
template <class Tag>
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    auto operator<=>(const Uuid&) const = default;
    [[nodiscard]] bool is_none() const noexcept { return *this == Uuid{}; }
};

struct EpochTag;
struct BootTag;
struct StoreTag;
/// One continuous numbering of records (design: epoch).
using EpochId = Uuid<EpochTag>;
/// The kernel's boot_id: one run of the kernel.
using BootId = Uuid<BootTag>;
/// A receiver's database.
using StoreId = Uuid<StoreTag>;

[[nodiscard]] std::string format_uuid(std::span<const std::uint8_t, 16> bytes);
/// Accepts 32 hexadecimal digits, with or without the four hyphens at their places.
[[nodiscard]] std::optional<std::array<std::uint8_t, 16>> parse_uuid(std::string_view text);

template <class Tag>
[[nodiscard]] std::string to_string(const Uuid<Tag>& id) {
    return format_uuid(id.bytes);
}
template <class Id>
[[nodiscard]] std::optional<Id> parse_id(std::string_view text) {
    const auto bytes = parse_uuid(text);
    if (!bytes) return std::nullopt;
    return Id{*bytes};
}

/// Number of a record within its epoch: 1, 2, 3 ... without a gap. 0 stands before the first.
/// At most 2^40 - 1 (a record a second would take 34,000 years).
struct Seq {
    std::uint64_t value = 0;

    auto operator<=>(const Seq&) const = default;
    [[nodiscard]] Seq next() const noexcept { return Seq{value + 1}; }
    [[nodiscard]] Seq previous() const noexcept { return Seq{value == 0 ? 0 : value - 1}; }
};
inline constexpr std::uint64_t kMaxSeq = (std::uint64_t{1} << 40) - 1;

/// A series within its epoch, numbered from 1. Never reused in that epoch.
struct SeriesId {
    std::uint32_t value = 0;
    auto operator<=>(const SeriesId&) const = default;
};

/// A boot within its epoch, numbered from 1 in the order of first appearance; the `boot` event of
/// that number names the kernel's boot_id. Keeps 16 random bytes out of every chunk.
struct BootNo {
    std::uint32_t value = 0;
    auto operator<=>(const BootNo&) const = default;
};

/// SHA-256 chain head. All zero is the head before record 1 of an epoch.
using Head = std::array<std::uint8_t, 32>;

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
/// Lower or upper case, an even number of digits, nothing else.
[[nodiscard]] std::optional<std::string> bytes_from_hex(std::string_view text);

/// True for `[a-z0-9-]{1,64}`, the form of `site.id`.
[[nodiscard]] bool is_valid_site_id(std::string_view text) noexcept;

}  // namespace gerbang
