#pragma once

// How the journal's storage is, and when to try again. Pure: time comes from the caller.

#include <cstdint>
#include <optional>
#include <string>

#include "common/core/result.hpp"
#include "common/core/time.hpp"

namespace gerbang {

/// The numbers are those of the series `storage_state`.
enum class StorageState : std::uint8_t {
    opening = 0,    ///< the journal is being opened for the first time
    well = 1,       ///< the last call worked
    full = 2,       ///< no room: waited for
    read_only = 3,  ///< the file system takes no writes
    broken = 4,     ///< anything else: opened anew, and checked, until it works
    hanging = 5,    ///< a call does not return
};
/// "opening", "well", "full", "read_only", "broken", "hanging".
[[nodiscard]] const char* to_string(StorageState state) noexcept;
/// What `error` of a journal call says of the storage.
[[nodiscard]] StorageState state_of(const Error& error);

/// Follows the calls of one life. A state is told once when it is entered; `hanging` covers the
/// state before it and ends as soon as the call returns.
class StorageWatch {
public:
    /// Between attempts while storage is not well: 1, 2, 4, 8, 16, 30 s. An error whose cause was
    /// seen before does not make it shorter.
    static constexpr Millis kLongestPause{30'000};
    /// A journal that opens and fails again within this time did not heal.
    static constexpr Millis kProof{60'000};

    /// The journal was opened, and what was acknowledged is in it.
    void opened(Monotonic now);
    /// A commit is durable.
    void committed(Monotonic now);
    void failed(const Error& error, Monotonic now);
    /// Since when the present call is with the storage; nothing: none is. `kHangs` and longer is
    /// hanging.
    void look(std::optional<Monotonic> busy_since, Millis hangs, Monotonic now);

    [[nodiscard]] StorageState state() const noexcept {
        return is_hanging_ ? StorageState::hanging : state_;
    }
    [[nodiscard]] Monotonic since() const noexcept { return is_hanging_ ? hung_since_ : since_; }
    /// Why, with the operation that failed; empty when well.
    [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
    /// Not before this instant shall storage be tried again.
    [[nodiscard]] Monotonic retry_at() const noexcept { return retry_at_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

    struct Change {
        StorageState state;
        Monotonic since;
        std::string detail;
    };
    /// The newest state, if it was not told yet. The very first `well` is none.
    [[nodiscard]] std::optional<Change> take_change();

private:
    void enter(StorageState state, Monotonic now);

    StorageState state_ = StorageState::opening;
    Monotonic since_;
    bool is_hanging_ = false;
    Monotonic hung_since_;
    std::string detail_;
    Monotonic retry_at_;
    Millis pause_{0};
    std::optional<Monotonic> opened_at_;
    std::uint64_t failures_ = 0;
    StorageState told_ = StorageState::well;
};

}  // namespace gerbang
