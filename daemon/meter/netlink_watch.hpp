#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "common/core/result.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/meter/link_watch.hpp"

namespace gerbang {

/// Listens to the kernel's link and route notifications (see `netlink::ChangeFilter`).
///
/// The first change after a quiet second wakes at once; under a storm there is at most one wake a
/// second, for all changes since. Notifications that the kernel had to drop count as a change.
/// `executor` is the loop's; `clock` must outlive the watch. `unreachable` when the socket cannot
/// be had. A socket that fails later ends the watch as `stop` does: changes are then seen at the
/// next tick.
[[nodiscard]] Result<std::unique_ptr<LinkWatch>> open_netlink_watch(net::any_io_executor executor,
                                                                    Clock& clock);

}  // namespace gerbang
