#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/model/reduction.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/compress.hpp"
#include "tests/common/wire/random_records.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

std::string sealed(std::string bytes) {
    wire::put_u32(bytes, wire::crc32(bytes));
    return bytes;
}

std::string what_is_wrong_with(std::string_view bytes) {
    const auto records = wire::decode_pack(bytes);
    return records ? "nothing" : records.error().detail;
}

/// Writes the content of a pack number by number.
class Content {
public:
    Content& number(std::uint64_t value) {
        wire::put_varint(bytes_, value);
        return *this;
    }
    Content& constant(std::int64_t value) {
        wire::put_u8(bytes_, 0);
        wire::put_zigzag(bytes_, value);
        return *this;
    }
    Content& slope(std::int64_t first, std::int64_t step) {
        wire::put_u8(bytes_, 1);
        wire::put_zigzag(bytes_, first);
        wire::put_zigzag(bytes_, step);
        return *this;
    }
    /// A series' header byte.
    Content& header(unsigned presence) {
        wire::put_u8(bytes_, static_cast<std::uint8_t>(presence << 4));
        return *this;
    }
    Content& bytes(std::string_view raw) {
        bytes_ += raw;
        return *this;
    }
    Content& value(std::int64_t number) {
        wire::put_zigzag(bytes_, number);
        return *this;
    }
    [[nodiscard]] std::string pack(std::uint64_t records, std::uint8_t version = 2) const {
        std::string bytes{"GP"};
        wire::put_u8(bytes, version);
        wire::put_u8(bytes, 0);
        wire::put_varint(bytes, 1);
        wire::put_varint(bytes, records);
        return sealed(bytes + bytes_);
    }

private:
    std::string bytes_;
};

/// `chunks` chunks of boot 1 with `ticks` ticks each, up to the number of series.
Content chunks(std::uint64_t chunks, std::int64_t level, std::int64_t ticks) {
    Content content;
    content.number(chunks).constant(1).constant(level).constant(ticks);
    if (ticks > 0) content.slope(0, 1);
    return content;
}

/// What stands inside the compression, if any.
std::string content_of(const std::string& pack) {
    wire::ByteReader in{std::string_view{pack}.substr(0, pack.size() - 4)};
    (void)in.take(3, "");
    const bool is_compressed = in.u8("") == 1;
    (void)in.varint("");
    (void)in.varint("");
    const auto body = in.take(in.remaining(), "");
    REQUIRE(in.ok());
    if (!is_compressed) return std::string{body};
    std::string content;
    REQUIRE(wire::decompress(body, wire::kMaxPackDecodedBytes, content));
    return content;
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (const auto byte : bytes) {
        for (const int shift : {4, 0}) {
            text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> shift & 15];
        }
    }
    return text;
}

/// An hour of minute chunks with every way of writing a column, and an event in between.
std::vector<Record> a_plain_hour() {
    std::vector<Record> records;
    std::uint64_t noise = 1;
    std::int64_t total = 0;
    for (std::int64_t minute = 0; minute < 60; ++minute) {
        const Seq seq{1000 + records.size()};
        if (minute == 30) {
            const DeviceTime at{BootNo{4}, monotonic_from_ms(minute * 60'000)};
            records.push_back({seq, Event{EventKind::carrier,
                                          at,
                                          {{"name", std::string{"eth0"}},
                                           {"up", std::int64_t{0}},
                                           {"changes", std::int64_t{7}}}}});
            continue;
        }
        std::vector<Tick> ticks;
        for (std::int64_t at_ms = 5'000; at_ms < 60'000; at_ms += 10'000) {
            noise = noise * 6364136223846793005u + 1442695040888963407u;
            const auto some = static_cast<std::int64_t>(noise >> 44);
            total += some;
            Tick tick{monotonic_from_ms(minute * 60'000 + at_ms), {}};
            tick.readings = {{SeriesId{1}, total}, {SeriesId{2}, 42}, {SeriesId{3}, -some}};
            if (minute % 7 != 0) tick.readings.push_back({SeriesId{5}, some % 4});
            if (some % 3 != 0) tick.readings.push_back({SeriesId{6}, some * 4096});
            ticks.push_back(std::move(tick));
        }
        records.push_back({seq, make_chunk(BootNo{4}, ticks)});
    }
    return records;
}

}  // namespace

TEST_CASE("A reduced pack refuses every truncation and every flipped bit", "[wire]") {
    RandomRecords random{test_seed() + 20};
    auto bytes = wire::encode_pack(random.reduced_records(8));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        INFO("truncated to " << size << " of " << bytes.size());
        REQUIRE_FALSE(wire::decode_pack(std::string_view{bytes}.substr(0, size)));
    }
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
        bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ 1 << (i % 8));
        INFO("bit " << i);
        REQUIRE_FALSE(wire::decode_pack(bytes));
        bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ 1 << (i % 8));
    }
}

TEST_CASE("A reduced pack damaged behind a valid checksum yields an error or well-formed records",
          "[wire]") {
    RandomRecords random{test_seed() + 21};
    for (std::uint64_t round = 0; round < test_rounds(60); ++round) {
        const auto whole = wire::encode_pack(random.reduced_records(1 + random.below(6)));
        // Without compression, so that the damage reaches the content.
        const auto content = content_of(whole);
        const std::string frame = whole.substr(0, 3) + '\0' + '\1' + '\6';
        INFO("round " << round);
        for (std::size_t i = 0; i < content.size(); ++i) {
            auto damaged = frame + content;
            damaged[frame.size() + i] = static_cast<char>(random.below(256));
            const auto records = wire::decode_pack(sealed(damaged));
            if (!records) {
                REQUIRE(records.error().code == Errc::bad_input);
                continue;
            }
            for (const auto& record : *records) REQUIRE(defect_of(record.body).empty());
            const auto again = wire::decode_pack(wire::encode_pack(*records));
            REQUIRE(again);
            REQUIRE(*again == *records);
        }
    }
}

TEST_CASE("Content of version 2 is refused where chunks and their columns contradict", "[wire]") {
    CHECK(what_is_wrong_with(chunks(3, 1, 0).number(0).pack(3)) == "nothing");
    CHECK(what_is_wrong_with(
              chunks(2, 1, 1).number(1).constant(7).constant(0).header(0).value(5).pack(2)) ==
          "nothing");
    // Chunks without ticks: not at level 0, not in version 1, not with a series or a time.
    CHECK_THAT(what_is_wrong_with(chunks(3, 0, 0).number(0).pack(3)),
               Catch::Contains("without ticks"));
    CHECK_THAT(what_is_wrong_with(chunks(3, 1, 0).number(0).pack(3, 1)),
               Catch::Contains("tick count"));
    CHECK_THAT(what_is_wrong_with(
                   chunks(2, 1, 0).number(1).constant(7).constant(0).header(0).value(5).pack(2)),
               Catch::Contains("series count"));
    CHECK_THAT(what_is_wrong_with(chunks(3, 1, 0).slope(0, 1).number(0).pack(3)),
               Catch::Contains("series count"));
    CHECK_THAT(what_is_wrong_with(chunks(3, 4, 0).number(0).pack(3)), Catch::Contains("level"));
    CHECK_THAT(what_is_wrong_with(chunks(3, 1, -1).number(0).pack(3)),
               Catch::Contains("tick count"));

    const auto with_parts = [](std::int64_t level, std::int64_t first_part, std::int64_t step,
                               std::int64_t value) {
        auto content = chunks(2, level, 2);
        content.number(2).constant(7).slope(first_part, step).header(0).header(0);
        return content.value(value).value(value).pack(2);
    };
    CHECK(what_is_wrong_with(with_parts(1, 0, 3, 1)) == "nothing");
    CHECK(what_is_wrong_with(with_parts(3, 16, 239, 0)) == "nothing");
    CHECK_THAT(what_is_wrong_with(with_parts(1, 3, 0, 1)), Catch::Contains("series ids"));
    CHECK_THAT(what_is_wrong_with(with_parts(1, 3, -1, 1)), Catch::Contains("series ids"));
    CHECK_THAT(what_is_wrong_with(with_parts(1, -1, 1, 1)), Catch::Contains("parts"));
    CHECK_THAT(what_is_wrong_with(with_parts(1, 255, 1, 1)), Catch::Contains("parts"));
    CHECK_THAT(what_is_wrong_with(with_parts(1, 3, 1, 1)), Catch::Contains("unknown part"));
    CHECK_THAT(what_is_wrong_with(with_parts(1, 15, 1, 1)), Catch::Contains("unknown part"));
    CHECK_THAT(what_is_wrong_with(with_parts(0, 0, 3, 1)), Catch::Contains("level 0"));
    CHECK_THAT(what_is_wrong_with(with_parts(1, 2, 1, 0)), Catch::Contains("count below 1"));
    CHECK_THAT(what_is_wrong_with(with_parts(1, 16, 1, -1)), Catch::Contains("negative time"));
}

TEST_CASE("A bitmap over chunks passes over those without ticks", "[wire]") {
    // Chunks of one, no and one tick; a series in the last of them.
    const auto content = [](std::string_view bitmap) {
        Content bytes;
        bytes.number(3).constant(1).constant(2);
        bytes.bytes(std::string_view{"\x02\x02\x00\x02", 4});  // tick counts, raw: 1, 0, 1
        bytes.slope(0, 9).number(1).constant(7).constant(0).header(1);
        return bytes.bytes(bitmap).value(5).pack(3);
    };
    const auto records = wire::decode_pack(content("\x02"));
    REQUIRE(records);
    CHECK(std::get<Chunk>((*records)[0].body).columns.empty());
    CHECK(std::get<Chunk>((*records)[1].body).is_emptied());
    CHECK(std::get<Chunk>((*records)[2].body).columns.size() == 1);
    CHECK_THAT(what_is_wrong_with(content("\x04")), Catch::Contains("presence"));
}

TEST_CASE("Reduced chunks may have more columns than series, as far as the model allows",
          "[wire]") {
    const auto claim = [](std::int64_t level, std::uint64_t columns) {
        auto content = chunks(1, level, 1);
        content.number(columns).slope(1, 1).constant(0);
        return content.bytes(std::string(columns * 2, '\0')).pack(1);
    };
    CHECK(what_is_wrong_with(claim(1, kMaxReducedColumns)) == "nothing");
    CHECK_THAT(what_is_wrong_with(claim(1, kMaxReducedColumns + 1)),
               Catch::Contains("columns in a chunk"));
    CHECK_THAT(what_is_wrong_with(claim(0, kMaxSeries + 1)), Catch::Contains("columns in a chunk"));
}

TEST_CASE("A pack of any reduced records decodes to the same records", "[wire]") {
    RandomRecords random{test_seed() + 22};
    for (std::uint64_t round = 0; round < test_rounds(1500); ++round) {
        const auto records = random.reduced_records(1 + random.below(random.chance(5) ? 150 : 12));
        INFO("round " << round);
        const auto bytes = wire::encode_pack(records);
        const auto decoded = wire::decode_pack(bytes);
        REQUIRE(decoded);
        REQUIRE(*decoded == records);
        bool is_reduced = false;
        for (const auto& record : records) is_reduced |= level_of(record.body) > 0;
        REQUIRE(bytes[2] == (is_reduced ? 2 : 1));
    }
}

TEST_CASE("Records as first written are packed as ever", "[wire]") {
    // Too small to compress, so these are all the bytes; and an hour, by a checksum of its content.
    const Chunk chunk =
        make_chunk(BootNo{2}, {{monotonic_from_ms(10'000), {{SeriesId{1}, 5}, {SeriesId{3}, -7}}},
                               {monotonic_from_ms(20'000), {{SeriesId{1}, 6}}}});
    CHECK(hex(wire::encode_pack({{Seq{9}, chunk}})) ==
          "4750010009010100040000000401a09c01a09c01020102040120010a020d21f6596e");
    CHECK(wire::crc32(content_of(wire::encode_pack(a_plain_hour()))) == 0xA08E2A1Du);
}

TEST_CASE("Emptied chunks cost next to nothing, however many", "[wire]") {
    std::vector<Record> records;
    for (std::uint64_t seq = 1; seq <= wire::kMaxRecordsPerPack; ++seq) {
        records.push_back({Seq{seq}, Chunk{BootNo{3}, 3, {}, {}}});
    }
    REQUIRE(wire::records_that_fit(records) == records.size());
    const auto bytes = wire::encode_pack(records);
    CHECK(bytes.size() < 32);
    const auto decoded = wire::decode_pack(bytes, {.decoded_bytes = 0});
    REQUIRE(decoded);
    CHECK(*decoded == records);
}

TEST_CASE("Reduction makes the pack of an hour smaller at every level", "[wire]") {
    const auto kind_of = [](SeriesId id) {
        if (id == SeriesId{1}) return SeriesKind::counter;
        return id == SeriesId{5} ? SeriesKind::state : SeriesKind::gauge;
    };
    const auto hour = a_plain_hour();
    std::size_t before = wire::encode_pack(hour).size();
    for (std::uint8_t level = 1; level <= kMaxLevel; ++level) {
        const auto reduced = reduce(hour, level, kind_of);
        const auto bytes = wire::encode_pack(reduced);
        INFO("level " << int{level} << ": " << bytes.size() << " bytes, before " << before);
        CHECK(bytes.size() < before);
        before = bytes.size();
        CHECK(wire::decode_pack(bytes).value() == reduced);
    }
}

}  // namespace gerbang
