// Damage, other machines, rolled-back images: what ends an epoch that did not want to end.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/model/facts.hpp"
#include "daemon/journal/database.hpp"
#include "daemon/journal/side_file.hpp"
#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {
namespace {

constexpr const char* kSalvageKey = "journal.salvage";
constexpr std::string_view kDone = "done";
constexpr const char* kCheckKey = "journal.check";  // as in journal_check.cpp
constexpr const char* kDamageKey = "journal.damage";
constexpr std::size_t kMaxFoundBytes = 300;
constexpr std::string_view kTotals = "totals ";
/// The mirror is written when so much was measured since, and when an epoch begins.
constexpr Seconds kMirrorInterval{86'400};
/// More outages than can begin between two checkpoints, each of which mirrors a new id.
constexpr std::uint64_t kOutageIdsLeftOut = 1024;
/// A set-aside file that takes more than this part of the quota goes when all of it was brought
/// over that can be.
constexpr std::uint64_t kKeptPart = 16;

/// What was found goes into the mirror, as the database cannot take it any more: the next one reads
/// it there. A mirror that cannot be written is no reason not to go on.
void remember_finding(const std::string& path, const std::string& vfs, const std::string& why) {
    MirrorFile file{mirror_path(path), vfs};
    auto mirror = file.read();
    if (!mirror || !*mirror) return;
    (*mirror)->notes[kDamageKey] = why.substr(0, kMaxFoundBytes);
    (void)file.write(**mirror);
}

/// Puts `path` and its log aside. Each step leaves what the next start can go on from.
Result<void> set_aside(const std::string& path, const std::string& vfs) {
    const auto target = set_aside_path(path);
    const auto has_file = sql::file_exists(path, vfs);
    if (!has_file) return has_file.error();
    if (*has_file) {
        // The log of an older file must never stand beside this one.
        if (auto removed = sql::remove_file(target + "-wal", vfs); !removed) return removed;
        if (auto renamed = sql::rename_file(path, target, vfs); !renamed) return renamed;
    }
    const auto has_log = sql::file_exists(path + "-wal", vfs);
    if (!has_log) return has_log.error();
    if (*has_log) {
        auto renamed = sql::rename_file(path + "-wal", target + "-wal", vfs);
        if (!renamed) return renamed;
    }
    return sql::sync_folder_of(path, vfs);
}

/// A log without its database: the start of a setting aside that a power cut interrupted, or a
/// database that somebody emptied. SQLite would delete it.
Result<void> finish_setting_aside(const std::string& path, const std::string& vfs) {
    const auto has_file = sql::file_exists(path, vfs);
    if (!has_file || *has_file) return has_file ? ok() : Result<void>{has_file.error()};
    const auto has_log = sql::file_exists(path + "-wal", vfs);
    if (!has_log || !*has_log) return has_log ? ok() : Result<void>{has_log.error()};
    const auto has_mirror = sql::file_exists(mirror_path(path), vfs);
    if (!has_mirror || !*has_mirror) return has_mirror ? ok() : Result<void>{has_mirror.error()};
    return set_aside(path, vfs);
}

/// What SQLite would not call damage: commits of the log that it would silently leave out, and a
/// header that lets it only read.
bool looks_damaged(const std::string& path, const std::string& vfs) {
    constexpr std::uint32_t kInterruptedByPowerCut = 1;
    constexpr std::size_t kWriteVersion = 18;
    constexpr unsigned char kNewestVersion = 2;
    const auto file = sql::PageFile::open(path, path + "-wal", vfs);
    if (!file) return false;
    if (file->log().stranded_commits > kInterruptedByPowerCut) return true;
    const auto header = file->page(1);
    return header && header->starts_with("SQLite format 3") &&
           static_cast<unsigned char>((*header)[kWriteVersion]) > kNewestVersion;
}

/// A file that claims to be another program's or a newer version's, beside a mirror of ours that
/// says otherwise.
bool is_ours(const std::string& path, const std::string& vfs) {
    const auto mirror = MirrorFile{mirror_path(path), vfs}.read();
    return mirror && *mirror && (*mirror)->schema <= sql::kSchemaVersion;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const JournalOptions& options) {
    const auto& [path, vfs] = std::pair{options.path, options.vfs};
    if (auto finished = finish_setting_aside(path, vfs); !finished) return finished.error();
    // Damage must be seen twice: a medium may misread once. Then the new file gets its chance.
    std::string why = "its log has commits that would be left out, or its header is not ours";
    for (int attempt = 0; attempt < 3; ++attempt) {
        const bool may_set_aside = attempt < 2;
        auto journal = std::make_unique<SqliteJournal>(options);
        bool is_damaged = may_set_aside && looks_damaged(path, vfs);
        if (!is_damaged) {
            auto started = journal->start();
            if (started) started = journal->look_back();
            if (started) return std::unique_ptr<Journal>{std::move(journal)};
            const auto& error = started.error();
            is_damaged =
                may_set_aside &&
                (error.code == Errc::bad_input ? is_ours(path, vfs) : journal->is_damage(error));
            if (!is_damaged) return error;
            why = error.detail;
        }
        journal.reset();
        if (attempt == 0) continue;
        remember_finding(path, vfs, why);
        if (auto moved = set_aside(path, vfs); !moved) return moved.error();
    }
    return Error{Errc::storage_broken, path + ": a new database is damaged as well"};
}

/// The file holds what cannot be; the medium itself did what it was asked to.
bool SqliteJournal::is_damage(const Error& error) const {
    return error.code == Errc::storage_broken && !connection_.has_io_failed();
}

/// Found while running: the file goes aside at once, under the open connection, which nothing uses
/// any more. Whoever reopens finds a new database.
///
/// While an older file is still being salvaged it keeps its place: opening then decides.
void SqliteJournal::set_aside_now(const std::string& why) {
    if (rescue_) return;
    remember_finding(options_.path, options_.vfs, why);
    (void)set_aside(options_.path, options_.vfs);
}

/// After opening: what the mirror, the machine and a set-aside file say of it.
Result<void> SqliteJournal::look_back() {
    if (auto dropped = drop_nameless(); !dropped) return dropped;
    if (auto prepared = prepare_check(); !prepared) return prepared;
    if (auto checked = check_newest(); !checked) return checked;
    MirrorFile file{mirror_path(options_.path), options_.vfs};
    auto mirror = file.read();
    if (!mirror) return mirror.error();
    const auto aside = set_aside_path(options_.path);
    bool has_aside = false;
    for (const auto& name : {aside, aside + "-wal"}) {
        const auto is_there = sql::file_exists(name, options_.vfs);
        if (!is_there) return is_there.error();
        has_aside = has_aside || *is_there;
    }
    const bool is_salvaged = cursors_.note(kSalvageKey).value_or("").starts_with(kDone);
    std::unique_ptr<Rescue> rescue;
    if (has_aside && !is_salvaged) {
        auto pages = sql::PageFile::open(aside, aside + "-wal", options_.vfs);
        if (!pages) return pages.error();
        rescue = std::make_unique<Rescue>(std::move(*pages), aside, options_.vfs, *mirror);
        if (auto prepared = rescue->prepare(connection_); !prepared) return prepared;
    }
    if (epoch_no_ == 0) {
        if (*mirror || rescue) {
            auto remembered = remember_lost(*mirror ? **mirror : Mirror{}, rescue.get());
            if (!remembered) return remembered;
        }
    } else if (auto compared = compare_with(*mirror ? &**mirror : nullptr); !compared) {
        return compared;
    }
    rescue_ = std::move(rescue);
    is_started_ = true;
    if (rescue_) {
        options_.set_aside_bytes = rescue_->allocated();
        return limit(options_.quota_bytes, options_.set_aside_bytes);
    }
    return ok();
}

/// A new database in the place of one that is lost: its epochs and cursors as the mirror has them,
/// and what the next epoch has to say.
Result<void> SqliteJournal::remember_lost(const Mirror& mirror, Rescue* rescue) {
    auto known = mirror;
    std::vector<FoundBlock> newest;
    if (rescue != nullptr) {
        newest = rescue->newest();
        if (known.epochs.empty()) {
            // Without a mirror the journal is young, and small enough to be looked through at once.
            while (rescue->stage() == Rescue::Stage::scan) rescue->scan();
            known.epochs = rescue->epochs();
        }
    }
    carried_ = known;
    auto& next = memory_.state.next_epoch;
    next.reason = "damage";
    for (auto& epoch : known.epochs) {
        for (const auto& block : newest) {
            if (block.epoch() == epoch.number) epoch.last = std::max(epoch.last, block.last);
        }
        if (epoch.last.value == 0) continue;
        next.parent = epoch.id;
        next.parent_last = epoch.last;
    }
    if (rescue != nullptr) rescue->newest_totals(newest, known, *carried_);
    // Whatever began since the mirror was written.
    if (carried_->last_outage_id != 0 || !known.epochs.empty()) {
        carried_->last_outage_id += kOutageIdsLeftOut;
    }
    memory_.state.elapsed = carried_->elapsed;
    memory_.state.last_outage_id = carried_->last_outage_id;
    for (const auto& [key, value] : known.notes) {
        if (key != kSalvageKey && key != kCheckKey) cursors_.stage_note(key, value);
    }
    for (const auto& cursor : known.cursors) cursors_.stage(cursor, elapsed_s());
    auto stored = in_transaction([&]() -> Result<void> {
        for (const auto& epoch : known.epochs) {
            if (epoch.last.value == 0) continue;
            const auto place = place_of(epoch.id);
            if (place) continue;  // this start was interrupted once already
            if (place.error().code != Errc::not_found) return place.error();
            auto put =
                put_epoch_.start().bind(1, epoch.number).bind_blob(2, view(epoch.id.bytes)).run();
            if (!put) return put;
            auto closed = close_epoch_.start()
                              .bind(1, static_cast<std::int64_t>(epoch.last.value))
                              .bind(2, epoch.number)
                              .run();
            if (!closed) return closed;
        }
        return cursors_.write();
    });
    if (stored) cursors_.written();
    return stored;
}

/// Whether the open epoch may go on.
Result<void> SqliteJournal::compare_with(const Mirror* mirror) {
    auto& state = memory_.state;
    EpochCause cause;
    if (mirror != nullptr && !mirror->epochs.empty()) {
        const auto* same = mirror->find(state.epoch);
        const auto& newest = mirror->epochs.back();
        const auto rows = epoch_rows();
        if (!rows) return rows.error();
        const bool has_newest = std::any_of(
            rows->begin(), rows->end(), [&](const EpochRow& row) { return row.id == newest.id; });
        if (!has_newest) {
            cause = {"rollback", newest.id, newest.last};
        } else if (same != nullptr && same->last > state.last) {
            cause = {"rollback", state.epoch, same->last};
        }
    }
    if (cause.reason != "rollback" && !options_.hardware.empty()) {
        std::string hardware;
        auto read = blocks_.events(epoch_no_, EventKind::epoch, Seq{1}, false,
                                   [&](Seq, const Event& event) {
                                       if (const auto fact = epoch_from(event)) {
                                           hardware = fact->hardware;
                                       }
                                       return false;
                                   });
        if (!read) return read;
        if (!hardware.empty() && hardware != options_.hardware) {
            cause = {"hardware", state.epoch, state.last};
        }
    }
    if (cause.reason == "new") return ok();
    state.next_epoch = cause;
    state.must_begin_epoch = true;
    const auto now = mirror_now();
    if (!now) return now.error();
    carried_ = *now;
    if (cause.reason == "rollback" && mirror != nullptr) {
        // Counters only grow: the mirror knows later values than the older database.
        carried_->series = mirror->series;
        carried_->totals = mirror->totals;
        carried_->last_outage_id = std::max(carried_->last_outage_id, mirror->last_outage_id);
        carried_->elapsed = std::max(carried_->elapsed, mirror->elapsed);
    }
    return ok();
}

/// Records that let the counters go on in an epoch that begins.
std::vector<RecordBody> SqliteJournal::carried_records(DeviceTime at) const {
    std::vector<RecordBody> records;
    if (!carried_) return records;
    for (const auto& series : carried_->series) records.emplace_back(to_event(series, at));
    return records;
}

void SqliteJournal::carry_into(JournalMemory& memory) const {
    if (!carried_) return;
    memory.state.totals = carried_->totals;
    memory.state.last_outage_id = carried_->last_outage_id;
    memory.state.elapsed = std::max(memory.state.elapsed, carried_->elapsed);
}

Seq SqliteJournal::known_last() const {
    const auto& state = memory_.state;
    const bool is_rolled_back = state.must_begin_epoch && state.next_epoch.parent == state.epoch;
    return is_rolled_back ? std::max(state.last, state.next_epoch.parent_last) : state.last;
}

Result<Mirror> SqliteJournal::mirror_now() {
    const auto& state = memory_.state;
    Mirror mirror;
    mirror.schema = sql::kSchemaVersion;
    auto rows = epoch_rows();
    if (!rows) return rows.error();
    for (const auto& row : *rows) {
        mirror.epochs.push_back({row.id, row.number, row.last, row.is_open});
    }
    for (const auto& series : state.series) {
        if (series.kind == SeriesKind::counter) mirror.series.push_back(series);
    }
    mirror.totals = state.totals;
    mirror.last_boot_no = state.last_boot_no ? state.last_boot_no->value : 0;
    mirror.last_boot = state.last_boot;
    mirror.last_outage_id = state.last_outage_id;
    mirror.elapsed = state.elapsed;
    auto cursors = cursors_.cursors();
    if (!cursors) return cursors.error();
    mirror.cursors = std::move(*cursors);
    mirror.notes = cursors_.notes();
    return mirror;
}

/// A mirror that cannot be written is no reason to stop: whatever ails the medium shows in the
/// database, and an older mirror is still one.
void SqliteJournal::keep_mirror(bool is_due) {
    const auto& state = memory_.state;
    const bool is_old = !mirrored_ || state.elapsed - mirrored_->elapsed >= kMirrorInterval ||
                        mirrored_->totals.size() != state.totals.size() ||
                        mirrored_->last_outage_id != state.last_outage_id;
    if (epoch_no_ == 0 || (!is_due && !is_old)) return;
    auto now = mirror_now();
    if (!now) return;
    if (MirrorFile{mirror_path(options_.path), options_.vfs}.write(*now)) {
        mirrored_ = std::move(*now);
    }
}

Result<bool> SqliteJournal::rescue_slice() {
    if (!rescue_ || epoch_no_ == 0) return false;
    auto& rescue = *rescue_;
    switch (rescue.stage()) {
        case Rescue::Stage::scan:
            rescue.scan();
            return true;
        case Rescue::Stage::name: {
            auto named = with_room([&] { return rescue.name_epochs(); });
            if (!named) {
                rescue.back_to(Rescue::Stage::name);
                return named.error();
            }
            return true;
        }
        case Rescue::Stage::copy:
            return rescue_copy();
        case Rescue::Stage::walk: {
            auto walked = with_room([&] { return rescue.walk(blocks_); });
            if (!walked) {
                rescue.back_to(Rescue::Stage::walk);
                return walked.error();
            }
            if (rescue.stage() == Rescue::Stage::totals) {
                const auto note = cursors_.note(kSalvageKey).value_or("");
                rescue.begin_totals(
                    note.starts_with(kTotals) ? std::stoull("0" + note.substr(kTotals.size())) : 0);
            }
            return true;
        }
        case Rescue::Stage::totals:
            return rescue_totals();
        case Rescue::Stage::finish:
            return rescue_finish();
        case Rescue::Stage::done:
            break;
    }
    rescue_.reset();
    return false;
}

Result<bool> SqliteJournal::rescue_copy() {
    auto& rescue = *rescue_;
    auto copied = with_room([&] { return rescue.copy(blocks_, packed_, elapsed_s()); });
    rescue.copied(copied.has_value());
    if (!copied) {
        if (copied.error().code != Errc::storage_full) return copied.error();
        // Others that fill the file system may stop one day.
        if (is_full_by_others_) return copied.error();
        const auto left = room();
        if (!left) return fail(left.error());
        // Within our own quota nothing older is left to be made smaller: the newest are here, the
        // rest has no room.
        if (*left > plan_.reserve_pages()) return copied.error();
        rescue.stop_copying();
    }
    if (auto done = limit(options_.quota_bytes, rescue.allocated()); !done) return done.error();
    return true;
}

Result<bool> SqliteJournal::rescue_totals() {
    auto& rescue = *rescue_;
    std::uint64_t done = 0;
    auto stored = in_transaction([&]() -> Result<void> {
        const auto added = rescue.add_totals(rollups_);
        if (!added) return added.error();
        done = *added;
        cursors_.stage_note(kSalvageKey, std::string{kTotals} + std::to_string(done));
        return cursors_.write();
    });
    if (!stored) {
        if (stored.error().code != Errc::storage_full) return stored.error();
        rescue.give_up_totals();
        return true;
    }
    cursors_.written();
    return true;
}

Result<bool> SqliteJournal::rescue_finish() {
    auto& rescue = *rescue_;
    const auto known = cursors_.cursors();
    if (!known) return known.error();
    const auto better = rescue.cursors(blocks_, *known);
    if (!better) return better.error();
    for (const auto& cursor : *better) cursors_.stage(cursor, elapsed_s());
    auto stored = with_room([&]() -> Result<void> {
        const auto present = rescue.tell_losses(losses_);
        if (!present) return present.error();
        cursors_.stage_note(kSalvageKey, std::string{kDone} + " " + std::to_string(*present) + " " +
                                             std::to_string(rescue.facts().damaged_blocks));
        return cursors_.write();
    });
    if (!stored) return stored.error();
    cursors_.written();
    rescue.finished();
    const auto limit_bytes = std::max(options_.quota_bytes, kMinQuotaBytes) / kKeptPart;
    if (rescue.allocated() > limit_bytes) {
        if (auto removed = rescue.remove(); !removed) return removed.error();
    }
    if (auto done = limit(options_.quota_bytes, rescue.allocated()); !done) return done.error();
    keep_mirror(true);
    return true;
}

Result<DamageFacts> SqliteJournal::damage_facts() {
    DamageFacts facts;
    facts.found = cursors_.note(kDamageKey).value_or("");
    if (rescue_) {
        const auto rescued = rescue_->facts();
        facts.is_salvaging = true;
        facts.blocks_found = rescued.blocks_found;
        facts.blocks_done = rescued.blocks_done;
        facts.salvaged_records = rescued.records;
        facts.damaged_blocks = rescued.damaged_blocks;
    } else if (const auto note = cursors_.note(kSalvageKey).value_or(""); note.starts_with(kDone)) {
        char* end = nullptr;
        facts.salvaged_records = std::strtoull(note.c_str() + kDone.size(), &end, 10);
        facts.damaged_blocks = std::strtoull(end, nullptr, 10);
    }
    const auto epochs = epoch_rows();
    if (!epochs) return epochs.error();
    for (auto epoch = epochs->rbegin(); epoch != epochs->rend() && facts.epoch.is_none(); ++epoch) {
        auto listed = blocks_.events(
            epoch->number, EventKind::epoch, Seq{1}, false, [&](Seq seq, const Event& event) {
                const auto fact = epoch_from(event);
                if (!fact || fact->reason != "damage") return false;
                facts.epoch = epoch->id;
                if (epoch->is_open) facts.since = memory_.state.timeline.wall_of(seq, event.at);
                return false;
            });
        if (!listed) return fail(listed.error());
    }
    return facts;
}

}  // namespace gerbang
