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

TEST_CASE("Addresses may be IPv6 in any form, and link-local ones name their interface",
          "[config]") {
    const auto parsed = parse_config(
        "wan: {modem_address: fe80::1%br-wan.10}\n"
        "hotspot:\n  address: FE80:0:0::2%lan0\n"
        "probe:\n"
        "  resolvers: [2001:DB8::53, fe80::53]\n"
        "  targets:\n"
        "    - {name: a, address: 2001:0db8:0000::0010}\n"
        "    - {name: b, address: '::ffff:192.0.2.1'}\n",
        "f", Language::english);
    CHECK(parsed.problems.empty());
    const auto& config = parsed.config;
    CHECK(config.wan.modem_address == "fe80::1%br-wan.10");
    CHECK(config.hotspot.address == "fe80::2%lan0");
    CHECK(config.probe.resolvers == std::vector<std::string>{"2001:db8::53", "fe80::53"});
    REQUIRE(config.probe.targets.size() == 2);
    CHECK(config.probe.targets[0].address == "2001:db8::10");
    CHECK(config.probe.targets[1].address == "::ffff:192.0.2.1");
    for (const char* address :
         {"fe80::1%", "fe80::1%a b", "fe80::1%eth0/1", "fe80::1%sixteen-letters1",
          "2001:db8::1%eth0", "192.0.2.1%eth0", "%eth0", "fe80::1%eth0%eth0:1", "[2001:db8::1]",
          "1.1.1", "2001:db8::1::2", "12345::1"}) {
        INFO(address);
        CHECK(check_en("wan: {modem_address: '" + std::string{address} + "'}\n")
                  .find("wan.modem_address: expected a numeric IP address") != std::string::npos);
    }
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
