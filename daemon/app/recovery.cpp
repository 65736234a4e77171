// Start-up: metering first, then the journal, then what the last process left in the ring.

#include <algorithm>
#include <map>

#include "daemon/app/memories.hpp"
#include "daemon/app/pipeline.hpp"
#include "daemon/app/version.hpp"
#include "daemon/host/log.hpp"
#include "daemon/host/offload.hpp"

namespace gerbang {
namespace {

/// The newest value of each series, the ring's ticks being newer than the journal's.
std::vector<Reading> newest_totals(const JournalState& state, const Intake::Recovered& recovered) {
    std::map<SeriesId, std::int64_t> values;
    for (const auto& reading : state.totals) values[reading.series] = reading.value;
    for (const auto& tick : recovered.ticks) {
        for (const auto& reading : tick.readings) values[reading.series] = reading.value;
    }
    std::vector<Reading> totals;
    totals.reserve(values.size());
    for (const auto& [series, value] : values) totals.push_back({series, value});
    return totals;
}

/// Whether a gap without a look at the link may have been left open: then the gaps before it are to
/// be judged together with it.
bool has_open_gap(const std::vector<Outage>& open, const std::vector<Event>& events) {
    if (std::any_of(open.begin(), open.end(),
                    [](const Outage& outage) { return may_be_gap(outage.cause); })) {
        return true;
    }
    return std::any_of(events.begin(), events.end(),
                       [](const Event& event) { return event.kind == EventKind::outage; });
}

/// Of every segment the newest state.
void keep_newest(std::vector<Outage>& segments, const Outage& outage) {
    std::erase_if(segments, [&](const Outage& old) {
        return old.id == outage.id && old.segment == outage.segment;
    });
    segments.push_back(outage);
}

std::string offset_text(Seconds offset) {
    const auto minutes = std::abs(offset.count()) / 60;
    char text[16];
    std::snprintf(text, sizeof text, "%c%02d:%02d", offset.count() < 0 ? '-' : '+',
                  static_cast<int>(minutes / 60) % 100, static_cast<int>(minutes % 60));
    return text;
}

}  // namespace

net::awaitable<Result<void>> Daemon::Pipeline::begin_new_epoch(Journal& journal) {
    const EpochFact fact{.id = EpochId{edges_.entropy->uuid()},
                         .parent = {},
                         .parent_last = {},
                         .reason = "new",
                         .hardware = edges_.facts.hardware};
    boot_ = BootNo{1};
    const auto at = here();
    std::vector<RecordBody> first{to_event(BootFact{.id = edges_.facts.boot}, at)};
    auto begin = [&journal, fact, at, first = std::move(first)] {
        return journal.begin_epoch(fact, at, first);
    };
    const auto begun = co_await offload(edges_.worker, std::move(begin));
    if (!begun) co_return begun.error();
    log(LogLevel::notice, "epoch_begun", {{"epoch", to_string(fact.id)}, {"reason", "new"}});
    co_return ok();
}

net::awaitable<Result<void>> Daemon::Pipeline::begin() {
    started_ = edges_.clock->now();
    // Before anything that may wait for a disk: the first reading bounds what is not measured.
    read_kernel();

    auto open = [options = edges_.journal] { return Journal::open(options); };
    auto opened = co_await offload(edges_.worker, std::move(open));
    if (!opened) co_return opened.error();
    auto& journal = **opened;
    if (journal.state().epoch.is_none()) {
        const auto begun = co_await begin_new_epoch(journal);
        if (!begun) co_return begun.error();
    }
    const auto& state = journal.state();
    const bool is_known_boot = state.last_boot == edges_.facts.boot;
    boot_ = is_known_boot ? state.last_boot_no.value_or(BootNo{1})
                          : BootNo{state.last_boot_no.value_or(BootNo{0}).value + 1};
    timeline_ = state.timeline;
    if (const auto* anchor = timeline_.latest(boot_)) latest_anchor_ = *anchor;
    for (const auto& anchor : timeline_.anchors()) true_time_.add(anchor);

    const auto recovered = intake_.recover(state.epoch, state.last, boot_);
    recovered_ticks_ = recovered.ticks.size();
    // A process of this boot may have died before its first commit: then the ring alone knows of
    // it, and of the boot event and the outages that it wrote down.
    const bool was_told =
        std::any_of(recovered.events.begin(), recovered.events.end(),
                    [](const Event& event) { return event.kind == EventKind::boot; });
    if (!is_known_boot && !was_told) note(to_event(BootFact{.id = edges_.facts.boot}, here()));
    const bool same_boot = is_known_boot || !recovered.events.empty() || !recovered.ticks.empty();
    std::optional<DeviceTime> alive;
    if (state.last.value != 0) {
        auto read = [&journal, epoch = state.epoch, last = state.last] {
            return journal.read(epoch, {last, last}, 1);
        };
        const auto newest = co_await offload(edges_.worker, std::move(read));
        if (!newest) co_return newest.error();
        alive = time_of(newest->records.back().body);
        auto read_first = [&journal, epoch = state.epoch] {
            return journal.read(epoch, {Seq{1}, Seq{1}}, 1);
        };
        // Its start may have been given up already: then the ledger speaks of what is left.
        const auto oldest = co_await offload(edges_.worker, std::move(read_first));
        if (oldest) first_record_ = time_of(oldest->records.front().body);
    }
    auto recall_power = [&journal] { return journal.note(kPowerMemoryKey); };
    const auto power = co_await offload(edges_.worker, std::move(recall_power));
    auto recall_path = [&journal] { return journal.note(kPathMemoryKey); };
    const auto path = co_await offload(edges_.worker, std::move(recall_path));
    auto recall_good_time = [&journal] { return journal.note(kGoodTimeMemoryKey); };
    const auto good_time = co_await offload(edges_.worker, std::move(recall_good_time));
    good_time_memory_ = good_time.value_or("");
    good_time_ = GoodTime{build_date(), good_time_memory_};
    power_memory_ = power.value_or("");
    path_memory_ = path.value_or("");
    if (auto verdict = path_of(path_memory_)) path_.restore(std::move(*verdict));
    if (auto facts = read_machine_facts(edges_.paths)) {
        machine_ = std::move(*facts);
    } else if (facts.error().code != Errc::not_found) {
        log(LogLevel::warning, "facts_refused", {{"detail", facts.error().detail}});
    }
    std::vector<Outage> told;
    if (has_open_gap(state.open_outages, recovered.events)) {
        auto list = [&journal] { return journal.outages(); };
        auto listed = co_await offload(edges_.worker, std::move(list));
        if (!listed) co_return listed.error();
        told = std::move(*listed);
    }
    restore(state, recovered, same_boot, alive, std::move(told));
    announce(recovered);
    journal_ = std::make_unique<AsyncJournal>(std::move(*opened), edges_.worker);
    co_return ok();
}

void Daemon::Pipeline::restore(const JournalState& state, const Intake::Recovered& recovered,
                               bool same_boot, std::optional<DeviceTime> alive,
                               std::vector<Outage> told) {
    auto known = state.series;
    MeterHistory history;
    auto& interfaces = history.interfaces;
    for (std::size_t i = 0; i < state.interfaces.size(); ++i) {
        interfaces.push_back({state.interfaces[i], same_boot && state.interface_boots[i] == boot_});
    }
    auto open_outages = state.open_outages;
    auto last_outage_id = state.last_outage_id;
    bool ended_cleanly = state.last_event_of_stop.has_value() && recovered.ticks.empty();
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
            last_outage_id = std::max(last_outage_id, outage->id);
            std::erase_if(open_outages, [&](const Outage& old) {
                return old.id == outage->id && old.segment <= outage->segment;
            });
            if (outage->is_open()) open_outages.push_back(*outage);
            keep_newest(told, *outage);
        } else if (event.kind == EventKind::anchor) {
            const auto anchor = anchor_from(event);
            if (!anchor) continue;
            latest_anchor_ = *anchor;
            true_time_.add(*anchor);
        }
        ended_cleanly = event.kind == EventKind::stop;
        alive = std::max(alive, std::optional{event.at});
    }
    series_ = SeriesTable{std::move(known)};
    history.totals = newest_totals(state, recovered);
    auto last_tick = state.last_tick;
    if (!recovered.ticks.empty()) last_tick = DeviceTime{boot_, recovered.ticks.back().at};
    if (last_tick && last_tick->boot == boot_) {
        history.last_tick = last_tick->at;
        last_tick_ = last_tick->at;
    }

    meter_.emplace(MeterSettings{.wan = config_.interfaces.wan,
                                 .lan = config_.interfaces.lan,
                                 .wifi = config_.interfaces.wifi,
                                 .ignore = config_.interfaces.ignore,
                                 .kernel_is_32bit = edges_.facts.kernel_is_32bit},
                   series_);
    meter_->restore(history);
    health_.emplace(edges_.paths, series_);
    health_->restore(history.totals);

    free_bytes_id_ = series_.intern("state_free_bytes", {}, SeriesKind::gauge, "bytes");
    links_.emplace(config_, web_questions(), *edges_.prober, *edges_.clock, *edges_.entropy,
                   edges_.loop, series_);

    LinkBook::History past;
    // The last proof of life is the newest record of any kind: an outage may have ended after the
    // last tick, and the gap must not reach back over its end.
    alive = std::max(alive, last_tick);
    if (last_tick) {
        PreviousRun run;
        run.last_tick = *alive;
        run.ended_cleanly = ended_cleanly;
        run.longest_silence =
            same_boot && !recovered.ticks.empty() ? config_.metering.tick : config_.metering.commit;
        if (ended_cleanly && state.last_event_of_stop) {
            const auto stop = stop_from(*state.last_event_of_stop);
            run.was_reload = stop && stop->reason == kStopForConfiguration;
        }
        if (!same_boot) run.ending = tell_ending(ended_cleanly, *alive, state);
        past.run = std::move(run);
        true_time_.saw(*alive);
    }
    true_time_.saw(here());
    for (const auto& outage : open_outages) {
        true_time_.saw(outage.last_good);
        true_time_.saw(outage.first_bad);
    }
    past.open = std::move(open_outages);
    past.earlier = std::move(told);
    past.last_outage_id = last_outage_id;
    past.totals = history.totals;
    write_down(links_->start(past, here(), same_boot));
    learn_gap_length();
    if (!first_record_) first_record_ = here();
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

void Daemon::Pipeline::announce(const Intake::Recovered& recovered) {
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
        note(to_event(LossFact{.what = "ring_entries",
                               .reason = "foreign_epoch",
                               .count = recovered.foreign,
                               .first = at,
                               .last = at},
                      at));
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
