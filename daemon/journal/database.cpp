#include "daemon/journal/database.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>

#include "daemon/journal/holes.hpp"

namespace gerbang::sql {
namespace {

// SCHEMA.md explains every table and column.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE epoch(
    no INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    last INTEGER
);
CREATE TABLE block(
    id INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE event(
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY(kind, id)
) WITHOUT ROWID;
CREATE TABLE head(
    id INTEGER PRIMARY KEY,
    head BLOB NOT NULL
);
CREATE TABLE checkpoint(
    epoch INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    head BLOB NOT NULL,
    state BLOB NOT NULL
);
CREATE TABLE cursor(
    consumer TEXT NOT NULL,
    epoch BLOB NOT NULL,
    through INTEGER NOT NULL,
    head BLOB NOT NULL,
    held TEXT NOT NULL,
    deferred TEXT NOT NULL,
    store BLOB NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY(consumer, epoch)
) WITHOUT ROWID;
CREATE TABLE parked(
    consumer TEXT NOT NULL,
    epoch BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY(consumer, epoch, first)
) WITHOUT ROWID;
CREATE TABLE note(
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE rollup(
    period INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    is_role INTEGER NOT NULL,
    name TEXT NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_bytes INTEGER NOT NULL,
    rx_peak_bit_per_s INTEGER NOT NULL,
    tx_peak_bit_per_s INTEGER NOT NULL,
    minutes TEXT NOT NULL,
    measured_ms INTEGER NOT NULL,
    PRIMARY KEY(period, start_ms, is_role, name)
) WITHOUT ROWID;
)sql";

constexpr const char* kVersion2 = R"sql(
CREATE TABLE packed(
    level INTEGER NOT NULL,
    id INTEGER NOT NULL,
    last INTEGER NOT NULL,
    elapsed_s INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY(level, id)
) WITHOUT ROWID;
CREATE TABLE loss(
    id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    what TEXT NOT NULL,
    reason TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    first_boot INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_boot INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    told_count INTEGER NOT NULL,
    told_id INTEGER NOT NULL
);
CREATE TABLE pin(
    consumer TEXT PRIMARY KEY,
    since_s INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE cursor ADD COLUMN elapsed_s INTEGER NOT NULL DEFAULT 0;
)sql";

/// Step n leads from version n to n + 1; a new file takes all of them. A released step is never
/// changed: fixtures of every version are migrated in the tests.
constexpr std::array kSteps{kVersion1, kVersion2};
static_assert(kSteps.size() == kSchemaVersion);

std::string folder_of(const std::string& path) {
    auto folder = std::filesystem::path{path}.parent_path();
    if (folder.empty()) folder = ".";
    return folder.string();
}

/// The page size that costs the flash least: the block size of the file system that holds `path`,
/// but at most 2 KiB. A frame of the WAL is a page and 24 bytes, so one of a whole 4 KiB block
/// always takes two of them (measured: 42 MB a day, against 39).
std::uint32_t page_bytes_for(const std::string& path) {
    constexpr std::uint32_t kUsual = 2048;
    const auto folder = folder_of(path);
    struct statvfs facts {};
    if (::statvfs(folder.c_str(), &facts) != 0) return kUsual;
    const auto bytes = static_cast<std::uint64_t>(facts.f_bsize);
    if (!std::has_single_bit(bytes)) return kUsual;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes, 512, kUsual));
}

/// The file's schema version, 0 when it is new. Refuses files that are not ours. Reads only.
Result<std::int64_t> version_of(Connection& connection, const std::string& path) {
    const auto application = connection.number("PRAGMA application_id");
    if (!application) return application.error();
    const auto version = connection.number("PRAGMA user_version");
    if (!version) return version.error();
    const auto tables = connection.number("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();
    const auto application_id = application->value_or(0);
    const auto found = version->value_or(0);
    if (application_id == 0 && found == 0 && tables->value_or(0) == 0) return 0;
    if (application_id != kApplicationId) {
        return Error{Errc::bad_input, path + ": a database of another program; left as it is"};
    }
    if (found > kSchemaVersion) {
        return Error{Errc::bad_input, path + ": schema version " + std::to_string(found) +
                                          " is newer than this gerbang knows (" +
                                          std::to_string(kSchemaVersion) +
                                          "); left as it is. Install the newer version again"};
    }
    if (found < 1) {
        return Error{Errc::storage_broken,
                     path + ": schema version " + std::to_string(found) + " never existed"};
    }
    return found;
}

/// All steps in one transaction: a power cut leaves the old version or the new one.
Result<void> migrate(Connection& connection, std::int64_t from) {
    Transaction transaction{connection};
    if (auto begun = transaction.begin(); !begun) return begun;
    for (auto step = static_cast<std::size_t>(from); step < kSteps.size(); ++step) {
        if (auto made = connection.run(kSteps[step]); !made) return made;
    }
    const auto marks = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                       ";PRAGMA user_version=" + std::to_string(kSchemaVersion);
    if (auto marked = connection.run(marks.c_str()); !marked) return marked;
    return transaction.commit();
}

}  // namespace

Result<void> open_database(Connection& connection, const std::string& path, const std::string& vfs,
                           std::uint32_t page_bytes) {
    if (auto opened = connection.open(path, vfs); !opened) return opened;
    // EXCLUSIVE before anything touches the file: no -shm file, whose pages cost a third of the
    // flash written, and a second process is kept out.
    if (auto set = connection.run("PRAGMA locking_mode=EXCLUSIVE"); !set) return set;
    // A commit is durable before its records may be sent. NORMAL loses acknowledged commits.
    if (auto set = connection.run("PRAGMA synchronous=EXTRA"); !set) return set;
    const auto version = version_of(connection, path);
    if (!version) return version.error();
    if (*version == 0) {
        // auto_vacuum would write its map with every new page (1.4 MB a day and more): where free
        // pages can become holes a lowered quota is honoured without. It can only be chosen before
        // the first table.
        const bool has_holes = !vfs.empty() || Holes::are_possible(folder_of(path));
        const auto page = "PRAGMA page_size=" +
                          std::to_string(page_bytes != 0 ? page_bytes : page_bytes_for(path)) +
                          ";PRAGMA auto_vacuum=" + (has_holes ? "NONE" : "INCREMENTAL");
        if (auto set = connection.run(page.c_str()); !set) return set;
    }
    const auto mode = connection.text("PRAGMA journal_mode=WAL");
    if (!mode) return mode.error();
    if (*mode != "wal") {
        return Error{Errc::storage_broken, path + ": journal_mode=WAL gave " + *mode};
    }
    // mmap_size: a failing card would be a signal, not an error. secure_delete: Debian's default
    // writes zeroes over what is freed. cache_size: KiB, negative. journal_size_limit: the WAL is
    // never truncated, a file that keeps its size costs no metadata.
    if (auto set = connection.run("PRAGMA mmap_size=0;PRAGMA secure_delete=OFF;"
                                  "PRAGMA cache_size=-512;PRAGMA journal_size_limit=-1;"
                                  "PRAGMA temp_store=MEMORY;PRAGMA cell_size_check=ON");
        !set) {
        return set;
    }
    if (*version < kSchemaVersion) {
        // First what an earlier version left in the WAL, as below: a torn write behind it must not
        // reach it.
        if (auto moved = connection.checkpoint(); !moved) return moved;
        if (auto made = migrate(connection, *version); !made) return made;
    }
    // What recovery found in the WAL is only known to be in the page cache: an fsync that failed in
    // an earlier process leaves pages that look written and never were. Moving it into the database
    // writes it again, and new commits then follow nothing doubtful.
    if (auto moved = connection.checkpoint(); !moved) return moved;
    // Once per opening: the entries of both files must outlive a power cut before the first
    // promise. SQLite itself never syncs the folder for the database file.
    return connection.sync_directory();
}

}  // namespace gerbang::sql
