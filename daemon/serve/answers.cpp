#include "daemon/serve/answers.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/web/status.hpp"

namespace gerbang {

ServerResponse problem(int status, const char* title, const std::string& detail) {
    return {.status = status,
            .content_type = "application/problem+json",
            .body = web::problem_json(status, title, detail)};
}

ServerResponse bad_request(const std::string& detail) {
    return problem(400, "Bad Request", detail);
}

ServerResponse wrong_method(std::string allowed) {
    auto refusal = problem(405, "Method Not Allowed", "allowed: " + allowed);
    refusal.allow = std::move(allowed);
    return refusal;
}

ServerResponse failed(const Error& error) {
    switch (error.code) {
        case Errc::bad_input:
            return bad_request(error.detail);
        case Errc::not_found:
            return problem(404, "Not Found", error.detail);
        case Errc::refused:
        case Errc::diverged:
            return problem(409, "Conflict", error.detail);
        default:
            return problem(503, "Service Unavailable", error.detail);
    }
}

ServerResponse json_answer(std::string body) {
    return {.status = 200, .content_type = "application/json", .body = std::move(body)};
}

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

std::optional<std::uint64_t> number_of(std::string_view text, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end || number > most) return std::nullopt;
    return number;
}

Result<ReadPlace> read_place(const std::vector<Parameter>& parameters) {
    const auto* epoch_text = find(parameters, "epoch");
    const auto epoch =
        epoch_text != nullptr ? parse_id<EpochId>(*epoch_text) : std::optional<EpochId>{};
    if (!epoch) return Error{Errc::bad_input, "epoch: expected the UUID of an epoch"};
    ReadPlace place{*epoch, Seq{}};
    if (const auto* text = find(parameters, "after")) {
        const auto after = number_of(*text, kMaxSeq - 1);
        if (!after) {
            return Error{Errc::bad_input, "after: expected the number of a record, or 0"};
        }
        place.after.value = *after;
    }
    return place;
}

}  // namespace gerbang
