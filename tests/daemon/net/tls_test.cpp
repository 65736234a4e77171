#include <openssl/pem.h>
#include <openssl/x509.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/net/curl_tls.hpp"
#include "daemon/net/curl_uplink.hpp"
#include "daemon/net/verification_time.hpp"
#include "tests/daemon/net/loopback_server.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;

namespace {

/// Authorities and certificates made by the openssl program for one test run.
class Pki {
public:
    Pki() {
        authority("ca");
        authority("other-ca");
        leaf("server", "ca", "subjectAltName=DNS:localhost,IP:127.0.0.1", "365");
        leaf("elsewhere", "ca", "subjectAltName=DNS:elsewhere.example", "365");
        leaf("stranger", "other-ca", "subjectAltName=DNS:localhost,IP:127.0.0.1", "365");
        leaf("expired", "ca", "subjectAltName=DNS:localhost,IP:127.0.0.1", "0");
        leaf("village", "ca", "extendedKeyUsage=clientAuth", "365");
    }
    [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(name); }
    [[nodiscard]] LoopbackServer::Tls server(const std::string& name) const {
        return {file(name + ".pem"), file(name + ".key"), {}};
    }

private:
    void run(const std::string& arguments) const {
        const auto command = "cd '" + folder_.path() + "' && openssl " + arguments + " 2>log";
        INFO(command);
        REQUIRE(std::system(command.c_str()) == 0);
    }
    void authority(const std::string& name) const {
        run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name +
            ".key -out " + name + ".pem -days 3650 -subj /CN=" + name);
    }
    void leaf(const std::string& name, const std::string& issuer, const std::string& extension,
              const std::string& days) const {
        std::ofstream{file(name + ".ext")} << extension << '\n';
        run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name +
            ".key -out " + name + ".csr -subj /CN=" + name);
        run("x509 -req -in " + name + ".csr -CA " + issuer + ".pem -CAkey " + issuer +
            ".key -CAcreateserial -out " + name + ".pem -days " + days + " -extfile " + name +
            ".ext");
    }

    TempFolder folder_;
};

const Pki& pki() {
    static const Pki made;
    return made;
}

net::awaitable<void> get_into(Uplink& uplink, std::optional<Result<HttpAnswer>>& into) {
    UplinkRequest request;
    request.path = "/v1/time";
    request.timeout = Millis{60'000};
    into = co_await uplink.send(request);
}

Result<HttpAnswer> get(Uplink& uplink) {
    net::io_context loop;
    std::optional<Result<HttpAnswer>> answer;
    net::co_spawn(loop, get_into(uplink, answer), [](std::exception_ptr problem) {
        if (problem) std::rethrow_exception(problem);
    });
    loop.run();
    return std::move(answer.value());
}

void answer_one(LoopbackConnection& connection) {
    if (connection.read_request().empty()) return;
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

UplinkTarget target_of(const LoopbackServer& server) {
    UplinkTarget target;
    target.url = server.url("localhost");
    target.ca_file = pki().file("ca.pem");
    return target;
}

Result<HttpAnswer> get_from(const UplinkTarget& target) {
    CurlThread thread;
    auto uplink = open_uplink(thread, target);
    REQUIRE(uplink);
    return get(**uplink);
}

void check_not_authorised(const Result<HttpAnswer>& answer, const std::string& naming) {
    REQUIRE_FALSE(answer);
    INFO(answer.error().detail);
    CHECK(answer.error().code == Errc::not_authorised);
    CHECK(answer.error().detail.find(naming) != std::string::npos);
}

/// When the test's certificates began to be valid, from the certificate itself.
WallTime issued() {
    BIO* const file = BIO_new_file(pki().file("server.pem").c_str(), "r");
    X509* const certificate = PEM_read_bio_X509(file, nullptr, nullptr, nullptr);
    REQUIRE(certificate != nullptr);
    tm parts{};
    REQUIRE(ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &parts) == 1);
    X509_free(certificate);
    BIO_free(file);
    return wall_from_ms(std::int64_t{::timegm(&parts)} * 1000);
}

constexpr std::int64_t kDayMs = 86'400'000;

/// As of a board that knows no later time than `days` after the certificates were issued, its own
/// clock being at 1970.
UplinkTarget as_of(const LoopbackServer& server, std::int64_t days) {
    auto target = target_of(server);
    const TimeEvidence evidence{.kernel = {wall_from_ms(90'000), false, {}},
                                .built = issued() + Millis{days * kDayMs},
                                .good = {}};
    target.verify_at = [evidence] { return verification_time(evidence); };
    return target;
}

}  // namespace

TEST_CASE("Uplink says clearly that it needs a libcurl with OpenSSL 3", "[net][tls]") {
    CHECK(check_tls_library());
    CHECK(check_tls_library("OpenSSL/3.0.15"));
    for (const char* other : {"GnuTLS/3.7.9", "(OpenSSL/3.0.15) GnuTLS/3.7.9", "OpenSSL/1.1.1n", "",
                              static_cast<const char*>(nullptr)}) {
        const auto checked = check_tls_library(other);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code == Errc::bad_input);
        CHECK(checked.error().detail.find("OpenSSL 3 is needed") != std::string::npos);
    }
}

TEST_CASE("Uplink of a board at 1970 does not trust what had expired when its program was built",
          "[net][tls]") {
    const LoopbackServer server{answer_one, pki().server("server")};
    check_not_authorised(get_from(as_of(server, 366)), "expired");
}

TEST_CASE("Uplink of a board at 1970 refuses wrong name and authority, early or in time",
          "[net][tls]") {
    const std::int64_t days = GENERATE(1, -20 * 365);
    const LoopbackServer elsewhere{answer_one, pki().server("elsewhere")};
    check_not_authorised(get_from(as_of(elsewhere, days)), "check url and ca_file");
    const LoopbackServer stranger{answer_one, pki().server("stranger")};
    check_not_authorised(get_from(as_of(stranger, days)), "check url and ca_file");
}

TEST_CASE("Uplink of a board at 1970 trusts a certificate that is valid by what it knows",
          "[net][tls]") {
    const LoopbackServer server{answer_one, pki().server("server")};
    CurlThread thread;
    auto uplink = open_uplink(thread, as_of(server, 1));
    REQUIRE(uplink);
    const auto answer = get(**uplink);
    REQUIRE(answer);
    CHECK(answer->is_authenticated);
    CHECK((*uplink)->remark().empty());
}

TEST_CASE("Uplink tolerates a certificate that is not yet valid, and says so while it is so",
          "[net][tls]") {
    const LoopbackServer server{answer_one, pki().server("server")};
    CurlThread thread;
    auto target = target_of(server);
    WallTime known = issued() - Millis{3 * 365 * kDayMs};
    target.verify_at = [&known] { return known; };
    auto uplink = open_uplink(thread, target);
    REQUIRE(uplink);
    CHECK((*uplink)->remark().empty());
    for (int i = 0; i < 2; ++i) {  // the second by the first one's TLS session
        const auto answer = get(**uplink);
        REQUIRE(answer);
        CHECK(answer->body == "hello");
        CHECK((*uplink)->remark().find("not yet valid") != std::string::npos);
    }
    known = issued() + Millis{kDayMs};
    auto fresh = open_uplink(thread, target);
    REQUIRE(fresh);
    REQUIRE(get(**fresh));
    CHECK((*fresh)->remark().empty());
}

TEST_CASE("Uplink without a time of its own verifies strictly by the system's clock",
          "[net][tls]") {
    const LoopbackServer server{answer_one, pki().server("expired")};
    CHECK_FALSE(get_from(target_of(server)));
}

TEST_CASE("An answer by plain http authenticates nobody", "[net][tls]") {
    const LoopbackServer server{answer_one};
    UplinkTarget target;
    target.url = server.url();
    const auto answer = get_from(target);
    REQUIRE(answer);
    CHECK_FALSE(answer->is_authenticated);
}

TEST_CASE("Uplink does not trust a server of another authority", "[net][tls]") {
    const LoopbackServer server{answer_one, pki().server("stranger")};
    check_not_authorised(get_from(target_of(server)), "check url and ca_file");
}

TEST_CASE("Uplink uses nothing of the system's own certificates", "[net][tls]") {
    // libcurl and OpenSSL both know environment variables and defaults that add trust.
    ::setenv("SSL_CERT_FILE", pki().file("other-ca.pem").c_str(), 1);
    ::setenv("CURL_CA_BUNDLE", pki().file("other-ca.pem").c_str(), 1);
    const LoopbackServer server{answer_one, pki().server("stranger")};
    const auto answer = get_from(target_of(server));
    ::unsetenv("SSL_CERT_FILE");
    ::unsetenv("CURL_CA_BUNDLE");
    check_not_authorised(answer, "check url and ca_file");
}

TEST_CASE("Uplink does not trust a certificate for another name", "[net][tls]") {
    const LoopbackServer server{answer_one, pki().server("elsewhere")};
    check_not_authorised(get_from(target_of(server)), "check url and ca_file");
}

TEST_CASE("Uplink does not trust an expired certificate and points at the clock", "[net][tls]") {
    const LoopbackServer server{answer_one, pki().server("expired")};
    check_not_authorised(get_from(target_of(server)), "clock");
}

TEST_CASE("Uplink names the CA file that holds no certificate", "[net][tls]") {
    const LoopbackServer server{answer_one, pki().server("server")};
    auto target = target_of(server);
    target.ca_file = pki().file("server.key");
    check_not_authorised(get_from(target), target.ca_file);
}

TEST_CASE("Uplink without the client certificate that the server wants is not authorised",
          "[net][tls]") {
    auto tls = pki().server("server");
    tls.client_ca_file = pki().file("ca.pem");
    const LoopbackServer server{answer_one, tls};
    auto target = target_of(server);
    check_not_authorised(get_from(target), "client certificate");

    target.cert_file = pki().file("village.pem");
    target.key_file = pki().file("server.key");
    check_not_authorised(get_from(target), target.cert_file);

    target.key_file = pki().file("village.key");
    CHECK(get_from(target).has_value());
}

TEST_CASE("Uplink meets a server that speaks no TLS as unreachable", "[net][tls]") {
    const LoopbackServer server{[](LoopbackConnection& connection) {
        connection.write("220 mail.example ESMTP\r\n");
        connection.hold();
    }};
    auto target = target_of(server);
    target.url.replace(0, 4, "https");
    const auto answer = get_from(target);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::unreachable);
}

TEST_CASE("Uplink resumes its TLS session on a new connection", "[net][tls]") {
    std::mutex mutex;
    std::vector<bool> resumed;
    const LoopbackServer server{[&](LoopbackConnection& connection) {
                                    {
                                        const std::lock_guard lock{mutex};
                                        resumed.push_back(connection.is_resumed());
                                    }
                                    answer_one(connection);
                                },
                                pki().server("server")};
    CurlThread thread;
    auto uplink = open_uplink(thread, target_of(server));
    REQUIRE(uplink);
    for (int i = 0; i < 3; ++i) {
        const auto answer = get(**uplink);
        REQUIRE(answer);
        CHECK(answer->body == "hello");
    }
    const std::lock_guard lock{mutex};
    CHECK(resumed == std::vector<bool>{false, true, true});
}
