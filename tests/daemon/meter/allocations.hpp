#pragma once

#include <cstdint>

namespace gerbang {

/// Calls of operator new in this test program so far.
[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace gerbang
