#include <catch2/catch.hpp>

#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {

TEST_CASE("Ledger declares nothing for fewer failed rounds than k", "[ledger]") {
    Healthy ledger;
    CHECK(ledger.observe(dead(110)).empty());
    CHECK(ledger.is_in_doubt());
    CHECK(ledger.observe(dead(113)).empty());
    CHECK(ledger.state() == LinkState::up);
    CHECK_FALSE(ledger.open());
    CHECK(ledger.observe(good(116)).empty());
    CHECK_FALSE(ledger.is_in_doubt());
    // The count starts again: failures must follow each other.
    CHECK(ledger.observe(dead(126)).empty());
    CHECK(ledger.observe(dead(129)).empty());
    CHECK(ledger.state() == LinkState::up);
}

TEST_CASE("Ledger declares an outage after k failed rounds and back-dates it to the first",
          "[ledger]") {
    Healthy ledger;
    (void)ledger.observe(dead(110));
    (void)ledger.observe(dead(113));
    const auto written = ledger.observe(dead(116));

    REQUIRE(written.size() == 1);
    CHECK(written[0].id == 1);
    CHECK(written[0].segment == 1);
    CHECK(written[0].cause == Cause::isp);
    CHECK(written[0].last_good == at(100));
    CHECK(written[0].first_bad == at(110));
    CHECK(written[0].is_open());
    CHECK(written[0].evidence == "a: time-out");
    CHECK(ledger.state() == LinkState::down);
    CHECK(ledger.cause() == Cause::isp);
    CHECK(ledger.since() == at(110));
    CHECK_FALSE(ledger.is_in_doubt());
}

TEST_CASE("Ledger ends an outage at the first answer with both bounds", "[ledger]") {
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116, 126}) (void)ledger.observe(dead(second));
    const auto written = ledger.observe(good(136));

    REQUIRE(written.size() == 1);
    CHECK(written[0].id == 1);
    CHECK(written[0].last_bad == at(126));
    CHECK(written[0].first_good == at(136));
    CHECK(ledger.state() == LinkState::up);
    CHECK(ledger.since() == at(136));
    CHECK(ledger.cause() == Cause::unknown);
    CHECK_FALSE(ledger.open());
}

TEST_CASE("Ledger numbers outages after the last one of the journal", "[ledger]") {
    Wan ledger{1, 41};
    (void)ledger.observe(good(1));
    CHECK(ledger.observe(dead(2)).at(0).id == 42);
    (void)ledger.observe(good(3));
    CHECK(ledger.observe(dead(4)).at(0).id == 43);
}

TEST_CASE("Ledger keeps cause, confidence and evidence of what was judged", "[ledger]") {
    Healthy ledger;
    (void)ledger.observe(unplugged(110));
    (void)ledger.observe(unplugged(113));
    const auto written = ledger.observe(unplugged(116));
    REQUIRE(written.size() == 1);
    CHECK(written[0].cause == Cause::carrier);
    CHECK(written[0].confidence == Confidence::high);
    CHECK(written[0].evidence == "carrier 0 on eth0");
    CHECK(written[0].link == "wan");
}

TEST_CASE("Ledger takes questions that failed just before the carrier was lost for the same fault",
          "[ledger]") {
    Healthy ledger;
    (void)ledger.observe(dead(110));
    (void)ledger.observe(unplugged(111));
    const auto written = ledger.observe(unplugged(114));
    REQUIRE(written.size() == 1);
    CHECK(written[0].cause == Cause::carrier);
    CHECK(written[0].first_bad == at(110));
}

TEST_CASE(
    "Ledger opens a segment isp under the same id when the carrier is back and targets stay "
    "dead",
    "[ledger]") {
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116}) (void)ledger.observe(unplugged(second));
    CHECK(ledger.observe(dead(126)).empty());
    CHECK(ledger.is_in_doubt());
    CHECK(ledger.observe(dead(129)).empty());
    CHECK(ledger.cause() == Cause::carrier);
    const auto written = ledger.observe(dead(132));

    REQUIRE(written.size() == 2);
    CHECK(written[0].id == 1);
    CHECK(written[0].segment == 1);
    CHECK(written[0].cause == Cause::carrier);
    CHECK(written[0].last_bad == at(116));
    CHECK(written[0].first_good == at(126));
    CHECK(written[1].id == 1);
    CHECK(written[1].segment == 2);
    CHECK(written[1].cause == Cause::isp);
    CHECK(written[1].last_good == at(116));
    CHECK(written[1].first_bad == at(126));
    CHECK(written[1].is_open());
    CHECK(ledger.cause() == Cause::isp);
    CHECK(ledger.since() == at(110));

    const auto end = ledger.observe(good(140));
    REQUIRE(end.size() == 1);
    CHECK(end[0].segment == 2);
    CHECK(end[0].last_bad == at(132));
}

TEST_CASE("Ledger keeps the cause when another one shows for fewer than k rounds", "[ledger]") {
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116}) (void)ledger.observe(unplugged(second));
    CHECK(ledger.observe(dead(126)).empty());
    CHECK(ledger.observe(dead(129)).empty());
    CHECK(ledger.observe(unplugged(130)).empty());
    CHECK(ledger.observe(dead(140)).empty());
    CHECK(ledger.observe(dead(143)).empty());
    const auto end = ledger.observe(good(150));
    REQUIRE(end.size() == 1);
    CHECK(end[0].cause == Cause::carrier);
    CHECK(end[0].last_bad == at(143));
}

TEST_CASE("Ledger says unknown when no target is configured, unless the carrier is down",
          "[ledger]") {
    Wan ledger;
    (void)ledger.start(std::nullopt, at(0), false);
    CHECK(ledger.observe(unasked(10)).empty());
    CHECK(ledger.state() == LinkState::unknown);
    for (const std::int64_t second : {20, 23}) CHECK(ledger.observe(unplugged(second)).empty());
    CHECK(ledger.observe(unplugged(26)).at(0).cause == Cause::carrier);
    CHECK(ledger.state() == LinkState::down);

    const auto end = ledger.observe(unasked(30));
    REQUIRE(end.size() == 1);
    CHECK(end[0].last_bad == at(26));
    CHECK(end[0].first_good == at(30));
    CHECK(ledger.state() == LinkState::unknown);
    CHECK(ledger.since() == at(30));
}

TEST_CASE("Ledger closes an outage that nobody measures any more and says so", "[ledger]") {
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116}) (void)ledger.observe(dead(second));
    CHECK(ledger.observe(unasked(126)).empty());
    CHECK(ledger.observe(unasked(136)).empty());
    CHECK(ledger.state() == LinkState::down);
    const auto end = ledger.observe(unasked(146));
    REQUIRE(end.size() == 1);
    CHECK(end[0].last_bad == at(116));
    CHECK(end[0].first_good == at(146));
    CHECK(end[0].evidence == "no longer measured; a: time-out");
    CHECK(ledger.state() == LinkState::unknown);
}

TEST_CASE("Ledger counts an outage found at first sight from the start of looking", "[ledger]") {
    Wan ledger;
    CHECK(ledger.start(std::nullopt, at(5), false).empty());
    for (const std::int64_t second : {7, 10}) (void)ledger.observe(dead(second));
    const auto written = ledger.observe(dead(13));
    REQUIRE(written.size() == 1);
    CHECK(written[0].last_good == at(5));
    CHECK(written[0].first_bad == at(7));
}

TEST_CASE("Ledger ignores an observation seen twice or older than the last", "[ledger]") {
    Healthy ledger;
    (void)ledger.observe(dead(110));
    for (int i = 0; i < 5; ++i) CHECK(ledger.observe(dead(110)).empty());
    CHECK(ledger.observe(good(105)).empty());
    (void)ledger.observe(dead(113));
    CHECK(ledger.observe(dead(116)).size() == 1);
    CHECK(ledger.observe(dead(116)).empty());
    CHECK(ledger.observe(good(114)).empty());
    CHECK(ledger.state() == LinkState::down);
}

TEST_CASE("Ledger cuts evidence to what a record can hold without splitting a character",
          "[ledger]") {
    Wan ledger{1};
    (void)ledger.observe(good(1));
    auto wordy = dead(2);
    wordy.evidence = std::string(479, 'a') + "\xC3\xA9" + std::string(2000, 'b');
    const auto written = ledger.observe(wordy);
    REQUIRE(written.size() == 1);
    CHECK(written[0].evidence == std::string(479, 'a'));
}

}  // namespace gerbang
