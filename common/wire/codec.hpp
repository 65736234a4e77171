#pragma once

// The one codec: stored commits, blocks and batches are all packs. FORMAT.md describes the bytes
// well enough to write a decoder from it; tests/common/wire/decode.py is one.

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "common/model/receipt.hpp"
#include "common/model/record.hpp"

namespace gerbang::wire {

/// Limits that every decoder enforces before it allocates.
inline constexpr std::size_t kMaxPackBytes = 4u << 20;          ///< encoded, in a batch
inline constexpr std::size_t kMaxPackDecodedBytes = 64u << 20;  ///< inside the compression
inline constexpr std::size_t kMaxRecordsPerPack = 8192;
inline constexpr std::size_t kMaxReadingsPerPack = std::size_t{1} << 23;
inline constexpr std::size_t kMaxColumnsPerPack = std::size_t{1} << 20;  ///< over all chunks

/// How many of `records`, from the front, one pack takes: at least 1 when there are any. A pack
/// of them can always be decoded again. A journal commit is always far below; ask before packing
/// what has piled up.
[[nodiscard]] std::size_t records_that_fit(std::span<const Record> records);

/// Encodes `records` (1 to `records_that_fit`, well-formed, sequence numbers contiguous) column
/// by column across all their chunks: as version 1 while all chunks are of level 0, byte for byte
/// as ever, else as version 2. Long runs of emptied chunks cost next to nothing. Deterministic: the
/// same records give the same bytes. May be called from several threads at once; each keeps its own
/// compression context (about 1 MiB).
[[nodiscard]] std::string encode_pack(const std::vector<Record>& records);
/// What a decoder may take for one pack. A few bytes can stand for millions of readings (a counter
/// of constant slope is three numbers), so the size of the pack bounds nothing.
struct DecodeLimits {
    std::size_t content_bytes = kMaxPackDecodedBytes;  ///< inside the compression
    /// Of what is decoded: 8 a tick, 8 a place of a tick in a column (filled or not), 64 a column.
    std::uint64_t decoded_bytes = std::numeric_limits<std::uint64_t>::max();
};
/// `bad_input` names what is wrong and where, `too_large` what lies beyond `limits`; found before
/// the memory is taken. Everything decoded is well-formed (`defect_of`).
[[nodiscard]] Result<std::vector<Record>> decode_pack(std::string_view bytes,
                                                      const DecodeLimits& limits = {});
/// First and last sequence of a pack without decoding the rest; the checksum is not verified.
[[nodiscard]] Result<SeqRange> range_of_pack(std::string_view bytes);

/// What travels: a contiguous range of one epoch of one site.
///
/// A receiver cannot compute the head after a reduced chunk. It takes `before` of the batch that
/// follows for it, so a sender ends a batch with its last reduced record: whatever stood behind it
/// in the same batch could not be verified.
struct Batch {
    std::string site;
    EpochId epoch;
    Head before{};     ///< chain head before the first record; all zero: not known, or record 1
    std::string pack;  ///< encoded records
    bool operator==(const Batch&) const = default;
};
[[nodiscard]] std::string encode_batch(const Batch& batch);
/// Checks the frame and the pack's range, not the pack's records.
[[nodiscard]] Result<Batch> decode_batch(std::string_view bytes);

[[nodiscard]] std::string encode_receipt(const Receipt& receipt);
[[nodiscard]] Result<Receipt> decode_receipt(std::string_view bytes);

/// One tick as a ring entry: times and values relative to `previous` (nullptr: absolute), so that
/// a day of ticks fits the ring. Decode with the same `previous`. Not protected by a checksum.
[[nodiscard]] std::string encode_tick(const Tick& tick, const Tick* previous);
[[nodiscard]] Result<Tick> decode_tick(std::string_view bytes, const Tick* previous);

/// An event as a ring entry or a row.
[[nodiscard]] std::string encode_event(const Event& event);
[[nodiscard]] Result<Event> decode_event(std::string_view bytes);

/// Content types of the HTTP messages.
inline constexpr std::string_view kBatchType = "application/vnd.gerbang.batch";
inline constexpr std::string_view kReceiptType = "application/vnd.gerbang.receipt";

}  // namespace gerbang::wire
