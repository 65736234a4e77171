#pragma once

// One column of integers: how a series' values, tick times, counts and ids become bytes.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/wire/bytes.hpp"

namespace gerbang::wire {

/// How a column's numbers are written; FORMAT.md, "Columns". The numbers are the format.
enum class Method : std::uint8_t {
    constant = 0,  ///< one number
    slope = 1,     ///< the first number and one difference
    raw = 2,       ///< every number
    delta = 3,     ///< the first number, then signed differences
    rising = 4,    ///< the first number, then unsigned differences
    bend = 5,      ///< the first number, the first difference, then differences of differences
};

/// A method, and the common divisor of all differences when dividing by it pays.
struct Plan {
    Method method = Method::constant;
    std::uint64_t unit = 1;
};
/// Bits 0-2 of a column's header byte are the method, bit 3 says that a unit follows. The other
/// bits are the caller's.
inline constexpr std::uint8_t kPlanBits = 0x0F;
[[nodiscard]] std::uint8_t header_of(const Plan& plan) noexcept;

/// The plan that needs the fewest bytes for `values` (not empty), the lowest method among equals.
[[nodiscard]] Plan plan_for(std::span<const std::int64_t> values);
/// Appends `values` as `plan` says, without the header byte.
void put_column(std::string& out, const Plan& plan, std::span<const std::int64_t> values);

/// Reads `count` (not 0) numbers into `out`, whose former content is lost. `header`: see
/// `kPlanBits`. The caller bounds `count`: constant columns cost no bytes. False after a failure,
/// which is also kept in `in`.
[[nodiscard]] bool get_column(ByteReader& in, std::uint8_t header, std::size_t count,
                              std::vector<std::int64_t>& out, const char* what);

/// A column with its header byte before it.
void put_whole_column(std::string& out, std::span<const std::int64_t> values);
[[nodiscard]] bool get_whole_column(ByteReader& in, std::size_t count,
                                    std::vector<std::int64_t>& out, const char* what);

}  // namespace gerbang::wire
