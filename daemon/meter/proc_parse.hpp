#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/core/units.hpp"

/// Pure parsers of small texts of /proc and /sys. The text is not trusted; whatever does not have
/// the expected form gives nothing.
namespace gerbang::proc {

/// `/proc/loadavg`: the one-minute load in hundredths.
[[nodiscard]] std::optional<std::int64_t> parse_load1(std::string_view text) noexcept;
/// `/proc/meminfo`: `MemAvailable`.
[[nodiscard]] std::optional<Bytes> parse_memory_available(std::string_view text) noexcept;
/// `/proc/self/stat`: user and system time in clock ticks.
[[nodiscard]] std::optional<std::uint64_t> parse_cpu_ticks(std::string_view text) noexcept;
/// `/proc/self/statm`: resident pages.
[[nodiscard]] std::optional<std::uint64_t> parse_resident_pages(std::string_view text) noexcept;
/// `/proc/self/io`: `write_bytes`, what the process made the kernel write to storage.
[[nodiscard]] std::optional<std::uint64_t> parse_write_bytes(std::string_view text) noexcept;
/// A block device's `stat` of sysfs: the sectors that were written to it, in bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_written_bytes(std::string_view text) noexcept;
/// A thermal zone's `temp`, in thousandths of a degree Celsius; nothing outside -60 .. 200.
[[nodiscard]] std::optional<std::int64_t> parse_millicelsius(std::string_view text) noexcept;
/// A link's `speed` in Mbit/s; 0 for unknown, negative (no carrier) and above 1 Tbit/s.
[[nodiscard]] BitRate parse_speed(std::string_view text) noexcept;
/// `/proc/net/pppoe`: the device of all PPPoE sessions; empty when there is none, or more than one.
/// The addresses in that text are the provider's, and are not taken.
[[nodiscard]] std::string_view parse_pppoe_device(std::string_view text) noexcept;

}  // namespace gerbang::proc
