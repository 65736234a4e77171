// needs: meter
// The parsers of small texts of /proc and /sys.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/core/check.hpp"
#include "daemon/meter/proc_parse.hpp"

using namespace gerbang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto load = proc::parse_load1(text)) GERBANG_CHECK(*load >= 0);
    if (const auto free = proc::parse_memory_available(text))
        GERBANG_CHECK(free->value % 1024 == 0);
    (void)proc::parse_cpu_ticks(text);
    if (const auto pages = proc::parse_resident_pages(text))
        GERBANG_CHECK(*pages <= (std::uint64_t{1} << 40));
    if (const auto bytes = proc::parse_write_bytes(text))
        GERBANG_CHECK(*bytes <= (std::uint64_t{1} << 60));
    if (const auto bytes = proc::parse_written_bytes(text)) GERBANG_CHECK(*bytes % 512 == 0);
    if (const auto heat = proc::parse_millicelsius(text))
        GERBANG_CHECK(*heat >= -60'000 && *heat <= 200'000);
    GERBANG_CHECK(proc::parse_speed(text).bit_per_s % 1'000'000 == 0);
    return 0;
}
