// What time it is, and who says so (design 4).

#include "daemon/app/pipeline.hpp"
#include "daemon/app/version.hpp"
#include "daemon/host/log.hpp"
#include "daemon/net/verification_time.hpp"

namespace gerbang {
namespace {

constexpr Millis kAnchorInterval{10'000};
constexpr Millis kDay{86'400'000};
/// A clock that was not corrected for so long is believed by what cannot be corrected later.
constexpr Millis kSteady{300'000};
/// Hourly ones of more days than the ring holds.
constexpr std::size_t kMostBlindAnchors = 256;

}  // namespace

void Daemon::Pipeline::note_anchor(Monotonic at) {
    // Asking the kernel each second would be a good part of a tick's cost, and tell nothing new.
    const auto slot = to_ms(at) / kAnchorInterval.count();
    if (std::exchange(anchor_slot_, slot) == slot) return;
    const auto wall = edges_.clock->wall();
    if (!wall.is_synchronised && !config_.clock.trust_system) return;
    take_anchor({.at = here(),
                 .wall = wall.wall,
                 .source = wall.is_synchronised ? AnchorSource::kernel : AnchorSource::operator_,
                 .uncertainty = wall.is_synchronised ? wall.uncertainty : Millis{1000}});
}

void Daemon::Pipeline::watch_clock(const Anchor& candidate) {
    good_time_.look(candidate);
    if (candidate.source == AnchorSource::operator_) return;
    const auto* latest = latest_anchor_ && latest_anchor_->at.boot == boot_ &&
                                 latest_anchor_->source != AnchorSource::operator_
                             ? &*latest_anchor_
                             : nullptr;
    const auto& now = candidate.at.at;
    if (latest == nullptr || correction(latest, candidate, config_.metering.tick)) {
        steady_since_ = now;
        return;
    }
    // Two that do not know each other need no time to be believed.
    const auto kernel = edges_.clock->wall();
    const auto error = candidate.wall - kernel.wall;
    const auto give = candidate.uncertainty + config_.metering.tick;
    const bool is_proven = candidate.source == AnchorSource::province && kernel.is_synchronised &&
                           error <= give && error >= -give;
    if (is_proven) good_time_.prove(candidate.at, candidate.wall - candidate.uncertainty);
    if (!steady_since_) steady_since_ = now;
    if (is_proven || now - *steady_since_ >= kSteady) learn_gap_length();
}

void Daemon::Pipeline::take_anchor(const Anchor& candidate) {
    watch_clock(candidate);
    const auto* latest = latest_anchor_ ? &*latest_anchor_ : nullptr;
    if (!wants_anchor(latest, candidate)) return;
    if (const auto change = correction(latest, candidate, config_.metering.tick)) {
        note(to_event(ClockFact{.correction = *change, .source = candidate.source}, candidate.at));
        log(LogLevel::notice, "clock_corrected",
            {{"by_ms", std::to_string(change->count())},
             {"source", std::string{to_string(candidate.source)}}});
    }
    const bool is_first = latest == nullptr || latest->at.boot != candidate.at.boot;
    latest_anchor_ = candidate;
    true_time_.add(candidate);
    if (blind_ && blind_->anchors.size() < kMostBlindAnchors) blind_->anchors.push_back(candidate);
    note(to_event(candidate));
    if (is_first) commit_bell_.ring();
}

void Daemon::Pipeline::learn_gap_length() {
    // Counters cannot be taken back: an operator's slip of the finger must not get into them.
    if (!links_ || !latest_anchor_ || latest_anchor_->source == AnchorSource::operator_) return;
    const auto since = links_->book().wants_gap_length_since();
    if (!since) return;
    const auto from = true_time_.at(*since);
    const auto to = true_time_.at({boot_, started_});
    if (from && to) links_->book().add_gap_length(to->middle() - from->middle());
}

void Daemon::Pipeline::keep_day() {
    const auto now = edges_.clock->now();
    std::int64_t day = now.time_since_epoch() / kDay;
    // By the anchor, not by the clock: this runs at each tick.
    if (latest_anchor_ && latest_anchor_->at.boot == boot_) {
        const auto wall = latest_anchor_->wall + (now - latest_anchor_->at.at);
        day = (wall + config_.site.utc_offset).time_since_epoch() / kDay;
    }
    edges_.kernel->set_day(day);
}

std::optional<WallTime> Daemon::Pipeline::wall_of(DeviceTime at) const {
    const auto span = true_time_.at(at);
    if (!span) return std::nullopt;
    return span->middle();
}

Daemon::Pipeline::Present Daemon::Pipeline::present() const {
    const auto wall = edges_.clock->wall();
    if (wall.is_synchronised) return {"synchronised", wall.wall};
    if (config_.clock.trust_system) return {"operator", wall.wall};
    if (!latest_anchor_ || latest_anchor_->at.boot != boot_) return {"unset", std::nullopt};
    const auto now = latest_anchor_->wall + (edges_.clock->now() - latest_anchor_->at.at);
    switch (latest_anchor_->source) {
        case AnchorSource::kernel:
            return {"synchronised", now};
        case AnchorSource::province:
            return {"province", now};
        case AnchorSource::operator_:
            break;
    }
    return {"operator", now};
}

Result<void> Daemon::Pipeline::set_clock(WallTime wall, Seconds uncertainty) {
    if (!takes_words()) return journal_not_open();
    const auto source = present().source;
    if (source == "synchronised" || source == "province" || config_.clock.trust_system) {
        return Error{Errc::refused,
                     "the time is known already (" +
                         (config_.clock.trust_system ? "clock.trust_system" : source) +
                         "), and better than by hand; nothing was changed"};
    }
    take_anchor({.at = here(),
                 .wall = wall,
                 .source = AnchorSource::operator_,
                 .uncertainty = std::chrono::duration_cast<Millis>(uncertainty)});
    commit_bell_.ring();
    return ok();
}

WallTime Daemon::Pipeline::certificate_time() const {
    return verification_time(
        {.kernel = edges_.clock->wall(), .built = build_date(), .good = good_time_.at(here())});
}

}  // namespace gerbang
