// What the journal does between commits.

#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {

Result<bool> SqliteJournal::tend() {
    if (auto may = usable(); !may) return may.error();
    return false;
}

Result<void> SqliteJournal::limit(std::uint64_t quota_bytes, std::uint64_t set_aside_bytes) {
    options_.quota_bytes = quota_bytes;
    options_.set_aside_bytes = set_aside_bytes;
    return usable();
}

Result<std::vector<LossFact>> SqliteJournal::untold_losses() {
    if (auto may = usable(); !may) return may.error();
    return std::vector<LossFact>{};
}

Result<JournalFacts> SqliteJournal::facts() {
    if (auto may = usable(); !may) return may.error();
    return JournalFacts{};
}

}  // namespace gerbang
