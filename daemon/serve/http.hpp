#pragma once

// The HTTP server (Beast, in http_server.cpp only) and the pure handlers behind it. The province
// uses the HTTP part too.

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"

namespace gerbang {

struct ServerRequest {
    std::string method;
    std::string path;   ///< without the query
    std::string query;  ///< raw, after '?'
    std::string body;
    std::string content_type;
    std::string authorization;  ///< raw header; never logged
    std::string accept;         ///< raw header
    std::string client_name;    ///< common name of a verified client certificate; empty: none
    bool is_local = false;      ///< came over the UNIX socket
};

struct ServerResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::optional<Seconds> retry_after = std::nullopt;
    std::string allow = {};  ///< Allow header, with 405
    std::string link = {};   ///< Link header; ours, without line breaks
    /// Date header. The province sets it: devices without a clock take the time from it.
    std::optional<WallTime> date = std::nullopt;
    /// The client has shown who it is: from now on its session is not closed to make room.
    bool proves_client = false;
};

/// Answers one complete request on the server's executor. An exception becomes a logged 500.
using Handler = std::function<net::awaitable<ServerResponse>(ServerRequest)>;

/// Looks at a request before its body is read (`body` is empty); a response refuses it, unread, and
/// closes the connection. Whoever has no credential must not fill memory. Must not throw.
using Gate = std::function<std::optional<ServerResponse>(const ServerRequest& head)>;

struct ServerLimits {
    std::size_t max_sessions = 64;
    std::size_t max_header_bytes = 8192;
    std::size_t max_body_bytes = 1u << 20;
    Millis idle_timeout{30000};
    Millis request_timeout{20000};  ///< for a TLS handshake, one request, one answer each
    /// From one IPv4 address or IPv6 /64 that is not loopback; 0: no cap. A listener on the LAN
    /// takes 8. The province must not: whole districts share one address behind a carrier's NAT.
    std::size_t max_sessions_per_address = 0;
};

struct Listen {
    std::string unix_path;   ///< set: a UNIX socket, mode 0660
    std::string address;     ///< else numeric address and port
    std::uint16_t port = 0;  ///< 0: any free port, see `HttpServer::port`
    std::string cert_file;   ///< set: TLS 1.2+
    std::string key_file;
    std::string client_ca_file;  ///< set: clients must present a certificate of this CA
    bool certificate_is_optional =
        false;  ///< they may, rather; a wrong one is refused all the same
    /// Set: what arrives by this interface alone. It must exist, and the listener ends with it
    /// without a word: see to it that another is started when the interface comes again.
    std::string interface;
};

/// Accepts connections and feeds complete requests to the handler, one at a time per connection.
///
/// Every limit is enforced. Past `max_sessions` a new connection takes the place of the oldest one
/// whose client has proved nothing (`ServerResponse::proves_client`) and for which no handler is at
/// work; where there is none, it is closed at once. What cannot be a request is answered here (400,
/// 411 for chunked bodies, 413, 431) and the connection closed; a request that is too slow is cut
/// off. Executor's thread only. Destruction stops it.
class HttpServer {
public:
    virtual ~HttpServer() = default;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    /// Closes the listener and all connections and removes the UNIX socket; the coroutines then
    /// end, those inside the handler when it returns. Idempotent.
    virtual void stop() = 0;
};

/// Binds and starts to accept on `executor`. `bad_input` names address and remedy ("address in
/// use", certificate unreadable). A socket file that a dead process left is replaced, one that
/// answers and any other kind of file are not.
[[nodiscard]] Result<std::unique_ptr<HttpServer>> start_server(net::any_io_executor executor,
                                                               const Listen& listen,
                                                               const ServerLimits& limits,
                                                               Handler handler, Gate gate = {});

}  // namespace gerbang
