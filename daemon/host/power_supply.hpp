#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/time.hpp"

namespace gerbang {

/// One power supply of this machine as the kernel describes it.
struct PowerSupply {
    std::string name;                 ///< in sysfs, at most 47 bytes of `[A-Za-z0-9._:-]`
    std::string kind;                 ///< "mains", "battery", "ups", "usb"
    std::optional<bool> is_online{};  ///< mains, UPS, USB: power comes in
    std::string status;  ///< "charging", "discharging", "full", "not_charging", "unknown", "gone";
                         ///< or empty: it has none
    std::optional<std::uint32_t> capacity_percent{};  ///< 0-100

    bool operator==(const PowerSupply&) const = default;
};

inline constexpr std::size_t kMaxPowerSupplies = 8;

/// The machine's own power: `<sys>/class/power_supply/*`, without those of attached devices (scope
/// "Device": mice, phones). What cannot be read or has no sense is unknown, never an error. Loop
/// thread only.
class PowerSupplies {
public:
    /// `mains`: "auto", "none", or the name of the one input that tells.
    explicit PowerSupplies(std::string sys, std::string mains = "auto");

    /// Reads what is due and returns the supplies whose state is worth an event: new ones, another
    /// `kind`, `is_online` or `status`, a capacity ten per cent away from the one told last, and
    /// those that went ("gone"). At most every 9.5 s, else nothing; looks for new supplies once a
    /// minute; without any, that one look is the whole cost. The result lives until the next call.
    const std::vector<PowerSupply>& read(Monotonic now);

    /// A new epoch began: the next `read` returns every supply again.
    void retell();

    /// As of the last `read`, those present in order of name.
    [[nodiscard]] const std::vector<PowerSupply>& all() const noexcept { return supplies_; }

    /// Whether power comes in from outside. True: an input is on. False: inputs that tell are all
    /// off. Nothing: no input that tells. A named input tells whenever it can be read. With "auto"
    /// a mains or UPS input that is off tells only when it was seen on before or there is a
    /// battery, a USB input (often an unused connector) only together with a battery: a machine
    /// that runs without either has another source, which the kernel does not know.
    [[nodiscard]] std::optional<bool> mains_is_on() const noexcept;
    /// The newest capacity of a battery of this machine (the lowest of several).
    [[nodiscard]] std::optional<std::uint32_t> battery_percent() const noexcept;
    /// Some battery is discharging and none is charging.
    [[nodiscard]] bool battery_is_discharging() const noexcept;

private:
    /// What is remembered of `supplies_[i]` beside its state.
    struct Memory {
        PowerSupply told;
        bool is_told = false;
        bool was_on = false;      ///< at some time of this process
        bool is_present = false;  ///< a battery is in its place
    };
    void look_for_supplies();
    void refresh(PowerSupply& supply, Memory& memory) const;

    std::string folder_;
    std::string mains_;
    std::vector<PowerSupply> supplies_;
    std::vector<PowerSupply> changed_;
    std::vector<Memory> memories_;  ///< parallel to `supplies_`
    std::optional<Monotonic> looked_;
    std::optional<Monotonic> read_;
};

}  // namespace gerbang
