// A scripted year of one village: what the twelve statements say against what really happened.
// Judge, ledger, true time, placing and evaluation together, without a daemon.

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "common/sla/statement.hpp"
#include "daemon/ledger/boot_ending.hpp"
#include "daemon/ledger/judge.hpp"
#include "daemon/ledger/ledger.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;

namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kYearBegins = 1'798'761'600'000;  // 1 January 2027, UTC
constexpr std::int64_t kYearEnds = kYearBegins + 365 * kDay;
/// The kernel starts, so much later the daemon looks for the first time.
constexpr std::int64_t kStartTakes = 25 * kSecond;

/// What really happened in [from, to), true milliseconds. Causes by which the device or its daemon
/// were gone are interruptions, the others faults of the link.
struct Incident {
    std::int64_t from, to;
    Cause cause;
    bool has_mains_input = false;
};

class Village {
public:
    Village(std::uint64_t seed, bool loses_clock) : engine_{seed}, loses_clock_{loses_clock} {
        script_interruptions();
        script_faults();
        label();
    }

    /// Lives through the year and writes down what the daemon would.
    void live();
    /// Compares one statement with what happened in [from, to).
    void check(std::int64_t from, std::int64_t to);

    [[nodiscard]] const sla::Ledger& ledger() const { return ledger_; }
    /// Of all statements checked: time down, how far they were off, and how far they may have been.
    double down_s = 0, wrong_s = 0, allowed_s = 0;
    std::size_t counted = 0, disputed = 0, tolerated = 0;

private:
    std::int64_t pick(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>{low, high}(engine_);
    }
    /// From seconds to hours, each order of magnitude as likely as another.
    std::int64_t duration(std::int64_t least, std::int64_t most) {
        const auto power = std::uniform_real_distribution<double>{0, 1}(engine_);
        return static_cast<std::int64_t>(
            static_cast<double>(least) *
            std::pow(static_cast<double>(most) / static_cast<double>(least), power));
    }
    void script_interruptions();
    void script_faults();
    void label();
    [[nodiscard]] const Incident* fault_at(std::int64_t at) const;
    [[nodiscard]] std::int64_t next_edge(std::int64_t after) const;
    void begin_boot(std::int64_t began, std::int64_t ends);
    void life(std::int64_t from, std::int64_t to, const Incident* before);
    [[nodiscard]] LadderRound look(std::int64_t at) const;
    [[nodiscard]] DeviceTime device(std::int64_t at) const {
        const auto elapsed = at - boot_began_;
        return {BootNo{boot_}, monotonic_from_ms(elapsed + elapsed / kSecond * ppm_ / 1000)};
    }
    void write(const std::vector<Outage>& segments, std::int64_t at);
    void end_life(std::int64_t from, std::int64_t to, Cause by);
    void check_verdicts(const sla::Statement& statement);

    std::mt19937_64 engine_;
    bool loses_clock_;
    std::vector<Incident> interruptions_, faults_, truth_;

    std::uint32_t boot_ = 0;
    std::int64_t boot_began_ = 0;
    std::int64_t ppm_ = 0;
    Judge judge_{NextHop::automatic};
    OutageIds ids_;
    std::int64_t last_commit_ = 0;
    DeviceTime last_tick_;
    std::vector<Outage> journal_;
    TrueTime time_;
    sla::Ledger ledger_;
};

void Village::script_interruptions() {
    auto at = kYearBegins + pick(kHour, 6 * kHour);
    while (at < kYearEnds + 2 * kDay) {
        Incident one{at, 0, Cause::power};
        const auto kind = pick(0, 99);
        if (kind < 60) {
            one.to = at + duration(2 * kMinute, 9 * kHour);
            one.has_mains_input = kind < 35;
            if (!one.has_mains_input) one.cause = Cause::device_off;
        } else if (kind < 75) {
            one.cause = Cause::daemon;
            one.to = at + duration(20 * kSecond, kHour);
        } else if (kind < 90) {
            one.cause = Cause::reboot;
            one.to = at + pick(20, 90) * kSecond;
        } else if (kind < 95) {
            one.cause = Cause::crash;
            one.to = at + pick(20, 200) * kSecond;
        } else {
            one.cause = Cause::off;
            one.to = at + duration(kHour, 60 * kHour);
        }
        interruptions_.push_back(one);
        at = one.to + duration(10 * kMinute, 3 * kDay);
    }
}

void Village::script_faults() {
    constexpr std::array kCauses{Cause::isp,   Cause::isp,     Cause::dns,    Cause::international,
                                 Cause::modem, Cause::carrier, Cause::blocked};
    const auto is_clear = [&](std::int64_t edge) {
        for (const auto& gap : interruptions_) {
            if (std::abs(edge - gap.from) < 90 * kSecond) return false;
            if (edge > gap.to - 90 * kSecond && edge < gap.to + 3 * kMinute) return false;
        }
        return true;
    };
    auto at = kYearBegins + kHour;
    while (at < kYearEnds) {
        const Incident one{at, at + duration(90 * kSecond, 14 * kHour),
                           kCauses[static_cast<std::size_t>(pick(0, kCauses.size() - 1))]};
        if (is_clear(one.from) && is_clear(one.to)) faults_.push_back(one);
        at = one.to + duration(3 * kMinute, 4 * kDay);
    }
}

/// The truth as far as it can be known at the site: a gap that the link's own failure touches on
/// either side cannot be told (design 6).
void Village::label() {
    for (const auto& gap : interruptions_) {
        auto one = gap;
        if (one.cause != Cause::daemon) one.to += kStartTakes / 2;
        const bool touches =
            fault_at(gap.from - 1) != nullptr || fault_at(gap.to + kStartTakes) != nullptr;
        if (touches) one.cause = Cause::undetermined;
        truth_.push_back(one);
    }
    const auto gaps = truth_;
    for (const auto& fault : faults_) {
        auto from = fault.from;
        for (const auto& gap : gaps) {
            if (gap.to <= from || gap.from >= fault.to) continue;
            if (gap.from > from) truth_.push_back({from, gap.from, fault.cause});
            from = gap.to;
            if (from >= fault.to) break;
        }
        if (from < fault.to) truth_.push_back({from, fault.to, fault.cause});
    }
}

const Incident* Village::fault_at(std::int64_t at) const {
    for (const auto& fault : faults_) {
        if (at >= fault.from && at < fault.to) return &fault;
    }
    return nullptr;
}

std::int64_t Village::next_edge(std::int64_t after) const {
    auto edge = kYearEnds + 30 * kDay;
    for (const auto& fault : faults_) {
        if (fault.from > after) edge = std::min(edge, fault.from);
        if (fault.to > after) edge = std::min(edge, fault.to);
    }
    return edge;
}

LadderRound Village::look(std::int64_t at) const {
    LadderRound round;
    round.at = device(at);
    round.is_full = true;
    round.asked = 4;
    round.answered = 4;
    for (std::size_t i = 1; i < kRungCount; ++i) round.rungs[i].state = RungState::up;
    const auto silent_from = [&](Rung rung) {
        for (auto i = static_cast<std::size_t>(rung); i < kRungCount; ++i) {
            round.rungs[i].state = RungState::down;
            round.rungs[i].silence = Silence::timeout;
        }
        round.answered = 0;
    };
    const auto* fault = fault_at(at);
    if (fault == nullptr) return round;
    switch (fault->cause) {
        case Cause::isp:
            silent_from(Rung::provider);
            break;
        case Cause::modem:
            silent_from(Rung::next_hop);
            break;
        case Cause::carrier:
            for (auto& finding : round.rungs) finding = {};
            round[Rung::carrier].state = RungState::down;
            round.asked = round.answered = 0;
            break;
        case Cause::dns:
            round[Rung::dns] = {RungState::down, Silence::servfail, {}, {}};
            break;
        case Cause::international:
            round[Rung::international] = {RungState::down, Silence::timeout, {}, {}};
            round.answered = 2;
            break;
        default:
            silent_from(Rung::provider);
            round[Rung::web].state = RungState::portal;
            break;
    }
    return round;
}

/// A new kernel, which learns the time late, wrongly first, or never.
void Village::begin_boot(std::int64_t began, std::int64_t ends) {
    ++boot_;
    boot_began_ = began;
    ppm_ = pick(-40, 40);
    auto sync = began + kStartTakes + duration(5 * kSecond, loses_clock_ ? kHour : kMinute);
    const auto luck = loses_clock_ ? pick(0, 99) : 99;
    if (luck < 20) return;
    if (luck < 40) sync += pick(1, 8) * kHour;
    const auto anchor = [&](std::int64_t at, std::int64_t error, AnchorSource source,
                            std::int64_t uncertainty) {
        time_.add({device(at), wall_from_ms(at + error), source, Millis{uncertainty}});
    };
    const auto first = began + kStartTakes + 5 * kSecond;
    if (luck < 50 && first < ends) {
        anchor(first, pick(-60, 60) * kSecond, AnchorSource::operator_, 60'000);
    } else if (luck < 55 && sync + 2 * kHour < ends) {
        anchor(first, pick(-30, 10) * 365 * kDay / 2, AnchorSource::kernel, 50);
    }
    // What was not committed when the power went is not known afterwards.
    for (; sync < ends - 2 * kMinute; sync += kHour) {
        if (loses_clock_ && fault_at(sync) != nullptr && sync < began + kHour) continue;
        const auto give = pick(20, 300);
        anchor(sync, pick(-give, give), AnchorSource::kernel, give);
    }
}

void Village::write(const std::vector<Outage>& segments, std::int64_t at) {
    if (!segments.empty()) last_commit_ = at;
    journal_.insert(journal_.end(), segments.begin(), segments.end());
}

/// One run of the daemon, looking from `from` on and ending at `to`; `before`: what came before.
void Village::life(std::int64_t from, std::int64_t to, const Incident* before) {
    Ledger ledger{3, std::string{link_name::kWan}, ids_, true};
    judge_ = Judge{NextHop::automatic};
    last_commit_ = from;
    time_.saw(device(from));
    if (before != nullptr) {
        PreviousRun run;
        const auto last = journal_.empty() ? Outage{} : journal_.back();
        const bool is_daemon = before->cause == Cause::daemon;
        const bool is_clean = before->cause == Cause::off || before->cause == Cause::reboot;
        EndingEvidence evidence;
        if (before->has_mains_input) evidence.mains_was_on = false;
        evidence.ended_cleanly = is_clean;
        if (before->cause == Cause::reboot) evidence.shutdown_target = "reboot";
        if (before->cause == Cause::off) evidence.shutdown_target = "poweroff";
        evidence.has_crash_dump = before->cause == Cause::crash;
        run.last_tick = last_tick_;
        run.ended_cleanly = is_clean;
        run.ending = judge_ending(evidence);
        run.longest_silence = Millis{is_daemon ? 10 * kSecond : 60 * kSecond};
        if (!journal_.empty() && last.is_open()) {
            run.open = last;
            for (const auto& segment : journal_) {
                if (segment.id != last.id || segment.segment >= last.segment) continue;
                std::erase_if(run.earlier,
                              [&](const Outage& one) { return one.segment == segment.segment; });
                run.earlier.push_back(segment);
            }
        }
        write(ledger.start(run, device(from), is_daemon), from);
    }
    auto at = from;
    while (at < to) {
        write(ledger.observe(judge_.judge(look(at))), at);
        if (ledger.is_in_doubt()) {
            at += 3 * kSecond;
            continue;
        }
        // Nothing changes before the next edge: on to the last round before it.
        const auto edge = std::min(next_edge(at), to);
        at += std::max<std::int64_t>((edge - 1 - at) / (10 * kSecond), 1) * 10 * kSecond;
    }
}

/// What of this life the next one finds: all of it after a clean stop, up to the last tick when the
/// ring survived, else up to the last commit.
void Village::end_life(std::int64_t from, std::int64_t to, Cause by) {
    auto last = to;
    if (by == Cause::daemon) last = from + (to - from) / (10 * kSecond) * 10 * kSecond;
    if (by == Cause::power || by == Cause::device_off || by == Cause::crash) {
        last = from + (to - from) / kMinute * kMinute;
    }
    last_tick_ = device(std::max(last, last_commit_));
    time_.saw(last_tick_);
}

void Village::live() {
    const auto end = kYearEnds + 4 * kDay;
    const auto boot_ends = [&](std::size_t next) {
        while (next < interruptions_.size() && interruptions_[next].cause == Cause::daemon) ++next;
        return next < interruptions_.size() ? interruptions_[next].from : end;
    };
    begin_boot(kYearBegins - kHour, boot_ends(0));
    auto from = boot_began_ + kStartTakes;
    const Incident* before = nullptr;
    for (std::size_t i = 0; i < interruptions_.size(); ++i) {
        const auto& gap = interruptions_[i];
        life(from, gap.from, before);
        end_life(from, gap.from, gap.cause);
        from = gap.to;
        if (gap.cause != Cause::daemon) {
            begin_boot(gap.to, boot_ends(i + 1));
            from += kStartTakes;
        }
        before = &gap;
    }
    life(from, end, before);
    end_life(from, end, Cause::off);
    loses_clock_ = false;
    begin_boot(end, end + kDay);
    const auto placed =
        sla::place(journal_, time_, wall_from_ms(kYearBegins - kHour / 2), wall_from_ms(end));
    ledger_ = placed.ledger;
}

void Village::check(std::int64_t from, std::int64_t to) {
    const auto statement = sla::evaluate(ledger_, sla::example_clauses(), wall_from_ms(from),
                                         wall_from_ms(to), Seconds{});
    REQUIRE(statement);
    // By cause: the example's party follows from it. The last place is time not measured.
    std::array<double, kCauseCount + 1> told{}, truth{}, allowed{};
    const auto place_of = [](Cause cause) {
        return cause == Cause::daemon ? kCauseCount : static_cast<std::size_t>(cause);
    };
    Seconds sum = statement->up + statement->unmeasured;
    told[kCauseCount] = static_cast<double>(statement->unmeasured.count());
    for (const auto& [party, causes] : statement->down) {
        for (const auto& [cause, seconds] : causes) {
            CHECK(sla::example_clauses().party[static_cast<std::size_t>(cause)] == party);
            told[place_of(cause)] += static_cast<double>(seconds.count());
            sum += seconds;
        }
    }
    CHECK(sum == statement->period);
    // Of boots without a place in time nothing is claimed.
    const auto known = std::clamp(to_ms(ledger_.known_from), from, to);
    REQUIRE(to_ms(ledger_.known_to) > kYearEnds);
    truth[kCauseCount] = static_cast<double>(known - from) / kSecond;
    for (const auto& one : truth_) {
        const auto span = std::min(one.to, to) - std::max(one.from, known);
        if (span > 0) truth[place_of(one.cause)] += static_cast<double>(span) / kSecond;
    }
    for (const auto& entry : ledger_.entries) {
        REQUIRE(entry.last_bad);
        REQUIRE(entry.first_good);
        if (to_ms(entry.first_good->latest) < from || to_ms(entry.last_good.earliest) > to) {
            continue;
        }
        const auto start = entry.first_bad.latest - entry.last_good.earliest;
        const auto stop = entry.first_good->latest - entry.last_bad->earliest;
        CHECK(start.count() >= 0);
        CHECK(stop.count() >= 0);
        allowed[place_of(entry.cause)] += static_cast<double>((start + stop).count()) / kSecond + 1;
    }
    double all_allowed = 0, all_truth = 0;
    for (std::size_t i = 0; i <= kCauseCount; ++i) {
        INFO("cause " << (i == kCauseCount ? "unmeasured" : to_string(static_cast<Cause>(i)))
                      << ": told " << told[i] << " s, truth " << truth[i] << " s, allowed "
                      << allowed[i] << " s");
        CHECK(std::abs(told[i] - truth[i]) <= allowed[i] + 1);
        // What the statement itself says of its precision, over all causes.
        CHECK(std::abs(told[i] - truth[i]) <=
              static_cast<double>(statement->uncertain.count()) + 2);
        wrong_s += std::abs(told[i] - truth[i]);
        allowed_s += allowed[i];
        all_allowed += allowed[i];
        down_s += truth[i];
        all_truth += truth[i];
    }
    const auto up = static_cast<double>((to - from) / kSecond) - all_truth;
    CHECK(std::abs(static_cast<double>(statement->up.count()) - up) <= all_allowed + 1);
    check_verdicts(*statement);
}

/// What counts did last over 300 s, what is tolerated did not; a dispute may be either.
void Village::check_verdicts(const sla::Statement& statement) {
    using Verdict = sla::Judged::Verdict;
    for (const auto& judged : statement.outages) {
        counted += judged.verdict == Verdict::counts;
        disputed += judged.verdict == Verdict::disputed;
        tolerated += judged.verdict == Verdict::tolerated;
        if (judged.party != sla::Party::provider) continue;
        // The longest true failure of the provider's that may be meant.
        double longest = 0, shortest = 1e12;
        for (const auto& entry : ledger_.entries) {
            if (entry.id != judged.id) continue;
            for (const auto& one : truth_) {
                if (one.cause != judged.cause || one.to < to_ms(entry.last_good.earliest) ||
                    one.from > to_ms(entry.first_good->latest)) {
                    continue;
                }
                longest = std::max(longest, static_cast<double>(one.to - one.from) / kSecond);
                shortest = std::min(shortest, static_cast<double>(one.to - one.from) / kSecond);
            }
        }
        INFO("outage " << judged.id << " certain " << judged.certain.count() << " s, possible "
                       << judged.possible.count() << " s, truth " << shortest << " to " << longest);
        if (judged.verdict == Verdict::counts) CHECK(longest > 299);
        if (judged.verdict == Verdict::tolerated) CHECK(shortest < 301);
    }
}

void live_and_check(std::uint64_t seed, bool loses_clock) {
    INFO("seed " << seed << (loses_clock ? ", a board without a clock" : ", a board with a clock"));
    Village village{seed, loses_clock};
    village.live();
    // Months of 2027.
    std::int64_t from = kYearBegins;
    for (const int days : {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}) {
        village.check(from, from + days * kDay);
        from += days * kDay;
    }
    REQUIRE(from == kYearEnds);
    CHECK(village.down_s > 100 * 3600);
    CHECK(village.counted > 20);
    CHECK(village.tolerated > 5);
    INFO((loses_clock ? "without a clock: " : "with a clock: ")
         << village.down_s / 3600 << " h down or unmeasured, statements off by "
         << village.wrong_s / 60 << " min in all, allowed " << village.allowed_s / 60 << " min; "
         << village.counted << " stretches count, " << village.disputed << " disputed, "
         << village.tolerated << " tolerated");
    // Bounds that would forgive anything prove nothing. Of the boots without a clock one in five
    // never learns the time, and a gap beside one of those may be hours long.
    CHECK(village.allowed_s < (loses_clock ? 2.5 : 0.02) * village.down_s);
    CHECK(village.wrong_s < (loses_clock ? 0.25 : 0.001) * village.down_s);
}

}  // namespace

TEST_CASE("Twelve statements of a scripted year equal the truth, on a board that learns the time",
          "[year]") {
    for (std::uint64_t round = 0; round < test_rounds(3); ++round) {
        live_and_check(test_seed() + round, false);
    }
}

TEST_CASE("Twelve statements of a scripted year hold their bounds on a board that loses the time",
          "[year]") {
    for (std::uint64_t round = 0; round < test_rounds(3); ++round) {
        live_and_check(test_seed() + round, true);
    }
}
