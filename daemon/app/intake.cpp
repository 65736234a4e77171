#include "daemon/app/intake.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "common/core/check.hpp"
#include "common/wire/codec.hpp"
#include "daemon/host/log.hpp"

namespace gerbang {
namespace {

// A ring entry is a tag and its content. Ahead of an absolute tick's and an event's content stand
// the epoch and the boot that they belong to: none and `kProvisionalBoot` before those are known.
constexpr char kAbsoluteTick = 'A';
constexpr char kRelativeTick = 'T';
constexpr char kEvent = 'E';
/// What is provisional before it belongs to the journal as the content, a graft, says.
constexpr char kGraft = 'G';
/// What belongs to the epoch of the prologue before it belongs to that of the content.
constexpr char kMoved = 'M';
constexpr std::size_t kPrologueBytes = 1 + 16 + 4;

constexpr std::size_t kMaxPendingEvents = 4096;
/// A run is given up, and cut off from a commit, as a whole; a commit that hangs must not make it
/// grow to a day.
constexpr std::size_t kMaxRun = 64;

EpochId epoch_in(std::string_view prologue) {
    EpochId epoch;
    std::memcpy(epoch.bytes.data(), prologue.data() + 1, epoch.bytes.size());
    return epoch;
}

BootNo boot_in(std::string_view prologue) {
    BootNo boot;
    std::memcpy(&boot.value, prologue.data() + 17, sizeof boot.value);
    return boot;
}

void keep_newest(std::vector<Reading>& totals, const std::vector<Reading>& readings) {
    for (const auto& reading : readings) {
        auto place = std::lower_bound(
            totals.begin(), totals.end(), reading.series,
            [](const Reading& each, SeriesId wanted) { return each.series < wanted; });
        if (place == totals.end() || place->series != reading.series) {
            place = totals.insert(place, reading);
        }
        place->value = reading.value;
    }
}

}  // namespace

std::string Intake::prologue(char tag, const Line& of) {
    std::string bytes(kPrologueBytes, '\0');
    bytes[0] = tag;
    std::memcpy(bytes.data() + 1, of.epoch.bytes.data(), of.epoch.bytes.size());
    std::memcpy(bytes.data() + 17, &of.boot.value, sizeof of.boot.value);
    return bytes;
}

/// From here on, and for every later process, what belongs to the epoch of `from` belongs to `to`.
void Intake::mark_moved(const Line& from, const EpochId& to) {
    const auto epoch = from.epoch;
    (void)append(prologue(kMoved, from) +
                 std::string{reinterpret_cast<const char*>(to.bytes.data()), to.bytes.size()});
    for (auto& each : owners_) {
        if (each.epoch == epoch) each.epoch = to;
    }
}

Intake::Owner Intake::owner_of(const EpochId& epoch, BootNo boot) {
    for (std::size_t i = 0; i < owners_.size(); ++i) {
        const auto& each = owners_[i];
        if (!each.graft && each.epoch == epoch && each.boot == boot) return static_cast<Owner>(i);
    }
    // More than any ring holds; a hostile one has its last lines taken for one another's.
    if (owners_.size() < std::numeric_limits<Owner>::max()) {
        owners_.push_back({.epoch = epoch, .boot = boot, .graft = {}, .is_ours = false});
    }
    return static_cast<Owner>(owners_.size() - 1);
}

void Intake::apply_marker(std::string_view bytes) {
    if (bytes.front() == kGraft) {
        auto graft = Graft::decode(bytes.substr(1));
        if (!graft) return;
        for (auto& each : owners_) {
            if (each.graft || each.boot != kProvisionalBoot) continue;
            each.epoch = graft->epoch;
            each.boot = graft->boot;
            each.graft = std::move(*graft);
            return;
        }
        return;
    }
    EpochId to;
    if (bytes.size() != kPrologueBytes + to.bytes.size()) return;
    std::memcpy(to.bytes.data(), bytes.data() + kPrologueBytes, to.bytes.size());
    for (auto& each : owners_) {
        if (each.epoch == epoch_in(bytes)) each.epoch = to;
    }
}

void Intake::index(std::uint64_t number, std::string_view bytes, std::optional<Owner>& of_run) {
    if (bytes.empty()) return;
    const char tag = bytes.front();
    if (tag == kRelativeTick) {
        if (of_run) ticks_.push_back({number, *of_run, false});
        return;
    }
    if (tag == kGraft) {
        apply_marker(bytes);
        of_run.reset();
        return;
    }
    if (bytes.size() < kPrologueBytes) return;
    if (tag == kMoved) {
        apply_marker(bytes);
        return;
    }
    const auto owner = owner_of(epoch_in(bytes), boot_in(bytes));
    if (tag == kAbsoluteTick) {
        of_run = owner;
        ticks_.push_back({number, owner, true});
    } else if (tag == kEvent) {
        auto event = wire::decode_event(bytes.substr(kPrologueBytes));
        if (event && defect_of(*event).empty())
            events_.push_back({number, std::move(*event), owner});
    }
}

template <class Use>
std::size_t Intake::read_ticks(std::size_t from, std::size_t to, Use use) const {
    std::optional<Tick> previous;
    std::size_t unreadable = 0;
    for (std::size_t i = from; i < to; ++i) {
        const auto& kept = ticks_[i];
        const auto bytes = ring_->entry(kept.number);
        const std::size_t skipped = kept.is_absolute ? kPrologueBytes : 1;
        if (bytes.size() < skipped || (!kept.is_absolute && !previous)) {
            previous.reset();
            ++unreadable;
            continue;
        }
        auto tick =
            wire::decode_tick(bytes.substr(skipped), kept.is_absolute ? nullptr : &*previous);
        if (!tick) {
            previous.reset();
            ++unreadable;
            continue;
        }
        if (kept.number <= orphans_through_ && !line(kept.owner).graft) {
            auto cleaned = *tick;
            std::erase_if(cleaned.readings, [this](const Reading& reading) {
                return std::binary_search(orphans_.begin(), orphans_.end(), reading.series);
            });
            use(cleaned, kept);
        } else {
            use(*tick, kept);
        }
        previous = std::move(*tick);
    }
    return unreadable;
}

/// One of them would have every later commit refused.
void Intake::drop_impossible(Monotonic now) {
    std::optional<Monotonic> last;
    std::optional<std::uint64_t> bad;
    (void)read_ticks(0, ticks_.size(), [&](const Tick& tick, const KeptTick& kept) {
        if (!bad && (tick.at > now || tick.at < last.value_or(Monotonic{}) || tick.at == last)) {
            bad = kept.number;
        }
        last = tick.at;
    });
    if (!bad) return;
    unreadable_ += std::erase_if(ticks_, [&](const KeptTick& tick) { return tick.number >= *bad; });
}

/// What the lines that are ours hold, as the journal will have it.
void Intake::look_back(Found& found) {
    std::uint64_t first_tick = 0;
    (void)read_ticks(0, ticks_.size(), [&](const Tick& tick, const KeptTick& kept) {
        const auto& owner = line(kept.owner);
        if (!owner.is_ours || (owner.graft && tick.at <= owner.graft->after)) return;
        const auto readings = owner.graft ? owner.graft->translated(tick).readings : tick.readings;
        if (found.ticks++ == 0) {
            first_tick = kept.number;
            found.first_tick = tick.at;
            found.first = readings;
        }
        found.last_tick = tick.at;
        keep_newest(found.totals, readings);
    });
    for (const auto& event : events_) {
        if (!line(event.owner).is_ours) continue;
        found.events.push_back(event.value);
        if (event.value.kind != EventKind::interface || event.number > first_tick) continue;
        if (auto fact = interface_from(event.value)) found.first_facts.push_back(std::move(*fact));
    }
}

Intake::Found Intake::begin(Monotonic now) {
    GERBANG_CHECK(owners_.empty());
    Found found;
    {
        const auto left = ring_->left_behind();
        found_intent_ = left.intent;
        acknowledged_ = left.acknowledged;
        std::optional<Owner> of_run;
        for (const auto& entry : left.entries) index(entry.number, entry.bytes, of_run);
    }
    drop_impossible(now);
    own_ = owner_of(EpochId{}, kProvisionalBoot);
    owners_[own_].is_ours = true;
    look_back(found);
    for (const auto& tick : ticks_) {
        if (tick.owner != own_) continue;
        first_provisional_ = first_provisional_tick_ = tick.number;
        break;
    }
    for (const auto& event : events_) {
        if (event.owner != own_) continue;
        if (first_provisional_ == 0 || event.number < first_provisional_) {
            first_provisional_ = event.number;
        }
        break;
    }
    std::size_t run = ticks_.size();
    while (run > 0 && !ticks_[run - 1].is_absolute) --run;
    (void)read_ticks(run > 0 ? run - 1 : 0, ticks_.size(),
                     [this](const Tick& tick, const KeptTick&) { last_at_ = tick.at; });
    return found;
}

BootNo Intake::boot_of(const EpochId& epoch) const noexcept {
    BootNo boot;
    for (const auto& each : owners_) {
        if (each.epoch == epoch && each.boot != kProvisionalBoot) boot = std::max(boot, each.boot);
    }
    return boot;
}

void Intake::follow(const EpochId& from, const EpochId& to) {
    GERBANG_CHECK(!is_attached_ && !owners_.empty() && !from.is_none());
    mark_moved({.epoch = from, .boot = {}, .graft = {}, .is_ours = false}, to);
}

/// The records that introduced a series may be gone with the last commits of the journal.
void Intake::find_orphans(const std::vector<Series>& known) {
    std::set<SeriesId> introduced;
    for (const auto& series : known) introduced.insert(series.id);
    std::set<SeriesId> orphans;
    auto event = events_.begin();
    (void)read_ticks(0, ticks_.size(), [&](const Tick& tick, const KeptTick& kept) {
        for (; event != events_.end() && event->number <= kept.number; ++event) {
            if (!line(event->owner).is_ours || event->value.kind != EventKind::series) continue;
            if (const auto series = series_from(event->value)) introduced.insert(series->id);
        }
        if (!line(kept.owner).is_ours || line(kept.owner).graft) return;
        for (const auto& reading : tick.readings) {
            if (introduced.contains(reading.series)) continue;
            orphans.insert(reading.series);
            orphans_through_ = kept.number;
            ++readings_orphaned_;
        }
    });
    orphans_.assign(orphans.begin(), orphans.end());
}

Intake::Found Intake::attach(const EpochId& epoch, Seq journal_last, BootNo boot,
                             const std::vector<Series>* series) {
    GERBANG_CHECK(!is_attached_ && !owners_.empty());
    is_attached_ = true;
    Found found;
    const bool was_committed = found_intent_.last.value != 0 && found_intent_.epoch == epoch &&
                               journal_last >= found_intent_.last;
    if (was_committed) {
        const auto stored = found_intent_.through;
        std::erase_if(ticks_, [stored](const KeptTick& each) { return each.number <= stored; });
        std::erase_if(events_, [stored](const KeptEvent& each) { return each.number <= stored; });
        ring_->release(stored);
    }
    const auto provisional = own_;
    for (std::size_t i = 0; i < owners_.size(); ++i) {
        auto& each = owners_[i];
        each.is_ours = i != provisional && each.epoch == epoch && each.boot == boot;
        if (each.is_ours && each.graft) translate_events(static_cast<Owner>(i));
    }
    const auto count = ticks_.size() + events_.size();
    const auto is_foreign = [this, provisional](const auto& each) {
        return each.owner != provisional && !line(each.owner).is_ours;
    };
    std::erase_if(ticks_, is_foreign);
    std::erase_if(events_, is_foreign);
    found.foreign = count - ticks_.size() - events_.size();
    if (series != nullptr) find_orphans(*series);
    look_back(found);
    owners_[provisional].is_ours = true;
    if (ticks_.empty() && events_.empty()) {
        // Only what nobody needs is left; losses that no commit tells of stay.
        if (!was_committed) ring_->withdraw();
        ring_->release(std::numeric_limits<std::uint64_t>::max());
    }
    if (first_provisional_ == 0) own_ = owner_of(epoch, boot);
    owners_[own_].is_ours = true;
    previous_.reset();
    return found;
}

/// Puts what the events of a grafted line become in their place, the preface before all of it when
/// the line's first entry is still here: then no commit had any of it.
void Intake::translate_events(Owner owner) {
    const auto& graft = *line(owner).graft;
    bool is_whole = !ticks_.empty() && ticks_.front().number == graft.first;
    for (auto event = events_.begin(); event != events_.end();) {
        if (event->owner != owner) {
            ++event;
            continue;
        }
        is_whole = is_whole || event->number == graft.first;
        auto translated = graft.translated(event->value, event->number);
        if (translated) {
            event->value = std::move(*translated);
            ++event;
        } else {
            event = events_.erase(event);
        }
    }
    for (const auto& tick : ticks_) is_whole = is_whole || tick.number == graft.first;
    if (!is_whole) return;
    auto place = std::find_if(events_.begin(), events_.end(),
                              [&](const KeptEvent& each) { return each.number >= graft.first; });
    for (const auto& event : graft.preface) {
        place = events_.insert(place, {graft.first, event, owner}) + 1;
    }
}

void Intake::graft(Graft graft) {
    GERBANG_CHECK(is_attached_ && line(own_).boot == kProvisionalBoot);
    const auto provisional = own_;
    // The oldest that is still here: the ring may have given up the first.
    graft.first = std::numeric_limits<std::uint64_t>::max();
    for (const auto& tick : ticks_) {
        if (tick.owner == provisional) graft.first = std::min(graft.first, tick.number);
    }
    for (const auto& event : events_) {
        if (event.owner == provisional) graft.first = std::min(graft.first, event.number);
    }
    graft.first_tick = first_provisional_tick_;
    (void)append(kGraft + graft.encode());
    auto& grafted = owners_[provisional];
    grafted.epoch = graft.epoch;
    grafted.boot = graft.boot;
    grafted.graft = std::move(graft);
    translate_events(provisional);
    own_ = owner_of(grafted.epoch, grafted.boot);
    owners_[own_].is_ours = true;
    first_provisional_ = first_provisional_tick_ = 0;
    previous_.reset();
}

void Intake::move_to(const EpochId& epoch, std::vector<Event> first) {
    GERBANG_CHECK(is_attached_);
    mark_moved(line(own_), epoch);
    std::uint64_t number = 0;
    if (!events_.empty()) number = events_.front().number;
    if (!ticks_.empty()) number = std::min(number, ticks_.front().number);
    auto place = events_.begin();
    for (auto& event : first) {
        place = events_.insert(place, {number, std::move(event), own_}) + 1;
    }
    previous_.reset();
}

std::uint64_t Intake::append(const std::string& bytes) {
    for (;;) {
        const auto kept = ring_->append(bytes);
        if (kept) return *kept;
        if (ticks_.empty()) {
            // Only events fill the ring: keep this one in memory alone, at the same place in line.
            log(LogLevel::error, "ring_full", {{"detail", kept.error().detail}});
            return events_.empty() ? 0 : events_.back().number;
        }
        give_up_oldest_run();
    }
}

void Intake::give_up_oldest_run() {
    // A relative tick cannot be read without the ones before it, so a whole run goes. The ring
    // frees in order only: events older than the run's end stay in memory for the next commit.
    std::size_t run = 1;
    while (run < ticks_.size() && !ticks_[run].is_absolute) ++run;
    GivenUp lost{.count = run, .first_ms = 0, .last_ms = 0};
    bool is_first = true;
    (void)read_ticks(0, run, [&](const Tick& tick, const KeptTick&) {
        if (std::exchange(is_first, false)) lost.first_ms = to_ms(tick.at);
        lost.last_ms = to_ms(tick.at);
    });
    const auto through = ticks_[run - 1].number;
    ticks_.erase(ticks_.begin(), ticks_.begin() + static_cast<std::ptrdiff_t>(run));
    if (ticks_.empty()) previous_.reset();
    // A commit under way may still store them; only its failure makes them lost.
    ring_->give_up(through, lost);
}

void Intake::add(const Tick& tick) {
    GERBANG_CHECK(!last_at_ || tick.at > *last_at_);
    if (run_ticks_ >= kMaxRun) previous_.reset();
    const bool is_absolute = !previous_;
    std::string bytes =
        is_absolute ? prologue(kAbsoluteTick, line(own_)) : std::string{kRelativeTick};
    bytes += wire::encode_tick(tick, is_absolute ? nullptr : &*previous_);
    auto number = append(bytes);
    if (!is_absolute && !previous_) {
        // Making room gave up the very run that this tick was coded against: code it anew.
        ring_->give_up(number, {});
        bytes = prologue(kAbsoluteTick, line(own_)) + wire::encode_tick(tick, nullptr);
        number = append(bytes);
    }
    const bool begins_run = is_absolute || !previous_;
    run_ticks_ = begins_run ? 1 : run_ticks_ + 1;
    ticks_.push_back({number, own_, begins_run});
    if (line(own_).boot == kProvisionalBoot) {
        if (first_provisional_tick_ == 0) first_provisional_tick_ = number;
        if (first_provisional_ == 0) first_provisional_ = number;
    }
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
    const auto number = append(prologue(kEvent, line(own_)) + wire::encode_event(event));
    events_.push_back({number, event, own_});
    if (line(own_).boot == kProvisionalBoot && first_provisional_ == 0) first_provisional_ = number;
}

/// The loss events themselves are a few beyond the bound on events.
void Intake::tell_losses() {
    const DeviceTime at{line(own_).boot, last_at_.value_or(Monotonic{})};
    for (auto [count, what, reason] :
         {std::tuple{&events_lost_, "events", "too_many"},
          std::tuple{&events_malformed_, "events", "malformed"},
          std::tuple{&unreadable_, "ticks", "ring_damaged"},
          std::tuple{&readings_orphaned_, "readings", "series_lost"}}) {
        const auto lost = std::exchange(*count, 0);
        if (lost == 0) continue;
        LossFact fact;
        fact.what = what;
        fact.reason = reason;
        fact.count = lost;
        fact.first = fact.last = at;
        keep(to_event(fact, at));
    }
}

/// What the ring gave up and no commit in the journal tells of.
std::optional<LossFact> Intake::ring_loss() const {
    const auto& losses = ring_->losses();
    const auto all = GivenUp::joined(losses.untold, GivenUp::joined(losses.told, losses.doubtful));
    if (all.count == 0) return std::nullopt;
    LossFact fact;
    fact.what = "ticks";
    fact.reason = "ring_full";
    fact.count = all.count;
    fact.first = {line(own_).boot, monotonic_from_ms(all.first_ms)};
    fact.last = {line(own_).boot, monotonic_from_ms(all.last_ms)};
    return fact;
}

std::optional<Intake::Commit> Intake::next(Seq first, std::size_t ticks_per_chunk,
                                           std::size_t most_chunks) {
    GERBANG_CHECK(ticks_per_chunk >= 1 && most_chunks >= 1);
    if (!is_attached_ || line(own_).boot == kProvisionalBoot) return std::nullopt;
    tell_losses();
    if (empty()) return std::nullopt;
    // The next tick starts a run of its own, so that releasing this commit strands nothing.
    previous_.reset();

    // Entries are freed in order, so the commit is a prefix of them; it may end only before an
    // absolute tick, as a relative one cannot be read without those that go.
    const auto most = std::min(ticks_per_chunk, kMaxTicksPerChunk) * most_chunks;
    std::size_t tick_count = ticks_.size();
    if (tick_count > most) {
        tick_count = most;
        while (tick_count > 0 && !ticks_[tick_count].is_absolute) --tick_count;
        if (tick_count == 0) tick_count = ticks_.size();  // one endless run: all or nothing
    }
    std::uint64_t through = 0;
    if (tick_count == ticks_.size()) {
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
    const auto boot = line(own_).boot;
    std::vector<Tick> chunk;
    std::uint64_t chunk_ends = 0;
    const auto end_chunk = [&] {
        if (chunk.empty()) return;
        take_events_below(chunk_ends);
        commit.bodies.emplace_back(make_chunk(boot, chunk));
        chunk.clear();
    };
    unreadable_ += read_ticks(0, tick_count, [&](const Tick& tick, const KeptTick& kept) {
        const auto& graft = line(kept.owner).graft;
        if (graft && tick.at <= graft->after) return;
        chunk.push_back(graft ? graft->translated(tick) : tick);
        chunk_ends = kept.number;
        if (chunk.size() >= per_chunk) end_chunk();
    });
    end_chunk();
    take_events_below(through + 1);
    if (auto lost = ring_loss()) {
        DeviceTime at{boot, last_at_.value_or(Monotonic{})};
        if (!commit.bodies.empty()) at = time_of(commit.bodies.back()).value_or(at);
        commit.bodies.emplace_back(to_event(*lost, std::max(at, lost->last)));
    }
    if (commit.bodies.empty()) return std::nullopt;
    ring_->intend(
        {.epoch = line(own_).epoch, .first = first, .last = commit.last(), .through = through});
    return commit;
}

void Intake::release(const Commit& commit) {
    while (!ticks_.empty() && ticks_.front().number <= commit.through) ticks_.pop_front();
    while (!events_.empty() && events_.front().number <= commit.through) events_.pop_front();
    ring_->release(commit.through);
}

void Intake::withdraw() {
    ring_->withdraw();
}

std::vector<SeriesId> Intake::waiting_series() const {
    std::vector<SeriesId> waiting;
    for (const auto& event : events_) {
        const auto series = series_from(event.value);
        if (event.value.kind == EventKind::series && series) waiting.push_back(series->id);
    }
    return waiting;
}

std::vector<Outage> Intake::waiting_outages() const {
    std::vector<Outage> waiting;
    for (const auto& event : events_) {
        if (event.value.kind != EventKind::outage || !line(event.owner).is_ours) continue;
        if (auto outage = outage_from(event.value)) waiting.push_back(std::move(*outage));
    }
    return waiting;
}

}  // namespace gerbang
