#include <algorithm>
#include <cstddef>
#include <utility>

#include "common/core/check.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/column.hpp"
#include "common/wire/compress.hpp"
#include "common/wire/event.hpp"
#include "common/wire/pack.hpp"

namespace gerbang::wire {
namespace {

using pack::Presence;
using Chunks = std::vector<const Chunk*>;

/// What a record adds to a pack at most.
struct Weight {
    std::size_t readings = 0;
    std::size_t columns = 0;
    std::size_t bytes = 0;
};

Weight weight_of(const RecordBody& body) {
    constexpr std::size_t kMaxVarint = 10;
    constexpr std::size_t kFixed = 64;  // kind, boot, level, counts, time: each a varint at most
    Weight weight;
    if (const auto* chunk = std::get_if<Chunk>(&body)) {
        for (const auto& column : chunk->columns) weight.readings += column.values.size();
        weight.columns = chunk->columns.size();
        weight.bytes = kFixed + kMaxVarint * (chunk->ticks.size() + weight.readings) +
                       weight.columns * (kFixed + pack::bitmap_bytes(chunk->ticks.size()));
        return weight;
    }
    weight.bytes = kFixed;
    for (const auto& field : std::get<Event>(body).fields) {
        const auto* text = std::get_if<std::string>(&field.value);
        weight.bytes += 2 * kMaxVarint + field.key.size() + (text != nullptr ? text->size() : 0);
    }
    return weight;
}

/// Alternating lengths of runs of chunks and of events, chunks first.
void put_runs(std::string& out, const std::vector<Record>& records) {
    std::size_t run = 0;
    bool is_chunk_run = true;
    for (const auto& record : records) {
        if (std::holds_alternative<Chunk>(record.body) != is_chunk_run) {
            put_varint(out, run);
            run = 0;
            is_chunk_run = !is_chunk_run;
        }
        ++run;
    }
    put_varint(out, run);
}

template <class Number>
void put_number_per_chunk(std::string& out, const Chunks& chunks, Number number) {
    std::vector<std::int64_t> numbers;
    numbers.reserve(chunks.size());
    for (const auto* chunk : chunks) numbers.push_back(number(*chunk));
    put_whole_column(out, numbers);
}

/// Orders columns by (series, part).
std::int64_t key_of(const Column& column) noexcept {
    return std::int64_t{column.series.value} << 8 | column.part;
}

std::vector<std::int64_t> all_keys(const Chunks& chunks) {
    std::vector<std::int64_t> keys;
    for (const auto* chunk : chunks) {
        const auto known = keys.size();
        for (const auto& column : chunk->columns) {
            if (!std::binary_search(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(known),
                                    key_of(column))) {
                keys.push_back(key_of(column));
            }
        }
        std::inplace_merge(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(known),
                           keys.end());
    }
    return keys;
}

/// Appends the bits of a bitmap, the lowest bit of each byte first.
class BitWriter {
public:
    explicit BitWriter(std::string& out) noexcept : out_{out} {}

    void put(bool bit) {
        if (count_ % 8 == 0) out_.push_back('\0');
        if (bit) out_.back() = static_cast<char>(out_.back() | 1 << (count_ % 8));
        ++count_;
    }

private:
    std::string& out_;
    std::size_t count_ = 0;
};

/// The columns of one part of a series, one entry per chunk, nullptr where the chunk has none.
using SeriesColumns = std::vector<const Column*>;

Presence presence_of(const SeriesColumns& columns) {
    bool is_everywhere = true;
    for (const auto* column : columns) {
        if (column == nullptr) {
            is_everywhere = false;
        } else if (!column->present.empty()) {
            return Presence::by_tick;
        }
    }
    return is_everywhere ? Presence::always : Presence::by_chunk;
}

void put_bitmap(std::string& out, Presence presence, const Chunks& chunks,
                const SeriesColumns& columns) {
    BitWriter bits{out};
    for (std::size_t c = 0; c < chunks.size(); ++c) {
        const bool is_there = columns[c] != nullptr;
        if (presence == Presence::by_chunk) {
            bits.put(is_there);
            continue;
        }
        for (std::size_t t = 0; t < chunks[c]->ticks.size(); ++t) {
            bits.put(is_there && (columns[c]->present.empty() || columns[c]->present[t] != 0));
        }
    }
}

/// All series of all chunks, which all have ticks: ids, parts in version 2, header bytes, bitmaps,
/// then the columns themselves. What is alike stands together, which is what the compressor after
/// us lives on.
void put_series(std::string& out, const Chunks& chunks, std::uint8_t version) {
    const auto keys = all_keys(chunks);
    put_varint(out, keys.size());
    if (keys.empty()) return;
    std::vector<std::int64_t> numbers;
    numbers.reserve(keys.size());
    for (const auto key : keys) numbers.push_back(key >> 8);
    put_whole_column(out, numbers);
    if (version == pack::kReduced) {
        numbers.clear();
        for (const auto key : keys) numbers.push_back(key & 0xFF);
        put_whole_column(out, numbers);
    }

    std::string headers;
    std::string bitmaps;
    std::string data;
    std::vector<std::size_t> next(chunks.size(), 0);
    SeriesColumns columns(chunks.size(), nullptr);
    std::vector<std::int64_t> values;
    for (const auto key : keys) {
        values.clear();
        for (std::size_t c = 0; c < chunks.size(); ++c) {
            const auto& candidates = chunks[c]->columns;
            const bool is_there = next[c] < candidates.size() && key_of(candidates[next[c]]) == key;
            columns[c] = is_there ? &candidates[next[c]++] : nullptr;
            if (is_there) {
                values.insert(values.end(), columns[c]->values.begin(), columns[c]->values.end());
            }
        }
        const auto plan = plan_for(values);
        const auto presence = presence_of(columns);
        put_u8(headers, static_cast<std::uint8_t>(header_of(plan) | static_cast<unsigned>(presence)
                                                                        << pack::kPresenceShift));
        if (presence != Presence::always) put_bitmap(bitmaps, presence, chunks, columns);
        put_column(data, plan, values);
    }
    out.append(headers).append(bitmaps).append(data);
}

void put_chunks(std::string& out, Chunks chunks, std::uint8_t version) {
    if (chunks.empty()) return;
    put_number_per_chunk(out, chunks, [](const Chunk& chunk) { return chunk.boot.value; });
    put_number_per_chunk(out, chunks, [](const Chunk& chunk) { return chunk.level; });
    put_number_per_chunk(out, chunks, [](const Chunk& chunk) {
        return static_cast<std::int64_t>(chunk.ticks.size());
    });
    // Of emptied chunks there is no more to say.
    std::erase_if(chunks, [](const Chunk* chunk) { return chunk->is_emptied(); });
    std::vector<std::int64_t> times;
    for (const auto* chunk : chunks) {
        for (const auto tick : chunk->ticks) times.push_back(to_ms(tick));
    }
    if (!times.empty()) put_whole_column(out, times);
    put_series(out, chunks, version);
}

}  // namespace

std::size_t records_that_fit(std::span<const Record> records) {
    Weight sum;
    std::size_t count = 0;
    for (const auto& record : records.first(std::min(records.size(), kMaxRecordsPerPack))) {
        const auto weight = weight_of(record.body);
        sum.readings += weight.readings;
        sum.columns += weight.columns;
        sum.bytes += weight.bytes;
        const bool fits = sum.readings <= kMaxReadingsPerPack &&
                          sum.columns <= kMaxColumnsPerPack && sum.bytes <= kMaxPackDecodedBytes;
        if (!fits && count > 0) break;
        ++count;
    }
    return count;
}

std::string encode_pack(const std::vector<Record>& records) {
    GERBANG_CHECK(!records.empty() && records_that_fit(records) == records.size());
    GERBANG_CHECK(records.front().seq.value >= 1 && records.back().seq.value <= kMaxSeq);
    Chunks chunks;
    for (std::size_t i = 0; i < records.size(); ++i) {
        GERBANG_CHECK(i == 0 || records[i].seq == records[i - 1].seq.next());
        GERBANG_CHECK(defect_of(records[i].body).empty());
        if (const auto* chunk = std::get_if<Chunk>(&records[i].body)) chunks.push_back(chunk);
    }

    const bool is_plain = std::all_of(chunks.begin(), chunks.end(),
                                      [](const Chunk* chunk) { return chunk->level == 0; });
    const auto version = is_plain ? pack::kPlain : pack::kReduced;

    std::string content;
    put_runs(content, records);
    put_chunks(content, std::move(chunks), version);
    for (const auto& record : records) {
        if (const auto* event = std::get_if<Event>(&record.body)) put_event(content, *event);
    }

    const auto frame = compress(content);
    std::string bytes{pack::kMagic};
    put_u8(bytes, version);
    put_u8(bytes,
           static_cast<std::uint8_t>(frame ? pack::Compression::zstd : pack::Compression::none));
    put_varint(bytes, records.front().seq.value);
    put_varint(bytes, records.size());
    bytes.append(frame ? *frame : content);
    put_u32(bytes, crc32(bytes));
    return bytes;
}

}  // namespace gerbang::wire
