#include "daemon/probe/ladder_findings.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace gerbang {
namespace {

using Kind = Question::Kind;

constexpr std::size_t kMostDetail = 240;

std::size_t family_of(const Question& target) {
    return target.host.address.find(':') == std::string::npos ? 0 : 1;
}

std::string_view without_scope(std::string_view address) {
    return address.substr(0, address.find('%'));
}

bool is_of_use(const ProbeAnswer& answer) {
    return answer.answered || answer.silence != Silence::local || answer.detail == kNoRoute;
}

void add_detail(RungFinding& finding, const std::string& who, const std::string& what) {
    if (finding.detail.size() >= kMostDetail) return;
    if (!finding.detail.empty()) finding.detail += "; ";
    finding.detail += who + ": " + what;
    if (finding.detail.size() > kMostDetail) finding.detail.resize(kMostDetail);
}

/// Gathers the answers of one rung: up when one answered, down when all were silent, unknown when
/// nobody could be asked.
class Tally {
public:
    void add(const std::string& who, const ProbeAnswer& answer) {
        if (answer.answered) {
            finding.state = RungState::up;
            if (!finding.round_trip || answer.round_trip < *finding.round_trip) {
                finding.round_trip = answer.round_trip;
            }
            ++answered;
        } else {
            add_detail(finding, who, answer.detail);
        }
        if (!is_of_use(answer)) return;
        ++asked;
        if (answer.answered) return;
        if (finding.state == RungState::unknown) finding.state = RungState::down;
        // Whatever was said tells more than silence.
        if (silence_ == Silence::none || silence_ == Silence::timeout) silence_ = answer.silence;
    }
    [[nodiscard]] RungFinding take() {
        if (finding.state != RungState::up) finding.silence = silence_;
        return std::move(finding);
    }

    RungFinding finding;
    unsigned asked = 0;
    unsigned answered = 0;

private:
    Silence silence_ = Silence::none;
};

Tally tally_of(const std::vector<Question>& asked, Kind kind) {
    Tally tally;
    for (const auto& question : asked) {
        if (question.kind == kind) tally.add(question.host.name, question.answer);
    }
    return tally;
}

RungFinding find_next_hop(const std::vector<Question>& asked, const LadderSettings& settings,
                          const Surroundings& around, bool is_known, bool internet_answers) {
    auto tally = tally_of(asked, Kind::next_hop);
    auto finding = tally.take();
    if (finding.state != RungState::down) return finding;
    // What lies beyond it is reached through it.
    if (is_known && internet_answers) {
        finding.state = RungState::up;
        finding.silence = Silence::none;
        return finding;
    }
    if (is_known) return finding;
    const bool is_gateway =
        settings.modem_address.empty() || without_scope(settings.modem_address) == around.gateway;
    if (!is_gateway || !around.gateway_is_neighbour) {
        finding.state = RungState::unknown;
    } else if (*around.gateway_is_neighbour) {
        finding.state = RungState::up;
        finding.silence = Silence::none;
        add_detail(finding, "neighbour", "resolved");
    } else {
        if (internet_answers) finding.state = RungState::unknown;
        add_detail(finding, "neighbour", "failed");
    }
    return finding;
}

RungFinding find_provider(const std::vector<Question>& asked, bool is_known,
                          bool internet_answers) {
    auto tally = tally_of(asked, Kind::provider);
    auto finding = tally.take();
    // Routers answer such questions when they feel like it.
    if (finding.state == RungState::down && (!is_known || internet_answers)) {
        finding.state = RungState::unknown;
    }
    return finding;
}

RungFinding find_dns(const std::vector<Question>& asked) {
    Tally tally;
    std::string lie;
    bool all_lie = true;
    for (const auto& question : asked) {
        if (question.kind != Kind::resolver) continue;
        tally.add(question.name.resolver, question.answer);
        if (question.answer.silence != Silence::wrong) {
            all_lie = false;
        } else if (lie.empty()) {
            lie = question.answer.detail;
        } else if (lie != question.answer.detail) {
            all_lie = false;
        }
    }
    auto finding = tally.take();
    if (all_lie && !lie.empty()) finding.state = RungState::portal;
    return finding;
}

RungFinding finding_of(const std::vector<Question>& asked, Kind kind) {
    for (const auto& question : asked) {
        if (question.kind == kind) return question.finding;
    }
    return {};
}

RungFinding find_input(std::optional<bool> is_on, const char* off) {
    if (!is_on) return {};
    if (*is_on) return found(RungState::up, Silence::none, {});
    return found(RungState::down, Silence::none, off);
}

bool is_bad(const RungFinding& finding) {
    return finding.state == RungState::down || finding.state == RungState::portal;
}

}  // namespace

Bystanders::Bystanders(const std::vector<Question>& asked, bool is_full) {
    std::array<bool, 2> was_asked{};
    std::array<bool, 2> has_answer{};
    for (const auto& question : asked) {
        if (question.kind != Kind::target) continue;
        const auto& answer = question.answer;
        const auto family = family_of(question);
        has_answer[family] = has_answer[family] || answer.answered;
        was_asked[family] =
            was_asked[family] || answer.answered || answer.silence != Silence::local;
    }
    has_way_ = was_asked[0] || was_asked[1];
    for (const std::size_t family : {0U, 1U}) {
        is_dead_[family] = is_full && !has_answer[family] && has_answer[1 - family];
    }
}

bool Bystanders::include(const Question& target) const {
    const auto& answer = target.answer;
    if (answer.answered) return false;
    const bool has_no_route = answer.silence == Silence::local && answer.detail == kNoRoute;
    return is_dead_[family_of(target)] || (has_no_route && has_way_);
}

void find_rungs(const std::vector<Question>& asked, const LadderSettings& settings,
                const Surroundings& around, const Acquaintances& known, LadderRound& round) {
    round[Rung::power] = find_input(around.mains_is_on, "mains off");
    round[Rung::carrier] = find_input(around.has_carrier, "no carrier");
    if (round[Rung::carrier].state == RungState::down) {
        round[Rung::carrier].detail += " on " + around.wan;
    }
    Tally domestic;
    Tally international;
    const Bystanders bystanders{asked, round.is_full};
    for (const auto& question : asked) {
        if (question.kind != Kind::target) continue;
        auto& group = settings.targets[question.index].is_domestic ? domestic : international;
        if (bystanders.include(question)) {
            add_detail(group.finding, question.host.name, question.answer.detail);
        } else {
            group.add(question.host.name, question.answer);
        }
    }
    round.asked = domestic.asked + international.asked;
    round.answered = domestic.answered + international.answered;
    round[Rung::domestic] = domestic.take();
    round[Rung::international] = international.take();
    const bool internet_answers = round.answered > 0;
    round[Rung::next_hop] =
        find_next_hop(asked, settings, around, known.next_hop, internet_answers);
    round[Rung::provider] = find_provider(asked, known.provider, internet_answers);
    round[Rung::dns] = find_dns(asked);
    round[Rung::web] = finding_of(asked, Kind::web);
    round[Rung::province] = finding_of(asked, Kind::province);
}

bool has_failure(const LadderRound& round) {
    for (auto i = static_cast<std::size_t>(Rung::carrier); i <= static_cast<std::size_t>(Rung::dns);
         ++i) {
        if (is_bad(round.rungs[i])) return true;
    }
    return round[Rung::web].state == RungState::portal;
}

bool has_server_failure(const LadderRound& round) {
    return round[Rung::web].state == RungState::down ||
           round[Rung::province].state == RungState::down;
}

std::optional<RungFinding> find_hotspot(const std::vector<Question>& asked,
                                        const LadderSettings& settings,
                                        const Surroundings& around) {
    if (around.lan_has_carrier && !*around.lan_has_carrier) {
        return find_input(false, "no carrier on the LAN");
    }
    if (settings.hotspot_address.empty()) {
        if (!around.lan_has_carrier) return std::nullopt;
        return find_input(true, "");
    }
    auto tally = tally_of(asked, Kind::hotspot);
    const bool is_asked = std::any_of(asked.begin(), asked.end(), [](const auto& question) {
        return question.kind == Kind::hotspot;
    });
    if (!is_asked) return std::nullopt;
    return tally.take();
}

std::vector<Walk::Service> find_services(const std::vector<Question>& asked,
                                         const LadderRound& round) {
    const bool is_internet_down = (round.asked > 0 && round.answered == 0) ||
                                  is_bad(round[Rung::dns]) || is_bad(round[Rung::carrier]) ||
                                  round[Rung::web].state == RungState::portal;
    std::vector<Walk::Service> services;
    for (const auto& question : asked) {
        if (question.kind != Kind::service) continue;
        auto finding = question.finding;
        if (is_internet_down && finding.state != RungState::up) {
            finding.state = RungState::unknown;
        }
        services.push_back({.name = question.host.name, .finding = std::move(finding)});
    }
    return services;
}

}  // namespace gerbang
