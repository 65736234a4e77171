#include "common/model/storage_facts.hpp"

#include <algorithm>
#include <limits>

namespace gerbang {
namespace {

constexpr std::size_t kMaxDetail = 1024;

Error bad(const char* kind, const char* key) {
    return Error{Errc::bad_input,
                 std::string{kind} + " event: " + key + " is missing or impossible"};
}

const std::int64_t* number_in(const Event& event, const char* key, std::int64_t least,
                              std::int64_t most) {
    const auto* value = event.number(key);
    return value != nullptr && *value >= least && *value <= most ? value : nullptr;
}

}  // namespace

Event to_event(const StorageFact& fact, DeviceTime at) {
    std::size_t end = std::min(fact.detail.size(), kMaxDetail);
    while (end > 0 && end < fact.detail.size() &&
           (static_cast<unsigned char>(fact.detail[end]) & 0xC0U) == 0x80U)
        --end;
    return {EventKind::storage,
            at,
            {{"state", fact.state},
             {"detail", fact.detail.substr(0, end)},
             {"since_ms", to_ms(std::min(fact.since, at.at))}}};
}

Result<StorageFact> storage_from(const Event& event) {
    constexpr const char* kName = "storage";
    if (event.kind != EventKind::storage) return bad(kName, "kind");
    const auto* state = event.text("state");
    if (state == nullptr || state->empty() || state->size() > 32) return bad(kName, "state");
    const auto* detail = event.text("detail");
    if (detail == nullptr) return bad(kName, "detail");
    const auto* since = number_in(event, "since_ms", 0, to_ms(event.at.at));
    if (since == nullptr) return bad(kName, "since_ms");
    return StorageFact{.state = *state, .detail = *detail, .since = monotonic_from_ms(*since)};
}

Event to_event(const SummaryFact& fact, DeviceTime at) {
    const auto count =
        std::min<std::uint64_t>(fact.count, std::numeric_limits<std::int64_t>::max());
    return {EventKind::summary,
            at,
            {{"kind", static_cast<std::int64_t>(fact.kind)},
             {"count", static_cast<std::int64_t>(count)},
             {"first_boot", std::int64_t{fact.first.boot.value}},
             {"first_ms", to_ms(fact.first.at)},
             {"last_boot", std::int64_t{fact.last.boot.value}},
             {"last_ms", to_ms(fact.last.at)}}};
}

Result<SummaryFact> summary_from(const Event& event) {
    constexpr const char* kName = "summary";
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kMostBoots = std::numeric_limits<std::uint32_t>::max();
    if (event.kind != EventKind::summary) return bad(kName, "kind");
    const auto* kind = number_in(event, "kind", 1, 255);
    if (kind == nullptr) return bad(kName, "kind");
    const auto* count = number_in(event, "count", 1, kMost);
    if (count == nullptr) return bad(kName, "count");
    const auto* first_boot = number_in(event, "first_boot", 1, kMostBoots);
    const auto* first_ms = number_in(event, "first_ms", 0, kMost);
    if (first_boot == nullptr || first_ms == nullptr) return bad(kName, "first");
    const auto* last_boot = number_in(event, "last_boot", 1, kMostBoots);
    const auto* last_ms = number_in(event, "last_ms", 0, kMost);
    if (last_boot == nullptr || last_ms == nullptr) return bad(kName, "last");
    SummaryFact fact{
        .kind = static_cast<EventKind>(*kind),
        .count = static_cast<std::uint64_t>(*count),
        .first = {BootNo{static_cast<std::uint32_t>(*first_boot)}, monotonic_from_ms(*first_ms)},
        .last = {BootNo{static_cast<std::uint32_t>(*last_boot)}, monotonic_from_ms(*last_ms)}};
    if (fact.last < fact.first) return bad(kName, "last");
    return fact;
}

}  // namespace gerbang
