#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace gerbang {

/// The seed of every random choice in this test process: GERBANG_SEED, else 1. Printed at start.
inline std::uint64_t test_seed() {
    const char* text = std::getenv("GERBANG_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}

/// Factor for the number of rounds of a campaign: GERBANG_EFFORT, else 1. The sanitizer run uses
/// 0.02, `tests/run.sh --long` 100.
inline double test_effort() {
    const char* text = std::getenv("GERBANG_EFFORT");
    return text != nullptr ? std::strtod(text, nullptr) : 1.0;
}

/// `per_push` rounds times the effort, at least 1.
inline std::uint64_t test_rounds(double per_push) {
    return static_cast<std::uint64_t>(std::max(1.0, per_push * test_effort()));
}

}  // namespace gerbang
