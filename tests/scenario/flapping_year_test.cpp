// A year of a link that comes and goes every few seconds: a bounded ledger says the same of it as
// one that wrote down every outage. Ledger, budget, placing and evaluation, without a daemon.

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "common/sla/statement.hpp"
#include "daemon/ledger/ledger.hpp"
#include "daemon/ledger/outage_budget.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;

namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kYearBegins = 1'798'761'600'000;  // 1 January 2027, UTC
constexpr BootNo kBoot{1};

struct Weather {
    const char* name;
    Cause cause;
    Confidence confidence;
    std::int64_t longest_s;     ///< of the usual outage and of the usual time between two
    std::uint32_t one_long_in;  ///< outages: one lasts up to four hours
};

/// One boot that lasts all the time, on a right clock.
struct Year {
    std::mt19937_64 random{test_seed()};
    OutageIds ids;
    Ledger ledger{3, std::string{link_name::kWan}, ids, true};
    OutageBudget budget;
    std::vector<Outage> all;      ///< as the ledger told them
    std::vector<Outage> written;  ///< as the journal gets them

    void observe(std::int64_t at_ms, bool is_up, const Weather& weather) {
        Verdict verdict;
        verdict.at = {kBoot, monotonic_from_ms(at_ms)};
        verdict.state = is_up ? LinkState::up : LinkState::down;
        verdict.confidence = weather.confidence;
        if (!is_up) {
            verdict.cause = weather.cause;
            verdict.evidence = "far side silent";
        }
        auto told = ledger.observe(verdict);
        all.insert(all.end(), told.begin(), told.end());
        auto admitted = budget.admit(std::move(told), verdict.at);
        written.insert(written.end(), admitted.begin(), admitted.end());
    }
    void live(std::int64_t end_ms, const Weather& weather);
};

void Year::live(std::int64_t end_ms, const Weather& weather) {
    std::int64_t at = 60 * kSecond;
    bool is_up = true;
    std::int64_t edge = at + 600 * kSecond;
    while (at < end_ms) {
        observe(at, is_up, weather);
        at += (ledger.is_in_doubt() ? 3 : 10) * kSecond;
        while (edge <= at) {
            is_up = !is_up;
            const auto longest = static_cast<std::uint64_t>(weather.longest_s);
            auto length = static_cast<std::int64_t>(1 + random() % longest);
            if (!is_up && random() % weather.one_long_in == 0) {
                length = static_cast<std::int64_t>(random() % 14'400);
            }
            edge += length * kSecond;
        }
    }
    for (const auto& outage : budget.drain()) written.push_back(outage);
}

sla::Ledger placed(const std::vector<Outage>& outages, std::int64_t end_ms) {
    TrueTime time;
    for (std::int64_t at = kSecond; at < end_ms; at += kDay) {
        time.add({{kBoot, monotonic_from_ms(at)},
                  wall_from_ms(kYearBegins + at),
                  AnchorSource::kernel,
                  Millis{20}});
    }
    time.saw({kBoot, monotonic_from_ms(0)});
    time.saw({kBoot, monotonic_from_ms(end_ms)});
    auto result =
        sla::place(outages, time, wall_from_ms(kYearBegins), wall_from_ms(kYearBegins + end_ms));
    CHECK(result.unplaced == 0);
    return std::move(result.ledger);
}

std::int64_t down_s(const sla::Statement& statement) {
    std::int64_t seconds = 0;
    for (const auto& [party, causes] : statement.down) {
        for (const auto& [cause, length] : causes) seconds += length.count();
    }
    return seconds;
}

std::vector<std::uint64_t> counted(const sla::Statement& statement) {
    std::vector<std::uint64_t> ids;
    for (const auto& judged : statement.outages) {
        if (judged.verdict == sla::Judged::Verdict::counts) ids.push_back(judged.id);
    }
    return ids;
}

}  // namespace

TEST_CASE("A year of a flapping link has the statements of one that wrote down every outage",
          "[year][flapping]") {
    const auto weather =
        GENERATE(Weather{"a loose cable", Cause::carrier, Confidence::high, 20, 5000},
                 Weather{"a provider that flaps", Cause::isp, Confidence::medium, 90, 400});
    INFO(weather.name << ", seed " << test_seed());
    const auto days = static_cast<std::int64_t>(std::max<std::uint64_t>(test_rounds(365), 3));
    const auto end_ms = days * kDay;
    Year year;
    year.live(end_ms, weather);
    const auto exact = placed(year.all, end_ms);
    const auto bounded = placed(year.written, end_ms);
    // What must be written in any case: outages over the threshold, with beginning, end and a
    // change of confidence.
    std::size_t is_long = 0;
    for (const auto& outage : year.all) {
        is_long +=
            !outage.is_open() && outage.last_bad->at - outage.first_bad.at > OutageBudget::kShort;
    }
    INFO(year.all.size() << " segments told, " << year.written.size() << " written, " << is_long
                         << " of long outages");
    CHECK(year.all.size() > static_cast<std::size_t>(days) * 500);
    CHECK(year.written.size() <=
          200 + 2 * is_long + is_long + static_cast<std::size_t>(days) * 8 + 1);

    const auto from = wall_from_ms(kYearBegins);
    const auto to = wall_from_ms(kYearBegins + end_ms);
    const auto whole = sla::evaluate(bounded, sla::example_clauses(), from, to, Seconds{});
    const auto truth = sla::evaluate(exact, sla::example_clauses(), from, to, Seconds{});
    REQUIRE(whole);
    REQUIRE(truth);
    CHECK(whole->up.count() + whole->unmeasured.count() + down_s(*whole) == whole->period.count());
    CHECK(whole->unmeasured == truth->unmeasured);
    // Rounded once for each entry.
    const auto off = std::abs(down_s(*whole) - down_s(*truth));
    INFO("down " << down_s(*truth) << " s, off by " << off << " s");
    CHECK(off <= 2);
    CHECK(down_s(*truth) > days * 20'000);
    // What counts for restitution is told one by one.
    CHECK(counted(*whole) == counted(*truth));
    if (days == 365 && weather.cause == Cause::isp) CHECK(counted(*truth).size() > 50);

    // Parts of it add up as well, and differ from the truth no more than the folds at their ends.
    std::int64_t sum = 0;
    for (std::int64_t day = 0; day < days; day += 30) {
        const auto until = std::min(day + 30, days);
        const auto part = [&](const sla::Ledger& ledger) {
            const auto statement = sla::evaluate(
                ledger, sla::example_clauses(), wall_from_ms(kYearBegins + day * kDay),
                wall_from_ms(kYearBegins + until * kDay), Seconds{});
            REQUIRE(statement);
            return down_s(*statement);
        };
        const auto told = part(bounded);
        sum += told;
        CHECK(std::abs(told - part(exact)) <= 2 * 3 * 3600);
    }
    CHECK(std::abs(sum - down_s(*whole)) <= days / 30 + 1);
}
