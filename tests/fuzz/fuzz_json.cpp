// needs: web
// The readers of the local API's JSON, answers and requests: whatever they accept must survive
// being written and read.

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
    if (const auto report = probe_from_json(text)) {
        const auto again = probe_from_json(to_json(*report));
        GERBANG_CHECK(again && *again == *report);
    }
    if (const auto note = note_request_from_json(text)) {
        const auto again = note_request_from_json(to_json(*note));
        GERBANG_CHECK(again && *again == *note);
        // What is accepted can be kept: as an event that its own reader takes.
        const gerbang::DeviceTime at{gerbang::BootNo{1}, {}};
        const auto event = gerbang::to_event(*note, at);
        GERBANG_CHECK(gerbang::defect_of(event).empty());
        GERBANG_CHECK(gerbang::note_from(event));
    }
    if (const auto clock = clock_request_from_json(text)) {
        const auto again = clock_request_from_json(to_json(*clock));
        GERBANG_CHECK(again && *again == *clock);
    }
    GERBANG_CHECK(problem_detail(problem_json(400, "Bad", problem_detail(text))) ==
                  problem_detail(text));
    return 0;
}
