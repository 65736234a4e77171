#include <algorithm>
#include <string_view>

#include "common/web/text.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

using web::say;
using web::Text;

/// Epochs that fit a screen; there is hardly ever more than one.
constexpr std::size_t kMostEpochs = 8;

/// Why records are lost, in the reader's words; a reason of another version as it is written.
struct ReasonText {
    std::string_view reason;
    std::string_view indonesian;
    std::string_view english;
};
constexpr ReasonText kReasons[]{
    {"quota", "ruang habis, yang tertua dilepas", "out of room, the oldest given up"},
    {"damage", "berkas rusak", "damaged file"},
    {"rollback", "kartu kehilangan tulisan terakhir", "the card dropped its last writes"},
    {"storage_dropped", "kartu kehilangan tulisan terakhir", "the card dropped its last writes"},
    {"ring_full", "kartu terlalu lama tidak dapat ditulis",
     "the card could not be written too long"},
    {"ring_damaged", "cincin memori rusak", "damaged ring in memory"},
    {"series_lost", "arti angka hilang bersama kartu", "lost with the card what the numbers mean"},
    {"diverged", "provinsi memegang catatan lain", "the province holds other records"},
    {"foreign_epoch", "milik catatan lain", "of another journal"},
    {"quota_anchor", "ruang habis: setelan jam", "out of room: clock settings"},
    {"quota_clock", "ruang habis: koreksi jam", "out of room: clock corrections"},
    {"quota_path", "ruang habis: penilaian jalur", "out of room: path findings"},
    {"quota_stop", "ruang habis: gerbang berhenti", "out of room: stops"},
    {"quota_interface", "ruang habis: antarmuka", "out of room: interfaces"},
    {"quota_config", "ruang habis: konfigurasi", "out of room: configurations"},
    {"quota_note", "ruang habis: keterangan", "out of room: notes"},
    {"quota_boot_end", "ruang habis: sebab perangkat mati", "out of room: ends of boots"},
    {"quota_boot", "ruang habis: perangkat menyala", "out of room: boots"},
    {"quota_outage", "ruang habis: gangguan tertua", "out of room: the oldest outages"},
};

std::string reason_text(std::string_view reason, Language language) {
    for (const auto& known : kReasons) {
        if (known.reason != reason) continue;
        return std::string{language == Language::english ? known.english : known.indonesian};
    }
    return one_line(reason, 40);
}

std::string size_lines(const JournalFacts& facts, const RenderOptions& options) {
    const auto language = options.language;
    const auto bytes = [&](std::uint64_t count) { return human_bytes(language, count); };
    const auto whole = facts.database_bytes + facts.wal_bytes + facts.ballast_bytes +
                       facts.mirror_bytes + facts.set_aside_bytes;
    auto text = say(language, Text::journal_title, {bytes(whole), bytes(facts.quota_bytes)}) + "\n";
    auto parts = say(language, Text::journal_parts,
                     {bytes(facts.database_bytes), bytes(facts.free_bytes), bytes(facts.wal_bytes),
                      bytes(facts.ballast_bytes), bytes(facts.mirror_bytes)});
    if (facts.set_aside_bytes > 0) {
        parts += ", " + say(language, Text::journal_set_aside, {bytes(facts.set_aside_bytes)});
    }
    return text + wrap("  " + parts, 2);
}

/// What reached the block device, where it can be named. A daemon of another version says nothing.
std::string device_line(const JournalFacts& facts, Language language) {
    if (facts.commit <= Seconds{0}) return "";
    if (!facts.device_written_bytes) return wrap(say(language, Text::journal_device_unnamed));
    return wrap(say(language, Text::journal_device,
                    {one_line(facts.device, 40),
                     human_bytes(language, static_cast<std::uint64_t>(*facts.device_written_bytes)),
                     human_duration(language, facts.device_uptime.count())}));
}

std::string loss_line(const JournalFacts& facts, Language language) {
    if (facts.commit <= Seconds{0}) return "";
    const auto window = human_duration(language, facts.loss_window.count());
    if (facts.loss_window <= facts.commit) {
        return wrap(say(language, Text::journal_loss_window, {window}));
    }
    return wrap(say(language, Text::journal_loss_stretched,
                    {window, human_duration(language, facts.commit.count())}));
}

std::string written_lines(const JournalFacts& facts, Seconds offset, const RenderOptions& options) {
    const auto language = options.language;
    const auto budget = facts.daily_writes_bytes;
    const auto written = human_bytes(language, facts.written_bytes);
    std::string text;
    if (budget == 0) {
        text = wrap(say(language, Text::journal_written, {written}));
    } else {
        const auto percent =
            static_cast<double>(facts.written_bytes) * 100 / static_cast<double>(budget);
        const bool is_over = facts.written_bytes > budget;
        text = wrap(say(language, Text::journal_budget,
                        {written, human_bytes(language, budget),
                         human_count(language, static_cast<std::uint64_t>(percent))}));
        const auto meaning =
            wrap(say(language, is_over ? Text::journal_over_budget : Text::journal_in_budget));
        text += is_over ? painted(meaning, kYellow, options) : meaning;
    }
    std::string before;
    for (std::size_t i = facts.written_days.size(); i > 1; --i) {
        const auto& day = facts.written_days[i - 2];
        if (!day.start) continue;
        if (!before.empty()) before += ", ";
        before += period_label(UsagePeriod::day, *day.start, offset) + " " +
                  human_bytes(language, day.bytes);
    }
    if (!before.empty()) text += wrap(say(language, Text::journal_written_on, {before}), 2);
    return text + device_line(facts, language) + loss_line(facts, language);
}

std::string epoch_table(const JournalFacts& facts, const RenderOptions& options) {
    const auto language = options.language;
    Table table;
    table.columns = {{"epoch", false},
                     {say(language, Text::journal_last), true},
                     {say(language, Text::journal_as_taken), true},
                     {say(language, Text::journal_per_minute), true},
                     {say(language, Text::journal_per_five), true},
                     {say(language, Text::journal_per_hour), true},
                     {say(language, Text::journal_given_up), true}};
    const auto shown = std::min(facts.epochs.size(), kMostEpochs);
    for (std::size_t i = facts.epochs.size() - shown; i < facts.epochs.size(); ++i) {
        const auto& epoch = facts.epochs[i];
        std::vector<std::string> row{to_string(epoch.id).substr(0, 8),
                                     human_count(language, epoch.last.value)};
        for (const auto& level : epoch.levels) row.push_back(human_count(language, level.records));
        row.push_back(human_count(language, epoch.given_up.records));
        table.rows.push_back(std::move(row));
    }
    auto text = table.text();
    if (shown < facts.epochs.size()) {
        text += wrap("  " + say(language, Text::journal_epochs_more,
                                {std::to_string(facts.epochs.size() - shown)}),
                     2);
    }
    return text;
}

std::string damage_lines(const JournalFacts& facts, Seconds offset, const RenderOptions& options) {
    const auto language = options.language;
    const auto& damage = facts.damage;
    std::string text;
    if (!damage.found.empty()) {
        const auto found = one_line(damage.found, 200);
        text += wrap(damage.since ? say(language, Text::journal_damaged,
                                        {local_minute(language, *damage.since, offset), found})
                                  : say(language, Text::journal_damaged_once, {found}));
    }
    if (damage.is_salvaging) {
        text += wrap(say(
            language, Text::journal_salvaging,
            {human_count(language, damage.blocks_done), human_count(language, damage.blocks_found),
             human_count(language, damage.salvaged_records)}));
    } else if (damage.salvaged_records > 0) {
        text += wrap(say(language, Text::journal_salvaged,
                         {human_count(language, damage.salvaged_records)}));
    }
    if (facts.check.of == 0) return text;
    const auto percent =
        std::to_string(std::min(facts.check.records, facts.check.of) * 100 / facts.check.of);
    const auto rounds = facts.check.rounds;
    return text + wrap(rounds == 0 ? say(language, Text::journal_checked, {percent})
                                   : say(language, Text::journal_checked_whole,
                                         {human_count(language, rounds), percent}));
}

}  // namespace

std::string render_journal(const JournalFacts& facts, Seconds utc_offset,
                           const RenderOptions& options) {
    const auto language = options.language;
    auto text = size_lines(facts, options);
    text += wrap(say(language, Text::journal_protected,
                     {human_bytes(language, facts.protected_bytes),
                      human_bytes(language, facts.protected_limit)}));
    text += written_lines(facts, utc_offset, options);
    text += wrap(facts.days_left
                     ? say(language, Text::journal_days_left,
                           {human_count(language, static_cast<std::uint64_t>(std::max<std::int64_t>(
                                                      *facts.days_left, 0)))})
                     : say(language, Text::journal_days_unknown));
    if (facts.oldest_wall) {
        text += wrap(say(language, Text::journal_oldest,
                         {local_minute(language, *facts.oldest_wall, utc_offset) + " " +
                          zone_name(utc_offset)}));
    }
    text += "\n" + epoch_table(facts, options) + "\n";
    for (const auto& pin : facts.pins) {
        std::uint64_t owed = 0;
        for (const auto& range : pin.owed) owed += range.range.size();
        const auto name = one_line(pin.consumer, 64);
        text += wrap(owed == 0
                         ? say(language, Text::journal_held, {name})
                         : say(language, Text::journal_owed, {name, human_count(language, owed)}));
        if (pin.is_pinning) continue;
        text += wrap(say(language, Text::journal_silent,
                         {name, std::to_string(pin.silent_for.count() / 86'400)}));
    }
    text += damage_lines(facts, utc_offset, options);
    if (facts.losses.empty()) return text + wrap(say(language, Text::journal_nothing_lost));
    for (const auto& loss : facts.losses) {
        text +=
            wrap(say(language, Text::journal_lost,
                     {human_count(language, loss.records), reason_text(loss.reason, language)}));
    }
    return text;
}

}  // namespace gerbang::cli
