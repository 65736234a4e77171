#include "daemon/ledger/outage_budget.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gerbang {
namespace {

/// Outages on credit delay the refill no longer than this many of them.
constexpr unsigned kMostCredit = 12;

Millis between(DeviceTime from, DeviceTime to) {
    return from.boot == to.boot ? std::max(to.at - from.at, Millis{}) : Millis{};
}

Millis certain_of(const std::vector<Outage>& outage) {
    return between(outage.front().first_bad, *outage.back().last_bad);
}
Millis possible_of(const std::vector<Outage>& outage) {
    return between(outage.front().last_good, *outage.back().first_good);
}

bool may_spend(Millis spent, const OutageBudget::Rates& rates) {
    return spent + rates.refill <= rates.refill * rates.allowance;
}

void spend(Millis& spent, const OutageBudget::Rates& rates) {
    spent = std::min(spent + rates.refill, rates.refill * (rates.allowance + kMostCredit));
}

}  // namespace

OutageBudget::Link& OutageBudget::at(const std::string& name, DeviceTime now) {
    auto [found, is_new] = links_.try_emplace(name);
    auto& link = found->second;
    if (is_new) link.rates = name == link_name::kWan ? wan_ : beside_;
    link.spent -= std::min(link.spent, std::max(now.at - link.counted_to, Millis{}));
    link.counted_to = std::max(link.counted_to, now.at);
    return link;
}

std::vector<Outage> OutageBudget::admit(std::vector<Outage> segments, DeviceTime now) {
    std::vector<Outage> out;
    for (auto& segment : segments) {
        auto& link = at(segment.link, now);
        take(link, std::move(segment), now, out);
    }
    for (const auto& entry : links_) {
        auto& link = at(entry.first, now);
        settle_held(link, out);
        const bool is_long =
            !link.held.empty() && between(link.held.front().first_bad, now) > kShort;
        const bool is_folded = link.fold || !link.first.empty();
        if (is_long || (is_folded && may_spend(link.spent, link.rates))) write_fold(link, out);
        if (is_long) write_held(link, out);
    }
    return out;
}

void OutageBudget::take(Link& link, Outage segment, DeviceTime now, std::vector<Outage>& out) {
    if (segment.id > link.admitted && link.held.empty()) {
        const bool is_folding = link.fold || !link.first.empty();
        // What reaches back to an earlier boot is the gap of a device or daemon.
        if (segment.last_good.boot != now.boot || segment.first_bad.boot != now.boot) {
            write_fold(link, out);
            spend(link.spent, link.rates);
            link.admitted = segment.id;
        } else if (!is_folding && may_spend(link.spent, link.rates)) {
            spend(link.spent, link.rates);
            link.admitted = segment.id;
        }
    }
    if (segment.id <= link.admitted) {
        out.push_back(std::move(segment));
        return;
    }
    if (!link.held.empty() && link.held.back().id != segment.id) settle_held(link, out);
    // A newer state of the last segment, or the next one.
    if (!link.held.empty() && link.held.back().segment == segment.segment) link.held.pop_back();
    link.held.push_back(std::move(segment));
}

/// What is held and has ended is folded or written. Between two segments of one outage the first
/// looks ended for a moment, so only after all that a ledger said at once.
void OutageBudget::settle_held(Link& link, std::vector<Outage>& out) {
    if (link.held.empty() || link.held.back().is_open()) return;
    if (certain_of(link.held) <= kShort) {
        fold_held(link);
        return;
    }
    write_fold(link, out);
    write_held(link, out);
}

void OutageBudget::fold_held(Link& link) {
    if (!link.fold && link.first.empty()) {
        link.first = std::exchange(link.held, {});
        return;
    }
    if (!link.fold) {
        const auto first = std::exchange(link.first, {});
        link.fold = first.front();
        link.fold->segment = 1;
        link.fold->fold.emplace();
        add_to_fold(link, first);
    }
    add_to_fold(link, std::exchange(link.held, {}));
}

void OutageBudget::add_to_fold(Link& link, const Segments& outage) {
    auto& whole = *link.fold;
    auto& fold = *whole.fold;
    const auto certain = certain_of(outage);
    const auto possible = std::max(possible_of(outage), certain);
    ++fold.count;
    fold.certain += certain;
    fold.possible += possible;
    fold.longest_certain = std::max(fold.longest_certain, certain);
    fold.longest_possible = std::max(fold.longest_possible, possible);
    whole.last_bad = outage.back().last_bad;
    whole.first_good = outage.back().first_good;
    for (const auto& segment : outage) {
        ++link.causes[segment.cause];
        whole.confidence = std::min(whole.confidence, segment.confidence);
    }
}

void OutageBudget::write_fold(Link& link, std::vector<Outage>& out) {
    if (!link.fold && link.first.empty()) return;
    spend(link.spent, link.rates);
    if (!link.fold) {
        link.admitted = link.first.back().id;
        std::move(link.first.begin(), link.first.end(), std::back_inserter(out));
        link.first.clear();
        return;
    }
    auto whole = *std::exchange(link.fold, std::nullopt);
    std::string counts;
    for (const auto& [cause, count] : link.causes) {
        if (!counts.empty()) counts += ", ";
        counts += std::string{to_string(cause)} + " " + std::to_string(count);
    }
    whole.evidence = std::to_string(whole.fold->count) + " short outages in a row: " + counts;
    if (link.causes.size() > 1) {
        whole.cause = Cause::undetermined;
        whole.confidence = Confidence::none;
    }
    link.causes.clear();
    link.admitted = whole.id;
    out.push_back(std::move(whole));
}

void OutageBudget::write_held(Link& link, std::vector<Outage>& out) {
    if (link.held.empty()) return;
    spend(link.spent, link.rates);
    link.admitted = link.held.back().id;
    std::move(link.held.begin(), link.held.end(), std::back_inserter(out));
    link.held.clear();
}

std::vector<Outage> OutageBudget::drain() {
    std::vector<Outage> out;
    for (auto& [name, link] : links_) {
        write_fold(link, out);
        write_held(link, out);
    }
    return out;
}

}  // namespace gerbang
