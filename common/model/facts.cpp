#include "common/model/facts.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace gerbang {
namespace {

constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxNameText = 128;
constexpr std::size_t kMaxLinkText = 48;
constexpr std::size_t kMaxNoteText = 500;
constexpr std::size_t kMaxLabels = 8;
constexpr std::int64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxU32 = std::numeric_limits<std::uint32_t>::max();
/// The last millisecond of the year 9999.
constexpr std::int64_t kMaxWallMs = 253'402'300'799'999;
constexpr std::string_view kLabelPrefix = "label.";

/// Cuts at a character's boundary, so that valid UTF-8 stays valid.
std::string shortened(std::string_view text, std::size_t max) {
    if (text.size() <= max) return std::string{text};
    while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0u) == 0x80u) --max;
    return std::string{text.substr(0, max)};
}

/// Builds an event field by field; the order of calls is the order of content.
class Writer {
public:
    Writer(EventKind kind, DeviceTime at) : event_{kind, at, {}} {}

    Writer& text(std::string_view key, std::string_view value) {
        event_.fields.push_back({std::string{key}, shortened(value, kMaxText)});
        return *this;
    }
    Writer& number(std::string_view key, std::int64_t value) {
        event_.fields.push_back({std::string{key}, value});
        return *this;
    }
    /// Counts beyond 2^63 - 1 do not occur; they would stay at that.
    Writer& count(std::string_view key, std::uint64_t value) {
        return number(key, static_cast<std::int64_t>(
                               std::min(value, static_cast<std::uint64_t>(kMaxNumber))));
    }
    Writer& time(const std::string& key, DeviceTime value) {
        number(key + "_boot", value.boot.value);
        return number(key + "_ms", to_ms(value.at));
    }
    [[nodiscard]] Event done() { return std::move(event_); }

private:
    Event event_;
};

/// Takes fields out of an event and remembers the first thing that is wrong with it.
class Reader {
public:
    Reader(const Event& event, EventKind kind) : event_{event}, kind_{kind} {
        if (event.kind != kind) defect_ = "kind is " + to_string(event.kind);
    }

    std::int64_t number(std::string_view key, std::int64_t min, std::int64_t max) {
        const auto* value = event_.number(key);
        if (value == nullptr) {
            reject(key, "missing, or not a number");
            return min;
        }
        if (*value < min || *value > max) {
            reject(key, "impossible value " + std::to_string(*value));
            return min;
        }
        return *value;
    }
    std::uint32_t u32(std::string_view key, std::int64_t min = 0) {
        return static_cast<std::uint32_t>(number(key, min, kMaxU32));
    }
    std::uint64_t count(std::string_view key, std::int64_t min = 0) {
        return static_cast<std::uint64_t>(number(key, min, kMaxNumber));
    }
    Seq seq(std::string_view key) {
        return Seq{static_cast<std::uint64_t>(number(key, 1, static_cast<std::int64_t>(kMaxSeq)))};
    }
    std::string text(std::string_view key, std::size_t min = 0, std::size_t max = kMaxText) {
        const auto* value = event_.text(key);
        if (value == nullptr) {
            reject(key, "missing, or not a text");
            return {};
        }
        if (value->size() < min || value->size() > max) {
            reject(key, "impossible length " + std::to_string(value->size()));
            return {};
        }
        return *value;
    }
    std::string text_or_empty(std::string_view key) { return has(key) ? text(key) : std::string{}; }
    template <class Id>
    Id id(std::string_view key) {
        const auto parsed = parse_id<Id>(text(key));
        if (!parsed) reject(key, "not a UUID");
        return parsed.value_or(Id{});
    }
    DeviceTime time(const std::string& key, std::int64_t min_boot = 1) {
        const BootNo boot{u32(key + "_boot", min_boot)};
        return {boot, monotonic_from_ms(number(key + "_ms", 0, kMaxNumber))};
    }
    std::optional<DeviceTime> time_if_any(const std::string& key) {
        if (!has(key + "_boot") && !has(key + "_ms")) return std::nullopt;
        return time(key);
    }
    Cause cause(std::string_view key) {
        return static_cast<Cause>(number(key, 0, static_cast<std::int64_t>(kCauseCount) - 1));
    }
    Confidence confidence(std::string_view key) {
        return static_cast<Confidence>(number(key, 0, static_cast<int>(Confidence::high)));
    }
    std::optional<WallTime> wall_if_any(std::string_view key) {
        if (!has(key)) return std::nullopt;
        return wall_from_ms(number(key, 0, kMaxWallMs));
    }
    [[nodiscard]] bool has(std::string_view key) const {
        return event_.number(key) != nullptr || event_.text(key) != nullptr;
    }
    void reject(std::string_view key, const std::string& why) {
        if (defect_.empty()) defect_ = "field " + std::string{key} + ": " + why;
    }
    template <class Fact>
    [[nodiscard]] Result<Fact> done(Fact fact) const {
        if (defect_.empty()) return fact;
        return Error{Errc::bad_input, to_string(kind_) + " event: " + defect_};
    }

private:
    const Event& event_;
    EventKind kind_;
    std::string defect_;
};

/// `[a-z][a-z0-9-]*`
bool is_link(std::string_view text) {
    if (text.empty() || text.front() < 'a' || text.front() > 'z') return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

bool is_identifier(std::string_view text, std::size_t max, bool may_start_with_underscore) {
    if (text.empty() || text.size() > max) return false;
    const bool starts_well = (text.front() >= 'a' && text.front() <= 'z') ||
                             (may_start_with_underscore && text.front() == '_');
    return starts_well && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}

constexpr std::array<std::string_view, kCounterCount> kCounterNames{
    "rx_bytes",  "tx_bytes",  "rx_packets", "tx_packets",
    "rx_errors", "tx_errors", "rx_dropped", "tx_dropped"};

std::string base_key(std::size_t counter) {
    return "base." + std::string{kCounterNames[counter]};
}

/// The fields of `ConfigFact` under their keys; all are optional texts.
constexpr std::array<std::pair<std::string_view, std::string ConfigFact::*>, 9> kConfigFields{{
    {"site", &ConfigFact::site},
    {"site_code", &ConfigFact::site_code},
    {"site_name", &ConfigFact::site_name},
    {"provider", &ConfigFact::provider},
    {"product", &ConfigFact::product},
    {"medium", &ConfigFact::medium},
    {"customer_number", &ConfigFact::customer_number},
    {"utc_offset", &ConfigFact::utc_offset},
    {"helpdesk", &ConfigFact::helpdesk},
}};

}  // namespace

std::string_view to_string(Counter counter) noexcept {
    const auto index = static_cast<std::size_t>(counter);
    return index < kCounterNames.size() ? kCounterNames[index] : std::string_view{"unknown"};
}

Event to_event(const EpochFact& fact, DeviceTime at) {
    return Writer{EventKind::epoch, at}
        .text("id", to_string(fact.id))
        .text("parent", to_string(fact.parent))
        .count("parent_last", fact.parent_last.value)
        .text("reason", fact.reason)
        .text("hardware", fact.hardware)
        .done();
}

Result<EpochFact> epoch_from(const Event& event) {
    Reader reader{event, EventKind::epoch};
    EpochFact fact;
    fact.id = reader.id<EpochId>("id");
    if (fact.id.is_none()) reader.reject("id", "none");
    fact.parent = reader.id<EpochId>("parent");
    fact.parent_last = Seq{static_cast<std::uint64_t>(
        reader.number("parent_last", 0, static_cast<std::int64_t>(kMaxSeq)))};
    fact.reason = reader.text("reason", 0, kMaxNameText);
    fact.hardware = reader.text("hardware", 0, kMaxNameText);
    return reader.done(std::move(fact));
}

Event to_event(const BootFact& fact, DeviceTime at) {
    return Writer{EventKind::boot, at}.text("id", to_string(fact.id)).done();
}

Result<BootFact> boot_from(const Event& event) {
    Reader reader{event, EventKind::boot};
    const BootFact fact{reader.id<BootId>("id")};
    if (fact.id.is_none()) reader.reject("id", "none");
    return reader.done(fact);
}

Event to_event(const StartFact& fact, DeviceTime at) {
    return Writer{EventKind::start, at}
        .text("version", fact.version)
        .number("tick_ms", fact.tick.count())
        .number("commit_ms", fact.commit.count())
        .count("recovered_ticks", fact.recovered_ticks)
        .done();
}

Result<StartFact> start_from(const Event& event) {
    Reader reader{event, EventKind::start};
    StartFact fact;
    fact.version = reader.text("version", 0, kMaxNameText);
    fact.tick = Millis{reader.number("tick_ms", 0, kMaxNumber)};
    fact.commit = Millis{reader.number("commit_ms", 0, kMaxNumber)};
    fact.recovered_ticks = reader.count("recovered_ticks");
    return reader.done(std::move(fact));
}

Event to_event(const StopFact& fact, DeviceTime at) {
    return Writer{EventKind::stop, at}.text("reason", fact.reason).done();
}

Result<StopFact> stop_from(const Event& event) {
    Reader reader{event, EventKind::stop};
    StopFact fact{reader.text("reason", 0, kMaxNameText)};
    return reader.done(std::move(fact));
}

Event to_event(const Series& series, DeviceTime at) {
    Writer writer{EventKind::series, at};
    writer.number("id", series.id.value)
        .text("name", series.name)
        .number("kind", static_cast<std::int64_t>(series.kind))
        .text("unit", series.unit)
        .number("scale", series.scale);
    for (const auto& label : series.labels) {
        writer.text(std::string{kLabelPrefix} + label.name, shortened(label.value, kMaxNameText));
    }
    return writer.done();
}

Result<Series> series_from(const Event& event) {
    Reader reader{event, EventKind::series};
    Series series;
    series.id = SeriesId{reader.u32("id", 1)};
    series.name = reader.text("name");
    if (!is_identifier(series.name, 64, false)) reader.reject("name", "not a series name");
    series.kind = static_cast<SeriesKind>(reader.number("kind", 1, 3));
    series.unit = reader.text("unit", 0, kMaxNameText);
    series.scale = static_cast<std::uint8_t>(reader.number("scale", 0, 9));
    for (const auto& field : event.fields) {
        if (!field.key.starts_with(kLabelPrefix)) continue;
        std::string name = field.key.substr(kLabelPrefix.size());
        if (!is_identifier(name, 32, true)) reader.reject(field.key, "not a label name");
        if (!series.labels.empty() && series.labels.back().name >= name) {
            reader.reject(field.key, "labels are not sorted");
        }
        series.labels.push_back({std::move(name), reader.text(field.key, 0, kMaxNameText)});
    }
    if (series.labels.size() > kMaxLabels) reader.reject("label", "more than 8 labels");
    return reader.done(std::move(series));
}

Event to_event(const InterfaceFact& fact, DeviceTime at) {
    Writer writer{EventKind::interface, at};
    writer.text("name", fact.name)
        .number("ifindex", fact.ifindex)
        .text("role", fact.role)
        .text("reason", fact.reason);
    for (std::size_t i = 0; i < kCounterCount; ++i) writer.number(base_key(i), fact.base[i]);
    return writer.done();
}

Result<InterfaceFact> interface_from(const Event& event) {
    Reader reader{event, EventKind::interface};
    InterfaceFact fact;
    fact.name = reader.text("name", 1, kMaxNameText);
    fact.ifindex = reader.u32("ifindex");
    fact.role = reader.text("role", 0, kMaxNameText);
    fact.reason = reader.text("reason", 0, kMaxNameText);
    for (std::size_t i = 0; i < kCounterCount; ++i) {
        fact.base[i] =
            reader.number(base_key(i), std::numeric_limits<std::int64_t>::min(), kMaxNumber);
    }
    return reader.done(std::move(fact));
}

Event to_event(const CarrierFact& fact, DeviceTime at) {
    return Writer{EventKind::carrier, at}
        .text("name", fact.name)
        .number("up", fact.is_up ? 1 : 0)
        .number("changes", fact.changes)
        .done();
}

Result<CarrierFact> carrier_from(const Event& event) {
    Reader reader{event, EventKind::carrier};
    CarrierFact fact;
    fact.name = reader.text("name", 1, kMaxNameText);
    fact.is_up = reader.number("up", 0, 1) == 1;
    fact.changes = reader.u32("changes");
    return reader.done(std::move(fact));
}

Event to_event(const Anchor& anchor) {
    return Writer{EventKind::anchor, anchor.at}
        .number("wall_ms", to_ms(anchor.wall))
        .number("source", static_cast<std::int64_t>(anchor.source))
        .number("uncertainty_ms", anchor.uncertainty.count())
        .done();
}

Result<Anchor> anchor_from(const Event& event) {
    Reader reader{event, EventKind::anchor};
    Anchor anchor;
    anchor.at = event.at;
    anchor.wall = wall_from_ms(reader.number("wall_ms", 0, kMaxWallMs));
    anchor.source = static_cast<AnchorSource>(reader.number("source", 1, 3));
    anchor.uncertainty = Millis{reader.number("uncertainty_ms", 0, kMaxNumber)};
    return reader.done(anchor);
}

Event to_event(const Outage& outage, DeviceTime at) {
    Writer writer{EventKind::outage, at};
    writer.count("id", outage.id)
        .number("segment", outage.segment)
        .text("link", outage.link)
        .number("cause", static_cast<std::int64_t>(outage.cause))
        .number("confidence", static_cast<std::int64_t>(outage.confidence))
        .time("last_good", outage.last_good)
        .time("first_bad", outage.first_bad);
    if (outage.last_bad) writer.time("last_bad", *outage.last_bad);
    if (outage.first_good) writer.time("first_good", *outage.first_good);
    writer.text("evidence", outage.evidence);
    if (const auto& fold = outage.fold) {
        writer.number("folded", fold->count)
            .number("certain_ms", fold->certain.count())
            .number("possible_ms", fold->possible.count())
            .number("longest_certain_ms", fold->longest_certain.count())
            .number("longest_possible_ms", fold->longest_possible.count());
    }
    return writer.done();
}

Result<Outage> outage_from(const Event& event) {
    Reader reader{event, EventKind::outage};
    Outage outage;
    outage.id = reader.count("id", 1);
    outage.segment = reader.u32("segment", 1);
    // Version 0.1 wrote neither link nor confidence.
    if (reader.has("link")) outage.link = reader.text("link", 1, kMaxLinkText);
    if (!is_link(outage.link)) reader.reject("link", "not a link's name");
    outage.cause = reader.cause("cause");
    if (reader.has("confidence")) outage.confidence = reader.confidence("confidence");
    outage.last_good = reader.time("last_good", 0);  // boot 0: no good moment is known
    outage.first_bad = reader.time("first_bad");
    outage.last_bad = reader.time_if_any("last_bad");
    outage.first_good = reader.time_if_any("first_good");
    outage.evidence = reader.text("evidence");
    if (reader.has("folded")) {
        Fold fold;
        fold.count = reader.u32("folded", 2);
        fold.certain = Millis{reader.number("certain_ms", 0, kMaxNumber)};
        fold.possible = Millis{reader.number("possible_ms", fold.certain.count(), kMaxNumber)};
        fold.longest_certain = Millis{reader.number("longest_certain_ms", 0, fold.certain.count())};
        fold.longest_possible =
            Millis{reader.number("longest_possible_ms", 0, fold.possible.count())};
        if (outage.is_open()) reader.reject("folded", "of an outage that has not ended");
        outage.fold = fold;
    }
    return reader.done(std::move(outage));
}

Event to_event(const ConfigFact& fact, DeviceTime at) {
    Writer writer{EventKind::config, at};
    for (const auto& [key, member] : kConfigFields) {
        if (!(fact.*member).empty()) writer.text(key, fact.*member);
    }
    if (fact.down_bit_per_s != 0) writer.count("down_bit_per_s", fact.down_bit_per_s);
    if (fact.up_bit_per_s != 0) writer.count("up_bit_per_s", fact.up_bit_per_s);
    return writer.done();
}

Result<ConfigFact> config_from(const Event& event) {
    Reader reader{event, EventKind::config};
    ConfigFact fact;
    for (const auto& [key, member] : kConfigFields) fact.*member = reader.text_or_empty(key);
    if (reader.has("down_bit_per_s")) fact.down_bit_per_s = reader.count("down_bit_per_s");
    if (reader.has("up_bit_per_s")) fact.up_bit_per_s = reader.count("up_bit_per_s");
    return reader.done(std::move(fact));
}

Event to_event(const LossFact& fact, DeviceTime at) {
    Writer writer{EventKind::loss, at};
    writer.text("what", fact.what)
        .text("reason", fact.reason)
        .count("count", fact.count)
        .time("first", fact.first)
        .time("last", fact.last);
    if (fact.id != 0) writer.count("id", fact.id);
    if (!fact.epoch.is_none()) writer.text("epoch", to_string(fact.epoch));
    if (fact.first_seq.value != 0) {
        writer.count("first_seq", fact.first_seq.value).count("last_seq", fact.last_seq.value);
    }
    return writer.done();
}

Result<LossFact> loss_from(const Event& event) {
    Reader reader{event, EventKind::loss};
    LossFact fact;
    fact.what = reader.text("what", 0, kMaxNameText);
    fact.reason = reader.text("reason", 0, kMaxNameText);
    fact.count = reader.count("count");
    fact.first = reader.time("first", 0);
    fact.last = reader.time("last", 0);
    if (reader.has("id")) fact.id = reader.count("id", 1);
    if (reader.has("epoch")) fact.epoch = reader.id<EpochId>("epoch");
    if (reader.has("first_seq")) {
        fact.first_seq = reader.seq("first_seq");
        fact.last_seq = reader.seq("last_seq");
        if (fact.last_seq < fact.first_seq) reader.reject("last_seq", "before first_seq");
    }
    return reader.done(std::move(fact));
}

Event to_event(const PowerFact& fact, DeviceTime at) {
    Writer writer{EventKind::power, at};
    writer.text("name", shortened(fact.name, kMaxNameText)).text("kind", fact.kind);
    if (fact.is_online) writer.number("online", *fact.is_online ? 1 : 0);
    if (!fact.status.empty()) writer.text("status", shortened(fact.status, kMaxNameText));
    if (fact.capacity_percent) writer.number("capacity_percent", *fact.capacity_percent);
    return writer.done();
}

Result<PowerFact> power_from(const Event& event) {
    Reader reader{event, EventKind::power};
    PowerFact fact;
    fact.name = reader.text("name", 1, kMaxNameText);
    fact.kind = reader.text("kind", 0, kMaxNameText);
    if (reader.has("online")) fact.is_online = reader.number("online", 0, 1) == 1;
    fact.status = reader.text_or_empty("status");
    if (reader.has("capacity_percent")) {
        fact.capacity_percent =
            static_cast<std::uint32_t>(reader.number("capacity_percent", 0, 100));
    }
    return reader.done(std::move(fact));
}

Event to_event(const BootEndFact& fact, DeviceTime at) {
    return Writer{EventKind::boot_end, at}
        .number("boot", fact.boot.value)
        .number("ending", static_cast<std::int64_t>(fact.ending))
        .number("confidence", static_cast<std::int64_t>(fact.confidence))
        .time("last_alive", fact.last_alive)
        .text("evidence", fact.evidence)
        .done();
}

Result<BootEndFact> boot_end_from(const Event& event) {
    Reader reader{event, EventKind::boot_end};
    BootEndFact fact;
    fact.boot = BootNo{reader.u32("boot", 1)};
    // The causes that can end a boot stand together.
    fact.ending = static_cast<Cause>(reader.number("ending", static_cast<int>(Cause::device_off),
                                                   static_cast<int>(Cause::reboot)));
    fact.confidence = reader.confidence("confidence");
    fact.last_alive = reader.time("last_alive");
    fact.evidence = reader.text("evidence");
    return reader.done(std::move(fact));
}

Event to_event(const NoteFact& fact, DeviceTime at) {
    Writer writer{EventKind::note, at};
    writer.text("kind", fact.kind)
        .text("author", shortened(fact.author, kMaxNameText))
        .text("text", shortened(fact.text, kMaxNoteText));
    if (fact.from) writer.number("from_wall_ms", to_ms(*fact.from));
    if (fact.to) writer.number("to_wall_ms", to_ms(*fact.to));
    return writer.done();
}

Result<NoteFact> note_from(const Event& event) {
    Reader reader{event, EventKind::note};
    NoteFact fact;
    fact.kind = reader.text("kind", 1, kMaxNameText);
    fact.author = reader.text("author", 0, kMaxNameText);
    fact.text = reader.text("text", 0, kMaxNoteText);
    fact.from = reader.wall_if_any("from_wall_ms");
    fact.to = reader.wall_if_any("to_wall_ms");
    return reader.done(std::move(fact));
}

Event to_event(const ClockFact& fact, DeviceTime at) {
    return Writer{EventKind::clock, at}
        .number("correction_ms", fact.correction.count())
        .number("source", static_cast<std::int64_t>(fact.source))
        .done();
}

Result<ClockFact> clock_from(const Event& event) {
    Reader reader{event, EventKind::clock};
    ClockFact fact;
    fact.correction = Millis{
        reader.number("correction_ms", std::numeric_limits<std::int64_t>::min(), kMaxNumber)};
    fact.source = static_cast<AnchorSource>(reader.number("source", 1, 3));
    return reader.done(fact);
}

Event to_event(const PathFact& fact, DeviceTime at) {
    return Writer{EventKind::path, at}
        .text("confidence", fact.confidence)
        .text("path", fact.path)
        .text("reason", fact.reason)
        .done();
}

Result<PathFact> path_from(const Event& event) {
    Reader reader{event, EventKind::path};
    PathFact fact;
    fact.confidence = reader.text("confidence", 1, kMaxNameText);
    fact.path = reader.text("path", 1, kMaxNameText);
    fact.reason = reader.text("reason");
    return reader.done(std::move(fact));
}

}  // namespace gerbang
