#include "common/model/reading.hpp"

#include <algorithm>
#include <map>

#include "common/core/check.hpp"

namespace gerbang {

Chunk make_chunk(BootNo boot, const std::vector<Tick>& ticks) {
    GERBANG_CHECK(!ticks.empty() && ticks.size() <= kMaxTicksPerChunk);
    Chunk chunk{.boot = boot, .level = 0, .ticks = {}, .columns = {}};
    std::map<SeriesId, Column> columns;
    for (std::size_t i = 0; i < ticks.size(); ++i) {
        GERBANG_CHECK(i == 0 || ticks[i].at > ticks[i - 1].at);
        chunk.ticks.push_back(ticks[i].at);
        for (const auto& reading : ticks[i].readings) {
            auto& column = columns[reading.series];
            column.series = reading.series;
            column.present.resize(ticks.size(), 0);
            GERBANG_CHECK(column.present[i] == 0);
            column.present[i] = 1;
            column.values.push_back(reading.value);
        }
    }
    GERBANG_CHECK(columns.size() <= kMaxSeries);
    chunk.columns.reserve(columns.size());
    for (auto& [id, column] : columns) {
        if (column.values.size() == ticks.size()) column.present.clear();
        chunk.columns.push_back(std::move(column));
    }
    return chunk;
}

std::vector<Tick> ticks_of(const Chunk& chunk) {
    GERBANG_CHECK(chunk.level == 0);
    std::vector<Tick> ticks(chunk.ticks.size());
    for (std::size_t i = 0; i < ticks.size(); ++i) ticks[i].at = chunk.ticks[i];
    for (const auto& column : chunk.columns) {
        std::size_t next = 0;
        for (std::size_t i = 0; i < ticks.size(); ++i) {
            if (!column.present.empty() && column.present[i] == 0) continue;
            ticks[i].readings.push_back({column.series, column.values[next++]});
        }
    }
    return ticks;
}

}  // namespace gerbang
