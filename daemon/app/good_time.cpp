#include "daemon/app/good_time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace gerbang {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kLastMs = 253'402'300'799'999;  // 31 December 9999
/// A vaguer word than this agrees with everything, and says nothing.
constexpr Millis kVague{60'000};

bool is_date(WallTime wall) {
    return to_ms(wall) >= 0 && to_ms(wall) <= kLastMs;
}

/// `later` is where `earlier` and the kernel's pace put it.
bool agree(const Anchor& earlier, const Anchor& later, Millis between) {
    const auto give = std::clamp(earlier.uncertainty, Millis{0}, kVague) +
                      std::clamp(later.uncertainty, Millis{0}, kVague) + Millis{1000} +
                      between / 2000;
    const auto error = later.wall - (earlier.wall + between);
    return error <= give && error >= -give;
}

}  // namespace

GoodTime::GoodTime(WallTime least, std::string_view remembered) : least_{least}, wall_{least} {
    std::array<std::int64_t, 3> numbers{};  // wall time, boot, device time
    const auto* end = remembered.data() + remembered.size();
    const auto* at = remembered.data();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (i > 0 && (at == end || *at++ != ' ')) return;
        const auto read = std::from_chars(at, end, numbers[i]);
        if (read.ec != std::errc{} || numbers[i] < 0) return;
        at = read.ptr;
    }
    const auto& [wall_ms, boot, at_ms] = numbers;
    if (at != end || wall_ms > kLastMs || boot > UINT32_MAX || at_ms > kLastMs) return;
    if (wall_from_ms(wall_ms) <= least_) return;
    wall_ = wall_from_ms(wall_ms);
    set_ = {BootNo{static_cast<std::uint32_t>(boot)}, monotonic_from_ms(at_ms)};
}

void GoodTime::look(const Anchor& anchor) {
    if (anchor.source == AnchorSource::operator_ || !is_date(anchor.wall)) return;
    const auto before = std::exchange(latest_, anchor);
    if (!before || before->at.boot != anchor.at.boot || anchor.at <= before->at) return;
    const Millis between = anchor.at.at - before->at.at;
    if (!agree(*before, anchor, between)) return;
    const auto floor = at(anchor.at);
    const auto told = anchor.wall - std::clamp(anchor.uncertainty, Millis{0}, kVague);
    const auto reach = between * kPace;
    wall_ = std::max(least_, std::clamp(told, floor - reach, floor + reach));
    set_ = anchor.at;
}

void GoodTime::prove(DeviceTime now, WallTime wall) {
    if (!is_date(wall) || wall <= at(now)) return;
    wall_ = wall;
    set_ = now;
}

WallTime GoodTime::at(DeviceTime now) const {
    if (now.boot > set_.boot) return wall_ + (now.at - Monotonic{});
    if (now.boot < set_.boot || now.at < set_.at) return wall_;
    return wall_ + (now.at - set_.at);
}

std::string GoodTime::memory(DeviceTime now) const {
    // The last full hour of the floor, or the start of the kernel: it stays the same for an hour.
    const auto wall_ms = to_ms(at(now));
    const auto since_ms = std::min(wall_ms % kHourMs, to_ms(now.at));
    return std::to_string(wall_ms - since_ms) + " " + std::to_string(now.boot.value) + " " +
           std::to_string(to_ms(now.at) - since_ms);
}

}  // namespace gerbang
