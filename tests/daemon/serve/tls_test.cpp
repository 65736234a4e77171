#include <sched.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <list>

#include "tests/daemon/serve/served.hpp"
#include "tests/support/temp_folder.hpp"

namespace gerbang {
namespace {

/// What the command printed on standard output; standard error is dropped.
std::string output_of(const std::string& command) {
    std::string text;
    FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> buffer{};
    for (std::size_t size = 0; (size = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
        text.append(buffer.data(), size);
    }
    ::pclose(pipe);
    return text;
}

bool has_openssl() {
    return std::system("openssl version >/dev/null 2>&1") == 0;
}

/// A CA, a server certificate for 127.0.0.1 and client certificates, made anew for each test.
class Authority {
public:
    Authority() {
        run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=test "
            "CA' -keyout " +
            key("ca") + " -out " + cert("ca"));
        issue("server", "/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1");
    }
    void issue(const std::string& name, const std::string& subject,
               const std::string& extension = "keyUsage=digitalSignature") {
        std::ofstream{folder_.file("ext")} << extension << '\n';
        run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '" + subject +
            "' -keyout " + key(name) + " -out " + folder_.file("csr"));
        run("x509 -req -days 2 -in " + folder_.file("csr") + " -CA " + cert("ca") + " -CAkey " +
            key("ca") + " -CAcreateserial -extfile " + folder_.file("ext") + " -out " + cert(name));
    }
    [[nodiscard]] std::string cert(const std::string& name) const {
        return folder_.file(name + ".pem");
    }
    [[nodiscard]] std::string key(const std::string& name) const {
        return folder_.file(name + ".key");
    }

    /// One GET through `openssl s_client`, with its further `options`.
    [[nodiscard]] std::string get(std::uint16_t port, const std::string& options) const {
        return output_of(
            "printf 'GET /a HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n' | timeout 60 "
            "openssl s_client -quiet -verify_return_error -verify_ip 127.0.0.1 "
            "-CAfile " +
            cert("ca") + " -connect 127.0.0.1:" + std::to_string(port) + " " + options);
    }

private:
    static void run(const std::string& arguments) {
        REQUIRE(std::system(("openssl " + arguments + " >/dev/null 2>&1").c_str()) == 0);
    }
    TempFolder folder_;
};

}  // namespace

TEST_CASE("HttpServer over TLS takes requests from TLS 1.2 on and nothing older or plain",
          "[serve]") {
    if (!has_openssl()) {
        std::cout << "skipped: no openssl command\n";
        return;
    }
    const Authority authority;
    auto listen = loopback();
    listen.cert_file = authority.cert("server");
    listen.key_file = authority.key("server");
    ServerLimits limits;
    limits.idle_timeout = 300s;
    limits.request_timeout = 300s;
    Served served{listen, limits};
    CHECK(authority.get(served.port(), "-tls1_1 -cipher DEFAULT@SECLEVEL=0").empty());
    CHECK(authority.get(served.port(), "-tls1_2").find("GET /a? name= ") != std::string::npos);
    CHECK(authority.get(served.port(), "-tls1_3").find("GET /a? name= ") != std::string::npos);
    CHECK(served.handled == 2);

    RawClient plain{served.port()};
    plain.write("GET / HTTP/1.1\r\n\r\n");
    CHECK(plain.read_to_end().find("HTTP/") == std::string::npos);
    CHECK(served.handled == 2);
    CHECK(served.ends_when_stopped());
}

TEST_CASE("HttpServer over TLS cuts off a handshake that does not go on", "[serve]") {
    if (!has_openssl()) return;
    const Authority authority;
    auto listen = loopback();
    listen.cert_file = authority.cert("server");
    listen.key_file = authority.key("server");
    ServerLimits limits;
    limits.request_timeout = 150ms;
    Served served{listen, limits};
    RawClient client{served.port()};
    client.write("\x16\x03\x01");
    CHECK(client.is_closed());
}

TEST_CASE("HttpServer demands a client certificate of its CA and tells its common name",
          "[serve]") {
    if (!has_openssl()) return;
    Authority authority;
    authority.issue("site", "/O=Berau/CN=6403-berau-001");
    authority.issue("double", "/CN=6403-berau-001/CN=6403-berau-002");
    const Authority stranger;
    auto listen = loopback();
    listen.cert_file = authority.cert("server");
    listen.key_file = authority.key("server");
    listen.client_ca_file = authority.cert("ca");
    Served served{listen};

    CHECK(authority.get(served.port(), "").find("GET /a") == std::string::npos);
    CHECK(authority
              .get(served.port(),
                   "-cert " + stranger.cert("server") + " -key " + stranger.key("server"))
              .find("GET /a") == std::string::npos);
    CHECK(served.handled == 0);
    const auto with = [&](const std::string& name) {
        return authority.get(served.port(),
                             "-cert " + authority.cert(name) + " -key " + authority.key(name));
    };
    CHECK(with("site").find("name=6403-berau-001 ") != std::string::npos);
    // A certificate with two names has none.
    CHECK(with("double").find("name= ") != std::string::npos);
}

TEST_CASE("HttpServer says which TLS file it cannot use", "[serve]") {
    if (!has_openssl()) return;
    const Authority authority;
    const Authority other;
    net::io_context io;
    auto listen = loopback();
    listen.cert_file = authority.cert("server");
    listen.key_file = other.key("server");
    const auto mismatch = start_server(io.get_executor(), listen, {}, [](ServerRequest) {
        return net::awaitable<ServerResponse>{};
    });
    REQUIRE_FALSE(mismatch);
    CHECK(mismatch.error().detail.find("read key " + other.key("server")) == 0);
    listen.key_file = authority.key("server");
    listen.client_ca_file = "/nowhere/ca.pem";
    const auto missing = start_server(io.get_executor(), listen, {}, [](ServerRequest) {
        return net::awaitable<ServerResponse>{};
    });
    REQUIRE_FALSE(missing);
    CHECK(missing.error().detail.find("read client CA /nowhere/ca.pem") == 0);
}

TEST_CASE("HttpServer holds one neighbour to its share of the sessions, loopback excepted",
          "[serve]") {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNET) != 0 ||
            std::system("ip link set lo up && ip addr add 192.0.2.1/32 dev lo") != 0) {
            ::_exit(100);
        }
        ServerLimits limits;
        limits.max_sessions_per_address = 8;
        Listen listen;
        listen.address = "0.0.0.0";
        Served served{listen, limits};
        const auto open_from = [&](in_addr_t host) {
            std::list<RawClient> clients;
            int open = 0;
            for (int i = 0; i < 20; ++i) {
                auto& client = clients.emplace_back(served.port(), host);
                client.write("GET /a HTTP/1.1\r\n\r\n");
                open += client.read_through("body=0\n").empty() ? 0 : 1;
            }
            return open;
        };
        const bool is_right = open_from(0xc0000201) == 8 && open_from(INADDR_LOOPBACK) == 20;
        ::_exit(is_right ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 100) {
        std::cout << "skipped: needs root for a network namespace\n";
        return;
    }
    CHECK(status == 0);
}

}  // namespace gerbang
