#include <catch2/catch.hpp>

#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {

TEST_CASE("Ledger gives a gap between boots the ending of the earlier one", "[ledger]") {
    const auto cause =
        GENERATE(Cause::off, Cause::reboot, Cause::crash, Cause::device_off, Cause::power);
    auto previous = run_until(at(1000, 4));
    previous.ending = {cause, Confidence::high, "mains was off"};
    Wan ledger;
    const auto written = ledger.start(previous, at(40, 5), false);
    REQUIRE(written.size() == 1);
    CHECK(written[0].cause == cause);
    CHECK(written[0].confidence == Confidence::high);
    CHECK(written[0].evidence == "mains was off");

    SECTION("but knows nothing of the link in the gap of a daemon") {
        Wan other;
        const auto gap = other.start(previous, at(2000, 4), true);
        REQUIRE(gap.size() == 1);
        CHECK(gap[0].cause == Cause::daemon);
        CHECK(gap[0].confidence == Confidence::none);
        CHECK(gap[0].evidence == "daemon did not run, no clean stop before");
    }
    SECTION("and a next gap stays apart from it") {
        auto again = run_until(at(45, 5));
        again.longest_silence = Millis{0};
        again.ending = {Cause::crash, Confidence::high, "watchdog"};
        again.open = written[0];
        Wan next{3, 1};
        const auto gaps = next.start(again, at(20, 6), false);
        REQUIRE(gaps.size() == 2);
        CHECK(gaps[0].cause == cause);
        CHECK(gaps[0].last_bad == at(0, 5));
        CHECK(gaps[0].first_good == at(45, 5));
        CHECK(gaps[1].cause == Cause::crash);
        const auto end = next.observe(good(21, 6));
        REQUIRE(end.size() == 1);
        CHECK(end[0].cause == Cause::crash);
    }
}

TEST_CASE("Ledger takes no ending that is none for the cause of a gap", "[ledger]") {
    auto previous = run_until(at(1000, 4));
    previous.ending.cause = Cause::isp;
    Wan ledger;
    const auto written = ledger.start(previous, at(40, 5), false);
    REQUIRE(written.size() == 1);
    CHECK(written[0].cause == Cause::device_off);
}

TEST_CASE("Ledger tells a modem without mains from a box without power over a restart",
          "[ledger]") {
    auto previous = run_until(at(1000, 4));
    previous.ending = {Cause::power, Confidence::high, "mains was off"};
    previous.open = segment(9, 1, Cause::power, at(900, 4), at(910, 4));
    Wan seen_down{3, 9};
    const auto written = seen_down.start(previous, at(30, 5), false);
    REQUIRE(written.size() == 2);
    CHECK(written[0].cause == Cause::power);
    CHECK(written[0].last_bad == at(1000, 4));
    CHECK(written[1].cause == Cause::undetermined);
    CHECK(written[1].confidence == Confidence::none);

    // The same words of a gap that began on an earlier boot: nobody saw the link.
    previous.open->first_bad = at(910, 3);
    previous.open->last_good = at(900, 3);
    Wan gap{3, 9};
    const auto gaps = gap.start(previous, at(30, 5), false);
    REQUIRE(gaps.size() == 2);
    CHECK(gaps[0].last_bad == at(0, 4));
    CHECK(gaps[1].cause == Cause::power);
}

TEST_CASE("Ledger of a link beside the WAN tells no gap of its own accord", "[ledger]") {
    const bool same_boot = GENERATE(false, true);
    OutageIds ids;
    Ledger ledger{3, "hotspot", ids, false};
    CHECK(ledger.start(run_until(at(1000, 4)), at(2000, same_boot ? 4 : 5), same_boot).empty());
    CHECK_FALSE(ledger.is_gap());
    CHECK_FALSE(ledger.is_in_doubt());
    CHECK(ledger.state() == LinkState::unknown);
}

TEST_CASE("Ledger of a link beside the WAN bounds an outage that was open before a gap",
          "[ledger]") {
    auto previous = run_until(at(1000, 4));
    previous.open = segment(9, 1, Cause::hotspot, at(900, 4), at(910, 4));
    previous.open->link = "hotspot";
    OutageIds ids;
    Ledger ledger{3, "hotspot", ids, false};
    const auto written = ledger.start(previous, at(30, 5), false);
    REQUIRE(written.size() == 2);
    CHECK(written[0].cause == Cause::hotspot);
    CHECK(written[0].last_bad == at(1000, 4));
    CHECK(written[1].cause == Cause::undetermined);
    CHECK(written[1].link == "hotspot");
    CHECK(written[1].segment == 2);

    SECTION("and ends with it when the link answers") {
        const auto end = ledger.observe(good(40, 5));
        REQUIRE(end.size() == 1);
        CHECK(end[0].last_bad == at(0, 5));
        CHECK(end[0].first_good == at(40, 5));
    }
    SECTION("and goes on behind it when it does not") {
        for (const std::int64_t second : {40, 43}) {
            (void)ledger.observe(failed(at(second, 5), Cause::hotspot, Confidence::high));
        }
        const auto more = ledger.observe(failed(at(46, 5), Cause::hotspot, Confidence::high));
        REQUIRE(more.size() == 2);
        CHECK(more[1].id == 9);
        CHECK(more[1].segment == 3);
        CHECK(more[1].cause == Cause::hotspot);
        CHECK(more[1].link == "hotspot");
    }
}

TEST_CASE("Ledgers of one site never give the same number twice", "[ledger]") {
    OutageIds ids;
    ids.saw(4);
    Ledger wan{1, "wan", ids, true};
    Ledger hotspot{1, "hotspot", ids, false};
    CHECK(wan.observe(dead(1)).at(0).id == 5);
    CHECK(hotspot.observe(failed(at(1), Cause::hotspot, Confidence::high)).at(0).id == 6);
    (void)wan.observe(good(2));
    CHECK(wan.observe(dead(3)).at(0).id == 7);
    ids.saw(2);
    CHECK(ids.next() == 8);
}

TEST_CASE("Ledger takes the ending of a boot for a gap of its daemon that nobody saw the end of",
          "[ledger]") {
    auto previous = run_until(at(1000, 1));
    previous.open = segment(5, 1, Cause::daemon, at(1000, 1), at(1060, 1));
    previous.open->confidence = Confidence::none;
    previous.ending = {Cause::power, Confidence::high, "mains was off"};
    Wan ledger;
    const auto written = ledger.start(previous, at(10, 2), false);
    REQUIRE(written.size() == 1);
    CHECK(written[0].cause == Cause::power);
    CHECK(written[0].confidence == Confidence::high);
    CHECK(written[0].evidence == "mains was off");
    (void)ledger.observe(good(11, 2));
    for (const std::int64_t second : {20, 23}) (void)ledger.observe(dead(second, 2));
    // The number of the open outage is taken, whatever the caller knew.
    CHECK(ledger.observe(dead(26, 2)).at(0).id == 6);
}

TEST_CASE("A link that is still starting after a power cut belongs to the cut", "[ledger]") {
    OutageIds ids;
    Ledger ledger{3, "wan", ids, true, Millis{300'000}};
    auto previous = run_until(at(1000));
    previous.ending = {Cause::power, Confidence::high, "mains off before"};
    REQUIRE(ledger.start(previous, at(20, 2), false).size() == 1);
    for (int second = 25; second < 200; second += 3) {
        CHECK(ledger.observe(unplugged(second, 2)).empty());
        CHECK(ledger.is_in_doubt());
    }
    const auto ended = ledger.observe(good(200, 2));
    REQUIRE(ended.size() == 1);
    CHECK(ended.front().cause == Cause::power);
    CHECK(ended.front().last_bad == at(199, 2));
    CHECK(ended.front().first_good == at(200, 2));
}

TEST_CASE("A link that does not come up in time after a power cut makes the cut undetermined",
          "[ledger]") {
    OutageIds ids;
    Ledger ledger{3, "wan", ids, true, Millis{300'000}};
    auto previous = run_until(at(1000));
    previous.ending = {Cause::power, Confidence::high, "mains off before"};
    REQUIRE(ledger.start(previous, at(20, 2), false).size() == 1);
    std::vector<Outage> written;
    for (int second = 25; written.empty(); second += 5) {
        REQUIRE(second < 330);
        written = ledger.observe(dead(second, 2));
    }
    REQUIRE(written.size() == 2);
    CHECK(written[0].cause == Cause::undetermined);
    CHECK(written[1].cause == Cause::isp);
    CHECK(written[1].first_bad == at(300, 2));
}

TEST_CASE("A daemon that died has no link that must start", "[ledger]") {
    OutageIds ids;
    Ledger ledger{3, "wan", ids, true, Millis{300'000}};
    REQUIRE(ledger.start(run_until(at(100)), at(110), true).size() == 1);
    CHECK(ledger.observe(dead(113)).empty());
    CHECK(ledger.observe(dead(116)).empty());
    CHECK(ledger.observe(dead(119)).size() == 2);
}

TEST_CASE("A link still starting after a power cut is let start when the daemon dies meanwhile",
          "[ledger]") {
    OutageIds ids;
    Ledger first{3, "wan", ids, true, Millis{300'000}};
    auto previous = run_until(at(1000));
    previous.ending = {Cause::power, Confidence::high, "mains off before"};
    const auto cut = first.start(previous, at(20, 2), false);
    REQUIRE(cut.size() == 1);

    auto killed = run_until(at(60, 2));
    killed.open = cut[0];
    Ledger ledger{3, "wan", ids, true, Millis{300'000}};
    REQUIRE(ledger.start(killed, at(70, 2), true).size() == 2);
    for (int second = 75; second < 200; second += 5) {
        CHECK(ledger.observe(dead(second, 2)).empty());
    }
    SECTION("and comes up") {
        const auto ended = ledger.observe(good(200, 2));
        REQUIRE(ended.size() == 1);
        CHECK(ended.front().cause == Cause::daemon);
    }
    SECTION("but not for ever") {
        std::vector<Outage> written;
        for (int second = 200; written.empty(); second += 5) {
            REQUIRE(second < 330);
            written = ledger.observe(dead(second, 2));
        }
        REQUIRE(written.size() == 3);
        CHECK(written[0].cause == Cause::undetermined);
        CHECK(written[1].cause == Cause::undetermined);
        CHECK(written[2].first_bad == at(300, 2));
    }
}

}  // namespace gerbang
