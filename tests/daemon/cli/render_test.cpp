#include "daemon/cli/render.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/daemon/cli/sample.hpp"
#include "tests/support/seed.hpp"

namespace gerbang::cli {
namespace {

constexpr Seconds kWita{8 * 3600};
const WallTime kNow = wall_from_ms(1'795'241'284'123);  // 2026-11-21 14:08:04 WITA

/// Compares with tests/daemon/cli/golden/NAME.id.txt (UTF-8) and NAME.en.txt (ASCII).
template <class Render>
void check_golden(const std::string& name, Render render) {
    for (const auto language : {Language::indonesian, Language::english}) {
        const bool is_english = language == Language::english;
        const RenderOptions options{.language = language, .use_utf8 = !is_english};
        const auto file = std::string{GERBANG_SOURCE_DIR} + "/tests/daemon/cli/golden/" + name +
                          (is_english ? ".en.txt" : ".id.txt");
        std::stringstream golden;
        golden << std::ifstream{file, std::ios::binary}.rdbuf();
        INFO(file);
        CHECK(render(options) == golden.str());
    }
}

std::size_t widest(const std::string& text) {
    std::size_t width = 0;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) width = std::max(width, width_of(line));
    return width;
}

}  // namespace

TEST_CASE("Status on an ordinary day says first that the internet is up", "[cli]") {
    check_golden("status_up",
                 [](const auto& options) { return render_status(sample_status(), options); });
}

TEST_CASE("Status names the cause, the next step and whom to call when the link is down", "[cli]") {
    check_golden("status_down",
                 [](const auto& options) { return render_status(troubled_status(), options); });
}

TEST_CASE("Status warns on a day on which more was written than the budget allows", "[cli]") {
    const RenderOptions options{.language = Language::english};
    auto status = sample_status();
    status.journal.daily_writes_bytes = 32u << 20;
    status.journal.written_today_bytes = 32u << 20;
    CHECK(render_status(status, options).find("written to flash") == std::string::npos);
    ++status.journal.written_today_bytes;
    CHECK(render_status(status, options).find("were written to flash today") != std::string::npos);
    status.journal.daily_writes_bytes = 0;
    CHECK(render_status(status, options).find("written to flash") == std::string::npos);
}

TEST_CASE("The three lines of the issue are those that a technician sees", "[cli]") {
    auto status = down_status("isp");
    status.provider = {"Telkomsat", "", "1234", "0800-xxx"};
    CHECK(render_verdict(status, {}) ==
          "INTERNET PUTUS sejak 11.57 WITA (2 jam 11 menit)\n"
          "Penyebab: jaringan penyedia (Telkomsat). Listrik baik, modem baik.\n"
          "Hubungi 0800-xxx, no. pelanggan 1234. Data aman, cukup untuk 38 hari.\n");
}

TEST_CASE("The picture in the README is what the program shows", "[cli]") {
    auto status = down_status("isp");
    status.provider = {"Telkomsat", "", "1234", "0800-xxx"};
    status.link.evidence = "next_hop answers; nasional: time-out; internasional: time-out";
    status.interfaces.resize(2);
    status.interfaces[1].suspect_bytes = 0;
    for (auto& interface : status.interfaces) {
        interface.rx_bit_per_s = 0;
        interface.tx_bit_per_s = 0;
    }
    status.sync = {{"provinsi", "waiting", "", 12'000, 131, 0, 7'900, 540, 104'857}};
    check_golden("status_isp", [&](const auto& options) { return render_status(status, options); });
    std::stringstream readme;
    readme << std::ifstream{std::string{GERBANG_SOURCE_DIR} + "/README.md"}.rdbuf();
    CHECK(readme.str().find("```\n" + render_status(status, {}) + "```\n") != std::string::npos);
}

TEST_CASE("Every cause and every state has its three lines", "[cli]") {
    const auto all = [](const RenderOptions& options) {
        std::string text;
        const auto add = [&](const std::string& name, const web::Status& status) {
            text += "== " + name + "\n" + render_verdict(status, options);
        };
        for (std::size_t i = 0; i < kCauseCount; ++i) {
            const std::string cause{to_string(static_cast<Cause>(i))};
            add(cause, down_status(cause.c_str()));
        }
        auto status = down_status("isp");
        status.provider.provider.clear();
        status.provider.customer_number.clear();
        status.link.confidence = "low";
        add("isp, likely, provider without a name", status);
        status.provider.helpdesk.clear();
        status.ladder[2] = {"next_hop", "unknown", "none", "", {}, {}};
        add("isp, no helpdesk, a modem that cannot be asked", status);
        status = down_status("isp");
        status.clock = {"unset", std::nullopt};
        status.link.since.reset();
        add("isp, the clock is not set", status);
        status.link.since_s.reset();
        add("isp, nobody knows since when", status);
        status = down_status("isp");
        status.link.since = wall_from_ms(1'795'233'424'123 - 40 * 86'400'000LL);
        status.link.since_s = 40 * 86'400 + 7'860;
        status.journal.days_left = 3;
        add("isp for weeks, little room", status);
        status.link.since = wall_from_ms(1'795'233'424'123 - 400 * 86'400'000LL);
        status.journal.state = "failing";
        add("isp for more than a year, nothing is kept", status);
        status = down_status("carrier");
        status.power = {"off", std::nullopt};
        add("carrier while the mains are out", status);
        status = sample_status();
        status.link.state = "degraded";
        add("degraded", status);
        status.link.state = "unknown";
        add("unknown", status);
        status.daemon_uptime_s = 12;
        add("starting", status);
        status = sample_status();
        status.ladder.clear();
        status.power.mains = "unknown";
        status.journal.days_left.reset();
        add("up, nothing else is known", status);
        status = sample_status();
        status.links = {{"hotspot", "down", "hotspot", 3'600, wall_from_ms(1'795'237'684'123)},
                        {"province", "down", "province", 3'600, std::nullopt},
                        {"service-sidesa", "down", "service", std::nullopt, std::nullopt}};
        add("up, but hotspot, province and a service are down", status);
        return text;
    };
    check_golden("verdicts", all);
    for (const auto language : {Language::indonesian, Language::english}) {
        const auto text = all({.language = language});
        CHECK(widest(text) <= kWidth);
        CHECK(text.find("{}") == std::string::npos);
        CHECK(text.find("  ") == std::string::npos);
    }
}

TEST_CASE("A finding that is old is not called fine", "[cli]") {
    auto status = down_status("isp");
    status.ladder[2].age_s = 181;
    const auto text = render_verdict(status, {});
    CHECK(text.find("modem baik") == std::string::npos);
    CHECK(text.find("kabel baik") != std::string::npos);
    status.ladder[1].age_s.reset();
    CHECK(render_verdict(status, {}).find("kabel") == std::string::npos);
}

TEST_CASE("Probe says one line a rung and what they mean together", "[cli]") {
    check_golden("probe",
                 [](const auto& options) { return render_probe(sample_report(), options); });
    auto report = sample_report();
    const RenderOptions options{.language = Language::english};
    for (const auto& [state, said] :
         {std::pair{"up", "Verdict: the internet is up.\n"},
          std::pair{"degraded", "Verdict: the internet is degraded, not down.\n"},
          std::pair{"unknown", "Verdict: cannot be told.\n"}}) {
        report.state = state;
        CHECK(render_probe(report, options).find(said) != std::string::npos);
    }
}

TEST_CASE("Probe tells each reason once, and of a page not the library's words", "[cli]") {
    web::ProbeReport report;
    report.state = "down";
    report.cause = "isp";
    report.ladder = {
        {"provider",
         "unknown",
         "time-out",
         "provider: time-out; provider: time-out; provider: refused",
         {},
         {}},
        {"web", "unknown", "time-out", "GET http://x/: Could not resolve host", {}, {}}};
    RenderOptions english;
    english.language = Language::english;
    const auto text = render_probe(report, english);
    INFO(text);
    CHECK(text.find("provider network     not known       time-out; refused\n") !=
          std::string::npos);
    CHECK(text.find("web page             not known       time-out\n") != std::string::npos);
}

TEST_CASE("Days stand in one row each with their causes, the worst first, and their sum", "[cli]") {
    check_golden("days", [](const auto& options) {
        return render_days(sample_days(), "2026-10-01 - 2026-10-04", sample_status(), options);
    });
    RenderOptions english;
    english.language = Language::english;
    CHECK(render_days({}, "2026-10", sample_status(), english).find("Total") != std::string::npos);

    // 23:59:59 of 1 October, site time: the days after it are neither shown nor part of the sum.
    auto status = sample_status();
    status.clock.now = wall_from_ms(1'790'870'399'000);
    auto page = render_days(sample_days(), "2026-10", status, english);
    CHECK(page.find("2026-10-01") != std::string::npos);
    CHECK(page.find("2026-10-02") == std::string::npos);
    CHECK(page.find("Total       24:00  0:00        0:00  100.000 %") != std::string::npos);
    status.clock.now = wall_from_ms(1'790'870'400'000);
    page = render_days(sample_days(), "2026-10", status, english);
    CHECK(page.find("2026-10-02") != std::string::npos);
    CHECK(page.find("2026-10-03") == std::string::npos);
}

TEST_CASE("A statement says who lost how much, what counts, and that the example is one", "[cli]") {
    check_golden("statement", [](const auto& options) {
        return render_statement(sample_statement(), "2026-10", sample_status(), options);
    });
    auto statement = sample_statement();
    const RenderOptions options{.language = Language::english};
    const auto page = [&] {
        return render_statement(statement, "2026-10", sample_status(), options);
    };
    CHECK(page().find("not over") == std::string::npos);
    statement.to = *sample_status().clock.now;
    CHECK(page().find("not over") == std::string::npos);
    statement.to += std::chrono::milliseconds{1};
    CHECK(page().find("This period is not over") != std::string::npos);
    statement.is_kept = true;
    CHECK(page().find("The contract's promise was kept.") != std::string::npos);
    statement.has_verdict = false;
    CHECK(page().find("No verdict:") != std::string::npos);
    statement.is_example = false;
    CHECK(page().find("EXAMPLE") == std::string::npos);
    statement.raw_ppm.reset();
    CHECK(page().find("nothing measured") != std::string::npos);
    statement.down.clear();
    CHECK(page().find("No time without internet.") != std::string::npos);
    for (int i = 0; i < 30; ++i) statement.outages.push_back(statement.outages[0]);
    statement.outages.back().from += std::chrono::hours{24 * 20};
    CHECK(page().find("12 older outages are not shown") != std::string::npos);
    CHECK(page().find("2026-10-22 14:03  1:56") != std::string::npos);
    CHECK(page().find("2026-10-09") == std::string::npos);
    CHECK(page().find("Outages that count: 32, lasting 6:23") != std::string::npos);
}

TEST_CASE("Usage that is not the village's is said to be so", "[cli]") {
    auto status = sample_status();
    const RenderOptions options{.language = Language::english};
    status.usage.confidence = "suspect";
    status.usage.reason = "flow offload on eth0";
    CHECK(render_status(status, options)
              .find("Usage may be counted too low: flow offload on eth0.") != std::string::npos);
    status.usage.path = "not_in_path";
    CHECK(render_status(status, options).find("not the village's usage") != std::string::npos);
    status.usage = {};
    CHECK(render_status(status, options).find("counted too low") == std::string::npos);
}

TEST_CASE("The clock's source is named", "[cli]") {
    auto status = sample_status();
    const RenderOptions options{.language = Language::english};
    for (const auto& [state, said] : {std::pair{"synchronised", "Clock: synchronised."},
                                      std::pair{"province", "Clock: by the province's server."},
                                      std::pair{"operator", "Clock: by an operator's word"},
                                      std::pair{"unset", "Clock: not set yet"}}) {
        status.clock.state = state;
        CHECK(render_status(status, options).find(said) != std::string::npos);
    }
}

TEST_CASE("Outages beside the WAN name their link", "[cli]") {
    auto rows = sample_outages();
    rows[2].link = "hotspot";
    rows[2].cause = Cause::hotspot;
    rows[2].least_s.reset();
    rows[2].first_bad.reset();
    const auto text = render_outages(rows, troubled_status(), {.language = Language::english});
    CHECK(text.find("still open           -") != std::string::npos);
    CHECK(text.find("link: hotspot") != std::string::npos);
}

TEST_CASE("Status before the clock is set shows no date at all", "[cli]") {
    check_golden("status_unset",
                 [](const auto& options) { return render_status(fresh_status(), options); });
    for (const auto language : {Language::indonesian, Language::english}) {
        const auto text = render_status(fresh_status(), {.language = language});
        CHECK(text.find("1970") == std::string::npos);
        CHECK(text.find("WITA") == std::string::npos);
    }
}

TEST_CASE("Status of a link whose state is not known claims neither up nor down", "[cli]") {
    auto status = sample_status();
    for (const char* state : {"unknown", "", "something newer"}) {
        status.link.state = state;
        const auto text = render_status(status, {.language = Language::english});
        CHECK(text.find("INTERNET: NOT KNOWN YET\n") == 0);
    }
}

TEST_CASE("A provider that cannot mend the cause is not to be called", "[cli]") {
    auto status = troubled_status();
    const auto page = [&](const char* cause) {
        status.link.cause = cause;
        return render_status(status, {.language = Language::english});
    };
    CHECK(page("isp").find("0800-1-234567") != std::string::npos);
    CHECK(page("carrier").find("0800-1-234567") == std::string::npos);
    CHECK(page("province").find("0800-1-234567") == std::string::npos);
    CHECK(page("a newer cause").find("Cause: not known yet.") != std::string::npos);
    status.provider.helpdesk.clear();
    CHECK(page("isp").find("provider.helpdesk") != std::string::npos);
}

TEST_CASE("Colour appears only when asked for, and never inside a table", "[cli]") {
    CHECK(render_status(troubled_status(), {}).find('\x1b') == std::string::npos);
    RenderOptions colourful;
    colourful.use_colour = true;
    const auto text = render_status(troubled_status(), colourful);
    CHECK(text.find("\x1b[1;31mINTERNET PUTUS") == 0);
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        const auto escapes = std::count(line.begin(), line.end(), '\x1b');
        CHECK((escapes == 0 || escapes == 2));
        CHECK((escapes == 0 || line.substr(line.size() - 4) == "\x1b[0m"));
    }
}

TEST_CASE("Sync says in words why it waits and what to do", "[cli]") {
    check_golden("sync", [](const auto& options) { return render_sync(sync_status(), options); });
    auto status = sample_status();
    status.sync.clear();
    CHECK(render_sync(status, {}).find("tidak ada server") != std::string::npos);
    status.site.is_assigned = false;
    CHECK(render_sync(status, {}).find("unassigned") != std::string::npos);
}

TEST_CASE("Sync lists what the targets refused, and why", "[cli]") {
    auto status = sample_status();
    CHECK(render_parked(status, {}) == "Tidak ada rekaman yang ditolak server.\n");
    status.sync.resize(1);
    status.sync[0].consumer = "kaltim";
    status.sync[0].parked_records = 4;
    status.sync[0].parked = {{7, 7, "HTTP 422"}, {900, 902, std::string(400, 'x') + "\x1b[2J"}};
    const auto text = render_parked(status, {.language = Language::english});
    CHECK(text.find("kaltim\n  Records 7 to 7: HTTP 422.\n") == 0);
    CHECK(text.find("Records 900 to 902:") != std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("gerbang sync now") != std::string::npos);
    CHECK(widest(text) <= 80);
}

TEST_CASE("Usage by day has bars, an estimate, and marks days not measured throughout", "[cli]") {
    check_golden("usage_day", [](const auto& options) {
        return render_usage(
            sample_usage(),
            {.period = UsagePeriod::day, .name = "", .utc_offset = kWita, .now = kNow}, options);
    });
}

TEST_CASE("Usage keeps the newest rows and only those of the interface asked for", "[cli]") {
    RenderOptions options{.language = Language::english};
    options.limit = 2;
    const UsageView wan{.period = UsagePeriod::day, .name = "", .utc_offset = kWita, .now = kNow};
    const auto text = render_usage(sample_usage(), wan, options);
    CHECK(text.find("2026-11-19") == std::string::npos);
    CHECK(text.find("2026-11-20") != std::string::npos);
    auto lan = wan;
    lan.name = "br-lan";
    const auto other = render_usage(sample_usage(), lan, options);
    CHECK(other.find("br-lan") != std::string::npos);
    CHECK(other.find("2026-11-20") != std::string::npos);
    lan.name = "eth7";
    CHECK(render_usage(sample_usage(), lan, options) ==
          "Nothing is recorded of the interface eth7. Recorded are: br-lan.\n");
    CHECK(render_usage({}, wan, {}) ==
          "Belum ada pemakaian yang tercatat. Tunggu beberapa menit.\n");
}

TEST_CASE("Usage gives no estimate before the clock is set or when the period is over", "[cli]") {
    const UsageView view{.period = UsagePeriod::day, .name = "", .utc_offset = kWita, .now = {}};
    CHECK(render_usage(sample_usage(), view, {}).find("perkiraan") == std::string::npos);
    auto later = view;
    later.now = kNow + std::chrono::hours{24};
    CHECK(render_usage(sample_usage(), later, {}).find("perkiraan") == std::string::npos);
}

TEST_CASE("Outages show both bounds of both ends, and no date where there is none", "[cli]") {
    check_golden("outages", [](const auto& options) {
        return render_outages(sample_outages(), sample_status(), options);
    });
    CHECK(render_outages({}, sample_status(), {}) == "Belum ada gangguan yang tercatat.\n");
    RenderOptions one{.language = Language::english};
    one.limit = 1;
    const auto text = render_outages(sample_outages(), sample_status(), one);
    CHECK(text.find("still open") != std::string::npos);
    CHECK(text.find("provider") == std::string::npos);
    CHECK(text.find("2 older outages are not shown") != std::string::npos);
}

TEST_CASE("An outage under way has lasted until now, also before the clock is set", "[cli]") {
    auto rows = sample_outages();
    rows[2].least_s.reset();
    const RenderOptions options{.language = Language::english};
    CHECK(render_outages(rows, sample_status(), options).find("still open           0:03:04 +") !=
          std::string::npos);
    rows[2].first_bad.reset();
    rows[2].last_good.reset();
    auto status = fresh_status();
    status.link.since_s = 75;
    CHECK(render_outages(rows, status, options).find("still open           0:01:15 +") !=
          std::string::npos);
    status.link.state = "up";  // the outages were read a moment before it ended
    CHECK(render_outages(rows, status, options).find("still open           -") !=
          std::string::npos);
}

TEST_CASE("An outage's bounds on two days show both dates", "[cli]") {
    auto rows = sample_outages();
    rows[1].last_good = *rows[1].first_bad - std::chrono::hours{24};
    CHECK(render_outages(rows, sample_status(), {.language = Language::english})
              .find("began between 2026-11-19 10:18:34 and 2026-11-20 10:18:34") !=
          std::string::npos);
}

TEST_CASE("An outage's bounds are told where seconds tell them apart", "[cli]") {
    auto rows = sample_outages();
    rows[1].first_bad = wall_from_ms(1'795'000'000'999);
    rows[1].last_good = wall_from_ms(1'795'000'000'000);
    const auto page = [&] {
        return render_outages(rows, sample_status(), {.language = Language::english});
    };
    CHECK(page().find("began between 2026-11-18 19:06:40") == std::string::npos);
    rows[1].first_bad = wall_from_ms(1'795'000'001'000);
    CHECK(page().find("began between 2026-11-18 19:06:40 and 19:06:41") != std::string::npos);
}

TEST_CASE("Sync with the newest records still here does not say that all is sent", "[cli]") {
    auto status = sample_status();
    status.sync[0].pending_records = 3;
    const RenderOptions options{.language = Language::english};
    CHECK(render_status(status, options).find("the newest 3 records go with the next") !=
          std::string::npos);
    CHECK(render_sync(status, options).find("everything has been sent") == std::string::npos);
}

TEST_CASE("An outage of days keeps its start whole and gives both bounds below", "[cli]") {
    auto rows = sample_outages();
    rows[1].least_s = 259'200;
    rows[1].most_s = 345'661;
    const auto text = render_outages(rows, sample_status(), {.language = Language::english});
    CHECK(text.find("2026-11-20 10:18:34  2026-11-20 10:20:14  3 d 0:00:00 +  provider\n"
                    "    lasted between 3 d 0:00:00 and 4 d 0:01:01; began between") !=
          std::string::npos);
}

TEST_CASE("No page is wider than 80 columns, whatever the values are", "[cli]") {
    std::mt19937_64 random{test_seed()};
    const auto word = [&](std::size_t most) {
        std::string text;
        for (auto n = random() % most; n > 0; --n) text += "ab \xc3\xa9\x1b\n/."[random() % 9];
        return text;
    };
    const auto number = [&] { return random() >> (random() % 64); };
    for (std::uint64_t round = 0; round < test_rounds(300); ++round) {
        auto status = sample_status();
        status.site.name = word(200);
        status.site.id = word(100);
        status.link = {random() % 2 == 0 ? "down" : "up",
                       "isp",
                       static_cast<std::int64_t>(number() / 2),
                       wall_from_ms(static_cast<std::int64_t>(number())),
                       word(300),
                       word(30)};
        status.ladder[random() % 9] = {word(40), "down", word(40), word(300), 1, 2};
        status.links = {{word(90), "down", word(20), static_cast<std::int64_t>(number() / 2),
                         wall_from_ms(static_cast<std::int64_t>(number()))}};
        status.usage.confidence = "suspect";
        status.usage.reason = word(400);
        status.journal.days_left = static_cast<std::int64_t>(number() / 2);
        status.provider = {word(100), word(100), word(100), word(100)};
        status.journal.state = random() % 2 == 0 ? "failing" : "ok";
        status.journal.detail = word(500);
        for (auto& interface : status.interfaces) {
            interface.name = word(30);
            interface.rx_bytes = number();
            interface.suspect_bytes = number();
            interface.rx_bit_per_s = number();
        }
        status.sync[0].consumer = word(90);
        status.sync[0].detail = word(900);
        status.sync[0].state = "waiting";
        RenderOptions options;
        options.use_utf8 = random() % 2 == 0;
        web::ProbeReport report;
        report.ladder = status.ladder;
        report.links = status.links;
        auto statement = sample_statement();
        statement.clauses = word(200);
        for (auto& outage : statement.outages) {
            outage.possible = Seconds{static_cast<std::int64_t>(number() / 2)};
            outage.from = wall_from_ms(static_cast<std::int64_t>(number()));
        }
        const auto page = render_status(status, options) + render_sync(status, options) +
                          render_probe(report, options) +
                          render_statement(statement, word(90), status, options);
        CHECK(widest(page) <= kWidth);
        CHECK(page.find('\x1b') == std::string::npos);
        auto rows = sample_usage();
        for (auto& row : rows) row.sum.received = {number()};
        CHECK(widest(render_usage(
                  rows, {.period = UsagePeriod::hour, .name = "", .utc_offset = kWita, .now = kNow},
                  options)) <= kWidth);
        auto outages = sample_outages();
        for (auto& outage : outages) {
            outage.most_s = static_cast<std::int64_t>(number() / 2);
            outage.evidence = word(300);
            outage.link = word(90);
        }
        CHECK(widest(render_outages(outages, sample_status(), options)) <= kWidth);
    }
}

}  // namespace gerbang::cli
