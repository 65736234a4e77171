#include "daemon/province/evidence.hpp"

#include <cstring>
#include <string>
#include <utility>

#include "common/wire/chain.hpp"

namespace gerbang::province {
namespace {

std::string_view bytes_of(const Head& head) {
    return {reinterpret_cast<const char*>(head.data()), head.size()};
}

Head head_from(const std::string& bytes) {
    Head head{};
    if (bytes.size() == head.size()) std::memcpy(head.data(), bytes.data(), head.size());
    return head;
}

std::int64_t number(Seq seq) {
    return static_cast<std::int64_t>(seq.value);
}

Seq seq_from(std::int64_t value) {
    return Seq{static_cast<std::uint64_t>(value)};
}

/// A stored head: all zero stands for one that is not known, but before record 1.
std::optional<Head> known(Seq after, const Head& head) {
    if (after.value != 0 && head == Head{}) return std::nullopt;
    return head;
}

bool contradict(const std::optional<Head>& one, const std::optional<Head>& other) {
    return one && other && *one != *other;
}

Error diverged(Seq at, const wire::Batch& batch) {
    return {Errc::diverged, "the chain contradicts what is held: record " +
                                std::to_string(at.value) + " of epoch " + to_string(batch.epoch) +
                                " of site " + batch.site +
                                " differs from the one received earlier, or one before it does"};
}

}  // namespace

Links::Links(std::vector<Record> records, const Head& before)
    : records_{std::move(records)}, heads_{before} {
    heads_.reserve(records_.size() + 1);
    auto head = known(records_.front().seq.previous(), before);
    for (const auto& record : records_) {
        if (head && wire::is_chainable(record)) {
            head = wire::next_head(*head, record);
        } else {
            head.reset();
        }
        heads_.push_back(head.value_or(Head{}));
    }
}

std::vector<Record> Links::cut(SeqRange part) const {
    const auto begin = records_.begin() +
                       static_cast<std::ptrdiff_t>(part.first.value - records_.front().seq.value);
    return {begin, begin + static_cast<std::ptrdiff_t>(part.size())};
}

std::optional<Head> Links::after(Seq seq) const {
    const auto place = static_cast<std::size_t>(seq.value + 1 - records_.front().seq.value);
    return known(seq, heads_[place]);
}

std::vector<Evidence::Stored> Evidence::stored_in(SeqRange range) {
    std::vector<Stored> found;
    auto rows = db_.query(
        "SELECT first, last, before, head, received_ms FROM batch WHERE epoch_id = ?1 AND "
        "first <= ?3 AND last >= ?2 AND first >= coalesce((SELECT max(first) FROM batch WHERE "
        "epoch_id = ?1 AND first <= ?2), 0) ORDER BY first",
        {epoch_id_, number(range.first), number(range.last)});
    while (rows.next()) {
        found.push_back({.range = {seq_from(rows.integer(0)), seq_from(rows.integer(1))},
                         .before = head_from(rows.text(2)),
                         .head = head_from(rows.text(3)),
                         .received_ms = rows.integer(4)});
    }
    return found;
}

Result<Links> Evidence::links_of(const Stored& stored) {
    std::string pack;
    {
        auto rows = db_.query("SELECT pack FROM batch WHERE epoch_id = ?1 AND first = ?2",
                              {epoch_id_, number(stored.range.first)});
        if (rows.next()) pack = rows.text(0);
    }
    if (db_.failure()) return *db_.failure();
    const auto name = "stored batch from record " + std::to_string(stored.range.first.value);
    auto records = wire::decode_pack(pack);
    if (!records) return Error{Errc::storage_broken, name + ": " + records.error().detail};
    Links links{*std::move(records), stored.before};
    if (links.range() != stored.range) {
        return Error{Errc::storage_broken, name + " is damaged: it holds other records"};
    }
    const auto last = stored.range.last;
    if (contradict(links.after(last), known(last, stored.head))) {
        return Error{Errc::storage_broken, name + " is damaged: its chain does not close"};
    }
    return links;
}

std::optional<Head> Evidence::stored_head(Seq seq) {
    if (seq.value == 0) return Head{};
    Head head{};
    auto rows = db_.query(
        "SELECT head FROM batch WHERE epoch_id = ?1 AND last = ?2 AND first = (SELECT max(first) "
        "FROM batch WHERE epoch_id = ?1 AND first <= ?2) UNION ALL "
        "SELECT before FROM batch WHERE epoch_id = ?1 AND first = ?2 + 1",
        {epoch_id_, number(seq)});
    while (head == Head{} && rows.next()) head = head_from(rows.text(0));
    return known(seq, head);
}

Links Evidence::link(std::vector<Record> records, const Head& before) {
    const Seq base = records.front().seq.previous();
    const auto head = known(base, before) ? before : stored_head(base).value_or(Head{});
    return {std::move(records), head};
}

Result<bool> Evidence::check(const wire::Batch& batch, const Links& links) {
    const Seq last = links.range().last;
    const Seq base = links.range().first.previous();  // heads after base ... last may be known
    const auto neighbours = stored_in({base, last.next()});
    if (db_.failure()) return *db_.failure();
    const auto is_ours = [&](Seq seq) { return seq >= base && seq <= last; };
    bool has_adopted = false;
    for (const auto& stored : neighbours) {
        const Seq stored_base = stored.range.first.previous();
        const Seq stored_last = stored.range.last;
        if (is_ours(stored_base) &&
            contradict(links.after(stored_base), known(stored_base, stored.before))) {
            return diverged(stored_base, batch);
        }
        if (is_ours(stored_last) &&
            contradict(links.after(stored_last), known(stored_last, stored.head))) {
            return diverged(stored_last, batch);
        }
        const auto adopted = adopt(batch, links, stored);
        if (!adopted) return adopted.error();
        has_adopted |= *adopted;
        // An end of the new batch inside a stored one: that head must be computed again.
        const auto needs = [&](Seq seq) {
            return seq >= stored.range.first && seq < stored_last && links.after(seq);
        };
        if (!needs(base) && !needs(last)) continue;
        const auto held = links_of(stored);
        if (!held) return held.error();
        for (const Seq seq : {base, last}) {
            if (needs(seq) && contradict(links.after(seq), held->after(seq))) {
                return diverged(seq, batch);
            }
        }
    }
    return has_adopted;
}

Result<bool> Evidence::adopt(const wire::Batch& batch, const Links& links, const Stored& stored) {
    const Seq base = links.range().first.previous();
    const auto told = [&](Seq seq, const Head& here) {
        const bool is_ours = seq >= base && seq <= links.range().last;
        return is_ours ? links.after(seq).value_or(here) : here;
    };
    auto now = stored;
    now.before = told(stored.range.first.previous(), stored.before);
    now.head = told(stored.range.last, stored.head);
    const bool is_new = now.head != stored.head || now.before != stored.before;
    if (!is_new) return false;
    // What had no head before it may turn out to contradict the one after it.
    const auto held = links_of(stored);
    if (!held) return held.error();
    const Links linked{held->records(), now.before};
    const auto end = linked.after(stored.range.last);
    if (contradict(end, known(stored.range.last, now.head))) {
        return diverged(stored.range.last, batch);
    }
    if (end) now.head = *end;
    db_.run("UPDATE batch SET before = ?3, head = ?4 WHERE epoch_id = ?1 AND first = ?2",
            {epoch_id_, number(stored.range.first), Blob{bytes_of(now.before)},
             Blob{bytes_of(now.head)}});
    return true;
}

Result<void> Evidence::keep(const wire::Batch& batch, const Links& links, SeqRange part,
                            WallTime received) {
    const Seq base = part.first.previous();
    auto before = links.after(base);
    if (!before) before = stored_head(base);
    const auto next = stored_head(part.last);
    const bool is_whole = part == links.range();
    if (is_whole && before == links.after(base)) {
        const auto end = links.after(part.last);
        if (contradict(end, next)) return diverged(part.last, batch);
        insert(links, end ? end : next, batch.pack, to_ms(received));
    } else {
        const Links piece{links.cut(part), before.value_or(Head{})};
        const auto end = piece.after(part.last);
        if (contradict(end, next)) return diverged(part.last, batch);
        if (is_whole) {
            insert(piece, end ? end : next, batch.pack, to_ms(received));
        } else {
            const auto pack = wire::encode_pack(piece.records());
            insert(piece, end ? end : next, pack, to_ms(received));
        }
    }
    if (db_.failure()) return *db_.failure();
    return ok();
}

void Evidence::insert(const Links& links, std::optional<Head> head, std::string_view pack,
                      std::int64_t received_ms) {
    const auto range = links.range();
    const auto before = links.after(range.first.previous()).value_or(Head{});
    const auto end = head.value_or(Head{});
    db_.run(
        "INSERT INTO batch (epoch_id, first, last, before, head, received_ms, pack) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        {epoch_id_, number(range.first), number(range.last), Blob{bytes_of(before)},
         Blob{bytes_of(end)}, received_ms, Blob{pack}});
}

Result<void> Evidence::remove(SeqRange part) {
    for (const auto& stored : stored_in(part)) {
        const auto links = links_of(stored);
        if (!links) return links.error();
        db_.run("DELETE FROM batch WHERE epoch_id = ?1 AND first = ?2",
                {epoch_id_, number(stored.range.first)});
        if (stored.range.first < part.first) {
            const Links left{links->cut({stored.range.first, part.first.previous()}),
                             stored.before};
            insert(left, left.after(part.first.previous()), wire::encode_pack(left.records()),
                   stored.received_ms);
        }
        if (stored.range.last > part.last) {
            const Links right{links->cut({part.last.next(), stored.range.last}),
                              links->after(part.last).value_or(Head{})};
            insert(right, known(stored.range.last, stored.head), wire::encode_pack(right.records()),
                   stored.received_ms);
        }
    }
    if (db_.failure()) return *db_.failure();
    return ok();
}

Result<std::vector<Record>> Evidence::records(SeqRange range) {
    const auto batches = stored_in(range);
    if (db_.failure()) return *db_.failure();
    std::vector<Record> found;
    for (const auto& stored : batches) {
        const auto links = links_of(stored);
        if (!links) return links.error();
        for (const auto& record : links->records()) {
            if (record.seq >= range.first && record.seq <= range.last) found.push_back(record);
        }
    }
    return found;
}

}  // namespace gerbang::province
