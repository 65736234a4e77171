#pragma once

// One accepted connection, plain or TLS, behind one face: whatever is written against it is
// compiled once. For .cpp files of daemon/serve only: it brings sockets with it.

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "common/core/time.hpp"
#include "daemon/host/async.hpp"

namespace boost::asio::ssl {
class context;
}

namespace gerbang {

/// One protocol type for TCP and UNIX sockets.
using Protocol = net::generic::stream_protocol;
using Socket = net::basic_stream_socket<Protocol, net::any_io_executor>;

/// What a read or write came to. `size` is meaningless after an error.
struct Transfer {
    boost::system::error_code error;
    std::size_t size = 0;
};

/// Executor's thread only; at most one read or write at a time. Owned by the coroutine that uses
/// it, and shared with its own deadline.
class Connection {
public:
    virtual ~Connection() = default;

    /// Readies the stream: the TLS handshake; nothing on a plain one. False: close it.
    [[nodiscard]] virtual net::awaitable<bool> open() = 0;
    /// At least one byte, or an error; at the end of the stream `net::error::eof`.
    [[nodiscard]] virtual net::awaitable<Transfer> read_some(void* into, std::size_t size) = 0;
    /// All of `bytes`, which must stay until then. False: it failed.
    [[nodiscard]] virtual net::awaitable<bool> write(std::string_view bytes) = 0;
    /// Says goodbye as the protocol wants it. The socket is closed by `close` or destruction.
    [[nodiscard]] virtual net::awaitable<void> finish() = 0;
    /// Ends what is under way with an error. Idempotent.
    virtual void close() = 0;
    /// Closes the connection after `span`, unless set anew before.
    virtual void expires_after(Millis span) = 0;
    virtual void expires_never() = 0;
    /// The socket below, for what bypasses the stream.
    [[nodiscard]] virtual Socket& socket() = 0;
    /// Common name of the verified client certificate; empty: none.
    [[nodiscard]] virtual std::string client_name() = 0;
};

[[nodiscard]] std::shared_ptr<Connection> plain_connection(Socket socket);
/// `context` must outlive the connection.
[[nodiscard]] std::shared_ptr<Connection> tls_connection(Socket socket, net::ssl::context& context);

}  // namespace gerbang
