#include "tests/daemon/journal/fixture_content.hpp"

#include <utility>

#include "tests/daemon/journal/journal_samples.hpp"

namespace gerbang::fixtures {

using namespace samples;

namespace {

Event outage(std::uint64_t id, std::uint32_t segment, std::int64_t from_s, bool is_open) {
    Outage value;
    value.id = id;
    value.segment = segment;
    value.cause = segment == 1 ? Cause::modem : Cause::isp;
    value.last_good = at(1, from_s - 10);
    value.first_bad = at(1, from_s);
    if (!is_open) {
        value.last_bad = at(1, from_s + 300);
        value.first_good = at(1, from_s + 303);
    }
    value.confidence = Confidence::medium;
    value.evidence = "ICMP 203.0.113.1 silent";
    return to_event(value, at(1, from_s + 30));
}

Event config(std::int64_t at_s) {
    ConfigFact fact;
    fact.site = "kutim-0139";
    fact.site_code = "64.08.01.2001";
    fact.provider = "Penyedia A";
    fact.utc_offset = "+08:00";
    fact.down_bit_per_s = 100'000'000;
    return to_event(fact, at(1, at_s));
}

Event interface(std::uint32_t boot, std::int64_t base) {
    InterfaceFact fact;
    fact.name = "eth0";
    fact.ifindex = 2;
    fact.role = "wan";
    fact.reason = boot == 1 ? "first" : "boot";
    fact.base[0] = base;
    fact.base[1] = base / 10;
    return to_event(fact, at(boot, 6));
}

void finish(Epoch& epoch) {
    epoch.records.push_back({Seq{1}, to_event(epoch.fact, at(1, 5))});
    for (const auto& commit : epoch.commits) {
        for (const auto& body : commit) {
            epoch.records.push_back({Seq{epoch.records.size() + 1}, body});
        }
    }
}

Epoch first_epoch() {
    Epoch epoch;
    epoch.fact = epoch_fact(1);
    epoch.commits.push_back(beginning(1));
    epoch.commits.push_back({interface(1, 0), config(7)});
    for (std::int64_t n = 0; n < 45; ++n) {
        std::vector<RecordBody> commit;
        if (n == 3) commit.emplace_back(anchor(1, 190, 1'790'000'190));
        if (n == 11) commit.emplace_back(outage(1, 1, 660, true));
        if (n == 13) commit.emplace_back(outage(1, 2, 700, true));
        if (n == 17) commit.emplace_back(outage(1, 2, 700, false));
        commit.emplace_back(nth_minute(1, n));
        epoch.commits.push_back(std::move(commit));
    }
    // A boot whose clock was never set: its usage waits for an anchor.
    epoch.commits.push_back({to_event(BootFact{boot_id(2)}, at(2, 5)), interface(2, 13'500'000)});
    for (std::int64_t n = 45; n < 60; ++n) {
        epoch.commits.push_back({minute(2, 10 + (n - 45) * 60, n * 300'000, 50'000)});
    }
    finish(epoch);
    return epoch;
}

Epoch second_epoch() {
    Epoch epoch;
    epoch.fact = epoch_fact(2, epoch_id(1));
    epoch.fact.parent_last = Seq{70};
    epoch.commits.push_back(beginning(1));
    for (std::int64_t n = 0; n < 30; ++n) {
        std::vector<RecordBody> commit;
        if (n == 2) commit.emplace_back(anchor(1, 130, 1'790'010'000));
        if (n == 21) commit.emplace_back(outage(2, 1, 1270, true));
        commit.emplace_back(minute(1, 10 + n * 60, 18'000'000 + n * 300'000, 50'000));
        epoch.commits.push_back(std::move(commit));
    }
    epoch.commits.push_back({to_event(StopFact{"signal"}, at(1, 1850))});
    finish(epoch);
    return epoch;
}

}  // namespace

std::vector<Epoch> content() {
    return {first_epoch(), second_epoch()};
}

std::vector<Cursor> cursors() {
    Cursor closed;
    closed.consumer = "province";
    closed.epoch = epoch_id(1);
    closed.through = Seq{40};
    closed.head.fill(7);
    closed.held.add({Seq{44}, Seq{50}});
    closed.parked = {{{Seq{41}, Seq{42}}, "HTTP 422"}};
    closed.deferred.add({Seq{60}, Seq{70}});
    closed.store.bytes.fill(9);
    closed.generation = 3;
    Cursor open;
    open.consumer = "province";
    open.epoch = epoch_id(2);
    open.through = Seq{12};
    open.store.bytes.fill(9);
    open.generation = 3;
    return {closed, open};
}

Result<void> write(Journal& journal) {
    for (const auto& epoch : content()) {
        auto begun = journal.begin_epoch(epoch.fact, at(1, 5), epoch.commits.front());
        if (!begun) return begun.error();
        for (std::size_t i = 1; i < epoch.commits.size(); ++i) {
            if (i + 5 == epoch.commits.size()) {
                for (const auto& cursor : cursors()) journal.stage(cursor);
                journal.stage_note("back-off", "42");
            }
            auto done = journal.append(journal.state().last.next(), epoch.commits[i]);
            if (!done) return done.error();
            if (i % 20 != 0) continue;
            if (auto saved = journal.checkpoint(); !saved) return saved;
        }
    }
    return ok();
}

}  // namespace gerbang::fixtures
