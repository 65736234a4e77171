#include "tests/support/scripted_prober.hpp"

namespace gerbang {
namespace {

std::uint64_t count_of(const std::map<std::string, std::uint64_t>& counts,
                       const std::string& name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
}

}  // namespace

net::awaitable<ProbeAnswer> ScriptedProber::probe(const ProbeTarget& target,
                                                  const std::string& device, Millis timeout) {
    ++asked_;
    ++by_name_[target.name];
    last_device_ = device;
    ProbeAnswer answer;
    answer.answered = is_reachable_;
    answer.round_trip = latency;
    if (script_ && is_reachable_) answer = script_(target, clock_->now());
    return deliver(std::move(answer), timeout);
}

net::awaitable<ProbeAnswer> ScriptedProber::ask_name(const NameQuestion& question,
                                                     const std::string&, Millis timeout) {
    ++names_asked_;
    ++by_resolver_[question.resolver];
    ProbeAnswer answer;
    answer.answered = is_reachable_;
    answer.round_trip = latency;
    if (!question.expected.empty()) answer.detail = question.expected.front();
    if (name_script_ && is_reachable_) answer = name_script_(question, clock_->now());
    if (!is_reachable_) answer.detail.clear();
    return deliver(std::move(answer), timeout);
}

net::awaitable<ProbeAnswer> ScriptedProber::deliver(ProbeAnswer answer, Millis timeout) {
    if (answer.answered && answer.round_trip > timeout) {
        answer.answered = false;
        answer.detail.clear();
    }
    if (!answer.answered && answer.detail.empty()) answer.detail = "time-out";
    // A reported error comes at once, silence lasts until the time-out.
    const bool is_silent = !answer.answered && answer.detail == "time-out";
    if (is_silent) {
        answer.silence = Silence::timeout;
    } else if (!answer.answered && answer.silence == Silence::none) {
        answer.silence = Silence::unreachable;
    }
    const Millis wait = answer.answered ? answer.round_trip : is_silent ? timeout : Millis{0};
    const bool is_on = co_await clock_->sleep_until(clock_->now() + wait);
    if (!is_on) co_return ProbeAnswer{.detail = "stopped", .silence = Silence::local};
    if (!answer.answered) answer.round_trip = {};
    co_return answer;
}

std::uint64_t ScriptedProber::asked(const std::string& name) const {
    return count_of(by_name_, name);
}

std::uint64_t ScriptedProber::names_asked(const std::string& resolver) const {
    return count_of(by_resolver_, resolver);
}

}  // namespace gerbang
