#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/time.hpp"
#include "common/model/ladder.hpp"
#include "daemon/host/async.hpp"

namespace gerbang {

/// A host whose answer proves that the way to it works.
struct ProbeTarget {
    std::string name;  ///< label, `[a-z0-9-]{1,32}`
    /// Numeric IPv4 or IPv6, as reachability must not depend on DNS; a link-local one with the
    /// name of its interface ("fe80::1%eth0"), which it is then asked on.
    std::string address;
    std::uint16_t tcp_port = 443;  ///< used where ICMP sockets are not permitted
    /// 0: the host itself must answer. Else the packet dies at this hop, and the router's "time
    /// exceeded" from there is the answer; impossible by TCP (then `Silence::local`).
    unsigned hop = 0;
};

/// `detail` of an answer with `Silence::local` that is evidence all the same: the kernel knows no
/// way to the target. Every other `local` says nothing about the link.
inline constexpr std::string_view kNoRoute = "no route";

struct ProbeAnswer {
    bool answered = false;
    Millis round_trip{};  ///< when answered
    /// For evidence and log: "time-out", "network unreachable, says 192.0.2.1", ...; of an answered
    /// question with a `hop` the address of who answered, of a name the first address.
    std::string detail;
    /// `none` when answered, but `refused` when a refusal was the answer.
    Silence silence = Silence::none;
};

/// One question to one named resolver.
struct NameQuestion {
    std::string resolver;  ///< numeric IPv4 or IPv6 address, perhaps with a scope
    std::string name;      ///< asked for A records, or AAAA where `expected` is all IPv6
    /// Addresses of which at least one must be in the answer; empty: any answer is right.
    std::vector<std::string> expected;
    std::uint16_t port = 53;
};

/// Asks once. Loop thread only; several questions may be under way.
class Prober {
public:
    virtual ~Prober() = default;
    /// Ends after `timeout` at the latest; no answer is an answer with `answered` false. `device`
    /// is the WAN interface to bind to, empty for none.
    [[nodiscard]] virtual net::awaitable<ProbeAnswer> probe(const ProbeTarget& target,
                                                            const std::string& device,
                                                            Millis timeout) = 0;
    /// Asks that resolver and no other, without a cache. `answered` is true for a right answer
    /// only; `silence` tells a dead resolver from one that lies or cannot resolve.
    [[nodiscard]] virtual net::awaitable<ProbeAnswer> ask_name(const NameQuestion& question,
                                                               const std::string& device,
                                                               Millis timeout) = 0;
};

}  // namespace gerbang
