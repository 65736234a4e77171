// The journal beneath the running pipeline: opened, committed to, opened anew when it broke.

#include <algorithm>
#include <utility>

#include "common/model/storage_facts.hpp"
#include "daemon/app/memories.hpp"
#include "daemon/app/pipeline.hpp"
#include "daemon/host/log.hpp"

namespace gerbang {
namespace {

constexpr Millis kCheckpointInterval{3'600'000};
/// Between two slices of upkeep: commits and questions go first.
constexpr Millis kTendPause{200};
constexpr std::size_t kMostChunks = 64;
/// Between two forks that a consumer asks for.
constexpr Millis kForkInterval{15 * 60'000};
/// Reasons of epochs that are forks.
constexpr const char* kRollback = "rollback";
constexpr const char* kDiverged = "diverged";

}  // namespace

net::awaitable<void> Daemon::Pipeline::storage_loop() {
    auto& clock = *edges_.clock;
    bool is_on = co_await clock.sleep_until(Monotonic::max(), &commit_bell_);
    while (is_on) {
        // What is not well is not tried at each event and each minute, but at the watch's own pace.
        if (clock.now() < storage_.retry_at()) {
            is_on = co_await clock.sleep_until(storage_.retry_at());
            continue;
        }
        if (!journal_.is_open()) co_await open_journal();
        if (divergence_ && journal_.is_open() && !is_blind()) co_await leave_diverged();
        bool is_kept = false;
        if (journal_.is_open() && !is_blind()) is_kept = co_await commit();
        if (is_kept) co_await keep_house();
        auto wake = Monotonic::max();
        if (storage_.retry_at() > clock.now()) {
            wake = storage_.retry_at();
        } else if (!journal_.is_open() || has_more_to_tend_) {
            wake = clock.now() + kTendPause;
        } else if (is_kept && intake_.pending_ticks() > 0 && has_backlog_) {
            wake = clock.now();
        }
        is_on = co_await clock.sleep_until(wake, &commit_bell_);
    }
}

net::awaitable<void> Daemon::Pipeline::open_journal() {
    const auto state = co_await journal_.open();
    if (!state) {
        storage_failed(state.error());
        co_return;
    }
    JournalState copy = *state;
    Result<void> joined = ok();
    if (is_blind()) {
        joined = co_await join_journal(std::move(copy));
    } else {
        joined = co_await rejoin_journal(std::move(copy));
    }
    if (!joined) {
        storage_failed(joined.error());
        // Half of a start is none.
        if (journal_.is_open()) co_await journal_.close();
        co_return;
    }
    acknowledged_ = {journal_.epoch(), journal_.last(), journal_.head()};
    storage_.opened(edges_.clock->now());
}

net::awaitable<Result<JournalState>> Daemon::Pipeline::begin_new_epoch(const JournalState& state) {
    const EpochFact fact{.id = EpochId{edges_.entropy->uuid()},
                         .parent = state.next_epoch.parent,
                         .parent_last = state.next_epoch.parent_last,
                         .reason = state.next_epoch.reason,
                         .hardware = edges_.facts.hardware};
    const bool is_known_boot = state.last_boot == edges_.facts.boot;
    const BootNo last{state.last_boot_no.value_or(BootNo{0})};
    BootNo boot{last.value + (is_known_boot && last.value != 0 ? 0 : 1)};
    if (!is_blind()) boot = boot_;
    const DeviceTime at{boot, started_};
    std::vector<RecordBody> first{to_event(BootFact{.id = edges_.facts.boot}, at)};
    auto begun = co_await journal_.begin_epoch(fact, at, std::move(first));
    if (begun) {
        log(LogLevel::notice, "epoch_begun",
            {{"epoch", to_string(fact.id)},
             {"reason", fact.reason},
             {"parent", fact.parent.is_none() ? "" : to_string(fact.parent)}});
    }
    co_return begun;
}

/// Ends the open epoch `parent` at `last` and goes on in a new one.
net::awaitable<Result<JournalState>> Daemon::Pipeline::fork_journal(EpochId parent, Seq last,
                                                                    std::string reason,
                                                                    DeviceTime at) {
    EpochFact fact{.id = EpochId{edges_.entropy->uuid()},
                   .parent = parent,
                   .parent_last = last,
                   .reason = std::move(reason),
                   .hardware = edges_.facts.hardware};
    log(LogLevel::error, "epoch_forked",
        {{"epoch", to_string(fact.id)},
         {"reason", fact.reason},
         {"parent", to_string(parent)},
         {"parent_last", std::to_string(last.value)}});
    auto forked = co_await journal_.fork_epoch(std::move(fact), at);
    // What is lost by it is told with the next commit, not within the hour.
    if (forked) last_checkpoint_ = edges_.clock->now() - kCheckpointInterval;
    co_return forked;
}

/// What the ring holds for the parent of `epoch`, where that was forked from it and the process
/// died before it could write that down. True: it was, and records of the parent are lost.
net::awaitable<Result<bool>> Daemon::Pipeline::follow_fork(EpochId epoch) {
    const SeqRange first_one{Seq{1}, Seq{1}};
    const auto first = co_await journal_.read(epoch, first_one, 1);
    if (!first) {
        if (first.error().code == Errc::storage_broken) co_return first.error();
        co_return false;
    }
    if (first->records.empty()) co_return false;
    const auto* event = std::get_if<Event>(&first->records.front().body);
    if (event == nullptr || event->kind != EventKind::epoch) co_return false;
    const auto fact = epoch_from(*event);
    if (!fact || fact->parent != intake_.acknowledged().epoch) co_return false;
    // An epoch that began so goes on from its parent: series, boots and interfaces are the same.
    const bool is_rollback = fact->reason == kRollback;
    if (is_rollback || fact->reason == kDiverged) intake_.follow(fact->parent, epoch);
    co_return is_rollback;
}

net::awaitable<Result<void>> Daemon::Pipeline::join_journal(JournalState state) {
    const bool was_seen_boot = !state.last_boot.is_none() && state.last_boot == edges_.facts.boot;
    bool is_new = false;
    bool is_rolled_back = false;
    const auto given = intake_.acknowledged();
    if (given.epoch.is_none() || state.epoch.is_none()) {
        // Nothing was committed on this boot, or there is nothing that could have lost it.
    } else if (given.epoch == state.epoch && state.last < given.last) {
        // The card dropped commits that it had acknowledged. Their numbers may be at the province,
        // so they must never be given again.
        auto last = given.last;
        if (state.must_begin_epoch) last = std::max(last, state.next_epoch.parent_last);
        const auto parent = state.epoch;
        const DeviceTime at{state.last_boot_no.value_or(BootNo{1}), started_};
        auto forked = co_await fork_journal(parent, last, kRollback, at);
        if (!forked) co_return forked.error();
        state = std::move(*forked);
        intake_.follow(parent, state.epoch);
        is_rolled_back = true;
    } else if (given.epoch != state.epoch && !state.must_begin_epoch) {
        const auto followed = co_await follow_fork(state.epoch);
        if (!followed) co_return followed.error();
        is_rolled_back = *followed;
    }
    if (state.epoch.is_none() || state.must_begin_epoch) {
        auto begun = co_await begin_new_epoch(state);
        if (!begun) co_return begun.error();
        state = std::move(*begun);
        is_new = true;
    }
    auto past = co_await look_into(std::move(state));
    if (!past) co_return past.error();
    past->was_seen_boot = is_new && was_seen_boot;
    past->was_rolled_back = is_rolled_back;
    attach(std::move(*past));
    if (state_is_ram_->load()) {
        note(
            to_event(StorageFact{.state = "ram",
                                 .detail = "the state folder lies in RAM; a power cut takes it all",
                                 .since = here().at},
                     here()));
    }
    start_pushers();
    // What was kept meanwhile is made durable at once.
    commit_bell_.ring();
    co_return ok();
}

net::awaitable<Result<Daemon::Pipeline::Past>> Daemon::Pipeline::look_into(JournalState state) {
    Past past;
    if (state.last.value != 0) {
        const SeqRange newest_one{state.last, state.last};
        const auto newest = co_await journal_.read(state.epoch, newest_one, 1);
        if (!newest) co_return newest.error();
        past.alive = time_of(newest->records.back().body);
        // Its start may have been given up already: then the ledger speaks of what is left.
        const SeqRange first_one{Seq{1}, Seq{1}};
        const auto oldest = co_await journal_.read(state.epoch, first_one, 1);
        if (oldest) past.first_record = time_of(oldest->records.front().body);
    }
    std::string power_key{kPowerMemoryKey};
    const auto power = co_await journal_.note(std::move(power_key));
    std::string path_key{kPathMemoryKey};
    const auto path = co_await journal_.note(std::move(path_key));
    std::string good_time_key{kGoodTimeMemoryKey};
    const auto good_time = co_await journal_.note(std::move(good_time_key));
    std::string budget_key{kBudgetMemoryKey};
    const auto budget = co_await journal_.note(std::move(budget_key));
    std::string pace_key{kPaceMemoryKey};
    const auto pace = co_await journal_.note(std::move(pace_key));
    if (!power) co_return power.error();
    if (!path) co_return path.error();
    if (!good_time) co_return good_time.error();
    if (!budget) co_return budget.error();
    if (!pace) co_return pace.error();
    past.power_memory = power->value_or("");
    past.path_memory = path->value_or("");
    past.good_time_memory = good_time->value_or("");
    past.budget_memory = budget->value_or("");
    past.pace_memory = pace->value_or("");
    const bool has_gap = std::any_of(state.open_outages.begin(), state.open_outages.end(),
                                     [](const Outage& outage) { return may_be_gap(outage.cause); });
    // Of a boot that is known the ring may hold the outages of a process that died.
    if (has_gap || state.last_boot == edges_.facts.boot) {
        auto told = co_await journal_.outages();
        if (!told) co_return told.error();
        past.told = std::move(*told);
    }
    past.state = std::move(state);
    co_return past;
}

/// The connection broke; what was acknowledged must still be there.
net::awaitable<Result<void>> Daemon::Pipeline::rejoin_journal(JournalState state) {
    const bool is_same = state.epoch == acknowledged_.epoch && !state.must_begin_epoch;
    bool has_lost = is_same && state.last < acknowledged_.last;
    if (is_same && state.last == acknowledged_.last) has_lost = state.head != acknowledged_.head;
    if (auto commit = std::exchange(uncertain_, std::nullopt)) {
        // The answer to the last commit was an error, and yet it may be there, whole.
        if (is_same && state.last >= commit->last()) {
            committed(*commit);
        } else {
            intake_.withdraw();
        }
    }
    if (is_same && !has_lost) {
        log(LogLevel::notice, "storage_reopened", {{"last", std::to_string(state.last.value)}});
        co_return ok();
    }
    log(LogLevel::error, "journal_lost_records",
        {{"epoch", to_string(acknowledged_.epoch)},
         {"acknowledged", std::to_string(acknowledged_.last.value)},
         {"found", std::to_string(is_same ? state.last.value : 0)}});
    Result<JournalState> begun = Error{Errc::storage_broken, {}};
    if (has_lost) {
        begun = co_await fork_journal(state.epoch, acknowledged_.last, kRollback, here());
    } else if (state.epoch.is_none() || state.must_begin_epoch) {
        if (state.next_epoch.parent.is_none()) {
            state.next_epoch = {"damage", acknowledged_.epoch, acknowledged_.last};
        }
        begun = co_await begin_new_epoch(state);
    } else {
        begun = state;  // another journal was put in its place: it goes on
    }
    if (!begun) co_return begun.error();
    retell(*begun);
    co_return ok();
}

/// What this journal has of its own after the last common record goes on under another name. Not
/// more often than now and then: were there two of us, or a card that loses everything, no answer
/// of a consumer may make the journal copy itself without end.
net::awaitable<void> Daemon::Pipeline::leave_diverged() {
    const auto found = *std::exchange(divergence_, std::nullopt);
    const auto now = edges_.clock->now();
    if (found.epoch != journal_.epoch()) co_return;
    if (forked_at_ && now - *forked_at_ < kForkInterval) co_return;
    forked_at_ = now;
    const auto begun = co_await fork_journal(found.epoch, found.last, kDiverged, here());
    if (!begun) {
        storage_failed(begun.error());
        co_return;
    }
    acknowledged_ = {journal_.epoch(), journal_.last(), journal_.head()};
    retell(*begun);
    for (auto& pusher : pushers_) pusher->data_bell().ring();
}

void Daemon::Pipeline::retell(const JournalState& state) {
    timeline_ = state.timeline;
    intake_.move_to(state.epoch, missing_facts(state));
    meter_->retell();
    // What is open is told; then it must not be folded later.
    tell(budget_.drain());
    for (const auto& view : links_ ? links_->book().views() : std::vector<LinkBook::View>{}) {
        if (view.open) note(to_event(*view.open, here()));
    }
}

/// What the records that wait rely on and the journal does not hold.
std::vector<Event> Daemon::Pipeline::missing_facts(const JournalState& state) {
    std::vector<Event> facts;
    const auto at = state.last_tick && state.last_tick->boot == boot_ ? *state.last_tick
                                                                      : DeviceTime{boot_, started_};
    if (state.last_boot != edges_.facts.boot) {
        facts.push_back(to_event(BootFact{.id = edges_.facts.boot}, at));
    }
    if (latest_anchor_ && timeline_.latest(boot_) == nullptr) {
        facts.push_back(to_event(*latest_anchor_));
    }
    const auto waiting = intake_.waiting_series();
    for (const auto& series : series_->all()) {
        const auto is_here = [&series](const Series& other) { return other.id == series.id; };
        if (std::any_of(state.series.begin(), state.series.end(), is_here)) continue;
        if (std::find(waiting.begin(), waiting.end(), series.id) != waiting.end()) continue;
        facts.push_back(to_event(series, at));
    }
    return facts;
}

void Daemon::Pipeline::start_pushers() {
    if (!pushers_.empty()) return;
    for (std::size_t i = 0; i < edges_.uplinks.size(); ++i) {
        const auto& target = config_.sync.targets[i];
        PushSettings settings;
        settings.consumer = target.name;
        settings.site = config_.site.id;
        settings.interval = target.interval;
        settings.max_body_bytes = target.max_body.value;
        settings.max_bytes_s = target.max_rate.bit_per_s / 8;
        if (target.is_remote_write) {
            settings.path = target.path;
            settings.remote_write = RemoteWriteSettings{{}, target.max_age, target.in_order};
        }
        pushers_.push_back(std::make_unique<Pusher>(std::move(settings), *edges_.clock,
                                                    *edges_.entropy, journal_, *edges_.uplinks[i]));
        pushers_.back()->on_date([this](WallTime date, Monotonic sent, Monotonic received) {
            if (takes_words()) take_anchor(anchor_from_date(boot_, date, sent, received));
        });
        pushers_.back()->on_diverged([this](const EpochId& epoch, Seq agreed) {
            divergence_ = {epoch, agreed};
            commit_bell_.ring();
        });
    }
    for (auto& pusher : pushers_) {
        outer_.start("push", [&push = *pusher] { return push.run(); });
    }
}

net::awaitable<void> Daemon::Pipeline::stage_memory(const char* key, std::string value,
                                                    std::string& as_staged) {
    if (value == as_staged) co_return;
    std::string name{key};
    const auto staged = co_await journal_.stage_note(std::move(name), value);
    if (staged) {
        as_staged = std::move(value);
    } else {
        log(LogLevel::error, "note_failed", {{"detail", staged.error().detail}});
    }
}

net::awaitable<bool> Daemon::Pipeline::commit() {
    has_backlog_ = false;
    const auto per_chunk = std::max<std::size_t>(
        static_cast<std::size_t>(config_.metering.commit / config_.metering.tick), 1);
    auto pending = intake_.next(journal_.last().next(), per_chunk, most_chunks_);
    if (!pending) co_return true;
    auto power = power_memory_of(power_);
    co_await stage_memory(kPowerMemoryKey, std::move(power), power_memory_);
    auto path = path_memory_of(path_.verdict());
    co_await stage_memory(kPathMemoryKey, std::move(path), path_memory_);
    auto good_time = good_time_.memory(here());
    co_await stage_memory(kGoodTimeMemoryKey, std::move(good_time), good_time_memory_);
    auto budget = budget_.memory(here());
    co_await stage_memory(kBudgetMemoryKey, std::move(budget), budget_memory_);
    decide_pace();
    auto pace = pace_.memory();
    co_await stage_memory(kPaceMemoryKey, pace, pace_memory_);
    // What the next life is not told of must not be done.
    if (pace_memory_ != pace) pace_.hurry();
    auto bodies = pending->bodies;
    const auto kept = co_await journal_.append(pending->first, std::move(bodies));
    if (!kept) {
        pace_.hurry();
        pace_memory_ = "unknown";
        const auto code = kept.error().code;
        if (code == Errc::too_large && most_chunks_ > 1) {
            most_chunks_ /= 2;
            commit_bell_.ring();
            co_return false;
        }
        if (code == Errc::storage_broken) {
            uncertain_ = std::move(pending);  // `on_broken` has told it already
        } else {
            storage_failed(kept.error());
        }
        co_return false;
    }
    committed(*pending);
    storage_.committed(edges_.clock->now());
    watch_storage(edges_.clock->now());
    most_chunks_ = std::min(most_chunks_ * 2, kMostChunks);
    has_backlog_ = intake_.pending_ticks() >= per_chunk;
    co_return true;
}

/// `commit` is in the journal.
void Daemon::Pipeline::committed(const Intake::Commit& commit) {
    intake_.release(commit);
    acknowledged_ = {journal_.epoch(), journal_.last(), journal_.head()};
    if (commits_++ == 0) first_size_bytes_ = journal_.size_bytes();
    auto seq = commit.first;
    for (const auto& body : commit.bodies) {
        const auto* event = std::get_if<Event>(&body);
        if (event != nullptr && event->kind == EventKind::anchor) {
            // Known to `true_time_` since it was taken.
            if (const auto anchor = anchor_from(*event)) timeline_.add(seq, *anchor);
        }
        seq = seq.next();
    }
    for (auto& pusher : pushers_) pusher->data_bell().ring();
}

/// What a journal needs between its commits.
net::awaitable<void> Daemon::Pipeline::keep_house() {
    const auto more = co_await journal_.tend();
    has_more_to_tend_ = more && *more;
    if (!more && more.error().code == Errc::storage_full) {
        log(LogLevel::warning, "upkeep_failed", {{"detail", more.error().detail}});
    }
    const auto now = edges_.clock->now();
    if (!journal_.is_open() || now - last_checkpoint_ < kCheckpointInterval) co_return;
    last_checkpoint_ = now;
    const auto losses = co_await journal_.untold_losses();
    if (losses) {
        for (const auto& lost : *losses) note(to_event(lost, here()));
    }
    const auto done = co_await journal_.checkpoint();
    if (!done && done.error().code != Errc::storage_broken) storage_failed(done.error());
}

void Daemon::Pipeline::storage_failed(const Error& error) {
    if (error.detail != storage_.detail()) {
        log(LogLevel::error, "storage_failed",
            {{"code", to_string(error.code)},
             {"detail", error.detail},
             {"pending_ticks", std::to_string(intake_.pending_ticks())}});
    }
    // A call refused because another one hangs says nothing of its own.
    if (error.code == Errc::unreachable || error.code == Errc::stopped) return;
    storage_.failed(error, edges_.clock->now());
    watch_storage(edges_.clock->now());
}

bool Daemon::Pipeline::is_calm() const {
    if (is_blind() || storage_.state() != StorageState::well) return false;
    if (power_.mains_is_on() == std::optional{false}) return false;
    if (!config_.probe.enabled) return true;
    if (!links_ || links_->book().is_in_doubt()) return false;
    const auto views = links_->book().views();
    return std::none_of(views.begin(), views.end(),
                        [](const LinkBook::View& view) { return view.open.has_value(); });
}

void Daemon::Pipeline::decide_pace() {
    CommitPace::Signs signs;
    if (const auto wall = wall_of(here())) signs.local = *wall + config_.site.utc_offset;
    signs.written_bytes = journal_.written_bytes();
    signs.today_bytes = journal_.written_today();
    signs.budget_bytes = config_.journal.daily_writes.value;
    signs.is_calm = is_calm();
    const auto before = pace_.interval();
    pace_.decide(signs);
    if (pace_.interval() == before) return;
    log(LogLevel::info, "commit_interval",
        {{"seconds", std::to_string(pace_.interval() / Seconds{1})}});
}

Millis Daemon::Pipeline::loss_window() const {
    const auto pending = static_cast<std::int64_t>(intake_.pending_ticks());
    return std::max(pace_.interval(), config_.metering.tick * pending);
}

/// Tells the storage's state when it changes.
void Daemon::Pipeline::watch_storage(Monotonic now) {
    storage_.look(journal_.busy_since(), AsyncJournal::kHangs, edges_.clock->now());
    const auto change = storage_.take_change();
    if (!change) return;
    const DeviceTime at{boot_, now};
    note(to_event(StorageFact{.state = to_string(change->state),
                              .detail = change->detail,
                              .since = std::min(change->since, at.at)},
                  at));
    log(change->state == StorageState::well ? LogLevel::notice : LogLevel::error, "storage",
        {{"state", to_string(change->state)}, {"detail", change->detail}});
}

}  // namespace gerbang
