#pragma once

// What the files that list the keys share. For the .cpp files of this folder only.

#include <cstdint>
#include <span>
#include <string_view>

#include "daemon/config/schema.hpp"

namespace gerbang::config {

inline constexpr std::int64_t kSecond = 1000;
inline constexpr std::int64_t kMinute = 60 * kSecond;
inline constexpr std::int64_t kHour = 60 * kMinute;
inline constexpr std::int64_t kDay = 24 * kHour;
inline constexpr Bounds kShortText{0, 128, ""};

inline Millis ms(const Value& value) {
    return Millis{value.number};
}
inline Bytes size(const Value& value) {
    return {static_cast<std::uint64_t>(value.number)};
}
inline BitRate rate(const Value& value) {
    return {static_cast<std::uint64_t>(value.number)};
}

/// The keys of `sync` and `serve`.
[[nodiscard]] std::span<const KeySpec> network_keys();

/// Gives the entry added last the defaults of its section.
void apply_entry_defaults(Config& config, std::string_view section);

}  // namespace gerbang::config
