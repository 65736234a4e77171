#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "daemon/host/clock.hpp"
#include "daemon/host/entropy.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

/// How a target is asked, best first: ICMP echo by a datagram socket (needs the process's group in
/// net.ipv4.ping_group_range), by a raw socket (needs CAP_NET_RAW), by a TCP connection to
/// `tcp_port` (needs nothing; a refusal is an answer).
enum class ProbeMethod : std::uint8_t { icmp_datagram, icmp_raw, tcp };

/// The prober on real sockets.
///
/// Sends 16 bytes of ICMP with a random nonce and takes nothing but their echo for an answer. An
/// router's word about them (network or host unreachable, time exceeded) ends the wait at once and
/// is the answer where a hop was asked; about a TCP connection some kernels report nothing. Names
/// are asked by c-ares. Stopping the clock ends every question ("stopped").
class SystemProber : public Prober {
public:
    /// For the log: "icmp_datagram", or "icmp_raw, IPv6 by tcp" where they differ.
    [[nodiscard]] virtual std::string method() const = 0;
    /// False once the kernel refused SO_BINDTODEVICE: questions then take the route of the
    /// kernel's choice. Said in the log once.
    [[nodiscard]] virtual bool binds_to_device() const = 0;
};

/// Tries which methods this process may use. `only` leaves no choice (tests). `clock` and `entropy`
/// must outlive the prober and its probes.
[[nodiscard]] std::unique_ptr<SystemProber> open_system_prober(
    net::any_io_executor executor, Clock& clock, Entropy& entropy,
    std::optional<ProbeMethod> only = std::nullopt);

}  // namespace gerbang
