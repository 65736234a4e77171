#include "daemon/journal/block_store.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"
#include "daemon/journal/state.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kKnownHeads = 16;
/// A commit after a long hang of the storage is cut into packs of about this decoded size.
constexpr std::size_t kMaxPackedBytes = 4u << 20;
/// Memory that one read may take when decoded, whatever its stored size.
constexpr std::size_t kMaxReadBytes = 16u << 20;

Error damaged(EpochNo epoch, Seq first, const std::string& why) {
    return Error{Errc::storage_broken, "block " + std::to_string(epoch) + "/" +
                                           std::to_string(first.value) + " of the journal: " + why};
}

/// The records of a block, which must be what its key says.
Result<std::vector<Record>> decode(EpochNo epoch, SeqRange range, std::string_view body) {
    auto records = wire::decode_pack(body);
    if (!records) return damaged(epoch, range.first, records.error().detail);
    if (records->empty() || records->front().seq != range.first ||
        records->back().seq != range.last) {
        return damaged(epoch, range.first, "its range differs from its key");
    }
    return records;
}

bool is_reduced(const std::vector<Record>& records) {
    return !std::all_of(records.begin(), records.end(), wire::is_chainable);
}

}  // namespace

std::size_t decoded_bytes(const Record& record) {
    if (const auto* chunk = std::get_if<Chunk>(&record.body)) {
        return 256 + chunk->ticks.size() * 8 +
               chunk->columns.size() * (96 + chunk->ticks.size() * 9);
    }
    return 256 + std::get<Event>(record.body).fields.size() * 128;
}

Result<void> BlockStore::prepare(sql::Connection& connection) {
    const std::array<std::pair<sql::Statement*, const char*>, 12> statements{{
        {&put_block_, "INSERT INTO block VALUES(?,?,?)"},
        {&find_block_, "SELECT last,body FROM block WHERE id=?"},
        {&erase_blocks_, "DELETE FROM block WHERE id>=? AND id<=?"},
        {&erase_heads_, "DELETE FROM head WHERE id>=? AND id<?"},
        {&find_event_, "SELECT length(body) FROM event WHERE kind=? AND id=?"},
        {&erase_event_, "DELETE FROM event WHERE kind=? AND id=?"},
        {&put_event_, "INSERT INTO event VALUES(?,?,?)"},
        {&put_head_, "INSERT OR REPLACE INTO head VALUES(?,?)"},
        {&list_blocks_,
         "SELECT id,last,body FROM block WHERE id>=coalesce((SELECT max(id) FROM block WHERE "
         "id<=?1),?1) AND id<=?2 ORDER BY id"},
        {&list_events_, "SELECT id,body FROM event WHERE kind=? AND id>=? AND id<=? ORDER BY id"},
        {&list_events_back_,
         "SELECT id,body FROM event WHERE kind=? AND id>=? AND id<=? ORDER BY id DESC"},
        {&find_head_, "SELECT id,head FROM head WHERE id<=? ORDER BY id DESC LIMIT 1"},
    }};
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return prepared.error();
        *statement = std::move(*prepared);
    }
    return ok();
}

Result<std::uint64_t> BlockStore::insert(EpochNo epoch, const std::vector<Record>& records) {
    std::uint64_t stored = 0;
    std::size_t first = 0;
    while (first < records.size()) {
        auto end = first;
        for (std::size_t bytes = 0; end < records.size(); ++end) {
            bytes += decoded_bytes(records[end]);
            if (end > first && bytes > kMaxPackedBytes) break;
        }
        const std::vector<Record> part(records.begin() + static_cast<std::ptrdiff_t>(first),
                                       records.begin() + static_cast<std::ptrdiff_t>(end));
        const auto body = wire::encode_pack(part);
        stored += body.size();
        auto put = put_block_.start()
                       .bind(1, row_id(epoch, part.front().seq))
                       .bind(2, static_cast<std::int64_t>(part.back().seq.value))
                       .bind_blob(3, body)
                       .run();
        if (!put) return put.error();
        first = end;
    }
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || !is_protected(event->kind)) continue;
        const auto body = wire::encode_event(*event);
        stored += event_row_bytes(body.size());
        auto put = put_event_.start()
                       .bind(1, static_cast<std::int64_t>(event->kind))
                       .bind(2, row_id(epoch, record.seq))
                       .bind_blob(3, body)
                       .run();
        if (!put) return put.error();
    }
    return stored;
}

Result<std::vector<Record>> BlockStore::load(EpochNo epoch, Seq first) {
    find_block_.start().bind(1, row_id(epoch, first));
    const sql::Resetting resetting{find_block_};
    const auto row = find_block_.step();
    if (!row) return row.error();
    if (!*row) {
        return Error{Errc::not_found, "block " + std::to_string(first.value) + " is not here"};
    }
    const Seq last{static_cast<std::uint64_t>(find_block_.number(0))};
    return decode(epoch, {first, last}, find_block_.bytes(1));
}

Result<void> BlockStore::replace(EpochNo epoch, SeqRange range, std::string_view body) {
    const auto first = row_id(epoch, range.first);
    const auto last = row_id(epoch, range.last);
    // Erased first: the new block takes the place of the old ones even where nothing is free.
    if (auto done = erase_blocks_.start().bind(1, first).bind(2, last).run(); !done) return done;
    if (auto done = erase_heads_.start().bind(1, first).bind(2, last).run(); !done) return done;
    std::erase_if(known_heads_,
                  [&](const KnownHead& known) { return known.id >= first && known.id < last; });
    return put_block_.start()
        .bind(1, first)
        .bind(2, static_cast<std::int64_t>(range.last.value))
        .bind_blob(3, body)
        .run();
}

Result<std::uint64_t> BlockStore::erase_event(EventKind kind, std::int64_t id) {
    std::uint64_t freed = 0;
    {
        find_event_.start().bind(1, static_cast<std::int64_t>(kind)).bind(2, id);
        const sql::Resetting resetting{find_event_};
        const auto row = find_event_.step();
        if (!row) return row.error();
        if (*row) freed = event_row_bytes(static_cast<std::size_t>(find_event_.number(0)));
    }
    auto erased = erase_event_.start().bind(1, static_cast<std::int64_t>(kind)).bind(2, id).run();
    if (!erased) return erased.error();
    return freed;
}

Result<void> BlockStore::blocks(EpochNo epoch, SeqRange range, const BlockVisitor& take) {
    list_blocks_.start().bind(1, row_id(epoch, range.first)).bind(2, row_id(epoch, range.last));
    const sql::Resetting resetting{list_blocks_};
    for (;;) {
        const auto row = list_blocks_.step();
        if (!row) return row.error();
        if (!*row) return ok();
        const auto id = list_blocks_.number(0);
        if (id >> 40 != epoch) continue;
        const Seq first{static_cast<std::uint64_t>(id) & kMaxSeq};
        const Seq last{static_cast<std::uint64_t>(list_blocks_.number(1))};
        if (last < range.first) continue;
        const auto more = take(first, last, list_blocks_.bytes(2));
        if (!more) return more.error();
        if (!*more) return ok();
    }
}

Result<void> BlockStore::visit(EpochNo epoch, SeqRange range, const Visitor& visitor) {
    Seq next = range.first;
    return blocks(epoch, range, [&](Seq first, Seq last, std::string_view body) -> Result<bool> {
        if (first > next) {
            return Error{Errc::not_found, "record " + std::to_string(next.value) + " is not here"};
        }
        auto records = decode(epoch, {first, last}, body);
        if (!records) return records.error();
        for (auto& record : *records) {
            if (record.seq < next) continue;
            if (record.seq > range.last) return false;
            next = record.seq.next();
            if (!visitor(record)) return false;
        }
        return true;
    });
}

Result<std::vector<Record>> BlockStore::read(EpochNo epoch, SeqRange range,
                                             std::uint64_t max_bytes) {
    std::vector<Record> found;
    std::uint64_t stored = 0;
    std::size_t decoded = 0;
    bool gives_reduced = false;
    auto done =
        blocks(epoch, range, [&](Seq first, Seq last, std::string_view body) -> Result<bool> {
            const auto next = found.empty() ? range.first : found.back().seq.next();
            if (first > next) return false;
            stored += body.size();
            if (!found.empty() && (stored > max_bytes || decoded > kMaxReadBytes)) return false;
            auto records = decode(epoch, {first, last}, body);
            if (!records) return records.error();
            const bool is_whole = is_reduced(*records);
            if (found.empty()) gives_reduced = is_whole;
            if (gives_reduced != is_whole) return false;
            if (is_whole) {
                if (found.size() + records->size() > wire::kMaxRecordsPerPack) return false;
                for (auto& record : *records) {
                    decoded += decoded_bytes(record);
                    found.push_back(std::move(record));
                }
                return last < range.last;
            }
            for (auto& record : *records) {
                if (record.seq < next) continue;
                if (record.seq > range.last || found.size() >= wire::kMaxRecordsPerPack) {
                    return false;
                }
                decoded += decoded_bytes(record);
                found.push_back(std::move(record));
            }
            return true;
        });
    if (!done) return done.error();
    if (found.empty()) {
        return Error{Errc::not_found,
                     "record " + std::to_string(range.first.value) + " is not here"};
    }
    return found;
}

Result<void> BlockStore::events(EpochNo epoch, EventKind kind, Seq last, bool newest_first,
                                const EventVisitor& visitor) {
    return list(newest_first ? list_events_back_ : list_events_, kind, row_id(epoch, Seq{0}),
                row_id(epoch, last), visitor);
}

Result<void> BlockStore::events_from(EpochNo epoch, EventKind kind, Seq first,
                                     const EventVisitor& visitor) {
    return list(list_events_, kind, row_id(epoch, first), row_id(epoch, Seq{kMaxSeq}), visitor);
}

Result<void> BlockStore::list(sql::Statement& list, EventKind kind, std::int64_t from,
                              std::int64_t to, const EventVisitor& visitor) {
    list.start().bind(1, static_cast<std::int64_t>(kind)).bind(2, from).bind(3, to);
    const sql::Resetting resetting{list};
    for (;;) {
        const auto row = list.step();
        if (!row) return row.error();
        if (!*row) return ok();
        const Seq seq{static_cast<std::uint64_t>(list.number(0)) & kMaxSeq};
        const auto event = wire::decode_event(list.bytes(1));
        if (!event) {
            return Error{Errc::storage_broken, "event " + std::to_string(from >> 40) + "/" +
                                                   std::to_string(seq.value) +
                                                   " of the journal: " + event.error().detail};
        }
        if (!visitor(seq, *event)) return ok();
    }
}

void BlockStore::remember(std::int64_t id, const Head& head) {
    if (known_heads_.size() >= kKnownHeads) known_heads_.erase(known_heads_.begin());
    known_heads_.push_back({id, head});
}

Result<Head> BlockStore::head_after(EpochNo epoch, Seq seq) {
    KnownHead nearest{.id = row_id(epoch, Seq{0})};
    if (seq.value == 0) return nearest.head;
    const auto wanted = row_id(epoch, seq);
    for (const auto& known : known_heads_) {
        if (known.id <= wanted && known.id > nearest.id) nearest = known;
    }
    {
        find_head_.start().bind(1, wanted);
        const sql::Resetting resetting{find_head_};
        const auto row = find_head_.step();
        if (!row) return row.error();
        if (*row && find_head_.number(0) > nearest.id) {
            const auto bytes = find_head_.bytes(1);
            if (bytes.size() != nearest.head.size()) {
                return Error{Errc::storage_broken, "a chain head of the journal is damaged"};
            }
            nearest.id = find_head_.number(0);
            std::copy(bytes.begin(), bytes.end(), nearest.head.begin());
        }
    }
    if (nearest.id == wanted) return nearest.head;
    const Seq known{static_cast<std::uint64_t>(nearest.id) & kMaxSeq};
    auto head = nearest.head;
    Seq reached = known;
    auto walked = visit(epoch, {known.next(), seq}, [&](Record& record) {
        if (!wire::is_chainable(record)) return false;
        head = wire::next_head(head, record);
        reached = record.seq;
        return true;
    });
    if (!walked) return walked.error();
    if (reached != seq) {
        return Error{Errc::not_found, "the chain's head after record " + std::to_string(seq.value) +
                                          " is not known"};
    }
    remember(wanted, head);
    return head;
}

Result<void> BlockStore::put_head(EpochNo epoch, Seq seq, const Head& head) {
    const std::string_view bytes{reinterpret_cast<const char*>(head.data()), head.size()};
    return put_head_.start().bind(1, row_id(epoch, seq)).bind_blob(2, bytes).run();
}

}  // namespace gerbang
