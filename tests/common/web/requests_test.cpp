#include <catch2/catch.hpp>
#include <string>

#include "common/web/status.hpp"

namespace gerbang::web {
namespace {

std::string note_error(const std::string& text) {
    const auto note = note_request_from_json(text);
    return note ? "" : note.error().detail;
}

std::string clock_error(const std::string& text) {
    const auto clock = clock_request_from_json(text);
    return clock ? "" : clock.error().detail;
}

std::string note_of(const std::string& text) {
    return R"({"text":")" + text + "\"}";
}

}  // namespace

TEST_CASE("A note is refused for whatever would not be kept of it", "[web]") {
    CHECK(note_error("{}") == "note.text: is missing");
    CHECK(note_error(note_of("")) == "note.text: is empty");
    CHECK(note_error(note_of(std::string(500, 'x'))) == "");
    CHECK(note_error(note_of(std::string(501, 'x'))) == "note.text: is longer than 500 bytes");
    for (const char* control : {"\\n", "\\u0007", "\\u001b[2J", "\\u007f", "\\u009b"}) {
        CHECK(note_error(note_of("a" + std::string{control})) ==
              "note.text: expected one line without control characters");
    }
    CHECK(note_error(R"({"text":"a","kind":"gossip"})") ==
          "note.kind: expected maintenance, power or other");
    CHECK(note_error(R"({"text":"a","author":")" + std::string(65, 'x') + "\"}") ==
          "note.author: is longer than 64 bytes");
    CHECK(note_error(R"({"text":"a","form":"2026-11-21T06:05:04.123Z"})") ==
          "note.form: is not known here");
    CHECK(note_error(R"({"text":"a","from":"21 November"})").find("note.from: expected an") == 0);
    CHECK(note_error(R"({"text":"a","from":"1970-01-01T00:00:00.000Z"})") ==
          "note.from: expected a time from 2020 to 2099");
    CHECK(
        note_error(
            R"({"text":"a","from":"2026-11-21T06:05:04.123Z","to":"2026-11-21T06:05:04.122Z"})") ==
        "note.to: lies before from");
    CHECK(note_error(note_of(std::string(5000, 'x'))) == "note: longer than 4 KiB");
}

TEST_CASE("A note survives the way through JSON; its kind is other unless said", "[web]") {
    NoteRequest note{.kind = "power",
                     .author = "Bu Ani",
                     .text = "genset mati \"lagi\" \xc3\xa9",
                     .from = wall_from_ms(1'795'241'104'123),
                     .to = wall_from_ms(1'795'241'104'124)};
    CHECK(note_request_from_json(to_json(note)).value() == note);
    note.to.reset();
    CHECK(note_request_from_json(to_json(note)).value() == note);
    CHECK(note_request_from_json(note_of("a")).value().kind == "other");
}

TEST_CASE("The operator's clock is refused where it is a slip of the finger", "[web]") {
    CHECK(clock_error("{}") == "clock.wall: is missing");
    CHECK(clock_error(R"({"wall":"2019-12-31T23:59:59.999Z"})") ==
          "clock.wall: expected a time from 2020 to 2099");
    CHECK(clock_error(R"({"wall":"2100-01-01T00:00:00.000Z"})") ==
          "clock.wall: expected a time from 2020 to 2099");
    CHECK(clock_error(R"({"wall":"2026-11-21T06:05:04.123Z","uncertainty_s":0})") ==
          "clock.uncertainty_s: expected 1 to 86400");
    CHECK(clock_error(R"({"wall":"2026-11-21T06:05:04.123Z","uncertainty_s":86401})") ==
          "clock.uncertainty_s: expected 1 to 86400");
    CHECK(clock_error(R"({"wall":"2026-11-21T06:05:04.123Z","zone":8})") ==
          "clock.zone: is not known here");
}

TEST_CASE("The operator's clock survives the way through JSON; it errs by a minute unless said",
          "[web]") {
    const ClockRequest request{wall_from_ms(1'795'241'104'123), Seconds{5}};
    CHECK(clock_request_from_json(to_json(request)).value() == request);
    CHECK(clock_request_from_json(R"({"wall":"2026-11-21T06:05:04.123Z"})").value().uncertainty ==
          Seconds{60});
}

}  // namespace gerbang::web
