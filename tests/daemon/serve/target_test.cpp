#include "daemon/serve/target.hpp"

#include <catch2/catch.hpp>

namespace gerbang {

TEST_CASE("parse_target takes nothing but a path of visible ASCII", "[serve]") {
    CHECK_FALSE(parse_target(""));
    CHECK_FALSE(parse_target("*"));
    CHECK_FALSE(parse_target("a/b"));
    CHECK_FALSE(parse_target("http://host/a"));
    CHECK_FALSE(parse_target("/a b"));
    CHECK_FALSE(parse_target("/a#b"));
    CHECK_FALSE(parse_target("/\xc3\xa9"));
    CHECK_FALSE(parse_target(std::string_view{"/a\0b", 4}));
    CHECK_FALSE(parse_target("/" + std::string(kMaxTargetBytes, 'a')));
    CHECK(parse_target("/" + std::string(kMaxTargetBytes - 1, 'a')));
}

TEST_CASE("parse_target cuts at the first question mark", "[serve]") {
    const auto target = parse_target("/v1/usage?by=day&x=a?b");
    REQUIRE(target);
    CHECK(target->path == "/v1/usage");
    CHECK(target->query == "by=day&x=a?b");
    CHECK(parse_target("/a?")->query.empty());
}

TEST_CASE("parse_query names what is wrong", "[serve]") {
    const auto error_of = [](std::string_view query) {
        const auto parsed = parse_query(query);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == Errc::bad_input);
        return parsed.error().detail;
    };
    CHECK(error_of("by") == "expected name=value, got \"by\"");
    CHECK(error_of("=day") == "expected name=value, got \"=day\"");
    CHECK(error_of("a=1&") == "expected name=value, got \"\"");
    CHECK(error_of("a=1&a=2") == "parameter twice: \"a\"");
    CHECK(error_of("a=1&%61=2") == "parameter twice: \"a\"");
    CHECK(error_of("a=%4") == "broken percent escape in \"a=%4\"");
    CHECK(error_of("a=%zz") == "broken percent escape in \"a=%zz\"");
    CHECK(error_of("a=%00") == "broken percent escape in \"a=%00\"");
    CHECK(error_of("a=%0a") == "broken percent escape in \"a=%0a\"");
    std::string many = "p0=0";
    for (std::size_t i = 1; i <= kMaxParameters; ++i) many += "&p" + std::to_string(i) + "=0";
    CHECK(error_of(many) == "too many parameters");
    CHECK(error_of("a=" + std::string(kMaxTargetBytes, 'b')) == "query too long");
}

TEST_CASE("parse_query decodes names and values in order", "[serve]") {
    CHECK(parse_query("")->empty());
    const auto parsed = parse_query("b=1+2&a=x%20%C3%A9&c==");
    REQUIRE(parsed);
    CHECK(*parsed == std::vector<Parameter>{{"b", "1+2"}, {"a", "x \xc3\xa9"}, {"c", "="}});
}

}  // namespace gerbang
