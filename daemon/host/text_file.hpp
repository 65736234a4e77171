#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace gerbang {

/// The beginning of the plain file at `path` (sysfs attributes are plain files), as much as
/// `buffer` holds; lives as long as `buffer`. Nothing on any error, and for what is no plain file:
/// a pipe in its place must not block. `errno` says why.
[[nodiscard]] std::optional<std::string_view> read_head(const char* path, std::span<char> buffer);

/// `text` without blanks, line breaks and NULs at its end.
[[nodiscard]] std::string_view without_tail(std::string_view text) noexcept;

}  // namespace gerbang
