#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gerbang::wire {

/// `content` as a Zstandard frame without its four magic bytes (they never differ), with the
/// content's size in it and no checksum. Nothing when that would not be smaller than `content`.
/// The contexts are kept per thread: making one costs more than a minute's pack.
[[nodiscard]] std::optional<std::string> compress(std::string_view content);

/// What `frame` says of the size of its content; nothing when it does not say.
[[nodiscard]] std::optional<std::uint64_t> decompressed_size(std::string_view frame);

/// Undoes `compress` into `content`. False, with `content` empty, when `frame` is damaged or says
/// that its content is larger than `max_bytes`; no more than that is ever allocated.
[[nodiscard]] bool decompress(std::string_view frame, std::size_t max_bytes, std::string& content);

}  // namespace gerbang::wire
