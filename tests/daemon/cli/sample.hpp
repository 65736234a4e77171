#pragma once

// One village on 21 November 2026, 14:08:04 in the zone of +08:00, for the pages' tests.

#include <string>
#include <vector>

#include "common/sla/statement.hpp"
#include "common/web/status.hpp"

namespace gerbang::cli {

/// An ordinary day.
inline web::Status sample_status() {
    web::Status status;
    status.version = "0.1.0";
    status.site = {"long-bagun-01", "64.11.03.2005", "Kantor Desa Long Bagun Ilir", true, 8 * 3600};
    status.boot = {"00112233-4455-6677-8899-aabbccddeeff", 7};
    status.uptime_s = 93'784;
    status.daemon_uptime_s = 93'700;
    status.interfaces = {
        {"eth0", "wan", true, 13'204'889'600, 1'288'490'189, 0, 41'000'000, 900'000},
        {"br-lan", "lan", true, 1'400'000'000, 13'000'000'000, 5'242'880, 800, 0},
        {"wlan0", "wifi", false, 0, 999, 0, 0, 0}};
    status.usage = {13'204'889'600, 1'288'490'189};
    status.link = {"up", "", std::nullopt, std::nullopt, ""};
    status.journal = {"e", 1, 12'345, 3'355'443, 0, "ok", "", 5, 600, 16'777'216, 60};
    status.sync = {{"kaltim", "idle", "", 12'345, 0, 0, 40, std::nullopt, 104'857}};
    status.clock = {"synchronised", wall_from_ms(1'795'241'284'123)};
    status.provider = {"PT Contoh", "Desa 50", "123456", "0800-1-234567"};
    status.wan.name = "eth0";
    status.link.confidence = "high";
    status.power.mains = "on";
    status.journal.days_left = 38;
    status.ladder = {
        {"power", "up", "none", "", {}, 4},         {"carrier", "up", "none", "", {}, 4},
        {"next_hop", "up", "none", "", 1, 4},       {"provider", "up", "none", "", 9, 64},
        {"domestic", "up", "none", "", 12, 4},      {"international", "up", "none", "", 31, 14},
        {"dns", "up", "none", "", 14, 4},           {"web", "up", "none", "", 40, 44},
        {"province", "unknown", "none", "", {}, {}}};
    status.links = {{"hotspot", "up", "", {}, {}}, {"province", "up", "", {}, {}}};
    return status;
}

/// The rungs from `first` on answer no more.
inline void silence_from(web::Status& status, std::size_t first) {
    for (auto i = first; i < status.ladder.size(); ++i) {
        status.ladder[i] = {status.ladder[i].rung, "down", "time-out", "", {}, 2};
    }
}

/// As it is when the WAN is down for `cause`, with what one then knows of the rungs.
inline web::Status down_status(const char* cause) {
    auto status = sample_status();
    status.link = {"down", cause, 7'860, wall_from_ms(1'795'233'424'123), "", "high"};
    const auto which = parse_cause(cause).value_or(Cause::unknown);
    if (which == Cause::power || which == Cause::carrier) silence_from(status, 1);
    if (which == Cause::modem) silence_from(status, 2);
    if (which == Cause::isp) silence_from(status, 3);
    if (which == Cause::international) silence_from(status, 5);
    if (which == Cause::dns) silence_from(status, 6);
    if (which == Cause::blocked) {
        status.ladder[7] = {"web", "portal", "none", "HTTP 302", 20, 2};
    }
    if (which == Cause::power) {
        status.power = {"off", 60};
        status.ladder[0].state = "down";
    }
    return status;
}

/// The provider is down, the server is overloaded, the card is full.
inline web::Status troubled_status() {
    auto status = down_status("isp");
    status.link = {"down",
                   "isp",
                   184,
                   wall_from_ms(1'795'241'100'000),
                   "nasional: time-out; internasional: time-out",
                   "high"};
    status.links[0] = {"hotspot", "down", "hotspot", 3'600, wall_from_ms(1'795'237'684'123)};
    status.links.push_back({"service-sidesa", "down", "service", 90'000, {}});
    status.sync = {{"kaltim", "waiting",
                    "POST https://gerbang.kaltimprov.go.id/v1/batches: HTTP 503", 12'000, 345, 0,
                    400, 95, 104'857}};
    status.journal.state = "failing";
    status.journal.detail = "database or disk is full";
    status.journal.pending_ticks = 1234;
    return status;
}

/// Just unpacked: no identity, no clock, no cable.
inline web::Status fresh_status() {
    auto status = sample_status();
    status.site.id = "unassigned";
    status.site.name.clear();
    status.site.is_assigned = false;
    status.link = {"down", "carrier", 184, std::nullopt, "no carrier on eth0", "high"};
    status.ladder = {{"carrier", "down", "none", "", {}, 1}};
    status.links.clear();
    status.power = {"unknown", {}};
    status.journal.days_left.reset();
    status.clock = {"unset", std::nullopt};
    status.provider = {};
    status.sync.clear();
    status.interfaces.clear();
    status.usage = {};
    return status;
}

/// One consumer in each worrying state.
inline web::Status sync_status() {
    auto status = sample_status();
    status.sync = {{"kaltim", "idle", "", 12'345, 0, 0, 40, std::nullopt, 104'857},
                   {"lain", "stopped", "HTTP 401", 1, 2, 3, std::nullopt, std::nullopt, 0},
                   {"tiga", "sending", "", 1, 20'000, 0, 5, std::nullopt, 12},
                   {"empat", "waiting", "connection refused", 1, 345, 0, 400, 95, 1'048'576}};
    status.sync[0].detail = "gerbang_x is refused and left out";
    status.sync[2].rate_bytes_s = 61'234;
    status.sync[3].pending_bytes = 250'000;
    status.sync[3].oldest_s = 259'200;
    return status;
}

/// Five days, the second half measured, the last under way; a LAN row; an undated one.
inline std::vector<UsageRow> sample_usage() {
    std::vector<UsageRow> rows;
    for (std::uint64_t i = 0; i < 5; ++i) {
        const auto start = wall_from_ms(1'794'844'800'000 + 86'400'000 * static_cast<int>(i));
        UsageRow row{"wan", true, false, start, {}};
        row.sum.received = {10'000'000'000 * (i + 1) / 3};
        row.sum.transmitted = {400'000'000};
        row.sum.measured_s = i == 1 ? 40'000 : (i == 4 ? 50'884 : 86'390);
        rows.push_back(row);
    }
    UsageRow lan{"br-lan", false, false, rows[3].start, {}};
    lan.sum.received = {1'000'000};
    lan.sum.measured_s = 86'400;
    rows.push_back(lan);
    UsageRow undated{"wan", true, true, {}, {}};
    undated.sum.received = {123'456'789};
    rows.push_back(undated);
    return rows;
}

/// What one look at a village with a dead provider finds.
inline web::ProbeReport sample_report() {
    web::ProbeReport report;
    report.ladder = down_status("isp").ladder;
    for (auto& line : report.ladder) line.age_s.reset();
    report.ladder[3].silence = "unreachable";
    report.ladder[4].detail = "nasional: time-out";
    report.ladder[8] = {"province", "unknown", "none", "", {}, {}};
    report.links = {{"hotspot", "up", "", {}, {}}, {"service-sidesa", "down", "service", {}, {}}};
    report.state = "down";
    report.cause = "isp";
    report.confidence = "medium";
    return report;
}

/// October 2026 by the example: two outages of the provider that count, one that may, a power cut.
/// Three days: one well, one bad, one of which little is known, and the day under way.
inline std::vector<sla::Day> sample_days() {
    const Seconds day{86'400};
    std::vector<sla::Day> days(4);
    days[0] = {"2026-10-01", day, day, Seconds{0}, {}, 1'000'000};
    days[1] = {"2026-10-02",
               day,
               Seconds{60'000},
               Seconds{100},
               {{Cause::isp, Seconds{9'300}},
                {Cause::power, Seconds{14'000}},
                {Cause::carrier, Seconds{2'960}},
                {Cause::dns, Seconds{40}}},
               695'249};
    days[2] = {"2026-10-03", day, Seconds{0}, day, {}, {}};
    days[3] = {"2026-10-04", day, Seconds{30'000}, Seconds{56'400}, {}, 1'000'000};
    return days;
}

inline sla::Statement sample_statement() {
    using sla::Judged;
    using sla::Party;
    sla::Statement statement;
    statement.from = wall_from_ms(1'790'784'000'000);
    statement.to = wall_from_ms(1'793'462'400'000);
    statement.clauses = "example-300s";
    statement.is_example = true;
    statement.period = Seconds{2'678'400};
    statement.unmeasured = Seconds{33'661};
    statement.down[Party::provider][Cause::isp] = Seconds{23'600};
    statement.down[Party::provider][Cause::dns] = Seconds{40};
    statement.down[Party::utility][Cause::power] = Seconds{7'260};
    statement.up = statement.period - statement.unmeasured - Seconds{30'900};
    const auto judged = [](int id, Party party, std::int64_t from_ms, std::int64_t certain,
                           std::int64_t possible, Judged::Verdict verdict) {
        Judged outage;
        outage.id = static_cast<std::uint64_t>(id);
        outage.party = party;
        outage.from = wall_from_ms(from_ms);
        outage.to = outage.from + Seconds{certain};
        outage.certain = Seconds{certain};
        outage.possible = Seconds{possible};
        outage.verdict = verdict;
        return outage;
    };
    statement.outages = {
        judged(1, Party::provider, 1'790'921'000'000, 7'000, 7'020, Judged::Verdict::counts),
        judged(2, Party::provider, 1'791'521'000'000, 16'000, 16'900, Judged::Verdict::counts),
        judged(3, Party::provider, 1'791'921'000'000, 290, 310, Judged::Verdict::disputed),
        judged(4, Party::utility, 1'792'921'000'000, 7'260, 7'300, Judged::Verdict::excluded)};
    statement.counted = Seconds{23'000};
    statement.disputed = Seconds{310};
    statement.raw_ppm = 988'316;
    statement.clause_ppm = 991'303;
    statement.coverage_ppm = 987'432;
    statement.has_verdict = true;
    return statement;
}

/// In the journal's order: one of a boot without a clock, one that ended, one still open.
inline std::vector<web::OutageRow> sample_outages() {
    std::vector<web::OutageRow> rows(3);
    rows[0].id = 1;
    rows[0].cause = Cause::device_off;
    rows[0].least_s = 90'000;
    rows[1].id = 2;
    rows[1].cause = Cause::isp;
    rows[1].last_good = wall_from_ms(1'795'141'104'123);
    rows[1].first_bad = wall_from_ms(1'795'141'114'123);
    rows[1].last_bad = wall_from_ms(1'795'141'204'123);
    rows[1].first_good = wall_from_ms(1'795'141'214'123);
    rows[1].least_s = 90;
    rows[1].most_s = 110;
    rows[1].confidence = Confidence::medium;
    rows[1].evidence = "nasional, internasional: no answer";
    rows[2].id = 3;
    rows[2].cause = Cause::carrier;
    rows[2].is_open = true;
    rows[2].last_good = rows[2].first_bad = wall_from_ms(1'795'241'100'000);
    rows[2].least_s = 184;
    rows[2].evidence = "carrier 0 on eth0";
    return rows;
}

}  // namespace gerbang::cli
