#include "daemon/cli/cli.hpp"

#include <sysexits.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <vector>

#include "common/web/statement_json.hpp"
#include "common/web/status.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/render.hpp"
#include "tests/daemon/cli/sample.hpp"
#include "tests/support/canned_http.hpp"
#include "tests/support/temp_folder.hpp"

namespace gerbang::cli {
namespace {

/// A folder of its own, removed at the end.
struct Folder {
    TempFolder own;
    std::filesystem::path path = own.path();
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream{path / name} << text;
        return (path / name).string();
    }
};

Request request_to(const std::string& runtime) {
    Request request;
    request.paths.runtime = runtime;
    request.render.language = Language::english;
    return request;
}

int run_line(std::vector<const char*> words, const RunDaemon& run_daemon) {
    words.insert(words.begin(), "gerbang");
    return run_cli(static_cast<int>(words.size()), words.data(), run_daemon, "9.9.9");
}

int no_daemon(const LoadedConfig&, const std::string&, const HostPaths&) {
    return 99;
}

}  // namespace

TEST_CASE("Without a daemon every question ends with the next step and EX_UNAVAILABLE", "[cli]") {
    const Folder folder;
    auto request = request_to(folder.path.string());
    for (const auto language : {Language::indonesian, Language::english}) {
        request.render.language = language;
        for (const auto& outcome :
             {status_command(request), usage_command(request), outages_command(request),
              sync_command(request, SyncWish::now)}) {
            CHECK(outcome.code == EX_UNAVAILABLE);
            CHECK(outcome.out.empty());
            CHECK(outcome.err.find("systemctl start gerbang") != std::string::npos);
        }
    }
    CHECK(status_command(request_to("/" + std::string(200, 'x'))).code == EX_UNAVAILABLE);
}

TEST_CASE("A socket that nobody serves is told from one that is not there", "[cli]") {
    const Folder folder;
    folder.write("gerbang.sock", "");
    const auto outcome = status_command(request_to(folder.path.string()));
    CHECK(outcome.code == EX_UNAVAILABLE);
    CHECK(outcome.err.find("Connection refused") != std::string::npos);
}

TEST_CASE("Answers that cannot be used are EX_PROTOCOL with what was wrong", "[cli]") {
    const CannedHttp daemon{{{"GET /v1/status", CannedHttp::answer(200, "{\"site\":7}")},
                             {"GET /v1/usage?by=day", CannedHttp::answer(500, "broken")},
                             {"POST /v1/probe", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"},
                             {"GET /v1/sla?month=2026-10", CannedHttp::answer(200, "[]")},
                             {"GET /v1/sync", CannedHttp::answer(503, "busy")}}};
    auto request = request_to(daemon.folder());
    const auto status = status_command(request);
    CHECK(status.code == EX_PROTOCOL);
    CHECK(status.err.find("status.site: expected an object") != std::string::npos);
    const auto usage = usage_command(request);
    CHECK(usage.code == EX_PROTOCOL);
    CHECK(usage.err.find("HTTP 500 broken") != std::string::npos);
    CHECK(probe_command(request).code == EX_UNAVAILABLE);
    CHECK(outages_command(request).code == EX_PROTOCOL);
    request.month = "2026-10";
    CHECK(sla_command(request).code == EX_PROTOCOL);
    request.is_json = true;
    CHECK(sync_command(request, SyncWish::show).code == EX_UNAVAILABLE);
}

TEST_CASE("Pages come from the daemon's answers, and JSON passes unchanged", "[cli]") {
    const auto status = web::to_json(sample_status());
    const auto usage = web::to_json(sample_usage(), UsagePeriod::day);
    const auto outages = web::to_json(sample_outages());
    const auto probe = web::to_json(sample_report());
    const CannedHttp daemon{{{"GET /v1/status", CannedHttp::answer(200, status)},
                             {"GET /v1/usage?by=day", CannedHttp::answer(200, usage)},
                             {"GET /v1/outages?link=wan", CannedHttp::answer(200, outages)},
                             {"POST /v1/probe", CannedHttp::answer(200, probe)},
                             {"GET /v1/sync", CannedHttp::answer(200, "[]")},
                             {"POST /v1/sync/now", CannedHttp::answer(202, "")}}};
    auto request = request_to(daemon.folder());
    CHECK(status_command(request).out.find("INTERNET IS UP\n") == 0);
    CHECK(usage_command(request).out.find("Usage of internet by day, WITA\n") == 0);
    CHECK(outages_command(request).out.find("2026-11-21 14:05:00  still open") !=
          std::string::npos);
    CHECK(sync_command(request, SyncWish::now).out.find("Sync to kaltim") == 0);
    CHECK(probe_command(request).out.find("Asked just now") == 0);
    request.is_json = true;
    CHECK(status_command(request).out == status + "\n");
    CHECK(usage_command(request).out == usage + "\n");
    CHECK(outages_command(request).out == outages + "\n");
    CHECK(sync_command(request, SyncWish::show).out == "[]\n");
    CHECK(probe_command(request).out == probe + "\n");
}

TEST_CASE("Outages are asked for by link and by days of the site's own time", "[cli]") {
    const auto rows = CannedHttp::answer(200, R"({"outages":[]})");
    const CannedHttp daemon{
        {{"GET /v1/status", CannedHttp::answer(200, web::to_json(sample_status()))},
         {"GET /v1/outages?link=hotspot", rows},
         {"GET /v1/outages", rows},
         {"GET /v1/outages?link=wan&from=2026-10-31T16:00:00.000Z&to=2026-11-02T16:00:00.000Z",
          rows},
         {"GET /v1/outages?to=2026-11-21T06:05:00.000Z", rows}}};
    auto request = request_to(daemon.folder());
    request.link = "hotspot";
    CHECK(outages_command(request).out == "No outage is recorded.\n");
    request.link.clear();
    CHECK(outages_command(request).code == 0);
    request.to = "2026-11-21 14:05";
    CHECK(outages_command(request).out == "No outage in that time.\n");
    request.link = "wan";
    request.from = "2026-11-01";
    request.to = "2026-11-02";
    CHECK(outages_command(request).code == 0);
    request.is_json = true;
    CHECK(outages_command(request).out == "{\"outages\":[]}\n");
    request.to = "yesterday";
    const auto refused = outages_command(request);
    CHECK(refused.code == EX_DATAERR);
    CHECK(refused.err.find("Not a time: yesterday.") == 0);
}

TEST_CASE("A statement comes by the example or by the clauses of a file", "[cli]") {
    const auto statement = web::to_json(sample_statement());
    CannedHttp daemon{{{"GET /v1/status", CannedHttp::answer(200, web::to_json(sample_status()))},
                       {"GET /v1/sla?month=2026-10", CannedHttp::answer(200, statement)},
                       {"POST /v1/sla?month=2026-10",
                        CannedHttp::answer(400, web::problem_json(400, "Bad Request",
                                                                  "clauses.name: is missing"))},
                       {"GET /v1/sla?month=2026-11", CannedHttp::answer(503, "busy")}}};
    auto request = request_to(daemon.folder());
    request.month = "2026-10";
    CHECK(sla_command(request).out ==
          render_statement(sample_statement(), "2026-10", sample_status(), request.render));
    request.is_json = true;
    CHECK(sla_command(request).out == statement + "\n");
    const Folder folder;
    request.clauses_file = folder.write("clauses.json", std::string(65'536, ' ') + "too much");
    CHECK(sla_command(request).code == EX_DATAERR);
    // One byte over the limit is enough for the daemon to refuse it.
    CHECK(daemon.last_request().size() - daemon.last_request().find("\r\n\r\n") == 65'541);
    request.clauses_file = folder.write("clauses.json", "{}");
    const auto refused = sla_command(request);
    CHECK(daemon.last_request().substr(daemon.last_request().size() - 6) == "\r\n\r\n{}");
    CHECK(refused.code == EX_DATAERR);
    CHECK(refused.err == "Not accepted: clauses.name: is missing.\n");
    request.clauses_file = folder.write("empty.json", "");
    CHECK(sla_command(request).code == EX_DATAERR);
    request.clauses_file = folder.path.string() + "/none";
    CHECK(sla_command(request).code == EX_NOINPUT);
    request.clauses_file.clear();
    request.month = "2026-11";
    CHECK(sla_command(request).code == EX_UNAVAILABLE);
}

TEST_CASE("Availability comes day by day, of a month or of days of the site's time", "[cli]") {
    const auto days = web::to_json(sample_days());
    CannedHttp daemon{
        {{"GET /v1/status", CannedHttp::answer(200, web::to_json(sample_status()))},
         {"GET /v1/availability?month=2026-10", CannedHttp::answer(200, days)},
         {"GET /v1/availability?month=2026-11", CannedHttp::answer(200, "{}")},
         {"GET /v1/availability?month=2026-12",
          CannedHttp::answer(503, web::problem_json(503, "Service Unavailable",
                                                    "the clock is not set yet, so no period can "
                                                    "be named; see gerbang clock set"))},
         {"GET /v1/availability?from=2026-09-30T16:00:00.000Z&to=2026-10-04T16:00:00.000Z",
          CannedHttp::answer(200, days)},
         {"GET /v1/sla?from=2026-09-30T16:00:00.000Z&to=2026-09-30T17:30:00.000Z",
          CannedHttp::answer(200, web::to_json(sample_statement()))}}};
    auto request = request_to(daemon.folder());
    request.render.language = Language::indonesian;
    request.is_by_day = true;
    request.month = "2026-11";
    CHECK(sla_command(request).code == EX_PROTOCOL);
    request.month = "2026-12";
    const auto unset = sla_command(request);
    CHECK(unset.code == EX_UNAVAILABLE);
    CHECK(unset.err.find("Tidak diterima: jam belum disetel, jadi") == 0);
    request.render.language = Language::english;
    request.month = "2026-10";
    CHECK(sla_command(request).out ==
          render_days(sample_days(), "2026-10", sample_status(), request.render));
    request.is_json = true;
    CHECK(sla_command(request).out == days + "\n");
    request.month.clear();
    request.from = "yesterday";
    request.to = "2026-10-04";
    CHECK(sla_command(request).code == EX_DATAERR);
    request.from = "2026-10-01";
    CHECK(sla_command(request).out == days + "\n");
    request.is_json = false;
    CHECK(sla_command(request).out ==
          render_days(sample_days(), "2026-10-01 - 2026-10-04", sample_status(), request.render));
    request.is_by_day = false;
    request.to = "2026-10-01 01:30";
    CHECK(sla_command(request).out == render_statement(sample_statement(),
                                                       "2026-10-01 - 2026-10-01 01:30",
                                                       sample_status(), request.render));
}

TEST_CASE("A note says that it is a claim, the clock that the system's is not changed", "[cli]") {
    CannedHttp daemon{{{"GET /v1/status", CannedHttp::answer(200, web::to_json(sample_status()))},
                       {"POST /v1/notes", CannedHttp::answer(202, R"({"accepted":true})")},
                       {"POST /v1/clock", CannedHttp::answer(202, R"({"accepted":true})")}}};
    auto request = request_to(daemon.folder());
    request.note.text = "genset rusak";
    request.from = "2026-11-21 08:00";
    CHECK(note_command(request).out.find("This is your claim, not evidence") != std::string::npos);
    const auto sent = daemon.last_request();
    CHECK(sent.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
    CHECK(sent.find(R"("text":"genset rusak","from":"2026-11-21T00:00:00.000Z"})") !=
          std::string::npos);
    request.to = "25:00";
    CHECK(note_command(request).code == EX_DATAERR);
    CHECK(clock_set_command(request, "2026-11-21 14.05", false)
              .out.find("gerbang's clock is now 21 Nov 2026 14:05 WITA, by your word.") == 0);
    CHECK(clock_set_command(request, "2026-11-21 06:05", true).out.find("21 Nov 2026 06:05 UTC") !=
          std::string::npos);
    for (const char* wrong : {"2026-11-21", "14:05", "", "2026-11-21 14:65"}) {
        CHECK(clock_set_command(request, wrong, false).code == EX_DATAERR);
    }
    request.is_json = true;
    CHECK(clock_set_command(request, "2026-11-21 14:05:30", false).out == "{\"accepted\":true}\n");
    const CannedHttp stubborn{
        {{"GET /v1/status", CannedHttp::answer(200, web::to_json(sample_status()))},
         {"POST /v1/clock",
          CannedHttp::answer(409, web::problem_json(409, "Conflict", "the kernel knows better"))}}};
    request.paths.runtime = stubborn.folder();
    const auto refused = clock_set_command(request, "2026-11-21 14:05", false);
    CHECK(refused.code == EX_DATAERR);
    CHECK(refused.err == "Not accepted: the kernel knows better.\n");
}

TEST_CASE("JSON passes unchanged even where this program does not understand it", "[cli]") {
    const CannedHttp daemon{{{"GET /v1/status", CannedHttp::answer(200, "{\"newer\":1}")}}};
    auto request = request_to(daemon.folder());
    request.is_json = true;
    const auto outcome = status_command(request);
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "{\"newer\":1}\n");
}

TEST_CASE("check names every mistake and ends with EX_CONFIG", "[cli]") {
    const Folder folder;
    const auto file = folder.write("g.yaml", "metering: {tick: 10, comit: 1}\n");
    const auto outcome = check_command(file, Language::english, true, {});
    CHECK(outcome.code == EX_CONFIG);
    CHECK(outcome.out.find(file + ":1:18: metering.tick: expected a duration") == 0);
    CHECK(outcome.out.find(file + ":1:22: metering.comit: unknown key (did you mean "
                                  "\"commit\"?)\n") != std::string::npos);
    CHECK(outcome.out.find("Mistakes: 2.") != std::string::npos);
    const auto missing = check_command(folder.path.string() + "/none", Language::english, true, {});
    CHECK(missing.code == EX_NOINPUT);
    const auto place = check_command(folder.path.string(), Language::indonesian, true, {});
    CHECK(place.code == EX_NOINPUT);
    CHECK(place.err.find("tidak dapat dibaca: ini folder") != std::string::npos);
    CHECK(missing.err.find("cannot be read: there is no such file") != std::string::npos);
}

TEST_CASE("check of the shipped example says that all is well and what will happen", "[cli]") {
    const auto file = std::string{GERBANG_SOURCE_DIR} + "/config/gerbang.yaml";
    const auto outcome = check_command(file, Language::indonesian, true, {});
    CHECK(outcome.code == 0);
    CHECK(outcome.out.find("semuanya baik.\n") != std::string::npos);
    CHECK(outcome.out.find("Dibaca tiap 10 detik, disimpan tiap 1 menit.") != std::string::npos);
    CHECK(outcome.out.find("unassigned") != std::string::npos);
}

TEST_CASE("check points at named files that cannot be read, without calling it a mistake",
          "[cli]") {
    const Folder folder;
    const auto file = folder.write("g.yaml",
                                   "lang: en\nsite: {id: a}\nsync: {targets: [{name: p, url: "
                                   "'https://s.id', ca_file: /nowhere/ca.pem}]}\n");
    const auto outcome = check_command(file, Language::indonesian, true, {});
    CHECK(outcome.code == 0);
    CHECK(outcome.out.find("Note: sync.targets[0].ca_file: /nowhere/ca.pem cannot be read") !=
          std::string::npos);
    CHECK(outcome.out.find("(https://s.id).") != std::string::npos);
}

TEST_CASE("check says so when the disk cannot give the journal its quota", "[cli]") {
    const Folder folder;
    const auto state = folder.path.string();
    const auto more = folder.write("more.yaml", "lang: en\njournal: {quota: 1024 GiB}\n");
    const auto outcome = check_command(more, Language::english, true, state);
    CHECK(outcome.code == 0);
    CHECK(outcome.out.find("Note: journal.quota is ") != std::string::npos);
    CHECK(check_command(more, Language::english, true, state + "/none/none").out.find("Note: j") ==
          std::string::npos);
    const auto less = folder.write("less.yaml", "lang: en\njournal: {quota: 6 MiB}\n");
    CHECK(check_command(less, Language::english, true, state).out.find("Note: j") ==
          std::string::npos);
    const auto least = folder.write("least.yaml", "lang: en\njournal: {quota: 5 MiB}\n");
    CHECK(check_command(least, Language::english, true, state).out.find("expected 6 MiB to") !=
          std::string::npos);
}

TEST_CASE("A wrong command line is EX_USAGE and starts nothing", "[cli]") {
    CHECK(run_line({"fly"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"status", "--colour"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"usage", "--by", "week"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"--lang", "fr"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"status", "outages"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"usage", "--limit", "0"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"sla"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"sla", "--month", "October"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"sla", "--by", "week", "--month", "2026-10"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"sla", "--by", "day", "--from", "2026-10-01"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"sla", "--month", "2026-10", "--to", "2026-10-01"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"sla", "--month", "2026-10", "--by", "day", "--clauses", "x"}, no_daemon) ==
          EX_USAGE);
    CHECK(run_line({"outages", "--link", "wan&x=1"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"note"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"note", "--kind", "gossip", "x"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"clock"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"clock", "set"}, no_daemon) == EX_USAGE);
    CHECK(run_line({"clock", "set", "--help"}, no_daemon) == 0);
    CHECK(run_line({"--help"}, no_daemon) == 0);
    CHECK(run_line({"--version"}, no_daemon) == 0);
    CHECK(run_line({"version", "--json"}, no_daemon) == 0);
    CHECK(run_line({"version"}, no_daemon) == 0);
    CHECK(run_line({"reference", "--lang", "en"}, no_daemon) == 0);
}

TEST_CASE("Every question of the command line reaches its command", "[cli]") {
    const Folder folder;
    const auto runtime = "--runtime=" + folder.path.string();
    for (const std::vector<const char*>& words :
         {std::vector<const char*>{"outages", "--all-links", "--from", "2026-11-01"},
          {"outages", "--link", "hotspot", "--to=2026-11-01"},
          {"sla", "--month", "2026-10"},
          {"sla", "--by", "day", "--from=2026-10-01", "--to=2026-10-31"},
          {"probe", "--json"},
          {"note", "--kind", "power", "--author", "Budi", "genset", "rusak"},
          {"clock", "set", "2026-11-21 14:05", "--utc"}}) {
        auto line = words;
        line.push_back(runtime.c_str());
        CHECK(run_line(line, no_daemon) == EX_UNAVAILABLE);
    }
}

TEST_CASE("run hands the daemon its configuration, the file's name and the folders", "[cli]") {
    const Folder folder;
    const auto file = folder.write("g.yaml", "site: {id: melak-01}\n");
    std::string seen;
    const RunDaemon daemon = [&](const LoadedConfig& loaded, const std::string& name,
                                 const HostPaths& paths) {
        seen = loaded.config.site.id + " " + name + " " + paths.state + " " + paths.runtime;
        return 42;
    };
    CHECK(run_line({"run", "--config", file.c_str(), "--state", "/s", "--runtime=/r"}, daemon) ==
          42);
    CHECK(seen == "melak-01 " + file + " /s /r");
    const auto bad = folder.write("bad.yaml", "site: 1\n");
    CHECK(run_line({"run", "--config", bad.c_str()}, no_daemon) == EX_CONFIG);
    CHECK(run_line({"run", "--config", "/nowhere/g.yaml"}, no_daemon) == EX_NOINPUT);
}

}  // namespace gerbang::cli
