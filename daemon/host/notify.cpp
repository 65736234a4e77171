#include "daemon/host/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "daemon/host/unique_fd.hpp"

namespace gerbang {
namespace {

std::optional<std::int64_t> number_from_environment(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    const std::string_view digits{text};
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

}  // namespace

Notifier Notifier::from_environment() {
    const char* path = std::getenv("NOTIFY_SOCKET");
    const auto watchdog_us = number_from_environment("WATCHDOG_USEC");
    const auto watched_pid = number_from_environment("WATCHDOG_PID");
    std::optional<Millis> watchdog;
    if (watchdog_us && *watchdog_us >= 1000 && watched_pid.value_or(::getpid()) == ::getpid()) {
        watchdog = Millis{*watchdog_us / 1000};
    }
    return Notifier{path == nullptr ? "" : path, watchdog};
}

Notifier::Notifier(std::string socket_path, std::optional<Millis> watchdog)
    : socket_path_{std::move(socket_path)}, watchdog_{watchdog} {}

void Notifier::ready() const {
    send("READY=1");
}

void Notifier::reloading() const {
    send("RELOADING=1");
}

void Notifier::stopping() const {
    send("STOPPING=1");
}

void Notifier::watchdog() const {
    send("WATCHDOG=1");
}

void Notifier::status(std::string_view text) const {
    std::string message{"STATUS="};
    message += text.substr(0, 1024);
    std::replace(message.begin(), message.end(), '\n', ' ');
    send(message);
}

void Notifier::send(std::string_view message) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path_.size() < 2 || socket_path_.size() >= sizeof address.sun_path) return;
    if (socket_path_[0] != '/' && socket_path_[0] != '@') return;
    std::copy(socket_path_.begin(), socket_path_.end(), std::begin(address.sun_path));
    if (socket_path_[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size());

    const UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd.is_open()) return;
    [[maybe_unused]] const auto sent =
        ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace gerbang
