#include "daemon/sync/yielding.hpp"

#include <algorithm>

namespace gerbang {
namespace {

/// A body may lie in the kernel's buffers while the WAN carries it; more is never believed.
constexpr std::uint64_t kMostNotSeen = 4u << 20;
constexpr std::uint64_t kUsedAtAll = 100;  ///< of a thousand: less is nobody's download

}  // namespace

void Yielding::Way::advance(std::uint64_t carried, std::uint64_t own,
                            std::uint64_t took_ms) noexcept {
    const auto ours = own + not_seen;
    not_seen = ours > carried ? std::min(ours - carried, kMostNotSeen) : 0;
    others_bytes_s = (carried - std::min(carried, ours)) * 1000 / took_ms;
    const auto memory_ms = static_cast<std::uint64_t>(kMemory.count());
    const auto faded =
        best_bytes_s / memory_ms * took_ms + best_bytes_s % memory_ms * took_ms / memory_ms;
    best_bytes_s = std::max(best_bytes_s - std::min(best_bytes_s, faded), carried * 1000 / took_ms);
}

std::uint64_t Yielding::Way::used_by_others() const noexcept {
    return best_bytes_s == 0 ? 0
                             : std::min<std::uint64_t>(others_bytes_s * 1000 / best_bytes_s, 1000);
}

void Yielding::forget() noexcept {
    read_at_.reset();
    drain_bytes_s_ = 0;
}

void Yielding::note(Monotonic at, const WanTraffic& traffic) noexcept {
    const auto took_ms = read_at_ ? (at - *read_at_).count() : 0;
    const bool has_fallen = traffic.sent_bytes < read_.sent_bytes ||
                            traffic.received_bytes < read_.received_bytes ||
                            traffic.own_sent_bytes < read_.own_sent_bytes ||
                            traffic.own_received_bytes < read_.own_received_bytes;
    const bool is_first = !read_at_ || took_ms > kLongestGap.count();
    if (!is_first && !has_fallen && took_ms <= 0) return;
    const auto before = read_;
    read_at_ = at;
    read_ = traffic;
    if (is_first || has_fallen) {
        drain_bytes_s_ = 0;
        return;
    }
    const auto span = static_cast<std::uint64_t>(took_ms);
    const auto own_sent = traffic.own_sent_bytes - before.own_sent_bytes;
    const auto own_received = traffic.own_received_bytes - before.own_received_bytes;
    // TLS, TCP and IP add about a twelfth with what is sent again, and each two packets are
    // acknowledged by one of 1/32 of their size.
    sent_.advance(traffic.sent_bytes - before.sent_bytes, own_sent + own_sent / 12, span);
    received_.advance(traffic.received_bytes - before.received_bytes,
                      own_received + own_received / 12 + own_sent / 32, span);

    const auto used = std::max(sent_.used_by_others(), received_.used_by_others());
    if (used < kUsedAtAll || sent_.others_bytes_s + received_.others_bytes_s < kQuietBytes) {
        drain_bytes_s_ = 0;
        return;
    }
    drain_bytes_s_ =
        std::max({kFloorBytes, sent_.best_bytes_s / 50, sent_.best_bytes_s * (1000 - used) / 2000});
}

}  // namespace gerbang
