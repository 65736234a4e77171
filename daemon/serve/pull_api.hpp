#pragma once

// What a server of the province may ask of this gateway over the network: `Handler` and `Gate` of a
// listener of its own. config/openapi.yaml describes it for those who write a puller.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/receipt.hpp"
#include "common/model/record.hpp"
#include "common/web/journal_json.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/serve/http.hpp"

namespace gerbang {

/// Who may pull, and how that is proved: by either of the two.
struct Puller {
    std::string name;         ///< the consumer's, `[a-z0-9-]{1,64}`
    std::string token;        ///< as a bearer token; empty: none
    std::string certificate;  ///< common name of a verified client certificate; empty: none
};

/// A run of records of one epoch, as the journal holds it. `records` may begin behind what was
/// asked for (what lies between is absent for ever), before it (a reduced block is given whole),
/// or be empty: there is nothing after that place.
struct PulledRecords {
    std::string site;
    Head before{};  ///< chain head before the first; all zero: not known, or record 1
    std::vector<Record> records = {};
};

/// Where the answers come from. As in `ApiSources`: on the server's executor, all set, and valid as
/// long as the handler.
struct PullSources {
    /// Of `epoch`, which is one of `epochs`, what comes after `after`, about `max_bytes` of stored
    /// bytes. `overloaded`: it may still come (a damaged database is being salvaged).
    std::function<net::awaitable<Result<PulledRecords>>(EpochId epoch, Seq after,
                                                        std::uint64_t max_bytes)>
        records;
    std::function<net::awaitable<Result<std::vector<web::EpochRow>>>()> epochs;
    /// Keeps what the puller durably holds as its cursor. `bad_input`: it cannot be; `not_found`:
    /// no such epoch; `diverged`: it contradicts this journal.
    ///
    /// `agreed` above 0: the puller holds other records than this journal behind that one, which
    /// is the last that both have in common. No cursor moves; a new epoch begins there, soon.
    std::function<net::awaitable<Result<void>>(std::string consumer, Receipt receipt, Seq agreed)>
        receipt;
    /// The series of the open epoch, ascending by id; from memory.
    std::function<std::vector<Series>()> series;
};

inline constexpr std::size_t kMaxPullBodyBytes = 4096;
inline constexpr std::uint64_t kMaxPullBytes = 256u << 10;
inline constexpr std::uint64_t kUsualPullBytes = 64u << 10;
inline constexpr std::string_view kLinesType = "application/x-ndjson";

/// Limits of a listener for pullers, who are few. A stranger gets no further than a handshake and
/// 8 KiB of header, and what 200 of them take stays below 2 MB.
[[nodiscard]] ServerLimits pull_limits();

/// Answers
///   GET /v1/batches?epoch=UUID[&after=N][&max=BYTES]   the next records, as a batch (FORMAT.md),
///   or
///                                as lines (`web::batch_lines`) where `Accept` names
///                                application/x-ndjson; 204: no more. `max`: stored bytes, 4096 to
///                                262144, default 65536, of lines 16384. `Link: <...>; rel="next"`
///                                names the next epoch when this one ends here.
///   POST /v1/receipts[?agreed=N] a receipt (FORMAT.md); 204. `agreed`: what is held behind record
///                                N is not what this journal has there
///   GET /v1/epochs               an array of web::EpochRow
///   GET /v1/series[?ids=1,2]     `web::series_json` of the open epoch; unknown ids are left out
/// and passes GET of /healthz, /metrics, /v1/status, /v1/outages and /v1/usage on to `local`.
///
/// Everything needs a credential of one of `pullers`, /healthz too: 401 without. Else the problems
/// of `make_local_api`; 409 for a receipt that contradicts the journal.
class PullApi {
public:
    /// `clock` must outlive it; it bounds how often refusals are logged.
    PullApi(const Clock& clock, std::vector<Puller> pullers, PullSources sources, Handler local);

    /// From now on these and nobody else.
    void set_pullers(std::vector<Puller> pullers) { pullers_ = std::move(pullers); }
    [[nodiscard]] net::awaitable<ServerResponse> answer(ServerRequest request);
    /// Refuses whoever has no credential before a body is read.
    [[nodiscard]] std::optional<ServerResponse> check_head(const ServerRequest& head);

private:
    [[nodiscard]] const Puller* puller_of(const ServerRequest& request) const;
    [[nodiscard]] net::awaitable<ServerResponse> batches(ServerRequest request);
    [[nodiscard]] net::awaitable<ServerResponse> receipts(ServerRequest request,
                                                          std::string consumer);
    [[nodiscard]] ServerResponse series(const ServerRequest& request) const;

    const Clock& clock_;
    std::vector<Puller> pullers_;
    PullSources sources_;
    Handler local_;
    std::optional<Monotonic> refusal_logged_;
    std::uint64_t refusals_ = 0;  ///< since then
};

}  // namespace gerbang
