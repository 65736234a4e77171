#pragma once

// The links of the site: what probing finds, what the ledger makes of it, what users see of both.

#include <functional>
#include <string>
#include <vector>

#include "common/model/record.hpp"
#include "common/web/status.hpp"
#include "daemon/app/web_questions.hpp"
#include "daemon/config/config.hpp"
#include "daemon/host/async.hpp"
#include "daemon/ledger/judge.hpp"
#include "daemon/ledger/link_book.hpp"
#include "daemon/probe/ladder_walk.hpp"

namespace gerbang {

/// A modem or a dish that lost its power together with this box is back within this.
inline constexpr Millis kLinkStart{300'000};

/// Joins walk, judge and book, which do not know each other. Loop thread only.
class Links {
public:
    /// All must outlive it and the walks under way.
    Links(const Config& config, WebQuestions web, Prober& prober, Clock& clock, Entropy& entropy,
          net::any_io_executor loop, SeriesTable& series);

    /// See `LinkBook::start`.
    [[nodiscard]] std::vector<Outage> start(const LinkBook::History& history, DeviceTime now,
                                            bool same_boot);
    /// One round: the segments to write down; none when the clock was stopped meanwhile.
    [[nodiscard]] net::awaitable<std::vector<Outage>> round(Surroundings around, BootNo boot);
    [[nodiscard]] Monotonic next_round();
    /// The whole ladder once, for a person who waits; changes neither schedule nor ledger.
    [[nodiscard]] net::awaitable<web::ProbeReport> probe(Surroundings around, BootNo boot);

    [[nodiscard]] LinkBook& book() { return book_; }
    [[nodiscard]] const LinkBook& book() const { return book_; }
    /// The readings of walk and book that are due at this tick.
    void append_readings(Monotonic at, std::vector<Reading>& into);
    /// Fills `link`, `ladder` and `links`. `wall_of`: for people's eyes.
    void describe(web::Status& status, DeviceTime now,
                  const std::function<std::optional<WallTime>(DeviceTime)>& wall_of) const;

private:
    [[nodiscard]] std::vector<std::string> wanted_services() const;
    [[nodiscard]] std::vector<Outage> judge(const Walk& walk, const Surroundings& around);

    Clock* clock_;
    LadderWalk walk_;
    Judge judge_;
    LinkBook book_;
    const std::vector<std::string> services_;  ///< names
    SeriesId state_series_;
};

/// The ladder's settings as the configuration has them.
[[nodiscard]] LadderSettings ladder_settings(const Config& config);
/// The links beside the WAN that the configuration has watched.
[[nodiscard]] std::vector<std::string> links_beside(const Config& config);

}  // namespace gerbang
