#include "common/sla/statement.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace gerbang::sla {
namespace {

using namespace std::chrono_literals;

/// Monday, 5 October 2026, 00:00 UTC.
const WallTime kFrom = wall_from_ms(1'791'158'400'000);
const WallTime kTo = kFrom + 24h * 28;

WallSpan around(WallTime at, Millis give = 0ms) {
    return {at - give, at + give};
}

/// Bad from `from` to `to`, each end within a probe interval of 10 s around it.
LedgerEntry entry(std::uint64_t id, Cause cause, Millis from, Millis to,
                  std::uint32_t segment = 1) {
    LedgerEntry made;
    made.id = id;
    made.segment = segment;
    made.cause = cause;
    made.last_good = around(kFrom + from - 5s);
    made.first_bad = around(kFrom + from + 5s);
    made.last_bad = around(kFrom + to - 5s);
    made.first_good = around(kFrom + to + 5s);
    return made;
}

Ledger ledger_of(std::vector<LedgerEntry> entries) {
    return {std::move(entries), kFrom, kTo};
}

Statement statement_of(const Ledger& ledger, const Clauses& clauses = example_clauses(),
                       WallTime from = kFrom, WallTime to = kTo) {
    const auto made = evaluate(ledger, clauses, from, to, Seconds{8 * 3600});
    REQUIRE(made);
    Seconds sum = made->up + made->unmeasured;
    for (const auto& [party, causes] : made->down) {
        for (const auto& [cause, seconds] : causes) {
            CHECK(seconds > 0s);
            sum += seconds;
        }
    }
    CHECK(sum == made->period);
    return *made;
}

Seconds down(const Statement& statement, Party party, Cause cause) {
    const auto found = statement.down.find(party);
    if (found == statement.down.end()) return 0s;
    const auto seconds = found->second.find(cause);
    return seconds == found->second.end() ? 0s : seconds->second;
}

}  // namespace

TEST_CASE("Outages folded into one are down for their own time only", "[sla]") {
    auto loose = entry(1, Cause::isp, 10h, 12h);
    // Forty failures of 30 s each, of which nobody knows more exactly than 20 to 40 s.
    loose.fold = Fold{40, 800s, 1600s, 25s, 45s};
    const auto statement = statement_of(ledger_of({loose}));
    CHECK(down(statement, Party::provider, Cause::isp) == 1200s);
    CHECK(statement.up == statement.period - 1200s);
    CHECK(statement.uncertain == 400s);
    REQUIRE(statement.outages.size() == 1);
    CHECK(statement.outages[0].certain == 25s);
    CHECK(statement.outages[0].possible == 45s);
    CHECK(statement.outages[0].in_period == 1200s);
    CHECK(statement.outages[0].verdict == Judged::Verdict::tolerated);

    SECTION("a part of the time holds its share") {
        const auto half = statement_of(ledger_of({loose}), example_clauses(), kFrom, kFrom + 11h);
        CHECK(down(half, Party::provider, Cause::isp) == 600s);
        const auto days = by_day(ledger_of({loose}), kFrom, kFrom + 11h, Seconds{});
        REQUIRE(days);
        CHECK(days->front().down.at(Cause::isp) == 600s);
    }
    SECTION("one that may be over the threshold is disputed, never counted") {
        loose.fold->longest_possible = 301s;
        CHECK(statement_of(ledger_of({loose})).outages[0].verdict == Judged::Verdict::disputed);
        loose.fold->longest_certain = 301s;
        CHECK(statement_of(ledger_of({loose})).outages[0].verdict == Judged::Verdict::disputed);
    }
    SECTION("and place keeps it") {
        Outage outage;
        outage.id = 7;
        outage.fold = loose.fold;
        outage.last_good = outage.first_bad = {BootNo{1}, monotonic_from_ms(1000)};
        outage.last_bad = outage.first_good = DeviceTime{BootNo{1}, monotonic_from_ms(9000)};
        TrueTime time;
        time.add({outage.last_good, kFrom, AnchorSource::kernel, Millis{0}});
        time.saw(*outage.first_good);
        const auto placed = place({outage}, time, kFrom, kTo);
        REQUIRE(placed.ledger.entries.size() == 1);
        CHECK(placed.ledger.entries[0].fold == loose.fold);
    }
}

TEST_CASE("Days that cannot be counted are refused", "[sla]") {
    CHECK_FALSE(by_day({}, kFrom, kFrom, Seconds{}));
    CHECK_FALSE(by_day({}, kTo, kFrom, Seconds{}));
    CHECK(by_day({}, kFrom, kFrom + 24h * 400, Seconds{}));
    CHECK_FALSE(by_day({}, kFrom, kFrom + 24h * 400 + 1s, Seconds{}));
}

TEST_CASE("Days are cut at the site's midnight, and each cause stands in its own day", "[sla]") {
    // An outage over the midnight of the site (16:00 UTC), a cause of another party, and time that
    // nobody measured; the ledger ends in the third day.
    auto ledger = ledger_of({entry(1, Cause::isp, 15h, 18h), entry(2, Cause::power, 20h, 21h),
                             entry(3, Cause::daemon, 22h, 23h)});
    ledger.known_to = kFrom + 41h;
    const auto days = by_day(ledger, kFrom - 8h, kFrom + 64h, Seconds{8 * 3600});
    REQUIRE(days);
    REQUIRE(days->size() == 3);
    const Day first{"2026-10-05", 24h, 15h, 8h, {{Cause::isp, 1h}}, 937'500};
    CHECK((*days)[0] == first);
    const Day second{"2026-10-06", 24h, 20h, 1h, {{Cause::isp, 2h}, {Cause::power, 1h}}, 869'565};
    CHECK((*days)[1] == second);
    const Day third{"2026-10-07", 24h, 1h, 23h, {}, 1'000'000};
    CHECK((*days)[2] == third);

    const auto part = by_day(ledger, kFrom + 16h, kFrom + 17h, Seconds{8 * 3600});
    REQUIRE(part);
    const Day hour{"2026-10-06", 1h, 0h, 0h, {{Cause::isp, 1h}}, 0};
    CHECK(*part == std::vector<Day>{hour});
    const auto later = by_day(ledger, kFrom + 64h, kFrom + 65h, Seconds{8 * 3600});
    REQUIRE(later);
    CHECK_FALSE((*later)[0].raw_ppm);
}

TEST_CASE("Seconds that rounding leaves over go from day to day and are not lost", "[sla]") {
    std::vector<LedgerEntry> entries;
    for (int day = 0; day < 20; ++day) {
        const auto at = 24h * day + 1h;
        entries.push_back(entry(static_cast<std::uint64_t>(day) + 1, Cause::isp, at, at + 300ms));
    }
    const auto days = by_day(ledger_of(std::move(entries)), kFrom, kFrom + 24h * 20, Seconds{});
    REQUIRE(days);
    Seconds down{};
    for (const auto& day : *days) {
        for (const auto& [cause, seconds] : day.down) down += seconds;
    }
    CHECK(down == 6s);
}

TEST_CASE("A period that does not go forward, or on for decades, has no statement", "[sla]") {
    for (const Millis length : {0ms, -1ms, Millis{-86'400'000LL * 366}}) {
        const auto made = evaluate({}, example_clauses(), kFrom, kFrom + length, Seconds{});
        REQUIRE_FALSE(made);
        CHECK(made.error().code == Errc::bad_input);
    }
    CHECK_FALSE(evaluate({}, example_clauses(), kFrom, kFrom + 24h * 366 * 10 + 1s, Seconds{}));
    const auto least = wall_from_ms(std::numeric_limits<std::int64_t>::min());
    const auto most = wall_from_ms(std::numeric_limits<std::int64_t>::max());
    CHECK_FALSE(evaluate({{}, least, most}, example_clauses(), least, most, Seconds{}));
}

TEST_CASE("A ledger that knows nothing of the period says so", "[sla]") {
    const auto statement = statement_of({{}, kTo + 24h, kTo + 48h});
    CHECK(statement.period == 28 * 24h);
    CHECK(statement.unmeasured == 28 * 24h);
    CHECK_FALSE(statement.raw_ppm);
    CHECK_FALSE(statement.clause_ppm);
    CHECK(statement.coverage_ppm == 0);
    CHECK_FALSE(statement.has_verdict);
}

TEST_CASE("A healthy period is up", "[sla]") {
    const auto statement = statement_of(ledger_of({}));
    CHECK(statement.up == statement.period);
    CHECK(statement.raw_ppm == 1'000'000);
    CHECK(statement.clause_ppm == 1'000'000);
    CHECK(statement.coverage_ppm == 1'000'000);
    CHECK(statement.is_example);
    CHECK(statement.clauses == "example-300s");
    CHECK_FALSE(statement.has_verdict);  // the example promises nothing
}

TEST_CASE("The example counts a provider's failure over 300 s, and never a power cut", "[sla]") {
    const auto statement = statement_of(
        ledger_of({entry(1, Cause::isp, 1h, 1h + 311s), entry(2, Cause::isp, 2h, 2h + 310s),
                   entry(3, Cause::isp, 3h, 3h + 290s), entry(4, Cause::power, 4h, 8h),
                   entry(5, Cause::device_off, 9h, 10h), entry(6, Cause::off, 11h, 12h)}));
    REQUIRE(statement.outages.size() == 6);
    using enum Judged::Verdict;
    // 311 s by the middles: 301 s for certain. 310 s: exactly 300 s for certain, which is not over.
    CHECK(statement.outages[0].verdict == counts);
    CHECK(statement.outages[0].certain == 301s);
    CHECK(statement.outages[0].possible == 321s);
    CHECK(statement.outages[0].reason == "over_threshold");
    CHECK(statement.outages[1].verdict == disputed);
    CHECK(statement.outages[1].reason == "uncertain");
    CHECK(statement.outages[2].verdict == tolerated);
    CHECK(statement.outages[2].possible == 300s);
    CHECK(statement.outages[3].verdict == excluded);
    CHECK(statement.outages[3].reason == "utility");
    CHECK(statement.outages[4].reason == "undecided");
    CHECK(statement.outages[5].reason == "village");
    CHECK(statement.uncertain == 6 * 10s);  // 5 s at each end of each
    CHECK(statement.counted == 311s);
    CHECK(statement.disputed == 310s);
    CHECK(down(statement, Party::provider, Cause::isp) == 911s);
    CHECK(down(statement, Party::utility, Cause::power) == 4h);
    CHECK(down(statement, Party::undecided, Cause::device_off) == 1h);
    CHECK(statement.clause_ppm == 999'871);  // 1 - 311 / 2,419,200, rounded down
}

TEST_CASE("Time that nobody looked at is unmeasured, whatever the clauses say of it", "[sla]") {
    auto clauses = example_clauses();
    clauses.party.fill(Party::provider);
    const auto statement = statement_of(
        ledger_of({entry(1, Cause::daemon, 1h, 2h), entry(2, Cause::unknown, 3h, 4h)}), clauses);
    CHECK(statement.unmeasured == 2h);
    CHECK(statement.down.empty());
    CHECK(statement.outages.empty());
    CHECK(statement.coverage_ppm == 997'023);  // 670 of 672 hours
}

TEST_CASE("An outage that is not over lasts as far as the ledger knows", "[sla]") {
    auto open = entry(1, Cause::isp, 1h, 2h);
    open.last_bad.reset();
    open.first_good.reset();
    Ledger ledger{{open}, kFrom + 30min, kFrom + 3h};
    const auto statement = statement_of(ledger);
    CHECK(down(statement, Party::provider, Cause::isp) == 2h);
    CHECK(statement.up == 30min);
    CHECK(statement.unmeasured == statement.period - 150min);
    CHECK(statement.outages.at(0).certain == 2h - 5s);
    CHECK(statement.outages.at(0).to == kFrom + 3h);
}

TEST_CASE("An outage across the period's end is judged by its whole length, counted by its part",
          "[sla]") {
    const auto ledger = ledger_of({entry(1, Cause::isp, 1h, 1h + 400s)});
    const auto before = statement_of(ledger, example_clauses(), kFrom, kFrom + 1h + 200s);
    const auto after = statement_of(ledger, example_clauses(), kFrom + 1h + 200s, kTo);
    for (const auto& statement : {before, after}) {
        REQUIRE(statement.outages.size() == 1);
        CHECK(statement.outages[0].verdict == Judged::Verdict::counts);
        CHECK(statement.outages[0].certain == 390s);
        CHECK(statement.outages[0].in_period == 200s);
        CHECK(statement.counted == 200s);
    }
    CHECK(before.outages[0].to == kFrom + 1h + 200s);
    CHECK(before.uncertain == 5s);  // of its beginning alone
}

TEST_CASE("Segments of one party are one stretch; another party's time parts them", "[sla]") {
    const auto ledger = ledger_of(
        {entry(1, Cause::isp, 1h, 1h + 200s, 1), entry(1, Cause::dns, 1h + 200s, 1h + 400s, 2),
         entry(2, Cause::isp, 2h, 2h + 200s, 1), entry(2, Cause::power, 2h + 200s, 3h, 2),
         entry(2, Cause::isp, 3h, 3h + 200s, 3)});
    const auto statement = statement_of(ledger);
    REQUIRE(statement.outages.size() == 4);
    CHECK(statement.outages[0].verdict == Judged::Verdict::counts);
    CHECK(statement.outages[0].certain == 390s);
    CHECK(statement.outages[1].verdict == Judged::Verdict::tolerated);
    CHECK(statement.outages[2].party == Party::utility);
    CHECK(statement.outages[3].verdict == Judged::Verdict::tolerated);
    CHECK(statement.counted == 400s);
}

TEST_CASE("What nobody can tell, right before or after, makes a short failure disputed", "[sla]") {
    const Cause between = GENERATE(Cause::undetermined, Cause::daemon, Cause::device_off);
    const auto ledger =
        ledger_of({entry(1, Cause::isp, 1h, 1h + 200s, 1), entry(1, between, 1h + 200s, 2h, 2),
                   entry(1, Cause::isp, 2h, 2h + 100s, 3)});
    const auto statement = statement_of(ledger);
    CHECK(statement.counted == 0s);
    CHECK(statement.disputed == 300s);  // the provider's own time only
    CHECK(statement.outages.front().verdict == Judged::Verdict::disputed);
    CHECK(statement.outages.front().certain == 190s);
    CHECK(statement.outages.front().possible == 1h + 100s + 10s);
}

TEST_CASE("Maintenance is nobody's, and its time is not measured against the threshold", "[sla]") {
    auto clauses = example_clauses();
    clauses.maintenance = {{kFrom + 1h, kFrom + 1h + 300s, "kabel"},
                           {kFrom + 1h + 200s, kFrom + 1h + 350s, "overlaps"},
                           {kFrom + 9h, kFrom + 8h, "ends before it begins"}};
    const auto statement = statement_of(
        ledger_of({entry(1, Cause::isp, 1h, 1h + 600s), entry(2, Cause::isp, 1h + 20s, 1h + 90s)}),
        clauses);
    REQUIRE(statement.outages.size() == 2);
    CHECK(statement.outages[0].verdict == Judged::Verdict::tolerated);
    CHECK(statement.outages[0].certain == 240s);
    CHECK(statement.outages[0].possible == 260s);
    CHECK(statement.outages[0].in_period == 250s);
    CHECK(statement.outages[1].verdict == Judged::Verdict::excluded);
    CHECK(statement.outages[1].reason == "maintenance");
    CHECK(down(statement, Party::nobody, Cause::isp) == 350s);
    CHECK(down(statement, Party::provider, Cause::isp) == 250s);
}

TEST_CASE("Outside of the opening hours, by the site's own time, nothing counts", "[sla]") {
    auto clauses = example_clauses();
    // Monday 07:30 to 16:00 and Tuesday, all day; kFrom is Monday 08:00 in WITA.
    clauses.hours = {{0, 450, 960}, {1, 0, 1440}};
    const auto statement = statement_of(
        ledger_of({entry(1, Cause::isp, 7h, 9h), entry(2, Cause::isp, 10h, 11h),
                   entry(3, Cause::isp, 39h, 41h), entry(4, Cause::isp, 168h, 168h + 1h)}),
        clauses);
    REQUIRE(statement.outages.size() == 4);
    CHECK(statement.outages[0].in_period == 1h);  // until 16:00
    CHECK(statement.outages[0].certain == 1h - 10s);
    CHECK(statement.outages[1].reason == "closed");
    CHECK(statement.outages[2].in_period == 1h);  // Tuesday 23:00 to midnight
    CHECK(statement.outages[3].in_period == 1h);  // the next Monday
    CHECK(statement.counted == 3h);
    CHECK(down(statement, Party::provider, Cause::isp) == 6h);
}

TEST_CASE("Vague wall times of one boot do not make its durations vague", "[sla]") {
    auto vague = entry(1, Cause::isp, 1h, 1h + 400s);
    for (auto* span : {&vague.last_good, &vague.first_bad, &*vague.last_bad, &*vague.first_good}) {
        *span = {span->earliest - 5h, span->latest + 5h};
    }
    const auto blind = statement_of(ledger_of({vague}));
    CHECK(blind.outages.at(0).verdict == Judged::Verdict::disputed);
    CHECK(blind.outages.at(0).certain == 0s);
    const auto on = [](std::uint32_t boot, std::int64_t s) {
        return DeviceTime{BootNo{boot}, monotonic_from_ms(s * 1000)};
    };
    vague.on_device = LedgerEntry::OnDevice{on(3, 100), on(3, 110), on(3, 500), on(3, 510)};
    const auto told = statement_of(ledger_of({vague}));
    CHECK(told.outages.at(0).verdict == Judged::Verdict::counts);
    CHECK(told.outages.at(0).certain == 390s);
    CHECK(told.outages.at(0).possible == 410s);
    CHECK(told.counted == 400s);  // the middles are as far apart as ever
    vague.on_device->last_bad.boot = BootNo{4};
    vague.on_device->first_good.boot = BootNo{4};
    CHECK(statement_of(ledger_of({vague})).outages.at(0).certain == 0s);
}

TEST_CASE("Of entries that overlap the last holds, and the earlier one goes on behind it",
          "[sla]") {
    const auto statement =
        statement_of(ledger_of({entry(1, Cause::isp, 1h, 4h), entry(2, Cause::power, 2h, 3h)}));
    CHECK(down(statement, Party::provider, Cause::isp) == 2h);
    CHECK(down(statement, Party::utility, Cause::power) == 1h);
    CHECK(statement.counted == 2h);
}

TEST_CASE("A promise is judged when enough was measured", "[sla]") {
    auto clauses = example_clauses();
    clauses.promised_ppm = 999'000;
    clauses.least_coverage_ppm = 500'000;
    auto ledger = ledger_of({entry(1, Cause::isp, 1h, 1h + 2419s)});  // 999,900 ppm of up time
    auto statement = statement_of(ledger, clauses);
    CHECK(statement.has_verdict);
    CHECK(statement.is_kept);
    CHECK(statement.clause_ppm == 999'000);
    ledger.entries[0] = entry(1, Cause::isp, 1h, 1h + 2420s);
    statement = statement_of(ledger, clauses);
    CHECK(statement.has_verdict);
    CHECK_FALSE(statement.is_kept);
    ledger.known_to = kFrom + 24h * 14;
    CHECK(statement_of(ledger, clauses).has_verdict);
    ledger.known_to -= 1s;
    statement = statement_of(ledger, clauses);
    CHECK_FALSE(statement.has_verdict);
    CHECK_FALSE(statement.is_kept);
}

TEST_CASE("Time before the oldest outage of a full list is unmeasured, not up", "[sla]") {
    const auto on = [](std::int64_t s) {
        return DeviceTime{BootNo{1}, monotonic_from_ms(s * 1000)};
    };
    TrueTime time;
    time.add({on(0), kFrom, AnchorSource::kernel, 0ms});
    time.saw(on(100'000));
    std::vector<Outage> listed(2);
    for (std::size_t i = 0; i < listed.size(); ++i) {
        const auto at = 30'000 + 10'000 * static_cast<std::int64_t>(i);
        listed[i].id = i + 1;
        listed[i].cause = Cause::isp;
        listed[i].last_good = on(at);
        listed[i].first_bad = on(at);
        listed[i].last_bad = on(at + 1'000);
        listed[i].first_good = on(at + 1'000);
    }
    listed[0].link = link_name::kHotspot;  // the list is of all links
    CHECK(place(listed, time, kFrom, kFrom + 24h).ledger.known_from == kFrom);
    CHECK(place(listed, time, kFrom, kFrom + 24h, 3).ledger.known_from == kFrom);
    const auto full = place(listed, time, kFrom, kFrom + 24h, 2);
    const auto known_from = full.ledger.known_from - kFrom;
    CHECK(known_from >= 31'000s);
    CHECK(known_from < 31'010s);
    CHECK(full.ledger.entries.size() == 1);
    const auto days = by_day(full.ledger, kFrom, kFrom + 24h, Seconds{});
    REQUIRE(days);
    CHECK(days->front().unmeasured >= 31'000s);
}

TEST_CASE("Ledger entries are placed by true time, the newest state of each segment", "[sla]") {
    const auto on = [](std::uint32_t boot, std::int64_t s) {
        return DeviceTime{BootNo{boot}, monotonic_from_ms(s * 1000)};
    };
    TrueTime time;
    time.add({on(2, 0), kFrom, AnchorSource::kernel, 10ms});
    time.saw(on(1, 100));
    time.saw(on(2, 10'000));
    time.saw(on(3, 1'000));

    Outage first;
    first.id = 1;
    first.cause = Cause::isp;
    first.last_good = on(2, 100);
    first.first_bad = on(2, 110);
    Outage ended = first;
    ended.last_bad = on(2, 500);
    ended.first_good = on(2, 510);
    Outage hotspot = first;
    hotspot.link = link_name::kHotspot;
    Outage nowhere = first;  // boot 1 has no anchor, and none before it
    nowhere.id = 9;
    nowhere.last_good = on(1, 10);
    nowhere.first_bad = on(1, 20);
    nowhere.last_bad = on(1, 30);
    nowhere.first_good = on(1, 40);
    Outage from_before = nowhere;
    from_before.id = 10;
    from_before.last_bad = on(2, 30);
    from_before.first_good = on(2, 40);
    Outage into_unknown = ended;  // ends on a boot that has no anchor yet
    into_unknown.id = 11;
    into_unknown.first_good = on(3, 50);
    into_unknown.last_bad = on(3, 40);

    const auto placed = place({first, nowhere, hotspot, from_before, into_unknown, ended}, time,
                              kFrom - 1h, kFrom + 9'000s);
    CHECK(placed.unplaced == 1);
    REQUIRE(placed.ledger.entries.size() == 3);
    const auto& one = placed.ledger.entries[0];
    CHECK(one.id == 1);
    CHECK(one.first_bad.middle() == kFrom + 110s);
    REQUIRE(one.first_good);
    CHECK(one.first_good->middle() == kFrom + 510s);
    REQUIRE(one.on_device);
    CHECK(one.on_device->last_bad == on(2, 500));
    const auto& two = placed.ledger.entries[1];
    CHECK(two.id == 10);
    CHECK(two.last_bad->middle() == kFrom + 30s);
    const auto& three = placed.ledger.entries[2];
    CHECK(three.id == 11);
    CHECK_FALSE(three.first_good);
    // Nothing is claimed of the time before boot 2, nor of what followed when boot 3 began.
    CHECK(placed.ledger.known_from == kFrom + 30s - 13ms);
    CHECK(placed.ledger.known_to == kFrom + 110s + 21ms);
    const auto statement =
        statement_of(placed.ledger, example_clauses(), kFrom - 1h, kFrom + 9'000s);
    CHECK(statement.unmeasured == 3630s + 8890s);
    CHECK(down(statement, Party::provider, Cause::isp) == 10s);
}

}  // namespace gerbang::sla
