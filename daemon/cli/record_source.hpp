#pragma once

// Where `export` and `journal verify` take records from: the running daemon, or the journal itself
// while no daemon runs.

#include <memory>
#include <optional>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/record.hpp"
#include "common/web/journal_json.hpp"
#include "daemon/cli/commands.hpp"

namespace gerbang::cli {

/// A contiguous run of records of one epoch, and the chain's head before the first.
struct Piece {
    Head before{};
    std::vector<Record> records;  ///< none: the epoch holds nothing more
};

/// Blocking; one user.
class RecordSource {
public:
    virtual ~RecordSource() = default;
    /// Oldest first.
    [[nodiscard]] virtual Result<std::vector<web::EpochRow>> epochs() = 0;
    /// The first records of `epoch` after `after`. A block that was reduced comes whole: it may
    /// begin at or before `after`. In a closed epoch numbers may be absent.
    [[nodiscard]] virtual Result<Piece> read(const EpochId& epoch, Seq after) = 0;
};

/// The daemon that answers at the runtime folder's socket; without one the journal in the state
/// folder, under the daemon's lock and as its user, so that nothing there becomes root's. Then the
/// files are opened as the daemon would: what a power cut left is put in order. The outcome says
/// what stands in the way.
struct OpenedRecords {
    std::unique_ptr<RecordSource> source;
    std::optional<Outcome> failure;
    /// The file was damaged and set aside; only a running daemon salvages what it holds.
    bool is_salvaging = false;
};
[[nodiscard]] OpenedRecords open_records(const Request& request);

}  // namespace gerbang::cli
