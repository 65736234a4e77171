#pragma once

// What must survive even a database beyond reading: a small file of two slots beside it, written in
// turn, so that a torn write leaves the other one. SCHEMA.md, "journal.mirror".

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "common/model/reading.hpp"
#include "common/model/receipt.hpp"
#include "common/model/record.hpp"

namespace gerbang {

/// An epoch as the mirror knows it.
struct MirroredEpoch {
    EpochId id;
    std::int64_t number = 0;  ///< in row ids of the database that was mirrored
    Seq last;
    bool is_open = false;
    bool operator==(const MirroredEpoch&) const = default;
};

/// A journal's identities and totals at one moment.
struct Mirror {
    std::int64_t schema = 1;            ///< `PRAGMA user_version` of the database
    std::vector<MirroredEpoch> epochs;  ///< oldest first
    std::vector<Series> series;         ///< counters of the open epoch, ascending by id
    std::vector<Reading> totals;        ///< their newest values, ascending by id
    std::uint32_t last_boot_no = 0;
    BootId last_boot;
    std::uint64_t last_outage_id = 0;
    Millis elapsed{};  ///< `JournalState::elapsed`
    std::vector<Cursor> cursors;
    std::map<std::string, std::string> notes;

    bool operator==(const Mirror&) const = default;
    [[nodiscard]] const MirroredEpoch* find(const EpochId& id) const noexcept;
};

/// Largest content of a slot. What does not fit is left out: notes first, then the cursors of the
/// oldest epochs, then the oldest epochs.
inline constexpr std::size_t kMaxMirrorBytes = 255u << 10;

[[nodiscard]] std::string encode_mirror(const Mirror& mirror);
/// `bad_input` for anything that `encode_mirror` would not have given.
[[nodiscard]] Result<Mirror> decode_mirror(std::string_view bytes);

/// The file. One thread; each call opens and closes it, so nothing is held while the medium dies.
class MirrorFile {
public:
    /// A slot's place is a multiple of this: header and content.
    static constexpr std::uint64_t kSlotBytes = 256u << 10;

    /// `path` of the file itself; `vfs` as for the database.
    MirrorFile(std::string path, std::string vfs) : path_{std::move(path)}, vfs_{std::move(vfs)} {}

    /// The newest whole slot; nothing when there is none (or no file).
    [[nodiscard]] Result<std::optional<Mirror>> read();
    /// Writes `mirror` into the slot that does not hold the newest, and makes it durable. Does
    /// nothing when the newest says the same.
    [[nodiscard]] Result<void> write(const Mirror& mirror);

private:
    struct Slot {
        std::uint64_t generation = 0;
        std::string content;
    };
    [[nodiscard]] Result<std::optional<Slot>> read_slot(std::uint64_t index) const;
    [[nodiscard]] Result<std::optional<Slot>> newest() const;

    std::string path_;
    std::string vfs_;
};

/// Names of the files beside the database at `path` (".../journal.db").
[[nodiscard]] std::string mirror_path(const std::string& path);     ///< ".../journal.mirror"
[[nodiscard]] std::string set_aside_path(const std::string& path);  ///< ".../journal.damaged"

}  // namespace gerbang
