#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "daemon/config/config.hpp"

namespace gerbang {
namespace {

std::string check_en(const std::string& text) {
    std::string all;
    for (const auto& problem : parse_config(text, "f", Language::english).problems) {
        all += problem.text() + "\n";
    }
    return all;
}

}  // namespace

TEST_CASE("The ladder's keys refuse what could not work", "[config]") {
    CHECK(check_en("wan: {next_hop: router}\n")
              .find("wan.next_hop: expected one of: auto, modem, provider, none; got \"router\"") !=
          std::string::npos);
    CHECK(check_en("wan: {next_hop: none, modem_address: 10.0.0.1}\n")
              .find("f:1:38: wan.modem_address: means nothing together with next_hop: none") !=
          std::string::npos);
    CHECK(check_en("wan: {modem_address: modem.lan}\n").find("expected a numeric IP address") !=
          std::string::npos);
    CHECK(check_en("probe: {web_url: 'https://contoh.id/'}\n")
              .find("probe.web_url: expected http: over https") != std::string::npos);
    for (const char* url : {"contoh", "ftp://contoh.id/a", "http://", "http:///x", "http://a b/c",
                            "http://a:70000/x", "http://user:s3kret@contoh.id/", "http://a/#b"}) {
        INFO(url);
        const auto said = check_en("services: [{name: a, url: '" + std::string{url} + "'}]\n");
        CHECK(said.find("services[0].url: expected the address of a page") != std::string::npos);
        CHECK(said.find("s3kret") == std::string::npos);
    }
    CHECK(check_en("services: [{name: a, url: ''}]\n").find("services[0].url") !=
          std::string::npos);
    CHECK(check_en("services: [{name: a, url: contoh.id/x}]\n")
              .find("(did you mean \"http://contoh.id/x\"?)") != std::string::npos);
    CHECK(check_en("services: [{url: 'http://a'}]\n").find("the key \"name\" is required") !=
          std::string::npos);
    CHECK(check_en("services: [{name: a, url: 'http://a'}, {name: a, url: 'http://b'}]\n")
              .find("services[1].name: the name \"a\" is taken above") != std::string::npos);
    CHECK(check_en("services: [{name: " + std::string(33, 'x') + ", url: 'http://a'}]\n")
              .find("expected 1-32 of") != std::string::npos);
    std::string many;
    for (char c = 'a'; c < 'j'; ++c) many += std::string{"- {name: "} + c + ", url: 'http://a'}\n";
    CHECK(check_en("services:\n" + many).find("services[8]: too many entries (at most 8)") !=
          std::string::npos);
    CHECK(check_en("probe: {resolvers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5]}\n")
              .find("probe.resolvers[4]: too many entries (at most 4)") != std::string::npos);
    for (const char* name : {"1.1.1.1", "a..b", ".a", "a.", "a b", "''"}) {
        INFO(name);
        CHECK(check_en("probe: {dns_name: " + std::string{name} + "}\n")
                  .find("probe.dns_name: expected a DNS name") != std::string::npos);
    }
    CHECK(check_en("power: {mains: ../../etc}\n").find("power.mains: expected auto, none") !=
          std::string::npos);
    CHECK(check_en("probe: {targets: [{name: a, address: 1.1.1.1, group: abroad}]}\n")
              .find("expected one of: domestic, international") != std::string::npos);
    CHECK(check_en("probe: {web_url: ''}\n").empty());
}

TEST_CASE("A name of one's own is not expected to have the default's addresses", "[config]") {
    const auto expected = [](const char* text) {
        return parse_config(text, "f", Language::english).config.probe.dns_expect;
    };
    CHECK(expected("probe: {dns_name: kaltimprov.go.id}\n").empty());
    CHECK(expected("probe: {dns_name: one.one.one.one}\n").size() == 2);
    CHECK(expected("probe: {dns_name: a.id, dns_expect: [10.1.1.1]}\n") ==
          std::vector<std::string>{"10.1.1.1"});
    CHECK(expected("probe: {dns_expect: []}\n").empty());
}

}  // namespace gerbang
