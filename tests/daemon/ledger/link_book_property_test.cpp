#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "daemon/ledger/link_book.hpp"
#include "tests/daemon/ledger/ledger_samples.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

/// Random lives of a whole site: verdicts of all links, kills, clean stops, power cuts whose length
/// the clock tells early, late or never, with the journal's rule that the newest state holds.
class Site {
public:
    explicit Site(std::uint64_t seed, bool stops_cleanly)
        : random_{seed}, k_{1 + static_cast<unsigned>(random_() % 4)}, cleanly_{stops_cleanly} {
        begin({}, false);
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            wait(10'000);
            for (const auto& link : kLinks) {
                if (link == "wan" || random_() % 3 != 0) look(link, some_verdict());
            }
            if (random_() % 4 == 0) tell_length();
        }
    }

    void restart() {
        if (cleanly_) {
            // Seen before it goes: what an unseen gap loses is tested apart.
            see_all();
            book_->settle(now());
        }
        keep_totals();
        auto history =
            LinkBook::History{.run = PreviousRun{},
                              .open = {},
                              .earlier = {},
                              .last_outage_id = link_of_.empty() ? 0 : link_of_.rbegin()->first,
                              .totals = totals_};
        history.run->last_tick = now();
        history.run->ended_cleanly = cleanly_;
        history.run->longest_silence = Millis{static_cast<std::int64_t>(random_() % 60'000)};
        history.run->ending = {random_() % 2 == 0 ? Cause::power : Cause::reboot,
                               Confidence::medium, "ended"};
        for (const auto& [key, outage] : rows_) {
            if (outage.is_open()) {
                history.open.push_back(outage);
            } else {
                history.earlier.push_back(outage);
            }
        }
        const bool same_boot = random_() % 2 == 0;
        if (same_boot) {
            wait(200'000);
        } else {
            ++boot_;
            ms_ = static_cast<std::int64_t>(random_() % 60'000);
            truth_ += static_cast<std::int64_t>(random_() % 10'000'000);
            boot_began_[boot_] = truth_ - ms_;
        }
        begin(history, same_boot);
    }

    /// Every link answers, everything is decided.
    void see_all() {
        wait(10'000);
        for (const auto& link : kLinks) {
            look(link, good(0));
        }
        tell_length();
        for (const auto& [key, outage] : rows_) {
            INFO("outage " << key.first << " segment " << key.second);
            REQUIRE_FALSE(outage.is_open());
        }
        REQUIRE_FALSE(book_->is_in_doubt());
    }

    /// Sum per link, and seconds down per cause of the WAN.
    [[nodiscard]] std::map<std::string, std::int64_t> sums() {
        keep_totals();
        std::map<std::string, std::int64_t> sums;
        for (const auto& reading : totals_) {
            std::map<std::string, std::string> labels;
            for (const auto& label : series_.find(reading.series)->labels) {
                labels[label.name] = label.value;
            }
            sums[labels["link"]] += reading.value;
            if (labels["state"] == "down") {
                sums[labels["link"] + " " + labels["cause"]] += reading.value;
            }
        }
        return sums;
    }
    /// What the segments of `link` on one boot say of `cause`, in milliseconds.
    [[nodiscard]] std::int64_t told(const std::string& link, Cause cause) const {
        std::int64_t ms = 0;
        for (const auto& [key, outage] : rows_) {
            if (outage.link != link || outage.cause != cause) continue;
            REQUIRE(outage.first_good.has_value());
            ms += (outage.first_good->at - outage.first_bad.at).count();
        }
        return ms;
    }
    [[nodiscard]] std::int64_t truth() const { return truth_; }

    inline static const std::array<std::string, 4> kLinks{"wan", "hotspot", "province",
                                                          "service-a"};

private:
    [[nodiscard]] DeviceTime now() const { return {BootNo{boot_}, monotonic_from_ms(ms_)}; }
    void wait(std::int64_t most_ms) {
        const auto span =
            1 + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most_ms));
        ms_ += span;
        truth_ += span;
    }
    void begin(const LinkBook::History& history, bool same_boot) {
        started_ = truth_;
        book_ = std::make_unique<LinkBook>(
            k_, std::vector<std::string>{kLinks.begin() + 1, kLinks.end()}, series_);
        write(book_->start(history, now(), same_boot));
    }
    void tell_length() {
        const auto since = book_->wants_gap_length_since();
        if (!since) return;
        const auto began = boot_began_.at(since->boot.value) + to_ms(since->at);
        book_->add_gap_length(Millis{started_ - began});
    }
    Verdict some_verdict() {
        if (random_() % 10 == 0) mood_ = random_() % 5;
        Verdict verdict;
        verdict.confidence = static_cast<Confidence>(random_() % 4);
        if (mood_ == 0) verdict.state = LinkState::up;
        if (mood_ == 1) verdict.state = LinkState::degraded;
        if (mood_ >= 2) verdict.state = LinkState::down;
        if (mood_ == 2) verdict.cause = Cause::carrier;
        if (mood_ == 3) verdict.cause = Cause::isp;
        if (mood_ == 4) verdict.cause = random_() % 8 == 0 ? Cause::power : Cause::dns;
        if (random_() % 8 == 0) verdict.state = LinkState::unknown;
        verdict.carrier_is_up = random_() % 2 == 0;
        return verdict;
    }
    void look(const std::string& link, Verdict verdict) {
        verdict.at = now();
        write(book_->observe(link, verdict));
    }
    void write(const std::vector<Outage>& segments) {
        for (const auto& outage : segments) {
            rows_[{outage.id, outage.segment}] = outage;
            // One number, one link.
            const auto [place, is_new] = link_of_.try_emplace(outage.id, outage.link);
            REQUIRE(place->second == outage.link);
        }
        std::map<std::string, int> open;
        for (const auto& [key, outage] : rows_) open[outage.link] += outage.is_open() ? 1 : 0;
        for (const auto& [link, count] : open) {
            INFO(link);
            REQUIRE(count <= 1);
        }
    }
    void keep_totals() {
        totals_.clear();
        book_->append_readings(totals_);
    }

    std::mt19937_64 random_;
    unsigned k_;
    bool cleanly_;
    SeriesTable series_;
    std::unique_ptr<LinkBook> book_;
    std::uint32_t boot_ = 1;
    std::int64_t ms_ = 1000;
    std::int64_t truth_ = 0;    ///< since the very first start
    std::int64_t started_ = 0;  ///< `truth_` at the present life's start
    std::map<std::uint32_t, std::int64_t> boot_began_{{1, -1000}};
    std::uint64_t mood_ = 0;
    std::vector<Reading> totals_;
    std::map<std::pair<std::uint64_t, std::uint32_t>, Outage> rows_;
    std::map<std::uint64_t, std::string> link_of_;
};

}  // namespace

TEST_CASE("LinkBook counts of one life are its time, and its outages to the millisecond",
          "[ledger]") {
    for (std::uint64_t round = 0; round < test_rounds(60); ++round) {
        INFO("round " << round);
        Site site{test_seed() * 104729 + round, true};
        site.run(300);
        site.see_all();
        auto sums = site.sums();
        for (const auto& link : Site::kLinks) {
            INFO(link);
            CHECK(sums[link] == site.truth());
            for (const auto cause : {Cause::carrier, Cause::isp, Cause::power, Cause::dns}) {
                CHECK(sums[link + " " + std::string{to_string(cause)}] == site.told(link, cause));
            }
        }
    }
}

TEST_CASE("LinkBook counts add up to all time over clean stops, reboots and power cuts",
          "[ledger]") {
    for (std::uint64_t round = 0; round < test_rounds(40); ++round) {
        INFO("round " << round);
        Site site{test_seed() * 1299709 + round, true};
        for (int life = 0; life < 12; ++life) {
            site.run(20);
            site.restart();
        }
        site.see_all();
        auto sums = site.sums();
        for (const auto& link : Site::kLinks) {
            INFO(link);
            CHECK(sums[link] == site.truth());
        }
    }
}

TEST_CASE("LinkBook counts never exceed the time there was, whatever dies when", "[ledger]") {
    for (std::uint64_t round = 0; round < test_rounds(60); ++round) {
        INFO("round " << round);
        Site site{test_seed() * 15485863 + round, false};
        for (int life = 0; life < 30; ++life) {
            site.run(static_cast<int>((round * 7 + static_cast<std::uint64_t>(life) * 5) % 12));
            site.restart();
        }
        site.see_all();
        auto sums = site.sums();
        for (const auto& link : Site::kLinks) {
            INFO(link);
            CHECK(sums[link] <= site.truth());
            CHECK(sums[link] > 0);
        }
    }
}

}  // namespace gerbang
