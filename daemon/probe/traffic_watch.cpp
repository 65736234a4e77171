#include "daemon/probe/traffic_watch.hpp"

#include <utility>

#include "daemon/probe/ladder_walk.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kLeastPackets = 20;
constexpr std::uint64_t kLeastBytes = 10'000;

// Overhead of our own transfers: headers on what came, an acknowledgement for every segment that
// went, and a handshake.
constexpr std::uint64_t kHandshakeBytes = 6'000;
constexpr std::uint64_t kHandshakePackets = 12;
constexpr std::uint64_t kSmallSegment = 1'000;
constexpr std::uint64_t kAcknowledgement = 66;

}  // namespace

TrafficWatch::Evidence TrafficWatch::advance(Monotonic now, const Surroundings& around) {
    const Counters seen{.at = now,
                        .received_bytes = around.wan_received_bytes,
                        .received_packets = around.wan_received_packets,
                        .total_bytes = around.wan_total_bytes,
                        .own_received = around.own_received_bytes,
                        .own_sent = around.own_sent_bytes};
    const auto before = std::exchange(last_, seen);
    auto packets = std::exchange(own_packets_, 0);
    auto bytes = std::exchange(own_bytes_, 0);
    if (!before || seen.received_bytes < before->received_bytes ||
        seen.received_packets < before->received_packets ||
        seen.total_bytes < before->total_bytes || seen.own_received < before->own_received ||
        seen.own_sent < before->own_sent) {
        return {};
    }
    const auto received = seen.own_received - before->own_received;
    const auto sent = seen.own_sent - before->own_sent;
    if (received > 0 || sent > 0) {
        const auto segments = received / kSmallSegment + sent / kSmallSegment;
        packets += kHandshakePackets + segments;
        bytes += kHandshakeBytes + received + segments * kAcknowledgement;
    }
    Evidence evidence;
    evidence.has_inbound =
        seen.received_packets - before->received_packets >= kLeastPackets + packets &&
        seen.received_bytes - before->received_bytes >= kLeastBytes + bytes;
    const auto elapsed_ms = (now - before->at).count();
    if (around.rate_bit_per_s > 0 && elapsed_ms > 0) {
        // 80 % of rate x elapsed, in bytes; divided first, as a rate may be large.
        const auto full =
            around.rate_bit_per_s / 1'000 * static_cast<std::uint64_t>(elapsed_ms) / 8;
        evidence.is_saturated = seen.total_bytes - before->total_bytes > full / 5 * 4;
    }
    return evidence;
}

}  // namespace gerbang
