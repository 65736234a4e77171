#include "daemon/net/curl_uplink.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/host/log.hpp"
#include "tests/daemon/net/loopback_server.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;

namespace {

net::awaitable<void> send_into(Uplink& uplink, UplinkRequest request,
                               std::optional<Result<HttpAnswer>>& into) {
    into = co_await uplink.send(std::move(request));
}

void rethrow(std::exception_ptr problem) {
    if (problem) std::rethrow_exception(problem);
}

/// Sends `requests` at the same time and waits for all their answers.
std::vector<Result<HttpAnswer>> exchange_all(Uplink& uplink, std::vector<UplinkRequest> requests) {
    net::io_context loop;
    std::vector<std::optional<Result<HttpAnswer>>> answers(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
        net::co_spawn(loop, send_into(uplink, std::move(requests[i]), answers[i]), rethrow);
    }
    loop.run();
    std::vector<Result<HttpAnswer>> complete;
    for (auto& answer : answers) complete.push_back(std::move(answer.value()));
    return complete;
}

Result<HttpAnswer> exchange(Uplink& uplink, UplinkRequest request) {
    std::vector<UplinkRequest> one;
    one.push_back(std::move(request));
    return std::move(exchange_all(uplink, std::move(one)).front());
}

UplinkRequest post(std::string body, Millis timeout = Millis{60'000}) {
    UplinkRequest request;
    request.method = "POST";
    request.path = "/v1/batches";
    request.body = std::move(body);
    request.content_type = "application/vnd.gerbang.batch";
    request.timeout = timeout;
    return request;
}

std::unique_ptr<Uplink> open(CurlThread& thread, const UplinkTarget& target) {
    auto uplink = open_uplink(thread, target);
    if (!uplink) FAIL(uplink.error().detail);
    return std::move(*uplink);
}

UplinkTarget plain(const LoopbackServer& server) {
    UplinkTarget target;
    target.url = server.url();
    return target;
}

std::string ok_answer(const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more +
           "\r\n" + body;
}

void answer_all(LoopbackConnection& connection) {
    while (!connection.read_request().empty()) connection.write(ok_answer("hello"));
}

Errc code_of(const Result<HttpAnswer>& answer) {
    REQUIRE_FALSE(answer);
    UNSCOPED_INFO(answer.error().detail);
    return answer.error().code;
}

bool mentions(const Result<HttpAnswer>& answer, const std::string& text) {
    UNSCOPED_INFO(answer.error().detail);
    return answer.error().detail.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("Uplink refuses a target that is unsafe or incomplete", "[net]") {
    CurlThread thread;
    const TempFolder folder;
    std::ofstream{folder.file("ca.pem")} << "x";
    const auto opens = [&](const UplinkTarget& target) {
        auto uplink = open_uplink(thread, target);
        if (!uplink) CHECK(uplink.error().code == Errc::bad_input);
        return uplink.has_value();
    };
    UplinkTarget target;
    target.ca_file = folder.file("ca.pem");
    for (const char* url :
         {"", "province.example", "ftp://province.example", "http://province.example",
          "http://127.evil.example", "https://user@province.example",
          "https://user:word@province.example", "https://province.example/path",
          "https://province.example?key=1", "https://", "file:///etc/passwd"}) {
        INFO(url);
        target.url = url;
        CHECK_FALSE(opens(target));
    }
    target.url = "https://province.example:8443/";
    CHECK(opens(target));
    target.url = "http://127.0.0.1:80";
    CHECK(opens(target));
    target.url = "http://province.example";
    target.allow_plain = true;
    CHECK(opens(target));
    target.url = "https://province.example";
    target.cert_file = folder.file("ca.pem");
    CHECK_FALSE(opens(target));
    target.key_file = folder.file("missing.key");
    CHECK_FALSE(opens(target));
    target.cert_file.clear();
    target.key_file.clear();
    target.ca_file = folder.file("missing.pem");
    CHECK_FALSE(opens(target));
    target.ca_file.clear();
    CHECK_FALSE(opens(target));
}

TEST_CASE("Uplink reports a refused connection as unreachable", "[net]") {
    // Bound and not listening: it refuses, and nobody can take its port.
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    UplinkTarget target;
    target.url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    CurlThread thread;
    const auto uplink = open(thread, target);
    const auto answer = exchange(*uplink, post("x"));
    CHECK(code_of(answer) == Errc::unreachable);
    CHECK(mentions(answer, "POST " + target.url + "/v1/batches"));
    ::close(fd);
}

TEST_CASE("Uplink gives up on a black hole when its time is over", "[net]") {
    const LoopbackServer server{[](LoopbackConnection& connection) { connection.hold(); }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    // A machine that needs longer than that to send anything at all gets twice the time.
    Millis timeout{200};
    for (; uplink->traffic().sent_bytes == 0 && timeout < Millis{60'000}; timeout *= 2) {
        CHECK(code_of(exchange(*uplink, post("x", timeout))) == Errc::unreachable);
    }
    CHECK(uplink->traffic().sent_bytes > 0);
}

TEST_CASE("Uplink gives up on an answer that drips beyond its time", "[net]") {
    const LoopbackServer server{[](LoopbackConnection& connection) {
        (void)connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
        connection.hold();
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    CHECK(code_of(exchange(*uplink, post("x", Millis{300}))) == Errc::unreachable);
}

TEST_CASE("Uplink reports a connection reset in mid-body as unreachable", "[net]") {
    const LoopbackServer server{[](LoopbackConnection& connection) {
        (void)connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it");
        connection.reset();
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    CHECK(code_of(exchange(*uplink, post("x"))) == Errc::unreachable);
}

TEST_CASE("Uplink takes no body beyond 1 MiB and no endless header", "[net]") {
    const bool is_header = GENERATE(false, true);
    const LoopbackServer server{[is_header](LoopbackConnection& connection) {
        (void)connection.read_request();
        const std::string lump(1u << 16, 'x');
        if (is_header) {
            connection.write("HTTP/1.1 200 OK\r\n");
            for (int i = 0; i < 40; ++i) {
                connection.write("X-Filler: " + std::string(1000, 'x') + "\r\n");
            }
        } else {
            connection.write("HTTP/1.1 200 OK\r\n\r\n");
            for (int i = 0; i < 17; ++i) connection.write(lump);
        }
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    const auto answer = exchange(*uplink, post("x"));
    CHECK(code_of(answer) == Errc::unreachable);
    CHECK(mentions(answer, "larger than"));
}

TEST_CASE("Uplink reports what is not HTTP as unreachable", "[net]") {
    const LoopbackServer server{[](LoopbackConnection& connection) {
        (void)connection.read_request();
        connection.write("220 mail.example ESMTP\r\n");
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    CHECK(code_of(exchange(*uplink, post("x"))) == Errc::unreachable);
}

TEST_CASE("Uplink follows no redirect and uses no proxy of the environment", "[net]") {
    ::setenv("http_proxy", "http://127.0.0.1:9", 1);
    ::setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    const LoopbackServer server{[](LoopbackConnection& connection) {
        (void)connection.read_request();
        connection.write("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n");
        (void)connection.read_request();
        connection.write(ok_answer("followed"));
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    const auto answer = exchange(*uplink, post("x"));
    ::unsetenv("http_proxy");
    ::unsetenv("ALL_PROXY");
    REQUIRE(answer);
    CHECK(answer->status == 302);
}

TEST_CASE("Uplink sends minimal headers and counts its bytes as the server does", "[net]") {
    std::string seen;
    std::atomic<std::uint64_t> received{0};
    const std::string reply = ok_answer("hello",
                                        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                        "Retry-After: 30\r\n");
    const LoopbackServer server{[&](LoopbackConnection& connection) {
        seen = connection.read_request();
        received = connection.received();
        connection.write(reply);
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    const std::string body(100'000, 'b');
    const auto answer = exchange(*uplink, post(body));
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "hello");
    CHECK(answer->date == wall_from_ms(784'111'777'000));
    CHECK(answer->retry_after == Seconds{30});
    const auto header = seen.substr(0, seen.find("\r\n\r\n"));
    const auto host = server.url().substr(7);
    CHECK(header == "POST /v1/batches HTTP/1.1\r\nHost: " + host +
                        "\r\nContent-Type: application/vnd.gerbang.batch\r\n"
                        "Content-Length: 100000");
    CHECK(answer->sent_bytes == received);
    CHECK(answer->received_bytes == reply.size());
    CHECK(uplink->traffic().sent_bytes == received);
    CHECK(uplink->traffic().received_bytes == reply.size());
}

TEST_CASE("Uplink counts a body while it is under way, and each byte once in the end", "[net]") {
    const std::size_t size = GENERATE(1'000u, 200'000u);
    Uplink* under_way = nullptr;
    std::atomic<bool> was_counted{false};
    std::atomic<std::uint64_t> received{0};
    const LoopbackServer server{[&](LoopbackConnection& connection) {
        (void)connection.read_request();
        received = connection.received();
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (under_way->traffic().sent_bytes < size && std::chrono::steady_clock::now() < end) {
            std::this_thread::yield();
        }
        was_counted = under_way->traffic().sent_bytes >= size;
        connection.write(ok_answer("hello"));
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    under_way = uplink.get();
    const auto answer = exchange(*uplink, post(std::string(size, 'b')));
    REQUIRE(answer);
    CHECK(was_counted);
    CHECK(answer->sent_bytes == received);
    CHECK(uplink->traffic().sent_bytes == received);
    CHECK(uplink->traffic().received_bytes == answer->received_bytes);
}

TEST_CASE("Uplink sends no faster than it is asked to", "[net]") {
    const LoopbackServer server{[](LoopbackConnection& connection) {
        (void)connection.read_request();
        connection.write(ok_answer("hello"));
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    auto request = post(std::string(120'000, 'b'));
    request.max_bytes_s = 50'000;
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = exchange(*uplink, std::move(request));
    const auto took = std::chrono::steady_clock::now() - begin;
    REQUIRE(answer);
    // 2.4 s; libcurl lets one buffer of 64 KiB go at once.
    CHECK(took >= std::chrono::milliseconds{1'000});
}

TEST_CASE("Uplink keeps its connection and tries a stale one anew", "[net]") {
    const LoopbackServer server{[](LoopbackConnection& connection) {
        for (int i = 0; i < 3 && !connection.read_request().empty(); ++i) {
            connection.write(ok_answer("hello"));
        }
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    for (int i = 0; i < 7; ++i) CHECK(exchange(*uplink, post("x")).has_value());
    CHECK(server.connections() == 3);
}

TEST_CASE("Uplink carries several requests at once", "[net]") {
    std::atomic<int> waiting{0};
    const LoopbackServer server{[&](LoopbackConnection& connection) {
        (void)connection.read_request();
        ++waiting;
        waiting.notify_all();
        for (int seen = waiting; seen < 3; seen = waiting) waiting.wait(seen);
        connection.write(ok_answer("hello"));
    }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    for (const auto& answer : exchange_all(*uplink, {post("a"), post("b"), post("c")})) {
        CHECK(answer.has_value());
    }
}

TEST_CASE("Uplink refuses more requests at once than it has room for", "[net]") {
    const LoopbackServer server{[](LoopbackConnection& connection) { connection.hold(); }};
    CurlThread thread;
    const auto uplink = open(thread, plain(server));
    net::io_context loop;
    std::array<std::optional<Result<HttpAnswer>>, 40> answers;
    for (auto& answer : answers) {
        net::co_spawn(loop, send_into(*uplink, post("x"), answer), rethrow);
    }
    loop.poll();
    thread.stop();
    loop.restart();
    loop.run();
    int refused = 0;
    int stopped = 0;
    for (const auto& answer : answers) {
        const auto& error = answer.value().error();
        if (error.detail.find("too many requests") != std::string::npos) ++refused;
        if (error.code == Errc::stopped) ++stopped;
    }
    CHECK(refused == 8);
    CHECK(stopped == 32);
}

TEST_CASE("Uplink ends every request when its thread stops, whatever was destroyed before",
          "[net]") {
    std::atomic<int> arrived{0};
    const LoopbackServer server{[&](LoopbackConnection& connection) {
        (void)connection.read_request();
        ++arrived;
        arrived.notify_all();
        connection.hold();
    }};
    net::io_context loop;
    CurlThread thread;
    auto uplink = open(thread, plain(server));
    std::optional<Result<HttpAnswer>> first;
    std::optional<Result<HttpAnswer>> second;
    net::co_spawn(loop, send_into(*uplink, post("x"), first), rethrow);
    net::co_spawn(loop, send_into(*uplink, post("x"), second), rethrow);
    loop.poll();
    for (int seen = arrived; seen < 2; seen = arrived) arrived.wait(seen);
    auto second_uplink = open(thread, plain(server));
    uplink.reset();
    thread.stop();
    loop.restart();
    loop.run();
    CHECK(code_of(first.value()) == Errc::stopped);
    CHECK(code_of(second.value()) == Errc::stopped);
    CHECK(code_of(exchange(*second_uplink, post("x"))) == Errc::stopped);
}

TEST_CASE("Uplink survives the end of a loop that still waits for answers", "[net]") {
    std::atomic<int> arrived{0};
    const LoopbackServer server{[&](LoopbackConnection& connection) {
        (void)connection.read_request();
        ++arrived;
        arrived.notify_all();
        connection.hold();
    }};
    std::optional<Result<HttpAnswer>> answer;
    {
        net::io_context loop;
        CurlThread thread;
        const auto uplink = open(thread, plain(server));
        net::co_spawn(loop, send_into(*uplink, post("x"), answer), rethrow);
        loop.poll();
        for (int seen = arrived; seen < 1; seen = arrived) arrived.wait(seen);
    }
    CHECK_FALSE(answer);
}

TEST_CASE("Uplink stops with a clear reason when the token cannot be used", "[net]") {
    const LoopbackServer server{answer_all};
    const TempFolder folder;
    CurlThread thread;
    auto target = plain(server);
    target.token_file = folder.file("token");
    const auto uplink = open(thread, target);
    CHECK(code_of(exchange(*uplink, post("x"))) == Errc::not_authorised);
    for (const std::string content : {"", "\n", "two words\n", "tab\t\n", "line\nline\n"}) {
        std::ofstream{target.token_file} << content;
        const auto answer = exchange(*uplink, post("x"));
        CHECK(code_of(answer) == Errc::not_authorised);
        CHECK(mentions(answer, target.token_file));
    }
    std::ofstream{target.token_file} << std::string(5000, 'x');
    CHECK(code_of(exchange(*uplink, post("x"))) == Errc::not_authorised);
    CHECK(server.connections() == 0);
}

TEST_CASE("Uplink reads a changed token again, warns when all may read it, never tells it",
          "[net]") {
    static std::string logged;
    logged.clear();
    set_log_sink([](std::string_view line) { logged += line; });
    std::string seen;
    const LoopbackServer server{[&](LoopbackConnection& connection) {
        for (;;) {
            auto request = connection.read_request();
            if (request.empty()) return;
            seen = std::move(request);
            connection.write("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
        }
    }};
    const TempFolder folder;
    auto target = plain(server);
    target.token_file = folder.file("token");
    std::ofstream{target.token_file} << "secret-one\n";
    REQUIRE(::chmod(target.token_file.c_str(), 0640) == 0);
    {
        CurlThread thread;
        const auto uplink = open(thread, target);
        const auto answer = exchange(*uplink, post("x"));
        REQUIRE(answer);
        CHECK(seen.find("\r\nAuthorization: Bearer secret-one\r\n") != std::string::npos);
        CHECK(answer->what().find("secret") == std::string::npos);
        CHECK(logged.empty());

        std::ofstream{folder.file("new")} << "secret-two";
        REQUIRE(::chmod(folder.file("new").c_str(), 0644) == 0);
        std::filesystem::rename(folder.file("new"), target.token_file);
        REQUIRE(exchange(*uplink, post("x")));
        REQUIRE(exchange(*uplink, post("x")));
        CHECK(seen.find("\r\nAuthorization: Bearer secret-two\r\n") != std::string::npos);
    }
    set_log_sink(nullptr);
    CHECK(logged.find("token_readable_by_all") != std::string::npos);
    CHECK(logged.find("token_readable_by_all") == logged.rfind("token_readable_by_all"));
    CHECK(logged.find("secret") == std::string::npos);
}
