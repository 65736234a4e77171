#include "tests/daemon/journal/fault_campaign.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "common/model/rollup.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/fault_new.hpp"

namespace gerbang {

using namespace samples;

namespace {

constexpr const char* kPath = "journal.db";

std::string integrity(const std::string& path, const std::string& vfs) {
    sqlite3* handle = nullptr;
    std::string found;
    if (sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE,
                        vfs.empty() ? nullptr : vfs.c_str()) != SQLITE_OK) {
        found = "cannot open";
    } else {
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        const auto take = [](void* text, int, char** values, char**) {
            *static_cast<std::string*>(text) += values[0];
            return 0;
        };
        std::string unused;
        sqlite3_exec(handle, "PRAGMA locking_mode=EXCLUSIVE", take, &unused, nullptr);
        if (sqlite3_exec(handle, "PRAGMA integrity_check", take, &found, nullptr) != SQLITE_OK) {
            found += sqlite3_errmsg(handle);
        }
    }
    sqlite3_close_v2(handle);
    return found;
}

/// A call of the journal.
template <class Call>
auto within(Call call) {
    const fault_new::Region region;
    return call();
}

class Workload {
public:
    Workload(JournalOptions options, Promises& promises)
        : options_{std::move(options)}, promises_{promises} {}

    Outcome run(int steps) {
        if (!reopen()) return outcome_;
        for (int step = 0; step < steps; ++step) {
            if (!take_step(step)) return outcome_;
        }
        return outcome_;
    }

private:
    bool failed(const Error& error) {
        outcome_ = {true, error};
        return false;
    }

    bool reopen() {
        journal_.reset();
        auto opened = within([&] { return Journal::open(options_); });
        if (!opened) return failed(opened.error());
        journal_ = std::move(*opened);
        if (!journal_->state().epoch.is_none()) return true;
        return begin_epoch();
    }

    bool begin_epoch() {
        const auto n = static_cast<std::uint8_t>(promises_.epochs.size() + 1);
        const auto parent = promises_.epochs.empty() ? EpochId{} : promises_.epochs.back().id;
        const auto fact = epoch_fact(n, parent);
        Promises::Epoch epoch;
        epoch.id = fact.id;
        std::vector<RecordBody> bodies{to_event(fact, at(1, 5))};
        for (auto& body : beginning()) bodies.push_back(std::move(body));
        for (const auto& body : bodies) epoch.given.push_back({Seq{epoch.given.size() + 1}, body});
        promises_.epochs.push_back(epoch);
        const auto first = beginning();
        const auto begun = within([&] { return journal_->begin_epoch(fact, at(1, 5), first); });
        if (!begun) return failed(begun.error());
        promises_.commit();
        return true;
    }

    bool append(int step) {
        auto& epoch = promises_.epochs.back();
        std::vector<RecordBody> bodies;
        const auto first = static_cast<std::int64_t>(epoch.given.size());
        if (step % 9 == 4) {
            bodies.emplace_back(anchor(1, first * 60, 1'800'000'000 + first * 60));
        }
        bodies.emplace_back(nth_minute(1, first));
        const auto expected = Seq{epoch.given.size() + 1};
        for (const auto& body : bodies) epoch.given.push_back({Seq{epoch.given.size() + 1}, body});
        const auto committed = within([&] { return journal_->append(expected, bodies); });
        if (!committed) return failed(committed.error());
        promises_.commit();
        return true;
    }

    void stage() {
        auto& epoch = promises_.epochs.back();
        Cursor cursor;
        cursor.consumer = "province";
        cursor.epoch = promises_.epochs.front().id;
        cursor.through = Seq{++promises_.staged_through};
        cursor.store.bytes.fill(9);
        cursor.generation = 1;
        cursor.parked = {{{Seq{epoch.given.size() + 100}, Seq{epoch.given.size() + 100}}, "no"}};
        const auto note = std::to_string(promises_.staged_through);
        within([&] {
            journal_->stage(cursor);
            journal_->stage_note("back-off", note);
        });
    }

    bool read_all() {
        const auto& epoch = promises_.epochs.back();
        const SeqRange all{Seq{1}, Seq{epoch.given.size()}};
        const auto slice = within([&] { return journal_->read(epoch.id, all, 100'000); });
        return slice ? true : failed(slice.error());
    }

    bool take_step(int step) {
        if (step % 3 == 1) stage();
        if (!append(step)) return false;
        if (step % 7 == 6) {
            stage();
            const auto done = within([&] { return journal_->flush_cursors(); });
            if (!done) return failed(done.error());
            promises_.commit();
        }
        if (step % 10 == 9) {
            const auto done = within([&] { return journal_->checkpoint(); });
            if (!done) return failed(done.error());
        }
        if (step % 8 == 5 && !read_all()) return false;
        // Packing and the check in the background, between commits.
        for (int slice = 0; step % 5 == 3 && slice < 8; ++slice) {
            const auto more = within([&] { return journal_->tend(); });
            if (!more) return failed(more.error());
            if (!*more) break;
        }
        if (step % 13 == 12 && !reopen()) return false;
        return step != 15 || begin_epoch();
    }

    JournalOptions options_;
    Promises& promises_;
    std::unique_ptr<Journal> journal_;
    Outcome outcome_;
};

std::string compare_epoch(Journal& journal, Promises::Epoch& epoch, Seq last) {
    const auto name = "epoch " + to_string(epoch.id).substr(0, 2) + ": ";
    if (last.value < epoch.committed) {
        return name + "lost: ends at " + std::to_string(last.value) + ", promised " +
               std::to_string(epoch.committed);
    }
    if (last.value > epoch.given.size()) return name + "invented records";
    Head head{};
    for (Seq next{1}; next <= last;) {
        const auto slice = journal.read(epoch.id, {next, last}, 4000);
        if (!slice) return name + "corrupt: " + slice.error().detail;
        if (slice->absent && slice->absent->first.value > epoch.committed) {
            // The mirror knows of numbers that were given, and never promised to be kept.
            last = slice->absent->first.previous();
            break;
        }
        if (slice->absent) return name + "lost: a hole";
        if (slice->before != head) return name + "corrupt: chain";
        for (const auto& record : slice->records) {
            if (record != epoch.given[record.seq.value - 1]) return name + "corrupt: other record";
            head = wire::next_head(head, record);
            next = record.seq.next();
        }
    }
    epoch.given.resize(last.value);
    epoch.committed = epoch.given.size();
    return "";
}

/// The usage that the given records amount to, by a fresh accumulator.
std::map<std::string, UsageSum> expected_usage(const Promises& promises, Seconds offset) {
    UsageRollup rollup{offset};
    UsageRollup::Hours hours;
    for (const auto& epoch : promises.epochs) {
        Timeline timeline;
        for (const auto& record : epoch.given) {
            const auto* event = std::get_if<Event>(&record.body);
            if (event != nullptr && event->kind == EventKind::anchor) {
                timeline.add(record.seq, *anchor_from(*event));
            }
            rollup.feed(record, timeline);
        }
        while (const auto range = rollup.wants_replay()) {
            rollup.begin_replay();
            for (auto seq = range->first; seq <= range->last; seq = seq.next()) {
                rollup.replay(epoch.given[seq.value - 1], timeline);
            }
            rollup.end_replay();
        }
    }
    std::map<std::string, UsageSum> expected;
    for (const auto& [hour, part] : rollup.hours()) {
        expected[std::to_string(to_ms(hour.start)) + hour.name.name] = part.rounded();
    }
    for (const auto& [name, part] : rollup.undated()) expected["-" + name.name] = part.rounded();
    return expected;
}

std::string compare_usage(Journal& journal, const Promises& promises, Seconds offset) {
    const auto rows =
        journal.usage(UsagePeriod::hour, wall_from_ms(0), wall_from_ms(4'000'000'000'000));
    if (!rows) return "corrupt: usage: " + rows.error().detail;
    std::map<std::string, UsageSum> found;
    for (const auto& row : *rows) {
        found[(row.is_undated ? "-" : std::to_string(to_ms(row.start))) + row.name] = row.sum;
    }
    return found == expected_usage(promises, offset) ? "" : "corrupt: usage differs";
}

std::string compare_cursors(Journal& journal, Promises& promises) {
    const auto cursors = journal.cursors();
    if (!cursors) return "corrupt: " + cursors.error().detail;
    const auto through = cursors->empty() ? 0 : cursors->front().through.value;
    if (through < promises.promised_through) return "lost: cursor";
    if (through > promises.staged_through) return "invented cursor";
    if (!cursors->empty() && cursors->front().parked.size() != 1) return "corrupt: cursor";
    if (!cursors->empty() && journal.note("back-off") != std::to_string(through)) {
        return "corrupt: note and cursor of one commit differ";
    }
    promises.promised_through = through;
    promises.staged_through = through;
    return "";
}

}  // namespace

JournalOptions options_on(const FaultVfs& disk) {
    JournalOptions options;
    options.path = kPath;
    options.vfs = disk.name();
    options.page_bytes = 1024;
    options.wal_pages = 24;
    return options;
}

Outcome run_workload(FaultVfs& disk, Promises& promises, int steps) {
    return run_workload(options_on(disk), promises, steps);
}
Outcome run_workload(const JournalOptions& options, Promises& promises, int steps) {
    return Workload{options, promises}.run(steps);
}

std::string look(const std::string& path, const std::string& vfs, Promises& promises) {
    const bool any_promise = !promises.epochs.empty() && promises.epochs.front().committed > 0;
    JournalOptions options;
    options.path = path;
    options.vfs = vfs;
    options.page_bytes = 1024;
    options.wal_pages = 24;
    {
        const auto opened = Journal::open(options);
        if (!opened) return "corrupt: " + opened.error().detail;
        auto& journal = **opened;
        const auto epochs = journal.epochs();
        if (!epochs) return "corrupt: " + epochs.error().detail;
        if (epochs->empty() && any_promise) return "lost: every epoch";
        if (epochs->size() > promises.epochs.size()) return "invented an epoch";
        for (std::size_t i = 0; i < promises.epochs.size(); ++i) {
            auto& epoch = promises.epochs[i];
            if (i >= epochs->size()) {
                if (epoch.committed > 0) return "lost: an epoch";
                continue;
            }
            if ((*epochs)[i].id != epoch.id) return "corrupt: other epoch";
            const auto defect = compare_epoch(journal, epoch, (*epochs)[i].last);
            if (!defect.empty()) return defect;
        }
        promises.epochs.resize(epochs->size());
        if (auto defect = compare_cursors(journal, promises); !defect.empty()) return defect;
        auto usage = compare_usage(journal, promises, options.utc_offset);
        if (!usage.empty()) return usage;
    }
    const auto sound = integrity(path, vfs);
    return sound == "ok" ? "" : "corrupt: integrity_check: " + sound;
}

}  // namespace gerbang
