// The check in the background: what a start-up must not spend its time on. A few blocks after each
// hourly checkpoint, the whole journal in about a week; where it goes on is kept over restarts.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"
#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {
namespace {

constexpr const char* kCheckKey = "journal.check";
constexpr int kBlocksPerHour = 16;

}  // namespace

void SqliteJournal::allow_check() {
    check_.budget = kBlocksPerHour;
    cursors_.stage_note(kCheckKey,
                        std::to_string(check_.reached) + " " + std::to_string(check_.rounds));
}

/// At the start: the newest rows stand in order and end where the state does. Pages of older rows
/// in the place of newer ones look whole by themselves.
Result<void> SqliteJournal::check_newest() {
    constexpr std::uint64_t kRecords = 512;
    if (epoch_no_ == 0) return ok();
    const auto last = memory_.state.last.value;
    auto list = connection_.prepare(
        "SELECT id,last FROM block WHERE id>=coalesce((SELECT max(id) FROM block WHERE "
        "id<=?1),?1)");
    if (!list) return list.error();
    list->bind(1, row_id(epoch_no_, Seq{last > kRecords ? last - kRecords : 1}));
    std::int64_t reached = 0;
    for (;;) {
        const auto row = list->step();
        if (!row) return row.error();
        if (!*row) break;
        const auto id = list->number(0);
        const bool adjoins = id == reached + 1 || id >> 40 != reached >> 40;
        if (reached != 0 && (id <= reached || !adjoins)) {
            return check_failed(id, "the newest blocks are out of order");
        }
        reached = row_id(id >> 40, Seq{static_cast<std::uint64_t>(list->number(1))});
    }
    if (reached == row_id(epoch_no_, memory_.state.last)) return ok();
    return check_failed(reached, "the newest blocks do not end where the journal does");
}

/// One block: its checksum and content, its place in the order, its chain, the copies of its
/// events. Whatever is wrong is damage, and treated as damage found at the start.
Result<bool> SqliteJournal::check_slice() {
    if (check_.budget <= 0 || epoch_no_ == 0) return false;
    --check_.budget;
    std::vector<Record> records;
    {
        auto& list = check_.next_block;
        list.start().bind(1, check_.reached);
        const sql::Resetting resetting{list};
        const auto row = list.step();
        if (!row) return fail(row.error());
        if (!*row) {
            check_.reached = 0;
            check_.budget = 0;
            ++check_.rounds;
            check_.head.reset();
            return false;
        }
        const auto id = list.number(0);
        auto decoded = wire::decode_pack(list.bytes(2));
        if (!decoded) return fail(check_failed(id, decoded.error().detail));
        const auto last = decoded->back().seq.value;
        if ((static_cast<std::uint64_t>(id) & kMaxSeq) != decoded->front().seq.value ||
            static_cast<std::uint64_t>(list.number(1)) != last) {
            return fail(check_failed(id, "its range differs from its key"));
        }
        if (id <= check_.reached) return fail(check_failed(id, "keys do not ascend"));
        const auto number = id >> 40;
        const auto adjoins = row_id(number, decoded->front().seq.previous());
        if (check_.reached >> 40 == number && adjoins < check_.reached) {
            return fail(check_failed(id, "it overlaps the block before it"));
        }
        if (number == epoch_no_ && adjoins > check_.reached) {
            // Commits may have been packed since, into a block that begins before `reached`.
            const bool is_begun = check_.reached >> 40 == number;
            const Seq expected{is_begun ? (static_cast<std::uint64_t>(check_.reached) & kMaxSeq) + 1
                                        : 1};
            const auto there = next_present(number, {expected, expected});
            if (!there) return fail(there.error());
            if (!*there) return fail(check_failed(id, "records before it are missing"));
        }
        if (adjoins != check_.reached) check_.head.reset();
        check_.reached = row_id(number, Seq{last});
        records = std::move(*decoded);
    }
    if (auto checked = check_records(check_.reached >> 40, records); !checked) {
        return fail(checked.error());
    }
    return true;
}

Result<void> SqliteJournal::check_records(EpochNo number, const std::vector<Record>& records) {
    const auto stored_head = [&](Seq seq) -> Result<std::optional<Head>> {
        auto& find = check_.find_head;
        find.start().bind(1, row_id(number, seq));
        const sql::Resetting resetting{find};
        const auto row = find.step();
        if (!row) return row.error();
        Head head{};
        if (!*row || find.bytes(0).size() != head.size()) return std::optional<Head>{};
        std::copy(find.bytes(0).begin(), find.bytes(0).end(), head.begin());
        return std::optional{head};
    };
    if (records.front().seq.value == 1) {
        check_.head = Head{};
    } else if (!check_.head) {
        auto before = stored_head(records.front().seq.previous());
        if (!before) return before.error();
        check_.head = *before;
    }
    for (const auto& record : records) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event != nullptr && is_protected(event->kind)) {
            auto& find = check_.find_event;
            find.start()
                .bind(1, static_cast<std::int64_t>(event->kind))
                .bind(2, row_id(number, record.seq));
            const sql::Resetting resetting{find};
            const auto row = find.step();
            if (!row) return row.error();
            if (*row && find.bytes(0) != wire::encode_event(*event)) {
                return check_failed(row_id(number, record.seq), "an event and its copy differ");
            }
        }
        if (!check_.head) continue;
        if (!wire::is_chainable(record)) {
            check_.head.reset();
            continue;
        }
        check_.head = wire::next_head(*check_.head, record);
    }
    if (!check_.head) return ok();
    const auto stored = stored_head(records.back().seq);
    if (!stored) return stored.error();
    if (*stored && **stored != *check_.head) {
        return check_failed(row_id(number, records.back().seq), "the chain is broken");
    }
    return ok();
}

Error SqliteJournal::check_failed(std::int64_t id, const std::string& why) {
    return Error{Errc::storage_broken,
                 "check of the journal: block " + std::to_string(id >> 40) + "/" +
                     std::to_string(static_cast<std::uint64_t>(id) & kMaxSeq) + ": " + why};
}

Result<CheckFacts> SqliteJournal::check_facts() {
    CheckFacts facts;
    facts.rounds = check_.rounds;
    const auto epochs = epoch_rows();
    if (!epochs) return epochs.error();
    const auto number = check_.reached >> 40;
    for (const auto& epoch : *epochs) {
        facts.of += epoch.last.value;
        if (epoch.number < number) facts.records += epoch.last.value;
        if (epoch.number == number) {
            facts.records += static_cast<std::uint64_t>(check_.reached) & kMaxSeq;
        }
    }
    return facts;
}

Result<void> SqliteJournal::prepare_check() {
    const auto stored = note(kCheckKey).value_or("");
    char* end = nullptr;
    check_.reached = std::strtoll(stored.c_str(), &end, 10);
    check_.rounds = std::strtoull(end, nullptr, 10);
    auto next =
        connection_.prepare("SELECT id,last,body FROM block WHERE id>? ORDER BY id LIMIT 1");
    if (!next) return next.error();
    check_.next_block = std::move(*next);
    auto head = connection_.prepare("SELECT head FROM head WHERE id=?");
    if (!head) return head.error();
    check_.find_head = std::move(*head);
    auto event = connection_.prepare("SELECT body FROM event WHERE kind=? AND id=?");
    if (!event) return event.error();
    check_.find_event = std::move(*event);
    return ok();
}

}  // namespace gerbang
