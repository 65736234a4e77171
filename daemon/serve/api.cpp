#include "daemon/serve/api.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/core/check.hpp"
#include "common/web/clauses_json.hpp"
#include "common/web/statement_json.hpp"
#include "common/wire/codec.hpp"
#include "daemon/serve/answers.hpp"

namespace gerbang {
namespace {

constexpr WallTime kBeginning = wall_from_ms(0);
constexpr WallTime kEndOfTime = wall_from_ms(253'402'300'799'000);  // 9999-12-31T23:59:59Z

std::optional<UsagePeriod> period_of(std::string_view name) {
    if (name == "hour") return UsagePeriod::hour;
    if (name == "day") return UsagePeriod::day;
    if (name == "month") return UsagePeriod::month;
    if (name == "year") return UsagePeriod::year;
    return std::nullopt;
}

Result<WallTime> time_of_parameter(const std::vector<Parameter>& parameters, std::string_view name,
                                   WallTime otherwise) {
    const auto* text = find(parameters, name);
    if (text == nullptr) return otherwise;
    // People leave out the milliseconds, or the time of day.
    std::string whole = *text;
    if (whole.size() == 10) whole += "T00:00:00Z";
    if (whole.size() == 20 && whole.back() == 'Z') whole.insert(19, ".000");
    const auto at = web::parse_rfc3339(whole);
    if (at) return *at;
    return Error{Errc::bad_input, std::string{name} +
                                      ": expected a time such as "
                                      "2026-11-21T06:05:04Z"};
}

/// A span of wall time; `is_given`: the request named one of its ends at least.
struct Span {
    WallTime from = kBeginning;
    WallTime to = kEndOfTime;
    bool is_given = false;
};

Result<Span> span_of(const std::vector<Parameter>& parameters) {
    const auto from = time_of_parameter(parameters, "from", kBeginning);
    if (!from) return from.error();
    const auto to = time_of_parameter(parameters, "to", kEndOfTime);
    if (!to) return to.error();
    if (*to < *from) return Error{Errc::bad_input, "to: lies before from"};
    return Span{*from, *to,
                find(parameters, "from") != nullptr || find(parameters, "to") != nullptr};
}

/// "2026-10" in the site's own time.
Result<Span> month_span(const std::string& text, Seconds utc_offset) {
    int year = 0;
    unsigned month = 0;
    const auto* begin = text.data();
    const bool is_month = text.size() == 7 && text[4] == '-' &&
                          std::from_chars(begin, begin + 4, year).ptr == begin + 4 &&
                          std::from_chars(begin + 5, begin + 7, month).ptr == begin + 7 &&
                          year >= 1970 && month >= 1 && month <= 12;
    if (!is_month) return Error{Errc::bad_input, "month: expected such as 2026-10"};
    const auto first = std::chrono::year{year} / std::chrono::month{month};
    const auto midnight = [&](std::chrono::year_month of) {
        return WallTime{std::chrono::sys_days{of / 1}} - utc_offset;
    };
    return Span{midnight(first), midnight(first + std::chrono::months{1}), true};
}

/// Whether the outage may have gone on at any time of the span.
bool touches(const web::OutageRow& row, const Span& span) {
    const auto& begin = row.last_good ? row.last_good : row.first_bad;
    const auto& end = row.first_good ? row.first_good : row.last_bad;
    if (!begin && !end) return !span.is_given;
    return (!begin || *begin < span.to) && (row.is_open || !end || *end >= span.from);
}

bool is_json(std::string_view content_type) {
    return content_type.substr(0, content_type.find(';')) == "application/json";
}

/// The member `sync` of the status as common/web writes it, so that both have one form. Nothing
/// but consumers is in that text, so the member's name cannot be part of a value before it.
std::string sync_json(const web::Status& status) {
    web::Status only;
    only.sync = status.sync;
    const auto text = web::to_json(only);
    constexpr std::string_view kName = "\"sync\":";
    const auto name = text.find(kName);
    GERBANG_CHECK(name != std::string::npos);
    const auto begin = name + kName.size();
    int depth = 0;
    bool is_in_string = false;
    for (auto at = begin; at < text.size(); ++at) {
        const char c = text[at];
        if (is_in_string) {
            if (c == '\\') ++at;
            is_in_string = c != '"';
        } else if (c == '"') {
            is_in_string = true;
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if ((c == ']' || c == '}') && --depth == 0) {
            return text.substr(begin, at + 1 - begin);
        }
    }
    GERBANG_CHECK(false);
    return {};
}

constexpr std::size_t kMaxClausesBytes = 64u << 10;
constexpr std::size_t kMaxRequestBytes = 4u << 10;

enum class What {
    healthz,
    metrics,
    status,
    sync,
    usage,
    outages,
    sla,
    days,
    journal,
    epochs,
    batch,
    push_now,
    probe,
    note,
    clock
};

struct Route {
    std::string_view path;
    What what;
    bool may_get;
    bool may_post;
    std::size_t max_body;  ///< of a POST, application/json; 0: a body says nothing
};
constexpr std::array kRoutes{Route{"/healthz", What::healthz, true, false, 0},
                             Route{"/metrics", What::metrics, true, false, 0},
                             Route{"/v1/status", What::status, true, false, 0},
                             Route{"/v1/sync", What::sync, true, false, 0},
                             Route{"/v1/usage", What::usage, true, false, 0},
                             Route{"/v1/outages", What::outages, true, false, 0},
                             Route{"/v1/sla", What::sla, true, true, kMaxClausesBytes},
                             Route{"/v1/availability", What::days, true, false, 0},
                             Route{"/v1/journal", What::journal, true, false, 0},
                             Route{"/v1/epochs", What::epochs, true, false, 0},
                             Route{"/v1/batches", What::batch, true, false, 0},
                             Route{"/v1/sync/now", What::push_now, false, true, 0},
                             Route{"/v1/probe", What::probe, false, true, 0},
                             Route{"/v1/notes", What::note, false, true, kMaxRequestBytes},
                             Route{"/v1/clock", What::clock, false, true, kMaxRequestBytes}};

/// Why the request does not fit its route; nothing when it does.
std::optional<ServerResponse> misfit(const ServerRequest& request, const Route& route) {
    const bool is_get = request.method == "GET" || request.method == "HEAD";
    if (is_get ? !route.may_get : !route.may_post || request.method != "POST") {
        std::string allowed = route.may_get ? "GET, HEAD" : "";
        if (route.may_post) allowed += allowed.empty() ? "POST" : ", POST";
        return wrong_method(std::move(allowed));
    }
    if (is_get || route.max_body == 0) return std::nullopt;
    if (!is_json(request.content_type)) {
        return problem(415, "Unsupported Media Type", "expected Content-Type: application/json");
    }
    if (request.body.size() > route.max_body) {
        return problem(413, "Content Too Large",
                       "at most " + std::to_string(route.max_body) + " bytes");
    }
    return std::nullopt;
}

class LocalApi {
public:
    explicit LocalApi(ApiSources sources) : sources_{std::move(sources)} {
        GERBANG_CHECK(sources_.status && sources_.newest && sources_.usage && sources_.outages &&
                      sources_.push_now && sources_.probe_now && sources_.note &&
                      sources_.set_clock && sources_.statement && sources_.days &&
                      sources_.journal && sources_.epochs && sources_.batch);
    }

    net::awaitable<ServerResponse> answer(ServerRequest request) {
        const auto* const route =
            std::find_if(kRoutes.begin(), kRoutes.end(),
                         [&](const Route& one) { return one.path == request.path; });
        if (route == kRoutes.end()) co_return problem(404, "Not Found", "no such path");
        if (auto refusal = misfit(request, *route)) co_return std::move(*refusal);
        if (route->what == What::usage) {
            auto rows = co_await usage(std::move(request));
            co_return rows;
        }
        if (route->what == What::outages) {
            auto rows = co_await outages(std::move(request));
            co_return rows;
        }
        if (route->what == What::sla || route->what == What::days) {
            auto statement = co_await sla(std::move(request), route->what == What::days);
            co_return statement;
        }
        if (route->what == What::batch) {
            auto records = co_await batch(std::move(request));
            co_return records;
        }
        const auto parameters = parameters_of(request, {});
        if (!parameters) co_return bad_request(parameters.error().detail);
        if (route->what == What::journal) {
            const auto facts = co_await sources_.journal();
            if (!facts) co_return failed(facts.error());
            co_return json_answer(web::to_json(*facts));
        }
        if (route->what == What::epochs) {
            const auto rows = co_await sources_.epochs();
            if (!rows) co_return failed(rows.error());
            co_return json_answer(web::to_json(*rows));
        }
        if (route->what == What::probe) {
            const auto report = co_await sources_.probe_now();
            if (!report) co_return failed(report.error());
            co_return json_answer(web::to_json(*report));
        }
        co_return at_once(route->what, request.body);
    }

private:
    net::awaitable<ServerResponse> usage(ServerRequest request) {
        const auto parameters = parameters_of(request, {"by", "from", "to"});
        if (!parameters) co_return bad_request(parameters.error().detail);
        auto period = std::optional{UsagePeriod::day};
        if (const auto* by = find(*parameters, "by")) period = period_of(*by);
        if (!period) co_return bad_request("by: expected hour, day, month or year");
        const auto span = span_of(*parameters);
        if (!span) co_return bad_request(span.error().detail);
        const auto rows = co_await sources_.usage(*period, span->from, span->to);
        if (!rows) co_return failed(rows.error());
        co_return json_answer(web::to_json(*rows, *period));
    }

    net::awaitable<ServerResponse> outages(ServerRequest request) {
        const auto parameters = parameters_of(request, {"from", "to", "link"});
        if (!parameters) co_return bad_request(parameters.error().detail);
        const auto span = span_of(*parameters);
        if (!span) co_return bad_request(span.error().detail);
        auto rows = co_await sources_.outages(span->from, span->to);
        if (!rows) co_return failed(rows.error());
        const auto* link = find(*parameters, "link");
        std::erase_if(*rows, [&](const web::OutageRow& row) {
            return (link != nullptr && row.link != *link) || !touches(row, *span);
        });
        co_return json_answer(web::to_json(*rows));
    }

    net::awaitable<ServerResponse> batch(ServerRequest request) {
        const auto parameters = parameters_of(request, {"epoch", "after"});
        if (!parameters) co_return bad_request(parameters.error().detail);
        const auto place = read_place(*parameters);
        if (!place) co_return failed(place.error());
        auto records = co_await sources_.batch(place->epoch, place->after);
        if (!records) co_return failed(records.error());
        ServerResponse response{.status = records->empty() ? 204 : 200,
                                .content_type = std::string{wire::kBatchType},
                                .body = std::move(*records)};
        co_return response;
    }

    net::awaitable<ServerResponse> sla(ServerRequest request, bool is_by_day) {
        const auto span = statement_span(request);
        if (!span) co_return failed(span.error());
        if (is_by_day) {
            const auto days = co_await sources_.days(span->from, span->to);
            if (!days) co_return failed(days.error());
            co_return json_answer(web::to_json(*days));
        }
        std::optional<sla::Clauses> clauses;
        if (request.method == "POST") {
            auto read = web::clauses_from_json(request.body);
            if (!read) co_return failed(read.error());
            clauses = std::move(*read);
        }
        const auto statement =
            co_await sources_.statement(span->from, span->to, std::move(clauses));
        if (!statement) co_return failed(statement.error());
        co_return json_answer(web::to_json(*statement));
    }

    Result<Span> statement_span(const ServerRequest& request) const {
        const auto parameters = parameters_of(request, {"month", "from", "to"});
        if (!parameters) return parameters.error();
        const auto* month = find(*parameters, "month");
        const int ends = (find(*parameters, "from") != nullptr ? 1 : 0) +
                         (find(*parameters, "to") != nullptr ? 1 : 0);
        if (ends != (month != nullptr ? 0 : 2)) {
            return Error{Errc::bad_input, "expected month=2026-10, or from and to"};
        }
        if (month == nullptr) return span_of(*parameters);
        const auto status = sources_.status();
        if (!status) return status.error();
        return month_span(*month, Seconds{status->site.utc_offset_s});
    }

    ServerResponse at_once(What what, const std::string& body) const {
        if (what == What::healthz) {
            return {.status = 200, .content_type = "text/plain", .body = "ok\n"};
        }
        if (what == What::push_now) {
            sources_.push_now();
            return {.status = 202, .body = "{\"started\":true}"};
        }
        if (what == What::note) {
            auto note = web::note_request_from_json(body);
            if (!note) return failed(note.error());
            return accepted(sources_.note(std::move(*note)));
        }
        if (what == What::clock) {
            const auto clock = web::clock_request_from_json(body);
            if (!clock) return failed(clock.error());
            return accepted(sources_.set_clock(clock->wall, clock->uncertainty));
        }
        const auto status = sources_.status();
        if (!status) return failed(status.error());
        if (what == What::metrics) {
            return {.status = 200,
                    .content_type = std::string{kMetricsType},
                    .body = metrics_text(*status, sources_.newest())};
        }
        return json_answer(what == What::sync ? sync_json(*status) : web::to_json(*status));
    }

    static ServerResponse accepted(const Result<void>& done) {
        if (!done) return failed(done.error());
        return {.status = 202, .body = "{\"accepted\":true}"};
    }

    ApiSources sources_;
};

}  // namespace

Handler make_local_api(ApiSources sources) {
    auto api = std::make_shared<LocalApi>(std::move(sources));
    // Not a coroutine itself: `api` lives as long as the handler, which the server keeps.
    return [api](ServerRequest request) { return api->answer(std::move(request)); };
}

}  // namespace gerbang
