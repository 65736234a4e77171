#pragma once

// How many outages may be written down: pure.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/outage.hpp"

namespace gerbang {

/// Outages are kept for ever and never thinned (design 7), so a link that fails every few seconds
/// for months must not write one each time. What a link writes is bounded per year.
///
/// Every link has an allowance that refills with time (`Rates`). While there is some, each outage
/// is passed on as it happens. Without any, a new outage is held back: when it ends within
/// `kShort`, it is folded with its neighbours into one (`Outage::fold`) that is written as soon as
/// there is an allowance again; when it lasts longer, it is written after all, on credit, behind
/// the fold before it. Nothing is left out, and the order of ids is kept per link. What is held
/// back lives in memory only: a power cut takes it along.
///
/// A fold of outages of different causes is `undetermined` and its evidence counts them.
class OutageBudget {
public:
    struct Rates {
        unsigned allowance = 100;   ///< outages at once, at least 1
        Millis refill{10'800'000};  ///< one more after this time
    };
    /// Certain duration up to which a held outage is folded. Not longer than what contracts
    /// usually tolerate, so that folding hides no outage that counts.
    static constexpr Millis kShort{300'000};

    /// The WAN's ledger decides over money; what stands beside it is bounded more tightly. A year
    /// of a WAN and a hotspot that both flap is 3,750 outages: what the journal lists at once.
    OutageBudget() : OutageBudget({100, Millis{10'800'000}}, {20, Millis{43'200'000}}) {}
    OutageBudget(Rates wan, Rates beside) : wan_{wan}, beside_{beside} {}

    /// `segments` as a ledger returned them at `now`, of any links; what of them, and of what was
    /// held back before, is to be written. Call it with none, too, at least once a minute.
    [[nodiscard]] std::vector<Outage> admit(std::vector<Outage> segments, DeviceTime now);
    /// Everything held back, before a clean stop or in a copy. An open outage stays open.
    [[nodiscard]] std::vector<Outage> drain();

    /// What is spent, for the next life: "hotspot=3 wan=41", in outages; links with a full
    /// allowance are left out. It changes when something is written and once per refill. At most
    /// 1,024 bytes.
    [[nodiscard]] std::string memory(DeviceTime now) const;
    /// Before the first `admit`: `memory` of an earlier life, and the newest outage that is written
    /// already. What has its number or an earlier one is always passed on. A text that is not ours
    /// leaves full allowances.
    void restore(std::string_view memory, std::uint64_t last_id, DeviceTime now);

private:
    /// Segments of one outage, ascending, each in its newest state.
    using Segments = std::vector<Outage>;
    struct Link {
        Rates rates;
        Millis spent{};              ///< of the allowance, as the time that refills it
        Monotonic counted_to{};      ///< on the present boot
        std::uint64_t admitted = 0;  ///< id of the newest outage passed on
        Segments held;
        Segments first;              ///< the only outage in the fold; empty: none or several
        std::optional<Outage> fold;  ///< of several
        std::map<Cause, std::uint32_t> causes;
    };

    [[nodiscard]] Link& at(const std::string& name, DeviceTime now);
    static void take(Link& link, Outage segment, DeviceTime now, std::vector<Outage>& out);
    static void settle_held(Link& link, std::vector<Outage>& out);
    static void fold_held(Link& link);
    static void add_to_fold(Link& link, const Segments& outage);
    static void write_fold(Link& link, std::vector<Outage>& out);
    static void write_held(Link& link, std::vector<Outage>& out);

    Rates wan_;
    Rates beside_;
    std::uint64_t written_ = 0;  ///< newest id of earlier lives
    std::map<std::string, Link> links_;
};

}  // namespace gerbang
