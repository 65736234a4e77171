// A thousand random clocks: boards at 1970, steps of years both ways, weeks without
// synchronisation, late anchors, and the years after 2038. The rules for anchors, the wall time of
// what travels, and the ledger, together on virtual time.

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "common/sla/statement.hpp"
#include "daemon/ledger/ledger.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;

namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kYear = 365 * kDay;

/// One record of a journal, with what its reader cannot know.
struct Entry {
    DeviceTime at;
    std::int64_t truth_ms = 0;
    std::optional<Anchor> anchor;
    std::int64_t anchor_error_ms = 0;  ///< of `anchor`, what its uncertainty does not cover
};

/// A site's life: its journal in sequence (entry i has number i + 1), and its outages.
class Schedule {
public:
    explicit Schedule(std::uint64_t seed) : engine_{seed} {
        // The real time lies before or beyond 2038.
        truth_ = 1'790'000'000'000 + pick(0, 30) * kYear;
        is_honest_ = pick(0, 1) == 0;
        const auto boots = pick(1, 6);
        for (std::int64_t boot = 1; boot <= boots; ++boot) {
            live(static_cast<std::uint32_t>(boot));
            truth_ += pick(0, 2) == 0 ? pick(5, 60) * 1000 : pick(0, 5 * kDay);
        }
    }

    std::vector<Entry> entries;
    std::vector<Outage> outages;
    std::int64_t began_ms = 0;
    [[nodiscard]] bool is_honest() const { return is_honest_; }

private:
    std::int64_t pick(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>{low, high}(engine_);
    }
    void live(std::uint32_t boot);
    void offer(DeviceTime now, std::int64_t truth);

    std::mt19937_64 engine_;
    std::int64_t truth_ = 0;
    bool is_honest_ = true;
    OutageIds ids_;
    std::optional<DeviceTime> last_;

    // The kernel's clock on this boot.
    std::optional<Anchor> latest_;
    bool is_synchronised_ = false;
    std::int64_t wall_error_ = 0;  ///< of the kernel's clock, beyond what it admits
    bool has_province_ = false, has_operator_ = false;
};

/// What the daemon hears of the time now, and whether it writes it down.
void Schedule::offer(DeviceTime now, std::int64_t truth) {
    std::vector<std::pair<Anchor, std::int64_t>> candidates;
    if (is_synchronised_) {
        const auto give = pick(1, 400);
        candidates.push_back({{now, wall_from_ms(truth + wall_error_ + pick(-give, give)),
                               AnchorSource::kernel, Millis{give}},
                              wall_error_});
    }
    if (has_province_) {
        const auto trip = pick(20, 3000);
        const auto date = (truth - pick(0, trip)) / 1000 * 1000;
        const auto anchor =
            anchor_from_date(now.boot, wall_from_ms(date), now.at - Millis{trip}, now.at);
        CHECK(std::abs(to_ms(anchor.wall) - truth) <= anchor.uncertainty.count());
        candidates.push_back({anchor, 0});
    }
    if (has_operator_) {
        has_operator_ = false;
        const auto typo = is_honest_ || pick(0, 1) == 0 ? 0 : pick(-20, 20) * kYear + kHour;
        candidates.push_back({{now, wall_from_ms(truth + typo + pick(-60'000, 60'000)),
                               AnchorSource::operator_, kOperatorUncertainty},
                              typo});
    }
    for (const auto& [anchor, error] : candidates) {
        if (to_ms(anchor.wall) < 0) continue;
        if (!wants_anchor(latest_ ? &*latest_ : nullptr, anchor)) continue;
        latest_ = anchor;
        entries.push_back({now, truth, anchor, error});
    }
}

void Schedule::live(std::uint32_t boot) {
    const auto began = truth_;
    const auto ppm = pick(-40, 40);
    const auto device = [&](std::int64_t elapsed) {
        return DeviceTime{BootNo{boot}, monotonic_from_ms(elapsed + elapsed / 1000 * ppm / 1000)};
    };
    if (boot == 1) began_ms = began;
    latest_.reset();
    is_synchronised_ = false;
    wall_error_ = -began;  // 1970
    has_province_ = false;
    Ledger ledger{3, std::string{link_name::kWan}, ids_, true};
    if (last_) {
        PreviousRun run;
        run.last_tick = *last_;
        run.ended_cleanly = pick(0, 1) == 0;
        if (!outages.empty() && outages.back().is_open()) run.open = outages.back();
        for (const auto& segment : ledger.start(run, device(0), false)) outages.push_back(segment);
    }
    const auto length = pick(0, 4) == 0 ? pick(10, 45) * kDay : pick(kMinute, 12 * kHour);
    // 150 records at most, an hour or less apart in the short boots.
    const auto step = std::max<std::int64_t>(length / 150, 10'000);
    for (std::int64_t elapsed = 0; elapsed < length; elapsed += step) {
        const auto now = device(elapsed);
        last_ = now;
        entries.push_back({now, began + elapsed, std::nullopt, 0});
        switch (pick(0, 30)) {
            case 0:
            case 1:
                is_synchronised_ = true;
                wall_error_ = 0;
                break;
            case 2:
                is_synchronised_ = false;
                break;
            case 3:  // a wrong server, a clock set by hand
                if (!is_honest_) wall_error_ = pick(-20, 20) * kYear + pick(1, 500) * kMinute;
                break;
            case 4:
                has_province_ = !has_province_;
                break;
            case 5:
                has_operator_ = pick(0, 5) == 0;
                break;
            default:
                break;
        }
        offer(now, began + elapsed);
        Verdict verdict{.at = now, .state = pick(0, 3) == 0 ? LinkState::down : LinkState::up};
        verdict.cause = pick(0, 1) == 0 ? Cause::isp : Cause::carrier;
        for (const auto& segment : ledger.observe(verdict)) outages.push_back(segment);
    }
    truth_ = began + length;
}

/// The anchor that the prefix rule takes for entry `index`.
const Entry* anchor_for(const std::vector<Entry>& entries, std::size_t index) {
    const auto boot = entries[index].at.boot;
    for (auto i = index; i-- > 0;) {
        if (entries[i].anchor && entries[i].at.boot == boot) return &entries[i];
    }
    for (auto i = index; i < entries.size(); ++i) {
        if (entries[i].anchor && entries[i].at.boot == boot) return &entries[i];
    }
    return nullptr;
}

/// What `anchor` may be off at `at`: its uncertainty, and a kernel's pace of 100 ppm.
std::int64_t allowance(const Anchor& anchor, DeviceTime at) {
    return anchor.uncertainty.count() + std::abs((at.at - anchor.at.at).count()) / 10'000 + 2;
}

using Stamps = std::vector<std::optional<WallTime>>;
Stamps stamps_of(const std::vector<Entry>& entries, std::size_t count, const Timeline& timeline) {
    PrefixStamper stamper{timeline, std::nullopt};
    Stamps stamps;
    for (std::size_t i = 0; i < count; ++i)
        stamps.push_back(stamper.stamp(Seq{i + 1}, entries[i].at));
    return stamps;
}

void check_what_travels(const Schedule& schedule) {
    const auto& entries = schedule.entries;
    Timeline timeline;
    Stamps early;
    std::size_t early_count = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        // Asked for now and then while the journal grows: what had a time keeps it.
        if (i % 97 == 96) {
            const auto now = stamps_of(entries, i, timeline);
            for (std::size_t k = 0; k < early_count; ++k) {
                if (early[k]) REQUIRE(now[k] == early[k]);
            }
            early = now;
            early_count = i;
        }
        if (entries[i].anchor) timeline.add(Seq{i + 1}, *entries[i].anchor);
    }
    const auto stamps = stamps_of(entries, entries.size(), timeline);
    std::vector<Record> records;
    std::int64_t most_allowed = 0;
    std::optional<WallTime> before;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i < early_count && early[i]) REQUIRE(stamps[i] == early[i]);
        records.push_back({Seq{i + 1}, Event{EventKind::start, entries[i].at, {}}});
        const auto* told = anchor_for(entries, i);
        REQUIRE(stamps[i].has_value() == (told != nullptr));
        if (told == nullptr) continue;
        if (before) REQUIRE(*stamps[i] >= *before);
        before = stamps[i];
        if (told->anchor_error_ms == 0) {
            const auto allowed = allowance(*told->anchor, entries[i].at);
            most_allowed = std::max(most_allowed, allowed);
            const auto wall = timeline.wall_of(Seq{i + 1}, entries[i].at);
            REQUIRE(wall);
            const auto truth = entries[i].truth_ms;
            REQUIRE(std::abs(to_ms(*wall) - truth) <= allowed);
            if (schedule.is_honest()) {
                // Held back by its predecessor at most, which was right as well.
                REQUIRE(to_ms(*stamps[i]) >= truth - allowed);
                REQUIRE(to_ms(*stamps[i]) <= truth + most_allowed);
            }
        }
    }
    std::size_t deferred = 0;
    for (const auto& range : deferred_ranges(records, timeline)) {
        for (auto seq = range.first; seq <= range.last; seq = seq.next()) {
            REQUIRE_FALSE(stamps[seq.value - 1]);
            ++deferred;
        }
    }
    REQUIRE(deferred == static_cast<std::size_t>(
                            std::count(stamps.begin(), stamps.end(), std::optional<WallTime>{})));
}

void check_ledger(const Schedule& schedule) {
    TrueTime time;
    for (const auto& entry : schedule.entries) {
        time.saw(entry.at);
        if (entry.anchor) time.add(*entry.anchor);
    }
    std::optional<WallSpan> before;
    for (const auto& entry : schedule.entries) {
        const auto span = time.at(entry.at);
        if (!span) continue;
        REQUIRE(span->earliest <= span->latest);
        if (before) {
            REQUIRE(span->earliest >= before->earliest);
            REQUIRE(span->latest >= before->latest);
        }
        before = span;
        if (!schedule.is_honest()) continue;
        REQUIRE(to_ms(span->earliest) <= entry.truth_ms);
        REQUIRE(to_ms(span->latest) >= entry.truth_ms);
    }
    const auto begin = time.begin();
    if (!begin) return;
    const auto placed = sla::place(schedule.outages, time, begin->middle(), before->latest);
    for (const auto& entry : placed.ledger.entries) {
        if (!entry.first_good) continue;
        // (A gap's first_bad may lie on a clock that had stopped: see the ledger.)
        REQUIRE(entry.first_good->latest >= entry.last_good.earliest);
        REQUIRE(entry.first_good->middle() >= entry.last_good.middle());
    }
    // Wrong clocks may spread the boots over decades; no statement is longer than ten years.
    const auto from = std::max(begin->earliest - Millis{kDay}, before->latest - Millis{9 * kYear});
    const auto statement = sla::evaluate(placed.ledger, sla::example_clauses(), from,
                                         before->latest + Millis{kDay}, Seconds{8 * 3600});
    REQUIRE(statement);
    Seconds sum = statement->up + statement->unmeasured;
    for (const auto& [party, causes] : statement->down) {
        for (const auto& [cause, seconds] : causes) {
            REQUIRE(seconds.count() > 0);
            sum += seconds;
        }
    }
    REQUIRE(sum == statement->period);
    for (const auto& judged : statement->outages) {
        REQUIRE(judged.from < judged.to);
        REQUIRE(judged.possible >= judged.certain);
        REQUIRE(judged.certain.count() >= 0);
    }
}

}  // namespace

TEST_CASE("A thousand random clocks: order, no negative time, no wrong time, no changed time",
          "[year]") {
    std::size_t anchors = 0;
    std::size_t records = 0;
    std::size_t beyond_2038 = 0;
    const auto rounds = test_rounds(1000);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        INFO("seed " << test_seed() << " round " << round);
        const Schedule schedule{test_seed() * 1'000'003 + round};
        for (std::size_t i = 0; i < schedule.entries.size(); ++i) {
            const auto& entry = schedule.entries[i];
            if (i > 0) REQUIRE(schedule.entries[i - 1].at <= entry.at);
            anchors += entry.anchor.has_value();
        }
        records += schedule.entries.size();
        beyond_2038 += schedule.began_ms > 2'147'483'648'000;
        check_what_travels(schedule);
        check_ledger(schedule);
    }
    CHECK(anchors > rounds * 3);
    CHECK(records > rounds * 100);
    CHECK(beyond_2038 * 4 > rounds);
}
