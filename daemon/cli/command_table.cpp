#include "daemon/cli/command_table.hpp"

namespace gerbang::cli {
namespace {

constexpr Tongues kFile{"BERKAS", "FILE"};
constexpr Tongues kFolder{"FOLDER", "FOLDER"};
constexpr Tongues kName{"NAMA", "NAME"};
constexpr Tongues kTime{"WAKTU", "TIME"};

OptionSpec flag(const char* name, Tongues help) {
    return {.name = name, .value = {}, .choices = nullptr, .help = help};
}

OptionSpec with(const char* name, Tongues value, Tongues help, const char* standard = nullptr) {
    return {.name = name, .value = value, .choices = nullptr, .help = help, .standard = standard};
}

OptionSpec among(const char* name, const char* choices, Tongues help) {
    return {.name = name, .value = {}, .choices = choices, .help = help};
}

OptionSpec limit() {
    return {.name = "limit",
            .value = {},
            .choices = nullptr,
            .help = {"banyaknya baris", "rows shown"},
            .most = 100'000};
}

OptionSpec from() {
    return with("from", kTime,
                {"sejak, misalnya 2026-11-01 atau \"2026-11-01 14:05\"",
                 "since, such as 2026-11-01 or \"2026-11-01 14:05\""});
}

OptionSpec to() {
    return with("to", kTime,
                {"sampai; tanggal saja: sampai akhir hari itu",
                 "until; a date alone: to the end of that day"});
}

}  // namespace

const ProgramSpec& gerbang_program() {
    static const OptionSpec everywhere[] = {
        flag("version", {"tampilkan versi", "show the version"}),
        with("config", kFile, {"berkas konfigurasi", "configuration file"},
             "/etc/gerbang/gerbang.yaml"),
        with("state", kFolder, {"folder catatan", "folder of the journal"}, "/var/lib/gerbang"),
        with("runtime", kFolder,
             {"folder soket dan cincin memori", "folder of the socket and the ring"},
             "/run/gerbang"),
        flag("json", {"jawaban sebagai JSON", "answer as JSON"}),
        among("lang", "id|en", {"bahasa", "language"})};
    static const OptionSpec usage[] = {
        among("by", "hour|day|month|year",
              {"per jam, hari (bawaan), bulan, tahun", "by hour, day (default), month, year"}),
        with("interface", kName,
             {"antarmuka ini saja (bawaan: internet)", "this interface (default: WAN)"}),
        limit()};
    static const OptionSpec outages[] = {
        with("link", kName, {"sambungan ini (bawaan: wan)", "this link (default: wan)"}),
        flag("all-links", {"juga WiFi desa dan layanan", "the village WiFi and services too"}),
        from(), to(), limit()};
    static const OptionSpec sla[] = {
        with("month", {"2026-10", "2026-10"},
             {"bulan; atau --from dan --to", "month; or --from and --to"}),
        among("by", "day", {"hari demi hari", "day by day"}),
        with("clauses", kFile,
             {"aturan kontrak (JSON); tanpa ini contoh saja",
              "the contract's clauses (JSON); else an example"}),
        from(),
        to(),
        limit()};
    static const OptionSpec note[] = {
        among("kind", "maintenance|power|other", {"jenis keterangan", "what it is about"}),
        with("author", kName, {"siapa yang mencatat", "who says so"}), from(), to()};
    static const OptionSpec clock_set[] = {flag("utc", {"waktu itu UTC", "that time is UTC"})};
    static const OptionSpec exported[] = {
        among("format", "csv|ndjson|sqlite", {"bentuknya", "its form"}),
        with("output", kFile,
             {"berkas baru; tanpa ini ke layar", "a new file; else standard output"}),
        from(), to()};
    static const CommandSpec commands[] = {
        {.name = "run",
         .help = {"jalankan pengukur", "run the daemon"},
         .options = {},
         .words = {}},
        {.name = "check",
         .help = {"periksa konfigurasi", "check a configuration"},
         .options = {},
         .words = {.name = kFile, .help = {"tanpa ini: --config", "else --config"}}},
        {.name = "status",
         .help = {"keadaan sekarang", "how things are now"},
         .options = {},
         .words = {}},
        {.name = "usage",
         .help = {"pemakaian internet", "internet usage"},
         .options = usage,
         .words = {}},
        {.name = "outages",
         .help = {"daftar gangguan", "list of outages"},
         .options = outages,
         .words = {}},
        {.name = "sla",
         .help = {"ketersediaan sebulan, atau hari demi hari",
                  "availability of a month, or day by day"},
         .options = sla,
         .words = {}},
        {.name = "probe",
         .help = {"uji jalan ke internet sekarang", "test the way to the internet now"},
         .options = {},
         .words = {}},
        {.name = "note",
         .help = {"catat keterangan (bukan bukti)", "note a claim (not evidence)"},
         .options = note,
         .words = {.name = {"KETERANGAN", "TEXT"},
                   .help = {"kalimatnya, paling banyak 500 byte",
                            "the sentence, at most 500 bytes"},
                   .is_required = true,
                   .is_many = true}},
        {.name = "clock",
         .help = {"jam gerbang", "gerbang's clock"},
         .options = {},
         .words = {},
         .wants_below = true},
        {.name = "clock set",
         .help = {"beri tahu jam yang benar", "tell the right time"},
         .options = clock_set,
         .words = {.name = kTime,
                   .help = {"misalnya \"2026-11-21 14:05\"", "such as \"2026-11-21 14:05\""},
                   .is_required = true}},
        {.name = "sync",
         .help = {"pengiriman ke provinsi", "sync to the province"},
         .options = {},
         .words = {}},
        {.name = "sync now",
         .help = {"kirim sekarang juga", "send at once"},
         .options = {},
         .words = {}},
        {.name = "sync parked",
         .help = {"yang ditolak server, dan sebabnya", "what the server refused, and why"},
         .options = {},
         .words = {}},
        {.name = "journal",
         .help = {"catatan: ukuran, isi, yang hilang", "the journal: size, content, losses"},
         .options = {},
         .words = {}},
        {.name = "journal verify",
         .help = {"hitung ulang seluruh rantai", "recompute the whole chain"},
         .options = {},
         .words = {}},
        {.name = "export",
         .help = {"tulis data ke berkas biasa", "write the data to an ordinary file"},
         .options = exported,
         .words = {}},
        {.name = "version", .help = {"versi", "version"}, .options = {}, .words = {}},
        {.name = "reference",
         .help = {"semua kunci konfigurasi", "all configuration keys"},
         .options = {},
         .words = {}}};
    static const ProgramSpec program{
        .name = "gerbang",
        .about = {"gerbang - pengukur titik internet desa. Tanpa perintah: status.",
                  "gerbang - meter of a village internet point. Without a command: status."},
        .options = everywhere,
        .commands = commands};
    return program;
}

}  // namespace gerbang::cli
