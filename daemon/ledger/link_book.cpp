#include "daemon/ledger/link_book.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxBeside = 16;
/// A doubt about a link beside the WAN that was not looked at for longer hurries nobody.
constexpr Millis kFresh{60'000};
constexpr std::int64_t kHourMs = 3'600'000;

/// A dead daemon says nothing of the link; in any other gap the site was without internet.
LinkState state_of_gap(Cause cause) {
    return cause == Cause::daemon ? LinkState::unknown : LinkState::down;
}

/// Of a gap over boots: the cause says how the boot ended.
bool is_gap_known(Cause cause) {
    return cause != Cause::daemon && cause != Cause::undetermined;
}

/// What an open segment says of `link`: beside the WAN, `unknown` is a stretch not measured.
LinkState state_in(const Outage& segment) {
    const bool is_unmeasured = segment.cause == Cause::unknown && segment.link != link_name::kWan;
    return is_unmeasured ? LinkState::unknown : LinkState::down;
}

bool is_same(const Outage& a, const Outage& b) {
    return a.id == b.id && a.segment == b.segment;
}

bool is_usable(LinkState state) {
    return state == LinkState::up || state == LinkState::degraded;
}

void append(std::vector<Outage>& into, std::vector<Outage> more) {
    into.insert(into.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
}

/// The newest outage of `link` among `open`.
const Outage* newest_of(const std::vector<Outage>& open, const std::string& link) {
    const Outage* newest = nullptr;
    for (const auto& outage : open) {
        if (outage.link == link && (newest == nullptr || outage.id >= newest->id)) {
            newest = &outage;
        }
    }
    return newest;
}

}  // namespace

LinkBook::LinkBook(unsigned k, std::vector<std::string> beside, SeriesTable& series,
                   Millis link_start)
    : seconds_{series} {
    GERBANG_CHECK(beside.size() <= kMaxBeside);
    links_.reserve(beside.size() + 1);
    const auto enter = [&](std::string name, bool is_wan) {
        const bool is_behind_wan = !is_wan && name != link_name::kHotspot;
        links_.push_back({.name = name,
                          .ledger = Ledger{k, name, ids_, is_wan, link_start},
                          .last = {},
                          .is_behind_wan = is_behind_wan,
                          .gap_cause = {},
                          .gap_length = {}});
    };
    enter(std::string{link_name::kWan}, true);
    for (auto& name : beside) enter(std::move(name), false);
}

const LinkBook::Link& LinkBook::at(std::string_view name) const {
    for (const auto& link : links_) {
        if (link.name == name) return link;
    }
    GERBANG_CHECK(false);
    return links_.front();
}

LinkBook::Link& LinkBook::at(std::string_view name) {
    return const_cast<Link&>(std::as_const(*this).at(name));
}

std::vector<Outage> LinkBook::start(const History& history, DeviceTime now, bool same_boot) {
    ids_.saw(history.last_outage_id);
    for (const auto& outage : history.open) ids_.saw(outage.id);
    seconds_.restore(history.totals);
    std::vector<Outage> out;
    std::vector<const Outage*> taken;
    for (auto& link : links_) {
        auto run = history.run;
        if (run) {
            run->open.reset();
            run->earlier.clear();
            if (const auto* open = newest_of(history.open, link.name)) {
                taken.push_back(open);
                run->open = *open;
                for (const auto& segment : history.earlier) {
                    if (segment.id == open->id && segment.segment < open->segment) {
                        run->earlier.push_back(segment);
                    }
                }
                std::sort(run->earlier.begin(), run->earlier.end(),
                          [](const Outage& a, const Outage& b) { return a.segment < b.segment; });
            }
        }
        append(out, link.ledger.start(run, now, same_boot));
        seconds_.decide(link.name, LinkState::unknown, Cause::unknown, now);
    }
    if (!history.run || history.run->last_tick.boot > now.boot) return out;
    for (const auto& outage : history.open) {
        if (std::find(taken.begin(), taken.end(), &outage) != taken.end()) continue;
        auto closed = outage;
        closed.last_bad = std::max(history.run->last_tick, closed.first_bad);
        closed.first_good = std::max(now, *closed.last_bad);
        closed.evidence = "no longer measured; " + closed.evidence;
        out.push_back(std::move(closed));
    }
    begin_gaps(*history.run, now);
    return out;
}

void LinkBook::begin_gaps(const PreviousRun& run, DeviceTime now) {
    auto& wan = links_.front();
    // The WAN's ledger alone decides whether there was a gap at all. A gap that several lives in a
    // row saw no end of began before the last of them.
    if (!wan.ledger.is_gap()) return;
    const auto since = wan.ledger.open()->last_good;
    if (since.boot == now.boot) {
        wan.gap_length = now.at - since.at;
    } else {
        gap_since_ = since;
        wan.wants_gap_length = true;
    }
    const bool same_boot = run.last_tick.boot == now.boot;
    const bool is_known = is_gap_known(wan.ledger.cause());
    for (auto& link : links_) {
        if (&link == &wan) continue;
        const bool was_down = link.ledger.is_gap();
        auto cause = same_boot ? Cause::daemon : is_known ? wan.ledger.cause() : run.ending.cause;
        if (was_down) cause = Cause::undetermined;
        link.gap_state = was_down ? LinkState::down : LinkState::unknown;
        if (same_boot) {
            link.gap_length = now.at - run.last_tick.at;
        } else if (since == run.last_tick) {
            link.wants_gap_length = true;
        } else {
            continue;  // what earlier lives saw of this link must not count twice
        }
        link.gap_cause = cause;
        count_gap(link);
    }
}

/// Adds the gap's seconds once both its cause and its length are known.
void LinkBook::count_gap(Link& link) {
    if (!link.gap_length || !link.gap_cause) return;
    seconds_.add(link.name, link.gap_state, *link.gap_cause, *link.gap_length);
    link.gap_cause.reset();
}

std::optional<DeviceTime> LinkBook::wants_gap_length_since() const noexcept {
    return gap_since_;
}

void LinkBook::add_gap_length(Millis length) {
    gap_since_.reset();
    for (auto& link : links_) {
        if (!link.wants_gap_length) continue;
        link.wants_gap_length = false;
        link.gap_length = length;
        count_gap(link);
    }
}

std::vector<Outage> LinkBook::observe(std::string_view name, const Verdict& verdict) {
    auto& link = at(name);
    const auto& wan = links_.front().ledger;
    Verdict said = verdict;
    if (link.is_behind_wan && said.state == LinkState::down &&
        (!is_usable(wan.state()) || wan.is_in_doubt())) {
        said = Verdict{.at = verdict.at, .evidence = "the WAN is not known to work"};
    }
    const auto open_before = link.ledger.open();
    const bool was_gap = link.ledger.is_gap();
    const auto state_before = was_gap ? state_of_gap(open_before->cause) : link.ledger.state();
    // What nobody could ask cost nothing.
    if (verdict.state != LinkState::unknown && (link.ledger.is_in_doubt() || wants_look(link))) {
        const auto hour = to_ms(said.at.at) / kHourMs;
        if (std::exchange(link.hurried_hour, hour) != hour) link.hurried = 0;
        ++link.hurried;
    }
    auto written = link.ledger.observe(said);
    if (was_gap && !link.ledger.is_gap() && &link == &links_.front()) {
        for (const auto& segment : written) {
            if (!is_same(segment, *open_before)) continue;
            link.gap_cause = segment.cause;
            link.gap_state = state_of_gap(segment.cause);
        }
        count_gap(link);
    }
    count(link, open_before, state_before, written, said.at);
    if (!link.last || link.last->at <= said.at) link.last = std::move(said);
    return written;
}

/// Decides what the last look at `link` has decided. Until it was in `state_before`, with
/// `open_before` open.
void LinkBook::count(Link& link, const std::optional<Outage>& open_before, LinkState state_before,
                     const std::vector<Outage>& written, DeviceTime now) {
    auto state = state_before;
    auto cause = open_before ? open_before->cause : Cause::unknown;
    for (const auto& segment : written) {
        if (segment.is_open()) {
            seconds_.decide(link.name, state, cause, segment.first_bad);
            state = state_in(segment);
            cause = segment.cause;
        } else if (open_before && is_same(segment, *open_before)) {
            // A gap's cause may have turned out otherwise.
            if (segment.cause == Cause::undetermined) state = LinkState::down;
            seconds_.decide(link.name, state, segment.cause, *segment.first_good);
            state = LinkState::unknown;
            cause = Cause::unknown;
        }
    }
    if (link.ledger.is_in_doubt()) return;
    // Nobody looked since: told late, after k rounds that said nothing.
    if (written.empty() && link.ledger.state() == LinkState::unknown &&
        state_before != LinkState::unknown) {
        seconds_.decide(link.name, state, cause, link.ledger.since().value_or(now));
        state = LinkState::unknown;
    }
    seconds_.decide(link.name, state, cause, now);
}

void LinkBook::settle(DeviceTime now) {
    for (const auto& link : links_) {
        // The next life goes on with a gap that nobody saw the end of.
        if (link.ledger.is_gap()) continue;
        seconds_.decide(link.name, link.ledger.state(), link.ledger.cause(), now);
    }
}

/// Of a link beside the WAN: it is in doubt, and may make others wait for it.
bool LinkBook::hurries(const Link& link) const {
    const auto& wan = links_.front();
    if (!link.last || !wan.last || !link.ledger.is_in_doubt()) return false;
    const auto& now = wan.last->at;
    if (link.last->at.boot != now.boot || now.at - link.last->at.at > kFresh) return false;
    return link.hurried_hour != to_ms(now.at) / kHourMs || link.hurried < kMostHurried;
}

bool LinkBook::wants_look(const Link& link) const {
    if (hurries(link)) return true;
    const auto& wan = links_.front();
    if (!link.is_behind_wan || !wan.last || !is_usable(wan.ledger.state())) return false;
    if (wan.ledger.is_in_doubt() || link.ledger.state() != LinkState::unknown) return false;
    if (!link.last || link.last->at >= wan.ledger.since().value_or(wan.last->at)) return false;
    return link.hurried_hour != to_ms(wan.last->at.at) / kHourMs || link.hurried < kMostHurried;
}

bool LinkBook::wants_look(std::string_view link) const {
    return wants_look(at(link));
}

bool LinkBook::is_in_doubt() const {
    const auto& wan = links_.front();
    if (wan.ledger.is_in_doubt()) return true;
    return std::any_of(links_.begin() + 1, links_.end(),
                       [this](const Link& link) { return hurries(link); });
}

LinkBook::View LinkBook::view(std::string_view name) const {
    const auto& link = at(name);
    View view{.link = link.name,
              .state = link.ledger.state(),
              .cause = link.ledger.cause(),
              .since = link.ledger.since(),
              .open = link.ledger.open(),
              .evidence = {}};
    if (view.open) {
        view.confidence = view.open->confidence;
        view.evidence = view.open->evidence;
    } else if (link.last) {
        view.confidence = link.last->confidence;
        view.evidence = link.last->evidence;
    }
    return view;
}

std::vector<LinkBook::View> LinkBook::views() const {
    std::vector<View> all;
    all.reserve(links_.size());
    for (const auto& link : links_) all.push_back(view(link.name));
    return all;
}

void LinkBook::append_readings(std::vector<Reading>& into) const {
    seconds_.append(into);
}

}  // namespace gerbang
