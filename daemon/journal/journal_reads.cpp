// What is asked of the journal.

#include <algorithm>
#include <set>
#include <utility>

#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxOutages = 4096;

}  // namespace

Result<SqliteJournal::Place> SqliteJournal::place_of(const EpochId& epoch) {
    find_epoch_.start().bind_blob(1, view(epoch.bytes));
    const sql::Resetting resetting{find_epoch_};
    const auto row = find_epoch_.step();
    if (!row) return row.error();
    if (!*row) return Error{Errc::not_found, "epoch " + to_string(epoch) + " is not here"};
    const auto number_of_epoch = find_epoch_.number(0);
    if (number_of_epoch == epoch_no_) return Place{epoch_no_, memory_.state.last};
    return Place{number_of_epoch, Seq{static_cast<std::uint64_t>(find_epoch_.number(1))}};
}

/// While an older file is being salvaged the finding waits: the check in the background meets it.
Error SqliteJournal::hole_at(Seq seq) const {
    return Error{rescue_ ? Errc::not_found : Errc::storage_broken,
                 "record " + std::to_string(seq.value) + " of the open epoch is missing"};
}

/// The first number of `range` that is here.
Result<std::optional<Seq>> SqliteJournal::next_present(EpochNo epoch, SeqRange range) {
    std::optional<Seq> found;
    auto listed =
        blocks_.blocks(epoch, range, [&](Seq first, Seq, std::string_view) -> Result<bool> {
            found = std::max(first, range.first);
            return false;
        });
    if (!listed) return listed.error();
    return found;
}

Result<JournalSlice> SqliteJournal::read(const EpochId& epoch, SeqRange range,
                                         std::uint64_t max_bytes) {
    if (auto may = usable(); !may) return may.error();
    const auto place = place_of(epoch);
    if (!place) return fail(place.error());
    if (range.first.value == 0 || range.last < range.first) {
        return Error{Errc::bad_input, "read of an empty range"};
    }
    if (range.first > place->last) {
        return Error{Errc::not_found,
                     "record " + std::to_string(range.first.value) + " is not here"};
    }
    const Seq last = std::min(range.last, place->last);
    JournalSlice slice;
    slice.epoch = epoch;
    auto records = blocks_.read(place->number, {range.first, last}, max_bytes);
    if (!records && records.error().code == Errc::not_found) {
        if (place->number == epoch_no_) return fail(hole_at(range.first));
        const auto next = next_present(place->number, {range.first, last});
        if (!next) return fail(next.error());
        slice.absent = SeqRange{range.first, *next ? (*next)->previous() : last};
        slice.is_salvaging = rescue_ != nullptr;
        if (!*next) return slice;
        records = blocks_.read(place->number, {**next, last}, max_bytes);
    }
    if (!records) return fail(records.error());
    slice.records = std::move(*records);
    const auto before = slice.records.front().seq.previous();
    const auto head = blocks_.head_after(place->number, before);
    if (head) {
        slice.before = *head;
    } else if (head.error().code != Errc::not_found) {
        return fail(head.error());
    }
    return slice;
}

Result<std::vector<Journal::EpochInfo>> SqliteJournal::epochs() {
    if (auto may = usable(); !may) return may.error();
    std::vector<EpochInfo> found;
    list_epochs_.start();
    const sql::Resetting resetting{list_epochs_};
    for (;;) {
        const auto row = list_epochs_.step();
        if (!row) return fail(row.error());
        if (!*row) return found;
        EpochInfo info;
        const auto uuid = list_epochs_.bytes(0);
        if (uuid.size() != info.id.bytes.size()) {
            return fail(Error{Errc::storage_broken, "epoch without an identity"});
        }
        std::copy(uuid.begin(), uuid.end(), info.id.bytes.begin());
        info.is_open = info.id == memory_.state.epoch;
        info.last = info.is_open ? memory_.state.last
                                 : Seq{static_cast<std::uint64_t>(list_epochs_.number(1))};
        found.push_back(info);
    }
}

Result<EpochDictionary> SqliteJournal::dictionary(const EpochId& epoch) {
    if (auto may = usable(); !may) return may.error();
    const auto place = place_of(epoch);
    if (!place) return fail(place.error());
    EpochDictionary dictionary;
    if (place->number == epoch_no_) {
        dictionary.series = memory_.state.series;
        dictionary.timeline = memory_.state.timeline;
        dictionary.open_boot = memory_.state.last_boot_no;
        return dictionary;
    }
    auto listed = blocks_.events(place->number, EventKind::series, place->last, false,
                                 [&](Seq, const Event& event) {
                                     auto series = series_from(event);
                                     if (series) dictionary.series.push_back(std::move(*series));
                                     return true;
                                 });
    if (!listed) return fail(listed.error());
    listed = blocks_.events(place->number, EventKind::anchor, place->last, false,
                            [&](Seq seq, const Event& event) {
                                const auto anchor = anchor_from(event);
                                if (anchor) dictionary.timeline.add(seq, *anchor);
                                return true;
                            });
    if (!listed) return fail(listed.error());
    return dictionary;
}

Result<std::vector<Cursor>> SqliteJournal::cursors() {
    if (auto may = usable(); !may) return may.error();
    auto found = cursors_.cursors();
    if (!found) return fail(found.error());
    return found;
}

Result<std::vector<UsageRow>> SqliteJournal::usage(UsagePeriod period, WallTime from, WallTime to) {
    if (auto may = usable(); !may) return may.error();
    if (memory_.rollup.wants_replay()) {
        if (auto done = checkpoint(); !done) return done.error();
    }
    auto rows = rollups_.rows(period, from, to, memory_.rollup.hours(), options_.utc_offset);
    if (!rows) return fail(rows.error());
    for (const auto& [name, part] : memory_.rollup.undated()) {
        rows->push_back({.name = name.name,
                         .is_role = name.is_role,
                         .is_undated = true,
                         .start = {},
                         .sum = part.rounded()});
    }
    return rows;
}

Result<std::vector<Outage>> SqliteJournal::outages() {
    if (auto may = usable(); !may) return may.error();
    std::vector<Outage> found;
    if (epoch_no_ == 0) return found;
    std::set<std::pair<std::uint64_t, std::uint32_t>> seen;
    auto listed = blocks_.events(epoch_no_, EventKind::outage, memory_.state.last, true,
                                 [&](Seq, const Event& event) {
                                     auto outage = outage_from(event);
                                     if (!outage) return true;
                                     if (seen.emplace(outage->id, outage->segment).second) {
                                         found.push_back(std::move(*outage));
                                     }
                                     return found.size() < kMaxOutages;
                                 });
    if (!listed) return fail(listed.error());
    std::sort(found.begin(), found.end(), [](const Outage& a, const Outage& b) {
        return std::pair{a.id, a.segment} < std::pair{b.id, b.segment};
    });
    return found;
}

}  // namespace gerbang
