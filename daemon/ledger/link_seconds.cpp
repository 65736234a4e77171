#include "daemon/ledger/link_seconds.hpp"

namespace gerbang {
namespace {

constexpr std::string_view kNoCause = "none";

bool has_cause(LinkState state, Cause cause) {
    return state == LinkState::down || (state == LinkState::unknown && cause != Cause::unknown);
}

std::string_view label_of(const Series& series, std::string_view name) {
    for (const auto& label : series.labels) {
        if (label.name == name) return label.value;
    }
    return {};
}

}  // namespace

LinkSeconds::LinkSeconds(SeriesTable& series) : series_{&series} {}

LinkSeconds::Total* LinkSeconds::find(const std::string& link, LinkState state, Cause cause) {
    if (!has_cause(state, cause)) cause = Cause::unknown;
    for (auto& total : totals_) {
        if (total.state == state && total.cause == cause && total.link == link) return &total;
    }
    if (totals_.size() >= kMaxLinkCounters) return nullptr;
    const auto id = series_->intern(
        kLinkStateSeconds,
        {{"cause", std::string{has_cause(state, cause) ? to_string(cause) : kNoCause}},
         {"link", link},
         {"state", std::string{to_string(state)}}},
        SeriesKind::counter, "seconds", 3);
    totals_.push_back({link, state, cause, id, 0});
    return &totals_.back();
}

void LinkSeconds::restore(const std::vector<Reading>& totals) {
    for (const auto& reading : totals) {
        const auto* series = series_->find(reading.series);
        if (series == nullptr || series->name != kLinkStateSeconds || reading.value < 0) continue;
        const auto state = parse_link_state(label_of(*series, "state"));
        const auto word = label_of(*series, "cause");
        const auto cause = word == kNoCause ? std::optional{Cause::unknown} : parse_cause(word);
        if (!state || !cause) continue;
        auto* total = find(std::string{label_of(*series, "link")}, *state, *cause);
        if (total != nullptr && total->series == reading.series) total->ms = reading.value;
    }
}

void LinkSeconds::decide(const std::string& link, LinkState state, Cause cause,
                         DeviceTime through) {
    for (auto& [name, decided] : decided_) {
        if (name != link) continue;
        if (decided.boot == through.boot && decided < through) {
            add(link, state, cause, through.at - decided.at);
        }
        if (decided < through) decided = through;
        return;
    }
    decided_.emplace_back(link, through);
}

void LinkSeconds::add(const std::string& link, LinkState state, Cause cause, Millis span) {
    if (span.count() <= 0) return;
    if (auto* total = find(link, state, cause); total != nullptr) total->ms += span.count();
}

void LinkSeconds::append(std::vector<Reading>& into) const {
    for (const auto& total : totals_) {
        if (total.ms != 0 && total.series.value != 0) into.push_back({total.series, total.ms});
    }
}

}  // namespace gerbang
