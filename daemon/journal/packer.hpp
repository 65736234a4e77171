#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/record.hpp"
#include "daemon/journal/block_store.hpp"
#include "daemon/journal/packed_store.hpp"

namespace gerbang {

/// Which hour of which boot (in device time) `at` lies in: packs end where this changes, so that
/// the intervals of reduction do not cross them.
struct DeviceHour {
    BootNo boot;
    std::int64_t hour = -1;
    bool operator==(const DeviceHour&) const = default;
};
[[nodiscard]] DeviceHour hour_of(DeviceTime at) noexcept;

/// Finds the commits that make up the next hour block.
///
/// A block is the commits of one complete hour of one boot, at most what one pack takes, about
/// 1 MiB decoded (so that serving a minute of it stays cheap in memory) and `kMaxBlockBytes`. A
/// commit belongs to the hour of its last record with a time.
class Packer {
public:
    static constexpr std::size_t kMaxDecodedBytes = 1u << 20;
    static constexpr std::size_t kMaxBlockBytes = 256u << 10;

    Packer(BlockStore& blocks, PackedStore& packed) : blocks_{&blocks}, packed_{&packed} {}

    struct Group {
        EpochNo epoch = 0;
        std::vector<Record> records;
        std::size_t commits = 0;     ///< 1: the block is what it should be already
        std::uint64_t bytes = 0;     ///< of the commits as stored
        std::int64_t elapsed_s = 0;  ///< of the packed block before it
        Seq previous;                ///< last record of the packed block before it
        Seq first_commit_last;       ///< of the first commit alone
        std::uint64_t first_commit_bytes = 0;

        /// Leaves the first commit only: joining would gain nothing.
        void keep_first_commit();
    };
    /// The next group of `epoch`, whose last record is `last`. An incomplete hour is given when
    /// `takes_incomplete` (a closed epoch; no room is left).
    [[nodiscard]] Result<std::optional<Group>> next(EpochNo epoch, Seq last, bool takes_incomplete);

private:
    BlockStore* blocks_;
    PackedStore* packed_;
};

}  // namespace gerbang
