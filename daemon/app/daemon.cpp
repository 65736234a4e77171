#include "daemon/app/daemon.hpp"

#include "daemon/app/pipeline.hpp"

namespace gerbang {

Daemon::Daemon(const Config& config, Edges edges)
    : pipeline_{std::make_unique<Pipeline>(config, std::move(edges))} {}

Daemon::~Daemon() = default;

net::awaitable<Result<RunEnd>> Daemon::run() {
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

net::awaitable<Result<std::vector<web::OutageRow>>> Daemon::outages() {
    return pipeline_->outages();
}

void Daemon::push_now() {
    pipeline_->push_now();
}
std::uint64_t Daemon::missed_ticks() const {
    return pipeline_->missed_ticks();
}
Monotonic Daemon::last_tick() const {
    return pipeline_->last_tick();
}

}  // namespace gerbang
