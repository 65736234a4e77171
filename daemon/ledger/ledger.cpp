#include "daemon/ledger/ledger.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxEvidence = 480;
constexpr std::size_t kMaxGaps = 64;
/// A reload takes milliseconds; what takes longer was a death in the middle of one.
constexpr Millis kReloadTime{5000};

/// Cuts to `kMaxEvidence` bytes without splitting a UTF-8 sequence.
std::string shortened(std::string text) {
    if (text.size() <= kMaxEvidence) return text;
    std::size_t end = kMaxEvidence;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    return text;
}

/// Causes that say that nobody looked, not that the link failed.
bool is_gap_cause(Cause cause) {
    return cause == Cause::daemon || cause == Cause::device_off || cause == Cause::off;
}

Cause gap_cause(const PreviousRun& previous, bool same_boot) {
    if (same_boot) return Cause::daemon;
    return previous.ended_cleanly ? Cause::off : Cause::device_off;
}

std::string gap_evidence(const PreviousRun& previous, bool same_boot) {
    std::string text = same_boot ? "daemon did not run" : "device was off";
    return text + (previous.ended_cleanly ? ", clean stop before" : ", no clean stop before");
}

/// Why a round failed. Only called for rounds without an answer.
Cause cause_of(const Observation& observation) {
    if (!observation.has_carrier) return Cause::unknown;
    return *observation.has_carrier ? Cause::isp : Cause::carrier;
}

DeviceTime boot_began(DeviceTime at) {
    return {at.boot, Monotonic{}};
}

}  // namespace

Ledger::Ledger(unsigned k, std::uint64_t last_outage_id) : k_{k}, last_id_{last_outage_id} {
    GERBANG_CHECK(k >= 1);
}

std::vector<Outage> Ledger::start(const std::optional<PreviousRun>& previous, DeviceTime now,
                                  bool same_boot) {
    GERBANG_CHECK(!started_ && !seen_);
    started_ = now;
    last_good_ = now;
    since_ = now;
    if (!previous) return {};
    const auto boot_before = previous->last_tick.boot;
    if (boot_before > now.boot || (boot_before == now.boot && !same_boot)) return {};
    // A run that died before its first tick left no proof of life on this boot.
    if (boot_before != now.boot) same_boot = false;
    if (previous->was_reload && same_boot && now.at - previous->last_tick.at <= kReloadTime) {
        if (!previous->open) return {};
        if (!is_gap_cause(previous->open->cause)) {
            open_ = previous->open;
            last_id_ = std::max(last_id_, open_->id);
            last_good_ = open_->last_good;
            last_bad_ = std::max(previous->last_tick, open_->first_bad);
            enter(LinkState::down, open_->first_bad);
            return {};
        }
    }

    const auto cause = gap_cause(*previous, same_boot);
    const DeviceTime last = same_boot ? std::min(previous->last_tick, now) : previous->last_tick;
    // After a clean stop the end is known to the millisecond.
    const Millis silence = previous->ended_cleanly ? Millis{0} : previous->longest_silence;
    DeviceTime certain{last.boot, last.at + std::max(silence, Millis{0})};
    if (same_boot) certain = std::min(certain, now);

    is_gap_ = true;
    gap_end_ = same_boot ? now : boot_began(now);
    Outage gap{.id = 0,
               .segment = 1,
               .cause = cause,
               .last_good = last,
               .first_bad = certain,
               .last_bad = {},
               .first_good = {},
               .evidence = gap_evidence(*previous, same_boot)};
    if (!previous->open) {
        gap.id = ++last_id_;
        open_ = gap;
        return {gap};
    }

    Outage before = *previous->open;
    last_id_ = std::max(last_id_, before.id);
    const bool was_seen_down = !is_gap_cause(before.cause);
    if (!was_seen_down) {
        auto tail = previous->earlier.end();
        while (tail != previous->earlier.begin() && is_gap_cause(std::prev(tail)->cause) &&
               static_cast<std::size_t>(previous->earlier.end() - tail) < kMaxGaps) {
            --tail;
        }
        gaps_.assign(tail, previous->earlier.end());
    }

    // One gap after another with nothing seen between them is one gap.
    const bool nothing_between = last <= before.first_bad;
    if (before.cause == Cause::undetermined || (before.cause == cause && cause == Cause::daemon) ||
        (!was_seen_down && nothing_between)) {
        open_ = before;
        if (before.cause == Cause::daemon && cause != Cause::daemon) {
            open_->cause = cause;
            open_->evidence = gap.evidence;
            gap_end_ = std::max(gap_end_, open_->first_bad);
            return {*open_};
        }
        if (before.cause != Cause::daemon && cause == Cause::daemon && nothing_between) {
            gap_end_ = boot_began(now);
        }
        gap_end_ = std::max(gap_end_, open_->first_bad);
        return {};
    }

    // The earlier segment ends where the last run still lived, a switched-off time where it began.
    DeviceTime seam = last;
    if ((before.cause == Cause::device_off || before.cause == Cause::off) &&
        before.first_bad.boot < last.boot) {
        seam = boot_began(last);
    }
    seam = std::max(seam, before.first_bad);
    before.last_bad = seam;
    before.first_good = std::max(seam, certain);
    gap.id = before.id;
    gap.segment = before.segment + 1;
    gap.last_good = seam;
    gap.first_bad = *before.first_good;
    gap_end_ = std::max(gap_end_, gap.first_bad);
    if (was_seen_down) {
        gap.cause = Cause::undetermined;
        gap.evidence += ", link down before";
    } else {
        gaps_.push_back(before);
    }
    open_ = gap;
    return {before, gap};
}

std::vector<Outage> Ledger::observe(const Observation& observation) {
    std::vector<Outage> out;
    if (started_ && observation.at < *started_) return out;
    if (seen_ && (observation.at < seen_->at || observation == *seen_)) return out;
    if (!last_good_) last_good_ = observation.at;
    // An answer proves the path, whatever a driver says of its carrier.
    if (observation.answered > 0) {
        succeed(observation, out);
    } else if (observation.asked > 0 || observation.has_carrier == false) {
        fail(observation, cause_of(observation), out);
    } else {
        miss(observation, out);
    }
    seen_ = observation;
    return out;
}

void Ledger::fail(const Observation& observation, Cause cause, std::vector<Outage>& out) {
    misses_ = 0;
    const bool is_declared = open_ && !is_gap_;
    if (!is_declared && !doubted_) {
        doubted_ = Outage{.id = 0,
                          .segment = 1,
                          .cause = cause,
                          .last_good = *last_good_,
                          .first_bad = observation.at,
                          .last_bad = {},
                          .first_good = {},
                          .evidence = shortened(observation.evidence)};
        failures_ = 0;
        last_bad_ = observation.at;
    }
    auto& present = is_declared ? *open_ : *doubted_;
    if (cause == present.cause) {
        change_.reset();
    } else if (!is_declared && cause == Cause::carrier) {
        // Questions that failed just before the carrier was seen to be lost are the same fault.
        present.cause = cause;
        present.evidence = shortened(observation.evidence);
        change_.reset();
    } else {
        if (!change_ || change_->cause != cause) {
            change_ = Change{cause, last_bad_, observation.at, 0, shortened(observation.evidence)};
        }
        ++change_->rounds;
    }
    last_bad_ = observation.at;
    if (!is_declared && ++failures_ >= k_) declare(out);
    if (change_ && open_ && !is_gap_ && change_->rounds >= k_) change_cause(out);
}

void Ledger::succeed(const Observation& observation, std::vector<Outage>& out) {
    misses_ = 0;
    if (open_) close(observation.at, out);
    doubted_.reset();
    change_.reset();
    last_good_ = observation.at;
    enter(LinkState::up, observation.at);
}

void Ledger::miss(const Observation& observation, std::vector<Outage>& out) {
    // The broken rung works again; what lies above it nobody asked.
    const auto& present = doubted_ ? doubted_ : open_;
    if (observation.has_carrier == true && present && present->cause == Cause::carrier) {
        if (!doubted_) close(observation.at, out);
        doubted_.reset();
        change_.reset();
        last_good_ = observation.at;
        enter(LinkState::unknown, observation.at);
    }
    if (misses_ < k_ && ++misses_ == k_) {
        doubted_.reset();
        change_.reset();
        if (open_) {
            if (!is_gap_) open_->evidence = shortened("no longer measured; " + open_->evidence);
            close(is_gap_ ? std::max(*started_, gap_end_) : observation.at, out);
        }
        enter(LinkState::unknown, observation.at);
    }
}

void Ledger::declare(std::vector<Outage>& out) {
    Outage outage = *std::exchange(doubted_, std::nullopt);
    if (is_gap_) {
        // Whether the link failed before, within or after the gap cannot be told.
        for (auto& gap : gaps_) {
            gap.cause = Cause::undetermined;
            gap.evidence = shortened(gap.evidence + ", link down after the gaps");
            out.push_back(gap);
        }
        gaps_.clear();
        is_gap_ = false;
        open_->cause = Cause::undetermined;
        open_->evidence = shortened(open_->evidence + ", link down after");
        open_->last_bad = gap_end_;
        open_->first_good = std::max(outage.first_bad, gap_end_);
        out.push_back(*open_);
        outage.id = open_->id;
        outage.segment = open_->segment + 1;
        outage.last_good = gap_end_;
        outage.first_bad = *open_->first_good;
    } else {
        outage.id = ++last_id_;
    }
    open_ = std::move(outage);
    out.push_back(*open_);
    enter(LinkState::down, open_->first_bad);
}

void Ledger::change_cause(std::vector<Outage>& out) {
    const auto change = *std::exchange(change_, std::nullopt);
    open_->last_bad = change.before;
    open_->first_good = change.first;
    out.push_back(*open_);
    open_ = Outage{.id = open_->id,
                   .segment = open_->segment + 1,
                   .cause = change.cause,
                   .last_good = change.before,
                   .first_bad = change.first,
                   .last_bad = {},
                   .first_good = {},
                   .evidence = change.evidence};
    out.push_back(*open_);
}

void Ledger::close(DeviceTime first_good, std::vector<Outage>& out) {
    open_->last_bad = is_gap_ ? gap_end_ : last_bad_;
    open_->first_good = std::max(first_good, *open_->last_bad);
    out.push_back(*std::exchange(open_, std::nullopt));
    is_gap_ = false;
    gaps_.clear();
}

void Ledger::enter(LinkState state, DeviceTime at) {
    if (state == state_) return;
    state_ = state;
    since_ = at;
}

LinkState Ledger::state() const noexcept {
    return state_;
}

Cause Ledger::cause() const noexcept {
    return open_ ? open_->cause : Cause::unknown;
}

std::optional<DeviceTime> Ledger::since() const noexcept {
    return since_;
}

bool Ledger::is_in_doubt() const noexcept {
    return doubted_ || change_ || is_gap_;
}

const std::optional<Outage>& Ledger::open() const noexcept {
    return open_;
}

}  // namespace gerbang
