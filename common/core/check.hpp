#pragma once

/// Ends the process when `condition` is false: the condition guards against our own bugs, never
/// against input. Always on. systemd restarts the daemon, and the ring keeps what was measured.
#define GERBANG_CHECK(condition) \
    ((condition) ? static_cast<void>(0) : ::gerbang::check_failed(#condition, __FILE__, __LINE__))

namespace gerbang {

/// Prints `condition` and its place to standard error and aborts. Use `GERBANG_CHECK`.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace gerbang
