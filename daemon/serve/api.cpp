#include "daemon/serve/api.hpp"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/core/check.hpp"
#include "daemon/serve/target.hpp"

namespace gerbang {
namespace {

constexpr WallTime kBeginning = wall_from_ms(0);
constexpr WallTime kEndOfTime = wall_from_ms(253'402'300'799'000);  // 9999-12-31T23:59:59Z

ServerResponse problem(int status, const char* title, const std::string& detail) {
    return {.status = status,
            .content_type = "application/problem+json",
            .body = web::problem_json(status, title, detail)};
}

ServerResponse bad_request(const std::string& detail) {
    return problem(400, "Bad Request", detail);
}

/// A source that cannot answer now; the request itself was fine.
ServerResponse failed(const Error& error) {
    switch (error.code) {
        case Errc::bad_input:
            return bad_request(error.detail);
        case Errc::not_found:
            return problem(404, "Not Found", error.detail);
        default:
            return problem(503, "Service Unavailable", error.detail);
    }
}

ServerResponse json_answer(std::string body) {
    return {.status = 200, .content_type = "application/json", .body = std::move(body)};
}

/// The request's parameters, all of them among `known`.
Result<std::vector<Parameter>> parameters_of(const ServerRequest& request,
                                             std::initializer_list<std::string_view> known) {
    auto parameters = parse_query(request.query);
    if (!parameters) return parameters;
    for (const auto& parameter : *parameters) {
        if (std::find(known.begin(), known.end(), parameter.name) != known.end()) continue;
        std::string detail = "unknown parameter \"" + parameter.name.substr(0, 64) + "\"; ";
        if (known.size() == 0) return Error{Errc::bad_input, detail + "there is none here"};
        detail += "known:";
        for (const auto name : known) detail += " " + std::string{name};
        return Error{Errc::bad_input, detail};
    }
    return parameters;
}

const std::string* find(const std::vector<Parameter>& parameters, std::string_view name) {
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const Parameter& one) { return one.name == name; });
    return found == parameters.end() ? nullptr : &found->value;
}

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

struct UsageQuery {
    UsagePeriod period = UsagePeriod::day;
    WallTime from = kBeginning;
    WallTime to = kEndOfTime;
};

Result<UsageQuery> usage_query(const ServerRequest& request) {
    const auto parameters = parameters_of(request, {"by", "from", "to"});
    if (!parameters) return parameters.error();
    UsageQuery query;
    if (const auto* by = find(*parameters, "by")) {
        const auto period = period_of(*by);
        if (!period) return Error{Errc::bad_input, "by: expected hour, day, month or year"};
        query.period = *period;
    }
    const auto from = time_of_parameter(*parameters, "from", kBeginning);
    if (!from) return from.error();
    const auto to = time_of_parameter(*parameters, "to", kEndOfTime);
    if (!to) return to.error();
    if (*to < *from) return Error{Errc::bad_input, "to: lies before from"};
    query.from = *from;
    query.to = *to;
    return query;
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

class LocalApi {
public:
    explicit LocalApi(ApiSources sources) : sources_{std::move(sources)} {
        GERBANG_CHECK(sources_.status && sources_.usage && sources_.outages && sources_.push_now);
    }

    net::awaitable<ServerResponse> answer(ServerRequest request) {
        const bool is_post_path = request.path == "/v1/sync/now";
        if (!is_post_path && !is_get_path(request.path)) {
            co_return problem(404, "Not Found", "no such path");
        }
        const bool is_get = request.method == "GET" || request.method == "HEAD";
        if (is_post_path ? request.method != "POST" : !is_get) {
            auto refusal = problem(405, "Method Not Allowed", "allowed: " + allowed(is_post_path));
            refusal.allow = allowed(is_post_path);
            co_return refusal;
        }
        if (request.path == "/v1/usage") {
            auto rows = co_await usage(std::move(request));
            co_return rows;
        }
        const auto parameters = parameters_of(request, {});
        if (!parameters) co_return bad_request(parameters.error().detail);
        if (is_post_path) {
            sources_.push_now();
            co_return ServerResponse{.status = 202, .body = "{\"started\":true}"};
        }
        if (request.path == "/v1/outages") {
            const auto rows = co_await sources_.outages();
            if (!rows) co_return failed(rows.error());
            co_return json_answer(web::to_json(*rows));
        }
        co_return at_once(request.path);
    }

private:
    static bool is_get_path(std::string_view path) {
        return path == "/healthz" || path == "/v1/status" || path == "/v1/sync" ||
               path == "/v1/usage" || path == "/v1/outages";
    }
    static std::string allowed(bool is_post_path) { return is_post_path ? "POST" : "GET, HEAD"; }

    net::awaitable<ServerResponse> usage(ServerRequest request) {
        const auto query = usage_query(request);
        if (!query) co_return bad_request(query.error().detail);
        const auto rows = co_await sources_.usage(query->period, query->from, query->to);
        if (!rows) co_return failed(rows.error());
        co_return json_answer(web::to_json(*rows, query->period));
    }

    ServerResponse at_once(std::string_view path) const {
        if (path == "/healthz") {
            return {.status = 200, .content_type = "text/plain", .body = "ok\n"};
        }
        const auto status = sources_.status();
        if (!status) return failed(status.error());
        return json_answer(path == "/v1/sync" ? sync_json(*status) : web::to_json(*status));
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
