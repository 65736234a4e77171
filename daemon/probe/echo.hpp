#pragma once

// ICMP echo messages as bytes: pure, for IPv4 (RFC 792) and IPv6 (RFC 4443).

#include <array>
#include <cstdint>
#include <span>

namespace gerbang {

enum class IpVersion : std::uint8_t { v4, v6 };

/// What makes an answer ours. The nonce alone decides on datagram sockets, where the kernel
/// replaces the identifier.
struct EchoKey {
    std::uint16_t identifier = 0;
    std::uint16_t sequence = 0;
    std::uint64_t nonce = 0;
    bool operator==(const EchoKey&) const = default;
};

inline constexpr std::size_t kEchoBytes = 16;  ///< header 8, nonce 8: the least that is safe

/// An echo request. The checksum is filled in for IPv4; for IPv6 the kernel does it.
[[nodiscard]] std::array<std::uint8_t, kEchoBytes> make_echo_request(IpVersion version,
                                                                     const EchoKey& key);

/// True when `message`, as a socket delivers it, is the echo reply to `key`. Any bytes may be
/// given: somebody else's, truncated and malformed messages are not ours. `has_ip_header`: a raw
/// IPv4 socket puts it in front. `match_identifier`: false for datagram sockets.
[[nodiscard]] bool is_echo_reply(IpVersion version, std::span<const std::uint8_t> message,
                                 bool has_ip_header, bool match_identifier, const EchoKey& key);

/// True when `quote` is our request as an error message quotes it: the IP header, which the kernel
/// may have taken off, and at least 8 bytes of ICMP. The nonce is compared when it is there. Any
/// bytes may be given.
[[nodiscard]] bool quotes_echo_request(IpVersion version, std::span<const std::uint8_t> quote,
                                       bool match_identifier, const EchoKey& key);

}  // namespace gerbang
