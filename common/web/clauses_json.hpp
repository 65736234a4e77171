#pragma once

#include <string>

#include "common/core/result.hpp"
#include "common/sla/clauses.hpp"

namespace gerbang::web {

/// A contract's rules as JSON, as config/province/clauses-example.json shows them.
///
/// Members: `name` (needed, at most 64 bytes), `source` (1 KiB), `is_example`, `party` (an object,
/// cause to party; a cause that is not named is undecided), `counts_over_s` (needed, up to a year),
/// `maintenance` (at most 1,000 of {from, to, reason}), `hours` (at most 70 of {day: "monday",
/// from: "07:30", to: "24:00"}), `least_coverage_ppm` and `promised_ppm` (up to 1,000,000; absent:
/// none).
///
/// A contract must not be read otherwise than it was meant: `bad_input` with the place for an
/// unknown member, cause, party or day, a wrong type or value, an end that is not after its
/// beginning, or a text of more than 64 KiB. Repeated members: the last one holds.
[[nodiscard]] Result<sla::Clauses> clauses_from_json(const std::string& text);
[[nodiscard]] std::string to_json(const sla::Clauses& clauses);

}  // namespace gerbang::web
