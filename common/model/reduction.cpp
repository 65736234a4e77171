#include "common/model/reduction.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/core/check.hpp"
#include "common/model/rollup.hpp"

namespace gerbang {
namespace {

/// Distinct codes of one state in one block; later ones are lumped together. With
/// `part::kMaxStateCode` that makes 16, which is what `kMaxReducedColumns` allows for.
constexpr std::size_t kMaxCodes = 15;
/// A mean stands for no more readings than this, which keeps the sums below in 64 bits.
constexpr std::uint64_t kMaxCount = (std::uint64_t{1} << 31) - 1;

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) noexcept {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/// Sum of integers with weights, exact without 128-bit integers, which armhf lacks: the upper and
/// the lower 32 bits of each value are summed apart.
class WeightedSum {
public:
    void add(std::int64_t value, std::uint64_t weight) noexcept {
        weight = std::min(weight, kMaxCount - count_);
        high_ += (value >> 32) * static_cast<std::int64_t>(weight);
        low_ += (static_cast<std::uint64_t>(value) & 0xFFFFFFFFu) * weight;
        count_ += weight;
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    /// Rounded to the nearest, a half upwards; `count` is not 0.
    [[nodiscard]] std::int64_t mean() const noexcept {
        const auto count = static_cast<std::int64_t>(count_);
        auto quotient = high_ / count;
        auto rest = high_ % count;
        if (rest < 0) {
            rest += count;
            --quotient;
        }
        // rest < 2^31 and low_ < 2^63: the sum fits.
        const auto lower = (static_cast<std::uint64_t>(rest) << 32) + low_;
        auto mean = (static_cast<std::uint64_t>(quotient) << 32) + lower / count_;
        if (lower % count_ * 2 >= count_) ++mean;
        return static_cast<std::int64_t>(mean);
    }

private:
    std::int64_t high_ = 0;
    std::uint64_t low_ = 0;
    std::uint64_t count_ = 0;
};

/// One series in the interval being merged.
struct Merged {
    std::optional<std::int64_t> last;
    WeightedSum sum;
    std::int64_t minimum = INT64_MAX;
    std::int64_t maximum = INT64_MIN;
    std::vector<std::pair<std::uint8_t, std::uint64_t>> times;  ///< by code, ascending

    void add_reading(std::int64_t value) noexcept {
        sum.add(value, 1);
        minimum = std::min(minimum, value);
        maximum = std::max(maximum, value);
    }

    void add_time(std::uint8_t code, std::uint64_t ms) {
        const auto place = std::lower_bound(
            times.begin(), times.end(), code,
            [](const auto& each, std::uint8_t wanted) { return each.first < wanted; });
        if (place != times.end() && place->first == code) {
            place->second = saturating_add(place->second, ms);
        } else {
            times.insert(place, {code, ms});
        }
    }
};

struct SeriesPlan {
    SeriesId id;
    SeriesKind kind = SeriesKind::gauge;
    std::vector<std::uint8_t> codes;  ///< of a state, in order of appearance, at most `kMaxCodes`

    std::uint8_t admitted(std::uint8_t code) {
        if (std::find(codes.begin(), codes.end(), code) != codes.end()) return code;
        if (codes.size() >= kMaxCodes) return static_cast<std::uint8_t>(part::kMaxStateCode);
        codes.push_back(code);
        return code;
    }
};

std::uint8_t code_of(std::int64_t value) noexcept {
    const bool is_usual = value >= 0 && value < part::kMaxStateCode;
    return static_cast<std::uint8_t>(is_usual ? value : part::kMaxStateCode);
}

/// The ticks `begin` .. `end` - 1 of a chunk, all of one interval.
struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_last = false;  ///< nothing of the interval follows in a later span
};

/// A value of a merged point on its way into a column; `point` counts within the chunk.
struct Cell {
    SeriesId series;
    std::uint8_t part = 0;
    std::size_t point = 0;
    std::int64_t value = 0;
};

bool has_value(const Column& column, std::size_t tick) noexcept {
    return column.present.empty() || column.present[tick] != 0;
}

std::vector<Column> columns_from(std::vector<Cell> cells, std::size_t points) {
    const auto key = [](const Cell& cell) { return std::pair{cell.series, cell.part}; };
    if (points > 1) {
        std::stable_sort(cells.begin(), cells.end(),
                         [&](const Cell& a, const Cell& b) { return key(a) < key(b); });
    }
    std::vector<Column> columns;
    for (auto cell = cells.begin(); cell != cells.end();) {
        const auto end = std::find_if(cell, cells.end(),
                                      [&](const Cell& each) { return key(each) != key(*cell); });
        auto& column = columns.emplace_back();
        column.series = cell->series;
        column.part = cell->part;
        const auto count = static_cast<std::size_t>(end - cell);
        if (count < points) column.present.resize(points, 0);
        column.values.reserve(count);
        for (; cell != end; ++cell) {
            if (count < points) column.present[cell->point] = 1;
            column.values.push_back(cell->value);
        }
    }
    return columns;
}

class Reducer {
public:
    Reducer(std::vector<Record>& records, std::uint8_t level) : level_{level} {
        for (auto& record : records) {
            auto* chunk = std::get_if<Chunk>(&record.body);
            if (chunk != nullptr) chunks_.push_back(chunk);
        }
    }

    void run(const KindOf& kind_of) {
        if (!find_series(kind_of)) return;
        find_spans();
        find_durations();
        for (std::size_t c = 0; c < chunks_.size(); ++c) {
            if (is_reduced_here(*chunks_[c])) merge(c);
        }
    }

private:
    [[nodiscard]] bool is_reduced_here(const Chunk& chunk) const noexcept {
        return chunk.level <= level_;
    }

    /// False when there are more series than an epoch can have.
    bool find_series(const KindOf& kind_of) {
        struct Seen {
            SeriesId id;
            std::uint8_t part = 0;
        };
        std::vector<Seen> seen;
        for (const auto* chunk : chunks_) {
            if (!is_reduced_here(*chunk)) continue;
            // Most chunks have the columns of the one before: those are looked up, not gathered.
            auto next = plans_.cbegin();
            for (const auto& column : chunk->columns) {
                while (next != plans_.cend() && next->id < column.series) ++next;
                const bool is_known = next != plans_.cend() && next->id == column.series;
                if (!is_known || column.part != part::kValue) {
                    seen.push_back({column.series, column.part});
                }
            }
            if (seen.empty()) continue;
            for (const auto& each : seen) learn(each.id, each.part, kind_of);
            seen.clear();
        }
        merged_.resize(plans_.size());
        return plans_.size() <= kMaxSeries;
    }

    void learn(SeriesId id, std::uint8_t part, const KindOf& kind_of) {
        auto place = std::lower_bound(
            plans_.begin(), plans_.end(), id,
            [](const SeriesPlan& plan, SeriesId wanted) { return plan.id < wanted; });
        if (place == plans_.end() || place->id != id) {
            place = plans_.insert(place, {.id = id, .kind = kind_of(id), .codes = {}});
        }
        // What an earlier reduction took it for holds.
        if (part >= part::kStateTime) {
            place->kind = SeriesKind::state;
        } else if (part != part::kValue && place->kind == SeriesKind::counter) {
            place->kind = SeriesKind::gauge;
        }
    }

    void find_spans() {
        spans_.resize(chunks_.size());
        // Boots count from 1, so this is no interval.
        constexpr std::pair<BootNo, std::int64_t> kNone{BootNo{0}, 0};
        auto interval = kNone;
        Span* open = nullptr;
        const auto length = kReductionInterval[level_].count();
        for (std::size_t c = 0; c < chunks_.size(); ++c) {
            const auto& chunk = *chunks_[c];
            if (chunk.is_emptied()) continue;
            if (!is_reduced_here(chunk)) {
                if (open != nullptr) open->is_last = true;
                open = nullptr;
                interval = kNone;
                continue;
            }
            for (std::size_t t = 0; t < chunk.ticks.size(); ++t) {
                const std::pair<BootNo, std::int64_t> now{chunk.boot,
                                                          to_ms(chunk.ticks[t]) / length};
                if (interval != now || t == 0) {
                    if (interval != now && open != nullptr) open->is_last = true;
                    spans_[c].push_back({.begin = t, .end = t, .is_last = false});
                    open = &spans_[c].back();
                    interval = now;
                }
                open->end = t + 1;
            }
        }
        if (open != nullptr) open->is_last = true;
    }

    /// Milliseconds that each tick of level 0 stands for.
    void find_durations() {
        constexpr std::int64_t kFirst = -1;
        constexpr std::int64_t kGap = -2;
        const auto max_gap = UsageRollup::kMaxGap[0].count();
        durations_.resize(chunks_.size());
        std::vector<std::int64_t> usual;
        std::optional<DeviceTime> before;
        std::int64_t* first_of_boot = nullptr;
        for (std::size_t c = 0; c < chunks_.size(); ++c) {
            const auto& chunk = *chunks_[c];
            if (chunk.is_emptied()) continue;
            if (chunk.level != 0) {
                before = DeviceTime{chunk.boot, chunk.ticks.back()};
                first_of_boot = nullptr;
                continue;
            }
            auto& durations = durations_[c];
            durations.reserve(chunk.ticks.size());
            for (const auto tick : chunk.ticks) {
                if (!before || before->boot != chunk.boot) {
                    durations.push_back(kFirst);
                    first_of_boot = &durations.back();
                } else {
                    const auto passed = (tick - before->at).count();
                    const bool is_usual = passed > 0 && passed <= max_gap;
                    durations.push_back(is_usual ? passed : kGap);
                    if (is_usual) usual.push_back(passed);
                    if (is_usual && first_of_boot != nullptr) *first_of_boot = passed;
                    first_of_boot = nullptr;
                }
                before = DeviceTime{chunk.boot, tick};
            }
        }
        std::int64_t median = 0;
        if (!usual.empty()) {
            const auto middle = usual.begin() + static_cast<std::ptrdiff_t>(usual.size() / 2);
            std::nth_element(usual.begin(), middle, usual.end());
            median = *middle;
        }
        for (auto& durations : durations_) {
            for (auto& duration : durations) {
                if (duration < 0) duration = median;
            }
        }
    }

    /// Takes the chunk's readings and leaves the points that belong to it.
    void merge(std::size_t c) {
        auto& chunk = *chunks_[c];
        next_.assign(chunk.columns.size(), 0);
        std::vector<Monotonic> ticks;
        std::vector<Cell> cells;
        for (const auto& span : spans_[c]) {
            if (chunk.level == 0) {
                take_readings(chunk, span, durations_[c]);
            } else {
                take_points(chunk, span);
            }
            if (!span.is_last) continue;
            hand_out(cells, ticks.size());
            ticks.push_back(chunk.ticks[span.end - 1]);
        }
        chunk.level = level_;
        chunk.columns = columns_from(std::move(cells), ticks.size());
        chunk.ticks = std::move(ticks);
    }

    void take_readings(const Chunk& chunk, const Span& span,
                       const std::vector<std::int64_t>& durations) {
        std::size_t s = 0;
        for (std::size_t i = 0; i < chunk.columns.size(); ++i) {
            const auto& column = chunk.columns[i];
            while (plans_[s].id < column.series) ++s;
            auto& plan = plans_[s];
            auto& merged = merged_[s];
            for (std::size_t t = span.begin; t < span.end; ++t) {
                if (!has_value(column, t)) continue;
                const auto value = column.values[next_[i]++];
                if (plan.kind == SeriesKind::gauge) {
                    merged.add_reading(value);
                } else if (plan.kind == SeriesKind::state) {
                    merged.add_time(plan.admitted(code_of(value)),
                                    static_cast<std::uint64_t>(durations[t]));
                } else {
                    merged.last = value;
                }
            }
        }
    }

    /// Takes points of an earlier reduction. Such chunks have few ticks.
    void take_points(const Chunk& chunk, const Span& span) {
        std::size_t s = 0;
        for (std::size_t begin = 0; begin < chunk.columns.size();) {
            const auto series = chunk.columns[begin].series;
            auto end = begin;
            while (end < chunk.columns.size() && chunk.columns[end].series == series) ++end;
            while (plans_[s].id < series) ++s;
            for (std::size_t t = span.begin; t < span.end; ++t) {
                take_point(chunk, begin, end, t, plans_[s], merged_[s]);
            }
            begin = end;
        }
    }

    /// The parts of one series at one tick: columns `begin` .. `end` - 1.
    void take_point(const Chunk& chunk, std::size_t begin, std::size_t end, std::size_t tick,
                    SeriesPlan& plan, Merged& merged) {
        std::optional<std::int64_t> value;
        std::uint64_t count = 1;
        for (auto i = begin; i < end; ++i) {
            const auto& column = chunk.columns[i];
            if (!has_value(column, tick)) continue;
            const auto number = column.values[next_[i]++];
            if (column.part >= part::kStateTime) {
                const auto code = static_cast<std::uint8_t>(column.part - part::kStateTime);
                merged.add_time(plan.admitted(code), static_cast<std::uint64_t>(number));
            } else if (column.part == part::kCount) {
                count = static_cast<std::uint64_t>(number);
            } else {
                if (column.part == part::kValue) value = number;
                merged.minimum = std::min(merged.minimum, number);
                merged.maximum = std::max(merged.maximum, number);
            }
        }
        if (!value) return;
        merged.last = value;
        merged.sum.add(*value, count);
    }

    /// The merged point of the interval, as the chunk's `point`; the next interval begins.
    void hand_out(std::vector<Cell>& cells, std::size_t point) {
        for (std::size_t s = 0; s < plans_.size(); ++s) {
            const auto& plan = plans_[s];
            auto& merged = merged_[s];
            const auto put = [&](std::uint8_t part, std::int64_t value) {
                cells.push_back({plan.id, part, point, value});
            };
            if (plan.kind == SeriesKind::state) {
                for (const auto& [code, ms] : merged.times) {
                    put(static_cast<std::uint8_t>(part::kStateTime + code),
                        static_cast<std::int64_t>(std::min<std::uint64_t>(ms, INT64_MAX)));
                }
            } else if (plan.kind == SeriesKind::gauge && merged.sum.count() > 0) {
                put(part::kValue, merged.sum.mean());
                put(part::kMinimum, merged.minimum);
                put(part::kMaximum, merged.maximum);
                put(part::kCount, static_cast<std::int64_t>(merged.sum.count()));
            } else if (plan.kind == SeriesKind::counter && merged.last) {
                put(part::kValue, *merged.last);
            }
            merged = {};
        }
    }

    std::uint8_t level_;
    std::vector<Chunk*> chunks_;
    std::vector<SeriesPlan> plans_;  ///< ascending by id
    std::vector<Merged> merged_;     ///< beside `plans_`
    std::vector<std::vector<Span>> spans_;
    std::vector<std::vector<std::int64_t>> durations_;
    std::vector<std::size_t> next_;  ///< the value to come of each column of the present chunk
};

}  // namespace

std::vector<Record> reduce(std::vector<Record> records, std::uint8_t level, const KindOf& kind_of) {
    GERBANG_CHECK(level >= 1 && level <= kMaxLevel);
    Reducer{records, level}.run(kind_of);
    return records;
}

bool empty_out(Record& record) {
    auto* chunk = std::get_if<Chunk>(&record.body);
    if (chunk == nullptr || (chunk->is_emptied() && chunk->level == kMaxLevel)) return false;
    *chunk = Chunk{.boot = chunk->boot, .level = kMaxLevel, .ticks = {}, .columns = {}};
    return true;
}

}  // namespace gerbang
