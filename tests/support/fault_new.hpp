#pragma once

#include <cstdint>

namespace gerbang {

/// `operator new` of this test program, one call of which may fail. Linking fault_new.cpp replaces
/// it. Counted and refused only while a `Region` lives, and only on its thread.
namespace fault_new {

/// Counts from 1 again and lets call number `at` throw `std::bad_alloc`, once or from then on; 0:
/// none.
void arm(std::uint64_t at, bool is_persistent = false);
/// Calls within regions since `arm`.
[[nodiscard]] std::uint64_t calls();
/// Whether one was refused since `arm`.
[[nodiscard]] bool fired();

/// The code under test, while it lives.
class Region {
public:
    Region();
    ~Region();
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;
};

}  // namespace fault_new

}  // namespace gerbang
