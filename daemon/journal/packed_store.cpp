#include "daemon/journal/packed_store.hpp"

#include <array>
#include <utility>

namespace gerbang {
namespace {

/// The columns level, id, last, elapsed_s, bytes.
PackedBlock block_of(const sql::Statement& row) {
    PackedBlock block;
    block.level = static_cast<int>(row.number(0));
    block.epoch = row.number(1) >> 40;
    block.range.first = Seq{static_cast<std::uint64_t>(row.number(1)) & kMaxSeq};
    block.range.last = Seq{static_cast<std::uint64_t>(row.number(2))};
    block.elapsed_s = row.number(3);
    block.bytes = static_cast<std::uint64_t>(row.number(4));
    return block;
}

}  // namespace

Result<void> PackedStore::prepare(sql::Connection& connection) {
    const std::array<std::pair<sql::Statement*, const char*>, 5> statements{{
        {&put_, "INSERT OR REPLACE INTO packed VALUES(?,?,?,?,?)"},
        {&erase_, "DELETE FROM packed WHERE level=? AND id=?"},
        {&find_,
         "SELECT level,id,last,elapsed_s,bytes FROM packed WHERE level=? AND id<=? ORDER BY id "
         "DESC LIMIT 1"},
        {&list_, "SELECT level,id,last,elapsed_s,bytes FROM packed WHERE level=? ORDER BY id"},
        {&list_back_,
         "SELECT level,id,last,elapsed_s,bytes FROM packed WHERE level=? ORDER BY id DESC"},
    }};
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return prepared.error();
        *statement = std::move(*prepared);
    }
    return ok();
}

Result<void> PackedStore::put(const PackedBlock& block) {
    return put_.start()
        .bind(1, block.level)
        .bind(2, row_id(block.epoch, block.range.first))
        .bind(3, static_cast<std::int64_t>(block.range.last.value))
        .bind(4, block.elapsed_s)
        .bind(5, static_cast<std::int64_t>(block.bytes))
        .run();
}

Result<void> PackedStore::erase(const PackedBlock& block) {
    return erase_.start()
        .bind(1, block.level)
        .bind(2, row_id(block.epoch, block.range.first))
        .run();
}

Result<std::optional<PackedBlock>> PackedStore::at_or_below(int level, std::int64_t id) {
    find_.start().bind(1, level).bind(2, id);
    const sql::Resetting resetting{find_};
    const auto row = find_.step();
    if (!row) return row.error();
    if (!*row) return std::optional<PackedBlock>{};
    return std::optional{block_of(find_)};
}

Result<std::optional<PackedBlock>> PackedStore::holding(EpochNo epoch, Seq seq) {
    std::optional<PackedBlock> found;
    for (int level = 0; level <= kGivenUpLevel; ++level) {
        const auto block = at_or_below(level, row_id(epoch, seq));
        if (!block) return block.error();
        if (!*block || (*block)->epoch != epoch || (*block)->range.last < seq) continue;
        found = **block;
    }
    return found;
}

Result<std::optional<PackedBlock>> PackedStore::newest(EpochNo epoch) {
    std::optional<PackedBlock> newest;
    for (int level = 0; level <= kGivenUpLevel; ++level) {
        const auto block = at_or_below(level, row_id(epoch, Seq{kMaxSeq}));
        if (!block) return block.error();
        if (!*block || (*block)->epoch != epoch) continue;
        if (!newest || (*block)->range.last > newest->range.last) newest = **block;
    }
    return newest;
}

Result<std::optional<PackedBlock>> PackedStore::ending_before(EpochNo epoch, Seq first, int level) {
    if (first.value <= 1) return std::optional<PackedBlock>{};
    auto block = at_or_below(level, row_id(epoch, first.previous()));
    if (!block || !*block) return block;
    if ((*block)->epoch != epoch || (*block)->range.last.next() != first) {
        return std::optional<PackedBlock>{};
    }
    return block;
}

Result<void> PackedStore::visit(int level, bool newest_first, const Visitor& visitor) {
    auto& list = newest_first ? list_back_ : list_;
    list.start().bind(1, level);
    const sql::Resetting resetting{list};
    for (;;) {
        const auto row = list.step();
        if (!row) return row.error();
        if (!*row || !visitor(block_of(list))) return ok();
    }
}

}  // namespace gerbang
