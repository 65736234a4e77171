#include "daemon/province/store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/model/facts.hpp"
#include "daemon/province/evidence.hpp"
#include "daemon/province/levels.hpp"
#include "daemon/province/rows.hpp"
#include "daemon/province/schema.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/summary.hpp"

namespace gerbang::province {
namespace {

std::string_view bytes_of(const Head& head) {
    return {reinterpret_cast<const char*>(head.data()), head.size()};
}

Head head_from(const std::string& bytes) {
    Head head{};
    if (bytes.size() == head.size()) std::memcpy(head.data(), bytes.data(), head.size());
    return head;
}

std::int64_t number(Seq seq) {
    return static_cast<std::int64_t>(seq.value);
}

Seq seq_from(std::int64_t value) {
    return Seq{static_cast<std::uint64_t>(value)};
}

/// What is held of an epoch, as its rows say.
struct Holdings {
    std::int64_t site_id = 0;
    std::int64_t epoch_id = 0;
    Seq through;
    Head head{};  ///< after `through`; all zero where that is not known
    RangeSet later;

    [[nodiscard]] bool holds(Seq seq) const noexcept {
        return seq <= through || later.contains(seq);
    }
};

/// The parts of `range` that are not held yet, ascending.
std::vector<SeqRange> new_parts(SeqRange range, const Holdings& holdings) {
    std::vector<SeqRange> parts;
    Seq next = std::max(range.first, holdings.through.next());
    for (const auto& held : holdings.later.ranges()) {
        if (held.last < next) continue;
        if (held.first > range.last) break;
        if (held.first > next) parts.push_back({next, held.first.previous()});
        next = held.last.next();
    }
    if (next <= range.last) parts.push_back({next, range.last});
    return parts;
}

/// Joins `range` to the holdings. False when there would be too many separate ranges.
bool hold(Holdings& holdings, SeqRange range) {
    if (range.first > holdings.through.next()) return holdings.later.add(range);
    holdings.through = std::max(holdings.through, range.last);
    while (!holdings.later.empty() &&
           holdings.later.ranges().front().first <= holdings.through.next()) {
        holdings.through = std::max(holdings.through, holdings.later.ranges().front().last);
        holdings.later.remove_through(holdings.through);
    }
    return true;
}

/// Record 1 says what the epoch is. One that the gateway has lost comes emptied: then nobody knows
/// the epoch's parent, and the rest of it is none the worse.
Result<void> check_introduction(const RecordBody& body, const EpochId& epoch) {
    const auto* chunk = std::get_if<Chunk>(&body);
    if (chunk != nullptr && chunk->is_emptied()) return ok();
    const auto* event = std::get_if<Event>(&body);
    if (event == nullptr || event->kind != EventKind::epoch) {
        return Error{Errc::refused, "record 1 must be the epoch event"};
    }
    const auto fact = epoch_from(*event);
    if (!fact) return Error{Errc::refused, "record 1: " + fact.error().detail};
    if (fact->id != epoch) {
        return Error{Errc::refused, "record 1 names epoch " + to_string(fact->id) + ", the batch " +
                                        to_string(epoch)};
    }
    return ok();
}

/// A new file's name must survive a power cut before the first receipt is given.
Result<void> sync_folder(const StoreOptions& options) {
    if (options.path == ":memory:" || !options.vfs.empty()) return ok();
    auto folder = std::filesystem::path{options.path}.parent_path();
    if (folder.empty()) folder = ".";
    const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool is_synced = handle >= 0 && ::fsync(handle) == 0;
    const int reason = errno;
    if (handle >= 0) ::close(handle);
    if (is_synced) return ok();
    return Error{Errc::storage_broken,
                 "fsync of " + folder.string() + ": " + std::strerror(reason)};
}

class SqliteStore final : public Store {
public:
    explicit SqliteStore(std::unique_ptr<Database> database) : db_{std::move(database)} {}

    Result<void> prepare(const StoreOptions& options);

    Result<Receipt> accept(const wire::Batch& batch, WallTime received) override;
    Result<Receipt> receipt(const std::string& site, const EpochId& epoch) override;
    Result<std::vector<Record>> records(const std::string& site, const EpochId& epoch,
                                        SeqRange range) override;
    Result<std::vector<SiteSummary>> list() override { return summarise(*db_); }
    Result<std::unique_ptr<DatabaseCopy>> begin_copy(const std::string& path) override {
        return DatabaseCopy::begin(*db_, path);
    }
    Result<std::uint64_t> mark_restored(WallTime now) override;

    StoreId id() const override { return id_; }
    std::uint64_t generation() const override { return generation_; }
    std::uint64_t duplicates_ignored() const override { return duplicates_; }

private:
    /// What came of a batch.
    struct Accepted {
        Receipt receipt;
        std::uint64_t new_records = 0;
    };

    Result<void> create_or_check(const StoreOptions& options);
    /// The inside of `accept`'s transaction.
    Result<Accepted> store(const wire::Batch& batch, std::vector<Record> records,
                           WallTime received);
    /// Creates the rows of site and epoch as needed. `overloaded` at a limit.
    Result<Holdings> open_epoch(const wire::Batch& batch, WallTime received);
    std::optional<Holdings> find_epoch(std::string_view site, const EpochId& epoch);
    Result<void> store_parts(const wire::Batch& batch, const Links& links,
                             const std::vector<SeqRange>& parts, Holdings& holdings,
                             WallTime received);
    void save(const Holdings& before, const Holdings& after, bool heads_changed);
    Receipt receipt_of(std::string_view site, const EpochId& epoch, const Holdings& holdings) const;

    std::unique_ptr<Database> db_;
    StoreId id_;
    std::uint64_t generation_ = 1;
    std::uint64_t duplicates_ = 0;
};

Result<void> SqliteStore::prepare(const StoreOptions& options) {
    // EXCLUSIVE first: no -shm file, and nobody else can open the store while we run, which keeps
    // clear of the WAL-reset defect of SQLite before 3.51.3 (it needs two connections).
    db_->script(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=EXTRA; PRAGMA journal_mode=WAL;"
        "PRAGMA foreign_keys=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-16384;"
        "PRAGMA wal_autocheckpoint=1000;");
    if (db_->failure()) return *db_->failure();
    db_->begin();
    auto made = create_or_check(options);
    if (!made) {
        db_->rollback();
        return made;
    }
    return db_->commit();
}

Result<void> SqliteStore::create_or_check(const StoreOptions& options) {
    const auto application = db_->number("PRAGMA application_id");
    const auto version = db_->number("PRAGMA user_version");
    if (db_->failure()) return *db_->failure();
    const bool is_new =
        application == 0 && version == 0 && db_->number("SELECT count(*) FROM sqlite_master") == 0;
    if (is_new) {
        GERBANG_CHECK(!options.new_id.is_none());
        db_->script(kTables);
        db_->script(("PRAGMA application_id=" + std::to_string(kApplicationId)).c_str());
        db_->script(("PRAGMA user_version=" + std::to_string(kSchemaVersion)).c_str());
        const auto uuid = to_string(options.new_id);
        db_->run("INSERT INTO store (only_row, uuid, generation) VALUES (1, ?1, 1)", {uuid});
    } else if (application != kApplicationId) {
        return Error{Errc::storage_broken, options.path + " is not a gerbang-province store"};
    } else if (version >= 1 && version < kSchemaVersion) {
        if (version < 2) db_->script(kUpgradeTo2);
        if (version < 3) db_->script(kUpgradeTo3);
        db_->script(kUpgradeTo4);
    } else if (version != kSchemaVersion) {
        return Error{Errc::storage_broken,
                     options.path + " has schema version " + std::to_string(version.value_or(0)) +
                         ", this program knows " + std::to_string(kSchemaVersion) +
                         ": install the newer gerbang-province"};
    }
    db_->script(kViews);
    std::optional<StoreId> id;
    {
        auto rows = db_->query("SELECT uuid, generation FROM store");
        if (rows.next()) {
            id = parse_id<StoreId>(rows.text(0));
            generation_ = static_cast<std::uint64_t>(rows.integer(1));
        }
    }
    if (db_->failure()) return *db_->failure();
    if (!id || id->is_none()) return Error{Errc::storage_broken, options.path + ": no store id"};
    id_ = *id;
    return ok();
}

Result<Receipt> SqliteStore::accept(const wire::Batch& batch, WallTime received) {
    if (!is_valid_site_id(batch.site)) return Error{Errc::bad_input, "site id is malformed"};
    if (batch.epoch.is_none()) return Error{Errc::bad_input, "batch without an epoch"};
    auto records = wire::decode_pack(batch.pack, kBatchLimits);
    if (!records) return Error{records.error().code, "pack: " + records.error().detail};
    if (records->empty()) return Error{Errc::bad_input, "pack without records"};
    const SeqRange range{records->front().seq, records->back().seq};
    if (range.first.value == 0 || range.last.value > kMaxSeq) {
        return Error{Errc::bad_input, "record number outside 1 .. 2^40 - 1"};
    }
    if (range.first.value == 1) {
        if (batch.before != Head{}) {
            return Error{Errc::refused, "the head before record 1 must be all zero"};
        }
        const auto introduced = check_introduction(records->front().body, batch.epoch);
        if (!introduced) return introduced.error();
    }

    db_->begin();
    auto stored = store(batch, *std::move(records), received);
    if (!stored) {
        db_->rollback();
        return stored.error();
    }
    const auto committed = db_->commit();
    if (!committed) return committed.error();
    duplicates_ += range.size() - stored->new_records;
    return stored->receipt;
}

Result<SqliteStore::Accepted> SqliteStore::store(const wire::Batch& batch,
                                                 std::vector<Record> records, WallTime received) {
    auto opened = open_epoch(batch, received);
    if (!opened) return opened.error();
    auto& holdings = *opened;
    const auto before = holdings;
    Evidence evidence{*db_, holdings.epoch_id};
    const auto links = evidence.link(std::move(records), batch.before);
    const auto adopted = evidence.check(batch, links);
    if (!adopted) return adopted.error();

    Accepted accepted;
    auto parts = new_parts(links.range(), holdings);
    for (const auto& part : parts) accepted.new_records += part.size();
    // A finer record takes the place of a coarser one; the other way round it is merely held.
    const auto finer =
        finer_runs(links.records(), reduced_in(*db_, holdings.epoch_id, links.range()));
    for (const auto& run : finer) {
        auto removed = evidence.remove(run);
        if (!removed) return removed.error();
        remove_chunks(*db_, holdings.epoch_id, run);
    }
    parts.insert(parts.end(), finer.begin(), finer.end());
    std::sort(parts.begin(), parts.end());
    auto done = store_parts(batch, links, parts, holdings, received);
    if (!done) return done.error();
    save(before, holdings, *adopted || !parts.empty());
    accepted.receipt = receipt_of(batch.site, batch.epoch, holdings);
    return accepted;
}

Result<Holdings> SqliteStore::open_epoch(const wire::Batch& batch, WallTime received) {
    if (db_->failure()) return *db_->failure();
    const auto epoch = to_string(batch.epoch);
    auto site_id =
        db_->number("SELECT site_id FROM site_row WHERE site = ?1", {std::string_view{batch.site}});
    if (!site_id) {
        const auto sites = db_->number("SELECT count(*) FROM site_row");
        if (sites.value_or(0) >= kMaxSites) {
            return Error{Errc::overloaded,
                         "this store has " + std::to_string(kMaxSites) + " sites already"};
        }
        db_->run("INSERT INTO site_row (site, first_heard_ms, last_heard_ms) VALUES (?1, ?2, ?2)",
                 {std::string_view{batch.site}, to_ms(received)});
        site_id = db_->last_row_id();
    }
    db_->run("UPDATE site_row SET last_heard_ms = ?2 WHERE site_id = ?1",
             {*site_id, to_ms(received)});
    if (auto found = find_epoch(batch.site, batch.epoch)) return *std::move(found);
    if (db_->failure()) return *db_->failure();
    const auto epochs =
        db_->number("SELECT count(*) FROM epoch_row WHERE site_id = ?1", {*site_id});
    if (epochs.value_or(0) >= kMaxEpochsPerSite) {
        return Error{Errc::overloaded, "site " + batch.site + " has " +
                                           std::to_string(kMaxEpochsPerSite) +
                                           " epochs already: its storage is failing, replace it"};
    }
    db_->run("INSERT INTO epoch_row (site_id, epoch, head) VALUES (?1, ?2, ?3)",
             {*site_id, epoch, Blob{bytes_of(Head{})}});
    if (db_->failure()) return *db_->failure();
    Holdings fresh;
    fresh.site_id = *site_id;
    fresh.epoch_id = db_->last_row_id();
    return fresh;
}

std::optional<Holdings> SqliteStore::find_epoch(std::string_view site, const EpochId& epoch) {
    const auto name = to_string(epoch);
    Holdings holdings;
    {
        auto rows = db_->query(
            "SELECT s.site_id, e.epoch_id, e.through, e.head FROM site_row s JOIN epoch_row e "
            "USING (site_id) WHERE s.site = ?1 AND e.epoch = ?2",
            {site, name});
        if (!rows.next()) return std::nullopt;
        holdings.site_id = rows.integer(0);
        holdings.epoch_id = rows.integer(1);
        holdings.through = seq_from(rows.integer(2));
        holdings.head = head_from(rows.text(3));
    }
    auto rows = db_->query("SELECT first, last FROM held WHERE epoch_id = ?1 ORDER BY first",
                           {holdings.epoch_id});
    while (rows.next()) {
        const bool fits =
            holdings.later.add({seq_from(rows.integer(0)), seq_from(rows.integer(1))});
        GERBANG_CHECK(fits);
    }
    return holdings;
}

Result<void> SqliteStore::store_parts(const wire::Batch& batch, const Links& links,
                                      const std::vector<SeqRange>& parts, Holdings& holdings,
                                      WallTime received) {
    if (parts.empty()) return ok();
    Evidence evidence{*db_, holdings.epoch_id};
    std::vector<const Record*> fresh;
    for (const auto& part : parts) {
        const bool is_held = holdings.holds(part.first);
        if (!hold(holdings, part)) {
            return Error{Errc::overloaded, "more than " + std::to_string(RangeSet::kMaxRanges) +
                                               " separate ranges of epoch " +
                                               to_string(batch.epoch) + ": send record " +
                                               std::to_string(holdings.through.value + 1) +
                                               " first"};
        }
        auto kept = evidence.keep(batch, links, part, received);
        if (!kept) return kept;
        set_reduced(*db_, holdings.epoch_id, part, reduced_runs(links.cut(part)));
        const auto offset = part.first.value - links.range().first.value;
        for (auto i = offset; i < offset + part.size(); ++i) {
            const auto& record = links.records()[static_cast<std::size_t>(i)];
            // Of what is held at a coarser level only the chunks are new.
            if (is_held && std::holds_alternative<Event>(record.body)) continue;
            fresh.push_back(&record);
        }
    }
    insert_rows(*db_, holdings.site_id, holdings.epoch_id, fresh);
    stamp_rows(*db_, holdings.epoch_id, fresh);
    if (db_->failure()) return *db_->failure();
    return ok();
}

void SqliteStore::save(const Holdings& before, const Holdings& after, bool heads_changed) {
    if (heads_changed && after.through.value != 0) {
        db_->run(
            "UPDATE epoch_row SET through = ?2, head = (SELECT head FROM batch WHERE "
            "epoch_id = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1) WHERE epoch_id = ?1",
            {after.epoch_id, number(after.through)});
    }
    if (after.later == before.later) return;
    db_->run("DELETE FROM held WHERE epoch_id = ?1", {after.epoch_id});
    for (const auto& range : after.later.ranges()) {
        db_->run("INSERT INTO held (epoch_id, first, last) VALUES (?1, ?2, ?3)",
                 {after.epoch_id, number(range.first), number(range.last)});
    }
}

Receipt SqliteStore::receipt_of(std::string_view site, const EpochId& epoch,
                                const Holdings& holdings) const {
    Receipt receipt{.site = std::string{site},
                    .store = id_,
                    .generation = generation_,
                    .epoch = epoch,
                    .through = holdings.through,
                    .head = holdings.head,
                    .held = holdings.later};
    auto rows = db_->query("SELECT head FROM epoch_row WHERE epoch_id = ?1", {holdings.epoch_id});
    if (rows.next()) receipt.head = head_from(rows.text(0));
    return receipt;
}

Result<Receipt> SqliteStore::receipt(const std::string& site, const EpochId& epoch) {
    db_->clear_failure();
    const auto holdings = find_epoch(site, epoch);
    if (holdings) {
        auto receipt = receipt_of(site, epoch, *holdings);
        if (!db_->failure()) return receipt;
    }
    if (db_->failure()) return *db_->failure();
    return Error{Errc::not_found, "nothing held of epoch " + to_string(epoch) + " of " + site};
}

Result<std::vector<Record>> SqliteStore::records(const std::string& site, const EpochId& epoch,
                                                 SeqRange range) {
    db_->clear_failure();
    const auto holdings = find_epoch(site, epoch);
    if (db_->failure()) return *db_->failure();
    if (!holdings) return std::vector<Record>{};
    return Evidence{*db_, holdings->epoch_id}.records(range);
}

Result<std::uint64_t> SqliteStore::mark_restored(WallTime now) {
    db_->begin();
    db_->run("UPDATE store SET generation = max(generation + 1, ?1)", {to_ms(now) / 1000});
    const auto generation = db_->number("SELECT generation FROM store");
    const auto committed = db_->commit();
    if (!committed) return committed.error();
    generation_ = static_cast<std::uint64_t>(generation.value_or(1));
    return generation_;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
    auto database = Database::open(options.path, options.vfs);
    if (!database) return database.error();
    auto store = std::make_unique<SqliteStore>(*std::move(database));
    const auto prepared = store->prepare(options);
    if (!prepared) return prepared.error();
    const auto synced = sync_folder(options);
    if (!synced) return synced.error();
    return std::unique_ptr<Store>{std::move(store)};
}

}  // namespace gerbang::province
