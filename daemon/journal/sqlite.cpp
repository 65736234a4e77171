#include "daemon/journal/sqlite.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang::sql {
namespace {

std::atomic<std::uint64_t> g_bytes_written{0};
/// The system's VFS has a table of functions per locking style; database and WAL have different
/// ones.
struct MethodTable {
    const sqlite3_io_methods* system = nullptr;
    sqlite3_io_methods counting{};
};
std::array<MethodTable, 4> g_tables;
std::mutex g_tables_mutex;
/// All of the system's tables have the same function for writing.
std::atomic<decltype(sqlite3_io_methods::xWrite)> g_system_write{nullptr};
sqlite3_vfs g_counting_vfs;
sqlite3_vfs* g_system_vfs = nullptr;

int counted_write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    g_bytes_written.fetch_add(static_cast<std::uint64_t>(size), std::memory_order_relaxed);
    return g_system_write.load()(file, bytes, size, offset);
}

/// The table that counts in place of `system`; `system` itself where that is not possible.
const sqlite3_io_methods* counting_table(const sqlite3_io_methods* system) {
    const std::lock_guard lock{g_tables_mutex};
    if (g_system_write == nullptr) g_system_write = system->xWrite;
    if (system->xWrite != g_system_write) return system;
    for (auto& table : g_tables) {
        if (table.system == nullptr) {
            table.counting = *system;
            table.counting.xWrite = counted_write;
            table.system = system;
        }
        if (table.system == system) return &table.counting;
    }
    return system;
}

/// Files are the system's own objects; only the table of their functions is exchanged.
int counting_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    const int rc = g_system_vfs->xOpen(g_system_vfs, name, file, flags, out_flags);
    if (rc == SQLITE_OK && file->pMethods != nullptr) {
        file->pMethods = counting_table(file->pMethods);
    }
    return rc;
}

const char* register_counting_vfs() {
    g_system_vfs = sqlite3_vfs_find(nullptr);
    if (g_system_vfs == nullptr) return nullptr;
    g_counting_vfs = *g_system_vfs;
    g_counting_vfs.zName = "gerbang-counting";
    g_counting_vfs.pNext = nullptr;
    g_counting_vfs.xOpen = counting_open;
    return sqlite3_vfs_register(&g_counting_vfs, 0) == SQLITE_OK ? g_counting_vfs.zName : nullptr;
}

Errc reaction_to(int rc) {
    switch (rc & 0xff) {
        case SQLITE_FULL:
            return Errc::storage_full;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_NOMEM:
            return Errc::overloaded;
        default:
            return Errc::storage_broken;
    }
}

/// Whether the system refused a call with EROFS. What the connection remembers does not cover a
/// failed COMMIT; what its files do, does.
bool is_refused_as_read_only(sqlite3* connection) {
    if (sqlite3_system_errno(connection) == EROFS) return true;
    for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
        sqlite3_file* file = nullptr;
        if (sqlite3_file_control(connection, "main", which, &file) != SQLITE_OK) continue;
        if (file == nullptr || file->pMethods == nullptr) continue;
        int reason = 0;
        const int rc = file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &reason);
        if (rc == SQLITE_OK && reason == EROFS) return true;
    }
    return false;
}

int remember_frames(void* frames, sqlite3*, const char*, int count) {
    *static_cast<int*>(frames) = count;
    return SQLITE_OK;
}

}  // namespace

const char* counting_vfs() {
    static const char* const name = register_counting_vfs();
    return name;
}

std::uint64_t bytes_written() noexcept {
    return g_bytes_written.load(std::memory_order_relaxed);
}

Error to_error(int rc, sqlite3* connection, std::string_view operation) {
    std::string detail{operation};
    detail += ": ";
    // The connection's text belongs to its newest failure; use it only if that is this one.
    const bool is_newest = connection != nullptr && sqlite3_extended_errcode(connection) == rc;
    detail += is_newest ? sqlite3_errmsg(connection) : sqlite3_errstr(rc);
    detail += " (SQLite " + std::to_string(rc) + ")";
    // SQLite has no code of its own for a file system that took itself out of writing.
    if (is_newest && (rc & 0xff) == SQLITE_IOERR && is_refused_as_read_only(connection)) {
        detail += std::string{": "} + std::strerror(EROFS);
    }
    if ((rc & 0xff) == SQLITE_BUSY) detail += "; another process uses the database";
    return Error{reaction_to(rc), std::move(detail)};
}

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Statement& Statement::start() {
    if (statement_ != nullptr) {
        sqlite3_reset(statement_.get());
        sqlite3_clear_bindings(statement_.get());
    }
    return *this;
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    GERBANG_CHECK(sqlite3_bind_int64(statement_.get(), parameter, value) == SQLITE_OK);
    return *this;
}

Statement& Statement::bind_text(int parameter, std::string_view value) {
    GERBANG_CHECK(sqlite3_bind_text64(statement_.get(), parameter,
                                      value.data() == nullptr ? "" : value.data(), value.size(),
                                      SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
    return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view value) {
    GERBANG_CHECK(sqlite3_bind_blob64(statement_.get(), parameter,
                                      value.data() == nullptr ? "" : value.data(), value.size(),
                                      SQLITE_STATIC) == SQLITE_OK);
    return *this;
}

Statement& Statement::bind_null(int parameter) {
    GERBANG_CHECK(sqlite3_bind_null(statement_.get(), parameter) == SQLITE_OK);
    return *this;
}

Result<bool> Statement::step() {
    const int rc = sqlite3_step(statement_.get());
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    auto error = connection_->error(rc, sqlite3_sql(statement_.get()));
    sqlite3_reset(statement_.get());
    return error;
}

Result<void> Statement::run() {
    for (;;) {
        const auto row = step();
        if (!row) return row.error();
        if (!*row) break;
    }
    sqlite3_reset(statement_.get());
    return ok();
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::bytes(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    const auto size = sqlite3_column_bytes(statement_.get(), column);
    return data == nullptr ? std::string_view{}
                           : std::string_view{data, static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Connection::~Connection() {
    // Statements of this connection may outlive it by a moment; close_v2 waits for them.
    sqlite3_close_v2(handle_);
}

Error Connection::error(int rc, std::string_view operation) const {
    switch (rc & 0xff) {
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_PROTOCOL:
        case SQLITE_MISUSE:
        case SQLITE_INTERRUPT:
            has_io_failed_ = true;
            break;
        default:
            break;
    }
    auto error = to_error(rc, handle_, operation);
    error.detail = path_ + ": " + error.detail;
    return error;
}

/// The journal holds the customer number and when people use the internet: it is closed to users
/// outside our group, whatever the umask. SQLite gives its other files the same rights. Failing is
/// left to SQLite, which says why. Nothing is opened that exists: closing it again would drop the
/// locks of another connection of this process.
void close_to_others(const std::string& path) {
    if (path.empty() || path.front() == ':') return;
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0) {
        constexpr mode_t kOthers = S_IRWXO;
        if ((about.st_mode & kOthers) == 0) return;
        [[maybe_unused]] const int done = ::chmod(path.c_str(), about.st_mode & 07777 & ~kOthers);
        return;
    }
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd >= 0) ::close(fd);
}

Result<void> Connection::open(const std::string& path, const std::string& vfs) {
    if (vfs.empty()) close_to_others(path);
    path_ = path;
    is_counted_ = vfs.empty();
    written_at_open_ = bytes_written();
    const char* name = vfs.empty() ? counting_vfs() : vfs.c_str();
    const int rc = sqlite3_open_v2(
        path.c_str(), &handle_,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
        name);
    if (rc != SQLITE_OK) return error(rc, "open");
    // Where it may not write, SQLite opens for reading. That is no journal, and why it may not (a
    // file of another user, a file system that takes no writes) has different remedies.
    if (sqlite3_db_readonly(handle_, "main") == 1) {
        has_io_failed_ = true;
        const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        const char* reason = fd < 0 ? std::strerror(errno) : "it was refused a moment ago";
        if (fd >= 0) ::close(fd);
        return Error{Errc::storage_broken, path + ": open for writing: " + reason};
    }
    // A clean stop costs no checkpoint, and the file keeps its place on the flash.
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    // The file may be damaged or hostile: nothing in its schema may run or reach further.
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, 8 << 20);
    // Replaces SQLite's own checkpoint after 1,000 pages, which hides its failures.
    sqlite3_wal_hook(handle_, remember_frames, &wal_frames_);
    return ok();
}

Result<Statement> Connection::prepare(std::string_view sql) {
    sqlite3_stmt* raw = nullptr;
    const int rc = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (rc != SQLITE_OK) return error(rc, "prepare " + std::string{sql});
    Statement statement;
    statement.connection_ = this;
    statement.statement_.reset(raw);
    return statement;
}

Result<void> Connection::run(const char* sql) {
    const int rc = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return error(rc, sql);
    return ok();
}

Result<std::optional<std::int64_t>> Connection::number(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.error();
    const auto row = statement->step();
    if (!row) return row.error();
    if (!*row) return std::optional<std::int64_t>{};
    return std::optional{statement->number(0)};
}

Result<std::string> Connection::text(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.error();
    const auto row = statement->step();
    if (!row) return row.error();
    return *row ? std::string{statement->bytes(0)} : std::string{};
}

Result<void> Connection::checkpoint() {
    int frames = 0;
    int moved = 0;
    is_wal_moved_ = false;
    const int rc =
        sqlite3_wal_checkpoint_v2(handle_, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
    if (rc != SQLITE_OK) return error(rc, "checkpoint of the WAL");
    is_wal_moved_ = frames == moved;
    wal_frames_ = 0;
    return ok();
}

/// Size of one of the connection's files, 0 when it cannot be asked.
std::uint64_t file_size(sqlite3* handle, int which) {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(handle, "main", which, &file) != SQLITE_OK) return 0;
    if (file == nullptr || file->pMethods == nullptr) return 0;
    sqlite3_int64 size = 0;
    if (file->pMethods->xFileSize(file, &size) != SQLITE_OK || size < 0) return 0;
    return static_cast<std::uint64_t>(size);
}

std::uint64_t Connection::wal_bytes() const {
    return file_size(handle_, SQLITE_FCNTL_JOURNAL_POINTER);
}

std::uint64_t Connection::file_bytes() const {
    return file_size(handle_, SQLITE_FCNTL_FILE_POINTER) + wal_bytes();
}

std::uint64_t Connection::written_bytes() const {
    if (is_counted_) return bytes_written() - written_at_open_;
    int pages = 0;
    int unused = 0;
    sqlite3_db_status(handle_, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &unused, 0);
    constexpr std::uint64_t kPage = 4096;
    return static_cast<std::uint64_t>(pages) * kPage;
}

bool Connection::is_in_transaction() const noexcept {
    return sqlite3_get_autocommit(handle_) == 0;
}

Result<void> Connection::sync_directory() {
    const int rc = sqlite3_file_control(handle_, "main", kSyncDirectoryControl, nullptr);
    if (rc == SQLITE_OK) return ok();
    if (rc != SQLITE_NOTFOUND) return error(rc, "sync of the folder");
    auto folder = std::filesystem::path{path_}.parent_path();
    if (folder.empty()) folder = ".";
    const auto failure = [&folder] {
        return Error{Errc::storage_broken,
                     "sync of the folder " + folder.string() + ": " + std::strerror(errno)};
    };
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failure();
    Result<void> synced;
    if (::fsync(fd) != 0) synced = failure();
    ::close(fd);
    return synced;
}

Transaction::~Transaction() {
    if (connection_->is_in_transaction()) (void)connection_->run("ROLLBACK");
}

Result<void> Transaction::begin() {
    return connection_->run("BEGIN IMMEDIATE");
}

Result<void> Transaction::commit() {
    return connection_->run("COMMIT");
}

}  // namespace gerbang::sql
