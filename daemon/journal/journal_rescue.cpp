// Damage, other machines, rolled-back images: what ends an epoch that did not want to end.

#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {

Result<void> SqliteJournal::fork_epoch(const EpochFact& fact, DeviceTime) {
    if (auto may = usable(); !may) return may;
    return Error{Errc::bad_input, "epoch " + to_string(fact.parent) + " is not the open one"};
}

}  // namespace gerbang
