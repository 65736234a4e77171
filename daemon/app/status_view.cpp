// What the local API and the page show, from memory: nothing here waits for a disk.

#include "daemon/app/pipeline.hpp"
#include "daemon/app/version.hpp"

namespace gerbang {
namespace {

std::int64_t seconds_between(Monotonic from, Monotonic to) {
    return std::chrono::duration_cast<Seconds>(to - from).count();
}

}  // namespace

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
    status.boot.number = boot_.value;
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

    status.link.state = std::string{to_string(ledger_.state())};
    if (const auto& open = ledger_.open(); open && ledger_.state() != LinkState::up) {
        status.link.cause = std::string{to_string(ledger_.cause())};
        status.link.evidence = open->evidence;
    }
    if (const auto since = ledger_.since()) {
        status.link.since = wall_of(*since);
        if (since->boot == boot_) status.link.since_s = seconds_between(since->at, now);
    }

    status.journal.state = storage_detail_.empty() ? "ok" : "failing";
    status.journal.detail = storage_detail_;
    status.journal.commit_s = config_.metering.commit.count() / 1000;
    status.journal.pending_ticks = intake_.pending_ticks();
    status.journal.ring_bytes = intake_.ring().used_bytes();
    status.journal.ring_capacity_bytes = intake_.ring().capacity_bytes();
    if (journal_) {
        status.journal.epoch = to_string(journal_->epoch());
        status.journal.first = journal_->last().value == 0 ? 0 : 1;
        status.journal.last = journal_->last().value;
        status.journal.bytes = journal_->size_bytes();
        status.journal.written_bytes = journal_->written_bytes();
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
                               .sent_bytes = push.sent_bytes};
        if (push.last_success) sync.last_success_s = seconds_between(*push.last_success, now);
        if (push.next_attempt) {
            sync.next_attempt_s =
                std::max<std::int64_t>(0, seconds_between(now, *push.next_attempt));
        }
        status.sync.push_back(std::move(sync));
    }

    const auto wall = edges_.clock->wall();
    status.clock.state = wall.is_synchronised         ? "synchronised"
                         : config_.clock.trust_system ? "operator"
                                                      : "unset";
    if (status.clock.state != "unset") status.clock.now = wall.wall;
    return status;
}

net::awaitable<Result<std::vector<web::OutageRow>>> Daemon::Pipeline::outages() {
    if (!journal_ || is_closed_) co_return journal_not_open();
    const auto segments = co_await journal_->outages();
    if (!segments) co_return segments.error();
    std::vector<web::OutageRow> rows;
    for (const auto& outage : *segments) {
        web::OutageRow row{.id = outage.id,
                           .segment = outage.segment,
                           .cause = outage.cause,
                           .last_good = wall_of(outage.last_good),
                           .first_bad = wall_of(outage.first_bad),
                           .last_bad = std::nullopt,
                           .first_good = std::nullopt,
                           .least_s = std::nullopt,
                           .most_s = std::nullopt,
                           .is_open = outage.is_open(),
                           .evidence = outage.evidence};
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
        rows.push_back(std::move(row));
    }
    co_return rows;
}

}  // namespace gerbang
