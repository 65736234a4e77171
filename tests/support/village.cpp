#include "tests/support/village.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "daemon/app/process_api.hpp"
#include "daemon/host/log.hpp"
#include "daemon/journal/journal.hpp"

namespace gerbang {

/// Lets the kernel's traffic flow up to the instant of each reading.
class Village::TimedKernel final : public CounterSource {
public:
    TimedKernel(ManualClock& clock, FakeKernel& kernel) : clock_{&clock}, kernel_{&kernel} {}
    Result<void> read(KernelReading& into) override {
        kernel_->advance(clock_->now());
        return kernel_->read(into);
    }

private:
    ManualClock* clock_;
    FakeKernel* kernel_;
};

class Village::Watch final : public LinkWatch {
public:
    explicit Watch(Clock& clock) : clock_{&clock} {}
    [[nodiscard]] net::awaitable<bool> changed() override {
        const bool is_on = co_await clock_->sleep_until(Monotonic::max(), &bell_);
        co_return is_on;
    }
    void stop() override { bell_.ring(); }
    void ring() { bell_.ring(); }

private:
    Clock* clock_;
    Bell bell_;
};

Village::Village(std::uint64_t seed, std::string province_vfs)
    : kernel{seed},
      link{clock, seed + 1,
           [this]() -> Handler {
               if (!receiver_) return {};
               return
                   [this](ServerRequest request) { return receiver_->handle(std::move(request)); };
           }},
      pull{clock, seed + 3,
           [this]() -> Handler {
               if (current_ == nullptr) return {};
               return [api = pull_api_.get()](ServerRequest request) {
                   return api->answer(std::move(request));
               };
           }},
      prober{clock},
      seed_{seed},
      province_vfs_{std::move(province_vfs)},
      entropy_{seed + 2} {
    set_log_sink([](std::string_view) {});
    config.site.id = "desa-uji";
    config.sync.targets.push_back({});
    config.sync.targets[0].name = "province";
    config.sync.targets[0].url = "http://127.0.0.1";
    config.probe.targets = {{"domestic", "192.0.2.1", 443, true},
                            {"abroad", "192.0.2.2", 443, false}};
    config.probe.resolvers = {"192.0.2.53"};
    config.probe.dns_name = "one.one.one.one";
    kernel.add("eth0");
    kernel.add("wlan0");
    kernel.interface("wlan0").is_wireless = true;
    kernel.default_route("eth0");
    timed_kernel_ = std::make_unique<TimedKernel>(clock, kernel);
    watch_ = std::make_unique<Watch>(clock);
    new_boot();
    kernel.advance(clock.now());
    open_province();
}

Village::~Village() {
    bury();
    set_log_sink(nullptr);
}

void Village::new_boot() {
    boot_ = BootId{entropy_.uuid()};
}

void Village::open_province() {
    auto opened = province::Store::open(
        {.path = province_path(), .vfs = province_vfs_, .new_id = StoreId{entropy_.uuid()}});
    GERBANG_CHECK(opened.has_value());
    store_ = std::move(*opened);
    province_up();
}

Daemon& Village::daemon() {
    GERBANG_CHECK(daemon_ != nullptr);
    return *daemon_;
}

void Village::start() {
    GERBANG_CHECK(daemon_ == nullptr);
    if (storage_may_hang && !storage_loop_) storage_loop_ = std::make_unique<net::io_context>(1);
    clock.resume();
    loop_ = std::make_unique<net::io_context>(1);
    // The receiver offloads to the loop in force, as the daemon's own storage does.
    if (receiver_) province_up();
    open_ring_ = ring_.open(boot_);
    HostFacts facts;
    facts.boot = boot_;
    facts.hardware = "test";
    daemon_ = std::make_unique<Daemon>(
        config,
        Edges{.clock = &clock,
              .entropy = &entropy_,
              .facts = facts,
              .paths = {.proc = folder_.file("proc"),
                        .sys = folder_.file("sys"),
                        .state = folder_.path(),
                        .runtime = folder_.path(),
                        .facts = folder_.file("facts")},
              .kernel = timed_kernel_.get(),
              .watch = watch_.get(),
              .prober = &prober,
              .ring = open_ring_.get(),
              .uplinks = {&link},
              .loop = loop_->get_executor(),
              .worker = storage_loop_ ? storage_loop_->get_executor() : loop_->get_executor(),
              .journal = journal_options(),
              .state_folder = state_folder,
              .on_stop = {}});
    current_ = daemon_.get();
    pull_api_ = std::make_unique<PullApi>(
        clock, std::vector<Puller>{{"puller", VillagePull::kToken, {}}}, pulls_of(current_),
        [](ServerRequest) -> net::awaitable<ServerResponse> { co_return ServerResponse{}; });
    has_ended_ = false;
    net::co_spawn(*loop_, live(), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    run_ready();
}

net::awaitable<void> Village::live() {
    co_await daemon_->run();
    has_ended_ = true;
}

void Village::run_for(Millis span) {
    if (loop_ && storage_loop_) {
        run_with_storage(span);
    } else if (loop_) {
        clock.run_for(*loop_, span);
    } else {
        clock.pass(span);
    }
    kernel.advance(clock.now());
}

/// The storage's own thread, so to speak: it works between steps of virtual time, or hangs.
void Village::run_with_storage(Millis span) {
    constexpr Millis kStep{100};
    for (Millis done{0}; done < span; done += kStep) {
        clock.run_for(*loop_, std::min(kStep, span - done));
        run_ready();
    }
}

void Village::run_ready() {
    clock.run_ready(*loop_);
    while (storage_loop_ && !storage_hangs) {
        storage_loop_->restart();
        if (storage_loop_->poll() == 0) break;
        clock.run_ready(*loop_);
    }
}

void Village::bury() {
    // The io_context first: it holds the suspended coroutines, which refer to the daemon's parts.
    // Before that the storage's own: what is under way there still refers to the loop.
    if (storage_loop_) storage_loop_ = std::make_unique<net::io_context>(1);
    loop_.reset();
    pull.forget();
    current_ = nullptr;
    daemon_.reset();
    open_ring_.reset();
    clock.resume();
}

void Village::kill() {
    kernel.advance(clock.now());
    bury();
}

void Village::stop(const std::string& reason) {
    daemon().stop(reason);
    for (int i = 0; i < 1000 && !has_ended_; ++i) run_ready();
    GERBANG_CHECK(has_ended_);
    bury();
}

void Village::power_cut(Millis off) {
    kill();
    ring_.power_cut();
    new_boot();
    clock.reboot(off);
    kernel.reboot(Millis{to_ms(clock.now())});
}

void Village::reboot(Millis off) {
    stop();
    ring_.power_cut();
    new_boot();
    clock.reboot(off);
    kernel.reboot(Millis{to_ms(clock.now())});
}

void Village::province_down() {
    receiver_.reset();
}

void Village::close_province() {
    // Nothing that was begun may still want the store.
    if (loop_) run_ready();
    pull.die();
    receiver_.reset();
    store_.reset();
}

void Village::begin_visit() {
    if (current_ == nullptr || !store_ || pull.is_under_way()) return;
    pull.begin(*loop_, *store_, config.site.id);
}

void Village::province_up() {
    if (!loop_) loop_ = std::make_unique<net::io_context>(1);
    receiver_ = std::make_unique<province::Receiver>(
        clock, *store_, loop_->get_executor(),
        province::ReceiverOptions{
            .tokens_file = {}, .accepts_certificates = false, .trusts_network = true});
}

JournalOptions Village::journal_options() const {
    return {.path = journal_path(),
            .vfs = journal_vfs,
            .page_bytes = 4096,
            .utc_offset = config.site.utc_offset};
}

std::unique_ptr<province::Database> Village::query_province() {
    GERBANG_CHECK(daemon_ == nullptr);
    receiver_.reset();
    store_.reset();
    auto database = province::Database::open(folder_.file("province.db"), "");
    GERBANG_CHECK(database.has_value());
    return *std::move(database);
}

TrueBytes Village::committed_wan_bytes() {
    GERBANG_CHECK(daemon_ == nullptr);
    const auto journal = Journal::open(journal_options());
    GERBANG_CHECK(journal.has_value());
    const auto& state = (*journal)->state();
    TrueBytes bytes;
    for (const auto& series : state.series) {
        for (const auto& total : state.totals) {
            if (total.series != series.id) continue;
            const auto value = static_cast<std::uint64_t>(total.value);
            if (series.name == series_name::kWanReceiveBytes) bytes.received = value;
            if (series.name == series_name::kWanTransmitBytes) bytes.transmitted = value;
        }
    }
    return bytes;
}

void Village::link_changed() {
    kernel.advance(clock.now());
    watch_->ring();
    if (loop_) clock.run_ready(*loop_);
}

void Village::set_link(bool is_up) {
    link.up = is_up;
    prober.set_reachable(is_up);
    if (kernel.has("eth0")) kernel.unanswered("eth0", !is_up);
}

std::vector<Record> Village::journal_records() {
    GERBANG_CHECK(daemon_ == nullptr);
    auto journal = Journal::open(journal_options());
    GERBANG_CHECK(journal.has_value());
    const auto& state = (*journal)->state();
    std::vector<Record> records;
    for (auto next = Seq{1}; next <= state.last;) {
        auto slice = (*journal)->read(state.epoch, {next, state.last}, 1u << 20);
        GERBANG_CHECK(slice.has_value());
        for (auto& record : slice->records) records.push_back(std::move(record));
        next = records.back().seq.next();
    }
    return records;
}

std::vector<Record> Village::province_records() {
    const auto sites = store_->list();
    GERBANG_CHECK(sites.has_value());
    std::vector<Record> all;
    for (const auto& site : *sites) {
        for (const auto& epoch : site.epochs) {
            auto ranges = epoch.held;
            if (epoch.through.value != 0) ranges.insert(ranges.begin(), {Seq{1}, epoch.through});
            for (const auto& range : ranges) {
                auto records = store_->records(site.site, epoch.id, range);
                GERBANG_CHECK(records.has_value());
                for (auto& record : *records) all.push_back(std::move(record));
            }
        }
    }
    return all;
}

TrueBytes Village::wan_bytes(const std::vector<Record>& records) {
    SeriesId receive, transmit;
    TrueBytes bytes;
    for (const auto& record : records) {
        if (const auto* event = std::get_if<Event>(&record.body)) {
            if (event->kind != EventKind::series) continue;
            const auto series = series_from(*event);
            if (series && series->name == series_name::kWanReceiveBytes) receive = series->id;
            if (series && series->name == series_name::kWanTransmitBytes) transmit = series->id;
            continue;
        }
        for (const auto& column : std::get<Chunk>(record.body).columns) {
            const auto value = static_cast<std::uint64_t>(column.values.back());
            if (column.series == receive) bytes.received = value;
            if (column.series == transmit) bytes.transmitted = value;
        }
    }
    return bytes;
}

}  // namespace gerbang
