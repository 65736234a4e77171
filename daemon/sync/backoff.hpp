#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/core/time.hpp"
#include "daemon/host/entropy.hpp"

namespace gerbang {

/// How long to wait after failures in a row: full jitter under a doubling cap.
///
/// The n-th failure waits uniformly between `floor` and min(`cap`, `base` x 2^(n-1)), so that 841
/// villages do not come back in step. A server's Retry-After is honoured up to `retry_after_cap`,
/// with up to a tenth (at least 1 s) of jitter behind it. Pure but for `Entropy`.
class Backoff {
public:
    struct Settings {
        Millis floor{500};
        Millis base{5'000};
        Millis cap{10 * 60'000};
        Millis retry_after_cap{60 * 60'000};
        /// Longest wait that the failures alone may cause after a restart: a village whose power
        /// comes back for two hours a day must not spend them waiting.
        Millis restart_cap{60'000};
    };
    Backoff() : Backoff(Settings{}) {}
    explicit Backoff(const Settings& settings) : settings_{settings} {}

    /// Counts a failure and returns the wait before the next attempt.
    [[nodiscard]] Millis fail(Entropy& entropy, std::optional<Seconds> retry_after = std::nullopt);
    /// Forgets the failures.
    void succeed() noexcept;
    [[nodiscard]] unsigned failures() const noexcept { return failures_; }

    /// One line for a journal note: the failures, and the Retry-After in force.
    [[nodiscard]] std::string save() const;
    /// Takes up where `save` left off and returns the wait before the first attempt; zero, and no
    /// failures, for a text that `save` did not write. How long the process was gone is unknown
    /// (no clock can be trusted over a reboot), so a Retry-After starts again, bounded as above.
    [[nodiscard]] Millis restore(std::string_view text, Entropy& entropy);

private:
    [[nodiscard]] Millis window() const noexcept;
    [[nodiscard]] Millis after_request(Seconds retry_after, Entropy& entropy) const;

    Settings settings_;
    unsigned failures_ = 0;
    Seconds retry_after_{};
};

}  // namespace gerbang
