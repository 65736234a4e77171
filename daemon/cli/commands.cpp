#include "daemon/cli/commands.hpp"

#include <sysexits.h>

#include <cstdio>

#include "common/web/statement_json.hpp"
#include "common/web/text.hpp"
#include "daemon/cli/local_client.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

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

Outcome not_a_time(const Request& request, const std::string& text,
                   web::Text sentence = web::Text::bad_time) {
    return {EX_DATAERR, "",
            wrap(web::say(request.render.language, sentence, {one_line(text, 40)}))};
}

struct Span {
    std::optional<WallTime> from, to;
};

/// The times of the request. A date alone as the end means the whole of that day.
Span read_span(const Request& request, Seconds utc_offset, std::optional<Outcome>& failure) {
    Span span;
    const auto read = [&](const std::string& text, std::optional<WallTime>& into, bool is_end) {
        if (text.empty() || failure) return;
        const auto written = parse_local(text, utc_offset);
        if (!written) {
            failure = not_a_time(request, text);
            return;
        }
        into = written->at;
        if (is_end && written->is_date) *into += std::chrono::hours{24};
    };
    read(request.from, span.from, false);
    read(request.to, span.to, true);
    return span;
}

/// What a file holds, as much as the daemon would take and one byte more.
std::string file_text(const std::string& file) {
    constexpr std::size_t kMost = (64u << 10) + 1;
    std::string text(kMost, '\0');
    std::FILE* const stream = std::fopen(file.c_str(), "rb");
    if (stream == nullptr) return {};
    text.resize(std::fread(text.data(), 1, text.size(), stream));
    std::fclose(stream);
    return text;
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

Outcome sync_command(const Request& request, SyncWish wish) {
    if (wish == SyncWish::now) {
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
    return {0,
            wish == SyncWish::parked ? render_parked(*status, request.render)
                                     : render_sync(*status, request.render),
            ""};
}

Outcome usage_command(const Request& request) {
    auto fetched = fetch(request, "GET", "/v1/usage?by=" + std::string{to_string(request.period)});
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
    std::optional<Outcome> failure;
    std::string path = "/v1/outages";
    if (!request.link.empty()) path += "?link=" + request.link;
    std::string body;
    std::optional<web::Status> status;
    const bool has_dates = !request.from.empty() || !request.to.empty();
    if (has_dates || !request.is_json) {
        auto read = read_status(request, failure, body);
        if (failure) return *failure;
        if (!read) return unclear_answer(request, read.error().detail);
        status = std::move(*read);
        const auto span = read_span(request, Seconds{status->site.utc_offset_s}, failure);
        if (failure) return *failure;
        for (const auto& [name, at] : {std::pair{"from=", span.from}, std::pair{"to=", span.to}}) {
            if (!at) continue;
            path += (path.find('?') == std::string::npos ? "?" : "&") + std::string{name} +
                    web::format_rfc3339(*at);
        }
    }
    auto fetched = fetch(request, "GET", path);
    if (fetched.failure) return *fetched.failure;
    if (request.is_json) return {0, as_line(std::move(fetched.body)), ""};
    const auto rows = web::outages_from_json(fetched.body);
    if (!rows) return unclear_answer(request, rows.error().detail);
    if (rows->empty() && has_dates) {
        return {0, wrap(web::say(request.render.language, web::Text::outages_none_then)), ""};
    }
    return {0, render_outages(*rows, *status, request.render), ""};
}

Outcome sla_command(const Request& request) {
    std::optional<Outcome> failure;
    std::string body;
    auto title = request.month;
    auto path = std::string{request.is_by_day ? "/v1/availability" : "/v1/sla"};
    std::optional<web::Status> status;
    if (!request.is_json || title.empty()) {
        auto read = read_status(request, failure, body);
        if (failure) return *failure;
        if (!read) return unclear_answer(request, read.error().detail);
        status = std::move(*read);
    }
    if (title.empty()) {
        const auto span = read_span(request, Seconds{status->site.utc_offset_s}, failure);
        if (failure) return *failure;
        if (!span.from || !span.to) return not_a_time(request, request.from + request.to);
        title = request.from + " - " + request.to;
        path += "?from=" + web::format_rfc3339(*span.from) + "&to=" + web::format_rfc3339(*span.to);
    } else {
        path += "?month=" + title;
    }
    std::string clauses;
    if (!request.clauses_file.empty()) {
        if (auto outcome = unreadable(request.clauses_file, request.render.language)) {
            return *outcome;
        }
        clauses = file_text(request.clauses_file);
        // An empty body would be taken for no clauses at all.
        if (clauses.empty()) clauses = " ";
    }
    auto fetched = fetch(request, clauses.empty() ? "GET" : "POST", path, clauses);
    if (fetched.failure) return *fetched.failure;
    if (request.is_json) return {0, as_line(std::move(fetched.body)), ""};
    if (request.is_by_day) {
        const auto days = web::days_from_json(fetched.body);
        if (!days) return unclear_answer(request, days.error().detail);
        return {0, render_days(*days, title, *status, request.render), ""};
    }
    const auto statement = web::statement_from_json(fetched.body);
    if (!statement) return unclear_answer(request, statement.error().detail);
    return {0, render_statement(*statement, title, *status, request.render), ""};
}

Outcome probe_command(const Request& request) {
    auto fetched = fetch(request, "POST", "/v1/probe");
    if (fetched.failure) return *fetched.failure;
    if (request.is_json) return {0, as_line(std::move(fetched.body)), ""};
    const auto report = web::probe_from_json(fetched.body);
    if (!report) return unclear_answer(request, report.error().detail);
    return {0, render_probe(*report, request.render), ""};
}

Outcome note_command(const Request& request) {
    auto note = request.note;
    std::optional<Outcome> failure;
    if (!request.from.empty() || !request.to.empty()) {
        std::string body;
        const auto status = read_status(request, failure, body);
        if (failure) return *failure;
        if (!status) return unclear_answer(request, status.error().detail);
        const auto span = read_span(request, Seconds{status->site.utc_offset_s}, failure);
        if (failure) return *failure;
        note.from = span.from;
        note.to = span.to;
    }
    auto fetched = fetch(request, "POST", "/v1/notes", web::to_json(note));
    if (fetched.failure) return *fetched.failure;
    if (request.is_json) return {0, as_line(std::move(fetched.body)), ""};
    return {0, wrap(web::say(request.render.language, web::Text::note_taken)), ""};
}

Outcome clock_set_command(const Request& request, const std::string& time, bool is_utc) {
    const auto language = request.render.language;
    std::optional<Outcome> failure;
    std::string body;
    const auto status = read_status(request, failure, body);
    if (failure) return *failure;
    if (!status) return unclear_answer(request, status.error().detail);
    const Seconds offset{is_utc ? 0 : status->site.utc_offset_s};
    const auto written = parse_local(time, offset);
    if (!written || written->is_date) {
        return not_a_time(request, time, web::Text::bad_clock_time);
    }
    web::ClockRequest clock;
    clock.wall = written->at;
    auto fetched = fetch(request, "POST", "/v1/clock", web::to_json(clock));
    if (fetched.failure) return *fetched.failure;
    if (request.is_json) return {0, as_line(std::move(fetched.body)), ""};
    return {0,
            wrap(web::say(language, web::Text::clock_taken,
                          {local_minute(language, clock.wall, offset), zone_name(offset)})),
            ""};
}

}  // namespace gerbang::cli
