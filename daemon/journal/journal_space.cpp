// The journal within its quota.

#include <algorithm>

#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {
namespace {

/// Slices of reduction that one failed commit may wait for before it is tried again.
constexpr int kMaxStepsForRoom = 16;

}  // namespace

/// Divides the quota anew and tells SQLite what the database may take.
Result<void> SqliteJournal::apply_plan() {
    const auto page = connection_.number("PRAGMA page_size");
    if (!page) return page.error();
    const auto vacuum = connection_.number("PRAGMA auto_vacuum");
    if (!vacuum) return vacuum.error();
    constexpr std::int64_t kIncremental = 2;
    const bool moves_pages = vacuum->value_or(0) == kIncremental;
    // On a VFS of one's own there is no file to make holes in.
    makes_holes_ = !moves_pages && options_.vfs.empty();
    can_shrink_ = moves_pages || makes_holes_;
    auto quota = options_.quota_bytes;
    if (quota == 0) {
        const auto free = free_bytes_at(options_.path);
        quota = free ? default_quota(*free, size_bytes() + ballast_.bytes()) : kDefaultQuotaBytes;
    }
    plan_ = plan_space(quota, static_cast<std::uint32_t>(page->value_or(4096)), options_.wal_pages,
                       options_.set_aside_bytes);
    return set_limit(Need::commit);
}

/// Tells SQLite how many pages the database may have: commits leave some to upkeep, which needs
/// them to make room. A file that is larger already stays so until `shrink`; one with holes stays
/// longer for good, and what is in use counts (`fits`).
Result<void> SqliteJournal::set_limit(Need need) {
    const auto held = pages();
    if (!held) return held.error();
    const auto spare = plan_.upkeep_pages();
    auto most = plan_.database_pages() - (need == Need::commit ? spare : 0);
    is_longer_ = held->all > plan_.database_pages();
    if (!is_longer_ || !makes_holes_) stuck_pages_ = 0;
    most_used_.reset();
    // While more is in use than may be, reduction is on its way, and commits take what it frees.
    const auto taken = held->all - held->free + stuck_pages_;
    is_over_ = is_longer_ && makes_holes_ && taken > most;
    if (is_longer_ && makes_holes_ && !is_over_) most_used_ = most;
    if (most < held->all) most = held->all + (need == Need::upkeep && can_shrink_ ? spare : 0);
    if (is_full_by_others_) most = full_pages_ + (need == Need::upkeep ? spare : 0);
    if (most == limit_pages_) return ok();
    limit_pages_ = most;
    return connection_.run(("PRAGMA max_page_count=" + std::to_string(most)).c_str());
}

Result<void> SqliteJournal::limit(std::uint64_t quota_bytes, std::uint64_t set_aside_bytes) {
    if (auto may = usable(); !may) return may;
    options_.quota_bytes = quota_bytes;
    options_.set_aside_bytes = set_aside_bytes;
    auto applied = apply_plan();
    if (!applied) return fail(applied.error());
    return ok();
}

Result<SqliteJournal::Pages> SqliteJournal::pages() {
    Pages pages;
    for (auto [statement, number] :
         {std::pair{&page_count_, &pages.all}, std::pair{&free_count_, &pages.free}}) {
        statement->start();
        const sql::Resetting resetting{*statement};
        const auto row = statement->step();
        if (!row) return row.error();
        if (*row) *number = statement->number(0);
    }
    return pages;
}

/// In a file that is longer than the quota allows, SQLite would fill its holes again: the limit is
/// ours to keep, before the commit.
Result<void> SqliteJournal::fits() {
    if (!most_used_) return ok();
    const auto held = pages();
    if (!held) return held.error();
    // Free pages that cannot become holes take room as those in use do.
    if (held->all - held->free + stuck_pages_ <= *most_used_) return ok();
    return Error{Errc::storage_full, options_.path + ": the quota is reached"};
}

std::uint64_t SqliteJournal::size_bytes() const {
    const auto whole = connection_.file_bytes();
    if (!is_longer_ || !makes_holes_) return whole;
    const auto wal = connection_.wal_bytes();
    return std::min(whole - wal, Holes::bytes_on_disk(options_.path)) + wal;
}

Result<std::int64_t> SqliteJournal::room() {
    const auto held = pages();
    if (!held) return held.error();
    auto most = plan_.database_pages() - plan_.upkeep_pages();
    if (is_full_by_others_) most = std::min(most, full_pages_);
    return most - (held->all - held->free) - stuck_pages_;
}

/// A commit found no room. What gives way depends on who is to blame: our own quota, or others who
/// have filled the file system. They have where there seemed to be room, or where the reduction
/// itself finds none. False: nothing is left to give.
Result<bool> SqliteJournal::make_room() {
    const auto enough = std::min(static_cast<std::int64_t>(kMaxTransactionBytes / plan_.page_bytes),
                                 plan_.database_pages() / 4);
    for (int step = 0; step < kMaxStepsForRoom; ++step) {
        const auto left = room();
        if (!left) return fail(left.error());
        if (*left >= enough) return step > 0 ? Result<bool>{true} : yield_to_others();
        if (auto limited = set_limit(Need::upkeep); !limited) return fail(limited.error());
        const auto given = give_way();
        if (given && *given) continue;
        if (!given && given.error().code != Errc::storage_full) return given.error();
        if (step > 0) return true;
        return given ? Result<bool>{false} : yield_to_others();
    }
    return true;
}

/// By the quota everything has its turn, at last the newest day and the protected. Others fill a
/// disk for a while: the newest day does not pay for it, nor the protected; what comes meanwhile
/// waits in the ring.
Result<bool> SqliteJournal::give_way() {
    if (is_full_by_others_) return reduce_one(Victims::older);
    const auto done = reduce_one(Victims::all);
    if (!done || *done) return done;
    return protect_one(true);
}

/// The file system is full: the ballast goes, so that the WAL can be moved, and from now on only
/// what is inside the database counts; it does not grow into the ballast's room. False: that was
/// known, and there is no ballast left.
Result<bool> SqliteJournal::yield_to_others() {
    const bool is_news = !is_full_by_others_;
    if (is_news) {
        const auto held = pages();
        if (!held) return fail(held.error());
        full_pages_ = held->all;
    }
    is_full_by_others_ = true;
    return ballast_.release() || is_news;
}

/// Moves the WAL into the database. In a file that is longer than it may be, what is free becomes
/// holes then: only now the file says so, and a power cut cannot take it back.
Result<void> SqliteJournal::move_wal() {
    auto moved = connection_.checkpoint();
    if (!moved || !is_longer_ || !makes_holes_ || !connection_.is_wal_moved()) return moved;
    const auto made = holes_.make(options_.path);
    if (!made) return made.error();
    if (!*made) {
        makes_holes_ = false;
        can_shrink_ = false;
        return ok();
    }
    const auto held = pages();
    if (!held) return held.error();
    const auto on_disk = Holes::bytes_on_disk(options_.path) / plan_.page_bytes;
    stuck_pages_ =
        std::max<std::int64_t>(static_cast<std::int64_t>(on_disk) - (held->all - held->free), 0);
    return ok();
}

/// After the reduction: the file takes more on the disk than it may.
Result<bool> SqliteJournal::shrink_by_holes() {
    const auto before = Holes::bytes_on_disk(options_.path);
    if (before <= plan_.database_bytes) return false;
    if (auto moved = move_wal(); !moved) return fail(moved.error());
    return Holes::bytes_on_disk(options_.path) < before;
}

/// Gives space back after the quota was lowered. Where the file has a map of its pages, those at
/// its end are moved, some at a time, and gone when the WAL is moved into it; else what is free
/// becomes holes.
Result<bool> SqliteJournal::shrink() {
    const auto held = pages();
    if (!held) return held.error();
    const auto surplus = held->all - plan_.database_pages();
    if (surplus <= 0 || held->free == 0 || !can_shrink_) return false;
    if (makes_holes_) return shrink_by_holes();
    const auto most = static_cast<std::int64_t>(kMaxTransactionBytes / plan_.page_bytes) / 4;
    const auto count = std::min({surplus, held->free, most});
    // In no transaction of ours: the statement is one.
    if (auto ready = before_transaction(); !ready) return ready.error();
    const auto sql = "PRAGMA incremental_vacuum(" + std::to_string(count) + ")";
    if (auto done = after_transaction(connection_.run(sql.c_str())); !done) return done.error();
    const auto left = pages();
    if (!left) return left.error();
    if (left->all <= plan_.database_pages()) {
        // The file itself becomes shorter now rather than with the next full WAL.
        if (auto moved = move_wal(); !moved) return fail(moved.error());
    }
    return left->all < held->all;
}

/// Without a ballast the next full file system is met unprepared; with the file system full it
/// cannot be made. Also notices that others have made room again.
void SqliteJournal::keep_ballast() {
    const bool is_whole = ballast_.build(plan_.ballast_bytes, plan_.wal_bytes);
    if (!is_full_by_others_ || !is_whole) return;
    is_full_by_others_ = false;
}

}  // namespace gerbang
