// needs: host meter
// The file of the privileged one-shot, and the tables of /proc that tell of the path.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/core/check.hpp"
#include "daemon/host/machine_facts.hpp"
#include "daemon/meter/forwarding.hpp"
#include "daemon/meter/proc_parse.hpp"

using namespace gerbang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto facts = parse_machine_facts(text)) {
        GERBANG_CHECK(facts->crash_dumps.size() <= kMaxFactValues);
        GERBANG_CHECK(facts->flowtables.size() <= kMaxFactValues);
        GERBANG_CHECK(facts->hw_offloads.size() <= kMaxFactValues);
        GERBANG_CHECK(!facts->boot || !facts->boot->is_none());
        GERBANG_CHECK(facts->reset_reason.size() <= kMaxFactValueBytes);
        for (const auto& name : facts->crash_dumps)
            GERBANG_CHECK(name.find('/') == std::string::npos);
        for (const auto& name : facts->flowtables) GERBANG_CHECK(name.size() <= 15);
    } else {
        GERBANG_CHECK(!facts.error().detail.empty());
    }
    (void)parse_forwarded_v4(text);
    (void)parse_forwarded_v6(text);
    const auto device = proc::parse_pppoe_device(text);
    GERBANG_CHECK(device.find_first_of(" \t\n") == std::string_view::npos);
    return 0;
}
