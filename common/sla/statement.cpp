#include "common/sla/statement.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <compare>
#include <cstdio>
#include <limits>

#include "common/sla/calendar.hpp"

namespace gerbang::sla {
namespace {

/// No instant of a ledger lies beyond; sums of a few stay in 64 bits.
constexpr std::int64_t kFarMs = std::int64_t{1} << 52;
/// Windows and opening hours are looked at so far beyond the period.
constexpr std::int64_t kBeyondMs = 366 * 86'400'000LL;

constexpr std::array<std::string_view, 4> kVerdicts{"counts", "disputed", "tolerated", "excluded"};

std::int64_t ms_of(WallTime at) {
    return std::clamp(to_ms(at), -kFarMs, kFarMs);
}

std::int64_t clamped(Millis length) {
    return std::clamp<std::int64_t>(length.count(), 0, kFarMs);
}

std::int64_t middle(std::int64_t one, std::int64_t other) {
    return one + (other - one) / 2;
}

std::int64_t middle(const WallSpan& span) {
    return middle(ms_of(span.earliest), ms_of(span.latest));
}

bool is_unmeasured(Cause cause) {
    return cause == Cause::daemon || cause == Cause::unknown ||
           static_cast<std::size_t>(cause) >= kCauseCount;
}

/// What is sorted, whatever it is: one kind of sorting for all keeps the program small.
struct Ranked {
    std::int64_t rank;
    std::uint64_t second;
    std::size_t index;
    auto operator<=>(const Ranked&) const = default;
};
using Ranks = std::vector<Ranked>;

/// One entry of the ledger on the way to seconds.
struct Piece {
    const LedgerEntry* entry;
    std::int64_t from_ms, to_ms;  ///< by the middles; not clipped
    Party party;
    bool is_measured;
    std::size_t stretch;  ///< index; meaningless when not measured
    std::int64_t down_ms = 0;

    /// How much of its time before `at` it was down: all of it, but for a fold.
    [[nodiscard]] std::int64_t down_before(std::int64_t at) const;
};

std::int64_t Piece::down_before(std::int64_t at) const {
    const auto gone = std::clamp(at, from_ms, std::max(from_ms, to_ms)) - from_ms;
    if (!entry->fold || to_ms <= from_ms) return gone;
    // In floating point no product overflows; every instant is rounded alike, so parts add up.
    const auto whole = static_cast<double>(to_ms - from_ms);
    const auto down =
        static_cast<double>(middle(clamped(entry->fold->certain), clamped(entry->fold->possible)));
    const auto share = std::clamp(down / whole, 0.0, 1.0);
    return static_cast<std::int64_t>(share * static_cast<double>(gone));
}

/// Consecutive pieces of one outage and one party: [first, last].
struct Stretch {
    std::size_t first, last;
    std::int64_t from_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t to_ms = std::numeric_limits<std::int64_t>::min();
    std::int64_t open_ms = 0, maintenance_ms = 0;
};

/// Sums in milliseconds: up, unmeasured, then down by party and cause.
constexpr std::size_t kUp = 0;
constexpr std::size_t kUnmeasured = 1;
constexpr std::size_t kDown = 2;
constexpr std::size_t kSums = kDown + kPartyCount * kCauseCount;
using Sums = std::array<std::int64_t, kSums>;

/// Turns milliseconds into seconds whose sum is that of the milliseconds and of `rest`, rounded
/// down. `rest`: what rounding left over before, and after, by sum.
void to_seconds(Sums& sums, Sums& rest) {
    std::int64_t over = 0;
    for (std::size_t i = 0; i < kSums; ++i) {
        sums[i] += rest[i];
        rest[i] = sums[i] % 1000;
        over += rest[i];
        sums[i] /= 1000;
    }
    for (over /= 1000; over > 0; --over) {
        const auto most = std::max_element(rest.begin(), rest.end());
        ++sums[static_cast<std::size_t>(most - rest.begin())];
        *most -= 1000;
    }
    // Sums that got a second too much before and have nothing now: others wait for theirs.
    for (; over < 0; ++over) {
        std::size_t least = kSums;
        for (std::size_t i = 0; i < kSums; ++i) {
            if (sums[i] > 0 && (least == kSums || rest[i] < rest[least])) least = i;
        }
        if (least == kSums) return;
        --sums[least];
        rest[least] += 1000;
    }
}

std::uint32_t parts_per_million(std::int64_t part, std::int64_t whole) {
    return static_cast<std::uint32_t>(part * 1'000'000 / whole);
}

/// How long it was from `a` to `b` at least, or at most.
struct Instant {
    WallSpan wall;
    std::optional<DeviceTime> device;
};
std::int64_t distance_ms(const Instant& a, const Instant& b, bool at_most) {
    std::int64_t ms = 0;
    if (a.device && b.device && a.device->boot == b.device->boot) {
        ms = std::clamp(to_ms(b.device->at), -kFarMs, kFarMs) -
             std::clamp(to_ms(a.device->at), -kFarMs, kFarMs);
    } else if (at_most) {
        ms = ms_of(b.wall.latest) - ms_of(a.wall.earliest);
    } else {
        ms = ms_of(b.wall.earliest) - ms_of(a.wall.latest);
    }
    return std::max<std::int64_t>(ms, 0);
}

Instant instant(const LedgerEntry& entry, const WallSpan& wall,
                DeviceTime LedgerEntry::OnDevice::*which) {
    Instant made{wall, std::nullopt};
    if (entry.on_device) made.device = (*entry.on_device).*which;
    return made;
}

/// The work of one call of `evaluate`.
class Evaluation {
public:
    Evaluation(const Ledger& ledger, const Clauses& clauses, std::int64_t from_ms,
               std::int64_t to_ms, Seconds utc_offset)
        : clauses_{clauses},
          calendar_{clauses, utc_offset},
          ledger_begin_{ledger.known_from},
          ledger_end_{ledger.known_to, ledger.known_to} {
        look_at(from_ms, to_ms);
        for (const auto& entry : ledger.entries) add(entry);
    }

    void run(Statement& into);
    /// One part of the period; parts one after the other. `rest`: as `to_seconds`.
    void run(Day& into, std::int64_t from_ms, std::int64_t to_ms, Sums& rest);

private:
    void look_at(std::int64_t from_ms, std::int64_t to_ms);
    void add(const LedgerEntry& entry);
    void sweep();
    [[nodiscard]] std::int64_t uncertain_ms() const;
    void take(std::int64_t from_ms, std::int64_t to_ms, Piece* piece);
    [[nodiscard]] Judged judge(const Stretch& stretch) const;
    [[nodiscard]] std::int64_t duration_ms(std::size_t first, std::size_t last, bool at_most) const;
    [[nodiscard]] bool may_be_providers(std::size_t piece, std::uint64_t id) const;

    const Clauses& clauses_;
    Calendar calendar_;
    WallTime ledger_begin_;
    WallSpan ledger_end_;
    std::int64_t from_ms_ = 0, to_ms_ = 0, known_from_ms_ = 0, known_to_ms_ = 0;
    std::vector<Piece> pieces_;
    std::vector<Stretch> stretches_;
    Sums sums_{};
};

void Evaluation::look_at(std::int64_t from_ms, std::int64_t to_ms) {
    from_ms_ = from_ms;
    to_ms_ = to_ms;
    known_from_ms_ = std::clamp(ms_of(ledger_begin_), from_ms, to_ms);
    known_to_ms_ = std::clamp(ms_of(ledger_end_.latest), known_from_ms_, to_ms);
}

void Evaluation::add(const LedgerEntry& entry) {
    Piece piece{.entry = &entry,
                .from_ms = middle(middle(entry.last_good), middle(entry.first_bad)),
                .to_ms = ms_of(ledger_end_.latest),
                .party = Party::undecided,
                .is_measured = !is_unmeasured(entry.cause),
                .stretch = stretches_.size()};
    if (entry.last_bad && entry.first_good) {
        piece.to_ms = middle(middle(*entry.last_bad), middle(*entry.first_good));
    }
    if (piece.is_measured) {
        piece.party = clauses_.party[static_cast<std::size_t>(entry.cause)];
        if (static_cast<std::size_t>(piece.party) >= kPartyCount) piece.party = Party::undecided;
        const auto* before = pieces_.empty() ? nullptr : &pieces_.back();
        if (before != nullptr && before->is_measured && before->entry->id == entry.id &&
            before->party == piece.party) {
            piece.stretch = before->stretch;
            stretches_[piece.stretch].last = pieces_.size();
        } else {
            stretches_.push_back({.first = pieces_.size(), .last = pieces_.size()});
        }
    }
    pieces_.push_back(piece);
}

/// Half the width of what is left of [last_good, first_bad] and [last_bad, first_good] in the part
/// of the period that is known, over all entries; rounded up.
std::int64_t Evaluation::uncertain_ms() const {
    std::int64_t sum = 0;
    const auto add_bounds = [&](const WallSpan& one, const WallSpan& other) {
        const auto from = std::clamp(ms_of(one.earliest), known_from_ms_, known_to_ms_);
        const auto to = std::clamp(ms_of(other.latest), known_from_ms_, known_to_ms_);
        sum += std::max<std::int64_t>(to - from + 1, 0) / 2;
    };
    for (const auto& piece : pieces_) {
        const auto& entry = *piece.entry;
        if (entry.fold) {
            // Of what is clipped by the period nobody knows which part is vague.
            const auto vague = clamped(entry.fold->possible) - clamped(entry.fold->certain);
            if (piece.to_ms > known_from_ms_ && piece.from_ms < known_to_ms_) {
                sum += std::max<std::int64_t>(vague + 1, 0) / 2;
            }
            continue;
        }
        add_bounds(entry.last_good, entry.first_bad);
        if (entry.last_bad && entry.first_good) add_bounds(*entry.last_bad, *entry.first_good);
    }
    return sum;
}

/// Gives every instant of the period to one piece or to none.
void Evaluation::sweep() {
    Ranks cuts{{known_from_ms_, 0, 0}, {known_to_ms_, 0, 0}};
    Ranks waiting;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
        const auto& piece = pieces_[i];
        const auto from = std::clamp(piece.from_ms, known_from_ms_, known_to_ms_);
        const auto to = std::clamp(piece.to_ms, known_from_ms_, known_to_ms_);
        if (from >= to) continue;
        cuts.push_back({from, 0, 0});
        cuts.push_back({to, 0, 0});
        waiting.push_back({from, 0, i});
    }
    std::sort(cuts.begin(), cuts.end());
    std::sort(waiting.begin(), waiting.end());
    Ranks present;
    std::size_t next = 0;
    for (std::size_t i = 1; i < cuts.size(); ++i) {
        const auto from = cuts[i - 1].rank;
        const auto to = cuts[i].rank;
        if (from == to) continue;
        for (; next < waiting.size() && waiting[next].rank <= from; ++next) {
            present.push_back(waiting[next]);
        }
        // The newest word holds: pieces stand in the ledger's order.
        Piece* newest = nullptr;
        for (std::size_t k = 0; k < present.size();) {
            auto* piece = &pieces_[present[k].index];
            if (piece->to_ms <= from) {
                present[k] = present.back();
                present.pop_back();
                continue;
            }
            if (newest == nullptr || piece > newest) newest = piece;
            ++k;
        }
        take(from, to, newest);
    }
    sums_[kUnmeasured] += (known_from_ms_ - from_ms_) + (to_ms_ - known_to_ms_);
}

void Evaluation::take(std::int64_t from_ms, std::int64_t to_ms, Piece* piece) {
    if (piece == nullptr || !piece->is_measured) {
        sums_[piece == nullptr ? kUp : kUnmeasured] += to_ms - from_ms;
        return;
    }
    auto& stretch = stretches_[piece->stretch];
    stretch.from_ms = std::min(stretch.from_ms, from_ms);
    stretch.to_ms = std::max(stretch.to_ms, to_ms);
    while (from_ms < to_ms) {
        const auto found = calendar_.look(from_ms);
        const auto until = std::min(found.until_ms, to_ms);
        const auto span = piece->down_before(until) - piece->down_before(from_ms);
        sums_[kUp] += (until - from_ms) - span;
        piece->down_ms += span;
        auto party = piece->party;
        if (found.kind == Calendar::Kind::maintenance) {
            party = Party::nobody;
            stretch.maintenance_ms += span;
        } else if (found.kind == Calendar::Kind::open) {
            stretch.open_ms += span;
        }
        sums_[kDown + static_cast<std::size_t>(party) * kCauseCount +
              static_cast<std::size_t>(piece->entry->cause)] += span;
        from_ms = until;
    }
}

/// Of `pieces_[first..last]`, less what the calendar excludes.
std::int64_t Evaluation::duration_ms(std::size_t first, std::size_t last, bool at_most) const {
    using OnDevice = LedgerEntry::OnDevice;
    const auto& a = *pieces_[first].entry;
    const auto& b = *pieces_[last].entry;
    const auto from = at_most ? instant(a, a.last_good, &OnDevice::last_good)
                              : instant(a, a.first_bad, &OnDevice::first_bad);
    Instant to{ledger_end_, std::nullopt};
    if (b.last_bad && b.first_good) {
        to = at_most ? instant(b, *b.first_good, &OnDevice::first_good)
                     : instant(b, *b.last_bad, &OnDevice::last_bad);
    }
    const auto whole = distance_ms(from, to, at_most);
    const auto excluded =
        calendar_.excluded_ms(std::max(pieces_[first].from_ms, from_ms_ - kBeyondMs),
                              std::min(pieces_[last].to_ms, to_ms_ + kBeyondMs));
    return std::max<std::int64_t>(whole - excluded, 0);
}

/// True when that piece is of the same outage and may have been the provider's time.
bool Evaluation::may_be_providers(std::size_t piece, std::uint64_t id) const {
    return piece < pieces_.size() && pieces_[piece].entry->id == id &&
           (!pieces_[piece].is_measured || pieces_[piece].party == Party::undecided ||
            pieces_[piece].party == Party::provider);
}

Judged Evaluation::judge(const Stretch& stretch) const {
    Judged judged;
    const auto& first = pieces_[stretch.first];
    judged.id = first.entry->id;
    judged.party = first.party;
    std::int64_t most = -1;
    for (auto i = stretch.first; i <= stretch.last; ++i) {
        if (pieces_[i].down_ms <= most) continue;
        most = pieces_[i].down_ms;
        judged.cause = pieces_[i].entry->cause;
    }
    judged.from = wall_from_ms(stretch.from_ms);
    judged.to = wall_from_ms(stretch.to_ms);
    judged.in_period = Seconds{stretch.open_ms / 1000};

    auto left = stretch.first;
    auto right = stretch.last;
    if (judged.party == Party::provider) {
        while (left > 0 && may_be_providers(left - 1, judged.id)) --left;
        while (may_be_providers(right + 1, judged.id)) ++right;
    }
    const auto& fold = first.entry->fold;
    const auto certain_ms =
        fold ? clamped(fold->longest_certain) : duration_ms(stretch.first, stretch.last, false);
    const auto possible_ms = std::max(
        fold ? clamped(fold->longest_possible) : duration_ms(left, right, true), certain_ms);
    judged.certain = Seconds{certain_ms / 1000};
    judged.possible = Seconds{possible_ms / 1000};
    const auto threshold_ms =
        std::clamp<std::int64_t>(clauses_.counts_over.count(), 0, kFarMs / 1000) * 1000;
    if (judged.party != Party::provider) {
        judged.reason = to_string(judged.party);
    } else if (stretch.open_ms == 0) {
        judged.reason = stretch.maintenance_ms > 0 ? "maintenance" : "closed";
    } else if (certain_ms > threshold_ms && !fold) {
        judged.verdict = Judged::Verdict::counts;
        judged.reason = "over_threshold";
    } else if (possible_ms > threshold_ms) {
        judged.verdict = Judged::Verdict::disputed;
        judged.reason = "uncertain";
    } else {
        judged.verdict = Judged::Verdict::tolerated;
        judged.reason = "within_threshold";
    }
    return judged;
}

void Evaluation::run(Statement& into) {
    sweep();
    std::int64_t counted_ms = 0;
    std::int64_t disputed_ms = 0;
    Ranks order;
    for (std::size_t i = 0; i < stretches_.size(); ++i) {
        const auto& stretch = stretches_[i];
        if (stretch.from_ms >= stretch.to_ms) continue;
        order.push_back({stretch.from_ms, pieces_[stretch.first].entry->id, i});
    }
    std::sort(order.begin(), order.end());
    into.outages.reserve(order.size());
    for (const auto& ranked : order) {
        const auto& stretch = stretches_[ranked.index];
        into.outages.push_back(judge(stretch));
        const auto verdict = into.outages.back().verdict;
        if (verdict == Judged::Verdict::counts) counted_ms += stretch.open_ms;
        if (verdict == Judged::Verdict::disputed) disputed_ms += stretch.open_ms;
    }
    into.counted = Seconds{counted_ms / 1000};
    into.disputed = Seconds{disputed_ms / 1000};

    Sums rest{};
    to_seconds(sums_, rest);
    into.period = Seconds{(to_ms_ - from_ms_) / 1000};
    into.uncertain = Seconds{(uncertain_ms() + 999) / 1000};
    into.up = Seconds{sums_[kUp]};
    into.unmeasured = Seconds{sums_[kUnmeasured]};
    for (std::size_t i = kDown; i < kSums; ++i) {
        if (sums_[i] == 0) continue;
        const auto party = static_cast<Party>((i - kDown) / kCauseCount);
        into.down[party][static_cast<Cause>((i - kDown) % kCauseCount)] = Seconds{sums_[i]};
    }
    const std::int64_t measured = into.period.count() - into.unmeasured.count();
    if (measured > 0) {
        into.raw_ppm = parts_per_million(into.up.count(), measured);
        const auto kept = std::max<std::int64_t>(measured - into.counted.count(), 0);
        into.clause_ppm = parts_per_million(kept, measured);
    }
    if (into.period.count() > 0) {
        into.coverage_ppm = parts_per_million(measured, into.period.count());
    }
    into.has_verdict = into.clause_ppm.has_value() && clauses_.promised_ppm > 0 &&
                       into.coverage_ppm >= clauses_.least_coverage_ppm;
    into.is_kept = into.has_verdict && *into.clause_ppm >= clauses_.promised_ppm;
}

void Evaluation::run(Day& into, std::int64_t from_ms, std::int64_t to_ms, Sums& rest) {
    look_at(from_ms, to_ms);
    sums_.fill(0);
    sweep();
    to_seconds(sums_, rest);
    into.up = Seconds{sums_[kUp]};
    into.unmeasured = Seconds{sums_[kUnmeasured]};
    into.period = into.up + into.unmeasured;
    for (std::size_t i = kDown; i < kSums; ++i) {
        if (sums_[i] == 0) continue;
        into.down[static_cast<Cause>((i - kDown) % kCauseCount)] += Seconds{sums_[i]};
        into.period += Seconds{sums_[i]};
    }
    const auto measured = (into.period - into.unmeasured).count();
    if (measured > 0) into.raw_ppm = parts_per_million(into.up.count(), measured);
}

/// "2026-10-01" of the day with this number since 1970.
std::string date_of(std::int64_t day) {
    const std::chrono::year_month_day date{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}}};
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return text.data();
}

/// Nothing when [from, to) is a period of at most `longest`.
std::optional<Error> bad_period(std::int64_t from_ms, std::int64_t to_ms, Seconds longest) {
    if (from_ms >= to_ms) {
        return Error{Errc::bad_input, "the period's end must lie after its beginning"};
    }
    if (to_ms - from_ms <= longest.count() * 1000) return std::nullopt;
    return Error{Errc::bad_input,
                 "the period is longer than " + std::to_string(longest.count() / 86'400) + " days"};
}

}  // namespace

std::string_view to_string(Judged::Verdict verdict) noexcept {
    const auto index = static_cast<std::size_t>(verdict);
    return kVerdicts[index < kVerdicts.size() ? index : kVerdicts.size() - 1];
}

std::optional<Judged::Verdict> parse_verdict(std::string_view name) noexcept {
    for (std::size_t i = 0; i < kVerdicts.size(); ++i) {
        if (kVerdicts[i] == name) return static_cast<Judged::Verdict>(i);
    }
    return std::nullopt;
}

Result<Statement> evaluate(const Ledger& ledger, const Clauses& clauses, WallTime from, WallTime to,
                           Seconds utc_offset) {
    const auto from_ms = ms_of(from);
    const auto to_ms = ms_of(to);
    if (auto error = bad_period(from_ms, to_ms, kLongestPeriod)) return *error;
    Statement statement;
    statement.from = wall_from_ms(from_ms);
    statement.to = wall_from_ms(to_ms);
    statement.clauses = clauses.name;
    statement.is_example = clauses.is_example;
    Evaluation{ledger, clauses, from_ms, to_ms, utc_offset}.run(statement);
    return statement;
}

Result<std::vector<Day>> by_day(const Ledger& ledger, WallTime from, WallTime to,
                                Seconds utc_offset) {
    constexpr std::int64_t kDayMs = 86'400'000;
    const auto end = ms_of(to);
    auto at = ms_of(from);
    if (auto error = bad_period(at, end, kLongestDays)) return *error;
    const auto offset_ms = std::clamp<std::int64_t>(utc_offset.count(), -86'400, 86'400) * 1000;
    const Clauses nobody;
    Evaluation evaluation{ledger, nobody, at, end, utc_offset};
    Sums rest{};
    std::vector<Day> days;
    while (at < end) {
        const auto local = at + offset_ms;
        const auto number = local / kDayMs - (local % kDayMs < 0 ? 1 : 0);
        const auto until = std::min((number + 1) * kDayMs - offset_ms, end);
        auto& day = days.emplace_back();
        day.day = date_of(number);
        evaluation.run(day, at, until, rest);
        at = until;
    }
    return days;
}

Placed place(const std::vector<Outage>& outages, const TrueTime& time, WallTime known_from,
             WallTime known_to, std::size_t most) {
    if (most > 0 && outages.size() >= most) {
        auto first_end = known_to;
        for (const auto& outage : outages) {
            const auto end = outage.first_good ? time.at(*outage.first_good) : std::nullopt;
            if (end) first_end = std::min(first_end, end->latest);
        }
        known_from = std::max(known_from, first_end);
    }
    Ranks newest;
    for (std::size_t i = 0; i < outages.size(); ++i) {
        if (outages[i].link != link_name::kWan) continue;
        newest.push_back({static_cast<std::int64_t>(outages[i].id), outages[i].segment, i});
    }
    std::sort(newest.begin(), newest.end());
    Placed placed{{{}, known_from, known_to}, 0};
    for (std::size_t i = 0; i < newest.size(); ++i) {
        const Outage& outage = outages[newest[i].index];
        if (i + 1 < newest.size() && newest[i + 1].rank == newest[i].rank &&
            newest[i + 1].second == newest[i].second) {
            continue;
        }
        LedgerEntry entry;
        entry.id = outage.id;
        entry.segment = outage.segment;
        entry.cause = outage.cause;
        entry.confidence = outage.confidence;
        entry.evidence = outage.evidence;
        entry.fold = outage.fold;
        const auto last_good = time.at(outage.last_good);
        const auto first_bad = time.at(outage.first_bad);
        const auto last_bad = outage.last_bad ? time.at(*outage.last_bad) : std::nullopt;
        const auto first_good = outage.first_good ? time.at(*outage.first_good) : std::nullopt;
        if (!last_good && !first_bad && !last_bad && !first_good) {
            ++placed.unplaced;
            continue;
        }
        // Boots that cannot be placed are the first ones or the last ones: nothing is known of that
        // time, and the ledger does not claim it. Most of these entries are gaps between boots.
        auto& ledger = placed.ledger;
        if (!last_good) {
            const auto& begin = first_bad ? *first_bad : last_bad ? *last_bad : *first_good;
            ledger.known_from = std::max(ledger.known_from, begin.earliest);
        } else if (!first_bad || (outage.first_good && !first_good)) {
            const auto& end = last_bad ? *last_bad : first_bad ? *first_bad : *last_good;
            ledger.known_to = std::min(ledger.known_to, end.latest);
        }
        entry.last_good = last_good.value_or(WallSpan{known_from, known_from});
        entry.first_bad = first_bad.value_or(entry.last_good);
        if (first_good) {
            entry.last_bad = last_bad.value_or(entry.first_bad);
            entry.first_good = first_good;
        }
        entry.on_device = LedgerEntry::OnDevice{outage.last_good, outage.first_bad,
                                                outage.last_bad.value_or(DeviceTime{}),
                                                outage.first_good.value_or(DeviceTime{})};
        ledger.entries.push_back(std::move(entry));
    }
    return placed;
}

}  // namespace gerbang::sla
