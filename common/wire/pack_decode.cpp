#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/column.hpp"
#include "common/wire/compress.hpp"
#include "common/wire/event.hpp"
#include "common/wire/frame.hpp"
#include "common/wire/pack.hpp"

namespace gerbang::wire {
namespace {

using pack::Presence;

/// A pack is never larger than its content and this.
constexpr std::size_t kMaxFrameBytes = 64;

struct Header {
    std::uint8_t version = 0;
    pack::Compression compression{};
    SeqRange range;
};

Header get_header(ByteReader& in) {
    if (in.take(pack::kMagic.size(), "magic") != pack::kMagic) in.fail("magic");
    Header header;
    header.version = in.u8("version");
    if (header.version != pack::kPlain && header.version != pack::kReduced) in.fail("version");
    const auto compression = in.u8("compression");
    if (compression > static_cast<std::uint8_t>(pack::Compression::zstd)) in.fail("compression");
    header.compression = static_cast<pack::Compression>(compression);
    const auto first = in.varint("first record", kMaxSeq);
    const auto count = in.varint("record count", kMaxRecordsPerPack);
    if (first == 0 || count == 0 || first + count - 1 > kMaxSeq) in.fail("range of records");
    header.range = {Seq{first}, Seq{first + count - 1}};
    return header;
}

/// The bits of a bitmap, the lowest bit of each byte first.
class Bitmap {
public:
    Bitmap() = default;
    explicit Bitmap(std::string_view bytes) noexcept : bytes_{bytes} {}

    [[nodiscard]] bool at(std::size_t i) const noexcept {
        return (static_cast<unsigned char>(bytes_[i / 8]) >> (i % 8) & 1u) != 0;
    }

private:
    std::string_view bytes_;
};

struct SeriesPlan {
    SeriesId id;
    std::uint8_t part = part::kValue;
    std::uint8_t header = 0;
    Presence presence = Presence::always;
    Bitmap bitmap;
    std::size_t values = 0;  ///< over all chunks
};

/// Reads the chunks' part of the content into chunks that already stand in their places.
class ChunkReader {
public:
    ChunkReader(ByteReader& in, std::vector<Chunk*> chunks, std::uint8_t version,
                std::uint64_t max_decoded_bytes)
        : in_{in},
          chunks_{std::move(chunks)},
          has_parts_{version == pack::kReduced},
          max_decoded_bytes_{max_decoded_bytes} {}

    void read() {
        if (chunks_.empty()) return;
        read_numbers();
        if (in_.ok() && tick_count_ > 0) read_times();
        if (in_.ok()) read_plans();
        if (in_.ok()) read_columns();
    }

    /// Whether the failure is one of size: beyond what the caller allows, not malformed.
    [[nodiscard]] bool is_too_large() const noexcept { return is_too_large_; }

private:
    /// Counts memory before it is taken.
    void claim(std::size_t pieces, std::size_t bytes_each) {
        decoded_bytes_ += std::uint64_t{pieces} * bytes_each;
        if (decoded_bytes_ <= max_decoded_bytes_ || !in_.ok()) return;
        is_too_large_ = true;
        in_.fail("size when decoded");
    }

    void read_numbers() {
        constexpr auto kMaxBoot = std::int64_t{std::numeric_limits<std::uint32_t>::max()};
        read_number_per_chunk("boot", 1, kMaxBoot, [](Chunk& chunk, std::int64_t number) {
            chunk.boot = BootNo{static_cast<std::uint32_t>(number)};
        });
        read_number_per_chunk("level", 0, 3, [](Chunk& chunk, std::int64_t number) {
            chunk.level = static_cast<std::uint8_t>(number);
        });
        std::vector<Chunk*> filled;
        filled.reserve(chunks_.size());
        read_number_per_chunk("tick count", has_parts_ ? 0 : 1, std::int64_t{kMaxTicksPerChunk},
                              [&](Chunk& chunk, std::int64_t number) {
                                  if (number == 0) return;
                                  filled.push_back(&chunk);
                                  tick_counts_.push_back(static_cast<std::size_t>(number));
                                  tick_count_ += static_cast<std::size_t>(number);
                              });
        // Of emptied chunks there is no more to read.
        chunks_ = std::move(filled);
        column_counts_.resize(chunks_.size(), 0);
        if (tick_count_ > kMaxReadingsPerPack) in_.fail("number of ticks");
        claim(tick_count_, sizeof(Monotonic));
    }

    template <class Assign>
    void read_number_per_chunk(const char* what, std::int64_t min, std::int64_t max,
                               Assign assign) {
        if (!in_.ok() || !get_whole_column(in_, chunks_.size(), scratch_, what)) return;
        for (std::size_t c = 0; c < chunks_.size(); ++c) {
            if (scratch_[c] < min || scratch_[c] > max) return in_.fail(what);
            assign(*chunks_[c], scratch_[c]);
        }
    }

    void read_times() {
        if (!get_whole_column(in_, tick_count_, scratch_, "tick times")) return;
        std::size_t next = 0;
        for (std::size_t c = 0; c < chunks_.size(); ++c) {
            auto& ticks = chunks_[c]->ticks;
            ticks.reserve(tick_counts_[c]);
            for (std::size_t t = 0; t < tick_counts_[c]; ++t) {
                ticks.push_back(monotonic_from_ms(scratch_[next++]));
            }
        }
    }

    /// Everything about the series but their values, so that all limits are checked before the
    /// first column is made.
    void read_plans() {
        const auto count = static_cast<std::size_t>(
            in_.varint("series count", tick_count_ > 0 ? kMaxSeriesPerPack : 0));
        if (count == 0 || !get_whole_column(in_, count, scratch_, "series ids")) return;
        std::vector<std::int64_t> parts;
        if (has_parts_ && !get_whole_column(in_, count, parts, "parts of series")) return;
        const auto headers = in_.take(count, "series headers");
        if (!in_.ok()) return;
        plans_.resize(count);
        std::size_t readings = 0;
        std::size_t columns = 0;
        for (std::size_t s = 0; s < count && in_.ok(); ++s) {
            auto& plan = plans_[s];
            if (scratch_[s] < 1 ||
                scratch_[s] > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) {
                return in_.fail("series ids");
            }
            plan.id = SeriesId{static_cast<std::uint32_t>(scratch_[s])};
            if (has_parts_) {
                if (parts[s] < 0 || parts[s] > UINT8_MAX) return in_.fail("parts of series");
                plan.part = static_cast<std::uint8_t>(parts[s]);
            }
            if (s > 0 &&
                std::pair{plan.id, plan.part} <= std::pair{plans_[s - 1].id, plans_[s - 1].part}) {
                return in_.fail("series ids");
            }
            plan.header = static_cast<std::uint8_t>(headers[s]);
            const unsigned presence = unsigned{plan.header} >> pack::kPresenceShift;
            if (presence > static_cast<unsigned>(Presence::by_tick)) {
                return in_.fail("series headers");
            }
            plan.presence = static_cast<Presence>(presence);
            const auto columns_before = columns;
            columns += read_presence(plan);
            claim(columns - columns_before, kColumnBytes);
            readings += plan.values;
            if (plan.values == 0) in_.fail("presence");
            if (readings > kMaxReadingsPerPack) in_.fail("number of readings");
            if (columns > kMaxColumnsPerPack) in_.fail("number of columns");
        }
    }

    /// Returns in how many chunks the series has values.
    std::size_t read_presence(SeriesPlan& plan) {
        if (plan.presence == Presence::always) {
            plan.values = tick_count_;
            claim(tick_count_, sizeof(std::int64_t));
            for (auto& columns : column_counts_) ++columns;
            return chunks_.size();
        }
        const bool is_by_tick = plan.presence == Presence::by_tick;
        const std::size_t bits = is_by_tick ? tick_count_ : chunks_.size();
        const auto bytes = in_.take(pack::bitmap_bytes(bits), "presence");
        if (!in_.ok()) return 0;
        plan.bitmap = Bitmap{bytes};
        for (std::size_t i = bits; i < bytes.size() * 8; ++i) {
            if (plan.bitmap.at(i)) in_.fail("presence");
        }
        std::size_t columns = 0;
        std::size_t first_tick = 0;
        for (std::size_t c = 0; c < chunks_.size(); first_tick += tick_counts_[c++]) {
            const std::size_t present = values_in(plan, c, first_tick);
            plan.values += present;
            if (present == 0) continue;
            ++columns;
            ++column_counts_[c];
            claim(tick_counts_[c], sizeof(std::int64_t));
        }
        return columns;
    }

    /// How many values of the series chunk `c`, whose ticks begin at `first_tick`, has.
    [[nodiscard]] std::size_t values_in(const SeriesPlan& plan, std::size_t c,
                                        std::size_t first_tick) const {
        if (plan.presence == Presence::always) return tick_counts_[c];
        if (plan.presence == Presence::by_chunk) return plan.bitmap.at(c) ? tick_counts_[c] : 0;
        std::size_t present = 0;
        for (std::size_t t = 0; t < tick_counts_[c]; ++t) {
            if (plan.bitmap.at(first_tick + t)) ++present;
        }
        return present;
    }

    void read_columns() {
        for (std::size_t c = 0; c < chunks_.size(); ++c) {
            if (column_counts_[c] > (chunks_[c]->level == 0 ? kMaxSeries : kMaxReducedColumns)) {
                return in_.fail("number of columns in a chunk");
            }
            chunks_[c]->columns.reserve(column_counts_[c]);
        }
        for (const auto& plan : plans_) {
            const auto header = static_cast<std::uint8_t>(plan.header & kPlanBits);
            if (!get_column(in_, header, plan.values, scratch_, "values")) return;
            hand_out(plan);
        }
    }

    void hand_out(const SeriesPlan& plan) {
        auto next = scratch_.cbegin();
        std::size_t first_tick = 0;
        for (std::size_t c = 0; c < chunks_.size(); first_tick += tick_counts_[c++]) {
            const std::size_t present = values_in(plan, c, first_tick);
            if (present == 0) continue;
            auto& column = chunks_[c]->columns.emplace_back();
            column.series = plan.id;
            column.part = plan.part;
            column.values.assign(next, next + static_cast<std::ptrdiff_t>(present));
            next += static_cast<std::ptrdiff_t>(present);
            if (present == tick_counts_[c]) continue;
            column.present.resize(tick_counts_[c]);
            for (std::size_t t = 0; t < tick_counts_[c]; ++t) {
                column.present[t] = plan.bitmap.at(first_tick + t) ? 1 : 0;
            }
        }
    }

    /// Series of one pack: chunks of one pack may have different ones.
    static constexpr std::size_t kMaxSeriesPerPack = kMaxColumnsPerPack;
    static constexpr std::size_t kColumnBytes = 64;

    ByteReader& in_;
    std::vector<Chunk*> chunks_;  ///< those with ticks, once the tick counts are known
    bool has_parts_;
    std::uint64_t decoded_bytes_ = 0;
    std::uint64_t max_decoded_bytes_;
    bool is_too_large_ = false;
    std::vector<std::size_t> tick_counts_;
    std::size_t tick_count_ = 0;
    std::vector<std::size_t> column_counts_;
    std::vector<SeriesPlan> plans_;
    std::vector<std::int64_t> scratch_;
};

/// Numbers the records and makes each a chunk or an event, as the runs say.
std::vector<Record> get_runs(ByteReader& in, const SeqRange& range) {
    std::vector<Record> records;
    records.reserve(static_cast<std::size_t>(range.size()));
    Seq seq = range.first;
    for (bool is_chunk_run = true; in.ok() && seq <= range.last; is_chunk_run = !is_chunk_run) {
        const auto left = range.last.value - seq.value + 1;
        const auto run = in.varint("run of records", left);
        const bool may_be_empty = is_chunk_run && seq == range.first;
        if (run == 0 && !may_be_empty) in.fail("run of records");
        for (std::uint64_t i = 0; i < run && in.ok(); ++i, seq = seq.next()) {
            if (is_chunk_run) {
                records.push_back({seq, Chunk{}});
            } else {
                records.push_back({seq, Event{}});
            }
        }
    }
    return records;
}

Result<std::vector<Record>> decode_content(std::string_view content, const Header& header,
                                           const DecodeLimits& limits) {
    ByteReader in{content};
    auto records = get_runs(in, header.range);
    if (!in.ok()) return in.error("pack content");

    std::vector<Chunk*> chunks;
    for (auto& record : records) {
        if (auto* chunk = std::get_if<Chunk>(&record.body)) chunks.push_back(chunk);
    }
    ChunkReader reader{in, std::move(chunks), header.version, limits.decoded_bytes};
    reader.read();
    if (reader.is_too_large()) {
        return Error{Errc::too_large, "pack: more than " + std::to_string(limits.decoded_bytes) +
                                          " bytes when decoded"};
    }
    for (auto& record : records) {
        if (!in.ok()) break;
        if (auto* event = std::get_if<Event>(&record.body)) *event = get_event(in);
    }
    if (in.ok() && in.remaining() > 0) in.fail("length");
    if (!in.ok()) return in.error("pack content");

    for (const auto& record : records) {
        if (auto defect = defect_of(record.body); !defect.empty()) {
            return Error{Errc::bad_input,
                         "pack: record " + std::to_string(record.seq.value) + ": " + defect};
        }
    }
    return records;
}

}  // namespace

Result<SeqRange> range_of_pack(std::string_view bytes) {
    ByteReader in{bytes};
    const auto header = get_header(in);
    if (!in.ok()) return in.error("pack");
    return header.range;
}

Result<std::vector<Record>> decode_pack(std::string_view bytes, const DecodeLimits& limits) {
    if (bytes.size() > kMaxPackDecodedBytes + kMaxFrameBytes) {
        return Error{Errc::bad_input, "pack: too long"};
    }
    const auto checked = without_checksum(bytes, "pack");
    if (!checked) return checked.error();
    ByteReader in{*checked};
    const auto header = get_header(in);
    const auto body = in.take(in.remaining(), "content");
    if (!in.ok()) return in.error("pack");
    const Error too_large{Errc::too_large, "pack: more than " +
                                               std::to_string(limits.content_bytes) +
                                               " bytes inside the compression"};
    if (header.compression == pack::Compression::none) {
        if (body.size() > limits.content_bytes) return too_large;
        return decode_content(body, header, limits);
    }
    if (const auto size = decompressed_size(body);
        size && *size > limits.content_bytes && *size <= kMaxPackDecodedBytes) {
        return too_large;
    }
    std::string content;
    if (!decompress(body, limits.content_bytes, content)) {
        return Error{Errc::bad_input, "pack: content cannot be decompressed"};
    }
    return decode_content(content, header, limits);
}

}  // namespace gerbang::wire
