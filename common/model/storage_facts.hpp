#pragma once

// Typed views of the events that tell of the journal's own troubles; FORMAT.md lists the fields.

#include <cstdint>
#include <string>

#include "common/core/result.hpp"
#include "common/model/record.hpp"

namespace gerbang {

/// The journal's storage came into another state. While it cannot be written the event waits in
/// the ring with everything else.
struct StorageFact {
    std::string state;   ///< "well", "full", "read_only", "broken", "hanging", "ram"
    std::string detail;  ///< the operation that failed and why, English; may be empty
    Monotonic since;     ///< device time of the event's boot
    bool operator==(const StorageFact&) const = default;
};
[[nodiscard]] Event to_event(const StorageFact& fact, DeviceTime at);
[[nodiscard]] Result<StorageFact> storage_from(const Event& event);

/// Events of one unprotected kind beyond the hour's bound: they were counted instead of kept.
struct SummaryFact {
    EventKind kind{};  ///< of the events that are not there
    std::uint64_t count = 0;
    DeviceTime first;
    DeviceTime last;
    bool operator==(const SummaryFact&) const = default;
};
[[nodiscard]] Event to_event(const SummaryFact& fact, DeviceTime at);
[[nodiscard]] Result<SummaryFact> summary_from(const Event& event);

}  // namespace gerbang
