#include "common/web/record_lines.hpp"

#include <boost/json.hpp>
#include <string_view>
#include <variant>

#include "common/web/members.hpp"

namespace gerbang::web {
namespace {

std::string quoted(std::string_view text) {
    return boost::json::serialize(clean(text));
}

void append(std::string& line, const char* name, const std::string& value) {
    line.append(line.back() == '{' ? "\"" : ",\"").append(name).append("\":").append(value);
}

/// `write(i)` is the text of element i.
template <class Items, class Write>
std::string list_of(const Items& items, Write write) {
    std::string text = "[";
    for (const auto& item : items) {
        if (text.size() > 1) text += ',';
        text += write(item);
    }
    return text + "]";
}

std::string integer(std::int64_t value) {
    return std::to_string(value);
}

std::string column_text(const Column& column) {
    std::string text = "{";
    append(text, "series", std::to_string(column.series.value));
    if (column.part != part::kValue) append(text, "part", std::to_string(column.part));
    if (!column.present.empty()) append(text, "present", list_of(column.present, &integer));
    append(text, "values", list_of(column.values, &integer));
    return text + "}";
}

void append_body(std::string& line, const Chunk& chunk) {
    append(line, "boot", std::to_string(chunk.boot.value));
    append(line, "level", std::to_string(chunk.level));
    append(line, "ticks",
           list_of(chunk.ticks, [](Monotonic at) { return std::to_string(to_ms(at)); }));
    append(line, "columns", list_of(chunk.columns, &column_text));
}

void append_body(std::string& line, const Event& event) {
    append(line, "boot", std::to_string(event.at.boot.value));
    append(line, "ms", std::to_string(to_ms(event.at.at)));
    append(line, "kind", quoted(to_string(event.kind)));
    std::string fields = "{";
    for (const auto& field : event.fields) {
        const auto* number = std::get_if<std::int64_t>(&field.value);
        append(fields, field.key.c_str(),
               number != nullptr ? std::to_string(*number)
                                 : quoted(std::get<std::string>(field.value)));
    }
    append(line, "fields", fields + "}");
}

}  // namespace

std::string batch_lines(const std::string& site, const EpochId& epoch, const Head& before,
                        const std::vector<Record>& records) {
    std::string text = "{\"type\":\"batch\"";
    append(text, "site", quoted(site));
    append(text, "epoch", quoted(to_string(epoch)));
    append(text, "before", quoted(to_hex(before)));
    text += "}\n";
    for (const auto& record : records) {
        const auto* chunk = std::get_if<Chunk>(&record.body);
        std::string line = chunk != nullptr ? "{\"type\":\"chunk\"" : "{\"type\":\"event\"";
        append(line, "seq", std::to_string(record.seq.value));
        if (chunk != nullptr) {
            append_body(line, *chunk);
        } else {
            append_body(line, std::get<Event>(record.body));
        }
        text += line + "}\n";
    }
    return text;
}

std::string series_json(const std::vector<Series>& series) {
    return "{\"series\":" +
           list_of(series,
                   [](const Series& one) {
                       std::string text = "{";
                       append(text, "id", std::to_string(one.id.value));
                       append(text, "name", quoted(one.name));
                       std::string labels = "{";
                       for (const auto& label : one.labels) {
                           append(labels, label.name.c_str(), quoted(label.value));
                       }
                       append(text, "labels", labels + "}");
                       constexpr const char* kKinds[] = {"\"counter\"", "\"gauge\"", "\"state\""};
                       append(text, "kind", kKinds[static_cast<int>(one.kind) - 1]);
                       append(text, "unit", quoted(one.unit));
                       append(text, "scale", std::to_string(one.scale));
                       return text + "}";
                   }) +
           "}";
}

}  // namespace gerbang::web
