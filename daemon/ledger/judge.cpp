#include "daemon/ledger/judge.hpp"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

constexpr unsigned kWindow = 32;
/// A modem is back this long after its power.
constexpr Millis kModemStart{300'000};

bool is(const LadderRound& round, Rung rung, RungState state) {
    return round[rung].state == state;
}
bool is_up(const LadderRound& round, Rung rung) {
    return is(round, rung, RungState::up);
}
bool is_down(const LadderRound& round, Rung rung) {
    return is(round, rung, RungState::down);
}

void add(std::string& text, std::string_view fact) {
    if (fact.empty()) return;
    if (!text.empty()) text += "; ";
    text += fact;
}

/// "dns: SERVFAIL", or in the probe's own words.
std::string fact_of(const LadderRound& round, Rung rung) {
    const auto& finding = round[rung];
    std::string fact{to_string(rung)};
    if (finding.state == RungState::up) return fact + " answers";
    fact += ": ";
    if (!finding.detail.empty()) return fact + finding.detail;
    if (finding.state == RungState::portal) return fact + "somebody else answered";
    fact += finding.silence == Silence::none ? "down" : to_string(finding.silence);
    return fact;
}

/// What the way to the break looks like, from the box outwards.
std::string facts_of(const LadderRound& round, std::string start) {
    for (const auto rung : {Rung::next_hop, Rung::provider, Rung::domestic, Rung::international,
                            Rung::dns, Rung::web}) {
        if (!is(round, rung, RungState::unknown)) add(start, fact_of(round, rung));
    }
    if (is_down(round, Rung::power)) add(start, "mains off");
    return start;
}

/// A router told us that there is no way on.
bool was_told(const LadderRound& round) {
    return round[Rung::provider].silence == Silence::unreachable ||
           round[Rung::domestic].silence == Silence::unreachable ||
           round[Rung::international].silence == Silence::unreachable;
}

bool proves_path(const LadderRound& round) {
    return round.answered > 0 || is_up(round, Rung::domestic) ||
           is_up(round, Rung::international) || is_up(round, Rung::web);
}

bool asked_in_vain(const LadderRound& round) {
    return round.asked > 0 || is_down(round, Rung::domestic) || is_down(round, Rung::international);
}

/// What was said is seen directly, silence is not, and of a question never asked little is known.
Confidence confidence_in(Silence silence) {
    if (silence == Silence::local) return Confidence::low;
    if (silence == Silence::timeout) return Confidence::medium;
    return Confidence::high;
}

/// One group is silent while the other answers.
bool is_half_silent(const LadderRound& round) {
    return (is_down(round, Rung::domestic) && is_up(round, Rung::international)) ||
           (is_up(round, Rung::domestic) && is_down(round, Rung::international));
}

Verdict down(Cause cause, Confidence confidence, std::string evidence) {
    return {.at = {},
            .state = LinkState::down,
            .cause = cause,
            .confidence = confidence,
            .evidence = std::move(evidence)};
}

Verdict undecided(const LadderRound& round, std::string evidence) {
    return {
        .at = {}, .evidence = std::move(evidence), .carrier_is_up = is_up(round, Rung::carrier)};
}

/// The rung that must be asked again before this verdict can be taken back.
std::optional<Rung> broken_rung(const Verdict& verdict) {
    if (verdict.state != LinkState::down) return std::nullopt;
    switch (verdict.cause) {
        case Cause::blocked:
            return Rung::web;
        case Cause::international:
            return Rung::international;
        case Cause::dns:
            return Rung::dns;
        default:
            return std::nullopt;
    }
}

/// The lowest rung that `verdict` blames, for `shown`.
std::optional<Rung> blamed_rung(const LadderRound& round, const Verdict& verdict) {
    if (verdict.state != LinkState::down) return std::nullopt;
    switch (verdict.cause) {
        case Cause::power:
            return Rung::power;
        case Cause::carrier:
            return Rung::carrier;
        case Cause::modem:
            return Rung::next_hop;
        case Cause::isp:
            for (const auto rung : {Rung::next_hop, Rung::provider, Rung::domestic}) {
                if (is_down(round, rung)) return rung;
            }
            return Rung::international;
        default:
            return broken_rung(verdict);
    }
}

}  // namespace

Judge::Judge(NextHop next_hop, bool is_point_to_point, unsigned k)
    : next_hop_{next_hop}, is_point_to_point_{is_point_to_point}, k_{k} {
    GERBANG_CHECK(k >= 1);
}

void Judge::set_point_to_point(bool is_point_to_point) {
    is_point_to_point_ = is_point_to_point;
}

Verdict Judge::judge(const LadderRound& round) {
    remember(round);
    auto verdict = look(round);
    const bool is_usable = verdict.state == LinkState::up || verdict.state == LinkState::degraded;
    if (is_usable && broken_ && is(round, *broken_, RungState::unknown) && repeated_ < k_) {
        ++repeated_;
        verdict = broken_verdict_;
    } else if (verdict.state != LinkState::unknown) {
        repeated_ = 0;
        broken_ = broken_rung(verdict);
        if (broken_) broken_verdict_ = verdict;
    }
    verdict.at = round.at;
    if (const auto rung = broken_rung(verdict)) {
        verdict.good_at = answered_at_[static_cast<std::size_t>(*rung)];
    }
    seen_at_ = round.at;
    if (verdict.state == LinkState::up || verdict.state == LinkState::degraded) {
        usable_at_ = verdict.good_at.value_or(verdict.at);
    }
    return verdict;
}

void Judge::remember_answer(bool is_lost) {
    lost_ = lost_ << 1 | (is_lost ? 1U : 0U);
    answers_ = std::min(answers_ + 1, kWindow);
    const auto lost = static_cast<unsigned>(std::popcount(lost_));
    if (is_lossy_) {
        is_lossy_ = lost * 1000 >= answers_ * 25;
    } else {
        is_lossy_ = lost >= 2 && lost * 100 >= answers_ * 5;
    }
}

void Judge::remember(const LadderRound& round) {
    if (is_down(round, Rung::power)) mains_off_at_ = round.at;
    if (is_up(round, Rung::next_hop)) hop_answered_on_ = round.at.boot;
    for (std::size_t i = 0; i < kRungCount; ++i) {
        if (round.rungs[i].state == RungState::up) answered_at_[i] = round.at;
    }
    if (is_up(round, Rung::dns)) silent_names_ = 0;
    if (is_down(round, Rung::dns)) silent_names_ = std::min(silent_names_ + 1, k_);
    if (round.asked == 0) return;
    const auto answered = std::min(round.answered, round.asked);
    const auto lost = std::min(round.asked - answered, kWindow);
    if (answered == 0 || is_half_silent(round)) {
        silent_rounds_ = std::min(silent_rounds_ + 1, k_);
        waiting_losses_ = std::min(waiting_losses_ + lost, kWindow);
    } else {
        const bool was_outage = silent_rounds_ >= k_;
        const auto losses = lost + (was_outage ? 0 : waiting_losses_);
        for (unsigned i = 0; i < std::min(losses, kWindow); ++i) remember_answer(true);
        silent_rounds_ = 0;
        waiting_losses_ = 0;
    }
    for (unsigned i = 0; i < std::min(answered, kWindow); ++i) remember_answer(false);
}

bool Judge::lacks_mains(const LadderRound& round) const {
    if (is_down(round, Rung::power)) return true;
    return mains_off_at_ && mains_off_at_->boot == round.at.boot &&
           round.at.at - mains_off_at_->at < kModemStart;
}

/// Silence may come of congestion or loss as well.
bool Judge::is_shaky(const LadderRound& round) const {
    return round.is_saturated || is_lossy_;
}

Verdict Judge::usable(const LadderRound& round, Confidence confidence, std::string evidence) const {
    Verdict verdict{.at = {},
                    .state = LinkState::up,
                    .confidence = confidence,
                    .evidence = std::move(evidence)};
    const bool is_congested = round.is_saturated && round.answered < round.asked;
    if (!is_congested && !is_lossy_) return verdict;
    verdict.state = LinkState::degraded;
    if (is_congested) add(verdict.evidence, "the line is full");
    if (is_lossy_) {
        add(verdict.evidence, std::to_string(std::popcount(lost_)) + " of the last " +
                                  std::to_string(answers_) + " answers lost");
    }
    return verdict;
}

Verdict Judge::look(const LadderRound& round) {
    const bool had_bytes_only = std::exchange(had_bytes_only_, false);
    if (is(round, Rung::web, RungState::portal)) {
        return down(Cause::blocked, Confidence::high, fact_of(round, Rung::web));
    }
    if (proves_path(round)) return look_beyond(round);
    if (is_down(round, Rung::carrier)) {
        auto evidence = fact_of(round, Rung::carrier);
        if (lacks_mains(round)) {
            add(evidence, is_down(round, Rung::power) ? fact_of(round, Rung::power)
                                                      : "mains back only just now");
            return down(Cause::power, Confidence::medium, std::move(evidence));
        }
        return down(Cause::carrier, Confidence::high, std::move(evidence));
    }
    const bool is_silent = asked_in_vain(round);
    if (round.has_inbound_traffic) {
        if (!is_silent || had_bytes_only) {
            had_bytes_only_ = is_silent;
            auto verdict = usable(round, Confidence::medium, "bytes come in on the WAN");
            verdict.good_at = seen_at_;
            return verdict;
        }
        // They may have come in before the link failed.
        had_bytes_only_ = true;
        return undecided(round, facts_of(round, "bytes came in since the last round"));
    }
    if (is_up(round, Rung::dns) && !is_down(round, Rung::web)) {
        return usable(round, Confidence::low, facts_of(round, "a resolver answers"));
    }
    const bool names_are_silent = is_down(round, Rung::dns) && is_down(round, Rung::web);
    const bool hop_is_silent = is_down(round, Rung::next_hop) && next_hop_ != NextHop::none;
    if (!is_silent && !names_are_silent && !hop_is_silent) {
        return undecided(round, "nobody was asked");
    }
    if (round.is_saturated && silent_rounds_ < k_) {
        if (!usable_at_) return undecided(round, facts_of(round, "the line is full"));
        // Bytes pass, ours are lost among them; how long the link was well is not known from this.
        auto verdict = usable(round, Confidence::low, facts_of(round, {}));
        verdict.good_at = usable_at_;
        return verdict;
    }
    return look_for_break(round);
}

/// Somebody on the internet answers.
Verdict Judge::look_beyond(const LadderRound& round) {
    const bool has_targets =
        round.answered > 0 || is_up(round, Rung::domestic) || is_up(round, Rung::international);
    const bool is_half = is_up(round, Rung::domestic) && is_down(round, Rung::international);
    const bool told = round[Rung::international].silence == Silence::unreachable;
    // A full line loses what it likes: who is silent there is not dead for that.
    if (has_targets && round.is_full && is_half && (told || !round.is_saturated)) {
        if (is_shaky(round) && silent_rounds_ < k_) {
            return undecided(round, facts_of(round, "losses"));
        }
        return down(Cause::international, told ? Confidence::high : Confidence::medium,
                    "domestic answers; " + fact_of(round, Rung::international));
    }
    const auto& names = round[Rung::dns];
    const bool names_lie = names.state == RungState::portal;
    const bool is_silence =
        !names_lie && (names.silence == Silence::timeout || names.silence == Silence::unreachable);
    if (has_targets && round.is_full && (names_lie || names.state == RungState::down) &&
        !(is_silence && round.is_saturated)) {
        if (is_silence && is_shaky(round) && silent_names_ < k_) {
            return undecided(round, facts_of(round, "losses"));
        }
        auto confidence = names_lie ? Confidence::high : confidence_in(names.silence);
        if (names.silence == Silence::unreachable) confidence = Confidence::medium;
        return down(Cause::dns, confidence, "targets answer; " + fact_of(round, Rung::dns));
    }
    std::string evidence;
    for (const auto rung : {Rung::domestic, Rung::international, Rung::dns}) {
        if (is_down(round, rung)) add(evidence, fact_of(round, rung));
    }
    const bool is_congested = round.is_saturated && !evidence.empty();
    auto verdict = usable(round, Confidence::high, std::move(evidence));
    if (is_congested && verdict.state == LinkState::up) {
        verdict.state = LinkState::degraded;
        add(verdict.evidence, "the line is full");
    }
    return verdict;
}

/// Nobody answers, nothing comes in: the lowest silent rung is the break.
Verdict Judge::look_for_break(const LadderRound& round) const {
    const bool is_provider = next_hop_ == NextHop::provider || next_hop_ == NextHop::none ||
                             (next_hop_ == NextHop::automatic && is_point_to_point_);
    const bool asks_hop = next_hop_ != NextHop::none;
    auto evidence = facts_of(round, {});
    if (asks_hop && is_down(round, Rung::next_hop)) {
        if (lacks_mains(round)) {
            if (!is_down(round, Rung::power)) add(evidence, "mains back only just now");
            return down(Cause::power, Confidence::medium, std::move(evidence));
        }
        const bool answered_before = hop_answered_on_ == round.at.boot;
        const bool told = round[Rung::next_hop].silence == Silence::unreachable;
        auto confidence = answered_before ? Confidence::medium : Confidence::low;
        if (told) confidence = answered_before ? Confidence::high : Confidence::medium;
        return down(is_provider ? Cause::isp : Cause::modem, confidence, std::move(evidence));
    }
    const auto by_answer = was_told(round) ? Confidence::high : Confidence::medium;
    const bool passes_hop = is_up(round, Rung::next_hop) || is_up(round, Rung::provider);
    if (passes_hop) return down(Cause::isp, by_answer, std::move(evidence));

    // Nothing is known of what stands between this box and the silence.
    const bool no_way = round[Rung::domestic].silence == Silence::local ||
                        round[Rung::international].silence == Silence::local;
    const bool no_interface = is(round, Rung::carrier, RungState::unknown);
    if (is_provider) {
        const bool is_vague = no_way && no_interface;
        return down(Cause::isp, is_vague ? Confidence::low : by_answer, std::move(evidence));
    }
    if (no_interface || no_way) {
        add(evidence, no_interface ? "no WAN interface is known" : "no route");
        return down(Cause::unknown, Confidence::low, std::move(evidence));
    }
    return down(Cause::isp, was_told(round) ? Confidence::high : Confidence::low,
                std::move(evidence));
}

LadderRound shown(LadderRound round, const Verdict& verdict) {
    auto blamed = blamed_rung(round, verdict);
    for (std::size_t i = 0; i < kRungCount; ++i) {
        auto& finding = round.rungs[i];
        if (blamed && i > static_cast<std::size_t>(*blamed) && finding.state == RungState::down) {
            finding.state = RungState::unknown;
        }
        // Where nobody is blamed, the lowest silent rung above the mains hides the others.
        if (!blamed && verdict.state == LinkState::down && verdict.cause == Cause::unknown &&
            i > static_cast<std::size_t>(Rung::power) && finding.state == RungState::down) {
            blamed = static_cast<Rung>(i);
        }
    }
    return round;
}

Verdict judge_beside(DeviceTime at, const RungFinding& finding, Cause cause) {
    Verdict verdict{.at = at, .evidence = finding.detail};
    if (verdict.evidence.empty() && finding.silence != Silence::none) {
        verdict.evidence = to_string(finding.silence);
    }
    switch (finding.state) {
        case RungState::up:
            verdict.state = LinkState::up;
            verdict.confidence = Confidence::high;
            break;
        case RungState::down:
        case RungState::portal:
            verdict.state = LinkState::down;
            verdict.cause = cause;
            verdict.confidence = confidence_in(finding.silence);
            break;
        case RungState::unknown:
            break;
    }
    return verdict;
}

}  // namespace gerbang
