#include "daemon/net/http_reply.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "tests/support/seed.hpp"

using namespace gerbang;

TEST_CASE("An HTTP date is refused unless every part has its place", "[net]") {
    for (const char* text :
         {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
          "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
          "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
          "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
          "Sun, 06 Nov 1994 08:49:-7 GMT", " Sun, 06 Nov 1994 08:49:37 GMT"}) {
        INFO(text);
        CHECK_FALSE(parse_http_date(text));
    }
}

TEST_CASE("An HTTP date is read beyond 2038", "[net]") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == wall_from_ms(784'111'777'000));
    CHECK(parse_http_date("Tue, 19 Jan 2038 03:14:08 GMT") == wall_from_ms(2'147'483'648'000));
    CHECK(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT") == wall_from_ms(253'402'300'799'000));
}

TEST_CASE("Retry-After is bounded and a date counts from the answer's own time", "[net]") {
    const auto date = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(parse_retry_after("120", date) == Seconds{120});
    CHECK(parse_retry_after("0", date) == Seconds{0});
    CHECK(parse_retry_after("999999999999", date) == Seconds{86400});
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", date) == Seconds{60});
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:40:37 GMT", date) == Seconds{0});
    CHECK_FALSE(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", std::nullopt));
    CHECK_FALSE(parse_retry_after("-1", date));
    CHECK_FALSE(parse_retry_after("1.5", date));
    CHECK_FALSE(parse_retry_after("99999999999999999999", date));
    CHECK_FALSE(parse_retry_after("", date));
}

TEST_CASE("Reply headers join a Retry-After date with a Date that comes later", "[net]") {
    ReplyHeaders reply;
    CHECK(reply.add_line("HTTP/1.1 100 Continue\r\n"));
    CHECK(reply.add_line("Retry-After: 7\r\n"));
    CHECK(reply.add_line("HTTP/1.1 503 Busy\r\n"));
    CHECK(reply.add_line("RETRY-AFTER:  Sun, 06 Nov 1994 08:50:37 GMT \r\n"));
    CHECK_FALSE(reply.retry_after());
    CHECK(reply.add_line("dAtE: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    CHECK(reply.add_line("Dated: nonsense\r\n"));
    CHECK(reply.retry_after() == Seconds{60});
    CHECK(reply.date() == wall_from_ms(784'111'777'000));
}

TEST_CASE("Reply headers give up beyond their limit", "[net]") {
    ReplyHeaders reply;
    const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
    std::size_t taken = 0;
    while (reply.add_line(line)) taken += line.size();
    CHECK(taken <= ReplyHeaders::kMaxBytes);
    CHECK(taken + line.size() > ReplyHeaders::kMaxBytes);
}

TEST_CASE("Random header lines never give a date or a wait outside their bounds", "[net]") {
    std::mt19937_64 random{test_seed()};
    const std::string alphabet = "SunMoTe, 0123456789:GMTNovJan-";
    for (std::uint64_t round = 0; round < test_rounds(20'000); ++round) {
        std::string text = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (int changes = 0; changes < 3; ++changes) {
            text[random() % text.size()] = alphabet[random() % alphabet.size()];
        }
        const auto date = parse_http_date(text);
        if (date) {
            CHECK(to_ms(*date) >= 0);
            CHECK(to_ms(*date) <= 253'402'300'800'000);
        }
        const auto wait = parse_retry_after(text, wall_from_ms(784'111'777'000));
        if (wait) {
            CHECK(*wait >= Seconds{0});
            CHECK(*wait <= Seconds{86400});
        }
    }
}
