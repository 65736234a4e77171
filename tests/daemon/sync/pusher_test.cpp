#include "daemon/sync/pusher.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/daemon/sync/sender.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

TEST_CASE("Pusher waits after failures, says why, and delivers when the link returns", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.commit(3);
    sender.run_for(1min);
    CHECK(sender.status().state == PushState::waiting);
    CHECK(sender.status().detail.find("time-out") != std::string::npos);
    CHECK(sender.status().failures > 0);
    CHECK(sender.status().pending_records == sender.last().value);
    REQUIRE(sender.status().next_attempt);
    CHECK(*sender.status().next_attempt > sender.clock.now());
    sender.link.is_up = true;
    sender.run_for(11min);
    CHECK(sender.status().state == PushState::idle);
    CHECK(sender.status().detail.empty());
    CHECK(sender.status().failures == 0);
    CHECK(sender.status().pending_records == 0);
    CHECK(sender.status().through == sender.last());
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher has one request under way in all while its target fails", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.commit(500);
    sender.run_for(1min);
    REQUIRE(sender.status().failures > 0);
    sender.run_for(20s);
    sender.link.forget_in_flight_peak();
    sender.live(2h);
    CHECK(sender.link.most_in_flight() == 1);
    sender.link.is_up = true;
    sender.live(15min);
    sender.run_for(3min);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher waits as long as a busy server asks, over a restart too", "[sync]") {
    Sender sender{test_seed()};
    const int status = GENERATE(429, 503, 500, 408);
    sender.link.always_status = status;
    sender.link.retry_after = Seconds{1800};
    sender.run_for(2min);
    const auto attempts = sender.link.attempts();
    sender.commit(1);  // the back-off rides with it
    sender.stop();
    sender.start();
    sender.run_for(29min);
    CHECK(sender.link.attempts() == attempts);
    CHECK(sender.status().state == PushState::waiting);
    sender.link.always_status = 0;
    sender.run_for(10min);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher that was told when to come again drains with one body at a time for ten minutes",
          "[sync]") {
    Sender sender{test_seed()};
    sender.link.bit_per_s = 64'000;  // a body is under way for some seconds
    sender.commit(1);
    sender.run_for(3min);
    for (int i = 0; i < 40; ++i) sender.commit(8'000, 50);
    sender.link.statuses = {503};
    sender.link.retry_after = Seconds{60};
    sender.pusher().push_now();
    sender.run_for(1min);  // those that were under way with it have come to their end
    REQUIRE(sender.link.statuses.empty());
    sender.link.forget_in_flight_peak();
    sender.run_for(9min);
    CHECK(sender.link.most_in_flight() <= 2);  // one of the backlog, one of what is fresh
    CHECK(sender.status().pending_records > 0);
    sender.run_for(4min);
    CHECK(sender.link.most_in_flight() >= 4);
}

TEST_CASE("Pusher stops on a refused credential, parks nothing, and asks again rarely", "[sync]") {
    Sender sender{test_seed()};
    const int status = GENERATE(401, 403, 404, 407);
    sender.link.always_status = status;
    sender.live(5h);
    CHECK(sender.status().state == PushState::stopped);
    CHECK(sender.status().detail.find("HTTP " + std::to_string(status)) != std::string::npos);
    CHECK(sender.status().parked_records == 0);
    CHECK(sender.link.attempts() >= 14);
    CHECK(sender.link.attempts() <= 31);
    sender.link.always_status = 0;
    sender.pusher().push_now();
    sender.run_for(1min);
    CHECK(sender.status().state == PushState::idle);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher takes a portal's page for no receipt and keeps everything", "[sync]") {
    Sender sender{test_seed()};
    sender.link.portal = true;
    sender.live(1h);
    CHECK(sender.status().state == PushState::waiting);
    CHECK(sender.status().detail.find("portal") != std::string::npos);
    CHECK(sender.status().through == Seq{0});
    sender.link.portal = false;
    sender.live(12min);
    sender.run_for(3min);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher bisects a refused batch, parks the poison and sends the rest", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.commit(1024);
    sender.link.is_up = true;
    sender.province.poison = {Seq{300}, Seq{301}, Seq{1020}};
    sender.live(30min);
    sender.run_for(3min);
    CHECK(sender.status().parked_records == 3);
    CHECK(sender.status().pending_records == 3);
    CHECK(sender.status().state == PushState::idle);
    CHECK(sender.status().through == Seq{299});
    CHECK(sender.province.records(sender.epoch()).size() == sender.last().value - 3);

    const auto attempts = sender.link.attempts();
    sender.live(1h);
    CHECK(sender.link.attempts() <= attempts + 31);  // the parked ones are left alone

    sender.province.poison.clear();
    sender.pusher().push_now();
    sender.run_for(3min);
    CHECK(sender.is_complete());
    CHECK(sender.status().parked_records == 0);
}

TEST_CASE("Pusher stops instead of parking everything when the server takes nothing", "[sync]") {
    Sender sender{test_seed()};
    sender.commit(500);
    const int status = GENERATE(400, 413, 422);
    sender.link.always_status = status;
    sender.live(10h);
    CHECK(sender.status().state == PushState::stopped);
    CHECK(sender.status().parked_records <= 8);
    CHECK(sender.link.attempts() < 500);
    sender.link.always_status = 0;
    sender.pusher().push_now();
    sender.run_for(3min);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher sends smaller bodies to a server that takes no large ones", "[sync]") {
    Sender sender{test_seed()};
    sender.province.max_body_bytes = 20'000;
    sender.link.is_up = false;
    sender.commit(4000, 100);
    sender.link.is_up = true;
    sender.live(30min);
    sender.run_for(3min);
    CHECK(sender.status().parked_records == 0);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher gets through a link that is too slow for large bodies", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.commit(8000, 100);
    sender.link.is_up = true;
    sender.link.bit_per_s = 4'000;  // 30 kB a minute
    sender.live(24h, 0);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher rests an epoch that diverged, tells it, and goes on with the others", "[sync]") {
    Sender sender{test_seed()};
    sender.live(10min);
    sender.run_for(3min);
    REQUIRE(sender.is_complete());
    const EpochId old = sender.epoch();
    sender.province.disowned = {old};
    std::vector<EpochId> told;
    sender.pusher().on_diverged([&](const EpochId& epoch, Seq agreed) {
        told.push_back(epoch);
        CHECK(agreed == Seq{1});
    });
    sender.live(10min);
    CHECK(told == std::vector<EpochId>{old});
    CHECK(sender.status().state == PushState::stopped);
    CHECK(sender.status().detail.find("after record 1") != std::string::npos);
    CHECK(sender.status().parked_records == 0);
    const auto old_last = sender.last();
    sender.stop();
    sender.start(true);
    sender.live(10min);
    sender.run_for(3min);
    CHECK(sender.province.records(sender.epoch()) == sender.records(sender.epoch()));
    CHECK(sender.status().state == PushState::idle);
    CHECK_FALSE(sender.is_complete());
    // A closed epoch cannot go on elsewhere: what differs is kept and owed, and nobody is asked for
    // it again and again.
    CHECK(sender.status().parked_records == old_last.value - 1);
    const auto attempts = sender.link.attempts();
    sender.live(2h, 0);
    CHECK(sender.link.attempts() <= attempts + 1);
    sender.province.disowned.clear();
    sender.pusher().push_now();
    sender.live(20min);
    sender.run_for(3min);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher stops when the province knows the gateway by another name", "[sync]") {
    auto settings = Sender::default_settings();
    settings.site = "village-2";
    Sender sender{test_seed(), settings};
    sender.live(10min);
    CHECK(sender.status().state == PushState::stopped);
    CHECK(sender.status().through == Seq{0});
}

TEST_CASE("Pusher sends one batch per interval while all is well", "[sync]") {
    Sender sender{test_seed()};
    sender.live(10h);
    const auto attempts = sender.link.attempts();
    CHECK(attempts >= 295);
    CHECK(attempts <= 302);
    CHECK(sender.last().value - sender.status().through.value <= 3);
    CHECK(sender.status().sent_bytes == sender.link.traffic().sent_bytes);
    CHECK(sender.province.duplicates_ignored() == 0);
}

TEST_CASE("Pusher delivers fresh records first after a long outage", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.live(72h);
    const Seq before = sender.last();
    sender.link.bit_per_s = 20'000;
    sender.link.is_up = true;
    sender.pusher().push_now();
    sender.run_for(5s);
    const auto held = sender.province.records(sender.epoch());
    REQUIRE_FALSE(held.empty());
    CHECK(held.back().seq == before);
    CHECK(sender.status().through < before);
    sender.live(1h);
    sender.run_for(3min);
    CHECK(sender.is_complete());
    CHECK(sender.province.duplicates_ignored() == 0);
    CHECK(sender.province.most_held_ranges() <= 2);
}

TEST_CASE("Pusher counts the failure of several bodies under way once, and halves them once",
          "[sync]") {
    Sender sender{test_seed()};
    sender.link.bit_per_s = 64'000;  // a body is under way for some seconds
    sender.commit(1);
    sender.run_for(3min);
    for (int i = 0; i < 4; ++i) sender.commit(8'000, 50);
    sender.pusher().push_now();
    sender.run_for(40s);
    REQUIRE(sender.status().state == PushState::sending);
    REQUIRE(sender.link.most_in_flight() == 5);
    sender.link.is_up = false;
    sender.run_for(80s);
    CHECK(sender.status().state != PushState::idle);
    CHECK(sender.status().failures <= 2);  // all four, and perhaps what was tried since
    CHECK(sender.status().failures >= 1);
    sender.link.is_up = true;
    sender.run_for(1h);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher sends one body of an epoch until it is known that both have one history",
          "[sync]") {
    // Two devices of one identity: the same epoch, the same first records, others behind them.
    const auto seed = test_seed();
    Sender first{seed};
    first.commit(20, 50);  // fewer than one body: a second one would find a place behind them
    first.run_for(3min);
    REQUIRE(first.is_complete());
    // It begins with a long backlog, no failure behind it, and record 1 under way already.
    Sender second{seed};
    second.province = first.province;
    std::vector<Seq> agreed;
    second.pusher().on_diverged([&](const EpochId&, Seq seq) { agreed.push_back(seq); });
    for (int i = 0; i < 3; ++i) second.commit(8'000, 60);
    REQUIRE(second.epoch() == first.epoch());
    REQUIRE(second.records(second.epoch()).at(0) == first.records(first.epoch()).at(0));
    second.run_for(20min);
    const bool is_as_it_was =
        second.province.records(first.epoch()) == first.records(first.epoch());
    CHECK(is_as_it_was);
    REQUIRE_FALSE(agreed.empty());
    CHECK(agreed.front() < Seq{20});
}

TEST_CASE("Pusher keeps a slow link with a long round trip full while it drains", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.run_for(1min);
    for (int i = 0; i < 12; ++i) sender.commit(8000, 100);
    sender.link.latency = 600ms;
    sender.link.bit_per_s = 512'000;
    sender.link.refuses_at_once = true;
    sender.run_for(1min);
    REQUIRE(sender.status().state == PushState::waiting);
    sender.link.is_up = true;
    const auto before = sender.link.traffic().sent_bytes;
    const auto begin = sender.clock.now();
    sender.pusher().push_now();
    sender.run_for(30s);
    const auto rate = sender.status().rate_bytes_s;  // both bodies together
    CHECK(rate > 512'000 / 8 * 85 / 100);
    CHECK(rate <= 512'000 / 8);
    for (int i = 0; i < 6000 && sender.status().pending_records > 0; ++i) sender.run_for(100ms);
    CHECK(sender.is_complete());
    const auto took = sender.clock.now() - begin;
    const auto on_wire = (sender.link.traffic().sent_bytes - before) * 8 / 512;  // ms
    INFO(on_wire << " ms of " << took.count());
    CHECK(on_wire > 20'000);
    CHECK(on_wire * 100 >= static_cast<std::uint64_t>(took.count()) * 93);
    CHECK(sender.province.duplicates_ignored() == 0);
}

TEST_CASE("Pusher delivers each record once although receipts are lost", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.live(72h);
    sender.link.is_up = true;
    sender.link.lose_receipts = 2;
    sender.live(1h);
    sender.run_for(3min);
    CHECK(sender.is_complete());
    CHECK(sender.province.duplicates_ignored() > 0);
}

TEST_CASE("Pusher sends again what a restored province lost", "[sync]") {
    Sender sender{test_seed()};
    sender.live(1h);
    sender.province.make_backup();
    sender.live(1h);
    sender.province.restore_backup();
    sender.live(10min);
    sender.run_for(3min);
    CHECK(sender.is_complete());
}

TEST_CASE("Pusher drains old epochs, oldest first", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    for (int epoch = 0; epoch < 3; ++epoch) {
        sender.live(3h);
        sender.stop();
        sender.start(true);
    }
    sender.link.is_up = true;
    sender.live(30min);
    sender.run_for(3min);
    CHECK(sender.epochs().size() == 4);
    CHECK(sender.is_complete());
    CHECK(sender.status().pending_records == 0);
}

TEST_CASE("Pusher ends with requests under way when the clock stops", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.commit(1);
    sender.run_for(1s);
    CHECK(sender.status().state == PushState::sending);
    sender.stop();
    CHECK(sender.has_returned());
}

TEST_CASE("Pusher never has more than one attempt per lane slot on a flapping link", "[sync]") {
    for (std::uint64_t round = 0; round < test_rounds(100); ++round) {
        const auto seed = test_seed() * 1000 + round;
        INFO("seed " << seed);
        std::mt19937_64 random{seed};
        Sender sender{seed};
        sender.link.refuses_at_once = random() % 2 == 0;
        const Monotonic start = sender.clock.now();
        Monotonic commit_due = start;
        while (sender.clock.now() - start < 24h) {
            sender.link.is_up = !sender.link.is_up;
            sender.run_for(Millis{1000 + static_cast<std::int64_t>(random() % 89'000)});
            if (sender.clock.now() < commit_due) continue;
            sender.commit(1);
            commit_due = sender.clock.now() + 60s;
        }
        CHECK(sender.link.most_in_flight() <= 5);
        // A batch each two minutes, and the back-off's share of failures: never a storm.
        CHECK(sender.link.attempts() < 24 * 60 * 3);
        const auto& begun = sender.link.begun();
        for (std::size_t i = 20; i < begun.size(); ++i) {
            if (begun[i] - begun[i - 20] < 20s) FAIL("20 attempts within 20 s");
        }
        sender.link.is_up = true;
        sender.run_for(15min);
        CHECK(sender.is_complete());
    }
}

TEST_CASE("The province holds exactly the journal, whatever the link and both ends do", "[sync]") {
    for (std::uint64_t round = 0; round < test_rounds(100); ++round) {
        const auto seed = test_seed() * 100'000 + round;
        INFO("seed " << seed);
        std::mt19937_64 random{seed};
        const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
        auto settings = Sender::default_settings();
        settings.backlog_slots = 1 + static_cast<unsigned>(random() % 4);
        Sender sender{seed, settings};
        sender.link.request_loss = 0.1;
        sender.link.receipt_loss = 0.1;
        sender.link.duplication = 0.1;
        sender.link.replay = 0.1;
        sender.link.stale_receipt = 0.05;
        sender.link.bit_per_s = 100'000;
        for (int step = 0; step < 30; ++step) {
            sender.link.is_up = !chance(30);
            sender.link.refuses_at_once = chance(50);
            if (chance(10)) sender.link.statuses = {503, 429, 500, 413, 408};
            if (chance(10)) sender.province.make_backup();
            if (chance(4)) sender.province.restore_backup();
            if (chance(20)) sender.commit(1 + random() % 300, random() % 200);
            sender.live(Millis{static_cast<std::int64_t>(random() % 7'200'000)});
            if (chance(15)) {
                chance(50) ? sender.stop() : sender.kill();
                if (chance(50)) sender.clock.pass(Millis{3'600'000});
                sender.start(chance(20));
            }
        }
        CHECK(sender.link.most_in_flight() <= 1 + settings.backlog_slots);
        CHECK(sender.province.most_held_ranges() <= RangeSet::kMaxRanges);
        sender.link.is_up = true;
        sender.link.request_loss = sender.link.receipt_loss = sender.link.stale_receipt = 0;
        sender.link.statuses.clear();
        sender.pusher().push_now();
        sender.run_for(1h);
        REQUIRE(sender.status().pending_records == 0);
        REQUIRE(sender.is_complete());
    }
}

TEST_CASE("Pusher passes on the date of an authenticated answer with its exchange, of no other",
          "[sync]") {
    Sender sender{test_seed()};
    struct Seen {
        WallTime date;
        Monotonic sent, received;
    };
    std::vector<Seen> seen;
    sender.pusher().on_date([&](WallTime date, Monotonic sent, Monotonic received) {
        seen.push_back({date, sent, received});
    });
    sender.link.latency = 600ms;
    sender.link.date = wall_from_ms(1'790'000'000'000);
    sender.commit(1);
    sender.run_for(3min);
    CHECK(seen.empty());  // plain http: anybody may have answered
    sender.link.is_authenticated = true;
    sender.link.date.reset();
    sender.commit(1);
    sender.run_for(3min);
    CHECK(seen.empty());
    sender.link.date = wall_from_ms(1'790'000'000'000);
    const auto before = sender.link.begun().size();
    sender.link.statuses = {503};  // a refusal tells the time as well
    sender.commit(1);
    sender.run_for(10min);
    REQUIRE(seen.size() >= 2);
    for (std::size_t i = 0; i < seen.size(); ++i) {
        CHECK(seen[i].date == *sender.link.date);
        CHECK(seen[i].sent == sender.link.begun().at(before + i));
        CHECK(seen[i].received - seen[i].sent == 600ms);
    }
    sender.link.is_up = false;
    const auto count = seen.size();
    sender.commit(1);
    sender.run_for(5min);
    CHECK(seen.size() == count);
}

TEST_CASE("Pusher shows the uplink's remark while nothing worse is to be said", "[sync]") {
    Sender sender{test_seed()};
    sender.link.said = "the server's certificate is not yet valid";
    sender.commit(1);
    sender.run_for(3min);
    CHECK(sender.status().state == PushState::idle);
    CHECK(sender.status().detail == sender.link.said);
    sender.link.always_status = 403;
    sender.commit(1);
    sender.run_for(3min);
    CHECK(sender.status().detail.find("403") != std::string::npos);
}

TEST_CASE("Pusher goes on behind what a closed epoch has lost, and declares it lost", "[sync]") {
    Sender sender{test_seed()};
    sender.link.is_up = false;
    sender.run_for(1min);
    const auto closed = sender.epoch();
    // Commits of ten, so blocks of ten; more lost ones than fit one batch or a receipt's ranges.
    for (int commit = 0; commit < 1000; ++commit) sender.commit(10);
    const auto last = sender.last();
    sender.kill();
    sender.start(true);
    sender.kill();
    const Seq begin{3 + 100 * 10};
    SECTION("in the middle, more than one batch holds") {
        sender.lose(closed, {begin, Seq{begin.value + 8'999}});
    }
    SECTION("at its beginning") {
        sender.lose(closed, {Seq{1}, Seq{12}});
    }
    SECTION("at its end") {
        sender.lose(closed, {begin, last});
    }
    SECTION("in a hundred places") {
        for (std::uint64_t hole = 0; hole < 100; ++hole) {
            const Seq first{begin.value + hole * 50};
            sender.lose(closed, {first, Seq{first.value + 19}});
        }
    }
    SECTION("all of it") {
        sender.lose(closed, {Seq{1}, last});
    }
    sender.start();
    sender.link.is_up = true;
    sender.live(30min);
    sender.run_for(3min);
    CHECK(sender.status().pending_records == 0);
    CHECK(sender.status().state == PushState::idle);
    CHECK(sender.province.records(closed).size() == last.value);
    CHECK(sender.is_complete());
}
