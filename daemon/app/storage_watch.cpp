#include "daemon/app/storage_watch.hpp"

#include <algorithm>

namespace gerbang {
namespace {

constexpr Millis kFirstPause{1000};

}  // namespace

const char* to_string(StorageState state) noexcept {
    switch (state) {
        case StorageState::opening:
            return "opening";
        case StorageState::well:
            return "well";
        case StorageState::full:
            return "full";
        case StorageState::read_only:
            return "read_only";
        case StorageState::broken:
            return "broken";
        case StorageState::hanging:
            return "hanging";
    }
    return "broken";
}

StorageState state_of(const Error& error) {
    if (error.code == Errc::storage_full) return StorageState::full;
    // The reaction is that to any broken storage, so there is no code of its own; what a technician
    // must do is another thing.
    for (const auto* sign : {"read-only", "readonly", "Read-only"}) {
        if (error.detail.find(sign) != std::string::npos) return StorageState::read_only;
    }
    return StorageState::broken;
}

void StorageWatch::enter(StorageState state, Monotonic now) {
    if (state == state_) return;
    state_ = state;
    since_ = now;
}

void StorageWatch::opened(Monotonic now) {
    opened_at_ = now;
    retry_at_ = now;
    // Whether it can be written is shown by the next commit.
    if (state_ == StorageState::opening) enter(StorageState::well, now);
}

void StorageWatch::committed(Monotonic now) {
    enter(StorageState::well, now);
    detail_.clear();
    if (!opened_at_ || now - *opened_at_ >= kProof) pause_ = Millis{0};
    retry_at_ = now;
}

void StorageWatch::failed(const Error& error, Monotonic now) {
    ++failures_;
    pause_ = pause_ == Millis{0} ? kFirstPause : std::min(pause_ * 2, kLongestPause);
    retry_at_ = now + pause_;
    detail_ = error.detail;
    enter(state_of(error), now);
}

void StorageWatch::look(std::optional<Monotonic> busy_since, Millis hangs, Monotonic now) {
    const bool is_hanging = busy_since && now - *busy_since >= hangs;
    if (is_hanging && !is_hanging_) hung_since_ = *busy_since;
    is_hanging_ = is_hanging;
}

std::optional<StorageWatch::Change> StorageWatch::take_change() {
    const auto now = state();
    if (now == told_ || now == StorageState::opening) return std::nullopt;
    told_ = now;
    return Change{now, since(),
                  now == StorageState::hanging ? "a call to the storage does not return" : detail_};
}

}  // namespace gerbang
