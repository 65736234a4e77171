#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/province/inventory.hpp"
#include "daemon/province/puller.hpp"
#include "daemon/province/store.hpp"

namespace gerbang::province {

/// The visit of one gateway.
struct SiteVisit {
    std::string site;
    PullProgress progress;
    bool is_over = false;
    std::optional<Error> error;  ///< why it could not be finished
};

/// The way to a gateway; an error (a file that cannot be read) becomes that of its visit.
using OpenUplink = std::function<Result<std::unique_ptr<Uplink>>(const UplinkTarget& target)>;

/// Visits all `gateways` once, at most `parallel` at a time, in their order. `report` is called
/// every 5 s, and at the end. Ends early, visits unfinished, when `clock` is stopped. What the
/// references name must outlive it; loop thread only.
[[nodiscard]] net::awaitable<std::vector<SiteVisit>> pull_all(
    const std::vector<Gateway>& gateways, OpenUplink open, PullSink& sink, Clock& clock,
    std::size_t parallel, std::function<void(const std::vector<SiteVisit>&)> report);

/// Into a store of one's own; `worker` runs its calls.
[[nodiscard]] std::unique_ptr<PullSink> store_sink(Store& store, net::any_io_executor worker,
                                                   Clock& clock);
/// Through the receiver that has the store, over its UNIX socket; `worker` runs the blocking calls.
/// A receiver that is busy is asked again, as it says, up to five times.
[[nodiscard]] std::unique_ptr<PullSink> receiver_sink(const std::string& socket_path,
                                                      net::any_io_executor worker, Clock& clock);

}  // namespace gerbang::province
