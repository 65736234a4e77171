#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/reading.hpp"

namespace gerbang {

/// Gives every series its number in the epoch and remembers which must still be introduced by a
/// `series` event. Lookups allocate; keep the returned id, not the name.
class SeriesTable {
public:
    SeriesTable() = default;
    /// `known`: the series already introduced in this epoch.
    explicit SeriesTable(std::vector<Series> known);

    /// The id of (name, labels), numbered and marked as new on first sight. Id 0 when the table
    /// holds `kMaxSeries` already: leave the reading out, the loss is said by the caller.
    [[nodiscard]] SeriesId intern(std::string_view name, std::vector<Label> labels, SeriesKind kind,
                                  std::string_view unit, std::uint8_t scale = 0);
    /// Series not yet introduced, ascending by id; they count as introduced from now on.
    [[nodiscard]] std::vector<Series> take_new();
    /// A new epoch began: every series must be introduced again, under its present id.
    void reintroduce_all();
    [[nodiscard]] const Series* find(SeriesId id) const noexcept;
    [[nodiscard]] const std::vector<Series>& all() const noexcept { return series_; }

private:
    std::vector<Series> series_;
    std::map<std::string, SeriesId> by_key_;
    std::size_t introduced_ = 0;
};

}  // namespace gerbang
