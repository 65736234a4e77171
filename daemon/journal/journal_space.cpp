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
    can_shrink_ = vacuum->value_or(0) == kIncremental;
    auto quota = options_.quota_bytes;
    if (quota == 0) {
        const auto free = free_bytes_at(options_.path);
        quota = free ? default_quota(*free, size_bytes() + ballast_.bytes()) : kDefaultQuotaBytes;
    }
    plan_ = plan_space(quota, static_cast<std::uint32_t>(page->value_or(4096)), options_.wal_pages,
                       options_.set_aside_bytes);
    const auto held = pages();
    if (!held) return held.error();
    const auto most = is_full_by_others_ ? held->all : std::max(plan_.database_pages(), held->all);
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

Result<std::int64_t> SqliteJournal::room() {
    const auto held = pages();
    if (!held) return held.error();
    const auto most =
        is_full_by_others_ ? std::min(plan_.database_pages(), held->all) : plan_.database_pages();
    return most - (held->all - held->free);
}

/// A commit found no room. Where the quota is not reached, others have filled the file system: the
/// ballast goes, and from now on only what is inside the database counts. Then old records are
/// reduced until a commit of the usual size fits. False: nothing is left to give.
Result<bool> SqliteJournal::make_room() {
    const auto held = pages();
    if (!held) return fail(held.error());
    if (held->all < plan_.database_pages() && !is_full_by_others_) {
        const bool had_ballast = ballast_.release();
        is_full_by_others_ = true;
        if (auto applied = apply_plan(); !applied) return fail(applied.error());
        if (had_ballast) return true;
    }
    bool gave = false;
    for (int step = 0; step < kMaxStepsForRoom; ++step) {
        if (gave) {
            const auto left = room();
            if (!left) return fail(left.error());
            if (*left >= plan_.reserve_pages() / 2) break;
        }
        const auto done = reduce_one();
        if (!done) {
            // The WAL cannot grow either: what was given so far must do.
            if (done.error().code == Errc::storage_full) return gave;
            return done.error();
        }
        if (!*done) break;
        gave = true;
    }
    return gave;
}

/// Gives pages at the end of the file back, some at a time, after the quota was lowered. They are
/// gone from the file when the WAL is moved into it.
Result<bool> SqliteJournal::shrink() {
    const auto held = pages();
    if (!held) return held.error();
    const auto surplus = held->all - plan_.database_pages();
    if (surplus <= 0 || held->free == 0 || !can_shrink_) return false;
    const auto most = static_cast<std::int64_t>(kMaxTransactionBytes / plan_.page_bytes) / 4;
    const auto count = std::min({surplus, held->free, most});
    // In no transaction of ours: the statement is one.
    if (auto ready = before_transaction(); !ready) return ready.error();
    const auto sql = "PRAGMA incremental_vacuum(" + std::to_string(count) + ")";
    if (auto done = after_transaction(connection_.run(sql.c_str())); !done) return done.error();
    if (auto applied = apply_plan(); !applied) return fail(applied.error());
    const auto left = pages();
    if (!left) return left.error();
    if (left->all <= plan_.database_pages()) {
        // The file itself becomes shorter now rather than with the next full WAL.
        if (auto moved = connection_.checkpoint(); !moved) return fail(moved.error());
    }
    return left->all < held->all;
}

/// Without a ballast the next full file system is met unprepared; with the file system full it
/// cannot be made. Also notices that others have made room again.
void SqliteJournal::keep_ballast() {
    const bool is_whole = ballast_.build(plan_.ballast_bytes, plan_.wal_bytes);
    if (!is_full_by_others_ || !is_whole) return;
    is_full_by_others_ = false;
    (void)apply_plan();
}

}  // namespace gerbang
