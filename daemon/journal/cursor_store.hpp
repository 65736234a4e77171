#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/receipt.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang {

/// The tables `cursor`, `parked` and `note`. What is staged lives in memory until `write` puts it
/// into the caller's transaction and `written` confirms that this was committed.
class CursorStore {
public:
    static constexpr std::size_t kMaxNotes = 64;
    static constexpr std::size_t kMaxKeyBytes = 64;
    static constexpr std::size_t kMaxNoteBytes = 1024;
    /// Staged cursors: consumers times epochs; a further one replaces the oldest of its kind.
    static constexpr std::size_t kMaxStaged = 256;

    /// Reads the notes; there are few.
    [[nodiscard]] Result<void> prepare(sql::Connection& connection);

    void stage(const Cursor& cursor);
    /// False, and nothing changes, when a stated bound would be broken.
    bool stage_note(const std::string& key, const std::string& value);
    [[nodiscard]] bool has_staged() const noexcept {
        return !staged_.empty() || !staged_notes_.empty();
    }
    [[nodiscard]] Result<void> write();
    void written();

    /// Stored cursors with the staged ones in their place, by consumer and epoch.
    [[nodiscard]] Result<std::vector<Cursor>> cursors();
    [[nodiscard]] std::optional<std::string> note(const std::string& key) const;

private:
    using Key = std::pair<std::string, EpochId>;
    [[nodiscard]] Result<void> write_one(const Cursor& cursor);

    std::map<Key, Cursor> staged_;
    std::map<std::string, std::string> notes_;  ///< stored and staged
    std::map<std::string, std::string> staged_notes_;
    sql::Statement put_;
    sql::Statement list_;
    sql::Statement drop_parked_;
    sql::Statement put_parked_;
    sql::Statement list_parked_;
    sql::Statement put_note_;
};

}  // namespace gerbang
