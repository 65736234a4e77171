// The province holds other records under our numbers: an old image that was put back, two clones of
// one card, a card that loses what it had acknowledged over a power cut.

#include <catch2/catch.hpp>
#include <random>

#include "tests/support/card.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

JournalOptions options_of(const Village& village) {
    return {.path = village.journal_path(), .page_bytes = 4096};
}

province::SiteSummary only_site(Village& village) {
    const auto sites = village.province().list();
    REQUIRE(sites);
    REQUIRE(sites->size() == 1);
    return sites->front();
}

EpochFact first_of(const std::map<Seq, RecordBody>& records) {
    const auto fact = epoch_from(std::get<Event>(records.at(Seq{1})));
    REQUIRE(fact);
    return *fact;
}

/// Whatever `earlier` had at the province is there still, unchanged.
void check_kept(const RecordsByEpoch& earlier, const RecordsByEpoch& now) {
    for (const auto& [epoch, records] : earlier) {
        for (const auto& [seq, body] : records) {
            INFO("epoch " << to_string(epoch) << " record " << seq.value);
            REQUIRE(now.contains(epoch));
            REQUIRE(now.at(epoch).contains(seq));
            if (!is_emptied(body)) REQUIRE(now.at(epoch).at(seq) == body);
        }
    }
}

/// Everything that the journal has is at the province, as it is, and the epoch that goes on holds
/// nothing else.
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

/// No instant of one boot was told twice by what the journal holds.
void check_once(const RecordsByEpoch& journal) {
    std::map<DeviceTime, unsigned> ticks;
    for (const auto& [epoch, records] : journal) {
        for (const auto& [seq, body] : records) {
            const auto* chunk = std::get_if<Chunk>(&body);
            if (chunk == nullptr) continue;
            for (const auto at : chunk->ticks) {
                INFO("boot " << chunk->boot.value << " tick " << to_ms(at));
                REQUIRE(++ticks[{chunk->boot, at}] == 1);
            }
        }
    }
}

}  // namespace

TEST_CASE("An old image that was put back goes on in an epoch of its own, and nothing counts twice",
          "[scenario][diverge]") {
    const auto mirror = GENERATE(CardImage::Mirror::goes_too, CardImage::Mirror::is_left_alone);
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    village.run_for(31min + 3s);
    const CardImage image{village};
    village.run_for(40min);
    village.run_for(5min);
    village.stop();
    // Its last words: one more life on the same card sends them.
    village.start();
    village.run_for(5min);
    village.reboot(20s);
    const auto before = records_at_province(village.province());
    REQUIRE(before.size() == 1);
    const auto old = before.begin()->first;
    const auto written = records_in_journal(options_of(village)).at(old);
    image.restore(village, mirror);
    const auto kept = records_in_journal(options_of(village)).at(old);
    image.restore(village, mirror);

    // Behind a long backlog the newest records must not slip into the other history.
    const bool is_offline_first = GENERATE(false, true);
    village.set_link(!is_offline_first);
    village.start();
    village.run_for(90min);
    village.set_link(true);
    village.run_for(90min + 7s);
    const auto bytes = village.kernel.true_wan_bytes();
    village.run_for(4min);
    village.stop();

    const auto journal = records_in_journal(options_of(village));
    const auto province = records_at_province(village.province());
    check_kept(before, province);
    for (const auto& [seq, body] : province.at(old)) {
        INFO("record " << seq.value);
        if (!before.at(old).contains(seq)) REQUIRE(is_emptied(body));
    }
    check_once(journal);
    REQUIRE(journal.size() == 2);
    REQUIRE(province.size() == 2);
    EpochId epoch;
    for (const auto& [id, records] : journal) {
        if (id != old) epoch = id;
    }
    const auto fact = first_of(province.at(epoch));
    CHECK(fact.parent == old);
    if (mirror == CardImage::Mirror::goes_too) {
        CHECK(fact.reason == "diverged");
        CHECK(fact.parent_last == kept.rbegin()->first);
    } else {
        CHECK(fact.reason == "rollback");
    }
    // All but the last words.
    const auto last_pushed = province.at(epoch).rbegin()->first;
    CHECK(journal.at(epoch).rbegin()->first.value - last_pushed.value < 16);
    for (const auto& [seq, body] : journal.at(epoch)) {
        if (seq <= last_pushed) REQUIRE(province.at(epoch).at(seq) == body);
    }
    const auto site = only_site(village);
    const auto lost = written.rbegin()->first.value - before.at(old).rbegin()->first.value;
    INFO("records of the old epoch that were never pushed: " << lost);
    CHECK(site.rx_bytes >= bytes.received);
    CHECK(site.rx_bytes <= village.kernel.true_wan_bytes().received);
}

TEST_CASE("Two clones of one card that push in turn are told apart once, and then go on for ever",
          "[scenario][diverge]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{2'000'000}, BitRate{100'000});
    village.start();
    village.run_for(31min + 3s);
    village.reboot(10s);
    std::vector<CardImage> cards{CardImage{village}, CardImage{village}};
    constexpr int kTurns = 8;
    std::size_t epochs_after_first_turns = 0;
    for (int turn = 0; turn < kTurns; ++turn) {
        auto& card = cards[static_cast<std::size_t>(turn % 2)];
        card.restore(village);
        const auto before = records_at_province(village.province());
        village.start();
        village.run_for(2h);
        village.reboot(1min);
        check_kept(before, records_at_province(village.province()));
        card = CardImage{village};
        if (turn == 3) epochs_after_first_turns = only_site(village).epochs.size();
    }
    const auto site = only_site(village);
    // One went on in the old epoch, the other got its own; nobody forks again.
    CHECK(epochs_after_first_turns == 2);
    CHECK(site.epochs.size() == 2);
    for (auto& card : cards) {
        card.restore(village);
        village.start();
        village.run_for(2h);
        village.reboot(1min);
        const auto journal = records_in_journal(options_of(village));
        const auto province = records_at_province(village.province());
        check_once(journal);
        for (const auto& [epoch, records] : journal) {
            REQUIRE(province.contains(epoch));
            std::uint64_t missing = 0;
            for (const auto& [seq, body] : records) {
                const auto held = province.at(epoch).find(seq);
                if (held == province.at(epoch).end()) {
                    ++missing;
                } else {
                    REQUIRE(held->second == body);
                }
            }
            CHECK(missing < 16);  // the last words
        }
    }
}

TEST_CASE(
    "Cards that lose acknowledged commits over power cuts: the province has what the journal "
    "committed",
    "[scenario][diverge]") {
    std::mt19937_64 random{test_seed()};
    const auto rounds = test_rounds(4);
    const auto minutes = [&random](std::uint64_t from, std::uint64_t to) {
        return Millis{static_cast<std::int64_t>((from + random() % (to - from)) * 60'000 +
                                                random() % 60'000)};
    };
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const auto seed = random();
        INFO("seed " << seed);
        Village village{seed};
        village.kernel.rate("eth0", BitRate{2'000'000}, BitRate{100'000});
        village.link.lost_replies = 50;
        village.link.lost_requests = 50;
        village.link.doubled = 50;
        RecordsByEpoch pushed;
        constexpr int kDrops = 3;
        for (int drop = 0; drop < kDrops; ++drop) {
            village.start();
            village.run_for(minutes(10, 60));
            const CardImage image{village};
            village.set_link(random() % 4 != 0);
            village.run_for(minutes(1, 90));
            village.set_link(true);
            village.run_for(minutes(0, 20));
            village.power_cut(minutes(0, 30));
            const auto mirror =
                random() % 2 == 0 ? CardImage::Mirror::goes_too : CardImage::Mirror::is_left_alone;
            image.restore(village, mirror);
            const auto now = records_at_province(village.province());
            check_kept(pushed, now);
            pushed = now;
        }
        village.link.lost_replies = village.link.lost_requests = 0;
        village.start();
        village.run_for(6h);
        village.stop();
        const auto journal = records_in_journal(options_of(village));
        village.start();
        village.run_for(1h);
        village.kill();
        const auto province = records_at_province(village.province());
        check_kept(pushed, province);
        check_complete(journal, province);
        check_once(journal);
        CHECK(province.size() <= kDrops + 1);
    }
}
