#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/core/time.hpp"

namespace gerbang {

/// The date of an HTTP header in its one current form, "Sun, 06 Nov 1994 08:49:37 GMT" (years 1970
/// to 9999; the weekday's name is not compared with the date). Nothing for anything else.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text);

/// A Retry-After header: seconds, or a date, which counts from `date`, the same answer's own time
/// (our clock may be wrong). At least 0 and at most a day. Nothing for anything else.
[[nodiscard]] std::optional<Seconds> parse_retry_after(std::string_view text,
                                                       std::optional<WallTime> date);

/// Collects what we want to know of an answer's header lines, given one at a time in order. A new
/// status line (after 100 Continue) begins anew.
class ReplyHeaders {
public:
    static constexpr std::size_t kMaxBytes = 32u << 10;  ///< of all lines of one answer

    /// False when the header grew beyond `kMaxBytes`: give up the exchange.
    [[nodiscard]] bool add_line(std::string_view line);
    [[nodiscard]] std::optional<WallTime> date() const { return date_; }
    [[nodiscard]] std::optional<Seconds> retry_after() const;

private:
    std::size_t bytes_ = 0;
    std::optional<WallTime> date_;
    std::optional<Seconds> retry_seconds_;
    std::optional<WallTime> retry_date_;
};

}  // namespace gerbang
