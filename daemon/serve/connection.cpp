#include "daemon/serve/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "daemon/serve/tls.hpp"

namespace gerbang {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);

/// The deadline and the end of a connection, the same for both kinds.
class Deadlined : public Connection, public std::enable_shared_from_this<Deadlined> {
public:
    explicit Deadlined(const net::any_io_executor& executor) : timer_{executor} {}

    void close() override {
        error_code ignored;
        expires_never();
        socket().close(ignored);
    }
    void expires_after(Millis span) override {
        const auto armed = ++armed_;
        timer_.expires_after(std::chrono::milliseconds{span.count()});
        timer_.async_wait([weak = weak_from_this(), armed](const error_code& error) {
            const auto self = weak.lock();
            // One that was set anew in the very moment it expired is not this one any more.
            if (!error && self && self->armed_ == armed) self->close();
        });
    }
    void expires_never() override {
        ++armed_;
        timer_.cancel();
    }

private:
    net::basic_waitable_timer<std::chrono::steady_clock,
                              net::wait_traits<std::chrono::steady_clock>, net::any_io_executor>
        timer_;
    std::uint64_t armed_ = 0;
};

/// Reads and writes of either kind of stream.
template <class Stream>
net::awaitable<Transfer> read_some_of(Stream& stream, void* into, std::size_t size) {
    const auto [error, count] =
        co_await stream.async_read_some(net::mutable_buffer{into, size}, kAwait);
    co_return Transfer{error, count};
}

template <class Stream>
net::awaitable<bool> write_to(Stream& stream, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto [error, count] =
            co_await stream.async_write_some(net::const_buffer{bytes.data(), bytes.size()}, kAwait);
        if (error) co_return false;
        bytes.remove_prefix(count);
    }
    co_return true;
}

class PlainConnection final : public Deadlined {
public:
    explicit PlainConnection(Socket socket)
        : Deadlined{socket.get_executor()}, socket_{std::move(socket)} {}

    net::awaitable<bool> open() override { co_return true; }
    net::awaitable<Transfer> read_some(void* into, std::size_t size) override {
        return read_some_of(socket_, into, size);
    }
    net::awaitable<bool> write(std::string_view bytes) override { return write_to(socket_, bytes); }
    net::awaitable<void> finish() override { co_return; }
    Socket& socket() override { return socket_; }
    std::string client_name() override { return {}; }

private:
    Socket socket_;
};

class TlsConnection final : public Deadlined {
public:
    TlsConnection(Socket socket, ssl::context& context)
        : Deadlined{socket.get_executor()}, stream_{std::move(socket), context} {}

    net::awaitable<bool> open() override {
        const auto [error] = co_await stream_.async_handshake(ssl::stream_base::server, kAwait);
        co_return !error;
    }
    net::awaitable<Transfer> read_some(void* into, std::size_t size) override {
        return read_some_of(stream_, into, size);
    }
    net::awaitable<bool> write(std::string_view bytes) override { return write_to(stream_, bytes); }
    net::awaitable<void> finish() override { (void)co_await stream_.async_shutdown(kAwait); }
    Socket& socket() override { return stream_.next_layer(); }
    std::string client_name() override { return client_name_of(stream_.native_handle()); }

private:
    ssl::stream<Socket> stream_;
};

}  // namespace

std::shared_ptr<Connection> plain_connection(Socket socket) {
    return std::make_shared<PlainConnection>(std::move(socket));
}

std::shared_ptr<Connection> tls_connection(Socket socket, ssl::context& context) {
    return std::make_shared<TlsConnection>(std::move(socket), context);
}

}  // namespace gerbang
