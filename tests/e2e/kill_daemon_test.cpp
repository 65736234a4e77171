// The whole daemon in a child process, with the real ring and the real journal, killed with -9
// while others keep the machine and the journal's disk busy.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
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

/// A kernel whose counters are a function of device time, so that the truth needs no memory.
class TimeKernel final : public CounterSource {
public:
    explicit TimeKernel(Clock& clock) : clock_{&clock} {}
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
        eth0.counters[1] = eth0.counters[0] / 2;
        eth0.counters[2] = eth0.counters[0] / 1000;
        eth0.counters[3] = eth0.counters[1] / 1000;
        return ok();
    }

private:
    Clock* clock_;
};

/// The real ring, which tells the parent of each tick that is safe in it.
class WitnessedRing final : public Ring {
public:
    WitnessedRing(std::unique_ptr<Ring> ring, int pipe) : ring_{std::move(ring)}, pipe_{pipe} {}
    Left left_behind() const override { return ring_->left_behind(); }
    Result<std::uint64_t> append(std::string_view bytes) override {
        const bool is_tick = bytes.front() == 'A' || bytes.front() == 'T';
        auto kept = ring_->append(bytes);
        if (kept && is_tick) (void)!::write(pipe_, "t", 1);
        return kept;
    }
    void intend(const Intent& intent) override { ring_->intend(intent); }
    void release(std::uint64_t through) override { ring_->release(through); }
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

[[noreturn]] void run_child(const std::string& folder, const std::string& journal, int pipe) {
    ::alarm(30);
    net::io_context loop{1};
    SystemClock clock;
    SystemEntropy entropy;
    TimeKernel kernel{clock};
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
        const auto end = co_await daemon.run();
        if (!end) std::fprintf(stderr, "child: %s\n", end.error().detail.c_str());
        ::_exit(1);
    };
    net::co_spawn(loop, live, [](std::exception_ptr) { ::_exit(3); });
    loop.run();
    ::_exit(2);
}

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
    const auto kills = test_rounds(200);
    for (std::uint64_t kill = 0; kill < kills; ++kill) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const auto child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(ends[0]);
            run_child(folder.path(), journal_path, ends[1]);
        }
        ::close(ends[1]);
        // Real time is the point here; which instant it hits is seeded luck, and any will do.
        ::usleep(static_cast<useconds_t>(20'000 + random() % 120'000));
        ::kill(child, SIGKILL);
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
    Monotonic first{};
    Monotonic last{};
    std::int64_t last_value = 0;
    SeriesId bytes_id;
    for (const auto& series : state.series) {
        if (series.name == series_name::kWanReceiveBytes) bytes_id = series.id;
    }
    REQUIRE(bytes_id.value != 0);
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
                if (ticks++ == 0) first = tick.at;
                for (const auto& reading : tick.readings) {
                    if (reading.series != bytes_id) continue;
                    REQUIRE(reading.value >= last_value);
                    last_value = reading.value;
                }
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
    CHECK(witnessed > kills);
    // Bytes went on through every death: the total is what the kernel counted between the first
    // and the last tick, give or take how late those two were read.
    const auto expected = static_cast<std::int64_t>(kBytesPerMs) * (last - first).count();
    CHECK(std::abs(last_value - expected) < static_cast<std::int64_t>(kBytesPerMs) * 1000);
}
