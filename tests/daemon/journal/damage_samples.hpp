#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "daemon/journal/journal.hpp"
#include "tests/daemon/journal/fixture_content.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/fault_vfs.hpp"

/// Journals on a `FaultVfs` that are damaged, forked and compared with the fixtures.
namespace gerbang::damaging {

using namespace gerbang::samples;

inline constexpr const char* kDatabase = "journal.db";
inline constexpr const char* kLog = "journal.db-wal";
inline constexpr const char* kMirrorName = "journal.mirror";

inline JournalOptions options_on(const FaultVfs& disk) {
    JournalOptions options;
    options.path = kDatabase;
    options.vfs = disk.name();
    options.page_bytes = 1024;
    options.wal_pages = 24;
    return options;
}

inline std::unique_ptr<Journal> reopen(const FaultVfs& disk) {
    auto opened = Journal::open(options_on(disk));
    if (!opened) FAIL(opened.error().detail);
    return std::move(*opened);
}

/// Everything that can be read of every closed epoch, by epoch and number.
using Content = std::map<EpochId, std::map<std::uint64_t, Record>>;

inline Content content_of(Journal& journal) {
    Content content;
    const auto epochs = journal.epochs();
    if (!epochs) FAIL(epochs.error().detail);
    for (const auto& epoch : *epochs) {
        for (Seq next{1}; next <= epoch.last;) {
            const auto slice = journal.read(epoch.id, {next, epoch.last}, 4000);
            if (!slice) {
                if (slice.error().code != Errc::not_found) FAIL(slice.error().detail);
                next = next.next();
                continue;
            }
            if (slice->absent) next = slice->absent->last.next();
            for (const auto& record : slice->records) {
                content[epoch.id][record.seq.value] = record;
                next = record.seq.next();
            }
        }
    }
    return content;
}

/// What the fixtures hold, the same way.
inline Content given() {
    Content content;
    for (const auto& epoch : fixtures::content()) {
        for (const auto& record : epoch.records) {
            content[epoch.fact.id][record.seq.value] = record;
        }
    }
    return content;
}

inline void tend_all(Journal& journal) {
    for (int slice = 0; slice < 100'000; ++slice) {
        const auto more = journal.tend();
        if (!more) FAIL(more.error().detail);
        if (!*more) return;
    }
    FAIL("upkeep does not end");
}

/// The next epoch as the daemon begins it.
inline void begin_next(Journal& journal, std::uint8_t n) {
    const auto& cause = journal.state().next_epoch;
    EpochFact fact;
    fact.id = epoch_id(n);
    fact.parent = cause.parent;
    fact.parent_last = cause.parent_last;
    fact.reason = cause.reason;
    fact.hardware = "00ff";
    const auto begun =
        journal.begin_epoch(fact, at(1, 5), {to_event(BootFact{boot_id(9)}, at(1, 5))});
    if (!begun) FAIL(begun.error().detail);
}

inline void write_fixture(FaultVfs& disk) {
    auto journal = reopen(disk);
    REQUIRE(fixtures::write(*journal));
    REQUIRE(journal->checkpoint());
    journal.reset();
    // Everything into the database: opening moves the log there.
    reopen(disk).reset();
    disk.put(kLog, "");
}

/// Records found that were never given, or differ.
inline std::string wrong_in(const Content& found, const Content& expected) {
    for (const auto& [epoch, records] : found) {
        const auto known = expected.find(epoch);
        if (known == expected.end()) continue;  // begun since
        for (const auto& [seq, record] : records) {
            const auto same = known->second.find(seq);
            if (same == known->second.end()) return "invented record " + std::to_string(seq);
            const auto* chunk = std::get_if<Chunk>(&record.body);
            if (chunk != nullptr && chunk->level > 0) continue;  // made smaller for want of room
            if (same->second != record) return "wrong record " + std::to_string(seq);
        }
    }
    return "";
}

inline std::size_t count_of(const Content& found, const Content& expected) {
    std::size_t count = 0;
    for (const auto& [epoch, records] : expected) {
        const auto known = found.find(epoch);
        if (known != found.end()) count += known->second.size();
    }
    return count;
}

}  // namespace gerbang::damaging
