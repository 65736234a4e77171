#include "daemon/meter/path_check.hpp"

#include <algorithm>

namespace gerbang {
namespace {

constexpr Millis kHour{3'600'000};
constexpr unsigned kDay = 24;
constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kBusyDatagrams = 100;
constexpr std::uint64_t kSilentDatagrams = 10;
constexpr std::uint64_t kTellingDatagrams = 1'000;

/// Totals may fall when the kernel or the daemon starts anew; that hour then says nothing.
std::uint64_t grown(std::uint64_t before, std::uint64_t now) noexcept {
    return now > before ? now - before : 0;
}

bool are_alike(std::uint64_t a, std::uint64_t b) noexcept {
    return std::min(a, b) >= kMegabyte && std::max(a, b) / 4 <= std::min(a, b);
}

}  // namespace

std::string_view to_string(UsageConfidence confidence) noexcept {
    switch (confidence) {
        case UsageConfidence::unknown:
            return "unknown";
        case UsageConfidence::good:
            return "good";
        case UsageConfidence::suspect:
            return "suspect";
    }
    return "unknown";
}

std::string_view to_string(TrafficPath path) noexcept {
    switch (path) {
        case TrafficPath::unknown:
            return "unknown";
        case TrafficPath::in_path:
            return "in_path";
        case TrafficPath::not_in_path:
            return "not_in_path";
    }
    return "unknown";
}

PathSigns path_signs(Monotonic at, const MeterSummary& meter, const Forwarding& forwarding,
                     const std::optional<MachineFacts>& facts) {
    PathSigns signs{.at = at, .forwarding = forwarding};
    if (facts) {
        signs.offloads_are_known = facts->offloads_are_known;
        signs.has_flowtable = !facts->flowtables.empty();
        signs.has_hw_offload = !facts->hw_offloads.empty();
    }
    const auto& wan = meter.wan;
    signs.wan_is_up = wan.is_known && wan.has_carrier && wan.has_default_route;
    signs.wan_is_stacked = wan.is_stacked;
    signs.has_lan = meter.lan.is_present;
    signs.wan_bytes = wan.received.value + wan.transmitted.value;
    signs.wan_packets = wan.received_packets + wan.transmitted_packets;
    signs.lan_bytes = meter.lan.moved.value;
    return signs;
}

bool PathCheck::take(const PathSigns& signs) {
    if (!start_ || signs.at < start_->at) {
        start_ = signs;
        wan_was_up_ = signs.wan_is_up;
        return false;
    }
    wan_was_up_ = wan_was_up_ && signs.wan_is_up;
    if (signs.at - start_->at < kHour) return false;

    Hour hour{.wan_bytes = grown(start_->wan_bytes, signs.wan_bytes),
              .wan_packets = grown(start_->wan_packets, signs.wan_packets),
              .lan_bytes = grown(start_->lan_bytes, signs.lan_bytes)};
    const auto before = start_->forwarding.datagrams;
    const auto now = signs.forwarding.datagrams;
    if (before && now && *now >= *before) hour.forwarded = *now - *before;

    const char* doubt = "";
    PathVerdict verdict;
    verdict.path = judge_path(signs, hour);
    verdict.confidence = judge_confidence(signs, hour, doubt);
    verdict.reason =
        "last hour: forwarded " +
        (hour.forwarded ? std::to_string(*hour.forwarded) + " datagrams" : "unknown") + ", WAN " +
        std::to_string(hour.wan_bytes / kMegabyte) + " MB, LAN " +
        (signs.has_lan ? std::to_string(hour.lan_bytes / kMegabyte) + " MB" : "absent") + "; " +
        doubt;
    const bool is_change =
        verdict.path != verdict_.path || verdict.confidence != verdict_.confidence;
    verdict_ = std::move(verdict);
    start_ = signs;
    wan_was_up_ = signs.wan_is_up;
    return is_change;
}

TrafficPath PathCheck::judge_path(const PathSigns& now, const Hour& hour) {
    if (hour.forwarded.value_or(0) >= kBusyDatagrams || are_alike(hour.wan_bytes, hour.lan_bytes)) {
        silent_hours_ = 0;
        return TrafficPath::in_path;
    }
    const bool is_silent = wan_was_up_ && hour.forwarded && *hour.forwarded < kSilentDatagrams &&
                           hour.lan_bytes < kMegabyte && !now.has_flowtable && !now.has_hw_offload;
    if (!is_silent) return verdict_.path;
    ++silent_hours_;
    const bool cannot_forward = now.forwarding.is_on_v4 && !*now.forwarding.is_on_v4 &&
                                !now.forwarding.is_on_v6.value_or(false);
    const bool is_enough =
        silent_hours_ >= kDay || (cannot_forward && verdict_.path != TrafficPath::in_path);
    return is_enough ? TrafficPath::not_in_path : verdict_.path;
}

UsageConfidence PathCheck::judge_confidence(const PathSigns& now, const Hour& hour,
                                            const char*& reason) {
    if (suspect_hours_left_ > 0) --suspect_hours_left_;
    const auto forwarded = hour.forwarded.value_or(0);
    if (forwarded >= kTellingDatagrams && forwarded / 2 > hour.wan_packets)
        suspect_hours_left_ = kDay;

    if (now.has_hw_offload) {
        reason = "forwarding is offloaded to hardware";
        return UsageConfidence::suspect;
    }
    if (now.has_flowtable && now.wan_is_stacked) {
        reason = "a flowtable bypasses the counters of the WAN's upper device";
        return UsageConfidence::suspect;
    }
    if (suspect_hours_left_ > 0) {
        reason = "within a day more was forwarded than the WAN counted";
        return UsageConfidence::suspect;
    }
    if (!now.offloads_are_known) {
        reason = "offloads are not known: gerbang-facts did not look";
        return UsageConfidence::unknown;
    }
    reason = now.has_flowtable ? "flowtable in software, the WAN's device counts it"
                               : "no offload of forwarding";
    return UsageConfidence::good;
}

}  // namespace gerbang
