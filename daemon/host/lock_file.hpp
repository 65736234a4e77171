#pragma once

#include <string>

#include "common/core/result.hpp"
#include "daemon/host/unique_fd.hpp"

namespace gerbang {

/// The one user of a state folder: an exclusive flock(2) on STATE/gerbang.lock, given back when
/// the object or the process dies. The file itself stays.
class LockFile {
public:
    /// Takes the lock without waiting. `overloaded` when another process holds it; `detail` then
    /// names that process. `storage_broken` when the file cannot be made.
    [[nodiscard]] static Result<LockFile> take(const std::string& path);
    /// `path` still names the file that is locked: no other file system was mounted over it.
    [[nodiscard]] bool is_of(const std::string& path) const;

private:
    explicit LockFile(UniqueFd fd) : fd_{std::move(fd)} {}

    UniqueFd fd_;
};

}  // namespace gerbang
