#include "daemon/meter/small_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace gerbang {

SmallFile::SmallFile(const std::string& path) : fd_{::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {}

SmallFile::SmallFile(SmallFile&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

SmallFile::~SmallFile() {
    if (fd_ >= 0) ::close(fd_);
}

std::optional<std::string_view> SmallFile::read(std::span<char> buffer) const {
    if (fd_ < 0) return std::nullopt;
    ssize_t got = -1;
    do {
        got = ::pread(fd_, buffer.data(), buffer.size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return std::nullopt;
    return std::string_view{buffer.data(), static_cast<std::size_t>(got)};
}

}  // namespace gerbang
