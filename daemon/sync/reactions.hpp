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

}  // namespace gerbang
