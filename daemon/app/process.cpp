#include "daemon/app/process.hpp"

#include <sys/stat.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <utility>

#include "daemon/app/daemon.hpp"
#include "daemon/app/join.hpp"
#include "daemon/app/version.hpp"
#include "daemon/app/web_questions.hpp"
#include "daemon/host/lock_file.hpp"
#include "daemon/host/log.hpp"
#include "daemon/host/notify.hpp"
#include "daemon/host/resolvers.hpp"
#include "daemon/host/signals.hpp"
#include "daemon/host/system_clock.hpp"
#include "daemon/host/worker.hpp"
#include "daemon/meter/netlink_source.hpp"
#include "daemon/meter/netlink_watch.hpp"
#include "daemon/net/curl_uplink.hpp"
#include "daemon/probe/system_prober.hpp"
#include "daemon/serve/api.hpp"

namespace gerbang {
namespace {

/// Room for a day of ticks of about 100 series at the configured pace (design 7).
std::uint64_t ring_bytes(const Config& config) {
    constexpr std::int64_t kDayMs = 86'400'000;
    constexpr std::uint64_t kBytesPerTick = 256;
    const auto ticks = static_cast<std::uint64_t>(kDayMs / config.metering.tick.count());
    return std::clamp<std::uint64_t>(ticks * kBytesPerTick, 1u << 20, 32u << 20);
}

/// Between two attempts to begin, when the kernel or the RAM file system gives nothing.
constexpr Millis kPause{10'000};
/// After a request to stop the storage has so long for the last commit; the ring holds it anyway.
constexpr Millis kStopLimit{8'000};

LogLevel level_of(const std::string& name) {
    if (name == "debug") return LogLevel::debug;
    if (name == "notice") return LogLevel::notice;
    if (name == "warning") return LogLevel::warning;
    if (name == "error") return LogLevel::error;
    return LogLevel::info;
}

/// What outlives a change of configuration.
struct Process {
    Config config;
    std::string config_file;
    HostPaths paths;
    HostFacts facts;
    net::io_context loop{1};
    Worker storage{"gerbang-journal"};
    Notifier notifier = Notifier::from_environment();
    Daemon* current = nullptr;      ///< none between two lives
    std::optional<Config> pending;  ///< read on SIGHUP, for the next life
    bool is_stopping = false;
    Bell stop_bell;  ///< rings when `is_stopping` becomes true
    bool has_ended = false;
    std::optional<LockFile> lock;  ///< of the state folder. The storage worker's, once it runs.
};

/// Whether the state folder can be used, and the lock that keeps others out of it. On the storage
/// worker: a card that hangs must delay nobody else.
Result<StateFolder> prepare_state_folder(Process& process) {
    const auto& folder = process.paths.state;
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure && !std::filesystem::is_directory(folder, failure)) {
        return Error{Errc::storage_broken,
                     "make folder " + folder + ": " + failure.message() +
                         "; is the card or disk mounted, and may gerbang write there?"};
    }
    StateFolder found;
    found.is_ram = is_really_ram(folder);
    if (found.is_ram && !process.lock) {
        log(LogLevel::error, "state_is_ram",
            {{"folder", folder},
             {"detail", "everything is lost at a power cut; put it on flash or a disk"}});
    }
    // A folder that was mounted over meanwhile is another one.
    if (process.lock && !process.lock->is_of(folder + "/gerbang.lock")) process.lock.reset();
    if (!process.lock) {
        auto lock = LockFile::take(folder + "/gerbang.lock");
        if (!lock) return Error{Errc::storage_broken, lock.error().detail};
        process.lock = std::move(*lock);
    }
    return found;
}

/// A call to the storage that never returns must not keep the process from ending.
net::awaitable<void> limit_stop(Process& process) {
    SystemClock clock;
    const auto deadline = clock.now() + kStopLimit;
    while (!process.has_ended) {
        if (clock.now() >= deadline) {
            log(LogLevel::error, "stop_forced",
                {{"detail", "the storage does not return; what is pending stays in the ring"}});
            std::_Exit(EX_OK);
        }
        (void)co_await clock.sleep_until(clock.now() + Millis{200});
    }
}

/// The way to one push target. What is wrong with its files (a certificate that is not there yet)
/// is tried anew with each request and stops this target alone, never the metering.
class TargetUplink final : public Uplink {
public:
    TargetUplink(CurlThread& thread, UplinkTarget target)
        : thread_{&thread}, target_{std::move(target)} {}

    [[nodiscard]] net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) override {
        if (!uplink_) {
            auto opened = open_uplink(*thread_, target_);
            if (!opened) co_return Error{Errc::not_authorised, opened.error().detail};
            uplink_ = std::move(*opened);
        }
        auto answer = co_await uplink_->send(std::move(request));
        co_return answer;
    }
    [[nodiscard]] UplinkTraffic traffic() const override {
        return uplink_ ? uplink_->traffic() : UplinkTraffic{};
    }
    [[nodiscard]] std::string remark() const override {
        return uplink_ ? uplink_->remark() : std::string{};
    }

private:
    CurlThread* thread_;
    UplinkTarget target_;
    std::unique_ptr<Uplink> uplink_;
};

/// The instant at which the province's certificate is verified. Asked by a life's pushers only.
WallTime certificate_time(const Process& process) {
    return process.current != nullptr ? process.current->certificate_time() : build_date();
}

net::awaitable<void> obey(Process& process, Signals& signals) {
    for (;;) {
        const auto signal = co_await signals.next();
        if (!signal) co_return;
        if (*signal == Signal::stop) {
            process.is_stopping = true;
            process.notifier.stopping();
            process.stop_bell.ring();
            net::co_spawn(process.loop, limit_stop(process), [](std::exception_ptr failure) {
                if (failure) std::rethrow_exception(failure);
            });
            if (process.current != nullptr) process.current->stop("signal");
            continue;
        }
        auto loaded = load_config(process.config_file, process.config.lang);
        if (!loaded.problems.empty()) {
            for (const auto& problem : loaded.problems) {
                log(LogLevel::error, "config_refused", {{"detail", problem.text()}});
            }
            log(LogLevel::warning, "config_kept", {{"detail", "the running one goes on"}});
            continue;
        }
        log(LogLevel::notice, "config_accepted", {{"file", process.config_file}});
        process.pending = std::move(loaded.config);
        if (process.current != nullptr) process.current->stop(kStopForConfiguration);
    }
}

/// Tells systemd that we are ready and, if it asks for it, that ticks go on being taken.
net::awaitable<void> report(Process& process, Clock& clock, Daemon& daemon, Millis tick) {
    bool is_on = true;
    while (is_on && !daemon.is_running())
        is_on = co_await clock.sleep_until(clock.now() + Millis{50});
    if (is_on) process.notifier.ready();
    const auto limit = process.notifier.watchdog_timeout();
    if (!limit) co_return;
    while (is_on) {
        const bool takes_ticks = clock.now() - daemon.last_tick() < tick * 3 + Millis{5000};
        if (takes_ticks && daemon.storage_is_accounted_for()) process.notifier.watchdog();
        is_on = co_await clock.sleep_until(clock.now() + *limit / 2);
    }
}

/// One daemon with one configuration, from its first reading to its last commit.
net::awaitable<Result<void>> live(Process& process) {
    const auto config = process.config;
    const auto executor = process.loop.get_executor();
    set_log_level(level_of(config.log_level));
    SystemClock clock;
    SystemEntropy entropy;
    auto kernel = open_netlink_source(clock, process.paths, &entropy);
    if (!kernel) co_return kernel.error();
    auto watch = open_netlink_watch(executor, clock);
    if (!watch) co_return watch.error();
    auto ring = open_ring(process.paths.runtime + "/ring", process.facts.boot, ring_bytes(config));
    if (!ring) co_return ring.error();
    auto prober = open_system_prober(executor, clock, entropy);
    CurlThread curl;
    std::vector<std::unique_ptr<Uplink>> uplinks;
    JournalOptions journal{.path = process.paths.state + "/journal.db",
                           .vfs = {},
                           .page_bytes = 0,
                           .utc_offset = config.site.utc_offset,
                           .quota_bytes = config.journal.quota.value};
    for (const auto& target : config.sync.targets) journal.pins.push_back(target.name);
    Edges edges{.clock = &clock,
                .entropy = &entropy,
                .facts = process.facts,
                .paths = process.paths,
                .kernel = kernel->get(),
                .watch = watch->get(),
                .prober = prober.get(),
                .ring = ring->get(),
                .uplinks = {},
                .loop = executor,
                .worker = process.storage.executor(),
                .journal = journal,
                .state_folder = [&process] { return prepare_state_folder(process); },
                .leave_folder = [&process] { process.lock.reset(); },
                .on_stop = {}};
    if (config.is_assigned()) {
        for (const auto& target : config.sync.targets) {
            uplinks.push_back(std::make_unique<TargetUplink>(
                curl, UplinkTarget{.url = target.url,
                                   .ca_file = target.ca_file,
                                   .token_file = target.token_file,
                                   .cert_file = target.cert_file,
                                   .key_file = target.key_file,
                                   .interface = {},
                                   .allow_plain = target.allow_plain,
                                   .is_anonymous = false,
                                   .verify_at = [&process] { return certificate_time(process); }}));
            edges.uplinks.push_back(uplinks.back().get());
        }
    }
    const auto add_anonymous = [&uplinks, &curl](const std::string& url) {
        UplinkTarget target;
        target.url = split_url(url).server;
        target.is_anonymous = true;
        uplinks.push_back(std::make_unique<TargetUplink>(curl, std::move(target)));
        return uplinks.back().get();
    };
    if (!config.probe.web_url.empty()) edges.page = add_anonymous(config.probe.web_url);
    for (const auto& service : config.services) {
        edges.services.push_back(add_anonymous(service.url));
    }
    if (!uplinks.empty()) curl.prepare();
    edges.resolvers = &system_resolvers;
    edges.on_stop = [&curl] { curl.stop(); };

    Daemon daemon{config, edges};
    process.current = &daemon;
    Join helpers{executor};
    helpers.start("report", [&process, &clock, &daemon, tick = config.metering.tick] {
        return report(process, clock, daemon, tick);
    });
    co_await daemon.run();
    process.current = nullptr;
    clock.stop();
    curl.stop();
    (*watch)->stop();
    co_await helpers.all_done();
    co_return ok();
}

/// What the machine lacks for a moment comes back; a wrong configuration does not mend itself.
bool may_heal(Errc code) {
    return code == Errc::storage_broken || code == Errc::storage_full || code == Errc::overloaded;
}

net::awaitable<int> lives(Process& process) {
    SystemClock clock;
    for (;;) {
        if (auto next = std::exchange(process.pending, std::nullopt)) {
            process.config = std::move(*next);
            process.notifier.reloading();
        }
        const auto end = co_await live(process);
        if (!end) log(LogLevel::error, "cannot_run", {{"detail", end.error().detail}});
        if (process.is_stopping) co_return EX_OK;
        if (end) continue;
        if (!may_heal(end.error().code)) co_return EX_IOERR;
        // Restarting the process would not help: try again here, without an exit loop, and say so
        // to who watches.
        process.notifier.watchdog();
        (void)co_await clock.sleep_until(clock.now() + kPause, &process.stop_bell);
        if (process.is_stopping) co_return EX_OK;
    }
}

ApiSources api_of(Process& process) {
    const auto not_ready = [] {
        return Error{Errc::unreachable, "the daemon is starting or stopping; ask again"};
    };
    ApiSources sources;
    sources.status = [&process, not_ready]() -> Result<web::Status> {
        if (process.current == nullptr) return not_ready();
        return process.current->status();
    };
    sources.usage = [&process, not_ready](
                        UsagePeriod period, WallTime from,
                        WallTime to) -> net::awaitable<Result<std::vector<UsageRow>>> {
        if (process.current == nullptr) co_return not_ready();
        auto rows = co_await process.current->usage(period, from, to);
        co_return rows;
    };
    sources.outages = [&process, not_ready](
                          WallTime,
                          WallTime) -> net::awaitable<Result<std::vector<web::OutageRow>>> {
        if (process.current == nullptr) co_return not_ready();
        auto rows = co_await process.current->outages();
        co_return rows;
    };
    sources.statement =
        [&process, not_ready](
            WallTime from, WallTime to,
            std::optional<sla::Clauses> clauses) -> net::awaitable<Result<sla::Statement>> {
        if (process.current == nullptr) co_return not_ready();
        auto statement = co_await process.current->statement(from, to, std::move(clauses));
        co_return statement;
    };
    sources.days = [&process, not_ready](
                       WallTime from,
                       WallTime to) -> net::awaitable<Result<std::vector<sla::Day>>> {
        if (process.current == nullptr) co_return not_ready();
        auto days = co_await process.current->days(from, to);
        co_return days;
    };
    sources.journal = [&process, not_ready]() -> net::awaitable<Result<JournalFacts>> {
        if (process.current == nullptr) co_return not_ready();
        auto facts = co_await process.current->journal_facts();
        co_return facts;
    };
    sources.epochs = [&process, not_ready]() -> net::awaitable<Result<std::vector<web::EpochRow>>> {
        if (process.current == nullptr) co_return not_ready();
        const auto epochs = co_await process.current->epochs();
        if (!epochs) co_return epochs.error();
        std::vector<web::EpochRow> rows;
        for (const auto& epoch : *epochs) rows.push_back({epoch.id, epoch.last, epoch.is_open});
        co_return rows;
    };
    sources.batch = [&process, not_ready](EpochId epoch,
                                          Seq after) -> net::awaitable<Result<std::string>> {
        if (process.current == nullptr) co_return not_ready();
        auto batch = co_await process.current->batch(epoch, after);
        co_return batch;
    };
    sources.probe_now = [&process, not_ready]() -> net::awaitable<Result<web::ProbeReport>> {
        if (process.current == nullptr) co_return not_ready();
        auto report = co_await process.current->probe_now();
        co_return report;
    };
    sources.note = [&process, not_ready](NoteFact claim) -> Result<void> {
        if (process.current == nullptr) return not_ready();
        return process.current->note(std::move(claim));
    };
    sources.set_clock = [&process, not_ready](WallTime wall, Seconds uncertainty) -> Result<void> {
        if (process.current == nullptr) return not_ready();
        return process.current->set_clock(wall, uncertainty);
    };
    sources.push_now = [&process] {
        if (process.current != nullptr) process.current->push_now();
    };
    return sources;
}

bool make_folder(const std::string& path) {
    std::error_code failure;
    std::filesystem::create_directories(path, failure);
    if (std::filesystem::is_directory(path)) return true;
    log(LogLevel::error, "folder_missing",
        {{"folder", path},
         {"detail", failure.message() + "; make it, or run as root or by systemd"}});
    return false;
}

}  // namespace

int run_process(const LoadedConfig& loaded, const std::string& config_file,
                const HostPaths& paths) {
    // Usage and the contract's facts concern nobody else on this machine.
    ::umask(0027);
    set_log_level(level_of(loaded.config.log_level));
    if (!make_folder(paths.runtime)) return EX_CANTCREAT;
    // In RAM: whoever holds it is found out without asking a disk.
    auto lock = LockFile::take(paths.runtime + "/gerbang.lock");
    if (!lock) {
        log(LogLevel::error, "locked", {{"detail", lock.error().detail}});
        return EX_TEMPFAIL;
    }
    auto facts = read_host_facts(paths);
    if (!facts) {
        log(LogLevel::error, "host_unreadable", {{"detail", facts.error().detail}});
        return EX_OSFILE;
    }
    if (!is_really_ram(paths.runtime)) {
        log(LogLevel::warning, "runtime_is_not_ram",
            {{"folder", paths.runtime}, {"detail", "the ring wears the flash; use a tmpfs"}});
    }

    Process process;
    process.config = loaded.config;
    process.config_file = config_file;
    process.paths = paths;
    process.facts = *facts;
    Signals signals{process.loop.get_executor()};
    Listen socket;
    socket.unix_path = paths.runtime + "/gerbang.sock";
    auto server = start_server(process.loop.get_executor(), socket, ServerLimits{},
                               make_local_api(api_of(process)));
    if (!server) {
        log(LogLevel::error, "socket_failed", {{"detail", server.error().detail}});
        return EX_CANTCREAT;
    }
    int status = EX_SOFTWARE;
    net::co_spawn(process.loop, obey(process, signals), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    net::co_spawn(process.loop, lives(process), [&](std::exception_ptr failure, int result) {
        if (failure) std::rethrow_exception(failure);
        status = result;
        process.has_ended = true;
        signals.stop();
        (*server)->stop();
    });
    try {
        process.loop.run();
    } catch (const std::exception& error) {
        log(LogLevel::error, "loop_failed", {{"detail", error.what()}});
        return EX_SOFTWARE;
    }
    process.storage.join();
    return status;
}

}  // namespace gerbang
