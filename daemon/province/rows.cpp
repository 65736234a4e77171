#include "daemon/province/rows.hpp"

#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "common/core/utf8.hpp"
#include "common/model/facts.hpp"
#include "common/model/reading.hpp"
#include "daemon/host/log.hpp"

namespace gerbang::province {
namespace {

std::int64_t number(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

std::string json_text(std::string_view from_outside) {
    std::string json{"\""};
    for (const char c : valid_utf8(from_outside)) {
        if (c == '"' || c == '\\') {
            json.push_back('\\');
            json.push_back(c);
        } else if (static_cast<unsigned char>(c) < 0x20) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(c));
            json += escaped.data();
        } else {
            json.push_back(c);
        }
    }
    json.push_back('"');
    return json;
}

std::string json_of(const std::vector<Field>& fields) {
    std::string json{"{"};
    for (const auto& field : fields) {
        if (json.size() > 1) json.push_back(',');
        json += json_text(field.key) + ":";
        if (const auto* value = std::get_if<std::int64_t>(&field.value)) {
            json += std::to_string(*value);
        } else {
            json += json_text(std::get<std::string>(field.value));
        }
    }
    return json + "}";
}

std::string json_of(const std::vector<Label>& labels) {
    std::string json{"{"};
    for (const auto& label : labels) {
        if (json.size() > 1) json.push_back(',');
        json += json_text(label.name) + ":" + json_text(label.value);
    }
    return json + "}";
}

std::string json_of_ticks(const Chunk& chunk) {
    std::string json{"["};
    for (const auto tick : chunk.ticks) {
        if (json.size() > 1) json.push_back(',');
        json += std::to_string(to_ms(tick));
    }
    return json + "]";
}

/// A column whose value stands still over the whole chunk is one number, any other an array with
/// null where a tick has none: most columns stand still, and this halves the store.
void append_column(std::string& json, const Column& column) {
    bool stands_still = column.present.empty();
    for (const auto value : column.values) stands_still &= value == column.values.front();
    if (stands_still) {
        json += std::to_string(column.values.front());
        return;
    }
    json.push_back('[');
    const auto tick_count = column.present.empty() ? column.values.size() : column.present.size();
    std::size_t next = 0;
    for (std::size_t i = 0; i < tick_count; ++i) {
        if (i > 0) json.push_back(',');
        const bool is_present = column.present.empty() || column.present[i] == 1;
        json += is_present ? std::to_string(column.values[next++]) : "null";
    }
    json.push_back(']');
}

std::string json_of_columns(const Chunk& chunk) {
    std::string json{"{"};
    for (const auto& column : chunk.columns) {
        if (json.size() > 1) json.push_back(',');
        json += '"' + std::to_string(column.series.value);
        if (column.part != part::kValue) json += '.' + std::to_string(column.part);
        json += "\":";
        append_column(json, column);
    }
    return json + "}";
}

std::string_view name_of(SeriesKind kind) {
    switch (kind) {
        case SeriesKind::counter:
            return "counter";
        case SeriesKind::gauge:
            return "gauge";
        case SeriesKind::state:
            return "state";
    }
    return "unknown";
}

/// The series whose newest value stands in a column of `chunk`, so that usage and link state need
/// no JSON. They carry no labels.
struct KeyColumn {
    std::string_view series;
    std::string_view column;
};
constexpr std::array<KeyColumn, 3> kKeyColumns{{
    {series_name::kWanReceiveBytes, "wan_rx_bytes"},
    {series_name::kWanTransmitBytes, "wan_tx_bytes"},
    {series_name::kLinkState, "link_state"},
}};

/// Fills `column` of the chunks after ?2 from the newest value at the JSON path ?3.
std::string fill_sql(std::string_view column) {
    const std::string name{column};
    return "UPDATE chunk SET " + name +
           " = (SELECT j.value FROM chunk_values v, json_each(CASE json_type(v.columns, ?3) "
           "WHEN 'array' THEN json_extract(v.columns, ?3) "
           "ELSE json_array(json_extract(v.columns, ?3)) END) j "
           "WHERE v.epoch_id = chunk.epoch_id AND v.seq = chunk.seq AND j.value >= 0 "
           "ORDER BY j.key DESC LIMIT 1) WHERE epoch_id = ?1 AND seq > ?2 AND " +
           name + " IS NULL";
}

class Inserter {
public:
    Inserter(Database& database, std::int64_t site_id, std::int64_t epoch_id)
        : db_{database}, site_id_{site_id}, epoch_id_{epoch_id} {
        for (std::size_t i = 0; i < kKeyColumns.size(); ++i) {
            key_series_[i] = db_.number(
                "SELECT series_id FROM series_row WHERE epoch_id = ?1 AND name = ?2 AND "
                "labels = '{}' ORDER BY series_id LIMIT 1",
                {epoch_id_, kKeyColumns[i].series});
        }
    }

    void insert(Seq seq, const Chunk& chunk) {
        note_boot(chunk.boot, seq);
        if (chunk.is_emptied()) return;
        std::array<std::optional<std::int64_t>, kKeyColumns.size()> newest;
        for (std::size_t i = 0; i < newest.size(); ++i) {
            for (const auto& column : chunk.columns) {
                // A counter below zero was never counted; it would overflow every sum.
                if (key_series_[i] == column.series.value && column.part == part::kValue &&
                    column.values.back() >= 0) {
                    newest[i] = column.values.back();
                }
            }
        }
        db_.run(
            "INSERT INTO chunk (epoch_id, seq, boot, level, first_ms, last_ms, wan_rx_bytes, "
            "wan_tx_bytes, link_state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            {epoch_id_, number(seq.value), chunk.boot.value, chunk.level,
             to_ms(chunk.ticks.front()), to_ms(chunk.ticks.back()), sql_value(newest[0]),
             sql_value(newest[1]), sql_value(newest[2])});
        const auto ticks = json_of_ticks(chunk);
        const auto columns = json_of_columns(chunk);
        db_.run("INSERT INTO chunk_values (epoch_id, seq, ticks, columns) VALUES (?1, ?2, ?3, ?4)",
                {epoch_id_, number(seq.value), ticks, columns});
    }

    void insert(Seq seq, const Event& event) {
        const auto fields = json_of(event.fields);
        const auto kind = to_string(event.kind);
        db_.run(
            "INSERT INTO event_row (epoch_id, seq, kind, kind_name, boot, at_ms, fields) VALUES "
            "(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            {epoch_id_, number(seq.value), static_cast<std::int64_t>(event.kind), kind,
             event.at.boot.value, to_ms(event.at.at), fields});
        note_boot(event.at.boot, seq);
        switch (event.kind) {
            case EventKind::epoch:
                keep(seq, epoch_from(event));
                break;
            case EventKind::boot:
                keep_boot(event, boot_from(event));
                break;
            case EventKind::series:
                keep(seq, series_from(event));
                break;
            case EventKind::anchor:
                keep(seq, anchor_from(event));
                break;
            case EventKind::outage:
                keep(seq, outage_from(event));
                break;
            case EventKind::config:
                site_facts_changed_ = true;
                break;
            default:
                break;
        }
    }

    /// The site's attributes are those of the newest `config` event of its current epoch.
    void finish() {
        if (unreadable_ > 0) {
            log(LogLevel::notice, "events_not_understood",
                {{"epoch_row", std::to_string(epoch_id_)},
                 {"count", std::to_string(unreadable_)},
                 {"first", first_unreadable_}});
        }
        if (!site_facts_changed_) return;
        std::optional<ConfigFact> fact;
        {
            auto rows = db_.query(
                "SELECT v.fields ->> '$.site_code', v.fields ->> '$.site_name', "
                "v.fields ->> '$.provider', v.fields ->> '$.product', v.fields ->> '$.medium', "
                "v.fields ->> '$.customer_number', v.fields ->> '$.utc_offset' "
                "FROM epoch_row e JOIN event_row v USING (epoch_id) "
                "WHERE e.site_id = ?1 AND v.kind = 10 "
                "ORDER BY EXISTS (SELECT 1 FROM epoch_row c WHERE c.site_id = e.site_id AND "
                "c.parent = e.epoch), e.epoch_id DESC, v.seq DESC LIMIT 1",
                {site_id_});
            if (rows.next()) {
                auto& told = fact.emplace();
                told.site_code = rows.text(0);
                told.site_name = rows.text(1);
                told.provider = rows.text(2);
                told.product = rows.text(3);
                told.medium = rows.text(4);
                told.customer_number = rows.text(5);
                told.utc_offset = rows.text(6);
            }
        }
        if (!fact) return;
        db_.run(
            "UPDATE site_row SET code = ?2, name = ?3, provider = ?4, product = ?5, medium = ?6, "
            "customer_number = ?7, utc_offset_s = coalesce(?8, utc_offset_s) WHERE site_id = ?1",
            {site_id_, fact->site_code, fact->site_name, fact->provider, fact->product,
             fact->medium, fact->customer_number, sql_value(offset_seconds(fact->utc_offset))});
    }

private:
    /// "+08:00" -> 28800; nothing for anything else.
    static std::optional<std::int64_t> offset_seconds(const std::string& text) {
        if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return {};
        for (const std::size_t i : {1u, 2u, 4u, 5u}) {
            if (text[i] < '0' || text[i] > '9') return {};
        }
        const int hours = (text[1] - '0') * 10 + text[2] - '0';
        const int minutes = (text[4] - '0') * 10 + text[5] - '0';
        if (hours > 14 || minutes > 59) return {};
        const std::int64_t seconds = hours * 3600 + minutes * 60;
        return text[0] == '-' ? -seconds : seconds;
    }

    void note_boot(BootNo boot, Seq seq) {
        if (last_boot_ == boot) return;
        last_boot_ = boot;
        db_.run(
            "INSERT INTO boot_row (epoch_id, boot, first_seq) VALUES (?1, ?2, ?3) ON CONFLICT DO "
            "UPDATE SET first_seq = min(first_seq, excluded.first_seq)",
            {epoch_id_, boot.value, number(seq.value)});
    }

    /// One line a batch: a batch may hold thousands of such events.
    void unreadable(Seq seq, const Error& error) {
        if (unreadable_++ == 0) {
            first_unreadable_ = "record " + std::to_string(seq.value) + ": " + error.detail;
        }
    }

    void keep(Seq seq, const Result<EpochFact>& fact) {
        // Record 1 alone introduces the epoch; `Store::accept` has checked that it parses.
        if (!fact || seq.value != 1) return;
        const auto parent = to_string(fact->parent);
        db_.run(
            "UPDATE epoch_row SET parent = ?2, parent_last = ?3, reason = ?4 WHERE epoch_id = ?1",
            {epoch_id_, fact->parent.is_none() ? SqlValue{} : SqlValue{std::string_view{parent}},
             number(fact->parent_last.value), fact->reason});
        site_facts_changed_ = true;
    }

    void keep_boot(const Event& event, const Result<BootFact>& fact) {
        if (!fact) return;
        const auto id = to_string(fact->id);
        db_.run("UPDATE boot_row SET boot_id = ?3 WHERE epoch_id = ?1 AND boot = ?2",
                {epoch_id_, event.at.boot.value, id});
    }

    void keep(Seq seq, const Result<Series>& series) {
        if (!series) return unreadable(seq, series.error());
        std::int64_t divisor = 1;
        for (int i = 0; i < series->scale; ++i) divisor *= 10;
        const auto labels = json_of(series->labels);
        db_.run(
            "INSERT INTO series_row (epoch_id, series_id, seq, name, labels, kind, unit, scale, "
            "divisor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET "
            "seq = excluded.seq, name = excluded.name, labels = excluded.labels, "
            "kind = excluded.kind, unit = excluded.unit, scale = excluded.scale, "
            "divisor = excluded.divisor WHERE excluded.seq < seq",
            {epoch_id_, series->id.value, number(seq.value), series->name, labels,
             name_of(series->kind), series->unit, series->scale, divisor});
        if (!series->labels.empty()) return;
        for (std::size_t i = 0; i < kKeyColumns.size(); ++i) {
            if (kKeyColumns[i].series != series->name) continue;
            key_series_[i] = series->id.value;
            // Chunks that overtook this record wait for their columns.
            const auto path = "$.\"" + std::to_string(series->id.value) + "\"";
            db_.run(fill_sql(kKeyColumns[i].column), {epoch_id_, number(seq.value), path});
        }
    }

    void keep(Seq seq, const Result<Anchor>& anchor) {
        if (!anchor) return unreadable(seq, anchor.error());
        db_.run(
            "INSERT INTO anchor_row (epoch_id, boot, seq, at_ms, wall_ms, source, "
            "uncertainty_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            {epoch_id_, anchor->at.boot.value, number(seq.value), to_ms(anchor->at.at),
             to_ms(anchor->wall), to_string(anchor->source), anchor->uncertainty.count()});
    }

    void keep(Seq seq, const Result<Outage>& outage) {
        if (!outage) return unreadable(seq, outage.error());
        const auto boot = [](const std::optional<DeviceTime>& at) {
            return at ? SqlValue{std::int64_t{at->boot.value}} : SqlValue{};
        };
        const auto ms = [](const std::optional<DeviceTime>& at) {
            return at ? SqlValue{to_ms(at->at)} : SqlValue{};
        };
        const auto& fold = outage->fold;
        const auto in_fold = [&fold](Millis Fold::*length) {
            return fold ? SqlValue{std::int64_t{((*fold).*length).count()}} : SqlValue{};
        };
        db_.run(
            "INSERT INTO outage_row (epoch_id, outage, segment, seq, cause, last_good_boot, "
            "last_good_ms, first_bad_boot, first_bad_ms, last_bad_boot, last_bad_ms, "
            "first_good_boot, first_good_ms, evidence, link, confidence, folded, certain_ms, "
            "possible_ms, longest_certain_ms, longest_possible_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
            "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21) "
            "ON CONFLICT DO UPDATE SET seq = excluded.seq, "
            "cause = excluded.cause, last_good_boot = excluded.last_good_boot, "
            "last_good_ms = excluded.last_good_ms, first_bad_boot = excluded.first_bad_boot, "
            "first_bad_ms = excluded.first_bad_ms, last_bad_boot = excluded.last_bad_boot, "
            "last_bad_ms = excluded.last_bad_ms, first_good_boot = excluded.first_good_boot, "
            "first_good_ms = excluded.first_good_ms, evidence = excluded.evidence, "
            "link = excluded.link, confidence = excluded.confidence, folded = excluded.folded, "
            "certain_ms = excluded.certain_ms, possible_ms = excluded.possible_ms, "
            "longest_certain_ms = excluded.longest_certain_ms, "
            "longest_possible_ms = excluded.longest_possible_ms "
            "WHERE excluded.seq > seq",
            {epoch_id_,
             number(outage->id),
             outage->segment,
             number(seq.value),
             to_string(outage->cause),
             outage->last_good.boot.value,
             to_ms(outage->last_good.at),
             outage->first_bad.boot.value,
             to_ms(outage->first_bad.at),
             boot(outage->last_bad),
             ms(outage->last_bad),
             boot(outage->first_good),
             ms(outage->first_good),
             outage->evidence,
             outage->link,
             to_string(outage->confidence),
             fold ? SqlValue{std::int64_t{fold->count}} : SqlValue{},
             in_fold(&Fold::certain),
             in_fold(&Fold::possible),
             in_fold(&Fold::longest_certain),
             in_fold(&Fold::longest_possible)});
    }

    Database& db_;
    std::int64_t site_id_;
    std::int64_t epoch_id_;
    std::array<std::optional<std::int64_t>, kKeyColumns.size()> key_series_;
    BootNo last_boot_;
    bool site_facts_changed_ = false;
    std::size_t unreadable_ = 0;
    std::string first_unreadable_;
};

}  // namespace

void remove_chunks(Database& database, std::int64_t epoch_id, SeqRange range) {
    for (const auto* sql :
         {"DELETE FROM chunk_values WHERE epoch_id = ?1 AND seq BETWEEN ?2 AND ?3",
          "DELETE FROM chunk WHERE epoch_id = ?1 AND seq BETWEEN ?2 AND ?3"}) {
        database.run(sql, {epoch_id, number(range.first.value), number(range.last.value)});
    }
}

void insert_rows(Database& database, std::int64_t site_id, std::int64_t epoch_id,
                 const std::vector<const Record*>& records) {
    Inserter inserter{database, site_id, epoch_id};
    for (const auto* record : records) {
        std::visit([&](const auto& body) { inserter.insert(record->seq, body); }, record->body);
    }
    inserter.finish();
}

}  // namespace gerbang::province
