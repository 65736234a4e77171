#include "daemon/journal/cursor_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace gerbang {
namespace {

template <std::size_t N>
std::string_view view(const std::array<std::uint8_t, N>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), N};
}

template <std::size_t N>
bool copy_to(std::array<std::uint8_t, N>& target, std::string_view bytes) {
    if (bytes.size() != N) return false;
    std::copy(bytes.begin(), bytes.end(), target.begin());
    return true;
}

/// "12-17 30-30": ascending ranges.
std::string to_text(const RangeSet& set) {
    std::string text;
    for (const auto& range : set.ranges()) {
        if (!text.empty()) text.push_back(' ');
        text += std::to_string(range.first.value) + '-' + std::to_string(range.last.value);
    }
    return text;
}

bool read_ranges(std::string_view text, RangeSet& set) {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        SeqRange range;
        auto parsed = std::from_chars(at, end, range.first.value);
        if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != '-') return false;
        parsed = std::from_chars(parsed.ptr + 1, end, range.last.value);
        if (parsed.ec != std::errc{}) return false;
        if (range.first.value == 0 || range.last < range.first || !set.add(range)) return false;
        at = parsed.ptr;
        if (at != end && *at++ != ' ') return false;
    }
    return true;
}

}  // namespace

Result<void> CursorStore::prepare(sql::Connection& connection) {
    const std::array<std::pair<sql::Statement*, const char*>, 6> statements{{
        {&put_, "INSERT OR REPLACE INTO cursor VALUES(?,?,?,?,?,?,?,?,?)"},
        {&list_,
         "SELECT consumer,epoch,through,head,held,deferred,store,generation FROM cursor ORDER BY "
         "consumer,epoch"},
        {&drop_parked_, "DELETE FROM parked WHERE consumer=? AND epoch=?"},
        {&put_parked_, "INSERT OR REPLACE INTO parked VALUES(?,?,?,?,?)"},
        {&list_parked_,
         "SELECT first,last,reason FROM parked WHERE consumer=? AND epoch=? ORDER BY first"},
        {&put_note_, "INSERT OR REPLACE INTO note VALUES(?,?)"},
    }};
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return prepared.error();
        *statement = std::move(*prepared);
    }
    if (auto read = read_heard(connection); !read) return read;
    auto stored = connection.prepare("SELECT key,value FROM note LIMIT 64");
    if (!stored) return stored.error();
    for (;;) {
        const auto row = stored->step();
        if (!row) return row.error();
        if (!*row) return ok();
        notes_[std::string{stored->bytes(0)}] = stored->bytes(1);
    }
}

/// Cursors themselves are read when they are asked for; a damaged one must not keep the journal
/// from opening.
Result<void> CursorStore::read_heard(sql::Connection& connection) {
    auto stored = connection.prepare(
        "SELECT consumer,epoch,through,held,store,generation,elapsed_s,(SELECT count(*) FROM "
        "parked p WHERE p.consumer=c.consumer AND p.epoch=c.epoch) FROM cursor c");
    if (!stored) return stored.error();
    for (;;) {
        const auto row = stored->step();
        if (!row) return row.error();
        if (!*row) return ok();
        Heard heard;
        EpochId epoch;
        if (!copy_to(epoch.bytes, stored->bytes(1)) || !read_ranges(stored->bytes(3), heard.held) ||
            !copy_to(heard.store.bytes, stored->bytes(4))) {
            continue;
        }
        heard.through.value = static_cast<std::uint64_t>(stored->number(2));
        heard.generation = static_cast<std::uint64_t>(stored->number(5));
        heard.elapsed_s = stored->number(6);
        heard.parked = static_cast<std::size_t>(stored->number(7));
        heard_[{std::string{stored->bytes(0)}, epoch}] = std::move(heard);
    }
}

std::optional<std::int64_t> CursorStore::heard_s(const std::string& consumer) const {
    std::optional<std::int64_t> newest;
    for (const auto& [key, heard] : heard_) {
        if (key.first != consumer || heard.generation == 0) continue;
        newest = std::max(newest.value_or(heard.elapsed_s), heard.elapsed_s);
    }
    return newest;
}

void CursorStore::stage(const Cursor& cursor, std::int64_t elapsed_s) {
    const Key key{cursor.consumer, cursor.epoch};
    auto& heard = heard_[key];
    if (heard.through != cursor.through || heard.held != cursor.held ||
        heard.store != cursor.store || heard.generation != cursor.generation ||
        heard.parked != cursor.parked.size()) {
        heard = {cursor.through,    cursor.held,          cursor.store,
                 cursor.generation, cursor.parked.size(), elapsed_s};
    }
    if (staged_.size() >= kMaxStaged && !staged_.contains(key)) staged_.erase(staged_.begin());
    staged_[key] = cursor;
}

bool CursorStore::stage_note(const std::string& key, const std::string& value) {
    if (key.empty() || key.size() > kMaxKeyBytes || value.size() > kMaxNoteBytes) return false;
    const auto found = notes_.find(key);
    if (found == notes_.end() && notes_.size() >= kMaxNotes) return false;
    if (found != notes_.end() && found->second == value) return true;
    notes_[key] = value;
    staged_notes_[key] = value;
    return true;
}

Result<void> CursorStore::write_one(const Cursor& cursor) {
    const auto held = to_text(cursor.held);
    const auto deferred = to_text(cursor.deferred);
    auto put = put_.start()
                   .bind_text(1, cursor.consumer)
                   .bind_blob(2, view(cursor.epoch.bytes))
                   .bind(3, static_cast<std::int64_t>(cursor.through.value))
                   .bind_blob(4, view(cursor.head))
                   .bind_text(5, held)
                   .bind_text(6, deferred)
                   .bind_blob(7, view(cursor.store.bytes))
                   .bind(8, static_cast<std::int64_t>(cursor.generation))
                   .bind(9, heard_[{cursor.consumer, cursor.epoch}].elapsed_s)
                   .run();
    if (!put) return put;
    auto dropped = drop_parked_.start()
                       .bind_text(1, cursor.consumer)
                       .bind_blob(2, view(cursor.epoch.bytes))
                       .run();
    if (!dropped) return dropped;
    for (const auto& parked : cursor.parked) {
        auto kept = put_parked_.start()
                        .bind_text(1, cursor.consumer)
                        .bind_blob(2, view(cursor.epoch.bytes))
                        .bind(3, static_cast<std::int64_t>(parked.range.first.value))
                        .bind(4, static_cast<std::int64_t>(parked.range.last.value))
                        .bind_text(5, parked.reason)
                        .run();
        if (!kept) return kept;
    }
    return ok();
}

Result<void> CursorStore::write() {
    for (const auto& [key, cursor] : staged_) {
        if (auto put = write_one(cursor); !put) return put;
    }
    for (const auto& [key, value] : staged_notes_) {
        auto put = put_note_.start().bind_text(1, key).bind_text(2, value).run();
        if (!put) return put;
    }
    return ok();
}

void CursorStore::written() {
    staged_.clear();
    staged_notes_.clear();
}

Result<std::vector<Cursor>> CursorStore::cursors() {
    std::map<Key, Cursor> all;
    list_.start();
    const sql::Resetting resetting{list_};
    for (;;) {
        const auto row = list_.step();
        if (!row) return row.error();
        if (!*row) break;
        Cursor cursor;
        cursor.consumer = list_.bytes(0);
        const bool is_sound = copy_to(cursor.epoch.bytes, list_.bytes(1)) &&
                              copy_to(cursor.head, list_.bytes(3)) &&
                              read_ranges(list_.bytes(4), cursor.held) &&
                              read_ranges(list_.bytes(5), cursor.deferred) &&
                              copy_to(cursor.store.bytes, list_.bytes(6));
        if (!is_sound) {
            return Error{Errc::storage_broken,
                         "cursor of " + cursor.consumer + ": damaged row in the journal"};
        }
        cursor.through.value = static_cast<std::uint64_t>(list_.number(2));
        cursor.generation = static_cast<std::uint64_t>(list_.number(7));
        list_parked_.start().bind_text(1, cursor.consumer).bind_blob(2, view(cursor.epoch.bytes));
        const sql::Resetting parked_resetting{list_parked_};
        for (;;) {
            const auto parked = list_parked_.step();
            if (!parked) return parked.error();
            if (!*parked || cursor.parked.size() >= kMaxParked) break;
            cursor.parked.push_back(
                {.range = {Seq{static_cast<std::uint64_t>(list_parked_.number(0))},
                           Seq{static_cast<std::uint64_t>(list_parked_.number(1))}},
                 .reason = std::string{list_parked_.bytes(2)}});
        }
        all[{cursor.consumer, cursor.epoch}] = std::move(cursor);
    }
    for (const auto& [key, cursor] : staged_) all[key] = cursor;
    std::vector<Cursor> cursors;
    cursors.reserve(all.size());
    for (auto& [key, cursor] : all) cursors.push_back(std::move(cursor));
    return cursors;
}

std::optional<std::string> CursorStore::note(const std::string& key) const {
    const auto found = notes_.find(key);
    if (found == notes_.end()) return std::nullopt;
    return found->second;
}

}  // namespace gerbang
