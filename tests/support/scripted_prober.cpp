#include "tests/support/scripted_prober.hpp"

namespace gerbang {

net::awaitable<ProbeAnswer> ScriptedProber::probe(const ProbeTarget& target,
                                                  const std::string& device, Millis timeout) {
    ++asked_;
    ++by_name_[target.name];
    last_device_ = device;
    const auto sent = clock_->now();
    ProbeAnswer answer{.answered = is_reachable_, .round_trip = latency, .detail = {}};
    if (script_ && is_reachable_) answer = script_(target, sent);
    if (answer.answered && answer.round_trip > timeout) answer.answered = false;
    if (!answer.answered && answer.detail.empty()) answer.detail = "time-out";
    // A reported error comes at once, silence lasts until the time-out.
    const bool is_silent = !answer.answered && answer.detail == "time-out";
    const Millis wait = answer.answered ? answer.round_trip : is_silent ? timeout : Millis{0};
    const bool is_on = co_await clock_->sleep_until(sent + wait);
    if (!is_on) co_return ProbeAnswer{.answered = false, .round_trip = {}, .detail = "stopped"};
    if (!answer.answered) answer.round_trip = {};
    co_return answer;
}

std::uint64_t ScriptedProber::asked(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? 0 : found->second;
}

}  // namespace gerbang
