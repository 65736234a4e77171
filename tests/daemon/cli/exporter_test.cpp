#include "daemon/cli/exporter.hpp"

#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "common/model/facts.hpp"
#include "common/wire/chain.hpp"
#include "tests/support/temp_folder.hpp"

namespace gerbang::cli {
namespace {

EpochId epoch_of(std::uint8_t number) {
    EpochId id;
    id.bytes.back() = number;
    return id;
}

DeviceTime at(std::int64_t seconds, std::uint32_t boot = 1) {
    return {BootNo{boot}, monotonic_from_ms(seconds * 1000)};
}

/// Epochs in memory, given in pieces of two records.
class Shelf final : public RecordSource {
public:
    struct Epoch {
        web::EpochRow row;
        std::vector<Record> records;
        std::vector<Head> before;  ///< of each record
    };
    std::vector<Epoch> kept;
    std::optional<Error> failure;
    int reads = 0;

    void add(std::uint8_t number, const std::vector<RecordBody>& bodies, Seq first = Seq{1}) {
        Epoch epoch;
        epoch.row = {epoch_of(number), Seq{first.value + bodies.size() - 1}, true};
        Head head{};
        for (const auto& body : bodies) {
            const Record record{first, body};
            epoch.before.push_back(head);
            head = wire::is_chainable(record) ? wire::next_head(head, record)
                                              : Head{std::uint8_t(first.value)};
            epoch.records.push_back(record);
            first = first.next();
        }
        kept.push_back(std::move(epoch));
    }

    [[nodiscard]] Result<std::vector<web::EpochRow>> epochs() override {
        std::vector<web::EpochRow> rows;
        for (const auto& epoch : kept) rows.push_back(epoch.row);
        return rows;
    }
    [[nodiscard]] Result<Piece> read(const EpochId& id, Seq after) override {
        if (failure && ++reads > 1) return *failure;
        Piece piece;
        for (const auto& epoch : kept) {
            if (epoch.row.id != id) continue;
            for (std::size_t i = 0; i < epoch.records.size(); ++i) {
                if (epoch.records[i].seq <= after || piece.records.size() == 2) continue;
                if (piece.records.empty()) piece.before = epoch.before[i];
                // Readings as taken and reduced ones never stand in one piece.
                if (!piece.records.empty() && wire::is_chainable(piece.records.front()) !=
                                                  wire::is_chainable(epoch.records[i])) {
                    break;
                }
                piece.records.push_back(epoch.records[i]);
            }
        }
        return piece;
    }
};

Series series(std::uint32_t id, const std::string& name, SeriesKind kind, std::uint8_t scale) {
    return {SeriesId{id}, name, {{"interface", "eth0, \"x\""}}, kind, "bytes", scale};
}

Chunk chunk(std::int64_t from, std::uint32_t boot = 1) {
    return make_chunk(BootNo{boot}, {{at(from).at, {{SeriesId{1}, 100}, {SeriesId{2}, -5}}},
                                     {at(from + 10).at, {{SeriesId{1}, 250}}}});
}

/// A boot whose clock is set after its first chunk, and one whose clock never was.
Shelf village() {
    Shelf shelf;
    shelf.add(1, {to_event(series(1, "bytes_total", SeriesKind::counter, 0), at(1)),
                  to_event(series(2, "temperature", SeriesKind::gauge, 1), at(1)), chunk(10),
                  to_event(Anchor{.at = at(30),
                                  .wall = wall_from_ms(1'795'000'000'000),
                                  .source = AnchorSource::kernel,
                                  .uncertainty = Millis{1}}),
                  chunk(40), chunk(5, 2)});
    return shelf;
}

std::string text_of(std::FILE* file) {
    std::rewind(file);
    std::string text(1u << 16, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    return text;
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
File temporary() {
    return {std::tmpfile(), &std::fclose};
}

const Progress kSilent = [](std::uint64_t, std::uint64_t) {};

}  // namespace

TEST_CASE("Export to CSV has a line for each reading, dated from the boot's first anchor",
          "[cli]") {
    auto shelf = village();
    const auto file = temporary();
    const auto sink = csv_sink(file.get());
    std::uint64_t last = 0;
    const auto count = export_records(shelf, *sink, {}, [&](std::uint64_t done, std::uint64_t all) {
        CHECK(done >= last);
        CHECK(all == 12);
        last = done;
    });
    REQUIRE(count);
    CHECK(last == 12);
    CHECK(count->readings == 9);
    CHECK(count->undated == 3);
    const std::string epoch = to_string(epoch_of(1));
    const std::string labels = ",\"interface=eth0, \"\"x\"\"\",value,";
    const auto text = text_of(file.get());
    CHECK(text.starts_with(
        "time,boot,device_ms,epoch,seq,level,series,labels,part,value\r\n"
        "2026-11-18T11:06:20.000Z,1,10000," +
        epoch + ",3,0,bytes_total" + labels + "100\r\n" + "2026-11-18T11:06:20.000Z,1,10000," +
        epoch + ",3,0,temperature" + labels + "-0.5\r\n"));
    CHECK(text.find("\r\n,2,5000," + epoch + ",6,0,bytes_total" + labels + "100\r\n") !=
          std::string::npos);
}

TEST_CASE("Export of a span leaves out what lies outside and what has no date", "[cli]") {
    auto shelf = village();
    const auto file = temporary();
    const auto sink = ndjson_sink(file.get());
    const ExportSpan span{wall_from_ms(1'795'000'000'000), wall_from_ms(1'795'000'020'000)};
    const auto count = export_records(shelf, *sink, span, kSilent);
    REQUIRE(count);
    CHECK(count->readings == 2);
    CHECK(count->events == 1);
    CHECK(count->undated == 0);
    const auto text = text_of(file.get());
    CHECK(text.find("\"type\":\"event\",\"time\":\"2026-11-18T11:06:40.000Z\",\"boot\":1,"
                    "\"device_ms\":30000") != std::string::npos);
    CHECK(text.find("\"series\":\"temperature\",\"labels\":{\"interface\":\"eth0, \\\"x\\\"\"},"
                    "\"part\":\"value\",\"value\":-0.5}\n") != std::string::npos);
}

TEST_CASE("Export shows the parts of reduced readings", "[cli]") {
    Shelf shelf;
    Chunk reduced{BootNo{1}, 2, {at(60).at}, {}};
    reduced.columns = {{SeriesId{1}, {}, {7}, part::kValue},
                       {SeriesId{1}, {}, {3}, part::kMinimum},
                       {SeriesId{1}, {}, {9}, part::kMaximum},
                       {SeriesId{1}, {}, {30}, part::kCount},
                       {SeriesId{2}, {}, {1500}, part::kStateTime + 2}};
    shelf.add(1, {to_event(series(1, "temperature", SeriesKind::gauge, 1), at(1)),
                  to_event(series(2, "link_state", SeriesKind::state, 0), at(1)),
                  Chunk{BootNo{1}, 2, {}, {}}, reduced});
    const auto file = temporary();
    const auto sink = csv_sink(file.get());
    REQUIRE(export_records(shelf, *sink, {}, kSilent));
    const auto text = text_of(file.get());
    for (const std::string wanted : {",value,0.7\r\n", ",minimum,0.3\r\n", ",maximum,0.9\r\n",
                                     ",count,30\r\n", ",seconds_in_2,1.500\r\n"}) {
        CHECK(text.find(wanted) != std::string::npos);
    }
}

TEST_CASE("Export to SQLite is a database that anyone can ask", "[cli]") {
    const TempFolder folder;
    const auto path = folder.path() + "/village.db";
    auto shelf = village();
    {
        auto sink = sqlite_sink(path);
        REQUIRE(sink);
        const auto count = export_records(shelf, **sink, {}, kSilent);
        REQUIRE(count);
        CHECK(count->events == 3);
    }
    const auto asked = [&](const char* question) {
        sqlite3* opened = nullptr;
        std::string answer;
        REQUIRE(sqlite3_open(path.c_str(), &opened) == SQLITE_OK);
        const auto keep = [](void* into, int, char** values, char**) {
            *static_cast<std::string*>(into) = values[0] != nullptr ? values[0] : "nothing";
            return 0;
        };
        CHECK(sqlite3_exec(opened, question, keep, &answer, nullptr) == SQLITE_OK);
        sqlite3_close(opened);
        return answer;
    };
    CHECK(asked("PRAGMA integrity_check") == "ok");
    CHECK(asked("SELECT count(*) FROM reading") == "9");
    CHECK(asked("SELECT count(*) FROM series") == "2");
    CHECK(asked("SELECT count(*) FROM event WHERE kind='anchor'") == "1");
    CHECK(asked("SELECT sum(value) FROM readings WHERE name='bytes_total'") == "1050");
    CHECK(asked("SELECT typeof(value)||' '||value FROM readings WHERE name='temperature'") ==
          "real -0.5");
    CHECK(asked("SELECT count(*) FROM reading WHERE time IS NULL") == "3");
    CHECK(sqlite_sink(path).error().code == Errc::refused);
}

TEST_CASE("Export ends with the error of its source or of its disk", "[cli]") {
    auto shelf = village();
    shelf.failure = Error{Errc::unreachable, "storage hangs"};
    const auto file = temporary();
    const auto sink = csv_sink(file.get());
    CHECK(export_records(shelf, *sink, {}, kSilent).error().detail == "storage hangs");

    auto healthy = village();
    const File full{std::fopen("/dev/full", "w"), &std::fclose};
    REQUIRE(full);
    const auto nowhere = ndjson_sink(full.get());
    CHECK(export_records(healthy, *nowhere, {}, kSilent).error().code == Errc::storage_full);
}

TEST_CASE("Verification recomputes the chain and names where it breaks", "[cli]") {
    auto shelf = village();
    shelf.add(2, {chunk(10), Chunk{BootNo{1}, 1, {}, {}}, Chunk{BootNo{1}, 1, {}, {}}, chunk(90)});
    auto found = verify_records(shelf, kSilent);
    REQUIRE(found);
    CHECK(found->verified == 8);
    CHECK(found->reduced == 2);
    CHECK(found->absent == 0);
    CHECK(found->breaks.empty());

    SECTION("a record that was changed") {
        std::get<Chunk>(shelf.kept[0].records[2].body).columns[0].values[0] = 101;
        found = verify_records(shelf, kSilent);
        REQUIRE(found->breaks.size() == 1);
        CHECK(found->breaks[0].epoch == epoch_of(1));
        CHECK(found->breaks[0].seq == Seq{5});
    }
    SECTION("records that are not here") {
        shelf.kept[0].records.erase(shelf.kept[0].records.begin() + 2,
                                    shelf.kept[0].records.begin() + 4);
        shelf.kept[0].before.erase(shelf.kept[0].before.begin() + 2,
                                   shelf.kept[0].before.begin() + 4);
        shelf.kept[0].row.last = Seq{9};
        found = verify_records(shelf, kSilent);
        CHECK(found->breaks.empty());
        CHECK(found->absent == 5);
        CHECK(found->verified == 6);

        const auto file = temporary();
        const auto sink = csv_sink(file.get());
        const auto count = export_records(shelf, *sink, {}, kSilent);
        REQUIRE(count);
        CHECK(count->absent == 5);
        CHECK(count->readings > 0);
    }
}

}  // namespace gerbang::cli
