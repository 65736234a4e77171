#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/time.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/meter/small_file.hpp"

namespace gerbang {

/// Whether and how much this machine passes on for others, as the kernel counts it since its boot.
struct Forwarding {
    std::optional<bool> is_on_v4;  ///< net.ipv4.ip_forward
    std::optional<bool> is_on_v6;  ///< net.ipv6.conf.all.forwarding; nothing: no IPv6 either
    /// Datagrams forwarded, IPv4 and IPv6 (`Ip: ForwDatagrams`, `Ip6OutForwDatagrams`). Offloaded
    /// ones are not among them. Nothing: neither could be read.
    std::optional<std::uint64_t> datagrams{};

    bool operator==(const Forwarding&) const = default;
};

/// `/proc/net/snmp`: `ForwDatagrams` of the `Ip:` pair of lines. Not trusted; pure.
[[nodiscard]] std::optional<std::uint64_t> parse_forwarded_v4(std::string_view text) noexcept;
/// `/proc/net/snmp6`: `Ip6OutForwDatagrams`.
[[nodiscard]] std::optional<std::uint64_t> parse_forwarded_v6(std::string_view text) noexcept;

/// Reads the above once a minute from files that stay open, in the network namespace in which it
/// was made. Allocates nothing after construction. Loop thread only.
class ForwardingReader {
public:
    explicit ForwardingReader(const HostPaths& paths);
    /// New values; nothing when the minute of device time of the last ones is not over.
    [[nodiscard]] std::optional<Forwarding> read(Monotonic now);

private:
    SmallFile counted_v4_, counted_v6_, on_v4_, on_v6_;
    std::int64_t minute_ = -1;
};

}  // namespace gerbang
