#include "daemon/province/receiver.hpp"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <utility>

#include "common/web/status.hpp"
#include "daemon/host/log.hpp"
#include "daemon/host/offload.hpp"
#include "daemon/province/sites_json.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/serve/target.hpp"

namespace gerbang::province {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kRetryWhenBusy{10};
constexpr Seconds kRetryWhenBroken{60};
constexpr Millis kTokenCheckInterval{1000};
constexpr Millis kRefusalWindow{60'000};
constexpr std::uint64_t kMaxRefusalLines = 60;
constexpr int kCopyPages = 512;

bool starts_with_bearer(std::string_view header) {
    constexpr std::string_view kScheme = "bearer ";
    if (header.size() < kScheme.size()) return false;
    for (std::size_t i = 0; i < kScheme.size(); ++i) {
        const char c = header[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != kScheme[i]) return false;
    }
    return true;
}

/// What `Store::accept` says, with what is held where the chain contradicts it.
struct Outcome {
    Result<Receipt> receipt;
    std::optional<Receipt> held;
};

}  // namespace

struct Receiver::StopFlag {
    std::atomic<bool> is_set = false;
};

/// Counts one request that waits for the store, for as long as it does.
class Receiver::Pending {
public:
    Pending(Receiver& receiver, std::string site) : receiver_{receiver}, site_{std::move(site)} {
        ++receiver_.pending_;
        ++receiver_.pending_of_site_[site_];
    }
    ~Pending() {
        --receiver_.pending_;
        const auto found = receiver_.pending_of_site_.find(site_);
        if (--found->second == 0) receiver_.pending_of_site_.erase(found);
    }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;

private:
    Receiver& receiver_;
    std::string site_;
};

Receiver::Receiver(Clock& clock, Store& store, net::any_io_executor worker, ReceiverOptions options)
    : clock_{clock},
      store_{store},
      worker_{std::move(worker)},
      options_{std::move(options)},
      tokens_checked_{clock.now()},
      refusals_since_{clock.now()},
      stop_{std::make_shared<StopFlag>()} {}

Result<void> Receiver::load_tokens() {
    if (options_.tokens_file.empty()) return ok();
    auto book = TokenBook::load(options_.tokens_file);
    if (!book) return book.error();
    tokens_ = *std::move(book);
    log(LogLevel::info, "tokens_read", {{"tokens", std::to_string(tokens_->size())}});
    return ok();
}

void Receiver::reload_tokens() {
    if (!tokens_) return;
    const auto read = tokens_->refresh(true);
    if (read) {
        log(LogLevel::info, "tokens_read", {{"tokens", std::to_string(tokens_->size())}});
    } else {
        log(LogLevel::error, "tokens_unreadable", {{"detail", read.error().detail}});
    }
}

void Receiver::stop() noexcept {
    stop_->is_set = true;
}

ServerResponse Receiver::answer(int status, const std::string& title,
                                const std::string& detail) const {
    ServerResponse response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body = web::problem_json(status, title, detail);
    return response;
}

ServerResponse Receiver::refuse(int status, const std::string& title, const std::string& detail,
                                const std::string& site) {
    // A flood of refusals must not become a flood of log lines.
    if (clock_.now() - refusals_since_ >= kRefusalWindow) {
        if (refusals_ > kMaxRefusalLines) {
            log(LogLevel::warning, "refusals_not_logged",
                {{"count", std::to_string(refusals_ - kMaxRefusalLines)}});
        }
        refusals_ = 0;
        refusals_since_ = clock_.now();
    }
    if (++refusals_ <= kMaxRefusalLines) {
        log(LogLevel::warning, "request_refused",
            {{"site", site}, {"status", std::to_string(status)}, {"detail", detail}});
    }
    return answer(status, title, detail);
}

ServerResponse Receiver::health() const {
    if (storage_trouble_.empty()) return {.status = 200, .body = R"({"status":"ok"})"};
    return {.status = 503, .body = R"({"status":"storage_failing"})"};
}

Result<std::optional<std::string>> Receiver::authenticate(const ServerRequest& request) {
    // The UNIX socket is ours: `gerbang-province pull` has asked the gateway who it is.
    if (request.is_local) return std::optional<std::string>{};
    std::optional<std::string> site;
    if (options_.accepts_certificates && !request.client_name.empty()) site = request.client_name;
    if (tokens_ && !request.authorization.empty()) {
        if (clock_.now() - tokens_checked_ >= kTokenCheckInterval) {
            tokens_checked_ = clock_.now();
            const auto read = tokens_->refresh();
            if (!read) log(LogLevel::error, "tokens_unreadable", {{"detail", read.error().detail}});
        }
        std::string_view token = request.authorization;
        const bool is_bearer = starts_with_bearer(token);
        if (is_bearer) token.remove_prefix(7);
        const auto of_token = is_bearer ? tokens_->site_of(token) : std::nullopt;
        if (!of_token) return Error{Errc::not_authorised, "the token is not known here"};
        if (site && site != of_token) {
            return Error{Errc::not_authorised, "token and certificate are of different sites"};
        }
        site = of_token;
    }
    if (!site && !options_.trusts_network) {
        return Error{Errc::not_authorised, "a token or client certificate is needed"};
    }
    return site;
}

net::awaitable<ServerResponse> Receiver::handle(ServerRequest request) {
    const auto wall = clock_.wall();
    ServerResponse response;
    if (request.path == "/healthz") {
        response = request.method == "GET" ? health() : answer(405, "Method Not Allowed", "GET");
        if (request.method != "GET") response.allow = "GET";
    } else if (request.is_local) {
        response = co_await handle_local(std::move(request));
    } else if (request.path != "/v1/batches") {
        response = answer(404, "Not Found", "there is nothing here; batches go to /v1/batches");
    } else if (request.method != "POST") {
        response = answer(405, "Method Not Allowed", "POST a batch");
        response.allow = "POST";
    } else {
        response = co_await take_batch(std::move(request));
    }
    // Gateways without a clock take the time from us, so a clock that nobody disciplines is not
    // passed on.
    if (wall.is_synchronised) response.date = clock_.wall().wall;
    co_return response;
}

std::optional<ServerResponse> Receiver::check_head(const ServerRequest& head) {
    if (head.is_local || head.path != "/v1/batches" || head.method != "POST") return std::nullopt;
    const auto proven = authenticate(head);
    if (proven) return std::nullopt;
    return refuse(401, "Unauthorized", proven.error().detail, "");
}

net::awaitable<ServerResponse> Receiver::take_batch(ServerRequest request) {
    const auto proven = authenticate(request);
    if (!proven) {
        co_return refuse(401, "Unauthorized", proven.error().detail, "");
    }
    const std::string claimed = proven->value_or("");
    if (!request.is_local && request.content_type != wire::kBatchType) {
        co_return refuse(415, "Unsupported Media Type",
                         "the content type must be " + std::string{wire::kBatchType}, claimed);
    }
    if (request.body.size() > kMaxBodyBytes) {
        co_return refuse(413, "Content Too Large", "at most 1 MiB in one batch", claimed);
    }
    auto batch = wire::decode_batch(request.body);
    if (!batch) co_return refuse(400, "Bad Request", "batch: " + batch.error().detail, claimed);
    request.body = {};
    if (*proven && **proven != batch->site) {
        co_return refuse(403, "Forbidden",
                         "the credential is of site " + **proven + ", the batch of site " +
                             (is_valid_site_id(batch->site) ? batch->site : "(malformed)"),
                         **proven);
    }
    if (batch->site == "unassigned") {
        co_return refuse(403, "Forbidden", "this gateway has no site.id yet: give it one",
                         batch->site);
    }
    if (pending_ >= kMaxPending || stop_->is_set) {
        auto response = refuse(503, "Service Unavailable", "too many requests wait", batch->site);
        response.retry_after = slots_.next(clock_.now());
        co_return response;
    }
    const auto waiting = pending_of_site_.find(batch->site);
    if (waiting != pending_of_site_.end() && waiting->second >= kMaxPendingPerSite) {
        auto response =
            refuse(429, "Too Many Requests", "too many requests of this site wait", batch->site);
        response.retry_after = kRetryWhenBusy;
        co_return response;
    }

    const Pending pending{*this, batch->site};
    const auto received = clock_.wall().wall;
    auto work = [&store = store_, stop = stop_, batch = *batch, received] {
        if (stop->is_set) return Outcome{Error{Errc::stopped, "the receiver is stopping"}, {}};
        Outcome outcome{store.accept(batch, received), {}};
        if (!outcome.receipt && outcome.receipt.error().code == Errc::diverged) {
            const auto held = store.receipt(batch.site, batch.epoch);
            if (held) outcome.held = *held;
        }
        return outcome;
    };
    const auto outcome = co_await offload(worker_, std::move(work));
    if (!outcome.receipt) co_return to_response(*batch, outcome.receipt.error(), outcome.held);
    storage_trouble_.clear();
    slots_.kept(clock_.now());
    log(LogLevel::debug, "batch_kept",
        {{"site", batch->site},
         {"epoch", to_string(batch->epoch)},
         {"through", std::to_string(outcome.receipt->through.value)}});
    ServerResponse response;
    response.content_type = wire::kReceiptType;
    response.body = wire::encode_receipt(*outcome.receipt);
    response.proves_client = true;
    co_return response;
}

ServerResponse Receiver::to_response(const wire::Batch& batch, const Error& error,
                                     const std::optional<Receipt>& held) {
    const auto& site = batch.site;
    switch (error.code) {
        case Errc::bad_input:
            return refuse(400, "Bad Request", error.detail, site);
        case Errc::refused:
            return refuse(422, "Unprocessable Content", error.detail, site);
        case Errc::too_large:
            return refuse(413, "Content Too Large", error.detail, site);
        case Errc::diverged: {
            auto response = refuse(409, "Diverged", error.detail, site);
            if (held) {
                // What we hold, so that the gateway finds where the histories part.
                response.content_type = wire::kReceiptType;
                response.body = wire::encode_receipt(*held);
            }
            return response;
        }
        case Errc::overloaded: {
            auto response = refuse(429, "Too Many Requests", error.detail, site);
            response.retry_after = kRetryWhenBusy;
            return response;
        }
        default:
            break;
    }
    if (error.code == Errc::stopped) {
        auto response = answer(503, "Service Unavailable", error.detail);
        response.retry_after = kRetryWhenBusy;
        return response;
    }
    // Storage: the sender keeps everything and comes again; our operator reads the log.
    if (storage_trouble_.empty()) {
        log(LogLevel::error, "storage_failing",
            {{"code", to_string(error.code)}, {"detail", error.detail}});
    }
    storage_trouble_ = error.detail;
    auto response = answer(503, "Service Unavailable", "the province's storage is failing");
    response.retry_after = std::max(kRetryWhenBroken, slots_.next(clock_.now()));
    return response;
}

net::awaitable<ServerResponse> Receiver::handle_local(ServerRequest request) {
    if (request.path == "/v1/sites" && request.method == "GET") {
        auto response = co_await list_sites();
        co_return response;
    }
    if (request.path == "/v1/batches" && request.method == "POST") {
        auto response = co_await take_batch(std::move(request));
        co_return response;
    }
    if (request.path == "/v1/receipts" && request.method == "GET") {
        auto response = co_await tell_receipt(std::move(request));
        co_return response;
    }
    if (request.path == "/v1/copy" && request.method == "POST") {
        const auto query = parse_query(request.query);
        if (!query || query->size() != 1 || query->front().name != "to") {
            co_return answer(400, "Bad Request", "POST /v1/copy?to=PATH");
        }
        auto response = co_await copy_store(query->front().value);
        co_return response;
    }
    co_return answer(404, "Not Found", "GET /v1/sites, /v1/receipts; POST /v1/batches, /v1/copy");
}

net::awaitable<ServerResponse> Receiver::tell_receipt(ServerRequest request) {
    const auto query = parse_query(request.query);
    const bool is_pair =
        query && query->size() == 2 && (*query)[0].name == "site" && (*query)[1].name == "epoch";
    const auto epoch = is_pair ? parse_id<EpochId>((*query)[1].value) : std::nullopt;
    if (!epoch) co_return answer(400, "Bad Request", "GET /v1/receipts?site=SITE&epoch=UUID");
    const Pending pending{*this, "(receipt)"};
    auto work = [&store = store_, site = (*query)[0].value, id = *epoch] {
        return store.receipt(site, id);
    };
    const auto receipt = co_await offload(worker_, std::move(work));
    if (!receipt) {
        const bool is_absent = receipt.error().code == Errc::not_found;
        co_return answer(is_absent ? 404 : 503, is_absent ? "Not Found" : "Service Unavailable",
                         receipt.error().detail);
    }
    co_return ServerResponse{.status = 200,
                             .content_type = std::string{wire::kReceiptType},
                             .body = wire::encode_receipt(*receipt)};
}

net::awaitable<ServerResponse> Receiver::list_sites() {
    const Pending pending{*this, "(list)"};
    const auto sites = co_await offload(worker_, [&store = store_] { return store.list(); });
    if (!sites) co_return answer(503, "Service Unavailable", sites.error().detail);
    co_return ServerResponse{.status = 200, .body = to_json(*sites)};
}

net::awaitable<ServerResponse> Receiver::copy_store(std::string path) {
    if (is_copying_) co_return answer(409, "Conflict", "another copy is being made");
    if (path.empty() || path.front() != '/') {
        co_return answer(400, "Bad Request", "the path of the copy must be absolute");
    }
    is_copying_ = true;
    using Begun = Result<std::shared_ptr<DatabaseCopy>>;
    // Named first: g++ 12 copies a temporary closure bytewise into the coroutine's frame.
    auto begin = [&store = store_, path = std::move(path)]() -> Begun {
        auto begun = store.begin_copy(path);
        if (!begun) return begun.error();
        return std::shared_ptr<DatabaseCopy>{*std::move(begun)};
    };
    auto copy = co_await offload(worker_, std::move(begin));
    std::optional<Error> failure;
    if (!copy) failure = copy.error();
    // A few pages at a time: batches are taken in between.
    for (bool is_complete = false; !failure && !is_complete;) {
        auto step = [copy = std::move(*copy), stop = stop_]() mutable {
            auto done = stop->is_set ? Result<bool>{Error{Errc::stopped, "the receiver stops"}}
                                     : copy->step(kCopyPages);
            if (!done || *done) copy.reset();  // closed here: this thread owns the connection
            return std::pair{std::move(done), std::move(copy)};
        };
        auto [done, rest] = co_await offload(worker_, std::move(step));
        *copy = std::move(rest);
        if (!done) failure = done.error();
        is_complete = done && *done;
    }
    is_copying_ = false;
    if (failure) co_return answer(500, "Internal Server Error", failure->detail);
    co_return ServerResponse{.status = 200, .body = R"({"status":"ok"})"};
}

}  // namespace gerbang::province
