#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "common/core/time.hpp"
#include "common/core/units.hpp"

namespace gerbang {

TEST_CASE("parse_uuid refuses everything but 32 digits with or without their four hyphens",
          "[core]") {
    for (const auto* text :
         {"", "0", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefg",
          "0011223344556677-8899-aabbccddeeff00", "001122334455-6677-8899-aabbccddeeff--",
          "00112233445566778899aabbccddeeff00", " 0112233445566778899aabbccddeeff",
          "{0112233-4455-6677-8899-aabbccddeef}", "00112233_4455_6677_8899_aabbccddeeff"}) {
        INFO(text);
        CHECK_FALSE(parse_uuid(text));
    }
}

TEST_CASE("A UUID is read with and without hyphens and written with them in lower case", "[core]") {
    const auto id = parse_id<EpochId>("00112233-4455-6677-8899-AABBCCDDEEFF");
    REQUIRE(id);
    CHECK(id == parse_id<EpochId>("00112233445566778899aabbccddeeff"));
    CHECK(to_string(*id) == "00112233-4455-6677-8899-aabbccddeeff");
    CHECK_FALSE(id->is_none());
    CHECK(EpochId{}.is_none());
}

TEST_CASE("bytes_from_hex refuses odd lengths and other letters, and undoes to_hex", "[core]") {
    CHECK_FALSE(bytes_from_hex("0"));
    CHECK_FALSE(bytes_from_hex("0g"));
    CHECK_FALSE(bytes_from_hex("0x"));
    CHECK(bytes_from_hex("") == std::string{});
    const std::array<std::uint8_t, 4> bytes{0x00, 0x7F, 0x80, 0xFF};
    CHECK(to_hex(bytes) == "007f80ff");
    CHECK(bytes_from_hex("007F80ff") == std::string("\x00\x7F\x80\xFF", 4));
}

TEST_CASE("A site id is 1 to 64 lower-case letters, digits and hyphens", "[core]") {
    CHECK(is_valid_site_id("a"));
    CHECK(is_valid_site_id("mahakam-ulu-003"));
    CHECK(is_valid_site_id(std::string(64, 'z')));
    CHECK_FALSE(is_valid_site_id(""));
    CHECK_FALSE(is_valid_site_id(std::string(65, 'z')));
    for (const auto* text : {"A", "a b", "a_b", "a.b", "a/b", "\xC3\xA9"}) {
        INFO(text);
        CHECK_FALSE(is_valid_site_id(text));
    }
}

TEST_CASE("Seq stays at zero before the first record", "[core]") {
    CHECK(Seq{}.previous() == Seq{0});
    CHECK(Seq{1}.previous() == Seq{0});
    CHECK(Seq{1}.next() == Seq{2});
}

TEST_CASE("A Result holds a value or an error, never both", "[core]") {
    const Result<int> good{5};
    REQUIRE(good);
    CHECK(*good == 5);
    const Result<int> bad{Error{Errc::refused, "PUT x: HTTP 400"}};
    REQUIRE_FALSE(bad);
    CHECK(bad.error().code == Errc::refused);
    CHECK(bad.error().detail == "PUT x: HTTP 400");
    CHECK(ok());
    CHECK(Result<void>{Error{Errc::stopped, ""}}.error().code == Errc::stopped);
}

TEST_CASE("Every error code has a name of its own", "[core]") {
    std::set<std::string> names;
    for (int code = 1; code <= static_cast<int>(Errc::stopped); ++code) {
        names.insert(to_string(static_cast<Errc>(code)));
    }
    CHECK(names.size() == static_cast<std::size_t>(Errc::stopped));
    CHECK(names.count("unknown") == 0);
    CHECK(to_string(Errc{99}) == std::string{"unknown"});
}

TEST_CASE("Times keep milliseconds far beyond 2038", "[core]") {
    constexpr std::int64_t kYear2500Ms = 16'725'225'600'123;
    CHECK(to_ms(wall_from_ms(kYear2500Ms)) == kYear2500Ms);
    CHECK(to_ms(monotonic_from_ms(kYear2500Ms)) == kYear2500Ms);
    CHECK(monotonic_from_ms(1500) + Seconds{2} == monotonic_from_ms(3500));
}

TEST_CASE("Bytes add up beyond 32 bits", "[core]") {
    Bytes sum{0xFFFF'FFFF};
    sum += Bytes{1};
    CHECK(sum + Bytes{5} == Bytes{0x1'0000'0005});
}

}  // namespace gerbang
