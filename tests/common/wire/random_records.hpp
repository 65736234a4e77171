#pragma once

// Well-formed records of every shape, from a seed.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "common/model/facts.hpp"
#include "common/model/record.hpp"

namespace gerbang {

class RandomRecords {
public:
    explicit RandomRecords(std::uint64_t seed) : engine_{seed} {}

    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
    bool chance(unsigned percent) { return below(100) < percent; }

    /// Numbers that codecs get wrong, between ordinary ones.
    std::int64_t number() {
        switch (below(8)) {
            case 0:
                return std::numeric_limits<std::int64_t>::min();
            case 1:
                return std::numeric_limits<std::int64_t>::max();
            case 2:
                return -static_cast<std::int64_t>(below(300));
            case 3:
                return static_cast<std::int64_t>(engine_());
            default:
                return static_cast<std::int64_t>(below(std::uint64_t{1} << below(50)));
        }
    }

    std::string text(std::size_t max) {
        std::string text(below(max + 1), ' ');
        for (auto& c : text) c = static_cast<char>(' ' + below(95));
        return text;
    }

    Event event(DeviceTime at) {
        Event event{static_cast<EventKind>(1 + below(255)), at, {}};
        const auto count = chance(5) ? kMaxFieldsPerEvent : below(12);
        for (std::size_t i = 0; i < count; ++i) {
            Field field{"k" + std::to_string(i) + (chance(30) ? "_x.y" : ""), number()};
            if (chance(50)) field.value = chance(5) ? std::string(1024, 'z') : text(40);
            event.fields.push_back(std::move(field));
        }
        return event;
    }

    /// `at` moves on to the last tick.
    Chunk chunk(DeviceTime& at) {
        const std::size_t tick_count = chance(3) ? 1 + below(200) : 1 + below(8);
        std::vector<Tick> ticks(tick_count);
        const bool is_regular = chance(60);
        for (auto& tick : ticks) {
            at.at += Millis{is_regular ? 10'000 : 1 + static_cast<std::int64_t>(below(30'000))};
            tick.at = at.at;
        }
        const std::size_t series_count = below(20);
        std::uint32_t id = 0;
        for (std::size_t s = 0; s < series_count; ++s) {
            id += chance(95) ? 1 + static_cast<std::uint32_t>(below(3))
                             : 1 + static_cast<std::uint32_t>(below(100'000));
            fill_series(SeriesId{id}, ticks);
        }
        return make_chunk(at.boot, ticks);
    }

    /// What reduction may leave of a chunk, and more: any parts of its series, or nothing at all.
    Chunk reduced_chunk(DeviceTime& at) {
        auto chunk = this->chunk(at);
        chunk.level = static_cast<std::uint8_t>(1 + below(kMaxLevel));
        if (chance(40)) {
            chunk.ticks.clear();
            chunk.columns.clear();
            return chunk;
        }
        std::vector<Column> columns;
        for (const auto& column : chunk.columns) {
            for (unsigned part = 0; part <= 255; ++part) {
                const bool is_in_use = part <= part::kCount || part >= part::kStateTime;
                if (!is_in_use || !chance(part <= part::kCount ? 60 : 1)) continue;
                auto& made = columns.emplace_back(column);
                made.part = static_cast<std::uint8_t>(part);
                if (part < part::kCount) continue;
                for (auto& value : made.values) {
                    value = std::max<std::int64_t>(value, part == part::kCount ? 1 : 0);
                }
            }
        }
        chunk.columns = std::move(columns);
        return chunk;
    }

    /// As `records`, with reduced chunks and emptied ones, in runs, among the others.
    std::vector<Record> reduced_records(std::size_t count) {
        auto records = this->records(count);
        bool is_reduced = false;
        for (auto& record : records) {
            if (chance(20)) is_reduced = !is_reduced;
            auto* raw = std::get_if<Chunk>(&record.body);
            if (raw == nullptr || !is_reduced) continue;
            DeviceTime at{raw->boot, raw->ticks.front()};
            *raw = reduced_chunk(at);
        }
        return records;
    }

    /// Contiguous records of both kinds over several boots.
    std::vector<Record> records(std::size_t count) {
        std::vector<Record> records;
        Seq seq{1 + below(std::uint64_t{1} << below(39))};
        DeviceTime at{BootNo{1 + static_cast<std::uint32_t>(below(500))},
                      monotonic_from_ms(static_cast<std::int64_t>(below(1'000'000'000)))};
        for (std::size_t i = 0; i < count; ++i, seq = seq.next()) {
            if (chance(4)) at = {BootNo{at.boot.value + 1}, monotonic_from_ms(5'000)};
            if (chance(70)) {
                records.push_back({seq, chunk(at)});
            } else {
                records.push_back({seq, event(at)});
            }
        }
        return records;
    }

private:
    void fill_series(SeriesId id, std::vector<Tick>& ticks) {
        const auto shape = below(6);
        auto value = number();
        const auto step = static_cast<std::int64_t>(below(100'000));
        bool any = false;
        for (std::size_t t = 0; t < ticks.size(); ++t) {
            const auto last = t + 1 == ticks.size();
            if (shape == 5 && chance(40) && !(last && !any)) continue;
            any = true;
            ticks[t].readings.push_back({id, value});
            if (shape == 1) value = advance(value, step);
            if (shape == 2) value = advance(value, static_cast<std::int64_t>(below(5'000)));
            if (shape == 3) value = number();
            if (shape == 4) value = advance(value, static_cast<std::int64_t>(below(3)) * 4'194'304);
        }
    }

    static std::int64_t advance(std::int64_t value, std::int64_t step) {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) +
                                         static_cast<std::uint64_t>(step));
    }

    std::mt19937_64 engine_;
};

}  // namespace gerbang
