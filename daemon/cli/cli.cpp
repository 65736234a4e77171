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

void replace(std::string& text, std::string_view words, std::string_view by) {
    const auto at = text.find(words);
    if (at != std::string::npos) text.replace(at, words.size(), by);
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

/// What was wrong with the command line, in the reader's language, with a suggestion and the help.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error, Language language) {
    using web::say;
    const auto unknown = app.remaining(true);
    std::string detail = error.what();
    if (language == Language::indonesian) {
        // The parser's own words, as far as our options can bring them up.
        replace(detail, " not in {", " bukan salah satu dari {");
        replace(detail, "Value ", "nilai ");
        replace(detail, " not in range ", " di luar batas ");
        replace(detail, " to 100000", " sampai 100000");
        replace(detail, " is required", " wajib diisi");
        replace(detail, "A subcommand", "perintah di bawahnya");
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

/// One word of the command line that is not taken, as `sentence` says it.
std::string bad_word(Language language, Text sentence, std::string_view word) {
    return cli::wrap(web::say(language, sentence, {cli::one_line(word, 60)})) +
           web::say(language, Text::see_help) + "\n";
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
    bool is_all_links = false;
    bool is_utc = false;
    std::string clock_time;
    std::string days;
    std::vector<std::string> note_words;

    CLI::App app{in("gerbang - pengukur titik internet desa. Tanpa perintah: status.",
                    "gerbang - meter of a village internet point. Without a command: status."),
                 "gerbang"};
    app.fallthrough();
    app.require_subcommand(0, 1);
    const auto words = app.get_formatter();
    words->label("Usage", in("Cara pakai", "Usage"));
    words->label("OPTIONS", in("PILIHAN", "OPTIONS"));
    words->label("SUBCOMMAND", in("PERINTAH", "COMMAND"));
    words->label("Positionals", in("Masukan", "Arguments"));
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
    const auto moment = in("WAKTU", "TIME");
    outages
        ->add_option("--link", request.link,
                     in("sambungan ini (bawaan: wan)", "this link (default: wan)"))
        ->option_text(in("NAMA", "NAME"));
    outages->add_flag("--all-links", is_all_links,
                      in("juga WiFi desa dan layanan", "the village WiFi and services too"));
    auto* sla = app.add_subcommand("sla", in("ketersediaan sebulan, atau hari demi hari",
                                             "availability of a month, or day by day"));
    sla->add_option("--month", request.month,
                    in("bulan; atau --from dan --to", "month; or --from and --to"))
        ->option_text("2026-10");
    auto* by_day = sla->add_option("--by", days, in("hari demi hari", "day by day"))
                       ->check(CLI::IsMember({"day"}))
                       ->option_text("day");
    sla->add_option("--clauses", request.clauses_file,
                    in("aturan kontrak (JSON); tanpa ini contoh saja",
                       "the contract's clauses (JSON); else an example"))
        ->excludes(by_day)
        ->option_text(in("BERKAS", "FILE"));
    sla->add_option("--limit", request.render.limit, in("banyaknya baris", "rows shown"))
        ->check(CLI::Range(1, 100000))
        ->option_text("1-100000");
    auto* probe = app.add_subcommand(
        "probe", in("uji jalan ke internet sekarang", "test the way to the internet now"));
    auto* note = app.add_subcommand(
        "note", in("catat keterangan (bukan bukti)", "note a claim (not evidence)"));
    note->add_option("--kind", request.note.kind, in("jenis keterangan", "what it is about"))
        ->check(CLI::IsMember({"maintenance", "power", "other"}))
        ->option_text("maintenance|power|other");
    note->add_option("--author", request.note.author, in("siapa yang mencatat", "who says so"))
        ->option_text(in("NAMA", "NAME"));
    note->add_option(in("KETERANGAN", "TEXT"), note_words,
                     in("kalimatnya, paling banyak 500 byte", "the sentence, at most 500 bytes"))
        ->required()
        ->option_text(" ");
    auto* clock = app.add_subcommand("clock", in("jam gerbang", "gerbang's clock"));
    clock->require_subcommand(1);
    auto* clock_set =
        clock->add_subcommand("set", in("beri tahu jam yang benar", "tell the right time"));
    clock_set
        ->add_option(moment, clock_time,
                     in("misalnya \"2026-11-21 14:05\"", "such as \"2026-11-21 14:05\""))
        ->required()
        ->option_text(" ");
    clock_set->get_help_ptr()->group(in("Pilihan", "Options"));
    clock_set->add_flag("--utc", is_utc, in("waktu itu UTC", "that time is UTC"));
    auto* sync = app.add_subcommand("sync", in("pengiriman ke provinsi", "sync to the province"));
    sync->add_flag("--now", is_now, in("kirim sekarang juga", "send at once"));
    sync->require_subcommand(0, 1);
    auto* sync_now = sync->add_subcommand("now", in("kirim sekarang juga", "send at once"));
    auto* sync_parked = sync->add_subcommand(
        "parked", in("yang ditolak server, dan sebabnya", "what the server refused, and why"));
    for (auto* part : {sync_now, sync_parked})
        part->get_help_ptr()->group(in("Pilihan", "Options"));
    auto* journal = app.add_subcommand(
        "journal", in("catatan: ukuran, isi, yang hilang", "the journal: size, content, losses"));
    journal->require_subcommand(0, 1);
    auto* verify = journal->add_subcommand(
        "verify", in("hitung ulang seluruh rantai", "recompute the whole chain"));
    verify->get_help_ptr()->group(in("Pilihan", "Options"));
    auto* export_app = app.add_subcommand(
        "export", in("tulis data ke berkas biasa", "write the data to an ordinary file"));
    export_app->add_option("--format", request.format, in("bentuknya", "its form"))
        ->check(CLI::IsMember({"csv", "ndjson", "sqlite"}))
        ->option_text("csv|ndjson|sqlite");
    export_app
        ->add_option("--output", request.output,
                     in("berkas baru; tanpa ini ke layar", "a new file; else standard output"))
        ->option_text(in("BERKAS", "FILE"));
    for (auto* command : {outages, note, sla, export_app}) {
        command
            ->add_option("--from", request.from,
                         in("sejak, misalnya 2026-11-01 atau \"2026-11-01 14:05\"",
                            "since, such as 2026-11-01 or \"2026-11-01 14:05\""))
            ->option_text(moment);
        command
            ->add_option("--to", request.to,
                         in("sampai; tanggal saja: sampai akhir hari itu",
                            "until; a date alone: to the end of that day"))
            ->option_text(moment);
    }
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
        return finish(cli::check_command(file.empty() ? request.config_file : file, language,
                                         !wished, request.paths.state));
    }

    if (is_all_links) request.link.clear();
    if (!is_all_links && !is_link_name(request.link)) {
        return finish({EX_USAGE, "", bad_word(language, Text::bad_option, request.link)});
    }
    if (*sla && !request.month.empty() && !is_month(request.month)) {
        return finish({EX_USAGE, "", bad_word(language, Text::bad_month, request.month)});
    }
    const int ends = (request.from.empty() ? 0 : 1) + (request.to.empty() ? 0 : 1);
    if (*sla && ends != (request.month.empty() ? 2 : 0)) {
        return finish({EX_USAGE, "", bad_word(language, Text::sla_period_wanted, "")});
    }
    request.is_by_day = !days.empty();
    for (const auto& word : note_words) {
        request.note.text += (request.note.text.empty() ? "" : " ") + word;
    }
    request.render.use_colour = wants_colour();
    request.render.use_utf8 = locale_is_utf8();
    // The pages follow the configuration, as far as it can be read, unless told otherwise.
    const auto configured = load_config(request.config_file, language).config;
    request.render.language = wished.value_or(configured.lang);
    request.utc_offset = configured.site.utc_offset;
    const std::map<std::string, UsagePeriod> periods{{"hour", UsagePeriod::hour},
                                                     {"day", UsagePeriod::day},
                                                     {"month", UsagePeriod::month},
                                                     {"year", UsagePeriod::year}};
    request.period = periods.at(by);
    if (*verify) return finish(cli::verify_command(request));
    if (*journal) return finish(cli::journal_command(request));
    if (*export_app) return finish(cli::export_command(request));
    if (*usage) return finish(cli::usage_command(request));
    if (*outages) return finish(cli::outages_command(request));
    if (*sync) {
        const bool is_wanted_now = is_now || *sync_now;
        return finish(cli::sync_command(request, *sync_parked    ? cli::SyncWish::parked
                                                 : is_wanted_now ? cli::SyncWish::now
                                                                 : cli::SyncWish::show));
    }
    if (*sla) return finish(cli::sla_command(request));
    if (*probe) return finish(cli::probe_command(request));
    if (*note) return finish(cli::note_command(request));
    if (*clock_set) return finish(cli::clock_set_command(request, clock_time, is_utc));
    (void)status;
    return finish(cli::status_command(request));
}

}  // namespace gerbang
