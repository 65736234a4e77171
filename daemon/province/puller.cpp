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
/// A gateway that was told to begin a new epoch does so within seconds, if it does.
constexpr Millis kForkWait{5000};
constexpr int kLooks = 4;

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
        std::optional<Error> diverged;
        for (int looks = 1;; ++looks) {
            const auto rows = co_await epochs();
            if (!rows) co_return rows.error();
            // Told to leave an epoch, the gateway goes on in another: there is more to fetch.
            if (left_.is_none() || rows->empty() || rows->back().id != left_) {
                left_ = {};
                diverged.reset();
                for (const auto& row : *rows) {
                    auto done = co_await epoch(row);
                    if (done) continue;
                    if (done.error().code != Errc::diverged) co_return done;
                    diverged = done.error();
                }
            }
            if (left_.is_none() || looks == kLooks) break;
            const bool running = co_await clock_.sleep_until(clock_.now() + kForkWait);
            if (!running) co_return Error{Errc::stopped, "stopped while waiting for " + site_};
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

    net::awaitable<Result<std::vector<web::EpochRow>>> epochs() {
        UplinkRequest request;
        request.path = "/v1/epochs";
        const auto answer = co_await ask(std::move(request));
        if (!answer) co_return answer.error();
        auto rows = web::epochs_from_json(answer->body);
        if (!rows) co_return Error{Errc::bad_input, answer->what() + ": " + rows.error().detail};
        co_return rows;
    }

    net::awaitable<Result<void>> epoch(web::EpochRow row) {
        auto done = co_await take_all(row);
        if (done || done.error().code != Errc::diverged) co_return done;
        if (row.is_open) {
            auto why = done.error();
            auto parted = co_await part(row, std::move(why));
            co_return parted;
        }
        // Nobody will tell it under another name; it stays at the gateway.
        const Seq held = held_ ? end_of_held(*held_, Seq{}) : Seq{};
        if (row.last > held) progress_.refused += row.last.value - held.value;
        log(LogLevel::warning, "pull_closed_epoch_diverged",
            {{"site", site_}, {"epoch", to_string(row.id)}, {"detail", done.error().detail}});
        co_return ok();
    }

    net::awaitable<Result<void>> take_all(web::EpochRow row) {
        const auto known = co_await sink_.receipt(site_, row.id);
        if (!known && known.error().code != Errc::not_found) co_return known.error();
        held_ = known ? std::optional{*known} : std::nullopt;
        untold_ = 0;
        max_bytes_ = kMostBytes;
        // More than the gateway has: of a closed epoch, which ended where another history began,
        // that is as it must be; else it was rolled back, or was pushed to us meanwhile. It knows.
        if (held_ && held_->through > row.last) {
            if (!row.is_open) co_return ok();
            auto told = co_await tell();
            co_return told;
        }
        Seq after = held_ ? end_of_held(*held_, Seq{}) : Seq{};
        bool has_news = false;
        while (after < row.last) {
            const auto next = co_await batch(row.id, after);
            if (!next) co_return next.error();
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

    /// The gateway's open epoch contradicts what is held: finds the last record that both have in
    /// common and tells it, so that what the gateway has behind that comes under other names. The
    /// store is asked of single records that it holds, which changes nothing there. Always an
    /// error, `diverged` when all went well.
    net::awaitable<Result<void>> part(web::EpochRow row, Error why) {
        const auto known = co_await sink_.receipt(site_, row.id);
        if (!known) co_return known.error();
        held_ = *known;
        const Seq both = std::min(held_->through, row.last);
        Seq agreed;
        for (Seq differs = both.next(); agreed.next() < differs;) {
            // The last one first: a store that is merely ahead agrees with all of it.
            const Seq asked = differs > both ? both : Seq{(agreed.value + differs.value) / 2};
            const auto same = co_await is_same(row.id, asked);
            if (!same) co_return same.error();
            (*same ? agreed : differs) = asked;
        }
        if (agreed == both && held_->through <= row.last && held_->held.empty()) {
            why.detail += "; and yet both agree in all that is held";
            co_return why;
        }
        // Record 1 names the epoch, so at least that one is the same.
        const auto last_common = std::to_string(std::max(agreed, Seq{1}).value);
        log(LogLevel::warning, "pull_diverged",
            {{"site", site_}, {"epoch", to_string(row.id)}, {"last_common", last_common}});
        auto request = receipt_request();
        request.path += "?agreed=" + last_common;
        const auto answer = co_await ask(std::move(request));
        if (!answer) co_return answer.error();
        left_ = row.id;
        co_return why;
    }

    /// Whether the gateway's records up to `seq` are those that the store holds.
    net::awaitable<Result<bool>> is_same(EpochId id, Seq seq) {
        const auto got = co_await fetch(id, seq.previous(), kLeastBytes);
        if (!got) co_return got.error();
        if (!*got || (*got)->range.first > seq) co_return false;  // it has become shorter meanwhile
        auto body = std::move((*got)->body);
        if ((*got)->range.first == seq) {
            // No more than that one: a longer batch might bring what parts them along.
            auto batch = std::move((*got)->batch);
            auto records = wire::decode_pack(batch.pack);
            if (!records) co_return records.error();
            records->resize(1);
            batch.pack = wire::encode_pack(*records);
            body = wire::encode_batch(batch);
        }
        const auto receipt = co_await sink_.accept(std::move(body));
        if (receipt) co_return true;
        if (receipt.error().code == Errc::diverged) co_return false;
        co_return receipt.error();
    }

    struct Fetched {
        std::string body;
        wire::Batch batch;  ///< what `body` says
        SeqRange range;
    };

    /// The next records behind `after`, of this site and epoch for certain; nothing: no more.
    net::awaitable<Result<std::optional<Fetched>>> fetch(EpochId id, Seq after,
                                                         std::uint64_t max_bytes) {
        UplinkRequest request;
        request.path = "/v1/batches?epoch=" + to_string(id) +
                       "&after=" + std::to_string(after.value) +
                       "&max=" + std::to_string(max_bytes);
        auto answer = co_await ask(std::move(request));
        if (!answer) co_return answer.error();
        if (answer->status == 204) co_return std::optional<Fetched>{};
        progress_.bytes += answer->body.size();
        auto got = wire::decode_batch(answer->body);
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
        Fetched fetched{std::move(answer->body), std::move(*got), *range};
        co_return std::optional<Fetched>{std::move(fetched)};
    }

    /// Where to go on; `after` itself at the end.
    net::awaitable<Result<Seq>> batch(EpochId id, Seq after) {
        auto got = co_await fetch(id, after, max_bytes_);
        if (!got) co_return got.error();
        if (!*got) co_return after;
        const auto range = (*got)->range;
        auto body = std::move((*got)->body);
        auto receipt = co_await sink_.accept(std::move(body));
        if (receipt) {
            progress_.records += range.size();
            held_ = *receipt;
            co_return end_of_held(*receipt, range.last);
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
        progress_.refused += range.size();
        log(LogLevel::warning, "pull_records_refused",
            {{"site", site_},
             {"first", std::to_string(range.first.value)},
             {"last", std::to_string(range.last.value)},
             {"detail", error.detail}});
        co_return range.last;
    }

    [[nodiscard]] UplinkRequest receipt_request() const {
        UplinkRequest request;
        request.method = "POST";
        request.path = "/v1/receipts";
        request.content_type = wire::kReceiptType;
        request.body = wire::encode_receipt(*held_);
        return request;
    }

    /// Tells the gateway what is held. That it could not be told costs nothing but its own picture,
    /// so only what it says of the records is an error.
    net::awaitable<Result<void>> tell() {
        untold_ = 0;
        auto request = receipt_request();
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
    EpochId left_;                 ///< the open epoch that the gateway was told to leave
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
