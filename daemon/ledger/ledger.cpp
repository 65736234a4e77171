#include "daemon/ledger/ledger.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxEvidence = 480;
constexpr std::size_t kMaxGaps = 64;
/// Segments that an outage has for the asking.
constexpr std::uint32_t kFreeSegments = 8;

/// How long a cause must be told alone before it has a further segment.
Millis patience(std::uint32_t segments) {
    if (segments < 24) return Millis{600'000};
    return segments < 48 ? Millis{3'600'000} : Millis{86'400'000};
}

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

/// `segment` says that nobody looked, not that the link failed. `power` may be the end of a boot
/// as well as a modem without mains; only the former reaches into another boot. An open segment
/// reaches to `last_alive`, on the boot that told it.
bool is_gap_segment(const Outage& segment, DeviceTime last_alive) {
    if (segment.cause != Cause::power) return may_be_gap(segment.cause);
    return segment.first_bad.boot < segment.last_bad.value_or(last_alive).boot;
}

Cause gap_cause(const PreviousRun& previous, bool same_boot) {
    if (same_boot) return Cause::daemon;
    switch (previous.ending.cause) {
        case Cause::off:
        case Cause::reboot:
        case Cause::crash:
        case Cause::power:
            return previous.ending.cause;
        default:
            return Cause::device_off;
    }
}

std::string gap_evidence(const PreviousRun& previous, bool same_boot) {
    if (same_boot) {
        return std::string{"daemon did not run, "} +
               (previous.ended_cleanly ? "clean stop before" : "no clean stop before");
    }
    return previous.ending.evidence.empty() ? "device was off"
                                            : shortened(previous.ending.evidence);
}

/// Of an outage that is not declared yet: `verdict` explains its rounds better than `present` does.
bool takes_over(const Verdict& verdict, const Outage& present) {
    // Questions that failed just before the carrier was seen to be lost are the same fault.
    if (verdict.cause == Cause::power) return true;
    if (verdict.cause == Cause::carrier) return present.cause != Cause::power;
    const bool is_vague = present.cause == Cause::isp || present.cause == Cause::modem ||
                          present.cause == Cause::unknown;
    return is_vague && present.confidence <= Confidence::low &&
           verdict.confidence > present.confidence;
}

DeviceTime boot_began(DeviceTime at) {
    return {at.boot, Monotonic{}};
}

void make_undetermined(Outage& gap, const char* why) {
    gap.cause = Cause::undetermined;
    gap.confidence = Confidence::none;
    gap.evidence = shortened(gap.evidence + why);
}

}  // namespace

bool may_be_gap(Cause cause) noexcept {
    switch (cause) {
        case Cause::daemon:
        case Cause::device_off:
        case Cause::off:
        case Cause::reboot:
        case Cause::crash:
        case Cause::power:
            return true;
        default:
            return false;
    }
}

Ledger::Ledger(unsigned k, std::string link, OutageIds& ids, bool tells_gaps, Millis link_start)
    : k_{k}, link_{std::move(link)}, ids_{&ids}, tells_gaps_{tells_gaps}, link_start_{link_start} {
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
    const auto& left_open = previous->open;
    if (left_open) ids_->saw(left_open->id);
    const bool was_seen_down = left_open && !is_gap_segment(*left_open, previous->last_tick);
    if (previous->was_reload && same_boot && now.at - previous->last_tick.at <= kReloadTime) {
        if (!left_open) return {};
        if (was_seen_down && left_open->cause != Cause::undetermined) {
            open_ = left_open;
            last_good_ = open_->last_good;
            last_bad_ = std::max(previous->last_tick, open_->first_bad);
            enter(is_unmeasured() ? LinkState::unknown : LinkState::down, open_->first_bad);
            return {};
        }
    }
    if (!tells_gaps_ && !left_open) return {};

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
               .link = link_,
               .cause = cause,
               .last_good = last,
               .first_bad = certain,
               .last_bad = {},
               .first_good = {},
               .confidence = same_boot ? Confidence::none : previous->ending.confidence,
               .evidence = gap_evidence(*previous, same_boot)};
    if (!left_open) {
        gap.id = ids_->next();
        open_ = gap;
        return {gap};
    }

    Outage before = *left_open;
    if (!was_seen_down) {
        auto tail = previous->earlier.end();
        while (tail != previous->earlier.begin() &&
               is_gap_segment(*std::prev(tail), previous->last_tick) &&
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
            open_->confidence = gap.confidence;
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
    if (!was_seen_down && before.cause != Cause::daemon && before.first_bad.boot < last.boot) {
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
        make_undetermined(gap, ", link down before");
    } else {
        gaps_.push_back(before);
    }
    open_ = gap;
    return {before, gap};
}

std::vector<Outage> Ledger::observe(const Verdict& verdict) {
    std::vector<Outage> out;
    if (started_ && verdict.at < *started_) return out;
    if (seen_ && (verdict.at < seen_->at || verdict == *seen_)) return out;
    if (!last_good_) last_good_ = verdict.at;
    switch (verdict.state) {
        case LinkState::up:
        case LinkState::degraded:
            succeed(verdict, out);
            break;
        case LinkState::down:
            fail(verdict, out);
            break;
        case LinkState::unknown:
            miss(verdict, out);
            break;
    }
    seen_ = verdict;
    return out;
}

bool Ledger::is_still_starting(const Verdict& verdict) const {
    if (!is_gap_ || open_->cause == Cause::undetermined) return false;
    // A daemon that died while the modem was starting does not make the modem any faster.
    const auto since = gaps_.empty() ? open_->last_good : gaps_.back().last_good;
    return std::min(since, open_->last_good).boot < verdict.at.boot &&
           verdict.at.at - Monotonic{} < link_start_;
}

void Ledger::fail(const Verdict& verdict, std::vector<Outage>& out) {
    misses_ = 0;
    if (is_still_starting(verdict)) {
        gap_end_ = std::max(gap_end_, verdict.at);
        return;
    }
    const bool is_declared = open_ && !is_gap_;
    if (!is_declared && !doubted_) {
        doubted_ = Outage{.id = 0,
                          .segment = 1,
                          .link = link_,
                          .cause = verdict.cause,
                          .last_good = last_good_before(verdict),
                          .first_bad = verdict.at,
                          .last_bad = {},
                          .first_good = {},
                          .confidence = verdict.confidence,
                          .evidence = shortened(verdict.evidence)};
        failures_ = 0;
        last_bad_ = verdict.at;
    }
    auto& present = is_declared ? *open_ : *doubted_;
    if (verdict.cause == present.cause) {
        change_.reset();
        if (verdict.confidence > present.confidence) {
            present.confidence = verdict.confidence;
            present.evidence = shortened(verdict.evidence);
            if (is_declared) out.push_back(present);
        }
    } else if (!is_declared && takes_over(verdict, present)) {
        present.cause = verdict.cause;
        present.confidence = verdict.confidence;
        present.evidence = shortened(verdict.evidence);
        change_.reset();
    } else {
        if (!change_ || change_->cause != verdict.cause) {
            change_ = Change{verdict.cause,
                             last_bad_,
                             verdict.at,
                             verdict.at,
                             0,
                             verdict.confidence,
                             shortened(verdict.evidence)};
        } else if (is_unsteady()) {
            // What was counted meanwhile is not taken back.
            change_->before = last_bad_;
            change_->first = verdict.at;
        }
        change_->confidence = std::max(change_->confidence, verdict.confidence);
        ++change_->rounds;
    }
    last_bad_ = verdict.at;
    if (!is_declared && ++failures_ >= k_) declare(out);
    if (change_ && open_ && !is_gap_ && is_confirmed(*change_, verdict.at)) change_cause(out);
}

void Ledger::succeed(const Verdict& verdict, std::vector<Outage>& out) {
    misses_ = 0;
    if (open_) close(verdict.at, out);
    doubted_.reset();
    change_.reset();
    const auto good = verdict.good_at ? std::min(*verdict.good_at, verdict.at) : verdict.at;
    last_good_ = std::max(last_good_.value_or(good), good);
    enter(verdict.state, verdict.at);
}

DeviceTime Ledger::last_good_before(const Verdict& verdict) const {
    const auto good = verdict.good_at ? std::min(*last_good_, *verdict.good_at) : *last_good_;
    // Not into what was told already.
    return std::max(good, written_to_.value_or(good));
}

void Ledger::miss(const Verdict& verdict, std::vector<Outage>& out) {
    // The broken rung works again; what lies above it nobody asked.
    const bool is_outage = doubted_ || (open_ && !is_gap_);
    if (verdict.carrier_is_up && is_outage) {
        const auto cause = doubted_ ? doubted_->cause : open_->cause;
        if (cause == Cause::carrier || cause == Cause::power) {
            if (!doubted_) close(verdict.at, out);
            doubted_.reset();
            change_.reset();
            last_good_ = verdict.at;
            enter(LinkState::unknown, verdict.at);
        }
    }
    if (misses_ == 0) first_miss_ = verdict.at;
    if (misses_ < k_ && ++misses_ == k_) {
        auto unknown_since = first_miss_;
        doubted_.reset();
        change_.reset();
        if (open_ && !tells_gaps_) {
            if (!is_unmeasured()) go_on_unmeasured(verdict, out);
        } else if (open_) {
            unknown_since = verdict.at;
            if (!is_gap_) open_->evidence = shortened("no longer measured; " + open_->evidence);
            close(is_gap_ ? std::max(*started_, gap_end_) : verdict.at, out);
        }
        enter(LinkState::unknown, unknown_since);
    }
    if (is_unmeasured()) last_bad_ = verdict.at;
}

void Ledger::go_on_unmeasured(const Verdict& verdict, std::vector<Outage>& out) {
    auto before = last_bad_;
    auto first = first_miss_;
    if (std::exchange(is_gap_, false)) {
        before = gap_end_;
        first = std::max(*started_, gap_end_);
        gaps_.clear();
    }
    next_segment({.cause = Cause::unknown,
                  .before = before,
                  .first = first,
                  .since = first,
                  .rounds = k_,
                  .confidence = Confidence::none,
                  .evidence = shortened("no longer measured; " + verdict.evidence)},
                 out);
}

void Ledger::declare(std::vector<Outage>& out) {
    Outage outage = *std::exchange(doubted_, std::nullopt);
    if (is_gap_) {
        // Whether the link failed before, within or after the gap cannot be told.
        for (auto& gap : gaps_) {
            make_undetermined(gap, ", link down after the gaps");
            out.push_back(gap);
        }
        gaps_.clear();
        is_gap_ = false;
        make_undetermined(*open_, ", link down after");
        open_->last_bad = gap_end_;
        open_->first_good = std::max(outage.first_bad, gap_end_);
        out.push_back(*open_);
        outage.id = open_->id;
        outage.segment = open_->segment + 1;
        outage.last_good = gap_end_;
        outage.first_bad = *open_->first_good;
    } else {
        outage.id = ids_->next();
    }
    open_ = std::move(outage);
    out.push_back(*open_);
    enter(LinkState::down, open_->first_bad);
}

bool Ledger::is_confirmed(const Change& change, DeviceTime now) const {
    if (change.rounds < k_) return false;
    if (!is_unsteady()) return true;
    return change.since.boot == now.boot && now.at - change.since.at >= patience(open_->segment);
}

void Ledger::change_cause(std::vector<Outage>& out) {
    auto change = *std::exchange(change_, std::nullopt);
    if (!is_unsteady() && open_->segment >= kFreeSegments) {
        change.evidence = shortened("changes its cause too often to be told each time, now: " +
                                    std::string{to_string(change.cause)} + "; " + change.evidence);
        change.cause = Cause::undetermined;
        change.confidence = Confidence::none;
    }
    next_segment(change, out);
    enter(LinkState::down, change.first);
}

void Ledger::next_segment(const Change& change, std::vector<Outage>& out) {
    open_->last_bad = change.before;
    open_->first_good = change.first;
    out.push_back(*open_);
    open_ = Outage{.id = open_->id,
                   .segment = open_->segment + 1,
                   .link = link_,
                   .cause = change.cause,
                   .last_good = change.before,
                   .first_bad = change.first,
                   .last_bad = {},
                   .first_good = {},
                   .confidence = change.confidence,
                   .evidence = change.evidence};
    out.push_back(*open_);
}

void Ledger::close(DeviceTime first_good, std::vector<Outage>& out) {
    open_->last_bad = is_gap_ ? gap_end_ : last_bad_;
    open_->first_good = std::max(first_good, *open_->last_bad);
    written_to_ = open_->first_good;
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
    if (doubted_ || is_gap_ || (change_ && !is_unsteady())) return true;
    return misses_ > 0 && misses_ < k_ && state_ != LinkState::unknown;
}

const std::optional<Outage>& Ledger::open() const noexcept {
    return open_;
}

bool Ledger::is_unmeasured() const noexcept {
    return open_ && !is_gap_ && !tells_gaps_ && open_->cause == Cause::unknown;
}

bool Ledger::is_unsteady() const noexcept {
    if (!open_ || is_gap_) return false;
    return open_->cause == Cause::undetermined ||
           (is_unmeasured() && open_->segment >= kFreeSegments);
}

bool Ledger::is_gap() const noexcept {
    return is_gap_;
}

}  // namespace gerbang
