#include "tests/support/village_link.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace gerbang {

VillageLink::VillageLink(Clock& clock, std::uint64_t seed, std::function<Handler()> handler)
    : clock_{&clock}, random_{seed}, handler_{std::move(handler)} {}

Millis VillageLink::one_way() {
    if (jitter == Millis{}) return latency / 2;
    return latency / 2 + Millis{static_cast<std::int64_t>(random_()) & 0xFFFFFF} % jitter;
}

net::awaitable<Result<HttpAnswer>> VillageLink::send(UplinkRequest request) {
    struct UnderWay {
        unsigned& count;
        explicit UnderWay(unsigned& n) : count{n} { ++count; }
        ~UnderWay() { --count; }
    };
    // The ladder's question for the province is no push: it neither counts nor meets the accidents
    // that a test has planned for one.
    const bool is_push = request.method == "POST";
    std::optional<UnderWay> under_way;
    if (is_push) {
        under_way.emplace(under_way_);
        most_under_way_ = std::max(most_under_way_, under_way_);
        ++attempts_;
    }
    const auto began = clock_->now();
    const auto silence = [this, began, timeout = request.timeout]() { return began + timeout; };
    if (!up || (is_push && happens(lost_requests))) {
        const bool is_on = co_await clock_->sleep_until(silence());
        if (!is_on) co_return Error{Errc::stopped, "stopped"};
        co_return Error{Errc::unreachable, "time-out"};
    }
    const bool arrived = co_await clock_->sleep_until(began + one_way());
    if (!arrived) co_return Error{Errc::stopped, "stopped"};
    const auto handler = handler_();
    if (!handler) co_return Error{Errc::unreachable, "connection refused"};

    ServerRequest delivered;
    delivered.method = request.method;
    delivered.path = request.path;
    delivered.body = request.body;
    delivered.content_type = request.content_type;
    if (!token.empty()) delivered.authorization = "Bearer " + token;
    traffic_.sent_bytes += request.body.size();
    if (is_push && earlier_ && happens(replayed)) (void)co_await handler(*earlier_);
    if (is_push && (!earlier_ || happens(100))) earlier_ = delivered;
    auto response = co_await handler(delivered);
    if (is_push && happens(doubled)) {
        auto second = co_await handler(delivered);
        response = std::move(second);
    }
    bool is_lost = !up || (is_push && happens(lost_replies));
    if (is_push && lose_next_replies > 0) {
        --lose_next_replies;
        is_lost = true;
    }
    const auto home = jitter == Millis{} ? began + latency : clock_->now() + one_way();
    const bool is_on = co_await clock_->sleep_until(is_lost ? silence() : home);
    if (!is_on) co_return Error{Errc::stopped, "stopped"};
    if (is_lost) co_return Error{Errc::unreachable, "time-out"};
    traffic_.received_bytes += response.body.size();
    HttpAnswer answer;
    answer.status = response.status;
    answer.body = std::move(response.body);
    answer.retry_after = response.retry_after;
    if (date) {
        // Whole seconds, as HTTP has them.
        answer.date = wall_from_ms(to_ms(date()) / 1000 * 1000);
        answer.is_authenticated = true;
    }
    answer.request = request.method + " village" + request.path;
    co_return answer;
}

}  // namespace gerbang
