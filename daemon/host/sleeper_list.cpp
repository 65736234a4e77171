#include "daemon/host/sleeper_list.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace gerbang {

/// One suspended sleep, in the frame of its coroutine.
struct SleeperList::Sleeper {
    Sleeper(SleeperList& owner, Monotonic until, Bell::State* rung_by,
            const net::any_io_executor& executor);
    ~Sleeper() { leave(); }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;

    void wake() {
        is_woken = true;
        leave();
        timer.cancel();
    }
    void leave() noexcept;

    SleeperList* list;
    Monotonic deadline;
    Bell::State* bell;
    net::steady_timer timer;
    bool is_woken = false;
};

struct Bell::State {
    std::vector<SleeperList::Sleeper*> sleepers;
    bool is_remembered = false;
};

SleeperList::Sleeper::Sleeper(SleeperList& owner, Monotonic until, Bell::State* rung_by,
                              const net::any_io_executor& executor)
    : list{&owner}, deadline{until}, bell{rung_by}, timer{executor} {
    auto& all = list->sleepers_;
    const auto place =
        std::upper_bound(all.begin(), all.end(), deadline,
                         [](Monotonic at, const Sleeper* other) { return at < other->deadline; });
    all.insert(place, this);
    if (bell != nullptr) bell->sleepers.push_back(this);
}

void SleeperList::Sleeper::leave() noexcept {
    if (list != nullptr) std::erase(list->sleepers_, this);
    if (bell != nullptr) std::erase(bell->sleepers, this);
    list = nullptr;
    bell = nullptr;
}

Bell::Bell() : state_{std::make_unique<State>()} {}

Bell::~Bell() {
    for (auto* sleeper : state_->sleepers) sleeper->bell = nullptr;
}

void Bell::ring() {
    state_->is_remembered = state_->sleepers.empty();
    while (!state_->sleepers.empty()) state_->sleepers.front()->wake();
}

SleeperList::~SleeperList() {
    for (auto* sleeper : sleepers_) sleeper->list = nullptr;
}

net::awaitable<bool> SleeperList::suspend(Monotonic deadline, Bell* bell, Rest rest) {
    if (is_stopped_) co_return false;
    const bool was_rung = bell != nullptr && std::exchange(bell->state_->is_remembered, false);
    const auto executor = co_await net::this_coro::executor;
    Sleeper self{*this, deadline, bell == nullptr ? nullptr : bell->state_.get(), executor};
    if (was_rung) self.wake();
    for (bool has_waited = false; !self.is_woken || !has_waited; has_waited = true) {
        const auto left = self.is_woken ? std::chrono::nanoseconds{0} : rest();
        if (left && left->count() <= 0) {
            // A loop that is late, or is rung all the time, must not starve the others.
            if (!has_waited) co_await net::post(net::use_awaitable);
            break;
        }
        if (left) {
            self.timer.expires_after(*left);
        } else {
            self.timer.expires_at(net::steady_timer::time_point::max());
        }
        const auto [error] = co_await self.timer.async_wait(net::as_tuple(net::use_awaitable));
        if (error && !self.is_woken) co_return false;  // the coroutine itself was cancelled
    }
    co_return !is_stopped_;  // `stop` may have come after the wake-up
}

std::size_t SleeperList::wake_due(Monotonic now) {
    std::size_t woken = 0;
    while (!sleepers_.empty() && sleepers_.front()->deadline <= now) {
        sleepers_.front()->wake();
        ++woken;
    }
    return woken;
}

std::optional<Monotonic> SleeperList::earliest() const {
    if (sleepers_.empty()) return std::nullopt;
    return sleepers_.front()->deadline;
}

void SleeperList::stop() {
    is_stopped_ = true;
    while (!sleepers_.empty()) sleepers_.front()->wake();
}

}  // namespace gerbang
