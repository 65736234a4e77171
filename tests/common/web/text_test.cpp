#include "common/web/text.hpp"

#include <catch2/catch.hpp>

namespace gerbang::web {
namespace {

std::size_t places_in(std::string_view text) {
    std::size_t count = 0;
    for (auto at = text.find("{}"); at != std::string_view::npos; at = text.find("{}", at + 2)) {
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("Every text exists in both languages with the same arguments", "[web]") {
    for (std::uint16_t i = 0; i < static_cast<std::uint16_t>(Text::count_); ++i) {
        const auto id = static_cast<Text>(i);
        const auto indonesian = sentence(Language::indonesian, id);
        const auto english = sentence(Language::english, id);
        INFO("text " << i << ": " << english);
        CHECK_FALSE(indonesian.empty());
        CHECK_FALSE(english.empty());
        CHECK(places_in(indonesian) == places_in(english));
    }
}

TEST_CASE("Arguments fill their places in order and are not searched again", "[web]") {
    CHECK(say(Language::english, Text::internet_down_since, {"{}", "b"}) ==
          "INTERNET IS DOWN since {} (b)");
    CHECK(say(Language::english, Text::internet_down_since, {"a"}) ==
          "INTERNET IS DOWN since a ({})");
    CHECK(say(Language::indonesian, Text::internet_up, {"a"}) == "INTERNET TERSAMBUNG");
}

TEST_CASE("Every cause has a meaning, a remedy and a short name of its own", "[web]") {
    for (int i = 0; i < static_cast<int>(kCauseCount); ++i) {
        const auto cause = static_cast<Cause>(i);
        INFO(to_string(cause));
        CHECK(sentence(Language::english, short_cause_text(cause)).size() <= 15);
        CHECK(sentence(Language::indonesian, short_cause_text(cause)).size() <= 15);
    }
    CHECK(cause_text(Cause::carrier) == Text::cause_carrier);
    CHECK(remedy_text(Cause::isp) == Text::do_isp);
    CHECK(short_cause_text(Cause::undetermined) == Text::short_undetermined);
    CHECK(cause_text(static_cast<Cause>(200)) == Text::cause_unknown);
}

TEST_CASE("Every rung, confidence and silence has its own word", "[web]") {
    CHECK(rung_text(Rung::power) == Text::rung_power);
    CHECK(rung_text(Rung::province) == Text::rung_province);
    CHECK(sentence(Language::english, rung_text(Rung::dns)) == "names (DNS)");
    CHECK(confidence_text(Confidence::none) == Text::confidence_none);
    CHECK(confidence_text(Confidence::high) == Text::confidence_high);
    CHECK(cause_text(Cause::service) == Text::cause_service);
    CHECK(short_cause_text(Cause::hotspot) == Text::short_hotspot);
    CHECK(remedy_text(Cause::service) == Text::do_service);
    CHECK(silence_text(to_string(Silence::timeout)) == Text::silence_timeout);
    CHECK(silence_text(to_string(Silence::servfail)) == Text::silence_servfail);
    CHECK(silence_text(to_string(Silence::local)) == Text::silence_local);
    CHECK_FALSE(silence_text("none"));
    CHECK_FALSE(silence_text(""));
    CHECK_FALSE(silence_text("a newer word"));
}

TEST_CASE("Evidence is told in Indonesian where the daemon's own words are known", "[web]") {
    const auto in_indonesian = [](const char* text) {
        return evidence_text(Language::indonesian, text);
    };
    CHECK(in_indonesian("daemon did not run, no clean stop before, link down after") ==
          "gerbang tidak berjalan, berhenti mendadak, internet putus sesudahnya");
    CHECK(in_indonesian("nasional: time-out; abroad: Host gone") ==
          "nasional: tidak menjawab; abroad: Host gone");
    CHECK(in_indonesian("no carrier on wan0") == "tidak ada sinyal kabel di wan0");
    CHECK(in_indonesian("next_hop answers; provider: time-out; domestic: nasional: refused") ==
          "modem menjawab; jaringan penyedia: tidak menjawab; dalam negeri: nasional: ditolak");
    CHECK(in_indonesian("no clean stop; mains was off; battery at 12 %") ==
          "berhenti mendadak; listrik sudah padam; baterai 12 %");
    CHECK(in_indonesian("no carrier on the LAN") == "tidak ada sinyal kabel di LAN");
    CHECK(in_indonesian("") == "");
    CHECK(evidence_text(Language::english, "time-out") == "time-out");
}

}  // namespace gerbang::web
