#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/model/reading.hpp"
#include "common/model/series_table.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/meter/small_file.hpp"
#include "daemon/meter/state_device.hpp"

namespace gerbang {

/// How the box itself is doing, as series:
///
/// | series | unit, scale | precision |
/// |---|---|---|
/// | `system_load1` | -, 2 | as the kernel says |
/// | `system_memory_available_bytes` | bytes | 4 MiB |
/// | `system_temperature_celsius{zone}` | celsius, 1 | 0.5; at most 4 zones |
/// | `state_free_bytes` | bytes | 1 MiB; free for the daemon's user, of the state folder |
/// | `daemon_cpu_seconds_total` | seconds, 3 | counter; the CPU time of all runs of the daemon |
/// | `daemon_written_bytes_total` | bytes | 64 KiB; counter; what all runs of the daemon made the
/// kernel write to storage, in whole pages, without the file system's own writes | |
/// `state_device_written_bytes` | bytes | 64 KiB; what the block device of the state folder was
/// given since the boot, by all programs and the file system; see `StateDevice` | |
/// `daemon_memory_bytes` | bytes | 64 KiB; resident |
///
/// Coarse on purpose: noise in the low digits costs flash and airtime. What cannot be read has no
/// reading and is no error. Files stay open; a reading allocates nothing. Loop thread only.
class Health {
public:
    /// `series` is used here only; a full table leaves readings out.
    Health(const HostPaths& paths, SeriesTable& series);

    /// Once, before the first `read`: the CPU time and the writes of earlier runs go on.
    void restore(const std::vector<Reading>& totals);
    /// Appends what can be read now; load, memory and temperature at most every 5 s, free space and
    /// the daemon's own figures at most once a minute of device time: the one may wait for the file
    /// system, the others cost the kernel more than the rest of a tick.
    void read(Monotonic now, std::vector<Reading>& into);
    /// As of the last reading of the slow ones.
    [[nodiscard]] const StateDevice& state_device() const noexcept { return device_; }

private:
    static constexpr std::size_t kMaxZones = 4;
    struct Zone {
        SmallFile file;
        SeriesId series;
    };
    void find_zones(const std::string& sys, SeriesTable& series);
    void read_load(std::vector<Reading>& into);
    void read_slow_ones(std::vector<Reading>& into);

    std::string state_;
    StateDevice device_;
    SmallFile load_, memory_, stat_, statm_, io_;
    std::vector<Zone> zones_;
    SeriesId load_series_, memory_series_, free_series_, cpu_series_, resident_series_;
    SeriesId written_series_, device_series_;
    std::int64_t earlier_cpu_ms_ = 0;
    std::int64_t earlier_written_ = 0;
    std::int64_t moment_ = -1;  ///< 5 s of the last reading of the load
    std::int64_t minute_ = -1;  ///< of the last slow reading
    std::int64_t tick_ms_ = 10;
    std::uint64_t page_bytes_ = 4096;
};

}  // namespace gerbang
