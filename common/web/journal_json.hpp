#pragma once

#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/journal_facts.hpp"

namespace gerbang::web {

/// `GET /v1/journal`: sizes and limits in bytes, what each epoch holds at which level, who has yet
/// to receive what, and what was given up.
[[nodiscard]] std::string to_json(const JournalFacts& facts);
[[nodiscard]] Result<JournalFacts> journal_from_json(const std::string& text);

/// `GET /v1/epochs`: one epoch of the journal, oldest first.
struct EpochRow {
    EpochId id;
    Seq last;  ///< the highest number in it
    bool is_open = false;
    bool operator==(const EpochRow&) const = default;
};
[[nodiscard]] std::string to_json(const std::vector<EpochRow>& rows);
[[nodiscard]] Result<std::vector<EpochRow>> epochs_from_json(const std::string& text);

}  // namespace gerbang::web
