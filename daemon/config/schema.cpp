#include "daemon/config/schema.hpp"

#include <algorithm>
#include <array>

#include "common/core/check.hpp"

namespace gerbang::config {
namespace {

using Shape = KeySpec::Shape;

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr Bounds kShortText{0, 128, ""};

Millis ms(const Value& value) {
    return Millis{value.number};
}
BitRate rate(const Value& value) {
    return {static_cast<std::uint64_t>(value.number)};
}

/// Gives the entry added last the defaults of its section.
void apply_entry_defaults(Config& config, std::string_view section);

const std::array kSchema{
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
            .default_text = "nasional 180.131.144.144:53, internasional 1.1.1.1:443",
            .clear = [](Config& c) { c.probe.targets.clear(); },
            .add =
                [](Config& c) {
                    c.probe.targets.emplace_back();
                    apply_entry_defaults(c, "probe.targets[].");
                },
            .indonesian = "Tujuan uji. Putus berarti semuanya diam; pilih yang saling bebas, "
                          "di dalam dan di luar negeri.",
            .english = "What is probed. Down means that all are silent; choose independent ones, "
                       "domestic and abroad."},
    KeySpec{.path = "probe.targets[].name",
            .form = Form::site_id,
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
            .indonesian = "Port TCP yang diuji.",
            .english = "TCP port that is tried."},
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
    KeySpec{.path = "sync.targets",
            .shape = Shape::items,
            .clear = [](Config& c) { c.sync.targets.clear(); },
            .add =
                [](Config& c) {
                    c.sync.targets.emplace_back();
                    apply_entry_defaults(c, "sync.targets[].");
                },
            .indonesian = "Server yang menerima catatan. Kosong: hanya disimpan di sini.",
            .english = "Servers that receive the records. Empty: they are only kept here."},
    KeySpec{.path = "sync.targets[].name",
            .form = Form::site_id,
            .is_required = true,
            .set = [](Config& c, const Value& v) { c.sync.targets.back().name = v.text; },
            .indonesian = "Nama pendek server; jangan diganti kemudian.",
            .english = "Short name of the server; do not change it later."},
    KeySpec{.path = "sync.targets[].url",
            .form = Form::url,
            .is_required = true,
            .set = [](Config& c, const Value& v) { c.sync.targets.back().url = v.text; },
            .indonesian = "https://server[:port], tanpa jalur dan tanpa sandi.",
            .english = "https://server[:port], without a path and without a secret."},
    KeySpec{.path = "sync.targets[].ca_file",
            .form = Form::file,
            .set = [](Config& c, const Value& v) { c.sync.targets.back().ca_file = v.text; },
            .indonesian = "Sertifikat CA server (PEM); wajib untuk https.",
            .english = "The server's CA certificate (PEM); required for https."},
    KeySpec{.path = "sync.targets[].token_file",
            .form = Form::file,
            .set = [](Config& c, const Value& v) { c.sync.targets.back().token_file = v.text; },
            .indonesian = "Berkas berisi token perangkat ini.",
            .english = "File that holds this device's token."},
    KeySpec{.path = "sync.targets[].cert_file",
            .form = Form::file,
            .set = [](Config& c, const Value& v) { c.sync.targets.back().cert_file = v.text; },
            .indonesian = "Sertifikat perangkat ini (PEM), bersama key_file.",
            .english = "This device's certificate (PEM), together with key_file."},
    KeySpec{.path = "sync.targets[].key_file",
            .form = Form::file,
            .set = [](Config& c, const Value& v) { c.sync.targets.back().key_file = v.text; },
            .indonesian = "Kunci rahasia dari sertifikat itu.",
            .english = "The private key of that certificate."},
    KeySpec{
        .path = "sync.targets[].allow_plain",
        .form = Form::flag,
        .default_text = "false",
        .set = [](Config& c, const Value& v) { c.sync.targets.back().allow_plain = v.number != 0; },
        .indonesian = "Bolehkan http tanpa sandi; hanya untuk jaringan uji.",
        .english = "Allow unencrypted http; for test networks only."},
    KeySpec{.path = "sync.targets[].interval",
            .form = Form::duration,
            .bounds = {5 * kSecond, kDay, ""},
            .default_text = "2 min",
            .set = [](Config& c, const Value& v) { c.sync.targets.back().interval = ms(v); },
            .indonesian = "Jarak antara dua pengiriman.",
            .english = "Time between two transmissions."},
    KeySpec{.path = "sync.targets[].max_body",
            .form = Form::size,
            .bounds = {4 << 10, 256 << 10, ""},
            .default_text = "256 KiB",
            .set =
                [](Config& c, const Value& v) {
                    c.sync.targets.back().max_body = {static_cast<std::uint64_t>(v.number)};
                },
            .indonesian = "Besar satu kiriman paling banyak.",
            .english = "Size of one transmission at most."},
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

/// Applies a default as if it had been written: one way in for all values.
void apply_default(Config& config, const KeySpec& key) {
    if (key.default_text.empty() || key.shape != Shape::scalar) return;
    const auto value = parse_value(key.form, key.bounds, std::string{key.default_text}, true);
    GERBANG_CHECK(std::holds_alternative<Value>(value));
    key.set(config, std::get<Value>(value));
}

void apply_entry_defaults(Config& config, std::string_view section) {
    for (const auto& key : kSchema) {
        if (key.path.substr(0, section.size()) == section) apply_default(config, key);
    }
}

}  // namespace

std::span<const KeySpec> schema() {
    return kSchema;
}

const KeySpec* find_key(std::string_view path) {
    const auto found = std::find_if(kSchema.begin(), kSchema.end(),
                                    [&](const KeySpec& key) { return key.path == path; });
    return found == kSchema.end() ? nullptr : &*found;
}

bool is_section(std::string_view path) {
    return std::any_of(kSchema.begin(), kSchema.end(), [&](const KeySpec& key) {
        return key.path.size() > path.size() && key.path.substr(0, path.size()) == path &&
               key.path[path.size()] == '.';
    });
}

Config default_config() {
    Config config;
    for (const auto& key : kSchema) {
        if (key.path.find("[]") == std::string_view::npos) apply_default(config, key);
    }
    // One resolver within Indonesia and one that answers everywhere, by number: the two groups
    // of the ladder. They must be independent of each other and of any provider.
    config.probe.targets = {{"nasional", "180.131.144.144", 53}, {"internasional", "1.1.1.1", 443}};
    return config;
}

}  // namespace gerbang::config
