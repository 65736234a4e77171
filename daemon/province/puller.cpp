#include "daemon/province/puller.hpp"

#include <algorithm>
#include <utility>

#include "common/web/journal_json.hpp"
#include "daemon/host/log.hpp"

namespace gerbang::province {
namespace {

constexpr Millis kTimeout{120'000};  ///< 256 KiB at 32 kbit/s take 64 s
constexpr int kTries = 4;
constexpr Seconds kLongestWait{300};
constexpr std::uint64_t kMostBytes = 256u << 10;
constexpr std::uint64_t kLeastBytes = 4096;
/// A receipt costs a commit at the gateway no more than it has to.
constexpr int kBatchesPerReceipt = 32;

Error refused_by(const HttpAnswer& answer) {
    const auto detail = answer.what() + ": HTTP " + std::to_string(answer.status);
    switch (answer.status) {
        case 401:
        case 403:
        case 404:
        case 407:
            return Error{Errc::not_authorised, detail};
        case 409:
            return Error{Errc::diverged, detail};
        case 408:
        case 425:
        case 429:
            return Error{Errc::overloaded, detail};
        default:
            return Error{answer.status >= 500 ? Errc::overloaded : Errc::bad_input, detail};
    }
}

bool is_passing(Errc code) {
    return code == Errc::unreachable || code == Errc::overloaded;
}

/// The end of the run of held records that begins behind `seq`, `seq` itself where there is none.
Seq end_of_held(const Receipt& receipt, Seq seq) {
    seq = std::max(seq, receipt.through);
    for (const auto& range : receipt.held.ranges()) {
        if (range.first <= seq.next() && range.last > seq) seq = range.last;
    }
    return seq;
}

/// One visit.
class Visit {
public:
    Visit(std::string site, Uplink& uplink, PullSink& sink, Clock& clock, PullProgress& progress)
        : site_{std::move(site)},
          uplink_{uplink},
          sink_{sink},
          clock_{clock},
          progress_{progress} {}

    net::awaitable<Result<void>> all() {
        UplinkRequest request;
        request.path = "/v1/epochs";
        const auto answer = co_await ask(std::move(request));
        if (!answer) co_return answer.error();
        const auto rows = web::epochs_from_json(answer->body);
        if (!rows) co_return Error{Errc::bad_input, answer->what() + ": " + rows.error().detail};
        std::optional<Error> diverged;
        for (const auto& row : *rows) {
            auto done = co_await epoch(row);
            if (done) continue;
            if (done.error().code != Errc::diverged) co_return done;
            diverged = done.error();
        }
        if (diverged) co_return *diverged;
        progress_.is_done = true;
        co_return ok();
    }

private:
    /// The answer with a status of 2xx.
    net::awaitable<Result<HttpAnswer>> ask(UplinkRequest request) {
        request.timeout = kTimeout;
        for (int tried = 1;; ++tried) {
            ++progress_.requests;
            auto again = request;
            auto answer = co_await uplink_.send(std::move(again));
            if (answer && answer->status >= 200 && answer->status < 300) co_return answer;
            const auto error = answer ? refused_by(*answer) : answer.error();
            if (!is_passing(error.code) || tried == kTries) co_return error;
            Seconds wait{1 << tried};
            if (answer && answer->retry_after) wait = std::min(*answer->retry_after, kLongestWait);
            const bool running = co_await clock_.sleep_until(clock_.now() + wait);
            if (!running) co_return Error{Errc::stopped, "stopped while waiting for " + site_};
        }
    }

    net::awaitable<Result<void>> epoch(web::EpochRow row) {
        const auto known = co_await sink_.receipt(site_, row.id);
        if (!known && known.error().code != Errc::not_found) co_return known.error();
        held_ = known ? std::optional{*known} : std::nullopt;
        untold_ = 0;
        max_bytes_ = kMostBytes;
        // More than the gateway has: it was rolled back, and must hear of it.
        if (held_ && held_->through > row.last) {
            auto told = co_await tell();
            co_return told;
        }
        Seq after = held_ ? end_of_held(*held_, Seq{}) : Seq{};
        bool has_news = false;
        while (after < row.last) {
            auto next = co_await batch(row.id, after);
            if (!next) {
                if (next.error().code == Errc::diverged && held_) (void)co_await tell();
                co_return next.error();
            }
            if (*next == after) break;  // there is no more
            has_news = true;
            after = *next;
            if (held_ && ++untold_ >= kBatchesPerReceipt) {
                auto told = co_await tell();
                if (!told) co_return told;
            }
        }
        if (!has_news || !held_) co_return ok();
        auto told = co_await tell();
        co_return told;
    }

    /// Where to go on; `after` itself at the end.
    net::awaitable<Result<Seq>> batch(EpochId id, Seq after) {
        UplinkRequest request;
        request.path = "/v1/batches?epoch=" + to_string(id) +
                       "&after=" + std::to_string(after.value) +
                       "&max=" + std::to_string(max_bytes_);
        auto answer = co_await ask(std::move(request));
        if (!answer) co_return answer.error();
        if (answer->status == 204) co_return after;
        progress_.bytes += answer->body.size();
        const auto got = wire::decode_batch(answer->body);
        if (!got) co_return strange(*answer, got.error().detail);
        const auto range = wire::range_of_pack(got->pack);
        if (!range) co_return strange(*answer, range.error().detail);
        if (got->site != site_) {
            co_return strange(*answer, "this is site " + got->site + ", not " + site_ +
                                           ": correct the inventory or the gateway's site.id");
        }
        if (got->epoch != id || range->last <= after) {
            co_return strange(*answer, "other records than those asked for");
        }
        auto receipt = co_await sink_.accept(std::move(answer->body));
        if (receipt) {
            progress_.records += range->size();
            held_ = *receipt;
            co_return end_of_held(*receipt, range->last);
        }
        const auto& error = receipt.error();
        const bool is_unfit = error.code == Errc::too_large || error.code == Errc::refused ||
                              error.code == Errc::bad_input;
        if (!is_unfit) co_return error;
        if (max_bytes_ > kLeastBytes) {
            max_bytes_ = std::max(kLeastBytes, max_bytes_ / 8);
            auto smaller = co_await batch(id, after);
            co_return smaller;
        }
        progress_.refused += range->size();
        log(LogLevel::warning, "pull_records_refused",
            {{"site", site_},
             {"first", std::to_string(range->first.value)},
             {"last", std::to_string(range->last.value)},
             {"detail", error.detail}});
        co_return range->last;
    }

    /// Tells the gateway what is held. That it could not be told costs nothing but its own picture,
    /// so only what it says of the records is an error.
    net::awaitable<Result<void>> tell() {
        untold_ = 0;
        UplinkRequest request;
        request.method = "POST";
        request.path = "/v1/receipts";
        request.content_type = wire::kReceiptType;
        request.body = wire::encode_receipt(*held_);
        const auto answer = co_await ask(std::move(request));
        if (answer) co_return ok();
        const auto code = answer.error().code;
        if (code == Errc::diverged || code == Errc::stopped) co_return answer.error();
        log(LogLevel::warning, "pull_receipt_failed",
            {{"site", site_}, {"detail", answer.error().detail}});
        co_return ok();
    }

    static Error strange(const HttpAnswer& answer, const std::string& why) {
        return Error{Errc::bad_input, answer.what() + ": " + why};
    }

    std::string site_;
    Uplink& uplink_;
    PullSink& sink_;
    Clock& clock_;
    PullProgress& progress_;
    std::optional<Receipt> held_;  ///< of the present epoch
    int untold_ = 0;
    std::uint64_t max_bytes_ = kMostBytes;
};

}  // namespace

net::awaitable<Result<void>> pull_site(std::string site, Uplink& uplink, PullSink& sink,
                                       Clock& clock, PullProgress& progress) {
    Visit visit{std::move(site), uplink, sink, clock, progress};
    auto done = co_await visit.all();
    co_return done;
}

}  // namespace gerbang::province
