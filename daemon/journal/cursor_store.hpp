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

    /// `elapsed_s`: journal time now. It is kept when the consumer said something new.
    void stage(const Cursor& cursor, std::int64_t elapsed_s);
    /// False, and nothing changes, when a stated bound would be broken.
    bool stage_note(const std::string& key, const std::string& value);
    [[nodiscard]] bool has_staged() const noexcept {
        return !staged_.empty() || !staged_notes_.empty();
    }
    [[nodiscard]] Result<void> write();
    void written();

    /// Stored cursors with the staged ones in their place, by consumer and epoch.
    [[nodiscard]] Result<std::vector<Cursor>> cursors();
    /// Journal time in seconds when `consumer` last said something new; nothing: never.
    [[nodiscard]] std::optional<std::int64_t> heard_s(const std::string& consumer) const;
    [[nodiscard]] std::optional<std::string> note(const std::string& key) const;
    [[nodiscard]] const std::map<std::string, std::string>& notes() const noexcept {
        return notes_;
    }

private:
    using Key = std::pair<std::string, EpochId>;
    /// What a consumer said last of an epoch, and when.
    struct Heard {
        Seq through;
        RangeSet held;
        StoreId store;
        std::uint64_t generation = 0;
        std::size_t parked = 0;
        std::int64_t elapsed_s = 0;
    };
    [[nodiscard]] Result<void> write_one(const Cursor& cursor);
    [[nodiscard]] Result<void> read_heard(sql::Connection& connection);

    std::map<Key, Cursor> staged_;
    std::map<Key, Heard> heard_;                ///< of every cursor
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
