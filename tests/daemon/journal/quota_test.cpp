#include "daemon/journal/quota.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "daemon/journal/holes.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/journal/sqlite.hpp"
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

/// What they take on the disk: a file with holes is longer than that.
std::uint64_t disk_bytes_in(const std::string& folder) {
    std::uint64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator{folder}) {
        bytes += Holes::bytes_on_disk(file.path().string());
    }
    return bytes;
}

struct MethodTable {
    const sqlite3_io_methods* system = nullptr;
    sqlite3_io_methods full{};
};

/// The system's VFS on a file system that others have filled: files of `folder` may grow to
/// `capacity` bytes together.
struct FullDisk {
    static inline std::string folder;
    static inline std::uint64_t capacity = UINT64_MAX;
    static inline sqlite3_vfs* system = nullptr;
    static inline sqlite3_vfs vfs{};
    static inline std::array<MethodTable, 4> tables{};

    static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
        sqlite3_int64 length = 0;
        const auto* methods =
            std::find_if(tables.begin(), tables.end(), [&](const MethodTable& each) {
                return &each.full == file->pMethods;
            })->system;
        methods->xFileSize(file, &length);
        if (offset + size > length &&
            bytes_in(folder) + static_cast<std::uint64_t>(offset + size - length) > capacity) {
            return SQLITE_FULL;
        }
        return methods->xWrite(file, bytes, size, offset);
    }
    static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
        const int rc = system->xOpen(system, name, file, flags, out);
        if (rc != SQLITE_OK || file->pMethods == nullptr) return rc;
        for (auto& table : tables) {
            if (table.system == nullptr) {
                table.system = file->pMethods;
                table.full = *file->pMethods;
                table.full.xWrite = write;
            }
            if (table.system == file->pMethods) {
                file->pMethods = &table.full;
                break;
            }
        }
        return rc;
    }
    static const char* name() {
        if (system == nullptr) {
            system = sqlite3_vfs_find(nullptr);
            vfs = *system;
            vfs.zName = "full-disk";
            vfs.pNext = nullptr;
            vfs.xOpen = open;
            sqlite3_vfs_register(&vfs, 0);
        }
        return vfs.zName;
    }
};

/// What the files of a folder took on the disk at most, looked at after every write call of SQLite.
class PeakWatch {
public:
    explicit PeakWatch(const std::string& folder) {
        g_folder = &folder;
        g_most = 0;
        g_writes = 0;
        for (auto& call : calls_) {
            call.before = vfs_->xGetSystemCall(vfs_, call.name);
            if (call.before != nullptr) vfs_->xSetSystemCall(vfs_, call.name, call.watched);
        }
    }
    ~PeakWatch() {
        for (const auto& call : calls_) {
            if (call.before != nullptr) vfs_->xSetSystemCall(vfs_, call.name, call.before);
        }
        g_folder = nullptr;
    }
    PeakWatch(const PeakWatch&) = delete;
    PeakWatch& operator=(const PeakWatch&) = delete;

    [[nodiscard]] static std::uint64_t most() { return g_most; }
    [[nodiscard]] static std::uint64_t writes() { return g_writes; }

private:
    static void look() {
        ++g_writes;
        g_most = std::max(g_most, disk_bytes_in(*g_folder));
    }
    static ssize_t write(int file, const void* bytes, std::size_t size) {
        const auto done = ::write(file, bytes, size);
        look();
        return done;
    }
    static ssize_t write_at(int file, const void* bytes, std::size_t size, off_t offset) {
        const auto done = ::pwrite(file, bytes, size, offset);
        look();
        return done;
    }

    struct Call {
        const char* name;
        sqlite3_syscall_ptr watched;
        sqlite3_syscall_ptr before = nullptr;
    };
    static inline const std::string* g_folder = nullptr;
    static inline std::uint64_t g_most = 0;
    static inline std::uint64_t g_writes = 0;
    sqlite3_vfs* vfs_ = sqlite3_vfs_find("unix");
    std::array<Call, 3> calls_{{{"write", reinterpret_cast<sqlite3_syscall_ptr>(write)},
                                {"pwrite", reinterpret_cast<sqlite3_syscall_ptr>(write_at)},
                                {"pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(write_at)}}};
};

/// 24 ticks of 120 series that hardly compress.
Chunk noise(std::mt19937_64& random, std::int64_t first_s) {
    std::vector<Tick> ticks(24);
    for (std::size_t i = 0; i < ticks.size(); ++i) {
        ticks[i].at = monotonic_from_ms((first_s + static_cast<std::int64_t>(i) * 10) * 1000);
        for (std::uint32_t id = 1; id <= 120; ++id) {
            ticks[i].readings.push_back({SeriesId{id}, static_cast<std::int64_t>(random() >> 24)});
        }
    }
    return make_chunk(BootNo{1}, ticks);
}

/// `per_push` commits times the effort, at most ten times as many; `least` where the sanitizers
/// make each one slow.
std::int64_t scaled(std::int64_t per_push, std::int64_t least) {
    const auto rounds = static_cast<std::int64_t>(test_rounds(static_cast<double>(per_push)));
    return std::clamp(rounds, least, per_push * 10);
}

}  // namespace

TEST_CASE("The parts of the quota add up to it, and the ballast is larger than the WAL",
          "[journal][quota]") {
    for (const std::uint32_t page : {512u, 1024u, 4096u, 16384u}) {
        const auto plan = plan_space(kDefaultQuotaBytes, page, 0, 5'000'000);
        INFO("page " << page);
        CHECK(plan.wal_bytes < plan.ballast_bytes);
        CHECK(plan.wal_bytes + plan.ballast_bytes + plan.database_bytes + kMirrorReserveBytes +
                  5'000'000 ==
              plan.quota_bytes);
        // 90 days of 60 series at 10 s and 1.3 bytes a reading.
        const auto alone = plan_space(kDefaultQuotaBytes, page, 0, 0);
        CHECK(alone.database_bytes >= 61'000'000);
        const auto least = plan_space(1, page, 0, 0);
        CHECK(least.quota_bytes == kMinQuotaBytes);
        CHECK(least.database_bytes > 1'000'000);
        CHECK(least.reserve_pages() > 0);
    }
}

TEST_CASE("The default quota is a quarter of the free space, between its bounds",
          "[journal][quota]") {
    CHECK(default_quota(0, 0) == kMinQuotaBytes);
    CHECK(default_quota(100u << 20, 20u << 20) == 30u << 20);
    CHECK(default_quota(std::uint64_t{1} << 40, 0) == kDefaultQuotaBytes);
}

TEST_CASE("The ballast takes room on the disk, gives it up once, and is found again",
          "[journal][quota]") {
    const TempFolder folder;
    const auto path = folder.file("ballast");
    Ballast none{{}};
    CHECK(none.build(1 << 20, 0));
    CHECK_FALSE(none.release());
    Ballast ballast{path};
    CHECK_FALSE(ballast.build(1 << 20, std::uint64_t{1} << 60));  // not beside so much
    CHECK_FALSE(ballast.release());
    REQUIRE(ballast.build(1 << 20, 0));
    CHECK(std::filesystem::file_size(path) == 1 << 20);
    CHECK(Ballast{path}.bytes() == 1 << 20);
    CHECK(ballast.release());
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK_FALSE(ballast.release());
    CHECK_FALSE(Ballast{folder.file("none/ballast")}.build(4096, 0));
}

TEST_CASE("A commit of more than one transaction may hold is refused whole", "[journal][quota]") {
    const TempFolder folder;
    auto journal = std::move(*Journal::open({.path = folder.file("journal.db")}));
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    std::mt19937_64 random{1};
    std::vector<RecordBody> bodies;
    for (std::int64_t n = 0; n < 80; ++n) bodies.emplace_back(noise(random, 10 + n * 240));
    const auto refused = journal->append(Seq{6}, bodies);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::too_large);
    bodies.resize(40);
    CHECK(journal->append(Seq{6}, bodies));
}

TEST_CASE("Commits go on without upkeep when the quota is reached, within the quota",
          "[journal][quota]") {
    const TempFolder folder;
    JournalOptions options{.path = folder.file("journal.db"), .page_bytes = 1024};
    options.quota_bytes = 1;
    auto journal = std::move(*Journal::open(options));
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    std::mt19937_64 random{test_seed()};
    const auto commits = scaled(300, 150);
    for (std::int64_t n = 0; n < commits; ++n) {
        const auto stored =
            journal->append(journal->state().last.next(), {noise(random, 10 + n * 600)});
        if (!stored) FAIL(stored.error().detail);
        REQUIRE(bytes_in(folder.path()) <= kMinQuotaBytes);
    }
    REQUIRE(journal->facts()->quota_bytes == kMinQuotaBytes);
    const auto facts = journal->facts();
    CHECK(facts->epochs[0].levels[1].records + facts->epochs[0].levels[2].records +
              facts->epochs[0].levels[3].records >
          0);
}

TEST_CASE(
    "On a disk that others have filled commits go on inside the file, with the ballast's room",
    "[journal][quota]") {
    const TempFolder folder;
    FullDisk::folder = folder.path();
    FullDisk::capacity = UINT64_MAX;
    JournalOptions options{.path = folder.file("journal.db"), .vfs = FullDisk::name()};
    options.page_bytes = 1024;
    options.quota_bytes = 1;
    options.ballast_path = folder.file("journal.db-ballast");
    auto opened = Journal::open(options);
    REQUIRE(opened);
    auto& journal = **opened;
    REQUIRE(journal.begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    std::mt19937_64 random{test_seed()};
    std::int64_t n = 0;
    const auto commit = [&](bool with_upkeep) {
        const auto stored =
            journal.append(journal.state().last.next(), {noise(random, 10 + n++ * 600)});
        if (!stored) FAIL(stored.error().detail << " at " << n);
        for (int slice = 0; with_upkeep && slice < 4; ++slice) {
            const auto more = journal.tend();
            if (!more) FAIL(more.error().detail);
            if (!*more) break;
        }
    };
    for (int i = 0; i < 60; ++i) commit(true);
    REQUIRE(std::filesystem::exists(options.ballast_path));
    FullDisk::capacity = bytes_in(folder.path());
    // The system has room for a new ballast, as it knows nothing of this disk: a link forbids it.
    const TempFolder elsewhere;
    std::ofstream{elsewhere.file("empty")}.close();
    for (auto left = scaled(100, 40); left > 0; --left) {
        if (!std::filesystem::exists(options.ballast_path)) {
            std::filesystem::create_symlink(elsewhere.file("empty"), options.ballast_path);
        }
        commit(false);
        REQUIRE(bytes_in(folder.path()) <= FullDisk::capacity);
    }
    CHECK(journal.facts()->epochs[0].levels[0].records < journal.state().last.value);
    // Others have made room: the ballast comes back.
    REQUIRE(std::filesystem::is_symlink(options.ballast_path));
    std::filesystem::remove(options.ballast_path);
    FullDisk::capacity = UINT64_MAX;
    for (int i = 0; i < 60; ++i) commit(true);
    CHECK(std::filesystem::exists(options.ballast_path));
    CHECK(bytes_in(folder.path()) <= kMinQuotaBytes);
}

TEST_CASE("A disk that others fill takes nothing of the newest day", "[journal][quota]") {
    const TempFolder folder;
    FullDisk::folder = folder.path();
    FullDisk::capacity = UINT64_MAX;
    JournalOptions options{.path = folder.file("journal.db"), .vfs = FullDisk::name()};
    options.page_bytes = 1024;
    options.quota_bytes = 16u << 20;
    options.ballast_path = folder.file("journal.db-ballast");
    auto opened = Journal::open(options);
    REQUIRE(opened);
    auto& journal = **opened;
    REQUIRE(journal.begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    std::mt19937_64 random{test_seed()};
    std::int64_t n = 0;
    const TempFolder elsewhere;
    std::ofstream{elsewhere.file("empty")}.close();
    bool is_full = false;
    const auto commit = [&] {
        auto stored = journal.append(journal.state().last.next(), {noise(random, 10 + n * 600)});
        if (stored) ++n;
        if (is_full && !std::filesystem::exists(options.ballast_path)) {
            std::filesystem::create_symlink(elsewhere.file("empty"), options.ballast_path);
        }
        for (int slice = 0; slice < 4; ++slice) (void)journal.tend();
        return stored;
    };
    // Hours that a reduction could take: packed, and behind a checkpoint.
    for (int i = 0; i < 72; ++i) {
        REQUIRE(commit());
        if (i % 6 == 5) REQUIRE(journal.checkpoint());
    }
    // Others fill the disk. What the ballast leaves is filled by commits, until only what is inside
    // the database is left; a link keeps the system, which knows nothing of this disk, from making
    // a new ballast.
    FullDisk::capacity = bytes_in(folder.path());
    is_full = true;
    auto full = commit();
    for (int i = 0; i < 500 && full; ++i) full = commit();
    REQUIRE(!full);
    CHECK(full.error().code == Errc::storage_full);
    REQUIRE(std::filesystem::is_symlink(options.ballast_path));
    for (int i = 0; i < 20; ++i) (void)commit();
    CHECK(journal.facts()->losses.empty());
    const auto levels = journal.facts()->epochs[0].levels;
    CHECK(levels[1].records + levels[2].records + levels[3].records == 0);
    FullDisk::capacity = UINT64_MAX;
    std::filesystem::remove(options.ballast_path);
    REQUIRE(commit());
    CHECK(journal.facts()->losses.empty());
}

TEST_CASE("A lowered quota is reached slice by slice, without a second copy of the file",
          "[journal][quota]") {
    const auto [page, has_map] =
        GENERATE(std::pair{1024u, true}, std::pair{1024u, false}, std::pair{2048u, false});
    if (test_effort() < 1 && page == 2048) return;
    INFO("pages of " << page << (has_map ? ", with a map of pages" : ""));
    const TempFolder folder;
    JournalOptions options{.path = folder.file("journal.db"), .page_bytes = page};
    options.quota_bytes = 12u << 20;
    if (has_map) {
        // As on a file system without holes.
        sql::Connection connection;
        REQUIRE(connection.open(options.path, {}));
        REQUIRE(
            connection.run("PRAGMA page_size=1024;PRAGMA auto_vacuum=INCREMENTAL;"
                           "CREATE TABLE t(a);DROP TABLE t"));
    }
    auto opened = Journal::open(options);
    if (!opened) FAIL(opened.error().detail);
    auto journal = std::move(*opened);
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    std::mt19937_64 random{test_seed()};
    for (std::int64_t n = 0; n < 450; ++n) {
        REQUIRE(journal->append(journal->state().last.next(), {noise(random, 10 + n * 600)}));
    }
    REQUIRE(journal->checkpoint());
    const auto before = disk_bytes_in(folder.path());
    REQUIRE(before > 7u << 20);
    REQUIRE(journal->limit(1, 100'000));
    auto most = before;
    int slices = 0;
    for (; slices < 20'000; ++slices) {
        const auto more = journal->tend();
        if (!more) FAIL(more.error().detail);
        if (!*more) break;
        most = std::max(most, disk_bytes_in(folder.path()));
    }
    // Beside the WAL and the ballast nothing grew on the way.
    CHECK(most < before + 5'000'000);
    CHECK(disk_bytes_in(folder.path()) + kMirrorReserveBytes + 100'000 <= kMinQuotaBytes);
    CHECK(journal->facts()->can_shrink);
    CHECK((bytes_in(folder.path()) > kMinQuotaBytes) == !has_map);
    CHECK(journal->facts()->database_bytes <= journal->facts()->database_limit);
    CHECK(slices > 10);
    for (Seq next{1}; next <= journal->state().last;) {
        const auto slice = journal->read(epoch_id(1), {next, journal->state().last}, 200'000);
        REQUIRE(slice);
        REQUIRE(slice->records.front().seq <= next);
        next = slice->records.back().seq.next();
    }
    // It stays so: with upkeep, without, and opened again; the holes are not filled for good. The
    // whole stays within its bound at every write, also while the WAL is moved.
    std::optional<PeakWatch> watch{std::in_place, folder.path()};
    for (std::int64_t n = 450; n < 550; ++n) {
        if (n == 480) {
            journal.reset();
            options.quota_bytes = 1;
            options.set_aside_bytes = 100'000;
            journal = std::move(*Journal::open(options));
        }
        const auto stored =
            journal->append(journal->state().last.next(), {noise(random, 10 + n * 600)});
        if (!stored) FAIL(stored.error().detail << " at " << n);
        for (int slice = 0; n % 50 < 10 && slice < 20; ++slice) {
            const auto more = journal->tend();
            if (!more) FAIL(more.error().detail);
            if (!*more) break;
        }
        REQUIRE(disk_bytes_in(folder.path()) + kMirrorReserveBytes + 100'000 <= kMinQuotaBytes);
        const auto facts = journal->facts();
        // The database's part of it is exact after a move of the WAL; between two there is what was
        // freed since, and halves in use. The WAL leaves that room.
        REQUIRE(facts->database_bytes <= facts->database_limit + (256u << 10));
    }
    CHECK(PeakWatch::writes() > 500);
    CHECK(PeakWatch::most() >= disk_bytes_in(folder.path()));
    CHECK(PeakWatch::most() + kMirrorReserveBytes + 100'000 <= kMinQuotaBytes);
    watch.reset();
    {
        sql::Connection connection;
        journal.reset();
        REQUIRE(connection.open(options.path, {}));
        CHECK(connection.text("PRAGMA integrity_check").value() == "ok");
    }
    // And goes when there is more again.
    options.quota_bytes = 12u << 20;
    journal = std::move(*Journal::open(options));
    for (std::int64_t n = 550; n < 720; ++n) {
        REQUIRE(journal->append(journal->state().last.next(), {noise(random, 10 + n * 600)}));
    }
    CHECK(disk_bytes_in(folder.path()) > kMinQuotaBytes);
}

TEST_CASE("A consumer that was silent for 90 days of journal time stops pinning, and is said to",
          "[journal][quota]") {
    const TempFolder folder;
    JournalOptions options{.path = folder.file("journal.db")};
    options.pins = {"province", "mirror"};
    auto journal = std::move(*Journal::open(options));
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    REQUIRE(journal->tend());
    const auto wait = [&](std::int64_t hours) {
        for (; hours > 0; --hours) {
            const auto n = static_cast<std::int64_t>(journal->state().last.value);
            REQUIRE(journal->append(journal->state().last.next(), {minute(1, n * 3600, 0, 1)}));
        }
    };
    const auto is_pinning = [&](std::size_t pin) { return journal->facts()->pins[pin].is_pinning; };
    const auto receive = [&](std::uint64_t through) {
        Cursor cursor;
        cursor.consumer = "mirror";
        cursor.epoch = epoch_id(1);
        cursor.through = Seq{through};
        cursor.generation = 1;
        journal->stage(cursor);
        REQUIRE(journal->flush_cursors());
    };
    wait(89 * 24);
    CHECK(is_pinning(0));
    receive(50);
    wait(3 * 24);
    CHECK_FALSE(is_pinning(0));
    CHECK(is_pinning(1));
    const auto facts = journal->facts();
    REQUIRE(facts->pins[1].owed.size() == 1);
    CHECK(facts->pins[1].owed[0].range == SeqRange{Seq{51}, journal->state().last});
    journal.reset();
    journal = std::move(*Journal::open(options));
    CHECK_FALSE(is_pinning(0));
    CHECK(is_pinning(1));
    wait(90 * 24);
    CHECK_FALSE(is_pinning(1));
    receive(60);
    CHECK(is_pinning(1));
}

TEST_CASE("Protected events beyond their quarter are summarised, those of least value first",
          "[journal][quota]") {
    const TempFolder folder;
    JournalOptions options{.path = folder.file("journal.db"), .page_bytes = 1024};
    options.quota_bytes = 1;
    auto journal = std::move(*Journal::open(options));
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    std::uint64_t outages = 0;
    for (std::int64_t n = 0; n < 500; ++n) {
        std::vector<RecordBody> bodies;
        for (std::int64_t i = 0; i < 40; ++i) {
            bodies.emplace_back(anchor(1, 10 + n * 60 + i, 1'800'000'000 + n * 60 + i));
        }
        Outage outage;
        outage.id = ++outages;
        outage.last_good = at(1, 10 + n * 60);
        outage.first_bad = at(1, 11 + n * 60);
        outage.last_bad = at(1, 12 + n * 60);
        outage.first_good = at(1, 13 + n * 60);
        outage.evidence = std::string(300, 'x');
        bodies.emplace_back(to_event(outage, at(1, 14 + n * 60)));
        NoteFact note;
        note.kind = "other";
        note.text = std::string(480, 'n');
        bodies.emplace_back(to_event(note, at(1, 15 + n * 60)));
        bodies.emplace_back(nth_minute(1, n));
        const auto stored = journal->append(journal->state().last.next(), bodies);
        if (!stored) FAIL(stored.error().detail);
        if (n % 60 == 59) REQUIRE(journal->checkpoint());
        for (int slice = 0; slice < 400; ++slice) {
            const auto more = journal->tend();
            if (!more) FAIL(more.error().detail);
            if (!*more) break;
        }
        REQUIRE(bytes_in(folder.path()) <= kMinQuotaBytes);
    }
    const auto facts = journal->facts();
    CHECK(facts->protected_bytes <= facts->protected_limit + 200'000);
    std::uint64_t anchors = 0;
    for (const auto& loss : facts->losses) {
        CHECK(loss.reason != "quota_outage");
        if (loss.reason == "quota_anchor") anchors = loss.records;
    }
    CHECK(anchors > 1000);
    CHECK(journal->outages()->size() == outages);
    journal.reset();
    REQUIRE(Journal::open(options));
}
