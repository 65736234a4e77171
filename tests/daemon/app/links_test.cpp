// Walk, judge and book joined, on virtual time: how soon a service and the access point are judged,
// and what their faults cost.

#include "daemon/app/links.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "tests/support/manual_clock.hpp"
#include "tests/support/scripted_prober.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace gerbang {
namespace {

using namespace std::chrono_literals;

constexpr auto kService = "service-sidesa";

Config sample_config() {
    Config config;
    config.probe.targets = {{"domestic", "192.0.2.1", 443, true},
                            {"abroad", "192.0.2.2", 443, false}};
    config.probe.resolvers = {"192.0.2.53"};
    config.probe.dns_name = "one.one.one.one";
    config.hotspot.address = "192.168.88.2";
    config.services = {{"sidesa", "http://sidesa"}, {"absensi", "http://absensi"}};
    config.site.id = "a";
    config.sync.targets.resize(1);
    config.sync.targets[0].name = "provinsi";
    config.sync.targets[0].url = "https://provinsi";
    return config;
}

/// A site whose WAN, access point and services fail at will.
struct Site {
    explicit Site(std::uint64_t seed = test_seed()) : entropy{seed} {
        prober.set_script([this](const ProbeTarget& target, Monotonic) {
            ProbeAnswer answer;
            const bool is_hotspot = target.name == "hotspot";
            if (is_hotspot && !hotspot_answers) silent_hotspot.push_back(clock.now());
            answer.answered = is_hotspot ? hotspot_answers : wan_answers;
            answer.round_trip = prober.latency;
            return answer;
        });
        prober.set_name_script([this](const NameQuestion&, Monotonic) {
            ProbeAnswer answer;
            answer.answered = wan_answers;
            answer.round_trip = prober.latency;
            return answer;
        });
        around.wan = "eth0";
        around.has_carrier = true;
        around.gateway = "203.0.113.1";
        around.lan_has_carrier = true;
        WebQuestions web;
        web.ask_web = [this](Millis) { return ask("web", !wan_answers); };
        web.ask_province = [this](Millis) { return ask("province", !province_answers); };
        web.ask_service = [this](const std::string& name, Millis) {
            return ask(name, !wan_answers || dead.contains(name));
        };
        links.emplace(config, std::move(web), prober, clock, entropy, io.get_executor(), series);
        (void)links->start({}, {BootNo{1}, clock.now()}, false);
    }

    /// Rounds as the daemon makes them.
    void run_for(Millis span, const std::function<void()>& before_each = {}) {
        const auto end = clock.now() + span;
        for (auto next = links->next_round(); next <= end; next = links->next_round()) {
            clock.run_until(io, next);
            if (before_each) before_each();
            round();
        }
        clock.run_until(io, std::max(end, clock.now()));
    }
    void round() {
        std::optional<std::vector<Outage>> written;
        ++rounds;
        net::co_spawn(io, links->round(around, BootNo{1}),
                      [&](std::exception_ptr failure, std::vector<Outage> segments) {
                          if (failure) std::rethrow_exception(failure);
                          written = std::move(segments);
                      });
        clock.run_ready(io);
        for (int i = 0; i < 10'000 && !written; ++i) clock.run_for(io, Millis{10});
        REQUIRE(written);
        for (const auto& outage : *written) {
            const auto [place, is_new] = told.insert_or_assign({outage.id, outage.segment}, outage);
            if (is_new) declared[{outage.id, outage.segment}] = clock.now();
        }
    }
    /// Segments of `link`, ascending.
    [[nodiscard]] std::vector<Outage> of(const std::string& link) const {
        std::vector<Outage> found;
        for (const auto& [key, outage] : told) {
            if (outage.link == link) found.push_back(outage);
        }
        return found;
    }
    [[nodiscard]] Monotonic declared_at(const Outage& outage) const {
        return declared.at({outage.id, outage.segment});
    }
    [[nodiscard]] LinkState state(const std::string& link) const {
        return links->book().view(link).state;
    }

    net::io_context io;
    ManualClock clock;
    SeededEntropy entropy;
    ScriptedProber prober{clock};
    SeriesTable series;
    Config config = sample_config();
    Surroundings around;
    bool wan_answers = true;
    bool hotspot_answers = true;
    bool province_answers = true;
    std::set<std::string> dead;  ///< services
    std::map<std::string, unsigned> asked;
    std::vector<Monotonic> silent_hotspot, silent_service;  ///< failed questions
    std::map<std::pair<std::uint64_t, std::uint32_t>, Outage> told;
    std::map<std::pair<std::uint64_t, std::uint32_t>, Monotonic> declared;
    unsigned rounds = 0;
    std::optional<Links> links;

private:
    net::awaitable<RungFinding> ask(std::string what, bool is_dead) {
        ++asked[what];
        if (is_dead && what == "sidesa") silent_service.push_back(clock.now());
        const auto wait = is_dead ? Millis{60'000} : prober.latency;
        (void)co_await clock.sleep_until(clock.now() + wait);
        RungFinding finding;
        finding.state = is_dead ? RungState::down : RungState::up;
        co_return finding;
    }
};

}  // namespace

TEST_CASE("A service that dies is judged within 30 s of its first failed question", "[app]") {
    for (std::uint64_t round = 0; round < test_rounds(20); ++round) {
        INFO("round " << round);
        Site site{test_seed() + round};
        site.run_for(Millis{60'000 + static_cast<std::int64_t>(site.entropy.below(900'000))});
        site.dead = {"sidesa"};
        site.run_for(11min);
        const auto told = site.of(kService);
        REQUIRE(told.size() == 1);
        REQUIRE_FALSE(site.silent_service.empty());
        CHECK(told[0].cause == Cause::service);
        // Back-dated to it, and soon.
        CHECK(told[0].first_bad.at <= site.silent_service.front());
        CHECK(site.silent_service.front() - told[0].first_bad.at < 3s);
        CHECK(site.declared_at(told[0]) - site.silent_service.front() <= 15s);
        // Its recovery is seen within a minute.
        site.dead.clear();
        const auto mended = site.clock.now();
        site.run_for(2min);
        const auto end = site.of(kService);
        REQUIRE(end.size() == 1);
        REQUIRE(end[0].first_good);
        CHECK(end[0].first_good->at - mended <= 1min);
    }
}

TEST_CASE("A push proves the province at its own instant, not at that of the round behind it",
          "[app]") {
    Site site;
    site.run_for(1min);
    std::optional<Monotonic> pushed;
    // Between two rounds: acknowledged, and then the province dies.
    site.clock.run_until(site.io, site.links->next_round() - Millis{5000});
    pushed = site.clock.now();
    site.around.last_push = pushed;
    site.province_answers = false;
    site.run_for(30s);
    CHECK(site.state("province") == LinkState::up);
    // The next push fails.
    site.around.last_push.reset();
    site.run_for(2min);
    REQUIRE(site.of("province").size() == 1);
    CHECK(site.of("province")[0].last_good.at == *pushed);

    // It ends with the push that is acknowledged again.
    site.clock.run_until(site.io, site.links->next_round() - Millis{5000});
    pushed = site.clock.now();
    site.around.last_push = pushed;
    site.run_for(30s);
    REQUIRE(site.of("province")[0].first_good);
    CHECK(site.of("province")[0].first_good->at == *pushed);
}

TEST_CASE("An access point that dies is judged within 30 s of its first failed question", "[app]") {
    for (std::uint64_t round = 0; round < test_rounds(20); ++round) {
        INFO("round " << round);
        Site site{test_seed() + round};
        // Also where the ladder is walked slowly.
        const bool is_slow = round % 2 == 1;
        if (is_slow) {
            site.config.probe.interval = 60s;
            site.links.emplace(site.config, WebQuestions{}, site.prober, site.clock, site.entropy,
                               site.io.get_executor(), site.series);
            (void)site.links->start({}, {BootNo{1}, site.clock.now()}, false);
        }
        site.run_for(Millis{60'000 + static_cast<std::int64_t>(site.entropy.below(600'000))});
        site.hotspot_answers = false;
        site.run_for(5min);
        const auto told = site.of("hotspot");
        REQUIRE(told.size() == 1);
        CHECK(site.declared_at(told[0]) - site.silent_hotspot.front() <= 15s);
        site.hotspot_answers = true;
        const auto mended = site.clock.now();
        site.run_for(2min);
        REQUIRE(site.of("hotspot")[0].first_good);
        CHECK(site.of("hotspot")[0].first_good->at - mended <= (is_slow ? 66s : 11s));
        CHECK(site.of("wan").empty());
    }
}

TEST_CASE("A service that stays away for a day slows nothing and hurries nobody", "[app]") {
    Site site;
    site.run_for(10min);
    site.dead = {"sidesa"};
    site.asked.clear();
    site.rounds = 0;
    site.run_for(24h);
    CHECK(site.of(kService).size() == 1);
    CHECK(site.rounds <= 8'640 + 3);
    CHECK(site.asked["sidesa"] <= 1'728 + 4);
    CHECK(site.asked["absensi"] <= 146);
    CHECK(site.asked["web"] <= 1'440 + 4);
}

TEST_CASE("Services and an access point that flap all day cost a bounded number of questions",
          "[app]") {
    Site site;
    site.run_for(10min);
    site.asked.clear();
    site.rounds = 0;
    const auto hosts = site.prober.asked();
    site.run_for(24h, [&] {
        site.dead.clear();
        for (const auto* name : {"sidesa", "absensi"}) {
            if (site.entropy.below(2) == 0) site.dead.insert(name);
        }
        site.hotspot_answers = site.entropy.below(2) == 0;
    });
    constexpr unsigned kHurried = 24 * LinkBook::kMostHurried;
    CHECK(site.rounds <= 8'640 + 3 * kHurried);
    for (const auto* name : {"sidesa", "absensi"}) {
        INFO(name << " was asked " << site.asked[name] << " times");
        CHECK(site.asked[name] <= 1'728 + kHurried);
        CHECK(site.asked[name] > 200);
    }
    INFO(site.asked["web"] << " pages, " << site.prober.asked() - hosts << " echoes");
    CHECK(site.asked["web"] <= 1'440 + 3 * kHurried);
    // Two targets a round, next hop and provider in full ones, the access point.
    CHECK(site.prober.asked() - hosts <= (8'640 + 3 * kHurried) * 3 + 3 * kHurried * 4 + 600);
    CHECK(site.of("wan").empty());
}

TEST_CASE("A service's outage is one outage although the WAN fails in the middle of it", "[app]") {
    Site site;
    site.run_for(10min);
    site.dead = {"sidesa"};
    site.run_for(20min);
    REQUIRE(site.state(kService) == LinkState::down);
    site.wan_answers = false;
    const auto failed = site.clock.now();
    site.run_for(30min);
    CHECK(site.state("wan") == LinkState::down);
    CHECK(site.state(kService) == LinkState::unknown);
    CHECK(site.state("service-absensi") == LinkState::unknown);
    site.wan_answers = true;
    const auto mended = site.clock.now();
    site.run_for(1min);
    CHECK(site.state("wan") == LinkState::up);
    CHECK(site.state(kService) == LinkState::down);
    // The healthy one is looked at again at once, not after its ten minutes.
    CHECK(site.state("service-absensi") == LinkState::up);
    site.run_for(10min);
    site.dead.clear();
    site.run_for(2min);

    const auto told = site.of(kService);
    REQUIRE(told.size() == 3);
    CHECK(told[0].cause == Cause::service);
    CHECK(told[1].cause == Cause::unknown);
    CHECK(told[2].cause == Cause::service);
    for (std::size_t i = 1; i < told.size(); ++i) {
        CHECK(told[i].id == told[0].id);
        CHECK(told[i].last_good == told[i - 1].last_bad);
        CHECK(told[i].first_bad == told[i - 1].first_good);
    }
    // Three rounds until the WAN is declared down, the next one says nothing of the service.
    CHECK(told[1].first_bad.at - failed <= 25s);
    CHECK(told[1].first_good->at >= mended);
    CHECK(told[1].first_good->at - mended <= 25s);
    CHECK(told[2].first_good);
    CHECK(site.of("service-absensi").empty());
}

}  // namespace gerbang
