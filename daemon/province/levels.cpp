#include "daemon/province/levels.hpp"

#include <algorithm>

namespace gerbang::province {
namespace {

std::int64_t number(Seq seq) {
    return static_cast<std::int64_t>(seq.value);
}

Seq seq_from(std::int64_t value) {
    return Seq{static_cast<std::uint64_t>(value)};
}

/// `range` without the events at its ends, which are reduced only as long as they lie between
/// reduced chunks; `first` is beyond `last` when nothing else was in it.
SeqRange without_outer_events(Database& database, std::int64_t epoch_id, SeqRange range) {
    const auto is_event = [&](Seq seq) {
        return database
            .number("SELECT 1 FROM event_row WHERE epoch_id = ?1 AND seq = ?2",
                    {epoch_id, number(seq)})
            .has_value();
    };
    while (range.first <= range.last && is_event(range.first)) range.first = range.first.next();
    while (range.first <= range.last && is_event(range.last)) range.last = range.last.previous();
    return range;
}

}  // namespace

std::vector<ReducedRange> reduced_runs(const std::vector<Record>& records) {
    std::vector<ReducedRange> runs;
    bool is_open = false;
    for (const auto& record : records) {
        if (std::holds_alternative<Event>(record.body)) continue;
        const auto level = level_of(record.body);
        if (is_open && runs.back().level == level) {
            runs.back().range.last = record.seq;
            continue;
        }
        is_open = level > 0;
        if (is_open) runs.push_back({{record.seq, record.seq}, level});
    }
    return runs;
}

std::vector<SeqRange> finer_runs(const std::vector<Record>& records,
                                 const std::vector<ReducedRange>& held) {
    std::vector<SeqRange> runs;
    auto place = held.begin();
    auto open = held.end();  // the held range that the last run lies in, while it may grow
    for (const auto& record : records) {
        if (std::holds_alternative<Event>(record.body)) continue;
        while (place != held.end() && place->range.last < record.seq) ++place;
        const bool is_reduced = place != held.end() && place->range.first <= record.seq;
        if (!is_reduced || level_of(record.body) >= place->level) {
            open = held.end();
        } else if (open == place) {
            runs.back().last = record.seq;
        } else {
            runs.push_back({record.seq, record.seq});
            open = place;
        }
    }
    return runs;
}

std::vector<ReducedRange> reduced_in(Database& database, std::int64_t epoch_id, SeqRange range) {
    std::vector<ReducedRange> found;
    auto rows = database.query(
        "SELECT first, last, level FROM reduced_row WHERE epoch_id = ?1 AND first <= ?3 AND "
        "last >= ?2 AND first >= coalesce((SELECT max(first) FROM reduced_row WHERE "
        "epoch_id = ?1 AND first <= ?2), 0) ORDER BY first",
        {epoch_id, number(range.first), number(range.last)});
    while (rows.next()) {
        found.push_back({{seq_from(rows.integer(0)), seq_from(rows.integer(1))},
                         static_cast<std::uint8_t>(rows.integer(2))});
    }
    return found;
}

void set_reduced(Database& database, std::int64_t epoch_id, SeqRange range,
                 const std::vector<ReducedRange>& runs) {
    // What adjoins is taken in as well, so that ranges of one level merge.
    const auto old = reduced_in(database, epoch_id, {range.first.previous(), range.last.next()});
    if (old.empty() && runs.empty()) return;
    auto now = runs;
    const auto leave = [&](Seq first, Seq last, std::uint8_t level) {
        const auto left = without_outer_events(database, epoch_id, {first, last});
        if (left.first <= left.last) now.push_back({left, level});
    };
    for (const auto& each : old) {
        database.run("DELETE FROM reduced_row WHERE epoch_id = ?1 AND first = ?2",
                     {epoch_id, number(each.range.first)});
        if (each.range.first < range.first) {
            leave(each.range.first, std::min(each.range.last, range.first.previous()), each.level);
        }
        if (each.range.last > range.last) {
            leave(std::max(each.range.first, range.last.next()), each.range.last, each.level);
        }
    }
    std::sort(now.begin(), now.end(), [](const ReducedRange& a, const ReducedRange& b) {
        return a.range.first < b.range.first;
    });
    for (std::size_t i = 0; i < now.size(); ++i) {
        const auto first = now[i].range.first;
        while (i + 1 < now.size() && now[i + 1].level == now[i].level &&
               now[i + 1].range.first == now[i].range.last.next()) {
            ++i;
        }
        database.run(
            "INSERT INTO reduced_row (epoch_id, first, last, level) VALUES (?1, ?2, ?3, ?4)",
            {epoch_id, number(first), number(now[i].range.last), now[i].level});
    }
}

}  // namespace gerbang::province
