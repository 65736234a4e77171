#include <algorithm>
#include <set>

#include "common/web/text.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

using web::say;
using web::Text;

constexpr std::size_t kBarWidth = 16;

Text title_of(UsagePeriod period) {
    switch (period) {
        case UsagePeriod::hour:
            return Text::usage_by_hour;
        case UsagePeriod::day:
            return Text::usage_by_day;
        case UsagePeriod::month:
            return Text::usage_by_month;
        case UsagePeriod::year:
            break;
    }
    return Text::usage_by_year;
}

Text column_of(UsagePeriod period) {
    switch (period) {
        case UsagePeriod::hour:
            return Text::hour;
        case UsagePeriod::day:
            return Text::day;
        case UsagePeriod::month:
            return Text::month;
        case UsagePeriod::year:
            break;
    }
    return Text::year;
}

std::size_t usual_limit(UsagePeriod period) {
    switch (period) {
        case UsagePeriod::hour:
            return 24;
        case UsagePeriod::day:
            return 30;
        case UsagePeriod::month:
            return 12;
        case UsagePeriod::year:
            break;
    }
    return 10;
}

/// `bytes` as a part of `most`, drawn `kBarWidth` wide in eighths of a column where that can be.
std::string bar(std::uint64_t bytes, std::uint64_t most, bool use_utf8) {
    if (most == 0) return "";
    const auto share = static_cast<double>(bytes) / static_cast<double>(most);
    const auto eighths = static_cast<std::size_t>(share * kBarWidth * 8 + 0.5);
    std::string text;
    if (!use_utf8) return std::string((eighths + 4) / 8, '#');
    for (std::size_t i = 0; i < eighths / 8; ++i) text += "\u2588";
    if (eighths % 8 > 0) {
        // U+258F is one eighth, U+2589 seven: the code points count downwards.
        text += "\xe2\x96";
        text += static_cast<char>(0x90 - eighths % 8);
    }
    return text;
}

std::uint64_t sum_of(const UsageRow& row) {
    return row.sum.received.value + row.sum.transmitted.value;
}

std::int64_t seconds_between(WallTime from, WallTime to) {
    return std::chrono::duration_cast<Seconds>(to - from).count();
}

/// How long of the row's period has passed; the whole of it when `now` is not known.
std::int64_t elapsed_of(const UsageRow& row, const UsageView& view) {
    const auto end = period_end(view.period, row.start, view.utc_offset);
    return seconds_between(row.start, view.now ? std::clamp(*view.now, row.start, end) : end);
}

/// Less than 98 % of what could be measured was. A minute of slack: the newest readings are not
/// in the journal yet.
bool is_partial(const UsageRow& row, const UsageView& view) {
    const auto possible = elapsed_of(row, view);
    return static_cast<std::int64_t>(row.sum.measured_s) + 60 < possible * 98 / 100;
}

std::vector<std::string> cells(const std::string& label, std::uint64_t received,
                               std::uint64_t transmitted, const std::string& rate,
                               const std::string& chart, Language language) {
    return {label,
            human_bytes(language, received),
            human_bytes(language, transmitted),
            human_bytes(language, received + transmitted),
            rate,
            chart};
}

std::uint64_t scaled(std::uint64_t bytes, std::int64_t whole, std::int64_t part) {
    return static_cast<std::uint64_t>(static_cast<double>(bytes) * static_cast<double>(whole) /
                                      static_cast<double>(part));
}

/// What the period under way will come to if it goes on like this; nothing too early to tell.
void add_estimate(const UsageRow& last, const UsageView& view, Language language, Table& table) {
    if (!view.now) return;
    const auto end = period_end(view.period, last.start, view.utc_offset);
    const auto whole = seconds_between(last.start, end);
    const auto elapsed = elapsed_of(last, view);
    if (*view.now >= end || elapsed < whole / 20 || elapsed <= 0) return;
    table.rows.push_back(
        cells(say(language, Text::estimated), scaled(last.sum.received.value, whole, elapsed),
              scaled(last.sum.transmitted.value, whole, elapsed), "", "", language));
}

/// Why there is no table: nothing yet, or a name that the journal does not know.
std::string nothing_recorded(const std::vector<UsageRow>& rows, const UsageView& view,
                             Language language) {
    std::set<std::string> names;
    for (const auto& row : rows) {
        if (!row.is_role) names.insert(one_line(row.name, 20));
    }
    if (view.name.empty() || names.empty()) return wrap(say(language, Text::usage_none));
    std::string known;
    for (const auto& name : names) known += (known.empty() ? "" : ", ") + name;
    return wrap(say(language, Text::usage_no_such, {one_line(view.name, 20), known}));
}

}  // namespace

std::string render_usage(const std::vector<UsageRow>& rows, const UsageView& view,
                         const RenderOptions& options) {
    const auto language = options.language;
    std::vector<UsageRow> dated;
    std::vector<UsageRow> undated;
    for (const auto& row : rows) {
        const bool is_wanted = view.name.empty() ? row.is_role && row.name == "wan"
                                                 : !row.is_role && row.name == view.name;
        if (is_wanted) (row.is_undated ? undated : dated).push_back(row);
    }
    if (dated.empty() && undated.empty()) return nothing_recorded(rows, view, language);
    std::stable_sort(dated.begin(), dated.end(),
                     [](const UsageRow& a, const UsageRow& b) { return a.start < b.start; });
    const auto limit = options.limit == 0 ? usual_limit(view.period) : options.limit;
    if (dated.size() > limit) {
        dated.erase(dated.begin(), dated.end() - static_cast<std::ptrdiff_t>(limit));
    }

    const auto name = view.name.empty() ? std::string{"internet"} : one_line(view.name, 20);
    auto text = wrap(say(language, title_of(view.period), {name, zone_name(view.utc_offset)}));
    Table table;
    table.columns = {
        {say(language, column_of(view.period)), false}, {say(language, Text::received), true},
        {say(language, Text::transmitted), true},       {say(language, Text::total), true},
        {say(language, Text::mean_rate), true},         {"", false}};
    std::uint64_t most = 0;
    for (const auto& row : dated) most = std::max(most, sum_of(row));
    bool has_partial = false;
    for (const auto& row : dated) {
        const bool is_marked = is_partial(row, view);
        has_partial = has_partial || is_marked;
        const auto label =
            period_label(view.period, row.start, view.utc_offset) + (is_marked ? "*" : "");
        const auto rate =
            row.sum.measured_s == 0
                ? std::string{"-"}
                : human_rate(language,
                             static_cast<std::uint64_t>(static_cast<double>(sum_of(row)) * 8 /
                                                        static_cast<double>(row.sum.measured_s)));
        table.rows.push_back(cells(label, row.sum.received.value, row.sum.transmitted.value, rate,
                                   bar(sum_of(row), most, options.use_utf8), language));
    }
    if (!dated.empty()) {
        add_estimate(dated.back(), view, language, table);
        text += table.text();
    }
    for (const auto& row : undated) {
        text += wrap(say(language, Text::undated,
                         {human_bytes(language, row.sum.received.value),
                          human_bytes(language, row.sum.transmitted.value)}),
                     2);
    }
    if (has_partial) text += wrap(say(language, Text::usage_partial), 2);
    return text;
}

}  // namespace gerbang::cli
