#pragma once

// Files beside the database (mirror, set-aside file), through the VFS of the database: what counts
// bytes or injects faults there does it here too.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/core/result.hpp"

struct sqlite3_file;
struct sqlite3_vfs;

namespace gerbang::sql {

/// One open file, closed at the end of its life. Errors are `storage_full` or `storage_broken` and
/// name operation and file.
class SideFile {
public:
    enum class Mode {
        read,   ///< `not_found` when it is not there
        write,  ///< reads too; made when absent, closed to users outside our group
    };
    /// `vfs` as `Connection::open` takes it.
    [[nodiscard]] static Result<SideFile> open(const std::string& path, const std::string& vfs,
                                               Mode mode);
    SideFile(SideFile&&) noexcept;
    SideFile& operator=(SideFile&&) noexcept;
    ~SideFile();

    [[nodiscard]] Result<std::uint64_t> size() const;
    /// Up to `size` bytes at `offset`; fewer where the file ends.
    [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t size) const;
    [[nodiscard]] Result<void> write(std::uint64_t offset, std::string_view bytes);
    [[nodiscard]] Result<void> sync();

private:
    SideFile() = default;
    struct Open;
    std::unique_ptr<Open> open_;
};

/// Whether the file is there and not empty.
[[nodiscard]] Result<bool> file_exists(const std::string& path, const std::string& vfs);
/// Replaces `to`. The folder still has to be synced (`Connection::sync_directory`).
[[nodiscard]] Result<void> rename_file(const std::string& from, const std::string& to,
                                       const std::string& vfs);
/// Fine when it is not there. Synced.
[[nodiscard]] Result<void> remove_file(const std::string& path, const std::string& vfs);
/// Makes renamings in the folder of `path` durable.
[[nodiscard]] Result<void> sync_folder_of(const std::string& path, const std::string& vfs);
/// Gives the blocks of [offset, offset + size) back to the file system; they read as zeroes.
/// `not_found` where the file system cannot do that.
[[nodiscard]] Result<void> punch_hole(const std::string& path, const std::string& vfs,
                                      std::uint64_t offset, std::uint64_t size);
/// Bytes that the file takes on the medium, holes not counted; 0 when it is not there.
[[nodiscard]] std::uint64_t allocated_bytes(const std::string& path, const std::string& vfs);

/// Names that a test's VFS answers in `xGetSystemCall`, with the types of their functions. The
/// system's VFS knows none of them; then the system itself is asked.
inline constexpr const char* kRenameCall = "gerbang_rename";
inline constexpr const char* kSyncFolderCall = "gerbang_sync_folder";
inline constexpr const char* kPunchCall = "gerbang_punch";
inline constexpr const char* kAllocatedCall = "gerbang_allocated";
using RenameCall = int (*)(sqlite3_vfs*, const char* from, const char* to);
using SyncFolderCall = int (*)(sqlite3_vfs*);
using PunchCall = int (*)(sqlite3_vfs*, const char* path, std::int64_t offset, std::int64_t size);
using AllocatedCall = std::int64_t (*)(sqlite3_vfs*, const char* path);

}  // namespace gerbang::sql
