#include <catch2/catch.hpp>
#include <string>

#include "daemon/config/config.hpp"

namespace gerbang {
namespace {

/// What is wrong with `keys` of the section `serve`; empty: nothing.
std::string complaint(const std::string& keys, const std::string& more = {}) {
    const auto loaded =
        parse_config("serve: {" + keys + "}\n" + more, "f", Language::english, false);
    std::string text;
    for (const auto& problem : loaded.problems) text += problem.text() + "\n";
    return text;
}

bool names(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

constexpr const char* kTls = "interfaces: [wg0], cert_file: /c, key_file: /k, ";
constexpr const char* kToken = "pullers: [{name: pusat, token_file: /t}]";

}  // namespace

TEST_CASE("Nothing is served to pullers without a credential, an interface and TLS", "[config]") {
    const std::string tls{kTls};
    const std::string token{kToken};
    CHECK(names(complaint(tls + "pullers: [{name: pusat}]"),
                "serve.pullers[0]: expected token_file or certificate"));
    CHECK(names(complaint("cert_file: /c, key_file: /k, " + token),
                "required together with pullers"));
    CHECK(names(complaint("interfaces: [], cert_file: /c, key_file: /k, " + token),
                "required together with pullers"));
    CHECK(names(complaint("interfaces: [wg0], " + token), "or allow_plain: true within a tunnel"));
    CHECK(names(complaint("interfaces: [wg0], cert_file: /c, " + token), "one is missing"));
    CHECK(names(complaint(tls + "pullers: [{name: pusat, certificate: p.example}]"),
                "serve.pullers[0].certificate: needs serve.client_ca_file"));
    CHECK(names(complaint("interfaces: [wg0], allow_plain: true, client_ca_file: /ca, " + token),
                "serve.client_ca_file: needs cert_file and key_file"));
    CHECK(names(complaint(tls + "pullers: [{token_file: /t}]"), "name"));
    CHECK(names(complaint(tls + "port: 0, " + token), "1 to 65535"));
    CHECK(names(complaint(tls + "pullers: [{name: a, token_file: /t}, {name: a, token_file: /u}]"),
                "serve.pullers[1].name: the name \"a\" is taken above"));
    CHECK(names(complaint(tls + token, "sync: {targets: [{name: pusat, url: 'http://[::1]'}]}\n"),
                "serve.pullers[0].name: this name is taken in sync.targets"));
}

TEST_CASE("Every key of serve reaches its place in the configuration", "[config]") {
    const auto loaded = parse_config(
        "serve:\n"
        "  interfaces: [wg0, eth1]\n"
        "  port: 9000\n"
        "  cert_file: /etc/c.pem\n"
        "  key_file: /etc/k.pem\n"
        "  client_ca_file: /etc/ca.pem\n"
        "  pullers:\n"
        "    - {name: pusat, token_file: /etc/t}\n"
        "    - {name: kabupaten, certificate: p.example}\n",
        "f", Language::english, false);
    REQUIRE(loaded.problems.empty());
    const auto& serve = loaded.config.serve;
    CHECK(serve.interfaces == std::vector<std::string>{"wg0", "eth1"});
    CHECK(serve.port == 9000);
    CHECK(serve.cert_file == "/etc/c.pem");
    CHECK(serve.key_file == "/etc/k.pem");
    CHECK(serve.client_ca_file == "/etc/ca.pem");
    CHECK_FALSE(serve.allow_plain);
    REQUIRE(serve.pullers.size() == 2);
    CHECK(serve.pullers[0].name == "pusat");
    CHECK(serve.pullers[0].token_file == "/etc/t");
    CHECK(serve.pullers[1].certificate == "p.example");
    CHECK(complaint("interfaces: [wg0], allow_plain: true, " + std::string{kToken}).empty());
    const auto silent = parse_config("lang: en\n", "f", Language::english, false).config.serve;
    CHECK(silent.pullers.empty());
    CHECK(silent.port == 8621);
}

}  // namespace gerbang
