// needs: model net daemon/province/inventory.cpp
// The list of gateways: whatever is written there is refused with its line, or gives gateways that
// can be visited, each site once.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "common/core/check.hpp"
#include "common/core/ids.hpp"
#include "daemon/province/inventory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gerbang;
    using namespace gerbang::province;
    const auto read = parse_inventory({reinterpret_cast<const char*>(data), size}, "file");
    if (!read) {
        GERBANG_CHECK(read.error().code == Errc::bad_input);
        GERBANG_CHECK(read.error().detail.rfind("file:", 0) == 0);
        GERBANG_CHECK(read.error().detail.size() < 200);
        return 0;
    }
    std::set<std::string> sites;
    for (const auto& gateway : *read) {
        GERBANG_CHECK(is_valid_site_id(gateway.site));
        GERBANG_CHECK(sites.insert(gateway.site).second);
        const auto& target = gateway.target;
        GERBANG_CHECK(target.url.rfind("https://", 0) == 0 ? !target.ca_file.empty()
                                                           : target.allow_plain);
        GERBANG_CHECK(!target.token_file.empty() || !target.cert_file.empty());
        GERBANG_CHECK(target.cert_file.empty() == target.key_file.empty());
    }
    return 0;
}
