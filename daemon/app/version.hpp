#pragma once

#include <string_view>

#include "common/core/time.hpp"

namespace gerbang {

/// Set by CMake from the project's version.
#ifndef GERBANG_VERSION
#define GERBANG_VERSION "0.1.0"
#endif
inline constexpr std::string_view kVersion = GERBANG_VERSION;

/// No clock is right that says less: when the source of this program was committed. Set by CMake,
/// from SOURCE_DATE_EPOCH where a packager gives it, else from the newest commit, so that the same
/// source always builds the same program; 1 November 2026 where neither is at hand.
[[nodiscard]] WallTime build_date() noexcept;

}  // namespace gerbang
