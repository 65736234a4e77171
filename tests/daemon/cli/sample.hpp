#pragma once

// One village on 21 November 2026, 14:08:04 in the zone of +08:00, for the pages' tests.

#include <string>
#include <vector>

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
    return status;
}

/// The provider is down, the server is overloaded, the card is full.
inline web::Status troubled_status() {
    auto status = sample_status();
    status.link = {"down", "isp", 184, wall_from_ms(1'795'241'100'000), "2 targets silent"};
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
    status.link = {"down", "carrier", 184, std::nullopt, ""};
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
