#pragma once

#include <string_view>

namespace gerbang {

/// Set by CMake from the project's version.
#ifndef GERBANG_VERSION
#define GERBANG_VERSION "0.1.0"
#endif
inline constexpr std::string_view kVersion = GERBANG_VERSION;

}  // namespace gerbang
