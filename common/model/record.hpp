#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/model/reading.hpp"

namespace gerbang {

/// An instant on a named boot. Order by (boot, at) is the order in which things happened.
struct DeviceTime {
    BootNo boot;
    Monotonic at;
    auto operator<=>(const DeviceTime&) const = default;
};

/// What an event tells. The numbers are part of the stored format; a reader keeps and passes on
/// kinds that it does not know.
enum class EventKind : std::uint8_t {
    epoch = 1,      ///< record 1: identity of the epoch and its parent
    boot = 2,       ///< a kernel run seen for the first time
    start = 3,      ///< the daemon started (version, intervals)
    stop = 4,       ///< the daemon stopped on request
    series = 5,     ///< introduces a series before its first use
    interface = 6,  ///< an interface appeared, changed role, or its counters got a new base
    carrier = 7,    ///< the cable or radio link of an interface came or went
    anchor = 8,     ///< device time M was wall time W
    outage = 9,     ///< an outage began, changed its cause, or ended
    config = 10,    ///< facts from the configuration in force (site, provider, contract)
    loss = 11,      ///< a range of readings or records that could not be kept
    power = 12,     ///< mains, battery or UPS changed
    boot_end = 13,  ///< how an earlier boot ended, as far as it can be told
    note = 14,      ///< somebody at the device said something: a claim, not evidence
    clock = 15,     ///< the wall clock was corrected by more than one tick
    path = 16,      ///< what the counters are worth: offload, not in the path
    storage = 17,   ///< the journal's storage came into another state
    summary = 18,   ///< events of one kind in one hour that were too many to be kept
};

/// Stable English name ("outage"), or "kind-N" for a kind this version does not know.
[[nodiscard]] std::string to_string(EventKind kind);

/// One named fact of an event.
struct Field {
    std::string key;                                ///< `[a-z][a-z0-9_.]{0,39}`
    std::variant<std::int64_t, std::string> value;  ///< text: UTF-8, at most 1024 bytes
    bool operator==(const Field&) const = default;
};
inline constexpr std::size_t kMaxFieldsPerEvent = 40;

/// Something that happened at one instant. Keys are unique; their order is part of the content.
/// Typed views with named members are in facts.hpp; only they know the keys.
struct Event {
    EventKind kind{};
    DeviceTime at;
    std::vector<Field> fields;

    bool operator==(const Event&) const = default;
    [[nodiscard]] const std::int64_t* number(std::string_view key) const noexcept;
    [[nodiscard]] const std::string* text(std::string_view key) const noexcept;
};

using RecordBody = std::variant<Chunk, Event>;

/// A chunk or an event with its number in the epoch.
struct Record {
    Seq seq;
    RecordBody body;
    bool operator==(const Record&) const = default;
};

/// When the record happened: an event's instant, a chunk's last tick. Nothing for an emptied chunk.
[[nodiscard]] std::optional<DeviceTime> time_of(const RecordBody& body);
/// The boot on which the record happened, of emptied chunks too.
[[nodiscard]] BootNo boot_of(const RecordBody& body);
/// 0 for an event: those are never reduced.
[[nodiscard]] std::uint8_t level_of(const RecordBody& body);

/// Checks every bound stated in reading.hpp and above. Returns an empty string when `body` is
/// well-formed, else what is wrong with it. Decoders call it on what they read.
[[nodiscard]] std::string defect_of(const RecordBody& body);

/// An inclusive range of sequence numbers; `first` <= `last`, `first` >= 1.
struct SeqRange {
    Seq first;
    Seq last;
    auto operator<=>(const SeqRange&) const = default;
    [[nodiscard]] std::uint64_t size() const noexcept { return last.value - first.value + 1; }
};

}  // namespace gerbang
