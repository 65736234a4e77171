#include "common/model/timeline.hpp"

#include <algorithm>
#include <limits>

namespace gerbang {
namespace {

using namespace std::chrono_literals;

constexpr Millis kAnchorInterval = 1h;
constexpr Millis kSmallestError = 100ms;

/// Wall time of `at` as `anchor` tells it. Nothing when the sum leaves 64 bits, which only
/// hostile input can reach.
std::optional<WallTime> project(const Anchor& anchor, Monotonic at) {
    std::int64_t elapsed_ms = 0;
    std::int64_t wall_ms = 0;
    if (__builtin_sub_overflow(to_ms(at), to_ms(anchor.at.at), &elapsed_ms)) return std::nullopt;
    if (__builtin_add_overflow(to_ms(anchor.wall), elapsed_ms, &wall_ms)) return std::nullopt;
    return wall_from_ms(wall_ms);
}

/// By how much `candidate` is later than `latest` foretold. Nothing as for `project`.
std::optional<Millis> miss(const Anchor& latest, const Anchor& candidate) {
    const auto foretold = project(latest, candidate.at.at);
    std::int64_t error_ms = 0;
    if (!foretold || __builtin_sub_overflow(to_ms(candidate.wall), to_ms(*foretold), &error_ms) ||
        error_ms == std::numeric_limits<std::int64_t>::min()) {
        return std::nullopt;
    }
    return Millis{error_ms};
}

}  // namespace

std::string_view to_string(AnchorSource source) noexcept {
    switch (source) {
        case AnchorSource::kernel:
            return "kernel";
        case AnchorSource::province:
            return "province";
        case AnchorSource::operator_:
            return "operator";
    }
    return "unknown";
}

void Timeline::add(Seq seq, const Anchor& anchor) {
    auto& entries = boots_[anchor.at.boot];
    const auto place =
        std::lower_bound(entries.begin(), entries.end(), seq,
                         [](const Entry& entry, Seq wanted) { return entry.seq < wanted; });
    if (place != entries.end() && place->seq == seq) return;
    entries.insert(place, {seq, anchor});
    ++count_;
    while (count_ > kMaxAnchors) thin_out();
}

void Timeline::thin_out() {
    const auto crowded = std::find_if(boots_.begin(), boots_.end(),
                                      [](const auto& boot) { return boot.second.size() > 2; });
    if (crowded == boots_.end()) {
        count_ -= boots_.begin()->second.size();
        boots_.erase(boots_.begin());
        return;
    }
    auto& entries = crowded->second;
    count_ -= entries.size() - 2;
    entries.erase(entries.begin() + 1, entries.end() - 1);
    entries.shrink_to_fit();
}

std::optional<WallTime> Timeline::wall_of(Seq seq, DeviceTime at) const {
    const auto boot = boots_.find(at.boot);
    if (boot == boots_.end()) return std::nullopt;
    const auto& entries = boot->second;
    const auto after =
        std::lower_bound(entries.begin(), entries.end(), seq,
                         [](const Entry& entry, Seq wanted) { return entry.seq < wanted; });
    return project(after == entries.begin() ? after->anchor : std::prev(after)->anchor, at.at);
}

std::vector<Timeline::Entry> Timeline::entries() const {
    std::vector<Entry> all;
    all.reserve(count_);
    for (const auto& [boot, entries] : boots_) {
        all.insert(all.end(), entries.begin(), entries.end());
    }
    std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.seq < b.seq; });
    return all;
}

std::vector<Anchor> Timeline::anchors() const {
    std::vector<Anchor> all;
    all.reserve(count_);
    for (const auto& [boot, entries] : boots_) {
        for (const auto& entry : entries) all.push_back(entry.anchor);
    }
    return all;
}

const Anchor* Timeline::latest(BootNo boot) const {
    const auto found = boots_.find(boot);
    return found == boots_.end() ? nullptr : &found->second.back().anchor;
}

std::optional<WallTime> PrefixStamper::stamp(Seq seq, DeviceTime at) {
    const auto wall = timeline_->wall_of(seq, at);
    if (!wall) return std::nullopt;
    if (!last_ || *wall > *last_) last_ = *wall;
    return last_;
}

bool wants_anchor(const Anchor* latest, const Anchor& candidate) {
    if (latest == nullptr || latest->at.boot != candidate.at.boot) return true;
    const auto error = miss(*latest, candidate);
    if (!error) return true;
    const Millis elapsed = candidate.at.at - latest->at.at;
    const Millis wrong = error->count() < 0 ? -*error : *error;
    if (latest->source == candidate.source) {
        return elapsed >= kAnchorInterval ||
               wrong > std::max(candidate.uncertainty, kSmallestError);
    }
    const bool contradicts =
        wrong > latest->uncertainty && wrong - latest->uncertainty > candidate.uncertainty;
    // The sources are numbered from the best down.
    if (candidate.source < latest->source) {
        const bool was_displaced = contradicts && latest->source == AnchorSource::province;
        return !was_displaced || elapsed >= kAnchorInterval;
    }
    return elapsed >= kAnchorFresh || (contradicts && candidate.source == AnchorSource::province);
}

std::optional<Millis> correction(const Anchor* latest, const Anchor& candidate, Millis tick) {
    if (latest == nullptr || latest->at.boot != candidate.at.boot) return std::nullopt;
    const auto error = miss(*latest, candidate);
    if (!error || (*error <= tick && *error >= -tick)) return std::nullopt;
    return error;
}

Anchor anchor_from_date(BootNo boot, WallTime date, Monotonic sent, Monotonic received) {
    const Millis round_trip = std::max(received - sent, Millis{0});
    return {.at = {boot, received},
            .wall = date + 500ms + round_trip / 2,
            .source = AnchorSource::province,
            .uncertainty = (round_trip + 1ms) / 2 + 500ms};
}

}  // namespace gerbang
