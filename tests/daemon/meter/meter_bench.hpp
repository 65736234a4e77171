#pragma once

#include <catch2/catch.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/meter/meter.hpp"
#include "tests/daemon/meter/memory_journal.hpp"
#include "tests/support/fake_kernel.hpp"

namespace gerbang {

/// A meter on a scripted kernel, with a journal that keeps everything it says.
struct Bench {
    FakeKernel kernel;
    MeterSettings settings;
    SeriesTable series;
    MemoryJournal journal;
    unsigned boot = 1;
    std::optional<Meter> meter;
    KernelReading reading;
    std::vector<Reading> readings;
    MeterEvents events;

    Bench() { kernel.advance(Millis{30'000}); }

    void start() {
        meter.emplace(settings, series);
        meter->restore(journal.history(boot));
    }
    void tick(Millis after = Millis{10'000}) {
        kernel.advance(after);
        REQUIRE(kernel.read(reading));
        readings.clear();
        meter->advance(reading, readings, events);
        journal.keep(boot, reading.taken, readings, events);
    }
    void reboot(Millis until_start = Millis{20'000}) {
        kernel.reboot();
        kernel.advance(until_start);
        ++boot;
    }
    MeterSummary::Interface of(const std::string& name) const {
        for (const auto& one : meter->summary().interfaces)
            if (one.name == name) return one;
        throw std::runtime_error("no interface " + name);
    }
    std::uint64_t received(const std::string& name) const { return of(name).received.value; }
    std::uint64_t wan_received() const { return meter->summary().wan.received.value; }
    std::optional<std::int64_t> value(std::string_view name) const {
        for (const auto& one : readings)
            if (series.find(one.series)->name == name) return one.value;
        return std::nullopt;
    }
    std::string reason(const std::string& name) const {
        for (const auto& fact : events.interfaces)
            if (fact.name == name) return fact.reason;
        return "";
    }
};

inline Bench wan_bench() {
    Bench bench;
    bench.kernel.add("eth0");
    bench.kernel.default_route("eth0");
    return bench;
}

}  // namespace gerbang
