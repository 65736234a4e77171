#include "common/web/status.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace gerbang::web {
namespace {

Status full_status() {
    Status status;
    status.version = "0.1.0";
    status.site = {"long-bagun-01", "64.11.03.2005", "Long Bagun Ilir", true, 8 * 3600};
    status.boot = {"00112233-4455-6677-8899-aabbccddeeff", 7};
    status.uptime_s = 86'461;
    status.daemon_uptime_s = 86'400;
    status.interfaces = {
        {"eth0", "wan", true, 9'223'372'036'854'775'808u, 9'007'199'254'740'993u, 3, 41'000'000, 9},
        {"br-lan", "lan", false, 0, 0, 0, 0, 0}};
    status.usage = {std::numeric_limits<std::uint64_t>::max(), 1};
    status.link = {"down", "isp", 180, wall_from_ms(1'795'241'104'123), "2 targets silent"};
    status.journal = {"e", 1, 2, 3, 4, "ok", "", 5, 6, 7, 60};
    status.sync = {{"kaltim", "waiting", "HTTP 503", 10, 11, 12, 13, 14, 15},
                   {"other", "idle", "", 0, 0, 0, std::nullopt, std::nullopt, 0}};
    status.clock = {"synchronised", wall_from_ms(1'795'241'284'123)};
    status.provider = {"PT Contoh", "Desa 50", "123", "0800-1-234567"};
    status.usage.confidence = "suspect";
    status.usage.path = "in_path";
    status.usage.reason = "flow offload";
    status.wan.name = "eth0";
    status.link.confidence = "medium";
    status.ladder = {{"carrier", "up", "none", "", std::nullopt, 3},
                     {"dns", "down", "SERVFAIL", "1.1.1.1", 41, std::nullopt}};
    status.links = {{"hotspot", "down", "hotspot", 60, wall_from_ms(1'795'241'104'123)},
                    {"service-sidesa", "up", "", std::nullopt, std::nullopt}};
    status.power = {"off", 60};
    status.journal.days_left = 38;
    return status;
}

std::string error_of(const std::string& text) {
    const auto result = status_from_json(text);
    return result ? "" : result.error().detail;
}

}  // namespace

TEST_CASE("Status refuses what is not its JSON and names the place", "[web]") {
    CHECK(error_of("").find("not JSON") != std::string::npos);
    CHECK(error_of("{").find("not JSON") != std::string::npos);
    CHECK(error_of("[]") == "status: expected an object");
    CHECK(error_of("{}") == "status.site.id: is missing");
    CHECK(error_of(R"({"site":{"id":7}})") == "status.site.id: expected text");
    CHECK(error_of(R"({"site":{"id":"a"},"uptime_s":"1"})") ==
          "status.uptime_s: expected a whole number within 63 bits");
    CHECK(error_of(R"({"site":{"id":"a"},"interfaces":[{"name":"x"},{"name":"y","rx_bytes":-1}]})")
              .find("status.interfaces[1].rx_bytes: expected a whole number") == 0);
    CHECK(error_of(R"({"site":{"id":"a"},"interfaces":{}})") ==
          "status.interfaces: expected a list");
    CHECK(error_of(R"({"site":{"id":"a"},"link":{"since":"yesterday"}})")
              .find("status.link.since: expected an instant") == 0);
    CHECK(error_of(R"({"site":{"id":"a"},"sync":[{}]})") == "status.sync[0].consumer: is missing");
}

TEST_CASE("Status refuses JSON that is too deep or too long", "[web]") {
    CHECK_FALSE(status_from_json(std::string(9, '[') + std::string(9, ']')));
    CHECK_FALSE(status_from_json(std::string((4u << 20) + 1, ' ')));
    std::string many = R"({"site":{"id":"a"},"sync":[)";
    for (int i = 0; i < 257; ++i) many += std::string{i == 0 ? "" : ","} + R"({"consumer":"c"})";
    CHECK(error_of(many + "]}") == "status.sync: is too long");
}

TEST_CASE("Status survives the way through JSON in every member", "[web]") {
    const auto text = to_json(full_status());
    const auto back = status_from_json(text);
    REQUIRE(back);
    CHECK(to_json(*back) == text);
    CHECK(back->interfaces[0].rx_bytes == 9'223'372'036'854'775'808u);
    CHECK(back->interfaces[0].tx_bytes == 9'007'199'254'740'993u);
    CHECK(back->usage.rx_bytes == std::numeric_limits<std::uint64_t>::max());
    CHECK(back->link.since == wall_from_ms(1'795'241'104'123));
    CHECK(back->sync[0].next_attempt_s == 14);
    CHECK_FALSE(back->sync[1].last_success_s);
    CHECK(back->boot.number == 7);
    CHECK(back->provider.helpdesk == "0800-1-234567");
}

TEST_CASE("Status has what is known of the ladder, the links beside the WAN and the power",
          "[web]") {
    const auto status = full_status();
    const auto text = to_json(status);
    const auto back = status_from_json(text);
    REQUIRE(back);
    CHECK(back->ladder == status.ladder);
    CHECK(back->links == status.links);
    CHECK(back->power.mains == "off");
    CHECK(back->power.battery_percent == 60);
    CHECK(back->usage.confidence == "suspect");
    CHECK(back->usage.path == "in_path");
    CHECK(back->usage.reason == "flow offload");
    CHECK(back->wan.name == "eth0");
    CHECK(back->link.confidence == "medium");
    CHECK(back->journal.days_left == 38);
    CHECK(text.find(R"("ladder":[{"rung":"carrier","state":"up","silence":"none","detail":"",)"
                    R"("age_s":3},{"rung":"dns","state":"down","silence":"SERVFAIL",)"
                    R"("detail":"1.1.1.1","rtt_ms":41}])") != std::string::npos);
    CHECK(text.find(R"("links":[{"link":"hotspot","state":"down","cause":"hotspot","since_s":60,)"
                    R"("since":"2026-11-21T06:05:04.123Z"})") != std::string::npos);
    CHECK(text.find(R"("power":{"mains":"off","battery_percent":60})") != std::string::npos);
    CHECK(error_of(R"({"site":{"id":"a"},"ladder":[{"state":"up"}]})") ==
          "status.ladder[0].rung: is missing");
    CHECK(error_of(R"({"site":{"id":"a"},"links":[{"link":"a","since_s":"1"}]})")
              .find("status.links[0].since_s: expected a whole number") == 0);
    CHECK(error_of(R"({"site":{"id":"a"},"ladder":[7]})") ==
          "status.ladder[0]: expected an object");
}

TEST_CASE("A probe report survives the way through JSON", "[web]") {
    ProbeReport report;
    report.ladder = full_status().ladder;
    report.links = full_status().links;
    report.state = "down";
    report.cause = "dns";
    report.confidence = "high";
    report.evidence = "1.1.1.1: SERVFAIL";
    const auto back = probe_from_json(to_json(report));
    REQUIRE(back);
    CHECK(*back == report);
    CHECK(probe_from_json("{}").error().detail == "probe.state: is missing");
}

TEST_CASE("Status JSON has the documented names", "[web]") {
    const auto text = to_json(full_status());
    CHECK(text.find(R"("site":{"id":"long-bagun-01","code":"64.11.03.2005")") != std::string::npos);
    CHECK(text.find(R"("boot":{"id":"00112233-4455-6677-8899-aabbccddeeff","number":7})") !=
          std::string::npos);
    CHECK(text.find(R"("uptime_s":86461)") != std::string::npos);
    CHECK(text.find(R"("interfaces":[{"name":"eth0","role":"wan","has_carrier":true,)"
                    R"("rx_bytes":9223372036854775808,"tx_bytes":9007199254740993,)"
                    R"("suspect_bytes":3,"rx_bit_per_s":41000000,"tx_bit_per_s":9})") !=
          std::string::npos);
    CHECK(text.find(R"("link":{"state":"down","cause":"isp","since_s":180,"since":")") !=
          std::string::npos);
    CHECK(text.find(R"("journal":{"epoch":"e","first":1,"last":2,"bytes":3,)") !=
          std::string::npos);
    CHECK(text.find(R"({"consumer":"kaltim","state":"waiting","detail":"HTTP 503","through":10,)"
                    R"("pending_records":11)") != std::string::npos);
    CHECK(text.find(R"("clock":{"state":"synchronised","now":")") != std::string::npos);
}

TEST_CASE("Status says nothing of instants that it does not know", "[web]") {
    auto status = full_status();
    status.link.since.reset();
    status.link.since_s.reset();
    status.links.clear();
    status.clock = {"unset", std::nullopt};
    const auto text = to_json(status);
    CHECK(text.find("since") == std::string::npos);
    CHECK(text.find("\"now\"") == std::string::npos);
    CHECK(text.find("1970") == std::string::npos);
}

TEST_CASE("Status ignores members that it does not know and nulls", "[web]") {
    const auto status = status_from_json(
        R"({"new":{"deep":[1,2]},"site":{"id":"a","x":1,"code":null},"uptime_s":5})");
    REQUIRE(status);
    CHECK(status->site.id == "a");
    CHECK(status->uptime_s == 5);
}

TEST_CASE("JSON stays readable when a name is not UTF-8", "[web]") {
    auto status = full_status();
    status.interfaces[0].name = "e\xff\xc0\xaft\"\\\n";
    status.site.name = "Melak \xc3\xa9";
    const auto back = status_from_json(to_json(status));
    REQUIRE(back);
    CHECK(back->interfaces[0].name == "e\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdt\"\\\n");
    CHECK(back->site.name == "Melak \xc3\xa9");
}

TEST_CASE("Usage rows survive the way through JSON", "[web]") {
    UsageRow dated{"wan", true, false, wall_from_ms(1'795'219'200'000), {}};
    dated.sum.received = {9'223'372'036'854'775'807u};
    dated.sum.transmitted = {2};
    dated.sum.peak_receive = {3};
    dated.sum.peak_transmit = {4};
    dated.sum.measured_s = 86'400;
    dated.sum.minutes[0] = 1;
    dated.sum.minutes[15] = 4'294'967'295u;
    UsageRow undated{"eth0", false, true, {}, {}};
    const std::vector<UsageRow> rows{dated, undated};
    const auto text = to_json(rows, UsagePeriod::day);
    CHECK(text.find(R"({"by":"day","rows":[)") == 0);
    CHECK(text.find("1970") == std::string::npos);
    const auto back = usage_from_json(text);
    REQUIRE(back);
    CHECK(*back == rows);
}

TEST_CASE("Usage refuses rows without a start unless they are undated", "[web]") {
    CHECK(usage_from_json(R"({"rows":[{"name":"wan"}]})").error().detail ==
          "usage.rows[0].start: is missing");
    CHECK(usage_from_json(R"({"rows":[{"name":"wan","is_undated":true,"minutes":[-1]}]})")
              .error()
              .detail == "usage.rows[0].minutes: expected whole numbers of minutes");
    CHECK_FALSE(usage_from_json(
        R"({"rows":[{"name":"w","is_undated":true,"minutes":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}]})"));
    CHECK(usage_from_json("{}").error().detail == "usage.rows: is missing");
}

TEST_CASE("Outage rows survive the way through JSON", "[web]") {
    OutageRow row;
    row.id = 5;
    row.segment = 2;
    row.cause = Cause::carrier;
    row.last_good = wall_from_ms(1'795'241'104'123);
    row.first_bad = wall_from_ms(1'795'241'114'123);
    row.last_bad = wall_from_ms(1'795'241'204'123);
    row.first_good = wall_from_ms(1'795'241'214'123);
    row.least_s = 90;
    row.most_s = 110;
    row.evidence = "carrier 0 on eth0";
    row.link = "hotspot";
    row.confidence = Confidence::high;
    row.folded = 37;
    OutageRow open;
    open.is_open = true;
    const std::vector<OutageRow> rows{row, open};
    const auto back = outages_from_json(to_json(rows));
    REQUIRE(back);
    CHECK(*back == rows);
    CHECK(outages_from_json("{}").error().detail == "outages.outages: is missing");
    const auto newer = outages_from_json(R"({"outages":[{"cause":"meteor"}]})");
    REQUIRE(newer);
    CHECK(newer->at(0).cause == Cause::unknown);
    CHECK(newer->at(0).link == "wan");
    CHECK(newer->at(0).confidence == Confidence::none);
}

TEST_CASE("A problem document has status, title and detail", "[web]") {
    CHECK(problem_json(404, "Not found", "no \"x\"") ==
          R"({"type":"about:blank","status":404,"title":"Not found","detail":"no \"x\""})");
    CHECK(problem_detail(problem_json(404, "Not found", "no \"x\"")) == "no \"x\"");
    for (const char* other : {"", "busy", "[]", "{}", R"({"detail":7})"}) {
        CHECK(problem_detail(other) == "");
    }
}

TEST_CASE("RFC 3339 goes there and back, and takes nothing else", "[web]") {
    CHECK(format_rfc3339(wall_from_ms(0)) == "1970-01-01T00:00:00.000Z");
    CHECK(format_rfc3339(wall_from_ms(-1)) == "1969-12-31T23:59:59.999Z");
    CHECK(format_rfc3339(wall_from_ms(1'709'209'505'123)) == "2024-02-29T12:25:05.123Z");
    CHECK(format_rfc3339(wall_from_ms(4'102'444'799'999)) == "2099-12-31T23:59:59.999Z");
    CHECK(format_rfc3339(WallTime::max()) == "9999-12-31T23:59:59.999Z");
    CHECK(format_rfc3339(WallTime::min()) == "0000-01-01T00:00:00.000Z");
    for (const std::int64_t ms : {0LL, -1LL, 951'782'400'000LL, 2'147'483'648'001LL}) {
        CHECK(parse_rfc3339(format_rfc3339(wall_from_ms(ms))) == wall_from_ms(ms));
    }
    for (const char* wrong :
         {"", "2026", "2026-11-21T06:05:04.123", "2026-11-21 06:05:04.123Z",
          "2026-02-29T06:05:04.123Z", "2026-13-01T06:05:04.123Z", "2026-11-21T24:05:04.123Z",
          "2026-11-21T06:60:04.123Z", "2026-11-21T06:05:60.123Z", "2026-11-21T06:05:04,123Z",
          "2026-11-21T06:05:04.123z", "+026-11-21T06:05:04.123Z", "2026-11-21T06:05:04.123Z "}) {
        INFO(wrong);
        CHECK_FALSE(parse_rfc3339(wrong));
    }
}

}  // namespace gerbang::web
