#include "daemon/sync/lanes.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "tests/support/seed.hpp"

using namespace gerbang;

namespace {

SeqRange range(std::uint64_t first, std::uint64_t last) {
    return {Seq{first}, Seq{last}};
}

}  // namespace

TEST_CASE("Lanes plan nothing for an empty journal or a consumer that holds everything", "[sync]") {
    Cursor cursor;
    LaneView view{&cursor, Seq{0}, {}, {}};
    CHECK_FALSE(next_fresh(view));
    CHECK_FALSE(next_backlog(view, fresh_start(view).previous(), 100));
    cursor.through = Seq{50};
    view.last = Seq{50};
    CHECK_FALSE(next_fresh(view));
    CHECK_FALSE(next_backlog(view, view.last, 100));
}

TEST_CASE("Lanes leave everything to the fresh lane while it is short", "[sync]") {
    Cursor cursor;
    cursor.through = Seq{100};
    const LaneView view{&cursor, Seq{110}, {}, {}};
    CHECK(next_fresh(view) == range(101, 110));
    CHECK_FALSE(next_backlog(view, fresh_start(view).previous(), 1000));
}

TEST_CASE("Lanes send the newest records first and the rest as backlog from its oldest", "[sync]") {
    Cursor cursor;
    cursor.through = Seq{100};
    LaneView view{&cursor, Seq{5000}, {}, {}};
    CHECK(next_fresh(view) == range(5000 - kFreshRecords + 1, 5000));
    CHECK(next_backlog(view, fresh_start(view).previous(), 1000) == range(101, 1100));
    view.in_flight = {range(101, 1100)};
    CHECK(next_backlog(view, fresh_start(view).previous(), 1000) == range(1101, 2100));
    REQUIRE(cursor.held.add(range(4969, 5000)));
    CHECK_FALSE(next_fresh(view));
    CHECK(next_backlog(view, fresh_start(view).previous(), 9000) == range(1101, 4968));
}

TEST_CASE("The fresh lane leaves no new gap when there are enough", "[sync]") {
    Cursor cursor;
    for (std::uint64_t i = 1; i <= kMaxGaps; ++i) REQUIRE(cursor.held.add(range(i * 10, i * 10)));
    const LaneView view{&cursor, Seq{100'000}, {}, {}};
    const auto fresh = next_fresh(view);
    REQUIRE(fresh);
    CHECK(fresh->first == Seq{kMaxGaps * 10 + 1});
}

TEST_CASE("The backlog lane steps over what is held, parked, deferred, under way and suspect",
          "[sync]") {
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(5000); ++round) {
        Cursor cursor;
        cursor.through = Seq{random() % 10};
        LaneView view{&cursor, Seq{60}, {}, {}};
        std::set<std::uint64_t> taken;
        for (std::uint64_t seq = 1; seq <= cursor.through.value; ++seq) taken.insert(seq);
        for (int i = 0; i < 6; ++i) {
            const auto first = cursor.through.value + 2 + random() % 50;
            const auto some = range(first, first + random() % 6);
            switch (random() % 5) {
                case 0:
                    REQUIRE(cursor.held.add(some));
                    break;
                case 1:
                    cursor.parked.push_back({some, "no"});
                    break;
                case 2:
                    REQUIRE(cursor.deferred.add(some));
                    break;
                case 3:
                    view.in_flight.push_back(some);
                    break;
                default:
                    view.set_aside.push_back(some);
                    break;
            }
            for (auto seq = some.first.value; seq <= some.last.value; ++seq) taken.insert(seq);
        }
        const std::uint64_t most = 1 + random() % 20;
        const auto next = next_backlog(view, view.last, most);
        std::uint64_t first_free = 1;
        while (taken.contains(first_free)) ++first_free;
        if (first_free > 60) {
            CHECK_FALSE(next);
            continue;
        }
        REQUIRE(next);
        CHECK(next->first.value == first_free);
        CHECK(next->size() <= most);
        for (auto seq = next->first.value; seq <= next->last.value; ++seq) {
            CHECK_FALSE(taken.contains(seq));
        }
        CHECK((next->size() == most || taken.contains(next->last.value + 1) ||
               next->last.value == 60));
        const auto fresh = next_fresh(view);
        if (fresh && !taken.empty()) CHECK(fresh->first.value > *taken.rbegin());
    }
}

TEST_CASE("Batch size halves on failure, grows on full bodies only, within its bounds", "[sync]") {
    BatchSize size{256u << 10};
    for (int i = 0; i < 20; ++i) size.arrived(100);
    CHECK(size.bytes() == 64u << 10);
    for (int i = 0; i < 20; ++i) size.arrived(size.bytes());
    CHECK(size.bytes() == 256u << 10);
    size.too_much(size.bytes());
    CHECK(size.bytes() == 128u << 10);
    size.too_much(256u << 10);  // it was under way beside the other
    CHECK(size.bytes() == 128u << 10);
    for (int i = 0; i < 20; ++i) size.too_much(size.bytes());
    CHECK(size.bytes() == BatchSize::kFloorBytes);
    for (int i = 0; i < 7; ++i) size.arrived(size.bytes());
    CHECK(size.bytes() == BatchSize::kFloorBytes);
    size.arrived(size.bytes());
    CHECK(size.bytes() == 2 * BatchSize::kFloorBytes);
    CHECK(BatchSize{1000}.bytes() == 1000);
}

TEST_CASE("Batch size grows back at once where bodies are quick, unless the server limits it",
          "[sync]") {
    const bool said_server = GENERATE(false, true);
    BatchSize size{256u << 10};
    for (int i = 0; i < 6; ++i) size.too_much(3'000, said_server);  // an outage's small batches
    REQUIRE(size.bytes() == BatchSize::kFloorBytes);
    for (int i = 0; i < 5; ++i) size.arrived(size.bytes(), true);
    CHECK(size.bytes() == (said_server ? BatchSize::kFloorBytes : 256u << 10));
}

TEST_CASE("Bisection finds one bad record of 1,024 in at most 21 requests", "[sync]") {
    for (const std::uint64_t bad : {1u, 512u, 513u, 700u, 1024u}) {
        const EpochId epoch{};
        Suspects suspects;
        SeqRange tried = range(1, 1024);
        std::optional<Seq> found;
        int requests = 0;
        for (bool more = true; more;) {
            ++requests;
            const bool is_refused = tried.first.value <= bad && bad <= tried.last.value;
            if (is_refused) {
                if (const auto alone = suspects.refused(epoch, tried)) found = alone;
            }
            const auto next = suspects.take();
            more = next.has_value();
            if (next) tried = next->range;
        }
        CHECK(found == Seq{bad});
        CHECK(requests <= 21);
    }
}

TEST_CASE("Parking joins neighbours of one reason and is bounded", "[sync]") {
    Cursor cursor;
    CHECK(park(cursor, {Seq{7}, Seq{7}}, "HTTP 422"));
    CHECK(park(cursor, {Seq{8}, Seq{8}}, "HTTP 422"));
    CHECK(park(cursor, {Seq{6}, Seq{6}}, "HTTP 422"));
    CHECK(cursor.parked == std::vector<ParkedRange>{{range(6, 8), "HTTP 422"}});
    for (std::uint64_t i = 1; i < kMaxParked; ++i)
        CHECK(park(cursor, {Seq{100 + 2 * i}, Seq{100 + 2 * i}}, "x"));
    const auto before = cursor;
    CHECK_FALSE(park(cursor, {Seq{1000}, Seq{1000}}, "x"));
    CHECK(cursor == before);
    CHECK(cursor.parked.size() == kMaxParked);
}

TEST_CASE("Pace learns rate and size of a record from what arrives, and forgets slowly", "[sync]") {
    Pace pace;
    CHECK(pace.bytes_s() == 0);
    CHECK(pace.bytes_of(10) == 0);
    pace.landed(50'000, 100, Millis{500});
    CHECK(pace.bytes_s() == 100'000);
    CHECK(pace.bytes_of(1000) == 500'000);
    for (int i = 0; i < 1000; ++i) pace.landed(8'000, 10, Millis{2'000});
    CHECK(pace.bytes_s() >= 3'900);
    CHECK(pace.bytes_s() <= 4'100);
    CHECK(pace.bytes_of(10) >= 7'500);
    CHECK(pace.bytes_of(10) <= 8'500);
    CHECK(pace.bytes_of(std::uint64_t{1} << 40) > 0);
}
