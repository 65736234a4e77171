#pragma once

// A thin layer over SQLite's C interface: handles that close themselves, errors as `Error`.
// Nothing here knows the journal's tables.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace gerbang::sql {

/// Translates the result code `rc` of `operation` on `connection` (may be null) into a reaction.
///
/// FULL: `storage_full`. BUSY, LOCKED, NOMEM: `overloaded`, another process holds the file or
/// memory is short; try again. Everything else (IOERR, CORRUPT, NOTADB, CANTOPEN, READONLY ...):
/// `storage_broken`. The detail names the operation, the file, SQLite's text and its extended code,
/// and says "Read-only file system" where that is why the system refused.
[[nodiscard]] Error to_error(int rc, sqlite3* connection, std::string_view operation);

class Connection;

/// A prepared statement, kept for the life of its connection. Bind, step until `false`; the next
/// `start` resets it. Texts and blobs given to `bind` must live until the next `start`; those
/// returned live until the next `step` or `start`.
class Statement {
public:
    Statement() = default;

    /// Resets the statement and forgets its parameters.
    Statement& start();
    Statement& bind(int parameter, std::int64_t value);
    Statement& bind_text(int parameter, std::string_view value);
    Statement& bind_blob(int parameter, std::string_view value);
    Statement& bind_null(int parameter);
    /// True: a row is there. False: done.
    [[nodiscard]] Result<bool> step();
    /// Steps to the end, ignoring rows, and resets.
    [[nodiscard]] Result<void> run();

    [[nodiscard]] std::int64_t number(int column) const;
    [[nodiscard]] std::string_view bytes(int column) const;
    [[nodiscard]] bool is_null(int column) const;

private:
    friend class Connection;
    struct Finalizer {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    Connection* connection_ = nullptr;
    std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

/// Resets a statement at the end of a scope, so that no read stays open behind a return.
class Resetting {
public:
    explicit Resetting(Statement& statement) : statement_{&statement} {}
    ~Resetting() { statement_->start(); }
    Resetting(const Resetting&) = delete;
    Resetting& operator=(const Resetting&) = delete;

private:
    Statement* statement_;
};

/// One database file, opened read-write (created if absent) for one thread.
class Connection {
public:
    Connection() = default;
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// `vfs` empty: the default. No checkpoint happens at close; the WAL is kept. `storage_broken`
    /// also where the file can be opened for reading only.
    [[nodiscard]] Result<void> open(const std::string& path, const std::string& vfs);
    [[nodiscard]] Result<Statement> prepare(std::string_view sql);
    /// Runs one or more statements without results.
    [[nodiscard]] Result<void> run(const char* sql);
    /// First column of the first row; nothing when there is no row.
    [[nodiscard]] Result<std::optional<std::int64_t>> number(std::string_view sql);
    [[nodiscard]] Result<std::string> text(std::string_view sql);

    /// Moves the WAL's content into the database file; the WAL is then overwritten from its start.
    [[nodiscard]] Result<void> checkpoint();
    /// Whether the last `checkpoint` moved everything: the file alone says what the database holds.
    [[nodiscard]] bool is_wal_moved() const noexcept { return is_wal_moved_; }
    /// Frames in the WAL after the last commit of this connection.
    [[nodiscard]] int wal_frames() const noexcept { return wal_frames_; }
    /// Sizes of the database file and of its WAL; 0 for what cannot be asked.
    [[nodiscard]] std::uint64_t file_bytes() const;
    /// Of these, the WAL's.
    [[nodiscard]] std::uint64_t wal_bytes() const;
    /// Bytes handed to write calls since `open`. With a VFS of one's own: the pages written to the
    /// WAL, without checkpoints.
    [[nodiscard]] std::uint64_t written_bytes() const;
    [[nodiscard]] bool is_in_transaction() const noexcept;
    /// Makes the entries of the database's folder durable.
    [[nodiscard]] Result<void> sync_directory();

    [[nodiscard]] Error error(int rc, std::string_view operation) const;
    /// Whether any failure so far came from the medium or the system rather than from what the file
    /// holds: an I/O error, no permission, another process.
    [[nodiscard]] bool has_io_failed() const noexcept { return has_io_failed_; }
    [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }

private:
    sqlite3* handle_ = nullptr;
    std::string path_;
    bool is_counted_ = false;
    std::uint64_t written_at_open_ = 0;
    int wal_frames_ = 0;
    bool is_wal_moved_ = false;
    mutable bool has_io_failed_ = false;
};

/// A write transaction that is undone unless `commit` succeeded.
class Transaction {
public:
    explicit Transaction(Connection& connection) : connection_{&connection} {}
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    [[nodiscard]] Result<void> begin();
    [[nodiscard]] Result<void> commit();

private:
    Connection* connection_;
};

/// The code that a test's VFS understands as "sync the folder of this file" in `xFileControl`.
/// The system's VFS does not know it; then the folder is opened and synced by hand.
inline constexpr int kSyncDirectoryControl = 0x67620001;

/// Name of a VFS that is the system's default one and counts the bytes given to its write calls.
/// Registered on first use. Thread-safe.
[[nodiscard]] const char* counting_vfs();
/// Bytes that this process handed to write calls of the counting VFS so far.
[[nodiscard]] std::uint64_t bytes_written() noexcept;

}  // namespace gerbang::sql
