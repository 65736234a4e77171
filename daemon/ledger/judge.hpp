#pragma once

// From what a round found to what it means: pure.

#include <cstdint>
#include <optional>
#include <string>

#include "common/model/ladder.hpp"
#include "common/model/outage.hpp"

namespace gerbang {

/// What one look at a link says. `state` `unknown`: nothing can be said (nobody was asked).
struct Verdict {
    DeviceTime at;
    LinkState state = LinkState::unknown;
    Cause cause = Cause::unknown;  ///< meaningful when down
    Confidence confidence = Confidence::none;
    std::string evidence{};
    /// With `unknown`: the carrier was seen up, though nobody was asked beyond it.
    bool carrier_is_up = false;
    /// The newest instant at which the link is known to have been well, where that is earlier than
    /// this and other looks say. Usable because bytes came in: the look before, since they may have
    /// come right after it. Down because of a rung that is not asked each time: that rung's last
    /// answer. Nothing: usable at `at`; down since the last usable look.
    std::optional<DeviceTime> good_at{};

    bool operator==(const Verdict&) const = default;
};

/// Judges the WAN.
///
/// The page of a provider's portal is `blocked`, whatever else answers. An answer of an internet
/// target or the page proves the path; beyond it `international` and `dns` are blamed by full
/// rounds only. Without one: no carrier, else bytes that came in or a resolver's answer (where the
/// page is not known to be silent) speak for the link, else the lowest rung that is silent is
/// blamed. Under known loss a silence counts once it went on for `k` rounds; until then, and where
/// bytes came in since the last round but everybody asked now is silent, the verdict is `unknown`.
/// On a saturated line that silence is `degraded`, and the silence of a part (`international`,
/// `dns`) counts only when somebody says so.
///
/// `degraded`: a saturated link that loses answers; or of the last 32 answers at least 2 and 5 %
/// were lost, until below 2.5 %. Losses of an outage do not count. Where a round did not ask the
/// rung that was broken, the verdict before it is repeated, at most `k` times.
///
/// Keeps what a single round cannot know: whether the next hop ever answered on this boot, those
/// answers, the silent rounds in a row, and the broken rung.
class Judge {
public:
    /// `k`: failed rounds in a row that make an outage, as for the ledger.
    explicit Judge(NextHop next_hop, bool is_point_to_point = false, unsigned k = 3);
    [[nodiscard]] Verdict judge(const LadderRound& round);
    void set_point_to_point(bool is_point_to_point);

private:
    [[nodiscard]] Verdict look(const LadderRound& round);
    [[nodiscard]] Verdict look_beyond(const LadderRound& round);
    [[nodiscard]] Verdict look_for_break(const LadderRound& round) const;
    /// The mains is off, or came back so recently that a modem may still be starting.
    [[nodiscard]] bool lacks_mains(const LadderRound& round) const;
    [[nodiscard]] bool is_shaky(const LadderRound& round) const;
    [[nodiscard]] Verdict usable(const LadderRound& round, Confidence confidence,
                                 std::string evidence) const;
    void remember(const LadderRound& round);
    void remember_answer(bool is_lost);

    NextHop next_hop_;
    bool is_point_to_point_;
    unsigned k_;
    std::optional<BootNo> hop_answered_on_;
    std::uint32_t lost_ = 0;  ///< a bit for each of the last answers, the newest lowest
    unsigned answers_ = 0;    ///< of which so many count, at most 32
    bool is_lossy_ = false;
    unsigned silent_rounds_ = 0;   ///< in a row: nobody, or nobody of one group, answered
    unsigned waiting_losses_ = 0;  ///< of those rounds, until it is known that it was no outage
    unsigned silent_names_ = 0;    ///< in a row: no resolver answered
    bool had_bytes_only_ = false;  ///< the last round: bytes came in, everybody asked was silent
    std::optional<Rung> broken_;
    Verdict broken_verdict_;
    unsigned repeated_ = 0;
    std::optional<DeviceTime> seen_at_;                                ///< the round before
    std::array<std::optional<DeviceTime>, kRungCount> answered_at_{};  ///< by rung
    std::optional<DeviceTime> mains_off_at_;  ///< newest round that found no mains
    std::optional<DeviceTime> usable_at_;     ///< newest instant that a usable verdict speaks for
};

/// The rungs as people may see them: silent ones above the rung that `verdict` blames are unknown,
/// not down.
[[nodiscard]] LadderRound shown(LadderRound round, const Verdict& verdict);

/// Judges the links beside the WAN from one finding: up, down with `cause`, or unknown. Little is
/// made of a silence that this box caused itself (`Silence::local`: no route).
[[nodiscard]] Verdict judge_beside(DeviceTime at, const RungFinding& finding, Cause cause);

}  // namespace gerbang
