#include "daemon/app/pipeline.hpp"

#include <algorithm>
#include <utility>

#include "daemon/host/log.hpp"
#include "daemon/host/offload.hpp"
#include "daemon/probe/round.hpp"

namespace gerbang {
namespace {

constexpr Millis kAnchorInterval{10'000};
constexpr Millis kCheckpointInterval{3'600'000};

/// The first multiple of `step` after `now`: ticks of all sites and boots fall on a grid.
Monotonic next_on_grid(Monotonic now, Millis step) {
    const auto ms = to_ms(now) / step.count();
    return monotonic_from_ms((ms + 1) * step.count());
}

}  // namespace

Daemon::Pipeline::Pipeline(const Config& config, Edges edges)
    : config_{config},
      edges_{std::move(edges)},
      core_{edges_.loop},
      outer_{edges_.loop},
      ledger_{config.probe.failures},
      intake_{*edges_.ring} {}

Daemon::Pipeline::~Pipeline() = default;

net::awaitable<Result<RunEnd>> Daemon::Pipeline::run() {
    const auto begun = co_await begin();
    if (!begun) co_return begun.error();
    for (std::size_t i = 0; i < edges_.uplinks.size(); ++i) {
        const auto& target = config_.sync.targets[i];
        PushSettings settings;
        settings.consumer = target.name;
        settings.site = config_.site.id;
        settings.interval = target.interval;
        settings.max_body_bytes = target.max_body.value;
        pushers_.push_back(std::make_unique<Pusher>(
            std::move(settings), *edges_.clock, *edges_.entropy, *journal_, *edges_.uplinks[i]));
    }
    const auto now = edges_.clock->now();
    last_checkpoint_ = now;
    commit_slot_ = to_ms(now) / config_.metering.commit.count();
    take_tick(now);
    is_running_ = true;
    // What was recovered and what start-up found out is made durable at once.
    commit_bell_.ring();

    core_.start("tick", [this] { return tick_loop(); });
    core_.start("commit", [this] { return commit_loop(); });
    if (edges_.watch != nullptr) outer_.start("watch", [this] { return watch_loop(); });
    if (config_.probe.enabled) outer_.start("probe", [this] { return probe_loop(); });
    for (auto& pusher : pushers_) {
        outer_.start("push", [&push = *pusher] { return push.run(); });
    }
    co_await core_.all_done();
    if (!storage_gave_up_) co_await finish();
    co_await outer_.all_done();
    // Queries of the local API may still be with the worker, and their coroutines come back to
    // this object. It works in order: behind a job of our own none is left.
    is_closed_ = true;
    (void)co_await offload(edges_.worker, [] { return true; });
    co_return storage_gave_up_ ? RunEnd::storage_broken : RunEnd::stopped;
}

void Daemon::Pipeline::stop(const std::string& reason) {
    stop_reason_ = reason;
    if (edges_.watch != nullptr) edges_.watch->stop();
    edges_.clock->stop();
    if (edges_.on_stop) edges_.on_stop();
}

void Daemon::Pipeline::push_now() {
    for (auto& pusher : pushers_) pusher->push_now();
}

net::awaitable<void> Daemon::Pipeline::tick_loop() {
    auto& clock = *edges_.clock;
    auto next = next_on_grid(last_tick_, config_.metering.tick);
    for (;;) {
        const bool is_on = co_await clock.sleep_until(next);
        if (!is_on) co_return;
        read_kernel();
        take_tick(next);
        const auto slot = to_ms(next) / config_.metering.commit.count();
        if (std::exchange(commit_slot_, slot) != slot) commit_bell_.ring();
        const auto after = next_on_grid(clock.now(), config_.metering.tick);
        missed_ticks_ += static_cast<std::uint64_t>((after - next) / config_.metering.tick - 1);
        next = after;
    }
}

net::awaitable<void> Daemon::Pipeline::watch_loop() {
    for (;;) {
        const bool is_on = co_await edges_.watch->changed();
        if (!is_on) co_return;
        // The interval ends here, so that bytes go to the role that the interface held.
        read_kernel();
        take_tick(edges_.clock->now());
        probe_bell_.ring();
    }
}

net::awaitable<void> Daemon::Pipeline::commit_loop() {
    auto& clock = *edges_.clock;
    for (;;) {
        const bool is_on = co_await clock.sleep_until(Monotonic::max(), &commit_bell_);
        if (!is_on) co_return;
        const bool is_kept = co_await commit();
        if (storage_gave_up_) co_return;
        if (!is_kept || clock.now() - last_checkpoint_ < kCheckpointInterval) continue;
        last_checkpoint_ = clock.now();
        const auto done = co_await journal_->checkpoint();
        if (!done) storage_failed(done.error());
    }
}

net::awaitable<void> Daemon::Pipeline::probe_loop() {
    auto& clock = *edges_.clock;
    std::vector<ProbeTarget> targets;
    for (const auto& target : config_.probe.targets) {
        targets.push_back({target.name, target.address, target.tcp_port});
    }
    for (;;) {
        const auto wan = meter_->summary().wan;
        const auto has_carrier = wan.is_known ? std::optional<bool>{wan.has_carrier} : std::nullopt;
        std::vector<ProbeAnswer> answers;
        // Without a carrier there is nobody to ask: the cause is known.
        if (has_carrier.value_or(true)) {
            answers = co_await probe_round(*edges_.prober, edges_.loop, targets, wan.name,
                                           config_.probe.timeout);
        }
        if (clock.is_stopped()) co_return;
        note_link(wan.name, has_carrier, answers);
        const auto pause =
            ledger_.is_in_doubt() ? config_.probe.doubt_interval : config_.probe.interval;
        const bool is_on =
            co_await clock.sleep_until(next_on_grid(clock.now(), pause), &probe_bell_);
        if (!is_on) co_return;
    }
}

net::awaitable<void> Daemon::Pipeline::finish() {
    read_kernel();
    take_tick(edges_.clock->now());
    // One commit takes a part only of what a long failure of the storage left.
    while (!intake_.empty()) {
        const bool is_kept = co_await commit();
        if (!is_kept) co_return;
    }
    // Alone and last: its being the last record is what tells a clean stop from a death.
    note(to_event(StopFact{.reason = stop_reason_}, here()));
    (void)co_await commit();
    const auto done = co_await journal_->checkpoint();
    if (!done) log(LogLevel::error, "checkpoint_failed", {{"detail", done.error().detail}});
    log(LogLevel::notice, "stopped",
        {{"reason", stop_reason_}, {"last", std::to_string(journal_->last().value)}});
}

void Daemon::Pipeline::read_kernel() {
    const auto read = edges_.kernel->read(kernel_reading_);
    auto detail = read ? std::string{} : read.error().detail;
    if (!detail.empty() && detail != kernel_detail_) {
        log(LogLevel::error, "kernel_read_failed", {{"detail", detail}});
    }
    kernel_detail_ = std::move(detail);
}

void Daemon::Pipeline::take_tick(Monotonic at) {
    // A change in the very millisecond of a tick, or a start in that of the last life's last one.
    if (at <= last_tick_) return;
    readings_.clear();
    meter_events_.clear();
    if (kernel_detail_.empty()) meter_->advance(kernel_reading_, readings_, meter_events_);
    health_->read(edges_.clock->now(), readings_);
    for (auto& target : targets_) {
        if (!target.answered) continue;
        readings_.push_back({target.success, *target.answered ? 1 : 0});
        if (target.took) readings_.push_back({target.round_trip, target.took->count()});
        target.answered.reset();
        target.took.reset();
    }
    if (link_state_id_.value == 0) {
        link_state_id_ = series_.intern(series_name::kLinkState, {}, SeriesKind::state, "");
    }
    readings_.push_back({link_state_id_, static_cast<std::int64_t>(ledger_.state())});
    std::erase_if(readings_, [](const Reading& reading) { return reading.series.value == 0; });
    std::sort(readings_.begin(), readings_.end());

    // Their time is the tick's: a later one would hold the tick's own time back (design 4: no
    // record is earlier than its predecessor).
    const DeviceTime now{boot_, at};
    for (const auto& series : series_.take_new()) note(to_event(series, now));
    for (const auto& fact : meter_events_.interfaces) note(to_event(fact, now));
    for (const auto& name : meter_events_.left_out) {
        log(LogLevel::warning, "interface_not_metered",
            {{"interface", name}, {"detail", "too many interfaces; name those to ignore"}});
    }
    for (const auto& fact : meter_events_.carriers) {
        note(to_event(fact, now));
        log(LogLevel::notice, "carrier",
            {{"interface", fact.name}, {"state", fact.is_up ? "up" : "down"}});
        probe_bell_.ring();
    }
    note_anchor(at);
    intake_.add(Tick{at, readings_});
    last_tick_ = at;
}

void Daemon::Pipeline::note_anchor(Monotonic at) {
    // Asking the kernel each second would be a good part of a tick's cost, and tell nothing new.
    const auto slot = to_ms(at) / kAnchorInterval.count();
    if (std::exchange(anchor_slot_, slot) == slot) return;
    const auto wall = edges_.clock->wall();
    if (!wall.is_synchronised && !config_.clock.trust_system) return;
    const Anchor candidate{
        .at = here(),
        .wall = wall.wall,
        .source = wall.is_synchronised ? AnchorSource::kernel : AnchorSource::operator_,
        .uncertainty = wall.is_synchronised ? wall.uncertainty : Millis{1000}};
    if (!wants_anchor(latest_anchor_ ? &*latest_anchor_ : nullptr, candidate)) return;
    const bool is_first = !latest_anchor_;
    latest_anchor_ = candidate;
    note(to_event(candidate));
    if (is_first) commit_bell_.ring();
}

void Daemon::Pipeline::note_link(const std::string& wan, std::optional<bool> has_carrier,
                                 const std::vector<ProbeAnswer>& answers) {
    Observation seen{.at = here(), .has_carrier = has_carrier, .evidence = {}};
    if (!has_carrier.value_or(true)) seen.evidence = "no carrier on " + wan;
    if (targets_.size() < answers.size()) targets_.resize(answers.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto& name = config_.probe.targets[i].name;
        const auto& answer = answers[i];
        auto& target = targets_[i];
        if (target.success.value == 0) {
            target.success =
                series_.intern("probe_success", {{"target", name}}, SeriesKind::state, "");
            target.round_trip = series_.intern("probe_rtt_seconds", {{"target", name}},
                                               SeriesKind::gauge, "seconds", 3);
        }
        ++seen.asked;
        target.answered = answer.answered;
        if (answer.answered) {
            ++seen.answered;
            target.took = answer.round_trip;
        } else {
            target.took.reset();
            if (!seen.evidence.empty()) seen.evidence += "; ";
            seen.evidence += name + ": " + answer.detail;
        }
    }
    write_down(ledger_.observe(seen));
}

void Daemon::Pipeline::write_down(const std::vector<Outage>& segments) {
    for (const auto& outage : segments) {
        note(to_event(outage, here()));
        log(LogLevel::notice, outage.is_open() ? "outage" : "outage_ended",
            {{"id", std::to_string(outage.id)},
             {"cause", std::string{to_string(outage.cause)}},
             {"evidence", outage.evidence}});
    }
    // Start and end of an outage must survive the power cut that often follows.
    if (!segments.empty()) commit_bell_.ring();
}

net::awaitable<bool> Daemon::Pipeline::commit() {
    if (is_committing_) co_return true;
    is_committing_ = true;
    const auto per_chunk =
        static_cast<std::size_t>(config_.metering.commit / config_.metering.tick);
    const auto pending = intake_.next(journal_->last().next(), std::max<std::size_t>(per_chunk, 1));
    if (!pending) {
        is_committing_ = false;
        co_return true;
    }
    const auto kept = co_await journal_->append(pending->first, pending->bodies);
    is_committing_ = false;
    if (!kept) {
        storage_failed(kept.error());
        co_return false;
    }
    if (storage_failures_ != 0) log(LogLevel::notice, "storage_recovered", {});
    storage_failures_ = 0;
    storage_detail_.clear();
    intake_.release(*pending);
    auto seq = pending->first;
    for (const auto& body : pending->bodies) {
        const auto* event = std::get_if<Event>(&body);
        if (event != nullptr && event->kind == EventKind::anchor) {
            if (const auto anchor = anchor_from(*event)) timeline_.add(seq, *anchor);
        }
        seq = seq.next();
    }
    for (auto& pusher : pushers_) pusher->data_bell().ring();
    co_return true;
}

void Daemon::Pipeline::storage_failed(const Error& error) {
    if (error.detail != storage_detail_) {
        log(LogLevel::error, "storage_failed",
            {{"code", to_string(error.code)},
             {"detail", error.detail},
             {"pending_ticks", std::to_string(intake_.pending_ticks())}});
    }
    storage_detail_ = error.detail;
    ++storage_failures_;
    // After a failed write nothing is trusted until the journal was opened and checked anew; what
    // is pending waits in the ring. A full disk is only waited for.
    if (error.code != Errc::storage_broken) return;
    storage_gave_up_ = true;
    stop("storage");
}

Error Daemon::Pipeline::journal_not_open() {
    return {Errc::unreachable, "the journal is being opened or closed; ask again"};
}

std::optional<WallTime> Daemon::Pipeline::wall_of(DeviceTime at) const {
    return timeline_.wall_of(Seq{kMaxSeq}, at);
}

net::awaitable<Result<std::vector<UsageRow>>> Daemon::Pipeline::usage(UsagePeriod period,
                                                                      WallTime from, WallTime to) {
    if (!journal_ || is_closed_) co_return journal_not_open();
    auto rows = co_await journal_->usage(period, from, to);
    co_return rows;
}

}  // namespace gerbang
