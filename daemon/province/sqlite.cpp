#include "daemon/province/sqlite.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace gerbang::province {
namespace {

Errc reaction_to(int code) noexcept {
    switch (code & 0xff) {
        case SQLITE_FULL:
            return Errc::storage_full;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Errc::overloaded;
        default:
            return Errc::storage_broken;
    }
}

}  // namespace

Rows::Rows(Rows&& other) noexcept
    : database_{other.database_},
      statement_{std::exchange(other.statement_, nullptr)},
      in_use_{other.in_use_} {}

Rows::~Rows() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    *in_use_ = false;
}

bool Rows::next() {
    if (statement_ == nullptr || database_->failure_) return false;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) database_->fail(code, sqlite3_sql(statement_));
    return false;
}

std::int64_t Rows::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::optional<std::int64_t> Rows::integer_or_null(int column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::string Rows::text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

double Rows::real(int column) const {
    return sqlite3_column_double(statement_, column);
}

bool Rows::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const std::string& vfs) {
    sqlite3* connection = nullptr;
    const int code = sqlite3_open_v2(
        path.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
        vfs.empty() ? nullptr : vfs.c_str());
    std::unique_ptr<Database> database{new Database{connection}};
    if (code != SQLITE_OK) {
        return Error{reaction_to(code), "open " + path + ": " + sqlite3_errstr(code)};
    }
    sqlite3_extended_result_codes(connection, 1);
    return database;
}

Database::~Database() {
    for (auto& [sql, prepared] : prepared_) sqlite3_finalize(prepared.statement);
    sqlite3_close(connection_);
}

void Database::begin() {
    failure_.reset();
    script("BEGIN IMMEDIATE");
    in_transaction_ = !failure_;
}

Result<void> Database::commit() {
    if (in_transaction_) script("COMMIT");
    if (!failure_) {
        in_transaction_ = false;
        return ok();
    }
    rollback();
    return *failure_;
}

void Database::rollback() {
    // Some failures have already rolled back; then this statement fails, and that is right.
    if (in_transaction_) sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
    in_transaction_ = false;
}

int Database::run(std::string_view sql, std::initializer_list<SqlValue> values) {
    auto rows = query(sql, values);
    while (rows.next()) {
    }
    return failure_ ? 0 : sqlite3_changes(connection_);
}

void Database::script(const char* sql) {
    if (failure_) return;
    const int code = sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code, std::string_view{sql}.substr(0, 60));
}

Rows Database::query(std::string_view sql, std::initializer_list<SqlValue> values) {
    auto* prepared = failure_ ? nullptr : prepare(sql);
    if (prepared == nullptr) return {*this, nullptr, nullptr};
    GERBANG_CHECK(!prepared->in_use);
    prepared->in_use = true;
    bind(prepared->statement, values);
    return {*this, prepared->statement, &prepared->in_use};
}

std::optional<std::int64_t> Database::number(std::string_view sql,
                                             std::initializer_list<SqlValue> values) {
    auto rows = query(sql, values);
    if (!rows.next()) return std::nullopt;
    return rows.integer_or_null(0);
}

std::int64_t Database::last_row_id() const {
    return sqlite3_last_insert_rowid(connection_);
}

Database::Prepared* Database::prepare(std::string_view sql) {
    if (const auto found = prepared_.find(sql); found != prepared_.end()) return &found->second;
    Prepared prepared;
    const int code = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared.statement, nullptr);
    if (code != SQLITE_OK) {
        fail(code, sql);
        return nullptr;
    }
    return &prepared_.emplace(std::string{sql}, prepared).first->second;
}

void Database::bind(sqlite3_stmt* statement, std::initializer_list<SqlValue> values) {
    int index = 0;
    for (const auto& value : values) {
        ++index;
        int code = SQLITE_OK;
        if (const auto* number = std::get_if<std::int64_t>(&value)) {
            code = sqlite3_bind_int64(statement, index, *number);
        } else if (const auto* text = std::get_if<std::string_view>(&value)) {
            // A null pointer would bind NULL; empty text is not NULL.
            code = sqlite3_bind_text64(statement, index, text->empty() ? "" : text->data(),
                                       text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
        } else if (const auto* blob = std::get_if<Blob>(&value)) {
            code =
                sqlite3_bind_blob64(statement, index, blob->bytes.empty() ? "" : blob->bytes.data(),
                                    blob->bytes.size(), SQLITE_TRANSIENT);
        } else {
            code = sqlite3_bind_null(statement, index);
        }
        if (code != SQLITE_OK) fail(code, sqlite3_sql(statement));
    }
    GERBANG_CHECK(index == sqlite3_bind_parameter_count(statement));
}

void Database::fail(int code, std::string_view what) {
    if (failure_) return;
    failure_ = Error{reaction_to(code), std::string{sqlite3_errmsg(connection_)} + " (" +
                                            std::to_string(code) + ") in: " + std::string{what}};
}

Result<std::unique_ptr<DatabaseCopy>> DatabaseCopy::begin(Database& source,
                                                          const std::string& path) {
    // Made by us alone and readable by us alone: it holds what the store holds.
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (file < 0) {
        return Error{Errc::bad_input, "copy to " + path + ": " + std::strerror(errno)};
    }
    ::close(file);
    std::unique_ptr<DatabaseCopy> copy{new DatabaseCopy{path}};
    const int code = sqlite3_open_v2(path.c_str(), &copy->target_, SQLITE_OPEN_READWRITE, nullptr);
    if (code == SQLITE_OK) {
        copy->backup_ = sqlite3_backup_init(copy->target_, "main", source.handle(), "main");
    }
    if (copy->backup_ == nullptr) {
        return Error{reaction_to(code), "copy to " + path + ": " + sqlite3_errmsg(copy->target_)};
    }
    return copy;
}

DatabaseCopy::~DatabaseCopy() {
    close();
    if (!is_complete_) ::unlink(path_.c_str());
}

Result<bool> DatabaseCopy::step(int pages) {
    int code = sqlite3_backup_step(backup_, pages);
    if (code == SQLITE_OK) return false;
    if (code == SQLITE_DONE) {
        sqlite3_backup_finish(std::exchange(backup_, nullptr));
        // A copy is one plain file that can be carried away and opened read-only.
        code = sqlite3_exec(target_, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
    }
    if (code != SQLITE_OK) {
        return Error{reaction_to(code), "copy to " + path_ + ": " + sqlite3_errstr(code)};
    }
    is_complete_ = true;
    close();
    return true;
}

void DatabaseCopy::close() {
    if (backup_ != nullptr) sqlite3_backup_finish(std::exchange(backup_, nullptr));
    sqlite3_close(std::exchange(target_, nullptr));
}

}  // namespace gerbang::province
