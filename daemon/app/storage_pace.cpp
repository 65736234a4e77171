#include "daemon/app/storage_pace.hpp"

#include <algorithm>
#include <charconv>

namespace gerbang {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kHourMs = 3'600'000;

/// What a day may have written when so much of it is over.
std::uint64_t share_of(std::uint64_t budget_bytes, std::int64_t elapsed_ms) {
    // By the second, so that no budget overflows.
    constexpr std::uint64_t kDayS = kDayMs / 1000;
    const auto elapsed_s = static_cast<std::uint64_t>(elapsed_ms / 1000);
    return budget_bytes / kDayS * elapsed_s + budget_bytes % kDayS * elapsed_s / kDayS;
}

}  // namespace

CommitPace::CommitPace(Millis commit, bool may_stretch) : commit_{commit}, most_times_{1} {
    if (!may_stretch || commit <= Millis{0}) return;
    most_times_ = static_cast<unsigned>(
        std::clamp<std::int64_t>(kLongest / commit, 1, std::int64_t{kMostTimes}));
}

/// The journal learns of a new day with its hourly checkpoint: until then the count of this process
/// alone says what is of today. Where this process began in mid-day, the journal's does.
std::uint64_t CommitPace::bytes_of_day(const Signs& signs, std::int64_t day) {
    const auto written = static_cast<std::int64_t>(signs.written_bytes);
    const auto told = static_cast<std::int64_t>(signs.today_bytes);
    if (!day_) {
        written_before_ = written - told;
    } else if (*day_ != day) {
        written_before_ = written;
    }
    day_ = day;
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(written - written_before_, 0, told));
}

void CommitPace::decide(const Signs& signs) {
    if (most_times_ == 1) return;
    if (!signs.local) {
        hurry();
        return;
    }
    const auto local_ms = to_ms(*signs.local);
    const auto day = local_ms >= 0 ? local_ms / kDayMs : -1;
    const auto written = bytes_of_day(signs, day);
    if (!signs.is_calm || signs.budget_bytes == 0 || day < 0) {
        hurry();
        return;
    }
    const auto elapsed_ms = local_ms % kDayMs;
    if (written > share_of(signs.budget_bytes, elapsed_ms + kHourMs)) {
        times_ = std::min(times_ * 2, most_times_);
    } else if (written <= share_of(signs.budget_bytes, elapsed_ms)) {
        times_ = std::max(times_ / 2, 1U);
    }
}

std::string CommitPace::memory() const {
    return times_ == 1 ? std::string{} : std::to_string(interval().count());
}

Millis CommitPace::silence_of(std::string_view memory, Millis commit) {
    std::int64_t ms = 0;
    const auto* end = memory.data() + memory.size();
    const auto [stop, error] = std::from_chars(memory.data(), end, ms);
    if (error != std::errc{} || stop != end || ms > kLongest.count()) return commit;
    return std::max(commit, Millis{ms});
}

}  // namespace gerbang
