#pragma once

// What stands in a request line and in an address: pure, bounded, strict. Fuzzed.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"

namespace gerbang {

inline constexpr std::size_t kMaxTargetBytes = 2048;
inline constexpr std::size_t kMaxParameters = 16;

/// A request target in origin form, cut at the first '?'.
struct Target {
    std::string path;   ///< begins with '/', not decoded
    std::string query;  ///< raw, without '?'
};

/// Nothing unless `text` is origin form ("/path?query") of visible ASCII without '#', at most
/// `kMaxTargetBytes`.
[[nodiscard]] std::optional<Target> parse_target(std::string_view text);

struct Parameter {
    std::string name;
    std::string value;
    bool operator==(const Parameter&) const = default;
};

/// Splits "a=1&b=x%20y" into decoded pairs, in their order. `bad_input` names what is wrong:
/// more than `kMaxParameters`, a part without '=', an empty or repeated name, a broken percent
/// escape, a decoded control character. '+' is a plus sign (RFC 3986), not a space.
[[nodiscard]] Result<std::vector<Parameter>> parse_query(std::string_view query);

}  // namespace gerbang
