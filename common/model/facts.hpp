#pragma once

// Typed views of events. Only facts.cpp knows the field names; SCHEMA.md and FORMAT.md list them.
// Each `*_from` returns `bad_input` naming the missing or impossible field.

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "common/core/result.hpp"
#include "common/model/outage.hpp"
#include "common/model/record.hpp"
#include "common/model/timeline.hpp"

namespace gerbang {

/// Record 1 of every epoch. `parent` is none for the first epoch of a device.
struct EpochFact {
    EpochId id;
    EpochId parent;
    Seq parent_last;       ///< highest sequence known of the parent
    std::string reason;    ///< "new", "damage", "diverged", "hardware"
    std::string hardware;  ///< hex digest of the hardware's identity
    bool operator==(const EpochFact&) const = default;
};
[[nodiscard]] Event to_event(const EpochFact& fact, DeviceTime at);
[[nodiscard]] Result<EpochFact> epoch_from(const Event& event);

/// First sight of a boot; the event's own `at.boot` is its number.
struct BootFact {
    BootId id;
    bool operator==(const BootFact&) const = default;
};
[[nodiscard]] Event to_event(const BootFact& fact, DeviceTime at);
[[nodiscard]] Result<BootFact> boot_from(const Event& event);

struct StartFact {
    std::string version;
    Millis tick{};
    Millis commit{};
    std::uint64_t recovered_ticks = 0;  ///< complete ticks found in the ring
    bool operator==(const StartFact&) const = default;
};
[[nodiscard]] Event to_event(const StartFact& fact, DeviceTime at);
[[nodiscard]] Result<StartFact> start_from(const Event& event);

struct StopFact {
    std::string reason;  ///< "signal", "configuration"
    bool operator==(const StopFact&) const = default;
};
[[nodiscard]] Event to_event(const StopFact& fact, DeviceTime at);
[[nodiscard]] Result<StopFact> stop_from(const Event& event);

[[nodiscard]] Event to_event(const Series& series, DeviceTime at);
[[nodiscard]] Result<Series> series_from(const Event& event);

/// The counters kept per interface, in the order of `InterfaceFact::base` and of the meter.
enum class Counter : std::uint8_t {
    rx_bytes,
    tx_bytes,
    rx_packets,
    tx_packets,
    rx_errors,
    tx_errors,
    rx_dropped,
    tx_dropped,
};
inline constexpr std::size_t kCounterCount = 8;
[[nodiscard]] std::string_view to_string(Counter counter) noexcept;

/// An interface as it was seen, and the base of its totals: total = base + kernel counter, until
/// the next `interface` event of the same name. Bases may be negative. Written whenever a base,
/// the role or the ifindex changes, so that a restart on the same boot continues to the byte.
struct InterfaceFact {
    std::string name;
    std::uint32_t ifindex = 0;
    std::string role;    ///< "wan", "lan", "wifi", "none"
    std::string reason;  ///< "first", "boot", "created", "reset", "wrap",
                         ///< "suspect", "renamed", "role", "gone"
    std::array<std::int64_t, kCounterCount> base{};
    bool operator==(const InterfaceFact&) const = default;
};
[[nodiscard]] Event to_event(const InterfaceFact& fact, DeviceTime at);
[[nodiscard]] Result<InterfaceFact> interface_from(const Event& event);

struct CarrierFact {
    std::string name;
    bool is_up = false;
    std::uint32_t changes = 0;  ///< the kernel's carrier_changes
    bool operator==(const CarrierFact&) const = default;
};
[[nodiscard]] Event to_event(const CarrierFact& fact, DeviceTime at);
[[nodiscard]] Result<CarrierFact> carrier_from(const Event& event);

/// `anchor.at` is the event's time.
[[nodiscard]] Event to_event(const Anchor& anchor);
[[nodiscard]] Result<Anchor> anchor_from(const Event& event);

/// The state of one segment; the newest event of (id, segment) holds.
[[nodiscard]] Event to_event(const Outage& outage, DeviceTime at);
[[nodiscard]] Result<Outage> outage_from(const Event& event);

/// Facts of the configuration that later readers need; empty when not configured.
struct ConfigFact {
    std::string site;
    std::string site_code;
    std::string site_name;
    std::string provider;
    std::string product;
    std::string medium;
    std::string customer_number;
    std::string utc_offset;  ///< "+08:00"
    std::string helpdesk;
    std::uint64_t down_bit_per_s = 0;  ///< of the contract; 0: not configured
    std::uint64_t up_bit_per_s = 0;
    bool operator==(const ConfigFact&) const = default;
};
[[nodiscard]] Event to_event(const ConfigFact& fact, DeviceTime at);
[[nodiscard]] Result<ConfigFact> config_from(const Event& event);

/// What could not be kept. Losses of the journal itself have an `id` and name records; the newest
/// event of an id holds, and counts all that was lost under it so far.
struct LossFact {
    std::string what;    ///< "ticks", "records", "readings", "events"
    std::string reason;  ///< "ring_full", "damage", "quota", ...
    std::uint64_t count = 0;
    DeviceTime first;
    DeviceTime last;
    std::uint64_t id = 0;  ///< unique within the epoch that tells it; 0: the event stands alone
    EpochId epoch{};       ///< whose records; none: of the epoch that tells it
    Seq first_seq{};       ///< 0: no record had a number yet
    Seq last_seq{};
    bool operator==(const LossFact&) const = default;
};
[[nodiscard]] Event to_event(const LossFact& fact, DeviceTime at);
[[nodiscard]] Result<LossFact> loss_from(const Event& event);

/// State of one power supply, written when it changed (capacity: by ten per cent).
struct PowerFact {
    std::string name;               ///< of the supply in sysfs
    std::string kind;               ///< "mains", "battery", "ups", "usb"
    std::optional<bool> is_online;  ///< mains, UPS, USB: power comes in
    std::string status;             ///< battery: "charging", "discharging", "full", ...
    std::optional<std::uint32_t> capacity_percent;  ///< 0-100
    bool operator==(const PowerFact&) const = default;
};
[[nodiscard]] Event to_event(const PowerFact& fact, DeviceTime at);
[[nodiscard]] Result<PowerFact> power_from(const Event& event);

/// How boot `boot` ended, told at the start of a later one. The end lies between `last_alive` (on
/// that boot) and the start of the boot that tells it.
struct BootEndFact {
    BootNo boot;
    Cause ending = Cause::device_off;  ///< off, reboot, crash, device_off or power
    Confidence confidence = Confidence::low;
    DeviceTime last_alive;
    std::string evidence;  ///< "shutdown.target reboot", "pstore dmesg-ramoops-0", ...
    bool operator==(const BootEndFact&) const = default;
};
[[nodiscard]] Event to_event(const BootEndFact& fact, DeviceTime at);
[[nodiscard]] Result<BootEndFact> boot_end_from(const Event& event);

/// A claim made at the device. `from` and `to`, when given, say what time it speaks of.
struct NoteFact {
    std::string kind;    ///< "maintenance", "power", "other"
    std::string author;  ///< as typed; may be empty
    std::string text;    ///< at most 500 bytes
    std::optional<WallTime> from;
    std::optional<WallTime> to;
    bool operator==(const NoteFact&) const = default;
};
[[nodiscard]] Event to_event(const NoteFact& fact, DeviceTime at);
[[nodiscard]] Result<NoteFact> note_from(const Event& event);

/// The new anchor put the present instant elsewhere than the one before it had.
struct ClockFact {
    Millis correction{};  ///< positive: the clock had been behind
    AnchorSource source = AnchorSource::kernel;
    bool operator==(const ClockFact&) const = default;
};
[[nodiscard]] Event to_event(const ClockFact& fact, DeviceTime at);
[[nodiscard]] Result<ClockFact> clock_from(const Event& event);

/// What the WAN's counters are worth as the village's usage; written when it changes.
struct PathFact {
    std::string confidence;  ///< "good", "suspect", "unknown"
    std::string path;        ///< "in_path", "not_in_path", "unknown"
    std::string reason;      ///< short English facts
    bool operator==(const PathFact&) const = default;
};
[[nodiscard]] Event to_event(const PathFact& fact, DeviceTime at);
[[nodiscard]] Result<PathFact> path_from(const Event& event);

}  // namespace gerbang
