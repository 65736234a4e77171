// The faults of the field as the rounds that probing finds of them, through judge and book.

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <vector>

#include "daemon/ledger/link_book.hpp"
#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {
namespace {

LadderRound healthy() {
    LadderRound round;
    round.is_full = true;
    for (auto& rung : round.rungs) rung.state = RungState::up;
    round.asked = 4;
    round.answered = 4;
    return round;
}

LadderRound silent(std::initializer_list<Rung> rungs, unsigned answered,
                   Silence silence = Silence::timeout) {
    auto round = healthy();
    for (const auto rung : rungs) {
        round[rung].state = RungState::down;
        round[rung].silence = silence;
    }
    round.answered = answered;
    return round;
}

LadderRound cable_out() {
    LadderRound round;
    round.is_full = true;
    round[Rung::power].state = RungState::up;
    round[Rung::carrier].state = RungState::down;
    return round;
}

LadderRound modem_dead() {
    return silent(
        {Rung::next_hop, Rung::domestic, Rung::international, Rung::dns, Rung::web, Rung::province},
        0);
}

LadderRound provider_dead(Silence how = Silence::timeout) {
    auto round =
        silent({Rung::domestic, Rung::international, Rung::dns, Rung::web, Rung::province}, 0, how);
    round[Rung::provider].state = RungState::unknown;
    return round;
}

LadderRound portal() {
    auto round = healthy();
    round[Rung::web].state = RungState::portal;
    return round;
}

LadderRound mains_off(LadderRound round) {
    round[Rung::power].state = RungState::down;
    return round;
}

/// A site that walks the ladder each 10 s, each 3 s in doubt, and keeps what its book writes.
struct Site {
    SeriesTable series;
    Judge judge{NextHop::automatic};
    LinkBook book{3, {"hotspot", "province"}, series};
    std::int64_t second = 100;
    std::vector<Outage> written;

    Site() {
        (void)book.start({}, at(90), false);
        look(healthy());
        look(healthy());
    }
    void look(LadderRound round) {
        round.at = at(second);
        for (auto& outage : book.observe("wan", judge.judge(round))) keep(outage);
        const auto province = judge_beside(round.at, round[Rung::province], Cause::province);
        for (auto& outage : book.observe("province", province)) keep(outage);
        second += book.is_in_doubt() ? 3 : 10;
    }
    void look(const LadderRound& round, int times) {
        for (int i = 0; i < times; ++i) look(round);
    }
    /// Newest state of each segment, as the journal has it.
    void keep(const Outage& outage) {
        for (auto& old : written) {
            if (old.id == outage.id && old.segment == outage.segment) {
                old = outage;
                return;
            }
        }
        written.push_back(outage);
    }
};

struct Fault {
    const char* name;
    LadderRound round;
    Cause cause;
    const char* link = "wan";
};

std::vector<Fault> all_faults() {
    auto lying = healthy();
    lying[Rung::dns].state = RungState::portal;
    auto province = silent({Rung::province}, 4);
    return {
        {"cable out", cable_out(), Cause::carrier},
        {"cable out, mains off", mains_off(cable_out()), Cause::power},
        {"modem dead", modem_dead(), Cause::modem},
        {"modem dead, mains off", mains_off(modem_dead()), Cause::power},
        {"provider dead, black hole", provider_dead(), Cause::isp},
        {"provider dead, answered", provider_dead(Silence::unreachable), Cause::isp},
        {"abroad dead", silent({Rung::international, Rung::web}, 2), Cause::international},
        {"DNS black hole", silent({Rung::dns, Rung::web}, 4), Cause::dns},
        {"DNS SERVFAIL", silent({Rung::dns, Rung::web}, 4, Silence::servfail), Cause::dns},
        {"DNS NXDOMAIN", silent({Rung::dns, Rung::web}, 4, Silence::nxdomain), Cause::dns},
        {"DNS lies", lying, Cause::dns},
        {"portal", portal(), Cause::blocked},
        {"province dead", province, Cause::province, "province"},
    };
}

}  // namespace

TEST_CASE("Each fault of the field is told once, of its link, with its cause and its bounds",
          "[ledger]") {
    for (const auto& fault : all_faults()) {
        INFO(fault.name);
        Site site;
        const auto last_good = at(site.second - 10);
        const auto first_bad = at(site.second);
        site.look(fault.round, 3);
        // Declared with the third round, six seconds after the first.
        REQUIRE(site.written.size() == 1);
        CHECK(site.second == to_ms(first_bad.at) / 1000 + 16);
        CHECK(site.written[0].is_open());
        site.look(fault.round, 5);
        const auto last_bad = at(site.second - 10);
        const auto first_good = at(site.second);
        site.look(healthy(), 3);
        REQUIRE(site.written.size() == 1);
        const auto& told = site.written[0];
        CHECK(to_string(told.cause) == to_string(fault.cause));
        CHECK(told.link == fault.link);
        CHECK(told.last_good == last_good);
        CHECK(told.first_bad == first_bad);
        CHECK(told.last_bad == last_bad);
        CHECK(told.first_good == first_good);
        CHECK(told.confidence >= Confidence::medium);
        CHECK(site.book.view("wan").state == LinkState::up);
    }
}

TEST_CASE("A fault that two rounds see is no outage", "[ledger]") {
    for (const auto& fault : all_faults()) {
        INFO(fault.name);
        Site site;
        for (int i = 0; i < 5; ++i) {
            site.look(fault.round, 2);
            site.look(healthy(), 2);
        }
        CHECK(site.written.empty());
    }
}

TEST_CASE("Each two faults in a row are two segments of one outage", "[ledger]") {
    for (const auto& first : all_faults()) {
        for (const auto& second : all_faults()) {
            const bool is_wan =
                std::string{first.link} == "wan" && std::string{second.link} == "wan";
            if (!is_wan || first.cause == second.cause) continue;
            INFO(first.name << ", then " << second.name);
            Site site;
            site.look(first.round, 5);
            const auto seam = at(site.second);
            site.look(second.round, 5);
            const auto end = at(site.second);
            site.look(healthy());
            // A modem that stays away right after the mains came back is still starting.
            if (first.cause == Cause::power &&
                (second.cause == Cause::carrier || second.cause == Cause::modem)) {
                REQUIRE(site.written.size() == 1);
                CHECK(site.written[0].cause == Cause::power);
                continue;
            }
            REQUIRE(site.written.size() == 2);
            CHECK(to_string(site.written[0].cause) == to_string(first.cause));
            CHECK(site.written[0].first_good == seam);
            CHECK(to_string(site.written[1].cause) == to_string(second.cause));
            CHECK(site.written[1].id == site.written[0].id);
            CHECK(site.written[1].segment == 2);
            CHECK(site.written[1].first_bad == seam);
            CHECK(site.written[1].first_good == end);
        }
    }
}

TEST_CASE("Of two faults at once the lower one is told, until it is mended", "[ledger]") {
    Site site;
    auto both = cable_out();
    site.look(silent({Rung::dns, Rung::web}, 4), 4);
    site.look(both, 4);
    // The cable is back, the resolvers are still dead.
    site.look(silent({Rung::dns, Rung::web}, 4), 4);
    site.look(healthy());
    REQUIRE(site.written.size() == 3);
    CHECK(site.written[0].cause == Cause::dns);
    CHECK(site.written[1].cause == Cause::carrier);
    CHECK(site.written[2].cause == Cause::dns);
    CHECK(site.written[2].id == site.written[0].id);
    CHECK_FALSE(site.written[2].is_open());
}

TEST_CASE("A province that is silent behind a dead provider is not the province's fault",
          "[ledger]") {
    Site site;
    site.look(provider_dead(), 10);
    REQUIRE(site.written.size() == 1);
    CHECK(site.written[0].link == "wan");
    CHECK(site.book.view("province").state == LinkState::unknown);
    // The provider works again, the province does not: now it is its own.
    site.look(silent({Rung::province}, 4), 4);
    REQUIRE(site.written.size() == 2);
    CHECK(site.written[1].link == "province");
    CHECK(site.written[1].cause == Cause::province);
}

TEST_CASE("A device that goes off in mid-outage leaves an undetermined segment between two",
          "[ledger]") {
    Site before;
    before.look(provider_dead(), 5);
    REQUIRE(before.written.size() == 1);
    LinkBook::History history;
    history.run = run_until(at(before.second));
    history.run->ending = {Cause::device_off, Confidence::low, "no clean stop"};
    history.open = before.written;

    SeriesTable series;
    LinkBook book{3, {}, series};
    auto written = book.start(history, at(20, 2), false);
    Judge judge{NextHop::automatic};
    for (const std::int64_t second : {21, 24, 27}) {
        auto round = provider_dead();
        round.at = at(second, 2);
        for (auto& outage : book.observe("wan", judge.judge(round))) written.push_back(outage);
    }
    REQUIRE(written.size() == 4);
    CHECK(written[0].cause == Cause::isp);
    CHECK(written[0].last_bad == at(before.second));
    CHECK(written[2].cause == Cause::undetermined);
    CHECK(written[2].last_good == at(before.second));
    CHECK(written[2].last_bad == at(0, 2));
    CHECK(written[2].first_good == at(21, 2));
    CHECK(written[3].cause == Cause::isp);
    CHECK(written[3].first_bad == at(21, 2));
    CHECK(written[3].id == written[0].id);
}

}  // namespace gerbang
