#include "daemon/province/store.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "daemon/province/sites_json.hpp"
#include "tests/support/sample_site.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace gerbang::province;

namespace {

constexpr WallTime kNow = wall_from_ms(1'795'000'000'000);

std::unique_ptr<Store> memory_store() {
    auto store = Store::open({.path = ":memory:", .vfs = {}, .new_id = {{1, 2, 3}}});
    REQUIRE(store);
    return *std::move(store);
}

SampleSite busy_site(std::uint64_t seed = 1, int minutes = 20) {
    SampleSite site{"muara-siran", seed};
    for (int i = 0; i < minutes; ++i) {
        site.minute();
        if (i == minutes / 4) site.anchor();
        if (i == minutes / 3) site.begin_outage(Cause::isp);
        if (i == minutes / 2) site.end_outage();
        if (i == minutes * 2 / 3) site.reboot();
        if (i == minutes * 3 / 4) site.anchor();
    }
    return site;
}

std::vector<Record> held(Store& store, const SampleSite& site) {
    auto records = store.records(site.site(), site.epoch(), {Seq{1}, Seq{kMaxSeq}});
    REQUIRE(records);
    return *std::move(records);
}

Errc refusal(const Result<Receipt>& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

}  // namespace

TEST_CASE("Store refuses what cannot be right and stores nothing of it", "[province]") {
    auto store = memory_store();
    auto site = busy_site();

    SECTION("a pack that does not decode") {
        auto batch = site.all();
        batch.pack.resize(batch.pack.size() / 2);
        CHECK(refusal(store->accept(batch, kNow)) == Errc::bad_input);
        batch.pack.clear();
        CHECK(refusal(store->accept(batch, kNow)) == Errc::bad_input);
    }
    SECTION("a site id or an epoch that is none") {
        auto batch = site.all();
        batch.site = "../etc";
        CHECK(refusal(store->accept(batch, kNow)) == Errc::bad_input);
        batch = site.all();
        batch.epoch = {};
        CHECK(refusal(store->accept(batch, kNow)) == Errc::bad_input);
    }
    SECTION("a first record with a head before it") {
        auto batch = site.all();
        batch.before[0] = 1;
        CHECK(refusal(store->accept(batch, kNow)) == Errc::refused);
    }
    SECTION("a first record that introduces another epoch, or none") {
        auto batch = site.all();
        batch.epoch.bytes[0] ^= 1;
        CHECK(refusal(store->accept(batch, kNow)) == Errc::refused);
        batch = site.all();
        auto records = site.records({Seq{2}, Seq{3}});
        records[0].seq = Seq{1};
        records[1].seq = Seq{2};
        batch.pack = wire::encode_pack(records);
        CHECK(refusal(store->accept(batch, kNow)) == Errc::refused);
    }
    const auto sites = store->list();
    REQUIRE(sites);
    CHECK(sites->empty());
}

TEST_CASE("Store answers diverged and keeps what it has when the chain contradicts it",
          "[province]") {
    auto store = memory_store();
    auto site = busy_site();
    const auto half = site.last().value / 2;
    REQUIRE(store->accept(site.batch(1, half), kNow));
    const auto before = store->receipt(site.site(), site.epoch());
    REQUIRE(before);

    SECTION("a tampered head before the next record") {
        auto batch = site.batch(half + 1, half + 3);
        batch.before[5] ^= 1;
        const auto answer = store->accept(batch, kNow);
        CHECK(refusal(answer) == Errc::diverged);
        CHECK(answer.error().detail.find("record " + std::to_string(half)) != std::string::npos);
    }
    SECTION("a tampered head inside a stored batch") {
        auto batch = site.batch(half - 3, half + 3);
        batch.before[5] ^= 1;
        CHECK(refusal(store->accept(batch, kNow)) == Errc::diverged);
    }
    SECTION("another history after a rollback, however it is cut") {
        site.roll_back(Seq{half - 5});
        site.minutes(20);
        CHECK(refusal(store->accept(site.batch(half - 4, half - 2), kNow)) == Errc::diverged);
        CHECK(refusal(store->accept(site.batch(half - 4, half), kNow)) == Errc::diverged);
        CHECK(refusal(store->accept(site.batch(half - 6, half + 6), kNow)) == Errc::diverged);
        CHECK(refusal(store->accept(site.batch(1, half + 6), kNow)) == Errc::diverged);
        CHECK(refusal(store->accept(site.batch(half + 1, half + 6), kNow)) == Errc::diverged);
    }
    SECTION("a gap that closes on another history") {
        REQUIRE(store->accept(site.batch(half + 4, half + 6), kNow));
        site.roll_back(Seq{half});
        site.minutes(10);
        CHECK(refusal(store->accept(site.batch(half + 1, half + 3), kNow)) == Errc::diverged);
        const auto kept = store->receipt(site.site(), site.epoch());
        REQUIRE(kept);
        CHECK(kept->through == Seq{half});
        CHECK(kept->held.ranges().size() == 1);
        return;
    }
    const auto after = store->receipt(site.site(), site.epoch());
    REQUIRE(after);
    CHECK(*after == *before);
}

TEST_CASE("Store accepts each record once, whatever comes twice, overlaps or comes early",
          "[province]") {
    std::mt19937_64 random{test_seed()};
    const auto rounds = test_rounds(60);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        INFO("round " << round);
        auto store = memory_store();
        const auto site = busy_site(test_seed() + round, 12 + static_cast<int>(random() % 20));
        const auto last = site.last().value;
        std::vector<bool> expected(last + 1, false);
        expected[0] = true;
        for (int i = 0; i < 25; ++i) {
            const auto first = 1 + random() % last;
            const auto end = std::min(last, first + random() % 12);
            const auto receipt = store->accept(site.batch(first, end), kNow);
            REQUIRE(receipt);
            for (auto seq = first; seq <= end; ++seq) expected[seq] = true;
            std::uint64_t through = 0;
            while (through < last && expected[through + 1]) ++through;
            CHECK(receipt->through == Seq{through});
            CHECK(receipt->head == site.head(Seq{through}));
            for (auto seq = through + 1; seq <= last; ++seq) {
                CHECK(receipt->held.contains(Seq{seq}) == expected[seq]);
            }
        }
        REQUIRE(store->accept(site.all(), kNow));
        const auto receipt = store->accept(site.all(), kNow);
        REQUIRE(receipt);
        CHECK(receipt->through == site.last());
        CHECK(receipt->head == site.head(site.last()));
        CHECK(receipt->held.empty());
        CHECK(held(*store, site) == site.records());
        CHECK(store->duplicates_ignored() >= last);
    }
}

TEST_CASE("Store holds 64 separate ranges and asks the sender to fill the gap beyond that",
          "[province]") {
    auto store = memory_store();
    const auto site = busy_site(1, 130);
    REQUIRE(store->accept(site.batch(1, 1), kNow));
    for (std::uint64_t i = 0; i < 64; ++i) {
        REQUIRE(store->accept(site.batch(3 + 2 * i, 3 + 2 * i), kNow));
    }
    CHECK(refusal(store->accept(site.batch(131, 131), kNow)) == Errc::overloaded);
    const auto receipt = store->accept(site.batch(2, 2), kNow);
    REQUIRE(receipt);
    CHECK(receipt->through == Seq{3});
    CHECK(store->accept(site.batch(131, 131), kNow));
}

TEST_CASE("Store keeps sites and epochs apart even if they share an epoch's name", "[province]") {
    auto store = memory_store();
    const auto site = busy_site();
    REQUIRE(store->accept(site.all(), kNow));
    auto cloned = site.batch(1, 5);
    cloned.site = "another-village";
    const auto receipt = store->accept(cloned, kNow);
    REQUIRE(receipt);
    CHECK(receipt->site == "another-village");
    CHECK(receipt->through == Seq{5});
}

TEST_CASE("Store raises its generation when told that it was restored", "[province]") {
    auto store = memory_store();
    const auto site = busy_site();
    auto receipt = store->accept(site.all(), kNow);
    REQUIRE(receipt);
    CHECK(receipt->generation == 1);
    CHECK(receipt->store == store->id());
    const auto generation = store->mark_restored(kNow);
    REQUIRE(generation);
    CHECK(*generation == static_cast<std::uint64_t>(to_ms(kNow) / 1000));
    receipt = store->accept(site.all(), kNow);
    REQUIRE(receipt);
    CHECK(receipt->generation == *generation);
    // A clock that went back, or is not set.
    CHECK(*store->mark_restored(wall_from_ms(0)) == *generation + 1);
}

TEST_CASE("Store whose backup is restored twice gets two generations", "[province]") {
    // Both files say 1.
    auto first = memory_store();
    auto second = memory_store();
    CHECK(*first->mark_restored(kNow) < *second->mark_restored(kNow + Millis{60'000}));
}

TEST_CASE("Store lists what is held and missing, usage over epochs, link and open outage",
          "[province]") {
    auto store = memory_store();
    SampleSite site{"muara-siran"};
    site.minutes(3);
    site.anchor();
    site.minutes(5);
    const auto branch = site.last();
    const auto rx_at_branch = site.wan_rx_bytes();
    site.minutes(4);  // sent, then lost with the card: still used bytes
    REQUIRE(store->accept(site.all(), kNow));
    const auto rx_of_parent = site.wan_rx_bytes();
    const auto old_epoch = site.epoch();
    site.roll_back(branch);
    site.new_epoch(branch, "diverged");
    site.minutes(6);
    site.anchor();
    site.begin_outage(Cause::carrier);
    site.minutes(1);
    const auto last = site.last().value;
    REQUIRE(store->accept(site.batch(1, last - 9), kNow));
    REQUIRE(store->accept(site.batch(last - 3, last), kNow + Millis{5}));

    const auto list = store->list();
    REQUIRE(list);
    REQUIRE(list->size() == 1);
    const auto& line = list->front();
    CHECK(line.site == "muara-siran");
    CHECK(line.code == "64.02.01.2001");
    CHECK(line.name == "Desa muara-siran");
    CHECK(line.provider == "Sinar \"Net\"");
    CHECK(line.last_heard == kNow + Millis{5});
    CHECK(line.rx_bytes ==
          static_cast<std::uint64_t>(rx_of_parent + site.wan_rx_bytes() - rx_at_branch));
    CHECK(line.link == LinkState::down);
    REQUIRE(line.outage);
    CHECK(line.outage->cause == Cause::carrier);
    REQUIRE(line.outage->since);
    REQUIRE(line.epochs.size() == 2);
    CHECK(line.epochs[0].id == old_epoch);
    CHECK_FALSE(line.epochs[0].is_current);
    CHECK(line.epochs[1].parent == old_epoch);
    CHECK(line.epochs[1].is_current);
    CHECK(line.epochs[1].missing == std::vector<SeqRange>{{Seq{last - 8}, Seq{last - 4}}});
    CHECK(line.epochs[1].held == std::vector<SeqRange>{{Seq{last - 3}, Seq{last}}});
}

TEST_CASE("Store refuses a batch that few bytes blow up, so that the sender halves it",
          "[province]") {
    auto store = memory_store();
    SampleSite site{"muara-siran"};
    // Three numbers a column stand for a thousand readings.
    std::vector<Tick> ticks(1000);
    for (std::size_t t = 0; t < ticks.size(); ++t) {
        ticks[t].at = monotonic_from_ms(static_cast<std::int64_t>(t) * 10'000);
        for (std::uint32_t s = 1; s <= 4000; ++s) {
            ticks[t].readings.push_back({SeriesId{s}, static_cast<std::int64_t>(t)});
        }
    }
    auto records = site.records();
    records.push_back({site.last().next(), make_chunk(BootNo{1}, ticks)});
    auto batch = site.all();
    batch.pack = wire::encode_pack(records);
    REQUIRE(batch.pack.size() < 64 * 1024);
    CHECK(refusal(store->accept(batch, kNow)) == Errc::too_large);
    CHECK(refusal(store->receipt(site.site(), site.epoch())) == Errc::not_found);
}

TEST_CASE("A site with hostile names and numbers spoils neither the list nor its neighbours",
          "[province]") {
    auto store = memory_store();
    SampleSite good{"good"};
    good.anchor();
    good.minutes(3);
    REQUIRE(store->accept(good.all(), kNow));
    SampleSite bad{"bad", 2};
    bad.configure({.site = "bad",
                   .site_code = "\xff\xfe",
                   .site_name = "x\xc3(\x1b[2J\xc2\x9b",
                   .provider = "\xf5",
                   .product = {},
                   .medium = {},
                   .customer_number = {},
                   .utc_offset = {},
                   .helpdesk = ""});
    REQUIRE(store->accept(bad.all(), kNow));

    const auto list = store->list();
    REQUIRE(list);
    const auto read_back = sites_from_json(to_json(*list));
    REQUIRE(read_back);
    CHECK(*read_back == *list);
    const auto table = to_table(*list, kNow, Language::english);
    for (const auto* control : {"\x1b", "\xc2\x9b"}) {
        CHECK(table.find(control) == std::string::npos);
    }
}

TEST_CASE("Store tells a second device at work from one that went on after a fork", "[province]") {
    auto store = memory_store();
    SampleSite site{"muara-siran"};
    site.minutes(10);
    const auto branch = Seq{site.last().value - 4};
    REQUIRE(store->accept(site.batch(1, site.last().value - 1), kNow));
    const auto old = site.epoch();
    // Another device has the same card up to the branch.
    SampleSite clone = site;
    clone.roll_back(branch);
    clone.new_epoch(branch, "diverged");
    clone.minutes(3);
    REQUIRE(store->accept(clone.all(), kNow + Millis{60'000}));
    const auto cloned = [&] {
        const auto list = store->list();
        REQUIRE(list);
        REQUIRE(list->size() == 1);
        std::vector<EpochId> found;
        for (const auto& epoch : list->front().epochs) {
            if (epoch.is_cloned) found.push_back(epoch.id);
        }
        return found;
    };
    // What the old epoch had before is no sign: a gateway that lost its card's last writes has
    // sent them, too.
    CHECK(cloned().empty());
    clone.minutes(3);
    REQUIRE(store->accept(clone.all(), kNow + Millis{120'000}));
    CHECK(cloned().empty());
    site.minutes(1);
    REQUIRE(store->accept(site.batch(site.last().value - 1, site.last().value),
                          kNow + Millis{180'000}));
    CHECK(cloned() == std::vector<EpochId>{old});
    const auto table = to_table(*store->list(), kNow, Language::english);
    CHECK(table.find("TWO DEVICES use this identity") != std::string::npos);
    const auto again = sites_from_json(to_json(*store->list()));
    REQUIRE(again);
    CHECK(*again == *store->list());
}

TEST_CASE("Store takes an epoch whose record 1 is lost", "[province]") {
    auto store = memory_store();
    SampleSite site{"muara-siran"};
    site.minutes(6);
    wire::Batch lost = site.batch(1, 1);
    Chunk nothing;
    nothing.boot = BootNo{1};
    nothing.level = kMaxLevel;
    lost.pack = wire::encode_pack({{Seq{1}, nothing}});
    REQUIRE(store->accept(lost, kNow));
    const auto rest = store->accept(site.batch(2, site.last().value), kNow);
    REQUIRE(rest);
    CHECK(rest->through == site.last());
    CHECK(rest->head == site.head(site.last()));
    // Any other first record than the epoch's own is still refused.
    SampleSite other{"long-iram"};
    other.minutes(2);
    auto wrong = other.batch(1, 1);
    Chunk full = std::get<Chunk>(site.records().back().body);
    wrong.pack = wire::encode_pack({{Seq{1}, full}});
    CHECK(refusal(store->accept(wrong, kNow)) == Errc::refused);
}

TEST_CASE("Store counts usage once over an epoch that branched off before it counted anything",
          "[province]") {
    auto store = memory_store();
    SampleSite site{"muara-siran"};
    site.minutes(10);
    REQUIRE(store->accept(site.all(), kNow));
    site.new_epoch(site.last(), "rollback");
    const auto introduced = site.last();  // record 1 and nothing that counts
    REQUIRE(store->accept(site.all(), kNow));
    site.new_epoch(introduced, "diverged");
    site.minutes(5);
    REQUIRE(store->accept(site.all(), kNow));
    const auto list = store->list();
    REQUIRE(list);
    CHECK(list->front().rx_bytes == static_cast<std::uint64_t>(site.wan_rx_bytes()));
    CHECK(list->front().tx_bytes == static_cast<std::uint64_t>(site.wan_tx_bytes()));
}
