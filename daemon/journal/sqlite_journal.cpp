#include "daemon/journal/sqlite_journal.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"
#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"
#include "daemon/journal/database.hpp"

namespace gerbang {
namespace {

/// Hours that a replay may gather before they are written.
constexpr std::size_t kMaxGatheredHours = 1024;

/// Numbers `bodies` from `first`; `bad_input` names the first that is not well-formed.
Result<std::vector<Record>> number(Seq first, const std::vector<RecordBody>& bodies) {
    if (bodies.empty() || bodies.size() > wire::kMaxRecordsPerPack) {
        return Error{Errc::bad_input,
                     "append of " + std::to_string(bodies.size()) + " records; 1 to " +
                         std::to_string(wire::kMaxRecordsPerPack) + " are possible"};
    }
    if (first.value + bodies.size() > kMaxSeq) {
        return Error{Errc::bad_input, "append: the epoch is full"};
    }
    std::vector<Record> records;
    records.reserve(bodies.size());
    auto seq = first;
    for (const auto& body : bodies) {
        if (const auto defect = defect_of(body); !defect.empty()) {
            return Error{Errc::bad_input,
                         "append of record " + std::to_string(seq.value) + ": " + defect};
        }
        records.push_back({seq, body});
        seq = seq.next();
    }
    return records;
}

}  // namespace

Result<void> SqliteJournal::usable() const {
    if (!broken_) return ok();
    return Error{Errc::storage_broken, "journal must be reopened after: " + broken_->detail};
}

/// Remembers what forbids further use: after a failed write or sync nobody knows what the file
/// holds, and the page cache may claim what the card never got.
Error SqliteJournal::fail(Error error) {
    if (error.code == Errc::storage_broken && !broken_) {
        broken_ = error;
        if (is_started_ && is_damage(error)) set_aside_now(error.detail);
    }
    return error;
}

Result<void> SqliteJournal::after_transaction(Result<void> outcome) {
    if (!outcome) {
        if (connection_.is_in_transaction()) {
            broken_ =
                Error{Errc::storage_broken, "rollback failed after: " + outcome.error().detail};
        }
        return fail(outcome.error());
    }
    overwrite_wal();
    return ok();
}

/// The WAL must not grow past its limit and one transaction: what could not be moved into the
/// database after the last commit goes now, with the ballast's help, or nothing is written.
Result<void> SqliteJournal::before_transaction() {
    if (connection_.wal_frames() < plan_.wal_frames) return ok();
    auto moved = move_wal();
    if (!moved && moved.error().code == Errc::storage_full) {
        const auto yielded = yield_to_others();
        if (!yielded) return yielded.error();
        if (*yielded) moved = move_wal();
    }
    if (!moved) return fail(moved.error());
    return ok();
}

/// The commit is durable in the WAL whatever happens here. On a full file system the next
/// transaction tries again; a broken one is reported by the next call.
void SqliteJournal::overwrite_wal() {
    if (connection_.wal_frames() < plan_.wal_frames) return;
    const auto moved = move_wal();
    if (!moved && moved.error().code != Errc::storage_full) (void)fail(moved.error());
}

Result<void> SqliteJournal::prepare() {
    const std::array<std::pair<sql::Statement*, const char*>, 9> statements{{
        {&find_epoch_, "SELECT no,last FROM epoch WHERE uuid=?"},
        {&list_epochs_, "SELECT uuid,last,no FROM epoch ORDER BY no"},
        {&close_epoch_, "UPDATE epoch SET last=? WHERE no=?"},
        {&put_epoch_, "INSERT INTO epoch(no,uuid,last) VALUES(?,?,NULL)"},
        {&page_count_, "PRAGMA page_count"},
        {&free_count_, "PRAGMA freelist_count"},
        {&put_pin_, "INSERT OR IGNORE INTO pin VALUES(?,?)"},
        {&drop_pin_, "DELETE FROM pin WHERE consumer=?"},
        {&put_checkpoint_, "INSERT OR REPLACE INTO checkpoint VALUES(?,?,?,?)"},
    }};
    for (const auto& [statement, text] : statements) {
        auto prepared = connection_.prepare(text);
        if (!prepared) return prepared.error();
        *statement = std::move(*prepared);
    }
    if (auto prepared = blocks_.prepare(connection_); !prepared) return prepared;
    if (auto prepared = cursors_.prepare(connection_); !prepared) return prepared;
    if (auto prepared = packed_.prepare(connection_); !prepared) return prepared;
    if (auto prepared = losses_.prepare(connection_); !prepared) return prepared;
    if (auto prepared = rollups_.prepare(connection_); !prepared) return prepared;
    auto stored = connection_.prepare("SELECT consumer,since_s FROM pin LIMIT 1024");
    if (!stored) return stored.error();
    for (;;) {
        const auto row = stored->step();
        if (!row) return row.error();
        if (!*row) return apply_plan();
        pins_[std::string{stored->bytes(0)}] = stored->number(1);
    }
}

Result<void> SqliteJournal::start() {
    ballast_ = Ballast{!options_.ballast_path.empty() ? options_.ballast_path
                       : options_.vfs.empty()         ? options_.path + "-ballast"
                                                      : std::string{}};
    auto opened = sql::open_database(connection_, options_.path, options_.vfs, options_.page_bytes);
    if (!opened) return opened;
    if (auto prepared = prepare(); !prepared) return prepared;
    auto restored = restore();
    if (!restored && restored.error().code != Errc::storage_full &&
        restored.error().code != Errc::overloaded) {
        // Whatever is wrong inside our own file is damage to whoever opened it.
        return Error{Errc::storage_broken, options_.path + ": " + restored.error().detail};
    }
    return restored;
}

Result<void> SqliteJournal::restore() {
    {
        auto open_epoch = connection_.prepare(
            "SELECT no,uuid FROM epoch WHERE last IS NULL ORDER BY no DESC LIMIT 1");
        if (!open_epoch) return open_epoch.error();
        const auto row = open_epoch->step();
        if (!row) return row.error();
        if (!*row) return ok();
        epoch_no_ = open_epoch->number(0);
        EpochId epoch;
        const auto uuid = open_epoch->bytes(1);
        if (uuid.size() != epoch.bytes.size() || epoch_no_ < 1 || epoch_no_ > kMaxEpochNo) {
            return Error{Errc::storage_broken, "the open epoch has a damaged row"};
        }
        std::copy(uuid.begin(), uuid.end(), epoch.bytes.begin());
        memory_.start_epoch(epoch);
    }
    {
        auto saved = connection_.prepare("SELECT seq,head,state FROM checkpoint WHERE epoch=?");
        if (!saved) return saved.error();
        saved->bind(1, epoch_no_);
        const auto row = saved->step();
        if (!row) return row.error();
        const auto head = saved->bytes(1);
        if (!*row || head.size() != memory_.state.head.size()) {
            return Error{Errc::storage_broken, "checkpoint of the open epoch is missing"};
        }
        memory_.state.last = Seq{static_cast<std::uint64_t>(saved->number(0))};
        checkpointed_ = memory_.state.last;
        std::copy(head.begin(), head.end(), memory_.state.head.begin());
        if (auto restored = memory_.restore(saved->bytes(2), options_.utc_offset); !restored) {
            return restored;
        }
    }
    for (const auto kind : {EventKind::series, EventKind::anchor}) {
        auto learned = blocks_.events(epoch_no_, kind, memory_.state.last, false,
                                      [this](Seq seq, const Event& event) {
                                          memory_.learn(seq, event);
                                          return true;
                                      });
        if (!learned) return learned;
    }
    if (auto counted = count_stored(); !counted) return counted;
    // Later records are as taken: nothing past a checkpoint is ever reduced.
    bool is_sound = true;
    auto visited =
        blocks_.visit(epoch_no_, {memory_.state.last.next(), Seq{kMaxSeq}}, [&](Record& record) {
            is_sound = wire::is_chainable(record);
            if (is_sound) memory_.apply(record, wire::next_head(memory_.state.head, record));
            return is_sound;
        });
    if (!visited || is_sound) return visited;
    return Error{Errc::storage_broken, "a record past the checkpoint was reduced"};
}

/// What is kept as a running sum: bytes of protected events (files of version 1 do not say them)
/// and of blocks that keep nothing else.
Result<void> SqliteJournal::count_stored() {
    if (memory_.event_bytes == 0) {
        // Those past the checkpoint are counted when they are applied.
        const auto bytes =
            connection_.number("SELECT sum(length(body)+16) FROM event WHERE id<=" +
                               std::to_string(row_id(epoch_no_, memory_.state.last)));
        if (!bytes) return bytes.error();
        memory_.event_bytes = static_cast<std::uint64_t>(bytes->value_or(0));
    }
    return packed_.visit(kGivenUpLevel, false, [this](const PackedBlock& block) {
        given_up_bytes_ += block.bytes;
        return true;
    });
}

Committed SqliteJournal::take(const std::vector<Record>& records) {
    for (const auto& record : records) {
        memory_.apply(record, wire::next_head(memory_.state.head, record));
    }
    cursors_.written();
    return {records.front().seq, records.back().seq, memory_.state.head};
}

Result<Committed> SqliteJournal::append(Seq expected_first, const std::vector<RecordBody>& bodies) {
    if (auto may = usable(); !may) return may.error();
    if (epoch_no_ == 0) return Error{Errc::bad_input, "append before the first epoch"};
    if (memory_.state.must_begin_epoch) {
        return Error{Errc::bad_input, "append to an epoch that must not go on"};
    }
    const auto first = memory_.state.last.next();
    if (expected_first != first) {
        return Error{Errc::bad_input, "append at " + std::to_string(expected_first.value) +
                                          ", but the journal goes on at " +
                                          std::to_string(first.value)};
    }
    const auto records = number(first, bodies);
    if (!records) return records.error();
    std::uint64_t freed = 0;
    auto stored = with_room([&]() -> Result<void> {
        const auto bytes = blocks_.insert(epoch_no_, *records);
        if (!bytes) return bytes.error();
        if (*bytes > kMaxCommitBytes) {
            return Error{Errc::too_large, "append of " + std::to_string(*bytes) +
                                              " bytes; at most " + std::to_string(kMaxCommitBytes) +
                                              " are possible"};
        }
        const auto settled = settle_losses(*records);
        if (!settled) return settled.error();
        freed = *settled;
        return cursors_.write();
    });
    if (!stored) return stored.error();
    auto committed = take(*records);
    memory_.event_bytes -= std::min(freed, memory_.event_bytes);
    return committed;
}

/// Marks what the `loss` events among `records` tell as told. Returns the bytes of their older
/// copies, which leave the table `event`.
Result<std::uint64_t> SqliteJournal::settle_losses(const std::vector<Record>& records) {
    std::uint64_t freed = 0;
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || event->kind != EventKind::loss) continue;
        const auto fact = loss_from(*event);
        if (!fact || fact->id == 0) continue;
        const auto told = losses_.told(*fact, epoch_no_, record.seq, blocks_);
        if (!told) return told.error();
        freed += *told;
    }
    return freed;
}

Result<void> SqliteJournal::write_epoch(const EpochFact& fact, EpochNo number_of_epoch,
                                        UsageRollup& rollup, const std::vector<Record>& records) {
    if (epoch_no_ != 0) {
        if (auto saved = write_checkpoint(rollup); !saved) return saved;
        auto closed = close_epoch_.start()
                          .bind(1, static_cast<std::int64_t>(known_last().value))
                          .bind(2, epoch_no_)
                          .run();
        if (!closed) return closed;
        if (known_last() > memory_.state.last) {
            // A rolled-back image: these were given once, a receiver may have them.
            Loss loss;
            loss.epoch = epoch_no_;
            loss.what = "records";
            loss.reason = "rollback";
            loss.range = {memory_.state.last.next(), known_last()};
            loss.count = loss.range.size();
            if (auto told = losses_.add(loss); !told) return told;
        }
    }
    auto put = put_epoch_.start().bind(1, number_of_epoch).bind_blob(2, view(fact.id.bytes)).run();
    if (!put) return put;
    JournalMemory fresh{options_.utc_offset};
    fresh.state.elapsed = memory_.state.elapsed;
    fresh.event_bytes = memory_.event_bytes;
    fresh.written_days = memory_.written_days;
    carry_into(fresh);
    if (auto saved = put_state(number_of_epoch, fresh, rollup); !saved) return saved;
    const auto inserted = blocks_.insert(number_of_epoch, records);
    if (!inserted) return inserted.error();
    return cursors_.write();
}

Result<Committed> SqliteJournal::begin_epoch(const EpochFact& fact, DeviceTime at,
                                             const std::vector<RecordBody>& first) {
    if (auto may = usable(); !may) return may.error();
    if (fact.id.is_none()) return Error{Errc::bad_input, "an epoch needs an identity"};
    std::vector<RecordBody> bodies;
    bodies.reserve(first.size() + 1);
    bodies.push_back(to_event(fact, at));
    for (auto& body : carried_records(at)) bodies.push_back(std::move(body));
    bodies.insert(bodies.end(), first.begin(), first.end());
    const auto records = number(Seq{1}, bodies);
    if (!records) return records.error();
    const auto known = place_of(fact.id);
    if (known) return Error{Errc::bad_input, "epoch " + to_string(fact.id) + " exists already"};
    if (known.error().code != Errc::not_found) return fail(known.error());
    const auto newest = connection_.number("SELECT max(no) FROM epoch");
    if (!newest) return fail(newest.error());
    if (newest->value_or(0) < 0 || newest->value_or(0) >= kMaxEpochNo) {
        return fail(Error{Errc::storage_broken, "the journal's newest epoch has a damaged row"});
    }
    const EpochNo number_of_epoch = newest->value_or(0) + 1;

    UsageRollup rollup{options_.utc_offset};
    auto stored = with_room([&]() -> Result<void> {
        rollup = memory_.rollup;
        return write_epoch(fact, number_of_epoch, rollup, *records);
    });
    if (!stored) return stored.error();
    epoch_no_ = number_of_epoch;
    checkpointed_ = {};
    open_hour_.reset();
    memory_.start_epoch(fact.id);
    memory_.rollup = std::move(rollup);
    carry_into(memory_);
    carried_.reset();
    const auto committed = take(*records);
    keep_mirror(true);
    return committed;
}

Result<void> SqliteJournal::flush_cursors() {
    if (auto may = usable(); !may) return may;
    if (!cursors_.has_staged()) return ok();
    auto stored = with_room([this] { return cursors_.write(); });
    if (stored) cursors_.written();
    return stored;
}

Result<void> SqliteJournal::put_state(EpochNo epoch, const JournalMemory& memory,
                                      const UsageRollup& rollup) {
    const auto saved = memory.save(rollup);
    return put_checkpoint_.start()
        .bind(1, epoch)
        .bind(2, static_cast<std::int64_t>(memory.state.last.value))
        .bind_blob(3, view(memory.state.head))
        .bind_blob(4, saved)
        .run();
}

/// Gives the undated chunks of boots that have an anchor by now their hours. Reads each such chunk
/// once more: a boot that waited 30 days for its clock costs some seconds of the storage worker.
Result<void> SqliteJournal::replay_undated(UsageRollup& rollup) {
    while (const auto range = rollup.wants_replay()) {
        rollup.begin_replay();
        Result<void> added;
        auto visited = blocks_.visit(epoch_no_, *range, [&](Record& record) {
            rollup.replay(record, memory_.state.timeline);
            if (rollup.hours().size() >= kMaxGatheredHours) {
                added = rollups_.add(rollup.take_hours(), options_.utc_offset);
            }
            return added.has_value();
        });
        rollup.end_replay();
        if (!visited) return visited;
        if (!added) return added;
    }
    return ok();
}

/// Inside a transaction; `rollup` is a copy that replaces the original once that is committed.
Result<void> SqliteJournal::write_checkpoint(UsageRollup& rollup) {
    if (auto replayed = replay_undated(rollup); !replayed) return replayed;
    if (auto added = rollups_.add(rollup.take_hours(), options_.utc_offset); !added) return added;
    if (auto expired = rollups_.expire(); !expired) return expired;
    const auto& state = memory_.state;
    if (auto put = blocks_.put_head(epoch_no_, state.last, state.head); !put) return put;
    if (auto put = put_state(epoch_no_, memory_, rollup); !put) return put;
    return cursors_.write();
}

Result<void> SqliteJournal::checkpoint() {
    if (auto may = usable(); !may) return may;
    if (epoch_no_ == 0) return ok();
    const auto written = written_bytes();
    memory_.count_written(written - counted_bytes_, options_.utc_offset);
    counted_bytes_ = written;
    auto packing = plan_pack(PackWhen::complete);
    if (!packing) return packing.error();
    UsageRollup rollup{options_.utc_offset};
    auto stored = with_room([&]() -> Result<void> {
        rollup = memory_.rollup;
        if (auto saved = write_checkpoint(rollup); !saved) return saved;
        // Once only: what makes room for another try may pack the same commits.
        const auto taken = std::exchange(*packing, std::nullopt);
        return taken ? write_pack(*taken) : ok();
    });
    give_memory_back();
    if (!stored) return stored;
    memory_.rollup = std::move(rollup);
    checkpointed_ = memory_.state.last;
    cursors_.written();
    keep_mirror(false);
    allow_check();
    return ok();
}

}  // namespace gerbang
