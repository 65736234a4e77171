#pragma once

// Typed views of events. Only facts.cpp knows the field names; SCHEMA.md and FORMAT.md list them.
// Each `*_from` returns `bad_input` naming the missing or impossible field.

#include <array>
#include <cstdint>
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
    bool operator==(const ConfigFact&) const = default;
};
[[nodiscard]] Event to_event(const ConfigFact& fact, DeviceTime at);
[[nodiscard]] Result<ConfigFact> config_from(const Event& event);

struct LossFact {
    std::string what;    ///< "ticks", "records"
    std::string reason;  ///< "ring_full", "damage", ...
    std::uint64_t count = 0;
    DeviceTime first;
    DeviceTime last;
    bool operator==(const LossFact&) const = default;
};
[[nodiscard]] Event to_event(const LossFact& fact, DeviceTime at);
[[nodiscard]] Result<LossFact> loss_from(const Event& event);

}  // namespace gerbang
