#include "common/core/check.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/frame.hpp"

namespace gerbang::wire {
namespace {

constexpr std::string_view kMagic{"GB\x01", 3};
constexpr std::size_t kMaxFrameBytes = 3 + 1 + kMaxSiteBytes + 16 + 32 + kChecksumBytes;

}  // namespace

std::string encode_batch(const Batch& batch) {
    GERBANG_CHECK(is_valid_site_id(batch.site));
    std::string bytes;
    bytes.reserve(kMaxFrameBytes + batch.pack.size());
    bytes = kMagic;
    put_text(bytes, batch.site);
    put_fixed(bytes, batch.epoch.bytes);
    put_fixed(bytes, batch.before);
    put_u32(bytes, crc32(bytes));
    bytes += batch.pack;
    return bytes;
}

Result<Batch> decode_batch(std::string_view bytes) {
    if (bytes.size() > kMaxFrameBytes + kMaxPackBytes) {
        return Error{Errc::bad_input, "batch: too long"};
    }
    ByteReader in{bytes};
    if (in.take(kMagic.size(), "magic") != kMagic) in.fail("magic");
    Batch batch;
    batch.site = in.text("site", kMaxSiteBytes);
    if (in.ok() && !is_valid_site_id(batch.site)) in.fail("site");
    get_fixed(in, batch.epoch.bytes, "epoch");
    if (in.ok() && batch.epoch.is_none()) in.fail("epoch");
    get_fixed(in, batch.before, "head");
    const auto content = bytes.substr(0, in.position());
    if (in.u32("checksum") != crc32(content)) in.fail("checksum");
    if (!in.ok()) return in.error("batch");

    const auto pack = in.take(in.remaining(), "pack");
    if (const auto range = range_of_pack(pack); !range) return range.error();
    batch.pack = pack;
    return batch;
}

}  // namespace gerbang::wire
