#include "daemon/app/daemon.hpp"

#include "daemon/app/pipeline.hpp"

namespace gerbang {

Daemon::Daemon(const Config& config, Edges edges)
    : pipeline_{std::make_unique<Pipeline>(config, std::move(edges))} {}

Daemon::~Daemon() = default;

net::awaitable<void> Daemon::run() {
    return pipeline_->run();
}
void Daemon::stop(const std::string& reason) {
    pipeline_->stop(reason);
}
bool Daemon::is_running() const {
    return pipeline_->is_running();
}
web::Status Daemon::status() const {
    return pipeline_->status();
}

net::awaitable<Result<std::vector<UsageRow>>> Daemon::usage(UsagePeriod period, WallTime from,
                                                            WallTime to) {
    return pipeline_->usage(period, from, to);
}

std::vector<SeriesValue> Daemon::newest() const {
    return pipeline_->newest();
}
net::awaitable<Result<std::vector<web::OutageRow>>> Daemon::outages() {
    return pipeline_->outages();
}

net::awaitable<Result<sla::Statement>> Daemon::statement(WallTime from, WallTime to,
                                                         std::optional<sla::Clauses> clauses) {
    return pipeline_->statement(from, to, std::move(clauses));
}
net::awaitable<Result<std::vector<sla::Day>>> Daemon::days(WallTime from, WallTime to) {
    return pipeline_->days(from, to);
}
net::awaitable<Result<JournalFacts>> Daemon::journal_facts() {
    return pipeline_->journal_facts();
}
net::awaitable<Result<std::vector<Journal::EpochInfo>>> Daemon::epochs() {
    return pipeline_->epochs();
}
net::awaitable<Result<std::string>> Daemon::batch(EpochId epoch, Seq after) {
    return pipeline_->batch(epoch, after);
}
net::awaitable<Result<PulledRecords>> Daemon::pulled(EpochId epoch, Seq after,
                                                     std::uint64_t max_bytes) {
    return pipeline_->pulled(epoch, after, max_bytes);
}
net::awaitable<Result<void>> Daemon::take_receipt(std::string consumer, Receipt receipt,
                                                  Seq agreed) {
    return pipeline_->take_receipt(std::move(consumer), std::move(receipt), agreed);
}
std::vector<Series> Daemon::series() const {
    return pipeline_->series();
}
net::awaitable<Result<web::ProbeReport>> Daemon::probe_now() {
    return pipeline_->probe_now();
}
Result<void> Daemon::note(NoteFact claim) {
    return pipeline_->note_claim(claim);
}
Result<void> Daemon::set_clock(WallTime wall, Seconds uncertainty) {
    return pipeline_->set_clock(wall, uncertainty);
}

void Daemon::push_now() {
    pipeline_->push_now();
}
WallTime Daemon::certificate_time() const {
    return pipeline_->certificate_time();
}
std::uint64_t Daemon::missed_ticks() const {
    return pipeline_->missed_ticks();
}
Monotonic Daemon::last_tick() const {
    return pipeline_->last_tick();
}
bool Daemon::storage_is_accounted_for() const {
    return pipeline_->storage_is_accounted_for();
}

}  // namespace gerbang
