#include <sys/stat.h>

#include <fstream>
#include <list>
#include <mutex>
#include <vector>

#include "daemon/host/log.hpp"
#include "tests/daemon/serve/served.hpp"
#include "tests/support/temp_folder.hpp"

namespace gerbang {
namespace {

ServerLimits tight() {
    ServerLimits limits;
    limits.max_header_bytes = 1024;
    limits.max_body_bytes = 4096;
    return limits;
}

std::string status_of(const std::string& answer) {
    return answer.substr(0, answer.find('\r'));
}

std::string last_line;
std::mutex last_line_lock;

}  // namespace

TEST_CASE("HttpServer answers what is no request with 400 and closes", "[serve]") {
    Served served{loopback(), tight()};
    for (const std::string bad :
         {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
          "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET * HTTP/1.1\r\n\r\n",
          "GET http://x/ HTTP/1.1\r\n\r\n", "GET /#f HTTP/1.1\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
          "GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
          "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"}) {
        RawClient client{served.port()};
        client.write(bad);
        client.shut_write();
        const auto answer = client.read_to_end();
        INFO(bad << " -> " << answer);
        CHECK(status_of(answer) == "HTTP/1.1 400 Bad Request");
        CHECK(answer.find("application/problem+json") != std::string::npos);
        CHECK(answer.find("Connection: close") != std::string::npos);
    }
    CHECK(served.handled == 0);
}

TEST_CASE("HttpServer refuses a giant header with 431", "[serve]") {
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    client.write("GET / HTTP/1.1\r\nX: " + std::string(200'000, 'a') + "\r\n\r\n");
    CHECK(status_of(client.read_to_end()) == "HTTP/1.1 431 Request Header Fields Too Large");
    RawClient many{served.port()};
    std::string headers;
    for (int i = 0; i < 2000; ++i) headers += "a" + std::to_string(i) + ": b\r\n";
    many.write("GET / HTTP/1.1\r\n" + headers + "\r\n");
    CHECK(status_of(many.read_to_end()) == "HTTP/1.1 431 Request Header Fields Too Large");
    CHECK(served.handled == 0);
}

TEST_CASE("HttpServer refuses a giant body with 413 that the client can read while it still sends",
          "[serve]") {
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    client.write("POST /x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
    client.write(std::string(1'000'000, 'b'));
    client.shut_write();
    CHECK(status_of(client.read_to_end()) == "HTTP/1.1 413 Payload Too Large");
    RawClient claim{served.port()};
    claim.write("POST /x HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n");
    claim.shut_write();
    CHECK(status_of(claim.read_to_end()) == "HTTP/1.1 413 Payload Too Large");
    CHECK(served.handled == 0);
}

TEST_CASE("HttpServer takes a body up to the limit to the byte", "[serve]") {
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    client.write("POST /x HTTP/1.1\r\nContent-Length: 4096\r\n\r\n" + std::string(4096, 'b'));
    CHECK(client.read_through("\n").substr(0, 15) == "HTTP/1.1 200 OK");
    CHECK(client.read_through("body=4096\n").find("POST /x") != std::string::npos);
    client.write("POST /x HTTP/1.1\r\nContent-Length: 4097\r\n\r\n" + std::string(4097, 'b'));
    CHECK(status_of(client.read_to_end()) == "HTTP/1.1 413 Payload Too Large");
}

TEST_CASE("HttpServer refuses chunked bodies with 411", "[serve]") {
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    client.write("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    client.shut_write();
    CHECK(status_of(client.read_to_end()) == "HTTP/1.1 411 Length Required");
    CHECK(served.handled == 0);
}

TEST_CASE("HttpServer cuts off a request that drips past its deadline", "[serve]") {
    auto limits = tight();
    limits.request_timeout = 150ms;
    Served served{loopback(), limits};
    RawClient client{served.port()};
    client.write("GET / HTTP/1.1\r\nX: ");
    bool is_closed = false;
    // A byte every 10 ms, far below every idle limit; a minute of them would be a broken server.
    for (int i = 0; i < 6000 && !is_closed; ++i) {
        is_closed = client.is_closed(10ms) || !client.write("a");
    }
    CHECK(is_closed);
    CHECK(served.handled == 0);
}

TEST_CASE("HttpServer closes a connection that stays idle", "[serve]") {
    auto limits = tight();
    limits.idle_timeout = 100ms;
    Served served{loopback(), limits};
    RawClient silent{served.port()};
    CHECK(silent.is_closed());
    std::string answer;
    // Where this machine takes longer than 100 ms to ask, the connection is idle before that.
    for (int tries = 0; tries < 1000 && answer.empty(); ++tries) {
        RawClient once{served.port()};
        once.write("GET /a HTTP/1.1\r\n\r\n");
        answer = once.read_through("body=0\n");
        if (!answer.empty()) CHECK(once.is_closed());
    }
    CHECK(answer.substr(0, 15) == "HTTP/1.1 200 OK");
}

TEST_CASE("HttpServer survives half a request and a vanished client", "[serve]") {
    Served served{loopback(), tight()};
    for (const std::string half : {"", "G", "GET / HT", "GET / HTTP/1.1\r\nX: y\r\n",
                                   "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"}) {
        RawClient client{served.port()};
        client.write(half);
        client.shut_write();
        CHECK(client.read_to_end().empty());
    }
    CHECK(served.handled == 0);
    RawClient client{served.port()};
    client.write("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
    CHECK(status_of(client.read_to_end()) == "HTTP/1.1 200 OK");
}

TEST_CASE("HttpServer refuses any transfer coding, for two opinions about a body's end smuggle",
          "[serve]") {
    Served served{loopback(), tight()};
    for (const std::string coding : {"gzip", "identity", "chunked, gzip", "xchunked"}) {
        RawClient client{served.port()};
        client.write("POST /x HTTP/1.1\r\nTransfer-Encoding: " + coding +
                     "\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n");
        client.shut_write();
        const auto status = status_of(client.read_to_end());
        CHECK((status == "HTTP/1.1 411 Length Required" || status == "HTTP/1.1 400 Bad Request"));
    }
    CHECK(served.handled == 0);
}

TEST_CASE("HttpServer lets its gate refuse a request before a byte of the body is read",
          "[serve]") {
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    // The body never comes: the answer cannot have waited for it.
    client.write("POST /closed HTTP/1.1\r\nContent-Length: 4096\r\n\r\n");
    CHECK(client.read_through("no\n").substr(0, 25) == "HTTP/1.1 401 Unauthorized");
    client.shut_write();
    (void)client.read_to_end();
    RawClient careful{served.port()};
    careful.write("POST /closed HTTP/1.1\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    CHECK(careful.read_through("no\n").substr(0, 25) == "HTTP/1.1 401 Unauthorized");
    CHECK(served.handled == 0);
}

TEST_CASE("HttpServer full of silent strangers lets newcomers in and keeps proven clients",
          "[serve]") {
    auto limits = tight();
    limits.max_sessions = 8;
    limits.idle_timeout = 300s;
    Served served{loopback(), limits};
    RawClient known{served.port()};
    known.write("GET /proof HTTP/1.1\r\n\r\n");
    REQUIRE_FALSE(known.read_through("body=0\n").empty());
    std::list<RawClient> strangers;
    for (int i = 0; i < 50; ++i) {
        strangers.emplace_back(served.port());
        if (i % 2 == 0) strangers.back().write("POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\n");
    }
    RawClient newcomer{served.port()};
    newcomer.write("GET /a HTTP/1.1\r\n\r\n");
    CHECK_FALSE(newcomer.read_through("body=0\n").empty());
    known.write("GET /a HTTP/1.1\r\n\r\n");
    CHECK_FALSE(known.read_through("body=0\n").empty());
    CHECK(strangers.front().is_closed());
}

TEST_CASE("HttpServer closes what comes past max_sessions and takes more when some left",
          "[serve]") {
    auto limits = tight();
    limits.max_sessions = 8;
    Served served{loopback(), limits};
    std::list<RawClient> clients;
    for (int i = 0; i < 200; ++i) clients.emplace_back(served.port());
    std::size_t open = 0;
    for (auto& client : clients) {
        client.write("GET /proof HTTP/1.1\r\n\r\n");
        open += client.read_through("body=0\n").empty() ? 0U : 1U;
    }
    CHECK(open == 8);
    CHECK(served.handled == 8);
    clients.clear();
    // The server notices the closed ones in its own time.
    bool is_served = false;
    const auto limit = std::chrono::steady_clock::now() + kPatience;
    while (!is_served && std::chrono::steady_clock::now() < limit) {
        RawClient client{served.port()};
        client.write("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
        is_served = !client.read_to_end().empty();
    }
    CHECK(is_served);
}

TEST_CASE("HttpServer answers pipelined requests in order, one at a time", "[serve]") {
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    client.write(
        "POST /1?a=b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\n"
        "GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n");
    const auto answers = client.read_to_end();
    const auto first = answers.find("POST /1?a=b name= local=no body=3");
    const auto second = answers.find("GET /2? name= local=no body=0");
    const auto third = answers.find("GET /3? name= local=no body=0");
    REQUIRE(third != std::string::npos);
    CHECK(first < second);
    CHECK(second < third);
}

TEST_CASE("HttpServer hands HEAD and unknown methods to the handler and sends no body to HEAD",
          "[serve]") {
    Served served{loopback(), tight()};
    RawClient head{served.port()};
    head.write("HEAD /a HTTP/1.1\r\nConnection: close\r\n\r\n");
    const auto answer = head.read_to_end();
    const std::string body = "HEAD /a? name= local=no body=0\n";
    CHECK(answer.find("Content-Length: " + std::to_string(body.size()) + "\r\n") !=
          std::string::npos);
    CHECK(answer.substr(answer.size() - 4) == "\r\n\r\n");
    RawClient odd{served.port()};
    odd.write("BREW /pot HTTP/1.1\r\nConnection: close\r\n\r\n");
    CHECK(odd.read_to_end().find("BREW /pot") != std::string::npos);
}

TEST_CASE("HttpServer ends the connection after HTTP/1.0 and writes the optional headers",
          "[serve]") {
    Served served{loopback(), tight()};
    RawClient old{served.port()};
    old.write("GET /late HTTP/1.0\r\n\r\n");
    CHECK(old.read_to_end().find("Retry-After: 7\r\n") != std::string::npos);
    RawClient dated{served.port()};
    dated.write("GET /date HTTP/1.0\r\n\r\n");
    CHECK(dated.read_to_end().find("Date: Sat, 21 Nov 2026 18:20:13 GMT\r\n") != std::string::npos);
}

TEST_CASE("HttpServer tells a careful client to go on before the body", "[serve]") {
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    client.write("POST /x HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.read_through("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.write("abc");
    CHECK(client.read_through("body=3\n").substr(0, 15) == "HTTP/1.1 200 OK");
}

TEST_CASE("HttpServer turns a throwing handler into a logged 500 and goes on", "[serve]") {
    set_log_sink([](std::string_view line) {
        const std::lock_guard lock{last_line_lock};
        last_line = line;
    });
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    client.write("GET /throw HTTP/1.1\r\n\r\n");
    const auto answer = client.read_through("}");
    CHECK(status_of(answer) == "HTTP/1.1 500 Internal Server Error");
    CHECK(answer.find("boom") == std::string::npos);
    client.write("GET /a HTTP/1.1\r\n\r\n");
    CHECK(client.read_through("body=0\n").find("GET /a") != std::string::npos);
    set_log_sink(nullptr);
    const std::lock_guard lock{last_line_lock};
    CHECK(last_line.find("request_failed") != std::string::npos);
    CHECK(last_line.find("boom") != std::string::npos);
}

TEST_CASE("HttpServer ends every connection promptly when it is stopped", "[serve]") {
    auto limits = tight();
    limits.idle_timeout = 300s;
    limits.request_timeout = 300s;
    // An address of this test alone: nobody else takes its port once it is free.
    const in_addr_t alone = 0x7f4a0b07;
    auto listen = loopback();
    listen.address = "127.74.11.7";
    Served served{listen, limits};
    RawClient idle{served.port(), alone};
    RawClient half{served.port(), alone};
    half.write("GET / HT");
    RawClient kept{served.port(), alone};
    kept.write("GET /a HTTP/1.1\r\n\r\n");
    CHECK_FALSE(kept.read_through("body=0\n").empty());
    CHECK(served.ends_when_stopped());
    CHECK(idle.read_to_end().empty());
    CHECK(half.read_to_end().empty());
    CHECK(kept.read_to_end().empty());
    CHECK_FALSE(RawClient{served.port(), alone}.is_connected());
}

TEST_CASE("HttpServer may be destroyed while a handler is still at work", "[serve]") {
    Served served{loopback(), tight()};
    RawClient client{served.port()};
    client.write("GET /hang HTTP/1.1\r\n\r\n");
    for (int i = 0; i < 6000 && served.handled == 0; ++i) (void)client.is_closed(10ms);
    CHECK(served.handled == 1);
    served.stop();
    CHECK(client.read_to_end().empty());
}

TEST_CASE("HttpServer says which address it cannot have", "[serve]") {
    net::io_context io;
    const Handler handler = [](ServerRequest) -> net::awaitable<ServerResponse> {
        co_return ServerResponse{};
    };
    const auto error_of = [&](const Listen& listen) {
        const auto server = start_server(io.get_executor(), listen, {}, handler);
        REQUIRE_FALSE(server);
        CHECK(server.error().code == Errc::bad_input);
        return server.error().detail;
    };
    Served served{loopback()};
    auto listen = loopback();
    listen.port = served.port();
    CHECK(error_of(listen) ==
          "listen on 127.0.0.1 port " + std::to_string(listen.port) + ": Address already in use");
    listen.address = "localhost";
    CHECK(error_of(listen) == "listen on localhost: not a numeric IP address");
    listen = loopback();
    listen.cert_file = "/nowhere/cert.pem";
    CHECK(error_of(listen).substr(0, 34) == "read certificate /nowhere/cert.pem");
}

// The UNIX socket ---------------------------------------------------------------------------------

TEST_CASE("HttpServer makes its UNIX socket 0660, serves it as local and removes it", "[serve]") {
    TempFolder folder;
    Listen listen;
    listen.unix_path = folder.file("gerbang.sock");
    ServerLimits limits;
    limits.idle_timeout = 300s;
    limits.request_timeout = 300s;
    Served served{listen, limits};
    struct stat file {};
    REQUIRE(::stat(listen.unix_path.c_str(), &file) == 0);
    CHECK((file.st_mode & 0777) == 0660);
    RawClient client{listen.unix_path};
    client.write("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
    CHECK(client.read_to_end().find("local=yes") != std::string::npos);
    CHECK(served.ends_when_stopped());
    CHECK(::stat(listen.unix_path.c_str(), &file) != 0);
}

TEST_CASE("HttpServer replaces the socket of a dead process only", "[serve]") {
    TempFolder folder;
    Listen listen;
    listen.unix_path = folder.file("gerbang.sock");
    net::io_context io;
    const Handler handler = [](ServerRequest) -> net::awaitable<ServerResponse> {
        co_return ServerResponse{};
    };
    SECTION("one that nobody serves is replaced") {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        listen.unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::close(fd);
        CHECK(start_server(io.get_executor(), listen, {}, handler));
    }
    SECTION("one that answers is left alone") {
        Served served{listen};
        const auto second = start_server(io.get_executor(), listen, {}, handler);
        REQUIRE_FALSE(second);
        CHECK(second.error().detail.find("another process answers") != std::string::npos);
        RawClient client{listen.unix_path};
        client.write("GET /a HTTP/1.0\r\n\r\n");
        CHECK_FALSE(client.read_to_end().empty());
    }
    SECTION("a file that is no socket is left alone") {
        std::ofstream{listen.unix_path} << "precious";
        CHECK_FALSE(start_server(io.get_executor(), listen, {}, handler));
        std::string text;
        std::ifstream{listen.unix_path} >> text;
        CHECK(text == "precious");
    }
    SECTION("a path that is too long is refused") {
        listen.unix_path = folder.file(std::string(120, 'x'));
        CHECK_FALSE(start_server(io.get_executor(), listen, {}, handler));
    }
}

}  // namespace gerbang
