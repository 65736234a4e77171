#include "daemon/journal/holes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

namespace gerbang {
namespace {

constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
constexpr std::size_t kHeaderBytes = 100;

std::uint32_t number_at(const std::uint8_t* bytes) {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
           std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

Error failed(const std::string& path, const char* what) {
    return Error{Errc::storage_broken, path + ": " + what + ": " + std::strerror(errno)};
}

Error damaged(const std::string& path) {
    return Error{Errc::storage_broken, path + ": the list of free pages is damaged"};
}

bool read_at(int file, std::uint64_t offset, std::uint8_t* to, std::size_t bytes) {
    return ::pread(file, to, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
}

/// The leaves of the free list, in order; its trunks hold the list itself and stay. The format is
/// SQLite's: the first trunk at byte 32 of the file, the next one at the head of each.
Result<std::vector<std::uint32_t>> free_leaves(int file, const std::string& path,
                                               std::uint32_t& page_bytes) {
    std::array<std::uint8_t, kHeaderBytes> header{};
    if (!read_at(file, 0, header.data(), header.size())) return failed(path, "read");
    page_bytes = std::uint32_t{header[16]} << 8 | header[17];
    if (page_bytes == 1) page_bytes = 65'536;
    if (page_bytes < 512) return damaged(path);
    const auto pages = number_at(&header[28]);
    const auto all = number_at(&header[36]);
    if (all >= pages) return damaged(path);
    std::vector<std::uint32_t> leaves;
    leaves.reserve(all);
    std::vector<std::uint8_t> trunk(page_bytes);
    std::uint32_t seen = 0;
    for (auto next = number_at(&header[32]); next != 0; next = number_at(trunk.data())) {
        if (next > pages || ++seen > all) return damaged(path);
        const auto offset = std::uint64_t{next - 1} * page_bytes;
        if (!read_at(file, offset, trunk.data(), trunk.size())) return failed(path, "read");
        const auto count = number_at(&trunk[4]);
        if (count > page_bytes / 4 - 2 || count > all - seen) return damaged(path);
        seen += count;
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto leaf = number_at(&trunk[8 + std::size_t{i} * 4]);
            if (leaf < 2 || leaf > pages) return damaged(path);
            leaves.push_back(leaf);
        }
    }
    std::sort(leaves.begin(), leaves.end());
    return leaves;
}

}  // namespace

Holes::~Holes() {
    if (file_ >= 0) ::close(file_);
}

bool Holes::are_possible(const std::string& folder) {
    constexpr off_t kBytes = 65'536;
    const int file =
        ::open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) return false;
    const bool is_possible =
        ::ftruncate(file, kBytes) == 0 && ::fallocate(file, kPunch, 0, kBytes) == 0;
    ::close(file);
    return is_possible;
}

std::uint64_t Holes::bytes_on_disk(const std::string& path) {
    constexpr std::uint64_t kUnit = 512;  // of `st_blocks`, whatever the file system
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return 0;
    return static_cast<std::uint64_t>(about.st_blocks) * kUnit;
}

Result<bool> Holes::make(const std::string& path) {
    if (file_ < 0) file_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file_ < 0) return failed(path, "open");
    struct stat about {};
    if (::fstat(file_, &about) != 0) return failed(path, "stat");
    const auto block = static_cast<std::uint64_t>(about.st_blksize);
    std::uint32_t page_bytes = 0;
    const auto leaves = free_leaves(file_, path, page_bytes);
    if (!leaves) return leaves.error();
    for (std::size_t i = 0; i < leaves->size();) {
        auto end = i + 1;
        while (end < leaves->size() && (*leaves)[end] == (*leaves)[end - 1] + 1) ++end;
        // Inwards to whole blocks: the rest of one would only be overwritten with zeros.
        const auto from =
            (std::uint64_t{(*leaves)[i] - 1} * page_bytes + block - 1) / block * block;
        const auto to = std::uint64_t{(*leaves)[end - 1]} * page_bytes / block * block;
        i = end;
        if (from >= to) continue;
        const auto bytes = static_cast<off_t>(to - from);
        if (::fallocate(file_, kPunch, static_cast<off_t>(from), bytes) == 0) continue;
        if (errno == EOPNOTSUPP || errno == ENOSYS) return false;
        return failed(path, "giving back free pages");
    }
    return true;
}

}  // namespace gerbang
