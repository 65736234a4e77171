// Start-up: metering first, blind; then the journal, when it opens, and what lies in the ring.

#include <algorithm>
#include <map>

#include "daemon/app/memories.hpp"
#include "daemon/app/pipeline.hpp"
#include "daemon/app/version.hpp"
#include "daemon/host/log.hpp"

namespace gerbang {
namespace {

/// Of every series the newest value, those of `newer` being newer.
std::vector<Reading> joined_totals(const std::vector<Reading>& older,
                                   const std::vector<Reading>& newer) {
    std::map<SeriesId, std::int64_t> values;
    for (const auto& reading : older) values[reading.series] = reading.value;
    for (const auto& reading : newer) values[reading.series] = reading.value;
    std::vector<Reading> totals;
    totals.reserve(values.size());
    for (const auto& [series, value] : values) totals.push_back({series, value});
    return totals;
}

/// Of every segment the newest state.
void keep_newest(std::vector<Outage>& segments, const Outage& outage) {
    std::erase_if(segments, [&](const Outage& old) {
        return old.id == outage.id && old.segment == outage.segment;
    });
    segments.push_back(outage);
}

void keep_newest(std::vector<InterfaceFact>& facts, const InterfaceFact& fact) {
    std::erase_if(facts, [&](const InterfaceFact& old) { return old.name == fact.name; });
    facts.push_back(fact);
}

/// Of interfaces that have totals and no fact of their own (an epoch that began after damage): on a
/// boot that was measured before they go on from here, as nobody knows what was counted already.
void remember_by_totals(MeterHistory& history, const SeriesTable& table,
                        const KernelReading& reading) {
    for (const auto& one : reading.interfaces) {
        const auto is_it = [&one](const RememberedInterface& each) {
            return each.fact.name == one.name;
        };
        if (std::any_of(history.interfaces.begin(), history.interfaces.end(), is_it)) continue;
        InterfaceFact fact;
        fact.name = one.name;
        fact.ifindex = one.ifindex;
        fact.role = "none";
        bool has_total = false;
        for (std::size_t i = 0; i < kCounterCount; ++i) {
            fact.base[i] = -static_cast<std::int64_t>(one.counters[i]);
            for (const auto& total : history.totals) {
                const auto* series = table.find(total.series);
                if (series == nullptr || series->name != series_of(static_cast<Counter>(i)) ||
                    series->labels.size() != 1 || series->labels[0].value != one.name)
                    continue;
                fact.base[i] += total.value;
                has_total = true;
            }
        }
        if (has_total) history.interfaces.push_back({fact, true});
    }
}

/// Boots that a card may have dropped on one boot: many would be a hostile ring.
constexpr std::uint32_t kMaxLostBoots = 1000;

std::string offset_text(Seconds offset) {
    const auto minutes = std::abs(offset.count()) / 60;
    char text[16];
    std::snprintf(text, sizeof text, "%c%02d:%02d", offset.count() < 0 ? '-' : '+',
                  static_cast<int>(minutes / 60) % 100, static_cast<int>(minutes % 60));
    return text;
}

DeviceTime on_boot(DeviceTime at, BootNo boot) {
    return at.boot == kProvisionalBoot ? DeviceTime{boot, at.at} : at;
}

Outage on_boot(Outage outage, BootNo boot) {
    outage.last_good = on_boot(outage.last_good, boot);
    outage.first_bad = on_boot(outage.first_bad, boot);
    if (outage.last_bad) outage.last_bad = on_boot(*outage.last_bad, boot);
    if (outage.first_good) outage.first_good = on_boot(*outage.first_good, boot);
    return outage;
}

}  // namespace

MeterSettings Daemon::Pipeline::meter_settings() const {
    return {.wan = config_.interfaces.wan,
            .lan = config_.interfaces.lan,
            .wifi = config_.interfaces.wifi,
            .ignore = config_.interfaces.ignore,
            .kernel_is_32bit = edges_.facts.kernel_is_32bit};
}

/// Everything that needs no disk. What an earlier process of this boot measured blindly goes on.
void Daemon::Pipeline::begin() {
    started_ = edges_.clock->now();
    read_kernel();
    boot_ = kProvisionalBoot;
    auto found = intake_.begin(started_);
    last_tick_ = intake_.last_at().value_or(Monotonic{});

    std::vector<Series> known;
    MeterHistory history;
    auto& blind = blind_.emplace();
    for (const auto& event : found.events) {
        if (const auto series = series_from(event); event.kind == EventKind::series && series) {
            known.push_back(*series);
        } else if (const auto fact = interface_from(event);
                   event.kind == EventKind::interface && fact) {
            keep_newest(blind.facts, *fact);
        } else if (const auto anchor = anchor_from(event);
                   event.kind == EventKind::anchor && anchor) {
            blind.anchors.push_back(*anchor);
            latest_anchor_ = *anchor;
        }
    }
    for (const auto& fact : blind.facts) history.interfaces.push_back({fact, true});
    history.totals = found.totals;
    history.last_tick = found.last_tick;
    blind.totals = found.totals;
    blind.first = found.first;
    blind.began = found.first_tick.value_or(started_);
    blind.own_began = started_;
    if (found.ticks != 0) {
        recovered_ticks_ = found.ticks;
        blind.before = std::move(found);
    }
    series_ = std::make_unique<SeriesTable>(std::move(known));
    meter_ = std::make_unique<Meter>(meter_settings(), *series_);
    meter_->restore(history);
    health_ = std::make_unique<Health>(edges_.paths, *series_);
    health_->restore(history.totals);
    intern_own();
    if (auto facts = read_machine_facts(edges_.paths)) {
        machine_ = std::move(*facts);
    } else if (facts.error().code != Errc::not_found) {
        log(LogLevel::warning, "facts_refused", {{"detail", facts.error().detail}});
    }
}

void Daemon::Pipeline::intern_own() {
    free_bytes_id_ = series_->intern("state_free_bytes", {}, SeriesKind::gauge, "bytes");
    storage_state_id_ = series_->intern("storage_state", {}, SeriesKind::state, "");
    loss_window_id_ = series_->intern("loss_window_seconds", {}, SeriesKind::gauge, "seconds");
}

void Daemon::Pipeline::remember_blindly(Monotonic at) {
    auto& blind = *blind_;
    if (blind.ticks++ == 0) {
        blind.own_began = at;
        if (!blind.before) {
            blind.began = at;
            blind.first = readings_;
        }
        if (kernel_detail_.empty()) blind.first_reading = kernel_reading_;
    }
    blind.totals = joined_totals(blind.totals, readings_);
    for (const auto& fact : meter_events_.interfaces) keep_newest(blind.facts, fact);
}

void Daemon::Pipeline::begin_blind_links() {
    links_ = std::make_shared<Links>(config_, web_questions(), *edges_.prober, *edges_.clock,
                                     *edges_.entropy, edges_.loop, *series_);
    LinkBook::History past;
    past.totals = blind_ ? blind_->totals : std::vector<Reading>{};
    write_down(links_->start(past, here(), true));
    log(LogLevel::notice, "probing_without_journal", {{"detail", storage_.detail()}});
}

void Daemon::Pipeline::place_in_time(const JournalState& state) {
    timeline_ = state.timeline;
    true_time_ = TrueTime{};
    for (const auto& anchor : timeline_.anchors()) true_time_.add(anchor);
    if (latest_anchor_) {
        latest_anchor_->at = on_boot(latest_anchor_->at, boot_);
    } else if (const auto* anchor = timeline_.latest(boot_)) {
        latest_anchor_ = *anchor;
    }
    for (auto anchor : blind_->anchors) {
        anchor.at = on_boot(anchor.at, boot_);
        true_time_.add(anchor);
    }
}

/// From here on nothing is blind. Everything up to the end of this function happens at once: no
/// tick can come in between.
void Daemon::Pipeline::attach(Past past) {
    const auto& state = past.state;
    const bool is_known_boot = state.last_boot == edges_.facts.boot;
    boot_ = is_known_boot ? state.last_boot_no.value_or(BootNo{1})
                          : BootNo{state.last_boot_no.value_or(BootNo{0}).value + 1};
    if (past.was_rolled_back && !is_known_boot) {
        // The boot event went with the lost records; what waits in the ring has its number.
        const auto waiting = intake_.boot_of(state.epoch);
        if (waiting > boot_ && waiting.value - boot_.value < kMaxLostBoots) boot_ = waiting;
        past.was_seen_boot = true;
    }
    place_in_time(state);
    const auto recovered = intake_.attach(state.epoch, state.last, boot_, &state.series);
    recovered_ticks_ += recovered.ticks;
    // A process of this boot may have died before its first commit: then the ring alone knows of
    // it, and of the boot event and the outages that it wrote down.
    const bool was_told =
        std::any_of(recovered.events.begin(), recovered.events.end(),
                    [](const Event& event) { return event.kind == EventKind::boot; });
    std::vector<Event> preface;
    preface_ = &preface;
    const DeviceTime at{boot_, blind_->began};
    if (!is_known_boot && !was_told) note(to_event(BootFact{.id = edges_.facts.boot}, at));
    const bool same_boot = is_known_boot || !recovered.empty();
    first_record_ = past.first_record;
    power_memory_ = past.power_memory;
    path_memory_ = past.path_memory;
    good_time_memory_ = past.good_time_memory;
    budget_memory_ = past.budget_memory;
    pace_memory_ = past.pace_memory;
    good_time_ = GoodTime{build_date(), good_time_memory_};
    if (path_.verdict() == PathVerdict{}) {
        if (auto verdict = path_of(path_memory_)) path_.restore(std::move(*verdict));
    }
    restore(past, recovered, same_boot);
    // The oldest of them tells for all that comes: no record is earlier than its predecessor.
    for (auto& event : preface) event.at = std::min(event.at, at);
    preface_ = nullptr;
    if (intake_.first_provisional() != 0) {
        graft_.preface = std::move(preface);
        intake_.graft(std::move(graft_));
        graft_ = {};
    } else {
        for (const auto& event : preface) note(event);
    }
    blind_.reset();
    for (const auto& event : after_graft_) note(event);
    after_graft_.clear();
    links_bell_.ring();
    probe_bell_.ring();
}

void Daemon::Pipeline::restore(Past& past, const Intake::Found& recovered, bool same_boot) {
    auto& state = past.state;
    auto known = state.series;
    MeterHistory history;
    auto& interfaces = history.interfaces;
    // Of a boot that the journal has lost nobody knows what was counted already.
    const bool has_lost_boot = past.was_rolled_back && past.was_seen_boot;
    for (std::size_t i = 0; i < state.interfaces.size() && !has_lost_boot; ++i) {
        interfaces.push_back({state.interfaces[i], same_boot && state.interface_boots[i] == boot_});
    }
    LinkBook::History links;
    links.open = state.open_outages;
    links.last_outage_id = state.last_outage_id;
    links.earlier = std::move(past.told);
    bool ended_cleanly = state.last_event_of_stop.has_value() && recovered.ticks == 0;
    bool tells_outages = false;
    const auto last_in_journal = past.alive;
    for (const auto& event : recovered.events) {
        if (const auto series = series_from(event); event.kind == EventKind::series && series) {
            known.push_back(*series);
        } else if (event.kind == EventKind::interface) {
            const auto fact = interface_from(event);
            if (!fact) continue;
            std::erase_if(interfaces, [&](const RememberedInterface& old) {
                return old.fact.name == fact->name;
            });
            interfaces.push_back({*fact, true});
        } else if (event.kind == EventKind::outage) {
            const auto outage = outage_from(event);
            if (!outage) continue;
            tells_outages = true;
            links.last_outage_id = std::max(links.last_outage_id, outage->id);
            keep_newest(links.earlier, *outage);
            std::erase_if(links.open, [&](const Outage& old) {
                return old.id == outage->id && old.segment <= outage->segment;
            });
            if (outage->is_open()) links.open.push_back(*outage);
        } else if (event.kind == EventKind::anchor) {
            const auto anchor = anchor_from(event);
            if (!anchor) continue;
            if (!latest_anchor_ || latest_anchor_->at < anchor->at) latest_anchor_ = *anchor;
            true_time_.add(*anchor);
        }
        ended_cleanly = event.kind == EventKind::stop;
        past.alive = std::max(past.alive, std::optional{event.at});
    }
    auto table = std::make_unique<SeriesTable>(std::move(known));
    history.totals = joined_totals(state.totals, recovered.totals);
    auto last_tick = state.last_tick;
    if (recovered.last_tick) last_tick = DeviceTime{boot_, *recovered.last_tick};
    if (last_tick && last_tick->boot == boot_) {
        history.last_tick = last_tick->at;
        graft_.after = last_tick->at;
    }

    join_meters(history, std::move(table), past.was_seen_boot);

    links.totals = joined_totals(history.totals, graft_.translated({{}, blind_->totals}).readings);
    // The last proof of life is the newest record of any kind: an outage may have ended after the
    // last tick, and the gap must not reach back over its end.
    auto alive = std::max(past.alive, last_tick);
    // What the ledger said since the records that are lost is lost, too: it is a gap from there.
    if (past.was_rolled_back && !tells_outages && last_in_journal) alive = last_in_journal;
    if (last_tick) {
        PreviousRun run;
        run.last_tick = *alive;
        run.ended_cleanly = ended_cleanly;
        run.longest_silence =
            same_boot && recovered.ticks != 0
                ? config_.metering.tick
                : CommitPace::silence_of(past.pace_memory, config_.metering.commit);
        if (ended_cleanly && state.last_event_of_stop) {
            const auto stop = stop_from(*state.last_event_of_stop);
            run.was_reload = stop && stop->reason == kStopForConfiguration;
        }
        if (!same_boot) run.ending = tell_ending(ended_cleanly, *alive, state);
        links.run = std::move(run);
        true_time_.saw(*alive);
    }
    true_time_.saw(here());
    for (const auto& outage : links.open) {
        true_time_.saw(outage.last_good);
        true_time_.saw(outage.first_bad);
    }
    begin_links(std::move(links), same_boot);
    if (!first_record_) first_record_ = DeviceTime{boot_, blind_->began};
    announce(recovered);
    const DeviceTime at{boot_, blind_->began};
    for (const auto& series : series_->take_new()) note(to_event(series, at));
    for (const auto& fact : joined_facts_) note(to_event(fact, at));
    joined_facts_.clear();
}

/// Puts the meters, and what they said blindly, onto the history of the journal.
void Daemon::Pipeline::join_meters(MeterHistory& history, std::unique_ptr<SeriesTable> table,
                                   bool was_seen_boot) {
    auto& blind = *blind_;
    // A meter that knows the past, at the instant of the first blind tick.
    auto settings = meter_settings();
    std::optional<KernelReading> first = blind.first_reading;
    if (blind.before) first = reading_of(blind.before->first_facts, blind.began, settings);
    if (was_seen_boot && first) remember_by_totals(history, *table, *first);
    auto meter = std::make_unique<Meter>(settings, *table);
    meter->restore(history);
    std::vector<Reading> joined;
    MeterEvents events;
    if (first) meter->advance(*first, joined, events);
    joined_facts_ = events.interfaces;

    ProvisionalLife life{.series = series_->all(), .first = blind.first, .names = {}};
    for (const auto& fact : blind.facts) life.names.push_back(fact.name);
    graft_.epoch = journal_.epoch();
    graft_.boot = boot_;
    number_series(graft_, life, *table, history.totals, joined);

    const auto translated = graft_.translated({{}, blind.totals}).readings;
    if (blind.before || blind.ticks > 1 || !first) {
        // It cannot be told all that passed since; it goes on as after a restart.
        MeterHistory now;
        now.totals = joined_totals(history.totals, joined_totals(joined, translated));
        now.last_tick = last_tick_;
        std::vector<InterfaceFact> facts;
        for (const auto& remembered : history.interfaces) {
            if (remembered.same_boot) keep_newest(facts, remembered.fact);
        }
        for (const auto& fact : events.interfaces) keep_newest(facts, fact);
        for (auto fact : blind.facts) {
            for (const auto& base : graft_.bases) {
                if (base.interface != fact.name) continue;
                for (std::size_t i = 0; i < kCounterCount; ++i) fact.base[i] += base.offset[i];
            }
            keep_newest(facts, fact);
        }
        for (const auto& fact : facts) now.interfaces.push_back({fact, true});
        for (const auto& remembered : history.interfaces) {
            const auto is_it = [&](const InterfaceFact& fact) {
                return fact.name == remembered.fact.name;
            };
            if (std::any_of(facts.begin(), facts.end(), is_it)) continue;
            now.interfaces.push_back(remembered);
        }
        meter = std::make_unique<Meter>(meter_settings(), *table);
        meter->restore(now);
    }
    auto health = std::make_unique<Health>(edges_.paths, *table);
    auto earlier = history.totals;
    if (blind.before) {
        earlier = joined_totals(earlier, graft_.translated({{}, blind.before->totals}).readings);
    }
    health->restore(earlier);
    meter_ = std::move(meter);
    health_ = std::move(health);
    blind_series_ = std::exchange(series_, std::move(table));
    intern_own();
}

void Daemon::Pipeline::begin_links(LinkBook::History history, bool same_boot) {
    auto& blind = *blind_;
    const auto held = budget_.drain();
    for (const auto& outage : held) keep_newest(blind.segments, outage);
    budget_ = OutageBudget{};
    budget_.restore(budget_memory_, history.last_outage_id, here());
    const auto put = [this](std::vector<Outage> segments) {
        const auto written = budget_.admit(std::move(segments), here());
        for (const auto& outage : written) after_graft_.push_back(to_event(outage, here()));
    };
    const auto follow = [&](const BlindLife& life, PreviousRun run) {
        auto told = replay(history, life, same_boot, config_.probe.failures, kLinkStart);
        put(told.written);
        history.run = std::move(run);
        history.open = std::move(told.open);
        for (const auto& outage : told.written) keep_newest(history.earlier, outage);
        history.last_outage_id = told.last_id;
        same_boot = true;
    };
    if (blind.before) {
        BlindLife life;
        life.began = {boot_, blind.began};
        life.ended = {boot_, blind.before->last_tick.value_or(blind.began)};
        for (const auto& event : blind.before->events) {
            const auto outage = outage_from(event);
            if (event.kind != EventKind::outage || !outage) continue;
            keep_newest(life.segments, on_boot(*outage, boot_));
        }
        PreviousRun run;
        run.last_tick = life.ended;
        run.longest_silence = config_.metering.tick;
        follow(life, std::move(run));
    }
    DeviceTime begins{boot_, blind.own_began};
    const auto blind_links = links_;
    if (blind_links) {
        BlindLife life;
        life.began = begins;
        life.ended = here();
        for (const auto& outage : blind.segments) {
            keep_newest(life.segments, on_boot(outage, boot_));
        }
        life.at_end = blind_links->book().views();
        for (auto& view : life.at_end) {
            if (view.since) view.since = on_boot(*view.since, boot_);
            if (view.open) view.open = on_boot(*view.open, boot_);
        }
        // The same process goes on looking, without a gap.
        PreviousRun run;
        run.last_tick = here();
        run.ended_cleanly = true;
        run.was_reload = true;
        follow(life, std::move(run));
        begins = here();
    }
    links_ = std::make_shared<Links>(config_, web_questions(), *edges_.prober, *edges_.clock,
                                     *edges_.entropy, edges_.loop, *series_);
    auto written = links_->start(history, begins, same_boot);
    if (blind_links || blind.before) {
        put(std::move(written));
    } else {
        written = budget_.admit(std::move(written), here());
        for (const auto& outage : written) note(to_event(outage, begins));
    }
    commit_bell_.ring();
}

Ending Daemon::Pipeline::tell_ending(bool ended_cleanly, DeviceTime alive,
                                     const JournalState& state) {
    EndingEvidence evidence;
    evidence.ended_cleanly = ended_cleanly;
    recall_power(power_memory_, evidence);
    if (machine_) recall_machine(*machine_, edges_.facts.boot, state.last_boot, evidence);
    auto ending = judge_ending(evidence);
    // A daemon that died before its first commit on this boot may have told it already.
    if (state.last_boot != edges_.facts.boot) {
        note(to_event(BootEndFact{.boot = alive.boot,
                                  .ending = ending.cause,
                                  .confidence = ending.confidence,
                                  .last_alive = alive,
                                  .evidence = ending.evidence},
                      here()));
    }
    log(LogLevel::notice, "boot_ended",
        {{"boot", std::to_string(alive.boot.value)},
         {"ending", std::string{to_string(ending.cause)}},
         {"evidence", ending.evidence}});
    return ending;
}

void Daemon::Pipeline::announce(const Intake::Found& recovered) {
    note(to_event(StartFact{.version = std::string{kVersion},
                            .tick = config_.metering.tick,
                            .commit = config_.metering.commit,
                            .recovered_ticks = recovered_ticks_},
                  here()));
    note(to_event(ConfigFact{.site = config_.site.id,
                             .site_code = config_.site.code,
                             .site_name = config_.site.name,
                             .provider = config_.provider.name,
                             .product = config_.provider.product,
                             .medium = config_.provider.medium,
                             .customer_number = config_.provider.customer_number,
                             .utc_offset = offset_text(config_.site.utc_offset),
                             .helpdesk = config_.provider.helpdesk,
                             .down_bit_per_s = config_.provider.down.bit_per_s,
                             .up_bit_per_s = config_.provider.up.bit_per_s},
                  here()));
    if (recovered.foreign != 0) {
        const auto at = here();
        LossFact lost;
        lost.what = "ring_entries";
        lost.reason = "foreign_epoch";
        lost.count = recovered.foreign;
        lost.first = lost.last = at;
        note(to_event(lost, at));
    }
    log(LogLevel::notice, "started",
        {{"version", std::string{kVersion}},
         {"site", config_.site.id},
         {"boot", to_string(edges_.facts.boot)},
         {"recovered_ticks", std::to_string(recovered_ticks_)},
         {"recovered_events", std::to_string(recovered.events.size())},
         {"unusable_entries", std::to_string(recovered.foreign)}});
    if (!config_.is_assigned()) {
        log(LogLevel::warning, "site_unassigned",
            {{"detail", "set site.id in the configuration; until then nothing is pushed"}});
    }
}

}  // namespace gerbang
