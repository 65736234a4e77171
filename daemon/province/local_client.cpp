#include "daemon/province/local_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/host/unique_fd.hpp"

namespace gerbang::province {
namespace {

constexpr std::size_t kMaxAnswerBytes = 64u << 20;

Error failed(const std::string& socket_path, const char* what) {
    return {Errc::unreachable, socket_path + ": " + what + ": " + std::strerror(errno)};
}

}  // namespace

Result<std::string> ask_receiver(const std::string& socket_path, const std::string& method,
                                 const std::string& path, const std::string& body,
                                 Seconds timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof address.sun_path) {
        return Error{Errc::unreachable, socket_path + ": longer than 107 bytes"};
    }
    std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
    const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket.is_open()) return failed(socket_path, "socket");
    timeval limit{};
    limit.tv_sec = static_cast<decltype(limit.tv_sec)>(timeout.count());
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return failed(socket_path, "connect");
    }
    const std::string request = method + " " + path +
                                " HTTP/1.1\r\nHost: local\r\nConnection: close\r\n"
                                "Content-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body;
    for (std::size_t sent = 0; sent < request.size();) {
        const auto size =
            ::send(socket.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) return failed(socket_path, "send");
        sent += static_cast<std::size_t>(size);
    }
    std::string answer;
    std::array<char, 16384> buffer{};
    for (;;) {
        const auto size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (size < 0) return failed(socket_path, "receive");
        if (size == 0) break;
        answer.append(buffer.data(), static_cast<std::size_t>(size));
        if (answer.size() > kMaxAnswerBytes) {
            return Error{Errc::unreachable, socket_path + ": answer over 64 MiB"};
        }
    }
    // "HTTP/1.1 200 ..."; the connection is closed after the answer, so it is complete.
    const auto end_of_header = answer.find("\r\n\r\n");
    if (!answer.starts_with("HTTP/1.1 ") || end_of_header == std::string::npos) {
        return Error{Errc::unreachable, socket_path + ": not an HTTP answer"};
    }
    auto content = answer.substr(end_of_header + 4);
    if (answer.compare(9, 3, "200") == 0) return content;
    return Error{Errc::refused,
                 method + " " + path + ": HTTP " + answer.substr(9, 3) + ": " + content};
}

}  // namespace gerbang::province
