// needs: wire
// A server's reply, and what it does to a cursor.
#include <cstdint>
#include <cstdlib>

#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gerbang;
    std::string bytes{reinterpret_cast<const char*>(data), size};
    (void)wire::decode_receipt(bytes);
    // The checksum would keep almost every mutation away from the decoder behind it.
    wire::put_u32(bytes, wire::crc32(bytes));
    const auto receipt = wire::decode_receipt(bytes);
    if (!receipt) return 0;
    if (wire::decode_receipt(wire::encode_receipt(*receipt)).value() != *receipt) std::abort();

    Cursor cursor;
    cursor.consumer = "fuzz";
    cursor.epoch = receipt->epoch;
    cursor.parked.push_back({{Seq{3}, Seq{900}}, "refused"});
    (void)cursor.deferred.add({Seq{5}, Seq{50}});
    const auto changed = settle(cursor, *receipt, Seq{kMaxSeq});
    if (!changed) std::abort();
    if (!settle(cursor, *receipt, Seq{kMaxSeq})) std::abort();
    if (cursor.pending(Seq{kMaxSeq}) > kMaxSeq) std::abort();
    return 0;
}
