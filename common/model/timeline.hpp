#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/model/record.hpp"

namespace gerbang {

enum class AnchorSource : std::uint8_t { kernel = 1, province = 2, operator_ = 3 };
[[nodiscard]] std::string_view to_string(AnchorSource source) noexcept;

/// Device time `at` was wall time `wall`, give or take `uncertainty`.
struct Anchor {
    DeviceTime at;
    WallTime wall;
    AnchorSource source = AnchorSource::kernel;
    Millis uncertainty{};
    bool operator==(const Anchor&) const = default;
};

/// Wall time as a function of the journal's prefix (design 4), so that the same record gets the
/// same time whenever it is asked for.
///
/// Feed it every `anchor` event in sequence order; ask for any record at any time. A record takes
/// the last anchor of its boot with a lower sequence number, else the first anchor of its boot,
/// else none ("clock not set yet"). Pure; bounded by `kMaxAnchors`, beyond which the oldest
/// boots' anchors are dropped except the first and last of each, and then whole boots.
class Timeline {
public:
    static constexpr std::size_t kMaxAnchors = 65536;

    /// An anchor already added under `seq` is ignored, so feeding a range twice does no harm.
    void add(Seq seq, const Anchor& anchor);

    /// Wall time of `at` for the record numbered `seq`; nothing while its boot has no anchor.
    [[nodiscard]] std::optional<WallTime> wall_of(Seq seq, DeviceTime at) const;
    struct Entry {
        Seq seq;
        Anchor anchor;
    };
    /// All that are kept, ascending by sequence number.
    [[nodiscard]] std::vector<Entry> entries() const;
    /// How many anchors were added and kept.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// All that are kept, for `TrueTime`.
    [[nodiscard]] std::vector<Anchor> anchors() const;
    /// The newest anchor of `boot`, for live display.
    [[nodiscard]] const Anchor* latest(BootNo boot) const;

private:
    void thin_out();

    std::map<BootNo, std::vector<Entry>> boots_;
    std::size_t count_ = 0;
};

/// Stamps records in sequence order and never goes backwards: each time is at least its
/// predecessor's (design 4). Start it with the last wall time before the first record, if known.
class PrefixStamper {
public:
    PrefixStamper(const Timeline& timeline, std::optional<WallTime> before)
        : timeline_{&timeline}, last_{before} {}

    /// Nothing while the record's boot has no anchor; then the predecessor bound is unchanged.
    [[nodiscard]] std::optional<WallTime> stamp(Seq seq, DeviceTime at);

private:
    const Timeline* timeline_;
    std::optional<WallTime> last_;
};

/// What an operator's word is worth unless he says better: he reads a watch and types.
inline constexpr Millis kOperatorUncertainty{60'000};
/// So long a source keeps a worse one from taking its place.
inline constexpr Millis kAnchorFresh{24 * 3'600'000};

/// Decides when the daemon writes an anchor; asked for every reading of every source. `latest` is
/// the newest anchor written, of any source.
///
/// Written: the first of a boot; of the same source hourly, and when the prediction errs by more
/// than max(uncertainty, 100 ms); a better source (kernel, then province, then operator) at once; a
/// worse one when what the better one said is older than `kAnchorFresh`; before that the province
/// only, when it contradicts the kernel by more than both uncertainties. A kernel displaced so
/// comes back after an hour at the earliest: two sources that disagree for good cost two anchors
/// an hour.
[[nodiscard]] bool wants_anchor(const Anchor* latest, const Anchor& candidate);

/// By how much `candidate` puts the present instant elsewhere than `latest` did, for the `clock`
/// event; positive: the clock had been behind. Nothing when there was no prediction (no anchor, or
/// one of another boot) or it differs by no more than one `tick`.
[[nodiscard]] std::optional<Millis> correction(const Anchor* latest, const Anchor& candidate,
                                               Millis tick = Millis{10'000});

/// The anchor that an authenticated HTTP answer gives. `date` has whole seconds, so the truth lay
/// in [date, date + 1 s) at some instant between `sent` and `received`, and at `received`, which is
/// the anchor's instant, between date and date + 1 s + round trip: the middle, half the round trip
/// + 0.5 s uncertain.
[[nodiscard]] Anchor anchor_from_date(BootNo boot, WallTime date, Monotonic sent,
                                      Monotonic received);

}  // namespace gerbang
