#include "tests/support/village.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <random>

#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

TEST_CASE("Village meters, commits and pushes every byte while all is well", "[scenario]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{20'000'000}, BitRate{3'000'000});
    village.start();
    village.run_for(1h);
    CHECK(village.daemon().status().link.state == "up");
    CHECK(village.daemon().missed_ticks() == 0);
    village.stop();
    const auto journal = village.journal_records();
    CHECK(Village::wan_bytes(journal) == village.kernel.true_wan_bytes());
    // The last two minutes had no time to travel.
    village.start();
    village.run_for(10min);
    village.kill();
    const auto sent = village.province_records();
    REQUIRE(sent.size() >= journal.size());
    CHECK(std::equal(journal.begin(), journal.end(), sent.begin()));
}

TEST_CASE("Village drains a three-day outage once, with lost replies", "[scenario]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{5'000'000}, BitRate{500'000});
    village.start();
    village.run_for(1h);
    village.set_link(false);
    village.run_for(72h);
    CHECK(village.daemon().status().link.state == "down");
    CHECK(village.daemon().status().link.cause == "isp");
    village.set_link(true);
    village.link.lose_next_replies = 2;
    village.run_for(1h);
    CHECK(village.daemon().status().link.state == "up");
    village.stop();
    const auto journal = village.journal_records();
    const auto sent = village.province_records();
    REQUIRE(sent.size() + 16 >= journal.size());
    REQUIRE(std::equal(sent.begin(), sent.end(), journal.begin()));
    CHECK(village.province().duplicates_ignored() > 0);
    CHECK(village.link.most_under_way() <= 2);
}

TEST_CASE("Village goes on to the byte when it is killed inside an open minute", "[scenario]") {
    Village village{test_seed()};
    village.kernel.rate("eth0", BitRate{8'000'000}, BitRate{800'000});
    village.start();
    village.run_for(10min + 35s);
    village.kill();
    village.run_for(7s);
    village.start();
    village.run_for(2min);
    const auto status = village.daemon().status();
    CHECK(status.usage.rx_bytes == status.interfaces[0].rx_bytes);
    village.stop();
    CHECK(Village::wan_bytes(village.journal_records()) == village.kernel.true_wan_bytes());
}

TEST_CASE("Village's month of power cuts, reboots and outages is at the province to the byte",
          "[scenario]") {
    Village village{test_seed()};
    std::mt19937_64 random{test_seed()};
    const auto minutes = [&](std::uint64_t least, std::uint64_t most) {
        return Millis{static_cast<std::int64_t>((least + random() % (most - least)) * 60'000 +
                                                random() % 60'000)};
    };
    village.link.lost_requests = 20;
    village.link.lost_replies = 20;
    village.link.doubled = 10;
    village.kernel.rate("eth0", BitRate{12'000'000}, BitRate{1'500'000});
    const Millis month = test_effort() < 1 ? Millis{36h} : Millis{30 * 24h};
    const auto end = village.clock.true_time() + month;
    village.start();
    unsigned cuts = 0, reboots = 0, kills = 0, outages = 0;
    // What nobody can know: bytes after the last commit of a boot, or after the last reading of a
    // counter that was set back.
    TrueBytes lost;
    const auto lose_what_is_beyond = [&](TrueBytes known) {
        const auto truth = village.kernel.true_wan_bytes();
        lost = {truth.received - known.received, truth.transmitted - known.transmitted};
    };
    while (village.clock.true_time() < end) {
        village.run_for(minutes(30, 400));
        switch (random() % 6) {
            case 0: {
                // What flowed since the last commit, at most one commit interval, is lost.
                const auto before = village.kernel.true_wan_bytes();
                const auto lost_before = lost;
                village.power_cut(minutes(1, 300));
                CHECK(village.kernel.true_wan_bytes() == before);
                lose_what_is_beyond(village.committed_wan_bytes());
                CHECK(lost.received - lost_before.received <= 62ull * 12'000'000 / 8 * 3 / 2);
                village.start();
                ++cuts;
                break;
            }
            case 1:
                village.reboot(minutes(1, 5));
                village.start();
                ++reboots;
                break;
            case 2:
                village.kill();
                village.run_for(Millis{static_cast<std::int64_t>(random() % 30'000)});
                village.start();
                ++kills;
                break;
            case 3:
                village.set_link(false);
                village.run_for(minutes(1, 900));
                village.set_link(true);
                ++outages;
                break;
            case 4: {
                const auto usage = village.daemon().status().usage;
                lose_what_is_beyond({usage.rx_bytes, usage.tx_bytes});
                village.kernel.reset_counters("eth0");
                break;
            }
            default:
                village.province_down();
                village.run_for(minutes(1, 60));
                village.province_up();
        }
    }
    village.link.lost_requests = village.link.lost_replies = village.link.doubled = 0;
    village.run_for(3h);
    village.stop();
    const auto journal = village.journal_records();
    const auto truth = village.kernel.true_wan_bytes();
    const auto kept = Village::wan_bytes(journal);
    village.start();
    village.run_for(1h);
    village.kill();
    const auto sent = village.province_records();
    std::printf(
        "month, seed %llu: %u power cuts, %u reboots, %u kills, %u outages; %zu records; "
        "%llu bytes passed, %llu kept, %llu lost at power cuts and resets\n",
        static_cast<unsigned long long>(test_seed()), cuts, reboots, kills, outages, journal.size(),
        static_cast<unsigned long long>(truth.received),
        static_cast<unsigned long long>(kept.received),
        static_cast<unsigned long long>(lost.received));
    REQUIRE(sent.size() >= journal.size());
    CHECK(std::equal(journal.begin(), journal.end(), sent.begin()));
    CHECK(kept.received + lost.received == truth.received);
    CHECK(kept.transmitted + lost.transmitted == truth.transmitted);
}
