#pragma once

#include <string>

#include "common/core/ids.hpp"
#include "common/model/record.hpp"

namespace gerbang::wire {

/// The bytes of a record that the chain covers: its decoded content in one fixed layout
/// (FORMAT.md), independent of any encoding.
[[nodiscard]] std::string canonical(const Record& record);

/// SHA-256(before, canonical(record)).
[[nodiscard]] Head next_head(const Head& before, const Record& record);

}  // namespace gerbang::wire
