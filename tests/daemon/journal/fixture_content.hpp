#pragma once

#include <vector>

#include "daemon/journal/journal.hpp"

namespace gerbang::fixtures {

/// One epoch of the fixtures: what was given to `begin_epoch` and `append`, commit by commit. The
/// first commit's record 1 is the epoch's own.
struct Epoch {
    EpochFact fact;
    std::vector<std::vector<RecordBody>> commits;
    std::vector<Record> records;  ///< all of them, numbered
};

/// The content of every fixture in fixtures/: two epochs, three boots with and without anchors,
/// outages (one left open), facts, notes and ninety minutes of readings.
///
/// Frozen: the files were written from it by earlier versions of the journal. A new released
/// schema gets new files of the same content (fixtures/README.md).
[[nodiscard]] std::vector<Epoch> content();

/// The two cursors of the fixtures and the note "back-off" = "42".
[[nodiscard]] std::vector<Cursor> cursors();

/// Gives `journal`, which must be new, the whole content with a checkpoint after every 20 commits,
/// except after the last ones. Fails on the first error.
[[nodiscard]] Result<void> write(Journal& journal);

}  // namespace gerbang::fixtures
