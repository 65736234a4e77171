#pragma once

// How single values are written: text to number, with the remedy when it is wrong. No YAML here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/config/yaml_tree.hpp"

namespace gerbang::config {

/// The kinds of value that the schema knows.
enum class Form : std::uint8_t {
    text,
    one_of,     ///< one of the schema's choices
    flag,       ///< true or false
    duration,   ///< milliseconds
    size,       ///< bytes
    rate,       ///< bit per second
    whole,      ///< a plain number
    offset,     ///< of local time from UTC, seconds
    site_id,    ///< `[a-z0-9-]{1,64}`
    site_code,  ///< NN.NN.NN.NNNN
    interface,  ///< a kernel interface name
    address,    ///< numeric IPv4 or IPv6; link-local with its interface ("fe80::1%eth0")
    url,        ///< https://host[:port] or http://host[:port]
    page,       ///< the same with or without a path
    domain,     ///< a name of the DNS
    supply,     ///< a name in /sys/class/power_supply
    file,       ///< an absolute path
};

/// Why a value was not taken. `suggestion` is empty when nothing sensible comes to mind.
struct ValueProblem {
    Said expected;
    std::string suggestion;
};

/// A value understood: `number` for flag (0, 1), duration, size, rate, whole and offset.
struct Value {
    std::string text;
    std::int64_t number = 0;
};

using ParsedValue = std::variant<Value, ValueProblem>;

/// What bounds a value: `least`..`most` in the form's unit (for text, site_id and page: its length
/// in bytes), and for `one_of` the choices separated by '|'.
struct Bounds {
    std::int64_t least = 0;
    std::int64_t most = 0;
    std::string_view choices{};
};

/// Reads `text` as `form`. `is_quoted` matters for text only: unquoted yes, no, null ... are
/// refused there, as other YAML readers take them for something else.
[[nodiscard]] ParsedValue parse_value(Form form, const Bounds& bounds, const std::string& text,
                                      bool is_quoted);

/// "10s", "5 min", "64 KiB", "50 Mbit/s": the largest unit that is exact.
[[nodiscard]] std::string write_value(Form form, std::int64_t number);
/// "a duration such as 10s" and its like; for ranges and references.
[[nodiscard]] Said describe(Form form, const Bounds& bounds);

/// The candidate nearest to `wrong` by edit distance (a swap of neighbours counts as one edit),
/// empty when none is near enough to be meant.
[[nodiscard]] std::string nearest(std::string_view wrong,
                                  const std::vector<std::string_view>& candidates);
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// True for http(s)://host[:port] whose host is this machine itself.
[[nodiscard]] bool is_loopback_url(std::string_view url);
/// True for a numeric IPv4 or IPv6 address.
[[nodiscard]] bool is_numeric_address(std::string_view text);

}  // namespace gerbang::config
