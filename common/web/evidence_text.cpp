#include <algorithm>
#include <array>

#include "common/web/text.hpp"

namespace gerbang::web {

std::string evidence_text(Language language, std::string_view evidence) {
    struct Phrase {
        std::string_view english;
        std::string_view indonesian;
    };
    // A phrase stands before those that it begins with.
    static constexpr std::array kPhrases{
        Phrase{"the clock is not set yet, so no period can be named; see gerbang clock set",
               "jam belum disetel, jadi waktunya belum diketahui; lihat gerbang clock set"},
        Phrase{"the daemon is starting or stopping; ask again",
               "gerbang sedang mulai atau berhenti; ulangi sebentar lagi"},
        Phrase{"the period is longer than", "waktunya lebih panjang dari"},
        Phrase{" days", " hari"},
        Phrase{"the period's end must lie after its beginning",
               "akhir waktunya harus sesudah awalnya"},
        Phrase{"lies before from", "lebih awal dari from"},
        Phrase{"the time is known already", "waktunya sudah diketahui"},
        Phrase{", says ", ", kata "},
        Phrase{" short outages in a row", " kali putus sebentar berturut-turut"},
        Phrase{"daemon did not run", "gerbang tidak berjalan"},
        Phrase{"device was off", "perangkat mati"},
        Phrase{"no clean stop before", "berhenti mendadak"},
        Phrase{"clean stop before", "dihentikan dengan wajar"},
        Phrase{"no clean stop", "berhenti mendadak"},
        Phrase{"clean stop", "dihentikan dengan wajar"},
        Phrase{"shutdown to", "dimatikan lewat"},
        Phrase{"crash dump in pstore", "ada jejak macet (pstore)"},
        Phrase{"reset reason", "alasan nyala ulang"},
        Phrase{"mains was off", "listrik sudah padam"},
        Phrase{"mains was on", "listrik masih ada"},
        Phrase{"mains off", "listrik padam"},
        Phrase{"battery was discharging", "baterai sedang dipakai"},
        Phrase{"battery at", "baterai"},
        Phrase{"link down before", "internet putus sebelumnya"},
        Phrase{"link down after the gaps", "internet putus sesudahnya"},
        Phrase{"link down after", "internet putus sesudahnya"},
        Phrase{"no longer measured", "tidak lagi diukur"},
        Phrase{"no carrier on the LAN", "tidak ada sinyal kabel di LAN"},
        Phrase{"no carrier on", "tidak ada sinyal kabel di"},
        Phrase{"no carrier", "tidak ada sinyal kabel"},
        Phrase{"next_hop answers", "modem menjawab"},
        Phrase{"next_hop: ", "modem: "},
        Phrase{"provider answers", "jaringan penyedia menjawab"},
        Phrase{"provider: ", "jaringan penyedia: "},
        Phrase{"domestic answers", "dalam negeri menjawab"},
        Phrase{"domestic: ", "dalam negeri: "},
        Phrase{"international answers", "luar negeri menjawab"},
        Phrase{"international: ", "luar negeri: "},
        Phrase{"targets answer", "tujuan uji menjawab"},
        Phrase{"dns answers", "DNS menjawab"},
        Phrase{"dns: ", "DNS: "},
        Phrase{"web answers", "halaman web menjawab"},
        Phrase{"web: ", "halaman web: "},
        Phrase{"carrier: ", "kabel: "},
        Phrase{"somebody else answered", "dijawab pihak lain"},
        Phrase{"the line is full", "jalur penuh"},
        Phrase{"no WAN interface is known", "antarmuka internet belum dikenal"},
        Phrase{"no route", "tidak ada rute"},
        Phrase{"neighbour does not answer", "tetangga tidak menjawab"},
        Phrase{"resolver cannot answer", "server DNS gagal"},
        Phrase{"wrong answer", "jawaban salah"},
        Phrase{"no address for the name", "nama disangkal"},
        Phrase{"interface down", "antarmuka mati"},
        Phrase{"time-out", "tidak menjawab"},
        Phrase{"exists already; name another file", "sudah ada; beri nama lain"},
        Phrase{"File exists", "sudah ada; beri nama lain"},
        Phrase{"no such file", "tidak ada"},
        Phrase{"No such file or directory", "tidak ada"},
        Phrase{"No space left on device", "tempatnya penuh"},
        Phrase{"Read-only file system", "hanya bisa dibaca"},
        Phrase{"Permission denied", "tidak diizinkan; ulangi dengan sudo"},
        Phrase{"is newer than this gerbang knows", "lebih baru daripada yang dikenal gerbang ini"},
        Phrase{"left as it is. Install the newer version again",
               "tidak diubah. Pasang lagi versi yang lebih baru"},
        Phrase{"database or disk is full", "tempatnya penuh"},
        Phrase{"disk I/O error", "kartu tidak dapat dibaca atau ditulis"},
        Phrase{"Input/output error", "kartu tidak dapat dibaca atau ditulis"},
        Phrase{"attempt to write a readonly database", "hanya bisa dibaca"},
        Phrase{"unable to open database file", "berkas tidak dapat dibuka"},
        Phrase{"database disk image is malformed", "berkas rusak"},
        Phrase{"schema version", "skema versi"},
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

}  // namespace gerbang::web
