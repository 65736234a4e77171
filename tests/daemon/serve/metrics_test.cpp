#include "daemon/serve/metrics.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "tests/daemon/serve/desk.hpp"
#include "tests/support/temp_folder.hpp"

namespace gerbang {
namespace {

SeriesValue value_of(const std::string& name, std::vector<Label> labels, SeriesKind kind,
                     std::int64_t value, std::uint8_t scale = 0) {
    SeriesValue one;
    one.series.name = name;
    one.series.labels = std::move(labels);
    one.series.kind = kind;
    one.series.scale = scale;
    one.value = value;
    return one;
}

/// A gateway with everything that can be shown, names that no sane person gives included.
web::Status full_status() {
    web::Status status;
    status.version = "0.1.0";
    status.site.id = "6403-berau-001";
    status.daemon_uptime_s = 60;
    status.link.state = "degraded";
    for (const auto& [link, state] : {std::pair{"hotspot", "down"}, {"province", "unknown"}}) {
        auto& line = status.links.emplace_back();
        line.link = link;
        line.state = state;
    }
    status.interfaces.push_back({.name = "eth\"0\\\n\xC3", .role = "wan", .has_carrier = true});
    status.interfaces.push_back({.name = "eth1", .role = "lan"});
    status.journal.state = "failing";
    status.journal.last = 18'446'744'073'709'551'615u;
    status.journal.days_left = 90;
    web::Status::Sync consumer;
    consumer.consumer = "province";
    consumer.state = "stopped";
    consumer.pending_records = 12;
    status.sync.push_back(consumer);
    consumer.consumer = "other";
    consumer.state = "idle";
    consumer.last_success_s = 5;
    status.sync.push_back(consumer);
    status.clock.state = "synchronised";
    return status;
}

std::vector<SeriesValue> full_newest() {
    const auto counter = SeriesKind::counter;
    const auto gauge = SeriesKind::gauge;
    return {value_of("interface_receive_bytes_total", {{"interface", "eth1"}}, counter, 1),
            value_of("wan_receive_bytes_total", {}, counter, INT64_MAX),
            value_of("interface_receive_bytes_total", {{"interface", "eth0"}}, counter, 2),
            value_of("link_state", {}, SeriesKind::state, 2),
            value_of("probe_loss_ratio", {{"target", "nasional"}}, gauge, 5, 4),
            value_of("system_temperature_celsius", {{"zone", "0"}}, gauge, -5, 1),
            value_of("system_load1", {}, gauge, 1234, 2),
            value_of("system_load1", {}, gauge, 9999, 2)};
}

bool is_name(const std::string& text) {
    return !text.empty() &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

/// Length of the labels at `text`, braces included; fails the test where they are none.
std::size_t labels_length(const std::string& text) {
    std::size_t at = 1;
    for (;;) {
        const auto equals = text.find("=\"", at);
        REQUIRE(equals != std::string::npos);
        REQUIRE(is_name(text.substr(at, equals - at)));
        at = equals + 2;
        for (; at < text.size() && text[at] != '"'; ++at) {
            REQUIRE(static_cast<unsigned char>(text[at]) >= 0x20);
            if (text[at] != '\\') continue;
            ++at;
            REQUIRE((text[at] == '\\' || text[at] == '"' || text[at] == 'n'));
        }
        REQUIRE(at + 1 < text.size());
        if (text[++at] == '}') return at + 1;
        REQUIRE(text[at++] == ',');
    }
}

/// Demands the exposition format and the rules for names, strictly; the samples by their names.
std::map<std::string, std::string> checked(const std::string& text) {
    std::map<std::string, std::string> samples;
    std::set<std::string> families;
    REQUIRE(text.back() == '\n');
    std::istringstream lines{text};
    std::string family;
    std::string type;
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        if (line.rfind("# HELP ", 0) == 0) {
            const auto end = line.find(' ', 7);
            REQUIRE(end != std::string::npos);
            REQUIRE(end + 1 < line.size());
            family = line.substr(7, end - 7);
            type.clear();
            REQUIRE(family.rfind("gerbang_", 0) == 0);
            REQUIRE(is_name(family));
            REQUIRE(families.insert(family).second);
            for (const std::string word : {"ms", "s", "bits", "kb", "mb", "percent", "minutes",
                                           "hours", "days", "gauge", "counter"}) {
                REQUIRE((family + "_").find("_" + word + "_") == std::string::npos);
            }
        } else if (line[0] == '#') {
            REQUIRE(type.empty());
            REQUIRE(line.rfind("# TYPE " + family + " ", 0) == 0);
            type = line.substr(8 + family.size());
            const bool is_total = family.size() > 6 && family.substr(family.size() - 6) == "_total";
            REQUIRE(type == (is_total ? "counter" : "gauge"));
        } else {
            REQUIRE_FALSE(type.empty());
            REQUIRE(line.rfind(family, 0) == 0);
            auto at = family.size();
            if (line[at] == '{') at += labels_length(line.substr(at));
            REQUIRE(line[at] == ' ');
            const auto number = line.substr(at + 1);
            REQUIRE(number.find_first_not_of("-.0123456789") == std::string::npos);
            REQUIRE(samples.emplace(line.substr(0, at), number).second);
        }
    }
    return samples;
}

bool has_promtool() {
    return std::system("promtool --version >/dev/null 2>&1") == 0;
}

}  // namespace

TEST_CASE("Metrics of a gateway that knows nothing yet are well-formed", "[serve][metrics]") {
    const auto samples = checked(metrics_text({}, {}));
    CHECK(samples.count("gerbang_link_up{link=\"wan\"}") == 0);
    CHECK(samples.at("gerbang_clock_is_set") == "0");
    CHECK(samples.count("gerbang_journal_room_seconds") == 0);
}

TEST_CASE("Metrics say what was read and what the status says, in real units", "[serve][metrics]") {
    const auto samples = checked(metrics_text(full_status(), full_newest()));
    CHECK(samples.at("gerbang_info{version=\"0.1.0\",site=\"6403-berau-001\"}") == "1");
    CHECK(samples.at("gerbang_interface_receive_bytes_total{interface=\"eth0\"}") == "2");
    CHECK(samples.at("gerbang_interface_receive_bytes_total{interface=\"eth1\"}") == "1");
    CHECK(samples.at("gerbang_wan_receive_bytes_total") == "9223372036854775807");
    CHECK(samples.at("gerbang_probe_loss_ratio{target=\"nasional\"}") == "0.0005");
    CHECK(samples.at("gerbang_system_temperature_celsius{zone=\"0\"}") == "-0.5");
    CHECK(samples.at("gerbang_system_load1") == "12.34");
    CHECK(samples.at("gerbang_link_up{link=\"wan\"}") == "1");
    CHECK(samples.at("gerbang_link_up{link=\"hotspot\"}") == "0");
    CHECK(samples.count("gerbang_link_up{link=\"province\"}") == 0);
    CHECK(samples.at("gerbang_interface_carrier{interface=\"eth\\\"0\\\\%0A%C3\",role=\"wan\"}") ==
          "1");
    CHECK(samples.at("gerbang_journal_failing") == "1");
    CHECK(samples.at("gerbang_journal_last_record") == "18446744073709551615");
    CHECK(samples.at("gerbang_journal_room_seconds") == "7776000");
    CHECK(samples.at("gerbang_sync_stopped{consumer=\"province\"}") == "1");
    CHECK(samples.at("gerbang_sync_pending_records{consumer=\"province\"}") == "12");
    CHECK(samples.at("gerbang_sync_last_success_age_seconds{consumer=\"other\"}") == "5");
    CHECK(samples.count("gerbang_sync_last_success_age_seconds{consumer=\"province\"}") == 0);
}

TEST_CASE("promtool has nothing to say about the metrics", "[serve][metrics]") {
    if (!has_promtool()) {
        WARN("skipped: no promtool here (Debian: apt-get install prometheus)");
        return;
    }
    TempFolder folder;
    for (const auto& text : {metrics_text({}, {}), metrics_text(full_status(), full_newest())}) {
        const auto file = folder.file("metrics");
        std::ofstream{file} << text;
        const auto said = folder.file("said");
        const int status =
            std::system(("promtool check metrics <" + file + " >" + said + " 2>&1").c_str());
        std::ostringstream words;
        words << std::ifstream{said}.rdbuf();
        CHECK(words.str() == "");
        CHECK(status == 0);
    }
}

TEST_CASE("Local API gives the metrics, and the reason while it cannot", "[serve][metrics]") {
    Desk desk;
    desk.newest = full_newest();
    const auto answer = ask(desk, "GET", "/metrics");
    CHECK(answer.status == 200);
    CHECK(answer.content_type == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(checked(answer.body).at("gerbang_link_state") == "2");
    CHECK(ask(desk, "POST", "/metrics").status == 405);
    CHECK(ask(desk, "GET", "/metrics", "a=1").status == 400);
    desk.failure = Error{Errc::unreachable, "starting"};
    CHECK(ask(desk, "GET", "/metrics").status == 503);
}

}  // namespace gerbang
