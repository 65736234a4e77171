// The whole daemon pulled by the province's own puller: what push promises, pull promises.

#include <catch2/catch.hpp>
#include <random>

#include "tests/support/card.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// A village that nobody is pushed from.
struct PulledVillage : Village {
    explicit PulledVillage(std::uint64_t seed) : Village{seed} {
        link.up = false;
        kernel.rate("eth0", BitRate{2'000'000}, BitRate{100'000});
    }
    /// Visited every minute, as `pull --every 60` does.
    void live(Millis span) {
        for (Millis done{}; done < span; done += 60s) {
            begin_visit();
            run_for(std::min<Millis>(span - done, 60s));
        }
    }
    /// One visit to its end.
    [[nodiscard]] std::optional<Errc> visit() {
        begin_visit();
        for (int i = 0; i < 600 && pull.is_under_way(); ++i) run_for(1s);
        REQUIRE_FALSE(pull.is_under_way());
        REQUIRE(pull.outcome());
        if (*pull.outcome()) return std::nullopt;
        return pull.outcome()->error().code;
    }
};

/// Everything that `journal` has is at the province, as it is.
void check_complete(const RecordsByEpoch& journal, const RecordsByEpoch& province) {
    for (const auto& [epoch, records] : journal) {
        for (const auto& [seq, body] : records) {
            INFO("epoch " << to_string(epoch) << " record " << seq.value);
            REQUIRE(province.contains(epoch));
            REQUIRE(province.at(epoch).contains(seq));
            REQUIRE(province.at(epoch).at(seq) == body);
        }
    }
}

void check_kept(const RecordsByEpoch& earlier, const RecordsByEpoch& now) {
    check_complete(earlier, now);
}

EpochFact first_of(const std::map<Seq, RecordBody>& records) {
    const auto fact = epoch_from(std::get<Event>(records.at(Seq{1})));
    REQUIRE(fact);
    return *fact;
}

}  // namespace

TEST_CASE("Pull of a whole daemon goes on over cuts, lost replies and restarts of both ends",
          "[scenario][pulled]") {
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(6); ++round) {
        const auto seed = random();
        INFO("seed " << seed);
        PulledVillage village{seed};
        village.pull.lost_requests = 150;
        village.pull.lost_replies = 150;
        village.start();
        for (int step = 0; step < 25; ++step) {
            village.begin_visit();
            village.run_for(Millis{1 + static_cast<std::int64_t>(random() % 400'000)});
            switch (random() % 6) {
                case 0:
                    village.pull.up = !village.pull.up;
                    break;
                case 1:
                    village.pull.die();
                    break;
                case 2:
                    village.close_province();
                    village.run_for(30s);
                    village.open_province();
                    break;
                case 3:
                    village.kill();
                    village.start();
                    break;
                case 4:
                    village.power_cut(2min);
                    village.start();
                    break;
                default:
                    break;
            }
        }
        village.pull.up = true;
        village.pull.lost_requests = village.pull.lost_replies = 0;
        village.live(10min);
        village.stop();
        const auto journal = records_in_journal(village.journal_options());
        village.start();
        REQUIRE(village.visit() == std::nullopt);
        village.kill();
        const auto province = records_at_province(village.province());
        check_complete(journal, province);
        REQUIRE(province.size() == journal.size());
        REQUIRE(province.size() == 1);
        // Nothing beyond what was committed since, and nothing missing between.
        const auto& held = province.begin()->second;
        REQUIRE(held.rbegin()->first.value == held.size());
    }
}

TEST_CASE("Old image that was put back is pulled on in an epoch of its own",
          "[scenario][pulled][diverge]") {
    const auto mirror = GENERATE(CardImage::Mirror::goes_too, CardImage::Mirror::is_left_alone);
    const bool is_longer = GENERATE(false, true);
    PulledVillage village{test_seed()};
    village.start();
    village.live(31min + 3s);
    const CardImage image{village};
    village.live(45min);
    REQUIRE(village.visit() == std::nullopt);
    village.reboot(20s);
    const auto before = records_at_province(village.province());
    REQUIRE(before.size() == 1);
    const auto old = before.begin()->first;
    image.restore(village, mirror);
    const auto kept = records_in_journal(village.journal_options()).at(old);
    image.restore(village, mirror);
    village.start();
    // Behind or ahead of what the province holds when it is asked first.
    village.run_for(is_longer ? 90min : 2min);
    REQUIRE(village.visit() == std::nullopt);
    if (mirror == CardImage::Mirror::goes_too) {
        const auto status = village.daemon().status();
        REQUIRE(status.sync.size() == 2);
        CHECK(status.sync[1].consumer == "puller");
    }
    village.live(20min);
    village.stop();
    const auto journal = records_in_journal(village.journal_options());
    village.start();
    REQUIRE(village.visit() == std::nullopt);
    village.kill();

    const auto province = records_at_province(village.province());
    check_kept(before, province);
    check_complete(journal, province);
    REQUIRE(province.size() == 2);
    REQUIRE(journal.size() == 2);
    for (const auto& [epoch, records] : province) {
        if (epoch == old) continue;
        const auto fact = first_of(records);
        CHECK(fact.parent == old);
        CHECK(fact.reason == (mirror == CardImage::Mirror::goes_too ? "diverged" : "rollback"));
        if (fact.reason == "diverged") CHECK(fact.parent_last == kept.rbegin()->first);
    }
}

TEST_CASE("Two clones that are pulled in turn are told apart once, and then go on for ever",
          "[scenario][pulled][diverge]") {
    PulledVillage village{test_seed()};
    village.start();
    village.live(31min + 3s);
    village.reboot(10s);
    std::vector<CardImage> cards{CardImage{village}, CardImage{village}};
    for (int turn = 0; turn < 8; ++turn) {
        auto& card = cards[static_cast<std::size_t>(turn % 2)];
        card.restore(village);
        const auto before = records_at_province(village.province());
        village.start();
        village.live(40min);
        village.reboot(1min);
        check_kept(before, records_at_province(village.province()));
        card = CardImage{village};
    }
    CHECK(records_at_province(village.province()).size() == 2);
    for (auto& card : cards) {
        card.restore(village);
        village.start();
        REQUIRE(village.visit() == std::nullopt);
        village.stop();
        card.restore(village);
        check_complete(records_in_journal(village.journal_options()),
                       records_at_province(village.province()));
    }
}

TEST_CASE("Divergence that push and pull find at once is one fork", "[scenario][pulled][diverge]") {
    PulledVillage village{test_seed()};
    village.link.up = true;
    village.start();
    village.live(31min + 3s);
    const CardImage image{village};
    village.live(40min);
    village.power_cut(20s);
    image.restore(village);
    const auto before = records_at_province(village.province());
    village.start();
    village.live(2h);
    village.stop();
    const auto journal = records_in_journal(village.journal_options());
    village.start();
    REQUIRE(village.visit() == std::nullopt);
    village.kill();
    const auto province = records_at_province(village.province());
    check_kept(before, province);
    check_complete(journal, province);
    CHECK(province.size() == 2);
    CHECK(journal.size() == 2);
}
