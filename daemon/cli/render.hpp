#pragma once

// The pages of the command line: pure functions from the local API's values to text.

#include <optional>
#include <string>
#include <vector>

#include "common/model/journal_facts.hpp"
#include "common/sla/statement.hpp"
#include "common/web/status.hpp"
#include "daemon/cli/human.hpp"

namespace gerbang::cli {

/// The verdict first, then usage, interfaces, journal, sync and clock.
[[nodiscard]] std::string render_status(const web::Status& status, const RenderOptions& options);

/// What is wrong and since when; whose it is and what is fine; what to do and what becomes of the
/// data: one line each. A line more for each link beside the WAN that is down.
[[nodiscard]] std::string render_verdict(const web::Status& status, const RenderOptions& options);

/// "Ladder: power ok, cable ok, modem SILENT, ...": rungs that were asked.
[[nodiscard]] std::string ladder_line(const std::vector<web::RungLine>& ladder, Language language);

/// One line a rung and link, and what it means.
[[nodiscard]] std::string render_probe(const web::ProbeReport& report,
                                       const RenderOptions& options);

/// The statement of `title` ("2026-10"): availability, who lost how much of it, the outages that
/// count or may.
[[nodiscard]] std::string render_statement(const sla::Statement& statement,
                                           const std::string& title, const web::Status& status,
                                           const RenderOptions& options);

/// One row a day of `title`, oldest first, with its causes, and their sum.
[[nodiscard]] std::string render_days(const std::vector<sla::Day>& days, const std::string& title,
                                      const web::Status& status, const RenderOptions& options);

/// `text` in `colour`, an escape sequence, if the terminal has colours: whole lines, so that
/// wrapping never counts the sequence.
inline constexpr const char* kGreen = "\x1b[1;32m";
inline constexpr const char* kRed = "\x1b[1;31m";
inline constexpr const char* kYellow = "\x1b[1;33m";
[[nodiscard]] std::string painted(const std::string& text, const char* colour,
                                  const RenderOptions& options);

/// Every consumer with what it holds, why it waits and what to do about it.
[[nodiscard]] std::string render_sync(const web::Status& status, const RenderOptions& options);
/// What each target refused, and why.
[[nodiscard]] std::string render_parked(const web::Status& status, const RenderOptions& options);

/// What the usage page needs besides its rows.
struct UsageView {
    UsagePeriod period = UsagePeriod::day;
    std::string name;  ///< an interface; empty: the WAN role
    Seconds utc_offset{8 * 3600};
    std::optional<WallTime> now;  ///< for the estimate; nothing before the clock is set
};
/// A table with bars, newest last, and an estimate for the period under way.
[[nodiscard]] std::string render_usage(const std::vector<UsageRow>& rows, const UsageView& view,
                                       const RenderOptions& options);

/// Outages newest first, with both bounds of both ends. `rows` are in the journal's order. `status`
/// gives the zone, and how long an outage under way has lasted.
[[nodiscard]] std::string render_outages(const std::vector<web::OutageRow>& rows,
                                         const web::Status& status, const RenderOptions& options);

/// `gerbang journal`.
[[nodiscard]] std::string render_journal(const JournalFacts& facts, Seconds utc_offset,
                                         const RenderOptions& options);

}  // namespace gerbang::cli
