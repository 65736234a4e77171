// Commits further apart on a day that writes too much, under the whole daemon.

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <variant>

#include "common/model/outage.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// A day of this village has written its budget within its first commits.
void allow_little(Village& village) {
    village.config.journal.daily_writes = Bytes{64u << 10};
    village.config.journal.stretch_commits = true;
}

std::int64_t window_s(Village& village) {
    return village.daemon().status().journal.loss_window_s;
}

/// The most readings that waited for a commit at any minute of `span`.
std::uint64_t most_pending(Village& village, Millis span) {
    std::uint64_t most = 0;
    for (Millis passed{0}; passed < span; passed += 10s) {
        village.run_for(10s);
        most = std::max(most, village.daemon().status().journal.pending_ticks);
    }
    return most;
}

}  // namespace

TEST_CASE("Village commits each minute on a day beyond its budget unless it may do otherwise",
          "[scenario][pace]") {
    Village village{test_seed()};
    allow_little(village);
    village.config.journal.stretch_commits = false;
    village.start();
    village.run_for(1h);
    CHECK(most_pending(village, 30min) <= 6);
    CHECK(window_s(village) == 60);
}

TEST_CASE("Village commits less often on a day beyond its budget, but never during an outage",
          "[scenario][pace]") {
    Village village{test_seed()};
    allow_little(village);
    village.start();
    village.run_for(1h);
    CHECK(window_s(village) == 300);
    CHECK(village.daemon().status().journal.commit_s == 60);
    const auto pending = most_pending(village, 30min);
    CHECK(pending > 20);
    CHECK(pending <= 30);
    village.set_link(false);
    village.run_for(1min);
    CHECK(window_s(village) == 60);
    CHECK(most_pending(village, 1h) <= 6);
    CHECK(window_s(village) == 60);
    village.set_link(true);
    village.run_for(30min);
    CHECK(window_s(village) == 300);
    // Within the budget again, the interval is the configured one after a few commits.
    village.stop(kStopForConfiguration);
    village.config.journal.daily_writes = Bytes{1u << 30};
    village.start();
    village.run_for(30min);
    CHECK(window_s(village) == 60);
}

TEST_CASE("Village leaves open for as long as it was silent when the power went after a long wait",
          "[scenario][pace]") {
    const bool may_stretch = GENERATE(true, false);
    INFO("may commit less often " << may_stretch);
    Village village{test_seed()};
    allow_little(village);
    village.config.journal.stretch_commits = may_stretch;
    village.start();
    // Some seconds before the next commit.
    village.run_for(1h);
    for (int i = 0; i < 60; ++i) {
        village.run_for(5s);
        if (village.daemon().status().journal.pending_ticks + 1 >= (may_stretch ? 29U : 5U)) break;
    }
    const auto cut_at = village.clock.now();
    const auto lost = village.daemon().status().journal.pending_ticks;
    CHECK(lost >= (may_stretch ? 28 : 4));
    CHECK(static_cast<std::int64_t>(lost) * 10 <= window_s(village));
    village.power_cut(1h);
    // What the next life may do itself is another thing.
    village.config.journal.stretch_commits = false;
    village.start();
    village.run_for(10min);
    village.stop();
    std::optional<Outage> gap;
    for (const auto& record : village.journal_records()) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != EventKind::outage) continue;
        const auto outage = outage_from(*event);
        REQUIRE(outage);
        if (outage->link == link_name::kWan && outage->last_good.boot != event->at.boot) {
            gap = *outage;
        }
    }
    REQUIRE(gap);
    // It may have been alive until the cut, and could not say so.
    CHECK(gap->first_bad.boot == gap->last_good.boot);
    CHECK(gap->first_bad.at >= cut_at);
    CHECK(gap->first_bad.at - gap->last_good.at == (may_stretch ? 300s : 60s));
}
