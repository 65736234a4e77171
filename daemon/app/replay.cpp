#include "daemon/app/replay.hpp"

#include <algorithm>
#include <utility>

#include "common/model/series_table.hpp"

namespace gerbang {
namespace {

struct Look {
    std::string link;
    Verdict verdict;
};

void add_name(std::vector<std::string>& names, const std::string& link) {
    constexpr std::size_t kMost = 16;  // LinkBook's
    if (link == link_name::kWan || names.size() >= kMost) return;
    if (std::find(names.begin(), names.end(), link) == names.end()) names.push_back(link);
}

Verdict verdict_at(DeviceTime at, LinkState state) {
    Verdict verdict;
    verdict.at = at;
    verdict.state = state;
    return verdict;
}

/// The rounds that make a ledger tell `segment` again.
void add_looks(std::vector<Look>& looks, const Outage& segment, bool goes_on, unsigned k,
               DeviceTime began) {
    if (segment.segment == 1 && segment.last_good < segment.first_bad &&
        segment.last_good > began) {
        looks.push_back({segment.link, verdict_at(segment.last_good, LinkState::up)});
    }
    auto bad = verdict_at(segment.first_bad, LinkState::down);
    bad.cause = segment.cause;
    bad.confidence = segment.confidence;
    bad.evidence = segment.evidence;
    for (unsigned round = 0; round < k; ++round) {
        looks.push_back({segment.link, bad});
        bad.at.at += Millis{1};
    }
    if (!segment.last_bad) return;
    if (*segment.last_bad > bad.at) {
        bad.at = *segment.last_bad;
        looks.push_back({segment.link, bad});
    }
    if (goes_on) return;
    looks.push_back(
        {segment.link, verdict_at(std::max(*segment.first_good, bad.at), LinkState::up)});
}

/// A fold was looked at as one outage; it is told as the fold that it is, at its end.
void restore_fold(std::vector<Outage>& written, const Outage& fold) {
    const auto is_it = [&fold](const Outage& outage) {
        return outage.link == fold.link && outage.first_bad == fold.first_bad;
    };
    std::erase_if(written, [&](const Outage& each) { return is_it(each) && each.is_open(); });
    for (auto& outage : written) {
        if (!is_it(outage)) continue;
        outage.cause = fold.cause;
        outage.confidence = fold.confidence;
        outage.evidence = fold.evidence;
        outage.fold = fold.fold;
    }
}

}  // namespace

Replayed replay(const LinkBook::History& past, const BlindLife& life, bool same_boot, unsigned k,
                Millis link_start) {
    std::vector<std::string> beside;
    for (const auto& outage : past.open) add_name(beside, outage.link);
    for (const auto& segment : life.segments) add_name(beside, segment.link);
    for (const auto& view : life.at_end) add_name(beside, view.link);

    SeriesTable scratch;
    LinkBook book{k, beside, scratch, link_start};
    Replayed result;
    result.written = book.start(past, life.began, same_boot);

    std::vector<Look> looks;
    for (const auto& segment : life.segments) {
        // A gap of this life is none of the link's own: nobody looked.
        if (segment.cause == Cause::daemon) continue;
        const bool goes_on =
            std::any_of(life.segments.begin(), life.segments.end(), [&](const Outage& other) {
                return other.id == segment.id && other.segment == segment.segment + 1;
            });
        add_looks(looks, segment, goes_on, k, life.began);
    }
    for (const auto& view : life.at_end) {
        if (view.state != LinkState::up && view.state != LinkState::degraded) continue;
        auto seen = verdict_at(view.since.value_or(life.ended), view.state);
        seen.confidence = view.confidence;
        if (seen.at < life.began) seen.at = life.began;
        looks.push_back({view.link, std::move(seen)});
    }
    std::stable_sort(looks.begin(), looks.end(), [](const Look& a, const Look& b) {
        if (a.verdict.at != b.verdict.at) return a.verdict.at < b.verdict.at;
        return a.link == link_name::kWan && b.link != link_name::kWan;
    });
    const auto is_known = [&](const std::string& link) {
        return link == link_name::kWan ||
               std::find(beside.begin(), beside.end(), link) != beside.end();
    };
    for (const auto& look : looks) {
        if (!is_known(look.link)) continue;
        auto written = book.observe(look.link, look.verdict);
        for (auto& outage : written) result.written.push_back(std::move(outage));
    }
    for (const auto& segment : life.segments) {
        if (segment.fold) restore_fold(result.written, segment);
    }
    result.last_id = past.last_outage_id;
    for (const auto& outage : result.written) result.last_id = std::max(result.last_id, outage.id);
    for (const auto& view : book.views()) {
        if (view.open) result.open.push_back(*view.open);
    }
    return result;
}

}  // namespace gerbang
