#include "daemon/host/power_supply.hpp"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "daemon/host/text_file.hpp"

namespace gerbang {
namespace {

constexpr Millis kReadPeriod{9'500};
constexpr Millis kLookPeriod{60'000};
constexpr std::size_t kLongestName = 47;
/// Entries of the folder that are looked at; the rest of a machine with that many is left out.
constexpr std::size_t kMostEntries = 64;

/// One attribute of a supply. A driver that fails, a file that is missing: empty.
class Attribute {
public:
    Attribute(const std::string& folder, const std::string& supply, const char* name) {
        std::array<char, 320> path;
        const int length = std::snprintf(path.data(), path.size(), "%s/%s/%s", folder.c_str(),
                                         supply.c_str(), name);
        if (length <= 0 || static_cast<std::size_t>(length) >= path.size()) return;
        text_ = without_tail(read_head(path.data(), buffer_).value_or(""));
    }
    Attribute(const Attribute&) = delete;
    Attribute& operator=(const Attribute&) = delete;

    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    /// A whole number of at most `most`.
    [[nodiscard]] std::optional<std::uint32_t> number(std::uint32_t most) const noexcept {
        std::uint32_t value = 0;
        const auto* end = text_.data() + text_.size();
        const auto [stop, error] = std::from_chars(text_.data(), end, value);
        if (error != std::errc{} || stop != end || value > most) return std::nullopt;
        return value;
    }

private:
    std::array<char, 64> buffer_;
    std::string_view text_;
};

bool is_usable_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > kLongestName || name[0] == '.') return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == ':' || c == '-';
    });
}

/// Empty for what is no source of this machine's power.
std::string_view kind_of(std::string_view type) noexcept {
    if (type == "Mains") return "mains";
    if (type == "Battery") return "battery";
    if (type == "UPS") return "ups";
    // USB, USB_C, USB_PD, USB_DCP and other kinds of charger.
    return type.starts_with("USB") ? "usb" : "";
}

std::string_view status_of(std::string_view status) noexcept {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWords{{
        {"Charging", "charging"},
        {"Discharging", "discharging"},
        {"Full", "full"},
        {"Not charging", "not_charging"},
        {"Unknown", "unknown"},
    }};
    for (const auto& [kernel, ours] : kWords)
        if (status == kernel) return ours;
    return {};
}

/// A capacity wanders; it is worth an event after ten per cent. What could not be read for once is
/// no change.
bool is_worth_telling(const PowerSupply& now, const PowerSupply& told) noexcept {
    constexpr std::uint32_t kStep = 10;
    if (now.kind != told.kind || now.status != told.status) return true;
    if (now.is_online && now.is_online != told.is_online) return true;
    if (!now.capacity_percent) return false;
    if (!told.capacity_percent) return true;
    const auto low = std::min(*now.capacity_percent, *told.capacity_percent);
    const auto high = std::max(*now.capacity_percent, *told.capacity_percent);
    return high - low >= kStep;
}

}  // namespace

PowerSupplies::PowerSupplies(std::string sys, std::string mains)
    : folder_{std::move(sys) + "/class/power_supply"}, mains_{std::move(mains)} {}

const std::vector<PowerSupply>& PowerSupplies::read(Monotonic now) {
    changed_.clear();
    if (!looked_ || now - *looked_ >= kLookPeriod) {
        look_for_supplies();
        looked_ = now;
    }
    if (read_ && now - *read_ < kReadPeriod) return changed_;
    read_ = now;
    for (std::size_t i = 0; i < supplies_.size(); ++i) {
        auto& supply = supplies_[i];
        auto& memory = memories_[i];
        refresh(supply, memory);
        if (memory.is_told && !is_worth_telling(supply, memory.told)) continue;
        memory.told = supply;
        memory.is_told = true;
        changed_.push_back(supply);
    }
    return changed_;
}

void PowerSupplies::retell() {
    for (auto& memory : memories_) memory.is_told = false;
    read_.reset();
}

void PowerSupplies::look_for_supplies() {
    std::vector<std::string> names;
    const auto close = [](DIR* folder) { ::closedir(folder); };
    const std::unique_ptr<DIR, decltype(close)> folder{::opendir(folder_.c_str()), close};
    if (folder) {
        while (const auto* entry = ::readdir(folder.get())) {
            if (names.size() >= kMostEntries) break;
            if (!is_usable_name(entry->d_name)) continue;
            auto at = names.begin();
            while (at != names.end() && *at < entry->d_name) ++at;
            names.emplace(at, entry->d_name);
        }
    }

    std::vector<PowerSupply> supplies;
    std::vector<Memory> memories;
    for (auto& name : names) {
        if (supplies.size() >= kMaxPowerSupplies) break;
        const auto kind = kind_of(Attribute{folder_, name, "type"}.text());
        if (kind.empty() || Attribute{folder_, name, "scope"}.text() == "Device") continue;
        PowerSupply supply;
        supply.name = std::move(name);
        Memory memory;
        for (std::size_t i = 0; i < supplies_.size(); ++i) {
            if (supplies_[i].name != supply.name) continue;
            supply = std::move(supplies_[i]);
            memory = std::move(memories_[i]);
            break;
        }
        supply.kind = kind;
        supplies.push_back(std::move(supply));
        memories.push_back(std::move(memory));
    }
    for (std::size_t i = 0; i < supplies_.size(); ++i) {
        // Those that stayed were moved from; their memory still says whether they were told.
        auto& gone = memories_[i].told;
        if (!memories_[i].is_told || gone.name.empty()) continue;
        const bool stayed =
            std::any_of(supplies.begin(), supplies.end(),
                        [&gone](const PowerSupply& one) { return one.name == gone.name; });
        if (stayed) continue;
        gone.is_online.reset();
        gone.capacity_percent.reset();
        gone.status = "gone";
        changed_.push_back(std::move(gone));
    }
    supplies_ = std::move(supplies);
    memories_ = std::move(memories);
}

void PowerSupplies::refresh(PowerSupply& supply, Memory& memory) const {
    supply.is_online.reset();
    supply.capacity_percent.reset();
    const bool is_battery = supply.kind == "battery";
    // A charger's chip describes the place for a battery also while it is empty.
    memory.is_present =
        !is_battery || Attribute{folder_, supply.name, "present"}.number(1).value_or(1) == 1;
    if (!is_battery) {
        if (const auto online = Attribute{folder_, supply.name, "online"}.number(2))
            supply.is_online = *online != 0;
    }
    supply.status = memory.is_present ? status_of(Attribute{folder_, supply.name, "status"}.text())
                                      : std::string_view{};
    if (memory.is_present && supply.kind != "mains" && supply.kind != "usb")
        supply.capacity_percent = Attribute{folder_, supply.name, "capacity"}.number(100);
    memory.was_on = memory.was_on || supply.is_online.value_or(false);
}

std::optional<bool> PowerSupplies::mains_is_on() const noexcept {
    bool has_battery = false;
    for (std::size_t i = 0; i < supplies_.size(); ++i)
        has_battery = has_battery || (supplies_[i].kind == "battery" && memories_[i].is_present);
    std::optional<bool> is_on;
    for (std::size_t i = 0; i < supplies_.size(); ++i) {
        const auto& supply = supplies_[i];
        if (!supply.is_online) continue;
        if (mains_ != "auto") {
            if (supply.name == mains_) return supply.is_online;
            continue;
        }
        const bool tells = has_battery || (supply.kind != "usb" && memories_[i].was_on);
        if (tells) is_on = is_on.value_or(false) || *supply.is_online;
    }
    return is_on;
}

std::optional<std::uint32_t> PowerSupplies::battery_percent() const noexcept {
    std::optional<std::uint32_t> lowest;
    for (const auto& supply : supplies_)
        if (supply.capacity_percent)
            lowest = std::min(lowest.value_or(100), *supply.capacity_percent);
    return lowest;
}

bool PowerSupplies::battery_is_discharging() const noexcept {
    bool is_discharging = false;
    for (const auto& supply : supplies_) {
        if (supply.status == "charging") return false;
        is_discharging = is_discharging || supply.status == "discharging";
    }
    return is_discharging;
}

}  // namespace gerbang
