#include "daemon/host/log.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace gerbang {
namespace {

/// A longer line is cut; journald would split it into several.
constexpr std::size_t kLongestLine = 8192;

std::atomic<LogLevel> lowest_level{LogLevel::info};
std::atomic<void (*)(std::string_view)> log_sink{nullptr};

void append_escaped(std::string& line, unsigned char c) {
    constexpr char kDigits[] = "0123456789abcdef";
    if (c == '\n') {
        line += "\\n";
    } else if (c == '\t') {
        line += "\\t";
    } else if (c == '"' || c == '\\') {
        line.push_back('\\');
        line.push_back(static_cast<char>(c));
    } else if (c < 0x20 || c == 0x7f) {
        line += "\\x";
        line.push_back(kDigits[c >> 4]);
        line.push_back(kDigits[c & 15]);
    } else {
        line.push_back(static_cast<char>(c));
    }
}

void append_value(std::string& line, std::string_view value) {
    bool needs_quotes = value.empty();
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        needs_quotes |= byte <= 0x20 || byte == 0x7f || c == '"' || c == '\\' || c == '=';
    }
    if (!needs_quotes) {
        line += value;
        return;
    }
    line.push_back('"');
    for (const char c : value) append_escaped(line, static_cast<unsigned char>(c));
    line.push_back('"');
}

void write_to_stderr(std::string_view line) {
    // One call a line, so that lines of several threads do not mix. A lost line is not worth a
    // lost measurement: errors are ignored.
    while (!line.empty()) {
        const auto written = ::write(STDERR_FILENO, line.data(), line.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        line.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
    if (level > lowest_level.load(std::memory_order_relaxed)) return;
    const auto sink = log_sink.load(std::memory_order_relaxed);
    std::string line;
    if (sink != nullptr || ::isatty(STDERR_FILENO) == 0) {
        line = {'<', static_cast<char>('0' + static_cast<int>(level)), '>'};
    }
    line += event;
    for (const auto& field : fields) {
        line.push_back(' ');
        line += field.key;
        line.push_back('=');
        append_value(line, field.value);
    }
    if (line.size() > kLongestLine) {
        line.resize(kLongestLine - 3);
        line += "...";
    }
    if (sink != nullptr) {
        sink(line);
        return;
    }
    line.push_back('\n');
    write_to_stderr(line);
}

void set_log_level(LogLevel level) noexcept {
    lowest_level.store(level, std::memory_order_relaxed);
}

void set_log_sink(void (*sink)(std::string_view line)) noexcept {
    log_sink.store(sink, std::memory_order_relaxed);
}

}  // namespace gerbang
