// needs: wire
// Packs, and the events and ticks inside ring entries: nothing read from a disk or a network may
// break the decoder. What decodes must encode and decode to itself, and be reducible.
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "common/model/reduction.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"

namespace {

using namespace gerbang;

SeriesKind kind_of(SeriesId id) {
    return static_cast<SeriesKind>(1 + id.value % 3);
}

/// Reduction takes whatever a damaged journal can hold, and leaves what can be written.
void check_reduction(std::vector<Record> records) {
    if (records.size() > 64) return;
    for (std::uint8_t level = 1; level <= kMaxLevel; ++level) {
        records = reduce(std::move(records), level, kind_of);
        for (const auto& record : records) {
            if (!defect_of(record.body).empty()) std::abort();
        }
    }
}

void check_pack(std::string_view bytes) {
    (void)wire::range_of_pack(bytes);
    const auto records = wire::decode_pack(bytes);
    // Limits change nothing but what is too large.
    const auto bounded =
        wire::decode_pack(bytes, {.content_bytes = 1u << 16, .decoded_bytes = 1u << 20});
    if (bounded && (!records || *bounded != *records)) std::abort();
    if (!bounded && records && bounded.error().code != Errc::too_large) std::abort();
    if (!records) return;
    if (wire::records_that_fit(*records) != records->size()) return;
    const auto again = wire::decode_pack(wire::encode_pack(*records));
    if (!again || *again != *records) std::abort();
    check_reduction(*again);
}

void check_tick(std::string_view bytes) {
    const auto tick = wire::decode_tick(bytes, nullptr);
    if (!tick) return;
    const auto after = wire::decode_tick(bytes, &*tick);
    if (!after) return;
    const auto again = wire::decode_tick(wire::encode_tick(*after, &*tick), &*tick);
    if (!again || *again != *after) std::abort();
}

void check_event(std::string_view bytes) {
    const auto event = wire::decode_event(bytes);
    if (!event) return;
    const auto again = wire::decode_event(wire::encode_event(*event));
    if (!again || *again != *event) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes{reinterpret_cast<const char*>(data), size};
    check_tick(bytes);
    check_event(bytes);
    check_pack(bytes);
    // The checksum would keep almost every mutation away from the decoder behind it.
    wire::put_u32(bytes, wire::crc32(bytes));
    check_pack(bytes);
    return 0;
}
