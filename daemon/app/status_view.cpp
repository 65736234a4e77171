// What the local API and the page show, from memory: nothing here waits for a disk.

#include "daemon/app/pipeline.hpp"
#include "daemon/app/version.hpp"

namespace gerbang {
namespace {

std::int64_t seconds_between(Monotonic from, Monotonic to) {
    return std::chrono::duration_cast<Seconds>(to - from).count();
}

}  // namespace

/// In seconds. Of this boot always; of an earlier one where both times are known; else nothing.
std::optional<std::int64_t> Daemon::Pipeline::age_of(const OldestPending& record) const {
    if (record.at.boot == boot_) return seconds_between(record.at.at, edges_.clock->now());
    if (record.epoch != journal_.epoch()) return std::nullopt;
    const auto then = timeline_.wall_of(record.seq, record.at);
    const auto now = present().wall;
    if (!then || !now || *now < *then) return std::nullopt;
    return std::chrono::duration_cast<Seconds>(*now - *then).count();
}

web::Status Daemon::Pipeline::status() const {
    web::Status status;
    const auto now = edges_.clock->now();
    status.version = std::string{kVersion};
    status.site.id = config_.site.id;
    status.site.code = config_.site.code;
    status.site.name = config_.site.name;
    status.site.is_assigned = config_.is_assigned();
    status.site.utc_offset_s = config_.site.utc_offset.count();
    status.boot.id = to_string(edges_.facts.boot);
    status.boot.number = is_blind() ? 0 : boot_.value;
    status.uptime_s = to_ms(now) / 1000;
    status.daemon_uptime_s = seconds_between(started_, now);
    status.provider.provider = config_.provider.name;
    status.provider.product = config_.provider.product;
    status.provider.customer_number = config_.provider.customer_number;
    status.provider.helpdesk = config_.provider.helpdesk;

    if (meter_) {
        const auto summary = meter_->summary();
        for (const auto& interface : summary.interfaces) {
            status.interfaces.push_back({.name = interface.name,
                                         .role = std::string{to_string(interface.role)},
                                         .has_carrier = interface.has_carrier,
                                         .rx_bytes = interface.received.value,
                                         .tx_bytes = interface.transmitted.value,
                                         .suspect_bytes = interface.suspect.value,
                                         .rx_bit_per_s = interface.receive_rate.bit_per_s,
                                         .tx_bit_per_s = interface.transmit_rate.bit_per_s});
        }
        status.usage.rx_bytes = summary.wan.received.value;
        status.usage.tx_bytes = summary.wan.transmitted.value;
    }

    if (meter_) status.wan.name = meter_->summary().wan.name;
    const auto& verdict = path_.verdict();
    status.usage.confidence = std::string{to_string(verdict.confidence)};
    status.usage.path = std::string{to_string(verdict.path)};
    status.usage.reason = verdict.reason;
    status.link.state = "unknown";
    if (links_) {
        links_->describe(status, here(), [this](DeviceTime at) { return wall_of(at); });
    }
    const auto mains = power_.mains_is_on();
    status.power.mains = !mains ? "unknown" : *mains ? "on" : "off";
    if (const auto percent = power_.battery_percent()) status.power.battery_percent = *percent;
    status.journal.days_left = days_left();

    const auto storage = storage_.state();
    const bool is_well = storage == StorageState::well || storage == StorageState::opening;
    status.journal.state = is_well ? "ok" : "failing";
    status.journal.detail = storage_.detail();
    status.journal.storage = to_string(storage);
    if (!is_well) status.journal.since_s = seconds_between(storage_.since(), now);
    status.journal.missed_ticks = missed_ticks_;
    status.journal.latest_tick_ms = latest_tick_.count();
    status.journal.is_ram = state_is_ram_->load();
    const auto& losses = intake_.ring().losses();
    status.journal.given_up_ticks = losses.untold.count + losses.told.count + losses.doubtful.count;
    status.journal.daily_writes_bytes = config_.journal.daily_writes.value;
    status.journal.commit_s = config_.metering.commit.count() / 1000;
    status.journal.loss_window_s = loss_window().count() / 1000;
    if (health_) {
        status.journal.device = health_->state_device().name();
        status.journal.device_written_bytes = health_->state_device().written_bytes();
    }
    status.journal.pending_ticks = intake_.pending_ticks();
    status.journal.ring_bytes = intake_.ring().used_bytes();
    status.journal.ring_capacity_bytes = intake_.ring().capacity_bytes();
    if (!is_blind()) {
        status.journal.epoch = to_string(journal_.epoch());
        status.journal.first = journal_.last().value == 0 ? 0 : 1;
        status.journal.last = journal_.last().value;
        status.journal.bytes = journal_.size_bytes();
        status.journal.written_bytes = journal_.written_bytes();
        status.journal.written_today_bytes = journal_.written_today();
    }

    for (const auto& pusher : pushers_) {
        const auto push = pusher->status();
        web::Status::Sync sync{.consumer = push.consumer,
                               .state = to_string(push.state),
                               .detail = push.detail,
                               .through = push.through.value,
                               .pending_records = push.pending_records,
                               .parked_records = push.parked_records,
                               .last_success_s = std::nullopt,
                               .next_attempt_s = std::nullopt,
                               .sent_bytes = push.sent_bytes,
                               .pending_bytes = push.pending_bytes,
                               .rate_bytes_s = push.rate_bytes_s,
                               .oldest_s = std::nullopt,
                               .parked = {}};
        for (const auto& parked : push.parked) {
            sync.parked.push_back(
                {parked.range.first.value, parked.range.last.value, parked.reason});
        }
        if (push.oldest) sync.oldest_s = age_of(*push.oldest);
        if (push.last_success) sync.last_success_s = seconds_between(*push.last_success, now);
        if (push.next_attempt) {
            sync.next_attempt_s =
                std::max<std::int64_t>(0, seconds_between(now, *push.next_attempt));
        }
        status.sync.push_back(std::move(sync));
    }

    show_pullers(status);
    const auto clock = present();
    status.clock.state = clock.source;
    status.clock.now = clock.wall;
    return status;
}

namespace {

/// Puts `word` of a segment in the place of an earlier one; unless it `is_newest`, only where the
/// segment is absent or still open, as the end of one is its last word.
void put_word(std::vector<Outage>& segments, const Outage& word, bool is_newest) {
    const auto place = std::find_if(segments.begin(), segments.end(), [&](const Outage& known) {
        return known.id == word.id && known.segment == word.segment;
    });
    if (place == segments.end()) {
        segments.push_back(word);
    } else if (is_newest || place->is_open()) {
        *place = word;
    }
}

}  // namespace

net::awaitable<Result<std::vector<Outage>>> Daemon::Pipeline::all_outages() {
    if (!journal_.is_open() || is_closed_) co_return journal_not_open();
    // A commit may overtake the question: what waits now may be in the answer or not.
    const auto waited = intake_.waiting_outages();
    auto segments = co_await journal_.outages();
    if (segments) {
        for (const auto& outage : waited) put_word(*segments, outage, false);
        for (const auto& outage : intake_.waiting_outages()) put_word(*segments, outage, true);
        auto as_if_stopped = budget_;
        for (auto& outage : as_if_stopped.drain()) segments->push_back(std::move(outage));
    }
    co_return segments;
}

net::awaitable<Result<std::vector<web::OutageRow>>> Daemon::Pipeline::outages() {
    const auto segments = co_await all_outages();
    if (!segments) co_return segments.error();
    std::vector<web::OutageRow> rows;
    for (const auto& outage : *segments) {
        web::OutageRow row{.id = outage.id,
                           .segment = outage.segment,
                           .link = outage.link,
                           .cause = outage.cause,
                           .confidence = outage.confidence,
                           .last_good = wall_of(outage.last_good),
                           .first_bad = wall_of(outage.first_bad),
                           .last_bad = std::nullopt,
                           .first_good = std::nullopt,
                           .least_s = std::nullopt,
                           .most_s = std::nullopt,
                           .is_open = outage.is_open(),
                           .evidence = outage.evidence,
                           .folded = std::nullopt};
        // Within one boot the durations need no clock; between boots only wall time can tell.
        const auto span = [this](DeviceTime from, DeviceTime to) -> std::optional<std::int64_t> {
            if (from.boot == to.boot) {
                return std::max<std::int64_t>(0, seconds_between(from.at, to.at));
            }
            const auto a = wall_of(from);
            const auto b = wall_of(to);
            if (!a || !b) return std::nullopt;
            const auto seconds = std::chrono::duration_cast<Seconds>(*b - *a).count();
            return std::max<std::int64_t>(0, seconds);
        };
        if (outage.last_bad) {
            row.last_bad = wall_of(*outage.last_bad);
            row.least_s = span(outage.first_bad, *outage.last_bad);
        }
        if (outage.first_good) {
            row.first_good = wall_of(*outage.first_good);
            row.most_s = span(outage.last_good, *outage.first_good);
        }
        if (const auto& fold = outage.fold) {
            row.least_s = std::chrono::duration_cast<Seconds>(fold->certain).count();
            row.most_s = std::chrono::ceil<Seconds>(fold->possible).count();
            row.folded = fold->count;
        }
        rows.push_back(std::move(row));
    }
    co_return rows;
}

net::awaitable<Result<sla::Ledger>> Daemon::Pipeline::placed_ledger() {
    constexpr std::size_t kMostListed = 4096;  // by the journal
    const auto segments = co_await all_outages();
    if (!segments) co_return segments.error();
    const auto now = true_time_.at(here());
    const auto begun = first_record_ ? true_time_.at(*first_record_) : std::nullopt;
    if (!now) {
        co_return Error{
            Errc::unreachable,
            "the clock is not set yet, so no period can be named; see gerbang clock set"};
    }
    // The start of the records may lie on a boot that never had a clock: then nothing is said of
    // the time before the first one that had.
    const auto first_dated = true_time_.begin();
    const auto known_from = begun         ? begun->middle()
                            : first_dated ? first_dated->middle()
                                          : now->earliest;
    auto placed = sla::place(*segments, true_time_, known_from, now->middle(), kMostListed);
    co_return std::move(placed.ledger);
}

net::awaitable<Result<sla::Statement>> Daemon::Pipeline::statement(
    WallTime from, WallTime to, std::optional<sla::Clauses> clauses) {
    const auto ledger = co_await placed_ledger();
    if (!ledger) co_return ledger.error();
    auto result = sla::evaluate(*ledger, clauses ? *clauses : sla::example_clauses(), from, to,
                                config_.site.utc_offset);
    co_return result;
}

net::awaitable<Result<std::vector<sla::Day>>> Daemon::Pipeline::days(WallTime from, WallTime to) {
    const auto ledger = co_await placed_ledger();
    if (!ledger) co_return ledger.error();
    auto result = sla::by_day(*ledger, from, to, config_.site.utc_offset);
    co_return result;
}

std::optional<std::int64_t> Daemon::Pipeline::days_left() const {
    constexpr std::uint64_t kCommitsToKnow = 60;
    constexpr std::int64_t kDayMs = 86'400'000;
    if (commits_ < kCommitsToKnow || free_bytes_ == 0) return std::nullopt;
    const auto size = journal_.size_bytes();
    const auto grown = size > first_size_bytes_ ? size - first_size_bytes_ : 0;
    const auto elapsed_ms = to_ms(last_tick_) - to_ms(started_);
    if (grown == 0 || elapsed_ms <= 0) return std::nullopt;
    const auto per_day =
        static_cast<double>(grown) * static_cast<double>(kDayMs) / static_cast<double>(elapsed_ms);
    return static_cast<std::int64_t>(static_cast<double>(free_bytes_) / per_day);
}

}  // namespace gerbang
