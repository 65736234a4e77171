#include "daemon/meter/health.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "daemon/meter/proc_parse.hpp"
#include "tests/daemon/meter/allocations.hpp"

using namespace gerbang;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A made-up /proc and /sys.
struct Folder {
    fs::path root;
    HostPaths paths;

    Folder() {
        auto pattern = (fs::temp_directory_path() / "gerbang-health-XXXXXX").string();
        root = ::mkdtemp(pattern.data());
        paths = {.proc = root / "proc",
                 .sys = root / "sys",
                 .state = root / "state",
                 .runtime = root / "run"};
        fs::create_directories(root / "state");
    }
    ~Folder() { fs::remove_all(root); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void write(const std::string& path, const std::string& text) const {
        fs::create_directories((root / path).parent_path());
        std::ofstream{root / path} << text;
    }
    void fill() const {
        write("proc/loadavg", "0.52 0.40 0.30 1/100 4242\n");
        write("proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable:   400000 kB\n");
        write("proc/self/stat",
              "42 (ger) b ang) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 99 1 2\n");
        write("proc/self/statm", "9000 1500 900 400 0 800 0\n");
        write("proc/self/io",
              "rchar: 1\nwchar: 900000\nsyscr: 1\nsyscw: 1\nread_bytes: 0\n"
              "write_bytes: 200000\ncancelled_write_bytes: 77777\n");
        write("sys/class/thermal/thermal_zone0/temp", "48312\n");
        write("sys/class/thermal/thermal_zone2/temp", "broken\n");
    }
};

std::optional<std::int64_t> value(const SeriesTable& series, const std::vector<Reading>& readings,
                                  std::string_view name) {
    for (const auto& reading : readings)
        if (series.find(reading.series)->name == name) return reading.value;
    return std::nullopt;
}

}  // namespace

TEST_CASE("Health of a box whose files are all missing has no reading but the free space",
          "[meter]") {
    const Folder folder;
    SeriesTable series;
    Health health{folder.paths, series};
    std::vector<Reading> readings;
    health.read(Monotonic{1s}, readings);
    REQUIRE(readings.size() == 1);
    CHECK(value(series, readings, "state_free_bytes"));
    fs::remove_all(folder.root / "state");
    readings.clear();
    health.read(Monotonic{61s}, readings);
    CHECK(readings.empty());
}

TEST_CASE("Health reads load, memory, temperature and its own costs in their precision",
          "[meter]") {
    const Folder folder;
    folder.fill();
    SeriesTable series;
    Health health{folder.paths, series};
    std::vector<Reading> readings;
    health.read(Monotonic{1s}, readings);
    CHECK(value(series, readings, "system_load1") == 52);
    CHECK(value(series, readings, "system_memory_available_bytes") == 97 * (4 << 20));
    CHECK(value(series, readings, "system_temperature_celsius") == 480);
    CHECK(value(series, readings, "daemon_cpu_seconds_total") == 2000);
    CHECK(value(series, readings, "daemon_memory_bytes").value_or(1) % 65536 == 0);
    CHECK(value(series, readings, "state_free_bytes").value_or(1) % (1 << 20) == 0);
    CHECK(value(series, readings, "daemon_written_bytes_total") == 3 * 65536);
    CHECK(readings.size() == 7);
    readings.clear();
    health.read(Monotonic{11s}, readings);
    CHECK_FALSE(value(series, readings, "state_free_bytes"));
}

TEST_CASE("Health goes on counting the CPU time of earlier runs", "[meter]") {
    const Folder folder;
    folder.fill();
    SeriesTable series;
    Health health{folder.paths, series};
    std::vector<Reading> readings;
    health.read(Monotonic{1s}, readings);
    Health restarted{folder.paths, series};
    restarted.restore(readings);
    readings.clear();
    restarted.read(Monotonic{2s}, readings);
    CHECK(value(series, readings, "daemon_cpu_seconds_total") == 4000);
}

TEST_CASE("Health allocates nothing in the steady state", "[meter]") {
    const Folder folder;
    folder.fill();
    SeriesTable series;
    Health health{folder.paths, series};
    std::vector<Reading> readings;
    health.read(Monotonic{1s}, readings);
    readings.clear();
    const auto before = allocations();
    health.read(Monotonic{70s}, readings);
    CHECK(allocations() == before);
}

TEST_CASE("Small texts of the kernel give nothing when they are not as expected", "[meter]") {
    for (const auto* text : {"", " ", "x", "1", "1.5 ", "1.505", "-1.50", ".50 ", "99999999999.00"})
        CHECK_FALSE(proc::parse_load1(text));
    CHECK(proc::parse_load1("12.07 1 1") == 1207);

    for (const auto* text : {"", "MemAvailable:", "MemAvailable: x kB", "MemFree: 5 kB",
                             "MemAvailable: 99999999999999999 kB"})
        CHECK_FALSE(proc::parse_memory_available(text));

    for (const auto* text : {"", "1 (a)", "1 (a) S 1 1 1 1 1 1 1 1 1 1", "1 a S 1",
                             "1 (a) S 1 1 1 1 1 1 1 1 1 1 5 x", "1 (a) S 1 1 1 1 1 1 1 1 1 1 -5 1"})
        CHECK_FALSE(proc::parse_cpu_ticks(text));

    for (const auto* text : {"", "5", "5 x", "5 99999999999999999999"})
        CHECK_FALSE(proc::parse_resident_pages(text));

    for (const auto* text : {"", "warm", "-60001", "200001", "1e3"})
        CHECK_FALSE(proc::parse_millicelsius(text));
    CHECK(proc::parse_millicelsius("-5000\n") == -5000);

    for (const auto* text : {"", "-1", "0", "1000001", "fast", "4294967295"})
        CHECK(proc::parse_speed(text) == BitRate{});
    CHECK(proc::parse_speed("1000\n") == BitRate{1'000'000'000});
}
