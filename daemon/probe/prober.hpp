#pragma once

#include <optional>
#include <string>

#include "common/core/result.hpp"
#include "common/core/time.hpp"
#include "daemon/host/async.hpp"

namespace gerbang {

/// A host beyond the provider whose answer proves that the internet works.
struct ProbeTarget {
    std::string name;              ///< label, `[a-z0-9-]{1,32}`
    std::string address;           ///< numeric IPv4 or IPv6: reachability must not depend on DNS
    std::uint16_t tcp_port = 443;  ///< used where ICMP sockets are not permitted
};

struct ProbeAnswer {
    bool answered = false;
    Millis round_trip{};  ///< when answered
    std::string detail;   ///< "time-out", "network unreachable", ...; for evidence and log
};

/// Asks one target once. Loop thread only; several may be under way.
class Prober {
public:
    virtual ~Prober() = default;
    /// Ends after `timeout` at the latest; no answer is an answer with `answered` false. `device`
    /// is the WAN interface to bind to, empty for none.
    [[nodiscard]] virtual net::awaitable<ProbeAnswer> probe(const ProbeTarget& target,
                                                            const std::string& device,
                                                            Millis timeout) = 0;
};

}  // namespace gerbang
