#pragma once

namespace gerbang::province {

/// Version of the tables below, kept in `PRAGMA user_version`.
inline constexpr int kSchemaVersion = 4;
/// "GbPr": marks the file as a province store.
inline constexpr int kApplicationId = 0x47625072;

/// Tables, as SCHEMA.md describes them.
extern const char kTables[];
/// From the tables of version 1 to those of 2: an outage's link and confidence.
extern const char kUpgradeTo2[];
/// From version 2 to 3: ranges held in a reduced form.
extern const char kUpgradeTo3[];
/// From version 3 to 4: outages told as one; names of the events `storage` and `summary`.
extern const char kUpgradeTo4[];
/// Views for people; dropped and made again whenever the store is opened.
extern const char kViews[];

}  // namespace gerbang::province
