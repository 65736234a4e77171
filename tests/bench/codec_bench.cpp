// How many bytes a reading takes on recorded real counters, judged against the budget. Bytes are
// the same on every machine, so this is an ordinary test. With `--speed` it also prints how fast
// the codec is on this machine, which nothing judges.

#include <array>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <utility>

#include "common/model/reduction.hpp"
#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"
#include "tests/bench/codec_recording.hpp"

namespace gerbang {
namespace {

struct Case {
    const char* name;
    std::size_t every;      ///< seconds between ticks
    std::size_t per_chunk;  ///< ticks
    std::size_t per_pack;   ///< chunks
    double limit;           ///< bytes per reading
};

constexpr Case kCases[] = {
    {"one-minute packs, ticks of 10 s", 10, 6, 1, 1.7},
    {"one-minute packs, ticks of  1 s", 1, 60, 1, 0.9},
    {"ten-minute packs, ticks of 10 s", 10, 6, 10, 1.25},
    {"ten-minute packs, ticks of  1 s", 1, 60, 10, 0.8},
};

std::vector<std::vector<Record>> packs_of(const Recording& recording, const Case& test) {
    std::vector<std::vector<Record>> packs(1);
    Seq seq{400'000};
    for (auto& chunk : chunks_of(recording, test.every, test.per_chunk)) {
        if (packs.back().size() == test.per_pack) packs.emplace_back();
        packs.back().push_back({seq, std::move(chunk)});
        seq = seq.next();
    }
    if (packs.size() > 1 && packs.back().size() < test.per_pack) packs.pop_back();
    return packs;
}

bool is_within_limit(const Recording& recording, const Case& test) {
    std::size_t bytes = 0;
    std::size_t readings = 0;
    const auto packs = packs_of(recording, test);
    for (const auto& records : packs) {
        const auto pack = wire::encode_pack(records);
        const auto decoded = wire::decode_pack(pack);
        GERBANG_CHECK(decoded.has_value() && *decoded == records);
        bytes += pack.size();
        readings += records.size() * test.per_chunk * recording.series.size();
    }
    const double each = static_cast<double>(bytes) / static_cast<double>(readings);
    const bool is_within = each <= test.limit;
    std::printf("%s: %.3f bytes per reading, limit %.2f, %zu packs of %zu bytes%s\n", test.name,
                each, test.limit, packs.size(), bytes / packs.size(),
                is_within ? "" : "  TOO LARGE");
    return is_within;
}

/// Ring entries: every 20th tick stands alone, as the daemon writes them.
bool ticks_are_within_limit(const Recording& recording) {
    std::size_t bytes = 0;
    std::size_t readings = 0;
    const Tick* previous = nullptr;
    for (std::size_t i = 0; i < recording.ticks.size(); i += 10) {
        const auto& tick = recording.ticks[i];
        bytes += wire::encode_tick(tick, previous).size();
        readings += tick.readings.size();
        previous = &tick;
    }
    const double each = static_cast<double>(bytes) / static_cast<double>(readings);
    std::printf("ring entries, ticks of 10 s: %.3f bytes per reading, limit 3.00\n", each);
    return each <= 3.0;
}

/// A long run of ticks made of the recording: from its end one goes on at a place drawn from the
/// seed, so that no hour is like another. Counters grow on.
std::vector<Tick> lengthened(const Recording& recording, std::size_t every, std::size_t count) {
    std::vector<Tick> ticks;
    auto now = recording.ticks.front();
    std::uint64_t random = 1;
    std::size_t place = 0;
    for (std::size_t second = 0; ticks.size() < count; ++second) {
        if (second % every == 0) ticks.push_back(now);
        if (place + 1 >= recording.ticks.size()) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            place = static_cast<std::size_t>(random >> 33) % (recording.ticks.size() - 1);
        }
        const auto& from = recording.ticks[place];
        const auto& to = recording.ticks[++place];
        now.at += to.at - from.at;
        for (std::size_t s = 0; s < recording.series.size(); ++s) {
            auto& value = now.readings[s].value;
            const bool is_counter = recording.series[s].kind == SeriesKind::counter;
            value = is_counter ? value + to.readings[s].value - from.readings[s].value
                               : to.readings[s].value;
        }
    }
    return ticks;
}

/// What a day of hour blocks costs at each level. False when a level saves nothing.
bool levels_save(const Recording& recording, std::size_t every, std::size_t per_chunk) {
    constexpr std::size_t kHours = 24;
    const auto kind_of = [&](SeriesId id) { return recording.series[id.value - 1].kind; };
    const auto ticks = lengthened(recording, every, kHours * 60 * per_chunk);
    std::array<std::size_t, kMaxLevel + 1> bytes{};
    std::array<std::size_t, kMaxLevel + 1> points{};
    std::clock_t elapsed = 0;
    for (std::size_t hour = 0; hour < kHours; ++hour) {
        std::vector<Record> records;
        for (std::size_t minute = 0; minute < 60; ++minute) {
            const auto begin =
                ticks.begin() + static_cast<std::ptrdiff_t>((hour * 60 + minute) * per_chunk);
            records.push_back(
                {Seq{400'000 + hour * 60 + minute},
                 make_chunk(BootNo{3}, {begin, begin + static_cast<std::ptrdiff_t>(per_chunk)})});
        }
        for (std::uint8_t level = 0; level <= kMaxLevel; ++level) {
            const auto start = std::clock();
            if (level > 0) records = reduce(std::move(records), level, kind_of);
            if (level == 1) elapsed += std::clock() - start;
            bytes[level] += wire::encode_pack(records).size();
            for (const auto& record : records) {
                points[level] += std::get<Chunk>(record.body).ticks.size();
            }
        }
    }
    const double ms = 1000.0 * static_cast<double>(elapsed) / static_cast<double>(CLOCKS_PER_SEC);
    std::printf(
        "hour blocks of a day, ticks of %zu s; reducing one to level 1 takes %.1f ms here\n", every,
        ms / static_cast<double>(kHours));
    bool is_smaller = true;
    for (std::size_t level = 0; level <= kMaxLevel; ++level) {
        const auto series_points = points[level] * recording.series.size();
        std::printf("  level %zu: %7zu bytes a day, %5zu points, %.2f bytes a point and series\n",
                    level, bytes[level], points[level],
                    static_cast<double>(bytes[level]) / static_cast<double>(series_points));
        is_smaller = is_smaller && (level == 0 || bytes[level] * 2 < bytes[level - 1]);
    }
    return is_smaller;
}

/// By processor time, so that a busy machine disturbs little.
template <class Work>
double million_per_second(std::size_t readings, Work work) {
    std::size_t rounds = 0;
    const auto start = std::clock();
    std::clock_t elapsed = 0;
    while (elapsed < CLOCKS_PER_SEC / 2) {
        work();
        ++rounds;
        elapsed = std::clock() - start;
    }
    const double seconds = static_cast<double>(elapsed) / static_cast<double>(CLOCKS_PER_SEC);
    return static_cast<double>(readings * rounds) / seconds / 1e6;
}

void print_speed(const Recording& recording, const Case& test) {
    const auto packs = packs_of(recording, test);
    std::vector<std::string> encoded;
    std::size_t readings = 0;
    for (const auto& records : packs) {
        encoded.push_back(wire::encode_pack(records));
        readings += records.size() * test.per_chunk * recording.series.size();
    }
    const double encode = million_per_second(readings, [&] {
        for (const auto& records : packs) (void)wire::encode_pack(records);
    });
    const double decode = million_per_second(readings, [&] {
        for (const auto& bytes : encoded) GERBANG_CHECK(wire::decode_pack(bytes).has_value());
    });
    const double chain = million_per_second(readings, [&] {
        Head head{};
        for (const auto& records : packs) {
            for (const auto& record : records) head = wire::next_head(head, record);
        }
    });
    std::printf("%s: million readings a second: encode %.1f, decode %.1f, chain %.1f\n", test.name,
                encode, decode, chain);
}

int run(const std::string& path, bool with_speed) {
    const auto recording = read_recording(path);
    std::printf("%zu series, %zu seconds\n", recording.series.size(), recording.ticks.size());
    bool is_within = ticks_are_within_limit(recording);
    for (const auto& test : kCases) is_within = is_within_limit(recording, test) && is_within;
    is_within = levels_save(recording, 10, 6) && is_within;
    is_within = levels_save(recording, 1, 60) && is_within;
    if (with_speed) {
        for (const auto& test : kCases) print_speed(recording, test);
        // One batch of a drain: an hour in a pack.
        print_speed(recording, {"hour packs,       ticks of 10 s", 10, 6, 60, 0});
    }
    return is_within ? 0 : 1;
}

}  // namespace
}  // namespace gerbang

int main(int argc, char* argv[]) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: test_codec_bench RECORDING [--speed]\n");
        return 64;
    }
    return gerbang::run(argv[1], argc > 2 && std::string_view{argv[2]} == "--speed");
}
