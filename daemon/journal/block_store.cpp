#include "daemon/journal/block_store.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kKnownHeads = 16;
/// A commit after a long hang of the storage is cut into packs of about this decoded size.
constexpr std::size_t kMaxPackedBytes = 4u << 20;
/// Memory that one read may take when decoded, whatever its stored size.
constexpr std::size_t kMaxReadBytes = 16u << 20;

/// Kinds whose newest state is looked up, or that outlive reduction. `carrier`, `power` and `start`
/// are neither; they are found in their blocks.
bool is_protected(EventKind kind) {
    switch (kind) {
        case EventKind::epoch:
        case EventKind::boot:
        case EventKind::stop:
        case EventKind::series:
        case EventKind::interface:
        case EventKind::anchor:
        case EventKind::outage:
        case EventKind::config:
        case EventKind::loss:
        case EventKind::boot_end:
        case EventKind::note:
        case EventKind::clock:
        case EventKind::path:
            return true;
        case EventKind::start:
        case EventKind::carrier:
        case EventKind::power:
        case EventKind::storage:
        case EventKind::summary:
            break;
    }
    return false;
}

/// About what `record` takes in memory.
std::size_t decoded_bytes(const Record& record) {
    if (const auto* chunk = std::get_if<Chunk>(&record.body)) {
        return 256 + chunk->ticks.size() * 8 +
               chunk->columns.size() * (96 + chunk->ticks.size() * 9);
    }
    return 256 + std::get<Event>(record.body).fields.size() * 128;
}

Error damaged(EpochNo epoch, Seq first, const std::string& why) {
    return Error{Errc::storage_broken, "block " + std::to_string(epoch) + "/" +
                                           std::to_string(first.value) + " of the journal: " + why};
}

}  // namespace

Result<void> BlockStore::prepare(sql::Connection& connection) {
    const std::array<std::pair<sql::Statement*, const char*>, 7> statements{{
        {&put_block_, "INSERT INTO block VALUES(?,?,?)"},
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

Result<void> BlockStore::insert(EpochNo epoch, const std::vector<Record>& records) {
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
        auto put = put_block_.start()
                       .bind(1, row_id(epoch, part.front().seq))
                       .bind(2, static_cast<std::int64_t>(part.back().seq.value))
                       .bind_blob(3, body)
                       .run();
        if (!put) return put;
        first = end;
    }
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr || !is_protected(event->kind)) continue;
        const auto body = wire::encode_event(*event);
        auto put = put_event_.start()
                       .bind(1, static_cast<std::int64_t>(event->kind))
                       .bind(2, row_id(epoch, record.seq))
                       .bind_blob(3, body)
                       .run();
        if (!put) return put;
    }
    return ok();
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
        auto records = wire::decode_pack(body);
        if (!records) return damaged(epoch, first, records.error().detail);
        if (records->empty() || records->front().seq != first || records->back().seq != last) {
            return damaged(epoch, first, "its range differs from its key");
        }
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
    auto done =
        blocks(epoch, range, [&](Seq first, Seq last, std::string_view body) -> Result<bool> {
            const auto next = found.empty() ? range.first : found.back().seq.next();
            if (first > next) return false;
            stored += body.size();
            if (!found.empty() && (stored > max_bytes || decoded > kMaxReadBytes)) return false;
            auto records = wire::decode_pack(body);
            if (!records) return damaged(epoch, first, records.error().detail);
            if (records->empty() || records->front().seq != first || records->back().seq != last) {
                return damaged(epoch, first, "its range differs from its key");
            }
            for (auto& record : *records) {
                if (record.seq < next) continue;
                if (record.seq > range.last || found.size() >= wire::kMaxRecordsPerPack)
                    return false;
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
    auto& list = newest_first ? list_events_back_ : list_events_;
    list.start()
        .bind(1, static_cast<std::int64_t>(kind))
        .bind(2, row_id(epoch, Seq{0}))
        .bind(3, row_id(epoch, last));
    const sql::Resetting resetting{list};
    for (;;) {
        const auto row = list.step();
        if (!row) return row.error();
        if (!*row) return ok();
        const Seq seq{static_cast<std::uint64_t>(list.number(0)) & kMaxSeq};
        const auto event = wire::decode_event(list.bytes(1));
        if (!event) {
            return Error{Errc::storage_broken, "event " + std::to_string(epoch) + "/" +
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
        head = wire::next_head(head, record);
        reached = record.seq;
        return true;
    });
    if (!walked) return walked.error();
    if (reached != seq) {
        return Error{Errc::not_found, "record " + std::to_string(seq.value) + " is not here"};
    }
    remember(wanted, head);
    return head;
}

Result<void> BlockStore::put_head(EpochNo epoch, Seq seq, const Head& head) {
    const std::string_view bytes{reinterpret_cast<const char*>(head.data()), head.size()};
    return put_head_.start().bind(1, row_id(epoch, seq)).bind_blob(2, bytes).run();
}

}  // namespace gerbang
