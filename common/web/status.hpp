#pragma once

// What the local API says, as plain values with their JSON form. The names in the JSON are stable
// and documented in README.md; the CLI and the page read nothing else.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/facts.hpp"
#include "common/model/ladder.hpp"
#include "common/model/outage.hpp"
#include "common/model/usage.hpp"

namespace gerbang::web {

/// One rung of the ladder as it was seen last. Names are those of common/model/ladder.hpp; a reader
/// must expect others from a newer daemon.
struct RungLine {
    std::string rung;     ///< "power", "carrier", "next_hop", ...
    std::string state;    ///< "up", "down", "portal", "unknown"
    std::string silence;  ///< why it did not answer; empty or "none": it did
    std::string detail;   ///< short English facts
    std::optional<std::int64_t> rtt_ms;
    std::optional<std::int64_t> age_s;  ///< since it was asked; absent: never
    bool operator==(const RungLine&) const = default;
};

/// A link beside the WAN: "hotspot", "province", "service-NAME".
struct LinkLine {
    std::string link;
    std::string state;                    ///< "up", "down", "unknown"
    std::string cause;                    ///< of its open outage; empty when up
    std::optional<std::int64_t> since_s;  ///< seconds ago
    std::optional<WallTime> since;        ///< absent before the clock is set
    bool operator==(const LinkLine&) const = default;
};

/// `GET /v1/status`. Instants are given twice: `*_ms` device time of the present boot and, once
/// the clock is set, RFC 3339 UTC; absent means unknown.
struct Status {
    std::string version;
    struct {
        std::string id, code, name;
        bool is_assigned = false;
        std::int64_t utc_offset_s = 0;
    } site;
    struct {
        std::string id;
        std::uint64_t number = 0;
    } boot;
    std::int64_t uptime_s = 0;  ///< of the kernel
    std::int64_t daemon_uptime_s = 0;

    struct Interface {
        std::string name;
        std::string role;  ///< "wan", "lan", "wifi", "none"
        bool has_carrier = false;
        std::uint64_t rx_bytes = 0;  ///< totals since the journal began
        std::uint64_t tx_bytes = 0;
        std::uint64_t suspect_bytes = 0;
        std::uint64_t rx_bit_per_s = 0;  ///< between the last two ticks
        std::uint64_t tx_bit_per_s = 0;
    };
    std::vector<Interface> interfaces;
    struct {
        std::uint64_t rx_bytes = 0;
        std::uint64_t tx_bytes = 0;
        std::string confidence = {};  ///< "good", "suspect", "unknown"; see `PathFact`
        std::string path = {};        ///< "in_path", "not_in_path", "unknown"
        std::string reason = {};      ///< short English facts for both
    } usage;                          ///< of the WAN role, whichever interface held it
    struct {
        std::string name;  ///< the WAN's interface; empty: none known
    } wan;

    struct {
        std::string state;                    ///< "up", "degraded", "down", "unknown"
        std::string cause;                    ///< of the open outage; empty when up
        std::optional<std::int64_t> since_s;  ///< seconds ago
        std::optional<WallTime> since;        ///< absent before the clock is set
        std::string evidence;
        std::string confidence = {};  ///< "none", "low", "medium", "high"
    } link;
    std::vector<RungLine> ladder;  ///< from the box outwards
    std::vector<LinkLine> links;   ///< beside the WAN; none where nothing is watched
    struct {
        std::string mains;  ///< "on", "off", "unknown"
        std::optional<std::int64_t> battery_percent;
    } power;

    struct {
        std::string epoch;
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        std::uint64_t bytes = 0;
        std::uint64_t written_bytes = 0;  ///< since the daemon started
        std::string state;                ///< "ok", "failing"
        std::string detail;               ///< the last error, empty when ok
        std::uint64_t pending_ticks = 0;  ///< in the ring, not yet durable
        std::uint64_t ring_bytes = 0;
        std::uint64_t ring_capacity_bytes = 0;
        std::int64_t commit_s = 0;  ///< between two commits, as configured
        /// What a power cut can cost at most: commits may be further apart than configured, and
        /// readings that cannot be committed wait.
        std::int64_t loss_window_s = 0;
        /// For how long unsent records fit at the present rate; absent while nobody can tell.
        std::optional<std::int64_t> days_left = {};
        /// "opening", "well", "full", "read_only", "broken", "hanging".
        std::string storage = {};
        std::optional<std::int64_t> since_s = {};  ///< how long it has not been well
        bool is_ram = false;  ///< the state folder lies in RAM: a power cut takes it all
        std::uint64_t given_up_ticks = 0;  ///< the ring was full; told in the next commit
        std::uint64_t missed_ticks =
            0;  ///< since the daemon started: nobody was there to take them
        std::int64_t latest_tick_ms = 0;  ///< since the daemon started: the most that one was late
        std::uint64_t written_today_bytes = 0;  ///< by all runs of the daemon
        std::uint64_t daily_writes_bytes = 0;   ///< what a day should not exceed; 0: not said
        /// The block device of the state folder, "mmcblk0p2"; empty: it cannot be named.
        std::string device = {};
        /// What that was given since the boot, by all programs and the file system.
        std::optional<std::int64_t> device_written_bytes = {};
    } journal;

    /// Records that a consumer refused: kept, owed, tried again by `gerbang sync now`.
    struct Parked {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        std::string reason;  ///< English, no secrets
    };
    struct Sync {
        std::string consumer;
        std::string state;   ///< "idle", "sending", "waiting", "stopped"
        std::string detail;  ///< why it waits or stopped, English, no secrets
        std::uint64_t through = 0;
        std::uint64_t pending_records = 0;
        std::uint64_t parked_records = 0;
        std::optional<std::int64_t> last_success_s;  ///< seconds ago
        std::optional<std::int64_t> next_attempt_s;  ///< seconds from now
        std::uint64_t sent_bytes = 0;                ///< since the daemon started, headers included
        std::uint64_t pending_bytes = 0;             ///< on the wire, about; 0: not known
        std::uint64_t rate_bytes_s = 0;              ///< while sending; 0: not known
        std::optional<std::int64_t> oldest_s{};      ///< age of the oldest pending record
        std::vector<Parked> parked{};                ///< the first 16 ranges
    };
    std::vector<Sync> sync;

    struct {
        std::string state;            ///< "synchronised", "province", "operator", "unset"
        std::optional<WallTime> now;  ///< only when not "unset"
    } clock;

    struct {
        std::string provider, product, customer_number, helpdesk;
    } provider;
};

[[nodiscard]] std::string to_json(const Status& status);
[[nodiscard]] Result<Status> status_from_json(const std::string& text);

/// `GET /v1/usage?by=hour|day|month|year`.
[[nodiscard]] std::string to_json(const std::vector<UsageRow>& rows, UsagePeriod period);
[[nodiscard]] Result<std::vector<UsageRow>> usage_from_json(const std::string& text);

/// `GET /v1/outages`: one row per segment. Wall times are absent where the boot has no anchor.
struct OutageRow {
    std::uint64_t id = 0;
    std::uint32_t segment = 1;
    std::string link{link_name::kWan};
    Cause cause = Cause::unknown;
    Confidence confidence = Confidence::none;
    std::optional<WallTime> last_good, first_bad, last_bad, first_good;
    std::optional<std::int64_t> least_s;  ///< certain duration: first_bad to last_bad
    std::optional<std::int64_t> most_s;   ///< possible duration: last_good to first_good
    bool is_open = false;
    std::string evidence;
    /// So many short outages told as one; the durations above are then sums over them.
    std::optional<std::int64_t> folded;
    bool operator==(const OutageRow&) const = default;
};
[[nodiscard]] std::string to_json(const std::vector<OutageRow>& rows);
[[nodiscard]] Result<std::vector<OutageRow>> outages_from_json(const std::string& text);

/// `POST /v1/probe`: the whole ladder, asked once, and what it means.
struct ProbeReport {
    std::vector<RungLine> ladder;  ///< every rung; `age_s` absent
    std::vector<LinkLine> links;   ///< hotspot and services; without times
    std::string state;             ///< the WAN's, of this one look: "up", "degraded", "down", ...
    std::string cause;             ///< when down
    std::string confidence;
    std::string evidence;
    bool operator==(const ProbeReport&) const = default;
};
[[nodiscard]] std::string to_json(const ProbeReport& report);
[[nodiscard]] Result<ProbeReport> probe_from_json(const std::string& text);

// What people tell the daemon. These readers refuse members that they do not know: a claim must not
// lose a part of itself unnoticed.

inline constexpr std::size_t kMaxNoteBytes = 500;

/// `POST /v1/notes`: {"text", "kind"?, "author"?, "from"?, "to"?}. `bad_input` also for an empty or
/// too long text, an unknown kind, an author over 64 bytes, control characters, `to` before `from`.
using NoteRequest = NoteFact;
[[nodiscard]] std::string to_json(const NoteRequest& note);
[[nodiscard]] Result<NoteRequest> note_request_from_json(const std::string& text);

/// `POST /v1/clock`: {"wall", "uncertainty_s"?}.
struct ClockRequest {
    WallTime wall;            ///< 2020 to 2099: anything else is a slip of the finger
    Seconds uncertainty{60};  ///< 1 s - 1 day
    bool operator==(const ClockRequest&) const = default;
};
[[nodiscard]] std::string to_json(const ClockRequest& request);
[[nodiscard]] Result<ClockRequest> clock_request_from_json(const std::string& text);

/// RFC 9457 problem document.
[[nodiscard]] std::string problem_json(int status, const std::string& title,
                                       const std::string& detail);
/// The member `detail` of such a document; empty when it is none.
[[nodiscard]] std::string problem_detail(const std::string& text);

/// "2026-11-21T06:05:04.123Z" and back; nothing for anything else.
[[nodiscard]] std::string format_rfc3339(WallTime at);
[[nodiscard]] std::optional<WallTime> parse_rfc3339(const std::string& text);

}  // namespace gerbang::web
