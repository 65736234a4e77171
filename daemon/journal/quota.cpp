#include "daemon/journal/quota.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "daemon/journal/database.hpp"
#include "daemon/journal/journal.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kLeastDatabaseBytes = 1u << 20;
constexpr std::uint64_t kFrameHeaderBytes = 24;
constexpr std::uint64_t kWalHeaderBytes = 32;
constexpr std::uint64_t kBallastSurplusBytes = 64u << 10;

}  // namespace

std::uint64_t SpacePlan::protected_bytes() const noexcept {
    return std::min(quota_bytes / 4, database_bytes / 3);
}

std::int64_t SpacePlan::upkeep_pages() const noexcept {
    return std::clamp<std::int64_t>(database_pages() / 32, 16, 128);
}

std::int64_t SpacePlan::reserve_pages() const noexcept {
    return static_cast<std::int64_t>(std::min(kMaxTransactionBytes, database_bytes / 8) /
                                     page_bytes);
}

SpacePlan plan_space(std::uint64_t quota_bytes, std::uint32_t page_bytes, std::uint32_t wal_pages,
                     std::uint64_t set_aside_bytes) {
    SpacePlan plan;
    plan.quota_bytes = std::max(quota_bytes, kMinQuotaBytes);
    plan.page_bytes = page_bytes;
    plan.wal_frames =
        static_cast<int>(wal_pages != 0 ? std::uint64_t{wal_pages} : sql::kWalBytes / page_bytes);
    const auto frames =
        static_cast<std::uint64_t>(plan.wal_frames) + kMaxTransactionBytes / page_bytes;
    plan.wal_bytes = kWalHeaderBytes + frames * (page_bytes + kFrameHeaderBytes);
    plan.ballast_bytes = plan.wal_bytes + kBallastSurplusBytes;
    const auto fixed = plan.wal_bytes + plan.ballast_bytes + kMirrorReserveBytes + set_aside_bytes;
    plan.database_bytes = plan.quota_bytes > fixed + kLeastDatabaseBytes ? plan.quota_bytes - fixed
                                                                         : kLeastDatabaseBytes;
    return plan;
}

Result<std::uint64_t> free_bytes_at(const std::string& path) {
    auto folder = std::filesystem::path{path}.parent_path();
    if (folder.empty()) folder = ".";
    struct statvfs facts {};
    if (::statvfs(folder.c_str(), &facts) != 0) {
        return Error{Errc::storage_broken,
                     "statvfs " + folder.string() + ": " + std::strerror(errno)};
    }
    return std::uint64_t{facts.f_bavail} * std::uint64_t{facts.f_frsize};
}

std::uint64_t default_quota(std::uint64_t free_bytes, std::uint64_t own_bytes) {
    return std::clamp((free_bytes + own_bytes) / 4, kMinQuotaBytes, kDefaultQuotaBytes);
}

Ballast::Ballast(std::string path) : path_{std::move(path)} {
    struct stat about {};
    if (!path_.empty() && ::stat(path_.c_str(), &about) == 0 && S_ISREG(about.st_mode)) {
        bytes_ = static_cast<std::uint64_t>(about.st_size);
    }
}

bool Ballast::build(std::uint64_t bytes, std::uint64_t spare_bytes) {
    if (path_.empty() || bytes_ == bytes) return true;
    if (bytes_ > bytes) release();
    const auto free = free_bytes_at(path_);
    if (!free || *free < bytes - bytes_ + spare_bytes) return false;
    const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) return false;
    // posix_fallocate would write every block where the file system cannot reserve; flash is not
    // for that. Such a file system keeps no ballast.
    const bool is_made = ::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) == 0;
    ::close(fd);
    bytes_ = bytes;
    if (!is_made) release();
    return is_made;
}

bool Ballast::release() {
    if (bytes_ == 0) return false;
    bytes_ = 0;
    return ::unlink(path_.c_str()) == 0;
}

}  // namespace gerbang
