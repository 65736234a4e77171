#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/core/time.hpp"

namespace gerbang {

/// Tells systemd how the daemon is (sd_notify's protocol: one datagram to $NOTIFY_SOCKET). Does
/// nothing where no service manager listens; errors are ignored, as the service manager's own
/// time-outs speak for themselves. Loop thread only; never blocks.
class Notifier {
public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    [[nodiscard]] static Notifier from_environment();
    /// `socket_path` as in NOTIFY_SOCKET ("@name" is abstract); empty: nobody listens.
    explicit Notifier(std::string socket_path, std::optional<Millis> watchdog = std::nullopt);

    void ready() const;
    void reloading() const;  ///< until the next `ready`
    void stopping() const;
    void watchdog() const;
    /// One line for `systemctl status`; line breaks become spaces.
    void status(std::string_view text) const;

    /// The time within which systemd expects `watchdog`; call it twice as often. Nothing: no
    /// watchdog for this process.
    [[nodiscard]] std::optional<Millis> watchdog_timeout() const noexcept { return watchdog_; }

private:
    void send(std::string_view message) const;

    std::string socket_path_;
    std::optional<Millis> watchdog_;
};

}  // namespace gerbang
