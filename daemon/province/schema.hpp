#pragma once

namespace gerbang::province {

/// Version of the tables below, kept in `PRAGMA user_version`.
inline constexpr int kSchemaVersion = 1;
/// "GbPr": marks the file as a province store.
inline constexpr int kApplicationId = 0x47625072;

/// Tables, as SCHEMA.md describes them.
extern const char kTables[];
/// Views for people; dropped and made again whenever the store is opened.
extern const char kViews[];

}  // namespace gerbang::province
