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
    return set_limit(Need::commit);
}

/// Tells SQLite how many pages the database may have: commits leave some to upkeep, which needs
/// them to make room. A file that is larger already stays so until `shrink`.
Result<void> SqliteJournal::set_limit(Need need) {
    const auto held = pages();
    if (!held) return held.error();
    const auto spare = plan_.upkeep_pages();
    auto most = plan_.database_pages() - (need == Need::commit ? spare : 0);
    if (most < held->all) most = held->all + (need == Need::upkeep && can_shrink_ ? spare : 0);
    if (is_full_by_others_ && need == Need::commit) most = held->all;
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

Result<std::int64_t> SqliteJournal::room() {
    const auto held = pages();
    if (!held) return held.error();
    auto most = plan_.database_pages() - plan_.upkeep_pages();
    if (is_full_by_others_) most = std::min(most, held->all);
    return most - (held->all - held->free);
}

/// A commit found no room. Old records are reduced until one of the largest size fits. Where there
/// seemed to be room, or the reduction itself finds none, others have filled the file system: the
/// ballast goes, and from now on only what is inside the database counts. False: nothing is left to
/// give.
Result<bool> SqliteJournal::make_room() {
    const auto enough = std::min(static_cast<std::int64_t>(kMaxTransactionBytes / plan_.page_bytes),
                                 plan_.database_pages() / 4);
    bool gave = false;
    for (int step = 0; step < kMaxStepsForRoom; ++step) {
        const auto left = room();
        if (!left) return fail(left.error());
        if (*left >= enough) {
            if (gave) return true;
            return yield_to_others();
        }
        if (auto limited = set_limit(Need::upkeep); !limited) return fail(limited.error());
        auto done = reduce_one();
        if (done && !*done) done = protect_one(true);
        if (!done) {
            if (done.error().code != Errc::storage_full) return done.error();
            const auto yielded = yield_to_others();
            if (!yielded) return yielded;
            return *yielded || gave;
        }
        if (!*done) return gave;
        gave = true;
    }
    return gave;
}

/// The file system is full. False: that was known, and there is no ballast left.
Result<bool> SqliteJournal::yield_to_others() {
    const bool is_news = !is_full_by_others_;
    is_full_by_others_ = true;
    return ballast_.release() || is_news;
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
}

}  // namespace gerbang
