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

/// The bounds of both ends where they differ, and the evidence, below the outage's row.
std::string details(const OutageRow& row, Seconds offset, const RenderOptions& options) {
    const auto language = options.language;
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
    if (!row.first_bad) add(say(language, Text::outage_undated));
    if (row.least_s && row.most_s && !is_short(row) && *row.least_s != *row.most_s) {
        add(say(language, Text::outage_bounds_duration,
                {clock_duration(language, *row.least_s), clock_duration(language, *row.most_s)}));
    }
    if (row.last_good && row.first_bad && *row.last_good < *row.first_bad) {
        add(say(language, Text::outage_bounds_start,
                {local_second(*row.last_good, offset), local_second(*row.first_bad, offset)}));
    }
    if (row.last_bad && row.first_good && *row.last_bad < *row.first_good) {
        add(say(language, Text::outage_bounds_end,
                {local_second(*row.last_bad, offset), local_second(*row.first_good, offset)}));
    }
    if (!row.evidence.empty()) {
        add(say(language, Text::outage_evidence, {one_line(row.evidence)}));
    }
    return text.empty() ? "" : wrap("    " + text, 4);
}

}  // namespace

std::string render_outages(const std::vector<OutageRow>& rows, Seconds utc_offset,
                           const RenderOptions& options) {
    const auto language = options.language;
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
             duration(*row, options), say(language, web::short_cause_text(row->cause))});
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
