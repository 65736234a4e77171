#pragma once

// Which records of an epoch are held in a reduced form, and in which. Inside a transaction of the
// store; failures of the database stay with it (see sqlite.hpp).

#include <cstdint>
#include <vector>

#include "common/model/record.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"

namespace gerbang::province {

/// The runs of one level in `records`, which are contiguous. An event belongs to the run around
/// it, if there is one.
[[nodiscard]] std::vector<ReducedRange> reduced_runs(const std::vector<Record>& records);

/// The chunks of `records` that are of a lower level than what `held` says of them, in runs; an
/// event between two of them belongs to the run.
[[nodiscard]] std::vector<SeqRange> finer_runs(const std::vector<Record>& records,
                                               const std::vector<ReducedRange>& held);

/// The stored ranges that overlap `range`, ascending.
[[nodiscard]] std::vector<ReducedRange> reduced_in(Database& database, std::int64_t epoch_id,
                                                   SeqRange range);
/// From now on `range` is held at the levels of `runs`, which lie in it, and at 0 elsewhere.
void set_reduced(Database& database, std::int64_t epoch_id, SeqRange range,
                 const std::vector<ReducedRange>& runs);

}  // namespace gerbang::province
