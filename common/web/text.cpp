#include "common/web/text.hpp"

#include <iterator>

namespace gerbang::web {
namespace {

struct Entry {
    Text id;
    std::string_view indonesian;
    std::string_view english;
};

// No std::array: to guess its size clang would need more than it nests.
constexpr Entry kCatalogue[]{
    Entry{Text::internet_up, "INTERNET TERSAMBUNG", "INTERNET IS UP"},
    Entry{Text::internet_down, "INTERNET PUTUS", "INTERNET IS DOWN"},
    Entry{Text::internet_down_since, "INTERNET PUTUS sejak {} ({})",
          "INTERNET IS DOWN since {} ({})"},
    Entry{Text::internet_down_for, "INTERNET PUTUS sejak {} lalu, jam belum disetel",
          "INTERNET IS DOWN for {}, clock not set yet"},
    Entry{Text::internet_degraded, "INTERNET TERSENDAT", "INTERNET IS DEGRADED"},
    Entry{Text::internet_starting, "INTERNET SEDANG DIPERIKSA", "INTERNET: BEING CHECKED"},
    Entry{Text::internet_unknown, "INTERNET BELUM DIKETAHUI", "INTERNET: NOT KNOWN YET"},
    Entry{Text::nothing_wrong, "Jalur ke internet baik.", "The way to the internet is fine."},
    Entry{Text::starting_since, "gerbang baru mulai {} yang lalu.", "gerbang started {} ago."},
    Entry{Text::not_probed, "Pengujian belum memberi jawaban, atau dimatikan (probe.enabled).",
          "Probing has given no answer yet, or is switched off (probe.enabled)."},
    Entry{Text::degraded_means,
          "Sebagian uji tidak dijawab: jalur padat atau sinyal lemah, bukan putus.",
          "Some probes go unanswered: a full line or a weak signal, not an outage."},
    Entry{Text::cause_is, "Penyebab: {}.", "Cause: {}."},
    Entry{Text::cause_may_be, "Kemungkinan penyebab: {}.", "Probable cause: {}."},
    Entry{Text::of_provider, " ({})", " ({})"},
    Entry{Text::power_on, "listrik baik", "power fine"},
    Entry{Text::power_off, "listrik PADAM", "power is OUT"},
    Entry{Text::battery_at, "baterai {} %", "battery {} %"},
    Entry{Text::cable_fine, "kabel baik", "cable fine"},
    Entry{Text::modem_fine, "modem baik", "modem fine"},
    Entry{Text::do_nothing, "Tidak perlu apa-apa.", "Nothing to do."},
    Entry{Text::if_degraded_long, "Berjam-jam?", "For hours?"},
    Entry{Text::wait_a_minute, "Tunggu satu menit, lalu lihat lagi.",
          "Wait a minute and look again."},
    Entry{Text::restart_modem_first, "Nyalakan ulang modem sekali. Tetap putus?",
          "Restart the modem once. Still down?"},
    Entry{Text::call_provider, "Hubungi {}", "Call {}"},
    Entry{Text::call_provider_number, ", no. pelanggan {}", ", customer no. {}"},
    Entry{Text::call_provider_unknown, "Hubungi penyedia (isi provider.helpdesk)",
          "Call the provider (fill in provider.helpdesk)"},
    Entry{Text::data_safe, "Data aman.", "Data is safe."},
    Entry{Text::data_safe_days, "Data aman, cukup untuk {} hari.",
          "Data is safe, room for {} days."},
    Entry{Text::data_few_days, "Tempat data tinggal {} hari.", "Room for {} days of data left."},
    Entry{Text::data_not_saved, "DATA TIDAK TERSIMPAN (di bawah).",
          "DATA IS NOT SAVED (see below)."},
    Entry{Text::since_at, " sejak {} ({})", " since {} ({})"},
    Entry{Text::since_for, " sejak {} lalu", " for {}"},
    Entry{Text::hotspot_down,
          "WIFI/LAN DESA PUTUS{}: periksa titik akses dan kabelnya. Bukan salah penyedia.",
          "VILLAGE WIFI/LAN IS DOWN{}: check the access point and its cable. Not the provider's "
          "fault."},
    Entry{Text::service_down,
          "Layanan {} tidak menjawab{}. Internet tidak terpengaruh; laporkan ke Diskominfo.",
          "Service {} has not answered{}. The internet is not affected; tell the province."},
    Entry{Text::province_down,
          "Server provinsi tidak menjawab{}. Tidak perlu apa-apa; data dikirim nanti.",
          "The province's server has not answered{}. Nothing to do; data is sent later."},

    Entry{Text::rung_power, "listrik", "power"},
    Entry{Text::rung_carrier, "kabel", "cable"},
    Entry{Text::rung_next_hop, "modem", "modem"},
    Entry{Text::rung_provider, "jaringan penyedia", "provider network"},
    Entry{Text::rung_domestic, "dalam negeri", "domestic"},
    Entry{Text::rung_international, "luar negeri", "abroad"},
    Entry{Text::rung_dns, "nama (DNS)", "names (DNS)"},
    Entry{Text::rung_web, "halaman web", "web page"},
    Entry{Text::rung_province, "server provinsi", "province server"},
    Entry{Text::link_hotspot, "WiFi/LAN desa", "village WiFi/LAN"},
    Entry{Text::link_service, "layanan {}", "service {}"},
    Entry{Text::rung_up, "baik", "ok"},
    Entry{Text::rung_down, "DIAM", "SILENT"},
    Entry{Text::rung_portal, "DIJAWAB PIHAK LAIN", "ANSWERED BY ANOTHER"},
    Entry{Text::rung_unknown, "tidak diketahui", "not known"},
    Entry{Text::ladder_is, "Tangga: {}.", "Ladder: {}."},
    Entry{Text::silence_timeout, "tidak menjawab", "time-out"},
    Entry{Text::silence_unreachable, "tidak terjangkau", "unreachable"},
    Entry{Text::silence_refused, "menolak", "refused"},
    Entry{Text::silence_servfail, "server DNS gagal", "resolver failed"},
    Entry{Text::silence_nxdomain, "nama disangkal", "name denied"},
    Entry{Text::silence_wrong, "jawaban salah", "wrong answer"},
    Entry{Text::silence_local, "perangkat ini tidak dapat bertanya", "this device could not ask"},
    Entry{Text::probe_title, "Diuji sekarang, dari perangkat ke internet:",
          "Asked just now, from the device to the internet:"},
    Entry{Text::probe_up, "Kesimpulan: internet tersambung.", "Verdict: the internet is up."},
    Entry{Text::probe_degraded, "Kesimpulan: internet tersendat, bukan putus.",
          "Verdict: the internet is degraded, not down."},
    Entry{Text::probe_down, "Kesimpulan: internet putus; penyebab: {}.",
          "Verdict: the internet is down; cause: {}."},
    Entry{Text::probe_unknown, "Kesimpulan: tidak dapat dipastikan.", "Verdict: cannot be told."},
    Entry{Text::confidence_is, "keyakinan {}", "confidence {}"},
    Entry{Text::confidence_none, "tidak ada", "none"},
    Entry{Text::confidence_low, "rendah", "low"},
    Entry{Text::confidence_medium, "sedang", "medium"},
    Entry{Text::confidence_high, "tinggi", "high"},

    Entry{Text::cause_unknown, "belum diketahui", "not known yet"},
    Entry{Text::cause_device_off, "perangkat ini mati", "this device was off"},
    Entry{Text::cause_power, "listrik padam", "power cut"},
    Entry{Text::cause_crash, "perangkat ini macet", "this device crashed"},
    Entry{Text::cause_off, "perangkat ini dimatikan dengan sengaja",
          "this device was switched off on purpose"},
    Entry{Text::cause_reboot, "perangkat ini dinyalakan ulang", "this device was restarted"},
    Entry{Text::cause_daemon, "gerbang tidak berjalan, tidak diukur",
          "gerbang was not running, not measured"},
    Entry{Text::cause_carrier, "kabel ke modem lepas, atau modem mati",
          "the cable to the modem is out, or the modem is off"},
    Entry{Text::cause_modem, "modem tidak menjawab", "the modem does not answer"},
    Entry{Text::cause_blocked, "diblokir, tagihan atau kuota", "blocked, bill or quota"},
    Entry{Text::cause_isp, "jaringan penyedia", "the provider's network"},
    Entry{Text::cause_international, "jalur luar negeri penyedia", "the provider's way abroad"},
    Entry{Text::cause_dns, "server DNS penyedia", "the provider's DNS servers"},
    Entry{Text::cause_province, "server provinsi tidak menjawab",
          "the province's server does not answer"},
    Entry{Text::cause_undetermined, "tidak dapat dipastikan", "cannot be determined"},
    Entry{Text::cause_hotspot, "WiFi atau LAN di dalam desa", "the WiFi or LAN within the village"},
    Entry{Text::cause_service, "layanan provinsi tidak menjawab",
          "a service of the province does not answer"},
    Entry{Text::do_unknown, "Tunggu satu menit, lalu lihat lagi.", "Wait a minute and look again."},
    Entry{Text::do_device_off, "Tidak perlu apa-apa; perangkat sudah menyala.",
          "Nothing to do; the device is on again."},
    Entry{Text::do_power, "Tunggu listrik menyala; periksa sekring.",
          "Wait for the power; check the fuse."},
    Entry{Text::do_crash, "Bila terulang, laporkan ke Diskominfo.",
          "If it happens again, tell the province."},
    Entry{Text::do_off, "Tidak perlu apa-apa; perangkat sudah menyala.",
          "Nothing to do; the device is on again."},
    Entry{Text::do_reboot, "Tidak perlu apa-apa; perangkat sudah menyala.",
          "Nothing to do; the device is on again."},
    Entry{Text::do_daemon, "Tidak perlu apa-apa; pengukuran berjalan lagi.",
          "Nothing to do; metering runs again."},
    Entry{Text::do_carrier, "Periksa kabel ke modem dan listrik modem.",
          "Check the modem's cable and power."},
    Entry{Text::do_modem, "Matikan modem 10 detik, tunggu 5 menit.",
          "Switch the modem off 10 s, wait 5 min."},
    Entry{Text::do_blocked, "Tanyakan tagihan dan kuota ke Diskominfo.",
          "Ask the province about bill and quota."},
    Entry{Text::do_isp, "Laporkan ke penyedia.", "Tell the provider."},
    Entry{Text::do_international, "Laporkan ke penyedia.", "Tell the provider."},
    Entry{Text::do_dns, "Laporkan ke penyedia.", "Tell the provider."},
    Entry{Text::do_province, "Tidak perlu apa-apa; data dikirim nanti.",
          "Nothing to do; data is sent later."},
    Entry{Text::do_undetermined, "Tunggu satu menit, lalu lihat lagi.",
          "Wait a minute and look again."},
    Entry{Text::do_hotspot, "Periksa titik akses dan kabelnya.",
          "Check the access point and its cable."},
    Entry{Text::do_service, "Laporkan ke Diskominfo.", "Tell the province."},
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
    Entry{Text::short_hotspot, "WiFi/LAN desa", "village LAN"},
    Entry{Text::short_service, "layanan", "service"},

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
    Entry{Text::do_storage_full,
          "Yang dilakukan: kartu atau disk penuh oleh berkas lain; hapus berkas yang tidak perlu. "
          "Jangan cabut kartu, jangan matikan listrik.",
          "What to do: other files have filled the card or disk; delete what is not needed. Do not "
          "pull the card, do not cut the power."},
    Entry{
        Text::do_storage_read_only,
        "Yang dilakukan: kartu atau disk hanya bisa dibaca, biasanya karena rusak. Siapkan kartu "
        "pengganti; jangan matikan listrik sebelum itu.",
        "What to do: the card or disk takes no writes, mostly because it is damaged. Have another "
        "card ready; do not cut the power before."},
    Entry{Text::do_storage_broken,
          "Yang dilakukan: periksa apakah kartu atau disk terpasang benar dan folder datanya ada. "
          "Dicoba lagi sendiri tiap 30 detik; tidak perlu mulai ulang.",
          "What to do: see that the card or disk sits well and its folder is there. It is tried "
          "again "
          "every 30 seconds by itself; no restart is needed."},
    Entry{Text::do_storage_hanging,
          "Yang dilakukan: kartu atau disk tidak menjawab; bila menetap, ganti kartunya.",
          "What to do: the card or disk does not answer; if that stays, replace the card."},
    Entry{Text::storage_is_ram,
          "FOLDER DATA ADA DI MEMORI (RAM): catatan hilang bila listrik padam.",
          "THE DATA FOLDER LIES IN MEMORY (RAM): a power cut takes every record."},
    Entry{Text::writes_too_much,
          "Hari ini {} ditulis ke kartu, lebih dari batas {} sehari: kartu lebih cepat aus. Lihat: "
          "gerbang journal.",
          "{} were written to flash today, over the budget of {} a day: the card wears sooner. "
          "See: gerbang journal."},
    Entry{Text::config_quota_room,
          "Catatan: journal.quota {}, tetapi hanya {} yang tersedia di {}. Kecilkan, atau "
          "kosongkan disk.",
          "Note: journal.quota is {}, but only {} are available in {}. Lower it, or make room."},
    Entry{Text::ring_gave_up, "Memori penuh: {} pembacaan terlama sudah tidak tertampung.",
          "Memory is full: the {} oldest readings could not be kept."},
    Entry{Text::clock_synchronised, "Jam: tersinkron.", "Clock: synchronised."},
    Entry{Text::clock_province, "Jam: menurut server provinsi.",
          "Clock: by the province's server."},
    Entry{Text::clock_operator,
          "Jam: menurut petugas (gerbang clock set, atau clock.trust_system).",
          "Clock: by an operator's word (gerbang clock set, or clock.trust_system)."},
    Entry{Text::clock_unset, "Jam: belum disetel; tanggal menyusul bila jam sudah benar.",
          "Clock: not set yet; dates follow once it is right."},
    Entry{Text::usage_not_in_path,
          "Angka pemakaian bukan pemakaian desa: lalu lintas warga tidak lewat perangkat ini.",
          "These figures are not the village's usage: its traffic does not pass this device."},
    Entry{Text::usage_suspect, "Angka pemakaian mungkin terlalu kecil: {}.",
          "Usage may be counted too low: {}."},

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
    Entry{Text::sync_through, "Sampai rekaman {} semuanya ada di server.",
          "Everything up to record {} is there."},
    Entry{Text::sync_pending, "Yang belum terkirim: kira-kira {}.", "Still to send: about {}."},
    Entry{Text::sync_oldest, "Yang tertua berumur {}.", "The oldest of it is {} old."},
    Entry{Text::sync_rate, "Kecepatan saat mengirim: {} per detik.",
          "Rate while sending: {} a second."},
    Entry{Text::sync_note, "Catatan: {}.", "Note: {}."},
    Entry{Text::sync_parked_one, "Rekaman {} sampai {}: {}.", "Records {} to {}: {}."},
    Entry{Text::sync_parked_none, "Tidak ada rekaman yang ditolak server.",
          "No records were refused by the server."},
    Entry{Text::sync_parked_hint, "Dicoba lagi dengan: gerbang sync now",
          "To try them again: gerbang sync now"},

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
    Entry{Text::outage_link, "sambungan: {}", "link: {}"},
    Entry{Text::outage_evidence, "bukti: {}", "evidence: {}"},
    Entry{Text::outages_more, "{} gangguan lebih lama tidak ditampilkan (--limit N, --json).",
          "{} older outages are not shown (--limit N, --json)."},
    Entry{Text::outages_none_then, "Tidak ada gangguan pada waktu itu.", "No outage in that time."},

    Entry{Text::sla_title, "Ketersediaan {}, waktu {}, titik {}", "Availability {}, {}, point {}"},
    Entry{Text::sla_clauses, "Menurut aturan \"{}\".", "By the clauses \"{}\"."},
    Entry{Text::sla_example,
          "CONTOH SAJA: aturan ini bukan kontrak Anda. Pakai aturan provinsi: --clauses BERKAS.",
          "EXAMPLE ONLY: these clauses are not your contract. Use the province's: --clauses FILE."},
    Entry{Text::sla_not_over, "Masa ini belum lewat: sisanya masih terhitung tidak diukur.",
          "This period is not over: the rest of it still counts as not measured."},
    Entry{Text::sla_raw, "Tersedia menurut ukuran", "Availability, measured"},
    Entry{Text::sla_by_clauses, "Tersedia menurut aturan", "Availability, by clauses"},
    Entry{Text::sla_coverage, "Bagian waktu yang terukur", "Share of time measured"},
    Entry{Text::sla_unmeasured, "tidak diukur", "not measured"},
    Entry{Text::sla_kept, "Janji kontrak ditepati.", "The contract's promise was kept."},
    Entry{Text::sla_broken, "Janji kontrak TIDAK ditepati.",
          "The contract's promise was NOT kept."},
    Entry{Text::sla_no_verdict,
          "Tanpa putusan: tidak ada janji dalam aturan, atau terlalu sedikit yang terukur.",
          "No verdict: the clauses promise nothing, or too little was measured."},
    Entry{Text::sla_lost, "Waktu tanpa internet, jam:menit",
          "Time without internet, hours:minutes"},
    Entry{Text::sla_nothing_lost, "Tidak ada waktu tanpa internet.", "No time without internet."},
    Entry{Text::sla_counted, "Gangguan yang dihitung: {}, lama {}",
          "Outages that count: {}, lasting {}"},
    Entry{Text::sla_disputed, "Dapat diperdebatkan: {}, lama {}", "Disputed: {}, lasting {}"},
    Entry{Text::sla_nothing_measured, "tidak ada ukuran", "nothing measured"},
    Entry{Text::days_units, "Lama dalam jam:menit.", "Times in hours:minutes."},
    Entry{Text::days_up, "Tersambung", "Up"},
    Entry{Text::days_down, "Putus", "Down"},
    Entry{Text::days_unmeasured, "Tak diukur", "Unmeasured"},
    Entry{Text::days_available, "Tersedia", "Available"},
    Entry{Text::sla_period_wanted, "Sebutkan bulannya (--month 2026-10), atau --from dan --to.",
          "Name the month (--month 2026-10), or --from and --to."},
    Entry{Text::days_without_clauses,
          "Hari demi hari hanya ada menurut ukuran: pakai --by day tanpa --clauses.",
          "Day by day there is only what was measured: use --by day without --clauses."},
    Entry{Text::party_provider, "penyedia", "provider"},
    Entry{Text::party_utility, "listrik", "utility"},
    Entry{Text::party_village, "desa", "village"},
    Entry{Text::party_province, "provinsi", "province"},
    Entry{Text::party_nobody, "bukan siapa-siapa", "nobody"},
    Entry{Text::party_undecided, "belum pasti", "undecided"},

    Entry{Text::note_taken,
          "Dicatat. Catatan ini keterangan Anda, bukan bukti; provinsi yang menilainya.",
          "Noted. This is your claim, not evidence; the province judges it."},
    Entry{Text::clock_taken, "Jam gerbang sekarang {} {}, menurut Anda. Jam sistem tidak diubah.",
          "gerbang's clock is now {} {}, by your word. The system's clock is not changed."},
    Entry{Text::request_refused, "Tidak diterima: {}.", "Not accepted: {}."},
    Entry{Text::bad_time, "Bukan waktu: {}. Tulis misalnya 2026-11-21 atau \"2026-11-21 14:05\".",
          "Not a time: {}. Write such as 2026-11-21 or \"2026-11-21 14:05\"."},
    Entry{Text::bad_clock_time,
          "Bukan tanggal dengan jam: {}. Tulis misalnya \"2026-11-21 14:05\".",
          "Not a date with a time: {}. Write such as \"2026-11-21 14:05\"."},
    Entry{Text::bad_month, "Bukan bulan: {}. Tulis misalnya 2026-10.",
          "Not a month: {}. Write such as 2026-10."},

    Entry{Text::journal_title, "Catatan: {} dari paling banyak {}", "Journal: {} of at most {}"},
    Entry{Text::journal_parts, "basis data {} ({} kosong), WAL {}, cadangan {}, cermin {}",
          "database {} ({} free), WAL {}, ballast {}, mirror {}"},
    Entry{Text::journal_set_aside, "berkas rusak yang disisihkan {}", "damaged file kept aside {}"},
    Entry{Text::journal_protected, "Gangguan dan jumlah harian: {} dari paling banyak {}.",
          "Outages and totals: {} of at most {}."},
    Entry{Text::journal_written, "Ditulis ke kartu hari ini: {}.", "Written to flash today: {}."},
    Entry{Text::journal_budget, "Ditulis ke kartu hari ini: {} dari jatah {} sehari ({} %).",
          "Written to flash today: {} of the day's budget of {} ({} %)."},
    Entry{Text::journal_in_budget, "Masih dalam jatah: kartu aus sewajarnya.",
          "Within the budget: the card wears as planned."},
    Entry{Text::journal_over_budget,
          "Jatah terlampaui: kartu lebih cepat aus. Naikkan metering.commit atau pakai "
          "journal.stretch_commits; listrik padam lalu menghilangkan lebih banyak.",
          "Over the budget: the card wears sooner. Raise metering.commit or use "
          "journal.stretch_commits; a power cut then costs more."},
    Entry{Text::journal_device,
          "Kartu atau disk {}: {} ditulis selama {} perangkat menyala, termasuk oleh program lain "
          "dan sistem berkas.",
          "Card or disk {}: {} written in the {} since the box started, by other programs and the "
          "file system as well."},
    Entry{Text::journal_device_unnamed,
          "Yang sampai ke kartu sendiri tidak dapat dihitung: folder data tidak langsung di atas "
          "sebuah kartu atau disk (RAM, overlay, btrfs).",
          "What reaches the card itself cannot be counted: the data folder does not lie directly "
          "on a card or disk (RAM, overlay, btrfs)."},
    Entry{Text::journal_loss_window, "Listrik padam sekarang menghilangkan paling banyak {}.",
          "A power cut now costs at most {}."},
    Entry{Text::journal_loss_stretched,
          "Listrik padam sekarang menghilangkan paling banyak {}, biasanya {}: hari ini lebih "
          "jarang disimpan agar kartu awet, atau ada yang belum dapat disimpan.",
          "A power cut now costs at most {}, usually {}: commits are further apart today to spare "
          "the card, or something cannot be committed yet."},
    Entry{Text::journal_written_on, "Hari sebelumnya: {}.", "Days before: {}."},
    Entry{Text::journal_oldest, "Data tertua: {}.", "Oldest data: {}."},
    Entry{Text::journal_days_left, "Cukup untuk {} hari lagi sebelum data lama diringkas.",
          "Enough for {} more days before old data is reduced."},
    Entry{Text::journal_days_unknown, "Cukup untuk berapa hari: belum diketahui.",
          "For how many days it is enough is not known yet."},
    Entry{Text::journal_last, "catatan", "records"},
    Entry{Text::journal_as_taken, "rinci", "as taken"},
    Entry{Text::journal_per_minute, "/menit", "/min"},
    Entry{Text::journal_per_five, "/5 menit", "/5 min"},
    Entry{Text::journal_per_hour, "/jam", "/h"},
    Entry{Text::journal_given_up, "dilepas", "given up"},
    Entry{Text::journal_epochs_more, "dan {} epoch yang lebih lama", "and {} older epochs"},
    Entry{Text::journal_owed, "Belum diterima {}: {} catatan.",
          "Not received by {} yet: {} records."},
    Entry{Text::journal_held, "{} sudah menerima semuanya.", "{} has received everything."},
    Entry{Text::journal_silent, "{} diam selama {} hari; datanya tidak lagi ditahan untuknya.",
          "{} was silent for {} days; nothing is held back for it any longer."},
    Entry{Text::journal_lost, "Hilang: {} catatan ({}).", "Lost: {} records ({})."},
    Entry{Text::journal_nothing_lost, "Tidak ada yang hilang.", "Nothing is lost."},
    Entry{Text::journal_damaged, "Berkas catatan rusak, diganti baru pada {}: {}.",
          "The journal's file was damaged and replaced on {}: {}."},
    Entry{Text::journal_damaged_once, "Berkas catatan pernah rusak dan diganti baru: {}.",
          "The journal's file was damaged once and replaced: {}."},
    Entry{Text::journal_salvaging,
          "Isi berkas lama sedang diselamatkan: {} dari {} blok, {} catatan sejauh ini.",
          "What the old file held is being salvaged: {} of {} blocks, {} records so far."},
    Entry{Text::journal_salvaged, "Diselamatkan dari berkas lama: {} catatan.",
          "Salvaged from the old file: {} records."},
    Entry{Text::journal_checked, "Pemeriksaan berkas berjalan: {} %.",
          "The check of the file is under way: {} %."},
    Entry{Text::journal_checked_whole, "Berkas diperiksa utuh {} kali; putaran ini {} %.",
          "The whole file was checked {} times; this round {} %."},
    Entry{Text::journal_unreadable, "Catatan tidak dapat dibuka: {}.",
          "The journal cannot be opened: {}."},
    Entry{Text::verify_good, "Rantai utuh: {} catatan dihitung ulang.",
          "The chain is whole: {} records recomputed."},
    Entry{Text::verify_reduced, "{} catatan sudah diringkas; rantainya tidak dapat dihitung ulang.",
          "{} records were reduced; their chain cannot be recomputed."},
    Entry{Text::verify_absent, "{} catatan dari epoch lama tidak ada di sini.",
          "{} records of closed epochs are not here."},
    Entry{Text::verify_empty, "Belum ada catatan di sini.", "There are no records here yet."},
    Entry{Text::verify_salvaging,
          "Berkas catatan rusak dan disisihkan. Isinya diselamatkan selama gerbang berjalan: sudo "
          "systemctl start gerbang, lalu ulangi nanti.",
          "The journal's file was damaged and set aside. What it held is salvaged while gerbang "
          "runs: sudo systemctl start gerbang, then repeat later."},
    Entry{Text::verify_broken, "Rantai PUTUS di epoch {} sebelum catatan {}.",
          "The chain is BROKEN in epoch {} before record {}."},
    Entry{Text::export_done, "Selesai: {} nilai dan {} kejadian.",
          "Done: {} readings and {} events."},
    Entry{Text::export_undated, "{} di antaranya tanpa tanggal: jam waktu itu belum disetel.",
          "{} of them without a date: the clock was not set then."},
    Entry{Text::export_absent,
          "{} catatan dari epoch lama hilang dan tidak ikut; kejadian jenis loss menerangkannya.",
          "{} records of closed epochs are lost and left out; events of kind loss tell why."},
    Entry{Text::export_failed, "Tidak selesai: {}.", "Not finished: {}."},
    Entry{Text::export_needs_file, "Format sqlite perlu --output BERKAS.",
          "Format sqlite needs --output FILE."},

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
    Entry{Text::option_not_among, "Tidak diterima: {}. Yang boleh: {}.",
          "Not accepted: {}. It may be: {}."},
    Entry{Text::option_wants_value, "{} harus diikuti nilainya.", "{} needs a value behind it."},
    Entry{Text::command_wants, "{} harus diikuti: {}.", "{} must be followed by: {}."},
    Entry{Text::see_help, "Lihat:", "See:"},
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
    if (std::size(kCatalogue) != static_cast<std::size_t>(Text::count_)) return false;
    for (std::size_t i = 0; i < std::size(kCatalogue); ++i) {
        if (static_cast<std::size_t>(kCatalogue[i].id) != i) return false;
    }
    return true;
}
static_assert(is_in_order(), "the catalogue has every text once, in the order of the enumeration");

/// The text of `cause` in the block of causes that begins at `first`.
Text at_cause(Text first, Cause cause) {
    const auto index = static_cast<std::uint16_t>(cause);
    const bool is_known = index < kCauseCount;
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

Text cause_text(Cause cause) {
    return at_cause(Text::cause_unknown, cause);
}
Text remedy_text(Cause cause) {
    return at_cause(Text::do_unknown, cause);
}
Text short_cause_text(Cause cause) {
    return at_cause(Text::short_unknown, cause);
}
Text rung_text(Rung rung) {
    return static_cast<Text>(static_cast<std::uint16_t>(Text::rung_power) +
                             static_cast<std::uint16_t>(rung));
}
Text confidence_text(Confidence confidence) {
    return static_cast<Text>(static_cast<std::uint16_t>(Text::confidence_none) +
                             static_cast<std::uint16_t>(confidence));
}

std::optional<Text> silence_text(std::string_view silence) {
    for (auto at = Silence::timeout; at <= Silence::local;
         at = static_cast<Silence>(static_cast<int>(at) + 1)) {
        if (silence != to_string(at)) continue;
        return static_cast<Text>(static_cast<std::uint16_t>(Text::silence_timeout) +
                                 static_cast<std::uint16_t>(at) - 1);
    }
    return std::nullopt;
}

}  // namespace gerbang::web
