#pragma once

#include <optional>
#include <vector>

#include "common/core/ids.hpp"
#include "common/model/reading.hpp"
#include "common/model/timeline.hpp"

namespace gerbang {

/// What the records of an epoch mean: its series, and when they happened. For whoever translates
/// records into something that stands for itself.
struct EpochDictionary {
    std::vector<Series> series;  ///< ascending by id
    Timeline timeline;
    /// The boot that may still get its first anchor: what has no wall time now, and is of another
    /// one, never gets any. Nothing in a closed epoch.
    std::optional<BootNo> open_boot;
};

}  // namespace gerbang
