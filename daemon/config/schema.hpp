#pragma once

// The one table of keys: validation, defaults and reference all read it.

#include <span>
#include <string_view>

#include "daemon/config/config.hpp"
#include "daemon/config/values.hpp"

namespace gerbang::config {

/// One key of the configuration. `path` has "[]" where a list's index stands.
struct KeySpec {
    enum class Shape : std::uint8_t {
        scalar,
        list,   ///< of scalars of `form`
        items,  ///< of sections; their keys are the specs below `path` + "[]."
    };

    std::string_view path;
    Shape shape = Shape::scalar;
    Form form = Form::text;
    Bounds bounds{};                  ///< of one scalar
    std::size_t most_entries = 32;    ///< of a list or items
    std::string_view default_text{};  ///< as one would write it; empty: nothing
    bool is_required = false;         ///< within its section of an `items` list
    /// Stores a value: a scalar's, or one more entry of a list. Keys below `items` go into the
    /// entry added last.
    void (*set)(Config&, const Value&) = nullptr;
    void (*clear)(Config&) = nullptr;  ///< lists and items: forget the earlier entries
    void (*add)(Config&) = nullptr;    ///< items: one more entry with its defaults
    std::string_view indonesian;       ///< meaning
    std::string_view english;
};

/// In the order of the shipped example.
[[nodiscard]] std::span<const KeySpec> schema();
[[nodiscard]] const KeySpec* find_key(std::string_view path);
/// True when keys lie below `path` ("site", "probe.targets[]").
[[nodiscard]] bool is_section(std::string_view path);

/// Every key at its default.
[[nodiscard]] Config default_config();

}  // namespace gerbang::config
