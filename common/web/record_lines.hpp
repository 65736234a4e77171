#pragma once

// Records and series for those who read JSON rather than packs.

#include <string>
#include <vector>

#include "common/model/reading.hpp"
#include "common/model/record.hpp"

namespace gerbang::web {

/// A batch as NDJSON: a first line `{"type":"batch","site","epoch","before"}` (`before` is the
/// chain head in hexadecimal, all zero where it is not known), then one line a record, ascending:
///
///   {"type":"chunk","seq","boot","level","ticks":[ms...],"columns":[{"series","values":[...]}]}
///   {"type":"event","seq","boot","ms","kind","fields":{...}}
///
/// Values are the stored integers; the `series` events of the epoch, or `GET /v1/series`, say name,
/// unit and scale. A column has `part` where it is not 0 and `present`, one 0 or 1 a tick, where a
/// tick has no value. Everything that a pack holds is in it, so the chain can be verified.
[[nodiscard]] std::string batch_lines(const std::string& site, const EpochId& epoch,
                                      const Head& before, const std::vector<Record>& records);

/// `GET /v1/series`: {"series":[{"id","name","labels":{...},"kind","unit","scale"}]}.
[[nodiscard]] std::string series_json(const std::vector<Series>& series);

}  // namespace gerbang::web
