#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "common/wire/bytes.hpp"
#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/column.hpp"
#include "tests/common/wire/random_records.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
constexpr auto kMax = std::numeric_limits<std::int64_t>::max();

wire::Batch some_batch() {
    wire::Batch batch;
    batch.site = "kutai-barat-017";
    batch.epoch.bytes.fill(0x5A);
    batch.before.fill(0xC3);
    batch.pack = wire::encode_pack(
        {{Seq{77}, Event{EventKind::stop, {BootNo{4}, monotonic_from_ms(9)}, {}}}});
    return batch;
}

Receipt some_receipt() {
    Receipt receipt;
    receipt.site = "mahakam-ulu-003";
    receipt.store.bytes.fill(1);
    receipt.generation = 300;
    receipt.epoch.bytes.fill(2);
    receipt.through = Seq{1000};
    receipt.head.fill(3);
    REQUIRE(receipt.held.add({Seq{1002}, Seq{1002}}));
    REQUIRE(receipt.held.add({Seq{1010}, Seq{kMaxSeq}}));
    return receipt;
}

template <class Decode>
void require_no_damage_passes(const std::string& bytes, std::size_t protected_bytes,
                              Decode decode) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        INFO("truncated to " << size);
        REQUIRE_FALSE(decode(bytes.substr(0, size)));
    }
    for (std::size_t bit = 0; bit < protected_bytes * 8; ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << (bit % 8));
        INFO("bit " << bit);
        REQUIRE_FALSE(decode(damaged));
    }
}

std::vector<std::int64_t> through_bytes(const std::vector<std::int64_t>& values,
                                        wire::Method expected) {
    CHECK(wire::plan_for(values).method == expected);
    std::string bytes;
    wire::put_whole_column(bytes, values);
    wire::ByteReader in{bytes};
    std::vector<std::int64_t> decoded;
    REQUIRE(wire::get_whole_column(in, values.size(), decoded, "column"));
    CHECK(in.remaining() == 0);
    return decoded;
}

}  // namespace

TEST_CASE("A receipt refuses every truncation and every flipped bit", "[wire]") {
    const auto bytes = wire::encode_receipt(some_receipt());
    require_no_damage_passes(bytes, bytes.size(),
                             [](const auto& b) { return wire::decode_receipt(b).has_value(); });
    CHECK_FALSE(wire::decode_receipt(bytes + "x"));
    CHECK_FALSE(wire::decode_receipt(std::string(5000, 'x')));
}

TEST_CASE("A receipt with ranges out of bounds is refused", "[wire]") {
    const auto with_ranges = [](std::uint64_t count, std::uint64_t gap, std::uint64_t size) {
        auto bytes = wire::encode_receipt([] {
            auto receipt = some_receipt();
            receipt.held = {};
            return receipt;
        }());
        bytes.resize(bytes.size() - 5);  // the checksum and the count of ranges
        wire::put_varint(bytes, count);
        for (std::uint64_t i = 0; i < count; ++i) {
            wire::put_varint(bytes, gap);
            wire::put_varint(bytes, size);
        }
        wire::put_u32(bytes, wire::crc32(bytes));
        return wire::decode_receipt(bytes);
    };
    CHECK(with_ranges(64, 0, 0));
    CHECK_FALSE(with_ranges(65, 0, 0));
    CHECK_FALSE(with_ranges(1, kMaxSeq, 0));
    CHECK_FALSE(with_ranges(1, 0, kMaxSeq));
    CHECK_FALSE(with_ranges(1, std::numeric_limits<std::uint64_t>::max(), 0));
}

TEST_CASE("A receipt decodes to itself", "[wire]") {
    const auto receipt = some_receipt();
    const auto decoded = wire::decode_receipt(wire::encode_receipt(receipt));
    REQUIRE(decoded);
    CHECK(*decoded == receipt);
}

TEST_CASE("A batch refuses truncation and a flipped bit before its pack", "[wire]") {
    const auto batch = some_batch();
    const auto bytes = wire::encode_batch(batch);
    const auto frame = bytes.size() - batch.pack.size();
    for (std::size_t size = 0; size < frame + 4; ++size) {
        INFO("truncated to " << size);
        REQUIRE_FALSE(wire::decode_batch(std::string_view{bytes}.substr(0, size)));
    }
    for (std::size_t bit = 0; bit < frame * 8; ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << (bit % 8));
        INFO("bit " << bit);
        REQUIRE_FALSE(wire::decode_batch(damaged));
    }
    CHECK_FALSE(wire::decode_batch(std::string(wire::kMaxPackBytes + 1000, 'G')));
}

TEST_CASE("A batch decodes to itself", "[wire]") {
    const auto batch = some_batch();
    const auto decoded = wire::decode_batch(wire::encode_batch(batch));
    REQUIRE(decoded);
    CHECK(*decoded == batch);
    CHECK(wire::range_of_pack(decoded->pack).value() == SeqRange{Seq{77}, Seq{77}});
}

TEST_CASE("A damaged tick yields an error or a well-formed tick", "[wire]") {
    RandomRecords random{test_seed()};
    const Tick previous{monotonic_from_ms(5'000), {{SeriesId{1}, 10}, {SeriesId{4}, kMin}}};
    for (std::uint64_t round = 0; round < test_rounds(20'000); ++round) {
        std::string bytes;
        const auto size = random.below(20);
        for (std::size_t i = 0; i < size; ++i) {
            bytes.push_back(
                static_cast<char>(random.chance(70) ? random.below(4) : random.below(256)));
        }
        const auto tick = wire::decode_tick(bytes, random.chance(50) ? &previous : nullptr);
        if (!tick) continue;
        REQUIRE(to_ms(tick->at) >= 0);
        for (std::size_t i = 0; i < tick->readings.size(); ++i) {
            REQUIRE(tick->readings[i].series.value >= 1);
            if (i > 0) REQUIRE(tick->readings[i - 1].series < tick->readings[i].series);
        }
    }
    CHECK_FALSE(wire::decode_tick("", nullptr));
    CHECK_FALSE(wire::decode_tick(wire::encode_tick(previous, nullptr) + "x", nullptr));
    CHECK_FALSE(wire::decode_tick("\x02", nullptr));
}

TEST_CASE("A tick decodes to itself against any tick before it", "[wire]") {
    RandomRecords random{test_seed() + 1};
    const auto some_tick = [&](std::int64_t at_ms) {
        Tick tick{monotonic_from_ms(at_ms), {}};
        std::uint32_t id = 0;
        for (auto count = random.below(30); count > 0; --count) {
            id += 1 + static_cast<std::uint32_t>(random.below(random.chance(90) ? 2 : 1'000'000));
            tick.readings.push_back({SeriesId{id}, random.number()});
        }
        return tick;
    };
    for (std::uint64_t round = 0; round < test_rounds(3000); ++round) {
        const auto before = some_tick(static_cast<std::int64_t>(random.below(1'000'000)));
        auto tick = some_tick(to_ms(before.at) + 10'000);
        if (random.chance(50)) {
            tick.readings = before.readings;
            for (auto& reading : tick.readings) reading.value = random.number();
        }
        REQUIRE(wire::decode_tick(wire::encode_tick(tick, &before), &before).value() == tick);
        REQUIRE(wire::decode_tick(wire::encode_tick(tick, nullptr), nullptr).value() == tick);
    }
}

TEST_CASE("A steady tick takes one byte a reading in the ring", "[wire]") {
    Tick before{monotonic_from_ms(100'000), {}};
    for (std::uint32_t s = 1; s <= 60; ++s) before.readings.push_back({SeriesId{s}, 1'000'000'000});
    Tick tick = before;
    tick.at += Millis{10'000};
    for (auto& reading : tick.readings) reading.value += 60;
    CHECK(wire::encode_tick(tick, &before).size() == 1 + 3 + 60);
}

TEST_CASE("A damaged event yields an error or a well-formed event", "[wire]") {
    RandomRecords random{test_seed() + 2};
    const DeviceTime at{BootNo{9}, monotonic_from_ms(123'456)};
    for (std::uint64_t round = 0; round < test_rounds(300); ++round) {
        const auto bytes = wire::encode_event(random.event(at));
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            REQUIRE_FALSE(wire::decode_event(std::string_view{bytes}.substr(0, size)));
        }
        for (int i = 0; i < 50; ++i) {
            auto damaged = bytes;
            damaged[random.below(bytes.size())] = static_cast<char>(random.below(256));
            const auto event = wire::decode_event(damaged);
            if (event) REQUIRE(defect_of(RecordBody{*event}).empty());
        }
    }
}

TEST_CASE("An event decodes to itself, of unknown kinds too", "[wire]") {
    RandomRecords random{test_seed() + 3};
    for (std::uint64_t round = 0; round < test_rounds(2000); ++round) {
        const auto event = random.event({BootNo{1 + static_cast<std::uint32_t>(round)},
                                         monotonic_from_ms(static_cast<std::int64_t>(round))});
        REQUIRE(wire::decode_event(wire::encode_event(event)).value() == event);
    }
}

TEST_CASE("A column picks the method that suits it and decodes to itself", "[wire]") {
    using wire::Method;
    const auto check = [](Method method, const std::vector<std::int64_t>& values) {
        CHECK(through_bytes(values, method) == values);
    };
    check(Method::constant, {5});
    check(Method::constant, {kMin, kMin, kMin});
    check(Method::slope, {1, 2, 3, 4});
    check(Method::slope, {kMax, kMin, kMin + 1});  // differences are taken modulo 2^64
    check(Method::slope, {kMin, kMax});
    check(Method::raw, {3, -4, 2, 60, -7, 8});
    check(Method::delta, {1'000'000, 1'000'040, 999'990, 1'000'060, 1'000'000});
    check(Method::rising, {1'000'000, 1'000'100, 1'000'190, 1'000'300, 1'000'301});
    check(Method::bend, {0, 10'000, 20'001, 30'001, 40'000});
    check(Method::delta, {0, 3 * 4'194'304, 4'194'304, 9 * 4'194'304, 4'194'304});
    CHECK(wire::plan_for(std::vector<std::int64_t>{0, 3 << 22, 1 << 22, 9 << 22}).unit == 1u << 22);
    check(Method::slope, {0, kMin, 0, kMin});
}

TEST_CASE("Columns of any numbers decode to themselves", "[wire]") {
    RandomRecords random{test_seed() + 4};
    for (std::uint64_t round = 0; round < test_rounds(20'000); ++round) {
        std::vector<std::int64_t> values;
        const auto unit = static_cast<std::int64_t>(1 + random.below(random.chance(50) ? 1 : 5000));
        for (auto count = 1 + random.below(12); count > 0; --count) {
            const auto number = random.number();
            values.push_back(number % (kMax / unit) * unit);
        }
        std::string bytes;
        wire::put_whole_column(bytes, values);
        wire::ByteReader in{bytes};
        std::vector<std::int64_t> decoded;
        REQUIRE(wire::get_whole_column(in, values.size(), decoded, "column"));
        REQUIRE(decoded == values);
        REQUIRE(in.remaining() == 0);
    }
}

TEST_CASE("Varints keep every number and refuse more than 64 bits", "[wire]") {
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (const std::uint64_t number :
             {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1, ~(std::uint64_t{1} << bit)}) {
            std::string bytes;
            wire::put_varint(bytes, number);
            CHECK(bytes.size() == wire::varint_size(number));
            wire::ByteReader in{bytes};
            CHECK(in.varint("number") == number);
            CHECK(wire::zigzag(wire::unzigzag(number)) == number);
        }
    }
    wire::ByteReader too_long{"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"};
    CHECK(too_long.varint("number") == 0);
    CHECK_FALSE(too_long.ok());
    wire::ByteReader endless{"\x80\x80"};
    (void)endless.varint("number");
    CHECK_FALSE(endless.ok());
}

TEST_CASE("crc32 is the one that everybody has", "[wire]") {
    CHECK(wire::crc32("123456789") == 0xCBF43926u);
    CHECK(wire::crc32("") == 0);
}

TEST_CASE("The chain says of each record whether it can go on over it", "[wire]") {
    auto chunk = make_chunk(BootNo{2}, {{monotonic_from_ms(10), {{SeriesId{1}, 5}}}});
    CHECK(wire::is_chainable({Seq{1}, chunk}));
    CHECK(wire::is_chainable({Seq{1}, Event{EventKind::stop, {BootNo{2}, Monotonic{}}, {}}}));
    chunk.level = 1;
    CHECK_FALSE(wire::is_chainable({Seq{1}, chunk}));
    CHECK_FALSE(wire::is_chainable(
        {Seq{1}, Chunk{.boot = BootNo{1}, .level = 3, .ticks = {}, .columns = {}}}));
}

TEST_CASE("The chain covers every part of a record", "[wire]") {
    const Record chunk{Seq{7},
                       make_chunk(BootNo{2}, {{monotonic_from_ms(10), {{SeriesId{1}, 5}}},
                                              {monotonic_from_ms(20), {{SeriesId{2}, 6}}}})};
    const Record event{Seq{8}, Event{EventKind::stop,
                                     {BootNo{2}, monotonic_from_ms(30)},
                                     {{"a", std::int64_t{1}}, {"b", std::string{"x"}}}}};
    const auto head = wire::next_head({}, chunk);
    const auto differs = [&](auto change) {
        auto other = chunk;
        change(std::get<Chunk>(other.body));
        return wire::next_head({}, other) != head;
    };
    CHECK(wire::next_head({}, chunk) == head);
    CHECK(wire::next_head(head, chunk) != head);
    CHECK(wire::next_head({}, {Seq{8}, chunk.body}) != head);
    CHECK(differs([](Chunk& c) { c.boot.value = 3; }));
    CHECK(differs([](Chunk& c) { c.ticks[1] += Millis{1}; }));
    CHECK(differs([](Chunk& c) { c.columns[0].series.value = 9; }));
    CHECK(differs([](Chunk& c) { std::swap(c.columns[0].present, c.columns[1].present); }));
    CHECK(differs([](Chunk& c) { c.columns[1].values[0] = 7; }));

    const auto after = wire::next_head(head, event);
    const auto event_differs = [&](auto change) {
        auto other = event;
        change(std::get<Event>(other.body));
        return wire::next_head(head, other) != after;
    };
    CHECK(event_differs([](Event& e) { e.kind = EventKind::start; }));
    CHECK(event_differs([](Event& e) { e.at.boot.value = 1; }));
    CHECK(event_differs([](Event& e) { e.at.at += Millis{1}; }));
    CHECK(event_differs([](Event& e) { std::swap(e.fields[0], e.fields[1]); }));
    CHECK(event_differs([](Event& e) { e.fields[0].key = "c"; }));
    CHECK(event_differs([](Event& e) { e.fields[0].value = std::int64_t{2}; }));
    CHECK(event_differs([](Event& e) { e.fields[1].value = std::string{"y"}; }));
    CHECK(event_differs([](Event& e) { e.fields[0].value = std::string{"1"}; }));
}

TEST_CASE("The canonical content of a record is the layout that FORMAT.md states", "[wire]") {
    const Record record{Seq{0x0102}, Event{EventKind::stop,
                                           {BootNo{3}, monotonic_from_ms(5)},
                                           {{"k", std::int64_t{-2}}, {"t", std::string{"hi"}}}}};
    CHECK(wire::canonical(record) == *bytes_from_hex("0201000000000000"  // seq
                                                     "02"
                                                     "04"
                                                     "03000000"  // event, kind, boot
                                                     "0500000000000000"
                                                     "02000000"  // time, field count
                                                     "01"
                                                     "6b"
                                                     "01"
                                                     "feffffffffffffff"
                                                     "01"
                                                     "74"
                                                     "02"
                                                     "02000000"
                                                     "6869"));
    const Record chunk{Seq{1}, make_chunk(BootNo{1}, {{monotonic_from_ms(1), {{SeriesId{2}, -1}}},
                                                      {monotonic_from_ms(2), {}}})};
    CHECK(wire::canonical(chunk) == *bytes_from_hex("0100000000000000"
                                                    "01"
                                                    "01000000"
                                                    "00"
                                                    "02000000"
                                                    "0100000000000000"
                                                    "0200000000000000"
                                                    "01000000"
                                                    "02000000"
                                                    "01"
                                                    "0100"
                                                    "01000000"
                                                    "ffffffffffffffff"));
}

}  // namespace gerbang
