#pragma once

// A scripted kernel for tests: counters that move as told, and the truth beside them.

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/meter/counter_source.hpp"

namespace gerbang {

/// Bytes that really passed, whatever the counters show.
struct TrueBytes {
    std::uint64_t received = 0;
    std::uint64_t transmitted = 0;
    bool operator==(const TrueBytes&) const = default;
};

/// A `CounterSource` whose interfaces, traffic and misfortunes are scripted.
///
/// `now()` is device time of the present boot; `advance` moves it and lets traffic flow at the
/// rates set. The truth is kept per name and for the WAN (the default route's interface at the
/// time of each byte) over resets, re-creations and reboots. Same seed and script: same numbers.
/// Unknown names are a mistake in the test and end it.
class FakeKernel final : public CounterSource {
public:
    explicit FakeKernel(std::uint64_t seed = 1) : random_{seed} {}

    // Interfaces. A new one is a physical one with carrier, counters at zero and the next ifindex.
    void add(const std::string& name);
    void remove(const std::string& name);
    /// Takes it away and makes it anew: counters from zero, another ifindex. Its settings stay.
    void recreate(const std::string& name);
    void rename(const std::string& from, const std::string& to);
    /// For every flag that has no call of its own.
    [[nodiscard]] InterfaceReading& interface(const std::string& name);
    [[nodiscard]] bool has(const std::string& name) const;

    // Traffic.
    /// Bytes that pass now; packets are made up from them (at most 1,400 bytes each).
    void traffic(const std::string& name, std::uint64_t rx_bytes, std::uint64_t tx_bytes);
    /// Mean rates from now on; each `advance` varies them by up to a half, seeded.
    void rate(const std::string& name, BitRate receive, BitRate transmit);
    /// Moves device time; `to` before `now()` is a mistake.
    void advance(Monotonic to);
    void advance(Millis by) { advance(now_ + by); }
    [[nodiscard]] Monotonic now() const { return now_; }

    // Misfortunes.
    void carrier(const std::string& name, bool is_up);  ///< counts carrier_changes
    /// Nothing is received at the rate set, while what is sent goes on: a dead link behind a cable.
    void unanswered(const std::string& name, bool is_unanswered);
    void reset_counters(const std::string& name);  ///< as a driver restart does
    /// Byte counters are kept modulo 2^32 from now on, as on a 32-bit kernel.
    void wrap_at_32bit(const std::string& name);
    /// The default route; empty: none.
    void default_route(const std::string& name) { wan_ = name; }
    /// Its next hop, and what the neighbour table says of it.
    void gateway(const std::string& address, std::optional<bool> is_neighbour = std::nullopt) {
        gateway_ = address;
        gateway_is_neighbour_ = is_neighbour;
    }
    /// The estimate of the day's sketch; `set_day` with another day puts it to zero.
    void unique_clients(std::optional<std::uint32_t> count) { unique_clients_ = count; }
    void set_day(std::int64_t day) override;
    /// What lies below: `ppp0` over `eth0`. An empty `lower` takes it away.
    void stack(const std::string& name, const std::string& lower);
    /// All counters and ifindexes start anew, device time at `at` milliseconds after the boot.
    /// Interfaces, rates and the default route come back.
    void reboot(Millis at = Millis{0});
    /// The next `count` reads fail with `unreachable`.
    void fail_reads(unsigned count) { failing_reads_ = count; }

    [[nodiscard]] TrueBytes true_bytes(const std::string& name) const;
    [[nodiscard]] TrueBytes true_wan_bytes() const { return true_wan_; }

    [[nodiscard]] Result<void> read(KernelReading& into) override;

private:
    struct Entry {
        InterfaceReading reading;
        bool wraps = false;
        BitRate receive, transmit;
        bool is_unanswered = false;
        std::string lower;  ///< name of the device below; its ifindex changes with the reboots
    };
    [[nodiscard]] Entry& entry(const std::string& name);

    std::mt19937_64 random_;
    Monotonic now_{};
    std::vector<Entry> entries_;
    std::map<std::string, TrueBytes> truth_;
    TrueBytes true_wan_;
    std::string wan_;
    std::string gateway_;
    std::optional<bool> gateway_is_neighbour_;
    std::optional<std::uint32_t> unique_clients_;
    std::optional<std::int64_t> day_;
    std::uint32_t last_ifindex_ = 1;
    unsigned failing_reads_ = 0;
};

}  // namespace gerbang
