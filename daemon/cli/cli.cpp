#include "daemon/cli/cli.hpp"

#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>

#include "common/web/text.hpp"
#include "daemon/cli/commands.hpp"

namespace gerbang {
namespace {

using cli::Outcome;
using cli::Request;

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
    if (::access(file.c_str(), R_OK) != 0) {
        const auto text =
            web::say(language, web::Text::config_missing, {file, std::strerror(errno)});
        return finish({EX_NOINPUT, "", text + "\n"});
    }
    const auto loaded = load_config(file, language, file_may_choose);
    if (!loaded.problems.empty()) return finish({EX_CONFIG, "", cli::problems_text(loaded)});
    return run_daemon(loaded, file, request.paths);
}

}  // namespace

int run_cli(int argc, const char* const* argv, const RunDaemon& run_daemon,
            const std::string& version) {
    const auto wished = wanted_language(argc, argv);
    const bool is_english = wished == Language::english;
    const auto in = [&](const char* indonesian, const char* english) {
        return std::string{is_english ? english : indonesian};
    };
    Request request;
    std::string lang;
    std::string by = "day";
    std::string file;
    bool is_now = false;

    CLI::App app{in("gerbang - pengukur titik internet desa. Tanpa perintah: status.",
                    "gerbang - meter of a village internet point. Without a command: status."),
                 "gerbang"};
    app.fallthrough();
    app.require_subcommand(0, 1);
    app.add_option("--config", request.config_file, in("berkas konfigurasi", "configuration file"))
        ->capture_default_str();
    app.add_option("--state", request.paths.state, in("folder catatan", "folder of the journal"))
        ->capture_default_str();
    app.add_option("--runtime", request.paths.runtime,
                   in("folder soket dan cincin memori", "folder of the socket and the ring"))
        ->capture_default_str();
    app.add_flag("--json", request.is_json, in("jawaban sebagai JSON", "answer as JSON"));
    app.add_option("--lang", lang, in("bahasa: id atau en", "language: id or en"))
        ->check(CLI::IsMember({"id", "en"}));

    auto* run_app = app.add_subcommand("run", in("jalankan pengukur", "run the daemon"));
    auto* check = app.add_subcommand("check", in("periksa konfigurasi", "check a configuration"));
    check->add_option("FILE", file, in("berkas; tanpa ini: --config", "file; else --config"));
    auto* status = app.add_subcommand("status", in("keadaan sekarang", "how things are now"));
    auto* usage = app.add_subcommand("usage", in("pemakaian internet", "internet usage"));
    usage->add_option("--by", by, in("per hour, day, month, year", "by hour, day, month, year"))
        ->check(CLI::IsMember({"hour", "day", "month", "year"}))
        ->capture_default_str();
    usage->add_option("--interface", request.interface,
                      in("antarmuka ini saja (bawaan: internet)", "this interface (default: WAN)"));
    auto* outages = app.add_subcommand("outages", in("daftar gangguan", "list of outages"));
    for (auto* command : {usage, outages}) {
        command->add_option("--limit", request.render.limit, in("banyaknya baris", "rows shown"))
            ->check(CLI::Range(1, 100000));
    }
    auto* sync = app.add_subcommand("sync", in("pengiriman ke provinsi", "sync to the province"));
    sync->add_flag("--now", is_now, in("kirim sekarang juga", "send at once"));
    auto* version_app = app.add_subcommand("version", in("versi", "version"));
    auto* reference =
        app.add_subcommand("reference", in("semua kunci konfigurasi", "all configuration keys"));

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : EX_USAGE;
    }

    if (*version_app) return finish({0, "gerbang " + version + "\n", ""});
    const auto language = wished.value_or(Language::indonesian);
    if (*reference) return finish({0, config_reference(language), ""});
    if (*run_app) return run(request, language, !wished, run_daemon);
    if (*check) {
        return finish(
            cli::check_command(file.empty() ? request.config_file : file, language, !wished));
    }

    request.render.use_colour = wants_colour();
    request.render.use_utf8 = locale_is_utf8();
    // The pages follow the configuration, as far as it can be read, unless told otherwise.
    request.render.language =
        wished ? *wished : load_config(request.config_file, language).config.lang;
    const std::map<std::string, UsagePeriod> periods{{"hour", UsagePeriod::hour},
                                                     {"day", UsagePeriod::day},
                                                     {"month", UsagePeriod::month},
                                                     {"year", UsagePeriod::year}};
    request.period = periods.at(by);
    if (*usage) return finish(cli::usage_command(request));
    if (*outages) return finish(cli::outages_command(request));
    if (*sync) return finish(cli::sync_command(request, is_now));
    (void)status;
    return finish(cli::status_command(request));
}

}  // namespace gerbang
