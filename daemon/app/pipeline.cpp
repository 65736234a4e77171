#include "daemon/app/pipeline.hpp"

#include <algorithm>
#include <utility>

#include "daemon/app/memories.hpp"
#include "daemon/host/log.hpp"
#include "daemon/host/offload.hpp"

namespace gerbang {
namespace {

/// For so long nobody looks at the links while the journal is being opened: what they were before
/// is known to it alone.
constexpr Millis kBlindProbing{15'000};
/// The one-shot's file and resolv.conf change rarely, and nobody tells us.
constexpr Millis kFactsInterval{600'000};
constexpr Millis kResolversInterval{60'000};
/// A round that rides on a tick needs no reading of its own.
constexpr Millis kFreshReading{100};
/// Rounds ride on ticks that come at least this often; see `next_round`.
constexpr Millis kRidingTick{1'000};

/// The first multiple of `step` after `now`: ticks of all sites and boots fall on a grid.
Monotonic next_on_grid(Monotonic now, Millis step) {
    const auto ms = to_ms(now) / step.count();
    return monotonic_from_ms((ms + 1) * step.count());
}

/// Opens the journal in a state folder that was looked at first.
AsyncJournal::Open opener_of(const Edges& edges, std::shared_ptr<std::atomic<bool>> is_ram) {
    return [options = edges.journal, folder = edges.state_folder, leave = edges.leave_folder,
            is_ram]() -> Result<std::unique_ptr<Journal>> {
        Result<std::unique_ptr<Journal>> opened = Error{Errc::storage_broken, {}};
        auto found = folder ? folder() : Result<StateFolder>{StateFolder{}};
        if (found) {
            is_ram->store(found->is_ram);
            opened = Journal::open(options);
        } else {
            opened = found.error();
        }
        if (!opened && leave) leave();
        return opened;
    };
}

}  // namespace

Daemon::Pipeline::Pipeline(const Config& config, Edges edges)
    : config_{config},
      edges_{std::move(edges)},
      core_{edges_.loop},
      outer_{edges_.loop},
      power_{edges_.paths.sys, config.power.mains},
      forwarding_{edges_.paths},
      intake_{*edges_.ring},
      journal_{opener_of(edges_, state_is_ram_), edges_.worker, *edges_.clock},
      pace_{config_.metering.commit, config_.journal.stretch_commits} {
    journal_.on_broken([this](const Error& error) {
        storage_failed(error);
        commit_bell_.ring();
    });
}

Daemon::Pipeline::~Pipeline() = default;

net::awaitable<void> Daemon::Pipeline::run() {
    begin();
    const auto now = edges_.clock->now();
    last_checkpoint_ = now;
    commit_slot_ = to_ms(now) / config_.metering.commit.count();
    take_tick(now);
    is_running_ = true;
    // What was recovered and what start-up found out is made durable at once.
    commit_bell_.ring();

    core_.start("tick", [this] { return tick_loop(); });
    core_.start("storage", [this] { return storage_loop(); });
    if (edges_.watch != nullptr) outer_.start("watch", [this] { return watch_loop(); });
    if (config_.probe.enabled) outer_.start("probe", [this] { return probe_loop(); });
    co_await core_.all_done();
    co_await finish();
    co_await outer_.all_done();
    // Queries of the local API may still be with the worker, and their coroutines come back to
    // this object. It works in order: behind the closing none is left.
    is_closed_ = true;
    co_await journal_.close();
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
        latest_tick_ = std::max(latest_tick_, clock.now() - next);
        read_kernel();
        take_tick(next);
        const auto slot = to_ms(next) / config_.metering.commit.count();
        if (pace_.times() > 1 && !is_calm()) pace_.hurry();
        if (slot - commit_slot_ >= std::int64_t{pace_.times()}) {
            commit_slot_ = slot;
            commit_bell_.ring();
        }
        const auto after = next_on_grid(clock.now(), config_.metering.tick);
        missed_ticks_ += static_cast<std::uint64_t>((after - next) / config_.metering.tick - 1);
        next = after;
    }
}

net::awaitable<void> Daemon::Pipeline::watch_loop() {
    for (;;) {
        const bool is_on = co_await edges_.watch->changed();
        if (!is_on) co_return;
        // A change in the very millisecond of a tick has an instant of its own, and is not told
        // with the next change as one.
        if (edges_.clock->now() <= last_tick_) {
            const bool goes_on = co_await edges_.clock->sleep_until(last_tick_ + Millis{1});
            if (!goes_on) co_return;
        }
        // The interval ends here, so that bytes go to the role that the interface held.
        read_kernel();
        take_tick(edges_.clock->now());
        probe_bell_.ring();
    }
}

net::awaitable<void> Daemon::Pipeline::probe_loop() {
    auto& clock = *edges_.clock;
    for (;;) {
        if (!links_) {
            const bool is_awake =
                co_await clock.sleep_until(started_ + kBlindProbing, &links_bell_);
            if (!is_awake) co_return;
            if (!links_) begin_blind_links();
        }
        const auto begun = clock.now();
        // They may be replaced while a round is under way, when the journal becomes known.
        const auto links = links_;
        auto around = surroundings();
        auto segments = co_await links->round(std::move(around), boot_);
        if (clock.is_stopped()) co_return;
        if (links != links_) continue;
        write_down(std::move(segments));
        bool is_on = co_await clock.sleep_until(next_round(), &probe_bell_);
        // A carrier or a supply that flaps must neither hurry the rounds of an outage nor flood the
        // line with questions.
        const auto soonest = begun + config_.probe.doubt_interval;
        if (is_on && clock.now() < soonest) is_on = co_await clock.sleep_until(soonest);
        if (!is_on) co_return;
    }
}

/// With fast ticks a round rides on the one at its time or before it: to wake up costs more than to
/// ask. Never on a later one, so that bounds of outages stay within an interval; ticks that are
/// not fast are too far away. Where an interval is no multiple of the tick, the tick before would
/// still belong to the round that was.
Monotonic Daemon::Pipeline::next_round() {
    const auto due = links_->next_round();
    const auto& tick = config_.metering.tick;
    const bool fits = config_.probe.interval % tick == Millis{0} &&
                      config_.probe.doubt_interval % tick == Millis{0};
    if (tick > kRidingTick || !fits) return due;
    return next_on_grid(due - tick, tick);
}

/// What passed until now: a line that is full, or that brings something, must not be judged by
/// what the last tick saw of it up to ten seconds ago.
void Daemon::Pipeline::count_wan(const std::string& wan, Monotonic now, Surroundings& around) {
    if (now - kernel_reading_.taken > kFreshReading) read_kernel();
    if (!kernel_detail_.empty()) return;
    for (const auto& one : kernel_reading_.interfaces) {
        if (one.name != wan) continue;
        const auto count = [&one](Counter counter) {
            return one.counters[static_cast<std::size_t>(counter)];
        };
        around.wan_received_bytes = count(Counter::rx_bytes);
        around.wan_received_packets = count(Counter::rx_packets);
        around.wan_total_bytes = count(Counter::rx_bytes) + count(Counter::tx_bytes);
    }
}

void Daemon::Pipeline::yield_link() {
    if (pushers_.empty()) return;
    const auto wan = meter_->summary().wan.name;
    const auto found =
        std::find_if(kernel_reading_.interfaces.begin(), kernel_reading_.interfaces.end(),
                     [&wan](const auto& one) { return one.name == wan; });
    if (!kernel_detail_.empty() || found == kernel_reading_.interfaces.end()) {
        yielding_.forget();
    } else {
        WanTraffic traffic;
        traffic.received_bytes = found->counters[static_cast<std::size_t>(Counter::rx_bytes)];
        traffic.sent_bytes = found->counters[static_cast<std::size_t>(Counter::tx_bytes)];
        for (const auto* uplink : edges_.uplinks) {
            const auto own = uplink->traffic();
            traffic.own_sent_bytes += own.sent_bytes;
            traffic.own_received_bytes += own.received_bytes;
        }
        yielding_.note(kernel_reading_.taken, traffic);
    }
    for (auto& pusher : pushers_) {
        pusher->limit_drain(yielding_.drain_bytes_s() / pushers_.size());
    }
}

Surroundings Daemon::Pipeline::surroundings() {
    const auto now = edges_.clock->now();
    const auto summary = meter_->summary();
    const auto& wan = summary.wan;
    Surroundings around;
    // A session that broke takes its device along; whoever binds to that could ask nothing at all,
    // and an outage would be told as silence of our own. Unbound, the kernel says what way is left.
    const bool has_lost_session = wan.session_is_down && wan.has_carrier;
    if (!has_lost_session) around.wan = wan.name;
    wan_device_ = around.wan;
    if (wan.is_known) around.has_carrier = wan.has_carrier;
    around.is_point_to_point =
        wan.is_point_to_point || (has_lost_session && wan.name.starts_with("ppp"));
    around.gateway = wan.gateway;
    around.gateway_is_neighbour = wan.gateway_is_neighbour;
    if (config_.probe.resolvers.empty() && edges_.resolvers) {
        if (!resolvers_read_ || now - *resolvers_read_ >= kResolversInterval) {
            resolvers_read_ = now;
            resolvers_ = edges_.resolvers();
        }
        around.resolvers = resolvers_;
    }
    around.mains_is_on = power_.mains_is_on();
    around.lan_has_carrier = summary.lan.has_carrier;
    count_wan(wan.name, now, around);
    const auto add_own = [&around](const Uplink* uplink) {
        if (uplink == nullptr) return;
        const auto traffic = uplink->traffic();
        around.own_sent_bytes += traffic.sent_bytes;
        around.own_received_bytes += traffic.received_bytes;
    };
    for (const auto* uplink : edges_.uplinks) add_own(uplink);
    for (const auto* uplink : edges_.services) add_own(uplink);
    add_own(edges_.page);
    around.rate_bit_per_s = config_.provider.down.bit_per_s != 0 ? config_.provider.down.bit_per_s
                                                                 : wan.line_rate.bit_per_s;
    // Of the target whose server the ladder asks for. After a failed attempt it must be asked.
    if (!pushers_.empty()) {
        const auto push = pushers_.front()->status();
        if (push.failures == 0) around.last_push = push.last_success;
    }
    return around;
}

WebQuestions Daemon::Pipeline::web_questions() const {
    const auto page = split_url(config_.probe.web_url);
    WebTarget province{.name = {}, .uplink = nullptr, .path = "/healthz"};
    if (!edges_.uplinks.empty()) province.uplink = edges_.uplinks.front();
    std::vector<WebTarget> services;
    for (std::size_t i = 0; i < config_.services.size() && i < edges_.services.size(); ++i) {
        services.push_back({config_.services[i].name, edges_.services[i],
                            split_url(config_.services[i].url).path});
    }
    return make_web_questions(*edges_.clock, wan_device_, {"page", edges_.page, page.path},
                              config_.probe.web_status, std::move(province), std::move(services));
}

net::awaitable<Result<web::ProbeReport>> Daemon::Pipeline::probe_now() {
    if (!is_running_ || edges_.clock->is_stopped()) co_return journal_not_open();
    const Join::Guard guard{outer_};
    if (!links_) begin_blind_links();
    const auto links = links_;
    auto around = surroundings();
    auto report = co_await links->probe(std::move(around), boot_);
    if (edges_.clock->is_stopped()) co_return journal_not_open();
    co_return report;
}

Result<void> Daemon::Pipeline::note_claim(const NoteFact& claim) {
    if (!takes_words()) return journal_not_open();
    note(to_event(claim, here()));
    log(LogLevel::notice, "note", {{"kind", claim.kind}});
    commit_bell_.ring();
    return ok();
}

net::awaitable<void> Daemon::Pipeline::finish() {
    if (links_) links_->book().settle(here());
    read_kernel();
    take_tick(edges_.clock->now());
    tell(budget_.drain());
    for (const auto& fact : event_rate_.all()) intake_.add(to_event(fact, here()));
    // Without a journal all of it stays in the ring, for the next life on this boot.
    if (is_blind() || !journal_.is_open()) {
        log(LogLevel::warning, "stopped_without_journal",
            {{"detail", storage_.detail()},
             {"pending_ticks", std::to_string(intake_.pending_ticks())}});
        co_return;
    }
    // One commit takes a part only of what a long failure of the storage left.
    while (!intake_.empty()) {
        const bool is_kept = co_await commit();
        if (!is_kept) co_return;
    }
    // Alone and last: its being the last record is what tells a clean stop from a death.
    note(to_event(StopFact{.reason = stop_reason_}, here()));
    (void)co_await commit();
    const auto done = co_await journal_.checkpoint();
    if (!done) log(LogLevel::error, "checkpoint_failed", {{"detail", done.error().detail}});
    log(LogLevel::notice, "stopped",
        {{"reason", stop_reason_}, {"last", std::to_string(journal_.last().value)}});
}

void Daemon::Pipeline::note(const Event& event) {
    if (preface_ != nullptr) {
        preface_->push_back(event);
    } else if (event_rate_.admit(event)) {
        intake_.add(event);
    }
}

void Daemon::Pipeline::read_kernel() {
    keep_day();
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
    if (links_) links_->append_readings(at, readings_);
    watch_storage(at);
    readings_.push_back({storage_state_id_, static_cast<std::int64_t>(storage_.state())});
    readings_.push_back({loss_window_id_, loss_window().count() / 1000});
    std::erase_if(readings_, [](const Reading& reading) { return reading.series.value == 0; });
    std::sort(readings_.begin(), readings_.end());
    const auto free_bytes =
        std::lower_bound(readings_.begin(), readings_.end(), Reading{free_bytes_id_, INT64_MIN});
    if (free_bytes != readings_.end() && free_bytes->series == free_bytes_id_) {
        free_bytes_ = static_cast<std::uint64_t>(free_bytes->value);
    }

    // Their time is the tick's: a later one would hold the tick's own time back (design 4: no
    // record is earlier than its predecessor).
    const DeviceTime now{boot_, at};
    for (const auto& series : series_->take_new()) note(to_event(series, now));
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
    read_power(at);
    check_path(at);
    note_anchor(at);
    yield_link();
    for (auto& fact : event_rate_.due(now)) {
        fact.first.boot = fact.last.boot = boot_;
        intake_.add(to_event(fact, now));
    }
    intake_.add(Tick{at, readings_});
    remember_newest(at);
    last_tick_ = at;
    if (is_blind()) remember_blindly(at);
}

void Daemon::Pipeline::read_power(Monotonic at) {
    const auto mains_before = power_.mains_is_on();
    const auto& changed = power_.read(at);
    for (const auto& supply : changed) {
        const PowerFact fact{.name = supply.name,
                             .kind = supply.kind,
                             .is_online = supply.is_online,
                             .status = supply.status,
                             .capacity_percent = supply.capacity_percent};
        note(to_event(fact, {boot_, at}));
    }
    // The next boot must know of it although this one may end any moment. A battery's wanderings
    // can wait for the minute.
    if (power_.mains_is_on() == mains_before) return;
    commit_bell_.ring();
    probe_bell_.ring();
}

void Daemon::Pipeline::check_path(Monotonic at) {
    const auto forwarding = forwarding_.read(at);
    if (!forwarding) return;
    if (!facts_read_ || at - *facts_read_ >= kFactsInterval) {
        facts_read_ = at;
        auto facts = read_machine_facts(edges_.paths);
        if (facts) machine_ = std::move(*facts);
    }
    if (!path_.take(path_signs(at, meter_->summary(), *forwarding, machine_))) return;
    const auto& verdict = path_.verdict();
    const PathFact fact{.confidence = std::string{to_string(verdict.confidence)},
                        .path = std::string{to_string(verdict.path)},
                        .reason = verdict.reason};
    note(to_event(fact, {boot_, at}));
    log(LogLevel::notice, "path",
        {{"confidence", fact.confidence}, {"path", fact.path}, {"reason", fact.reason}});
}

void Daemon::Pipeline::write_down(std::vector<Outage> segments) {
    tell(budget_.admit(std::move(segments), here()));
}

void Daemon::Pipeline::tell(const std::vector<Outage>& segments) {
    for (const auto& outage : segments) {
        note(to_event(outage, here()));
        log(LogLevel::notice, outage.is_open() ? "outage" : "outage_ended",
            {{"id", std::to_string(outage.id)},
             {"link", outage.link},
             {"cause", std::string{to_string(outage.cause)}},
             {"evidence", outage.evidence}});
    }
    if (is_blind()) {
        auto& known = blind_->segments;
        for (const auto& outage : segments) {
            std::erase_if(known, [&](const Outage& old) {
                return old.id == outage.id && old.segment == outage.segment;
            });
            known.push_back(outage);
        }
    }
    // Start and end of an outage must survive the power cut that often follows.
    if (!segments.empty()) commit_bell_.ring();
}

Error Daemon::Pipeline::journal_not_open() const {
    if (is_running_ && !is_closed_ && !edges_.clock->is_stopped()) {
        return {Errc::unreachable, "the journal cannot be asked now (storage: " +
                                       std::string{to_string(storage_.state())} +
                                       (storage_.detail().empty() ? "" : ", " + storage_.detail()) +
                                       "); measuring goes on, ask again later"};
    }
    return {Errc::unreachable, "the journal is being opened or closed; ask again"};
}

net::awaitable<Result<std::vector<UsageRow>>> Daemon::Pipeline::usage(UsagePeriod period,
                                                                      WallTime from, WallTime to) {
    if (!journal_.is_open() || is_closed_) co_return journal_not_open();
    auto rows = co_await journal_.usage(period, from, to);
    co_return rows;
}

}  // namespace gerbang
