#pragma once

// A ladder walk on virtual time, with everything it asks scripted and counted.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/probe/ladder_walk.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/scripted_prober.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace gerbang {

inline LadderSettings sample_ladder() {
    LadderSettings settings;
    settings.targets = {{{.name = "home-1", .address = "192.0.2.1"}, true},
                        {{.name = "home-2", .address = "192.0.2.2"}, true},
                        {{.name = "abroad-1", .address = "198.51.100.1"}, false},
                        {{.name = "abroad-2", .address = "198.51.100.2"}, false}};
    settings.resolvers = {"192.0.2.53", "192.0.2.54"};
    settings.dns_name = "one.one.one.one";
    settings.dns_expected = {"1.1.1.1"};
    settings.services = {"sidesa", "absensi"};
    return settings;
}

inline Surroundings sample_surroundings() {
    Surroundings around;
    around.wan = "eth0";
    around.has_carrier = true;
    around.gateway = "203.0.113.1";
    around.lan_has_carrier = true;
    return around;
}

struct LadderBench {
    explicit LadderBench(LadderSettings given = sample_ladder(), bool has_web = true)
        : settings{std::move(given)}, has_http{has_web} {
        prober.set_script([this](const ProbeTarget& target, Monotonic) {
            ++hosts[target.name];
            ProbeAnswer answer;
            answer.answered = !silent.contains(target.name);
            answer.round_trip = prober.latency;
            const auto said = says.find(target.name);
            if (said != says.end()) answer = said->second;
            return answer;
        });
        prober.set_name_script([this](const NameQuestion& question, Monotonic) {
            ++names[question.resolver];
            ProbeAnswer answer;
            answer.answered = !silent.contains(question.resolver);
            answer.round_trip = prober.latency;
            const auto said = says.find(question.resolver);
            if (said != says.end()) answer = said->second;
            return answer;
        });
        ladder.emplace(settings, questions(), prober, clock, entropy, io.get_executor(), series);
    }

    /// One round, to its end.
    Walk walk(bool in_doubt = false) {
        std::optional<Walk> got;
        begun = clock.now();
        net::co_spawn(io, ladder->walk(around, BootNo{boot}, in_doubt), into(got));
        finish(got);
        return *got;
    }
    Walk walk_all() {
        std::optional<Walk> got;
        begun = clock.now();
        net::co_spawn(io, ladder->walk_all(around, BootNo{boot}), into(got));
        finish(got);
        return *got;
    }
    /// Rounds as the daemon makes them; returns how many, and how many were full.
    struct Rounds {
        unsigned all = 0, full = 0;
    };
    Rounds run_for(Millis span, const std::function<void()>& before_each = {}) {
        Rounds rounds;
        const auto end = clock.now() + span;
        for (;;) {
            const auto next = ladder->next(false);
            if (next > end) break;
            clock.run_until(io, next);
            if (before_each) before_each();
            const auto round = walk().round;
            ++rounds.all;
            if (round.is_full) ++rounds.full;
        }
        clock.run_until(io, std::max(end, clock.now()));
        return rounds;
    }
    void forget_counts() {
        hosts.clear();
        names.clear();
        http.clear();
    }

    net::io_context io;
    ManualClock clock;
    SeededEntropy entropy{test_seed()};
    ScriptedProber prober{clock};
    SeriesTable series;
    LadderSettings settings;
    bool has_http;
    Surroundings around = sample_surroundings();
    std::uint32_t boot = 1;

    std::set<std::string> silent;             ///< hosts and resolvers
    std::map<std::string, ProbeAnswer> says;  ///< what others than silent or right ones answer
    std::map<std::string, unsigned> hosts, names;
    std::map<std::string, unsigned> http;      ///< "web", "province" and services
    std::map<std::string, RungFinding> pages;  ///< what they find, up if nothing
    std::set<std::string> stuck;               ///< those that never come back
    Millis took{};                             ///< of the newest round
    Monotonic begun;
    std::optional<LadderWalk> ladder;

private:
    static std::function<void(std::exception_ptr, Walk)> into(std::optional<Walk>& got) {
        return [&got](std::exception_ptr failure, Walk walk) {
            if (failure) std::rethrow_exception(failure);
            got = std::move(walk);
        };
    }
    void finish(const std::optional<Walk>& got) {
        clock.run_ready(io);
        for (int i = 0; i < 10'000 && !got; ++i) clock.run_for(io, Millis{10});
        REQUIRE(got);
        took = clock.now() - begun;
    }
    WebQuestions questions() {
        if (!has_http) return {};
        WebQuestions web;
        web.ask_web = [this](Millis) { return ask("web"); };
        web.ask_province = [this](Millis) { return ask("province"); };
        web.ask_service = [this](const std::string& service, Millis) { return ask(service); };
        return web;
    }
    net::awaitable<RungFinding> ask(std::string what) {
        ++http[what];
        const auto wait = stuck.contains(what) ? Millis{3'600'000} : prober.latency * 3;
        (void)co_await clock.sleep_until(clock.now() + wait);
        RungFinding finding;
        finding.state = RungState::up;
        const auto page = pages.find(what);
        if (page != pages.end()) finding = page->second;
        co_return finding;
    }
};

inline RungFinding page_is(RungState state, Silence silence = Silence::none) {
    RungFinding finding;
    finding.state = state;
    finding.silence = silence;
    return finding;
}

inline ProbeAnswer not_answered(Silence silence, std::string detail) {
    return {.detail = std::move(detail), .silence = silence};
}

}  // namespace gerbang
