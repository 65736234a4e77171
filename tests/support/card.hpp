#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "common/core/check.hpp"
#include "daemon/journal/journal.hpp"
#include "tests/support/village.hpp"

namespace gerbang {

/// What a card held at one moment: the journal's files. Putting them back is what a card does that
/// drops its last writes, and whoever restores an old image. The daemon must not be running then.
class CardImage {
public:
    enum class Mirror { is_left_alone, goes_too };

    explicit CardImage(const Village& village) {
        for (const auto& name : kNames) files_[name] = content(path(village, name));
    }
    void restore(const Village& village, Mirror mirror = Mirror::goes_too) const {
        for (const auto& [name, bytes] : files_) {
            if (name == kMirror && mirror == Mirror::is_left_alone) continue;
            std::filesystem::remove(path(village, name));
            if (!bytes) continue;
            std::ofstream{path(village, name), std::ios::binary} << *bytes;
        }
    }

private:
    static constexpr const char* kMirror = "journal.mirror";
    static constexpr std::array<const char*, 3> kNames{"journal.db", "journal.db-wal", kMirror};

    static std::filesystem::path path(const Village& village, const std::string& name) {
        return std::filesystem::path{village.journal_path()}.parent_path() / name;
    }
    static std::optional<std::string> content(const std::filesystem::path& path) {
        if (!std::filesystem::exists(path)) return std::nullopt;
        std::ifstream in{path, std::ios::binary};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    }

    std::map<std::string, std::optional<std::string>> files_;
};

/// Records by epoch and number.
using RecordsByEpoch = std::map<EpochId, std::map<Seq, RecordBody>>;

/// All that the journal at `options` holds; the daemon must not be running.
[[nodiscard]] inline RecordsByEpoch records_in_journal(const JournalOptions& options) {
    auto journal = Journal::open(options);
    GERBANG_CHECK(journal.has_value());
    const auto epochs = (*journal)->epochs();
    GERBANG_CHECK(epochs.has_value());
    RecordsByEpoch found;
    for (const auto& epoch : *epochs) {
        auto& records = found[epoch.id];
        for (auto next = Seq{1}; next <= epoch.last;) {
            auto slice = (*journal)->read(epoch.id, {next, epoch.last}, 1u << 20);
            GERBANG_CHECK(slice.has_value());
            if (slice->absent) next = slice->absent->last.next();
            for (auto& record : slice->records) {
                next = record.seq.next();
                records[record.seq] = std::move(record.body);
            }
        }
    }
    return found;
}

/// All that the province holds of its only site.
[[nodiscard]] inline RecordsByEpoch records_at_province(province::Store& store) {
    const auto sites = store.list();
    GERBANG_CHECK(sites.has_value());
    RecordsByEpoch found;
    for (const auto& site : *sites) {
        for (const auto& epoch : site.epochs) {
            auto records = store.records(site.site, epoch.id, {Seq{1}, Seq{kMaxSeq}});
            GERBANG_CHECK(records.has_value());
            for (auto& record : *records) found[epoch.id][record.seq] = std::move(record.body);
        }
    }
    return found;
}

/// True where a record was given up and only its number is left.
[[nodiscard]] inline bool is_emptied(const RecordBody& body) {
    const auto* chunk = std::get_if<Chunk>(&body);
    return chunk != nullptr && chunk->is_emptied();
}

}  // namespace gerbang
