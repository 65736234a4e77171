#pragma once

// What is measured before the journal could be opened is *provisional*: it has series, boot and
// totals of its own. A graft says what that becomes in the journal.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/facts.hpp"
#include "common/model/record.hpp"
#include "common/model/series_table.hpp"
#include "daemon/meter/meter.hpp"

namespace gerbang {

/// The boot of provisional records, which do not know their number yet; never in the journal.
inline constexpr BootNo kProvisionalBoot{0xFFFF'FFFF};

/// The translation of one provisional life into an epoch of the journal. A value: it is kept in the
/// ring behind the entries that it speaks of, so that a process that dies after it leaves nothing
/// to be decided anew.
struct Graft {
    /// What a series of the provisional life becomes: another number, and for a counter the total
    /// that the journal had before it, with what passed while nobody measured.
    struct Target {
        SeriesId id;  ///< 0: the table is full, the readings are left out
        std::int64_t offset = 0;
        bool operator==(const Target&) const = default;
    };
    struct Base {
        std::string interface;
        std::array<std::int64_t, kCounterCount> offset{};
        bool operator==(const Base&) const = default;
    };

    EpochId epoch;
    BootNo boot;
    std::uint64_t first = 0;  ///< number of the life's first entry in the ring
    /// Facts of interfaces up to this entry are told by `preface`.
    std::uint64_t first_tick = 0;
    /// Newest tick of the journal on this boot: a blind one that is not later is the same instant,
    /// and left out.
    Monotonic after{Millis{-1}};
    std::vector<Target> series;  ///< by the provisional number, from 0
    std::vector<Base> bases;
    std::vector<Event> preface;  ///< comes before all that is translated

    [[nodiscard]] Tick translated(const Tick& tick) const;
    /// Nothing for what the preface, or the ledger once it knows the past, tells instead.
    [[nodiscard]] std::optional<Event> translated(const Event& event, std::uint64_t number) const;
    [[nodiscard]] DeviceTime translated(DeviceTime at) const;

    [[nodiscard]] std::string encode() const;
    /// `bad_input` for anything that `encode` did not make.
    [[nodiscard]] static Result<Graft> decode(std::string_view bytes);
    bool operator==(const Graft&) const = default;
};

/// The provisional life at its first tick, and what has been named since.
struct ProvisionalLife {
    std::vector<Series> series;      ///< all of it
    std::vector<Reading> first;      ///< readings of the first tick
    std::vector<std::string> names;  ///< of interfaces that it told a fact of
};

/// Fills `series` and `bases` of `graft`. `table` holds the journal's series and gets those that it
/// does not have; `stored`: the journal's newest totals; `joined`: the totals at the first tick as
/// a meter with the journal's history reads them (by numbers of `table`), without those it cannot
/// read. A counter that is in neither goes on from zero.
void number_series(Graft& graft, const ProvisionalLife& life, SeriesTable& table,
                   const std::vector<Reading>& stored, const std::vector<Reading>& joined);

/// The kernel's counters at the first tick, as its facts have them: for a life whose process died
/// and left nothing else. Roles come as names in `settings`.
[[nodiscard]] KernelReading reading_of(const std::vector<InterfaceFact>& first, Monotonic at,
                                       MeterSettings& settings);

}  // namespace gerbang
