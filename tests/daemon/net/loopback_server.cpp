#include "tests/daemon/net/loopback_server.hpp"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "common/core/check.hpp"

namespace gerbang {

struct LoopbackServer::State {
    Serve serve;
    int listener = -1;
    int stop = -1;
    std::uint16_t port = 0;
    SSL_CTX* context = nullptr;
    std::atomic<int> connections{0};
    std::thread thread;

    void run();
};

namespace {

constexpr int kPatienceMs = 60'000;

/// False when the server is being destroyed, or nothing came for too long.
bool wait_readable(int socket, int stop) {
    std::array<pollfd, 2> watched{{{socket, POLLIN, 0}, {stop, POLLIN, 0}}};
    return ::poll(watched.data(), watched.size(), kPatienceMs) > 0 && watched[1].revents == 0;
}

std::size_t content_length(const std::string& header) {
    const auto at = header.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(header.substr(at + 16));
}

}  // namespace

long LoopbackConnection::read_some(char* into, std::size_t room) {
    if (tls_ == nullptr || SSL_pending(tls_) == 0) {
        if (!wait_readable(socket_, stop_)) return 0;
    }
    if (tls_ == nullptr) return static_cast<long>(::recv(socket_, into, room, 0));
    return SSL_read(tls_, into, static_cast<int>(room));
}

std::string LoopbackConnection::read_request() {
    std::array<char, 16384> chunk{};
    for (;;) {
        const auto end = buffer_.find("\r\n\r\n");
        if (end != std::string::npos) {
            const auto size = end + 4 + content_length(buffer_.substr(0, end));
            if (buffer_.size() >= size) {
                std::string request = buffer_.substr(0, size);
                buffer_.erase(0, size);
                return request;
            }
        }
        const long got = read_some(chunk.data(), chunk.size());
        if (got <= 0) return {};
        received_ += static_cast<std::uint64_t>(got);
        buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    }
}

void LoopbackConnection::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const long sent =
            tls_ == nullptr
                ? static_cast<long>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL))
                : SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
        if (sent <= 0) return;  // the client gave up, which some tests want
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void LoopbackConnection::hold() {
    std::array<char, 16384> chunk{};
    while (read_some(chunk.data(), chunk.size()) > 0) {
    }
}

void LoopbackConnection::reset() {
    const linger hard{1, 0};
    GERBANG_CHECK(::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard) == 0);
    ::close(socket_);
    socket_ = -1;
}

bool LoopbackConnection::is_resumed() const {
    return tls_ != nullptr && SSL_session_reused(tls_) == 1;
}

LoopbackServer::LoopbackServer(Serve serve, const Tls& tls) : state_{std::make_unique<State>()} {
    State& s = *state_;
    s.serve = std::move(serve);
    if (!tls.cert_file.empty()) {
        s.context = SSL_CTX_new(TLS_server_method());
        GERBANG_CHECK(s.context != nullptr);
        GERBANG_CHECK(SSL_CTX_use_certificate_chain_file(s.context, tls.cert_file.c_str()) == 1);
        GERBANG_CHECK(
            SSL_CTX_use_PrivateKey_file(s.context, tls.key_file.c_str(), SSL_FILETYPE_PEM) == 1);
        SSL_CTX_set_options(s.context, SSL_OP_IGNORE_UNEXPECTED_EOF);
        const unsigned char name[] = "loopback";
        SSL_CTX_set_session_id_context(s.context, name, sizeof name - 1);
        if (!tls.client_ca_file.empty()) {
            GERBANG_CHECK(SSL_CTX_load_verify_file(s.context, tls.client_ca_file.c_str()) == 1);
            SSL_CTX_set_verify(s.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                               nullptr);
        }
    }
    s.stop = ::eventfd(0, EFD_CLOEXEC);
    s.listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    GERBANG_CHECK(s.stop >= 0 && s.listener >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    GERBANG_CHECK(::bind(s.listener, generic, size) == 0);
    GERBANG_CHECK(::listen(s.listener, 16) == 0);
    GERBANG_CHECK(::getsockname(s.listener, generic, &size) == 0);
    s.port = ntohs(address.sin_port);
    s.thread = std::thread{[&s] { s.run(); }};
}

void LoopbackServer::State::run() {
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    GERBANG_CHECK(pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr) == 0);  // sessions inherit it
    std::vector<std::thread> sessions;
    while (wait_readable(listener, stop)) {
        const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) continue;
        ++connections;
        sessions.emplace_back([this, socket] {
            LoopbackConnection connection;
            connection.socket_ = socket;
            connection.stop_ = stop;
            bool is_open = true;
            if (context != nullptr) {
                connection.tls_ = SSL_new(context);
                SSL_set_fd(connection.tls_, socket);
                is_open = wait_readable(socket, stop) && SSL_accept(connection.tls_) == 1;
            }
            if (is_open) {
                serve(connection);
            } else {
                // Closing with the client's request unread would reset the connection, and the
                // alert that says why would be lost with it.
                connection.tls_ = (SSL_free(connection.tls_), nullptr);
                ::shutdown(socket, SHUT_WR);
                connection.hold();
            }
            if (connection.tls_ != nullptr) {
                if (is_open && connection.socket_ >= 0) SSL_shutdown(connection.tls_);
                SSL_free(connection.tls_);
            }
            if (connection.socket_ >= 0) ::close(connection.socket_);
        });
    }
    for (auto& session : sessions) session.join();
}

LoopbackServer::~LoopbackServer() {
    const std::uint64_t one = 1;
    GERBANG_CHECK(::write(state_->stop, &one, sizeof one) == sizeof one);
    state_->thread.join();
    ::close(state_->listener);
    ::close(state_->stop);
    if (state_->context != nullptr) SSL_CTX_free(state_->context);
}

std::string LoopbackServer::url(const std::string& host) const {
    const std::string scheme = state_->context == nullptr ? "http://" : "https://";
    return scheme + host + ":" + std::to_string(state_->port);
}

int LoopbackServer::connections() const {
    return state_->connections;
}

}  // namespace gerbang
