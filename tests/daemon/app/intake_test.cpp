#include "daemon/app/intake.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "common/wire/codec.hpp"
#include "tests/support/memory_ring.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;

namespace {

const EpochId kEpoch{{1, 2, 3}};
const BootId kBootId{{9}};
constexpr BootNo kBoot{3};

Tick tick_at(std::int64_t ms, std::int64_t value) {
    return {monotonic_from_ms(ms), {{SeriesId{1}, value}, {SeriesId{7}, value * 3}}};
}

Event event_at(std::int64_t ms) {
    return to_event(CarrierFact{.name = "eth0", .is_up = true, .changes = 1},
                    {kBoot, monotonic_from_ms(ms)});
}

/// All ticks in the chunks of `bodies`, in order.
std::vector<Tick> ticks_in(const std::vector<RecordBody>& bodies) {
    std::vector<Tick> ticks;
    for (const auto& body : bodies) {
        if (const auto* chunk = std::get_if<Chunk>(&body)) {
            for (auto& tick : ticks_of(*chunk)) ticks.push_back(std::move(tick));
        }
    }
    return ticks;
}

struct Life {
    std::unique_ptr<Ring> ring;
    Intake intake;
    Intake::Found blind;
    Intake::Found recovered;

    Life(MemoryRing& memory, Seq journal_last, EpochId epoch = kEpoch, BootId boot = kBootId)
        : ring{memory.open(boot)},
          intake{*ring},
          blind{intake.begin()},
          recovered{intake.attach(epoch, journal_last, kBoot)} {}
};

}  // namespace

TEST_CASE("Intake gives back every tick and event after the process died", "[app]") {
    MemoryRing memory;
    {
        Life life{memory, Seq{0}};
        life.intake.add(event_at(500));
        for (int i = 1; i <= 5; ++i) life.intake.add(tick_at(i * 1000, i * 10));
    }
    Life again{memory, Seq{0}};
    REQUIRE(again.recovered.ticks == 5);
    CHECK(again.recovered.totals == tick_at(5000, 50).readings);
    CHECK(again.recovered.first == tick_at(1000, 10).readings);
    CHECK(again.recovered.events == std::vector{event_at(500)});
    CHECK(again.recovered.foreign == 0);

    again.intake.add(tick_at(6000, 60));
    const auto commit = again.intake.next(Seq{1}, 6);
    REQUIRE(commit);
    REQUIRE(commit->bodies.size() == 2);
    CHECK(std::holds_alternative<Event>(commit->bodies[0]));
    CHECK(ticks_in(commit->bodies).size() == 6);
}

TEST_CASE("Intake drops what the journal holds when death came after the commit", "[app]") {
    MemoryRing memory;
    {
        Life life{memory, Seq{40}};
        for (int i = 1; i <= 3; ++i) life.intake.add(tick_at(i * 1000, i));
        const auto commit = life.intake.next(Seq{41}, 6);
        REQUIRE(commit);
        // The tick arrives while the commit is under way; then the process dies unreleased.
        life.intake.add(tick_at(4000, 4));
    }
    SECTION("committed: only the later tick is left") {
        Life again{memory, Seq{41}};
        REQUIRE(again.recovered.ticks == 1);
        CHECK(again.recovered.last_tick == monotonic_from_ms(4000));
    }
    SECTION("not committed: all four are left") {
        Life again{memory, Seq{40}};
        CHECK(again.recovered.ticks == 4);
    }
    SECTION("another journal: nothing of it can be used, and that is said") {
        Life again{memory, Seq{41}, EpochId{{8}}};
        CHECK(again.recovered.ticks == 0);
        CHECK(again.recovered.foreign > 0);
    }
    SECTION("another boot: the ring is empty") {
        Life again{memory, Seq{41}, kEpoch, BootId{{5}}};
        CHECK(again.recovered.ticks == 0);
        CHECK(again.recovered.foreign == 0);
    }
}

TEST_CASE("Intake keeps everything through failed commits and splits it into chunks", "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    for (int minute = 0; minute < 30; ++minute) {
        for (int i = 1; i <= 6; ++i) {
            const auto n = minute * 6 + i;
            life.intake.add(tick_at(n * 10'000, n));
        }
        REQUIRE(life.intake.next(Seq{1}, 6));  // the journal says no each time
    }
    const auto commit = life.intake.next(Seq{1}, 6);
    REQUIRE(commit);
    CHECK(commit->bodies.size() == 30);
    CHECK(ticks_in(commit->bodies).size() == 180);
    life.intake.release(*commit);
    CHECK(life.intake.empty());
    CHECK(memory.entries() == 0);
}

TEST_CASE("Intake commits a long backlog in bounded prefixes without repeating a tick", "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    constexpr int kTicks = 64 * 6 * 2 + 17;
    for (int i = 1; i <= kTicks; ++i) {
        life.intake.add(tick_at(i * 1000, i));
        if (i % 6 == 0) (void)life.intake.next(Seq{1}, 6);
    }
    std::vector<Tick> seen;
    auto next = Seq{1};
    for (int rounds = 0; !life.intake.empty(); ++rounds) {
        REQUIRE(rounds < 10);
        const auto commit = life.intake.next(next, 6);
        REQUIRE(commit);
        CHECK(commit->bodies.size() <= 64);
        for (auto& tick : ticks_in(commit->bodies)) seen.push_back(std::move(tick));
        next = Seq{next.value + commit->bodies.size()};
        life.intake.release(*commit);
    }
    REQUIRE(seen.size() == kTicks);
    for (int i = 1; i <= kTicks; ++i)
        CHECK(seen[static_cast<std::size_t>(i - 1)] == tick_at(i * 1000, i));
}

TEST_CASE("Intake gives up the oldest run when the ring is full and says how much", "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    for (int i = 1; i <= 12; ++i) {
        life.intake.add(tick_at(i * 1000, i));
        if (i % 6 == 0) (void)life.intake.next(Seq{1}, 6);
    }
    memory.fill_up(1);
    life.intake.add(tick_at(13'000, 13));
    const auto commit = life.intake.next(Seq{1}, 6);
    REQUIRE(commit);
    const auto ticks = ticks_in(commit->bodies);
    REQUIRE(ticks.size() == 7);
    CHECK(ticks.front() == tick_at(7000, 7));
    const auto loss = loss_from(std::get<Event>(commit->bodies.back()));
    REQUIRE(loss);
    CHECK(loss->count == 6);
    CHECK(loss->first.at == monotonic_from_ms(1000));
    CHECK(loss->last.at == monotonic_from_ms(6000));
}

TEST_CASE("Intake loses 64 ticks, not a day, when the ring fills while one commit hangs", "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    for (int i = 1; i <= 1000; ++i) life.intake.add(tick_at(i * 1000, i));
    memory.fill_up(1);
    life.intake.add(tick_at(1'001'000, 1001));
    CHECK(life.intake.pending_ticks() == 1001 - 64);
    // What is left goes in commits of a bounded size.
    const auto commit = life.intake.next(Seq{1}, 6);
    REQUIRE(commit);
    CHECK(commit->bodies.size() == 64 + 1);  // and the loss
}

TEST_CASE("Intake puts each event where it came among the ticks", "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    life.intake.add(event_at(900));
    life.intake.add(tick_at(1000, 1));
    life.intake.add(tick_at(2000, 2));
    life.intake.add(event_at(2500));
    life.intake.add(tick_at(3000, 3));
    life.intake.add(event_at(3500));
    const auto commit = life.intake.next(Seq{1}, 2);
    REQUIRE(commit);
    std::vector<Monotonic> times;
    for (const auto& body : commit->bodies) times.push_back(time_of(body)->at);
    CHECK(times == std::vector{monotonic_from_ms(900), monotonic_from_ms(2000),
                               monotonic_from_ms(2500), monotonic_from_ms(3000),
                               monotonic_from_ms(3500)});
}

TEST_CASE("Intake tells of the outages that wait, until the journal has them", "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    Outage outage;
    outage.id = 7;
    outage.link = std::string{link_name::kWan};
    outage.cause = Cause::isp;
    outage.last_good = {kBoot, monotonic_from_ms(1000)};
    outage.first_bad = {kBoot, monotonic_from_ms(2000)};
    life.intake.add(tick_at(2500, 1));
    life.intake.add(event_at(2600));
    CHECK(life.intake.waiting_outages().empty());
    life.intake.add(to_event(outage, {kBoot, monotonic_from_ms(3000)}));
    const auto commit = life.intake.next(Seq{1}, 6);
    REQUIRE(commit);
    // On its way and not yet there.
    REQUIRE(life.intake.waiting_outages().size() == 1);
    CHECK(life.intake.waiting_outages().front().id == 7);
    CHECK(life.intake.waiting_outages().front().is_open());
    life.intake.release(*commit);
    CHECK(life.intake.waiting_outages().empty());
}

TEST_CASE("Intake does not call lost what a slow commit stored after all", "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    for (int i = 1; i <= 6; ++i) life.intake.add(tick_at(i * 1000, i));
    const auto slow = life.intake.next(Seq{1}, 6);
    REQUIRE(slow);
    memory.fill_up(1);
    life.intake.add(tick_at(7000, 7));
    SECTION("it is stored") {
        life.intake.release(*slow);
        const auto commit = life.intake.next(Seq{2}, 6);
        REQUIRE(commit);
        CHECK(commit->bodies.size() == 1);
        CHECK(ticks_in(commit->bodies) == std::vector{tick_at(7000, 7)});
    }
    SECTION("it fails") {
        const auto commit = life.intake.next(Seq{1}, 6);
        REQUIRE(commit);
        REQUIRE(commit->bodies.size() == 2);
        const auto loss = loss_from(std::get<Event>(commit->bodies.back()));
        REQUIRE(loss);
        CHECK(loss->count == 6);
    }
}

TEST_CASE("Intake counts events beyond its bound although the commit took all the others",
          "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    for (int i = 0; i < 4096; ++i) life.intake.add(event_at(1000 + i));
    const auto commit = life.intake.next(Seq{1}, 6);
    REQUIRE(commit);
    life.intake.add(event_at(9000));
    life.intake.add(event_at(9001));
    life.intake.release(*commit);
    const auto rest = life.intake.next(Seq{4097}, 6);
    REQUIRE(rest);
    REQUIRE(rest->bodies.size() == 1);
    const auto loss = loss_from(std::get<Event>(rest->bodies.front()));
    REQUIRE(loss);
    CHECK(loss->what == "events");
    CHECK(loss->count == 2);
}

TEST_CASE("Intake keeps a malformed event from spoiling every later commit", "[app]") {
    MemoryRing memory;
    Life life{memory, Seq{0}};
    auto malformed = event_at(500);
    malformed.fields.push_back({"evidence", std::string(2000, 'x')});
    life.intake.add(malformed);
    life.intake.add(tick_at(1000, 1));
    const auto commit = life.intake.next(Seq{1}, 6);
    REQUIRE(commit);
    for (const auto& body : commit->bodies) CHECK(defect_of(body).empty());
    const auto loss = loss_from(std::get<Event>(commit->bodies.back()));
    REQUIRE(loss);
    CHECK(loss->reason == "malformed");
}

TEST_CASE("Intake loses and repeats no tick over random deaths and failing commits", "[app]") {
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(500); ++round) {
        MemoryRing memory;
        std::vector<Tick> stored;
        std::uint64_t last = 0;
        int made = 0;
        while (made < 60) {
            Life life{memory, Seq{last}};
            for (;;) {
                const auto roll = random() % 20;
                if (roll < 12) {
                    ++made;
                    life.intake.add(tick_at(made * 1000, made));
                } else if (roll < 19) {
                    const auto commit = life.intake.next(Seq{last + 1}, 1 + random() % 6);
                    if (!commit) continue;
                    if (random() % 3 == 0) continue;  // the journal refused
                    if (random() % 3 == 0) {
                        ++made;
                        life.intake.add(tick_at(made * 1000, made));
                    }
                    for (auto& tick : ticks_in(commit->bodies)) stored.push_back(std::move(tick));
                    last += commit->bodies.size();
                    if (random() % 4 == 0) break;  // dies between commit and release
                    life.intake.release(*commit);
                } else {
                    break;
                }
            }
        }
        Life final_life{memory, Seq{last}};
        if (const auto commit = final_life.intake.next(Seq{last + 1}, 6)) {
            for (auto& tick : ticks_in(commit->bodies)) stored.push_back(std::move(tick));
            final_life.intake.release(*commit);
        }
        INFO("round " << round << " of seed " << test_seed());
        REQUIRE(stored.size() == static_cast<std::size_t>(made));
        for (int i = 1; i <= made; ++i) {
            REQUIRE(stored[static_cast<std::size_t>(i - 1)] == tick_at(i * 1000, i));
        }
    }
}

namespace {

/// Two series of a life that never knew the journal, and what they become there.
Graft graft_of(std::int64_t offset) {
    Graft graft;
    graft.epoch = kEpoch;
    graft.boot = kBoot;
    graft.series.resize(8);
    graft.series[1] = {SeriesId{40}, offset};
    graft.series[7] = {SeriesId{5}, 0};
    graft.preface.push_back(to_event(BootFact{kBootId}, {kBoot, monotonic_from_ms(1000)}));
    return graft;
}

Event blind_event_at(std::int64_t ms) {
    return to_event(CarrierFact{.name = "eth0", .is_up = true, .changes = 1},
                    {kProvisionalBoot, monotonic_from_ms(ms)});
}

struct BlindLifeOf {
    std::unique_ptr<Ring> ring;
    Intake intake;
    Intake::Found found;
    explicit BlindLifeOf(MemoryRing& memory)
        : ring{memory.open(kBootId)}, intake{*ring}, found{intake.begin()} {}
};

}  // namespace

TEST_CASE("Intake hands out nothing before the journal is known, and all of it grafted after",
          "[app][graft]") {
    MemoryRing memory;
    BlindLifeOf life{memory};
    life.intake.add(blind_event_at(900));
    for (int i = 1; i <= 3; ++i) life.intake.add(tick_at(i * 1000, i));
    CHECK_FALSE(life.intake.next(Seq{1}, 6));
    const auto found = life.intake.attach(kEpoch, Seq{9}, kBoot);
    CHECK(found.empty());
    CHECK_FALSE(life.intake.next(Seq{10}, 6));
    life.intake.graft(graft_of(1000));
    life.intake.add(Tick{monotonic_from_ms(4000), {{SeriesId{5}, 12}, {SeriesId{40}, 1004}}});
    const auto commit = life.intake.next(Seq{10}, 6);
    REQUIRE(commit);
    REQUIRE(commit->bodies.size() == 3);
    CHECK(std::get<Event>(commit->bodies[0]).kind == EventKind::boot);
    CHECK(std::get<Event>(commit->bodies[1]) == event_at(900));
    const auto ticks = ticks_in(commit->bodies);
    REQUIRE(ticks.size() == 4);
    for (int i = 1; i <= 4; ++i) {
        const Tick wanted{monotonic_from_ms(i * 1000),
                          {{SeriesId{5}, i * 3}, {SeriesId{40}, 1000 + i}}};
        CHECK(ticks[static_cast<std::size_t>(i - 1)] == wanted);
    }
    life.intake.release(*commit);
    CHECK(life.intake.empty());
    CHECK(memory.entries() == 0);
}

TEST_CASE("Intake goes on with the blind life of a process that died blind", "[app][graft]") {
    MemoryRing memory;
    {
        BlindLifeOf first{memory};
        first.intake.add(blind_event_at(900));
        for (int i = 1; i <= 3; ++i) first.intake.add(tick_at(i * 1000, i));
    }
    {
        BlindLifeOf second{memory};
        CHECK(second.found.ticks == 3);
        CHECK(second.found.events.size() == 1);
        CHECK(second.found.first == tick_at(1000, 1).readings);
        CHECK(second.found.totals == tick_at(3000, 3).readings);
        CHECK(second.intake.last_at() == monotonic_from_ms(3000));
        second.intake.add(tick_at(4000, 4));
    }
    BlindLifeOf third{memory};
    CHECK(third.found.ticks == 4);
    (void)third.intake.attach(kEpoch, Seq{0}, kBoot);
    third.intake.graft(graft_of(10));
    const auto commit = third.intake.next(Seq{1}, 6);
    REQUIRE(commit);
    CHECK(ticks_in(commit->bodies).size() == 4);
    CHECK(ticks_in(commit->bodies)[3].readings[1] == Reading{SeriesId{40}, 14});
}

TEST_CASE("Intake decides nothing anew after a death behind the graft", "[app][graft]") {
    MemoryRing memory;
    Seq last{0};
    bool is_part_committed = false;
    {
        BlindLifeOf life{memory};
        for (int i = 1; i <= 200; ++i) life.intake.add(tick_at(i * 1000, i));
        (void)life.intake.attach(kEpoch, Seq{0}, kBoot);
        life.intake.graft(graft_of(1000));
        is_part_committed = GENERATE(false, true);
        if (is_part_committed) {
            const auto commit = life.intake.next(Seq{1}, 6, 11);
            REQUIRE(commit);
            REQUIRE(ticks_in(commit->bodies).size() == 64);
            last = commit->last();
        }
        // Killed before the release.
    }
    BlindLifeOf again{memory};
    CHECK(again.found.empty());
    const auto found = again.intake.attach(kEpoch, last, kBoot);
    CHECK(found.ticks == (is_part_committed ? 136 : 200));
    CHECK(found.totals == std::vector<Reading>{{SeriesId{5}, 600}, {SeriesId{40}, 1200}});
    CHECK(again.intake.first_provisional() == 0);
    const auto commit = again.intake.next(last.next(), 6);
    REQUIRE(commit);
    const auto* boot = std::get_if<Event>(&commit->bodies.front());
    // The preface goes with the first part, and never twice.
    CHECK((boot != nullptr && boot->kind == EventKind::boot) == !is_part_committed);
    const auto ticks = ticks_in(commit->bodies);
    CHECK(ticks.front().readings[1].value == (is_part_committed ? 1065 : 1001));
}

TEST_CASE("Intake tells what a killed process gave up, once", "[app]") {
    MemoryRing memory;
    {
        Life life{memory, Seq{0}};
        for (int i = 1; i <= 100; ++i) life.intake.add(tick_at(i * 1000, i));
        memory.fill_up(1);
        life.intake.add(tick_at(101'000, 101));
    }
    Seq last{0};
    {
        Life again{memory, Seq{0}};
        const auto commit = again.intake.next(Seq{1}, 6);
        REQUIRE(commit);
        const auto loss = loss_from(std::get<Event>(commit->bodies.back()));
        REQUIRE(loss);
        CHECK(loss->count == 64);
        CHECK(loss->first == DeviceTime{kBoot, monotonic_from_ms(1000)});
        CHECK(loss->last == DeviceTime{kBoot, monotonic_from_ms(64'000)});
        last = commit->last();
        // Killed between the commit and the release.
    }
    Life later{memory, last};
    CHECK(later.recovered.empty());
    CHECK_FALSE(later.intake.next(last.next(), 6));
}

TEST_CASE("Intake takes no tick from a damaged ring that could not have been measured", "[app]") {
    // Each would have the journal refuse every later commit, or this boot's metering wait for it.
    const auto [bad_ms, now_ms] = GENERATE(table<std::int64_t, std::int64_t>(
        {{2000, 60'000}, {1500, 60'000}, {61'000, 60'000}, {9'000'000'000, 60'000}}));
    MemoryRing memory;
    {
        Life life{memory, Seq{4}};
        life.intake.add(tick_at(1000, 1));
        life.intake.add(tick_at(2000, 2));
    }
    {
        // The hand of somebody else: an absolute tick of another time.
        const auto ring = memory.open(kBootId);
        std::string entry{ring->entry(1).substr(0, 21)};
        entry += wire::encode_tick(tick_at(bad_ms, 3), nullptr);
        REQUIRE(ring->append(entry));
    }
    const auto ring = memory.open(kBootId);
    Intake intake{*ring};
    (void)intake.begin(monotonic_from_ms(now_ms));
    CHECK(intake.last_at() == monotonic_from_ms(2000));
    CHECK(intake.attach(kEpoch, Seq{4}, kBoot).ticks == 2);
    intake.add(tick_at(now_ms, 4));
    const auto commit = intake.next(Seq{5}, 6);
    REQUIRE(commit);
    CHECK(ticks_in(commit->bodies).size() == 3);
    bool is_told = false;
    for (const auto& body : commit->bodies) {
        CHECK(defect_of(body).empty());
        const auto* event = std::get_if<Event>(&body);
        if (event == nullptr || event->kind != EventKind::loss) continue;
        const auto lost = loss_from(*event);
        is_told = is_told || (lost && lost->count == 1 && lost->reason == "ring_damaged");
    }
    CHECK(is_told);
}

TEST_CASE("Intake keeps what waits when the journal begins another epoch", "[app]") {
    MemoryRing memory;
    const EpochId other{{7, 7}};
    {
        Life life{memory, Seq{20}};
        life.intake.add(event_at(500));
        life.intake.add(tick_at(1000, 1));
        life.intake.move_to(other, {to_event(BootFact{kBootId}, {kBoot, monotonic_from_ms(400)})});
        life.intake.add(tick_at(2000, 2));
        const auto commit = life.intake.next(Seq{5}, 6);
        REQUIRE(commit);
        CHECK(std::get<Event>(commit->bodies.front()).kind == EventKind::boot);
        CHECK(ticks_in(commit->bodies).size() == 2);
        CHECK(memory.intent().epoch == other);
    }
    Life again{memory, Seq{4}, other};
    CHECK(again.recovered.ticks == 2);
    CHECK(again.recovered.foreign == 0);
}
