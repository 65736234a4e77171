#include "daemon/ledger/outage_budget.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "common/model/facts.hpp"
#include "tests/daemon/ledger/ledger_samples.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

constexpr OutageBudget::Rates kTwo{2, Millis{3'600'000}};

Outage begun(std::uint64_t id, std::int64_t second, Cause cause = Cause::carrier,
             const std::string& link = "wan") {
    Outage outage;
    outage.id = id;
    outage.link = link;
    outage.cause = cause;
    outage.last_good = at(second - 3);
    outage.first_bad = at(second);
    outage.confidence = Confidence::high;
    outage.evidence = "carrier 0 on eth0";
    return outage;
}

Outage ended(Outage outage, std::int64_t second) {
    outage.last_bad = at(second);
    outage.first_good = at(second + 3);
    return outage;
}

/// Begins and ends an outage of `seconds` at `second`, as a ledger would tell it.
std::vector<Outage> pass(OutageBudget& budget, std::uint64_t id, std::int64_t second,
                         std::int64_t seconds, Cause cause = Cause::carrier) {
    const auto outage = begun(id, second, cause);
    auto out = budget.admit({outage}, at(second + 6));
    const auto more = budget.admit({ended(outage, second + seconds)}, at(second + seconds + 3));
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

}  // namespace

TEST_CASE("OutageBudget passes on what its allowance covers, as it happens", "[ledger]") {
    OutageBudget budget{kTwo, kTwo};
    const auto first = begun(1, 100);
    CHECK(budget.admit({first}, at(106)) == std::vector<Outage>{first});
    CHECK(budget.admit({}, at(110)).empty());
    CHECK(budget.admit({ended(first, 120)}, at(123)) == std::vector<Outage>{ended(first, 120)});
    CHECK(pass(budget, 2, 200, 10).size() == 2);
    CHECK(budget.drain().empty());
}

TEST_CASE("OutageBudget folds short outages without an allowance and loses no second", "[ledger]") {
    OutageBudget budget{kTwo, kTwo};
    (void)pass(budget, 1, 100, 10);
    (void)pass(budget, 2, 200, 10);
    CHECK(pass(budget, 3, 300, 10).empty());
    CHECK(pass(budget, 4, 400, 20).empty());
    CHECK(pass(budget, 5, 500, 5).empty());
    // The first of the two spent ones is back after an hour.
    CHECK(budget.admit({}, at(3699)).empty());
    const auto out = budget.admit({}, at(3706));
    REQUIRE(out.size() == 1);
    const auto& whole = out.front();
    CHECK(whole.id == 3);
    CHECK(whole.segment == 1);
    CHECK(whole.cause == Cause::carrier);
    CHECK(whole.confidence == Confidence::high);
    CHECK(whole.last_good == at(297));
    CHECK(whole.first_bad == at(300));
    CHECK(whole.last_bad == at(505));
    CHECK(whole.first_good == at(508));
    CHECK(whole.evidence == "3 short outages in a row: carrier 3");
    REQUIRE(whole.fold);
    CHECK(*whole.fold == Fold{3, Millis{35'000}, Millis{53'000}, Millis{20'000}, Millis{26'000}});
    CHECK(outage_from(to_event(whole, at(3706))).value() == whole);
    CHECK(budget.drain().empty());
}

TEST_CASE("OutageBudget folds nothing that lasts longer than contracts tolerate", "[ledger]") {
    OutageBudget budget{{1, Millis{3'600'000}}, kTwo};
    (void)pass(budget, 1, 100, 10);
    CHECK(pass(budget, 2, 200, 10).empty());
    const auto third = begun(3, 300);
    CHECK(budget.admit({third}, at(306)).empty());
    CHECK(budget.admit({}, at(600)).empty());
    // Behind the single one before it, which is told as it was.
    const auto out = budget.admit({}, at(601));
    CHECK(out == std::vector<Outage>{ended(begun(2, 200), 210), third});
    CHECK(budget.admit({ended(third, 900)}, at(903)) == std::vector<Outage>{ended(third, 900)});

    SECTION("also when it ends before anybody looks again") {
        const auto fourth = begun(4, 1000);
        CHECK(budget.admit({fourth}, at(1006)).empty());
        const auto late = budget.admit({ended(fourth, 1301)}, at(1304));
        CHECK(late == std::vector<Outage>{ended(fourth, 1301)});
    }
    SECTION("and one of exactly that length is folded") {
        CHECK(budget.admit({begun(4, 1000)}, at(1006)).empty());
        CHECK(budget.admit({ended(begun(4, 1000), 1300)}, at(1300)).empty());
    }
}

TEST_CASE("OutageBudget says of a fold of several causes that it is undetermined", "[ledger]") {
    OutageBudget budget{{1, Millis{3'600'000}}, kTwo};
    (void)pass(budget, 1, 100, 10);
    CHECK(pass(budget, 2, 200, 10).empty());
    CHECK(pass(budget, 3, 300, 10, Cause::isp).empty());
    const auto out = budget.drain();
    REQUIRE(out.size() == 1);
    CHECK(out.front().cause == Cause::undetermined);
    CHECK(out.front().confidence == Confidence::none);
    CHECK(out.front().evidence == "2 short outages in a row: carrier 1, isp 1");
}

TEST_CASE("OutageBudget keeps the segments of a held outage together", "[ledger]") {
    OutageBudget budget{{1, Millis{3'600'000}}, kTwo};
    (void)pass(budget, 1, 100, 10);
    const auto first = begun(2, 200);
    CHECK(budget.admit({first}, at(206)).empty());
    auto second = begun(2, 230, Cause::isp);
    second.segment = 2;
    CHECK(budget.admit({ended(first, 227), second}, at(236)).empty());
    CHECK(budget.admit({ended(second, 240)}, at(243)).empty());
    CHECK(budget.drain() == std::vector<Outage>{ended(first, 227), ended(second, 240)});
}

TEST_CASE("OutageBudget never holds back the gap of a device or daemon", "[ledger]") {
    OutageBudget budget{{1, Millis{3'600'000}}, kTwo};
    (void)budget.admit({}, at(1, 2));
    auto gap = begun(1, 100);
    for (std::uint64_t id = 1; id < 5; ++id) {
        gap.id = id;
        gap.cause = Cause::device_off;
        CHECK(budget.admit({gap}, at(1, 2)) == std::vector<Outage>{gap});
        auto end = gap;
        end.last_bad = at(0, 2);
        end.first_good = at(2, 2);
        CHECK(budget.admit({end}, at(2, 2)) == std::vector<Outage>{end});
    }
}

TEST_CASE("OutageBudget never folds the gap of a daemon on the same boot nor what is folded",
          "[ledger]") {
    OutageBudget budget{{1, Millis{3'600'000}}, kTwo};
    (void)pass(budget, 1, 100, 10);
    CHECK(pass(budget, 2, 200, 10).empty());
    // Unmeasured, not down: behind what was held back before it.
    const auto gap = begun(3, 300, Cause::daemon);
    CHECK(budget.admit({gap}, at(306)) == std::vector<Outage>{ended(begun(2, 200), 210), gap});
    CHECK(budget.admit({ended(gap, 310)}, at(313)) == std::vector<Outage>{ended(gap, 310)});

    auto folded = ended(begun(4, 400), 450);
    folded.fold = Fold{2, Millis{20'000}, Millis{26'000}, Millis{10'000}, Millis{13'000}};
    CHECK(budget.admit({folded}, at(460)) == std::vector<Outage>{folded});
    CHECK(budget.drain().empty());
}

TEST_CASE("OutageBudget counts no second as down that nobody measured", "[ledger]") {
    OutageBudget budget{kTwo, {1, Millis{3'600'000}}};
    const std::string link = "service-a";
    const auto tell = [&](const Outage& outage, std::int64_t last) {
        (void)budget.admit({outage}, at(last));
        return budget.admit({ended(outage, last)}, at(last + 3));
    };
    CHECK(tell(begun(1, 100, Cause::service, link), 110).size() == 1);
    CHECK(tell(begun(2, 200, Cause::service, link), 210).empty());
    const auto first = begun(3, 300, Cause::service, link);
    auto unseen = begun(3, 313, Cause::unknown, link);
    unseen.segment = 2;
    unseen.last_good = at(310);
    CHECK(budget.admit({ended(first, 310), unseen}, at(320)).empty());
    CHECK(budget.admit({ended(unseen, 400)}, at(403)).empty());
    const auto out = budget.drain();
    REQUIRE(out.size() == 1);
    REQUIRE(out.front().fold);
    // Ten seconds of each; of 310 to 403 nobody knows.
    CHECK(out.front().fold->certain == Millis{20'000 - 3'000});
    CHECK(out.front().fold->longest_possible == Millis{106'000});
}

TEST_CASE("OutageBudget goes on in the next life with what is spent and what is told", "[ledger]") {
    OutageBudget first{kTwo, kTwo};
    CHECK(first.memory(at(0)).empty());
    CHECK(pass(first, 1, 100, 10).size() == 2);
    (void)first.admit({begun(2, 200, Cause::hotspot, "hotspot")}, at(206));
    CHECK(pass(first, 3, 300, 10).size() == 2);
    CHECK(pass(first, 4, 400, 10).empty());
    CHECK(first.memory(at(420)) == "hotspot=1 wan=2");
    // All of the hotspot's are back after an hour, and one of two here.
    CHECK(first.memory(at(3850)) == "wan=1");

    OutageBudget second{kTwo, kTwo};
    second.restore("hotspot=1 wan=2", 3, at(1000));
    CHECK(second.memory(at(1000)) == "hotspot=1 wan=2");
    // The hotspot's outage was told while it was open: so is its end.
    const auto end = ended(begun(2, 200, Cause::hotspot, "hotspot"), 1010);
    CHECK(second.admit({end}, at(1013)) == std::vector<Outage>{end});
    // Nobody saw number 4: it is given again, and there is no allowance for it.
    CHECK(pass(second, 4, 1100, 10).empty());
    CHECK(second.drain().size() == 1);
}

TEST_CASE("OutageBudget takes from a memory only what is its own", "[ledger]") {
    const auto* text = GENERATE("", " ", "wan", "wan=", "=5", "wan=x", "wan=-1", "wan=1x",
                                "wan=99999999999999999999", "===", "\xff\xff=\xff");
    OutageBudget budget{kTwo, kTwo};
    budget.restore(text, 0, at(0));
    CHECK(budget.memory(at(0)).empty());
    CHECK(pass(budget, 1, 100, 10).size() == 2);
    // More than can be spent, and more links than there are, are bounded.
    OutageBudget other{kTwo, kTwo};
    std::string many = "wan=4000000000";
    for (int i = 0; i < 100; ++i) many += " service-" + std::to_string(i) + "=1";
    other.restore(many, 0, at(0));
    CHECK(other.memory(at(0)).size() < 1024);
    CHECK(other.memory(at(0)).ends_with("wan=14"));
}

TEST_CASE("OutageBudget keeps the links apart", "[ledger]") {
    OutageBudget budget{kTwo, {1, Millis{3'600'000}}};
    const auto hotspot = begun(1, 100, Cause::hotspot, "hotspot");
    CHECK(budget.admit({hotspot}, at(106)).size() == 1);
    CHECK(budget.admit({ended(hotspot, 110)}, at(113)).size() == 1);
    CHECK(budget.admit({begun(2, 200, Cause::hotspot, "hotspot")}, at(206)).empty());
    CHECK(budget.admit({begun(3, 210)}, at(216)).size() == 1);
    CHECK(budget.admit({begun(4, 220, Cause::service, "service-a")}, at(226)).size() == 1);
}

TEST_CASE("A year of a loose cable writes a bounded ledger with every second in it", "[ledger]") {
    std::mt19937_64 random{test_seed()};
    OutageBudget budget;
    std::map<std::pair<std::uint64_t, std::uint32_t>, Outage> told;
    std::uint64_t events = 0;
    const auto take = [&](const std::vector<Outage>& segments) {
        events += segments.size();
        for (const auto& each : segments) told[{each.id, each.segment}] = each;
    };
    std::int64_t down_s = 0;
    std::int64_t second = 1000;
    std::uint64_t id = 0;
    const std::int64_t end = 365 * 86'400;
    while (second < end) {
        // Mostly seconds, now and then hours.
        const auto length =
            static_cast<std::int64_t>(random() % 5000 == 0 ? random() % 20'000 : 9 + random() % 60);
        take(pass(budget, ++id, second, length));
        down_s += length;
        second += length + 10 + static_cast<std::int64_t>(random() % 50);
    }
    take(budget.drain());
    REQUIRE(id > 300'000);
    INFO("outages " << id << ", written " << events);
    CHECK(events < 365 * 18);
    Millis certain{};
    DeviceTime before{};
    for (const auto& [key, outage] : told) {
        CHECK(outage.last_good >= before);
        before = *outage.first_good;
        const auto span = outage.last_bad->at - outage.first_bad.at;
        CHECK((!outage.fold || outage.fold->longest_certain <= OutageBudget::kShort));
        certain += outage.fold ? outage.fold->certain : span;
    }
    CHECK(certain == Millis{down_s * 1000});
}

}  // namespace gerbang
