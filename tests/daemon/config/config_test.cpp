#include "daemon/config/config.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "daemon/config/schema.hpp"
#include "daemon/config/walker.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

namespace gerbang {
namespace {

std::string all_of(const LoadedConfig& loaded) {
    std::string text;
    for (const auto& problem : loaded.problems) text += problem.text() + "\n";
    return text;
}

std::string check_id(const std::string& text) {
    return all_of(parse_config(text, "f", Language::indonesian));
}
std::string check_en(const std::string& text) {
    return all_of(parse_config(text, "f", Language::english));
}

struct Mistake {
    const char* text;
    const char* indonesian;
    const char* english;
};

}  // namespace

TEST_CASE("A file with ten mistakes names all ten with line and column", "[config]") {
    const std::string text =
        "site:\n"                                // 1
        "  id: Long Bagun\n"                     // 2: form of the identity
        "  utc_offset: 8\n"                      // 3: offset
        "metering:\n"                            // 4
        "  tick: 10\n"                           // 5: no unit
        "  tick: 10s\n"                          // 6: twice
        "  comit: 60s\n"                         // 7: unknown key
        "probe:\n"                               // 8
        "  enabled: yes\n"                       // 9: boolean
        "  failures: 0640\n"                     // 10: octal
        "provider:\n"                            // 11
        "  down: 50 Mb\n"                        // 12: wrong unit
        "interfaces:\n"                          // 13
        "  lan: br-lan\n"                        // 14: not a list
        "sync:\n"                                // 15
        "  targets:\n"                           // 16
        "    - name: kaltim\n"                   // 17
        "      url: http://server.contoh.id\n";  // 18: not https
    CHECK(check_id(text) ==
          "f:2:7: site.id: harus 1-64 huruf kecil a-z, angka, atau tanda hubung; tertulis "
          "\"Long Bagun\" (maksud Anda \"long-bagun\"?)\n"
          "f:3:15: site.utc_offset: harus selisih waktu dari UTC: WIB, WITA, WIT, atau misalnya "
          "+08:00; tertulis \"8\" (maksud Anda \"+08:00\"?)\n"
          "f:5:9: metering.tick: harus lama waktu dengan satuan ms, s, min, h atau d, misalnya "
          "10s; tertulis \"10\" (maksud Anda \"10s\"?)\n"
          "f:6:3: metering.tick: kunci ini tertulis dua kali; yang pertama di baris 5\n"
          "f:7:3: metering.comit: kunci tidak dikenal (maksud Anda \"commit\"?)\n"
          "f:9:12: probe.enabled: harus true atau false; tertulis \"yes\" (maksud Anda "
          "\"true\"?)\n"
          "f:10:13: probe.failures: angka tidak boleh diawali nol (pembaca YAML lain mengiranya "
          "oktal); tertulis \"0640\" (maksud Anda \"640\"?)\n"
          "f:12:9: provider.down: harus kecepatan dengan satuan, misalnya 50 Mbit/s; tertulis "
          "\"50 Mb\" (maksud Anda \"50 Mbit/s\"?)\n"
          "f:14:8: interfaces.lan: harus daftar, misalnya [eth1, eth2]; tertulis \"br-lan\" "
          "(maksud Anda \"[br-lan]\"?)\n"
          "f:18:12: sync.targets[0].url: harus https; http hanya ke mesin ini sendiri atau dengan "
          "allow_plain: true (maksud Anda \"https://server.contoh.id\"?)\n");
    const auto english = parse_config(text, "f", Language::english);
    REQUIRE(english.problems.size() == 10);
    CHECK(english.problems[2].text() ==
          "f:5:9: metering.tick: expected a duration in ms, s, min, h or d, such as 10s; got "
          "\"10\" (did you mean \"10s\"?)");
    for (const auto& problem : english.problems) {
        INFO(problem.text());
        CHECK(problem.line > 0);
        CHECK(problem.column > 0);
        CHECK(problem.message.find("harus") == std::string::npos);
    }
}

TEST_CASE("Each mistake alone is named in both languages", "[config]") {
    const Mistake mistakes[] = {
        {"sites: {}\n", "f:1:1: sites: kunci tidak dikenal (maksud Anda \"site\"?)\n",
         "f:1:1: sites: unknown key (did you mean \"site\"?)\n"},
        {"tick: 10s\n", "f:1:1: tick: kunci tidak dikenal (maksud Anda \"metering.tick\"?)\n",
         "f:1:1: tick: unknown key (did you mean \"metering.tick\"?)\n"},
        {"zzzz: 1\n", "f:1:1: zzzz: kunci tidak dikenal\n", "f:1:1: zzzz: unknown key\n"},
        {"site: {id: a, id: b}\n",
         "f:1:15: site.id: kunci ini tertulis dua kali; yang pertama di "
         "baris 1\n",
         "f:1:15: site.id: this key appears twice; first in line 1\n"},
        {"site: desa\n", "f:1:7: site: harus bagian berisi kunci; tertulis \"desa\"\n",
         "f:1:7: site: expected a section with keys; got \"desa\"\n"},
        {"site:\n  id:x\n",
         "f:2:3: site: harus bagian berisi kunci; tertulis \"id:x\" (maksud Anda \"id: x\"?)\n",
         "f:2:3: site: expected a section with keys; got \"id:x\" (did you mean \"id: x\"?)\n"},
        {"site: [a]\n", "f:1:7: site: harus bagian berisi kunci; tertulis daftar\n",
         "f:1:7: site: expected a section with keys; got a list\n"},
        {"lang: {a: b}\n",
         "f:1:7: lang: harus salah satu dari: id, en; tertulis bagian berisi "
         "kunci\n",
         "f:1:7: lang: expected one of: id, en; got a section with keys\n"},
        {"lang:\n", "f:1:1: lang: harus salah satu dari: id, en; isinya kosong\n",
         "f:1:1: lang: expected one of: id, en; got nothing\n"},
        {"- a\n", "f:1:1: harus berisi kunci, misalnya \"site:\"; tertulis daftar\n",
         "f:1:1: expected keys such as \"site:\"; got a list\n"},
        {"log: {level: warn}\n",
         "f:1:14: log.level: harus salah satu dari: error, warning, "
         "notice, info, debug; tertulis \"warn\"\n",
         "f:1:14: log.level: expected one of: error, warning, notice, info, debug; got "
         "\"warn\"\n"},
        {"log: {level: inof}\n",
         "f:1:14: log.level: harus salah satu dari: error, warning, "
         "notice, info, debug; tertulis \"inof\" (maksud Anda "
         "\"info\"?)\n",
         "f:1:14: log.level: expected one of: error, warning, notice, info, debug; got \"inof\" "
         "(did you mean \"info\"?)\n"},
        {"metering: {tick: 10sec}\n",
         "f:1:18: metering.tick: harus lama waktu dengan satuan ms, "
         "s, min, h atau d, misalnya 10s; tertulis \"10sec\" (maksud "
         "Anda \"10s\"?)\n",
         "f:1:18: metering.tick: expected a duration in ms, s, min, h or d, such as 10s; got "
         "\"10sec\" (did you mean \"10s\"?)\n"},
        {"metering: {tick: 6 min}\n",
         "f:1:18: metering.tick: harus antara 1s dan 5 min; tertulis \"6 min\"\n",
         "f:1:18: metering.tick: expected 1s to 5 min; got \"6 min\"\n"},
        {"metering: {commit: 5s}\n",
         "f:1:20: metering.commit: harus antara 10s dan 15 min; tertulis \"5s\"\n",
         "f:1:20: metering.commit: expected 10s to 15 min; got \"5s\"\n"},
        {"metering: {commit: 45s}\n",
         "f:1:20: metering.commit: commit (45s) harus kelipatan dari tick (10s)\n",
         "f:1:20: metering.commit: commit (45s) must be a multiple of tick (10s)\n"},
        {"metering: {tick: 7s}\n",
         "f:1:18: metering.tick: commit (1 min) harus kelipatan dari tick (7s)\n",
         "f:1:18: metering.tick: commit (1 min) must be a multiple of tick (7s)\n"},
        {"probe: {timeout: 5s}\n",
         "f:1:18: probe.timeout: timeout (5s) tidak boleh lebih lama "
         "dari doubt_interval (3s)\n",
         "f:1:18: probe.timeout: timeout (5s) must not be longer than doubt_interval (3s)\n"},
        {"probe: {interval: 2s}\n",
         "f:1:19: probe.interval: doubt_interval (3s) tidak boleh "
         "lebih lama dari interval (2s)\n",
         "f:1:19: probe.interval: doubt_interval (3s) must not be longer than interval (2s)\n"},
        {"probe: {failures: 0}\n",
         "f:1:19: probe.failures: harus antara 1 dan 10; tertulis \"0\"\n",
         "f:1:19: probe.failures: expected 1 to 10; got \"0\"\n"},
        {"probe: {targets: []}\n",
         "f:1:18: probe.targets: paling sedikit satu tujuan, atau probe.enabled: false\n",
         "f:1:18: probe.targets: expected at least one target, or probe.enabled: false\n"},
        {"probe: {targets: [{name: a}]}\n",
         "f:1:19: probe.targets[0]: kunci \"address\" wajib ada\n",
         "f:1:19: probe.targets[0]: the key \"address\" is required\n"},
        {"probe: {targets: [{name: a, address: example.org}]}\n",
         "f:1:38: probe.targets[0].address: harus alamat IP angka, misalnya 1.1.1.1 (bukan nama); "
         "tertulis \"example.org\"\n",
         "f:1:38: probe.targets[0].address: expected a numeric IP address, such as 1.1.1.1 (not a "
         "name); got \"example.org\"\n"},
        {"provider: {name: no}\n",
         "f:1:18: provider.name: harus berupa teks; beri tanda kutip "
         "bila memang teks ini yang dimaksud; tertulis \"no\" (maksud "
         "Anda \"no\"?)\n",
         "f:1:18: provider.name: expected text; put it into quotes if this word is meant; got "
         "\"no\" (did you mean \"no\"?)\n"},
        {"interfaces: {wan: eth0, lan: [eth0]}\n",
         "f:1:30: interfaces.lan: eth0 sudah dipakai oleh interfaces.wan\n",
         "f:1:30: interfaces.lan: eth0 already belongs to interfaces.wan\n"},
        {"interfaces: {lan: [a, a]}\n", "f:1:23: interfaces.lan[1]: tertulis dua kali\n",
         "f:1:23: interfaces.lan[1]: appears twice\n"},
        {"site: &x {id: a}\n", "f:1:7: jangkar (&nama) tidak diterima; hapus tanda itu\n",
         "f:1:7: anchors (&name) are not accepted; remove the mark\n"},
        {"site: {id: !!str a}\n", "f:1:12: tag (!nama) tidak diterima; hapus tanda itu\n",
         "f:1:12: tags (!name) are not accepted; remove the mark\n"},
        {"site:\n  <<: {id: a}\n",
         "f:2:3: site.<<: kunci gabungan \"<<\" tidak diterima; tuliskan kuncinya\n",
         "f:2:3: site.<<: merge keys \"<<\" are not accepted; write the keys themselves\n"},
        {"clock:\n---\nclock:\n",
         "f:3:1: hanya satu dokumen per berkas; hapus \"---\" dan sesudahnya\n",
         "f:3:1: one document per file; remove \"---\" and what follows\n"},
        {"site:\n\tid: a\n",
         "f:2:1: awal baris berisi TAB; pakai spasi, bukan "
         "TAB\n",
         "f:2:1: the line begins with a TAB; use spaces, not tabs\n"},
        {"site:\n  name: \"Long\n",
         "f:2:9: tanda kutip yang dibuka di sini tidak ditutup di baris yang sama\n",
         "f:2:9: the quote opened here is not closed on the same line\n"},
        {"a: [[[[[[[[1]]]]]]]]\n",
         "f:1:1: a: kunci tidak dikenal\n"
         "f:1:11: bertingkat terlalu dalam (paling banyak 8 tingkat)\n",
         "f:1:1: a: unknown key\n"
         "f:1:11: nested too deeply (at most 8 levels)\n"},
        {"site:\n  name: a\xff\n",
         "f:2:10: berkas ini bukan teks UTF-8; simpan ulang sebagai "
         "UTF-8\n",
         "f:2:10: this file is not UTF-8 text; save it again as UTF-8\n"},
    };
    for (const auto& mistake : mistakes) {
        INFO(mistake.text);
        CHECK(check_id(mistake.text) == mistake.indonesian);
        CHECK(check_en(mistake.text) == mistake.english);
    }
}

TEST_CASE("NUL bytes and more than 64 KiB are refused", "[config]") {
    CHECK(check_en(std::string("site:\n  name: a\0b\n", 17)) ==
          "f:2:10: this file is not UTF-8 text; save it again as UTF-8\n");
    CHECK(check_en(std::string((64u << 10) + 1, '#')) == "f: the file is larger than 64 KiB\n");
    CHECK(check_en(std::string(64u << 10, '#')).empty());
}

TEST_CASE("Aliases are refused and never expanded", "[config]") {
    const auto text = check_en("site: &a {name: x}\nprovider: *a\n");
    CHECK(text.find("f:1:7: anchors (&name) are not accepted") == 0);
    CHECK(text.find("f:2:11: aliases (*name) are not accepted") != std::string::npos);
    std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c < 'z'; ++c) {
        laughs += std::string{c} + ": &" + c + " [";
        for (int i = 0; i < 9; ++i) laughs += std::string{i == 0 ? "*" : ",*"} + char(c - 1);
        laughs += "]\n";
    }
    const auto loaded = parse_config(laughs, "f", Language::english);
    CHECK(loaded.problems.size() == config::kMaxFindings);
}

TEST_CASE("A file saved by Notepad is read like any other", "[config]") {
    CHECK(check_en("\xef\xbb\xbfsite:\r\n  id: a\r\n\r\n").empty());
    CHECK(check_en("\xef\xbb\xbflang: \"x\"\r\n").find("f:1:7: lang:") == 0);
    CHECK(check_en("site:\r\n  name: 'It''s \"good\"'  # \t comment\r\n\t\r\n").empty());
}

TEST_CASE("A syntax error is reported beside the mistakes before it", "[config]") {
    const auto text = check_en("metering:\n  tick: 10\nsite:\n   id: a\n  name: b\n");
    CHECK(text.find("f:2:9: metering.tick: expected a duration") == 0);
    CHECK(text.find("f:5:3: YAML syntax: this line is not aligned") != std::string::npos);
}

TEST_CASE("Push targets must be safe", "[config]") {
    const auto target = [](const std::string& keys) {
        return check_en("sync: {targets: [{name: a, " + keys + "}]}\n");
    };
    CHECK(target("url: 'https://s.id'").find("the key \"ca_file\" is required for https") !=
          std::string::npos);
    CHECK(target("url: 'https://s.id', ca_file: /etc/ca.pem").empty());
    CHECK(target("url: 'http://s.id'").find("expected https") != std::string::npos);
    CHECK(target("url: 'http://s.id', allow_plain: true").empty());
    CHECK(target("url: 'http://127.0.0.1:8080'").empty());
    CHECK(target("url: 'http://[::1]:8080/'").empty());
    CHECK(target("url: 'http://localhost'").empty());
    CHECK(target("url: 'http://127.evil.id'").find("expected https") != std::string::npos);
    CHECK(target("url: 'http://localhost.evil.id'").find("expected https") != std::string::npos);
    CHECK(target("url: 'http://user@127.0.0.1'").find("expected a server") != std::string::npos);
    CHECK(target("url: s.id").find("(did you mean \"https://s.id\"?)") != std::string::npos);
    CHECK(target("url: 'https://s.id/v1/batches'").find("(did you mean \"https://s.id\"?)") !=
          std::string::npos);
    CHECK(target("url: 'https://s.id:99999'").find("expected a server") != std::string::npos);
    CHECK(target("url: 'https://s.id', ca_file: ca.pem").find("beginning with \"/\"") !=
          std::string::npos);
    CHECK(target("url: 'http://localhost', cert_file: /c").find("one is missing") !=
          std::string::npos);
    CHECK(target("url: 'http://localhost', max_rate: 8 kbit/s")
              .find("expected 16 kbit/s to 100 Gbit/s") != std::string::npos);
    CHECK(
        target("url: 'http://localhost', max_rate: 64 KiB").find("expected a rate with its unit") !=
        std::string::npos);
    CHECK(target("url: 'http://localhost', max_body: 512 KiB").find("expected 4 KiB to 256 KiB") !=
          std::string::npos);
    CHECK(check_en("sync: {targets: [{name: a, url: 'http://[::1]'}, {name: a, url: "
                   "'http://[::1]'}]}\n")
              .find("sync.targets[1].name: the name \"a\" is taken above") != std::string::npos);
}

TEST_CASE("Every key reaches its place in the configuration", "[config]") {
    const auto loaded = parse_config(
        "site: {id: melak-01, code: 64.07.05.2001, name: Melak, utc_offset: WIB}\n"
        "lang: en\n"
        "interfaces: {wan: eth0, lan: [eth1, br0], wifi: [wlan0], ignore: [docker0]}\n"
        "wan: {next_hop: provider, modem_address: 192.168.1.1}\n"
        "metering: {tick: 5s, commit: 5 min}\n"
        "probe:\n"
        "  enabled: false\n"
        "  interval: 1 min\n"
        "  doubt_interval: 4s\n"
        "  timeout: 1500 ms\n"
        "  failures: 4\n"
        "  targets:\n"
        "  - {name: a, address: 9.9.9.9, tcp_port: 53}\n"
        "  - {name: b, address: '2620:fe::fe', group: international}\n"
        "  resolvers: [9.9.9.9, '2620:fe::fe']\n"
        "  dns_name: kaltimprov.go.id\n"
        "  dns_expect: [103.1.2.3]\n"
        "  web_url: http://uji.contoh.id:8080/halo?a=1\n"
        "  web_status: 200\n"
        "  web_interval: 2 min\n"
        "hotspot: {address: 192.168.88.2}\n"
        "services:\n"
        "- {name: sidesa, url: 'https://sidesa.contoh.go.id/masuk'}\n"
        "- {name: lapor, url: 'http://[2001:db8::1]:80'}\n"
        "power: {mains: axp20x-ac}\n"
        "provider: {name: N, product: P, medium: satellite, customer_number: 0812, helpdesk: "
        "'0800', down: 50 Mbit/s, up: 10 Mbit/s}\n"
        "sync:\n"
        "  targets:\n"
        "  - name: kaltim\n"
        "    url: https://gerbang.kaltimprov.go.id:8443/\n"
        "    ca_file: /etc/ca.pem\n"
        "    token_file: /etc/token\n"
        "    cert_file: /etc/cert\n"
        "    key_file: /etc/key\n"
        "    interval: 10 min\n"
        "    max_body: 64 KiB\n"
        "    max_rate: 2 Mbit/s\n"
        "  - {name: uji, url: 'http://10.0.0.1', allow_plain: true}\n"
        "clock: {trust_system: true}\n"
        "log: {level: debug}\n",
        "f", Language::indonesian);
    INFO(all_of(loaded));
    REQUIRE(loaded.problems.empty());
    const auto& c = loaded.config;
    CHECK(c.site.id == "melak-01");
    CHECK(c.is_assigned());
    CHECK(c.site.code == "64.07.05.2001");
    CHECK(c.site.name == "Melak");
    CHECK(c.site.utc_offset == Seconds{7 * 3600});
    CHECK(c.lang == Language::english);
    CHECK(c.interfaces.wan == "eth0");
    CHECK(c.interfaces.lan == std::vector<std::string>{"eth1", "br0"});
    CHECK(c.interfaces.wifi == std::vector<std::string>{"wlan0"});
    CHECK(c.interfaces.ignore == std::vector<std::string>{"docker0"});
    CHECK(c.metering.tick == Millis{5000});
    CHECK(c.metering.commit == Millis{300'000});
    CHECK_FALSE(c.probe.enabled);
    CHECK(c.probe.interval == Millis{60'000});
    CHECK(c.probe.doubt_interval == Millis{4000});
    CHECK(c.probe.timeout == Millis{1500});
    CHECK(c.probe.failures == 4);
    REQUIRE(c.probe.targets.size() == 2);
    CHECK(c.probe.targets[0].name == "a");
    CHECK(c.probe.targets[0].address == "9.9.9.9");
    CHECK(c.probe.targets[0].tcp_port == 53);
    CHECK(c.probe.targets[1].tcp_port == 443);
    CHECK(c.probe.targets[0].is_domestic);
    CHECK_FALSE(c.probe.targets[1].is_domestic);
    CHECK(c.wan.next_hop == NextHop::provider);
    CHECK(c.wan.modem_address == "192.168.1.1");
    CHECK(c.probe.resolvers == std::vector<std::string>{"9.9.9.9", "2620:fe::fe"});
    CHECK(c.probe.dns_name == "kaltimprov.go.id");
    CHECK(c.probe.dns_expect == std::vector<std::string>{"103.1.2.3"});
    CHECK(c.probe.web_url == "http://uji.contoh.id:8080/halo?a=1");
    CHECK(c.probe.web_status == 200);
    CHECK(c.probe.web_interval == Millis{120'000});
    CHECK(c.hotspot.address == "192.168.88.2");
    REQUIRE(c.services.size() == 2);
    CHECK(c.services[0].name == "sidesa");
    CHECK(c.services[0].url == "https://sidesa.contoh.go.id/masuk");
    CHECK(c.services[1].name == "lapor");
    CHECK(c.power.mains == "axp20x-ac");
    CHECK(c.provider.name == "N");
    CHECK(c.provider.product == "P");
    CHECK(c.provider.medium == "satellite");
    CHECK(c.provider.customer_number == "0812");
    CHECK(c.provider.helpdesk == "0800");
    CHECK(c.provider.down == BitRate{50'000'000});
    CHECK(c.provider.up == BitRate{10'000'000});
    REQUIRE(c.sync.targets.size() == 2);
    const auto& target = c.sync.targets[0];
    CHECK(target.name == "kaltim");
    CHECK(target.url == "https://gerbang.kaltimprov.go.id:8443");
    CHECK(target.ca_file == "/etc/ca.pem");
    CHECK(target.token_file == "/etc/token");
    CHECK(target.cert_file == "/etc/cert");
    CHECK(target.key_file == "/etc/key");
    CHECK(target.interval == Millis{600'000});
    CHECK(target.max_body == Bytes{64u << 10});
    CHECK(target.max_rate == BitRate{2'000'000});
    CHECK(c.sync.targets[1].max_rate == BitRate{});
    CHECK_FALSE(target.allow_plain);
    CHECK(c.sync.targets[1].allow_plain);
    CHECK(c.sync.targets[1].interval == Millis{120'000});
    CHECK(c.clock.trust_system);
    CHECK(c.log_level == "debug");
}

TEST_CASE("An empty file means the defaults of the schema, which are those of the struct",
          "[config]") {
    for (const char* text : {"", "\n", "# nothing\n", "---\n", "site:\nprobe:\n  targets:\n"}) {
        INFO(text);
        const auto loaded = parse_config(text, "f", Language::english);
        CHECK(all_of(loaded).empty());
        const auto& c = loaded.config;
        const Config plain;
        CHECK(c.site.id == plain.site.id);
        CHECK_FALSE(c.is_assigned());
        CHECK(c.site.utc_offset == plain.site.utc_offset);
        CHECK(c.interfaces.wan == plain.interfaces.wan);
        CHECK(c.metering.tick == plain.metering.tick);
        CHECK(c.metering.commit == plain.metering.commit);
        CHECK(c.probe.enabled == plain.probe.enabled);
        CHECK(c.probe.interval == plain.probe.interval);
        CHECK(c.probe.doubt_interval == plain.probe.doubt_interval);
        CHECK(c.probe.timeout == plain.probe.timeout);
        CHECK(c.probe.failures == plain.probe.failures);
        CHECK(c.provider.down == plain.provider.down);
        CHECK(c.clock.trust_system == plain.clock.trust_system);
        CHECK(c.log_level == plain.log_level);
        REQUIRE(c.probe.targets.size() == 3);
        CHECK(c.probe.targets[0].is_domestic);
        CHECK_FALSE(c.probe.targets[1].is_domestic);
        CHECK_FALSE(c.probe.targets[2].is_domestic);
        CHECK(c.probe.targets[2].address == "2606:4700:4700::1111");
        CHECK(c.wan.next_hop == plain.wan.next_hop);
        CHECK(c.probe.resolvers.empty());
        CHECK(c.probe.dns_name == "one.one.one.one");
        CHECK(c.probe.dns_expect == std::vector<std::string>{"1.1.1.1", "1.0.0.1"});
        CHECK(c.probe.web_url == "http://connectivitycheck.gstatic.com/generate_204");
        CHECK(c.probe.web_status == plain.probe.web_status);
        CHECK(c.probe.web_interval == plain.probe.web_interval);
        CHECK(c.hotspot.address.empty());
        CHECK(c.services.empty());
        CHECK(c.power.mains == plain.power.mains);
        CHECK(c.sync.targets.empty());
    }
    const auto entry =
        parse_config("sync: {targets: [{name: a, url: 'http://[::1]'}]}", "f", Language::english);
    REQUIRE(entry.config.sync.targets.size() == 1);
    CHECK(entry.config.sync.targets[0].interval == PushTargetConfig{}.interval);
    CHECK(entry.config.sync.targets[0].max_body == PushTargetConfig{}.max_body);
}

TEST_CASE("The file's own language is used for its messages unless the caller insists",
          "[config]") {
    const std::string text = "lang: en\nzzzz: 1\n";
    CHECK(check_id(text) == "f:2:1: zzzz: unknown key\n");
    const auto insisted = parse_config(text, "f", Language::indonesian, false);
    CHECK(all_of(insisted) == "f:2:1: zzzz: kunci tidak dikenal\n");
    CHECK(insisted.config.lang == Language::indonesian);
    CHECK(parse_config("", "f", Language::english).config.lang == Language::english);
}

TEST_CASE("conf.d is read in name order, later scalars and lists win", "[config]") {
    const TempFolder own;
    const std::filesystem::path folder = own.path();
    std::filesystem::create_directories(folder / "conf.d");
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream{folder / name} << text;
    };
    write("gerbang.yaml", "site: {id: a, name: A}\ninterfaces: {lan: [x, y]}\n");
    write("conf.d/10-b.yaml", "site: {id: b}\nsync: {targets: [{name: p, url: 'http://[::1]'}]}\n");
    write("conf.d/20-c.yaml", "site: {id: c}\ninterfaces: {lan: [z]}\n");
    write("conf.d/.hidden.yaml", "site: {id: hidden}\n");
    write("conf.d/30-notes.txt", "site: {id: txt}\n");
    const auto main_file = (folder / "gerbang.yaml").string();
    const auto loaded = load_config(main_file, Language::english);
    CHECK(all_of(loaded).empty());
    CHECK(loaded.config.site.id == "c");
    CHECK(loaded.config.site.name == "A");
    CHECK(loaded.config.interfaces.lan == std::vector<std::string>{"z"});
    CHECK(loaded.config.sync.targets.size() == 1);

    write("conf.d/20-c.yaml", "site: {id: C}\n");
    write("conf.d/10-b.yaml", "metering: {commit: 45s}\n");
    const auto broken = load_config(main_file, Language::english);
    REQUIRE(broken.problems.size() == 2);
    CHECK(broken.problems[0].text() ==
          (folder / "conf.d/10-b.yaml").string() +
              ":1:20: metering.commit: commit (45s) must be a multiple of tick (10s)");
    CHECK(broken.problems[1].file == (folder / "conf.d/20-c.yaml").string());

    std::filesystem::remove_all(folder);
    const auto missing = load_config(main_file, Language::english);
    REQUIRE(missing.problems.size() == 1);
    CHECK(missing.problems[0].text() == main_file + ": cannot be read: there is no such file");
    CHECK_FALSE(load_config("/", Language::english).problems.empty());
}

TEST_CASE("The shipped example is valid and shows every key", "[config]") {
    const std::string file = std::string{GERBANG_SOURCE_DIR} + "/config/gerbang.yaml";
    CHECK(all_of(load_config(file, Language::english)).empty());
    std::stringstream text;
    text << std::ifstream{file}.rdbuf();
    for (const auto& key : config::schema()) {
        const auto name = key.path.substr(key.path.rfind('.') + 1);
        INFO(key.path);
        CHECK(text.str().find(std::string{name} + ":") != std::string::npos);
    }
    // With every commented-out key switched on it is valid as well.
    std::string open;
    for (std::string line; std::getline(text, line);) {
        const auto hash = line.find_first_not_of(' ');
        const bool is_key = hash != std::string::npos && line[hash] == '#' &&
                            hash + 1 < line.size() &&
                            (line[hash + 1] != ' ' || line.compare(hash, 3, "#  ") == 0);
        if (is_key) line.erase(hash, 1);
        open += line + "\n";
    }
    CHECK(check_en(open).empty());
    const auto targets = parse_config(open, "f", Language::english).config.sync.targets;
    REQUIRE(targets.size() == 2);
    CHECK_FALSE(targets[0].is_remote_write);
    CHECK(targets[1].is_remote_write);
    CHECK(targets[1].max_age == Millis{40LL * 86'400'000});
}

TEST_CASE("The journal's quota is chosen by the daemon unless it is written", "[config]") {
    const auto plain = parse_config("lang: en\n", "f", Language::english).config;
    CHECK(plain.journal.quota.value == 0);
    CHECK(plain.journal.daily_writes.value == 32u << 20);
    CHECK_FALSE(plain.journal.stretch_commits);
    const auto told =
        parse_config("journal: {quota: 16 MiB, daily_writes: 20 MiB, stretch_commits: true}\n", "f",
                     Language::english)
            .config;
    CHECK(told.journal.quota.value == 16u << 20);
    CHECK(told.journal.daily_writes.value == 20u << 20);
    CHECK(told.journal.stretch_commits);
    CHECK(check_en("journal: {quota: 5 MiB}\n").find("expected 6 MiB to") != std::string::npos);
}

TEST_CASE("The reference lists every key in both languages", "[config]") {
    const auto indonesian = config_reference(Language::indonesian);
    const auto english = config_reference(Language::english);
    CHECK(indonesian != english);
    for (const auto& key : config::schema()) {
        INFO(key.path);
        CHECK_FALSE(key.indonesian.empty());
        CHECK_FALSE(key.english.empty());
        CHECK(indonesian.find("`" + std::string{key.path} + "`") != std::string::npos);
        CHECK(english.find(std::string{key.english}) != std::string::npos);
    }
    CHECK(english.find("such as 10s; from 10s to 15 min") != std::string::npos);
}

TEST_CASE("Values are read with the units that people write", "[config]") {
    using config::Form;
    const auto number = [](Form form, const std::string& text) -> std::int64_t {
        const auto parsed = config::parse_value(form, {0, INT64_MAX, ""}, text, false);
        const auto* value = std::get_if<config::Value>(&parsed);
        return value == nullptr ? -1 : value->number;
    };
    CHECK(number(Form::duration, "10s") == 10'000);
    CHECK(number(Form::duration, "10 s") == 10'000);
    CHECK(number(Form::duration, "5 min") == 300'000);
    CHECK(number(Form::duration, "1h") == 3'600'000);
    CHECK(number(Form::duration, "2 d") == 172'800'000);
    CHECK(number(Form::size, "64 MiB") == 64 << 20);
    CHECK(number(Form::size, "64MB") == 64'000'000);
    CHECK(number(Form::rate, "50 Mbit/s") == 50'000'000);
    for (const char* wrong : {"", "s", "-1s", "1.5s", "010s", "10S", "10 sec", "1e3s", "10s ",
                              "99999999999999999999s", "9223372036854775807d"}) {
        INFO(wrong);
        CHECK(number(Form::duration, wrong) == -1);
    }
    for (const auto form : {Form::duration, Form::size, Form::rate}) {
        std::mt19937_64 random{test_seed()};
        for (int i = 0; i < 1000; ++i) {
            const auto value = static_cast<std::int64_t>(random() >> (random() % 40 + 20));
            CHECK(number(form, config::write_value(form, value)) == value);
        }
    }
}

TEST_CASE("A suggestion is near the word or not made", "[config]") {
    CHECK(config::nearest("comit", {"tick", "commit"}) == "commit");
    CHECK(config::nearest("tikc", {"tick", "commit"}) == "tick");
    CHECK(config::nearest("zzzz", {"tick", "commit"}).empty());
    CHECK(config::nearest("", {"tick"}).empty());
    CHECK(config::nearest(std::string(65, 'a'), {"a"}).empty());
}

TEST_CASE("No cut or flipped byte of a configuration brings the walker down", "[config]") {
    std::stringstream text;
    text << std::ifstream{std::string{GERBANG_SOURCE_DIR} + "/config/gerbang.yaml"}.rdbuf();
    const auto whole = text.str();
    REQUIRE(whole.size() > 100);
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(500); ++round) {
        auto broken = whole.substr(0, random() % whole.size());
        for (int i = 0; i < 5 && !broken.empty(); ++i) {
            broken[random() % broken.size()] = "{}[]:-#&*!|>'\"%@`\t\n "[random() % 21];
        }
        const auto loaded = parse_config(broken, "f", Language::english);
        CHECK(loaded.problems.size() <= config::kMaxFindings);
    }
}

}  // namespace gerbang
