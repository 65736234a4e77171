#pragma once

#include "common/core/result.hpp"
#include "common/model/receipt.hpp"
#include "daemon/net/uplink.hpp"

namespace gerbang {

/// Translates an HTTP answer into a reaction; the only code that knows status numbers.
///
/// A 2xx answer whose body is a receipt gives that receipt. Everything else is an error whose code
/// is what the pusher must do (design 8) and whose detail names the request, the status and, where
/// a technician can act, the next step. A 2xx answer without a valid receipt, and any redirect,
/// count as `unreachable`: a portal or proxy answered in the province's place.
[[nodiscard]] Result<Receipt> to_receipt(const HttpAnswer& answer);

/// As `to_receipt` for Remote-Write 1.0, where a 2xx is all that a receiver says
/// (one with a page, from nobody who proved to be the receiver, is a portal's). Prometheus calls
/// samples that are too old or out of order an error of its own (500): a body that says so counts
/// as `refused`, or they would be sent for ever. What the receiver wrote is part of the detail.
[[nodiscard]] Result<void> to_acceptance(const HttpAnswer& answer);

/// A refusal that says that samples are too old for the receiver: so is whatever is older.
[[nodiscard]] bool is_too_old(const HttpAnswer& answer);

}  // namespace gerbang
