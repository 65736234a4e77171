#include <limits>

#include "common/core/check.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/frame.hpp"

namespace gerbang::wire {
namespace {

constexpr std::string_view kMagic{"GR\x01", 3};
/// Magic, site, two UUIDs, head, numbers, 64 ranges and the checksum: well below this.
constexpr std::size_t kMaxReceiptBytes = 4096;

}  // namespace

std::string encode_receipt(const Receipt& receipt) {
    GERBANG_CHECK(is_valid_site_id(receipt.site) && receipt.generation >= 1);
    std::string bytes{kMagic};
    put_text(bytes, receipt.site);
    put_fixed(bytes, receipt.store.bytes);
    put_varint(bytes, receipt.generation);
    put_fixed(bytes, receipt.epoch.bytes);
    put_varint(bytes, receipt.through.value);
    put_fixed(bytes, receipt.head);
    put_varint(bytes, receipt.held.ranges().size());
    Seq last = receipt.through;
    for (const auto& range : receipt.held.ranges()) {
        // A held range leaves at least one record out, else it would belong to the one before.
        GERBANG_CHECK(range.first > last.next());
        put_varint(bytes, range.first.value - last.value - 2);
        put_varint(bytes, range.size() - 1);
        last = range.last;
    }
    put_u32(bytes, crc32(bytes));
    return bytes;
}

Result<Receipt> decode_receipt(std::string_view bytes) {
    if (bytes.size() > kMaxReceiptBytes) return Error{Errc::bad_input, "receipt: too long"};
    auto content = without_checksum(bytes, "receipt");
    if (!content) return content.error();
    ByteReader in{*content};
    if (in.take(kMagic.size(), "magic") != kMagic) in.fail("magic");
    Receipt receipt;
    receipt.site = in.text("site", kMaxSiteBytes);
    if (in.ok() && !is_valid_site_id(receipt.site)) in.fail("site");
    get_fixed(in, receipt.store.bytes, "store");
    receipt.generation = in.varint("generation");
    if (receipt.generation == 0) in.fail("generation");
    get_fixed(in, receipt.epoch.bytes, "epoch");
    receipt.through = Seq{in.varint("through", kMaxSeq)};
    get_fixed(in, receipt.head, "head");
    const auto count = in.varint("held range count", RangeSet::kMaxRanges);
    Seq last = receipt.through;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        const Seq first{last.value + in.varint("held range", kMaxSeq) + 2};
        last = Seq{first.value + in.varint("held range", kMaxSeq)};
        if (in.ok() && !receipt.held.add({first, last})) in.fail("held range");
    }
    if (in.ok() && in.remaining() > 0) in.fail("length");
    if (!in.ok()) return in.error("receipt");
    return receipt;
}

}  // namespace gerbang::wire
