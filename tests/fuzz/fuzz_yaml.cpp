// needs: config
// The configuration walker: bounded, never throws, and every mistake has a message.

#include <cstdint>
#include <string>

#include "common/core/check.hpp"
#include "common/core/ids.hpp"
#include "daemon/config/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gerbang;
    const std::string text{reinterpret_cast<const char*>(data), size};
    const auto loaded = parse_config(text, "f", Language::indonesian);
    GERBANG_CHECK(loaded.problems.size() <= 100);
    for (const auto& problem : loaded.problems) {
        GERBANG_CHECK(!problem.message.empty());
        GERBANG_CHECK(problem.line >= 0 && problem.column >= 0);
        GERBANG_CHECK(problem.text().find('\n') == std::string::npos);
    }
    const auto& config = loaded.config;
    GERBANG_CHECK(is_valid_site_id(config.site.id));
    GERBANG_CHECK(config.metering.tick.count() >= 1000);
    GERBANG_CHECK(config.probe.targets.size() <= 32 && config.sync.targets.size() <= 32);
    return 0;
}
