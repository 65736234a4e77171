// The ring knows more than the journal: the card dropped commits that it had acknowledged.

#include <catch2/catch.hpp>

#include "daemon/app/intake.hpp"
#include "tests/support/memory_ring.hpp"

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

TEST_CASE(
    "Intake remembers the newest acknowledged commit over a death, and forgets it with the boot",
    "[app][rollback]") {
    MemoryRing memory;
    {
        Life life{memory, Seq{0}};
        CHECK(life.intake.acknowledged() == Ring::Acknowledged{});
        life.intake.add(tick_at(1000, 1));
        const auto commit = life.intake.next(Seq{1}, 6);
        REQUIRE(commit);
        life.intake.release(*commit);
        life.intake.add(tick_at(2000, 2));
        (void)life.intake.next(Seq{2}, 6);  // and dies before it knows what came of it
    }
    {
        const auto ring = memory.open(kBootId);
        Intake intake{*ring};
        (void)intake.begin();
        CHECK(intake.acknowledged() == Ring::Acknowledged{kEpoch, Seq{1}});
        CHECK(intake.boot_of(kEpoch) == kBoot);
        CHECK(intake.boot_of(EpochId{{4}}) == BootNo{0});
    }
    const auto ring = memory.open(BootId{{10}});
    Intake intake{*ring};
    (void)intake.begin();
    CHECK(intake.acknowledged() == Ring::Acknowledged{});
}

TEST_CASE("Intake hands what waits to the epoch that follows, also after a death in between",
          "[app][rollback]") {
    MemoryRing memory;
    const EpochId other{{7, 7}};
    {
        Life life{memory, Seq{40}};
        life.intake.add(event_at(500));
        life.intake.add(tick_at(1000, 1));
        (void)life.intake.next(Seq{41}, 6);
    }
    for (int life = 0; life < 2; ++life) {
        const auto ring = memory.open(kBootId);
        Intake intake{*ring};
        (void)intake.begin();
        intake.follow(kEpoch, other);
        // The intent was the old epoch's: nothing of it is in the new one, however long that is.
        const auto found = intake.attach(other, Seq{90}, kBoot);
        CHECK(found.ticks == 1);
        CHECK(found.events.size() == 1);
        CHECK(found.foreign == 0);
    }
    Life marked{memory, Seq{90}, other};
    CHECK(marked.recovered.ticks == 1);
    CHECK(marked.recovered.foreign == 0);
}

TEST_CASE("Intake leaves out readings of a series that nobody introduced, and counts them",
          "[app][rollback]") {
    MemoryRing memory;
    const auto series = [](std::uint32_t id) {
        Series one;
        one.id = SeriesId{id};
        one.name = "rx_bytes_" + std::to_string(id);
        one.kind = SeriesKind::counter;
        return one;
    };
    {
        Life life{memory, Seq{0}};
        life.intake.add(tick_at(1000, 1));
        life.intake.add(tick_at(2000, 2));
        // Introduced only now: what came under this number before was another one.
        life.intake.add(to_event(series(7), {kBoot, monotonic_from_ms(3000)}));
        life.intake.add(tick_at(3000, 3));
    }
    const auto ring = memory.open(kBootId);
    Intake intake{*ring};
    (void)intake.begin();
    const std::vector<Series> known{series(1)};
    const auto found = intake.attach(kEpoch, Seq{5}, kBoot, &known);
    CHECK(found.ticks == 3);
    CHECK(found.totals == tick_at(3000, 3).readings);
    CHECK(found.first == std::vector<Reading>{{SeriesId{1}, 1}});
    const auto commit = intake.next(Seq{6}, 6);
    REQUIRE(commit);
    const auto ticks = ticks_in(commit->bodies);
    REQUIRE(ticks.size() == 3);
    CHECK(ticks[0].readings.size() == 1);
    CHECK(ticks[1].readings.size() == 1);
    CHECK(ticks[2] == tick_at(3000, 3));
    bool is_told = false;
    for (const auto& body : commit->bodies) {
        const auto* event = std::get_if<Event>(&body);
        if (event == nullptr || event->kind != EventKind::loss) continue;
        const auto loss = loss_from(*event);
        REQUIRE(loss);
        CHECK(loss->what == "readings");
        CHECK(loss->reason == "series_lost");
        CHECK(loss->count == 2);
        is_told = true;
    }
    CHECK(is_told);
}
