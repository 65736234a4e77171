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
        status.link = {random() % 2 == 0 ? "down" : "up", "isp",
                       static_cast<std::int64_t>(number() / 2),
                       wall_from_ms(static_cast<std::int64_t>(number())), word(300)};
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
        const auto page = render_status(status, options) + render_sync(status, options);
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
        }
        CHECK(widest(render_outages(outages, sample_status(), options)) <= kWidth);
    }
}

}  // namespace gerbang::cli
