#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "common/core/check.hpp"
#include "tests/support/temp_folder.hpp"

namespace gerbang {

/// A UNIX socket in a folder of its own that answers each request line ("GET /v1/status") with the
/// bytes set for it, and closes. One connection at a time. Ends with its destructor.
class CannedHttp {
public:
    explicit CannedHttp(std::map<std::string, std::string> answers) : answers_{std::move(answers)} {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const auto path = folder_.file("gerbang.sock");
        GERBANG_CHECK(path.size() < sizeof(address.sun_path));
        std::memcpy(address.sun_path, path.data(), path.size());
        GERBANG_CHECK(
            ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
        GERBANG_CHECK(::listen(listener_, 8) == 0);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~CannedHttp() {
        is_stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    CannedHttp(const CannedHttp&) = delete;
    CannedHttp& operator=(const CannedHttp&) = delete;

    [[nodiscard]] const std::string& folder() const { return folder_.path(); }

    /// The newest request with its headers and body.
    [[nodiscard]] std::string last_request() {
        const std::lock_guard lock{mutex_};
        return last_request_;
    }

    /// A complete answer with `body`.
    static std::string answer(int status, const std::string& body) {
        return "HTTP/1.1 " + std::to_string(status) +
               " X\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\nConnection: close\r\n\r\n" + body;
    }

private:
    void serve() {
        while (!is_stopping_) {
            const int connection = ::accept(listener_, nullptr, nullptr);
            if (connection < 0) continue;
            std::string request;
            char buffer[1024];
            while (request.find("\r\n\r\n") == std::string::npos) {
                const auto count = ::recv(connection, buffer, sizeof(buffer), 0);
                if (count <= 0) break;
                request.append(buffer, static_cast<std::size_t>(count));
            }
            const auto length = request.find("Content-Length: ");
            const auto end = request.find("\r\n\r\n");
            const std::size_t body =
                length < end ? std::strtoul(request.c_str() + length + 16, nullptr, 10) : 0;
            while (end != std::string::npos && request.size() < end + 4 + body) {
                const auto count = ::recv(connection, buffer, sizeof(buffer), 0);
                if (count <= 0) break;
                request.append(buffer, static_cast<std::size_t>(count));
            }
            {
                const std::lock_guard lock{mutex_};
                last_request_ = request;
            }
            const auto line = request.substr(0, request.find(" HTTP/"));
            const auto found = answers_.find(line);
            const auto reply = found == answers_.end() ? answer(404, "no " + line) : found->second;
            (void)::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
            ::close(connection);
        }
    }

    std::map<std::string, std::string> answers_;
    TempFolder folder_;
    int listener_ = -1;
    std::mutex mutex_;
    std::string last_request_;
    std::atomic<bool> is_stopping_{false};
    std::thread thread_;
};

}  // namespace gerbang
