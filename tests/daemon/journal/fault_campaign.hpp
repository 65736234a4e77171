#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/journal/journal.hpp"
#include "tests/support/fault_vfs.hpp"

namespace gerbang {

/// What a workload did with a journal on a faulty disk, so that a later look can tell whether a
/// promise was broken.
struct Promises {
    /// All records ever given, by epoch; those up to `committed` were promised.
    struct Epoch {
        EpochId id;
        std::vector<Record> given;
        std::size_t committed = 0;
        std::size_t earlier = 0;  ///< as `committed`, without the newest commit
    };
    std::vector<Epoch> epochs;
    std::uint64_t staged_through = 0;    ///< newest cursor ever staged
    std::uint64_t promised_through = 0;  ///< newest cursor whose commit succeeded
    std::uint64_t earlier_through = 0;   ///< without the newest commit

    /// What a card must keep that damages what lies beside a torn write: the end of the newest
    /// commit lies beside the beginning of the next.
    [[nodiscard]] Promises without_newest_commit() const {
        auto less = *this;
        // An epoch that is only beginning has none.
        auto newest = less.epochs.rbegin();
        while (newest != less.epochs.rend() && newest->committed == 0) ++newest;
        if (newest != less.epochs.rend()) newest->committed = newest->earlier;
        less.promised_through = earlier_through;
        return less;
    }
    /// The newest commit, of all records given so far, succeeded.
    void commit() {
        auto& epoch = epochs.back();
        epoch.earlier = epoch.committed;
        epoch.committed = epoch.given.size();
        earlier_through = promised_through;
        promised_through = staged_through;
    }
};

/// A first error ends the workload; its code and text are kept.
struct Outcome {
    bool has_failed = false;
    Error error{Errc::stopped, ""};
};

/// Appends, cursors, notes, checkpoints, reopenings and one change of epoch, `steps` of them.
/// Goes on from what `promises` says the journal holds.
[[nodiscard]] Outcome run_workload(FaultVfs& disk, Promises& promises, int steps);
/// The same with any journal. What the journal does is a `fault_new::Region`, so this may throw
/// `std::bad_alloc`.
[[nodiscard]] Outcome run_workload(const JournalOptions& options, Promises& promises, int steps);

/// Opens the journal on a healthy disk and compares it with the promises. Empty when all is well,
/// else what is lost, invented or corrupt. What the journal holds becomes the promise.
[[nodiscard]] std::string look(const std::string& path, const std::string& vfs, Promises& promises);

[[nodiscard]] JournalOptions options_on(const FaultVfs& disk);

}  // namespace gerbang
