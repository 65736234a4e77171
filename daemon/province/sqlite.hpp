#pragma once

// A thin layer over SQLite for the province's store: one connection, one thread at a time.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_backup;

namespace gerbang::province {

/// Bytes to be bound as BLOB instead of TEXT.
struct Blob {
    std::string_view bytes;
};

/// One bound parameter. The bytes behind a view must live until the statement has run.
using SqlValue = std::variant<std::monostate, std::int64_t, std::string_view, Blob>;

[[nodiscard]] inline SqlValue sql_value(std::optional<std::int64_t> number) {
    if (!number) return std::monostate{};
    return *number;
}

class Database;

/// The rows of one running SELECT. Move-only; the statement is reset when it is destroyed.
class Rows {
public:
    Rows(Rows&& other) noexcept;
    Rows& operator=(Rows&&) = delete;
    ~Rows();

    /// False at the end and after any failure of the transaction (see `Database`).
    [[nodiscard]] bool next();
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::optional<std::int64_t> integer_or_null(int column) const;
    /// Text or blob bytes; empty for NULL.
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] bool is_null(int column) const;

private:
    friend class Database;
    Rows(Database& database, sqlite3_stmt* statement, bool* in_use)
        : database_{&database}, statement_{statement}, in_use_{in_use} {}
    Database* database_;
    sqlite3_stmt* statement_;
    bool* in_use_;
};

/// One connection. Errors are sticky within a transaction: after the first failed statement all
/// later ones do nothing, and `commit` rolls back and returns that first error. So a transaction
/// reads as a straight list of statements and still cannot half happen.
///
/// Error codes: `storage_full` (disk or page limit), `overloaded` (locked by another process),
/// `storage_broken` (everything else). Statements are prepared once and kept.
class Database {
public:
    /// Opens or creates `path`. `vfs` empty: SQLite's default.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& path,
                                                                const std::string& vfs);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Starts a write transaction and forgets earlier errors.
    void begin();
    /// Commits, or rolls back when something failed, and returns the first failure.
    [[nodiscard]] Result<void> commit();
    void rollback();
    /// The first failure since `begin`, if any.
    [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }
    void clear_failure() noexcept { failure_.reset(); }

    /// Runs one statement whose rows nobody wants. Returns the number of rows changed.
    int run(std::string_view sql, std::initializer_list<SqlValue> values = {});
    /// Runs several statements without parameters.
    void script(const char* sql);
    [[nodiscard]] Rows query(std::string_view sql, std::initializer_list<SqlValue> values = {});
    /// First column of the first row, if there is one and it is not NULL.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view sql,
                                                     std::initializer_list<SqlValue> values = {});
    [[nodiscard]] std::int64_t last_row_id() const;

    [[nodiscard]] sqlite3* handle() const noexcept { return connection_; }

private:
    friend class Rows;
    struct Prepared {
        sqlite3_stmt* statement = nullptr;
        bool in_use = false;
    };
    explicit Database(sqlite3* connection) : connection_{connection} {}
    Prepared* prepare(std::string_view sql);
    void bind(sqlite3_stmt* statement, std::initializer_list<SqlValue> values);
    void fail(int code, std::string_view what);

    sqlite3* connection_;
    std::map<std::string, Prepared, std::less<>> prepared_;
    std::optional<Error> failure_;
    bool in_transaction_ = false;
};

/// A copy of an open database into a new file, taken a few pages at a time between other work on
/// the same connection; what is written meanwhile is in the copy too. Every call, destruction
/// included, belongs to the thread that uses `source`, which must live longer.
class DatabaseCopy {
public:
    /// `bad_input` when something is at `path` already or it cannot be made.
    [[nodiscard]] static Result<std::unique_ptr<DatabaseCopy>> begin(Database& source,
                                                                     const std::string& path);
    /// An unfinished copy is removed.
    ~DatabaseCopy();
    DatabaseCopy(const DatabaseCopy&) = delete;
    DatabaseCopy& operator=(const DatabaseCopy&) = delete;

    /// Copies up to `pages` pages. True once the copy is complete, durable and closed.
    [[nodiscard]] Result<bool> step(int pages);

private:
    explicit DatabaseCopy(std::string path) : path_{std::move(path)} {}
    void close();

    std::string path_;
    sqlite3* target_ = nullptr;
    sqlite3_backup* backup_ = nullptr;
    bool is_complete_ = false;
};

}  // namespace gerbang::province
