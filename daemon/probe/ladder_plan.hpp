#pragma once

// Whom a round asks: pure.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/time.hpp"
#include "daemon/probe/failing_pace.hpp"
#include "daemon/probe/ladder_walk.hpp"
#include "daemon/probe/question.hpp"

namespace gerbang {

/// The moment of a round.
struct Moment {
    Monotonic now;
    const Surroundings* around = nullptr;
    bool has_inbound = false;
};

/// Keeps the schedule of a healthy ladder, and knows the whole one. Nobody on the WAN is asked
/// without a carrier.
class LadderPlan {
public:
    /// Targets, resolvers and services beyond the bounds of `LadderSettings` are left out.
    LadderPlan(LadderSettings settings, const WebQuestions& web);

    /// What a healthy round asks; counts as one of three. A target or resolver that is silent alone
    /// three times running rests for 5 minutes, as long as there is another; a bystander rests at
    /// once, though its group is not asked at all.
    [[nodiscard]] std::vector<Question> cheap(const Moment& moment);
    /// The whole ladder, but for the page. The province only when no push proves it, and while it
    /// is well and this is no `first` look, once a minute: a long outage of something else must
    /// not eat up a paid volume.
    [[nodiscard]] std::vector<Question> whole(const Moment& moment, bool is_first) const;
    /// The page, if there is one to ask; as often as the province.
    [[nodiscard]] std::vector<Question> page(const Moment& moment, bool is_first) const;
    /// The access point (each third round, each round while it fails) and services that are due or
    /// wanted; `all`: due or not. A service that fails is due within a minute, after an hour as
    /// seldom as one that is well.
    [[nodiscard]] std::vector<Question> beside(const Moment& moment, bool all) const;
    /// The province, push or not.
    [[nodiscard]] std::vector<Question> province(const Moment& moment) const;

    /// What the round of `moment` asked and found.
    void note(const Moment& moment, const std::vector<Question>& asked);

    [[nodiscard]] const LadderSettings& settings() const noexcept { return settings_; }

private:
    struct HostState {
        std::optional<Monotonic> asked;
        unsigned lonely_silences = 0;
        bool is_bystander = false;
    };

    [[nodiscard]] std::optional<std::size_t> target_in_turn(bool is_domestic, Monotonic now);
    [[nodiscard]] std::optional<std::size_t> resolver_in_turn(const Moment& moment);
    [[nodiscard]] static bool rests(const HostState& host, Monotonic now);
    [[nodiscard]] bool province_is_due(const Moment& moment);
    [[nodiscard]] const std::vector<std::string>& resolvers(const Moment& moment) const;
    [[nodiscard]] std::size_t resolver_count(const Moment& moment) const;
    void add_target(const Moment& moment, std::size_t index, std::vector<Question>& into) const;
    void add_resolver(const Moment& moment, std::size_t index, std::vector<Question>& into) const;
    void add_hops(const Moment& moment, std::vector<Question>& into) const;
    void note_groups(Monotonic begun, const std::vector<Question>& asked);
    void note_resolvers(Monotonic begun, const std::vector<Question>& asked);

    LadderSettings settings_;
    bool has_page_;
    bool has_province_;
    bool has_services_;

    std::uint64_t rounds_ = 0;
    std::array<std::size_t, 2> turn_{};  // of the groups: international, domestic
    std::size_t resolver_turn_ = 0;
    std::vector<HostState> targets_;
    std::array<HostState, 4> resolvers_{};
    std::vector<FailingPace> services_;
    std::optional<Monotonic> hops_asked_, page_asked_;
    bool is_page_failing_ = false;
    bool was_proven_ = false;  // the province by a push, when last looked at
    FailingPace province_;
    bool is_hotspot_failing_ = false;
    std::uint64_t hotspot_age_ = 3;  ///< rounds since it was asked
};

/// No question of `asked` in it.
[[nodiscard]] std::vector<Question> without(std::vector<Question> questions,
                                            const std::vector<Question>& asked);

}  // namespace gerbang
