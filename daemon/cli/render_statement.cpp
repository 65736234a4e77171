#include <algorithm>

#include "common/web/text.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

using sla::Judged;
using sla::Statement;
using web::say;
using web::Text;

constexpr std::size_t kUsualLimit = 20;

std::string party_name(sla::Party party, Language language) {
    return say(language, static_cast<Text>(static_cast<std::uint16_t>(Text::party_provider) +
                                           static_cast<std::uint16_t>(party)));
}

std::string share(const std::optional<std::uint32_t>& ppm, Language language) {
    return ppm ? human_percent(language, *ppm) : say(language, Text::sla_nothing_measured);
}

std::string availability(const Statement& statement, Language language) {
    Table table;
    table.columns = {{"", false}, {"", true}};
    table.rows = {
        {say(language, Text::sla_raw), share(statement.raw_ppm, language)},
        {say(language, Text::sla_by_clauses), share(statement.clause_ppm, language)},
        {say(language, Text::sla_coverage), human_percent(language, statement.coverage_ppm)},
        {say(language, Text::sla_unmeasured), hours_minutes(statement.unmeasured)}};
    const auto text = table.text();
    return text.substr(text.find('\n') + 1);  // without its empty heading
}

std::string lost_time(const Statement& statement, Language language) {
    Table table;
    table.columns = {{"", false}, {"", false}, {"", true}};
    for (const auto& [party, causes] : statement.down) {
        for (const auto& [cause, seconds] : causes) {
            if (seconds.count() == 0) continue;
            table.rows.push_back({"  " + party_name(party, language),
                                  say(language, web::short_cause_text(cause)),
                                  hours_minutes(seconds)});
        }
    }
    if (table.rows.empty()) return wrap(say(language, Text::sla_nothing_lost));
    const auto text = table.text();
    const auto rows = text.substr(text.find('\n') + 1);
    return wrap(say(language, Text::sla_lost)) + rows;
}

/// The outages of one verdict under their headline, newest last.
std::string judged(const Statement& statement, Judged::Verdict verdict, Text headline, Seconds sum,
                   Seconds offset, const RenderOptions& options) {
    const auto language = options.language;
    const auto limit = options.limit == 0 ? kUsualLimit : options.limit;
    const auto count = static_cast<std::size_t>(
        std::count_if(statement.outages.begin(), statement.outages.end(),
                      [&](const Judged& outage) { return outage.verdict == verdict; }));
    auto older = count > limit ? count - limit : 0;
    const auto not_shown = older;
    std::string lines;
    for (const auto& outage : statement.outages) {
        if (outage.verdict != verdict) continue;
        if (older > 0) {
            --older;
            continue;
        }
        auto lasted = hours_minutes(outage.certain);
        const auto most = hours_minutes(outage.possible);
        if (most != lasted) lasted += " - " + most;
        lines += wrap("  " + local_second(outage.from, offset).substr(0, 16) + "  " + lasted +
                          "  " + party_name(outage.party, language),
                      4);
    }
    auto text = wrap(say(language, headline, {std::to_string(count), hours_minutes(sum)})) + lines;
    if (not_shown > 0) {
        text += wrap(say(language, Text::outages_more, {std::to_string(not_shown)}));
    }
    return text;
}

/// The cells of one row, and its causes behind them, the worst first.
void add_day(Table& table, std::vector<std::string>& behind, const sla::Day& day,
             Language language) {
    std::vector<std::pair<Seconds, Cause>> causes;
    Seconds down{};
    for (const auto& [cause, seconds] : day.down) {
        causes.emplace_back(-seconds, cause);
        down += seconds;
    }
    std::sort(causes.begin(), causes.end());
    std::string text;
    for (const auto& [seconds, cause] : causes) {
        text += (text.empty() ? "  " : ", ") + say(language, web::short_cause_text(cause)) + " " +
                hours_minutes(-seconds);
    }
    behind.push_back(std::move(text));
    table.rows.push_back({one_line(day.day, 10), hours_minutes(day.up), hours_minutes(down),
                          hours_minutes(day.unmeasured),
                          day.raw_ppm ? human_percent(language, *day.raw_ppm) : "-"});
}

}  // namespace

std::string render_days(const std::vector<sla::Day>& days, const std::string& title,
                        const web::Status& status, const RenderOptions& options) {
    const auto language = options.language;
    Table table;
    table.columns = {{say(language, Text::day), false},
                     {say(language, Text::days_up), true},
                     {say(language, Text::days_down), true},
                     {say(language, Text::days_unmeasured), true},
                     {say(language, Text::days_available), true}};
    std::vector<std::string> behind{"  " + say(language, Text::outage_cause)};
    sla::Day sum;
    // Days that have not begun yet are nobody's loss of measurements.
    const auto now = status.clock.now;
    const auto today =
        now ? local_second(*now, Seconds{status.site.utc_offset_s}).substr(0, 10) : "";
    for (const auto& day : days) {
        if (now && day.day > today) continue;
        add_day(table, behind, day, language);
        sum.period += day.period;
        sum.up += day.up;
        sum.unmeasured += day.unmeasured;
        for (const auto& [cause, seconds] : day.down) sum.down[cause] += seconds;
    }
    const auto measured = (sum.period - sum.unmeasured).count();
    if (measured > 0) {
        sum.raw_ppm = static_cast<std::uint32_t>(sum.up.count() * 1'000'000 / measured);
    }
    sum.day = say(language, Text::total);
    add_day(table, behind, sum, language);

    auto text = wrap(say(language, Text::sla_title,
                         {one_line(title, 40), zone_name(Seconds{status.site.utc_offset_s}),
                          one_line(status.site.id, 64)})) +
                wrap(say(language, Text::days_units));
    const auto lines = table.text();
    std::size_t start = 0;
    for (const auto& causes : behind) {
        const auto end = lines.find('\n', start);
        const auto line = lines.substr(start, end - start);
        text += wrap(line + causes, width_of(line) + 2);
        start = end + 1;
    }
    return text;
}

std::string render_statement(const Statement& statement, const std::string& title,
                             const web::Status& status, const RenderOptions& options) {
    const auto language = options.language;
    const Seconds offset{status.site.utc_offset_s};
    auto text = wrap(say(language, Text::sla_title,
                         {one_line(title, 40), zone_name(offset), one_line(status.site.id, 64)}));
    text += wrap(say(language, Text::sla_clauses, {one_line(statement.clauses, 64)}));
    if (statement.is_example) {
        text += painted(wrap(say(language, Text::sla_example)), kYellow, options);
    }
    if (status.clock.now && statement.to > *status.clock.now) {
        text += wrap(say(language, Text::sla_not_over));
    }
    text += "\n" + availability(statement, language);
    auto verdict = Text::sla_no_verdict;
    if (statement.has_verdict) verdict = statement.is_kept ? Text::sla_kept : Text::sla_broken;
    text += wrap(say(language, verdict)) + "\n" + lost_time(statement, language) + "\n";
    return text +
           judged(statement, Judged::Verdict::counts, Text::sla_counted, statement.counted, offset,
                  options) +
           judged(statement, Judged::Verdict::disputed, Text::sla_disputed, statement.disputed,
                  offset, options);
}

}  // namespace gerbang::cli
