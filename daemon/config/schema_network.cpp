#include <array>

#include "daemon/config/schema_parts.hpp"

namespace gerbang::config {
namespace {

using Shape = KeySpec::Shape;

const std::array kNetworkKeys{
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
            .indonesian = "Besar satu kiriman paling banyak (batch: empat kiriman 64 KiB).",
            .english = "Size of one transmission at most (batch: four of 64 KiB)."},
    KeySpec{.path = "sync.targets[].max_rate",
            .form = Form::rate,
            .bounds = {16'000, 100'000'000'000, ""},
            .set = [](Config& c, const Value& v) { c.sync.targets.back().max_rate = rate(v); },
            .indonesian = "Kecepatan kirim paling tinggi; tanpa kunci ini tidak dibatasi.",
            .english = "Sent at most this fast; not limited without this key."},
    KeySpec{.path = "sync.targets[].protocol",
            .form = Form::one_of,
            .bounds = {0, 0, "batch|remote_write"},
            .default_text = "batch",
            .set =
                [](Config& c, const Value& v) {
                    c.sync.targets.back().is_remote_write = v.text == "remote_write";
                },
            .indonesian = "batch: gerbang-province. remote_write: Prometheus, VictoriaMetrics "
                          "dan sejenisnya.",
            .english = "batch: gerbang-province. remote_write: Prometheus, VictoriaMetrics and "
                       "the like."},
    KeySpec{.path = "sync.targets[].path",
            .bounds = {1, 256, ""},
            .default_text = "/api/v1/write",
            .set = [](Config& c, const Value& v) { c.sync.targets.back().path = v.text; },
            .indonesian = "Jalur di server itu; hanya untuk remote_write.",
            .english = "Path at that server; for remote_write only."},
    KeySpec{.path = "sync.targets[].max_age",
            .form = Form::duration,
            .bounds = {0, 400 * kDay, ""},
            .default_text = "0s",
            .set = [](Config& c, const Value& v) { c.sync.targets.back().max_age = ms(v); },
            .indonesian = "Nilai yang lebih tua tidak dikirim, karena server itu menolaknya; "
                          "0s: semua. Hanya untuk remote_write.",
            .english = "Older values are not sent, as that server refuses them; 0s: all are. For "
                       "remote_write only."},
    KeySpec{
        .path = "sync.targets[].in_order",
        .form = Form::flag,
        .default_text = "true",
        .set = [](Config& c, const Value& v) { c.sync.targets.back().in_order = v.number != 0; },
        .indonesian = "true: yang tertua dulu. false: yang baru dulu, untuk server yang menerima "
                      "nilai lama di belakangnya. Hanya untuk remote_write.",
        .english = "true: the oldest first. false: the new first, for a server that takes old "
                   "values after them. For remote_write only."},
    KeySpec{.path = "serve.interfaces",
            .shape = Shape::list,
            .form = Form::interface,
            .most_entries = 8,
            .set = [](Config& c, const Value& v) { c.serve.interfaces.push_back(v.text); },
            .clear = [](Config& c) { c.serve.interfaces.clear(); },
            .indonesian = "Antarmuka tempat catatan boleh diambil, misalnya terowongan wg0.",
            .english = "Interfaces on which records may be fetched, such as the tunnel wg0."},
    KeySpec{.path = "serve.port",
            .form = Form::whole,
            .bounds = {1, 65535, ""},
            .default_text = "8621",
            .set = [](Config& c,
                      const Value& v) { c.serve.port = static_cast<std::uint16_t>(v.number); },
            .indonesian = "Port TCP untuk itu.",
            .english = "TCP port for it."},
    KeySpec{.path = "serve.cert_file",
            .form = Form::file,
            .set = [](Config& c, const Value& v) { c.serve.cert_file = v.text; },
            .indonesian = "Sertifikat perangkat ini (PEM), bersama key_file.",
            .english = "This device's certificate (PEM), together with key_file."},
    KeySpec{.path = "serve.key_file",
            .form = Form::file,
            .set = [](Config& c, const Value& v) { c.serve.key_file = v.text; },
            .indonesian = "Kunci rahasia dari sertifikat itu.",
            .english = "The private key of that certificate."},
    KeySpec{.path = "serve.client_ca_file",
            .form = Form::file,
            .set = [](Config& c, const Value& v) { c.serve.client_ca_file = v.text; },
            .indonesian = "CA (PEM) yang menandatangani sertifikat pengambil.",
            .english = "The CA (PEM) that signs the pullers' certificates."},
    KeySpec{.path = "serve.allow_plain",
            .form = Form::flag,
            .default_text = "false",
            .set = [](Config& c, const Value& v) { c.serve.allow_plain = v.number != 0; },
            .indonesian = "Bolehkan http tanpa sandi; hanya di dalam terowongan.",
            .english = "Allow unencrypted http; within a tunnel only."},
    KeySpec{.path = "serve.pullers",
            .shape = Shape::items,
            .most_entries = 8,
            .clear = [](Config& c) { c.serve.pullers.clear(); },
            .add = [](Config& c) { c.serve.pullers.emplace_back(); },
            .indonesian = "Server yang boleh mengambil catatan. Kosong: tidak ada.",
            .english = "Servers that may fetch the records. Empty: none."},
    KeySpec{.path = "serve.pullers[].name",
            .form = Form::site_id,
            .is_required = true,
            .set = [](Config& c, const Value& v) { c.serve.pullers.back().name = v.text; },
            .indonesian = "Nama pendek server; jangan diganti kemudian.",
            .english = "Short name of the server; do not change it later."},
    KeySpec{.path = "serve.pullers[].token_file",
            .form = Form::file,
            .set = [](Config& c, const Value& v) { c.serve.pullers.back().token_file = v.text; },
            .indonesian = "Berkas berisi token server itu.",
            .english = "File that holds that server's token."},
    KeySpec{.path = "serve.pullers[].certificate",
            .bounds = kShortText,
            .set = [](Config& c, const Value& v) { c.serve.pullers.back().certificate = v.text; },
            .indonesian = "Nama (CN) di sertifikat server itu.",
            .english = "The name (CN) in that server's certificate."},
};

}  // namespace

std::span<const KeySpec> network_keys() {
    return kNetworkKeys;
}

}  // namespace gerbang::config
