#pragma once

// How the byte quota is divided, and the file that keeps room for the day when others have filled
// the file system.

#include <cstdint>
#include <string>

#include "common/core/result.hpp"

namespace gerbang {

/// Records of one commit, as stored; more is `too_large`.
inline constexpr std::uint64_t kMaxCommitBytes = 768u << 10;
/// What one transaction writes at most: a full commit with its index pages.
inline constexpr std::uint64_t kMaxTransactionBytes = 1u << 20;

/// The quota in its parts. database + WAL + ballast + set-aside file + mirror never exceed it; only
/// where the quota is smaller than what the fixed parts need does the database still get a MiB.
struct SpacePlan {
    std::uint64_t quota_bytes = 0;
    std::uint32_t page_bytes = 4096;
    int wal_frames = 0;               ///< at which the WAL is moved into the database
    std::uint64_t wal_bytes = 0;      ///< what the WAL can reach: that and one transaction
    std::uint64_t ballast_bytes = 0;  ///< a little more than the WAL can reach
    std::uint64_t database_bytes = 0;

    [[nodiscard]] std::int64_t database_pages() const noexcept {
        return static_cast<std::int64_t>(database_bytes / page_bytes);
    }
    /// What protected data may take: a quarter of the quota, at most a third of the database.
    [[nodiscard]] std::uint64_t protected_bytes() const noexcept;
    /// Pages that only upkeep takes: a reduction or a checkpoint needs some before it frees more.
    [[nodiscard]] std::int64_t upkeep_pages() const noexcept;
    /// Kept free inside the database, so that a commit finds room without waiting for a reduction.
    [[nodiscard]] std::int64_t reserve_pages() const noexcept;
};
/// `wal_pages` as in `JournalOptions`; `quota_bytes` below `kMinQuotaBytes` counts as that.
[[nodiscard]] SpacePlan plan_space(std::uint64_t quota_bytes, std::uint32_t page_bytes,
                                   std::uint32_t wal_pages, std::uint64_t set_aside_bytes);

/// Bytes that we may still write to the file system that holds `path`; nothing when it cannot be
/// asked.
[[nodiscard]] Result<std::uint64_t> free_bytes_at(const std::string& path);
/// The smaller of `kDefaultQuotaBytes` and a quarter of (`free_bytes` + `own_bytes`), at least
/// `kMinQuotaBytes`.
[[nodiscard]] std::uint64_t default_quota(std::uint64_t free_bytes, std::uint64_t own_bytes);

/// A file of reserved blocks without content. When the file system is full it is removed, and what
/// it held is enough for the WAL to grow and to be moved into the database.
class Ballast {
public:
    /// No path: there is none, and every call does nothing.
    explicit Ballast(std::string path);

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    /// Makes it `bytes` long. False when there is no room for it beside `spare_bytes`, or the file
    /// cannot be made: the daemon goes on without, and tries again later. Nothing is written but
    /// the file's metadata.
    bool build(std::uint64_t bytes, std::uint64_t spare_bytes);
    /// True when there was one to give up.
    bool release();

private:
    std::string path_;
    std::uint64_t bytes_ = 0;
};

}  // namespace gerbang
