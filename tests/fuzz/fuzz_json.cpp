// needs: web
// The readers of the local API's JSON: whatever they accept must survive being written and read.

#include <cstdint>
#include <string>

#include "common/core/check.hpp"
#include "common/web/status.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gerbang::web;
    const std::string text{reinterpret_cast<const char*>(data), size};
    if (const auto status = status_from_json(text)) {
        const auto again = status_from_json(to_json(*status));
        GERBANG_CHECK(again && to_json(*again) == to_json(*status));
    }
    if (const auto rows = usage_from_json(text)) {
        const auto again = usage_from_json(to_json(*rows, gerbang::UsagePeriod::day));
        GERBANG_CHECK(again && again->size() == rows->size());
    }
    if (const auto rows = outages_from_json(text)) {
        const auto again = outages_from_json(to_json(*rows));
        GERBANG_CHECK(again && *again == *rows);
    }
    return 0;
}
