#include "daemon/meter/health.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/meter/proc_parse.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

std::int64_t rounded_down(std::uint64_t value, std::uint64_t step) noexcept {
    return static_cast<std::int64_t>(value / step * step);
}

void add(std::vector<Reading>& into, SeriesId series, std::int64_t value) {
    if (series.value != 0) into.push_back({series, value});
}

}  // namespace

Health::Health(const HostPaths& paths, SeriesTable& series)
    : state_{paths.state},
      device_{paths.state, paths.sys},
      load_{paths.proc + "/loadavg"},
      memory_{paths.proc + "/meminfo"},
      stat_{paths.proc + "/self/stat"},
      statm_{paths.proc + "/self/statm"},
      io_{paths.proc + "/self/io"} {
    const auto gauge = [&series](std::string_view name, std::string_view unit,
                                 std::uint8_t scale = 0) {
        return series.intern(name, {}, SeriesKind::gauge, unit, scale);
    };
    load_series_ = gauge("system_load1", "", 2);
    memory_series_ = gauge("system_memory_available_bytes", "bytes");
    free_series_ = gauge("state_free_bytes", "bytes");
    resident_series_ = gauge("daemon_memory_bytes", "bytes");
    cpu_series_ = series.intern("daemon_cpu_seconds_total", {}, SeriesKind::counter, "seconds", 3);
    written_series_ = series.intern("daemon_written_bytes_total", {}, SeriesKind::counter, "bytes");
    device_series_ = gauge("state_device_written_bytes", "bytes");
    find_zones(paths.sys, series);
    if (const auto hertz = ::sysconf(_SC_CLK_TCK); hertz > 0) tick_ms_ = 1000 / hertz;
    if (const auto page = ::sysconf(_SC_PAGESIZE); page > 0)
        page_bytes_ = static_cast<std::uint64_t>(page);
}

void Health::find_zones(const std::string& sys, SeriesTable& series) {
    zones_.reserve(kMaxZones);
    // Zones are numbered from 0, mostly without a gap.
    constexpr int kLooked = 16;
    for (int i = 0; i < kLooked && zones_.size() < kMaxZones; ++i) {
        const auto number = std::to_string(i);
        SmallFile file{sys + "/class/thermal/thermal_zone" + number + "/temp"};
        if (!file.is_open()) continue;
        const auto id = series.intern("system_temperature_celsius", {{"zone", number}},
                                      SeriesKind::gauge, "celsius", 1);
        zones_.push_back({std::move(file), id});
    }
}

void Health::restore(const std::vector<Reading>& totals) {
    for (const auto& total : totals) {
        if (total.series.value == 0) continue;
        if (total.series == cpu_series_) earlier_cpu_ms_ = total.value;
        if (total.series == written_series_) earlier_written_ = total.value;
    }
}

void Health::read(Monotonic now, std::vector<Reading>& into) {
    // The kernel computes its load every 5 s; at a faster tick more readings would say nothing new.
    const auto moment = to_ms(now) / 5'000;
    if (std::exchange(moment_, moment) != moment) read_load(into);
    const auto minute = to_ms(now) / 60'000;
    if (std::exchange(minute_, minute) != minute) read_slow_ones(into);
}

void Health::read_load(std::vector<Reading>& into) {
    std::array<char, 4096> buffer;
    if (const auto text = load_.read(buffer)) {
        if (const auto load = proc::parse_load1(*text)) add(into, load_series_, *load);
    }
    if (const auto text = memory_.read(buffer)) {
        if (const auto free = proc::parse_memory_available(*text))
            add(into, memory_series_, rounded_down(free->value, 4 * kMiB));
    }
    for (const auto& zone : zones_) {
        const auto text = zone.file.read(buffer);
        if (!text) continue;
        if (const auto temperature = proc::parse_millicelsius(*text))
            add(into, zone.series, *temperature / 500 * 5);
    }
}

void Health::read_slow_ones(std::vector<Reading>& into) {
    std::array<char, 4096> buffer;
    if (const auto text = stat_.read(buffer)) {
        if (const auto ticks = proc::parse_cpu_ticks(*text))
            add(into, cpu_series_, earlier_cpu_ms_ + static_cast<std::int64_t>(*ticks) * tick_ms_);
    }
    if (const auto text = statm_.read(buffer)) {
        if (const auto pages = proc::parse_resident_pages(*text))
            add(into, resident_series_, rounded_down(*pages * page_bytes_, kMiB / 16));
    }
    if (const auto text = io_.read(buffer)) {
        if (const auto bytes = proc::parse_write_bytes(*text))
            add(into, written_series_, earlier_written_ + rounded_down(*bytes, kMiB / 16));
    }
    device_.read();
    if (const auto bytes = device_.written_bytes())
        add(into, device_series_, rounded_down(static_cast<std::uint64_t>(*bytes), kMiB / 16));
    struct statvfs facts {};
    if (::statvfs(state_.c_str(), &facts) != 0) return;
    const auto free = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
    add(into, free_series_, rounded_down(free, kMiB));
}

}  // namespace gerbang
