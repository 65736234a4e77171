#pragma once

#include <cstdint>
#include <optional>

#include "common/core/time.hpp"

namespace gerbang {

/// What the WAN has carried so far, by the kernel's counters, and what of it was sync's own, as
/// `Uplink::traffic` counts (without TLS and TCP). Bytes since any fixed moment.
struct WanTraffic {
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t own_received_bytes = 0;
    std::uint64_t own_sent_bytes = 0;
};

/// How fast a drain may go beside the villagers' traffic.
///
/// While they use less than a tenth of what the link was seen to carry (in either direction), or
/// next to nothing, there is no limit. Else the drain has half of what they leave free: what it
/// took away goes back to them within some readings, as a download grows into whatever is free.
/// Never less than a fiftieth of the link, nor than `kFloorBytes` a second, so that a drain ends
/// however busy the village is.
///
/// What the link can carry is the most that it did carry, fading with `kMemory`: contracts say
/// another thing than links do. Pure; one thread.
class Yielding {
public:
    static constexpr std::uint64_t kFloorBytes = 2'000;  ///< a second
    static constexpr std::uint64_t kQuietBytes = 8'000;  ///< a second, of others: next to nothing
    static constexpr Millis kMemory{3'600'000};
    static constexpr Millis kLongestGap{60'000};  ///< between readings; longer: it starts anew

    /// A reading of `at`, once a tick. Counters that fell (another WAN, a reset) begin anew.
    void note(Monotonic at, const WanTraffic& traffic) noexcept;
    /// The counters cannot be read now: nothing is known of the others, and nothing yielded.
    void forget() noexcept;
    /// What all drains together may send, bytes per second; 0: no limit.
    [[nodiscard]] std::uint64_t drain_bytes_s() const noexcept { return drain_bytes_s_; }

private:
    /// One direction.
    struct Way {
        std::uint64_t best_bytes_s = 0;  ///< the most that it was seen to carry
        std::uint64_t not_seen = 0;      ///< own bytes that the kernel has, and the WAN has not
        std::uint64_t others_bytes_s = 0;

        void advance(std::uint64_t carried, std::uint64_t own, std::uint64_t took_ms) noexcept;
        /// Of a thousand.
        [[nodiscard]] std::uint64_t used_by_others() const noexcept;
    };

    std::optional<Monotonic> read_at_;
    WanTraffic read_;
    Way sent_;
    Way received_;
    std::uint64_t drain_bytes_s_ = 0;
};

}  // namespace gerbang
