#pragma once

// What the WAN's own counters say about the internet without asking anybody: pure.

#include <cstdint>
#include <optional>

#include "common/core/time.hpp"

namespace gerbang {

struct Surroundings;

/// Compares the WAN's counters from round to round.
class TrafficWatch {
public:
    struct Evidence {
        /// At least 20 packets and 10 kB more came in than our own questions and transfers, their
        /// overhead included, explain.
        bool has_inbound = false;
        bool is_saturated = false;  ///< more than 80 % of the rate, both directions together
    };

    /// One of our questions was answered: what came in with it.
    void note_echo() { note(1, 64); }
    void note_name() { note(1, 512); }
    void note_web() { note(12, 6'000); }

    /// What happened since the last call. Nothing for the first call and after counters fell: the
    /// WAN is another interface.
    [[nodiscard]] Evidence advance(Monotonic now, const Surroundings& around);

private:
    void note(std::uint64_t packets, std::uint64_t bytes) {
        own_packets_ += packets;
        own_bytes_ += bytes;
    }

    struct Counters {
        Monotonic at;
        std::uint64_t received_bytes = 0, received_packets = 0, total_bytes = 0;
        std::uint64_t own_received = 0, own_sent = 0;
    };
    std::optional<Counters> last_;
    std::uint64_t own_packets_ = 0;
    std::uint64_t own_bytes_ = 0;
};

}  // namespace gerbang
