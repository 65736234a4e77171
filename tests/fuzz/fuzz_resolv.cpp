// needs: host
// A resolv.conf as any program on the machine may have left it.

#include <cstdint>
#include <string_view>

#include "common/core/check.hpp"
#include "daemon/host/resolvers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gerbang;
    const auto found = parse_resolv_conf({reinterpret_cast<const char*>(data), size});
    GERBANG_CHECK(found.size() <= kMaxResolvers);
    for (const auto& address : found) GERBANG_CHECK(!address.empty());
    return 0;
}
