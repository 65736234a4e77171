#include "daemon/probe/ladder_plan.hpp"

#include <algorithm>
#include <utility>

#include "daemon/probe/ladder_findings.hpp"

namespace gerbang {
namespace {

using Kind = Question::Kind;

constexpr std::size_t kMostTargets = 16;
constexpr std::size_t kMostResolvers = 4;
constexpr std::size_t kMostServices = 8;

constexpr std::uint64_t kRarely = 3;  // each third round
constexpr Millis kHopsInterval{300'000};
constexpr Millis kProvinceInterval{300'000};
constexpr Millis kPushProves{180'000};
constexpr Millis kFailingInterval{60'000};
/// With the jitter of a round its recovery is seen within a minute.
constexpr Millis kFailingService{50'000};
constexpr Millis kRest{300'000};
constexpr unsigned kLonelySilences = 3;

/// Once in each slot of the interval: rounds are jittered, and a due time that is measured from the
/// last asking would slip by a round again and again.
bool is_due(const std::optional<Monotonic>& asked, Monotonic now, Millis interval) {
    if (!asked || interval <= Millis{0}) return true;
    return to_ms(now) / interval.count() != to_ms(*asked) / interval.count();
}

bool may_ask_wan(const Moment& moment) {
    return moment.around->has_carrier.value_or(true);
}

bool is_proven_by_push(const Moment& moment) {
    const auto& push = moment.around->last_push;
    return push && moment.now - *push < kPushProves;
}

bool is_v6(const std::string& address) {
    return address.find(':') != std::string::npos;
}

bool is_link_local(const std::string& address) {
    return address.starts_with("fe80:") || address.starts_with("FE80:");
}

/// A link-local address means the WAN where it does not say another interface.
std::string on_wan(const std::string& address, const std::string& wan) {
    const bool is_complete =
        wan.empty() || !is_link_local(address) || address.find('%') != std::string::npos;
    return is_complete ? address : address + '%' + wan;
}

template <class T>
void keep_at_most(std::vector<T>& values, std::size_t most) {
    if (values.size() > most) values.resize(most);
}

}  // namespace

LadderPlan::LadderPlan(LadderSettings settings, const WebQuestions& web)
    : settings_{std::move(settings)},
      has_page_{static_cast<bool>(web.ask_web)},
      has_province_{static_cast<bool>(web.ask_province)},
      has_services_{static_cast<bool>(web.ask_service)} {
    keep_at_most(settings_.targets, kMostTargets);
    keep_at_most(settings_.services, kMostServices);
    targets_.resize(settings_.targets.size());
    services_.resize(settings_.services.size());
}

std::vector<Question> LadderPlan::cheap(const Moment& moment) {
    std::vector<Question> questions;
    const bool is_third = rounds_++ % kRarely == 0;
    if (!may_ask_wan(moment)) return questions;
    if (is_third || !moment.has_inbound) {
        for (const bool is_domestic : {true, false}) {
            const auto index = target_in_turn(is_domestic, moment.now);
            if (index) add_target(moment, *index, questions);
        }
    }
    if (const auto index = resolver_in_turn(moment)) add_resolver(moment, *index, questions);
    if (is_due(hops_asked_, moment.now, kHopsInterval)) add_hops(moment, questions);
    if (is_due(page_asked_, moment.now, settings_.web_interval)) {
        for (auto& question : page(moment, true)) questions.push_back(std::move(question));
    }
    if (province_is_due(moment)) {
        for (auto& question : province(moment)) questions.push_back(std::move(question));
    }
    return questions;
}

std::vector<Question> LadderPlan::whole(const Moment& moment, bool is_first) const {
    std::vector<Question> questions;
    if (!may_ask_wan(moment)) return questions;
    for (std::size_t i = 0; i < settings_.targets.size(); ++i) add_target(moment, i, questions);
    for (std::size_t i = 0; i < resolver_count(moment); ++i) add_resolver(moment, i, questions);
    add_hops(moment, questions);
    const bool is_proven =
        is_proven_by_push(moment) &&
        (!province_.is_failing() || *moment.around->last_push > *province_.asked());
    const auto interval = province_.is_lasting(moment.now) ? kProvinceInterval : kFailingInterval;
    if (!is_proven && (is_first || province_.may_look_quickly(moment.now) ||
                       is_due(province_.asked(), moment.now, interval))) {
        for (auto& question : province(moment)) questions.push_back(std::move(question));
    }
    return questions;
}

std::vector<Question> LadderPlan::page(const Moment& moment, bool is_first) const {
    if (!has_page_ || !may_ask_wan(moment)) return {};
    if (!is_first && !is_page_failing_ && !is_due(page_asked_, moment.now, kFailingInterval)) {
        return {};
    }
    std::vector<Question> questions(1);
    questions.back().kind = Kind::web;
    return questions;
}

std::vector<Question> LadderPlan::province(const Moment& moment) const {
    if (!has_province_ || !may_ask_wan(moment)) return {};
    std::vector<Question> questions(1);
    questions.back().kind = Kind::province;
    return questions;
}

std::vector<Question> LadderPlan::beside(const Moment& moment, bool all) const {
    std::vector<Question> questions;
    const bool asks_hotspot =
        !settings_.hotspot_address.empty() && moment.around->lan_has_carrier.value_or(true);
    if (asks_hotspot && (all || is_hotspot_failing_ || hotspot_age_ + 1 >= kRarely)) {
        Question question;
        question.kind = Kind::hotspot;
        question.host.name = "hotspot";
        question.host.address = settings_.hotspot_address;
        questions.push_back(std::move(question));
    }
    if (!has_services_ || !may_ask_wan(moment)) return questions;
    const auto& wanted = moment.around->wanted_services;
    for (std::size_t i = 0; i < services_.size(); ++i) {
        const auto& service = services_[i];
        const auto interval = service.is_failing() && !service.is_lasting(moment.now)
                                  ? std::min(kFailingService, settings_.services_interval)
                                  : settings_.services_interval;
        const bool is_wanted =
            std::find(wanted.begin(), wanted.end(), settings_.services[i]) != wanted.end();
        if (!all && !is_wanted && !is_due(service.asked(), moment.now, interval)) continue;
        Question question;
        question.kind = Kind::service;
        question.index = i;
        question.host.name = settings_.services[i];
        questions.push_back(std::move(question));
    }
    return questions;
}

void LadderPlan::note(const Moment& moment, const std::vector<Question>& asked) {
    const auto begun = moment.now;
    ++hotspot_age_;
    // When the cable is back the access point is asked at once.
    if (!moment.around->lan_has_carrier.value_or(true)) is_hotspot_failing_ = true;
    for (const auto& question : asked) {
        switch (question.kind) {
            case Kind::next_hop:
            case Kind::provider:
                hops_asked_ = begun;
                break;
            case Kind::web:
                page_asked_ = begun;
                is_page_failing_ = question.finding.state != RungState::up;
                break;
            case Kind::province:
                province_.note(begun, question.finding.state == RungState::down);
                break;
            case Kind::service:
                if (question.index >= services_.size()) break;
                services_[question.index].note(begun, question.finding.state != RungState::up);
                break;
            case Kind::hotspot:
                hotspot_age_ = 0;
                is_hotspot_failing_ = !question.answer.answered;
                break;
            case Kind::target:
            case Kind::resolver:
                break;
        }
    }
    note_groups(begun, asked);
    note_resolvers(begun, asked);
}

void LadderPlan::note_resolvers(Monotonic begun, const std::vector<Question>& asked) {
    const bool has_answer = std::any_of(asked.begin(), asked.end(), [](const Question& question) {
        return question.kind == Kind::resolver && question.answer.answered;
    });
    for (const auto& question : asked) {
        if (question.kind != Kind::resolver || question.index >= resolvers_.size()) continue;
        auto& resolver = resolvers_[question.index];
        resolver.asked = begun;
        if (question.answer.answered) {
            resolver.lonely_silences = 0;
        } else if (has_answer) {
            ++resolver.lonely_silences;
        }
    }
}

void LadderPlan::note_groups(Monotonic begun, const std::vector<Question>& asked) {
    // A target that is silent makes its round a full one.
    const Bystanders bystanders{asked, true};
    for (const bool is_domestic : {true, false}) {
        bool has_answer = false;
        for (const auto& question : asked) {
            if (question.kind == Kind::target && question.answer.answered &&
                settings_.targets[question.index].is_domestic == is_domestic) {
                has_answer = true;
            }
        }
        for (const auto& question : asked) {
            if (question.kind != Kind::target ||
                settings_.targets[question.index].is_domestic != is_domestic) {
                continue;
            }
            auto& target = targets_[question.index];
            target.asked = begun;
            target.is_bystander = bystanders.include(question);
            if (question.answer.answered) {
                target.lonely_silences = 0;
            } else if (has_answer) {
                ++target.lonely_silences;
            }
        }
    }
}

std::optional<std::size_t> LadderPlan::target_in_turn(bool is_domestic, Monotonic now) {
    auto& turn = turn_[is_domestic ? 1 : 0];
    const auto count = targets_.size();
    for (const bool may_rest : {true, false}) {
        for (std::size_t step = 0; step < count; ++step) {
            const auto i = (turn + step) % count;
            if (settings_.targets[i].is_domestic != is_domestic) continue;
            const auto& target = targets_[i];
            if ((may_rest || target.is_bystander) && rests(target, now)) continue;
            turn = i + 1;
            return i;
        }
    }
    return std::nullopt;
}

std::optional<std::size_t> LadderPlan::resolver_in_turn(const Moment& moment) {
    const auto count = resolver_count(moment);
    for (const bool may_rest : {true, false}) {
        for (std::size_t step = 0; step < count; ++step) {
            const auto i = (resolver_turn_ + step) % count;
            if (may_rest && rests(resolvers_[i], moment.now)) continue;
            resolver_turn_ = i + 1;
            return i;
        }
    }
    return std::nullopt;
}

bool LadderPlan::rests(const HostState& host, Monotonic now) {
    const bool is_tired = host.lonely_silences >= kLonelySilences || host.is_bystander;
    return is_tired && host.asked && now - *host.asked < kRest;
}

bool LadderPlan::province_is_due(const Moment& moment) {
    const bool is_proven = is_proven_by_push(moment);
    const bool was_proven = std::exchange(was_proven_, is_proven);
    if (is_proven) return false;
    // Where pushes are the rule, their end is a reason to ask at once.
    if (was_proven || province_.may_look_quickly(moment.now)) return true;
    const bool is_soon = province_.is_failing() && !province_.is_lasting(moment.now);
    return is_due(province_.asked(), moment.now, is_soon ? kFailingInterval : kProvinceInterval);
}

const std::vector<std::string>& LadderPlan::resolvers(const Moment& moment) const {
    return settings_.resolvers.empty() ? moment.around->resolvers : settings_.resolvers;
}

std::size_t LadderPlan::resolver_count(const Moment& moment) const {
    if (settings_.dns_name.empty()) return 0;
    return std::min(resolvers(moment).size(), kMostResolvers);
}

void LadderPlan::add_target(const Moment& moment, std::size_t index,
                            std::vector<Question>& into) const {
    Question question;
    question.kind = Kind::target;
    question.index = index;
    question.device = moment.around->wan;
    question.host = settings_.targets[index].host;
    into.push_back(std::move(question));
}

void LadderPlan::add_resolver(const Moment& moment, std::size_t index,
                              std::vector<Question>& into) const {
    Question question;
    question.kind = Kind::resolver;
    question.index = index;
    question.device = moment.around->wan;
    question.name.resolver = on_wan(resolvers(moment)[index], moment.around->wan);
    question.name.name = settings_.dns_name;
    question.name.expected = settings_.dns_expected;
    into.push_back(std::move(question));
}

void LadderPlan::add_hops(const Moment& moment, std::vector<Question>& into) const {
    const auto& around = *moment.around;
    const bool has_modem = !settings_.modem_address.empty();
    const bool is_named = has_modem || (!around.is_point_to_point && !around.gateway.empty());
    if (is_named && settings_.next_hop != NextHop::none) {
        Question question;
        question.kind = Kind::next_hop;
        question.host.name = "next-hop";
        question.host.address =
            on_wan(has_modem ? settings_.modem_address : around.gateway, around.wan);
        // The modem under a PPP link is reached beside it.
        if (!around.is_point_to_point) question.device = around.wan;
        into.push_back(std::move(question));
    }
    // Of the address family of the next hop, or of one that has a way where there is no next hop.
    const LadderSettings::Target* abroad = nullptr;
    bool is_fit = false;
    for (std::size_t i = 0; i < targets_.size() && !is_fit; ++i) {
        const auto& target = settings_.targets[i];
        if (target.is_domestic) continue;
        is_fit = around.gateway.empty() ? !targets_[i].is_bystander
                                        : is_v6(target.host.address) == is_v6(around.gateway);
        if (abroad == nullptr || is_fit) abroad = &target;
    }
    if (abroad == nullptr) return;
    Question question;
    question.kind = Kind::provider;
    question.device = around.wan;
    question.host.name = "provider";
    question.host.address = abroad->host.address;
    question.host.tcp_port = abroad->host.tcp_port;
    // With nothing of ours in between the provider begins at once.
    question.host.hop = around.is_point_to_point || settings_.next_hop == NextHop::none ? 1 : 2;
    into.push_back(std::move(question));
}

std::vector<Question> without(std::vector<Question> questions, const std::vector<Question>& asked) {
    std::erase_if(questions, [&](const Question& question) {
        return std::any_of(asked.begin(), asked.end(), [&](const Question& other) {
            return other.kind == question.kind && other.index == question.index;
        });
    });
    return questions;
}

}  // namespace gerbang
