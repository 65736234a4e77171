#include "daemon/host/resolvers.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;

TEST_CASE("Lines of a resolv.conf that make no sense are skipped", "[host]") {
    CHECK(parse_resolv_conf("").empty());
    CHECK(parse_resolv_conf("nameserver\nnameserver \nnameserver9.9.9.9\n").empty());
    CHECK(parse_resolv_conf("nameserver dns.example\n#nameserver 9.9.9.9\n").empty());
    CHECK(parse_resolv_conf("nameserver 300.1.1.1\nnameserver 1.2.3\n").empty());
}

TEST_CASE("Resolvers come in order, once each, and no more than asked at a time", "[host]") {
    using List = std::vector<std::string>;
    CHECK(parse_resolv_conf("search desa\n  nameserver\t10.0.0.1 # modem\r\nnameserver ::1") ==
          List{"10.0.0.1", "::1"});
    CHECK(parse_resolv_conf("nameserver fe80::1%eth0\n") == List{"fe80::1%eth0"});
    CHECK(parse_resolv_conf("nameserver 9.9.9.9\nnameserver 9.9.9.9\n") == List{"9.9.9.9"});
    CHECK(parse_resolv_conf("nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\n"
                            "nameserver 1.0.0.4\nnameserver 1.0.0.5\n")
              .size() == kMaxResolvers);
}
