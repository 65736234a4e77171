#include "daemon/sync/backoff.hpp"

#include <algorithm>
#include <charconv>

namespace gerbang {
namespace {

/// Beyond this the window has long reached its cap; keeps the shift and the saved text small.
constexpr unsigned kMaxFailures = 1000;
constexpr std::string_view kMark = "backoff-1 ";

Millis between(Millis low, Millis high, Entropy& entropy) {
    if (high <= low) return low;
    const auto span = static_cast<std::uint64_t>((high - low).count());
    return low + Millis{static_cast<std::int64_t>(entropy.below(span + 1))};
}

bool take_number(std::string_view& text, std::int64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

}  // namespace

Millis Backoff::window() const noexcept {
    const unsigned doublings = std::min(failures_ == 0 ? 0u : failures_ - 1, 20u);
    return std::min(settings_.cap, settings_.base * (std::int64_t{1} << doublings));
}

Millis Backoff::after_request(Seconds retry_after, Entropy& entropy) const {
    const Millis asked =
        retry_after > std::chrono::duration_cast<Seconds>(settings_.retry_after_cap)
            ? settings_.retry_after_cap
            : Millis{retry_after};
    return between(asked, asked + std::max(asked / 10, Millis{1000}), entropy);
}

Millis Backoff::fail(Entropy& entropy, std::optional<Seconds> retry_after) {
    failures_ = std::min(failures_ + 1, kMaxFailures);
    retry_after_ = std::max(retry_after.value_or(Seconds{}), Seconds{});
    const Millis own = between(settings_.floor, window(), entropy);
    if (retry_after_ == Seconds{}) return own;
    return std::max(own, after_request(retry_after_, entropy));
}

void Backoff::succeed() noexcept {
    failures_ = 0;
    retry_after_ = Seconds{};
}

std::string Backoff::save() const {
    return std::string{kMark} + std::to_string(failures_) + " " +
           std::to_string(retry_after_.count());
}

Millis Backoff::restore(std::string_view text, Entropy& entropy) {
    succeed();
    std::int64_t failures = 0;
    std::int64_t retry_after = 0;
    if (!text.starts_with(kMark)) return Millis{};
    text.remove_prefix(kMark.size());
    if (!take_number(text, failures) || !text.starts_with(' ')) return Millis{};
    text.remove_prefix(1);
    if (!take_number(text, retry_after) || !text.empty()) return Millis{};
    failures_ = static_cast<unsigned>(std::min(failures, static_cast<std::int64_t>(kMaxFailures)));
    if (failures_ == 0) return Millis{};
    retry_after_ = Seconds{retry_after};
    const Millis own = between(settings_.floor, std::min(window(), settings_.restart_cap), entropy);
    if (retry_after_ == Seconds{}) return own;
    return std::max(own, after_request(retry_after_, entropy));
}

}  // namespace gerbang
