#pragma once

// The words of the blueprint as plain values: readings, records, time, usage, outages, receipts.
// Everything in common/model is pure: no clock, no file, no thread, no third-party library.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"

namespace gerbang {

/// What a series' numbers mean over time. The numbers are part of the stored format.
enum class SeriesKind : std::uint8_t {
    counter = 1,  ///< monotonic, accumulated over resets, restarts and reboots
    gauge = 2,    ///< an amount at an instant
    state = 3,    ///< one of a small set of codes; see the series' documentation
};

struct Label {
    std::string name;   ///< `[a-z_][a-z0-9_]{0,31}`
    std::string value;  ///< UTF-8, at most 128 bytes
    auto operator<=>(const Label&) const = default;
};

/// What a column of numbers is. Written once per epoch as a `series` event, before first use.
struct Series {
    SeriesId id;
    std::string name;           ///< `[a-z][a-z0-9_]{0,63}`, Prometheus style: base unit, `_total`
    std::vector<Label> labels;  ///< sorted by name, unique, at most 8
    SeriesKind kind = SeriesKind::gauge;
    std::string unit;        ///< "bytes", "seconds", "celsius", "ratio" or empty
    std::uint8_t scale = 0;  ///< 0-9: the real number is the integer divided by 10^scale

    bool operator==(const Series&) const = default;
};

inline constexpr std::size_t kMaxSeries = 4096;
inline constexpr std::size_t kMaxTicksPerChunk = 1024;
inline constexpr std::uint8_t kMaxLevel = 3;  ///< of reduction; see reduction.hpp
/// A series of a reduced chunk has several parts (`Column::part`), 16 of them at most on average.
inline constexpr std::size_t kMaxReducedColumns = 16 * kMaxSeries;

/// What the numbers of a column tell of their series; part of the stored format. Chunks of level 0
/// have `kValue` alone.
namespace part {
/// As read at level 0. Reduced: a counter's last value, a gauge's mean; a state has none.
inline constexpr std::uint8_t kValue = 0;
inline constexpr std::uint8_t kMinimum = 1;  ///< of a gauge
inline constexpr std::uint8_t kMaximum = 2;  ///< of a gauge
inline constexpr std::uint8_t kCount = 3;    ///< readings behind a gauge's mean, at least 1
/// `kStateTime` + code: milliseconds that a state spent in `code`, from 0. Codes below 0 or above
/// `kMaxStateCode` count as `kMaxStateCode`. 4 to 15 are not in use.
inline constexpr std::uint8_t kStateTime = 16;
inline constexpr std::int64_t kMaxStateCode = 255 - kStateTime;
}  // namespace part

/// The values of one part of one series over a chunk.
///
/// `present` is empty when every tick has a value; otherwise it has one 0 or 1 per tick and at
/// least one 0. `values` holds the present values only, in tick order, so it is never empty.
struct Column {
    SeriesId series;
    std::vector<std::uint8_t> present;
    std::vector<std::int64_t> values;
    std::uint8_t part = part::kValue;

    bool operator==(const Column&) const = default;
};

/// The ticks of one durable commit, column by column.
///
/// `ticks` is strictly ascending, at most `kMaxTicksPerChunk`; `columns` is strictly ascending by
/// (series, part).
///
/// Level 0: readings as taken; at least one tick, at most `kMaxSeries` columns, all of part 0.
/// Levels 1-3: what is left of a chunk after reduction. A tick is then a merged point: it stands
/// for all ticks of its interval (60 s, 5 min, 1 h) and lies at the last of them. At most
/// `kMaxReducedColumns` columns. Without ticks, and then without columns, the chunk is *emptied*:
/// its readings were merged into a later record of their interval, or given up (then a loss record
/// names it). So every number of an epoch keeps its record.
struct Chunk {
    BootNo boot;
    std::uint8_t level = 0;
    std::vector<Monotonic> ticks;
    std::vector<Column> columns;

    bool operator==(const Chunk&) const = default;
    [[nodiscard]] bool is_emptied() const noexcept { return ticks.empty(); }
};

/// One tick on its way into a chunk: the readings taken at `at`, ascending by series.
struct Reading {
    SeriesId series;
    std::int64_t value = 0;
    auto operator<=>(const Reading&) const = default;
};
struct Tick {
    Monotonic at;
    std::vector<Reading> readings;

    bool operator==(const Tick&) const = default;
};

/// Turns ticks of one boot (strictly ascending times, 1 to `kMaxTicksPerChunk` of them) into the
/// chunk that holds exactly them.
[[nodiscard]] Chunk make_chunk(BootNo boot, const std::vector<Tick>& ticks);
/// The inverse of `make_chunk`; `chunk` is of level 0.
[[nodiscard]] std::vector<Tick> ticks_of(const Chunk& chunk);

/// Names of the series that more than one folder must know.
namespace series_name {
inline constexpr std::string_view kInterfaceReceiveBytes = "interface_receive_bytes_total";
inline constexpr std::string_view kInterfaceTransmitBytes = "interface_transmit_bytes_total";
inline constexpr std::string_view kInterfaceSuspectBytes = "interface_suspect_bytes_total";
/// The site's usage: bytes of whichever interface held the WAN role while they passed.
inline constexpr std::string_view kWanReceiveBytes = "wan_receive_bytes_total";
inline constexpr std::string_view kWanTransmitBytes = "wan_transmit_bytes_total";
/// State: 0 unknown, 1 up, 2 down.
inline constexpr std::string_view kLinkState = "link_state";
inline constexpr std::string_view kLabelInterface = "interface";
}  // namespace series_name

}  // namespace gerbang
