#include <algorithm>
#include <limits>

#include "common/core/check.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"

namespace gerbang::wire {
namespace {

/// First byte of a tick: whether its series are exactly those of the tick before.
constexpr std::uint8_t kOwnSeries = 0;
constexpr std::uint8_t kSameSeries = 1;

const std::vector<Reading> kNoReadings;

std::int64_t minus(std::int64_t a, std::int64_t b) noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::int64_t plus(std::int64_t a, std::int64_t b) noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

/// Walks the previous tick's readings alongside ascending series: 0 for a series it did not have.
class Before {
public:
    explicit Before(const std::vector<Reading>& readings) noexcept
        : next_{readings.begin()}, end_{readings.end()} {}

    std::int64_t value_of(SeriesId series) noexcept {
        while (next_ != end_ && next_->series < series) ++next_;
        return next_ != end_ && next_->series == series ? next_->value : 0;
    }

private:
    std::vector<Reading>::const_iterator next_;
    std::vector<Reading>::const_iterator end_;
};

bool is_well_formed(const Tick& tick) {
    if (to_ms(tick.at) < 0 || tick.readings.size() > kMaxSeries) return false;
    std::uint32_t last = 0;
    for (const auto& reading : tick.readings) {
        if (reading.series.value <= last) return false;
        last = reading.series.value;
    }
    return true;
}

}  // namespace

std::string encode_tick(const Tick& tick, const Tick* previous) {
    GERBANG_CHECK(is_well_formed(tick));
    const auto& before = previous != nullptr ? previous->readings : kNoReadings;
    const bool is_same =
        std::equal(tick.readings.begin(), tick.readings.end(), before.begin(), before.end(),
                   [](const Reading& a, const Reading& b) { return a.series == b.series; });
    std::string bytes;
    bytes.reserve(16 + tick.readings.size() * 2);
    put_u8(bytes, is_same ? kSameSeries : kOwnSeries);
    put_zigzag(bytes, minus(to_ms(tick.at), previous != nullptr ? to_ms(previous->at) : 0));
    if (!is_same) {
        put_varint(bytes, tick.readings.size());
        std::uint32_t last = 0;
        for (const auto& reading : tick.readings) {
            put_varint(bytes, reading.series.value - last - 1);
            last = reading.series.value;
        }
    }
    Before old{before};
    for (const auto& reading : tick.readings) {
        put_zigzag(bytes, minus(reading.value, old.value_of(reading.series)));
    }
    return bytes;
}

Result<Tick> decode_tick(std::string_view bytes, const Tick* previous) {
    const auto& before = previous != nullptr ? previous->readings : kNoReadings;
    ByteReader in{bytes};
    Tick tick;
    const auto form = in.u8("tick form");
    if (form > kSameSeries) in.fail("tick form");
    tick.at = monotonic_from_ms(
        plus(in.zigzag("tick time"), previous != nullptr ? to_ms(previous->at) : 0));
    if (in.ok() && to_ms(tick.at) < 0) in.fail("tick time");
    if (form == kSameSeries) {
        if (before.size() > in.remaining()) in.fail("tick values");
        if (in.ok()) tick.readings = before;
    } else {
        const auto count = in.varint("tick reading count", kMaxSeries);
        if (count > in.remaining()) in.fail("tick reading count");
        if (in.ok()) tick.readings.reserve(static_cast<std::size_t>(count));
        std::uint64_t last = 0;
        for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
            last += in.varint("tick series", std::numeric_limits<std::uint32_t>::max()) + 1;
            if (last > std::numeric_limits<std::uint32_t>::max()) in.fail("tick series");
            tick.readings.push_back({SeriesId{static_cast<std::uint32_t>(last)}, 0});
        }
    }
    Before old{before};
    for (auto& reading : tick.readings) {
        reading.value = plus(in.zigzag("tick value"), old.value_of(reading.series));
    }
    if (in.ok() && in.remaining() > 0) in.fail("length of the tick");
    if (!in.ok()) return in.error("tick");
    return tick;
}

}  // namespace gerbang::wire
