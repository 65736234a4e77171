#pragma once

// The commands and options of `gerbang`.

#include "daemon/cli/arguments.hpp"

namespace gerbang::cli {

[[nodiscard]] const ProgramSpec& gerbang_program();

}  // namespace gerbang::cli
