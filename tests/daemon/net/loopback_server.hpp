#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct ssl_st;

namespace gerbang {

/// The server's end of one connection, in the server's thread. Every call gives up when the server
/// is being destroyed or after 60 s, so that a broken test ends.
class LoopbackConnection {
public:
    /// One request with its body (Content-Length), as received; empty at the end of the stream.
    [[nodiscard]] std::string read_request();
    void write(std::string_view bytes);
    /// Waits until the client closes: a black hole.
    void hold();
    /// The connection ends by RST instead of FIN.
    void reset();
    /// Bytes received so far, of all requests, inside TLS.
    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] bool is_resumed() const;

private:
    friend class LoopbackServer;
    [[nodiscard]] long read_some(char* into, std::size_t room);

    int socket_ = -1;
    int stop_ = -1;
    ssl_st* tls_ = nullptr;
    std::string buffer_;
    std::uint64_t received_ = 0;
};

/// A TCP or TLS server on 127.0.0.1 that treats one connection after the other as `serve` says.
class LoopbackServer {
public:
    struct Tls {
        std::string cert_file;
        std::string key_file;
        std::string client_ca_file;  ///< set: clients must present a certificate
    };
    using Serve = std::function<void(LoopbackConnection&)>;

    explicit LoopbackServer(Serve serve) : LoopbackServer(std::move(serve), Tls{}) {}
    LoopbackServer(Serve serve, const Tls& tls);
    ~LoopbackServer();
    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const;
    /// Connections accepted so far.
    [[nodiscard]] int connections() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gerbang
