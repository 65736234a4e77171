// How fast a pusher sends: the target's own cap, and what the villagers leave.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "daemon/sync/send_budget.hpp"
#include "tests/daemon/sync/sender.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

PushSettings capped(std::uint64_t bytes_s) {
    auto settings = Sender::default_settings();
    settings.max_bytes_s = bytes_s;
    return settings;
}

/// What was sent in each second while `seconds` pass and a record is committed each minute.
std::vector<std::uint64_t> sent_each_second(Sender& sender, int seconds) {
    std::vector<std::uint64_t> sent;
    for (int i = 0; i < seconds; ++i) {
        const auto before = sender.link.traffic().sent_bytes;
        sender.run_for(1s);
        if (i % 60 == 59) sender.commit(1);
        sent.push_back(sender.link.traffic().sent_bytes - before);
    }
    return sent;
}

std::uint64_t most_within(const std::vector<std::uint64_t>& sent, std::size_t seconds) {
    std::uint64_t most = 0;
    for (std::size_t first = 0; first + seconds <= sent.size(); ++first) {
        std::uint64_t sum = 0;
        for (std::size_t i = first; i < first + seconds; ++i) sum += sent[i];
        most = std::max(most, sum);
    }
    return most;
}

std::uint64_t sum_of(const std::vector<std::uint64_t>& sent) {
    std::uint64_t sum = 0;
    for (const auto bytes : sent) sum += bytes;
    return sum;
}

}  // namespace

TEST_CASE("A capped pusher stays under its rate in every stretch of time, and uses it",
          "[sync][rate]") {
    constexpr std::uint64_t kRate = 4'000;
    Sender sender{test_seed(), capped(kRate)};
    sender.link.is_up = false;
    for (int i = 0; i < 4; ++i) sender.commit(8'000, 100);
    sender.link.is_up = true;
    sender.run_for(1min);
    sender.pusher().push_now();
    sender.run_for(1min);
    const auto sent = sent_each_second(sender, 200);
    REQUIRE(sender.status().pending_records > 0);
    // A body is counted when it begins; its headers come on top.
    const auto body = kRate * 4 + 1'000;
    CHECK(most_within(sent, 1) <= body);
    CHECK(most_within(sent, 20) <= kRate * 20 * 104 / 100 + body);
    CHECK(most_within(sent, 120) <= kRate * 120 * 104 / 100 + body);
    CHECK(sum_of(sent) >= kRate * 200 * 95 / 100);
    const auto& rates = sender.link.rates();
    CHECK(std::all_of(rates.begin(), rates.end(), [](auto rate) { return rate == kRate; }));
    sender.run_for(1h);
    CHECK(sender.is_complete());
}

TEST_CASE("A capped pusher sends what is new before more of the backlog", "[sync][rate]") {
    auto settings = capped(2'000);
    settings.interval = 60s;
    Sender sender{test_seed(), settings};
    sender.link.is_up = false;
    for (int i = 0; i < 6; ++i) sender.commit(8'000, 100);
    sender.link.is_up = true;
    sender.run_for(1min);
    sender.pusher().push_now();
    sender.run_for(1min);
    for (int minute = 0; minute < 20; ++minute) {
        sender.commit(1);
        const auto newest = sender.last();
        sender.run_for(60s + SendBudget::kLongestBody + 2s);
        const auto held = sender.province.records(sender.epoch());
        REQUIRE_FALSE(held.empty());
        CHECK(held.back().seq >= newest);
        REQUIRE(sender.status().pending_records > 1'000);
    }
}

TEST_CASE("A drain that yields goes at its limit, what is new goes as ever", "[sync][rate]") {
    auto settings = Sender::default_settings();
    settings.interval = 60s;
    Sender sender{test_seed(), settings};
    sender.link.bit_per_s = 10'000'000;
    sender.link.is_up = false;
    for (int i = 0; i < 8; ++i) sender.commit(8'000, 100);
    sender.link.is_up = true;
    sender.pusher().limit_drain(2'000);
    sender.run_for(1min);
    sender.pusher().push_now();
    sender.run_for(30s);
    const auto sent = sent_each_second(sender, 300);
    CHECK(most_within(sent, 60) <= 2'000 * 60 * 110 / 100 + 10'000);
    CHECK(sum_of(sent) >= 2'000 * 300 * 90 / 100);
    CHECK(sender.last().value - sender.province.records(sender.epoch()).back().seq.value <= 2);
    const auto& rates = sender.link.rates();
    CHECK(std::count(rates.begin(), rates.end(), 2'000u) > 10);
    CHECK(std::count(rates.begin(), rates.end(), 0u) >= 5);  // the fresh lane
    const auto pending = sender.status().pending_records;
    REQUIRE(pending > 30'000);

    // The villagers sleep: nothing waits for what was owed.
    sender.pusher().limit_drain(0);
    sender.run_for(20s);
    CHECK(sender.status().pending_records <= 2);
    sender.run_for(3min);
    CHECK(sender.is_complete());
}

TEST_CASE("A drain that yields never goes beyond the target's own cap", "[sync][rate]") {
    Sender sender{test_seed(), capped(4'000)};
    sender.link.is_up = false;
    for (int i = 0; i < 3; ++i) sender.commit(8'000, 100);
    sender.link.is_up = true;
    sender.pusher().limit_drain(100'000);
    sender.run_for(1min);
    sender.pusher().push_now();
    sender.run_for(1min);
    const auto sent = sent_each_second(sender, 120);
    CHECK(most_within(sent, 60) <= 4'000 * 60 * 104 / 100 + 17'000);
    const auto& rates = sender.link.rates();
    CHECK(std::all_of(rates.begin(), rates.end(), [](auto rate) { return rate == 4'000; }));
}

TEST_CASE("A receiver of Remote-Write is drained within its cap, too", "[sync][rate]") {
    // Never complete here, as the scripted province speaks receipts: what counts is what is asked.
    auto settings = capped(3'000);
    settings.remote_write = RemoteWriteSettings{};
    Sender sender{test_seed(), settings};
    sender.link.always_status = 204;
    sender.link.date = wall_from_ms(1'767'225'600'000);
    sender.commit(1'000, 100);
    sender.run_for(5min);
    const auto& rates = sender.link.rates();
    REQUIRE_FALSE(rates.empty());
    CHECK(std::all_of(rates.begin(), rates.end(), [](auto rate) { return rate == 3'000; }));
}
