#include "daemon/config/schema.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "common/core/check.hpp"
#include "daemon/config/schema_parts.hpp"

namespace gerbang::config {
namespace {

using Shape = KeySpec::Shape;

NextHop next_hop_of(const std::string& text) {
    if (text == "modem") return NextHop::modem;
    if (text == "provider") return NextHop::provider;
    return text == "none" ? NextHop::none : NextHop::automatic;
}

const std::array kOwnKeys{
    KeySpec{.path = "site.id",
            .form = Form::site_id,
            .default_text = "unassigned",
            .set = [](Config& c, const Value& v) { c.site.id = v.text; },
            .indonesian = "Identitas titik ini, diberikan oleh provinsi. Selama masih "
                          "\"unassigned\", pemakaian tetap diukur tetapi tidak dikirim.",
            .english = "Identity of this point, given by the province. While it is "
                       "\"unassigned\", usage is metered but not sent."},
    KeySpec{.path = "site.code",
            .form = Form::site_code,
            .set = [](Config& c, const Value& v) { c.site.code = v.text; },
            .indonesian = "Kode wilayah desa dari Kemendagri.",
            .english = "The village's code of the Ministry of Home Affairs."},
    KeySpec{.path = "site.name",
            .bounds = kShortText,
            .set = [](Config& c, const Value& v) { c.site.name = v.text; },
            .indonesian = "Nama tempat, misalnya desa dan gedungnya.",
            .english = "Name of the place, such as village and building."},
    KeySpec{.path = "site.utc_offset",
            .form = Form::offset,
            .bounds = {-12 * 3600, 14 * 3600, ""},
            .default_text = "+08:00",
            .set = [](Config& c, const Value& v) { c.site.utc_offset = Seconds{v.number}; },
            .indonesian = "Waktu setempat: WIB, WITA, WIT, atau selisih dari UTC. Menentukan "
                          "batas hari dan bulan.",
            .english = "Local time: WIB, WITA, WIT, or the offset from UTC. Decides where days "
                       "and months begin."},
    KeySpec{.path = "lang",
            .form = Form::one_of,
            .bounds = {0, 0, "id|en"},
            .default_text = "id",
            .set =
                [](Config& c, const Value& v) {
                    c.lang = v.text == "en" ? Language::english : Language::indonesian;
                },
            .indonesian = "Bahasa kalimat untuk manusia: id atau en.",
            .english = "Language of sentences for people: id or en."},
    KeySpec{.path = "interfaces.wan",
            .form = Form::interface,
            .default_text = "auto",
            .set = [](Config& c, const Value& v) { c.interfaces.wan = v.text; },
            .indonesian = "Antarmuka ke penyedia internet; auto: menurut rute bawaan.",
            .english = "The interface towards the provider; auto: that of the default route."},
    KeySpec{.path = "interfaces.lan",
            .shape = Shape::list,
            .form = Form::interface,
            .set = [](Config& c, const Value& v) { c.interfaces.lan.push_back(v.text); },
            .clear = [](Config& c) { c.interfaces.lan.clear(); },
            .indonesian = "Antarmuka kabel ke dalam desa; kosong: dikenali sendiri.",
            .english = "Wired interfaces towards the village; empty: found by kind."},
    KeySpec{.path = "interfaces.wifi",
            .shape = Shape::list,
            .form = Form::interface,
            .set = [](Config& c, const Value& v) { c.interfaces.wifi.push_back(v.text); },
            .clear = [](Config& c) { c.interfaces.wifi.clear(); },
            .indonesian = "Antarmuka WiFi; kosong: dikenali sendiri.",
            .english = "WiFi interfaces; empty: found by kind."},
    KeySpec{.path = "interfaces.ignore",
            .shape = Shape::list,
            .form = Form::interface,
            .set = [](Config& c, const Value& v) { c.interfaces.ignore.push_back(v.text); },
            .clear = [](Config& c) { c.interfaces.ignore.clear(); },
            .indonesian = "Antarmuka yang tidak pernah diukur.",
            .english = "Interfaces that are never metered."},
    KeySpec{.path = "wan.next_hop",
            .form = Form::one_of,
            .bounds = {0, 0, "auto|modem|provider|none"},
            .default_text = "auto",
            .set = [](Config& c, const Value& v) { c.wan.next_hop = next_hop_of(v.text); },
            .indonesian = "Yang ada di ujung lain kabel internet: modem di gedung ini (modem), "
                          "perangkat penyedia (provider), atau tidak ada yang dapat ditanya "
                          "(none). auto: modem di kabel, penyedia di PPP dan LTE.",
            .english = "What stands at the other end of the WAN: a modem in this building, the "
                       "provider's own equipment, or nothing that can be asked (none). auto: a "
                       "modem on a cable, the provider on PPP and LTE."},
    KeySpec{.path = "wan.modem_address",
            .form = Form::address,
            .set = [](Config& c, const Value& v) { c.wan.modem_address = v.text; },
            .indonesian = "Alamat IP modem, misalnya 192.168.1.1 atau fe80::1%eth0; kosong: "
                          "gerbang dari rute bawaan.",
            .english = "The modem's IP address, such as 192.168.1.1 or fe80::1%eth0; empty: the "
                       "default route's gateway."},
    KeySpec{.path = "metering.tick",
            .form = Form::duration,
            .bounds = {kSecond, 5 * kMinute, ""},
            .default_text = "10s",
            .set = [](Config& c, const Value& v) { c.metering.tick = ms(v); },
            .indonesian = "Jarak antara dua pembacaan.",
            .english = "Time between two readings."},
    KeySpec{.path = "metering.commit",
            .form = Form::duration,
            .bounds = {10 * kSecond, 15 * kMinute, ""},
            .default_text = "60s",
            .set = [](Config& c, const Value& v) { c.metering.commit = ms(v); },
            .indonesian = "Jarak antara dua penyimpanan ke flash; kelipatan dari tick. Paling "
                          "banyak sekian yang hilang bila listrik padam.",
            .english = "Time between two writes to flash; a multiple of tick. What a power cut "
                       "can cost at most."},
    KeySpec{.path = "journal.quota",
            .form = Form::size,
            .bounds = {6 << 20, std::int64_t{1} << 40, ""},
            .set = [](Config& c, const Value& v) { c.journal.quota = size(v); },
            .indonesian = "Tempat di disk untuk catatan, semuanya; bila hampir penuh, data lama "
                          "diringkas. Kosong: 64 MiB, atau seperempat ruang kosong bila itu "
                          "lebih kecil.",
            .english = "Room on disk for the journal, all of it; old data is reduced before it is "
                       "full. Empty: 64 MiB, or a quarter of the free space where that is less."},
    KeySpec{.path = "journal.daily_writes",
            .form = Form::size,
            .bounds = {1 << 20, std::int64_t{1} << 40, ""},
            .default_text = "32 MiB",
            .set = [](Config& c, const Value& v) { c.journal.daily_writes = size(v); },
            .indonesian = "Diperingatkan bila yang ditulis ke kartu dalam sehari melebihi ini. "
                          "Biasanya 10 MB; dengan sistem berkas kartu menerima kira-kira empat "
                          "kali lipatnya.",
            .english = "A day on which more is written to flash is warned of. Usual are 10 MB; "
                       "with the file system's own writes the card takes about four times that."},
    KeySpec{.path = "journal.stretch_commits",
            .form = Form::flag,
            .default_text = "false",
            .set = [](Config& c, const Value& v) { c.journal.stretch_commits = v.number != 0; },
            .indonesian = "Bila yang ditulis hari ini mendahului jatah daily_writes, simpan lebih "
                          "jarang: bertahap sampai 10 kali commit, paling lama 5 menit. Tidak "
                          "pernah selama ada gangguan atau listrik padam. Listrik padam lalu "
                          "menghilangkan lebih banyak; gerbang status menyebut berapa.",
            .english = "When a day's writes run ahead of daily_writes, commit less often: step by "
                       "step up to 10 times commit, 5 minutes at most. Never while anything is "
                       "down or the mains are off. A power cut then costs more; gerbang status "
                       "says how much."},
    KeySpec{.path = "probe.enabled",
            .form = Form::flag,
            .default_text = "true",
            .set = [](Config& c, const Value& v) { c.probe.enabled = v.number != 0; },
            .indonesian = "Uji apakah internet tersambung.",
            .english = "Probe whether the internet is reachable."},
    KeySpec{.path = "probe.interval",
            .form = Form::duration,
            .bounds = {kSecond, 10 * kMinute, ""},
            .default_text = "10s",
            .set = [](Config& c, const Value& v) { c.probe.interval = ms(v); },
            .indonesian = "Jarak antara dua pengujian selama semuanya baik.",
            .english = "Time between two rounds while all is well."},
    KeySpec{.path = "probe.doubt_interval",
            .form = Form::duration,
            .bounds = {kSecond, kMinute, ""},
            .default_text = "3s",
            .set = [](Config& c, const Value& v) { c.probe.doubt_interval = ms(v); },
            .indonesian = "Jarak antara dua pengujian setelah satu gagal.",
            .english = "Time between two rounds after one has failed."},
    KeySpec{.path = "probe.timeout",
            .form = Form::duration,
            .bounds = {100, 30 * kSecond, ""},
            .default_text = "2500ms",
            .set = [](Config& c, const Value& v) { c.probe.timeout = ms(v); },
            .indonesian = "Paling lama menunggu jawaban; satelit perlu sekitar 1s.",
            .english = "Longest wait for an answer; satellites need about 1s."},
    KeySpec{.path = "probe.failures",
            .form = Form::whole,
            .bounds = {1, 10, ""},
            .default_text = "3",
            .set = [](Config& c,
                      const Value& v) { c.probe.failures = static_cast<unsigned>(v.number); },
            .indonesian = "Berapa kali gagal berturut-turut sebelum dinyatakan putus.",
            .english = "Failures in a row before the link is declared down."},
    KeySpec{.path = "probe.targets",
            .shape = Shape::items,
            .most_entries = 16,
            .default_text = "nasional 180.131.144.144:53, internasional 1.1.1.1:443, "
                            "internasional-6 [2606:4700:4700::1111]:443",
            .clear = [](Config& c) { c.probe.targets.clear(); },
            .add =
                [](Config& c) {
                    c.probe.targets.emplace_back();
                    apply_entry_defaults(c, "probe.targets[].");
                },
            .indonesian = "Tujuan uji. Putus berarti semuanya diam; pilih yang saling bebas, "
                          "di dalam dan di luar negeri; bila ada IPv4 dan IPv6, keduanya di "
                          "kedua kelompok.",
            .english = "What is probed. Down means that all are silent; choose independent ones, "
                       "domestic and abroad; where there is IPv4 and IPv6, both in both groups."},
    KeySpec{.path = "probe.targets[].name",
            .form = Form::site_id,
            .bounds = {1, 32, ""},
            .is_required = true,
            .set = [](Config& c, const Value& v) { c.probe.targets.back().name = v.text; },
            .indonesian = "Nama pendek tujuan.",
            .english = "Short name of the target."},
    KeySpec{.path = "probe.targets[].address",
            .form = Form::address,
            .is_required = true,
            .set = [](Config& c, const Value& v) { c.probe.targets.back().address = v.text; },
            .indonesian = "Alamat IP angka, supaya tidak bergantung pada DNS.",
            .english = "Numeric IP address, so that it does not depend on DNS."},
    KeySpec{.path = "probe.targets[].tcp_port",
            .form = Form::whole,
            .bounds = {1, 65535, ""},
            .default_text = "443",
            .set =
                [](Config& c, const Value& v) {
                    c.probe.targets.back().tcp_port = static_cast<std::uint16_t>(v.number);
                },
            .indonesian = "Port TCP yang diuji bila ping tidak diizinkan.",
            .english = "TCP port that is tried where ping is not permitted."},
    KeySpec{
        .path = "probe.targets[].group",
        .form = Form::one_of,
        .bounds = {0, 0, "domestic|international"},
        .default_text = "domestic",
        .set = [](Config& c,
                  const Value& v) { c.probe.targets.back().is_domestic = v.text == "domestic"; },
        .indonesian = "Letak tujuan: dalam negeri (domestic) atau luar negeri "
                      "(international). Bila hanya yang di luar negeri diam, sebabnya lain.",
        .english = "Where the target is. When only those abroad are silent, the cause is "
                   "another."},
    KeySpec{.path = "probe.resolvers",
            .shape = Shape::list,
            .form = Form::address,
            .most_entries = 4,
            .set = [](Config& c, const Value& v) { c.probe.resolvers.push_back(v.text); },
            .clear = [](Config& c) { c.probe.resolvers.clear(); },
            .indonesian = "Server DNS yang diuji; kosong: yang dipakai perangkat ini "
                          "(/etc/resolv.conf).",
            .english = "DNS resolvers that are probed; empty: those that this device uses "
                       "(/etc/resolv.conf)."},
    KeySpec{.path = "probe.dns_name",
            .form = Form::domain,
            .default_text = "one.one.one.one",
            .set = [](Config& c, const Value& v) { c.probe.dns_name = v.text; },
            .indonesian = "Nama yang ditanyakan ke server DNS.",
            .english = "The name that resolvers are asked for."},
    KeySpec{.path = "probe.dns_expect",
            .shape = Shape::list,
            .form = Form::address,
            .most_entries = 8,
            .default_text = "1.1.1.1, 1.0.0.1",
            .set = [](Config& c, const Value& v) { c.probe.dns_expect.push_back(v.text); },
            .clear = [](Config& c) { c.probe.dns_expect.clear(); },
            .indonesian = "Alamat yang benar untuk nama itu, satu cukup; jawaban lain berarti "
                          "DNS dibelokkan. Bila semuanya IPv6, yang ditanyakan catatan AAAA. "
                          "dns_name sendiri tanpa kunci ini: semua jawaban "
                          "diterima.",
            .english = "Right addresses of that name, one is enough; any other answer means that "
                       "DNS is diverted. Where all are IPv6, AAAA records are asked for. With a "
                       "dns_name of your own and without this key every "
                       "answer is right."},
    KeySpec{.path = "probe.web_url",
            .form = Form::page,
            .bounds = {0, 512, ""},
            .default_text = "http://connectivitycheck.gstatic.com/generate_204",
            .set = [](Config& c, const Value& v) { c.probe.web_url = v.text; },
            .indonesian = "Halaman http yang diuji: bila penyedia memblokir (tagihan, kuota), "
                          "halamannya sendiri yang menjawab. \"\": tidak diuji.",
            .english = "An http page that is asked for: when the provider blocks the account "
                       "(bill, quota), its own page answers. \"\": not asked."},
    KeySpec{.path = "probe.web_status",
            .form = Form::whole,
            .bounds = {100, 599, ""},
            .default_text = "204",
            .set = [](Config& c,
                      const Value& v) { c.probe.web_status = static_cast<unsigned>(v.number); },
            .indonesian = "Kode jawaban HTTP dari halaman itu.",
            .english = "The HTTP status that this page answers with."},
    KeySpec{.path = "probe.web_interval",
            .form = Form::duration,
            .bounds = {10 * kSecond, kHour, ""},
            .default_text = "60s",
            .set = [](Config& c, const Value& v) { c.probe.web_interval = ms(v); },
            .indonesian = "Jarak antara dua permintaan halaman itu.",
            .english = "Time between two requests for that page."},
    KeySpec{.path = "hotspot.address",
            .form = Form::address,
            .set = [](Config& c, const Value& v) { c.hotspot.address = v.text; },
            .indonesian = "Alamat IP titik akses WiFi; kosong: hanya kabel LAN yang dilihat.",
            .english = "IP address of the access point; empty: the LAN's cable alone tells."},
    KeySpec{.path = "services",
            .shape = Shape::items,
            .most_entries = 8,
            .clear = [](Config& c) { c.services.clear(); },
            .add = [](Config& c) { c.services.emplace_back(); },
            .indonesian = "Layanan provinsi yang ikut dipantau; tidak pernah dibebankan ke "
                          "penyedia internet.",
            .english = "Services of the province that are watched too; never charged to the "
                       "internet provider."},
    KeySpec{.path = "services[].name",
            .form = Form::site_id,
            .bounds = {1, 32, ""},
            .is_required = true,
            .set = [](Config& c, const Value& v) { c.services.back().name = v.text; },
            .indonesian = "Nama pendek layanan; jangan diganti kemudian.",
            .english = "Short name of the service; do not change it later."},
    KeySpec{.path = "services[].url",
            .form = Form::page,
            .bounds = {1, 512, ""},
            .is_required = true,
            .set = [](Config& c, const Value& v) { c.services.back().url = v.text; },
            .indonesian = "Halaman layanan itu; jawaban apa pun di bawah 500 berarti hidup.",
            .english = "A page of that service; any answer below 500 means that it works."},
    KeySpec{.path = "power.mains",
            .form = Form::supply,
            .default_text = "auto",
            .set = [](Config& c, const Value& v) { c.power.mains = v.text; },
            .indonesian = "Masukan listrik yang memberi tahu ada tidaknya PLN; auto: semua "
                          "masukan jenis mains dan UPS; none: tidak dilihat.",
            .english = "The input that tells whether there is mains power; auto: all of kind "
                       "mains and UPS; none: not looked at."},
    KeySpec{.path = "provider.name",
            .bounds = kShortText,
            .set = [](Config& c, const Value& v) { c.provider.name = v.text; },
            .indonesian = "Nama penyedia internet.",
            .english = "Name of the internet provider."},
    KeySpec{.path = "provider.product",
            .bounds = kShortText,
            .set = [](Config& c, const Value& v) { c.provider.product = v.text; },
            .indonesian = "Nama paket.",
            .english = "Name of the product."},
    KeySpec{.path = "provider.medium",
            .form = Form::one_of,
            .bounds = {0, 0, "fibre|copper|lte|radio|satellite|other"},
            .set = [](Config& c, const Value& v) { c.provider.medium = v.text; },
            .indonesian = "Jenis sambungan.",
            .english = "Kind of connection."},
    KeySpec{.path = "provider.customer_number",
            .bounds = kShortText,
            .set = [](Config& c, const Value& v) { c.provider.customer_number = v.text; },
            .indonesian = "Nomor pelanggan; ditanyakan saat melapor gangguan.",
            .english = "Customer number; asked for when a fault is reported."},
    KeySpec{.path = "provider.helpdesk",
            .bounds = kShortText,
            .set = [](Config& c, const Value& v) { c.provider.helpdesk = v.text; },
            .indonesian = "Nomor telepon atau WhatsApp layanan gangguan.",
            .english = "Telephone or WhatsApp number for faults."},
    KeySpec{.path = "provider.down",
            .form = Form::rate,
            .bounds = {0, 100'000'000'000, ""},
            .default_text = "0 bit/s",
            .set = [](Config& c, const Value& v) { c.provider.down = rate(v); },
            .indonesian = "Kecepatan unduh menurut kontrak; 0: tidak diketahui.",
            .english = "Download rate of the contract; 0: not known."},
    KeySpec{.path = "provider.up",
            .form = Form::rate,
            .bounds = {0, 100'000'000'000, ""},
            .default_text = "0 bit/s",
            .set = [](Config& c, const Value& v) { c.provider.up = rate(v); },
            .indonesian = "Kecepatan unggah menurut kontrak; 0: tidak diketahui.",
            .english = "Upload rate of the contract; 0: not known."},
};

const std::array kLastKeys{
    KeySpec{.path = "clock.trust_system",
            .form = Form::flag,
            .default_text = "false",
            .set = [](Config& c, const Value& v) { c.clock.trust_system = v.number != 0; },
            .indonesian = "Percayai jam sistem walau belum disinkronkan; hanya bila jam "
                          "perangkat keras (RTC) benar.",
            .english = "Trust the system clock though it is not synchronised; only where a "
                       "hardware clock is right."},
    KeySpec{.path = "log.level",
            .form = Form::one_of,
            .bounds = {0, 0, "error|warning|notice|info|debug"},
            .default_text = "info",
            .set = [](Config& c, const Value& v) { c.log_level = v.text; },
            .indonesian = "Banyaknya baris di log (journalctl -u gerbang).",
            .english = "How much is logged (journalctl -u gerbang)."},
};

const std::vector<KeySpec>& all_keys() {
    static const std::vector<KeySpec> all = [] {
        std::vector<KeySpec> keys{kOwnKeys.begin(), kOwnKeys.end()};
        const auto network = network_keys();
        keys.insert(keys.end(), network.begin(), network.end());
        keys.insert(keys.end(), kLastKeys.begin(), kLastKeys.end());
        return keys;
    }();
    return all;
}

/// Applies a default as if it had been written: one way in for all values.
void apply_default(Config& config, const KeySpec& key) {
    if (key.default_text.empty() || key.shape != Shape::scalar) return;
    const auto value = parse_value(key.form, key.bounds, std::string{key.default_text}, true);
    GERBANG_CHECK(std::holds_alternative<Value>(value));
    key.set(config, std::get<Value>(value));
}

}  // namespace

void apply_entry_defaults(Config& config, std::string_view section) {
    for (const auto& key : all_keys()) {
        if (key.path.substr(0, section.size()) == section) apply_default(config, key);
    }
}

std::span<const KeySpec> schema() {
    return all_keys();
}

const KeySpec* find_key(std::string_view path) {
    const auto found = std::find_if(all_keys().begin(), all_keys().end(),
                                    [&](const KeySpec& key) { return key.path == path; });
    return found == all_keys().end() ? nullptr : &*found;
}

bool is_section(std::string_view path) {
    return std::any_of(all_keys().begin(), all_keys().end(), [&](const KeySpec& key) {
        return key.path.size() > path.size() && key.path.substr(0, path.size()) == path &&
               key.path[path.size()] == '.';
    });
}

Config default_config() {
    Config config;
    for (const auto& key : all_keys()) {
        if (key.path.find("[]") == std::string_view::npos) apply_default(config, key);
    }
    // One resolver within Indonesia and one that answers everywhere, by number: the two groups
    // of the ladder. They must be independent of each other and of any provider. The last one is
    // for villages of IPv6 alone; where there is no IPv6 nothing is sent to it.
    config.probe.targets = {{"nasional", "180.131.144.144", 53, true},
                            {"internasional", "1.1.1.1", 443, false},
                            {"internasional-6", "2606:4700:4700::1111", 443, false}};
    config.probe.dns_expect = {"1.1.1.1", "1.0.0.1"};
    return config;
}

}  // namespace gerbang::config
