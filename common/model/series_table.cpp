#include "common/model/series_table.hpp"

#include <algorithm>
#include <utility>

namespace gerbang {
namespace {

std::string key_of(std::string_view name, const std::vector<Label>& labels) {
    std::string key{name};
    for (const auto& label : labels) {
        key.push_back('\x1f');
        key += label.name;
        key.push_back('\x1e');
        key += label.value;
    }
    return key;
}

}  // namespace

SeriesTable::SeriesTable(std::vector<Series> known)
    : series_{std::move(known)}, introduced_{series_.size()} {
    std::sort(series_.begin(), series_.end(),
              [](const Series& a, const Series& b) { return a.id < b.id; });
    for (const auto& series : series_) by_key_[key_of(series.name, series.labels)] = series.id;
}

SeriesId SeriesTable::intern(std::string_view name, std::vector<Label> labels, SeriesKind kind,
                             std::string_view unit, std::uint8_t scale) {
    std::sort(labels.begin(), labels.end());
    auto key = key_of(name, labels);
    if (const auto found = by_key_.find(key); found != by_key_.end()) return found->second;
    if (series_.size() >= kMaxSeries) return SeriesId{};
    const SeriesId id{series_.empty() ? 1 : series_.back().id.value + 1};
    series_.push_back({.id = id,
                       .name = std::string{name},
                       .labels = std::move(labels),
                       .kind = kind,
                       .unit = std::string{unit},
                       .scale = scale});
    by_key_.emplace(std::move(key), id);
    return id;
}

std::vector<Series> SeriesTable::take_new() {
    std::vector<Series> fresh(series_.begin() + static_cast<std::ptrdiff_t>(introduced_),
                              series_.end());
    introduced_ = series_.size();
    return fresh;
}

void SeriesTable::reintroduce_all() {
    introduced_ = 0;
}

const Series* SeriesTable::find(SeriesId id) const noexcept {
    const auto found =
        std::lower_bound(series_.begin(), series_.end(), id,
                         [](const Series& series, SeriesId wanted) { return series.id < wanted; });
    return found != series_.end() && found->id == id ? &*found : nullptr;
}

}  // namespace gerbang
