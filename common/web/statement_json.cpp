#include "common/web/statement_json.hpp"

#include <boost/json.hpp>
#include <optional>

#include "common/web/members.hpp"

namespace gerbang::web {
namespace {

constexpr std::size_t kMaxText = 16u << 20;
constexpr std::size_t kMaxOutages = 100'000;
constexpr std::size_t kMaxDays = 1000;

/// Slots are of fixed width; `Seconds` is a class.
struct Count {
    explicit Count(Seconds& seconds) : value{seconds.count()}, into{&seconds} {}
    void keep() const { *into = Seconds{value}; }
    std::int64_t value;
    Seconds* into;
};

/// A name that stands for a value; the reader refuses unknown ones.
template <class T>
void named(Way& way, const char* name, T& value, std::optional<T> (*parse)(std::string_view)) {
    std::string text{to_string(value)};
    way.members({{name, text}});
    const auto parsed = parse(text);
    if (parsed) value = *parsed;
    if (auto* reader = way.reader(); reader != nullptr && !parsed) {
        reader->fail(name, "is not a name that is known here");
    }
}

void period(Way& way, WallTime& from, WallTime& to) {
    std::optional<WallTime> begin = from;
    std::optional<WallTime> end = to;
    way.members({{"from", begin}, {"to", end}});
    from = begin.value_or(from);
    to = end.value_or(to);
}

void judged(Way way, sla::Judged& value) {
    Count certain{value.certain};
    Count possible{value.possible};
    Count in_period{value.in_period};
    way.members({{"id", value.id}});
    named<sla::Party>(way, "party", value.party,
                      [](std::string_view text) { return sla::parse_party(text); });
    named<Cause>(way, "cause", value.cause,
                 [](std::string_view text) { return parse_cause(text); });
    period(way, value.from, value.to);
    way.members({{"certain_s", certain.value},
                 {"possible_s", possible.value},
                 {"in_period_s", in_period.value}});
    named<sla::Judged::Verdict>(way, "verdict", value.verdict,
                                [](std::string_view text) { return sla::parse_verdict(text); });
    way.members({{"reason", value.reason}});
    certain.keep();
    possible.keep();
    in_period.keep();
}

void by_cause(Way way, std::map<Cause, Seconds>& causes) {
    for (std::size_t c = 0; c < kCauseCount; ++c) {
        const auto cause = static_cast<Cause>(c);
        const auto found = causes.find(cause);
        std::optional<std::int64_t> seconds;
        if (found != causes.end()) seconds = found->second.count();
        way.members({{to_string(cause).data(), seconds}});
        if (seconds) causes[cause] = Seconds{*seconds};
    }
}

void down(Way way, sla::Statement& statement) {
    for (std::size_t p = 0; p < sla::kPartyCount; ++p) {
        const auto party = static_cast<sla::Party>(p);
        const char* party_name = to_string(party).data();
        auto* reader = way.reader();
        if (reader != nullptr ? !reader->has(party_name) : !statement.down.contains(party)) {
            continue;
        }
        by_cause(way.object(party_name), statement.down[party]);
    }
}

/// A share of a million, or nothing.
void share(Way& way, const char* name, std::optional<std::uint32_t>& value) {
    std::optional<std::int64_t> parts;
    if (value) parts = *value;
    way.members({{name, parts}});
    auto* reader = way.reader();
    if (reader == nullptr || !parts) return;
    if (*parts < 0 || *parts > 1'000'000) return reader->fail(name, "expected 0 to 1000000");
    value = static_cast<std::uint32_t>(*parts);
}

void all(Way way, sla::Statement& statement) {
    Count whole{statement.period};
    Count up{statement.up};
    Count unmeasured{statement.unmeasured};
    Count uncertain{statement.uncertain};
    Count counted{statement.counted};
    Count disputed{statement.disputed};
    period(way, statement.from, statement.to);
    way.members({{"clauses", statement.clauses},
                 {"is_example", statement.is_example},
                 {"period_s", whole.value},
                 {"up_s", up.value},
                 {"unmeasured_s", unmeasured.value}});
    down(way.object("down_s"), statement);
    way.members({{"uncertain_s", uncertain.value}});
    way.list("outages", kMaxOutages, statement.outages, &judged);
    way.members({{"counted_s", counted.value}, {"disputed_s", disputed.value}});
    share(way, "raw_ppm", statement.raw_ppm);
    share(way, "clause_ppm", statement.clause_ppm);
    way.members({{"coverage_ppm", statement.coverage_ppm},
                 {"has_verdict", statement.has_verdict},
                 {"is_kept", statement.is_kept}});
    for (const auto* count : {&whole, &up, &unmeasured, &uncertain, &counted, &disputed})
        count->keep();
}

void one_day(Way way, sla::Day& day) {
    Count whole{day.period};
    Count up{day.up};
    Count unmeasured{day.unmeasured};
    way.members({{"day", day.day, Slot::Kind::needed},
                 {"period_s", whole.value},
                 {"up_s", up.value},
                 {"unmeasured_s", unmeasured.value}});
    by_cause(way.object("down"), day.down);
    share(way, "raw_ppm", day.raw_ppm);
    for (const auto* count : {&whole, &up, &unmeasured}) count->keep();
}

void all_days(Way way, std::vector<sla::Day>& days) {
    if (auto* reader = way.reader(); reader != nullptr && !reader->has("days")) {
        reader->fail("days", "is missing");
    }
    way.list("days", kMaxDays, days, &one_day);
}

}  // namespace

std::string to_json(const sla::Statement& statement) {
    return write_document(statement, &all);
}

Result<sla::Statement> statement_from_json(const std::string& text) {
    return read_document<sla::Statement>(text, "statement", kMaxText, &all);
}

std::string to_json(const std::vector<sla::Day>& days) {
    return write_document(days, &all_days);
}

Result<std::vector<sla::Day>> days_from_json(const std::string& text) {
    return read_document(text, "availability", kMaxText, &all_days);
}

}  // namespace gerbang::web
