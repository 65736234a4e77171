#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/core/check.hpp"

namespace gerbang {

/// One enumerator per reaction. Add one only when a caller must behave differently.
enum class Errc {
    unreachable = 1,  ///< keep everything, back off, try again
    overloaded,       ///< keep everything, wait as long as the server asks
    not_authorised,   ///< stop the lane, tell the operator; nothing is parked, nothing is lost
    too_large,        ///< halve the batch
    diverged,         ///< the journal was rolled back or cloned: open a new epoch
    refused,          ///< split; park the single record that the server will not take
    storage_full,     ///< reduce resolution, keep what is protected
    storage_broken,   ///< go on in the ring, set the database aside, record the loss
    bad_input,        ///< report the place in it; keep the last good state
    not_found,        ///< what was asked for is not there; say so
    stopped,          ///< we are shutting down; return quietly
};

/// Stable English name of `code`, as used in logs and JSON.
[[nodiscard]] const char* to_string(Errc code) noexcept;

/// Why an operation did not happen. `detail` names the operation and its object and, where a
/// technician can act, the next step ("PUT https://.../batch/811: HTTP 507").
struct Error {
    Errc code;
    std::string detail;
};

/// A value or the `Error` that kept it from being made. Reading the side that is not there is our
/// own bug and ends the process.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
    Result(Error error) : state_{std::in_place_index<1>, std::move(error)} {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & {
        GERBANG_CHECK(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] const T& value() const& {
        GERBANG_CHECK(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && {
        GERBANG_CHECK(has_value());
        return std::move(*std::get_if<0>(&state_));
    }
    [[nodiscard]] T& operator*() & { return value(); }
    [[nodiscard]] const T& operator*() const& { return value(); }
    [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
    [[nodiscard]] T* operator->() { return &value(); }
    [[nodiscard]] const T* operator->() const { return &value(); }

    [[nodiscard]] const Error& error() const {
        GERBANG_CHECK(!has_value());
        return *std::get_if<1>(&state_);
    }

private:
    std::variant<T, Error> state_;
};

/// Success without a value, or an `Error`. `Result<void>{}` and `ok()` mean success.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_{std::move(error)} {}

    [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] const Error& error() const {
        GERBANG_CHECK(error_.has_value());
        return *error_;
    }

private:
    std::optional<Error> error_;
};

[[nodiscard]] inline Result<void> ok() {
    return {};
}

}  // namespace gerbang
