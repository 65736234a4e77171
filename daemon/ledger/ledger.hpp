#pragma once

// Outages from observations: pure state machines, no clock, no input or output.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/model/outage.hpp"
#include "common/model/record.hpp"

namespace gerbang {

/// What one round of looking at the link showed.
struct Observation {
    DeviceTime at;
    std::optional<bool> has_carrier;  ///< of the WAN interface; nothing: no WAN interface known
    unsigned asked = 0;               ///< internet targets asked
    unsigned answered = 0;            ///< of which answered
    std::string evidence;             ///< short facts for the record, e.g. the failing details
};

/// How the last run of the daemon ended, as far as the journal shows.
struct PreviousRun {
    DeviceTime last_tick;        ///< last proof of life
    bool ended_cleanly = false;  ///< the last record is a `stop` event
    std::optional<Outage> open;  ///< an outage that had not ended
};

/// Keeps the WAN link's state and its outages (design 6, first version: causes `carrier`, `isp`,
/// `daemon`, `device_off`, and `undetermined` where the blueprint demands it).
///
/// Each call returns the outage segments that it opened, changed or closed, to be written as
/// events. First failure asks for a faster pace; an outage is declared after `k` failed rounds in
/// a row and back-dated to the first of them.
class Ledger {
public:
    explicit Ledger(unsigned k = 3, std::uint64_t last_outage_id = 0);

    /// Once at start: the gap since the previous run becomes `daemon` (same boot) or `device_off`
    /// (another boot), or is joined to the open outage as `undetermined` when the link was
    /// already down before it or is down after it. Nothing when there was no previous run.
    [[nodiscard]] std::vector<Outage> start(const std::optional<PreviousRun>& previous,
                                            DeviceTime now, bool same_boot);
    [[nodiscard]] std::vector<Outage> observe(const Observation& observation);

    [[nodiscard]] LinkState state() const noexcept;
    [[nodiscard]] Cause cause() const noexcept;  ///< of the open outage; unknown if up
    [[nodiscard]] std::optional<DeviceTime> since() const noexcept;  ///< of the present state
    [[nodiscard]] bool is_in_doubt() const noexcept;  ///< probe every 3 s instead of 10 s
    [[nodiscard]] const std::optional<Outage>& open() const noexcept;

private:
    struct Doubt;
    unsigned k_;
    std::uint64_t last_id_;
    std::optional<Outage> open_;
    LinkState state_ = LinkState::unknown;
    std::optional<DeviceTime> since_;
    std::optional<DeviceTime> last_good_;
    std::optional<DeviceTime> first_bad_;
    unsigned failures_ = 0;
    Cause pending_cause_ = Cause::unknown;
};

}  // namespace gerbang
