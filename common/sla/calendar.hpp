#pragma once

#include <cstdint>

#include "common/sla/clauses.hpp"

namespace gerbang::sla {

/// Which time of a contract's counts. Instants are milliseconds since 1970, UTC.
class Calendar {
public:
    enum class Kind : std::uint8_t { open, closed, maintenance };
    struct Stretch {
        Kind kind;
        std::int64_t until_ms;  ///< it is so at least up to here; after the instant asked for
    };

    /// `clauses` must outlive it.
    Calendar(const Clauses& clauses, Seconds utc_offset);

    [[nodiscard]] Stretch look(std::int64_t at_ms) const;
    /// Milliseconds of [from, to) in maintenance or outside of the opening hours.
    [[nodiscard]] std::int64_t excluded_ms(std::int64_t from_ms, std::int64_t to_ms) const;

private:
    const Clauses* clauses_;
    std::int64_t offset_ms_;
};

}  // namespace gerbang::sla
