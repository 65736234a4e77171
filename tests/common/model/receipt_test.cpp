#include "common/model/receipt.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

constexpr Seq kLast{1000};

SeqRange range(std::uint64_t first, std::uint64_t last) {
    return {Seq{first}, Seq{last}};
}

EpochId epoch() {
    EpochId id;
    id.bytes.fill(7);
    return id;
}

StoreId store(std::uint8_t number) {
    StoreId id;
    id.bytes.fill(number);
    return id;
}

Head head(std::uint8_t number) {
    Head bytes;
    bytes.fill(number);
    return bytes;
}

Cursor new_cursor() {
    Cursor cursor;
    cursor.consumer = "province";
    cursor.epoch = epoch();
    return cursor;
}

Receipt receipt(std::uint64_t through, const std::vector<SeqRange>& held = {}) {
    Receipt receipt;
    receipt.site = "a";
    receipt.store = store(1);
    receipt.generation = 5;
    receipt.epoch = epoch();
    receipt.through = Seq{through};
    for (const auto& each : held) REQUIRE(receipt.held.add(each));
    return receipt;
}

void require_invariants(const Cursor& cursor) {
    Seq last = cursor.through;
    for (const auto& held : cursor.held.ranges()) {
        REQUIRE(held.first > last.next());
        REQUIRE(held.first <= held.last);
        last = held.last;
    }
    REQUIRE(cursor.held.ranges().size() <= RangeSet::kMaxRanges);
    REQUIRE(cursor.parked.size() <= kMaxParked);
}

std::set<std::uint64_t> records_of(const Cursor& cursor) {
    std::set<std::uint64_t> records;
    for (std::uint64_t seq = 1; seq <= kLast.value; ++seq) {
        if (cursor.holds(Seq{seq})) records.insert(seq);
    }
    return records;
}

/// Receipts of one store that keeps receiving in any order, with the heads it would send.
std::vector<Receipt> receipts_of_a_store(std::mt19937_64& engine, std::size_t count) {
    std::set<std::uint64_t> records;
    std::vector<Receipt> receipts;
    while (receipts.size() < count) {
        // Close together, so that gaps fill and `through` overtakes what was held.
        const auto first = 1 + engine() % 40;
        const auto last = first + engine() % 6;
        for (auto seq = first; seq <= last; ++seq) records.insert(seq);
        auto made = receipt(0);
        for (const auto seq : records) {
            if (seq == made.through.value + 1) {
                made.through = Seq{seq};
            } else {
                REQUIRE(made.held.add(range(seq, seq)));
            }
        }
        if (made.through.value > 0) made.head = head(static_cast<std::uint8_t>(made.through.value));
        receipts.push_back(std::move(made));
    }
    return receipts;
}

}  // namespace

TEST_CASE("RangeSet refuses what is not a range, and a range too many", "[model]") {
    RangeSet set;
    CHECK_FALSE(set.add(range(0, 5)));
    CHECK_FALSE(set.add(range(6, 5)));
    CHECK_FALSE(set.add(range(1, kMaxSeq + 1)));
    CHECK(set.empty());
    for (std::uint64_t i = 1; i <= RangeSet::kMaxRanges; ++i) REQUIRE(set.add(range(i * 3, i * 3)));
    const auto full = set;
    CHECK_FALSE(set.add(range(1000, 1001)));
    CHECK(set == full);
    CHECK(set.add(range(4, 5)));  // joins two ranges, so it needs no room
    CHECK(set.ranges().size() == RangeSet::kMaxRanges - 1);
}

TEST_CASE("RangeSet is the set of the numbers added, whatever their order", "[model]") {
    std::mt19937_64 engine{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(2000); ++round) {
        RangeSet set;
        std::set<std::uint64_t> expected;
        for (int i = 0; i < 20; ++i) {
            const auto first = 1 + engine() % 100;
            const auto last = first + engine() % 8;
            REQUIRE(set.add(range(first, last)));
            for (auto seq = first; seq <= last; ++seq) expected.insert(seq);
            if (engine() % 8 == 0) {
                const auto cut = engine() % 40;
                set.remove_through(Seq{cut});
                expected.erase(expected.begin(), expected.upper_bound(cut));
            }
        }
        for (std::uint64_t seq = 0; seq <= 110; ++seq) {
            REQUIRE(set.contains(Seq{seq}) == (expected.count(seq) == 1));
        }
        for (std::size_t i = 1; i < set.ranges().size(); ++i) {
            REQUIRE(set.ranges()[i - 1].last.next() < set.ranges()[i].first);
        }
    }
}

TEST_CASE("settle refuses a receipt for another epoch or without a generation", "[model]") {
    auto cursor = new_cursor();
    auto other = receipt(5);
    other.epoch.bytes.fill(8);
    CHECK(settle(cursor, other, kLast).error().code == Errc::bad_input);
    auto without = receipt(5);
    without.generation = 0;
    CHECK(settle(cursor, without, kLast).error().code == Errc::bad_input);
    CHECK(cursor == new_cursor());
}

TEST_CASE("settle reports divergence and leaves the cursor, when a receipt has what we have not",
          "[model]") {
    auto cursor = new_cursor();
    CHECK(settle(cursor, receipt(kLast.value + 1), kLast).error().code == Errc::diverged);
    CHECK(settle(cursor, receipt(5, {range(900, kLast.value + 1)}), kLast).error().code ==
          Errc::diverged);
    CHECK(cursor == new_cursor());

    auto known = receipt(10);
    known.head = head(1);
    REQUIRE(settle(cursor, known, kLast).value());
    const auto before = cursor;
    known.head = head(2);
    CHECK(settle(cursor, known, kLast).error().code == Errc::diverged);
    CHECK(cursor == before);
}

TEST_CASE("settle ignores a stale generation, even one that holds more", "[model]") {
    auto cursor = new_cursor();
    REQUIRE(settle(cursor, receipt(10), kLast).value());
    const auto before = cursor;
    auto stale = receipt(kLast.value + 5);
    stale.generation = 4;
    const auto changed = settle(cursor, stale, kLast);
    REQUIRE(changed);
    CHECK_FALSE(*changed);
    CHECK(cursor == before);
}

TEST_CASE("settle goes back when the store was restored from a backup or replaced", "[model]") {
    auto cursor = new_cursor();
    cursor.parked.push_back({range(40, 41), "refused"});
    REQUIRE(settle(cursor, receipt(30, {range(50, 60)}), kLast).value());

    auto restored = receipt(12);
    restored.generation = 6;
    REQUIRE(settle(cursor, restored, kLast).value());
    CHECK(cursor.through == Seq{12});
    CHECK(cursor.held.empty());
    CHECK(cursor.generation == 6);
    CHECK(cursor.parked.size() == 1);

    auto replaced = receipt(3);
    replaced.store = store(2);
    replaced.generation = 1;
    REQUIRE(settle(cursor, replaced, kLast).value());
    CHECK(cursor.through == Seq{3});
    CHECK(cursor.store == store(2));
    CHECK(cursor.generation == 1);
    CHECK(cursor.parked.empty());
}

TEST_CASE("settle never calls a head that is not known another one", "[model]") {
    // After reduced records a receiver does not know the head; then it says zeros.
    auto cursor = new_cursor();
    auto known = receipt(10);
    known.head = head(1);
    auto unknown = receipt(10);
    auto other = receipt(10);
    other.head = head(2);

    REQUIRE(settle(cursor, known, kLast));
    CHECK_FALSE(settle(cursor, unknown, kLast).value());
    CHECK(cursor.head == head(1));
    CHECK(settle(cursor, other, kLast).error().code == Errc::diverged);

    unknown.through = Seq{20};
    CHECK(settle(cursor, unknown, kLast).value());
    CHECK(cursor.through == Seq{20});
    CHECK(cursor.head == Head{});
    other.through = Seq{20};
    CHECK(settle(cursor, other, kLast).value());
    CHECK(cursor.head == head(2));
    known.through = Seq{20};
    CHECK(settle(cursor, known, kLast).error().code == Errc::diverged);
}

TEST_CASE("settle merges what adjoins into through, whose head is then unknown", "[model]") {
    auto cursor = new_cursor();
    auto first = receipt(10, {range(12, 20), range(22, 30)});
    first.head = head(10);
    REQUIRE(settle(cursor, first, kLast).value());
    CHECK(cursor.head == head(10));
    auto second = receipt(11);
    second.head = head(11);
    REQUIRE(settle(cursor, second, kLast).value());
    CHECK(cursor.through == Seq{20});
    CHECK(cursor.head == Head{});
    CHECK(cursor.held.ranges() == std::vector<SeqRange>{range(22, 30)});
    auto third = receipt(20);
    third.head = head(20);
    REQUIRE(settle(cursor, third, kLast).value());
    CHECK(cursor.head == head(20));
}

TEST_CASE("settle takes what is held out of parked and deferred ranges", "[model]") {
    auto cursor = new_cursor();
    cursor.parked = {{range(5, 8), "a"}, {range(20, 40), "b"}};
    REQUIRE(cursor.deferred.add(range(9, 30)));
    REQUIRE(settle(cursor, receipt(10, {range(25, 27)}), kLast).value());
    CHECK(cursor.parked == std::vector<ParkedRange>{{range(20, 24), "b"}, {range(28, 40), "b"}});
    CHECK(cursor.deferred.ranges() == std::vector<SeqRange>{range(11, 24), range(28, 30)});
}

TEST_CASE("settle keeps a parked range whole when there is no room for its halves", "[model]") {
    auto cursor = new_cursor();
    for (std::uint64_t i = 0; i < kMaxParked; ++i) {
        cursor.parked.push_back({range(100 + i * 10, 104 + i * 10), "x"});
    }
    REQUIRE(settle(cursor, receipt(10, {range(102, 102), range(202, 202)}), kLast).value());
    require_invariants(cursor);
    CHECK(cursor.parked.size() == kMaxParked);
    CHECK(cursor.parked.front().range == range(100, 104));
}

TEST_CASE("settle forgets the highest ranges beyond its limit, never invents one", "[model]") {
    auto cursor = new_cursor();
    std::vector<SeqRange> even;
    std::vector<SeqRange> between;
    for (std::uint64_t i = 0; i < RangeSet::kMaxRanges; ++i) {
        even.push_back(range(100 + i * 8, 101 + i * 8));
        between.push_back(range(104 + i * 8, 105 + i * 8));
    }
    REQUIRE(settle(cursor, receipt(10, even), kLast).value());
    REQUIRE(settle(cursor, receipt(10, between), kLast).value());
    require_invariants(cursor);
    CHECK(cursor.held.ranges().size() == RangeSet::kMaxRanges);
    CHECK(cursor.holds(Seq{104}));
    CHECK_FALSE(cursor.holds(even.back().first));
    for (const auto seq : records_of(cursor)) {
        REQUIRE((seq <= 10 || seq % 8 == 4 || seq % 8 == 5 || seq % 8 == 0 || seq % 8 == 1));
    }
}

TEST_CASE("settle gives the union of a store's receipts in any order, and each once", "[model]") {
    std::mt19937_64 engine{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(300); ++round) {
        const auto receipts = receipts_of_a_store(engine, 8);
        auto in_order = new_cursor();
        for (const auto& each : receipts) REQUIRE(settle(in_order, each, kLast));

        auto shuffled = receipts;
        shuffled.insert(shuffled.end(), receipts.begin(), receipts.end());
        std::shuffle(shuffled.begin(), shuffled.end(), engine);
        auto cursor = new_cursor();
        std::set<std::uint64_t> held_before;
        for (const auto& each : shuffled) {
            REQUIRE(settle(cursor, each, kLast));
            require_invariants(cursor);
            const auto held = records_of(cursor);
            REQUIRE(
                std::includes(held.begin(), held.end(), held_before.begin(), held_before.end()));
            held_before = held;
            const auto again = settle(cursor, each, kLast);
            REQUIRE(again);
            REQUIRE_FALSE(*again);
        }
        REQUIRE(cursor == in_order);
        REQUIRE(cursor.pending(kLast) == kLast.value - records_of(cursor).size());
    }
}

TEST_CASE("pending counts what is not held up to the last record only", "[model]") {
    auto cursor = new_cursor();
    CHECK(cursor.pending(Seq{0}) == 0);
    CHECK(cursor.pending(Seq{10}) == 10);
    REQUIRE(settle(cursor, receipt(10, {range(15, 20)}), kLast).value());
    CHECK(cursor.pending(Seq{10}) == 0);
    CHECK(cursor.pending(Seq{9}) == 0);
    CHECK(cursor.pending(Seq{17}) == 4);
    CHECK(cursor.pending(Seq{30}) == 14);
}

}  // namespace gerbang
