#pragma once

#include <map>
#include <optional>
#include <string>

#include "daemon/meter/meter.hpp"

namespace gerbang {

/// What a journal would remember of a meter: the newest fact per name, the newest total per
/// series, and the last tick, with the boot each belongs to.
class MemoryJournal {
public:
    void keep(unsigned boot, Monotonic at, const std::vector<Reading>& readings,
              const MeterEvents& events) {
        for (const auto& fact : events.interfaces) facts_[fact.name] = {fact, boot};
        for (const auto& reading : readings) totals_[reading.series] = reading.value;
        last_tick_ = {boot, at};
    }

    [[nodiscard]] MeterHistory history(unsigned boot) const {
        MeterHistory history;
        for (const auto& [name, entry] : facts_)
            history.interfaces.push_back({entry.first, entry.second == boot});
        for (const auto& [series, value] : totals_) history.totals.push_back({series, value});
        if (last_tick_ && last_tick_->first == boot) history.last_tick = last_tick_->second;
        return history;
    }

    [[nodiscard]] const InterfaceFact* fact(const std::string& name) const {
        const auto found = facts_.find(name);
        return found == facts_.end() ? nullptr : &found->second.first;
    }

private:
    std::map<std::string, std::pair<InterfaceFact, unsigned>> facts_;
    std::map<SeriesId, std::int64_t> totals_;
    std::optional<std::pair<unsigned, Monotonic>> last_tick_;
};

}  // namespace gerbang
