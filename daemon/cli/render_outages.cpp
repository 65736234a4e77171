#include <algorithm>

#include "common/web/text.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

using web::OutageRow;
using web::say;
using web::Text;

constexpr std::size_t kUsualLimit = 20;
/// Stands where a boot never learned the time.
constexpr const char* kNoTime = "-";

std::string when(const std::optional<WallTime>& at, Seconds offset) {
    return at ? local_second(*at, offset) : kNoTime;
}

/// Both bounds stand in the table while they are short; days would make it too wide.
bool is_short(const OutageRow& row) {
    return !row.most_s || *row.most_s < 86'400;
}

/// The outage under way has lasted until now at least; the journal knows its end only later.
OutageRow lasting(OutageRow row, const web::Status& status) {
    if (!row.is_open || row.least_s) return row;
    if (row.first_bad && status.clock.now && *row.first_bad <= *status.clock.now) {
        row.least_s =
            std::chrono::duration_cast<Seconds>(*status.clock.now - *row.first_bad).count();
    } else if (row.link == link_name::kWan && status.link.state == "down") {
        row.least_s = status.link.since_s;
    }
    return row;
}

std::string duration(const OutageRow& row, const RenderOptions& options) {
    const auto language = options.language;
    if (!row.least_s && !row.most_s) return kNoTime;
    const auto least = row.least_s ? clock_duration(language, *row.least_s) : std::string{"?"};
    if (!row.most_s || (row.least_s && !is_short(row) && *row.least_s != *row.most_s)) {
        return least + " +";
    }
    const auto most = clock_duration(language, *row.most_s);
    return least == most ? least : least + " - " + most;
}

/// `at` without its date where that is the one of `before`, named just before.
std::string short_second(WallTime at, WallTime before, Seconds offset) {
    constexpr std::size_t kDate = 11;  // "2026-11-21 "
    auto text = local_second(at, offset);
    const auto is_same_day = text.compare(0, kDate, local_second(before, offset), 0, kDate) == 0;
    return is_same_day ? text.substr(kDate) : text;
}

/// "2026-11-21 14:05:04" and "14:05:07" into `sentence`; nothing where seconds do not tell them
/// apart.
std::string bounds(Text sentence, const std::optional<WallTime>& first,
                   const std::optional<WallTime>& last, Seconds offset, Language language) {
    if (!first || !last || *last <= *first) return {};
    const auto from = local_second(*first, offset);
    if (from == local_second(*last, offset)) return {};
    return say(language, sentence, {from, short_second(*last, *first, offset)});
}

/// The bounds of both ends where they differ, and the evidence, below the outage's row.
std::string details(const OutageRow& row, Seconds offset, const RenderOptions& options) {
    const auto language = options.language;
    std::string text;
    const auto add = [&](const std::string& part) {
        if (!part.empty()) text += (text.empty() ? "" : "; ") + part;
    };
    if (!row.first_bad) add(say(language, Text::outage_undated));
    if (row.least_s && row.most_s && !is_short(row) && *row.least_s != *row.most_s) {
        add(say(language, Text::outage_bounds_duration,
                {clock_duration(language, *row.least_s), clock_duration(language, *row.most_s)}));
    }
    add(bounds(Text::outage_bounds_start, row.last_good, row.first_bad, offset, language));
    add(bounds(Text::outage_bounds_end, row.last_bad, row.first_good, offset, language));
    if (row.link != link_name::kWan) {
        add(say(language, Text::outage_link, {one_line(row.link, 48)}));
    }
    if (row.confidence != Confidence::none) {
        add(say(language, Text::confidence_is,
                {say(language, web::confidence_text(row.confidence))}));
    }
    if (!row.evidence.empty()) {
        add(say(language, Text::outage_evidence,
                {web::evidence_text(language, one_line(row.evidence))}));
    }
    return text.empty() ? "" : wrap("    " + text, 4);
}

}  // namespace

std::string render_outages(const std::vector<OutageRow>& rows, const web::Status& status,
                           const RenderOptions& options) {
    const auto language = options.language;
    const Seconds utc_offset{status.site.utc_offset_s};
    if (rows.empty()) return wrap(say(language, Text::outages_none));
    const auto limit = options.limit == 0 ? kUsualLimit : options.limit;
    const auto shown = std::min(limit, rows.size());

    Table table;
    table.columns = {{say(language, Text::outage_start), false},
                     {say(language, Text::outage_end), false},
                     {say(language, Text::outage_duration), false},
                     {say(language, Text::outage_cause), false}};
    std::vector<std::string> below;
    for (auto row = rows.rbegin(); row != rows.rbegin() + static_cast<std::ptrdiff_t>(shown);
         ++row) {
        table.rows.push_back(
            {when(row->first_bad, utc_offset),
             row->is_open ? say(language, Text::outage_open) : when(row->first_good, utc_offset),
             duration(lasting(*row, status), options),
             say(language, web::short_cause_text(row->cause))});
        below.push_back(details(*row, utc_offset, options));
    }
    auto text = wrap(say(language, Text::outages_title, {zone_name(utc_offset)}));
    const auto lines = table.text();
    std::size_t start = 0;
    for (std::size_t i = 0; i <= below.size(); ++i) {
        const auto end = lines.find('\n', start) + 1;
        text += lines.substr(start, end - start);
        if (i > 0) text += below[i - 1];
        start = end;
    }
    if (shown < rows.size()) {
        text += wrap(say(language, Text::outages_more, {std::to_string(rows.size() - shown)}));
    }
    return text;
}

}  // namespace gerbang::cli
