#include "common/core/utf8.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "tests/support/seed.hpp"

using namespace gerbang;

TEST_CASE("Bytes that are no character become the replacement character, one each", "[core]") {
    const std::string r = "\xef\xbf\xbd";
    CHECK(valid_utf8("\xff") == r);
    CHECK(valid_utf8("a\xc3(") == "a" + r + "(");
    CHECK(valid_utf8("\xc0\x80") == r + r);                  // overlong
    CHECK(valid_utf8("\xe0\x80\x80") == r + r + r);          // overlong
    CHECK(valid_utf8("\xed\xa0\x80") == r + r + r);          // surrogate
    CHECK(valid_utf8("\xf4\x90\x80\x80") == r + r + r + r);  // beyond U+10FFFF
    CHECK(valid_utf8("x\xf0\x9f\x98") == "x" + r + r + r);   // cut
}

TEST_CASE("Well-formed text stays as it is, and what was repaired is well-formed", "[core]") {
    const std::string good =
        std::string{"desa \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"} + '\0' + "z";
    CHECK(valid_utf8(good) == good);
    CHECK(valid_utf8("").empty());
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t i = 0; i < test_rounds(2000); ++i) {
        std::string text(random() % 20, '\0');
        for (auto& c : text) c = static_cast<char>(random());
        const auto repaired = valid_utf8(text);
        REQUIRE(valid_utf8(repaired) == repaired);
        for (std::size_t at = 0; at < repaired.size();) {
            const auto length = utf8_length(repaired, at);
            REQUIRE(length > 0);
            at += length;
        }
    }
}
