#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gerbang {

/// Bytes of the well-formed UTF-8 character of `text` at `at`, 1 to 4; 0 where there is none:
/// stray or missing continuation bytes, overlong forms, surrogates, beyond U+10FFFF. NUL counts
/// as a character. `at` < `text.size()`.
[[nodiscard]] std::size_t utf8_length(std::string_view text, std::size_t at) noexcept;

/// `text` with U+FFFD in the place of every byte that is no part of a character. Whoever writes
/// JSON needs it: one bad name from outside must not make the whole text unreadable.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace gerbang
