#include "common/model/true_time.hpp"

#include <algorithm>
#include <limits>

namespace gerbang {
namespace {

constexpr std::int64_t kMaxWallMs = 253'402'300'799'999;    // 31 December 9999
constexpr std::int64_t kMaxBootMs = std::int64_t{1} << 41;  // 69 years; products stay in 64 bits
constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max() / 4;
/// The two clocks of an anchor are read one after the other.
constexpr std::int64_t kLeastUncertaintyMs = 10;
constexpr int kSourceCount = 3;
/// Bounds the work for boots so vague that they could stand in many places.
constexpr int kLongestVagueness = 64;

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

/// What 500 ppm come to in `ms`: microseconds.
std::int64_t half(std::int64_t ms) {
    return (ms + 1) / 2;
}

/// What 100 ppm come to in `ms`: microseconds.
std::int64_t tenth(std::int64_t ms) {
    return (ms + 9) / 10;
}

/// The least time in which a kernel clock can have counted `ms`.
std::int64_t shortest(std::int64_t ms) {
    return ms - (ms + 9999) / 10'000;
}

/// What one anchor allows: wall less device time, microseconds.
struct Offer {
    std::int64_t at_ms = 0;
    std::int64_t low_us = 0, high_us = 0;
    AnchorSource source{};
    bool is_kept = false;
};

/// What all kept anchors on one side allow, carried along.
struct Reach {
    std::int64_t low_us = -kFar, high_us = kFar;

    void widen(std::int64_t by_us) {
        if (low_us == -kFar) return;
        low_us -= by_us;
        high_us += by_us;
    }
    void meet(std::int64_t low, std::int64_t high) {
        low_us = std::max(low_us, low);
        high_us = std::min(high_us, high);
    }
};

Offer offer_of(const Anchor& anchor) {
    const std::int64_t at_ms = to_ms(anchor.at.at);
    const std::int64_t offset_us = (to_ms(anchor.wall) - at_ms) * 1000;
    const std::int64_t give_us =
        std::clamp(std::int64_t{anchor.uncertainty.count()}, kLeastUncertaintyMs, kMaxBootMs) *
        1000;
    return {at_ms, offset_us - give_us, offset_us + give_us, anchor.source, false};
}

/// What the kept offers before each one allow at its instant.
std::vector<Reach> from_the_left(const std::vector<Offer>& offers) {
    std::vector<Reach> reaches(offers.size());
    Reach run;
    for (std::size_t i = 0; i < offers.size(); ++i) {
        if (i > 0) run.widen(half(offers[i].at_ms - offers[i - 1].at_ms));
        reaches[i] = run;
        if (offers[i].is_kept) run.meet(offers[i].low_us, offers[i].high_us);
    }
    return reaches;
}

/// Keeps the offers of `source`, the latest first, that agree with all that are kept already.
/// Allowances grow alike on every way between two offers, so whoever agree in pairs agree in all.
void keep(std::vector<Offer>& offers, AnchorSource source) {
    const auto left = from_the_left(offers);
    Reach run;
    for (std::size_t i = offers.size(); i-- > 0;) {
        auto& offer = offers[i];
        if (i + 1 < offers.size()) run.widen(half(offers[i + 1].at_ms - offer.at_ms));
        if (!offer.is_kept && offer.source == source) {
            const auto low = std::max({offer.low_us, run.low_us, left[i].low_us});
            offer.is_kept = low <= std::min({offer.high_us, run.high_us, left[i].high_us});
        }
        if (offer.is_kept) run.meet(offer.low_us, offer.high_us);
    }
}

}  // namespace

void TrueTime::add(const Anchor& anchor) {
    const std::int64_t wall_ms = to_ms(anchor.wall);
    const std::int64_t at_ms = to_ms(anchor.at.at);
    if (wall_ms < 0 || wall_ms > kMaxWallMs || at_ms < 0 || at_ms > kMaxBootMs) return;
    saw(anchor.at);
    auto& boot = boots_[anchor.at.boot];
    auto place = std::upper_bound(
        boot.anchors.begin(), boot.anchors.end(), anchor,
        [](const Anchor& one, const Anchor& other) { return one.at.at < other.at.at; });
    if (place != boot.anchors.begin() && *std::prev(place) == anchor) return;
    boot.anchors.insert(place, anchor);
    boot.is_changed = is_changed_ = true;
    if (++count_ > kMaxAnchors) thin_out();
}

void TrueTime::saw(DeviceTime at) {
    const std::int64_t at_ms = to_ms(at.at);
    if (at_ms < 0 || at_ms > kMaxBootMs) return;
    const auto [place, is_new] = boots_.try_emplace(at.boot);
    auto& boot = place->second;
    if (!is_new && at_ms <= boot.last_ms) return;
    boot.last_ms = at_ms;
    is_changed_ = true;
    if (boots_.size() <= kMaxBoots) return;
    count_ -= boots_.begin()->second.anchors.size();
    boots_.erase(boots_.begin());
}

void TrueTime::thin_out() {
    auto crowded = boots_.begin();
    for (auto it = boots_.begin(); it != boots_.end(); ++it) {
        if (it->second.anchors.size() > crowded->second.anchors.size()) crowded = it;
    }
    auto& anchors = crowded->second.anchors;
    count_ -= anchors.size();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < anchors.size(); ++i) {
        if (i % 2 == 0 || i + 1 == anchors.size()) anchors[kept++] = anchors[i];
    }
    anchors.resize(kept);
    anchors.shrink_to_fit();
    count_ += kept;
    crowded->second.is_changed = true;
}

void TrueTime::settle(const Boot& boot) {
    boot.is_changed = false;
    std::vector<Offer> offers;
    offers.reserve(boot.anchors.size());
    boot.source = AnchorSource::operator_;
    for (const auto& anchor : boot.anchors) {
        offers.push_back(offer_of(anchor));
        boot.source = std::min(boot.source, anchor.source);
    }
    for (int i = 0; i < kSourceCount; ++i) keep(offers, static_cast<AnchorSource>(i + 1));

    // What each is worth in the light of all others; one that adds nothing on either side would
    // only make its neighbourhood vaguer than they do.
    const auto left = from_the_left(offers);
    std::vector<Node> nodes;
    Reach run;
    for (std::size_t i = offers.size(); i-- > 0;) {
        const auto& offer = offers[i];
        if (i + 1 < offers.size()) run.widen(half(offers[i + 1].at_ms - offer.at_ms));
        if (!offer.is_kept) continue;
        Reach others = run;
        others.meet(left[i].low_us, left[i].high_us);
        run.meet(offer.low_us, offer.high_us);
        if (offer.low_us < others.low_us && offer.high_us > others.high_us) continue;
        others.meet(offer.low_us, offer.high_us);
        if (!nodes.empty() && nodes.back().at_ms == offer.at_ms) nodes.pop_back();
        nodes.push_back({offer.at_ms, others.low_us, others.high_us});
    }
    std::reverse(nodes.begin(), nodes.end());
    boot.nodes = std::move(nodes);
}

/// Of a boot with nodes: wall time of `at_ms` by its own anchors, microseconds.
TrueTime::Bounds TrueTime::told(const Boot& boot, std::int64_t at_ms) {
    const auto& nodes = boot.nodes;
    const auto after =
        std::lower_bound(nodes.begin(), nodes.end(), at_ms,
                         [](const Node& node, std::int64_t wanted) { return node.at_ms < wanted; });
    Bounds bounds{};
    if (after == nodes.begin() || after == nodes.end()) {
        const Node& node = after == nodes.begin() ? nodes.front() : nodes.back();
        const auto give = tenth(at_ms < node.at_ms ? node.at_ms - at_ms : at_ms - node.at_ms);
        bounds = {node.low_us - give, node.high_us + give};
    } else {
        const Node& a = *std::prev(after);
        const Node& b = *after;
        const std::int64_t span = b.at_ms - a.at_ms;
        const std::int64_t since = at_ms - a.at_ms;
        // Neighbours differ by at most 500 ppm of `span`, so that both products fit.
        constexpr int kShift = 22;
        constexpr std::int64_t kOne = std::int64_t{1} << kShift;
        const auto between = [&](std::int64_t from, std::int64_t to) {
            return from + ((floor_div((to - from) * kOne, span) * since) >> kShift);
        };
        const auto give = tenth(std::min(since, span - since));
        bounds = {between(a.low_us, b.low_us) - give, between(a.high_us, b.high_us) + give};
    }
    bounds.high_us = std::max(bounds.high_us, bounds.low_us);
    bounds.low_us += at_ms * 1000;
    bounds.high_us += at_ms * 1000;
    return bounds;
}

std::int64_t TrueTime::begin_latest_ms(const Boot& boot) {
    return -floor_div(-told(boot, 0).high_us, 1000);
}

std::int64_t TrueTime::end_earliest_ms(const Boot& boot) {
    return floor_div(told(boot, boot.last_ms).low_us, 1000);
}

/// Believes the longest row of boots told by `source` that lived one after the other, beside those
/// already believed. All instants are less the time that the boots before them certainly took.
void TrueTime::believe(const std::vector<const Boot*>& boots, AnchorSource source) {
    struct Claim {
        const Boot* boot;
        std::int64_t end;
        std::size_t previous;
    };
    constexpr auto kNone = static_cast<std::size_t>(-1);
    std::vector<Claim> claims;
    std::vector<std::size_t> rows;  // last claim of the row of each length that ends earliest
    const auto extend = [&](std::int64_t begin, const Claim& claim) {
        const auto place = std::upper_bound(
            rows.begin(), rows.end(), begin,
            [&](std::int64_t wanted, std::size_t row) { return wanted < claims[row].end; });
        auto length = static_cast<std::size_t>(place - rows.begin());
        // A vague boot, which may have ended before it must have begun, may shorten rows as well.
        for (int steps = 0; steps < kLongestVagueness; ++steps) {
            auto longer = claim;
            if (length > 0) {
                longer.previous = rows[length - 1];
                longer.end = std::max(longer.end, claims[longer.previous].end);
            }
            if (length == rows.size()) {
                rows.push_back(claims.size());
                claims.push_back(longer);
            } else if (longer.end < claims[rows[length]].end) {
                rows[length] = claims.size();
                claims.push_back(longer);
            }
            if (length == 0 || claims[rows[length - 1]].end <= claim.end) return;
            --length;
        }
    };
    std::vector<std::int64_t> limit(boots.size());  // by the believed boots behind
    std::int64_t before = 0;
    for (const auto* boot : boots) before += shortest(boot->last_ms);
    std::int64_t tightest = kFar;
    for (std::size_t i = boots.size(); i-- > 0;) {
        limit[i] = tightest;
        before -= shortest(boots[i]->last_ms);
        if (boots[i]->is_believed) {
            tightest = std::min(tightest, begin_latest_ms(*boots[i]) - before);
        }
    }
    std::int64_t latest_end = -kFar;
    for (std::size_t i = 0; i < boots.size(); ++i) {
        const Boot& boot = *boots[i];
        const std::int64_t length = shortest(boot.last_ms);
        const bool is_told = !boot.nodes.empty();
        const std::int64_t end = is_told ? end_earliest_ms(boot) - before - length : 0;
        if (boot.is_believed) {
            latest_end = std::max(latest_end, end);
        } else if (is_told && boot.source == source && end <= limit[i]) {
            const auto begin = begin_latest_ms(boot) - before;
            if (begin >= latest_end) extend(begin, {&boot, end, kNone});
        }
        before += length;
    }
    for (auto i = rows.empty() ? kNone : rows.back(); i != kNone; i = claims[i].previous) {
        claims[i].boot->is_believed = true;
    }
}

void TrueTime::settle() const {
    if (!is_changed_) return;
    is_changed_ = false;
    std::vector<const Boot*> boots;
    boots.reserve(boots_.size());
    for (const auto& [number, boot] : boots_) {
        if (boot.is_changed) settle(boot);
        boot.is_believed = false;
        boots.push_back(&boot);
    }
    for (int i = 0; i < kSourceCount; ++i) believe(boots, static_cast<AnchorSource>(i + 1));

    std::optional<std::int64_t> run;
    for (const auto* boot : boots) {
        boot->begins_after_ms = run;
        if (run) *run += shortest(boot->last_ms);
        if (!boot->is_believed) continue;
        const auto end = end_earliest_ms(*boot);
        run = run ? std::max(*run, end) : end;
    }
    run.reset();
    for (auto it = boots.rbegin(); it != boots.rend(); ++it) {
        const Boot& boot = **it;
        boot.ends_before_ms = run;
        if (run) *run -= shortest(boot.last_ms);
        if (!boot.is_believed) continue;
        const auto begin = begin_latest_ms(boot);
        run = run ? std::min(*run, begin) : begin;
    }
}

std::optional<WallSpan> TrueTime::at(DeviceTime when) const {
    settle();
    const auto found = boots_.find(when.boot);
    const std::int64_t at_ms = to_ms(when.at);
    if (found == boots_.end() || at_ms < 0 || at_ms > kMaxBootMs) return std::nullopt;
    const Boot& boot = found->second;
    std::int64_t earliest = -kFar;
    std::int64_t latest = kFar;
    if (boot.begins_after_ms) earliest = *boot.begins_after_ms + shortest(at_ms);
    if (boot.ends_before_ms) {
        latest = at_ms <= boot.last_ms ? *boot.ends_before_ms - shortest(boot.last_ms - at_ms)
                                       : *boot.ends_before_ms + (at_ms - boot.last_ms);
    }
    if (boot.is_believed) {
        const auto own = told(boot, at_ms);
        earliest = std::max(earliest, floor_div(own.low_us, 1000));
        latest = std::min(latest, -floor_div(-own.high_us, 1000));
    }
    if (earliest == -kFar || latest == kFar) return std::nullopt;
    return WallSpan{wall_from_ms(earliest), wall_from_ms(std::max(earliest, latest))};
}

std::optional<WallSpan> TrueTime::begin() const {
    settle();
    for (const auto& [number, boot] : boots_) {
        if (boot.is_believed) return at({number, Monotonic{}});
    }
    return std::nullopt;
}

std::vector<SeqRange> deferred_ranges(const std::vector<Record>& records,
                                      const Timeline& timeline) {
    std::vector<SeqRange> ranges;
    for (const auto& record : records) {
        if (timeline.latest(boot_of(record.body)) != nullptr) continue;
        if (!ranges.empty() && ranges.back().last.next() == record.seq) {
            ranges.back().last = record.seq;
        } else {
            ranges.push_back({record.seq, record.seq});
        }
    }
    return ranges;
}

}  // namespace gerbang
