#pragma once

#include <cstdint>
// What the subcommands do once the command line is understood. Output goes to strings, so that
// tests read what a terminal would show.

#include <optional>
#include <string>

#include "common/model/usage.hpp"
#include "common/web/status.hpp"
#include "daemon/cli/human.hpp"
#include "daemon/config/config.hpp"
#include "daemon/host/host_facts.hpp"

namespace gerbang::cli {

/// What a command has to say and how it ends.
struct Outcome {
    int code = 0;     ///< sysexits
    std::string out;  ///< standard output
    std::string err;  ///< standard error
};

/// The command line, understood.
struct Request {
    std::string config_file = "/etc/gerbang/gerbang.yaml";
    HostPaths paths;
    bool is_json = false;
    RenderOptions render;
    UsagePeriod period = UsagePeriod::day;
    std::string interface;              ///< of `usage`; empty: the WAN role
    std::string from, to;               ///< as typed, site time; empty: open
    std::string link{link_name::kWan};  ///< of `outages`; empty: all
    std::string month;                  ///< of `sla`: "2026-10"; empty: `from` and `to`
    bool is_by_day = false;             ///< of `sla`: day by day
    std::string clauses_file;           ///< of `sla`; empty: the shipped example
    web::NoteRequest note;              ///< of `note`, without its times
    std::string format = "csv";         ///< of `export`: csv, ndjson, sqlite
    std::string output;                 ///< of `export`; empty: standard output
    Seconds utc_offset{8 * 3600};       ///< of `export`: the configured site time
};

[[nodiscard]] Outcome status_command(const Request& request);
[[nodiscard]] Outcome usage_command(const Request& request);
[[nodiscard]] Outcome outages_command(const Request& request);
/// What `gerbang sync` is to do: show, have the daemon send at once and show, or list what the
/// targets refused.
enum class SyncWish : std::uint8_t { show, now, parked };
[[nodiscard]] Outcome sync_command(const Request& request, SyncWish wish);
/// The statement, or the days, of the month or of `from` to `to`. EX_NOINPUT for a clause file that
/// cannot be read.
[[nodiscard]] Outcome sla_command(const Request& request);
[[nodiscard]] Outcome probe_command(const Request& request);
/// These two, and the others where a time or a file is not accepted, end with EX_DATAERR.
[[nodiscard]] Outcome note_command(const Request& request);
/// `time` in site time, or in UTC.
[[nodiscard]] Outcome clock_set_command(const Request& request, const std::string& time,
                                        bool is_utc);
/// What the journal holds, how large it is, what was given up.
[[nodiscard]] Outcome journal_command(const Request& request);
/// Walks the chain. EX_DATAERR when it is broken, EX_TEMPFAIL when it is whole as far as it goes
/// and a damaged file waits for the daemon to salvage it.
[[nodiscard]] Outcome verify_command(const Request& request);
/// Writes rows to `request.output` or standard output; progress goes to standard error while that
/// is a terminal. A file that could not be finished is removed.
[[nodiscard]] Outcome export_command(const Request& request);
/// Checks `file` and its conf.d, and whether `state_folder` has room for the journal's quota.
/// `file_may_choose`: messages follow the file's `lang`.
[[nodiscard]] Outcome check_command(const std::string& file, Language language,
                                    bool file_may_choose, const std::string& state_folder);

/// EX_NOINPUT with the reason if `file` is missing, a folder or not readable; else nothing.
[[nodiscard]] std::optional<Outcome> unreadable(const std::string& file, Language language);

/// The problems of a configuration, one a line, and their number.
[[nodiscard]] std::string problems_text(const LoadedConfig& loaded);

}  // namespace gerbang::cli
