#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "daemon/config/config.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/serve/pull_api.hpp"

namespace gerbang {

/// Listens for pullers on the interfaces of `config.serve`, and on nothing else, until `clock` is
/// stopped. An interface that is not there (a tunnel before its time), a port that is taken, a
/// certificate or token that cannot be read: said once in the log and tried again every 15 s. An
/// interface that went and came again is listened on anew. Tokens are read once; a new one is taken
/// with SIGHUP. While the site is unassigned nothing is served, and the log says so.
///
/// `clock` must outlive the coroutine and every handler under way.
[[nodiscard]] net::awaitable<void> serve_pulls(Clock& clock, net::any_io_executor loop,
                                               Config config, PullSources sources, Handler local);

}  // namespace gerbang
