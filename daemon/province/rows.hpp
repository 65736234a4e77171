#pragma once

// Turns records into the rows that people query. Both functions run inside the transaction of
// `Store::accept`; failures are the database's (see sqlite.hpp).

#include <cstdint>
#include <vector>

#include "common/model/record.hpp"
#include "daemon/province/sqlite.hpp"

namespace gerbang::province {

/// Inserts the rows of `records`, which are new to the epoch and ascending. `site_id` and
/// `epoch_id` are row numbers. An emptied chunk has no row. A typed fact that does not parse stays
/// visible as a plain event.
void insert_rows(Database& database, std::int64_t site_id, std::int64_t epoch_id,
                 const std::vector<const Record*>& records);

/// Removes the chunks in `range`, which others are about to replace. Events stay.
void remove_chunks(Database& database, std::int64_t epoch_id, SeqRange range);

/// Brings the wall times of the epoch up to date after `records` were inserted: a record takes the
/// last anchor of its boot before it, else the boot's first anchor, and is never earlier than its
/// predecessor (design 4). Rewrites only what the new records change.
void stamp_rows(Database& database, std::int64_t epoch_id,
                const std::vector<const Record*>& records);

}  // namespace gerbang::province
