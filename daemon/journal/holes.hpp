#pragma once

// Room that a database no longer uses, given back to the file system where it lies.

#include <cstdint>
#include <string>

#include "common/core/result.hpp"

namespace gerbang {

/// Holes in the file of one SQLite database, in the place of its free pages. The file keeps its
/// length and takes less on the disk; SQLite never reads what a free page holds, and writing one
/// again gives it its place back. Nothing is moved, nothing is written but the file's metadata.
///
/// Use it from the thread of the database's only connection, and destroy it after the connection:
/// closing any descriptor of a file drops the locks that the process holds on it.
class Holes {
public:
    Holes() = default;
    ~Holes();
    Holes(const Holes&) = delete;
    Holes& operator=(const Holes&) = delete;

    /// Whether the file system of `folder` can do it; asks with a nameless file. ext4, xfs, btrfs,
    /// f2fs and tmpfs can, FAT and UBIFS cannot.
    [[nodiscard]] static bool are_possible(const std::string& folder);
    /// Bytes that the file at `path` takes on the disk; 0 when it cannot be asked.
    [[nodiscard]] static std::uint64_t bytes_on_disk(const std::string& path);

    /// Empties every page on the free list of the database at `path`, as far as whole blocks of the
    /// file system are free. Call it with the WAL moved into the file whole, outside of any
    /// transaction. `storage_broken`: the file cannot be read, or its free list is damaged.
    /// False: the file system cannot do it.
    [[nodiscard]] Result<bool> make(const std::string& path);

private:
    int file_ = -1;
};

}  // namespace gerbang
