#include "daemon/net/curl_library.hpp"

#include <catch2/catch.hpp>

namespace gerbang {

TEST_CASE("A libcurl that is absent or another library is named, with the package", "[net]") {
    const auto absent = find_curl("libno-such-curl.so.4");
    REQUIRE(!absent);
    CHECK(absent.error().code == Errc::bad_input);
    CHECK(absent.error().detail.find("libno-such-curl.so.4") != std::string::npos);
    CHECK(absent.error().detail.find("libcurl4") != std::string::npos);

    const auto other = find_curl("libc.so.6");
    REQUIRE(!other);
    CHECK(other.error().detail.find("curl_") != std::string::npos);
}

TEST_CASE("libcurl is loaded once, with all that is used of it", "[net]") {
    REQUIRE(load_curl());
    REQUIRE(load_curl());
    CHECK(curl().version_info(CURLVERSION_NOW)->ssl_version != nullptr);
}

}  // namespace gerbang
