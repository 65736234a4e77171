#include "daemon/host/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <string_view>

namespace gerbang {
namespace {

/// "process 4711 (gerbang)", as far as the file and the kernel tell.
std::string holder_of(int fd) {
    std::array<char, 32> text{};
    const auto size = ::pread(fd, text.data(), text.size(), 0);
    std::string pid;
    for (ssize_t i = 0; i < size; ++i) {
        const char c = text[static_cast<std::size_t>(i)];
        if (c < '0' || c > '9') break;
        pid.push_back(c);
    }
    if (pid.empty()) return "another process";
    std::ifstream comm{"/proc/" + pid + "/comm"};
    std::string name;
    std::getline(comm, name);
    return "process " + pid + (name.empty() ? "" : " (" + name + ")");
}

}  // namespace

bool LockFile::is_of(const std::string& path) const {
    struct stat ours {};
    struct stat named {};
    return ::fstat(fd_.get(), &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

Result<LockFile> LockFile::take(const std::string& path) {
    UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd.is_open()) {
        return Error{Errc::storage_broken, "open " + path + ": " + std::strerror(errno) +
                                               "; the folder must exist and belong to the user "
                                               "that runs gerbang"};
    }
    // A hard link or a device put there in our folder's place is not ours to write to.
    struct stat about {};
    if (::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode) || about.st_nlink > 1) {
        return Error{Errc::storage_broken, "open " + path + ": not a plain file: remove it"};
    }
    int taken = 0;
    do {
        taken = ::flock(fd.get(), LOCK_EX | LOCK_NB);
    } while (taken != 0 && errno == EINTR);
    if (taken != 0) {
        if (errno == EWOULDBLOCK) {
            return Error{Errc::overloaded, path + " is held by " + holder_of(fd.get()) +
                                               "; stop it first, or ask it"};
        }
        return Error{Errc::storage_broken, "flock " + path + ": " + std::strerror(errno)};
    }
    // Who holds it is a help for people only; the lock itself does not depend on the content.
    const auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd.get(), 0) == 0) {
        [[maybe_unused]] const auto written = ::pwrite(fd.get(), pid.data(), pid.size(), 0);
    }
    return LockFile{std::move(fd)};
}

}  // namespace gerbang
