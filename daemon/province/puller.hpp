#pragma once

// Fetches what a gateway's journal holds and the store does not: the other half of the daemon's
// pull API (config/openapi.yaml).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/core/result.hpp"
#include "common/model/receipt.hpp"
#include "common/wire/codec.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/net/uplink.hpp"

namespace gerbang::province {

/// Where records go. Loop thread only; calls of several sites may be under way at once.
class PullSink {
public:
    virtual ~PullSink() = default;
    /// As `Store::accept`: when it returns, what it took is durable, and the receipt, which is the
    /// cursor, was made in the same transaction. `batch` is what `wire::encode_batch` gives.
    [[nodiscard]] virtual net::awaitable<Result<Receipt>> accept(std::string batch) = 0;
    /// As `Store::receipt`; `not_found`: nothing is held.
    [[nodiscard]] virtual net::awaitable<Result<Receipt>> receipt(std::string site,
                                                                  EpochId epoch) = 0;
};

/// What a visit came to; grows while it goes on.
struct PullProgress {
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;    ///< of batches received
    std::uint64_t records = 0;  ///< in batches that the store took, held before or not
    std::uint64_t refused = 0;  ///< records that the store did not take; they are asked for again
    bool is_done = false;
};

/// Visits the gateway `site` once: asks for its epochs, oldest first, and in each for what the
/// store lacks, batch by batch, until it has everything that was there. Stopped at any point it
/// goes on there the next time, as the store's receipts say how far it is. Tells the gateway what
/// is held.
///
/// An exchange that fails (`unreachable`, `overloaded`, and any 408, 425, 429, 5xx) is tried again
/// up to four times, after `Retry-After` (at most 5 min) or 2, 4, 8 s. A batch that the store finds
/// too large is asked for again in smaller parts; one that it refuses, likewise, and at the
/// smallest is left out.
///
/// Where the open epoch contradicts the store (an old image, a clone, a card that loses writes) the
/// last record that both have in common is looked for, about 17 small requests, and told to the
/// gateway, which then begins a new epoch there: what it has of its own comes under other names, on
/// this visit if the gateway is quick. What a closed epoch has of its own counts as refused.
///
/// Errors: `not_authorised` (TLS, 401, 403, 404: the wrong program or version), `bad_input` (no
/// gateway of ours, or of another site), `diverged` (after all other epochs; the gateway did not
/// begin a new one, or not yet), `unreachable`, `overloaded`, `storage_*` and `stopped`. `progress`
/// tells what was done all the same. What the references name must outlive it.
[[nodiscard]] net::awaitable<Result<void>> pull_site(std::string site, Uplink& uplink,
                                                     PullSink& sink, Clock& clock,
                                                     PullProgress& progress);

}  // namespace gerbang::province
