#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/compress.hpp"
#include "tests/common/wire/random_records.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

/// `bytes` with a checksum that fits them, so that damage reaches the decoder behind it.
std::string resealed(std::string bytes) {
    bytes.resize(bytes.size() - 4);
    wire::put_u32(bytes, wire::crc32(bytes));
    return bytes;
}

/// Either an error with a text, or records that pass every check and survive another round.
void require_error_or_well_formed(std::string_view bytes) {
    const auto records = wire::decode_pack(bytes);
    if (!records) {
        REQUIRE(records.error().code == Errc::bad_input);
        REQUIRE(!records.error().detail.empty());
        return;
    }
    REQUIRE(!records->empty());
    for (const auto& record : *records) REQUIRE(defect_of(record.body).empty());
    const auto again = wire::decode_pack(wire::encode_pack(*records));
    REQUIRE(again);
    REQUIRE(*again == *records);
}

std::string raw_pack(std::uint64_t first, std::uint64_t count, std::string_view content) {
    std::string bytes{"GP\x01", 3};
    wire::put_u8(bytes, 0);
    wire::put_varint(bytes, first);
    wire::put_varint(bytes, count);
    bytes.append(content);
    wire::put_u32(bytes, wire::crc32(bytes));
    return bytes;
}

std::string what_is_wrong_with(std::string_view bytes) {
    const auto records = wire::decode_pack(bytes);
    return records ? "nothing" : records.error().detail;
}

Chunk plain_chunk(std::int64_t start_ms, std::size_t ticks, std::uint32_t series) {
    std::vector<Tick> list(ticks);
    for (std::size_t t = 0; t < ticks; ++t) {
        list[t].at = monotonic_from_ms(start_ms + static_cast<std::int64_t>(t) * 10'000);
        for (std::uint32_t s = 1; s <= series; ++s) {
            list[t].readings.push_back({SeriesId{s}, static_cast<std::int64_t>(s * 7 + t * t)});
        }
    }
    return make_chunk(BootNo{1}, list);
}

}  // namespace

TEST_CASE("A pack refuses every truncation of itself", "[wire]") {
    RandomRecords random{test_seed()};
    const auto bytes = wire::encode_pack(random.records(6));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        INFO("truncated to " << size << " of " << bytes.size());
        REQUIRE_FALSE(wire::decode_pack(std::string_view{bytes}.substr(0, size)));
    }
}

TEST_CASE("A pack refuses every flipped bit and every byte behind its end", "[wire]") {
    RandomRecords random{test_seed() + 1};
    auto bytes = wire::encode_pack(random.records(5));
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
        bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ 1 << (i % 8));
        INFO("bit " << i);
        REQUIRE_FALSE(wire::decode_pack(bytes));
        bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ 1 << (i % 8));
    }
    REQUIRE_FALSE(wire::decode_pack(bytes + '\0'));
}

TEST_CASE("A pack damaged behind a valid checksum yields an error or well-formed records",
          "[wire]") {
    RandomRecords random{test_seed() + 2};
    for (std::uint64_t round = 0; round < test_rounds(40); ++round) {
        const auto bytes = wire::encode_pack(random.records(1 + random.below(6)));
        INFO("round " << round);
        for (std::size_t i = 0; i + 4 < bytes.size(); ++i) {
            auto damaged = bytes;
            damaged[i] = static_cast<char>(random.below(256));
            require_error_or_well_formed(resealed(std::move(damaged)));
        }
        for (int cut = 0; cut < 20; ++cut) {
            require_error_or_well_formed(resealed(bytes.substr(0, 4 + random.below(bytes.size()))));
        }
    }
}

TEST_CASE("Uncompressed content damaged behind a valid checksum never breaks the decoder",
          "[wire]") {
    // Compression hides most mutations behind its own checks; these reach the content's parser.
    RandomRecords random{test_seed() + 3};
    for (std::uint64_t round = 0; round < test_rounds(3000); ++round) {
        std::string content;
        const auto size = 1 + random.below(60);
        for (std::size_t i = 0; i < size; ++i) {
            content.push_back(
                static_cast<char>(random.chance(70) ? random.below(6) : random.below(256)));
        }
        INFO("round " << round);
        require_error_or_well_formed(raw_pack(1, 1 + random.below(3), content));
    }
}

TEST_CASE("A pack says what is wrong with its frame", "[wire]") {
    const auto good = wire::encode_pack({{Seq{5}, plain_chunk(0, 3, 2)}});
    CHECK_THAT(what_is_wrong_with(""), Catch::Contains("too short"));
    CHECK_THAT(what_is_wrong_with("hello, world"), Catch::Contains("checksum"));
    for (const char version : {'\0', '\3', '\xFF'}) {
        auto other_version = good;
        other_version[2] = version;
        CHECK_THAT(what_is_wrong_with(resealed(other_version)), Catch::Contains("version"));
    }
    auto other_compression = good;
    other_compression[3] = 9;
    CHECK_THAT(what_is_wrong_with(resealed(other_compression)), Catch::Contains("compression"));
    CHECK_THAT(what_is_wrong_with(raw_pack(0, 1, "")), Catch::Contains("range"));
    CHECK_THAT(what_is_wrong_with(raw_pack(1, 0, "")), Catch::Contains("range"));
    CHECK_THAT(what_is_wrong_with(raw_pack(kMaxSeq, 2, "")), Catch::Contains("range"));
    CHECK_THAT(what_is_wrong_with(raw_pack(1, 8193, "")), Catch::Contains("record count"));
}

TEST_CASE("A pack that claims more than the limits is refused before anything is allocated",
          "[wire]") {
    // One chunk; 1024 ticks; series with constant values cost almost no bytes each.
    const auto claim = [](std::uint64_t chunks, std::uint64_t ticks, std::uint64_t series) {
        std::string content;
        wire::put_varint(content, chunks);
        for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{0}, ticks}) {
            wire::put_u8(content, 0);
            wire::put_zigzag(content, static_cast<std::int64_t>(number));
        }
        wire::put_u8(content, 1);  // times: 0, 1, 2, ...
        wire::put_zigzag(content, 0);
        wire::put_zigzag(content, 1);
        wire::put_varint(content, series);
        wire::put_u8(content, 1);  // ids: 1, 2, 3, ...
        wire::put_zigzag(content, 1);
        wire::put_zigzag(content, 1);
        content.append(series * 2, '\0');  // header: constant; value: 0
        return raw_pack(1, chunks, content);
    };
    CHECK(what_is_wrong_with(claim(2, 1024, 4)) == "nothing");
    CHECK_THAT(what_is_wrong_with(claim(1, 1025, 1)), Catch::Contains("tick count"));
    CHECK_THAT(what_is_wrong_with(claim(8192, 1024, 2)), Catch::Contains("number of readings"));
    CHECK_THAT(what_is_wrong_with(claim(8192, 1, 129)), Catch::Contains("number of columns"));
    CHECK_THAT(what_is_wrong_with(claim(1, 1, 4097)), Catch::Contains("columns in a chunk"));
}

TEST_CASE("Content with bytes left over, stray bits or a series without values is refused",
          "[wire]") {
    // Two chunks of two ticks; one series, whose presence and bitmap vary.
    const auto content = [](unsigned presence, const std::string& bitmap, const char* tail) {
        std::string bytes;
        wire::put_varint(bytes, 2);
        for (const std::int64_t number : {1, 0, 2}) {
            wire::put_u8(bytes, 0);
            wire::put_zigzag(bytes, number);
        }
        wire::put_u8(bytes, 1);  // times: 0, 1, 2, 3
        wire::put_zigzag(bytes, 0);
        wire::put_zigzag(bytes, 1);
        wire::put_varint(bytes, 1);
        wire::put_u8(bytes, 0);  // ids: 7
        wire::put_zigzag(bytes, 7);
        wire::put_u8(bytes, static_cast<std::uint8_t>(presence << 4));
        bytes += bitmap;
        wire::put_zigzag(bytes, 5);
        return raw_pack(1, 2, bytes + tail);
    };
    CHECK(what_is_wrong_with(content(0, "", "")) == "nothing");
    CHECK(what_is_wrong_with(content(1, "\x02", "")) == "nothing");
    CHECK(what_is_wrong_with(content(2, "\x0B", "")) == "nothing");
    CHECK_THAT(what_is_wrong_with(content(0, "", "x")), Catch::Contains("length"));
    CHECK_THAT(what_is_wrong_with(content(1, "\x06", "")), Catch::Contains("presence"));
    CHECK_THAT(what_is_wrong_with(content(2, "\x1B", "")), Catch::Contains("presence"));
    CHECK_THAT(what_is_wrong_with(content(1, std::string(1, '\0'), "")),
               Catch::Contains("presence"));
    CHECK_THAT(what_is_wrong_with(content(2, std::string(1, '\0'), "")),
               Catch::Contains("presence"));
    CHECK_THAT(what_is_wrong_with(content(3, "", "")), Catch::Contains("headers"));
}

TEST_CASE("A frame that says it is larger than the limit is refused", "[wire]") {
    const std::string large(100'000, 'x');
    const auto frame = wire::compress(large);
    REQUIRE(frame);
    std::string content;
    CHECK(wire::decompress(*frame, large.size(), content));
    CHECK(content == large);
    CHECK_FALSE(wire::decompress(*frame, large.size() - 1, content));
    CHECK(content.empty());
}

TEST_CASE("A few bytes that stand for millions of readings are too large for a caller's limits",
          "[wire]") {
    // One chunk of one tick pattern: every column rises evenly, so that it is three numbers.
    std::vector<Tick> ticks(1000);
    for (std::size_t t = 0; t < ticks.size(); ++t) {
        ticks[t].at = monotonic_from_ms(static_cast<std::int64_t>(t) * 10'000);
        for (std::uint32_t s = 1; s <= 100; ++s) {
            ticks[t].readings.push_back({SeriesId{s}, static_cast<std::int64_t>(t) * 1'000'000});
        }
    }
    const auto bytes = wire::encode_pack({{Seq{1}, make_chunk(BootNo{1}, ticks)}});
    REQUIRE(bytes.size() < 1000);
    constexpr std::uint64_t kNeeded = 1000 * 8 + 100 * (1000 * 8 + 64);

    CHECK(wire::decode_pack(bytes, {.decoded_bytes = kNeeded}));
    const auto records = wire::decode_pack(bytes, {.decoded_bytes = kNeeded - 1});
    REQUIRE_FALSE(records);
    CHECK(records.error().code == Errc::too_large);
    const auto few_ticks = wire::decode_pack(bytes, {.decoded_bytes = 7999});
    REQUIRE_FALSE(few_ticks);
    CHECK(few_ticks.error().code == Errc::too_large);
}

TEST_CASE("Absent places of a column count as if they were filled", "[wire]") {
    // A column with one value in a thousand ticks takes the room of a thousand wherever it is
    // written out place by place.
    std::vector<Tick> ticks(1000);
    for (std::size_t t = 0; t < ticks.size(); ++t) {
        ticks[t].at = monotonic_from_ms(static_cast<std::int64_t>(t) * 10'000);
    }
    for (std::uint32_t s = 1; s <= 100; ++s) ticks[7].readings.push_back({SeriesId{s}, 1});
    const auto bytes = wire::encode_pack({{Seq{1}, make_chunk(BootNo{1}, ticks)}});
    constexpr std::uint64_t kNeeded = 1000 * 8 + 100 * (1000 * 8 + 64);
    CHECK(wire::decode_pack(bytes, {.decoded_bytes = kNeeded}));
    CHECK_FALSE(wire::decode_pack(bytes, {.decoded_bytes = kNeeded - 1}));
}

TEST_CASE("Content beyond a caller's limit is too large, whether it is compressed or not",
          "[wire]") {
    Event event{EventKind::config, {BootNo{1}, monotonic_from_ms(1)}, {}};
    event.fields.push_back({"note", std::string(1000, 'a')});
    const auto bytes = wire::encode_pack({{Seq{1}, event}});
    REQUIRE(bytes.size() < 200);
    CHECK(wire::decode_pack(bytes, {.content_bytes = 2000}));
    const auto compressed = wire::decode_pack(bytes, {.content_bytes = 500});
    REQUIRE_FALSE(compressed);
    CHECK(compressed.error().code == Errc::too_large);

    const auto plain =
        wire::decode_pack(raw_pack(1, 1, std::string(600, 'x')), {.content_bytes = 500});
    REQUIRE_FALSE(plain);
    CHECK(plain.error().code == Errc::too_large);
}

TEST_CASE("A pack of any well-formed records decodes to the same records", "[wire]") {
    RandomRecords random{test_seed() + 4};
    for (std::uint64_t round = 0; round < test_rounds(1500); ++round) {
        const auto records = random.records(1 + random.below(random.chance(5) ? 150 : 12));
        INFO("round " << round);
        const auto bytes = wire::encode_pack(records);
        const auto decoded = wire::decode_pack(bytes);
        REQUIRE(decoded);
        REQUIRE(*decoded == records);
        const auto range = wire::range_of_pack(bytes);
        REQUIRE(range);
        REQUIRE(range->first == records.front().seq);
        REQUIRE(range->last == records.back().seq);
    }
}

TEST_CASE("Packs are the same bytes each time, on each thread, whatever was packed before",
          "[wire]") {
    RandomRecords random{test_seed() + 5};
    const auto records = random.records(40);
    const auto first = wire::encode_pack(records);
    for (int i = 0; i < 20; ++i) (void)wire::encode_pack(random.records(1 + random.below(60)));
    CHECK(wire::encode_pack(records) == first);
    std::string elsewhere;
    std::thread{[&] { elsewhere = wire::encode_pack(records); }}.join();
    CHECK(elsewhere == first);
}

TEST_CASE("A chunk without columns and an event without fields are records like others", "[wire]") {
    const std::vector<Record> records{
        {Seq{1}, Event{EventKind::stop, {BootNo{1}, monotonic_from_ms(0)}, {}}},
        {Seq{2}, Chunk{BootNo{1}, 0, {monotonic_from_ms(1)}, {}}},
        {Seq{3}, Chunk{BootNo{2}, 3, {monotonic_from_ms(0), monotonic_from_ms(9)}, {}}}};
    const auto decoded = wire::decode_pack(wire::encode_pack(records));
    REQUIRE(decoded);
    CHECK(*decoded == records);
}

TEST_CASE("A record of any permitted size fits a pack alone", "[wire]") {
    RandomRecords random{test_seed() + 6};
    Chunk chunk{BootNo{1}, 0, {}, {}};
    for (std::size_t t = 0; t < kMaxTicksPerChunk; ++t) {
        chunk.ticks.push_back(monotonic_from_ms(static_cast<std::int64_t>(t)));
    }
    // Numbers that do not shrink, as many as the model permits in the long run of tests.
    const auto series = test_effort() >= 1 ? kMaxSeries / 8 : kMaxSeries / 256;
    for (std::uint32_t s = 1; s <= series; ++s) {
        Column column{SeriesId{s}, {}, {}};
        for (std::size_t t = 0; t < kMaxTicksPerChunk; ++t) {
            column.values.push_back(static_cast<std::int64_t>(random.below(UINT64_MAX)));
        }
        chunk.columns.push_back(std::move(column));
    }
    const std::vector<Record> records{{Seq{1}, chunk}};
    REQUIRE(wire::records_that_fit(records) == 1);
    const auto decoded = wire::decode_pack(wire::encode_pack(records));
    REQUIRE(decoded);
    CHECK(*decoded == records);
}

TEST_CASE("records_that_fit stops at the limits of a pack", "[wire]") {
    std::vector<Record> records;
    for (std::uint64_t i = 1; i <= 8193; ++i) {
        records.push_back({Seq{i}, Chunk{BootNo{1}, 0, {monotonic_from_ms(0)}, {}}});
    }
    CHECK(wire::records_that_fit(records) == 8192);
    CHECK(wire::records_that_fit({}) == 0);

    records.clear();
    for (std::uint64_t i = 1; i <= 40; ++i) records.push_back({Seq{i}, plain_chunk(0, 1000, 256)});
    const auto fitting = wire::records_that_fit(records);
    CHECK(fitting > 10);
    CHECK(fitting * 256'000 <= wire::kMaxReadingsPerPack);
}

}  // namespace gerbang
