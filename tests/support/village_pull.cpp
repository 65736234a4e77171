#include "tests/support/village_pull.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

namespace gerbang {

struct VillagePull::Visit final : Uplink {
    explicit Visit(VillagePull& p) : pull{p} {}

    net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) override;
    [[nodiscard]] UplinkTraffic traffic() const override { return {}; }

    VillagePull& pull;
    std::unique_ptr<province::PullSink> sink;
    province::PullProgress progress;
    bool is_dead = false;
    bool is_over = false;
};

net::awaitable<Result<HttpAnswer>> VillagePull::Visit::send(UplinkRequest request) {
    auto& clock = pull.clock_;
    const Error lost{Errc::unreachable, "time-out"};
    const Error stopped{Errc::stopped, "stopped"};
    const auto began = clock.now();
    ++pull.requests_;
    bool is_lost = !pull.up || pull.happens(pull.lost_requests);
    bool is_on =
        co_await clock.sleep_until(is_lost ? began + request.timeout : began + pull.latency / 2);
    if (!is_on) co_return stopped;
    ServerRequest asked;
    asked.method = request.method;
    const auto mark = std::min(request.path.find('?'), request.path.size());
    asked.path = request.path.substr(0, mark);
    if (mark < request.path.size()) asked.query = request.path.substr(mark + 1);
    asked.body = std::move(request.body);
    asked.content_type = request.content_type;
    asked.authorization = std::string{"Bearer "} + kToken;
    HttpAnswer answer;
    answer.request = request.method + " gateway" + request.path;
    if (!is_lost && !is_dead) {
        const auto gateway = pull.gateway_();
        if (!gateway) co_return Error{Errc::unreachable, "connection refused"};
        auto response = co_await gateway(std::move(asked));
        answer.status = response.status;
        answer.retry_after = response.retry_after;
        answer.body = std::move(response.body);
        is_lost = !pull.up || pull.happens(pull.lost_replies);
        is_on =
            co_await clock.sleep_until(is_lost ? began + request.timeout : began + pull.latency);
        if (!is_on) co_return stopped;
    }
    // What is dead asks no more.
    while (is_dead && is_on) is_on = co_await clock.sleep_until(Monotonic::max());
    if (is_dead) co_return stopped;
    if (is_lost) co_return lost;
    co_return answer;
}

VillagePull::VillagePull(Clock& clock, std::uint64_t seed, std::function<Handler()> gateway)
    : clock_{clock}, random_{seed}, gateway_{std::move(gateway)} {}

VillagePull::~VillagePull() = default;

net::awaitable<void> VillagePull::run(Visit& visit, std::string site) {
    auto done =
        co_await province::pull_site(std::move(site), visit, *visit.sink, clock_, visit.progress);
    visit.is_over = true;
    if (visit.is_dead) co_return;
    outcome_ = std::move(done);
    progress_ = visit.progress;
}

void VillagePull::begin(net::io_context& loop, province::Store& store, const std::string& site) {
    std::erase_if(visits_, [](const auto& visit) { return visit->is_over; });
    visits_.push_back(std::make_unique<Visit>(*this));
    auto& visit = *visits_.back();
    visit.sink = province::store_sink(store, loop.get_executor(), clock_);
    net::co_spawn(loop, run(visit, site), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
}

bool VillagePull::is_under_way() const {
    return !visits_.empty() && !visits_.back()->is_over && !visits_.back()->is_dead;
}

void VillagePull::die() {
    if (!visits_.empty()) visits_.back()->is_dead = true;
}

void VillagePull::forget() {
    visits_.clear();
}

}  // namespace gerbang
