#pragma once

#include <vector>

#include "common/model/reading.hpp"
#include "common/model/timeline.hpp"

namespace gerbang {

/// What the records of an epoch mean: its series, and when they happened. For whoever translates
/// records into something that stands for itself.
struct EpochDictionary {
    std::vector<Series> series;  ///< ascending by id
    Timeline timeline;
};

}  // namespace gerbang
