#include "daemon/app/links.hpp"

#include <algorithm>
#include <utility>

namespace gerbang {
namespace {

/// While pushes are acknowledged this recently nobody needs to ask for the province.
constexpr Millis kPushProves{180'000};

std::string service_link(const std::string& name) {
    return std::string{link_name::kServicePrefix} + name;
}

std::vector<std::string> service_names(const Config& config) {
    std::vector<std::string> names;
    for (const auto& service : config.services) names.push_back(service.name);
    return names;
}

std::int64_t seconds_between(Monotonic from, Monotonic to) {
    return std::chrono::duration_cast<Seconds>(to - from).count();
}

web::RungLine line_of(Rung rung, const RungFinding& finding) {
    web::RungLine line{.rung = std::string{to_string(rung)},
                       .state = std::string{to_string(finding.state)},
                       .silence = std::string{to_string(finding.silence)},
                       .detail = finding.detail,
                       .rtt_ms = std::nullopt,
                       .age_s = std::nullopt};
    if (finding.round_trip) line.rtt_ms = finding.round_trip->count();
    return line;
}

web::LinkLine line_of(std::string link, const Verdict& verdict) {
    web::LinkLine line;
    line.link = std::move(link);
    line.state = std::string{to_string(verdict.state)};
    if (verdict.state == LinkState::down) line.cause = std::string{to_string(verdict.cause)};
    return line;
}

/// A rung as people may see it: the silence of those above the broken one says nothing of them.
RungFinding as_shown(Rung rung, RungFinding finding, const Verdict& verdict) {
    LadderRound one;
    one[rung] = std::move(finding);
    return shown(std::move(one), verdict)[rung];
}

}  // namespace

LadderSettings ladder_settings(const Config& config) {
    LadderSettings settings;
    for (const auto& target : config.probe.targets) {
        ProbeTarget host;
        host.name = target.name;
        host.address = target.address;
        host.tcp_port = target.tcp_port;
        settings.targets.push_back({std::move(host), target.is_domestic});
    }
    settings.resolvers = config.probe.resolvers;
    settings.dns_name = config.probe.dns_name;
    settings.dns_expected = config.probe.dns_expect;
    settings.next_hop = config.wan.next_hop;
    settings.modem_address = config.wan.modem_address;
    settings.hotspot_address = config.hotspot.address;
    settings.interval = config.probe.interval;
    settings.doubt_interval = config.probe.doubt_interval;
    settings.timeout = config.probe.timeout;
    settings.web_interval = config.probe.web_interval;
    settings.services = service_names(config);
    return settings;
}

std::vector<std::string> links_beside(const Config& config) {
    std::vector<std::string> links{std::string{link_name::kHotspot}};
    if (config.is_assigned() && !config.sync.targets.empty()) {
        links.emplace_back(link_name::kProvince);
    }
    for (const auto& service : config.services) links.push_back(service_link(service.name));
    return links;
}

Links::Links(const Config& config, WebQuestions web, Prober& prober, Clock& clock, Entropy& entropy,
             net::any_io_executor loop, SeriesTable& series)
    : clock_{&clock},
      walk_{ladder_settings(config), std::move(web), prober, clock, entropy,
            std::move(loop),         series},
      judge_{config.wan.next_hop, false, config.probe.failures},
      book_{config.probe.failures, links_beside(config), series, kLinkStart},
      services_{service_names(config)},
      state_series_{series.intern(series_name::kLinkState, {}, SeriesKind::state, "")} {}

std::vector<Outage> Links::start(const LinkBook::History& history, DeviceTime now, bool same_boot) {
    return book_.start(history, now, same_boot);
}

net::awaitable<std::vector<Outage>> Links::round(Surroundings around, BootNo boot) {
    around.wanted_services = wanted_services();
    const auto walk = co_await walk_.walk(around, boot, book_.is_in_doubt());
    // Half a round is no evidence.
    if (clock_->is_stopped()) co_return std::vector<Outage>{};
    co_return judge(walk, around);
}

std::vector<std::string> Links::wanted_services() const {
    std::vector<std::string> wanted;
    for (const auto& name : services_) {
        if (book_.wants_look(service_link(name))) wanted.push_back(name);
    }
    return wanted;
}

Monotonic Links::next_round() {
    return walk_.next(book_.is_in_doubt());
}

std::vector<Outage> Links::judge(const Walk& walk, const Surroundings& around) {
    const auto at = walk.round.at;
    judge_.set_point_to_point(around.is_point_to_point);
    auto written = book_.observe(link_name::kWan, judge_.judge(walk.round));
    const auto beside = [&](const std::string& link, const Verdict& verdict) {
        auto more = book_.observe(link, verdict);
        written.insert(written.end(), std::make_move_iterator(more.begin()),
                       std::make_move_iterator(more.end()));
    };
    if (walk.hotspot) {
        beside(std::string{link_name::kHotspot}, judge_beside(at, *walk.hotspot, Cause::hotspot));
    }
    const bool wan_is_up = book_.view(link_name::kWan).state == LinkState::up ||
                           book_.view(link_name::kWan).state == LinkState::degraded;
    for (const auto& view : book_.views()) {
        if (view.link == link_name::kWan || view.link == link_name::kHotspot) continue;
        RungFinding finding;
        auto seen = at;
        bool was_asked = !wan_is_up;  // behind a dead WAN nothing is known, asked or not
        if (view.link == link_name::kProvince) {
            finding = walk.round[Rung::province];
            // What a push proves was so then; of the time since nobody knows.
            if (walk.pushed_at) seen.at = *walk.pushed_at;
            if (finding.state == RungState::unknown && around.last_push &&
                at.at - *around.last_push < kPushProves) {
                finding.state = RungState::up;
                seen.at = *around.last_push;
            }
            was_asked = was_asked || finding.state != RungState::unknown;
        }
        for (const auto& service : walk.services) {
            if (service_link(service.name) != view.link) continue;
            finding = service.finding;
            was_asked = true;
        }
        // What was not asked this time stays as it was.
        if (!was_asked) continue;
        const auto cause = view.link == link_name::kProvince ? Cause::province : Cause::service;
        beside(view.link, judge_beside(seen, finding, cause));
    }
    return written;
}

net::awaitable<web::ProbeReport> Links::probe(Surroundings around, BootNo boot) {
    const auto walk = co_await walk_.walk_all(around, boot);
    // A copy: what a person wanted to see at this moment is no part of the record.
    auto judge = judge_;
    judge.set_point_to_point(around.is_point_to_point);
    const auto verdict = judge.judge(walk.round);
    web::ProbeReport report;
    const auto round = shown(walk.round, verdict);
    for (std::size_t i = 0; i < kRungCount; ++i) {
        report.ladder.push_back(line_of(static_cast<Rung>(i), round.rungs[i]));
    }
    if (walk.hotspot) {
        report.links.push_back(line_of(std::string{link_name::kHotspot},
                                       judge_beside(walk.round.at, *walk.hotspot, Cause::hotspot)));
    }
    for (const auto& service : walk.services) {
        report.links.push_back(
            line_of(service_link(service.name),
                    judge_beside(walk.round.at, service.finding, Cause::service)));
    }
    report.state = std::string{to_string(verdict.state)};
    if (verdict.state == LinkState::down) report.cause = std::string{to_string(verdict.cause)};
    report.confidence = std::string{to_string(verdict.confidence)};
    report.evidence = verdict.evidence;
    co_return report;
}

void Links::append_readings(Monotonic at, std::vector<Reading>& into) {
    walk_.append_readings(at, into);
    book_.append_readings(into);
    into.push_back({state_series_, static_cast<std::int64_t>(book_.view(link_name::kWan).state)});
}

void Links::describe(web::Status& status, DeviceTime now,
                     const std::function<std::optional<WallTime>(DeviceTime)>& wall_of) const {
    Verdict wan_verdict;
    for (const auto& view : book_.views()) {
        web::LinkLine line;
        line.link = view.link;
        line.state = std::string{to_string(view.state)};
        if (view.open && view.state != LinkState::up && view.state != LinkState::degraded) {
            line.cause = std::string{to_string(view.cause)};
        }
        if (view.since) {
            line.since = wall_of(*view.since);
            if (view.since->boot == now.boot) {
                line.since_s = seconds_between(view.since->at, now.at);
            }
        }
        if (view.link != link_name::kWan) {
            status.links.push_back(std::move(line));
            continue;
        }
        wan_verdict.state = view.state;
        wan_verdict.cause = view.cause;
        status.link.state = line.state;
        status.link.cause = line.cause;
        status.link.since = line.since;
        status.link.since_s = line.since_s;
        status.link.confidence = std::string{to_string(view.confidence)};
        status.link.evidence = view.evidence;
    }
    for (const auto& rung : walk_.view()) {
        auto line = line_of(rung.rung, as_shown(rung.rung, rung.finding, wan_verdict));
        line.age_s = std::max<std::int64_t>(0, seconds_between(rung.asked, now.at));
        status.ladder.push_back(std::move(line));
    }
}

}  // namespace gerbang
