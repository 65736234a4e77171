#include "common/model/record.hpp"

#include <algorithm>
#include <utility>

namespace gerbang {
namespace {

bool is_name(std::string_view text, std::size_t max, bool may_have_dots) {
    if (text.empty() || text.size() > max || text.front() < 'a' || text.front() > 'z') return false;
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
               (may_have_dots && c == '.');
    });
}

std::string defect_of_column(const Column& column, std::size_t tick_count) {
    if (column.series.value == 0) return "column without a series";
    if (column.present.empty()) {
        return column.values.size() == tick_count ? "" : "column length differs from the ticks";
    }
    if (column.present.size() != tick_count) return "presence length differs from the ticks";
    std::size_t present = 0;
    for (const auto bit : column.present) {
        if (bit > 1) return "presence is neither 0 nor 1";
        present += bit;
    }
    if (present == 0 || present == tick_count) return "presence mask is not minimal";
    return present == column.values.size() ? "" : "column length differs from its presence";
}

std::string defect_of_parts(const Column& column) {
    if (column.part > part::kCount && column.part < part::kStateTime) return "unknown part";
    if (column.part < part::kCount) return "";
    const std::int64_t least = column.part == part::kCount ? 1 : 0;
    for (const auto value : column.values) {
        if (value < least) return column.part == part::kCount ? "count below 1" : "negative time";
    }
    return "";
}

std::string defect_of_chunk(const Chunk& chunk) {
    if (chunk.boot.value == 0) return "chunk without a boot";
    if (chunk.level > kMaxLevel) return "level above 3";
    if (chunk.ticks.size() > kMaxTicksPerChunk) return "tick count";
    if (chunk.is_emptied()) {
        if (chunk.level == 0) return "chunk of level 0 without ticks";
        return chunk.columns.empty() ? "" : "emptied chunk with columns";
    }
    for (std::size_t i = 0; i < chunk.ticks.size(); ++i) {
        if (to_ms(chunk.ticks[i]) < 0) return "negative device time";
        if (i > 0 && chunk.ticks[i] <= chunk.ticks[i - 1]) return "ticks are not ascending";
    }
    if (chunk.columns.size() > (chunk.level == 0 ? kMaxSeries : kMaxReducedColumns)) {
        return "too many columns";
    }
    for (std::size_t i = 0; i < chunk.columns.size(); ++i) {
        const auto& column = chunk.columns[i];
        if (i > 0) {
            const auto& before = chunk.columns[i - 1];
            if (std::pair{column.series, column.part} <= std::pair{before.series, before.part}) {
                return "columns are not ascending";
            }
        }
        if (chunk.level == 0 && column.part != part::kValue) return "part in a chunk of level 0";
        if (auto defect = defect_of_column(column, chunk.ticks.size()); !defect.empty()) {
            return defect;
        }
        if (auto defect = defect_of_parts(column); !defect.empty()) return defect;
    }
    return "";
}

std::string defect_of_event(const Event& event) {
    if (static_cast<int>(event.kind) == 0) return "event without a kind";
    if (event.at.boot.value == 0) return "event without a boot";
    if (to_ms(event.at.at) < 0) return "negative device time";
    if (event.fields.size() > kMaxFieldsPerEvent) return "too many fields";
    for (std::size_t i = 0; i < event.fields.size(); ++i) {
        const auto& field = event.fields[i];
        if (!is_name(field.key, 40, true)) return "bad field name";
        const auto* text = std::get_if<std::string>(&field.value);
        if (text != nullptr && text->size() > 1024) return "field value over 1024 bytes";
        for (std::size_t k = 0; k < i; ++k) {
            if (event.fields[k].key == field.key) return "field twice: " + field.key;
        }
    }
    return "";
}

template <class T>
const T* find_value(const std::vector<Field>& fields, std::string_view key) noexcept {
    for (const auto& field : fields) {
        if (field.key == key) return std::get_if<T>(&field.value);
    }
    return nullptr;
}

}  // namespace

std::string to_string(EventKind kind) {
    switch (kind) {
        case EventKind::epoch:
            return "epoch";
        case EventKind::boot:
            return "boot";
        case EventKind::start:
            return "start";
        case EventKind::stop:
            return "stop";
        case EventKind::series:
            return "series";
        case EventKind::interface:
            return "interface";
        case EventKind::carrier:
            return "carrier";
        case EventKind::anchor:
            return "anchor";
        case EventKind::outage:
            return "outage";
        case EventKind::config:
            return "config";
        case EventKind::loss:
            return "loss";
        case EventKind::power:
            return "power";
        case EventKind::boot_end:
            return "boot_end";
        case EventKind::note:
            return "note";
        case EventKind::clock:
            return "clock";
        case EventKind::path:
            return "path";
        case EventKind::storage:
            return "storage";
        case EventKind::summary:
            return "summary";
    }
    return "kind-" + std::to_string(static_cast<int>(kind));
}

const std::int64_t* Event::number(std::string_view key) const noexcept {
    return find_value<std::int64_t>(fields, key);
}

const std::string* Event::text(std::string_view key) const noexcept {
    return find_value<std::string>(fields, key);
}

std::optional<DeviceTime> time_of(const RecordBody& body) {
    if (const auto* chunk = std::get_if<Chunk>(&body)) {
        if (chunk->is_emptied()) return std::nullopt;
        return DeviceTime{chunk->boot, chunk->ticks.back()};
    }
    return std::get<Event>(body).at;
}

BootNo boot_of(const RecordBody& body) {
    if (const auto* chunk = std::get_if<Chunk>(&body)) return chunk->boot;
    return std::get<Event>(body).at.boot;
}

std::uint8_t level_of(const RecordBody& body) {
    const auto* chunk = std::get_if<Chunk>(&body);
    return chunk != nullptr ? chunk->level : std::uint8_t{0};
}

std::string defect_of(const RecordBody& body) {
    if (const auto* chunk = std::get_if<Chunk>(&body)) return defect_of_chunk(*chunk);
    return defect_of_event(std::get<Event>(body));
}

}  // namespace gerbang
