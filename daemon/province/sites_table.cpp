#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "common/model/reduction.hpp"
#include "common/web/text.hpp"
#include "daemon/province/sites_json.hpp"

namespace gerbang::province {
namespace {

constexpr std::size_t kColumns = 7;
using Row = std::array<std::string, kColumns>;

struct Words {
    Row headings;
    const char* up;
    const char* down;
    const char* degraded;
    const char* unknown;
    const char* complete;
    const char* missing;
    const char* reduced;
    const char* to;
    const char* cloned;
    const char* nothing;
    const char* ago;
    std::array<const char*, 4> ages;  ///< seconds, minutes, hours, days
};

const Words& words(Language language) {
    static const Words kIndonesian{
        {"SITUS", "NAMA", "TERDENGAR", "INTERNET", "DITERIMA", "DIKIRIM", "CATATAN"},
        "tersambung",
        "PUTUS",
        "tersendat",
        "belum diketahui",
        "lengkap",
        "kurang",
        "diringkas",
        "menjadi per",
        "DUA ALAT memakai identitas ini: cari kartu tiruan, beri salah satunya site.id lain",
        "Belum ada situs yang mengirim data.",
        "lalu",
        {"dtk", "mnt", "jam", "hari"}};
    static const Words kEnglish{
        {"SITE", "NAME", "HEARD", "INTERNET", "RECEIVED", "SENT", "RECORDS"},
        "up",
        "DOWN",
        "degraded",
        "unknown",
        "complete",
        "missing",
        "reduced",
        "to",
        "TWO DEVICES use this identity: look for a copied card, give one of them another site.id",
        "No site has sent anything yet.",
        "ago",
        {"s", "min", "h", "days"}};
    return language == Language::english ? kEnglish : kIndonesian;
}

std::string with_unit(std::int64_t amount, const char* unit) {
    return std::to_string(amount) + " " + unit;
}

std::string age(Millis span, const Words& text) {
    const auto seconds = std::max<std::int64_t>(0, span.count() / 1000);
    if (seconds < 120) return with_unit(seconds, text.ages[0]);
    if (seconds < 7200) return with_unit(seconds / 60, text.ages[1]);
    if (seconds < 172'800) return with_unit(seconds / 3600, text.ages[2]);
    return with_unit(seconds / 86'400, text.ages[3]);
}

std::string link_of(const SiteSummary& site, WallTime now, const Words& text, Language language) {
    if (site.outage) {
        auto link = std::string{text.down};
        if (site.outage->since) link += " " + age(now - *site.outage->since, text);
        const auto cause = web::sentence(language, web::short_cause_text(site.outage->cause));
        return link + " (" + std::string{cause} + ")";
    }
    if (site.link == LinkState::up) return text.up;
    if (site.link == LinkState::degraded) return text.degraded;
    return site.link == LinkState::down ? text.down : text.unknown;
}

std::string records_of(const SiteSummary& site, const Words& text) {
    bool is_complete = true;
    for (const auto& epoch : site.epochs) is_complete &= epoch.missing.empty();
    return std::to_string(site.records) + " " + (is_complete ? text.complete : text.missing);
}

/// "reduced: 360 to 1 min, 720 to 1 h"; empty when everything is as it was written.
std::string reduced_of(const EpochSummary& epoch, const Words& text) {
    std::array<std::uint64_t, kMaxLevel + 1> records{};
    for (const auto& each : epoch.reduced) {
        if (each.level <= kMaxLevel) records[each.level] += each.range.size();
    }
    std::string list;
    for (std::size_t level = 1; level < records.size(); ++level) {
        if (records[level] == 0) continue;
        const auto minutes = kReductionInterval[level].count() / 60'000;
        list += list.empty() ? std::string{text.reduced} + ": " : ", ";
        list += std::to_string(records[level]) + " " + text.to + " " +
                (minutes < 60 ? with_unit(minutes, text.ages[1])
                              : with_unit(minutes / 60, text.ages[2]));
    }
    return list;
}

/// Characters, as far as UTF-8 tells; enough to line columns up.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
    }));
}

/// What a gateway says of itself must not steer the operator's terminal.
std::string printable(std::string text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) text[i] = '?';
        // U+0080 to U+009F: control characters as well, one of them begins an escape sequence.
        const bool is_control =
            byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (is_control) text[i] = text[i + 1] = '?';
    }
    return text;
}

}  // namespace

std::string human_bytes(std::uint64_t bytes, Language language) {
    constexpr std::array<const char*, 7> kUnits{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    auto amount = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (amount >= 999.95 && unit + 1 < kUnits.size()) {
        amount /= 1000;
        ++unit;
    }
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), unit == 0 ? "%.0f" : "%.1f", amount);
    std::string text{buffer.data()};
    if (language == Language::indonesian) std::replace(text.begin(), text.end(), '.', ',');
    return text + " " + kUnits[unit];
}

std::string to_table(const std::vector<SiteSummary>& sites, WallTime now, Language language) {
    const auto& text = words(language);
    if (sites.empty()) return std::string{text.nothing} + "\n";
    std::vector<Row> rows{text.headings};
    for (const auto& site : sites) {
        rows.push_back({site.site, printable(site.name),
                        age(now - site.last_heard, text) + " " + text.ago,
                        link_of(site, now, text, language), human_bytes(site.rx_bytes, language),
                        human_bytes(site.tx_bytes, language), records_of(site, text)});
    }
    std::array<std::size_t, kColumns> widths{};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < kColumns; ++i)
            widths[i] = std::max(widths[i], width_of(row[i]));
    }
    std::string table;
    for (std::size_t n = 0; n < rows.size(); ++n) {
        for (std::size_t i = 0; i < kColumns; ++i) {
            table += rows[n][i];
            if (i + 1 < kColumns) table.append(widths[i] - width_of(rows[n][i]) + 2, ' ');
        }
        table.push_back('\n');
        if (n == 0) continue;
        for (const auto& epoch : sites[n - 1].epochs) {
            for (const auto& range : epoch.missing) {
                table += std::string{"    "} + text.missing + " " +
                         std::to_string(range.first.value) + "-" +
                         std::to_string(range.last.value) + " (" + to_string(epoch.id) + ")\n";
            }
            if (epoch.is_cloned) {
                table += std::string{"    "} + text.cloned + " (" + to_string(epoch.id) + ")\n";
            }
            const auto reduced = reduced_of(epoch, text);
            if (!reduced.empty()) table += "    " + reduced + " (" + to_string(epoch.id) + ")\n";
        }
    }
    return table;
}

}  // namespace gerbang::province
