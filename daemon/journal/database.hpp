#pragma once

#include <cstdint>
#include <string>

#include "common/core/result.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang::sql {

/// "GRBG": marks the file as ours (`PRAGMA application_id`).
inline constexpr std::int64_t kApplicationId = 0x47524247;
/// Version of the tables in SCHEMA.md (`PRAGMA user_version`).
inline constexpr std::int64_t kSchemaVersion = 2;
/// Bytes at which the WAL is moved into the database.
inline constexpr std::uint64_t kWalBytes = 1u << 20;

/// Opens `connection` on the journal at `path` with the product's settings, creates the tables in a
/// new file, and brings those of an older schema up to date, each version's step in a transaction.
///
/// `page_bytes` 0: the block size of the file system, at most 2 KiB. Errors as `to_error`; besides,
/// `bad_input` for a file of another program or of a newer schema, which is left as it is.
[[nodiscard]] Result<void> open_database(Connection& connection, const std::string& path,
                                         const std::string& vfs, std::uint32_t page_bytes);

}  // namespace gerbang::sql
