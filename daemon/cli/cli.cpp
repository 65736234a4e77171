#include "daemon/cli/cli.hpp"

#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "common/web/text.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/config/values.hpp"

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
    if (const auto outcome = cli::unreadable(file, language)) return finish(*outcome);
    const auto loaded = load_config(file, language, file_may_choose);
    if (!loaded.problems.empty()) return finish({EX_CONFIG, "", cli::problems_text(loaded)});
    return run_daemon(loaded, file, request.paths);
}

void replace(std::string& text, std::string_view words, std::string_view by) {
    const auto at = text.find(words);
    if (at != std::string::npos) text.replace(at, words.size(), by);
}

/// What was wrong with the command line, in the reader's language, with a suggestion and the help.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error, Language language) {
    using web::say;
    using web::Text;
    const auto unknown = app.remaining(true);
    std::string detail = error.what();
    if (language == Language::indonesian) {
        // The parser's own words, as far as our options can bring them up.
        replace(detail, " not in {", " bukan salah satu dari {");
        replace(detail, "Value ", "nilai ");
        replace(detail, " not in range ", " di luar batas ");
        replace(detail, " to 100000", " sampai 100000");
    }
    auto text = say(language, Text::bad_option, {cli::one_line(detail)});
    if (!unknown.empty()) {
        std::vector<std::string_view> commands;
        const auto known = app.get_subcommands([](const CLI::App*) { return true; });
        for (const auto* command : known) commands.push_back(command->get_name());
        text = say(language, Text::unknown_word, {cli::one_line(unknown.front())});
        const auto meant = config::nearest(unknown.front(), commands);
        if (!meant.empty()) text += say(language, Text::did_you_mean, {meant});
    }
    return cli::wrap(text) + say(language, Text::see_help) + "\n";
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
    const auto words = app.get_formatter();
    words->label("Usage", in("Cara pakai", "Usage"));
    words->label("OPTIONS", in("PILIHAN", "OPTIONS"));
    words->label("SUBCOMMAND", in("PERINTAH", "COMMAND"));
    words->label("Positionals", in("Berkas", "Files"));
    app.option_defaults()->group(in("Pilihan", "Options"));
    app.set_help_flag("-h,--help", in("tampilkan bantuan ini", "show this help"));
    app.set_version_flag("--version", "gerbang " + version,
                         in("tampilkan versi", "show the version"));
    const auto folder = in("FOLDER", "FOLDER");
    app.add_option("--config", request.config_file, in("berkas konfigurasi", "configuration file"))
        ->type_name(in("BERKAS", "FILE"))
        ->capture_default_str();
    app.add_option("--state", request.paths.state, in("folder catatan", "folder of the journal"))
        ->type_name(folder)
        ->capture_default_str();
    app.add_option("--runtime", request.paths.runtime,
                   in("folder soket dan cincin memori", "folder of the socket and the ring"))
        ->type_name(folder)
        ->capture_default_str();
    app.add_flag("--json", request.is_json, in("jawaban sebagai JSON", "answer as JSON"));
    app.add_option("--lang", lang, in("bahasa", "language"))
        ->check(CLI::IsMember({"id", "en"}))
        ->option_text("id|en");

    auto* run_app = app.add_subcommand("run", in("jalankan pengukur", "run the daemon"));
    auto* check = app.add_subcommand("check", in("periksa konfigurasi", "check a configuration"));
    check->add_option(in("BERKAS", "FILE"), file, in("tanpa ini: --config", "else --config"))
        ->option_text(" ");
    auto* status = app.add_subcommand("status", in("keadaan sekarang", "how things are now"));
    auto* usage = app.add_subcommand("usage", in("pemakaian internet", "internet usage"));
    usage
        ->add_option(
            "--by", by,
            in("per jam, hari (bawaan), bulan, tahun", "by hour, day (default), month, year"))
        ->check(CLI::IsMember({"hour", "day", "month", "year"}))
        ->option_text("hour|day|month|year");
    usage
        ->add_option("--interface", request.interface,
                     in("antarmuka ini saja (bawaan: internet)", "this interface (default: WAN)"))
        ->option_text(in("NAMA", "NAME"));
    auto* outages = app.add_subcommand("outages", in("daftar gangguan", "list of outages"));
    for (auto* command : {usage, outages}) {
        command->add_option("--limit", request.render.limit, in("banyaknya baris", "rows shown"))
            ->check(CLI::Range(1, 100000))
            ->option_text("1-100000");
    }
    auto* sync = app.add_subcommand("sync", in("pengiriman ke provinsi", "sync to the province"));
    sync->add_flag("--now", is_now, in("kirim sekarang juga", "send at once"));
    auto* version_app = app.add_subcommand("version", in("versi", "version"));
    auto* reference =
        app.add_subcommand("reference", in("semua kunci konfigurasi", "all configuration keys"));

    for (auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        command->group(in("Perintah", "Commands"));
        command->get_help_ptr()->group(in("Pilihan", "Options"));
        command->footer(in("Pilihan untuk semua perintah (--json, --lang, ...): gerbang --help",
                           "Options of all commands (--json, --lang, ...): gerbang --help"));
    }

    const auto language = wished.value_or(Language::indonesian);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return finish({EX_USAGE, "", usage_error(app, error, language)});
    }

    if (*version_app) {
        return finish(
            {0,
             request.is_json ? "{\"version\":\"" + version + "\"}\n" : "gerbang " + version + "\n",
             ""});
    }
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
