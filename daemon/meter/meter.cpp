#include "daemon/meter/meter.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

constexpr Millis kClientsPeriod{15 * 60 * 1000};

constexpr std::array<std::string_view, kCounterCount> kCounterSeries{
    series_name::kInterfaceReceiveBytes, series_name::kInterfaceTransmitBytes,
    "interface_receive_packets_total",   "interface_transmit_packets_total",
    "interface_receive_errors_total",    "interface_transmit_errors_total",
    "interface_receive_dropped_total",   "interface_transmit_dropped_total",
};
constexpr std::size_t kRx = static_cast<std::size_t>(Counter::rx_bytes);
constexpr std::size_t kTx = static_cast<std::size_t>(Counter::tx_bytes);
constexpr std::size_t kRxPackets = static_cast<std::size_t>(Counter::rx_packets);
constexpr std::size_t kTxPackets = static_cast<std::size_t>(Counter::tx_packets);

std::string_view unit_of(std::size_t counter) noexcept {
    return counter == kRx || counter == kTx ? "bytes" : "";
}

const std::int64_t* find_total(const std::vector<Reading>& totals, SeriesId id) noexcept {
    const auto found = std::find_if(totals.begin(), totals.end(), [id](const Reading& reading) {
        return id.value != 0 && reading.series == id;
    });
    return found == totals.end() ? nullptr : &found->value;
}

BitRate rate_of(std::uint64_t bytes, Millis elapsed) noexcept {
    if (elapsed <= Millis{0}) return {};
    return {bytes * 8 * 1000 / static_cast<std::uint64_t>(elapsed.count())};
}

Bytes to_bytes(std::int64_t total) noexcept {
    return {static_cast<std::uint64_t>(std::max<std::int64_t>(total, 0))};
}

const char* reason_of(Continuity continuity, bool has_suspect) noexcept {
    if (continuity == Continuity::wrapped) return "wrap";
    if (continuity == Continuity::restarted || continuity == Continuity::disturbed) return "reset";
    return has_suspect ? "suspect" : "role";
}

}  // namespace

std::string_view series_of(Counter counter) noexcept {
    return kCounterSeries[static_cast<std::size_t>(counter)];
}

std::uint32_t private_count(std::uint32_t count) noexcept {
    return count == 0 ? 0 : std::max<std::uint32_t>(count, 4);
}

Meter::Meter(MeterSettings settings, SeriesTable& series)
    : settings_{std::move(settings)}, series_{&series} {
    wan_receive_ = series.intern(series_name::kWanReceiveBytes, {}, SeriesKind::counter, "bytes");
    wan_transmit_ = series.intern(series_name::kWanTransmitBytes, {}, SeriesKind::counter, "bytes");
    clients_ = series.intern("lan_clients", {}, SeriesKind::gauge, "");
    moved_.reserve(kMaxMetered);
    standings_.reserve(kMaxInterfaces);
    seen_.reserve(kMaxInterfaces);
}

void Meter::restore(const MeterHistory& history) {
    GERBANG_CHECK(accounts_.empty() && !previous_);
    last_tick_ = history.last_tick;
    if (const auto* total = find_total(history.totals, wan_receive_)) wan_received_ = *total;
    if (const auto* total = find_total(history.totals, wan_transmit_)) wan_transmitted_ = *total;
    for (const auto& remembered : history.interfaces) restore_account(remembered, history);
}

void Meter::restore_account(const RememberedInterface& remembered, const MeterHistory& history) {
    const auto& fact = remembered.fact;
    if (find_account(fact.name) != nullptr) return;
    auto* account = open_account(fact.name);
    if (account == nullptr) return;
    account->has_history = true;
    account->role = parse_role(fact.role);
    account->has_been_wan = account->role == Role::wan;
    account->told_base = fact.base;
    account->told_role = account->role;
    account->had_no_role = account->role == Role::none;
    had_lan_ = had_lan_ || account->role == Role::lan || account->role == Role::wifi;
    if (account->role == Role::wan && (wan_name_.empty() || remembered.same_boot))
        wan_name_ = fact.name;

    CounterReading last{.taken = last_tick_.value_or(Monotonic{}), .counters = {}};
    for (std::size_t i = 0; i < kCounterCount; ++i) {
        const auto* stored = find_total(history.totals, account->series[i]);
        auto& total = account->totals[i];
        total = stored != nullptr ? *stored : std::max<std::int64_t>(fact.base[i], 0);
        if (!remembered.same_boot || fact.ifindex == 0) continue;
        if (total < fact.base[i]) {
            // The fact of a wrap was committed, the reading that belongs to it was not.
            if (account->role == Role::wan && i == kRx) wan_received_ += fact.base[i] - total;
            if (account->role == Role::wan && i == kTx) wan_transmitted_ += fact.base[i] - total;
            total = fact.base[i];
        }
        last.counters[i] = static_cast<std::uint64_t>(total - fact.base[i]);
    }
    for (const auto& series : series_->all()) {
        if (series.name != series_name::kInterfaceSuspectBytes || series.labels.size() != 1 ||
            series.labels[0].value != fact.name)
            continue;
        account->suspect_series = series.id;
        if (const auto* total = find_total(history.totals, series.id)) account->suspect = *total;
    }
    if (!remembered.same_boot) return;
    account->is_told = true;
    account->told_ifindex = fact.ifindex;
    highest_known_ifindex_ = std::max(highest_known_ifindex_, fact.ifindex);
    if (fact.ifindex == 0) return;
    account->device.ifindex = fact.ifindex;
    account->device.tracker = DeltaTracker{settings_.kernel_is_32bit, last};
    account->device.held_wan = account->role == Role::wan;
}

Meter::Account* Meter::find_account(const std::string& name) {
    const auto found = std::find_if(accounts_.begin(), accounts_.end(),
                                    [&name](const Account& one) { return one.name == name; });
    return found == accounts_.end() ? nullptr : &*found;
}

Meter::Account* Meter::open_account(const std::string& name) {
    // Labels are a stored format with bounds; a kernel name always fits them.
    if (accounts_.size() >= kMaxMeteredNames || name.empty() || name.size() > 15) return nullptr;
    Account account;
    account.name = name;
    for (std::size_t i = 0; i < kCounterCount; ++i) {
        account.series[i] =
            series_->intern(kCounterSeries[i], {{std::string{series_name::kLabelInterface}, name}},
                            SeriesKind::counter, unit_of(i));
        if (account.series[i].value == 0) return nullptr;
    }
    accounts_.push_back(std::move(account));
    return &accounts_.back();
}

Meter::Device* Meter::find_moved(std::uint32_t ifindex) {
    const auto found = std::find_if(moved_.begin(), moved_.end(), [ifindex](const Device& device) {
        return device.ifindex == ifindex;
    });
    return found == moved_.end() ? nullptr : &*found;
}

void Meter::advance(const KernelReading& reading, std::vector<Reading>& into, MeterEvents& events) {
    events.clear();
    detach_devices(reading);
    judge(reading);
    // Names with a role first, so that the bound on interfaces hits those without one.
    metered_ = 0;
    for (const bool with_role : {true, false}) {
        for (std::size_t i = 0; i < reading.interfaces.size(); ++i) {
            const auto& one = reading.interfaces[i];
            const auto& standing = standings_[i];
            if (!standing.is_wanted || (standing.role != Role::none) != with_role) continue;
            auto* account = admit(one, standing, events);
            if (account == nullptr) continue;
            count(*account, one, standing.role, reading.taken, events);
            append_totals(*account, into);
        }
    }
    tell_absences(events);
    look_at_wan(reading);
    into.push_back({wan_receive_, wan_received_});
    into.push_back({wan_transmit_, wan_transmitted_});
    count_clients(reading, into);

    seen_.clear();
    for (const auto& one : reading.interfaces) seen_.push_back(one.ifindex);
    previous_ = reading.taken;
}

void Meter::detach_devices(const KernelReading& reading) {
    moved_.clear();
    for (auto& account : accounts_) {
        if (account.device.ifindex == 0) continue;
        const auto found = std::find_if(reading.interfaces.begin(), reading.interfaces.end(),
                                        [&account](const InterfaceReading& one) {
                                            return one.ifindex == account.device.ifindex;
                                        });
        if (found != reading.interfaces.end() && found->name == account.name) continue;
        if (found != reading.interfaces.end() && moved_.size() < kMaxMetered)
            moved_.push_back(account.device);
        account.device.ifindex = 0;
        account.receive_rate = {};
        account.transmit_rate = {};
    }
}

void Meter::judge(const KernelReading& reading) {
    standings_.assign(reading.interfaces.size(), Standing{});
    const bool is_awaiting = awaits_session(reading);
    for (std::size_t i = 0; i < standings_.size(); ++i) {
        const auto& one = reading.interfaces[i];
        auto& standing = standings_[i];
        if (const auto* account = find_account(one.name)) {
            standing.is_metered = true;
            standing.has_been_wan = account->has_been_wan || (is_awaiting && account->had_no_role);
            standing.has_carried_session = account->has_carried_session;
            // Before the first reading the name is all that is known of an earlier boot.
            standing.held_wan = account->device.ifindex == one.ifindex
                                    ? account->device.held_wan
                                    : account->role == Role::wan && one.name == wan_name_;
        }
        if (const auto* device = find_moved(one.ifindex)) {
            standing.held_wan = device->held_wan;
            standing.is_metered = true;
        }
    }
    decide_roles(settings_, reading, standings_);
}

Meter::Account* Meter::admit(const InterfaceReading& one, const Standing& standing,
                             MeterEvents& events) {
    const auto most = standing.role == Role::none ? kMeteredWithoutRole : kMaxMetered;
    auto* account = metered_ < most ? find_account(one.name) : nullptr;
    if (account == nullptr && metered_ < most) account = open_account(one.name);
    if (account == nullptr) {
        leave_out(one.name, events);
        return nullptr;
    }
    ++metered_;
    return account;
}

void Meter::leave_out(const std::string& name, MeterEvents& events) {
    if (std::find(left_out_.begin(), left_out_.end(), name) != left_out_.end()) return;
    if (left_out_.size() >= kMaxMeteredNames) left_out_.clear();
    left_out_.push_back(name);
    events.left_out.push_back(name);
}

/// Makes `account.device` the device of `one` and says where it came from.
Meter::Origin Meter::seat(Account& account, const InterfaceReading& one, Monotonic taken) {
    auto& device = account.device;
    if (device.ifindex == one.ifindex) return Origin::known;
    if (const auto* moved = find_moved(one.ifindex)) {
        device = *moved;
        return Origin::renamed;
    }
    device = Device{};
    device.ifindex = one.ifindex;
    const auto from_zero_at = [&](Monotonic start) {
        device.tracker = DeltaTracker{settings_.kernel_is_32bit, {.taken = start, .counters = {}}};
    };
    if (previous_) {
        const bool was_there = std::find(seen_.begin(), seen_.end(), one.ifindex) != seen_.end();
        if (!was_there) {
            from_zero_at(*previous_);
            return Origin::created;
        }
    } else if (last_tick_ || highest_known_ifindex_ != 0) {
        // Numbers grow: a lower one than those we knew was there, unmetered, when we knew them.
        if (one.ifindex > highest_known_ifindex_) {
            from_zero_at(std::min(last_tick_.value_or(Monotonic{}), taken));
            return Origin::created;
        }
    } else if (account.has_history) {
        from_zero_at(Monotonic{});
        return Origin::booted;
    }
    device.tracker = DeltaTracker{settings_.kernel_is_32bit};
    return Origin::baseline;
}

void Meter::count(Account& account, const InterfaceReading& one, Role role, Monotonic taken,
                  MeterEvents& events) {
    const auto origin = seat(account, one, taken);
    auto& device = account.device;
    const auto usage =
        device.tracker.advance({.taken = taken, .counters = one.counters}, {one.line_rate});

    std::array<std::int64_t, kCounterCount> base = account.told_base;
    if (usage.continuity != Continuity::implausible) {
        for (std::size_t i = 0; i < kCounterCount; ++i) {
            account.totals[i] += static_cast<std::int64_t>(usage.counted[i]);
            base[i] = account.totals[i] - static_cast<std::int64_t>(one.counters[i]);
        }
    }
    const auto suspect = usage.suspect_received + usage.suspect_transmitted;
    if (suspect.value > 0) {
        account.suspect += static_cast<std::int64_t>(suspect.value);
        if (account.suspect_series.value == 0)
            account.suspect_series =
                series_->intern(series_name::kInterfaceSuspectBytes,
                                {{std::string{series_name::kLabelInterface}, account.name}},
                                SeriesKind::counter, "bytes");
    }
    const bool is_born_wan =
        role == Role::wan && (origin == Origin::created || origin == Origin::booted);
    if (device.held_wan || is_born_wan) {
        wan_received_ += static_cast<std::int64_t>(usage.counted[kRx]);
        wan_transmitted_ += static_cast<std::int64_t>(usage.counted[kTx]);
        wan_received_packets_ += usage.counted[kRxPackets];
        wan_transmitted_packets_ += usage.counted[kTxPackets];
    }
    if (role == Role::lan || role == Role::wifi) {
        had_lan_ = true;
        lan_moved_ += usage.counted[kRx] + usage.counted[kTx];
    }
    const auto elapsed = previous_ ? taken - *previous_ : Millis{0};
    account.receive_rate = rate_of(usage.counted[kRx], elapsed);
    account.transmit_rate = rate_of(usage.counted[kTx], elapsed);

    account.role = role;
    account.had_no_role = account.had_no_role && role == Role::none;
    account.has_been_wan = account.has_been_wan || role == Role::wan;
    account.has_history = true;
    account.was_tangible = one.is_physical || one.is_wireless;
    device.held_wan = role == Role::wan;
    if (role == Role::wan && wan_name_ != account.name) wan_name_ = account.name;

    if (device.carrier_changes != one.carrier_changes || device.has_carrier != one.has_carrier) {
        device.has_carrier = one.has_carrier;
        device.carrier_changes = one.carrier_changes;
        events.carriers.push_back(
            {.name = account.name, .is_up = one.has_carrier, .changes = one.carrier_changes});
    }
    const char* reason = reason_of(usage.continuity, suspect.value > 0);
    switch (origin) {
        case Origin::known:
            break;
        case Origin::renamed:
            reason = "renamed";
            break;
        case Origin::baseline:
            reason = "first";
            break;
        case Origin::booted:
            reason = "boot";
            break;
        case Origin::created:
            reason = "created";
            break;
    }
    tell(account, base, reason, events);
}

/// Appends the fact of `account` unless it was told already.
void Meter::tell(Account& account, std::array<std::int64_t, kCounterCount> base, const char* reason,
                 MeterEvents& events) {
    if (account.is_told && account.told_base == base && account.told_role == account.role &&
        account.told_ifindex == account.device.ifindex)
        return;
    account.is_told = true;
    account.told_base = base;
    account.told_role = account.role;
    account.told_ifindex = account.device.ifindex;
    events.interfaces.push_back({.name = account.name,
                                 .ifindex = account.device.ifindex,
                                 .role = std::string{to_string(account.role)},
                                 .reason = reason,
                                 .base = base});
}

/// A name without a device counts on from its totals; it keeps the WAN role until another name
/// takes it, so that a restart knows whose link is missing.
void Meter::tell_absences(MeterEvents& events) {
    for (auto& account : accounts_) {
        if (account.device.ifindex != 0) continue;
        if (account.role != Role::wan || account.name != wan_name_) account.role = Role::none;
        const bool went = account.is_told && account.told_ifindex != 0;
        if (went || account.told_role != account.role)
            tell(account, account.totals, went ? "gone" : "role", events);
    }
}

void Meter::append_totals(const Account& account, std::vector<Reading>& into) const {
    for (std::size_t i = 0; i < kCounterCount; ++i)
        into.push_back({account.series[i], account.totals[i]});
    if (account.suspect_series.value != 0)
        into.push_back({account.suspect_series, account.suspect});
}

/// True while the WAN of an earlier run is a PPP device that is not there: the cable below it,
/// which had no role then, must not become a LAN for that time.
bool Meter::awaits_session(const KernelReading& reading) const {
    return wan_name_.starts_with("ppp") && wan_.ifindex == 0 &&
           std::none_of(reading.interfaces.begin(), reading.interfaces.end(),
                        [this](const InterfaceReading& one) { return one.name == wan_name_; });
}

void Meter::look_at_wan(const KernelReading& reading) {
    for (std::size_t i = 0; i < standings_.size(); ++i)
        if (standings_[i].role == Role::wan) return look_at_wan(reading, i);

    wan_.is_session = wan_.is_session || awaits_session(reading);
    wan_.is_present = false;
    wan_.is_open = false;
    wan_.has_default_route = false;
    wan_.gateway_is_neighbour.reset();
    wan_.bottom_has_carrier = false;
    if (wan_.bottom.empty() && awaits_session(reading)) {
        // What it ran over is not stored; it is the only cable that had no role.
        std::size_t candidates = 0;
        for (const auto& one : reading.interfaces) {
            const auto* account = find_account(one.name);
            if (account == nullptr || !account->had_no_role || !one.is_physical ||
                one.is_wireless || one.master != 0)
                continue;
            ++candidates;
            wan_.bottom = one.name;
        }
        if (candidates != 1) wan_.bottom.clear();
    }
    for (const auto& one : reading.interfaces)
        if (one.name == wan_.bottom) wan_.bottom_has_carrier = one.has_carrier;
}

void Meter::look_at_wan(const KernelReading& reading, std::size_t at) {
    const auto& one = reading.interfaces[at];
    const auto& bottom = reading.interfaces[bottom_of(reading, at)];
    wan_.is_present = true;
    if (wan_.bottom != bottom.name) wan_.bottom = bottom.name;
    wan_.bottom_has_carrier = bottom.has_carrier;
    wan_.is_open = one.is_up && one.has_carrier;
    wan_.is_session = one.is_ppp || bottom.ifindex != one.ifindex;
    wan_.is_stacked = wan_.is_session || one.is_bridge;
    wan_.is_point_to_point = one.is_point_to_point;
    wan_.line_rate = bottom.line_rate;
    wan_.ifindex = one.ifindex;
    wan_.has_default_route = reading.wan_ifindex == one.ifindex;
    wan_.gateway_is_neighbour.reset();
    if (wan_.has_default_route) {
        if (wan_.gateway != reading.gateway) wan_.gateway = reading.gateway;
        wan_.gateway_is_neighbour = reading.gateway_is_neighbour;
    }
    // What carries the WAN is no LAN when the WAN goes for a while.
    auto below = one.lower;
    for (const auto& other : reading.interfaces) {
        const bool carries = other.master == one.ifindex || other.name == bottom.name ||
                             (below != 0 && other.ifindex == below);
        auto* account = carries ? find_account(other.name) : nullptr;
        if (account == nullptr) continue;
        account->has_been_wan = true;
        if (one.is_ppp && other.ifindex == below) account->has_carried_session = true;
    }
}

/// The most clients of a quarter of an hour leave the box at its end; a quarter that began before
/// the daemon did counts what the daemon saw of it.
void Meter::count_clients(const KernelReading& reading, std::vector<Reading>& into) {
    std::uint32_t clients = 0;
    std::optional<std::uint32_t> stations;
    for (std::size_t i = 0; i < reading.interfaces.size(); ++i) {
        const auto& one = reading.interfaces[i];
        if (standings_[i].role == Role::lan || standings_[i].role == Role::wifi)
            clients += one.neighbours;
        // Also those of an access point that a bridge hides.
        if (one.stations && standings_[i].is_wanted)
            stations = stations.value_or(0) + *one.stations;
    }
    const auto quarter = [](Monotonic at) { return at.time_since_epoch() / kClientsPeriod; };
    if (previous_ && quarter(*previous_) != quarter(reading.taken)) {
        if (clients_.value != 0) into.push_back({clients_, private_count(most_clients_)});
        append_count(stations_series_, "wifi_stations", most_stations_, into);
        append_count(uniques_series_, "lan_clients_today", reading.unique_clients, into);
        most_clients_ = 0;
        most_stations_.reset();
    }
    most_clients_ = std::max(most_clients_, clients);
    if (stations) most_stations_ = std::max(most_stations_.value_or(0), *stations);
}

/// A series that most boxes never have is made when there is something to say.
void Meter::append_count(SeriesId& series, const char* name, std::optional<std::uint32_t> count,
                         std::vector<Reading>& into) {
    if (!count) return;
    if (series.value == 0) series = series_->intern(name, {}, SeriesKind::gauge, "");
    if (series.value != 0) into.push_back({series, private_count(*count)});
}

void Meter::retell() {
    for (auto& account : accounts_) account.is_told = false;
}

MeterSummary Meter::summary() const {
    MeterSummary summary;
    summary.wan.name = wan_name_;
    summary.wan.received = to_bytes(wan_received_);
    summary.wan.transmitted = to_bytes(wan_transmitted_);
    summary.wan.received_packets = wan_received_packets_;
    summary.wan.transmitted_packets = wan_transmitted_packets_;
    summary.wan.session_is_down = wan_.is_session && !wan_.is_open;
    summary.wan.is_point_to_point = wan_.is_point_to_point;
    summary.wan.is_stacked = wan_.is_stacked;
    summary.wan.has_default_route = wan_.has_default_route;
    summary.wan.gateway = wan_.gateway;
    summary.wan.gateway_is_neighbour = wan_.gateway_is_neighbour;
    summary.wan.line_rate = wan_.line_rate;
    // A virtual device that is gone says nothing, unless it ran over one that we know.
    summary.wan.is_known = wan_.is_present || (!wan_.bottom.empty() && wan_.bottom != wan_name_);
    summary.lan.moved = {lan_moved_};
    if (had_lan_) summary.lan.has_carrier = false;
    for (const auto& account : accounts_) {
        const bool is_present = account.device.ifindex != 0;
        if (account.name == wan_name_ && account.role == Role::wan && account.was_tangible)
            summary.wan.is_known = true;
        if (is_present && (account.role == Role::lan || account.role == Role::wifi)) {
            summary.lan.is_present = true;
            if (account.device.has_carrier) summary.lan.has_carrier = true;
        }
        if (!is_present) continue;
        summary.interfaces.push_back({.name = account.name,
                                      .role = account.role,
                                      .has_carrier = account.device.has_carrier,
                                      .received = to_bytes(account.totals[kRx]),
                                      .transmitted = to_bytes(account.totals[kTx]),
                                      .suspect = to_bytes(account.suspect),
                                      .receive_rate = account.receive_rate,
                                      .transmit_rate = account.transmit_rate});
    }
    summary.wan.has_carrier = summary.wan.is_known && wan_.bottom_has_carrier;
    return summary;
}

}  // namespace gerbang
