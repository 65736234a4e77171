#pragma once

// Kernel counters to totals per interface and for the WAN role. Pure: no clock, no file, no log.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/facts.hpp"
#include "common/model/reading.hpp"
#include "common/model/series_table.hpp"
#include "daemon/meter/counter_source.hpp"
#include "daemon/meter/delta_tracker.hpp"
#include "daemon/meter/roles.hpp"

namespace gerbang {

/// At most this many interfaces are metered at once; the last few places are kept for roles.
inline constexpr std::size_t kMaxMetered = 32;
inline constexpr std::size_t kMeteredWithoutRole = 28;
/// At most this many names ever have totals, vanished ones included. Totals belong to the name,
/// so a dongle that is made anew every minute needs one.
inline constexpr std::size_t kMaxMeteredNames = 256;

/// What the journal remembers of an interface.
struct RememberedInterface {
    InterfaceFact fact;      ///< the newest of its name
    bool same_boot = false;  ///< it was written on the present boot
};

/// Where the last run ended; all empty for a new journal.
struct MeterHistory {
    std::vector<RememberedInterface> interfaces;
    std::vector<Reading> totals;         ///< newest value per series, others than ours ignored
    std::optional<Monotonic> last_tick;  ///< newest tick of the present boot, if there is one
};

/// What an `advance` has to tell besides numbers.
struct MeterEvents {
    std::vector<InterfaceFact> interfaces;
    std::vector<CarrierFact> carriers;
    std::vector<std::string> left_out;  ///< names that a bound keeps from being metered; once each

    void clear() {
        interfaces.clear();
        carriers.clear();
        left_out.clear();
    }
    [[nodiscard]] bool empty() const {
        return interfaces.empty() && carriers.empty() && left_out.empty();
    }
};

/// For status and page.
struct MeterSummary {
    struct Interface {
        std::string name;
        Role role = Role::none;
        bool has_carrier = false;
        Bytes received;  ///< totals since the journal began
        Bytes transmitted;
        Bytes suspect;
        BitRate receive_rate;  ///< between the last two readings
        BitRate transmit_rate;
    };
    std::vector<Interface> interfaces;  ///< those present, in order of first appearance
    struct {
        std::string name;  ///< empty: none was ever found
        /// Of the physical device at the bottom: of eth0 for ppp0 over eth0, also while ppp0 is
        /// gone.
        bool has_carrier = false;
        /// False: nothing can be said of the WAN's carrier, because there is no WAN interface, or
        /// a virtual one (ppp0) is gone and what it ran over is unknown. A physical one that is
        /// gone is known to have no carrier.
        bool is_known = false;
        /// A WAN that stands on another device (PPPoE), or a modem's PPP, is gone or not up.
        bool session_is_down = false;
        bool is_point_to_point = false;  ///< no neighbour to ask: PPP, LTE, tunnel
        bool is_stacked = false;         ///< it stands on others: VLAN, PPP, bridge, bond
        bool has_default_route = false;  ///< the default route leads through it now
        std::string gateway;             ///< `KernelReading::gateway`; while it has no default
                                         ///< route, the last one it had in this process
        std::optional<bool> gateway_is_neighbour;
        Bytes received;  ///< the site's usage
        Bytes transmitted;
        std::uint64_t received_packets = 0;  ///< of the role, since the start of the process
        std::uint64_t transmitted_packets = 0;
        BitRate line_rate;  ///< of the physical device; 0: unknown
    } wan;
    struct {
        /// Some LAN or WiFi interface has carrier; nothing: there never was such an interface.
        std::optional<bool> has_carrier;
        bool is_present = false;  ///< there is such an interface now
        Bytes moved;  ///< both directions, over all of them, since the start of the process
    } lan;
};

/// Keeps the totals (design 5). Loop thread only.
///
/// Baselines: a device with no reading of this boot is counted from zero when it appeared while
/// we listened, when the daemon ran on this boot before, or when its name has a history; else, as
/// well as when it was there unmetered, its bytes so far are not usage. A device known from this
/// boot goes on where it was, to the byte, also under a new name ("renamed").
/// WAN role: the bytes between two readings belong to the device that held the role at the first
/// of them; those of a device born in between, to the role it has at the second. An extra reading
/// at the moment of a route change makes the split exact.
/// Suspect bytes are left out of the totals and of the WAN's; they have a series of their own once
/// there are any. They lower the base, with an `interface` event of reason "suspect".
/// Every total equals base + kernel counter for the newest `InterfaceFact` of its name; so the
/// facts of an `advance` must be committed together with its readings, or before them.
class Meter {
public:
    /// `series` must outlive the meter.
    Meter(MeterSettings settings, SeriesTable& series);

    /// Once, before the first `advance`.
    void restore(const MeterHistory& history);

    /// Takes in `reading`, later than the one before. Appends to `into`, in no order, the eight
    /// totals of each metered interface present, its suspect bytes if it ever had any, the WAN
    /// role's bytes, and each quarter of an hour of device time the numbers of people in their
    /// private form: `lan_clients`, and where they are known `wifi_stations` (the most at once) and
    /// `lan_clients_today` (different ones since the day began). Clears
    /// `events`, then fills it. Allocates only when an interface appears or an event is told.
    void advance(const KernelReading& reading, std::vector<Reading>& into, MeterEvents& events);

    /// A new epoch began: the next `advance` tells the facts of every interface present again.
    void retell();

    [[nodiscard]] MeterSummary summary() const;

private:
    /// The kernel's side of an interface.
    struct Device {
        std::uint32_t ifindex = 0;  ///< 0: there is none now
        DeltaTracker tracker{false};
        bool held_wan = false;
        bool has_carrier = false;
        std::optional<std::uint32_t> carrier_changes;  ///< nothing: no reading of it yet
    };
    /// Our side: what belongs to the name.
    struct Account {
        std::string name;
        std::array<SeriesId, kCounterCount> series{};
        SeriesId suspect_series;
        std::array<std::int64_t, kCounterCount> totals{};
        std::int64_t suspect = 0;
        bool has_history = false;
        bool has_been_wan = false;         ///< or carried the device that was
        bool has_carried_session = false;  ///< ... straight below a PPP session
        bool had_no_role = false;          ///< by the journal, when this process began
        bool was_tangible = false;
        Role role = Role::none;
        Device device;
        BitRate receive_rate;
        BitRate transmit_rate;
        // As told by the newest fact.
        std::array<std::int64_t, kCounterCount> told_base{};
        std::uint32_t told_ifindex = 0;
        Role told_role = Role::none;
        bool is_told = false;
    };
    /// The WAN as of the newest reading, for the summary.
    struct Wan {
        std::uint32_t ifindex = 0;  ///< of the last device that held the role
        bool is_present = false;
        std::string bottom;  ///< name of the physical device below it; stays while it is gone
        bool bottom_has_carrier = false;
        bool is_open = false;     ///< the WAN's own device is there, up, with carrier
        bool is_session = false;  ///< it stands on another device, or is a PPP
        bool is_stacked = false;
        bool is_point_to_point = false;
        bool has_default_route = false;
        std::string gateway;
        std::optional<bool> gateway_is_neighbour;
        BitRate line_rate;
    };
    enum class Origin : std::uint8_t { known, renamed, baseline, booted, created };

    Account* find_account(const std::string& name);
    Account* open_account(const std::string& name);
    [[nodiscard]] Device* find_moved(std::uint32_t ifindex);
    void restore_account(const RememberedInterface& remembered, const MeterHistory& history);
    void detach_devices(const KernelReading& reading);
    void judge(const KernelReading& reading);
    [[nodiscard]] Account* admit(const InterfaceReading& one, const Standing& standing,
                                 MeterEvents& events);
    void leave_out(const std::string& name, MeterEvents& events);
    [[nodiscard]] Origin seat(Account& account, const InterfaceReading& one, Monotonic taken);
    void count(Account& account, const InterfaceReading& one, Role role, Monotonic taken,
               MeterEvents& events);
    void tell(Account& account, std::array<std::int64_t, kCounterCount> base, const char* reason,
              MeterEvents& events);
    void tell_absences(MeterEvents& events);
    void append_totals(const Account& account, std::vector<Reading>& into) const;
    [[nodiscard]] bool awaits_session(const KernelReading& reading) const;
    void look_at_wan(const KernelReading& reading);
    void look_at_wan(const KernelReading& reading, std::size_t at);
    void count_clients(const KernelReading& reading, std::vector<Reading>& into);
    void append_count(SeriesId& series, const char* name, std::optional<std::uint32_t> count,
                      std::vector<Reading>& into);

    MeterSettings settings_;
    SeriesTable* series_;
    std::vector<Account> accounts_;
    std::vector<Device> moved_;                ///< devices whose name changed in this reading
    std::vector<Standing> standings_;          ///< parallel to the reading's interfaces
    std::vector<std::uint32_t> seen_;          ///< ifindexes of the reading before
    std::vector<std::string> left_out_;        ///< names already told as left out
    std::optional<Monotonic> previous_;        ///< when the reading before was taken
    std::optional<Monotonic> last_tick_;       ///< of an earlier run on this boot
    std::uint32_t highest_known_ifindex_ = 0;  ///< by an earlier run on this boot; 0: none
    std::size_t metered_ = 0;                  ///< in the present reading
    std::string wan_name_;                     ///< the last holder of the role
    SeriesId wan_receive_, wan_transmit_;
    std::int64_t wan_received_ = 0, wan_transmitted_ = 0;
    std::uint64_t wan_received_packets_ = 0, wan_transmitted_packets_ = 0;
    Wan wan_;
    bool had_lan_ = false;  ///< a LAN or WiFi interface at some time
    std::uint64_t lan_moved_ = 0;
    SeriesId clients_, stations_series_, uniques_series_;
    std::uint32_t most_clients_ = 0;
    std::optional<std::uint32_t> most_stations_;
};

/// Name of the series of an interface's counter; its one label is `series_name::kLabelInterface`.
[[nodiscard]] std::string_view series_of(Counter counter) noexcept;

/// The private form of a number of people (design 5): 0 stays 0, 1-4 become 4, which is shown as
/// "<5", others stay.
[[nodiscard]] std::uint32_t private_count(std::uint32_t count) noexcept;

}  // namespace gerbang
