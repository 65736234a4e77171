// The whole daemon in a child process, with the real ring and the real journal, killed with -9
// while others keep the machine and the journal's disk busy.

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "daemon/app/daemon.hpp"
#include "daemon/host/log.hpp"
#include "daemon/host/system_clock.hpp"
#include "daemon/host/worker.hpp"
#include "tests/support/scripted_prober.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;

namespace {

constexpr std::uint64_t kBytesPerMs = 1000;

/// A kernel whose counters are a function of device time, so that the truth needs no memory; the
/// bytes sent say only which life of the daemon read them.
class TimeKernel final : public CounterSource {
public:
    TimeKernel(Clock& clock, std::uint64_t life) : clock_{&clock}, life_{life} {}
    Result<void> read(KernelReading& into) override {
        into.taken = clock_->now();
        into.wan_ifindex = 2;
        into.interfaces.resize(1);
        auto& eth0 = into.interfaces[0];
        eth0.name = "eth0";
        eth0.ifindex = 2;
        eth0.is_up = eth0.has_carrier = eth0.is_physical = true;
        eth0.counters.fill(0);
        eth0.counters[0] = static_cast<std::uint64_t>(to_ms(into.taken)) * kBytesPerMs;
        eth0.counters[1] = life_;
        eth0.counters[2] = eth0.counters[0] / 1000;
        eth0.counters[3] = life_;
        return ok();
    }

private:
    Clock* clock_;
    std::uint64_t life_;
};

/// The real ring, which tells the parent of each tick that is safe in it.
class WitnessedRing final : public Ring {
public:
    WitnessedRing(std::unique_ptr<Ring> ring, int pipe) : ring_{std::move(ring)}, pipe_{pipe} {}
    Left left_behind() const override { return ring_->left_behind(); }
    std::string_view entry(std::uint64_t number) const override { return ring_->entry(number); }
    Result<std::uint64_t> append(std::string_view bytes) override {
        const bool is_tick = bytes.front() == 'A' || bytes.front() == 'T';
        auto kept = ring_->append(bytes);
        if (kept && is_tick) (void)!::write(pipe_, "t", 1);
        return kept;
    }
    void intend(const Intent& intent) override { ring_->intend(intent); }
    void release(std::uint64_t through) override { ring_->release(through); }
    void give_up(std::uint64_t through, const GivenUp& lost) override {
        ring_->give_up(through, lost);
    }
    void withdraw() override { ring_->withdraw(); }
    const RingLosses& losses() const override { return ring_->losses(); }
    std::uint64_t used_bytes() const override { return ring_->used_bytes(); }
    std::uint64_t capacity_bytes() const override { return ring_->capacity_bytes(); }

private:
    std::unique_ptr<Ring> ring_;
    int pipe_;
};

/// A folder on a real disk, where fsync means something, removed at the end of its life.
class DiskFolder {
public:
    DiskFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "gerbang-kill-XXXXXX").string();
        GERBANG_CHECK(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~DiskFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    DiskFolder(const DiskFolder&) = delete;
    DiskFolder& operator=(const DiskFolder&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// Writes blocks of random size into `file` (8 MiB, over and over) and makes each one durable.
[[noreturn]] void write_for_ever(const std::string& file, std::uint64_t seed) {
    constexpr std::size_t kLongest = 128 * 1024;
    constexpr std::uint64_t kFileBytes = 8u << 20;
    std::mt19937_64 random{seed};
    const int descriptor = ::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (descriptor < 0) ::_exit(1);
    const std::string block(kLongest, 'x');
    for (;;) {
        const auto size = 512 + random() % (kLongest - 512);
        const auto at = random() % (kFileBytes - size);
        const auto written = ::pwrite(descriptor, block.data(), size, static_cast<off_t>(at));
        if (written < 0 || ::fdatasync(descriptor) != 0) ::_exit(1);
    }
}

/// Computes for up to 40 ms, rests for up to 10 ms, so that the scheduler always has another
/// choice.
[[noreturn]] void compute_for_ever(std::uint64_t seed) {
    std::mt19937_64 random{seed};
    for (;;) {
        volatile std::uint64_t sink = 0;
        const auto rounds = random() % 4'000'000;
        for (std::uint64_t i = 0; i < rounds; ++i) sink = sink + random();
        ::usleep(static_cast<useconds_t>(random() % 10'000));
    }
}

/// Keeps the disk of `folder` and the processors busy for its life, from processes of their own
/// that the kernel kills when this one dies.
class Load {
public:
    Load(const std::string& folder, std::uint64_t seed) {
        for (int i = 0; i < kWriters + kComputers; ++i) {
            const auto child = ::fork();
            GERBANG_CHECK(child >= 0);
            if (child > 0) {
                children_.push_back(child);
                continue;
            }
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() == 1) ::_exit(0);
            const auto mine = seed * 31 + static_cast<std::uint64_t>(i);
            if (i < kWriters) write_for_ever(folder + "/load-" + std::to_string(i), mine);
            compute_for_ever(mine);
        }
    }
    ~Load() {
        for (const auto child : children_) ::kill(child, SIGKILL);
        for (const auto child : children_) ::waitpid(child, nullptr, 0);
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// None has given up, so that the load was there all the time.
    [[nodiscard]] bool is_alive() const {
        for (const auto child : children_) {
            if (::waitpid(child, nullptr, WNOHANG) != 0) return false;
        }
        return true;
    }

private:
    static constexpr int kWriters = 2;
    static constexpr int kComputers = 2;
    std::vector<pid_t> children_;
};

Config test_config() {
    Config config;
    config.site.id = "kill-test";
    config.metering.tick = Millis{5};
    config.metering.commit = Millis{50};
    config.probe.enabled = false;
    return config;
}

[[noreturn]] void run_child(const std::string& folder, const std::string& journal, int pipe,
                            std::uint64_t life) {
    ::alarm(120);  // nobody waits for one that hangs
    net::io_context loop{1};
    SystemClock clock;
    SystemEntropy entropy;
    TimeKernel kernel{clock, life};
    ScriptedProber prober{clock};
    const BootId boot{{7}};
    auto ring = open_ring(folder + "/ring", boot, 1u << 20);
    GERBANG_CHECK(ring.has_value());
    WitnessedRing witnessed{std::move(*ring), pipe};
    Worker storage{"test-journal"};
    HostFacts facts;
    facts.boot = boot;
    Daemon daemon{
        test_config(),
        Edges{
            .clock = &clock,
            .entropy = &entropy,
            .facts = facts,
            .paths = {.proc = folder, .sys = folder, .state = folder, .runtime = folder},
            .kernel = &kernel,
            .watch = nullptr,
            .prober = &prober,
            .ring = &witnessed,
            .uplinks = {},
            .loop = loop.get_executor(),
            .worker = storage.executor(),
            .journal = {.path = journal, .vfs = {}, .page_bytes = 0, .utc_offset = Seconds{28800}},
            .on_stop = {}}};
    // Uncalled, so that the closure outlives the coroutine.
    const auto live = [&daemon]() -> net::awaitable<void> {
        co_await daemon.run();
        ::_exit(1);
    };
    net::co_spawn(loop, live, [](std::exception_ptr) { ::_exit(3); });
    loop.run();
    ::_exit(2);
}

/// Waits until `wanted` ticks were witnessed on `pipe` or its other end is closed; how many were.
std::uint64_t wait_for_ticks(int pipe, std::uint64_t wanted) {
    constexpr int kPatienceMs = 60'000;
    std::uint64_t seen = 0;
    char buffer[64];
    while (seen < wanted) {
        pollfd waiting{.fd = pipe, .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, kPatienceMs) != 1) break;
        const auto room = std::min<std::uint64_t>(sizeof buffer, wanted - seen);
        const auto got = ::read(pipe, buffer, room);
        if (got <= 0) break;
        seen += static_cast<std::uint64_t>(got);
    }
    return seen;
}

/// What the journal says of the bytes against what the kernel counted, whatever the times at which
/// this machine let the daemon read.
///
/// Between two ticks of the grid nothing is read, so the counter of a tick was read at or after its
/// instant and before the next one's; that of a life's first tick, at or before its own. With one
/// byte total for all of them there must be one instant at which counting began that fits each.
class Truth {
public:
    void tick(Monotonic at, std::int64_t total_bytes, bool is_first_of_life) {
        const auto counted = Millis{total_bytes / static_cast<std::int64_t>(kBytesPerMs)};
        if (previous_) latest_ = std::min(latest_, at - *previous_);
        if (is_first_of_life) latest_ = std::min(latest_, at - counted);
        if (!is_first_of_life) earliest_ = std::max(earliest_, at - counted);
        previous_ = counted;
    }
    [[nodiscard]] bool is_possible() const { return earliest_ <= latest_; }

private:
    Monotonic earliest_ = Monotonic::min();  ///< counting began no earlier
    Monotonic latest_ = Monotonic::max();
    std::optional<Millis> previous_;
};

}  // namespace

TEST_CASE(
    "Daemon loses no complete tick and counts none twice over kill -9 at random moments under load",
    "[app][kill]") {
    set_log_sink([](std::string_view) {});
    std::mt19937_64 random{test_seed()};
    const TempFolder folder;
    const DiskFolder disk;
    const auto journal_path = disk.path() + "/journal.db";
    auto load = std::make_unique<Load>(disk.path(), test_seed());
    std::uint64_t witnessed = 0;
    std::uint64_t awaited = 0;
    const auto kills = test_rounds(200);
    for (std::uint64_t kill = 0; kill < kills; ++kill) {
        INFO("seed " << test_seed() << ", kill " << kill);
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const auto child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(ends[0]);
            run_child(folder.path(), journal_path, ends[1], kill + 1);
        }
        ::close(ends[1]);
        // Some moments after some tick, now and then while it starts. Which instant that hits is
        // luck, and any will do; that it lives is not.
        const auto wanted = random() % 8 == 0 ? 0 : 1 + random() % 30;
        const auto seen = wait_for_ticks(ends[0], wanted);
        ::usleep(static_cast<useconds_t>(random() % (wanted == 0 ? 100'000 : 10'000)));
        ::kill(child, SIGKILL);
        witnessed += seen;
        awaited += wanted;
        int status = 0;
        ::waitpid(child, &status, 0);
        REQUIRE(WIFSIGNALED(status));
        REQUIRE(WTERMSIG(status) == SIGKILL);
        char buffer[4096];
        for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
            witnessed += static_cast<std::uint64_t>(got);
        }
        ::close(ends[0]);
    }

    CHECK(load->is_alive());
    load.reset();

    // What is not in the journal is in the ring.
    JournalOptions options{
        .path = journal_path, .vfs = {}, .page_bytes = 0, .utc_offset = Seconds{28800}};
    auto journal = Journal::open(options);
    REQUIRE(journal);
    const auto& state = (*journal)->state();
    std::uint64_t ticks = 0;
    Monotonic last{};
    std::int64_t last_value = 0;
    std::int64_t last_life = -1;
    Truth truth;
    SeriesId bytes_id;
    SeriesId life_id;
    for (const auto& series : state.series) {
        if (series.name == series_name::kWanReceiveBytes) bytes_id = series.id;
        if (series.name == series_name::kWanTransmitBytes) life_id = series.id;
    }
    REQUIRE(bytes_id.value != 0);
    REQUIRE(life_id.value != 0);
    for (auto next = Seq{1}; next <= state.last;) {
        const auto slice = (*journal)->read(state.epoch, {next, state.last}, 1u << 20);
        REQUIRE(slice);
        for (const auto& record : slice->records) {
            next = record.seq.next();
            const auto* chunk = std::get_if<Chunk>(&record.body);
            if (chunk == nullptr) continue;
            for (const auto& tick : ticks_of(*chunk)) {
                REQUIRE(tick.at > last);  // none twice, none out of order
                last = tick.at;
                ++ticks;
                std::int64_t life = -1;
                for (const auto& reading : tick.readings) {
                    if (reading.series == life_id) life = reading.value;
                    if (reading.series != bytes_id) continue;
                    REQUIRE(reading.value >= last_value);
                    last_value = reading.value;
                }
                REQUIRE(life >= last_life);
                truth.tick(tick.at, last_value, life != last_life);
                last_life = life;
            }
        }
    }
    const auto left = open_ring(folder.path() + "/ring", BootId{{7}}, 1u << 20);
    REQUIRE(left);
    std::uint64_t in_ring = 0;
    const auto behind = (*left)->left_behind();
    const bool is_stored = behind.intent.last.value != 0 && state.last >= behind.intent.last;
    for (const auto& entry : behind.entries) {
        if (is_stored && entry.number <= behind.intent.through) continue;
        if (!entry.bytes.empty() && (entry.bytes[0] == 'A' || entry.bytes[0] == 'T')) ++in_ring;
    }
    std::printf(
        "kill -9: %llu kills, %llu ticks witnessed, %llu in the journal + %llu in the ring\n",
        static_cast<unsigned long long>(kills), static_cast<unsigned long long>(witnessed),
        static_cast<unsigned long long>(ticks), static_cast<unsigned long long>(in_ring));
    // A tick may be safe and its witness not yet written: at most one a kill.
    CHECK(ticks + in_ring >= witnessed);
    CHECK(ticks + in_ring <= witnessed + kills);
    CHECK(witnessed >= awaited);  // none of those that were waited for hung
    // Bytes went on through every death: each total is what the kernel had counted then.
    CHECK(truth.is_possible());
    CHECK(last_value > 0);
}
