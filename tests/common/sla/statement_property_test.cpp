// Seconds add up exactly, for any ledger and any clauses.

#include <catch2/catch.hpp>
#include <limits>
#include <random>

#include "common/sla/statement.hpp"
#include "tests/support/seed.hpp"

namespace gerbang::sla {
namespace {

constexpr std::int64_t kNowMs = 1'790'000'000'000;
constexpr std::int64_t kDayMs = 86'400'000;

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_{seed} {}
    std::int64_t pick(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>{low, high}(engine_);
    }
    bool one_in(std::int64_t count) { return pick(1, count) == 1; }
    std::int64_t instant() {
        if (one_in(40))
            return pick(std::numeric_limits<std::int64_t>::min(),
                        std::numeric_limits<std::int64_t>::max());
        if (one_in(8)) return kNowMs + pick(-4000, 4000) * kDayMs;
        return kNowMs + pick(-40 * kDayMs, 40 * kDayMs);
    }
    /// Unordered in one of ten.
    WallSpan span(std::int64_t near) {
        const auto width = one_in(3) ? pick(0, 5 * kDayMs) : pick(0, 20'000);
        if (near > kNowMs * 2 || near < 0 || one_in(10)) {
            return {wall_from_ms(instant()), wall_from_ms(instant())};
        }
        return {wall_from_ms(near - width), wall_from_ms(near + width)};
    }

private:
    std::mt19937_64 engine_;
};

Ledger random_ledger(Random& random, bool has_folds = true) {
    Ledger ledger;
    ledger.known_from = wall_from_ms(random.instant());
    ledger.known_to = wall_from_ms(random.instant());
    if (random.one_in(2)) {
        ledger.known_from = wall_from_ms(kNowMs - 500 * kDayMs);
        ledger.known_to = wall_from_ms(kNowMs + 500 * kDayMs);
    }
    std::uint64_t id = 1;
    std::uint32_t segment = 1;
    auto at = kNowMs - 40 * kDayMs;
    for (auto left = random.pick(0, 60); left > 0; --left) {
        LedgerEntry entry;
        if (random.one_in(3)) {
            ++segment;
        } else {
            ++id;
            segment = 1;
        }
        entry.id = id;
        entry.segment = segment;
        entry.cause = static_cast<Cause>(random.pick(0, random.one_in(50) ? 255 : 16));
        if (random.one_in(5)) at = random.instant();
        const auto end =
            at > kNowMs * 2 || at < 0 ? random.instant() : at + random.pick(-1000, 3 * kDayMs);
        entry.last_good = random.span(at);
        entry.first_bad = random.span(at);
        if (!random.one_in(10)) {
            entry.last_bad = random.span(end);
            if (!random.one_in(20)) entry.first_good = random.span(end);
        }
        if (random.one_in(2)) {
            const auto on = [&] {
                return DeviceTime{BootNo{static_cast<std::uint32_t>(random.pick(0, 3))},
                                  monotonic_from_ms(random.one_in(30) ? random.instant()
                                                                      : random.pick(0, kDayMs))};
            };
            entry.on_device = LedgerEntry::OnDevice{on(), on(), on(), on()};
        }
        if (has_folds && entry.first_good && random.one_in(5)) {
            const auto length = [&] {
                return Millis{random.one_in(20) ? random.instant() : random.pick(0, kDayMs)};
            };
            entry.fold = Fold{2, length(), length(), length(), length()};
        }
        ledger.entries.push_back(std::move(entry));
        at = end;
    }
    return ledger;
}

Clauses random_clauses(Random& random) {
    Clauses clauses;
    for (auto& party : clauses.party) {
        party = static_cast<Party>(random.pick(0, random.one_in(50) ? 255 : 5));
    }
    clauses.counts_over = Seconds{random.one_in(10) ? random.instant() : random.pick(0, 100'000)};
    for (auto left = random.one_in(2) ? 0 : random.pick(0, 8); left > 0; --left) {
        const auto from = random.instant();
        clauses.maintenance.push_back(
            {wall_from_ms(from),
             wall_from_ms(random.one_in(5) ? random.instant()
                                           : from / 2 * 2 + random.pick(0, kDayMs)),
             ""});
    }
    for (auto left = random.one_in(2) ? 0 : random.pick(0, 8); left > 0; --left) {
        clauses.hours.push_back({static_cast<unsigned>(random.pick(0, 7)),
                                 static_cast<unsigned>(random.pick(0, 1500)),
                                 static_cast<unsigned>(random.pick(0, 1500))});
    }
    clauses.promised_ppm = static_cast<std::uint32_t>(random.pick(0, 1'000'000));
    clauses.least_coverage_ppm = static_cast<std::uint32_t>(random.pick(0, 1'000'000));
    return clauses;
}

/// Milliseconds of the period by cause, found by asking every 997th millisecond. Slow and simple.
struct Sampled {
    std::int64_t up = 0, unmeasured = 0, down = 0;
};
Sampled sample(const Ledger& ledger, std::int64_t from, std::int64_t to) {
    const auto middle = [](const WallSpan& one, const WallSpan& other) {
        const auto of = [](const WallSpan& span) {
            return to_ms(span.earliest) + (to_ms(span.latest) - to_ms(span.earliest)) / 2;
        };
        return of(one) + (of(other) - of(one)) / 2;
    };
    Sampled sampled;
    for (auto at = from; at < to; at += 997) {
        if (at < to_ms(ledger.known_from) || at >= to_ms(ledger.known_to)) {
            ++sampled.unmeasured;
            continue;
        }
        const LedgerEntry* newest = nullptr;
        for (const auto& entry : ledger.entries) {
            const auto begin = middle(entry.last_good, entry.first_bad);
            const auto end = entry.last_bad && entry.first_good
                                 ? middle(*entry.last_bad, *entry.first_good)
                                 : to_ms(ledger.known_to);
            if (at >= begin && at < end) newest = &entry;
        }
        if (newest == nullptr) {
            ++sampled.up;
        } else if (newest->cause == Cause::daemon || newest->cause == Cause::unknown) {
            ++sampled.unmeasured;
        } else {
            ++sampled.down;
        }
    }
    return sampled;
}

}  // namespace

TEST_CASE("Seconds add up exactly, for any ledger and any clauses", "[sla]") {
    Random random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(4000); ++round) {
        INFO("seed " << test_seed() << " round " << round);
        const auto ledger = random_ledger(random);
        const auto clauses = random_clauses(random);
        const auto from = kNowMs + random.pick(-60 * kDayMs, 60 * kDayMs);
        const auto length = random.one_in(3) ? random.pick(1, 5000) : random.pick(1, 400 * kDayMs);
        const auto made = evaluate(ledger, clauses, wall_from_ms(from), wall_from_ms(from + length),
                                   Seconds{random.pick(-60'000, 60'000)});
        REQUIRE(made);
        REQUIRE(made->period == Seconds{length / 1000});
        Seconds sum = made->up + made->unmeasured;
        REQUIRE(made->up >= Seconds{0});
        REQUIRE(made->unmeasured >= Seconds{0});
        Seconds down{};
        for (const auto& [party, causes] : made->down) {
            for (const auto& [cause, seconds] : causes) {
                REQUIRE(seconds > Seconds{0});
                down += seconds;
            }
        }
        REQUIRE(sum + down == made->period);
        Seconds judged{};
        for (const auto& outage : made->outages) {
            REQUIRE(outage.from < outage.to);
            REQUIRE(outage.from >= made->from);
            REQUIRE(outage.to <= made->to);
            REQUIRE(outage.certain >= Seconds{0});
            REQUIRE(outage.possible >= outage.certain);
            REQUIRE(outage.in_period >= Seconds{0});
            judged += outage.in_period;
        }
        REQUIRE(made->counted >= Seconds{0});
        REQUIRE(made->disputed >= Seconds{0});
        // Each class is rounded alone, so the sums may be apart by less than one second each.
        REQUIRE(made->counted + made->disputed <= down + Seconds{104});
        REQUIRE(judged <= down + Seconds{104});
        if (made->raw_ppm) REQUIRE(*made->raw_ppm <= 1'000'000);
        if (made->clause_ppm) REQUIRE(*made->clause_ppm <= 1'000'000);
        // Evaluated in two halves, the parts are those of the whole.
        const auto cut = from + length / 2000 * 1000;
        if (cut == from) continue;
        const auto first = evaluate(ledger, clauses, wall_from_ms(from), wall_from_ms(cut), {});
        const auto second =
            evaluate(ledger, clauses, wall_from_ms(cut), wall_from_ms(from + length), {});
        REQUIRE(first);
        REQUIRE(second);
        const auto apart = (first->up + second->up - made->up).count();
        REQUIRE(std::abs(apart) <= 3);
    }
}

TEST_CASE("Days add up exactly, and to the statement of the same period", "[sla]") {
    Random random{test_seed() + 2};
    for (std::uint64_t round = 0; round < test_rounds(400); ++round) {
        INFO("seed " << test_seed() << " round " << round);
        const auto ledger = random_ledger(random);
        const auto from = (kNowMs + random.pick(-60 * kDayMs, 60 * kDayMs)) / 1000 * 1000;
        const auto to = from + random.pick(1, random.one_in(3) ? 90'000 : 400 * 86'400) * 1000;
        const Seconds offset{random.pick(-60'000, 60'000)};
        const auto days = by_day(ledger, wall_from_ms(from), wall_from_ms(to), offset);
        const auto whole =
            evaluate(ledger, example_clauses(), wall_from_ms(from), wall_from_ms(to), offset);
        REQUIRE(days);
        REQUIRE(whole);
        REQUIRE(days->size() <= 401);
        Seconds period{}, up{}, unmeasured{};
        std::map<Cause, Seconds> down;
        for (std::size_t i = 0; i < days->size(); ++i) {
            const auto& day = (*days)[i];
            const bool is_whole = i > 0 && i + 1 < days->size();
            REQUIRE((is_whole ? day.period == Seconds{86'400} : day.period <= Seconds{86'400}));
            REQUIRE((i == 0 || (*days)[i - 1].day < day.day));
            REQUIRE(day.up >= Seconds{0});
            REQUIRE(day.unmeasured >= Seconds{0});
            auto sum = day.up + day.unmeasured;
            for (const auto& [cause, seconds] : day.down) {
                REQUIRE(seconds > Seconds{0});
                sum += seconds;
                down[cause] += seconds;
            }
            REQUIRE(sum == day.period);
            REQUIRE(day.raw_ppm.has_value() == (day.unmeasured < day.period));
            period += day.period;
            up += day.up;
            unmeasured += day.unmeasured;
        }
        REQUIRE(period == whole->period);
        const auto is_close = [](Seconds one, Seconds other) {
            return std::abs((one - other).count()) <= static_cast<std::int64_t>(kCauseCount);
        };
        REQUIRE(is_close(up, whole->up));
        REQUIRE(is_close(unmeasured, whole->unmeasured));
        for (const auto& [party, causes] : whole->down) {
            for (const auto& [cause, seconds] : causes) down[cause] -= seconds;
        }
        for (const auto& [cause, apart] : down) REQUIRE(is_close(apart, Seconds{0}));
    }
}

TEST_CASE("The sweep gives each instant to whom a slow and simple look gives it", "[sla]") {
    Random random{test_seed() + 1};
    for (std::uint64_t round = 0; round < test_rounds(60); ++round) {
        INFO("seed " << test_seed() << " round " << round);
        auto ledger = random_ledger(random, false);
        std::erase_if(ledger.entries, [](const LedgerEntry& entry) {
            const auto is_far = [](const WallSpan& span) {
                return std::abs(to_ms(span.earliest) / 2) > kNowMs ||
                       std::abs(to_ms(span.latest) / 2) > kNowMs;
            };
            return static_cast<std::size_t>(entry.cause) >= kCauseCount ||
                   is_far(entry.last_good) || is_far(entry.first_bad) ||
                   (entry.last_bad && is_far(*entry.last_bad)) ||
                   (entry.first_good && is_far(*entry.first_good));
        });
        if (std::abs(to_ms(ledger.known_to) / 2) > kNowMs) ledger.known_to = wall_from_ms(kNowMs);
        const auto from = kNowMs + random.pick(-30 * kDayMs, 30 * kDayMs);
        const auto to = from + 4 * 3'600'000;
        const auto made =
            evaluate(ledger, example_clauses(), wall_from_ms(from), wall_from_ms(to), Seconds{});
        REQUIRE(made);
        const auto slow = sample(ledger, from, to);
        const auto close = [](Seconds fast, std::int64_t samples) {
            return std::abs(fast.count() * 1000 - samples * 997) <= 130 * 997;
        };
        CHECK(close(made->up, slow.up));
        CHECK(close(made->unmeasured, slow.unmeasured));
    }
}

}  // namespace gerbang::sla
