#include <catch2/catch.hpp>
#include <string>

#include "daemon/config/config.hpp"

using namespace gerbang;

namespace {

std::string problems_of(const std::string& target) {
    const auto loaded =
        parse_config("site: {id: long-bagun}\nsync:\n  targets:\n    - {name: p, " + target + "}\n",
                     "f", Language::english);
    std::string all;
    for (const auto& problem : loaded.problems) all += problem.text() + "\n";
    return all;
}

}  // namespace

TEST_CASE("A message repeats no secret that stands in the wrong place", "[config]") {
    // What people do: the token itself instead of its file, a password in the address.
    const std::string token = "3f0c9e1b7a6d5c4b3a291807f6e5d4c33f0c9e1b7a6d5c4b3a291807f6e5d4c3";
    for (const auto& [target, secret] :
         {std::pair<std::string, std::string>{
              "url: \"https://prov.example\", ca_file: /c, token_file: " + token,
              token.substr(0, 8)},
          {"url: \"https://gerbang:geheim@prov.example\", ca_file: /c", "geheim"}}) {
        const auto problems = problems_of(target);
        CHECK(problems.find("may be a secret") != std::string::npos);
        CHECK(problems.find(secret) == std::string::npos);
    }
    // Everything else is shown, so that people find it.
    CHECK(problems_of("url: \"https://prov.example\", ca_file: ca.pem").find("got \"ca.pem\"") !=
          std::string::npos);
}
