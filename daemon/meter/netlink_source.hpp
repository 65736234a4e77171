#pragma once

#include <memory>

#include "daemon/host/clock.hpp"
#include "daemon/host/entropy.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/meter/counter_source.hpp"

namespace gerbang {

/// The kernel over rtnetlink and `<sys>/class/net`, in the network namespace of the caller.
///
/// A reading costs one dump of counters; the links are described anew when the kernel told of a
/// change, and every 10 s. Routes are dumped again only after a route or link changed or
/// 60 s passed; IPv4's default route comes before IPv6's. Neighbours are counted once a minute and
/// not kept; `entropy` gives the keys of the sketch of daily uniques, without it there is none.
/// With more than `kMaxInterfaces` links, veth and dummy ones are left out first, never the default
/// route's. A dump that the kernel calls inconsistent is asked for again, at most three times; then
/// `read` fails and nothing is taken in, as a link missing from it would look like a new one later.
/// Each wait is at most 2 s. Loop thread only; `clock` and `entropy` must outlive it.
///
/// `unreachable` when a socket cannot be had.
[[nodiscard]] Result<std::unique_ptr<CounterSource>> open_netlink_source(
    const Clock& clock, const HostPaths& paths, Entropy* entropy = nullptr);

}  // namespace gerbang
