#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <string>
#include <vector>

#include "daemon/host/async.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

/// Asks all targets at once and resumes when the last has answered or timed out: answers in the
/// order of `targets`; none without targets. Bounded by `timeout`. `executor` is the loop;
/// `prober` must outlive the round. A prober that throws counts as no answer, with the reason.
[[nodiscard]] net::awaitable<std::vector<ProbeAnswer>> probe_round(Prober& prober,
                                                                   net::any_io_executor executor,
                                                                   std::vector<ProbeTarget> targets,
                                                                   std::string device,
                                                                   Millis timeout);

}  // namespace gerbang
