#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "daemon/serve/http.hpp"

namespace gerbang {

using namespace std::chrono_literals;

/// For a machine that hangs, not for one that is slow: nothing here is judged by how long it took.
inline constexpr std::chrono::milliseconds kPatience = 60s;

/// A real server on a loop thread of its own. Its handler tells what it got:
/// "METHOD path?query name=CLIENT body=SIZE"; "/throw" throws, "/hang" never answers, "/proof"
/// proves the client; the gate refuses "/closed".
class Served {
public:
    explicit Served(Listen listen, ServerLimits limits = {}) {
        auto started = start_server(
            io_.get_executor(), listen, limits,
            [this](ServerRequest got) { return answer(std::move(got)); },
            [](const ServerRequest& head) { return gate(head); });
        if (!started) throw std::runtime_error{started.error().detail};
        server_ = std::move(*started);
        thread_ = std::thread{[this] { io_.run(); }};
    }
    ~Served() {
        stop();
        io_.stop();
        if (thread_.joinable()) thread_.join();
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    void stop() {
        net::post(io_, [this] { server_->stop(); });
    }
    /// Stops and waits until every coroutine has ended. False when that took until some time-out
    /// of a connection; tests give those 300 s.
    [[nodiscard]] bool ends_when_stopped() {
        const auto begun = std::chrono::steady_clock::now();
        stop();
        thread_.join();
        return std::chrono::steady_clock::now() - begun < kPatience;
    }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }

    std::atomic<int> handled{0};

private:
    static std::optional<ServerResponse> gate(const ServerRequest& head) {
        if (head.path != "/closed") return std::nullopt;
        return ServerResponse{.status = 401, .content_type = "text/plain", .body = "no\n"};
    }
    net::awaitable<ServerResponse> answer(ServerRequest got) {
        ++handled;
        if (got.path == "/throw") throw std::runtime_error{"boom"};
        if (got.path == "/hang") {
            net::steady_timer timer{io_, 300s};
            co_await timer.async_wait(net::use_awaitable);
        }
        ServerResponse response{.status = 200, .content_type = "text/plain", .body = {}};
        response.proves_client = got.path == "/proof";
        if (got.path == "/late") response.retry_after = Seconds{7};
        if (got.path == "/date") response.date = wall_from_ms(1'795'285'213'999);
        response.body = got.method + " " + got.path + "?" + got.query + " name=" + got.client_name +
                        " local=" + (got.is_local ? "yes" : "no") +
                        " body=" + std::to_string(got.body.size()) + "\n";
        co_return response;
    }

    net::io_context io_;
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
};

/// A client that writes bytes and sees what comes back. Gives up after `kPatience` of silence.
class RawClient {
public:
    explicit RawClient(std::uint16_t port, in_addr_t host = INADDR_LOOPBACK)
        : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(host);
        connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    explicit RawClient(const std::string& path)
        : fd_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    ~RawClient() { ::close(fd_); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    [[nodiscard]] bool is_connected() const { return is_connected_; }

    /// False once the server has cut the connection.
    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }
    void shut_write() { ::shutdown(fd_, SHUT_WR); }

    /// Everything until the server closes.
    std::string read_to_end() {
        while (read_some()) {
        }
        return std::exchange(seen_, {});
    }
    /// Through the first occurrence of `mark`, or all there was when the connection ended.
    std::string read_through(const std::string& mark) {
        std::size_t at = 0;
        while ((at = seen_.find(mark)) == std::string::npos) {
            if (!read_some()) return std::exchange(seen_, {});
        }
        const auto part = seen_.substr(0, at + mark.size());
        seen_.erase(0, at + mark.size());
        return part;
    }
    /// True when the server closes the connection within `limit`, having sent nothing.
    bool is_closed(std::chrono::milliseconds limit = kPatience) {
        pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, static_cast<int>(limit.count())) != 1) return false;
        char byte = 0;
        return ::recv(fd_, &byte, 1, 0) <= 0;
    }

private:
    void connect(const sockaddr* address, socklen_t size) {
        const timeval patience{.tv_sec = kPatience / 1s, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        is_connected_ = ::connect(fd_, address, size) == 0;
    }
    bool read_some() {
        char buffer[4096];
        const auto size = ::recv(fd_, buffer, sizeof buffer, 0);
        if (size <= 0) return false;
        seen_.append(buffer, static_cast<std::size_t>(size));
        return true;
    }

    int fd_;
    bool is_connected_ = false;
    std::string seen_;
};

inline Listen loopback() {
    Listen listen;
    listen.address = "127.0.0.1";
    return listen;
}

}  // namespace gerbang
