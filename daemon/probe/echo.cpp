#include "daemon/probe/echo.hpp"

namespace gerbang {
namespace {

constexpr std::uint8_t kReplyV4 = 0;
constexpr std::uint8_t kRequestV4 = 8;
constexpr std::uint8_t kRequestV6 = 128;
constexpr std::uint8_t kReplyV6 = 129;
constexpr std::size_t kHeader = 8;
constexpr std::uint8_t kProtocolIcmp = 1;
constexpr std::uint8_t kProtocolIcmpV6 = 58;
constexpr std::size_t kHeaderV6 = 40;

using ByteView = std::span<const std::uint8_t>;

std::uint16_t word_at(ByteView bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint16_t checksum(ByteView bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += word_at(bytes, i);
    if (bytes.size() % 2 != 0) sum += static_cast<std::uint32_t>(bytes.back()) << 8;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::uint64_t nonce_at(ByteView bytes, std::size_t at) {
    std::uint64_t nonce = 0;
    for (std::size_t i = 0; i < 8; ++i) nonce = nonce << 8 | bytes[at + i];
    return nonce;
}

/// The bytes behind an IPv4 header that carries ICMP; empty when it is none.
ByteView behind_ipv4(ByteView packet) {
    if (packet.size() < 20 || packet[0] >> 4 != 4) return {};
    const std::size_t header = (packet[0] & 15U) * 4U;
    if (header < 20 || packet.size() <= header || packet[9] != kProtocolIcmp) return {};
    return packet.subspan(header);
}

/// The bytes behind an IPv6 header that carries ICMPv6 directly; empty when it is none.
ByteView behind_ipv6(ByteView packet) {
    if (packet.size() <= kHeaderV6 || packet[6] != kProtocolIcmpV6) return {};
    return packet.subspan(kHeaderV6);
}

}  // namespace

std::array<std::uint8_t, kEchoBytes> make_echo_request(IpVersion version, const EchoKey& key) {
    std::array<std::uint8_t, kEchoBytes> bytes{};
    bytes[0] = version == IpVersion::v4 ? kRequestV4 : kRequestV6;
    bytes[4] = static_cast<std::uint8_t>(key.identifier >> 8);
    bytes[5] = static_cast<std::uint8_t>(key.identifier);
    bytes[6] = static_cast<std::uint8_t>(key.sequence >> 8);
    bytes[7] = static_cast<std::uint8_t>(key.sequence);
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[kHeader + i] = static_cast<std::uint8_t>(key.nonce >> (56 - 8 * i));
    }
    if (version == IpVersion::v4) {
        const auto sum = checksum(bytes);
        bytes[2] = static_cast<std::uint8_t>(sum >> 8);
        bytes[3] = static_cast<std::uint8_t>(sum);
    }
    return bytes;
}

bool is_echo_reply(IpVersion version, std::span<const std::uint8_t> message, bool has_ip_header,
                   bool match_identifier, const EchoKey& key) {
    const auto icmp = has_ip_header ? behind_ipv4(message) : message;
    if (icmp.size() != kEchoBytes) return false;
    return icmp[0] == (version == IpVersion::v4 ? kReplyV4 : kReplyV6) && icmp[1] == 0 &&
           (!match_identifier || word_at(icmp, 4) == key.identifier) &&
           word_at(icmp, 6) == key.sequence && nonce_at(icmp, kHeader) == key.nonce;
}

bool quotes_echo_request(IpVersion version, std::span<const std::uint8_t> quote,
                         bool match_identifier, const EchoKey& key) {
    if (quote.empty()) return false;
    auto icmp = quote;
    // No ICMP type looks like the first byte of an IP header.
    if (quote[0] >> 4 == 4) icmp = behind_ipv4(quote);
    if (quote[0] >> 4 == 6) icmp = behind_ipv6(quote);
    if (icmp.size() < kHeader) return false;
    return icmp[0] == (version == IpVersion::v4 ? kRequestV4 : kRequestV6) && icmp[1] == 0 &&
           (!match_identifier || word_at(icmp, 4) == key.identifier) &&
           word_at(icmp, 6) == key.sequence &&
           (icmp.size() < kEchoBytes || nonce_at(icmp, kHeader) == key.nonce);
}

}  // namespace gerbang
