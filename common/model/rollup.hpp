#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"
#include "common/core/time.hpp"
#include "common/model/record.hpp"
#include "common/model/timeline.hpp"
#include "common/model/usage.hpp"

namespace gerbang {

/// Beginning of the period that holds `at`, in the time of a site `utc_offset` east of UTC.
[[nodiscard]] WallTime period_start(UsagePeriod period, WallTime at, Seconds utc_offset);

/// Whose usage a row counts: an interface, or the role "wan".
struct UsageName {
    bool is_role = false;
    std::string name;
    auto operator<=>(const UsageName&) const = default;
};

/// Usage with the measured time in milliseconds, so that sums of parts stay exact.
/// `sum.measured_s` stays 0 here; `rounded` fills it.
struct UsagePart {
    UsageSum sum;
    std::uint64_t measured_ms = 0;

    bool operator==(const UsagePart&) const = default;
    void add(const UsagePart& other) noexcept;  ///< peaks by maximum, everything else by sum
    [[nodiscard]] UsageSum rounded() const noexcept;
};

/// Bytes, highest tick rates, one-minute rates and measured time per hour, interface and WAN role,
/// from the records of one site in sequence order (design 5). Pure: the daemon's journal and the
/// province run the same code over the same records and get the same sums.
///
/// Source: the counter series of interfaces and of the WAN role, which are totals that survive
/// resets and reboots. The difference of two ticks belongs to the time between them; where that
/// crosses a minute or an hour it is split in proportion, in integers, so that the parts add up.
/// A first value counts from zero, except in an epoch that has a parent unknown here: there the
/// first chunk is only the base. Bytes over a gap (`kMaxGap`) or over a reboot are counted, but
/// such time is not measured and has no rate.
///
/// Wall time comes from the prefix rule of `Timeline`. Chunks of a boot without an anchor are
/// summed per boot as undated; when the first anchor of that boot was fed, `wants_replay` names
/// the records that must be fed once more, through `replay`, to give them their hours.
class UsageRollup {
public:
    static constexpr std::size_t kMaxNames = 512;  ///< further interfaces are left out
    static constexpr std::size_t kMaxUndatedBoots = 32;
    /// Longest time between two ticks that still counts as measured, by reduction level.
    static constexpr std::array<Millis, 4> kMaxGap{Millis{150'000}, Millis{150'000},
                                                   Millis{700'000}, Millis{7'500'000}};

    /// Hours are hours of the site's clock.
    explicit UsageRollup(Seconds utc_offset) : utc_offset_{utc_offset} {}

    /// Takes the next record. `timeline` has every anchor of this epoch up to and including this
    /// record. An `epoch` event starts a new epoch.
    void feed(const Record& record, const Timeline& timeline);

    struct Hour {
        WallTime start;
        UsageName name;
        auto operator<=>(const Hour&) const = default;
    };
    using Hours = std::map<Hour, UsagePart>;
    /// What was counted since the last `take_hours`: parts to be added to what is stored.
    [[nodiscard]] const Hours& hours() const noexcept { return hours_; }
    [[nodiscard]] Hours take_hours();

    /// Sums that have no wall time, per name, over all boots that lack an anchor.
    [[nodiscard]] std::map<UsageName, UsagePart> undated() const;

    /// The records whose boot has an anchor by now. Call `begin_replay`, `replay` for each of
    /// them in order, `end_replay`; hours may be taken in between.
    [[nodiscard]] std::optional<SeqRange> wants_replay() const;
    void begin_replay();
    void replay(const Record& record, const Timeline& timeline);
    void end_replay();

    /// Everything but `hours()`, for a checkpoint; not during a replay.
    [[nodiscard]] std::string save() const;
    /// `bad_input` when `bytes` is not what `save` gave.
    [[nodiscard]] static Result<UsageRollup> restore(std::string_view bytes, Seconds utc_offset);

private:
    struct Meter {
        std::optional<std::uint64_t> received;  ///< newest totals
        std::optional<std::uint64_t> transmitted;
        std::optional<DeviceTime> at;     ///< of those; nothing: no tick in this epoch
        std::int64_t minute = kNoMinute;  ///< the open one-minute window, in minutes
        std::uint64_t minute_bytes = 0;
        std::uint64_t minute_ms = 0;
        bool operator==(const Meter&) const = default;
    };
    using Meters = std::map<UsageName, Meter>;
    struct Undated {
        BootNo boot;
        Seq first;      ///< first chunk without a wall time
        Meters before;  ///< as they were before it
        std::map<UsageName, UsagePart> sums;
        std::optional<Seq> anchored;  ///< number of the boot's first anchor
    };
    struct Source {
        UsageName name;
        bool is_transmit = false;
    };
    struct Interval;
    static constexpr std::int64_t kNoMinute = INT64_MIN;

    void learn(const Event& event);
    void start_epoch(const Event& event);
    void add_chunk(Meters& meters, Seq seq, const Chunk& chunk, const Timeline& timeline,
                   bool is_replay);
    void advance(Meter& meter, const Interval& interval);
    void measure(Meter& meter, const Interval& interval);
    void spread(const Interval& interval);
    void close_minute(Meter& meter, const Interval& interval);
    [[nodiscard]] UsagePart& part_at(const Interval& interval, std::int64_t position_ms);
    [[nodiscard]] Undated& undated_of(BootNo boot, Seq seq, const Meters& meters);
    void give_up(const Undated& undated);

    Seconds utc_offset_;
    std::map<SeriesId, Source> sources_;
    Meters meters_;
    bool is_base_only_ = false;  ///< the next chunk only sets the bases
    std::vector<Undated> undated_;
    std::map<UsageName, UsagePart> never_dated_;
    Hours hours_;
    std::optional<Meters> replaying_;
};

}  // namespace gerbang
