#include "daemon/journal/side_file.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "daemon/journal/sqlite.hpp"

namespace gerbang::sql {
namespace {

sqlite3_vfs* find_vfs(const std::string& vfs) {
    return sqlite3_vfs_find(vfs.empty() ? counting_vfs() : vfs.c_str());
}

Error file_error(int rc, const std::string& path, const char* operation) {
    auto error = to_error(rc, nullptr, operation);
    error.detail = path + ": " + error.detail;
    return error;
}

Error system_error(const std::string& path, const char* operation) {
    const int number = errno;
    return Error{number == ENOSPC ? Errc::storage_full : Errc::storage_broken,
                 path + ": " + operation + ": " + std::strerror(number)};
}

/// The test's function of that name, or null. The type is fixed by the name.
template <class Call>
Call call_of(sqlite3_vfs* vfs, const char* name) {
    if (vfs == nullptr || vfs->iVersion < 3 || vfs->xGetSystemCall == nullptr) return nullptr;
    return reinterpret_cast<Call>(vfs->xGetSystemCall(vfs, name));
}

}  // namespace

struct SideFile::Open {
    std::string path;  ///< SQLite keeps a pointer to it
    std::vector<std::uint64_t> space;
    [[nodiscard]] sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(space.data()); }
};

SideFile::SideFile(SideFile&&) noexcept = default;
SideFile& SideFile::operator=(SideFile&& other) noexcept {
    std::swap(open_, other.open_);
    return *this;
}
SideFile::~SideFile() {
    if (open_ && open_->file()->pMethods != nullptr) {
        open_->file()->pMethods->xClose(open_->file());
    }
}

Result<SideFile> SideFile::open(const std::string& path, const std::string& vfs, Mode mode) {
    auto* found = find_vfs(vfs);
    if (found == nullptr) return file_error(SQLITE_NOMEM, path, "open");
    if (mode == Mode::read) {
        const auto is_there = file_exists(path, vfs);
        if (!is_there) return is_there.error();
        if (!*is_there) return Error{Errc::not_found, path + " is not here"};
    } else if (vfs.empty()) {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
        if (fd >= 0) ::close(fd);
    }
    // Whole before it is owned: closing looks into `space`.
    auto unopened = std::make_unique<Open>();
    unopened->path = path;
    unopened->space.assign((static_cast<std::size_t>(found->szOsFile) + 7) / 8, 0);
    SideFile side;
    side.open_ = std::move(unopened);
    // SQLite's kind of file that is neither locked nor shared, and whose folder is synced with it.
    int flags = SQLITE_OPEN_SUPER_JOURNAL;
    flags |= mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int rc =
        found->xOpen(found, side.open_->path.c_str(), side.open_->file(), flags, nullptr);
    if (rc != SQLITE_OK) return file_error(rc, path, "open");
    return side;
}

Result<std::uint64_t> SideFile::size() const {
    sqlite3_int64 size = 0;
    const int rc = open_->file()->pMethods->xFileSize(open_->file(), &size);
    if (rc != SQLITE_OK) return file_error(rc, open_->path, "size");
    return static_cast<std::uint64_t>(size);
}

Result<std::string> SideFile::read(std::uint64_t offset, std::size_t size) const {
    const auto total = this->size();
    if (!total) return total.error();
    if (offset >= *total || size == 0) return std::string{};
    const auto have = std::min<std::uint64_t>(size, *total - offset);
    std::string bytes(static_cast<std::size_t>(have), '\0');
    const int rc =
        open_->file()->pMethods->xRead(open_->file(), bytes.data(), static_cast<int>(bytes.size()),
                                       static_cast<sqlite3_int64>(offset));
    if (rc != SQLITE_OK) return file_error(rc, open_->path, "read");
    return bytes;
}

Result<void> SideFile::write(std::uint64_t offset, std::string_view bytes) {
    const int rc =
        open_->file()->pMethods->xWrite(open_->file(), bytes.data(), static_cast<int>(bytes.size()),
                                        static_cast<sqlite3_int64>(offset));
    if (rc != SQLITE_OK) return file_error(rc, open_->path, "write");
    return ok();
}

Result<void> SideFile::sync() {
    const int rc = open_->file()->pMethods->xSync(open_->file(), SQLITE_SYNC_NORMAL);
    if (rc != SQLITE_OK) return file_error(rc, open_->path, "sync");
    return ok();
}

Result<bool> file_exists(const std::string& path, const std::string& vfs) {
    auto* found = find_vfs(vfs);
    if (found == nullptr) return file_error(SQLITE_NOMEM, path, "access");
    int result = 0;
    const int rc = found->xAccess(found, path.c_str(), SQLITE_ACCESS_EXISTS, &result);
    if (rc != SQLITE_OK) return file_error(rc, path, "access");
    return result != 0;
}

Result<void> rename_file(const std::string& from, const std::string& to, const std::string& vfs) {
    auto* found = find_vfs(vfs);
    if (const auto call = call_of<RenameCall>(found, kRenameCall)) {
        const int rc = call(found, from.c_str(), to.c_str());
        if (rc != SQLITE_OK) return file_error(rc, from, "rename");
        return ok();
    }
    if (std::rename(from.c_str(), to.c_str()) != 0) return system_error(from, "rename");
    return ok();
}

Result<void> remove_file(const std::string& path, const std::string& vfs) {
    auto* found = find_vfs(vfs);
    if (found == nullptr) return file_error(SQLITE_NOMEM, path, "remove");
    const int rc = found->xDelete(found, path.c_str(), 1);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_DELETE_NOENT) return file_error(rc, path, "remove");
    return ok();
}

Result<void> sync_folder_of(const std::string& path, const std::string& vfs) {
    auto* found = find_vfs(vfs);
    if (const auto call = call_of<SyncFolderCall>(found, kSyncFolderCall)) {
        const int rc = call(found);
        if (rc != SQLITE_OK) return file_error(rc, path, "sync of the folder");
        return ok();
    }
    auto folder = std::filesystem::path{path}.parent_path();
    if (folder.empty()) folder = ".";
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_error(folder, "open");
    Result<void> synced;
    if (::fsync(fd) != 0) synced = system_error(folder, "sync of the folder");
    ::close(fd);
    return synced;
}

Result<void> punch_hole(const std::string& path, const std::string& vfs, std::uint64_t offset,
                        std::uint64_t size) {
    auto* found = find_vfs(vfs);
    if (const auto call = call_of<PunchCall>(found, kPunchCall)) {
        const int rc = call(found, path.c_str(), static_cast<std::int64_t>(offset),
                            static_cast<std::int64_t>(size));
        if (rc != SQLITE_OK) return file_error(rc, path, "punch");
        return ok();
    }
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return system_error(path, "open");
    Result<void> punched;
    if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(size)) != 0) {
        const bool is_unknown = errno == EOPNOTSUPP || errno == ENOSYS;
        auto error = system_error(path, "giving blocks back");
        if (is_unknown) error.code = Errc::not_found;
        punched = std::move(error);
    }
    ::close(fd);
    return punched;
}

std::uint64_t allocated_bytes(const std::string& path, const std::string& vfs) {
    auto* found = find_vfs(vfs);
    if (const auto call = call_of<AllocatedCall>(found, kAllocatedCall)) {
        return static_cast<std::uint64_t>(call(found, path.c_str()));
    }
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return 0;
    constexpr std::uint64_t kStatBlock = 512;
    return static_cast<std::uint64_t>(about.st_blocks) * kStatBlock;
}

}  // namespace gerbang::sql
