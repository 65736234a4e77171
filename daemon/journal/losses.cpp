#include "daemon/journal/losses.hpp"

#include <array>
#include <utility>

namespace gerbang {
namespace {

std::int64_t signed_of(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}
std::uint64_t unsigned_of(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

/// Boot and milliseconds in two columns from `column` on.
DeviceTime time_in(const sql::Statement& row, int column) {
    return {BootNo{static_cast<std::uint32_t>(row.number(column))},
            monotonic_from_ms(row.number(column + 1))};
}

}  // namespace

Result<void> LossStore::prepare(sql::Connection& connection) {
    const std::array<std::pair<sql::Statement*, const char*>, 10> statements{{
        {&last_alike_,
         "SELECT id,first,last FROM loss WHERE epoch=?1 AND what=?2 AND reason=?3 AND "
         "(last=?4-1 OR first=?5+1 OR (first<=?4 AND last>=?5)) ORDER BY id DESC LIMIT 1"},
        {&extend_,
         "UPDATE loss SET first=min(first,?2),last=max(last,?3),count=count+?4,"
         "first_boot=iif(?2<first OR first_boot=0,?5,first_boot),"
         "first_ms=iif(?2<first OR first_boot=0,?6,first_ms),"
         "last_boot=iif(?3>last,?7,last_boot),last_ms=iif(?3>last,?8,last_ms) WHERE id=?1"},
        {&put_,
         "INSERT INTO loss SELECT coalesce(max(id),0)+1,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,0,0 FROM "
         "loss"},
        {&count_, "SELECT count(*) FROM loss"},
        {&alike_,
         // In the order of rows, so that it ends at the first pair; as a join it would build and
         // sort all pairs.
         "SELECT id,(SELECT id FROM loss b WHERE +b.epoch=a.epoch AND +b.what=a.what AND "
         "+b.reason=a.reason AND b.id>a.id ORDER BY b.id LIMIT 1) younger,first,last,count,"
         "first_boot,first_ms,last_boot,last_ms FROM loss a WHERE younger>0 ORDER BY id LIMIT 1"},
        {&erase_, "DELETE FROM loss WHERE id=?"},
        {&list_untold_,
         "SELECT id,epoch,what,reason,first,last,count,first_boot,first_ms,last_boot,last_ms FROM "
         "loss WHERE count>told_count ORDER BY id LIMIT ?"},
        {&find_told_, "SELECT told_id FROM loss WHERE id=?"},
        {&set_told_, "UPDATE loss SET told_count=?2,told_id=?3 WHERE id=?1"},
        {&sum_, "SELECT reason,count(*),sum(count) FROM loss GROUP BY reason ORDER BY reason"},
    }};
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return prepared.error();
        *statement = std::move(*prepared);
    }
    return ok();
}

Result<void> LossStore::add(const Loss& loss) {
    if (loss.count == 0) return ok();
    const auto first = signed_of(loss.range.first.value);
    const auto last = signed_of(loss.range.last.value);
    std::int64_t id = 0;
    {
        last_alike_.start()
            .bind(1, loss.epoch)
            .bind_text(2, loss.what)
            .bind_text(3, loss.reason)
            .bind(4, first)
            .bind(5, last);
        const sql::Resetting resetting{last_alike_};
        const auto found = last_alike_.step();
        if (!found) return found.error();
        if (*found) id = last_alike_.number(0);
    }
    if (id != 0) {
        return extend_.start()
            .bind(1, id)
            .bind(2, first)
            .bind(3, last)
            .bind(4, signed_of(loss.count))
            .bind(5, loss.first.boot.value)
            .bind(6, to_ms(loss.first.at))
            .bind(7, loss.last.boot.value)
            .bind(8, to_ms(loss.last.at))
            .run();
    }
    auto put = put_.start()
                   .bind(1, loss.epoch)
                   .bind_text(2, loss.what)
                   .bind_text(3, loss.reason)
                   .bind(4, first)
                   .bind(5, last)
                   .bind(6, signed_of(loss.count))
                   .bind(7, loss.first.boot.value)
                   .bind(8, to_ms(loss.first.at))
                   .bind(9, loss.last.boot.value)
                   .bind(10, to_ms(loss.last.at))
                   .run();
    if (!put) return put;
    return merge_surplus();
}

Result<void> LossStore::merge_surplus() {
    count_.start();
    const auto counted = count_.step();
    if (!counted) return counted.error();
    const auto rows = count_.number(0);
    count_.start();
    if (rows <= kMaxRows) return ok();
    // The younger row takes the older one in, so that ids are never given twice.
    std::int64_t older = 0;
    {
        alike_.start();
        const sql::Resetting resetting{alike_};
        const auto found = alike_.step();
        if (!found) return found.error();
        if (!*found) return ok();  // as many kinds as rows: impossible but for a damaged table
        older = alike_.number(0);
        auto extended = extend_.start()
                            .bind(1, alike_.number(1))
                            .bind(2, alike_.number(2))
                            .bind(3, alike_.number(3))
                            .bind(4, alike_.number(4))
                            .bind(5, alike_.number(5))
                            .bind(6, alike_.number(6))
                            .bind(7, alike_.number(7))
                            .bind(8, alike_.number(8))
                            .run();
        if (!extended) return extended;
    }
    return erase_.start().bind(1, older).run();
}

Result<std::vector<LossStore::Untold>> LossStore::untold() {
    std::vector<Untold> found;
    list_untold_.start().bind(1, static_cast<std::int64_t>(kMaxTold));
    const sql::Resetting resetting{list_untold_};
    for (;;) {
        const auto row = list_untold_.step();
        if (!row) return row.error();
        if (!*row) return found;
        Untold untold;
        untold.epoch = list_untold_.number(1);
        untold.fact.id = unsigned_of(list_untold_.number(0));
        untold.fact.what = list_untold_.bytes(2);
        untold.fact.reason = list_untold_.bytes(3);
        untold.fact.first_seq = Seq{unsigned_of(list_untold_.number(4))};
        untold.fact.last_seq = Seq{unsigned_of(list_untold_.number(5))};
        untold.fact.count = unsigned_of(list_untold_.number(6));
        untold.fact.first = time_in(list_untold_, 7);
        untold.fact.last = time_in(list_untold_, 9);
        found.push_back(std::move(untold));
    }
}

Result<std::uint64_t> LossStore::told(const LossFact& fact, EpochNo epoch, Seq seq,
                                      BlockStore& blocks) {
    std::int64_t older = 0;
    {
        find_told_.start().bind(1, signed_of(fact.id));
        const sql::Resetting resetting{find_told_};
        const auto row = find_told_.step();
        if (!row) return row.error();
        if (!*row) return std::uint64_t{0};
        older = find_told_.number(0);
    }
    std::uint64_t freed = 0;
    if (older != 0) {
        const auto erased = blocks.erase_event(EventKind::loss, older);
        if (!erased) return erased.error();
        freed = *erased;
    }
    auto set = set_told_.start()
                   .bind(1, signed_of(fact.id))
                   .bind(2, signed_of(fact.count))
                   .bind(3, row_id(epoch, seq))
                   .run();
    if (!set) return set.error();
    return freed;
}

Result<std::vector<LossTotal>> LossStore::totals() {
    std::vector<LossTotal> found;
    sum_.start();
    const sql::Resetting resetting{sum_};
    for (;;) {
        const auto row = sum_.step();
        if (!row) return row.error();
        if (!*row) return found;
        found.push_back(
            {std::string{sum_.bytes(0)}, unsigned_of(sum_.number(1)), unsigned_of(sum_.number(2))});
    }
}

}  // namespace gerbang
