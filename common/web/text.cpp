#include "common/web/text.hpp"

#include <algorithm>
#include <array>

namespace gerbang::web {
namespace {

struct Entry {
    Text id;
    std::string_view indonesian;
    std::string_view english;
};

constexpr std::array kCatalogue{
    Entry{Text::internet_up, "INTERNET TERSAMBUNG", "INTERNET IS UP"},
    Entry{Text::internet_down, "INTERNET PUTUS", "INTERNET IS DOWN"},
    Entry{Text::internet_down_since, "INTERNET PUTUS sejak {} ({})",
          "INTERNET IS DOWN since {} ({})"},
    Entry{Text::internet_down_for, "INTERNET PUTUS sejak {} lalu (jam belum disetel)",
          "INTERNET IS DOWN for {} (clock not set yet)"},
    Entry{Text::internet_unknown, "INTERNET BELUM DIKETAHUI", "INTERNET: NOT KNOWN YET"},
    Entry{Text::internet_unknown_hint,
          "Pengujian belum selesai atau dimatikan. Tunggu satu menit, lalu lihat lagi.",
          "Probing has not finished or is switched off. Wait a minute and look again."},
    Entry{Text::cause_is, "Sebab: {}.", "Cause: {}."},
    Entry{Text::next_step, "Langkah berikut: ", "Next step: "},
    Entry{Text::call_provider, "Hubungi {} di {}", "Call {} at {}"},
    Entry{Text::call_provider_number, ", nomor pelanggan {}", ", customer number {}"},
    Entry{Text::call_provider_unknown,
          "Hubungi penyedia internet (nomornya belum diisi: provider.helpdesk di gerbang.yaml).",
          "Call the internet provider (its number is not filled in: provider.helpdesk in "
          "gerbang.yaml)."},

    Entry{Text::cause_unknown, "belum diketahui", "not known yet"},
    Entry{Text::cause_device_off, "perangkat ini mati", "this device was off"},
    Entry{Text::cause_power, "listrik padam", "power cut"},
    Entry{Text::cause_crash, "perangkat ini macet", "this device crashed"},
    Entry{Text::cause_off, "perangkat ini dimatikan dengan sengaja",
          "this device was switched off on purpose"},
    Entry{Text::cause_reboot, "perangkat ini dinyalakan ulang", "this device was restarted"},
    Entry{Text::cause_daemon, "gerbang tidak berjalan; sambungan tidak diukur",
          "gerbang was not running; the link was not measured"},
    Entry{Text::cause_carrier, "kabel ke modem lepas, atau modem mati",
          "the cable to the modem is out, or the modem is off"},
    Entry{Text::cause_modem, "modem tidak menjawab", "the modem does not answer"},
    Entry{Text::cause_blocked, "diblokir oleh penyedia (tagihan atau kuota)",
          "blocked by the provider (bill or quota)"},
    Entry{Text::cause_isp, "kabel ke modem baik, tetapi internet di baliknya tidak menjawab",
          "the cable to the modem is fine, but the internet behind it does not answer"},
    Entry{Text::cause_international, "hanya tujuan di luar negeri yang tidak menjawab",
          "only targets abroad do not answer"},
    Entry{Text::cause_dns, "penerjemah nama (DNS) tidak menjawab",
          "name resolution (DNS) does not answer"},
    Entry{Text::cause_province, "server provinsi tidak menjawab; internet sendiri baik",
          "the province's server does not answer; the internet itself is fine"},
    Entry{Text::cause_undetermined, "tidak dapat dipastikan", "cannot be determined"},
    Entry{Text::do_unknown, "Tunggu satu menit, lalu lihat lagi.", "Wait a minute and look again."},
    Entry{Text::do_device_off, "Tidak ada; perangkat sudah menyala lagi.",
          "Nothing; the device is on again."},
    Entry{Text::do_power, "Tidak ada; periksa listrik bila padam lagi.",
          "Nothing; check the power if it fails again."},
    Entry{Text::do_crash, "Bila terulang, laporkan ke Diskominfo provinsi.",
          "If it happens again, report it to the province."},
    Entry{Text::do_off, "Tidak ada; perangkat sudah menyala lagi.",
          "Nothing; the device is on again."},
    Entry{Text::do_reboot, "Tidak ada; perangkat sudah menyala lagi.",
          "Nothing; the device is on again."},
    Entry{Text::do_daemon, "Tidak ada; pengukuran sudah berjalan lagi.",
          "Nothing; metering runs again."},
    Entry{Text::do_carrier,
          "Periksa kabel antara perangkat ini dan modem, dan apakah modem menyala.",
          "Check the cable between this device and the modem, and whether the modem is on."},
    Entry{Text::do_modem,
          "Cabut listrik modem, tunggu 10 detik, pasang lagi, tunggu 5 menit. Tetap putus?",
          "Unplug the modem's power, wait 10 seconds, plug it in, wait 5 minutes. Still down?"},
    Entry{Text::do_blocked, "Tanyakan pembayaran atau kuota ke Diskominfo provinsi.",
          "Ask the province about the bill or the quota."},
    Entry{Text::do_isp,
          "Cabut listrik modem, tunggu 10 detik, pasang lagi, tunggu 5 menit. Tetap putus?",
          "Unplug the modem's power, wait 10 seconds, plug it in, wait 5 minutes. Still down?"},
    Entry{Text::do_international, "Tidak ada yang perlu diubah di desa.",
          "Nothing needs to be changed in the village."},
    Entry{Text::do_dns, "Tidak ada yang perlu diubah di desa.",
          "Nothing needs to be changed in the village."},
    Entry{Text::do_province, "Tidak ada; catatan dikirim sendiri nanti.",
          "Nothing; the records are sent later by themselves."},
    Entry{Text::do_undetermined, "Tidak ada.", "Nothing."},
    Entry{Text::short_unknown, "belum diketahui", "unknown"},
    Entry{Text::short_device_off, "perangkat mati", "device off"},
    Entry{Text::short_power, "listrik padam", "power cut"},
    Entry{Text::short_crash, "perangkat macet", "crash"},
    Entry{Text::short_off, "dimatikan", "switched off"},
    Entry{Text::short_reboot, "nyala ulang", "restart"},
    Entry{Text::short_daemon, "tidak diukur", "not measured"},
    Entry{Text::short_carrier, "kabel/modem", "cable/modem"},
    Entry{Text::short_modem, "modem", "modem"},
    Entry{Text::short_blocked, "diblokir", "blocked"},
    Entry{Text::short_isp, "penyedia", "provider"},
    Entry{Text::short_international, "luar negeri", "abroad"},
    Entry{Text::short_dns, "DNS", "DNS"},
    Entry{Text::short_province, "server provinsi", "province"},
    Entry{Text::short_undetermined, "tidak pasti", "undetermined"},

    Entry{Text::site_unassigned,
          "Titik ini belum punya identitas (site.id: unassigned): pemakaian diukur, tetapi tidak "
          "dikirim. Isi site.id di gerbang.yaml.",
          "This point has no identity yet (site.id: unassigned): usage is metered, but not sent. "
          "Fill in site.id in gerbang.yaml."},
    Entry{Text::running_for, "Perangkat menyala {}. gerbang {}.", "Device up {}. gerbang {}."},
    Entry{Text::total_usage, "Pemakaian internet sejak awal pencatatan: diterima {}, dikirim {}.",
          "Internet usage since the journal began: received {}, sent {}."},
    Entry{Text::interface, "Antarmuka", "Interface"},
    Entry{Text::role, "Peran", "Role"},
    Entry{Text::cable, "Kabel", "Link"},
    Entry{Text::received, "Diterima", "Received"},
    Entry{Text::transmitted, "Dikirim", "Sent"},
    Entry{Text::receiving_now, "Terima kini", "Receiving"},
    Entry{Text::transmitting_now, "Kirim kini", "Sending"},
    Entry{Text::yes, "ada", "yes"},
    Entry{Text::no, "lepas", "no"},
    Entry{Text::role_wan, "internet", "internet"},
    Entry{Text::role_lan, "LAN", "LAN"},
    Entry{Text::role_wifi, "WiFi", "WiFi"},
    Entry{Text::role_none, "-", "-"},
    Entry{Text::suspect_bytes, "{}: {} lagi tidak masuk akal dan tidak dihitung.",
          "{}: another {} are implausible and not counted."},
    Entry{Text::no_interfaces, "Belum ada antarmuka yang diukur.", "No interface is metered yet."},
    Entry{Text::journal_ok,
          "Catatan: {} rekaman, {}. Listrik padam menghilangkan paling banyak {}.",
          "Journal: {} records, {}. A power cut costs at most {}."},
    Entry{Text::journal_failing,
          "CATATAN GAGAL DISIMPAN: {}. Pengukuran jalan terus di memori ({} pembacaan menunggu). "
          "Laporkan: kartu memori mungkin rusak atau penuh.",
          "THE JOURNAL CANNOT BE WRITTEN: {}. Metering goes on in memory ({} readings waiting). "
          "Report it: the memory card may be broken or full."},
    Entry{Text::clock_synchronised, "Jam: tersinkron.", "Clock: synchronised."},
    Entry{Text::clock_operator, "Jam: menurut jam perangkat ini (clock.trust_system).",
          "Clock: this device's own is trusted (clock.trust_system)."},
    Entry{Text::clock_unset, "Jam: belum disetel; tanggal menyusul bila jam sudah benar.",
          "Clock: not set yet; dates follow once it is right."},

    Entry{Text::sync_none, "Pengiriman: tidak ada server di konfigurasi; catatan hanya di sini.",
          "Sync: no server is configured; the records are only here."},
    Entry{Text::sync_idle, "Pengiriman ke {}: semua sudah terkirim.",
          "Sync to {}: everything has been sent."},
    Entry{Text::sync_next, "Pengiriman ke {}: {} rekaman terbaru menunggu kiriman berikutnya.",
          "Sync to {}: the newest {} records go with the next transmission."},
    Entry{Text::sync_sending, "Pengiriman ke {}: sedang mengirim, tersisa {} rekaman.",
          "Sync to {}: sending, {} records to go."},
    Entry{Text::sync_waiting, "Pengiriman ke {}: menunggu, {} rekaman belum terkirim.",
          "Sync to {}: waiting, {} records not sent yet."},
    Entry{Text::sync_waiting_for, "Dicoba lagi dalam {}.", "Next attempt in {}."},
    Entry{Text::sync_stopped, "Pengiriman ke {}: BERHENTI, {} rekaman belum terkirim.",
          "Sync to {}: STOPPED, {} records not sent yet."},
    Entry{Text::sync_reason, "Sebab: {}.", "Reason: {}."},
    Entry{Text::sync_waiting_hint, "Tidak perlu apa-apa: catatan aman di sini dan dikirim sendiri.",
          "Nothing to do: the records are safe here and are sent by themselves."},
    Entry{Text::sync_stopped_hint,
          "Hubungi Diskominfo provinsi: server menolak perangkat ini. Catatan aman di sini.",
          "Call the province: the server refuses this device. The records are safe here."},
    Entry{Text::sync_parked, "{} rekaman ditolak server; disimpan di sini. Laporkan ke provinsi.",
          "{} records were refused by the server; they are kept here. Report it to the province."},
    Entry{Text::sync_last_success, "Terakhir berhasil {}.", "Last success {}."},
    Entry{Text::sync_never, "Belum pernah berhasil sejak gerbang dimulai.",
          "No success since gerbang started."},
    Entry{Text::sync_sent, "Terkirim sejak gerbang dimulai: {}.",
          "Sent since gerbang started: {}."},

    Entry{Text::usage_by_hour, "Pemakaian {} per jam, waktu {}", "Usage of {} by hour, {}"},
    Entry{Text::usage_by_day, "Pemakaian {} per hari, waktu {}", "Usage of {} by day, {}"},
    Entry{Text::usage_by_month, "Pemakaian {} per bulan, waktu {}", "Usage of {} by month, {}"},
    Entry{Text::usage_by_year, "Pemakaian {} per tahun, waktu {}", "Usage of {} by year, {}"},
    Entry{Text::hour, "Jam", "Hour"},
    Entry{Text::day, "Hari", "Day"},
    Entry{Text::month, "Bulan", "Month"},
    Entry{Text::year, "Tahun", "Year"},
    Entry{Text::total, "Jumlah", "Total"},
    Entry{Text::mean_rate, "Rata-rata", "Mean rate"},
    Entry{Text::estimated, "perkiraan", "estimated"},
    Entry{Text::undated, "Belum bertanggal (jam belum disetel): diterima {}, dikirim {}.",
          "Not dated yet (the clock is not set): received {}, sent {}."},
    Entry{Text::usage_none, "Belum ada pemakaian yang tercatat. Tunggu beberapa menit.",
          "No usage is recorded yet. Wait a few minutes."},
    Entry{Text::usage_no_such, "Tidak ada catatan untuk antarmuka {}. Yang tercatat: {}.",
          "Nothing is recorded of the interface {}. Recorded are: {}."},
    Entry{Text::usage_partial,
          "* tidak seluruhnya diukur (perangkat atau gerbang mati sebagian "
          "waktu)",
          "* not measured throughout (the device or gerbang was off part of the time)"},

    Entry{Text::outages_title, "Gangguan, terbaru dahulu, waktu {}", "Outages, newest first, {}"},
    Entry{Text::outages_none, "Belum ada gangguan yang tercatat.", "No outage is recorded."},
    Entry{Text::outage_start, "Mulai", "Start"},
    Entry{Text::outage_end, "Selesai", "End"},
    Entry{Text::outage_duration, "Lama", "Duration"},
    Entry{Text::outage_cause, "Sebab", "Cause"},
    Entry{Text::outage_open, "masih berlangsung", "still open"},
    Entry{Text::outage_undated, "belum bertanggal (jam belum disetel)",
          "not dated yet (the clock is not set)"},
    Entry{Text::outage_bounds_duration, "lama antara {} dan {}", "lasted between {} and {}"},
    Entry{Text::outage_bounds_start, "mulai antara {} dan {}", "began between {} and {}"},
    Entry{Text::outage_bounds_end, "selesai antara {} dan {}", "ended between {} and {}"},
    Entry{Text::outage_evidence, "bukti: {}", "evidence: {}"},
    Entry{Text::outages_more, "{} gangguan lebih lama tidak ditampilkan (--limit N, --json).",
          "{} older outages are not shown (--limit N, --json)."},

    Entry{Text::seconds, "{} detik", "{} s"},
    Entry{Text::minutes, "{} menit", "{} min"},
    Entry{Text::hours, "{} jam", "{} h"},
    Entry{Text::days, "{} hari", "{} d"},
    Entry{Text::ago, "{} lalu", "{} ago"},
    Entry{Text::for_now, "sebentar", "a moment"},

    Entry{Text::daemon_absent, "gerbang tidak berjalan (tidak ada jawaban di {}).",
          "gerbang is not running (no answer at {})."},
    Entry{Text::daemon_absent_hint,
          "Langkah berikut: sudo systemctl start gerbang\nBila gagal:      sudo journalctl -u "
          "gerbang -n 20",
          "Next step:     sudo systemctl start gerbang\nIf that fails: sudo journalctl -u "
          "gerbang -n 20"},
    Entry{Text::daemon_forbidden,
          "Pengguna ini tidak boleh membuka {}.\nLangkah berikut: ulangi dengan sudo.",
          "This user may not open {}.\nNext step: repeat with sudo."},
    Entry{Text::daemon_unclear, "Jawaban gerbang tidak dapat dipakai: {}",
          "gerbang's answer cannot be used: {}"},
    Entry{Text::unknown_word, "Tidak dikenal: {}.", "Not known: {}."},
    Entry{Text::did_you_mean, " Maksud Anda \"{}\"?", " Did you mean \"{}\"?"},
    Entry{Text::bad_option, "Pilihan tidak diterima: {}.", "This option is not accepted: {}."},
    Entry{Text::see_help, "Lihat: gerbang --help", "See: gerbang --help"},
    Entry{Text::config_missing, "{}: tidak dapat dibaca: {}", "{}: cannot be read: {}"},
    Entry{Text::config_good, "{}: semuanya baik.", "{}: all is well."},
    Entry{Text::config_bad, "Kesalahan: {}. Perbaiki, lalu periksa lagi.",
          "Mistakes: {}. Correct and check again."},
    Entry{Text::config_meters, "Dibaca tiap {}, disimpan tiap {}. ",
          "Read every {}, stored every {}. "},
    Entry{Text::config_wan_auto, "Diukur: antarmuka rute bawaan.",
          "Metered: the interface of the default route."},
    Entry{Text::config_wan, "Diukur: {}.", "Metered: {}."},
    Entry{Text::config_probes, "Diuji: {}.", "Probed: {}."},
    Entry{Text::config_probes_off, "Sambungan tidak diuji (probe.enabled: false).",
          "The link is not probed (probe.enabled: false)."},
    Entry{Text::config_pushes, "Dikirim ke: {}.", "Sent to: {}."},
    Entry{Text::config_pushes_none, "Tidak dikirim ke mana pun (sync.targets kosong).",
          "Sent nowhere (sync.targets is empty)."},
    Entry{Text::config_unassigned, "Belum dikirim: site.id masih unassigned.",
          "Not sent yet: site.id is still unassigned."},
    Entry{Text::config_file_unreadable, "Perhatian: {}: {} tidak dapat dibaca di sini.",
          "Note: {}: {} cannot be read here."},
};

constexpr bool is_in_order() {
    if (kCatalogue.size() != static_cast<std::size_t>(Text::count_)) return false;
    for (std::size_t i = 0; i < kCatalogue.size(); ++i) {
        if (static_cast<std::size_t>(kCatalogue[i].id) != i) return false;
    }
    return true;
}
static_assert(is_in_order(), "the catalogue has every text once, in the order of the enumeration");

/// The text of `cause` in the block of causes that begins at `first`.
Text at_cause(Text first, Cause cause) {
    const auto index = static_cast<std::uint16_t>(cause);
    const bool is_known = index <= static_cast<std::uint16_t>(Cause::undetermined);
    return static_cast<Text>(static_cast<std::uint16_t>(first) + (is_known ? index : 0));
}

}  // namespace

std::string_view sentence(Language language, Text id) {
    const auto& entry = kCatalogue[static_cast<std::size_t>(id)];
    return language == Language::english ? entry.english : entry.indonesian;
}

std::string say(Language language, Text id, std::initializer_list<std::string_view> arguments) {
    auto rest = sentence(language, id);
    std::string result;
    for (const auto argument : arguments) {
        const auto place = rest.find("{}");
        if (place == std::string_view::npos) break;
        result += rest.substr(0, place);
        result += argument;
        rest.remove_prefix(place + 2);
    }
    result += rest;
    return result;
}

std::string evidence_text(Language language, std::string_view evidence) {
    struct Phrase {
        std::string_view english;
        std::string_view indonesian;
    };
    // A phrase stands before those that it begins with.
    static constexpr std::array kPhrases{
        Phrase{"daemon did not run", "gerbang tidak berjalan"},
        Phrase{"device was off", "perangkat mati"},
        Phrase{"no clean stop before", "berhenti mendadak"},
        Phrase{"clean stop before", "dihentikan dengan wajar"},
        Phrase{"link down before", "internet putus sebelumnya"},
        Phrase{"link down after the gaps", "internet putus sesudahnya"},
        Phrase{"link down after", "internet putus sesudahnya"},
        Phrase{"no longer measured", "tidak lagi diukur"},
        Phrase{"no carrier on", "tidak ada sinyal kabel di"},
        Phrase{"time-out", "tidak menjawab"},
        Phrase{"network unreachable", "jaringan tidak terjangkau"},
        Phrase{"host unreachable", "tujuan tidak terjangkau"},
        Phrase{"not permitted", "tidak diizinkan"},
        Phrase{"refused", "ditolak"}};
    if (language == Language::english) return std::string{evidence};
    std::string result;
    while (!evidence.empty()) {
        const auto* const phrase =
            std::find_if(kPhrases.begin(), kPhrases.end(),
                         [&](const Phrase& p) { return evidence.starts_with(p.english); });
        result += phrase == kPhrases.end() ? evidence.substr(0, 1) : phrase->indonesian;
        evidence.remove_prefix(phrase == kPhrases.end() ? 1 : phrase->english.size());
    }
    return result;
}

Text cause_text(Cause cause) {
    return at_cause(Text::cause_unknown, cause);
}
Text remedy_text(Cause cause) {
    return at_cause(Text::do_unknown, cause);
}
Text short_cause_text(Cause cause) {
    return at_cause(Text::short_unknown, cause);
}

}  // namespace gerbang::web
