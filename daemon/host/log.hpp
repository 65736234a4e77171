#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace gerbang {

/// syslog priorities; the numbers are journald's `<N>` prefixes.
enum class LogLevel { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

/// One `key=value` of a log line. Values with spaces or quotes are quoted.
struct LogField {
    std::string_view key;
    std::string value;
};

/// Writes one event as one line to standard error: `<6>event key=value key="two words"`. `event`
/// is a stable English name ("commit_failed"). The prefix is left out on a terminal. Control
/// characters are escaped. Thread-safe. Never give it a secret, a client's MAC, IP or name.
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

/// Lines below `level` are dropped (default: info).
void set_log_level(LogLevel level) noexcept;

/// For tests: sends the lines elsewhere; nullptr restores standard error.
void set_log_sink(void (*sink)(std::string_view line)) noexcept;

}  // namespace gerbang
