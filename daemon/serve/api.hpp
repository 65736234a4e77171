#pragma once

// The local API (README.md documents its JSON): pure routing from a request to a response.

#include <functional>
#include <optional>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/usage.hpp"
#include "common/sla/statement.hpp"
#include "common/web/journal_json.hpp"
#include "common/web/status.hpp"
#include "daemon/host/async.hpp"
#include "daemon/serve/http.hpp"
#include "daemon/serve/metrics.hpp"

namespace gerbang {

/// Where the answers come from. All are called on the executor of the server; all must be set and
/// stay valid as long as the handler.
struct ApiSources {
    /// The snapshot in memory; never waits for storage.
    std::function<Result<web::Status>()> status;
    /// The newest value of every series, for /metrics; from memory.
    std::function<std::vector<SeriesValue>()> newest;
    /// Usage over [from, to) grouped in site time.
    std::function<net::awaitable<Result<std::vector<UsageRow>>>(UsagePeriod period, WallTime from,
                                                                WallTime to)>
        usage;
    /// Outages of all links, in the journal's order, that may touch [from, to); more are welcome:
    /// the handler leaves out what does not, and keeps those without a date only when nobody asked
    /// for dates.
    std::function<net::awaitable<Result<std::vector<web::OutageRow>>>(WallTime from, WallTime to)>
        outages;
    /// Starts a push now, whatever the back-off; returns at once.
    std::function<void()> push_now;
    /// Walks the whole ladder once, now; a few seconds. Changes neither schedule nor ledger.
    std::function<net::awaitable<Result<web::ProbeReport>>()> probe_now;
    /// Writes the claim into the journal; durable with the next commit.
    std::function<Result<void>(NoteFact note)> note;
    /// The operator's word for the present instant. `refused` (409) with the reason where a better
    /// source is at hand. Never sets the system's clock.
    std::function<Result<void>(WallTime wall, Seconds uncertainty)> set_clock;
    /// The statement of [from, to) by `clauses`, by the shipped example when there are none.
    std::function<net::awaitable<Result<sla::Statement>>(WallTime from, WallTime to,
                                                         std::optional<sla::Clauses> clauses)>
        statement;
    /// What the journal holds, how large it is, what was given up.
    std::function<net::awaitable<Result<JournalFacts>>()> journal;
    /// The journal's epochs, oldest first.
    std::function<net::awaitable<Result<std::vector<web::EpochRow>>>()> epochs;
    /// An encoded batch of the first records of `epoch` after `after`; empty: it holds no more.
    /// `not_found`: no such epoch.
    std::function<net::awaitable<Result<std::string>>(EpochId epoch, Seq after)> batch;
    /// Availability of [from, to) by days of site time; `bad_input` for too many.
    std::function<net::awaitable<Result<std::vector<sla::Day>>>(WallTime from, WallTime to)> days;
};

/// Answers
///   GET /healthz                 200 "ok" while the loop runs
///   GET /metrics                 Prometheus' text exposition, see `metrics_text`
///   GET /v1/status               web::Status
///   GET /v1/sync                 its array of consumers
///   GET /v1/usage?by=hour|day|month|year[&from=TIME][&to=TIME]   (default: day, all; TIME in
///                                UTC: 2026-11-21, 2026-11-21T06:05:04Z, with milliseconds)
///   GET /v1/outages[?from=TIME][&to=TIME][&link=NAME]            (default: all of all links)
///   GET /v1/sla?month=2026-10 | ?from=TIME&to=TIME               sla::Statement by the example
///   POST /v1/sla?...             the same by the clauses in the body, at most 64 KiB
///   GET /v1/availability?...                                     by day: an array of sla::Day;
///                                month, or from and to, as above, at most 400 days
///   GET /v1/journal              JournalFacts
///   GET /v1/epochs               an array of web::EpochRow
///   GET /v1/batches?epoch=UUID[&after=N]   the next records (FORMAT.md, "Batch"); 204: no more
///   POST /v1/probe               web::ProbeReport
///   POST /v1/notes               web::NoteRequest in the body, at most 4 KiB; 202
///   POST /v1/clock               web::ClockRequest in the body, at most 4 KiB; 202, 409 refused
///   POST /v1/sync/now            202
/// HEAD is GET without a body. Everything else is a problem (RFC 9457): 404 unknown path, 405 with
/// Allow, 400 naming an unknown, repeated or impossible parameter or the place in the body, 413 and
/// 415 for a body that is too long or not application/json, 503 while a source cannot answer. A
/// month is that of the site's own time. GET changes nothing.
[[nodiscard]] Handler make_local_api(ApiSources sources);

}  // namespace gerbang
