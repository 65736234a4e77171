// Short lives of many villages: outages, lost and doubled requests, restarts of both ends, power
// cuts, changing interfaces. After each the books must balance to the byte.

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

TrueBytes operator-(TrueBytes a, TrueBytes b) {
    return {a.received - b.received, a.transmitted - b.transmitted};
}

/// Checks what must hold of every journal, whatever happened to the village.
void check_journal(const std::vector<Record>& records) {
    std::set<SeriesId> known;
    std::optional<DeviceTime> last_tick;
    std::set<BootNo> boots;
    for (std::size_t i = 0; i < records.size(); ++i) {
        REQUIRE(records[i].seq.value == i + 1);
        if (const auto* event = std::get_if<Event>(&records[i].body)) {
            if (event->kind == EventKind::series) known.insert(series_from(*event)->id);
            if (event->kind == EventKind::boot) CHECK(boots.insert(event->at.boot).second);
            CHECK(event->kind != EventKind::loss);
            continue;
        }
        const auto& chunk = std::get<Chunk>(records[i].body);
        for (const auto& column : chunk.columns) REQUIRE(known.contains(column.series));
        for (const auto at : chunk.ticks) {
            const DeviceTime tick{chunk.boot, at};
            REQUIRE((!last_tick || *last_tick < tick));
            last_tick = tick;
        }
    }
}

/// The newest state of every outage segment.
std::vector<Outage> outages_in(const std::vector<Record>& records) {
    std::map<std::pair<std::uint64_t, std::uint32_t>, Outage> newest;
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != EventKind::outage) continue;
        const auto outage = outage_from(*event);
        REQUIRE(outage);
        newest[{outage->id, outage->segment}] = *outage;
    }
    std::vector<Outage> all;
    for (auto& [id, outage] : newest) all.push_back(std::move(outage));
    return all;
}

/// One village with its misfortunes and its book of bytes that nobody can know.
struct Life {
    explicit Life(std::uint64_t seed) : village{seed}, random{seed} {
        village.kernel.rate("eth0", BitRate{6'000'000}, BitRate{700'000});
        village.kernel.add("usb0");
        village.kernel.rate("usb0", BitRate{900'000}, BitRate{90'000});
        village.link.lost_requests = 60;
        village.link.lost_replies = 80;
        village.link.doubled = 60;
    }

    [[nodiscard]] Millis between(Millis least, Millis most) {
        return least + Millis{static_cast<std::int64_t>(
                           random() % static_cast<std::uint64_t>((most - least).count()))};
    }
    /// Bytes that passed after the newest reading: they vanish with the kernel's counters.
    void lose_since_last_reading() {
        const auto usage = village.daemon().status().usage;
        const auto truth = village.kernel.true_wan_bytes();
        lost = truth - TrueBytes{usage.rx_bytes, usage.tx_bytes};
    }
    void lose_since_last_commit() {
        lost = village.kernel.true_wan_bytes() - village.committed_wan_bytes();
    }
    void step();

    Village village;
    std::mt19937_64 random;
    TrueBytes lost;
    std::string wan = "eth0";
    int renamed = 0;
};

void Life::step() {
    village.run_for(between(1min, 25min));
    switch (random() % 11) {
        case 0:
            village.power_cut(between(10s, 40min));
            lose_since_last_commit();
            village.start();
            break;
        case 1:
            village.reboot(between(10s, 5min));
            village.start();
            break;
        case 2:
            village.kill();
            village.run_for(between(1ms, 3min));
            village.start();
            break;
        case 3:
            village.stop();
            village.start();
            break;
        case 4:
        case 5:
            village.set_link(false);
            village.run_for(between(5s, 30min));
            village.set_link(true);
            break;
        case 6:
            village.province_down();
            village.run_for(between(1s, 20min));
            village.province_up();
            break;
        case 7:
            wan = wan == "usb0" ? (renamed % 2 == 0 ? "eth0" : "wan0") : "usb0";
            village.kernel.advance(village.clock.now());
            village.kernel.default_route(wan);
            village.link_changed();
            break;
        case 8:
            lose_since_last_reading();
            village.kernel.recreate(wan);
            break;
        case 9: {
            const auto* from = renamed % 2 == 0 ? "eth0" : "wan0";
            const auto* to = renamed % 2 == 0 ? "wan0" : "eth0";
            if (random() % 2 == 0) village.kill();
            village.kernel.rename(from, to);
            if (wan == from) wan = to;
            ++renamed;
            if (!village.is_running()) village.start();
            break;
        }
        default:
            village.kernel.carrier(wan, false);
            village.link_changed();
            village.run_for(between(1s, 10min));
            village.kernel.carrier(wan, true);
            village.link_changed();
            break;
    }
}

}  // namespace

TEST_CASE("A hundred villages lose, repeat and invent nothing in hours of misfortune",
          "[scenario]") {
    for (std::uint64_t round = 0; round < test_rounds(100); ++round) {
        const auto seed = test_seed() * 1'000'003 + round;
        INFO("round " << round << ", seed " << seed);
        Life life{seed};
        auto& village = life.village;
        const auto end = village.clock.true_time() + life.between(2h, 6h);
        village.start();
        while (village.clock.true_time() < end) life.step();
        village.link.lost_requests = village.link.lost_replies = village.link.doubled = 0;
        village.run_for(1h);
        CHECK(village.daemon().status().link.state == "up");
        village.stop();
        const auto before = village.journal_records();
        const auto truth = village.kernel.true_wan_bytes();
        const auto kept = Village::wan_bytes(before);
        CHECK(kept.received + life.lost.received == truth.received);
        CHECK(kept.transmitted + life.lost.transmitted == truth.transmitted);
        check_journal(before);
        for (const auto& outage : outages_in(before)) {
            INFO("outage " << outage.id << "/" << outage.segment << " " << outage.evidence);
            CHECK_FALSE(outage.is_open());
        }

        village.start();
        village.run_for(30min);
        village.kill();
        const auto journal = village.journal_records();
        const auto sent = village.province_records();
        REQUIRE(sent.size() >= before.size());
        REQUIRE(sent.size() <= journal.size());
        CHECK(std::equal(sent.begin(), sent.end(), journal.begin()));
    }
}
