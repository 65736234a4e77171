#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/model/record.hpp"

namespace gerbang {

/// Records of one epoch that are kept at one level of resolution.
struct LevelFacts {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;  ///< of their blocks, as stored
};

/// What the journal holds of one epoch.
struct EpochFacts {
    EpochId id;
    Seq last;  ///< the highest number given in it
    bool is_open = false;
    std::array<LevelFacts, 4> levels{};  ///< 0: as taken, 1: 1 min, 2: 5 min, 3: 1 h
    LevelFacts unpacked{};               ///< commits not packed yet; also at level 0
    LevelFacts given_up{};               ///< their readings are gone, protected events are kept
};

/// A consumer that pins, or would.
struct PinFacts {
    std::string consumer;
    bool is_pinning = true;  ///< false: silent for `kPinSilence`; its records are reduced as others
    Seconds silent_for{};    ///< journal time since its last receipt
    /// What it does not hold yet, per epoch, oldest first; at most 64.
    struct Owed {
        EpochId epoch;
        SeqRange range;
    };
    std::vector<Owed> owed;
};

/// Bytes handed to write calls on one day.
struct WrittenDay {
    std::optional<WallTime> start;  ///< of the day in site time; none: the clock was never set
    std::uint64_t bytes = 0;
};

/// What became of what was lost: all rows of one reason together.
struct LossTotal {
    std::string reason;
    std::uint64_t ranges = 0;
    std::uint64_t records = 0;
};

/// The newest damage to the journal's file, and what became of what it held.
struct DamageFacts {
    std::string found;              ///< what was wrong, in English; empty: no damage is known of
    EpochId epoch;                  ///< begun after it; none: not yet
    std::optional<WallTime> since;  ///< when it began, where its boot has an anchor
    bool is_salvaging = false;
    std::uint64_t blocks_found = 0;      ///< in the set-aside file, by this process
    std::uint64_t blocks_done = 0;       ///< of those
    std::uint64_t salvaged_records = 0;  ///< so far; once it ended, in all
    std::uint64_t damaged_blocks = 0;    ///< that could not be read
};

/// How far the check in the background is, which looks at everything again and again.
struct CheckFacts {
    std::uint64_t records = 0;  ///< looked at in this round
    std::uint64_t of = 0;       ///< in all epochs
    std::uint64_t rounds = 0;   ///< completed without a finding, in this file
};

/// The journal as a store: sizes, limits, what it holds at which resolution, what is lost.
struct JournalFacts {
    std::uint64_t database_bytes = 0;
    std::uint64_t free_bytes = 0;  ///< inside the database, for what comes
    std::uint64_t wal_bytes = 0;
    std::uint64_t ballast_bytes = 0;
    std::uint64_t mirror_bytes = 0;  ///< reserved, whether the file exists or not
    std::uint64_t set_aside_bytes = 0;
    std::uint64_t quota_bytes = 0;      ///< for all of the above together
    std::uint64_t database_limit = 0;   ///< what the quota leaves for the database
    bool can_shrink = true;             ///< false: made by version 0.1; space is only reused
    std::uint64_t protected_bytes = 0;  ///< events and totals that are never reduced
    std::uint64_t protected_limit = 0;  ///< a quarter of the quota
    std::vector<EpochFacts> epochs;     ///< oldest first
    std::vector<PinFacts> pins;         ///< in the order of the configuration
    std::vector<LossTotal> losses;      ///< by reason
    DamageFacts damage;
    CheckFacts check;
    std::uint64_t written_bytes = 0;       ///< today, or since the start where there is no clock
    std::vector<WrittenDay> written_days;  ///< up to 8, oldest first, today last
    /// What a day should not exceed; 0: not said. This and what follows to `loss_window` comes from
    /// the daemon, not from the journal itself.
    std::uint64_t daily_writes_bytes = 0;
    std::string device;  ///< the block device beneath, "mmcblk0p2"; empty: it cannot be named
    std::optional<std::int64_t> device_written_bytes;  ///< since the boot, by all programs
    Seconds device_uptime{};                           ///< since that boot
    Seconds commit{};                                  ///< between two commits, as configured
    Seconds loss_window{};                  ///< what a power cut can cost at most, at present
    std::optional<DeviceTime> oldest;       ///< of the oldest reading kept, at any level
    std::optional<WallTime> oldest_wall;    ///< where its boot has an anchor
    Seconds journal_time{};                 ///< see `JournalState::elapsed`
    std::uint64_t day_bytes = 0;            ///< of a day at full resolution, packed, at present
    std::optional<std::int64_t> days_left;  ///< until reduction begins; none: not known yet
};

}  // namespace gerbang
