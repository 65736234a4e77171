#include "common/web/status.hpp"

#include <utility>

#include "common/web/members.hpp"

namespace gerbang::web {
namespace {

constexpr std::size_t kMaxText = 4u << 20;  ///< no answer of the local API is longer
constexpr std::size_t kMaxInterfaces = 1024;
constexpr std::size_t kMaxConsumers = 256;
constexpr std::size_t kMaxLinks = 64;
constexpr auto kNeeded = Slot::Kind::needed;

void go_interface(Way way, Status::Interface& interface) {
    way.members({{"name", interface.name, kNeeded},
                 {"role", interface.role},
                 {"has_carrier", interface.has_carrier},
                 {"rx_bytes", interface.rx_bytes},
                 {"tx_bytes", interface.tx_bytes},
                 {"suspect_bytes", interface.suspect_bytes},
                 {"rx_bit_per_s", interface.rx_bit_per_s},
                 {"tx_bit_per_s", interface.tx_bit_per_s}});
}

void go_rung(Way way, RungLine& line) {
    way.members({{"rung", line.rung, kNeeded},
                 {"state", line.state},
                 {"silence", line.silence},
                 {"detail", line.detail},
                 {"rtt_ms", line.rtt_ms},
                 {"age_s", line.age_s}});
}

void go_link(Way way, LinkLine& line) {
    way.members({{"link", line.link, kNeeded},
                 {"state", line.state},
                 {"cause", line.cause},
                 {"since_s", line.since_s},
                 {"since", line.since}});
}

void go_parked(Way way, Status::Parked& parked) {
    way.members({{"first", parked.first}, {"last", parked.last}, {"reason", parked.reason}});
}

void go_sync(Way way, Status::Sync& sync) {
    way.members({{"consumer", sync.consumer, kNeeded},
                 {"state", sync.state},
                 {"detail", sync.detail},
                 {"through", sync.through},
                 {"pending_records", sync.pending_records},
                 {"parked_records", sync.parked_records},
                 {"last_success_s", sync.last_success_s},
                 {"next_attempt_s", sync.next_attempt_s},
                 {"sent_bytes", sync.sent_bytes},
                 {"pending_bytes", sync.pending_bytes},
                 {"rate_bytes_s", sync.rate_bytes_s},
                 {"oldest_s", sync.oldest_s}});
    way.list("parked", 16, sync.parked, go_parked);
}

void go_status(Way way, Status& status) {
    way.members({{"version", status.version}});
    way.object("site").members({{"id", status.site.id, kNeeded},
                                {"code", status.site.code},
                                {"name", status.site.name},
                                {"is_assigned", status.site.is_assigned},
                                {"utc_offset_s", status.site.utc_offset_s}});
    way.object("boot").members({{"id", status.boot.id}, {"number", status.boot.number}});
    way.members({{"uptime_s", status.uptime_s}, {"daemon_uptime_s", status.daemon_uptime_s}});
    way.list("interfaces", kMaxInterfaces, status.interfaces, &go_interface);
    way.object("usage").members({{"rx_bytes", status.usage.rx_bytes},
                                 {"tx_bytes", status.usage.tx_bytes},
                                 {"confidence", status.usage.confidence},
                                 {"path", status.usage.path},
                                 {"reason", status.usage.reason}});
    way.object("wan").members({{"name", status.wan.name}});
    way.object("link").members({{"state", status.link.state},
                                {"cause", status.link.cause},
                                {"since_s", status.link.since_s},
                                {"since", status.link.since},
                                {"evidence", status.link.evidence},
                                {"confidence", status.link.confidence}});
    way.list("ladder", kMaxLinks, status.ladder, &go_rung);
    way.list("links", kMaxLinks, status.links, &go_link);
    way.object("power").members(
        {{"mains", status.power.mains}, {"battery_percent", status.power.battery_percent}});
    auto& journal = status.journal;
    way.object("journal").members({{"epoch", journal.epoch},
                                   {"first", journal.first},
                                   {"last", journal.last},
                                   {"bytes", journal.bytes},
                                   {"written_bytes", journal.written_bytes},
                                   {"written_today_bytes", journal.written_today_bytes},
                                   {"daily_writes_bytes", journal.daily_writes_bytes},
                                   {"state", journal.state},
                                   {"detail", journal.detail},
                                   {"pending_ticks", journal.pending_ticks},
                                   {"ring_bytes", journal.ring_bytes},
                                   {"ring_capacity_bytes", journal.ring_capacity_bytes},
                                   {"commit_s", journal.commit_s},
                                   {"loss_window_s", journal.loss_window_s},
                                   {"device", journal.device},
                                   {"device_written_bytes", journal.device_written_bytes},
                                   {"days_left", journal.days_left},
                                   {"storage", journal.storage},
                                   {"since_s", journal.since_s},
                                   {"is_ram", journal.is_ram},
                                   {"given_up_ticks", journal.given_up_ticks},
                                   {"missed_ticks", journal.missed_ticks},
                                   {"latest_tick_ms", journal.latest_tick_ms}});
    way.list("sync", kMaxConsumers, status.sync, &go_sync);
    way.object("clock").members({{"state", status.clock.state}, {"now", status.clock.now}});
    way.object("provider")
        .members({{"provider", status.provider.provider},
                  {"product", status.provider.product},
                  {"customer_number", status.provider.customer_number},
                  {"helpdesk", status.provider.helpdesk}});
}

void go_probe(Way way, ProbeReport& report) {
    way.members({{"state", report.state, kNeeded},
                 {"cause", report.cause},
                 {"confidence", report.confidence},
                 {"evidence", report.evidence}});
    way.list("ladder", kMaxLinks, report.ladder, &go_rung);
    way.list("links", kMaxLinks, report.links, &go_link);
}

struct Problem {
    std::string type;
    std::int64_t status = 0;
    std::string title;
    std::string detail;
};

void go_problem(Way way, Problem& problem) {
    way.members({{"type", problem.type},
                 {"status", problem.status},
                 {"title", problem.title},
                 {"detail", problem.detail}});
}

}  // namespace

std::string to_json(const Status& status) {
    return write_document(status, &go_status);
}

Result<Status> status_from_json(const std::string& text) {
    return read_document(text, "status", kMaxText, &go_status);
}

std::string to_json(const ProbeReport& report) {
    return write_document(report, &go_probe);
}

Result<ProbeReport> probe_from_json(const std::string& text) {
    return read_document(text, "probe", kMaxText, &go_probe);
}

std::string problem_json(int status, const std::string& title, const std::string& detail) {
    Problem problem{"about:blank", status, title, detail};
    return write_document(problem, &go_problem);
}

std::string problem_detail(const std::string& text) {
    const auto problem = read_document(text, "problem", kMaxText, &go_problem);
    return problem ? problem->detail : std::string{};
}

}  // namespace gerbang::web
