#pragma once

// An SQLite database file read page by page, without SQLite: what a damaged file still holds can be
// found whatever happened to its schema, its interior pages or its write-ahead log. Every byte is
// untrusted; nothing here allocates or loops by a number that was not bounded first.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"
#include "daemon/journal/side_file.hpp"

namespace gerbang::sql {

/// A row of a table's leaf page. Views the page that it was found in.
struct LeafCell {
    std::int64_t rowid = 0;
    std::string_view local;           ///< the payload, or its beginning
    std::uint64_t payload_bytes = 0;  ///< of the whole payload
    std::uint32_t overflow = 0;       ///< page that goes on; 0: `local` is all
};

/// Rows of `page` if it is a leaf of a table, in the order of its cell pointers; cells that do not
/// lie in it are left out. `header_at` is 100 for page 1, else 0.
[[nodiscard]] std::vector<LeafCell> leaf_cells(std::string_view page, std::size_t header_at);

/// Payloads of the rows of `page` if it belongs to an index or a table without row ids; those that
/// go on in other pages as far as they lie in this one.
[[nodiscard]] std::vector<std::string_view> index_payloads(std::string_view page,
                                                           std::size_t header_at);
/// Children of an interior page, in order; empty for any other page.
[[nodiscard]] std::vector<std::uint32_t> children(std::string_view page, std::size_t header_at);

/// One column of a row.
struct Value {
    enum class Type { null, integer, real, blob, text };
    Type type = Type::null;
    std::int64_t number = 0;
    std::uint64_t bytes = 0;  ///< of a blob or text, whole
    std::string_view view;    ///< of a blob or text: as much of it as `payload` held
};
/// Columns of a row from its payload or the beginning of it; at most 16. Nothing when it is no row.
[[nodiscard]] std::optional<std::vector<Value>> row_values(std::string_view payload);

/// What the write-ahead log of a file looks like, besides the commits that SQLite would take.
struct LogCondition {
    /// Commits after the place where SQLite stops reading, which belong to the same run of the log
    /// and are whole by their own checksums. One may be a commit that a power cut interrupted; two
    /// cannot be: each is synced before the next begins. None where the database holds all that
    /// they wrote: a log that was moved into it and torn when the next run began.
    std::uint32_t stranded_commits = 0;
};

/// A database file with the write-ahead log beside it. One thread.
class PageFile {
public:
    /// Larger files are read as far as this.
    static constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;
    static constexpr std::size_t kMaxPayload = 8u << 20;
    static constexpr std::uint32_t kMaxLogFrames = 1u << 16;

    /// `not_found` when there is neither file nor log; files of any content can be opened.
    [[nodiscard]] static Result<PageFile> open(const std::string& path, const std::string& log_path,
                                               const std::string& vfs);

    [[nodiscard]] std::uint32_t page_bytes() const noexcept { return page_bytes_; }
    /// Pages of the file, numbered from 1.
    [[nodiscard]] std::uint32_t page_count() const noexcept { return page_count_; }
    /// Pages that only a part of the log holds which SQLite would not take; numbered from 0.
    [[nodiscard]] std::uint32_t loose_count() const noexcept {
        return static_cast<std::uint32_t>(loose_.size());
    }
    [[nodiscard]] const LogCondition& log() const noexcept { return log_condition_; }

    /// A page as the newest commit of the log left it.
    [[nodiscard]] Result<std::string> page(std::uint32_t number) const;
    [[nodiscard]] Result<std::string> loose_page(std::uint32_t index) const;
    /// Where the rows of a page begin.
    [[nodiscard]] static std::size_t header_of(std::uint32_t number) noexcept {
        return number == 1 ? 100 : 0;
    }

    /// The whole payload of a cell; `bad_input` when its chain of pages ends early, and
    /// `too_large` beyond `kMaxPayload`. `used`, if given, gets the pages of the chain.
    [[nodiscard]] Result<std::string> payload(const LeafCell& cell,
                                              std::vector<std::uint32_t>* used = nullptr) const;
    /// Whether the page's content comes from the log.
    [[nodiscard]] bool is_in_log(std::uint32_t number) const { return frames_.contains(number); }

private:
    PageFile() = default;
    [[nodiscard]] Result<std::string> read_file(std::uint64_t offset, std::size_t size) const;
    [[nodiscard]] Result<void> read_header();
    [[nodiscard]] Result<void> read_log();
    void guess_page_bytes(std::uint64_t file_bytes);
    [[nodiscard]] bool holds_all(const std::map<std::uint32_t, std::uint32_t>& pages) const;

    std::optional<SideFile> file_;
    std::optional<SideFile> log_file_;
    std::uint32_t page_bytes_ = 0;
    std::uint32_t page_count_ = 0;
    std::map<std::uint32_t, std::uint32_t> frames_;  ///< page -> frame of the log that holds it
    std::vector<std::uint32_t> loose_;               ///< frames beyond them
    LogCondition log_condition_;
};

}  // namespace gerbang::sql
