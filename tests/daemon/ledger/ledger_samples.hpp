#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "daemon/ledger/ledger.hpp"

namespace gerbang {

inline DeviceTime at(std::int64_t seconds, std::uint32_t boot = 1) {
    return {BootNo{boot}, monotonic_from_ms(seconds * 1000)};
}

inline Verdict good(std::int64_t seconds, std::uint32_t boot = 1) {
    return {.at = at(seconds, boot),
            .state = LinkState::up,
            .confidence = Confidence::high,
            .evidence = {}};
}

inline Verdict failed(DeviceTime when, Cause cause, Confidence confidence,
                      std::string evidence = {}) {
    return {.at = when,
            .state = LinkState::down,
            .cause = cause,
            .confidence = confidence,
            .evidence = std::move(evidence)};
}

inline Verdict dead(std::int64_t seconds, std::uint32_t boot = 1) {
    return failed(at(seconds, boot), Cause::isp, Confidence::medium, "a: time-out");
}

inline Verdict unplugged(std::int64_t seconds, std::uint32_t boot = 1) {
    return failed(at(seconds, boot), Cause::carrier, Confidence::high, "carrier 0 on eth0");
}

inline Verdict unasked(std::int64_t seconds, std::uint32_t boot = 1) {
    return {.at = at(seconds, boot), .evidence = {}, .carrier_is_up = true};
}

inline PreviousRun run_until(DeviceTime last, bool cleanly = false) {
    return {.last_tick = last,
            .ended_cleanly = cleanly,
            .ending = {cleanly ? Cause::off : Cause::device_off, Confidence::low, "device was off"},
            .open = {},
            .earlier = {},
            .longest_silence = Millis{60000}};
}

inline Outage segment(std::uint64_t id, std::uint32_t number, Cause cause, DeviceTime last_good,
                      DeviceTime first_bad) {
    return {.id = id,
            .segment = number,
            .link = "wan",
            .cause = cause,
            .last_good = last_good,
            .first_bad = first_bad,
            .last_bad = {},
            .first_good = {},
            .confidence = Confidence::medium,
            .evidence = "before"};
}

struct Ids {
    OutageIds ids;
};
/// The ledger of the WAN with outage numbers of its own.
struct Wan : private Ids, public Ledger {
    explicit Wan(unsigned k = 3, std::uint64_t last_outage_id = 0) : Ledger{k, "wan", ids, true} {
        ids.saw(last_outage_id);
    }
};

/// A ledger that just saw the link work at 100 s.
struct Healthy : Wan {
    explicit Healthy(unsigned k = 3) : Wan{k} {
        (void)start(std::nullopt, at(90), false);
        (void)observe(good(100));
    }
};

}  // namespace gerbang
