#include "daemon/app/intake.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/core/check.hpp"
#include "common/wire/codec.hpp"
#include "daemon/host/log.hpp"

namespace gerbang {
namespace {

// A ring entry is a tag, and for all but the relative tick the epoch and boot that it belongs to.
constexpr char kAbsoluteTick = 'A';
constexpr char kRelativeTick = 'T';
constexpr char kEvent = 'E';
constexpr std::size_t kPrologueBytes = 1 + 16 + 4;

constexpr std::size_t kMaxChunksPerCommit = 64;
constexpr std::size_t kMaxPendingEvents = 4096;
/// A run is given up, and cut off from a commit, as a whole; a commit that hangs must not make it
/// grow to a day.
constexpr std::size_t kMaxRun = 64;

/// `older` and `newer` as one loss.
LossFact joined(const LossFact& older, const LossFact& newer) {
    auto both = newer;
    both.first = older.first;
    both.count += older.count;
    return both;
}

}  // namespace

std::string Intake::prologue(char tag) const {
    std::string bytes(kPrologueBytes, '\0');
    bytes[0] = tag;
    std::memcpy(bytes.data() + 1, epoch_.bytes.data(), epoch_.bytes.size());
    std::memcpy(bytes.data() + 17, &boot_.value, sizeof boot_.value);
    return bytes;
}

Intake::Recovered Intake::recover(const EpochId& epoch, Seq journal_last, BootNo boot) {
    epoch_ = epoch;
    boot_ = boot;
    Recovered recovered;
    const auto left = ring_->left_behind();
    const bool was_committed = left.intent.last.value != 0 && left.intent.epoch == epoch &&
                               journal_last >= left.intent.last;
    const std::uint64_t stored = was_committed ? left.intent.through : 0;
    const auto ours = prologue('?').substr(1);
    std::optional<Tick> previous;
    std::uint64_t last_number = 0;
    for (const auto& entry : left.entries) {
        last_number = entry.number;
        if (entry.bytes.empty()) continue;
        const char tag = entry.bytes.front();
        const bool is_relative = tag == kRelativeTick;
        if (!is_relative && (entry.bytes.size() < kPrologueBytes ||
                             entry.bytes.compare(1, kPrologueBytes - 1, ours) != 0)) {
            ++recovered.foreign;
            if (tag == kAbsoluteTick) previous.reset();
            continue;
        }
        const std::string_view content =
            std::string_view{entry.bytes}.substr(is_relative ? 1 : kPrologueBytes);
        if (tag == kEvent) {
            auto event = wire::decode_event(content);
            if (!event) {
                ++recovered.foreign;
            } else if (entry.number > stored) {
                recovered.events.push_back(*event);
                events_.push_back({entry.number, std::move(*event)});
            }
            continue;
        }
        if (is_relative && !previous) {
            ++recovered.foreign;
            continue;
        }
        auto tick = wire::decode_tick(content, is_relative ? &*previous : nullptr);
        if (!tick || (last_at_ && tick->at <= *last_at_)) {
            ++recovered.foreign;
            previous.reset();
            continue;
        }
        previous = *tick;
        last_at_ = tick->at;
        if (entry.number > stored) {
            recovered.ticks.push_back(*tick);
            ticks_.push_back({entry.number, std::move(*tick), !is_relative});
        }
    }
    if (ticks_.empty() && events_.empty()) {
        if (last_number != 0) ring_->release(last_number);
    } else if (stored != 0) {
        ring_->release(stored);
    }
    return recovered;
}

void Intake::append(const std::string& bytes, std::uint64_t& number) {
    for (;;) {
        const auto kept = ring_->append(bytes);
        if (kept) {
            number = *kept;
            return;
        }
        if (ticks_.empty()) {
            // Only events fill the ring: keep this one in memory alone, at the same place in line.
            log(LogLevel::error, "ring_full", {{"detail", kept.error().detail}});
            number = events_.empty() ? 0 : events_.back().number;
            return;
        }
        give_up_oldest_run();
    }
}

void Intake::give_up_oldest_run() {
    // A relative tick cannot be read without the ones before it, so a whole run goes. The ring
    // frees in order only: events older than the run's end stay in memory for the next commit.
    std::size_t run = 1;
    while (run < ticks_.size() && !ticks_[run].is_absolute) ++run;
    const LossFact given_up{.what = "ticks",
                            .reason = "ring_full",
                            .count = run,
                            .first = {boot_, ticks_.front().value.at},
                            .last = {boot_, ticks_[run - 1].value.at}};
    // A commit under way may still store them; only its failure makes them lost.
    auto& loss = ticks_[run - 1].number <= offered_through_ ? offered_loss_ : loss_;
    loss = loss ? joined(*loss, given_up) : given_up;
    const auto through = ticks_[run - 1].number;
    ticks_.erase(ticks_.begin(), ticks_.begin() + static_cast<std::ptrdiff_t>(run));
    if (ticks_.empty()) previous_.reset();
    ring_->release(through);
}

void Intake::add(const Tick& tick) {
    GERBANG_CHECK(!last_at_ || tick.at > *last_at_);
    if (run_ticks_ >= kMaxRun) previous_.reset();
    const bool is_absolute = !previous_;
    std::string bytes = is_absolute ? prologue(kAbsoluteTick) : std::string{kRelativeTick};
    bytes += wire::encode_tick(tick, is_absolute ? nullptr : &*previous_);
    std::uint64_t number = 0;
    append(bytes, number);
    if (!is_absolute && !previous_) {
        // Making room gave up the very run that this tick was coded against: code it anew.
        ring_->release(number);
        bytes = prologue(kAbsoluteTick) + wire::encode_tick(tick, nullptr);
        append(bytes, number);
    }
    const bool begins_run = is_absolute || !previous_;
    run_ticks_ = begins_run ? 1 : run_ticks_ + 1;
    ticks_.push_back({number, tick, begins_run});
    previous_ = tick;
    last_at_ = tick.at;
}

void Intake::add(const Event& event) {
    // The journal refuses a commit with a malformed record as a whole, so one would stop them all.
    if (const auto defect = defect_of(event); !defect.empty()) {
        if (events_malformed_++ == 0) {
            log(LogLevel::error, "event_dropped",
                {{"reason", "malformed"}, {"kind", to_string(event.kind)}, {"detail", defect}});
        }
        return;
    }
    if (events_.size() >= kMaxPendingEvents) {
        if (events_lost_++ == 0) log(LogLevel::error, "event_dropped", {{"reason", "too_many"}});
        return;
    }
    keep(event);
}

void Intake::keep(const Event& event) {
    std::uint64_t number = 0;
    append(prologue(kEvent) + wire::encode_event(event), number);
    events_.push_back({number, event});
}

/// The loss events themselves are a few beyond the bound on events.
void Intake::tell_losses() {
    // Asked again without a release in between: the commit before failed.
    if (offered_loss_) loss_ = loss_ ? joined(*offered_loss_, *loss_) : offered_loss_;
    offered_loss_.reset();
    offered_through_ = 0;
    if (loss_) {
        const auto lost = *std::exchange(loss_, std::nullopt);
        keep(to_event(lost, lost.last));
    }
    const DeviceTime at{boot_, last_at_.value_or(Monotonic{})};
    for (auto [count, reason] :
         {std::pair{&events_lost_, "too_many"}, std::pair{&events_malformed_, "malformed"}}) {
        const auto lost = std::exchange(*count, 0);
        if (lost == 0) continue;
        const LossFact fact{
            .what = "events", .reason = reason, .count = lost, .first = at, .last = at};
        keep(to_event(fact, at));
    }
}

std::optional<Intake::Commit> Intake::next(Seq first, std::size_t ticks_per_chunk) {
    GERBANG_CHECK(ticks_per_chunk >= 1);
    tell_losses();
    if (empty()) return std::nullopt;
    // The next tick starts a run of its own, so that releasing this commit strands nothing.
    previous_.reset();

    // Entries are freed in order, so the commit is a prefix of them; it may end only before an
    // absolute tick, as a relative one cannot be read without those that go.
    const auto most = std::min(ticks_per_chunk, kMaxTicksPerChunk) * kMaxChunksPerCommit;
    std::size_t tick_count = ticks_.size();
    if (tick_count > most) {
        tick_count = most;
        while (tick_count > 0 && !ticks_[tick_count].is_absolute) --tick_count;
        if (tick_count == 0) tick_count = ticks_.size();  // one endless run: all or nothing
    }
    const bool takes_all = tick_count == ticks_.size();
    std::uint64_t through = 0;
    if (takes_all) {
        if (!ticks_.empty()) through = ticks_.back().number;
        if (!events_.empty()) through = std::max(through, events_.back().number);
    } else {
        through = ticks_[tick_count].number - 1;
    }

    Commit commit{.first = first, .bodies = {}, .through = through};
    auto event = events_.begin();
    const auto take_events_below = [&](std::uint64_t number) {
        for (; event != events_.end() && event->number < number; ++event) {
            commit.bodies.emplace_back(event->value);
        }
    };
    const auto per_chunk = std::min(ticks_per_chunk, kMaxTicksPerChunk);
    for (std::size_t taken = 0; taken < tick_count;) {
        std::vector<Tick> run;
        while (taken < tick_count && run.size() < per_chunk) run.push_back(ticks_[taken++].value);
        take_events_below(ticks_[taken - 1].number);
        commit.bodies.emplace_back(make_chunk(boot_, run));
    }
    take_events_below(through + 1);
    offered_through_ = through;
    ring_->intend({.epoch = epoch_,
                   .first = first,
                   .last = Seq{first.value + commit.bodies.size() - 1},
                   .through = through});
    return commit;
}

void Intake::release(const Commit& commit) {
    while (!ticks_.empty() && ticks_.front().number <= commit.through) ticks_.pop_front();
    while (!events_.empty() && events_.front().number <= commit.through) events_.pop_front();
    ring_->release(commit.through);
    offered_through_ = 0;
    offered_loss_.reset();
}

}  // namespace gerbang
