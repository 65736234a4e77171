// A card that drops commits it had acknowledged, within one boot: the ring knows better.

#include <catch2/catch.hpp>
#include <random>

#include "tests/support/card.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// How often each instant was measured, over all epochs; one boot.
std::map<Monotonic, unsigned> ticks_in(const RecordsByEpoch& all) {
    std::map<Monotonic, unsigned> ticks;
    for (const auto& [epoch, records] : all) {
        for (const auto& [seq, body] : records) {
            const auto* chunk = std::get_if<Chunk>(&body);
            if (chunk == nullptr) continue;
            for (const auto at : chunk->ticks) ++ticks[at];
        }
    }
    return ticks;
}

std::vector<LossFact> losses_in(const RecordsByEpoch& all) {
    std::vector<LossFact> losses;
    for (const auto& [epoch, records] : all) {
        for (const auto& [seq, body] : records) {
            const auto* event = std::get_if<Event>(&body);
            if (event == nullptr || event->kind != EventKind::loss) continue;
            if (const auto loss = loss_from(*event)) losses.push_back(*loss);
        }
    }
    return losses;
}

EpochFact first_of(const std::map<Seq, RecordBody>& records) {
    const auto fact = epoch_from(std::get<Event>(records.at(Seq{1})));
    REQUIRE(fact);
    return *fact;
}

std::uint64_t usage_at(Village& village) {
    const auto sites = village.province().list();
    REQUIRE(sites);
    REQUIRE(sites->size() == 1);
    return sites->front().rx_bytes;
}

JournalOptions options_of(const Village& village) {
    return {.path = village.journal_path(), .page_bytes = 4096};
}

struct Dropped {
    Millis before;   ///< how long the card works
    Millis after;    ///< what of it is dropped then
    bool is_pushed;  ///< the province has it by then
};

/// Lets a card drop its last commits, and compares what came of it with what was measured.
void check_drop(std::uint64_t seed, const Dropped& how) {
    INFO("seed " << seed << ", works for " << how.before.count() << " ms, drops "
                 << how.after.count() << " ms, pushed: " << how.is_pushed);
    Village village{seed};
    village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
    village.start();
    village.run_for(how.before);
    const CardImage old{village};
    if (!how.is_pushed) village.link.up = false;
    village.run_for(how.after);
    village.kill();
    const auto pushed = records_at_province(village.province());
    REQUIRE(pushed.size() == 1);
    const auto parent = pushed.begin()->first;
    const auto written = records_in_journal(options_of(village)).at(parent);
    old.restore(village);
    const auto kept = records_in_journal(options_of(village)).at(parent);
    REQUIRE(kept.size() < written.size());
    old.restore(village);

    village.link.up = true;
    village.start();
    village.run_for(2h + 7s);
    village.kernel.rate("eth0", BitRate{}, BitRate{});
    village.run_for(1min);
    village.stop();
    const auto journal = records_in_journal(options_of(village));
    // Its last words are sent by the next life.
    village.start();
    village.run_for(5min);
    village.kill();
    const auto province = records_at_province(village.province());

    // One new epoch, which says where it comes from.
    REQUIRE(journal.size() == 2);
    REQUIRE(province.size() == 2);
    REQUIRE(journal.contains(parent));
    EpochId epoch;
    for (const auto& [id, records] : journal) {
        if (id != parent) epoch = id;
    }
    const auto fact = first_of(journal.at(epoch));
    CHECK(fact.reason == "rollback");
    CHECK(fact.parent == parent);
    CHECK(fact.parent_last == written.rbegin()->first);

    // What the province has: the old epoch as it was written, with nothing in the place of what
    // nobody has any more; the new one as the journal has it.
    const auto& old_records = province.at(parent);
    CHECK(old_records.size() == written.size());
    for (const auto& [seq, body] : old_records) {
        if (kept.contains(seq) || pushed.at(parent).contains(seq)) {
            REQUIRE(body == written.at(seq));
        } else {
            REQUIRE(is_emptied(body));
        }
    }
    for (const auto& [seq, body] : journal.at(epoch)) {
        INFO("record " << seq.value);
        REQUIRE(province.at(epoch).contains(seq));
        REQUIRE(province.at(epoch).at(seq) == body);
    }

    // Each instant once, and exactly those missing that were lost with the card and not pushed.
    std::uint64_t lost_ticks = 0;
    for (const auto& [seq, body] : written) {
        const auto* chunk = std::get_if<Chunk>(&body);
        if (chunk == nullptr || kept.contains(seq) || pushed.at(parent).contains(seq)) continue;
        lost_ticks += chunk->ticks.size();
    }
    const auto ticks = ticks_in(province);
    for (const auto& [at, count] : ticks) {
        INFO("tick " << to_ms(at));
        REQUIRE(count == 1);
    }
    std::uint64_t measured = 0;
    for (auto at = monotonic_from_ms(to_ms(ticks.begin()->first) / 10'000 * 10'000 + 10'000);
         at < ticks.rbegin()->first; at += 10s) {
        if (ticks.contains(at)) ++measured;
    }
    INFO("measured " << measured << ", lost " << lost_ticks);
    const auto all = static_cast<std::uint64_t>((to_ms(ticks.rbegin()->first) - 1) / 10'000 -
                                                to_ms(ticks.begin()->first) / 10'000);
    CHECK(measured + lost_ticks >= all);
    CHECK(measured + lost_ticks <= all + 2);

    // The gap is declared, as soon as there is somebody to tell.
    bool is_told = false;
    for (const auto& loss : losses_in(province)) {
        // A series that began in what was dropped is gone with its name.
        if (loss.reason == "series_lost") continue;
        CHECK(loss.reason == "rollback");
        if (loss.epoch != parent) continue;
        is_told = true;
        CHECK(loss.first_seq == kept.rbegin()->first.next());
        CHECK(loss.last_seq == written.rbegin()->first);
        CHECK(loss.count == written.size() - kept.size());
    }
    CHECK(is_told);
    // Bytes passed whether the card kept them or not.
    CHECK(usage_at(village) == village.kernel.true_wan_bytes().received);
}

}  // namespace

TEST_CASE(
    "Card that drops its last commits under a killed daemon: nothing twice, nothing wrong, "
    "the gap is told",
    "[scenario][rollback]") {
    check_drop(test_seed(), {.before = 31min + 3s, .after = 9min + 33s, .is_pushed = true});
    check_drop(test_seed(), {.before = 31min + 3s, .after = 9min + 33s, .is_pushed = false});
}

TEST_CASE("Cards drop commits at any moment, and the province has what was measured",
          "[scenario][rollback]") {
    std::mt19937_64 random{test_seed()};
    const auto rounds = test_rounds(6);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const auto seed = random();
        const Dropped how{.before = 3min + Millis{static_cast<std::int64_t>(random() % 4'000'000)},
                          .after = 62s + Millis{static_cast<std::int64_t>(random() % 3'000'000)},
                          .is_pushed = random() % 2 == 0};
        check_drop(seed, how);
    }
}
