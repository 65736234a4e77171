#include <array>
#include <catch2/catch.hpp>

#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {

TEST_CASE("Ledger takes a degraded link for an answer", "[ledger]") {
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116}) (void)ledger.observe(dead(second));
    auto lossy = good(120);
    lossy.state = LinkState::degraded;
    CHECK(ledger.observe(lossy).size() == 1);
    CHECK(ledger.state() == LinkState::degraded);
    CHECK(ledger.since() == at(120));
    CHECK_FALSE(ledger.open());
    CHECK(ledger.observe(good(130)).empty());
    CHECK(ledger.since() == at(130));
}

TEST_CASE("Ledger lets a firmer cause take an undeclared outage from its start", "[ledger]") {
    Healthy ledger;
    (void)ledger.observe(failed(at(110), Cause::isp, Confidence::low, "nothing known"));
    (void)ledger.observe(failed(at(113), Cause::modem, Confidence::medium, "modem silent"));
    const auto written =
        ledger.observe(failed(at(116), Cause::modem, Confidence::medium, "modem silent"));
    REQUIRE(written.size() == 1);
    CHECK(written[0].cause == Cause::modem);
    CHECK(written[0].confidence == Confidence::medium);
    CHECK(written[0].first_bad == at(110));
    CHECK(written[0].evidence == "modem silent");

    // Declared is declared: now a firmer cause has a segment of its own.
    for (const std::int64_t second : {126, 129}) {
        CHECK(ledger.observe(failed(at(second), Cause::blocked, Confidence::high)).empty());
    }
    const auto change = ledger.observe(failed(at(132), Cause::blocked, Confidence::high));
    REQUIRE(change.size() == 2);
    CHECK(change[0].cause == Cause::modem);
    CHECK(change[1].cause == Cause::blocked);
    CHECK(change[1].confidence == Confidence::high);
}

TEST_CASE("Ledger lets no cause take over that is not firmer, or from one that was firm",
          "[ledger]") {
    Healthy ledger;
    const auto first = GENERATE(Confidence::low, Confidence::medium);
    (void)ledger.observe(failed(at(110), Cause::isp, first));
    const auto second = first == Confidence::low ? Confidence::low : Confidence::high;
    (void)ledger.observe(failed(at(113), Cause::dns, second));
    const auto written = ledger.observe(failed(at(116), Cause::dns, second));
    REQUIRE(written.size() == 1);
    CHECK(written[0].cause == Cause::isp);
    const auto change = ledger.observe(failed(at(119), Cause::dns, second));
    REQUIRE(change.size() == 2);
    CHECK(change[0].first_good == at(113));
    CHECK(change[1].cause == Cause::dns);
}

TEST_CASE("Ledger takes a lost carrier for part of a lost power, not the other way round",
          "[ledger]") {
    Healthy ledger;
    const auto power = [](std::int64_t second) {
        return failed(at(second), Cause::power, Confidence::medium, "mains off");
    };
    SECTION("carrier, then power") {
        (void)ledger.observe(dead(110));
        (void)ledger.observe(unplugged(113));
        const auto written = ledger.observe(power(116));
        REQUIRE(written.size() == 1);
        CHECK(written[0].cause == Cause::power);
        CHECK(written[0].first_bad == at(110));
    }
    SECTION("power, then carrier") {
        (void)ledger.observe(power(110));
        (void)ledger.observe(unplugged(113));
        const auto written = ledger.observe(unplugged(116));
        REQUIRE(written.size() == 1);
        CHECK(written[0].cause == Cause::power);
    }
}

TEST_CASE("Ledger raises the confidence of a segment and never lowers it", "[ledger]") {
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116}) (void)ledger.observe(dead(second));
    CHECK(ledger.open()->confidence == Confidence::medium);
    CHECK(ledger.observe(failed(at(126), Cause::isp, Confidence::low)).empty());
    const auto told =
        ledger.observe(failed(at(129), Cause::isp, Confidence::high, "no route, says 192.0.2.1"));
    REQUIRE(told.size() == 1);
    CHECK(told[0].segment == 1);
    CHECK(told[0].is_open());
    CHECK(told[0].confidence == Confidence::high);
    CHECK(told[0].evidence == "no route, says 192.0.2.1");
    CHECK(ledger.observe(dead(132)).empty());
    CHECK(ledger.open()->confidence == Confidence::high);
}

TEST_CASE("Ledger ends an outage of the carrier when it is back, of others not", "[ledger]") {
    const auto cause = GENERATE(Cause::carrier, Cause::power, Cause::isp);
    const bool is_back = GENERATE(true, false);
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116}) {
        (void)ledger.observe(failed(at(second), cause, Confidence::high));
    }
    auto nobody = unasked(120);
    nobody.carrier_is_up = is_back;
    const bool ends = is_back && cause != Cause::isp;
    CHECK(ledger.observe(nobody).size() == (ends ? 1 : 0));
    CHECK(ledger.state() == (ends ? LinkState::unknown : LinkState::down));
}

TEST_CASE("Ledger keeps a gap of lost power open until the link is seen, carrier or not",
          "[ledger]") {
    auto previous = run_until(at(1000, 4));
    previous.ending = {Cause::power, Confidence::high, "mains was off"};
    Wan ledger;
    (void)ledger.start(previous, at(30, 5), false);
    CHECK(ledger.observe(unasked(31, 5)).empty());
    CHECK(ledger.is_gap());
    CHECK(ledger.observe(good(34, 5)).size() == 1);
}

TEST_CASE("Ledger is in doubt while a known link is not seen, and unknown from the first miss on",
          "[ledger]") {
    Healthy ledger;
    CHECK(ledger.observe(unasked(110)).empty());
    CHECK(ledger.is_in_doubt());
    CHECK(ledger.state() == LinkState::up);
    (void)ledger.observe(unasked(113));
    CHECK(ledger.is_in_doubt());
    (void)ledger.observe(unasked(116));
    CHECK(ledger.state() == LinkState::unknown);
    CHECK(ledger.since() == at(110));
    CHECK_FALSE(ledger.is_in_doubt());
    (void)ledger.observe(unasked(126));
    CHECK_FALSE(ledger.is_in_doubt());
}

TEST_CASE("Ledger keeps faults in sequence as segments of one outage", "[ledger]") {
    Healthy ledger{2};
    const auto two = [&](std::int64_t second, Cause cause) {
        auto written = ledger.observe(failed(at(second), cause, Confidence::high));
        auto more = ledger.observe(failed(at(second + 3), cause, Confidence::high));
        written.insert(written.end(), more.begin(), more.end());
        return written;
    };
    REQUIRE(two(110, Cause::dns).size() == 1);
    // The cable is pulled while DNS was dead, then the bill was not paid, then the line died.
    const std::array causes{Cause::carrier, Cause::blocked, Cause::isp};
    for (std::size_t i = 0; i < causes.size(); ++i) {
        const auto second = 120 + 10 * static_cast<std::int64_t>(i);
        const auto written = two(second, causes[i]);
        REQUIRE(written.size() == 2);
        CHECK(written[0].first_good == at(second));
        CHECK(written[1].cause == causes[i]);
        CHECK(written[1].id == 1);
        CHECK(written[1].segment == i + 2);
        CHECK(written[1].first_bad == at(second));
    }
    CHECK(ledger.since() == at(110));
}

TEST_CASE("Ledger gives a changed cause the most that was known of it while it was confirmed",
          "[ledger]") {
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116}) (void)ledger.observe(dead(second));
    (void)ledger.observe(failed(at(126), Cause::modem, Confidence::low));
    (void)ledger.observe(failed(at(129), Cause::modem, Confidence::high));
    const auto change = ledger.observe(failed(at(132), Cause::modem, Confidence::medium));
    REQUIRE(change.size() == 2);
    CHECK(change[1].confidence == Confidence::high);
}

TEST_CASE("Ledger that never saw its link is in no doubt when nobody can be asked", "[ledger]") {
    Wan ledger;
    (void)ledger.start(std::nullopt, at(0), false);
    CHECK(ledger.observe(unasked(1)).empty());
    CHECK_FALSE(ledger.is_in_doubt());
}

TEST_CASE("Ledger knows nothing since it gave up an outage, not since the first miss", "[ledger]") {
    Healthy ledger;
    for (const std::int64_t second : {110, 113, 116}) (void)ledger.observe(dead(second));
    for (const std::int64_t second : {126, 129, 132}) (void)ledger.observe(unasked(second));
    CHECK(ledger.state() == LinkState::unknown);
    CHECK(ledger.since() == at(132));
}

}  // namespace gerbang
