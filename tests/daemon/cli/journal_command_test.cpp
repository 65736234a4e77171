// `gerbang journal`, `journal verify` and `export`, as a technician meets them: without a daemon,
// with files that are whole, missing, damaged or newer.
#include <sysexits.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/render.hpp"
#include "daemon/journal/journal.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/temp_folder.hpp"

namespace gerbang::cli {
namespace {

/// A state folder, and the request of somebody who asks about it while no daemon runs.
struct Place {
    TempFolder folder;
    Request request;

    explicit Place(Language language = Language::english) {
        request.paths.state = folder.path();
        request.paths.runtime = folder.file("no-runtime");
        request.render.language = language;
    }
    [[nodiscard]] std::string journal() const { return folder.file("journal.db"); }
    [[nodiscard]] std::string bytes(const std::string& path) const {
        std::stringstream text;
        text << std::ifstream{path, std::ios::binary}.rdbuf();
        return text.str();
    }
    void write(const std::string& path, const std::string& text) const {
        std::ofstream{path, std::ios::binary} << text;
    }
    /// Ten minutes of readings, the last five of a boot whose clock was set.
    void fill() const {
        auto opened = Journal::open({.path = journal()});
        REQUIRE(opened);
        auto& written = **opened;
        REQUIRE(
            written.begin_epoch(samples::epoch_fact(1), samples::at(1, 5), samples::beginning()));
        for (std::int64_t n = 0; n < 5; ++n) {
            REQUIRE(written.append(written.state().last.next(), {samples::nth_minute(1, n)}));
        }
        const auto boot = to_event(BootFact{samples::boot_id(2)}, samples::at(2, 5));
        REQUIRE(written.append(written.state().last.next(),
                               {boot, samples::anchor(2, 6, 1'795'240'800)}));
        for (std::int64_t n = 0; n < 5; ++n) {
            REQUIRE(written.append(written.state().last.next(), {samples::nth_minute(2, n)}));
        }
    }
};

bool has(const std::string& text, const std::string& words) {
    // Lines are wrapped where they are full.
    std::string flat = text;
    for (auto& c : flat) c = c == '\n' ? ' ' : c;
    return flat.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("Without a journal, verify and export say so with the next step, and make none",
          "[cli][journal]") {
    for (const auto language : {Language::english, Language::indonesian}) {
        const Place place{language};
        for (const auto& outcome : {verify_command(place.request), export_command(place.request)}) {
            CHECK(outcome.code == EX_NOINPUT);
            CHECK(outcome.out.empty());
            CHECK(has(outcome.err, "sudo systemctl start gerbang"));
            CHECK(has(outcome.err, "no such file") == (language == Language::english));
        }
        CHECK_FALSE(std::filesystem::exists(place.journal()));
    }
}

TEST_CASE("A journal of a newer version is refused and left as it is", "[cli][journal]") {
    const Place place{Language::indonesian};
    place.fill();
    auto bytes = place.bytes(place.journal());
    bytes[63] = 99;  // user_version, big-endian
    std::filesystem::remove(place.journal() + "-wal");
    std::filesystem::remove(place.folder.file("journal.mirror"));
    place.write(place.journal(), bytes);
    const auto outcome = verify_command(place.request);
    CHECK(outcome.code == EX_NOINPUT);
    CHECK(has(outcome.err, "skema versi 99 lebih baru"));
    CHECK(place.bytes(place.journal()) == bytes);
}

TEST_CASE("A damaged journal is set aside, and nobody is told that its chain is whole",
          "[cli][journal]") {
    const Place place;
    place.write(place.journal(), std::string(8192, '\xA5'));
    const auto outcome = verify_command(place.request);
    CHECK(outcome.code == EX_TEMPFAIL);
    CHECK_FALSE(has(outcome.out, "whole"));
    CHECK(has(outcome.err, "damaged and set aside"));
    CHECK(place.bytes(place.folder.file("journal.damaged")) == std::string(8192, '\xA5'));
    const auto again = export_command(place.request);
    CHECK(has(again.err, "damaged and set aside"));
}

TEST_CASE("Verify recomputes a whole journal, and says of an empty one that it is",
          "[cli][journal]") {
    const Place place;
    REQUIRE(Journal::open({.path = place.journal()}));
    const auto empty = verify_command(place.request);
    CHECK(empty.code == 0);
    CHECK(has(empty.out, "no records here yet"));
    place.fill();
    const auto whole = verify_command(place.request);
    CHECK(whole.code == 0);
    CHECK(has(whole.out, "The chain is whole: 17 records recomputed."));
    CHECK(whole.err.empty());
}

TEST_CASE("Export never writes over a file, and removes one that it could not finish",
          "[cli][journal]") {
    Place place{Language::indonesian};
    place.fill();
    place.request.output = place.folder.file("mine");
    place.write(place.request.output, "mine");
    for (const auto* format : {"csv", "ndjson", "sqlite"}) {
        INFO(format);
        place.request.format = format;
        const auto outcome = export_command(place.request);
        CHECK(outcome.code == EX_IOERR);
        CHECK(has(outcome.err, "sudah ada; beri nama lain"));
        CHECK(place.bytes(place.request.output) == "mine");
    }
    place.request.paths.state = place.folder.file("nowhere");
    place.request.output = place.folder.file("new");
    place.request.format = "csv";
    CHECK(export_command(place.request).code == EX_NOINPUT);
    CHECK_FALSE(std::filesystem::exists(place.request.output));
}

TEST_CASE("Export says what it wrote and how much of that has no date", "[cli][journal]") {
    Place place;
    place.fill();
    place.request.output = place.folder.file("out.csv");
    const auto csv = export_command(place.request);
    CHECK(csv.code == 0);
    CHECK(csv.out.empty());
    CHECK(has(csv.err, "Done: 180 readings and 0 events."));
    CHECK(has(csv.err, "90 of them without a date"));
    const auto lines = place.bytes(place.request.output);
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 181);

    place.request.output = place.folder.file("out.ndjson");
    place.request.format = "ndjson";
    const auto ndjson = export_command(place.request);
    CHECK(has(ndjson.err, "Done: 180 readings and 7 events."));
    CHECK(has(ndjson.err, "95 of them without a date"));

    place.request.output = place.folder.file("day.csv");
    place.request.format = "csv";
    place.request.from = "2026-11-21";
    place.request.to = "2026-11-21";
    CHECK(has(export_command(place.request).err, "Done: 90 readings"));
    place.request.output = place.folder.file("before.csv");
    place.request.to = "2026-11-20";
    place.request.from = "2026-11-19";
    CHECK(has(export_command(place.request).err, "Done: 0 readings"));
}

TEST_CASE("The journal's page tells why records were lost, in the reader's words",
          "[cli][journal]") {
    JournalFacts facts;
    facts.losses = {{"quota", 2, 120},        {"damage", 1, 7},        {"quota_clock", 1, 3},
                    {"ring_full", 1, 9},      {"of-the-future", 1, 1}, {"quota_boot_end", 1, 2},
                    {"storage_dropped", 1, 4}};
    const auto page = [&](Language language) {
        RenderOptions options;
        options.language = language;
        return render_journal(facts, Seconds{8 * 3600}, options);
    };
    const auto english = page(Language::english);
    CHECK(has(english, "Lost: 120 records (out of room, the oldest given up)."));
    CHECK(has(english, "Lost: 1 records (of-the-future)."));
    const auto indonesian = page(Language::indonesian);
    CHECK(has(indonesian, "Hilang: 7 catatan (berkas rusak)."));
    CHECK(has(indonesian, "Hilang: 3 catatan (ruang habis: koreksi jam)."));
    CHECK(has(indonesian, "Hilang: 9 catatan (kartu terlalu lama tidak dapat ditulis)."));
    CHECK_FALSE(has(indonesian, "quota"));
    facts.losses.clear();
    CHECK(has(page(Language::indonesian), "Tidak ada yang hilang."));
}

}  // namespace gerbang::cli
