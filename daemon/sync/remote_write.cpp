#include "daemon/sync/remote_write.hpp"

#include <snappy.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <utility>

#include "common/core/utf8.hpp"

namespace gerbang {
namespace {

/// Field numbers of prometheus.WriteRequest, TimeSeries, Label and Sample.
namespace field {
constexpr protozero::pbf_tag_type kTimeSeries = 1;
constexpr protozero::pbf_tag_type kLabels = 1;
constexpr protozero::pbf_tag_type kSamples = 2;
constexpr protozero::pbf_tag_type kName = 1;
constexpr protozero::pbf_tag_type kValue = 2;
constexpr protozero::pbf_tag_type kSampleValue = 1;
constexpr protozero::pbf_tag_type kSampleTime = 2;
}  // namespace field

struct Sample {
    WallTime at;
    double value;
};

void add_range(std::vector<SeqRange>& ranges, Seq seq) {
    if (!ranges.empty() && ranges.back().last.next() == seq) {
        ranges.back().last = seq;
    } else {
        ranges.push_back({seq, seq});
    }
}

void add_parked(std::vector<ParkedRange>& ranges, Seq seq, const std::string& reason) {
    if (!ranges.empty() && ranges.back().range.last.next() == seq &&
        ranges.back().reason == reason) {
        ranges.back().range.last = seq;
    } else {
        ranges.push_back({{seq, seq}, reason});
    }
}

/// What of a column is a sample: the value itself, a reduced counter's last, a reduced gauge's
/// mean.
bool is_sample(const Column& column, const Series& series, std::uint8_t level) {
    if (column.part != part::kValue) return false;
    return level == 0 || series.kind != SeriesKind::state;
}

std::string compressed(const std::string& message) {
    std::string body;
    snappy::Compress(message.data(), message.size(), &body);
    return body;
}

void add_label(protozero::pbf_writer& series, std::string_view name, std::string_view value) {
    protozero::pbf_writer label{series, field::kLabels};
    label.add_string(field::kName, name.data(), name.size());
    label.add_string(field::kValue, value.data(), value.size());
}

/// Ascending by name, as the protocol asks; an empty value is as no label.
std::vector<Label> joined_labels(const std::vector<Label>& of_all, const Series& series) {
    std::map<std::string, std::string> joined;
    joined["__name__"] = std::string{kRemoteWritePrefix} + series.name;
    for (const auto& label : series.labels) joined[label.name] = label.value;
    for (const auto& label : of_all) joined.emplace(label.name, label.value);
    std::vector<Label> labels;
    for (auto& [name, value] : joined) {
        if (!value.empty()) labels.push_back({name, valid_utf8(value)});
    }
    return labels;
}

bool is_name(std::string_view text) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (text.empty() || !is_letter(text.front())) return false;
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

/// Names that begin with two underscores are the receiver's own.
bool is_fit(const Series& series) {
    return is_name(series.name) &&
           std::all_of(series.labels.begin(), series.labels.end(), [](const Label& label) {
               return is_name(label.name) && label.name.rfind("__", 0) != 0;
           });
}

/// From when to when a record is; nothing for an emptied chunk.
std::optional<std::pair<Monotonic, Monotonic>> span_of(const RecordBody& body) {
    if (const auto* event = std::get_if<Event>(&body)) {
        return std::pair{event->at.at, event->at.at};
    }
    const auto& ticks = std::get<Chunk>(body).ticks;
    if (ticks.empty()) return std::nullopt;
    return std::pair{ticks.front(), ticks.back()};
}

/// Ticks are no nearer to each other: a clock that is set back by less repeats none.
constexpr Millis kTick{1000};

/// What `anchor` made of the instant at which `next` took its place.
WallTime end_of(const Anchor& anchor, const Anchor& next) {
    if (anchor.at.boot != next.at.boot) return anchor.wall;
    return anchor.wall +
           std::clamp(next.at.at - anchor.at.at, Millis{0}, Millis{400LL * 86'400'000});
}

}  // namespace

RemoteWriter::RemoteWriter(std::string site, std::vector<Label> labels,
                           const EpochDictionary& dictionary)
    : labels_{std::move(labels)}, dictionary_{&dictionary} {
    labels_.insert(labels_.begin(), {"site", std::move(site)});
    for (const auto& series : dictionary.series) {
        if (series.id.value > kMaxSeries) continue;
        if (series.id.value >= by_id_.size()) by_id_.resize(series.id.value + 1U);
        by_id_[series.id.value] = &series;
    }
    const auto entries = dictionary.timeline.entries();
    for (std::size_t i = 1; i < entries.size(); ++i) {
        const auto until = end_of(entries[i - 1].anchor, entries[i].anchor);
        const bool is_set_back = until - entries[i].anchor.wall >= kTick;
        const bool is_higher = floors_.empty() || until > floors_.back().until;
        if (is_set_back && is_higher) floors_.push_back({entries[i].seq, until});
    }
}

std::optional<WallTime> RemoteWriter::floor_before(Seq seq) const {
    const auto next =
        std::lower_bound(floors_.begin(), floors_.end(), seq,
                         [](const Floor& floor, Seq wanted) { return floor.after < wanted; });
    if (next == floors_.begin()) return std::nullopt;
    return std::prev(next)->until;
}

const Series* RemoteWriter::find(SeriesId series) const {
    return series.value < by_id_.size() ? by_id_[series.value] : nullptr;
}

std::string RemoteWriter::name_of(SeriesId id) const {
    const auto* series = find(id);
    if (series == nullptr) return {};
    std::string text = std::string{kRemoteWritePrefix} + series->name;
    for (std::size_t i = 0; i < series->labels.size(); ++i) {
        const auto& label = series->labels[i];
        text += (i == 0 ? "{" : ",") + label.name + "=\"" + label.value + '"';
    }
    return series->labels.empty() ? text : text + "}";
}

RemoteWritePart RemoteWriter::write(const std::vector<Record>& records,
                                    const RemoteWriteLimits& limits) const {
    RemoteWritePart part;
    std::map<SeriesId, std::vector<Sample>> samples;
    std::vector<bool> is_unfit(by_id_.size());
    for (const auto& record : records) {
        const auto boot = boot_of(record.body);
        const auto wall_of = [&](Monotonic at) {
            return dictionary_->timeline.wall_of(record.seq, {boot, at});
        };
        const auto span = span_of(record.body);
        const auto first = wall_of(span ? span->first : Monotonic{});
        const auto last = wall_of(span ? span->second : Monotonic{});
        if ((!first || !last) && dictionary_->open_boot != boot) {
            add_parked(part.parked, record.seq, "nobody knows when: the clock was not set then");
            continue;
        }
        if (!first || !last || (span && *last > limits.not_after)) {
            add_range(part.deferred, record.seq);
            if (first && last && (!part.ahead || *last < *part.ahead)) part.ahead = *last;
            continue;
        }
        if (span && limits.not_before && *first < *limits.not_before) {
            add_parked(part.parked, record.seq, "older than this receiver takes (max_age)");
            continue;
        }
        add_range(part.carried, record.seq);
        const auto* chunk = std::get_if<Chunk>(&record.body);
        if (chunk == nullptr) continue;
        const auto floor = floor_before(record.seq);
        std::size_t number = 0;
        for (const auto& column : chunk->columns) {
            const auto place = number++;
            if (limits.columns &&
                (place < limits.columns->first || place >= limits.columns->second)) {
                continue;
            }
            const auto* series = find(column.series);
            if (series == nullptr || !is_sample(column, *series, chunk->level)) continue;
            if (limits.left_out != nullptr && limits.left_out->contains(column.series)) continue;
            if (!is_fit(*series)) {
                if (!is_unfit[column.series.value]) part.unfit.push_back(column.series);
                is_unfit[column.series.value] = true;
                continue;
            }
            const double unit = std::pow(10.0, series->scale);
            auto& into = samples[column.series];
            std::size_t next = 0;
            for (std::size_t i = 0; i < chunk->ticks.size(); ++i) {
                if (!column.present.empty() && column.present[i] == 0) continue;
                const auto value = static_cast<double>(column.values[next++]) / unit;
                const auto at = wall_of(chunk->ticks[i]);
                if (!at || (floor && *at <= *floor)) continue;
                if (!into.empty() && *at <= into.back().at) continue;
                into.push_back({*at, value});
            }
        }
    }
    std::string message;
    protozero::pbf_writer request{message};
    for (const auto& [id, all] : samples) {
        if (all.empty()) continue;
        protozero::pbf_writer series{request, field::kTimeSeries};
        for (const auto& label : joined_labels(labels_, *find(id))) {
            add_label(series, label.name, label.value);
        }
        for (const auto& sample : all) {
            protozero::pbf_writer point{series, field::kSamples};
            point.add_double(field::kSampleValue, sample.value);
            point.add_int64(field::kSampleTime, to_ms(sample.at));
        }
        part.samples += all.size();
    }
    if (part.samples != 0) part.body = compressed(message);
    return part;
}

std::string empty_remote_write() {
    return compressed({});
}

}  // namespace gerbang
