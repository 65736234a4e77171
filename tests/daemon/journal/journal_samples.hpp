#pragma once

// Records of a small gateway for the journal's tests: one WAN interface, realistic in shape.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/model/facts.hpp"
#include "common/model/record.hpp"
#include "common/wire/chain.hpp"
#include "daemon/journal/journal.hpp"

namespace gerbang::samples {

inline EpochId epoch_id(std::uint8_t n) {
    EpochId id;
    id.bytes.fill(n);
    return id;
}

inline BootId boot_id(std::uint8_t n) {
    BootId id;
    id.bytes.fill(static_cast<std::uint8_t>(n + 100));
    return id;
}

inline DeviceTime at(std::uint32_t boot, std::int64_t seconds) {
    return {BootNo{boot}, monotonic_from_ms(seconds * 1000)};
}

inline EpochFact epoch_fact(std::uint8_t n, EpochId parent = {}) {
    EpochFact fact;
    fact.id = epoch_id(n);
    fact.parent = parent;
    fact.reason = parent.is_none() ? "new" : "diverged";
    fact.hardware = "00ff";
    return fact;
}

inline Series wan_series(std::uint32_t id, bool is_transmit) {
    Series series;
    series.id = SeriesId{id};
    series.name = is_transmit ? series_name::kWanTransmitBytes : series_name::kWanReceiveBytes;
    series.kind = SeriesKind::counter;
    series.unit = "bytes";
    return series;
}

inline Series interface_series(std::uint32_t id, const std::string& name, bool is_transmit) {
    auto series = wan_series(id, is_transmit);
    series.name =
        is_transmit ? series_name::kInterfaceTransmitBytes : series_name::kInterfaceReceiveBytes;
    series.labels = {{std::string{series_name::kLabelInterface}, name}};
    return series;
}

/// What follows the epoch's record: the boot, two WAN series and a gauge.
inline std::vector<RecordBody> beginning(std::uint32_t boot = 1) {
    Series gauge;
    gauge.id = SeriesId{3};
    gauge.name = "load_ratio";
    gauge.scale = 2;
    const auto now = at(boot, 5);
    return {to_event(BootFact{boot_id(static_cast<std::uint8_t>(boot))}, now),
            to_event(wan_series(1, false), now), to_event(wan_series(2, true), now),
            to_event(gauge, now)};
}

inline Event anchor(std::uint32_t boot, std::int64_t device_s, std::int64_t wall_s) {
    Anchor value;
    value.at = at(boot, device_s);
    value.wall = wall_from_ms(wall_s * 1000);
    value.uncertainty = Millis{20};
    return to_event(value);
}

/// Six ticks, ten seconds apart, from `first_s` on; the WAN total grows by `step` bytes a tick
/// received and a tenth of it sent, starting after `base`.
inline Chunk minute(std::uint32_t boot, std::int64_t first_s, std::int64_t base,
                    std::int64_t step) {
    std::vector<Tick> ticks;
    for (std::int64_t i = 0; i < 6; ++i) {
        Tick tick;
        tick.at = monotonic_from_ms((first_s + i * 10) * 1000);
        tick.readings = {{SeriesId{1}, base + (i + 1) * step},
                         {SeriesId{2}, base / 10 + (i + 1) * step / 10},
                         {SeriesId{3}, 40 + i}};
        ticks.push_back(std::move(tick));
    }
    return make_chunk(BootNo{boot}, ticks);
}

/// Minute `n` (from 0) of a boot, contiguous with minute `n` - 1.
inline Chunk nth_minute(std::uint32_t boot, std::int64_t n, std::int64_t step = 50'000) {
    return minute(boot, 10 + n * 60, n * 6 * step, step);
}

}  // namespace gerbang::samples
