#include "daemon/serve/socket_path.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/system/error_code.hpp>
#include <cerrno>
#include <cstring>

namespace gerbang {
namespace {

std::string errno_text(int code) {
    return boost::system::error_code{code, boost::system::system_category()}.message();
}

Error refused(const std::string& operation, const std::string& why) {
    return Error{Errc::bad_input, operation + ": " + why};
}

}  // namespace

Result<void> clear_socket_path(const std::string& path) {
    const std::string operation = "listen on " + path;
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0) {
        return errno == ENOENT ? ok() : refused(operation, errno_text(errno));
    }
    if (!S_ISSOCK(file.st_mode)) return refused(operation, "a file that is no socket is there");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0) return refused(operation, errno_text(errno));
    const int connected =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int why = connected == 0 ? 0 : errno;
    ::close(probe);
    // EAGAIN: somebody listens, and his queue is full.
    if (why == 0 || why == EAGAIN) {
        return refused(operation, "another process answers there; stop it first");
    }
    if (why != ECONNREFUSED) return refused(operation, errno_text(why));
    if (::unlink(path.c_str()) != 0) return refused(operation, errno_text(errno));
    return ok();
}

}  // namespace gerbang
