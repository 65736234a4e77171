#pragma once

#include <cstdint>

namespace gerbang {

/// The language of sentences that people read. Keys, JSON and logs are English always.
enum class Language : std::uint8_t { indonesian, english };

}  // namespace gerbang
