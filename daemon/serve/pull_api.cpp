#include "daemon/serve/pull_api.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/core/check.hpp"
#include "common/web/record_lines.hpp"
#include "common/wire/codec.hpp"
#include "daemon/host/log.hpp"
#include "daemon/serve/answers.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kLeastPullBytes = 4096;
/// Lines take some ten times the room of a pack.
constexpr std::uint64_t kUsualLinesBytes = 16u << 10;
constexpr Millis kRefusalPause{60'000};
constexpr Seconds kSalvagePause{60};

/// Takes as long wherever the two differ; that the length is wrong may be known.
bool is_same_secret(std::string_view given, std::string_view secret) {
    if (given.size() != secret.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
        difference |= static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^
                                            static_cast<unsigned char>(secret[i]));
    }
    return difference == 0;
}

/// The token of an Authorization header; nothing unless it is of the scheme Bearer, in any case.
std::optional<std::string_view> bearer_of(std::string_view header) {
    constexpr std::string_view kScheme = "bearer ";
    if (header.size() <= kScheme.size()) return std::nullopt;
    for (std::size_t i = 0; i < kScheme.size(); ++i) {
        const char c = header[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != kScheme[i]) {
            return std::nullopt;
        }
    }
    return header.substr(kScheme.size());
}

bool is_passed_on(std::string_view path) {
    return path == "/healthz" || path == "/metrics" || path == "/v1/status" ||
           path == "/v1/outages" || path == "/v1/usage";
}

bool is_get(const ServerRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

ServerLimits pull_limits() {
    ServerLimits limits;
    limits.max_sessions = 16;
    limits.max_sessions_per_address = 8;
    limits.max_body_bytes = kMaxPullBodyBytes;
    return limits;
}

PullApi::PullApi(const Clock& clock, std::vector<Puller> pullers, PullSources sources,
                 Handler local)
    : clock_{clock},
      pullers_{std::move(pullers)},
      sources_{std::move(sources)},
      local_{std::move(local)} {
    GERBANG_CHECK(sources_.records && sources_.epochs && sources_.receipt && sources_.series &&
                  local_);
}

const Puller* PullApi::puller_of(const ServerRequest& request) const {
    const Puller* by_name = nullptr;
    const Puller* by_token = nullptr;
    const auto token = bearer_of(request.authorization);
    for (const auto& puller : pullers_) {
        if (!puller.certificate.empty() && puller.certificate == request.client_name) {
            by_name = &puller;
        }
        if (token && !puller.token.empty() && is_same_secret(*token, puller.token)) {
            by_token = &puller;
        }
    }
    if (request.authorization.empty()) return by_name;
    // Two credentials that do not agree are none.
    return by_name == nullptr || by_name == by_token ? by_token : nullptr;
}

std::optional<ServerResponse> PullApi::check_head(const ServerRequest& head) {
    if (puller_of(head) != nullptr) return std::nullopt;
    ++refusals_;
    const auto now = clock_.now();
    if (!refusal_logged_ || now - *refusal_logged_ >= kRefusalPause) {
        log(LogLevel::warning, "pull_refused",
            {{"detail", "no puller's token or certificate"}, {"count", std::to_string(refusals_)}});
        refusal_logged_ = now;
        refusals_ = 0;
    }
    return problem(401, "Unauthorized", "a puller's token or client certificate is needed");
}

net::awaitable<ServerResponse> PullApi::answer(ServerRequest request) {
    const auto* const puller = puller_of(request);
    if (puller == nullptr) co_return *check_head(request);
    ServerResponse response;
    if (is_passed_on(request.path)) {
        response = co_await local_(std::move(request));
    } else if (request.path == "/v1/receipts") {
        auto consumer = puller->name;
        response = co_await receipts(std::move(request), std::move(consumer));
    } else if (request.path != "/v1/batches" && request.path != "/v1/epochs" &&
               request.path != "/v1/series") {
        response = problem(404, "Not Found", "no such path");
    } else if (!is_get(request)) {
        response = wrong_method("GET, HEAD");
    } else if (request.path == "/v1/batches") {
        response = co_await batches(std::move(request));
    } else if (request.path == "/v1/series") {
        response = series(request);
    } else if (const auto parameters = parameters_of(request, {}); !parameters) {
        response = failed(parameters.error());
    } else {
        const auto rows = co_await sources_.epochs();
        response = rows ? json_answer(web::to_json(*rows)) : failed(rows.error());
    }
    response.proves_client = true;
    co_return response;
}

net::awaitable<ServerResponse> PullApi::batches(ServerRequest request) {
    const auto parameters = parameters_of(request, {"epoch", "after", "max"});
    if (!parameters) co_return failed(parameters.error());
    const auto place = read_place(*parameters);
    if (!place) co_return failed(place.error());
    const bool wants_lines = request.accept.find(kLinesType) != std::string::npos;
    auto max_bytes = wants_lines ? kUsualLinesBytes : kUsualPullBytes;
    if (const auto* text = find(*parameters, "max")) {
        const auto given = number_of(*text, kMaxPullBytes);
        if (!given || *given < kLeastPullBytes) {
            co_return bad_request("max: expected a number of bytes, 4096 to 262144");
        }
        max_bytes = *given;
    }
    const auto rows = co_await sources_.epochs();
    if (!rows) co_return failed(rows.error());
    const auto row = std::find_if(rows->begin(), rows->end(),
                                  [&](const web::EpochRow& one) { return one.id == place->epoch; });
    if (row == rows->end()) co_return problem(404, "Not Found", "no such epoch here");
    PulledRecords pulled;
    if (place->after < row->last) {
        auto found = co_await sources_.records(place->epoch, place->after, max_bytes);
        if (!found) {
            auto refusal = failed(found.error());
            if (found.error().code == Errc::overloaded) refusal.retry_after = kSalvagePause;
            co_return refusal;
        }
        pulled = std::move(*found);
    }
    ServerResponse response{.status = 204, .content_type = {}, .body = {}};
    if (pulled.records.empty() || pulled.records.back().seq >= row->last) {
        const auto next = row + 1;
        if (next != rows->end()) {
            response.link = "</v1/batches?epoch=" + to_string(next->id) + ">; rel=\"next\"";
        }
    }
    if (pulled.records.empty()) co_return response;
    response.status = 200;
    response.content_type = wants_lines ? kLinesType : wire::kBatchType;
    if (wants_lines) {
        response.body = web::batch_lines(pulled.site, place->epoch, pulled.before, pulled.records);
    } else {
        response.body = wire::encode_batch({.site = std::move(pulled.site),
                                            .epoch = place->epoch,
                                            .before = pulled.before,
                                            .pack = wire::encode_pack(pulled.records)});
    }
    co_return response;
}

net::awaitable<ServerResponse> PullApi::receipts(ServerRequest request, std::string consumer) {
    if (request.method != "POST") co_return wrong_method("POST");
    const auto parameters = parameters_of(request, {"agreed"});
    if (!parameters) co_return failed(parameters.error());
    Seq agreed;
    if (const auto* text = find(*parameters, "agreed")) {
        agreed = Seq{number_of(*text, kMaxSeq).value_or(0)};
        if (agreed.value == 0) co_return bad_request("agreed: expected the number of a record");
    }
    if (request.content_type != wire::kReceiptType) {
        co_return problem(415, "Unsupported Media Type",
                          "expected Content-Type: " + std::string{wire::kReceiptType});
    }
    auto receipt = wire::decode_receipt(request.body);
    if (!receipt) co_return bad_request("receipt: " + receipt.error().detail);
    const auto kept = co_await sources_.receipt(std::move(consumer), std::move(*receipt), agreed);
    if (!kept) co_return failed(kept.error());
    ServerResponse response{.status = 204, .content_type = {}, .body = {}};
    co_return response;
}

ServerResponse PullApi::series(const ServerRequest& request) const {
    const auto parameters = parameters_of(request, {"ids"});
    if (!parameters) return failed(parameters.error());
    auto all = sources_.series();
    if (const auto* text = find(*parameters, "ids")) {
        std::vector<std::uint64_t> ids;
        for (std::string_view rest = *text; !rest.empty() || ids.empty();) {
            const auto comma = std::min(rest.find(','), rest.size());
            const auto id = number_of(rest.substr(0, comma), UINT32_MAX);
            if (!id) return bad_request("ids: expected numbers of series, such as 1,2,7");
            ids.push_back(*id);
            if (comma == rest.size()) break;
            rest.remove_prefix(comma + 1);
            if (rest.empty()) return bad_request("ids: a number is missing after the last comma");
        }
        std::erase_if(all, [&](const Series& one) {
            return std::find(ids.begin(), ids.end(), one.id.value) == ids.end();
        });
    }
    return json_answer(web::series_json(all));
}

}  // namespace gerbang
