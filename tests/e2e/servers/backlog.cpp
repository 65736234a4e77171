// backlog FOLDER DAYS NOW_MS: the journal of a gateway that could push to nobody for DAYS days and
// lost its power in the midst of that, as if those had ended five minutes before NOW_MS; and beside
// it, in FOLDER/expected, what a receiver of Remote-Write must hold of it in the end:
//   window FROM_MS TO_MS
//   NAME{of="LABEL"} SCALE COUNT FIRST LAST DIGEST       one line a series, values as integers
// DIGEST: the sum of (milliseconds since FROM_MS + 1) x value, modulo 2^64.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "daemon/journal/journal.hpp"
#include "tests/daemon/journal/long_run.hpp"

using namespace gerbang;

namespace {

constexpr std::int64_t kDarkMs = 40 * 60'000;  // without power
constexpr std::int64_t kHour = 3'600'000;

struct Expected {
    std::uint64_t count = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::uint64_t digest = 0;
};

class Backlog {
public:
    Backlog(const std::string& folder, int days, std::int64_t now_ms)
        : recording_{read_recording(std::string{GERBANG_SOURCE_DIR} +
                                    "/tests/bench/recorded/counters.txt")},
          run_{recording_, 10, 1},
          hours_{days * 24},
          folder_{folder} {
        // The jitter of ticks adds up to seconds, the dark time and five minutes lie after it.
        wall_of_zero_ = now_ms - hours_ * kHour - kDarkMs - 5 * 60'000;
        from_ms_ = wall_of_zero_;
    }

    Result<void> fill() {
        auto opened =
            Journal::open({.path = folder_ + "/journal.db", .quota_bytes = kDefaultQuotaBytes});
        if (!opened) return opened.error();
        Journal& journal = **opened;
        EpochFact fact;
        fact.id.bytes.fill(1);
        fact.reason = "new";
        fact.hardware = "00";
        const DeviceTime at{BootNo{1}, monotonic_from_ms(1'000)};
        const auto begun = journal.begin_epoch(fact, at, run_.beginning(BootNo{1}));
        if (!begun) return begun.error();
        BootNo boot{1};
        std::int64_t unanchored = 0;
        for (int hour = 0; hour < hours_; ++hour) {
            std::vector<RecordBody> bodies;
            if (hour == hours_ / 2) {
                boot = BootNo{2};
                wall_of_zero_ += kDarkMs;
                unanchored = 3;  // minutes until that boot's clock is set
                BootId id;
                id.bytes.fill(2);
                bodies.emplace_back(
                    to_event(BootFact{id}, {boot, monotonic_from_ms(run_.at_ms())}));
            }
            if (unanchored == 0) bodies.emplace_back(anchor(boot));
            for (int minute = 0; minute < 60; ++minute) {
                if (unanchored > 0 && --unanchored == 0) bodies.emplace_back(anchor(boot));
                auto chunk = run_.minute(boot);
                note(chunk);
                bodies.emplace_back(std::move(chunk));
            }
            const auto stored = journal.append(journal.state().last.next(), bodies);
            if (!stored) return stored.error();
            if (auto done = journal.checkpoint(); !done) return done;
            for (bool has_more = true; has_more;) {
                const auto more = journal.tend();
                if (!more) return more.error();
                has_more = *more;
            }
        }
        return ok();
    }

    void write_expected() const {
        std::ofstream out{folder_ + "/expected"};
        out << "window " << from_ms_ << ' ' << last_ms_ << '\n';
        for (const auto& series : recording_.series) {
            const auto& all = expected_.at(series.id);
            out << "gerbang_" << series.name << "{";
            for (const auto& label : series.labels)
                out << label.name << "=\"" << label.value << '"';
            out << "} " << int{series.scale} << ' ' << all.count << ' ' << all.first << ' '
                << all.last << ' ' << all.digest << '\n';
        }
    }

private:
    RecordBody anchor(BootNo boot) const {
        return to_event(Anchor{{boot, monotonic_from_ms(run_.at_ms())},
                               wall_from_ms(wall_of_zero_ + run_.at_ms()),
                               AnchorSource::kernel,
                               {}});
    }
    void note(const Chunk& chunk) {
        for (const auto& column : chunk.columns) {
            auto& all = expected_[column.series];
            for (std::size_t i = 0; i < column.values.size(); ++i) {
                // Every series of the recording has a reading in every tick.
                const auto at = wall_of_zero_ + to_ms(chunk.ticks[i]);
                if (all.count == 0) all.first = column.values[i];
                all.last = column.values[i];
                ++all.count;
                all.digest += static_cast<std::uint64_t>(at - from_ms_ + 1) *
                              static_cast<std::uint64_t>(column.values[i]);
                last_ms_ = std::max(last_ms_, at);
            }
        }
    }

    Recording recording_;
    LongRun run_;
    int hours_;
    std::string folder_;
    std::int64_t wall_of_zero_ = 0;  ///< wall time at device time 0 of this boot
    std::int64_t from_ms_ = 0;
    std::int64_t last_ms_ = 0;
    std::map<SeriesId, Expected> expected_;
};

}  // namespace

int main(int argc, char* argv[]) {
    if (argc != 4) return 64;
    Backlog backlog{argv[1], std::atoi(argv[2]), std::atoll(argv[3])};
    if (const auto filled = backlog.fill(); !filled) {
        std::fprintf(stderr, "backlog: %s\n", filled.error().detail.c_str());
        return 1;
    }
    backlog.write_expected();
    return 0;
}
