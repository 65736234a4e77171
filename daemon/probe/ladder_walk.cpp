#include "daemon/probe/ladder_walk.hpp"

#include <algorithm>
#include <utility>

#include "daemon/probe/ladder_findings.hpp"
#include "daemon/probe/ladder_plan.hpp"
#include "daemon/probe/minute_stats.hpp"
#include "daemon/probe/question.hpp"
#include "daemon/probe/traffic_watch.hpp"

namespace gerbang {
namespace {

using Kind = Question::Kind;

constexpr std::int64_t kMinuteMs = 60'000;
/// A finding older than this is no state any more: the rarest question comes each 5 minutes.
constexpr Millis kStale{900'000};
constexpr unsigned kServerFailures = 3;

std::vector<std::string> names_of(const std::vector<LadderSettings::Target>& targets) {
    std::vector<std::string> names;
    for (const auto& target : targets) names.push_back(target.host.name);
    return names;
}

std::vector<Question> joined(std::vector<Question> all, std::vector<Question> more) {
    for (auto& question : more) all.push_back(std::move(question));
    return all;
}

/// Hops whose one silence would decide: an echo gets lost now and then.
std::vector<Question> silent_hops(const std::vector<Question>& asked) {
    std::vector<Question> questions;
    for (const auto& question : asked) {
        const bool is_hop = question.kind == Kind::next_hop || question.kind == Kind::provider;
        if (is_hop && !question.answer.answered) questions.push_back(question);
    }
    return questions;
}

bool has_asked(const std::vector<Question>& asked, Kind kind) {
    return std::any_of(asked.begin(), asked.end(),
                       [kind](const auto& question) { return question.kind == kind; });
}

}  // namespace

struct LadderWalk::State {
    State(LadderSettings settings, WebQuestions web, Prober& prober, Clock& clock, Entropy& random,
          net::any_io_executor loop, SeriesTable& table)
        : plan{std::move(settings), web},
          askers{.prober = &prober,
                 .clock = &clock,
                 .loop = std::move(loop),
                 .web = std::make_shared<const WebQuestions>(std::move(web))},
          entropy{&random},
          series{&table},
          stats{names_of(plan.settings().targets), table} {}

    void meet(BootNo now_on, const std::string& by_wan);
    void learn(const std::vector<Question>& asked);
    void find(const Surroundings& around, const std::vector<Question>& asked, Walk& walk) const;
    void note_answers(const std::vector<Question>& asked);
    void decide(const LadderRound& round);
    void show(const LadderRound& round, const std::vector<Question>& asked, Monotonic now);

    LadderPlan plan;
    Askers askers;
    Entropy* entropy;
    SeriesTable* series;
    MinuteStats stats;
    TrafficWatch traffic;
    BootNo boot;
    std::string wan;  // the last that was known
    Acquaintances known;
    bool wants_full = true;  // the first round is a full one
    bool was_full = false;
    unsigned server_failures = 0;  // full rounds in which single servers alone failed
    std::optional<Monotonic> last_begun;
    std::array<std::optional<RungView>, kRungCount> shown;
    std::array<SeriesId, kRungCount> rung_ids{};
    std::int64_t shown_minute = -1;
};

/// A box that was moved or a modem that was swapped is met anew with the next boot, and so is who
/// stands behind another WAN. A WAN that has gone takes nothing along.
void LadderWalk::State::meet(BootNo now_on, const std::string& by_wan) {
    const bool is_other_wan = !by_wan.empty() && by_wan != wan;
    if (std::exchange(boot, now_on) != now_on || is_other_wan) known = {};
    if (is_other_wan) wan = by_wan;
}

void LadderWalk::State::learn(const std::vector<Question>& asked) {
    for (const auto& question : asked) {
        if (!question.answer.answered) continue;
        if (question.kind == Kind::next_hop) known.next_hop = true;
        if (question.kind == Kind::provider) known.provider = true;
    }
}

void LadderWalk::State::find(const Surroundings& around, const std::vector<Question>& asked,
                             Walk& walk) const {
    find_rungs(asked, plan.settings(), around, known, walk.round);
    auto& province = walk.round[Rung::province];
    const bool has_pushed = around.last_push && last_begun && *around.last_push >= *last_begun;
    if (has_pushed && province.state == RungState::unknown) {
        province = found(RungState::up, Silence::none, "push acknowledged");
        walk.pushed_at = around.last_push;
    }
    walk.hotspot = find_hotspot(asked, plan.settings(), around);
    walk.services = find_services(asked, walk.round);
}

void LadderWalk::State::note_answers(const std::vector<Question>& asked) {
    const auto now = askers.clock->now();
    for (const auto& question : asked) {
        const auto& answer = question.answer;
        switch (question.kind) {
            case Kind::target:
                if (answer.answered) traffic.note_echo();
                if (answer.answered || answer.silence != Silence::local) {
                    stats.record(question.index, now,
                                 answer.answered ? std::optional{answer.round_trip} : std::nullopt);
                }
                break;
            case Kind::next_hop:
            case Kind::provider:
                traffic.note_echo();
                break;
            case Kind::resolver:
                traffic.note_name();
                break;
            case Kind::web:
            case Kind::province:
            case Kind::service:
                traffic.note_web();
                break;
            case Kind::hotspot:
                break;
        }
    }
}

/// The next round is full after a failure. A page or a province that stays away while all else is
/// well has been looked at often enough after a few of these.
void LadderWalk::State::decide(const LadderRound& round) {
    was_full = round.is_full;
    if (has_failure(round)) {
        wants_full = true;
        server_failures = 0;
    } else if (has_server_failure(round)) {
        if (round.is_full) server_failures = std::min(server_failures + 1, kServerFailures);
        wants_full = server_failures < kServerFailures;
    } else {
        wants_full = false;
        const bool is_asked = round[Rung::web].state != RungState::unknown ||
                              round[Rung::province].state != RungState::unknown;
        if (is_asked) server_failures = 0;
    }
}

void LadderWalk::State::show(const LadderRound& round, const std::vector<Question>& asked,
                             Monotonic now) {
    for (std::size_t i = 0; i < kRungCount; ++i) {
        const auto rung = static_cast<Rung>(i);
        const auto& finding = round.rungs[i];
        // A full round that says nothing of a rung says that nothing is known, but of the
        // province, which pushes had proven.
        const bool is_kept =
            !round.is_full || (rung == Rung::province && !has_asked(asked, Kind::province) &&
                               round[Rung::carrier].state != RungState::down);
        if (finding.state == RungState::unknown && is_kept) continue;
        shown[i] = RungView{.rung = rung, .finding = finding, .asked = now};
    }
}

LadderWalk::LadderWalk(LadderSettings settings, WebQuestions web, Prober& prober, Clock& clock,
                       Entropy& entropy, net::any_io_executor loop, SeriesTable& series)
    : state_{std::make_unique<State>(std::move(settings), std::move(web), prober, clock, entropy,
                                     std::move(loop), series)} {}

LadderWalk::~LadderWalk() = default;

net::awaitable<Walk> LadderWalk::walk(const Surroundings& around, BootNo boot, bool in_doubt) {
    auto& state = *state_;
    const auto& clock = *state.askers.clock;
    const auto timeout = state.plan.settings().timeout;
    const auto begun = clock.now();
    state.meet(boot, around.wan);
    const auto traffic = state.traffic.advance(begun, around);
    const Moment moment{.now = begun, .around = &around, .has_inbound = traffic.has_inbound};
    Walk walk;
    auto& round = walk.round;
    round.at = {boot, begun};
    round.has_inbound_traffic = traffic.has_inbound;
    round.is_saturated = traffic.is_saturated;
    round.is_full = in_doubt || state.wants_full;
    bool is_first = in_doubt || !state.was_full;

    auto questions =
        joined(round.is_full ? state.plan.whole(moment, is_first) : state.plan.cheap(moment),
               state.plan.beside(moment, false));
    auto asked = co_await ask_all(state.askers, std::move(questions), timeout);
    state.learn(asked);
    state.find(around, asked, walk);
    const bool is_news = has_failure(round) ||
                         (has_server_failure(round) && state.server_failures < kServerFailures);
    if (!round.is_full && is_news && !clock.is_stopped()) {
        round.is_full = true;
        is_first = true;
        auto rest = without(state.plan.whole(moment, true), asked);
        auto more = co_await ask_all(state.askers, std::move(rest), timeout);
        asked = joined(std::move(asked), std::move(more));
        state.learn(asked);
        state.find(around, asked, walk);
    }
    if (round.is_full && !clock.is_stopped()) {
        auto last = silent_hops(asked);
        if (round[Rung::dns].state != RungState::down) {
            last = joined(std::move(last), without(state.plan.page(moment, is_first), asked));
        }
        auto more = co_await ask_all(state.askers, std::move(last), timeout);
        asked = joined(std::move(asked), std::move(more));
        state.learn(asked);
        state.find(around, asked, walk);
    }
    if (clock.is_stopped()) co_return walk;
    state.decide(round);
    state.last_begun = begun;
    state.plan.note(moment, asked);
    state.note_answers(asked);
    state.show(round, asked, begun);
    co_return walk;
}

net::awaitable<Walk> LadderWalk::walk_all(const Surroundings& around, BootNo boot) {
    auto& state = *state_;
    const auto& clock = *state.askers.clock;
    const auto timeout = state.plan.settings().timeout;
    const auto begun = clock.now();
    state.meet(boot, around.wan);
    const Moment moment{.now = begun, .around = &around};
    Walk walk;
    walk.round.at = {boot, begun};
    walk.round.is_full = true;
    auto questions = joined(state.plan.whole(moment, true), state.plan.beside(moment, true));
    auto province = without(state.plan.province(moment), questions);
    questions = joined(std::move(questions), std::move(province));
    auto asked = co_await ask_all(state.askers, std::move(questions), timeout);
    state.learn(asked);
    state.find(around, asked, walk);
    if (!clock.is_stopped()) {
        auto last = joined(silent_hops(asked), state.plan.page(moment, true));
        auto more = co_await ask_all(state.askers, std::move(last), timeout);
        asked = joined(std::move(asked), std::move(more));
        state.learn(asked);
        state.find(around, asked, walk);
    }
    if (!clock.is_stopped()) state.show(walk.round, asked, begun);
    co_return walk;
}

Monotonic LadderWalk::next(bool in_doubt) {
    const auto& settings = state_->plan.settings();
    const auto step = std::max(in_doubt ? settings.doubt_interval : settings.interval, Millis{1});
    const auto now = state_->askers.clock->now();
    const auto begun = state_->last_begun.value_or(now);
    const auto slot = to_ms(begun) / step.count() + 1;
    const auto jitter = state_->entropy->below(static_cast<std::uint64_t>(step.count() / 10 + 1));
    return std::max(now,
                    monotonic_from_ms(slot * step.count() + static_cast<std::int64_t>(jitter)));
}

void LadderWalk::append_readings(Monotonic at, std::vector<Reading>& into) {
    auto& state = *state_;
    state.stats.append(at, into);
    const auto minute = to_ms(at) / kMinuteMs;
    if (std::exchange(state.shown_minute, minute) == minute) return;
    for (const auto& shown : state.shown) {
        if (!shown || shown->finding.state == RungState::unknown) continue;
        if (at - shown->asked > kStale) continue;
        auto& id = state.rung_ids[static_cast<std::size_t>(shown->rung)];
        if (id.value == 0) {
            id = state.series->intern("rung_state", {{"rung", std::string{to_string(shown->rung)}}},
                                      SeriesKind::state, "");
        }
        if (id.value == 0) continue;
        into.push_back({id, static_cast<std::int64_t>(shown->finding.state)});
    }
}

std::vector<LadderWalk::RungView> LadderWalk::view() const {
    std::vector<RungView> views;
    for (const auto& shown : state_->shown) {
        if (shown) views.push_back(*shown);
    }
    return views;
}

}  // namespace gerbang
