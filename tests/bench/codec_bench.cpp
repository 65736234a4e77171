// How many bytes a reading takes on recorded real counters, judged against the budget. Bytes are
// the same on every machine, so this is an ordinary test. With `--speed` it also prints how fast
// the codec is on this machine, which nothing judges.

#include <cstdio>
#include <ctime>
#include <string_view>

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
