#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <list>
#include <map>
#include <set>
#include <utility>

#include "common/core/check.hpp"
#include "common/web/status.hpp"
#include "daemon/host/log.hpp"
#include "daemon/serve/connection.hpp"
#include "daemon/serve/http.hpp"
#include "daemon/serve/socket_path.hpp"
#include "daemon/serve/target.hpp"
#include "daemon/serve/tls.hpp"

namespace gerbang {
namespace {

namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

using Acceptor = net::basic_socket_acceptor<Protocol, net::any_io_executor>;
// Of Beast we take what is hard to get right, the parser. Its reading and writing of streams would
// be compiled for each kind of stream, and was a quarter of the executable.
using Parser = http::request_parser<http::string_body>;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr std::size_t kReadAhead = 16384;
constexpr std::size_t kLingerBytes = 4u << 20;
constexpr std::chrono::milliseconds kAcceptPause{100};

class Admission;

/// What the sessions of one server share; dies with the last of them.
struct Shared {
    net::any_io_executor executor;
    ServerLimits limits;
    Handler handler;
    Gate gate;
    std::optional<ssl::context> tls;
    bool is_local = false;
    bool is_stopped = false;
    std::size_t admitted = 0;
    std::set<Connection*> sessions;  ///< those of `admitted` that have begun
    std::map<std::string, std::size_t> per_address;
    std::list<Admission*> unproven;  ///< whose client has shown no credential, oldest first
};

/// Counts one connection from its acceptance to the end of its coroutine, or to its eviction.
class Admission {
public:
    Admission(std::shared_ptr<Shared> shared, std::string address)
        : shared_{std::move(shared)}, address_{std::move(address)} {
        ++shared_->admitted;
        if (!address_.empty()) ++shared_->per_address[address_];
        shared_->unproven.push_back(this);
    }
    ~Admission() {
        leave();
        if (connection_ != nullptr) shared_->sessions.erase(connection_);
    }
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    void watch(Connection& connection) {
        connection_ = &connection;
        shared_->sessions.insert(connection_);
    }
    /// While the handler is at work: it would not notice that its connection is gone.
    void set_busy(bool is_busy) { is_busy_ = is_busy; }
    void prove() { shared_->unproven.remove(this); }
    /// Closes the connection to make room. False when it is not in a state to be closed.
    bool evict() {
        if (connection_ == nullptr || is_busy_) return false;
        leave();
        connection_->close();
        return true;
    }

private:
    void leave() {
        if (std::exchange(has_left_, true)) return;
        --shared_->admitted;
        shared_->unproven.remove(this);
        const auto found = shared_->per_address.find(address_);
        if (found != shared_->per_address.end() && --found->second == 0) {
            shared_->per_address.erase(found);
        }
    }

    std::shared_ptr<Shared> shared_;
    std::string address_;
    Connection* connection_ = nullptr;
    bool is_busy_ = false;
    bool has_left_ = false;
};

/// "Sat, 21 Nov 2026 18:20:13 GMT"
std::string http_date(WallTime at) {
    // Not by gmtime: where time_t has 4 bytes it ends in 2038.
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{day};
    const auto in_day_s = std::chrono::duration_cast<Seconds>(at - day).count();
    constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                  kDays[std::chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                  kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                  static_cast<int>(in_day_s / 3600), static_cast<int>(in_day_s / 60 % 60),
                  static_cast<int>(in_day_s % 60));
    return text.data();
}

ServerResponse problem(int status, const char* title, const std::string& detail) {
    return {.status = status,
            .content_type = "application/problem+json",
            .body = web::problem_json(status, title, detail)};
}

/// The answer to something that is not a request we take; nothing where only closing is left.
std::optional<ServerResponse> answer_to(const error_code& error, const ServerLimits& limits) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return problem(431, "Request Header Fields Too Large",
                       "more than " + std::to_string(limits.max_header_bytes) + " bytes of header");
    }
    if (error == http::error::body_limit) {
        return problem(413, "Content Too Large",
                       "more than " + std::to_string(limits.max_body_bytes) + " bytes of body");
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message) {
        return std::nullopt;
    }
    if (error.category() == http::make_error_code(http::error::bad_version).category()) {
        return problem(400, "Bad Request", error.message());
    }
    return std::nullopt;
}

/// Runs the handler; whatever it throws ends as a logged 500.
net::awaitable<ServerResponse> handled(const Shared& shared, ServerRequest request) {
    const std::string what = request.method + " " + request.path;
    std::string failure;
    try {
        auto response = co_await shared.handler(std::move(request));
        co_return response;
    } catch (const std::exception& error) {
        failure = error.what();
    } catch (...) {
        failure = "unknown exception";
    }
    log(LogLevel::error, "request_failed", {{"request", what}, {"detail", failure}});
    co_return problem(500, "Internal Server Error", "the request failed; see the log");
}

/// `answer` as it goes over the wire. Its fields are ours: no line break can be in them.
std::string text_of(const ServerResponse& answer, bool is_http_1_0, bool is_head, bool keep_alive) {
    const auto reason =
        http::obsolete_reason(http::int_to_status(static_cast<unsigned>(answer.status)));
    std::string text = is_http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
    text += std::to_string(answer.status) + " " + std::string{reason.data(), reason.size()};
    const auto add = [&text](const char* name, const std::string& value) {
        text.append("\r\n").append(name).append(": ").append(value);
    };
    if (is_http_1_0 == keep_alive) add("Connection", keep_alive ? "keep-alive" : "close");
    if (!answer.content_type.empty()) add("Content-Type", answer.content_type);
    if (!answer.allow.empty()) add("Allow", answer.allow);
    if (!answer.link.empty()) add("Link", answer.link);
    if (answer.status == 401) add("WWW-Authenticate", "Bearer");
    if (answer.date) add("Date", http_date(*answer.date));
    if (answer.retry_after) add("Retry-After", std::to_string(answer.retry_after->count()));
    add("Cache-Control", "no-store");
    if (answer.status != 204) add("Content-Length", std::to_string(answer.body.size()));
    text += "\r\n\r\n";
    if (!is_head && answer.status != 204) text += answer.body;
    return text;
}

/// Lets the peer read the last answer although it is still sending: a plain close would reset the
/// connection and destroy it. Bounded in bytes and time.
net::awaitable<void> linger(Connection& connection, const ServerLimits& limits) {
    error_code ignored;
    auto& socket = connection.socket();
    socket.shutdown(Socket::shutdown_send, ignored);
    connection.expires_after(std::min(limits.request_timeout, Millis{2000}));
    std::array<char, 4096> sink{};
    for (std::size_t total = 0; total < kLingerBytes;) {
        const auto [error, size] = co_await socket.async_read_some(net::buffer(sink), kAwait);
        if (error) break;
        total += size;
    }
}

/// The request without its body.
ServerRequest head_of(const http::request<http::string_body>& message, Target target) {
    ServerRequest request;
    request.method = std::string{message.method_string()};
    request.path = std::move(target.path);
    request.query = std::move(target.query);
    request.content_type = std::string{message[http::field::content_type]};
    request.authorization = std::string{message[http::field::authorization]};
    request.accept = std::string{message[http::field::accept]};
    return request;
}

/// What is wrong with a head that parses; `target` is set when nothing is.
std::optional<ServerResponse> defect_of(const http::request<http::string_body>& message,
                                        std::optional<Target>& target) {
    // Any transfer coding: one that we ignored would leave two opinions about where the body ends.
    if (message.count(http::field::transfer_encoding) > 0) {
        return problem(411, "Length Required", "chunked bodies are not taken");
    }
    if (message.count(http::field::authorization) > 1) {
        return problem(400, "Bad Request", "more than one Authorization header");
    }
    target = parse_target({message.target().data(), message.target().size()});
    if (target) return std::nullopt;
    return problem(400, "Bad Request", "the request target is not a plain path");
}

/// Bytes that came and were not parsed yet. Starts small: most sessions never need more, and there
/// may be hundreds that only drip.
class Incoming {
public:
    explicit Incoming(std::size_t capacity) : bytes_(kFirstBytes, '\0'), capacity_{capacity} {}

    [[nodiscard]] bool is_empty() const { return begin_ == end_; }
    [[nodiscard]] net::const_buffer data() const { return {bytes_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t size) { begin_ += size; }
    /// Waits for more; `error::buffer_overflow` when there is no room for it.
    net::awaitable<error_code> read(Connection& connection) {
        std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(begin_),
                  bytes_.begin() + static_cast<std::ptrdiff_t>(end_), bytes_.begin());
        end_ -= std::exchange(begin_, 0);
        if (end_ == bytes_.size()) {
            if (end_ == capacity_) co_return make_error_code(http::error::buffer_overflow);
            bytes_.resize(std::min(capacity_, 4 * bytes_.size()));
        }
        const auto got = co_await connection.read_some(bytes_.data() + end_, bytes_.size() - end_);
        if (got.error) co_return got.error;
        end_ += got.size;
        // A body that comes in bulk is read in bulk.
        if (end_ == bytes_.size()) bytes_.resize(std::min(capacity_, 4 * bytes_.size()));
        co_return error_code{};
    }

private:
    static constexpr std::size_t kFirstBytes = 1024;
    std::string bytes_;
    std::size_t capacity_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// Feeds `parser` until the header, or with `whole` the request, is complete.
net::awaitable<error_code> parse(Connection& connection, Incoming& incoming, Parser& parser,
                                 bool whole) {
    while (!(whole ? parser.is_done() : parser.is_header_done())) {
        error_code error;
        incoming.consume(parser.put(incoming.data(), error));
        if (error && error != http::error::need_more) co_return error;
        if (!error && !incoming.is_empty()) continue;
        if (whole ? parser.is_done() : parser.is_header_done()) break;
        error = co_await incoming.read(connection);
        if (error == net::error::eof) {
            parser.put_eof(error);
            co_return error ? error : make_error_code(http::error::end_of_stream);
        }
        if (error) co_return error;
    }
    co_return error_code{};
}

/// Reads one request, lets the handler answer it. False when the connection is to be closed.
net::awaitable<bool> exchange(Connection& connection, Incoming& incoming, const Shared& shared,
                              Admission& admission, const std::string& client_name) {
    const auto& limits = shared.limits;
    if (incoming.is_empty()) {
        connection.expires_after(limits.idle_timeout);
        const auto error = co_await incoming.read(connection);
        if (error) co_return false;
    }
    // From the first byte on the whole request has one deadline, however it drips.
    connection.expires_after(limits.request_timeout);
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
    parser.body_limit(limits.max_body_bytes);

    auto error = co_await parse(connection, incoming, parser, false);
    std::optional<ServerResponse> refusal;
    std::optional<Target> target;
    ServerRequest request;
    if (!error) refusal = defect_of(parser.get(), target);
    if (target) {
        request = head_of(parser.get(), std::move(*target));
        request.client_name = client_name;
        request.is_local = shared.is_local;
        if (shared.gate) refusal = shared.gate(request);
    }
    if (!error && !refusal && parser.get()[http::field::expect] == "100-continue") {
        const bool sent = co_await connection.write("HTTP/1.1 100 Continue\r\n\r\n");
        if (!sent) co_return false;
    }
    if (!error && !refusal) error = co_await parse(connection, incoming, parser, true);
    if (error) {
        refusal = answer_to(error, limits);
        if (!refusal) co_return false;
    }
    connection.expires_after(limits.request_timeout);
    if (refusal) {
        const auto text = text_of(*refusal, false, false, false);
        const bool sent = co_await connection.write(text);
        if (sent) co_await linger(connection, limits);
        co_return false;
    }

    auto message = parser.release();
    const bool keep_alive = message.keep_alive() && !shared.is_stopped;
    const bool is_head = message.method() == http::verb::head;
    request.body = std::move(message.body());
    connection.expires_never();
    admission.set_busy(true);
    const auto answer = co_await handled(shared, std::move(request));
    admission.set_busy(false);
    if (answer.proves_client) admission.prove();
    if (shared.is_stopped) co_return false;
    connection.expires_after(limits.request_timeout);
    const auto text = text_of(answer, message.version() < 11, is_head, keep_alive);
    const bool sent = co_await connection.write(text);
    co_return sent&& keep_alive;
}

net::awaitable<void> run_session(std::shared_ptr<Shared> shared, Socket socket,
                                 std::unique_ptr<Admission> admission) {
    const auto connection = shared->tls ? tls_connection(std::move(socket), *shared->tls)
                                        : plain_connection(std::move(socket));
    admission->watch(*connection);
    connection->expires_after(shared->limits.request_timeout);
    const bool is_open = co_await connection->open();
    if (is_open) {
        const auto client_name = connection->client_name();
        Incoming incoming{shared->limits.max_header_bytes + kReadAhead};
        for (bool going = true; going && !shared->is_stopped;) {
            going = co_await exchange(*connection, incoming, *shared, *admission, client_name);
        }
        if (!shared->is_stopped) {
            connection->expires_after(std::min(shared->limits.request_timeout, Millis{2000}));
            co_await connection->finish();
        }
    }
    admission.reset();
    connection->close();
}

/// The key under which connections of one neighbour are counted; empty: not counted.
std::string address_key(const Socket& socket) {
    error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return {};
    net::ip::tcp::endpoint endpoint;
    const int family = peer.protocol().family();
    if ((family != AF_INET && family != AF_INET6) || peer.size() > endpoint.capacity()) return {};
    std::memcpy(endpoint.data(), peer.data(), peer.size());
    auto address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
    }
    if (address.is_loopback()) return {};
    if (address.is_v4()) return address.to_string();
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return net::ip::make_address_v6(bytes).to_string();
}

/// Makes room where sessions of strangers take it all: the oldest of them is closed.
bool make_room(Shared& shared) {
    const auto unproven = shared.unproven;  // evicting changes the list
    return std::any_of(unproven.begin(), unproven.end(),
                       [](Admission* oldest) { return oldest->evict(); });
}

/// Whether there is room for one more connection from `address`.
bool admits(Shared& shared, const std::string& address) {
    if (shared.is_stopped) return false;
    const auto cap = shared.limits.max_sessions_per_address;
    const auto found = shared.per_address.find(address);
    if (!address.empty() && cap != 0 && found != shared.per_address.end() && found->second >= cap) {
        return false;
    }
    return shared.admitted < shared.limits.max_sessions || make_room(shared);
}

void report_end(std::exception_ptr failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        log(LogLevel::error, "session_failed", {{"detail", error.what()}});
    } catch (...) {
        log(LogLevel::error, "session_failed", {{"detail", "unknown exception"}});
    }
}

net::awaitable<void> accept_loop(std::shared_ptr<Shared> shared,
                                 std::shared_ptr<Acceptor> acceptor) {
    net::steady_timer pause{shared->executor};
    bool was_failing = false;
    while (!shared->is_stopped) {
        auto [error, socket] = co_await acceptor->async_accept(kAwait);
        if (shared->is_stopped) break;
        if (error) {
            // Out of descriptors, mostly: the connection stays in the queue, so do not spin.
            if (!was_failing)
                log(LogLevel::warning, "accept_failed", {{"detail", error.message()}});
            was_failing = true;
            pause.expires_after(kAcceptPause);
            (void)co_await pause.async_wait(kAwait);
            continue;
        }
        was_failing = false;
        auto address = address_key(socket);
        if (!admits(*shared, address)) continue;  // closes it
        auto admission = std::make_unique<Admission>(shared, std::move(address));
        net::co_spawn(shared->executor,
                      run_session(shared, std::move(socket), std::move(admission)), report_end);
    }
}

class Server final : public HttpServer {
public:
    Server(std::shared_ptr<Shared> shared, std::shared_ptr<Acceptor> acceptor, std::uint16_t port,
           std::string unix_path)
        : shared_{std::move(shared)},
          acceptor_{std::move(acceptor)},
          port_{port},
          unix_path_{std::move(unix_path)} {
        struct stat file {};
        if (!unix_path_.empty() && ::lstat(unix_path_.c_str(), &file) == 0) inode_ = file.st_ino;
        net::co_spawn(shared_->executor, accept_loop(shared_, acceptor_), report_end);
    }
    ~Server() override { stop(); }

    [[nodiscard]] std::uint16_t port() const override { return port_; }

    void stop() override {
        if (std::exchange(shared_->is_stopped, true)) return;
        error_code ignored;
        acceptor_->close(ignored);
        for (auto* session : shared_->sessions) session->close();
        struct stat file {};
        // A successor may have put its own socket there already.
        if (!unix_path_.empty() && ::lstat(unix_path_.c_str(), &file) == 0 &&
            file.st_ino == inode_) {
            ::unlink(unix_path_.c_str());
        }
    }

private:
    std::shared_ptr<Shared> shared_;
    std::shared_ptr<Acceptor> acceptor_;
    std::uint16_t port_;
    std::string unix_path_;
    ino_t inode_ = 0;
};

Error refused(const std::string& operation, const std::string& why) {
    return Error{Errc::bad_input, operation + ": " + why};
}

Result<Protocol::endpoint> endpoint_of(const Listen& listen) {
    if (!listen.unix_path.empty()) {
        if (listen.unix_path.size() >= sizeof(sockaddr_un{}.sun_path)) {
            return refused("listen on " + listen.unix_path, "path longer than 107 bytes");
        }
        if (auto cleared = clear_socket_path(listen.unix_path); !cleared) return cleared.error();
        return Protocol::endpoint{net::local::stream_protocol::endpoint{listen.unix_path}};
    }
    error_code error;
    const auto address = net::ip::make_address(listen.address, error);
    if (error) return refused("listen on " + listen.address, "not a numeric IP address");
    return Protocol::endpoint{net::ip::tcp::endpoint{address, listen.port}};
}

Result<std::shared_ptr<Acceptor>> bind(net::any_io_executor executor, const Listen& listen) {
    const auto endpoint = endpoint_of(listen);
    if (!endpoint) return endpoint.error();
    const std::string operation =
        "listen on " + (listen.unix_path.empty()
                            ? (listen.interface.empty() ? "" : listen.interface + " ") +
                                  listen.address + " port " + std::to_string(listen.port)
                            : listen.unix_path);
    auto acceptor = std::make_shared<Acceptor>(executor);
    error_code error;
    acceptor->open(endpoint->protocol(), error);
    if (!error && listen.unix_path.empty()) {
        acceptor->set_option(Acceptor::reuse_address{true}, error);
    }
    const auto& device = listen.interface;
    if (!error && !device.empty() &&
        ::setsockopt(acceptor->native_handle(), SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                     static_cast<socklen_t>(device.size())) != 0) {
        error = error_code{errno, boost::system::system_category()};
    }
    if (!error) acceptor->bind(*endpoint, error);
    // Before listen(2) nobody can connect, so there is no moment with wider rights.
    if (!error && !listen.unix_path.empty() && ::chmod(listen.unix_path.c_str(), 0660) != 0) {
        error = error_code{errno, boost::system::system_category()};
    }
    if (!error) acceptor->listen(128, error);
    if (error) return refused(operation, error.message());
    return acceptor;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> start_server(net::any_io_executor executor,
                                                 const Listen& listen, const ServerLimits& limits,
                                                 Handler handler, Gate gate) {
    GERBANG_CHECK(handler);
    auto shared = std::make_shared<Shared>();
    shared->executor = executor;
    shared->limits = limits;
    shared->handler = std::move(handler);
    shared->gate = std::move(gate);
    shared->is_local = !listen.unix_path.empty();
    try {
        if (!listen.cert_file.empty()) {
            shared->tls.emplace(ssl::context::tls_server);
            if (auto loaded = load_tls(*shared->tls, listen); !loaded) return loaded.error();
        }
        auto acceptor = bind(executor, listen);
        if (!acceptor) return acceptor.error();
        std::uint16_t port = 0;
        if (!shared->is_local) {
            net::ip::tcp::endpoint bound;
            const auto local = (*acceptor)->local_endpoint();
            std::memcpy(bound.data(), local.data(), std::min(local.size(), bound.capacity()));
            port = bound.port();
        }
        std::unique_ptr<HttpServer> server = std::make_unique<Server>(
            std::move(shared), std::move(*acceptor), port, listen.unix_path);
        return server;
    } catch (const std::exception& error) {
        return refused("start the HTTP server", error.what());
    }
}

}  // namespace gerbang
