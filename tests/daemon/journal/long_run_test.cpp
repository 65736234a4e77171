// What the journal amounts to after weeks and months: bytes per reading, the quota, what is left.

#include "tests/daemon/journal/long_run.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>

#include "daemon/app/event_rate.hpp"
#include "daemon/journal/journal.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

std::uint64_t bytes_in(const std::string& folder) {
    std::uint64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator{folder}) bytes += file.file_size();
    return bytes;
}

struct Months {
    Months(std::size_t every, JournalOptions given)
        : recording{read_recording(std::string{GERBANG_SOURCE_DIR} +
                                   "/tests/bench/recorded/counters.txt")},
          run{recording, every, test_seed()},
          options{std::move(given)} {
        options.path = folder.file("journal.db");
        auto opened = Journal::open(options);
        if (!opened) FAIL(opened.error().detail);
        journal = std::move(*opened);
        REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 1), run.beginning(BootNo{1})));
    }

    /// One hour of commits; `events` are those of its minute `m`.
    template <class Events>
    void hour(Events events) {
        for (int m = 0; m < 60; ++m) {
            auto bodies = events(m, monotonic_from_ms(run.at_ms() + 1));
            bodies.emplace_back(run.minute(BootNo{1}));
            const auto stored = journal->append(journal->state().last.next(), bodies);
            if (!stored) FAIL(stored.error().detail);
            if (m == 59) REQUIRE(journal->checkpoint());
            for (int slice = 0; slice < 1000; ++slice) {
                const auto more = journal->tend();
                if (!more) FAIL(more.error().detail);
                if (!*more) break;
            }
            most = std::max(most, bytes_in(folder.path()));
        }
        ++hours;
    }
    [[nodiscard]] double readings() const {
        return static_cast<double>(hours * 60 * run.readings_per_minute());
    }

    TempFolder folder;
    Recording recording;
    LongRun run;
    JournalOptions options;
    std::unique_ptr<Journal> journal;
    std::uint64_t most = 0;
    std::uint64_t hours = 0;
};

std::vector<RecordBody> hourly_anchor(int minute, Monotonic now) {
    if (minute != 0) return {};
    Anchor anchor;
    anchor.at = {BootNo{1}, now};
    anchor.wall = wall_from_ms(1'800'000'000'000 + to_ms(now));
    return {to_event(anchor)};
}

}  // namespace

TEST_CASE("A packed journal takes the promised bytes per reading", "[journal][long_run]") {
    for (const auto& [every, limit] : {std::pair{10u, 1.3}, std::pair{1u, 0.8}}) {
        for (const std::uint32_t page : {4096u, 1024u}) {
            JournalOptions options;
            options.page_bytes = page;
            Months months{every, options};
            // Of few hours what a file has anyway is too large a part: those prove the way only.
            const auto hours = std::clamp<std::uint64_t>(test_rounds(every == 10 ? 48 : 8), 3, 240);
            for (std::uint64_t h = 0; h < hours; ++h) months.hour(hourly_anchor);
            const auto facts = months.journal->facts();
            const double each = static_cast<double>(facts->database_bytes) / months.readings();
            std::printf("ticks of %2u s, pages of %u: %.3f bytes per reading, limit %.1f\n", every,
                        page, each, limit);
            if (test_effort() < 1) continue;
            CHECK(each <= limit);
            REQUIRE(facts->days_left);
            REQUIRE(facts->oldest);
            CHECK(*facts->oldest < at(1, 20));
        }
    }
}

TEST_CASE("Months that nobody acknowledges stay within the quota, every outage in the ledger",
          "[journal][long_run]") {
    // The quota shrinks with the effort: 400 days in 64 MiB, or as many days per byte; below 38
    // days it is the least there is.
    const auto days = std::min<std::uint64_t>(test_rounds(6), 400);
    JournalOptions options;
    options.pins = {"province"};
    options.quota_bytes = std::max(kMinQuotaBytes, kDefaultQuotaBytes * days / 400);
    Months months{10, options};
    std::uint64_t outages = 0;
    std::uint64_t told = 0;
    // A loose cable, 86,400 carrier events a day, as the daemon bounds them; two outages an hour.
    EventRate rate;
    const auto events = [&](int minute, Monotonic now) {
        auto bodies = hourly_anchor(minute, now);
        for (int second = 0; second < 60; ++second) {
            const DeviceTime at{BootNo{1}, now + Seconds{second}};
            auto event = to_event(CarrierFact{"eth0", second % 2 == 0, 9}, at);
            if (!rate.admit(event)) continue;
            ++told;
            bodies.emplace_back(std::move(event));
        }
        for (const auto& summary : rate.due({BootNo{1}, now})) {
            told += summary.count;
            bodies.emplace_back(to_event(summary, {BootNo{1}, now}));
        }
        if (minute % 30 == 7) {
            Outage outage;
            outage.id = ++outages;
            outage.cause = Cause::carrier;
            outage.last_good = {BootNo{1}, now};
            outage.first_bad = {BootNo{1}, now};
            outage.last_bad = {BootNo{1}, now};
            outage.first_good = {BootNo{1}, now};
            outage.evidence = "carrier 0 on eth0";
            bodies.emplace_back(to_event(outage, {BootNo{1}, now}));
        }
        return bodies;
    };
    for (std::uint64_t h = 0; h < days * 24; ++h) {
        months.hour(events);
        REQUIRE(months.most + kMirrorReserveBytes <= options.quota_bytes);
    }
    for (const auto& summary : rate.all()) told += summary.count;
    CHECK(told == days * 86'400);
    const auto facts = months.journal->facts();
    std::printf("%llu days: %.1f of %.1f MB, records by level %llu %llu %llu %llu, given up %llu\n",
                static_cast<unsigned long long>(days), static_cast<double>(months.most) / 1e6,
                static_cast<double>(options.quota_bytes) / 1e6,
                static_cast<unsigned long long>(facts->epochs[0].levels[0].records),
                static_cast<unsigned long long>(facts->epochs[0].levels[1].records),
                static_cast<unsigned long long>(facts->epochs[0].levels[2].records),
                static_cast<unsigned long long>(facts->epochs[0].levels[3].records),
                static_cast<unsigned long long>(facts->epochs[0].given_up.records));
    CHECK(months.journal->outages()->size() == std::min<std::uint64_t>(outages, 4096));
    CHECK(facts->losses.empty());
}
