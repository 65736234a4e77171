// wire FOLDER URL CA TOKEN minutes COUNT INTERVAL_S | drain DAYS
//
// What sync costs on the wire, and how fast it goes: a journal of recorded counters (60 series each
// 10 s, as tests/bench/recorded has them), the daemon's own pusher and HTTP client, and whatever
// receiver is at URL. `minutes`: one commit a minute, a batch each INTERVAL_S. `drain`: a backlog
// of DAYS. Time is virtual and stands still while a request is under way.
//
// Prints "begin" once the connection is there (`drain`: before it), waits for a line, and prints
// "end READINGS MILLISECONDS": readings that the receiver has acknowledged between, in real time.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/check.hpp"
#include "daemon/host/log.hpp"
#include "daemon/net/curl_uplink.hpp"
#include "daemon/sync/pusher.hpp"
#include "tests/daemon/journal/long_run.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/seeded_entropy.hpp"

using namespace gerbang;

namespace {

constexpr const char* kSite = "wire-village";
constexpr BootNo kBoot{1};

void rethrow(std::exception_ptr problem) {
    if (problem) std::rethrow_exception(problem);
}

template <class T>
net::awaitable<void> keep(net::awaitable<T> work, std::optional<T>& into) {
    into = co_await std::move(work);
}

void ask_to_go_on() {
    std::string line;
    std::puts("begin");
    std::fflush(stdout);
    std::getline(std::cin, line);
}

class Bench {
public:
    Bench(const std::string& folder, const UplinkTarget& target, Millis interval)
        : recording_{read_recording(std::string{GERBANG_SOURCE_DIR} +
                                    "/tests/bench/recorded/counters.txt")},
          run_{recording_, 10, 1} {
        set_log_level(LogLevel::error);
        auto journal =
            Journal::open({.path = folder + "/journal.db", .quota_bytes = kDefaultQuotaBytes});
        GERBANG_CHECK(journal.has_value());
        EpochFact fact;
        fact.id.bytes.fill(1);
        fact.reason = "new";
        const DeviceTime at{kBoot, monotonic_from_ms(1'000)};
        GERBANG_CHECK((*journal)->begin_epoch(fact, at, run_.beginning(kBoot)).has_value());
        journal_ = std::move(*journal);
        auto uplink = open_uplink(curl_, target);
        if (!uplink) {
            std::fprintf(stderr, "wire: %s\n", uplink.error().detail.c_str());
            std::exit(1);
        }
        uplink_ = std::move(*uplink);
        settings_.consumer = "province";
        settings_.site = kSite;
        settings_.interval = interval;
    }
    ~Bench() {
        clock_.stop();
        curl_.stop();
        for (int i = 0; i < 100; ++i) clock_.run_ready(loop_);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    /// Before `start`: an hour packed, as a gateway keeps its backlog.
    void fill_hour() {
        std::vector<RecordBody> bodies;
        for (int minute = 0; minute < 60; ++minute) bodies.emplace_back(run_.minute(kBoot));
        const auto stored = journal_->append(journal_->state().last.next(), bodies);
        GERBANG_CHECK(stored.has_value() && journal_->checkpoint().has_value());
        for (bool has_more = true; has_more;) {
            const auto more = journal_->tend();
            GERBANG_CHECK(more.has_value());
            has_more = *more;
        }
    }
    void start() {
        async_ = std::make_unique<AsyncJournal>(std::move(journal_), loop_.get_executor());
        pusher_ = std::make_unique<Pusher>(settings_, clock_, entropy_, *async_, *uplink_);
        net::co_spawn(loop_, pusher_->run(), rethrow);
    }
    void pass_minute() {
        std::optional<Result<Committed>> done;
        std::vector<RecordBody> bodies;
        bodies.emplace_back(run_.minute(kBoot));
        net::co_spawn(loop_, keep(async_->append(async_->last().next(), std::move(bodies)), done),
                      rethrow);
        clock_.run_ready(loop_);
        GERBANG_CHECK(done && done->has_value());
        pusher_->data_bell().ring();
        for (int second = 0; second < 60; ++second) {
            settle();
            clock_.run_for(loop_, Millis{1'000});
        }
        settle();
    }
    /// Until nothing is under way.
    void settle() {
        clock_.run_ready(loop_);
        while (pusher_->status().state == PushState::sending) {
            loop_.restart();
            (void)loop_.run_one_for(std::chrono::milliseconds{20});
            clock_.run_ready(loop_);
        }
        const auto status = pusher_->status();
        if (status.state == PushState::idle) return;
        std::fprintf(stderr, "wire: %s\n", status.detail.c_str());
        std::exit(1);
    }
    [[nodiscard]] std::uint64_t pending() const { return pusher_->status().pending_records; }
    /// Readings of the minutes that the receiver has.
    [[nodiscard]] std::uint64_t held_readings() const {
        return pusher_->status().through.value * run_.readings_per_minute();
    }
    [[nodiscard]] std::uint64_t readings_per_minute() const { return run_.readings_per_minute(); }

private:
    Recording recording_;
    LongRun run_;
    ManualClock clock_;
    SeededEntropy entropy_{1};
    CurlThread curl_;
    std::unique_ptr<Uplink> uplink_;
    PushSettings settings_;
    net::io_context loop_;
    std::unique_ptr<Journal> journal_;
    std::unique_ptr<AsyncJournal> async_;
    std::unique_ptr<Pusher> pusher_;
};

}  // namespace

int main(int argc, char* argv[]) {
    if (argc < 7) return 64;
    const std::string mode = argv[5];
    UplinkTarget target;
    target.url = argv[2];
    target.ca_file = argv[3];
    target.token_file = argv[4];
    const auto count = std::atoi(argv[6]);
    const Millis interval{argc > 7 ? std::atoi(argv[7]) * 1'000 : 120'000};
    Bench bench{argv[1], target, interval};
    std::uint64_t before = 0;
    auto begin = std::chrono::steady_clock::now();
    if (mode == "minutes") {
        bench.start();
        for (int minute = 0; minute < 6; ++minute) bench.pass_minute();
        before = bench.held_readings();
        ask_to_go_on();
        begin = std::chrono::steady_clock::now();
        for (int minute = 0; minute < count; ++minute) bench.pass_minute();
    } else {
        for (int hour = 0; hour < count * 24; ++hour) bench.fill_hour();
        ask_to_go_on();
        begin = std::chrono::steady_clock::now();
        bench.start();
        do bench.settle();
        while (bench.pending() > 0);
        // Record 1 and those that introduce the series are no minutes.
        before = bench.held_readings() - std::uint64_t{1'440} * static_cast<std::uint64_t>(count) *
                                             bench.readings_per_minute();
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    std::printf("end %llu %lld\n", static_cast<unsigned long long>(bench.held_readings() - before),
                static_cast<long long>(
                    std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
    return 0;
}
