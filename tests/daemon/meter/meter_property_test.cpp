#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <optional>
#include <random>

#include "daemon/meter/meter.hpp"
#include "tests/daemon/meter/memory_journal.hpp"
#include "tests/support/fake_kernel.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

/// One scripted life of a box, seeded, with an oracle beside it that knows every byte.
///
/// The oracle follows the stated rules only: bytes not read before their counter vanished (reset,
/// re-creation, reboot) are lost, uncommitted ones at a power cut too; a fall that is neither a
/// plain restart nor a plain wrap gives a lower bound. Everything else must be exact.
class Life {
public:
    explicit Life(std::uint64_t seed) : random_{seed}, kernel_{seed} {
        settings_.kernel_is_32bit = below(3) == 0;
        for (const auto* name : {"eth0", "eth1", "wwan0"}) appear(name);
        kernel_.default_route("eth0");
        kernel_.advance(Millis{1000 + below(60'000)});
        start();
        read();  // everything before it is not usage
    }

    /// Empty, or what is wrong.
    std::string run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            if (!defect_.empty()) return "step " + std::to_string(i) + ": " + defect_;
        }
        return {};
    }
    /// Readings that had to be lower bounds, and those that had to be exact.
    [[nodiscard]] std::uint64_t bounds() const { return bounds_; }
    [[nodiscard]] std::uint64_t exact() const { return exact_; }
    [[nodiscard]] std::uint64_t wraps() const { return wraps_; }

private:
    struct Device {
        TrueBytes unread;          ///< passed since the last reading
        bool held_wan = false;     ///< at the last reading
        bool is_new = true;        ///< not read yet
        bool was_reset = false;    ///< since the last reading
        Counters read_counters{};  ///< at the last reading
        Monotonic read_at;         ///< or made
    };
    struct Expected {
        TrueBytes total;
        std::uint64_t suspect = 0;
    };

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    std::string any_name() {
        auto found = devices_.begin();
        std::advance(found, static_cast<std::ptrdiff_t>(below(devices_.size())));
        return found->first;
    }

    void appear(const std::string& name) {
        kernel_.add(name);
        // With a rate, wraps can be told; without one they are lower bounds.
        kernel_.interface(name).line_rate = BitRate{below(4) == 0 ? 0 : 1'000'000'000u};
        if (settings_.kernel_is_32bit) kernel_.wrap_at_32bit(name);
        if (settings_.kernel_is_32bit && !meter_) kernel_.traffic(name, 3'500'000'000, 0);
        devices_[name] = Device{};
        devices_[name].read_at = last_read_;
    }

    void start() {
        meter_.emplace(settings_, series_);
        meter_->restore(journal_.history(boot_));
    }

    void pass_time() { kernel_.advance(Millis{1000 + static_cast<std::int64_t>(below(20'000))}); }

    void traffic() {
        const auto name = any_name();
        const auto& one = kernel_.interface(name);
        const auto since = kernel_.now() - devices_[name].read_at;
        const auto room = carried_at_most(BitRate{1'000'000'000}, since) / 3;
        const bool is_burst =
            one.line_rate.bit_per_s > 0 && !settings_.kernel_is_32bit && below(20) == 0;
        const TrueBytes bytes{is_burst ? room * 9 : below(std::max<std::uint64_t>(room, 2)),
                              below(2) == 0 ? 0 : below(50'000)};
        auto& unread = devices_[name].unread;
        if (!is_burst && unread.received + bytes.received > room * 3) return;
        kernel_.traffic(name, bytes.received, bytes.transmitted);
        unread.received += bytes.received;
        unread.transmitted += bytes.transmitted;
    }

    void step() {
        pass_time();
        for (auto n = below(3); n > 0; --n) traffic();
        switch (below(12)) {
            case 0: {
                const auto name = any_name();
                kernel_.reset_counters(name);
                devices_[name].unread = {};
                devices_[name].was_reset = true;
                traffic();
                break;
            }
            case 1: {
                const auto name = any_name();
                kernel_.recreate(name);
                devices_[name] = Device{};
                devices_[name].read_at = last_read_;
                traffic();
                break;
            }
            case 2: {  // a name that is free, perhaps with a history
                const auto from = any_name();
                const std::string to = below(2) == 0 ? "wan0" : "eth9";
                if (kernel_.has(to)) break;
                kernel_.rename(from, to);
                if (wan_ == from) wan_ = to;
                devices_[to] = devices_[from];
                devices_.erase(from);
                break;
            }
            case 3:  // the route moves: the pipeline reads at once
                wan_ = any_name();
                kernel_.default_route(wan_);
                break;
            case 4:  // kill -9: the ring kept every reading
                commit();
                start();
                break;
            case 5:
                if (below(4) == 0) power_cut();
                break;
            case 6:
                kernel_.carrier(any_name(), below(2) == 0);
                break;
            default:
                break;
        }
        read();
        if (below(4) == 0) commit();
    }

    void power_cut() {
        kernel_.reboot();
        ++boot_;
        pending_.clear();
        expected_ = committed_;
        expected_wan_ = committed_wan_;
        last_read_ = Monotonic{};
        for (auto& [name, device] : devices_) {
            device = Device{};
            device.read_at = last_read_;
        }
        pass_time();
        traffic();
        start();
        for (auto& [name, device] : devices_)
            if (journal_.fact(name) == nullptr) device.unread = {};
    }

    void read() {
        if (!kernel_.read(reading_)) defect_ = "the kernel did not answer";
        readings_.clear();
        meter_->advance(reading_, readings_, events_);
        last_read_ = reading_.taken;
        for (const auto& fact : events_.interfaces) wraps_ += fact.reason == "wrap" ? 1 : 0;
        pending_.push_back({boot_, reading_.taken, readings_, events_});
        for (auto& [name, device] : devices_) settle(name, device);
        compare();
    }

    /// The stated rules, once more.
    void settle(const std::string& name, Device& device) {
        const auto& one = kernel_.interface(name);
        const auto rate = one.line_rate;
        auto counted = device.unread;
        std::uint64_t suspect = 0;
        bool is_bound = false;
        for (std::size_t i = 0; i < kCounterCount; ++i) {
            const bool has_fallen = one.counters[i] < device.read_counters[i];
            if (device.was_reset && !has_fallen && device.read_counters[i] > 0) is_bound = true;
            if (!device.was_reset && has_fallen && rate.bit_per_s == 0) is_bound = true;
        }
        if (rate.bit_per_s > 0) {
            const auto most = carried_at_most(rate, reading_.taken - device.read_at);
            for (auto* bytes : {&counted.received, &counted.transmitted}) {
                if (*bytes <= most) continue;
                suspect += *bytes - most;
                *bytes = most;
            }
        }
        const bool is_wan = device.held_wan || (device.is_new && wan_ == name);
        if (is_bound) {
            bound(name, counted, is_wan);
        } else {
            ++exact_;
            auto& expected = expected_[name];
            expected.total.received += counted.received;
            expected.total.transmitted += counted.transmitted;
            expected.suspect += suspect;
            if (is_wan) {
                expected_wan_.received += counted.received;
                expected_wan_.transmitted += counted.transmitted;
            }
        }
        device = Device{.unread = {},
                        .held_wan = wan_ == name,
                        .is_new = false,
                        .was_reset = false,
                        .read_counters = one.counters,
                        .read_at = reading_.taken};
    }

    /// A lower bound is allowed: never more than the truth, and from here on what was counted.
    void bound(const std::string& name, const TrueBytes& truth, bool is_wan) {
        const auto found = find(name);
        auto& expected = expected_[name];
        const auto received = found.received.value - expected.total.received;
        const auto transmitted = found.transmitted.value - expected.total.transmitted;
        if (received > truth.received || transmitted > truth.transmitted)
            defect_ = name + ": more than passed after a disturbed reading";
        expected.total = {found.received.value, found.transmitted.value};
        expected.suspect = found.suspect.value;
        if (is_wan) {
            expected_wan_.received += received;
            expected_wan_.transmitted += transmitted;
        }
        ++bounds_;
    }

    MeterSummary::Interface find(const std::string& name) const {
        for (const auto& one : summary_now().interfaces)
            if (one.name == name) return one;
        return {};
    }
    MeterSummary summary_now() const { return meter_->summary(); }

    void compare() {
        const auto summary = summary_now();
        for (const auto& one : summary.interfaces) {
            const auto& expected = expected_[one.name];
            if (one.received.value == expected.total.received &&
                one.transmitted.value == expected.total.transmitted &&
                one.suspect.value == expected.suspect)
                continue;
            defect_ = one.name + ": " + std::to_string(one.received.value) + "/" +
                      std::to_string(one.transmitted.value) + "/" +
                      std::to_string(one.suspect.value) + " counted, " +
                      std::to_string(expected.total.received) + "/" +
                      std::to_string(expected.total.transmitted) + "/" +
                      std::to_string(expected.suspect) + " passed";
        }
        if (summary.interfaces.size() != devices_.size()) defect_ = "an interface is missing";
        if (summary.wan.received.value != expected_wan_.received ||
            summary.wan.transmitted.value != expected_wan_.transmitted)
            defect_ = "WAN: " + std::to_string(summary.wan.received.value) + " counted, " +
                      std::to_string(expected_wan_.received) + " passed";
    }

    void commit() {
        for (const auto& one : pending_) journal_.keep(one.boot, one.at, one.readings, one.events);
        pending_.clear();
        committed_ = expected_;
        committed_wan_ = expected_wan_;
    }

    struct Pending {
        unsigned boot;
        Monotonic at;
        std::vector<Reading> readings;
        MeterEvents events;
    };

    std::mt19937_64 random_;
    FakeKernel kernel_;
    MeterSettings settings_;
    SeriesTable series_;
    MemoryJournal journal_;
    std::optional<Meter> meter_;
    KernelReading reading_;
    std::vector<Reading> readings_;
    MeterEvents events_;
    unsigned boot_ = 1;
    std::string wan_ = "eth0";
    Monotonic last_read_{};
    std::map<std::string, Device> devices_;
    std::map<std::string, Expected> expected_, committed_;
    TrueBytes expected_wan_, committed_wan_;
    std::vector<Pending> pending_;
    std::string defect_;
    std::uint64_t bounds_ = 0, exact_ = 0, wraps_ = 0;
};

}  // namespace

TEST_CASE("Meter's totals equal the bytes that passed, through every misfortune", "[meter]") {
    const auto rounds = test_rounds(100'000);
    std::uint64_t bounds = 0;
    std::uint64_t exact = 0;
    std::uint64_t wraps = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const auto seed = test_seed() * 1'000'003 + i;
        Life life{seed};
        const auto defect = life.run(12);
        INFO("case " << i << ", seed of the case " << seed);
        if (!defect.empty()) FAIL(defect);
        bounds += life.bounds();
        exact += life.exact();
        wraps += life.wraps();
    }
    // The campaign must not hide behind its exceptions, nor miss the rare case.
    CHECK(bounds * 20 < exact);
    CHECK(wraps > 0);
    std::printf("%llu lives: %llu readings exact, %llu wraps among them, %llu lower bounds\n",
                static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(exact),
                static_cast<unsigned long long>(wraps), static_cast<unsigned long long>(bounds));
}
