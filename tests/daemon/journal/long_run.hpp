#pragma once

// Weeks of a village in seconds: the recorded real counters of tests/bench, repeated with seeded
// variation, as the minute commits of a journal.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "common/model/facts.hpp"
#include "common/model/record.hpp"
#include "tests/bench/codec_recording.hpp"

namespace gerbang {

/// The readings of `recording`, over and over, a tick every `every` seconds.
///
/// No repetition is like another: each tick takes a recorded one from up to one interval beside its
/// place, and every increment of a counter is changed by up to an eighth. Without that a pack of an
/// hour would hold the half hour of the recording twice, and the compressor would see it.
class LongRun {
public:
    LongRun(const Recording& recording, std::size_t every, std::uint64_t seed)
        : recording_{recording}, every_{every}, random_{seed} {
        for (const auto& reading : recording.ticks.front().readings) {
            values_.push_back(reading.value);
        }
    }

    /// What introduces the series: the first records after the epoch's own.
    [[nodiscard]] std::vector<RecordBody> beginning(BootNo boot) const {
        const DeviceTime at{boot, monotonic_from_ms(1'000)};
        std::vector<RecordBody> bodies;
        BootId id;
        id.bytes.fill(static_cast<std::uint8_t>(boot.value));
        bodies.emplace_back(to_event(BootFact{id}, at));
        for (const auto& series : recording_.series) bodies.emplace_back(to_event(series, at));
        return bodies;
    }

    /// The ticks of the next minute.
    [[nodiscard]] Chunk minute(BootNo boot) {
        std::vector<Tick> ticks(60 / every_);
        for (auto& tick : ticks) {
            at_ms_ += static_cast<std::int64_t>(every_) * 1'000 + jitter(2);
            place_ = (place_ + every_) % (recording_.ticks.size() - 4 * every_);
            const auto taken = place_ + 2 * every_ +
                               static_cast<std::size_t>(jitter(static_cast<std::int64_t>(every_)) +
                                                        static_cast<std::int64_t>(every_));
            tick.at = monotonic_from_ms(at_ms_);
            const auto& now = recording_.ticks[taken - every_].readings;
            const auto& before = recording_.ticks[taken - 2 * every_].readings;
            for (std::size_t s = 0; s < values_.size(); ++s) {
                if (recording_.series[s].kind == SeriesKind::counter) {
                    const auto step = now[s].value - before[s].value;
                    values_[s] += step + (step >= 8 ? jitter(step / 8) : 0);
                } else {
                    values_[s] = now[s].value;
                }
                tick.readings.push_back({recording_.series[s].id, values_[s]});
            }
        }
        return make_chunk(boot, ticks);
    }

    [[nodiscard]] std::int64_t at_ms() const { return at_ms_; }
    [[nodiscard]] std::size_t readings_per_minute() const { return 60 / every_ * values_.size(); }

private:
    /// -`most` to `most`.
    std::int64_t jitter(std::int64_t most) {
        return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(2 * most + 1)) -
               most;
    }

    const Recording& recording_;
    std::size_t every_;
    std::mt19937_64 random_;
    std::vector<std::int64_t> values_;
    std::int64_t at_ms_ = 5'000;
    std::size_t place_ = 0;
};

}  // namespace gerbang
