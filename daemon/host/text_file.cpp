#include "daemon/host/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "daemon/host/unique_fd.hpp"

namespace gerbang {

std::optional<std::string_view> read_head(const char* path, std::span<char> buffer) {
    const UniqueFd file{::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (file.get() < 0) return std::nullopt;
    struct stat about {};
    if (::fstat(file.get(), &about) != 0) return std::nullopt;
    if (!S_ISREG(about.st_mode)) {
        errno = EINVAL;
        return std::nullopt;
    }
    std::size_t size = 0;
    while (size < buffer.size()) {
        const auto got = ::read(file.get(), buffer.data() + size, buffer.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::nullopt;
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    return std::string_view{buffer.data(), size};
}

std::string_view without_tail(std::string_view text) noexcept {
    const auto last = text.find_last_not_of(std::string_view{" \t\r\n\0", 5});
    return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

}  // namespace gerbang
