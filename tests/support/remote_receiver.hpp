#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "daemon/host/clock.hpp"
#include "daemon/net/uplink.hpp"

namespace gerbang {

/// A receiver of Remote-Write 1.0 in memory, as strict as Prometheus: a request with one sample
/// that is out of order, too old, in its future or of a poisoned series is refused whole.
class RemoteReceiver final : public Uplink {
public:
    explicit RemoteReceiver(Clock& clock) : clock_{&clock} {}

    using Samples = std::map<std::int64_t, double>;  ///< by time in ms

    WallTime date;  ///< its clock at the start of the device's
    bool says_date = true;
    bool is_up = true;
    bool is_black_hole = false;     ///< nothing comes back before the request's time is over
    bool takes_old = true;          ///< out-of-order window; else a series goes forward only
    Millis max_age{};               ///< older samples: 500 "too old sample"; 0: any
    std::set<std::string> poison;   ///< names of series
    std::deque<int> statuses;       ///< answered instead, one each
    std::deque<bool> lost_answers;  ///< of the next requests: taken, and nobody hears of it
    std::size_t max_body = 0;       ///< larger: 413

    unsigned requests = 0;
    /// Requests that break the protocol: headers, form, labels unsorted, empty or of a wrong name,
    /// samples of a series not ascending: never.
    unsigned unlawful = 0;
    unsigned refusals = 0;  ///< answered with 400 or 500 by what was in them
    unsigned futures = 0;   ///< requests with a sample of its future: never
    std::map<std::string, Samples> series;
    std::uint64_t changed = 0;  ///< samples that came again with another value: never

    [[nodiscard]] net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) override;
    [[nodiscard]] UplinkTraffic traffic() const override { return {}; }

private:
    [[nodiscard]] int take(const UplinkRequest& request, std::string& said);
    [[nodiscard]] int judge(const std::map<std::string, Samples>& all, std::string& said);

    Clock* clock_;
};

}  // namespace gerbang
