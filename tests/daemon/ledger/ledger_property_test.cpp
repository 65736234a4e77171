#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <utility>

#include "daemon/ledger/ledger.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

/// Years of random weather: rounds of every kind, kills, clean stops and power cuts, with the
/// journal's rule that the newest state of (id, segment) holds.
class Weather {
public:
    explicit Weather(std::uint64_t seed)
        : random_{seed},
          k_{1 + static_cast<unsigned>(random_() % 4)},
          tells_gaps_{random_() % 4 != 0},
          ledger_{k_, "wan", ids_, tells_gaps_} {
        write(ledger_.start(std::nullopt, now(), false));
    }

    void step() {
        if (random_() % 40 == 0) {
            restart();
        } else {
            look();
        }
        check_segments();
    }

    /// Runs good rounds until nothing can be open any more.
    void clear_up() {
        wait(10000);
        observe({.at = now(), .state = LinkState::up, .evidence = {}});
        for (const auto& [key, outage] : rows_) {
            INFO("outage " << key.first << " segment " << key.second);
            CHECK_FALSE(outage.is_open());
        }
        CHECK(ledger_.state() == LinkState::up);
        CHECK_FALSE(ledger_.is_in_doubt());
    }

private:
    [[nodiscard]] DeviceTime now() const { return {BootNo{boot_}, monotonic_from_ms(ms_)}; }
    void wait(std::int64_t most_ms) {
        ms_ += static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most_ms));
    }

    void look() {
        wait(10000);
        if (random_() % 12 == 0) mood_ = static_cast<int>(random_() % 6);
        Verdict seen{.at = now(), .evidence = "round"};
        seen.confidence = static_cast<Confidence>(random_() % 4);
        if (mood_ == 0) seen.state = LinkState::up;
        if (mood_ == 1) seen.state = LinkState::degraded;
        if (mood_ >= 2) seen.state = LinkState::down;
        if (mood_ == 2) seen.cause = Cause::carrier;
        if (mood_ == 3) seen.cause = some_cause();
        if (mood_ == 4) seen.cause = Cause::isp;
        if (mood_ == 5 || random_() % 10 == 0) {
            seen.state = LinkState::unknown;
            seen.carrier_is_up = random_() % 2 == 0;
        }
        observe(seen);
    }

    Cause some_cause() {
        constexpr std::array kCauses{Cause::power,         Cause::modem, Cause::unknown, Cause::isp,
                                     Cause::international, Cause::dns,   Cause::blocked};
        return kCauses[random_() % kCauses.size()];
    }

    void observe(const Verdict& seen) {
        write(ledger_.observe(seen));
        CHECK(ledger_.observe(seen).empty());
        auto older = seen;
        older.at.at -= Millis{1};
        older.state = seen.state == LinkState::up ? LinkState::down : LinkState::up;
        CHECK(ledger_.observe(older).empty());
        if (seen.state == LinkState::up || seen.state == LinkState::degraded) {
            CHECK(ledger_.state() == seen.state);
        }
        if (random_() % 3 != 0) last_tick_ = now();
    }

    void restart() {
        const bool same_boot = random_() % 2 == 0;
        PreviousRun previous{
            .last_tick = last_tick_,
            .ended_cleanly = random_() % 2 == 0,
            .ending = some_ending(),
            .open = {},
            .earlier = {},
            .longest_silence = Millis{static_cast<std::int64_t>(random_() % 60000)}};
        if (previous.ended_cleanly) previous.last_tick = last_tick_ = now();
        for (const auto& [key, outage] : rows_) {
            if (!outage.is_open()) continue;
            previous.open = outage;
            for (const auto& [other, segment] : rows_) {
                if (other.first == key.first && other.second < key.second) {
                    previous.earlier.push_back(segment);
                }
            }
        }
        if (same_boot) {
            wait(200000);
        } else {
            ++boot_;
            ms_ = 0;
            wait(60000);
        }
        ledger_ = Ledger{k_, "wan", ids_, tells_gaps_};
        write(ledger_.start(previous, now(), same_boot));
    }

    Ending some_ending() {
        constexpr std::array kEndings{Cause::off, Cause::reboot, Cause::crash, Cause::device_off,
                                      Cause::power};
        return {kEndings[random_() % kEndings.size()], Confidence::medium, "ended"};
    }

    void write(const std::vector<Outage>& segments) {
        for (const auto& outage : segments) rows_[{outage.id, outage.segment}] = outage;
        if (!segments.empty()) last_tick_ = now();  // the event itself proves life
    }

    void check_segments() {
        const Outage* before = nullptr;
        std::size_t open = 0;
        for (const auto& [key, outage] : rows_) {
            INFO("outage " << key.first << " segment " << key.second);
            REQUIRE(outage.link == "wan");
            // Nobody is blamed for what nobody saw.
            if (outage.cause == Cause::undetermined) REQUIRE(outage.confidence == Confidence::none);
            REQUIRE(outage.last_good <= outage.first_bad);
            REQUIRE(outage.last_bad.has_value() == outage.first_good.has_value());
            if (outage.last_bad) {
                REQUIRE(outage.first_bad <= *outage.last_bad);
                REQUIRE(*outage.last_bad <= *outage.first_good);
            }
            if (before != nullptr && before->id == outage.id) {
                REQUIRE(outage.segment == before->segment + 1);
                REQUIRE_FALSE(before->is_open());
                REQUIRE(outage.last_good == *before->last_bad);
                REQUIRE(outage.first_bad == *before->first_good);
            } else {
                REQUIRE(outage.segment == 1);
                // A later outage begins after the earlier one was over.
                if (before != nullptr) {
                    REQUIRE_FALSE(before->is_open());
                    REQUIRE(*before->last_bad <= outage.first_bad);
                }
            }
            open += outage.is_open() ? 1U : 0U;
            before = &outage;
        }
        REQUIRE(open <= 1);
        REQUIRE((open == 1) == ledger_.open().has_value());
        if (open == 1) REQUIRE(*ledger_.open() == *before);
        if (ledger_.state() == LinkState::up || ledger_.state() == LinkState::degraded) {
            REQUIRE(open == 0);
        }
        if (ledger_.state() == LinkState::down) REQUIRE(open == 1);
        // Old rows are checked; keep the map small.
        while (rows_.size() > 24 && rows_.begin()->first.first != rows_.rbegin()->first.first) {
            rows_.erase(rows_.begin());
        }
        while (rows_.size() > 1 && rows_.begin()->first.second != 1) rows_.erase(rows_.begin());
    }

    std::mt19937_64 random_;
    unsigned k_;
    bool tells_gaps_;
    OutageIds ids_;
    Ledger ledger_;
    std::uint32_t boot_ = 1;
    std::int64_t ms_ = 1000;
    DeviceTime last_tick_{BootNo{1}, monotonic_from_ms(1000)};
    int mood_ = 0;
    std::map<std::pair<std::uint64_t, std::uint32_t>, Outage> rows_;
};

}  // namespace

TEST_CASE("Ledger keeps segments contiguous and ordered through any weather and restarts",
          "[ledger]") {
    for (std::uint64_t round = 0; round < test_rounds(100); ++round) {
        INFO("round " << round);
        Weather weather{test_seed() * 1000003 + round};
        for (int i = 0; i < 400; ++i) weather.step();
        weather.clear_up();
    }
}

}  // namespace gerbang
