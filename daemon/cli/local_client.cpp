#include "daemon/cli/local_client.hpp"

#include <sysexits.h>

#include "common/web/text.hpp"
#include "daemon/net/local_http.hpp"

namespace gerbang::cli {
namespace {

using web::say;
using web::Text;

Outcome failed_request(const Request& request, const std::string& socket, const Error& error) {
    const auto language = request.render.language;
    if (error.code == Errc::not_authorised) {
        return {EX_NOPERM, "", say(language, Text::daemon_forbidden, {socket}) + "\n"};
    }
    auto text = say(language, Text::daemon_absent, {socket}) + "\n";
    // "No such socket" is said above already; anything else helps whoever is asked for help.
    if (error.code != Errc::not_found) text += one_line(error.detail) + "\n";
    return {EX_UNAVAILABLE, "", text + say(language, Text::daemon_absent_hint) + "\n"};
}

}  // namespace

Outcome unclear_answer(const Request& request, const std::string& detail) {
    return {EX_PROTOCOL, "",
            wrap(say(request.render.language, Text::daemon_unclear, {one_line(detail)}))};
}

Outcome refused(const Request& request, const std::string& detail) {
    return {EX_DATAERR, "",
            wrap(say(request.render.language, Text::request_refused,
                     {web::evidence_text(request.render.language, one_line(detail))}))};
}

Fetched fetch(const Request& request, const std::string& method, const std::string& path,
              const std::string& json) {
    const auto socket = request.paths.runtime + "/gerbang.sock";
    auto answer = local_request(method, socket, path, Millis{30'000}, json);
    if (!answer) return {"", failed_request(request, socket, answer.error())};
    const auto status = answer->status;
    if (status == 400 || status == 409 || status == 413 || status == 503) {
        const auto detail = web::problem_detail(answer->body);
        auto outcome = refused(request, detail);
        if (status == 503) outcome.code = EX_UNAVAILABLE;
        if (!detail.empty()) return {"", outcome};
    }
    if (answer->status < 200 || answer->status > 299) {
        auto outcome =
            unclear_answer(request, answer->what() + ": HTTP " + std::to_string(answer->status) +
                                        " " + answer->body);
        if (answer->status == 503) outcome.code = EX_UNAVAILABLE;
        return {"", outcome};
    }
    return {std::move(answer->body), std::nullopt};
}

}  // namespace gerbang::cli
