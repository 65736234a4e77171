#pragma once

// The local API (README.md documents its JSON): pure routing from a request to a response.

#include <functional>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/usage.hpp"
#include "common/web/status.hpp"
#include "daemon/host/async.hpp"
#include "daemon/serve/http.hpp"

namespace gerbang {

/// Where the answers come from. All are called on the executor of the server; all must be set and
/// stay valid as long as the handler.
struct ApiSources {
    /// The snapshot in memory; never waits for storage.
    std::function<Result<web::Status>()> status;
    /// Usage over [from, to) grouped in site time.
    std::function<net::awaitable<Result<std::vector<UsageRow>>>(UsagePeriod period, WallTime from,
                                                                WallTime to)>
        usage;
    std::function<net::awaitable<Result<std::vector<web::OutageRow>>>()> outages;
    /// Starts a push now, whatever the back-off; returns at once.
    std::function<void()> push_now;
};

/// Answers
///   GET /healthz                 200 "ok" while the loop runs
///   GET /v1/status               web::Status
///   GET /v1/sync                 its array of consumers
///   GET /v1/usage?by=hour|day|month|year[&from=TIME][&to=TIME]   (default: day, all; TIME in
///                                UTC: 2026-11-21, 2026-11-21T06:05:04Z, with milliseconds)
///   GET /v1/outages
///   POST /v1/sync/now            202
/// HEAD is GET without a body. Everything else is a problem (RFC 9457): 404 unknown path, 405 with
/// Allow, 400 naming an unknown, repeated or impossible parameter, 503 while a source cannot
/// answer. No request changes anything but /v1/sync/now.
[[nodiscard]] Handler make_local_api(ApiSources sources);

}  // namespace gerbang
