#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/ledger/link_book.hpp"
#include "tests/daemon/ledger/ledger_samples.hpp"

namespace gerbang {

inline constexpr std::string_view kService = "service-dukcapil";

struct Book {
    SeriesTable series;
    LinkBook book{3, {"hotspot", "province", std::string{kService}}, series};

    std::vector<Outage> wan(const Verdict& verdict) { return book.observe("wan", verdict); }
    std::vector<Outage> start_at(DeviceTime now) { return book.start({}, now, false); }

    /// Milliseconds by "link state cause".
    [[nodiscard]] std::map<std::string, std::int64_t> seconds() const {
        std::vector<Reading> readings;
        book.append_readings(readings);
        std::map<std::string, std::int64_t> totals;
        for (const auto& reading : readings) {
            std::map<std::string, std::string> labels;
            for (const auto& label : series.find(reading.series)->labels) {
                labels[label.name] = label.value;
            }
            totals[labels["link"] + " " + labels["state"] + " " + labels["cause"]] = reading.value;
        }
        return totals;
    }
    [[nodiscard]] std::int64_t seconds(const std::string& words) const {
        const auto all = seconds();
        const auto found = all.find(words);
        return found == all.end() ? 0 : found->second;
    }
};

inline Verdict beside(std::int64_t second, Cause cause, bool is_up, std::uint32_t boot = 1) {
    if (is_up) return good(second, boot);
    return failed(at(second, boot), cause, Confidence::medium, "time-out");
}

inline LinkBook::History after(DeviceTime last, Cause ending = Cause::device_off) {
    LinkBook::History history;
    history.run = run_until(last);
    history.run->ending.cause = ending;
    return history;
}

}  // namespace gerbang
