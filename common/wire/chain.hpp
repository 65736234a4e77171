#pragma once

#include <string>

#include "common/core/ids.hpp"
#include "common/model/record.hpp"

namespace gerbang::wire {

/// Whether the chain can be computed over `record`: an event, or a chunk as first written (level
/// 0). The chain covers records as first written, so what is left after reduction says nothing of
/// the head after it.
[[nodiscard]] bool is_chainable(const Record& record) noexcept;

/// The bytes of a chainable record that the chain covers: its decoded content in one fixed layout
/// (FORMAT.md), independent of any encoding. Anything else aborts.
[[nodiscard]] std::string canonical(const Record& record);

/// SHA-256(before, canonical(record)); `record` is chainable, ask before.
[[nodiscard]] Head next_head(const Head& before, const Record& record);

}  // namespace gerbang::wire
