// needs: wire
// The body of a push, as a province receives it from anyone who can reach its port.
#include <cstdint>
#include <cstdlib>

#include "common/wire/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gerbang;
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    const auto batch = wire::decode_batch(bytes);
    if (!batch) return 0;
    if (wire::encode_batch(*batch) != bytes &&
        wire::decode_batch(wire::encode_batch(*batch)).value() != *batch) {
        std::abort();
    }
    (void)wire::decode_pack(batch->pack);
    return 0;
}
