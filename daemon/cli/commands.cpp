#include "daemon/cli/commands.hpp"

#include <sysexits.h>

#include "daemon/cli/local_client.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

std::string name_of(UsagePeriod period) {
    switch (period) {
        case UsagePeriod::hour:
            return "hour";
        case UsagePeriod::day:
            return "day";
        case UsagePeriod::month:
            return "month";
        case UsagePeriod::year:
            break;
    }
    return "year";
}

/// The daemon's own words, with the line's end that a terminal wants.
std::string as_line(std::string body) {
    if (body.empty() || body.back() != '\n') body.push_back('\n');
    return body;
}

/// Fetches and reads the status; tables need the site's zone and the time from it.
Result<web::Status> read_status(const Request& request, std::optional<Outcome>& failure,
                                std::string& body) {
    auto fetched = fetch(request, "GET", "/v1/status");
    failure = std::move(fetched.failure);
    if (failure) return Error{Errc::unreachable, ""};
    body = std::move(fetched.body);
    auto status = web::status_from_json(body);
    if (!status && !request.is_json) failure = unclear_answer(request, status.error().detail);
    return status;
}

}  // namespace

Outcome status_command(const Request& request) {
    std::optional<Outcome> failure;
    std::string body;
    const auto status = read_status(request, failure, body);
    if (failure) return *failure;
    if (request.is_json) return {0, as_line(body), ""};
    return {0, render_status(*status, request.render), ""};
}

Outcome sync_command(const Request& request, bool now) {
    if (now) {
        auto asked = fetch(request, "POST", "/v1/sync/now");
        if (asked.failure) return *asked.failure;
    }
    if (request.is_json) {
        auto fetched = fetch(request, "GET", "/v1/sync");
        if (fetched.failure) return *fetched.failure;
        return {0, as_line(std::move(fetched.body)), ""};
    }
    std::optional<Outcome> failure;
    std::string body;
    const auto status = read_status(request, failure, body);
    if (failure) return *failure;
    return {0, render_sync(*status, request.render), ""};
}

Outcome usage_command(const Request& request) {
    auto fetched = fetch(request, "GET", "/v1/usage?by=" + name_of(request.period));
    if (fetched.failure) return *fetched.failure;
    if (request.is_json) return {0, as_line(std::move(fetched.body)), ""};
    const auto rows = web::usage_from_json(fetched.body);
    if (!rows) return unclear_answer(request, rows.error().detail);
    std::optional<Outcome> failure;
    std::string body;
    const auto status = read_status(request, failure, body);
    if (failure) return *failure;
    const UsageView view{.period = request.period,
                         .name = request.interface,
                         .utc_offset = Seconds{status->site.utc_offset_s},
                         .now = status->clock.now};
    return {0, render_usage(*rows, view, request.render), ""};
}

Outcome outages_command(const Request& request) {
    auto fetched = fetch(request, "GET", "/v1/outages");
    if (fetched.failure) return *fetched.failure;
    if (request.is_json) return {0, as_line(std::move(fetched.body)), ""};
    const auto rows = web::outages_from_json(fetched.body);
    if (!rows) return unclear_answer(request, rows.error().detail);
    std::optional<Outcome> failure;
    std::string body;
    const auto status = read_status(request, failure, body);
    if (failure) return *failure;
    return {0, render_outages(*rows, *status, request.render), ""};
}

}  // namespace gerbang::cli
