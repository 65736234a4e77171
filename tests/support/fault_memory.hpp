#pragma once

#include <cstdint>

namespace gerbang {

/// SQLite's allocations in this test program, one of which may fail. Linking this file puts a
/// counting allocator beneath SQLite before anything uses it. One thread.
namespace fault_memory {

/// Counts from 1 again and lets the allocation number `at` fail, once or from then on; 0: none.
void arm(std::uint64_t at, bool is_persistent = false);
/// Allocations since `arm`.
[[nodiscard]] std::uint64_t calls();
/// Whether one was refused since `arm`.
[[nodiscard]] bool fired();

}  // namespace fault_memory

}  // namespace gerbang
