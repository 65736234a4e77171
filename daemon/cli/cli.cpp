#include "daemon/cli/cli.hpp"

#include <sysexits.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "common/web/text.hpp"
#include "daemon/cli/command_table.hpp"
#include "daemon/cli/commands.hpp"

namespace gerbang {
namespace {

using cli::Outcome;
using cli::Request;
using web::Text;

/// The language asked for, before the parser runs: its help must be in it already.
std::optional<Language> wanted_language(int argc, const char* const* argv) {
    std::optional<Language> language;
    for (int i = 1; i < argc; ++i) {
        std::string_view value = argv[i];
        if (value == "--lang" && i + 1 < argc) {
            value = argv[i + 1];
        } else if (value.substr(0, 7) == "--lang=") {
            value.remove_prefix(7);
        } else {
            continue;
        }
        if (value == "en") language = Language::english;
        if (value == "id") language = Language::indonesian;
    }
    return language;
}

/// By the locale that programs follow: LC_ALL, else LC_CTYPE, else LANG.
bool locale_is_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        const std::string_view text = value;
        return text.find("UTF-8") != std::string_view::npos ||
               text.find("utf8") != std::string_view::npos;
    }
    return false;
}

bool wants_colour() {
    const char* refused = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0');
}

int finish(const Outcome& outcome) {
    std::fputs(outcome.out.c_str(), stdout);
    std::fflush(stdout);
    std::fputs(outcome.err.c_str(), stderr);
    return outcome.code;
}

int run(const Request& request, Language language, bool file_may_choose,
        const RunDaemon& run_daemon) {
    const auto& file = request.config_file;
    if (const auto outcome = cli::unreadable(file, language)) return finish(*outcome);
    const auto loaded = load_config(file, language, file_may_choose);
    if (!loaded.problems.empty()) return finish({EX_CONFIG, "", cli::problems_text(loaded)});
    return run_daemon(loaded, file, request.paths);
}

bool is_link_name(std::string_view text) {
    return !text.empty() && text.size() <= 48 &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
               std::string_view::npos;
}

bool is_month(std::string_view text) {
    if (text.size() != 7 || text[4] != '-') return false;
    for (const std::size_t i : {0u, 1u, 2u, 3u, 5u, 6u}) {
        if (text[i] < '0' || text[i] > '9') return false;
    }
    return true;
}

/// One word of the command line that is not taken, as `sentence` says it.
std::string bad_word(Language language, Text sentence, std::string_view word) {
    return cli::wrap(web::say(language, sentence, {cli::one_line(word, 60)})) +
           web::say(language, Text::see_help) + " gerbang --help\n";
}

/// The values of the options into `request`; an outcome for one that is not accepted.
std::optional<Outcome> take_values(const cli::Arguments& line, Request& request,
                                   Language language) {
    const auto refuse = [&](Text sentence, std::string_view word) {
        return Outcome{EX_USAGE, "", bad_word(language, sentence, word)};
    };
    request.from = line.value("from");
    request.to = line.value("to");
    request.interface = line.value("interface");
    request.month = line.value("month");
    request.clauses_file = line.value("clauses");
    request.format = line.value("format", request.format);
    request.output = line.value("output");
    request.note.kind = line.value("kind", request.note.kind);
    request.note.author = line.value("author", request.note.author);
    const auto limit = line.value("limit", "0");
    std::from_chars(limit.data(), limit.data() + limit.size(), request.render.limit);
    for (const auto& word : line.words) {
        request.note.text += (request.note.text.empty() ? "" : " ") + word;
    }
    if (line.has("all-links")) {
        request.link.clear();
    } else {
        request.link = line.value("link", request.link);
        if (!is_link_name(request.link)) return refuse(Text::bad_option, request.link);
    }
    const auto by = line.value("by", "day");
    if (by == "hour") request.period = UsagePeriod::hour;
    if (by == "month") request.period = UsagePeriod::month;
    if (by == "year") request.period = UsagePeriod::year;
    if (!line.is("sla")) return std::nullopt;
    request.is_by_day = line.has("by");
    if (request.is_by_day && line.has("clauses")) {
        return refuse(Text::days_without_clauses, "");
    }
    if (!request.month.empty() && !is_month(request.month)) {
        return refuse(Text::bad_month, request.month);
    }
    const int ends = (request.from.empty() ? 0 : 1) + (request.to.empty() ? 0 : 1);
    if (ends != (request.month.empty() ? 2 : 0)) return refuse(Text::sla_period_wanted, "");
    return std::nullopt;
}

}  // namespace

int run_cli(int argc, const char* const* argv, const RunDaemon& run_daemon,
            const std::string& version) {
    const auto wished = wanted_language(argc, argv);
    const auto language = wished.value_or(Language::indonesian);
    const auto& program = cli::gerbang_program();
    const auto reading = cli::read_arguments(program, argc, argv, language);
    const auto& line = reading.arguments;
    if (reading.refusal) return finish(*reading.refusal);
    if (line.wants_help) return finish({0, cli::help_text(program, line.command, language), ""});

    Request request;
    request.config_file = line.value("config", request.config_file);
    request.paths.state = line.value("state", request.paths.state);
    request.paths.runtime = line.value("runtime", request.paths.runtime);
    request.is_json = line.has("json");
    if (line.has("version") || line.is("version")) {
        return finish(
            {0,
             request.is_json ? "{\"version\":\"" + version + "\"}\n" : "gerbang " + version + "\n",
             ""});
    }
    if (line.is("reference")) return finish({0, config_reference(language), ""});
    if (line.is("run")) return run(request, language, !wished, run_daemon);
    if (line.is("check")) {
        const auto& file = line.words.empty() ? request.config_file : line.words.front();
        return finish(cli::check_command(file, language, !wished, request.paths.state));
    }

    if (const auto wrong = take_values(line, request, language)) return finish(*wrong);
    // The pages follow the configuration, as far as it can be read, unless told otherwise.
    const auto configured = load_config(request.config_file, language).config;
    request.render.language = wished.value_or(configured.lang);
    request.render.use_colour = wants_colour();
    request.render.use_utf8 = locale_is_utf8();
    request.utc_offset = configured.site.utc_offset;
    if (line.is("journal verify")) return finish(cli::verify_command(request));
    if (line.is("journal")) return finish(cli::journal_command(request));
    if (line.is("export")) return finish(cli::export_command(request));
    if (line.is("usage")) return finish(cli::usage_command(request));
    if (line.is("outages")) return finish(cli::outages_command(request));
    if (line.is("sync")) return finish(cli::sync_command(request, cli::SyncWish::show));
    if (line.is("sync now")) return finish(cli::sync_command(request, cli::SyncWish::now));
    if (line.is("sync parked")) return finish(cli::sync_command(request, cli::SyncWish::parked));
    if (line.is("sla")) return finish(cli::sla_command(request));
    if (line.is("probe")) return finish(cli::probe_command(request));
    if (line.is("note")) return finish(cli::note_command(request));
    if (line.is("clock set")) {
        return finish(cli::clock_set_command(request, line.words.front(), line.has("utc")));
    }
    return finish(cli::status_command(request));
}

}  // namespace gerbang
