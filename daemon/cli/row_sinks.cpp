#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "common/web/status.hpp"
#include "daemon/cli/exporter.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang::cli {
namespace {

/// As a JSON string, with the quotes. Labels and evidence may hold any UTF-8.
std::string quoted_json(std::string_view text) {
    std::string out{"\""};
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
            out += escape;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

/// `{"interface":"eth0"}`.
std::string labels_json(const Series& series) {
    std::string out{"{"};
    for (const auto& label : series.labels) {
        if (out.size() > 1) out += ',';
        out += quoted_json(label.name) + ":" + quoted_json(label.value);
    }
    return out + "}";
}

std::string fields_json(const Event& event) {
    std::string out{"{"};
    for (const auto& field : event.fields) {
        if (out.size() > 1) out += ',';
        out += quoted_json(field.key) + ":";
        if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
            out += std::to_string(*number);
        } else {
            out += quoted_json(std::get<std::string>(field.value));
        }
    }
    return out + "}";
}

std::string wall_text(const std::optional<WallTime>& wall) {
    return wall ? web::format_rfc3339(*wall) : std::string{};
}

/// Name of the part as one word: "seconds of 2" would need two columns.
std::string part_text(const ReadingRow& row) {
    std::string text{row.part};
    if (row.part == "seconds") text += "_in_" + std::to_string(row.state);
    return text;
}

Result<void> written(std::FILE* out, bool is_good) {
    if (is_good && std::ferror(out) == 0) return ok();
    const int code = errno;
    return Error{code == ENOSPC ? Errc::storage_full : Errc::storage_broken,
                 std::string{"cannot write: "} + std::strerror(code)};
}

class CsvSink final : public RowSink {
public:
    explicit CsvSink(std::FILE* out) : out_{out} {}

    [[nodiscard]] Result<void> take(const ReadingRow& row) override {
        auto text = header();
        text += wall_text(row.wall) + "," + std::to_string(row.at.boot.value) + "," +
                std::to_string(to_ms(row.at.at)) + "," + to_string(*row.epoch) + "," +
                std::to_string(row.seq.value) + "," + std::to_string(row.level) + "," +
                row.series->name + "," + labels(*row.series) + "," + part_text(row) + "," +
                row.value + "\r\n";
        return written(out_, std::fwrite(text.data(), 1, text.size(), out_) == text.size());
    }
    [[nodiscard]] Result<void> take(const EventRow&) override { return ok(); }
    [[nodiscard]] Result<void> finish() override {
        const auto text = header();
        if (!text.empty()) (void)std::fwrite(text.data(), 1, text.size(), out_);
        return written(out_, std::fflush(out_) == 0);
    }

private:
    std::string header() {
        if (std::exchange(has_header_, true)) return {};
        return "time,boot,device_ms,epoch,seq,level,series,labels,part,value\r\n";
    }
    /// `"interface=eth0 role=wan"`, quoted where a comma or quote is in it.
    static std::string labels(const Series& series) {
        std::string plain;
        for (const auto& label : series.labels) {
            if (!plain.empty()) plain += ' ';
            plain += label.name + "=" + label.value;
        }
        if (plain.find_first_of(",\"\r\n") == std::string::npos) return plain;
        std::string quoted{"\""};
        for (const char c : plain) {
            if (c == '"') quoted += '"';
            quoted += c;
        }
        return quoted + "\"";
    }

    std::FILE* out_;
    bool has_header_ = false;
};

class NdjsonSink final : public RowSink {
public:
    explicit NdjsonSink(std::FILE* out) : out_{out} {}

    [[nodiscard]] Result<void> take(const ReadingRow& row) override {
        auto text = begin("reading", row.epoch, row.seq, row.at, row.wall);
        text += ",\"level\":" + std::to_string(row.level) +
                ",\"series\":" + quoted_json(row.series->name) +
                ",\"labels\":" + labels_json(*row.series) + ",\"part\":\"" + std::string{row.part} +
                "\"";
        if (row.part == "seconds") text += ",\"state\":" + std::to_string(row.state);
        return put(text + ",\"value\":" + row.value + "}\n");
    }
    [[nodiscard]] Result<void> take(const EventRow& row) override {
        auto text = begin("event", row.epoch, row.seq, row.at, row.wall);
        return put(text + ",\"kind\":\"" + to_string(row.event->kind) +
                   "\",\"fields\":" + fields_json(*row.event) + "}\n");
    }
    [[nodiscard]] Result<void> finish() override { return written(out_, std::fflush(out_) == 0); }

private:
    static std::string begin(const char* type, const EpochId* epoch, Seq seq, DeviceTime at,
                             const std::optional<WallTime>& wall) {
        std::string text = "{\"type\":\"" + std::string{type} + "\"";
        if (wall) text += ",\"time\":\"" + wall_text(wall) + "\"";
        return text + ",\"boot\":" + std::to_string(at.boot.value) +
               ",\"device_ms\":" + std::to_string(to_ms(at.at)) + ",\"epoch\":\"" +
               to_string(*epoch) + "\",\"seq\":" + std::to_string(seq.value);
    }
    Result<void> put(const std::string& text) {
        return written(out_, std::fwrite(text.data(), 1, text.size(), out_) == text.size());
    }

    std::FILE* out_;
};

constexpr const char* kTables = R"sql(
CREATE TABLE series(
    id INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    UNIQUE(epoch, number)
);
CREATE TABLE reading(
    series INTEGER NOT NULL REFERENCES series(id),
    time TEXT,
    boot INTEGER NOT NULL,
    device_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    level INTEGER NOT NULL,
    part TEXT NOT NULL,
    value NUMERIC NOT NULL
);
CREATE TABLE event(
    time TEXT,
    boot INTEGER NOT NULL,
    device_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE VIEW readings AS
SELECT r.time, s.name, s.labels, s.unit, r.part, r.value, r.level, r.boot, r.device_ms
FROM reading r JOIN series s ON s.id = r.series;
)sql";

const char* kind_text(SeriesKind kind) {
    if (kind == SeriesKind::counter) return "counter";
    return kind == SeriesKind::state ? "state" : "gauge";
}

class SqliteSink final : public RowSink {
public:
    [[nodiscard]] Result<void> open(const std::string& path) {
        if (auto opened = connection_.open(path, ""); !opened) return opened;
        // A file that is not finished is of no use to anybody: no journal beside it, no syncs.
        auto prepared = connection_.run(
            "PRAGMA journal_mode=MEMORY;PRAGMA synchronous=OFF;PRAGMA locking_mode=EXCLUSIVE");
        if (prepared) prepared = connection_.run(kTables);
        if (prepared) prepared = connection_.run("BEGIN");
        if (!prepared) return prepared;
        const std::pair<sql::Statement*, const char*> texts[]{
            {&put_series_, "INSERT INTO series VALUES(NULL,?,?,?,?,?,?)"},
            {&put_reading_, "INSERT INTO reading VALUES(?,?,?,?,?,?,?,?)"},
            {&put_event_, "INSERT INTO event VALUES(?,?,?,?,?,?,?)"}};
        for (const auto& [statement, text] : texts) {
            auto made = connection_.prepare(text);
            if (!made) return made.error();
            *statement = std::move(*made);
        }
        return ok();
    }

    [[nodiscard]] Result<void> take(const ReadingRow& row) override {
        if (row.epoch != epoch_) {
            epoch_ = row.epoch;
            numbers_.clear();
        }
        auto& number = numbers_[row.series->id];
        if (number == 0) {
            const auto epoch = to_string(*row.epoch);
            const auto labels = labels_json(*row.series);
            auto put = put_series_.start()
                           .bind_text(1, epoch)
                           .bind(2, row.series->id.value)
                           .bind_text(3, row.series->name)
                           .bind_text(4, labels)
                           .bind_text(5, kind_text(row.series->kind))
                           .bind_text(6, row.series->unit)
                           .run();
            if (!put) return put;
            number = ++series_;
        }
        const auto wall = wall_text(row.wall);
        const auto part = part_text(row);
        put_reading_.start().bind(1, number);
        bind_time(put_reading_, 2, wall);
        return put_reading_.bind(3, row.at.boot.value)
            .bind(4, to_ms(row.at.at))
            .bind(5, static_cast<std::int64_t>(row.seq.value))
            .bind(6, row.level)
            .bind_text(7, part)
            .bind_text(8, row.value)
            .run();
    }

    [[nodiscard]] Result<void> take(const EventRow& row) override {
        const auto wall = wall_text(row.wall);
        const auto epoch = to_string(*row.epoch);
        const auto kind = to_string(row.event->kind);
        const auto fields = fields_json(*row.event);
        put_event_.start();
        bind_time(put_event_, 1, wall);
        return put_event_.bind(2, row.at.boot.value)
            .bind(3, to_ms(row.at.at))
            .bind_text(4, epoch)
            .bind(5, static_cast<std::int64_t>(row.seq.value))
            .bind_text(6, kind)
            .bind_text(7, fields)
            .run();
    }

    [[nodiscard]] Result<void> finish() override {
        return connection_.run("CREATE INDEX reading_time ON reading(series,time);COMMIT");
    }

private:
    static void bind_time(sql::Statement& statement, int parameter, const std::string& wall) {
        if (wall.empty()) {
            statement.bind_null(parameter);
        } else {
            statement.bind_text(parameter, wall);
        }
    }

    sql::Connection connection_;
    sql::Statement put_series_;
    sql::Statement put_reading_;
    sql::Statement put_event_;
    const EpochId* epoch_ = nullptr;
    std::map<SeriesId, std::int64_t> numbers_;  ///< of `epoch_`
    std::int64_t series_ = 0;
};

}  // namespace

std::unique_ptr<RowSink> csv_sink(std::FILE* out) {
    return std::make_unique<CsvSink>(out);
}

std::unique_ptr<RowSink> ndjson_sink(std::FILE* out) {
    return std::make_unique<NdjsonSink>(out);
}

Result<std::unique_ptr<RowSink>> sqlite_sink(const std::string& path) {
    if (::access(path.c_str(), F_OK) == 0) {
        return Error{Errc::refused, path + ": exists already; name another file"};
    }
    auto sink = std::make_unique<SqliteSink>();
    if (auto opened = sink->open(path); !opened) return opened.error();
    return std::unique_ptr<RowSink>{std::move(sink)};
}

}  // namespace gerbang::cli
