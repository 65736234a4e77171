#include "daemon/ledger/outage_budget.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace gerbang {
namespace {

/// Outages on credit delay the refill no longer than this many of them.
constexpr unsigned kMostCredit = 12;
/// See `Outage::link`.
constexpr std::size_t kMaxLinkName = 48;

Millis between(DeviceTime from, DeviceTime to) {
    return from.boot == to.boot ? std::max(to.at - from.at, Millis{}) : Millis{};
}

/// Without what nobody measured: beside the WAN a segment of cause `unknown`.
Millis certain_of(const std::vector<Outage>& outage) {
    auto certain = between(outage.front().first_bad, *outage.back().last_bad);
    for (const auto& segment : outage) {
        if (segment.cause != Cause::unknown || segment.link == link_name::kWan) continue;
        certain -= std::min(certain, between(segment.last_good, *segment.first_good));
    }
    return certain;
}
Millis possible_of(const std::vector<Outage>& outage) {
    return between(outage.front().last_good, *outage.back().first_good);
}

bool may_spend(Millis spent, const OutageBudget::Rates& rates) {
    return spent + rates.refill <= rates.refill * rates.allowance;
}

Millis most_spent(const OutageBudget::Rates& rates) {
    return rates.refill * (rates.allowance + kMostCredit);
}

void spend(Millis& spent, const OutageBudget::Rates& rates) {
    spent = std::min(spent + rates.refill, most_spent(rates));
}

/// It says that nobody looked, and must not be mixed with what failed; or it was folded already.
bool must_stand_alone(const Outage& segment, BootNo boot) {
    return segment.last_good.boot != boot || segment.first_bad.boot != boot ||
           segment.cause == Cause::daemon || segment.fold;
}

}  // namespace

OutageBudget::Link& OutageBudget::at(const std::string& name, DeviceTime now) {
    auto [found, is_new] = links_.try_emplace(name);
    auto& link = found->second;
    if (is_new) {
        link.rates = name == link_name::kWan ? wan_ : beside_;
        link.admitted = written_;
        link.counted_to = now.at;
    }
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
        if (must_stand_alone(segment, now.boot)) {
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

std::string OutageBudget::memory(DeviceTime now) const {
    std::string text;
    for (const auto& [name, link] : links_) {
        const auto elapsed = std::max(now.at - link.counted_to, Millis{});
        const auto spent = link.spent - std::min(link.spent, elapsed);
        if (spent == Millis{}) continue;
        if (!text.empty()) text += ' ';
        const auto outages = (spent + link.rates.refill - Millis{1}) / link.rates.refill;
        text += name + "=" + std::to_string(outages);
    }
    return text;
}

void OutageBudget::restore(std::string_view memory, std::uint64_t last_id, DeviceTime now) {
    constexpr std::size_t kMostLinks = 17;  // of a `LinkBook`
    written_ = std::max(written_, last_id);
    while (!memory.empty() && links_.size() < kMostLinks) {
        const auto word = memory.substr(0, memory.find(' '));
        memory.remove_prefix(std::min(word.size() + 1, memory.size()));
        const auto sign = word.find('=');
        if (sign == std::string_view::npos || sign == 0 || sign > kMaxLinkName) continue;
        unsigned outages = 0;
        const auto* end = word.data() + word.size();
        const auto read = std::from_chars(word.data() + sign + 1, end, outages);
        if (read.ec != std::errc{} || read.ptr != end) continue;
        auto& link = at(std::string{word.substr(0, sign)}, now);
        link.spent = std::min(link.rates.refill * outages, most_spent(link.rates));
    }
}

}  // namespace gerbang
