#include "daemon/journal/reducer.hpp"

#include <catch2/catch.hpp>

#include "tests/daemon/journal/journal_samples.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

PackedBlock block(std::uint64_t first, int level, std::int64_t elapsed_s, EpochNo epoch = 1) {
    return {.epoch = epoch,
            .range = {Seq{first}, Seq{first + 9}},
            .level = level,
            .elapsed_s = elapsed_s,
            .bytes = 1000};
}

}  // namespace

TEST_CASE("Reduction has nothing to choose where nothing was offered or all is given up",
          "[journal][reducer]") {
    ReductionChoice choice;
    CHECK_FALSE(choice.best(1000));
    choice.offer(block(1, kGivenUpLevel, 10), true, false);
    CHECK_FALSE(choice.best(1000));
}

TEST_CASE("Reduction takes what everybody holds first, then what is owed level by level",
          "[journal][reducer]") {
    ReductionChoice choice;
    choice.offer(block(1, 3, 10), true, false);    // empties only at the very end
    choice.offer(block(11, 1, 20), false, false);  // owed, coarser and older
    choice.offer(block(21, 0, 30), false, false);  // owed, as taken
    choice.offer(block(31, 0, 900), false, true);  // of the newest day
    CHECK(choice.best(1000) == block(21, 0, 30));
    choice.offer(block(41, 2, 40), true, false);
    CHECK(choice.best(1000) == block(41, 2, 40));
}

TEST_CASE("Among held blocks the one that is old for its level goes, the oldest of each level",
          "[journal][reducer]") {
    ReductionChoice choice;
    choice.offer(block(101, 0, 600), true, false);
    choice.offer(block(111, 0, 700), true, false);
    choice.offer(block(51, 1, 300), true, false);
    // Ages 400 and 700: 700 / 4 is less than 400.
    CHECK(choice.best(1000) == block(101, 0, 600));
    choice.offer(block(1, 1, -700), true, false);  // age 1700: 425
    CHECK(choice.best(1000) == block(1, 1, -700));
    CHECK(choice.best(-650) == block(1, 1, -700));
}

TEST_CASE("The newest day is reduced before anything is emptied, and the oldest is emptied first",
          "[journal][reducer]") {
    ReductionChoice choice;
    choice.offer(block(1, 3, 10), false, false);
    choice.offer(block(11, 3, 20), true, false);
    choice.offer(block(91, 0, 990), false, true);
    CHECK(choice.best(1000) == block(91, 0, 990));
    ReductionChoice later;
    later.offer(block(1, 3, 10), false, false);
    later.offer(block(11, 3, 20), true, false);
    later.offer(block(1, 3, 20, 2), true, false);
    CHECK(later.best(1000) == block(11, 3, 20));  // held by all, and of the older epoch
}

TEST_CASE("A range is held when every pinning consumer holds all of it", "[journal][reducer]") {
    Holdings nobody;
    CHECK(nobody.hold(1, {Seq{1}, Seq{9}}));
    Holdings both;
    Cursor first;
    first.through = Seq{20};
    REQUIRE(first.held.add({Seq{30}, Seq{50}}));
    Cursor second;
    second.through = Seq{45};
    both.add_consumer({{1, first}});
    CHECK(both.hold(1, {Seq{11}, Seq{20}}));
    CHECK_FALSE(both.hold(1, {Seq{11}, Seq{21}}));
    CHECK(both.hold(1, {Seq{30}, Seq{50}}));
    CHECK_FALSE(both.hold(1, {Seq{18}, Seq{35}}));
    CHECK_FALSE(both.hold(2, {Seq{1}, Seq{1}}));
    both.add_consumer({{1, second}});
    CHECK(both.hold(1, {Seq{30}, Seq{45}}));
    CHECK_FALSE(both.hold(1, {Seq{30}, Seq{46}}));
    CHECK(both.owed(0, 1, Seq{60}, 9) ==
          std::vector<SeqRange>{{Seq{21}, Seq{29}}, {Seq{51}, Seq{60}}});
    CHECK(both.owed(1, 1, Seq{45}, 9).empty());
    CHECK(both.owed(1, 2, Seq{3}, 9) == std::vector<SeqRange>{{Seq{1}, Seq{3}}});
}

TEST_CASE("Giving up keeps every number and every protected event", "[journal][reducer]") {
    std::vector<Record> records{{Seq{1}, nth_minute(1, 0)},
                                {Seq{2}, anchor(1, 70, 1'800'000'000)},
                                {Seq{3}, to_event(CarrierFact{"eth0", true, 1}, at(1, 71))},
                                {Seq{4}, nth_minute(1, 1)}};
    const auto kept = records[1];
    const auto given = give_up(records);
    CHECK(given.readings == 2);
    CHECK(given.events == 1);
    CHECK(given.first == at(1, 60));
    CHECK(given.last == at(1, 120));
    REQUIRE(records.size() == 4);
    CHECK(records[1] == kept);
    for (const std::size_t i : {0u, 2u, 3u}) {
        CHECK(records[i].seq.value == i + 1);
        REQUIRE(std::holds_alternative<Chunk>(records[i].body));
        CHECK(std::get<Chunk>(records[i].body).is_emptied());
        CHECK(defect_of(records[i].body).empty());
    }
    const auto anchors = give_up_events(records, EventKind::anchor, {2});
    CHECK(anchors.events == 0);
    CHECK(give_up_events(records, EventKind::anchor, {}).events == 1);
    CHECK(records[1].seq == Seq{2});
}
