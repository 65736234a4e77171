#pragma once

// Reads what tests/bench/codec_record.py wrote; the format is described there.

#include <charconv>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/check.hpp"
#include "common/model/reading.hpp"

namespace gerbang {

/// Real counters of a machine, one tick a second.
struct Recording {
    std::vector<Series> series;
    std::vector<Tick> ticks;
};

/// Totals of a real site have run for months and the recording starts at zero, so every counter
/// that moves gets a deterministic past, about as long as it would have on a busy site.
[[nodiscard]] inline std::int64_t past_of(const Series& series) {
    if (series.kind != SeriesKind::counter) return 0;
    if (series.name.find("bytes") != std::string::npos) {
        return 812'345'678'901 + 77'777'777'777 * std::int64_t{series.id.value};
    }
    if (series.name.find("packets") != std::string::npos) {
        return 923'456'789 + 7'654'321 * std::int64_t{series.id.value};
    }
    return 1'234'567 + 98'765 * std::int64_t{series.id.value};
}

[[nodiscard]] inline Recording read_recording(const std::string& path) {
    std::ifstream file{path};
    GERBANG_CHECK(file.is_open());
    Recording recording;
    std::vector<std::int64_t> values;
    std::int64_t at_ms = 86'400'000;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        if (line.starts_with("series ")) {
            std::istringstream words{line.substr(7)};
            std::string label;
            std::string kind;
            int scale = 0;
            Series series;
            words >> series.name >> label >> kind >> scale;
            series.id = SeriesId{static_cast<std::uint32_t>(recording.series.size() + 1)};
            if (label != "-") series.labels.push_back({"of", label});
            series.kind = kind == "counter" ? SeriesKind::counter
                          : kind == "state" ? SeriesKind::state
                                            : SeriesKind::gauge;
            series.scale = static_cast<std::uint8_t>(scale);
            values.push_back(past_of(series));
            recording.series.push_back(std::move(series));
            continue;
        }
        std::string_view rest{line};
        const auto next_number = [&rest] {
            std::int64_t number = 0;
            const auto end = rest.find(',');
            const auto cell = rest.substr(0, end);
            if (!cell.empty()) {
                const auto [last, error] =
                    std::from_chars(cell.data(), cell.data() + cell.size(), number);
                GERBANG_CHECK(error == std::errc{} && last == cell.data() + cell.size());
            }
            rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
            return number;
        };
        at_ms += next_number();
        Tick tick{monotonic_from_ms(at_ms), {}};
        for (std::size_t s = 0; s < values.size(); ++s) {
            values[s] += next_number();
            tick.readings.push_back({recording.series[s].id, values[s]});
        }
        recording.ticks.push_back(std::move(tick));
    }
    return recording;
}

/// Every `every`-th tick, `per_chunk` to a chunk; a last incomplete chunk is left out.
[[nodiscard]] inline std::vector<Chunk> chunks_of(const Recording& recording, std::size_t every,
                                                  std::size_t per_chunk) {
    std::vector<Chunk> chunks;
    std::vector<Tick> ticks;
    for (std::size_t i = 0; i < recording.ticks.size(); i += every) {
        ticks.push_back(recording.ticks[i]);
        if (ticks.size() < per_chunk) continue;
        chunks.push_back(make_chunk(BootNo{3}, ticks));
        ticks.clear();
    }
    return chunks;
}

}  // namespace gerbang
