// How the daemon starts beside a long journal. Run as
//   backlog_start GERBANG FOLDER STARTS DAYS      (`--long`, GERBANG_EFFORT=100: 50 and 90)
// Starts GERBANG again and again, in turn with an empty journal and with DAYS days of 60 series
// that nobody acknowledged. Prints and judges the medians: from exec to the first tick, as the tick
// itself says (10 ms, or three runs of `gerbang --version` at the same time where the machine is so
// loaded that this is more), and the memory of both (1 MB apart).

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "daemon/journal/journal.hpp"
#include "tests/daemon/journal/long_run.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;

namespace {

constexpr std::int64_t kLimitMs = 10;
constexpr std::int64_t kMemoryLimitKib = 1024;
constexpr useconds_t kLife = 1'200'000;  // us; the journal is open and the first chunk written

int fail(const std::string& why) {
    std::fprintf(stderr, "backlog: %s\n", why.c_str());
    return 1;
}

std::int64_t boot_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::int64_t median(std::vector<std::int64_t> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// DAYS days, an hour in one commit: packed as the daemon would have.
Result<void> fill(const std::string& path, int days) {
    const auto recording =
        read_recording(std::string{GERBANG_SOURCE_DIR} + "/tests/bench/recorded/counters.txt");
    LongRun run{recording, 10, 1};
    auto journal = Journal::open({.path = path, .quota_bytes = kDefaultQuotaBytes});
    if (!journal) return journal.error();
    EpochFact fact;
    fact.id.bytes.fill(1);
    fact.reason = "new";
    fact.hardware = "00";
    const DeviceTime at{BootNo{1}, monotonic_from_ms(1'000)};
    const auto begun = (*journal)->begin_epoch(fact, at, run.beginning(BootNo{1}));
    if (!begun) return begun.error();
    for (int hour = 0; hour < days * 24; ++hour) {
        std::vector<RecordBody> bodies;
        for (int minute = 0; minute < 60; ++minute) bodies.emplace_back(run.minute(BootNo{1}));
        const auto stored = (*journal)->append((*journal)->state().last.next(), bodies);
        if (!stored) return stored.error();
        if (auto done = (*journal)->checkpoint(); !done) return done;
        for (bool has_more = true; has_more;) {
            const auto more = (*journal)->tend();
            if (!more) return more.error();
            has_more = *more;
        }
    }
    return ok();
}

std::int64_t pss_kib(pid_t process) {
    std::ifstream in{"/proc/" + std::to_string(process) + "/smaps_rollup"};
    for (std::string word; in >> word;) {
        std::int64_t value = 0;
        if (word == "Pss:" && in >> value) return value;
    }
    return 0;
}

/// Runs `program --version` once: what the machine needs to start such a program at all.
std::int64_t version_ms(const std::string& program) {
    const auto began = boot_ms();
    const pid_t process = ::fork();
    if (process == 0) {
        const int nowhere = ::open("/dev/null", O_WRONLY);
        ::dup2(nowhere, 1);
        ::execl(program.c_str(), "gerbang", "--version", nullptr);
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(process, &status, 0);
    return boot_ms() - began;
}

struct Start {
    std::int64_t to_tick_ms = 0;
    std::int64_t pss_kib = 0;
};

/// One life of the daemon; its first tick is then read from the journal.
std::optional<Start> start(const std::string& program, const std::string& folder,
                           const std::string& config, const std::string& runtime) {
    const auto path = folder + "/journal.db";
    EpochId epoch;
    Seq before;
    {
        const auto journal = Journal::open({.path = path});
        if (!journal) return std::nullopt;
        epoch = (*journal)->state().epoch;
        before = (*journal)->state().last;
    }
    const auto began = boot_ms();
    const pid_t process = ::fork();
    if (process == 0) {
        const int log = ::open((folder + "/log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::dup2(log, 2);
        ::execl(program.c_str(), "gerbang", "--config", config.c_str(), "--state", folder.c_str(),
                "--runtime", runtime.c_str(), "run", nullptr);
        ::_exit(127);
    }
    ::usleep(kLife);
    Start found;
    found.pss_kib = pss_kib(process);
    ::kill(process, SIGTERM);
    int status = 0;
    if (::waitpid(process, &status, 0) != process || status != 0) return std::nullopt;
    const auto journal = Journal::open({.path = path});
    if (!journal) return std::nullopt;
    const auto& state = (*journal)->state();
    auto next = state.epoch == epoch ? before.next() : Seq{1};
    while (next <= state.last) {
        const auto slice = (*journal)->read(state.epoch, {next, state.last}, 1u << 20);
        if (!slice || slice->records.empty()) return std::nullopt;
        for (const auto& record : slice->records) {
            const auto* chunk = std::get_if<Chunk>(&record.body);
            if (chunk == nullptr || chunk->is_emptied()) continue;
            found.to_tick_ms = to_ms(chunk->ticks.front()) - began;
            return found;
        }
        next = slice->records.back().seq.next();
    }
    return std::nullopt;
}

}  // namespace

int main(int argc, char* argv[]) {
    if (argc != 5) return 64;
    const std::string program = argv[1];
    const std::string folder = argv[2];
    const char* effort = std::getenv("GERBANG_EFFORT");
    const bool is_long = effort != nullptr && std::atof(effort) >= 100;
    const int starts = is_long ? 50 : std::atoi(argv[3]);
    const int days = is_long ? 90 : std::atoi(argv[4]);
    const std::string config = folder + "/gerbang.yaml";
    std::filesystem::create_directories(folder);
    std::ofstream{config} << "metering: {tick: 5 min, commit: 15 min}\nprobe: {enabled: false}\n";
    const std::string states[]{folder + "/empty", folder + "/backlog"};
    for (const auto& state : states) {
        std::filesystem::remove_all(state);
        std::filesystem::create_directories(state);
    }
    if (const auto filled = fill(states[1] + "/journal.db", days); !filled) {
        return fail(filled.error().detail);
    }
    const TempFolder runtime;
    std::vector<std::int64_t> version;
    std::vector<std::int64_t> to_tick[2];
    std::vector<std::int64_t> memory[2];
    for (int n = 0; n < starts; ++n) {
        version.push_back(version_ms(program));
        for (std::size_t which = 0; which < 2; ++which) {
            const auto found = start(program, states[which], config, runtime.path());
            if (!found) return fail("no life or no tick in " + states[which]);
            to_tick[which].push_back(found->to_tick_ms);
            memory[which].push_back(found->pss_kib);
        }
    }
    const auto bytes = std::filesystem::file_size(states[1] + "/journal.db");
    const auto ticks = std::pair{median(to_tick[0]), median(to_tick[1])};
    const auto limit = std::max(kLimitMs, 3 * median(version));
    const auto sizes = std::pair{median(memory[0]), median(memory[1])};
    std::printf(
        "%d days in %.1f MB; medians of %d starts, empty and with these: first tick %lld and %lld "
        "ms after exec (limit %lld), PSS %lld and %lld KiB (limit %lld apart)\n",
        days, static_cast<double>(bytes) / 1e6, starts, static_cast<long long>(ticks.first),
        static_cast<long long>(ticks.second), static_cast<long long>(limit),
        static_cast<long long>(sizes.first), static_cast<long long>(sizes.second),
        static_cast<long long>(kMemoryLimitKib));
    if (std::max(ticks.first, ticks.second) > limit) return fail("the first tick is late");
    if (std::abs(sizes.first - sizes.second) > kMemoryLimitKib) return fail("memory is not flat");
    return 0;
}
