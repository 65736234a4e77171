// Bytes that reach the block device for one commit a minute. Run by flash.sh:
//   flash_journal FOLDER STAT
// FOLDER lies on a file system of its own on a block device; STAT is that device's
// /sys/block/.../stat. Prints KiB per commit and MB per day.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "common/model/facts.hpp"
#include "daemon/journal/journal.hpp"

using namespace gerbang;

namespace {

constexpr int kWarmUp = 400;  // the WAL has grown to its size and was overwritten
constexpr int kCommits = 600;
constexpr std::uint32_t kSeries = 60;

std::uint64_t written_sectors(const char* stat) {
    std::ifstream in{stat};
    std::uint64_t value = 0;
    for (int field = 0; field < 7; ++field) in >> value;
    return value;
}

/// 32 counters of four interfaces, the rest gauges that wander.
class Village {
public:
    [[nodiscard]] std::vector<RecordBody> beginning() const {
        const DeviceTime at{BootNo{1}, Monotonic{Millis{1'000}}};
        std::vector<RecordBody> bodies;
        bodies.emplace_back(to_event(BootFact{BootId{{1}}}, at));
        for (std::uint32_t id = 1; id <= kSeries; ++id) {
            Series series;
            series.id = SeriesId{id};
            series.name = "series_" + std::to_string(id);
            series.kind = id <= 32 ? SeriesKind::counter : SeriesKind::gauge;
            if (id <= 2) {
                series.name =
                    id == 1 ? series_name::kWanReceiveBytes : series_name::kWanTransmitBytes;
            } else if (id <= 8) {
                series.name = id % 2 == 1 ? series_name::kInterfaceReceiveBytes
                                          : series_name::kInterfaceTransmitBytes;
                series.labels = {{"interface", "eth" + std::to_string((id - 3) / 2)}};
            }
            bodies.emplace_back(to_event(series, at));
        }
        return bodies;
    }

    [[nodiscard]] Chunk minute() {
        std::vector<Tick> ticks(6);
        for (auto& tick : ticks) {
            at_ms_ += 10'000 + static_cast<std::int64_t>(random_() % 3);
            tick.at = Monotonic{Millis{at_ms_}};
            for (std::uint32_t i = 0; i < kSeries; ++i) {
                values_[i] +=
                    i < 32 ? static_cast<std::int64_t>(random_() % (i < 8 ? 4'000'000 : 3'000))
                           : static_cast<std::int64_t>(random_() % 5) - 2;
                tick.readings.push_back({SeriesId{i + 1}, values_[i]});
            }
        }
        return make_chunk(BootNo{1}, ticks);
    }

    [[nodiscard]] Event anchor() const {
        Anchor anchor;
        anchor.at = {BootNo{1}, Monotonic{Millis{at_ms_ + 1}}};
        anchor.wall = WallTime{Millis{1'800'000'000'000 + at_ms_}};
        return to_event(anchor);
    }

private:
    std::mt19937_64 random_{1};
    std::int64_t at_ms_ = 1'000;
    std::int64_t values_[kSeries]{};
};

int fail(const Error& error) {
    std::fprintf(stderr, "flash: %s\n", error.detail.c_str());
    return 1;
}

}  // namespace

int main(int argc, char* argv[]) {
    if (argc != 3) return 64;
    const std::string folder = argv[1];
    auto opened = Journal::open({.path = folder + "/journal.db"});
    if (!opened) return fail(opened.error());
    auto& journal = **opened;
    Village village;
    EpochFact fact;
    fact.id.bytes.fill(1);
    fact.reason = "new";
    fact.hardware = "00";
    const auto begun =
        journal.begin_epoch(fact, {BootNo{1}, Monotonic{Millis{1'000}}}, village.beginning());
    if (!begun) return fail(begun.error());

    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
    std::uint64_t before = 0;
    std::uint64_t handed_before = 0;
    for (int n = 0; n < kWarmUp + kCommits; ++n) {
        if (n == kWarmUp) {
            before = written_sectors(argv[2]);
            handed_before = journal.written_bytes();
        }
        std::vector<RecordBody> bodies;
        if (n % 60 == 0) bodies.emplace_back(village.anchor());
        bodies.emplace_back(village.minute());
        const auto committed = journal.append(journal.state().last.next(), bodies);
        if (!committed) return fail(committed.error());
        if (n % 60 == 59) {
            if (auto done = journal.checkpoint(); !done) return fail(done.error());
        }
        for (bool has_more = true; has_more;) {
            const auto more = journal.tend();  // packing, as the daemon does between commits
            if (!more) return fail(more.error());
            has_more = *more;
        }
        // In a real minute the file's time moves on and the file system commits its own journal for
        // that as well; here many commits may fall into one step of the kernel's coarse clock.
        const timespec moved{.tv_sec = 1'800'000'000 + n * 60, .tv_nsec = 0};
        const timespec times[2]{moved, moved};
        if (::utimensat(AT_FDCWD, (folder + "/journal.db-wal").c_str(), times, 0) != 0) return 1;
        if (::syncfs(fd) != 0) return 1;
    }
    const auto device_bytes = static_cast<double>((written_sectors(argv[2]) - before) * 512);
    const auto handed = static_cast<double>(journal.written_bytes() - handed_before);
    const double per_commit = device_bytes / kCommits;
    std::printf(
        "%.1f KiB per commit at the device (%.1f KiB given to write calls), "
        "%.1f MB per day\n",
        per_commit / 1024, handed / kCommits / 1024, per_commit * 1440 / 1e6);
    ::close(fd);
    return 0;
}
