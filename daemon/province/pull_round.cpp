#include "daemon/province/pull_round.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "daemon/host/offload.hpp"
#include "daemon/net/local_http.hpp"

namespace gerbang::province {
namespace {

constexpr Millis kReportInterval{5000};
constexpr Millis kReceiverTimeout{60'000};
constexpr int kReceiverTries = 5;
constexpr Seconds kReceiverWait{60};

/// What the coroutines of one round share.
struct Round {
    const std::vector<Gateway>& gateways;
    OpenUplink open;
    PullSink& sink;
    Clock& clock;
    std::vector<SiteVisit> visits;
    std::size_t next = 0;
    std::size_t lanes = 0;  ///< under way
    Bell bell{};            ///< a lane has ended
    std::function<void()> on_end = {};
};

net::awaitable<void> run_lane(Round& round) {
    while (round.next < round.gateways.size() && !round.clock.is_stopped()) {
        const auto index = round.next++;
        const auto& gateway = round.gateways[index];
        auto& visit = round.visits[index];
        auto uplink = round.open(gateway.target);
        if (!uplink) {
            visit.error = uplink.error();
        } else {
            const auto done =
                co_await pull_site(gateway.site, **uplink, round.sink, round.clock, visit.progress);
            if (!done) visit.error = done.error();
        }
        visit.is_over = true;
    }
}

class StoreSink final : public PullSink {
public:
    StoreSink(Store& store, net::any_io_executor worker, Clock& clock)
        : store_{store}, worker_{std::move(worker)}, clock_{clock} {}

    net::awaitable<Result<Receipt>> accept(std::string batch) override {
        auto work = [&store = store_, batch = std::move(batch),
                     received = clock_.wall().wall]() -> Result<Receipt> {
            const auto decoded = wire::decode_batch(batch);
            if (!decoded) return decoded.error();
            return store.accept(*decoded, received);
        };
        auto receipt = co_await offload(worker_, std::move(work));
        co_return receipt;
    }
    net::awaitable<Result<Receipt>> receipt(std::string site, EpochId epoch) override {
        auto work = [&store = store_, site = std::move(site), epoch] {
            return store.receipt(site, epoch);
        };
        auto receipt = co_await offload(worker_, std::move(work));
        co_return receipt;
    }

private:
    Store& store_;
    net::any_io_executor worker_;
    Clock& clock_;
};

/// What the receiver's answer means; its own detail is in the body.
Result<Receipt> receipt_in(const Result<HttpAnswer>& answer) {
    if (!answer) return answer.error();
    if (answer->status == 200) return wire::decode_receipt(answer->body);
    const auto detail =
        answer->what() + ": HTTP " + std::to_string(answer->status) + ": " + answer->body;
    switch (answer->status) {
        case 400:
            return Error{Errc::bad_input, detail};
        case 404:
            return Error{Errc::not_found, detail};
        case 409:
            return Error{Errc::diverged, detail};
        case 413:
            return Error{Errc::too_large, detail};
        case 422:
            return Error{Errc::refused, detail};
        case 429:
        case 503:
            return Error{Errc::overloaded, detail};
        default:
            return Error{Errc::storage_broken, detail};
    }
}

class ReceiverSink final : public PullSink {
public:
    ReceiverSink(std::string socket_path, net::any_io_executor worker, Clock& clock)
        : socket_path_{std::move(socket_path)}, worker_{std::move(worker)}, clock_{clock} {}

    net::awaitable<Result<Receipt>> accept(std::string batch) override {
        auto receipt = co_await ask("POST", "/v1/batches", std::move(batch));
        co_return receipt;
    }
    net::awaitable<Result<Receipt>> receipt(std::string site, EpochId epoch) override {
        auto target = "/v1/receipts?site=" + site + "&epoch=" + to_string(epoch);
        std::string nothing;
        auto receipt = co_await ask("GET", std::move(target), std::move(nothing));
        co_return receipt;
    }

private:
    net::awaitable<Result<Receipt>> ask(std::string method, std::string target, std::string body) {
        for (int tried = 1;; ++tried) {
            auto work = [method, path = socket_path_, target, body] {
                return local_request(method, path, target, kReceiverTimeout, body);
            };
            const auto answer = co_await offload(worker_, std::move(work));
            auto receipt = receipt_in(answer);
            const bool is_busy = !receipt && receipt.error().code == Errc::overloaded;
            if (!is_busy || tried == kReceiverTries) co_return receipt;
            const auto wait = std::min(answer->retry_after.value_or(Seconds{2}), kReceiverWait);
            const bool running = co_await clock_.sleep_until(clock_.now() + wait);
            if (!running) co_return Error{Errc::stopped, "stopped while the receiver was busy"};
        }
    }

    std::string socket_path_;
    net::any_io_executor worker_;
    Clock& clock_;
};

}  // namespace

net::awaitable<std::vector<SiteVisit>> pull_all(
    const std::vector<Gateway>& gateways, OpenUplink open, PullSink& sink, Clock& clock,
    std::size_t parallel, std::function<void(const std::vector<SiteVisit>&)> report) {
    Round round{gateways, std::move(open), sink, clock, {}, 0, 0};
    for (const auto& gateway : gateways) round.visits.emplace_back().site = gateway.site;
    const auto executor = co_await net::this_coro::executor;
    round.lanes = std::min(std::max<std::size_t>(parallel, 1), gateways.size());
    for (std::size_t i = round.lanes; i > 0; --i) {
        net::co_spawn(executor, run_lane(round), [&round](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
            round.bell.ring();
            if (--round.lanes == 0 && round.on_end) round.on_end();
        });
    }
    auto due = clock.now() + kReportInterval;
    for (bool running = true; running && round.lanes > 0;) {
        running = co_await clock.sleep_until(due, &round.bell);
        if (clock.now() < due) continue;
        report(round.visits);
        due = clock.now() + kReportInterval;
    }
    // The clock sleeps no more, so an idle timer is what the last lane wakes.
    net::steady_timer landing{executor, net::steady_timer::time_point::max()};
    round.on_end = [&landing] { landing.cancel(); };
    if (round.lanes > 0) (void)co_await landing.async_wait(net::as_tuple(net::use_awaitable));
    report(round.visits);
    co_return std::move(round.visits);
}

std::unique_ptr<PullSink> store_sink(Store& store, net::any_io_executor worker, Clock& clock) {
    return std::make_unique<StoreSink>(store, std::move(worker), clock);
}

std::unique_ptr<PullSink> receiver_sink(const std::string& socket_path, net::any_io_executor worker,
                                        Clock& clock) {
    return std::make_unique<ReceiverSink>(socket_path, std::move(worker), clock);
}

}  // namespace gerbang::province
