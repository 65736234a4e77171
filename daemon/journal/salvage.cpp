#include "daemon/journal/salvage.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/model/facts.hpp"
#include "common/wire/codec.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxBlocks = 1u << 16;
constexpr std::size_t kMaxHeads = 1u << 16;
constexpr std::size_t kMaxEpochs = 4096;
constexpr std::size_t kMaxCursors = 1024;
constexpr std::size_t kMaxNameBytes = 64;
constexpr int kMaxDepth = 20;
constexpr int kTries = 3;
constexpr std::size_t kMaxSchemaPages = 64;
constexpr std::string_view kPackMagic{"GP"};
using sql::Value;

bool is_blob(const Value& value, std::size_t bytes) {
    return value.type == Value::Type::blob && value.bytes == bytes && value.view.size() == bytes;
}

template <std::size_t N>
std::array<std::uint8_t, N> array_of(std::string_view bytes) {
    std::array<std::uint8_t, N> array{};
    std::copy_n(bytes.begin(), N, array.begin());
    return array;
}

/// The pack among the columns of a row of `block`; later schemas may have more columns.
const Value* pack_of(const std::vector<Value>& values) {
    if (values.size() < 3 || values[1].type != Value::Type::integer) return nullptr;
    for (const auto& value : values) {
        if (value.type == Value::Type::blob && value.view.starts_with(kPackMagic)) return &value;
    }
    return nullptr;
}

std::optional<FoundBlock> block_of(const sql::LeafCell& cell, const std::vector<Value>& values) {
    if (pack_of(values) == nullptr) return std::nullopt;
    FoundBlock block;
    block.id = cell.rowid;
    block.last = Seq{static_cast<std::uint64_t>(values[1].number)};
    const bool is_possible = block.epoch() >= 1 && block.epoch() <= kMaxEpochNo &&
                             block.first().value >= 1 && block.first() <= block.last &&
                             block.last.value <= kMaxSeq &&
                             block.last.value - block.first().value < wire::kMaxRecordsPerPack;
    if (!is_possible) return std::nullopt;
    return block;
}

/// The keys of a leaf ascend. A row whose key a flipped bit moved breaks that, or stands beside
/// rows that it does not adjoin. Drops what breaks the order, marks what its neighbour confirms.
void judge(std::vector<FoundBlock>& blocks) {
    std::vector<bool> is_bad(blocks.size(), false);
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) {
        auto& here = blocks[i];
        auto& next = blocks[i + 1];
        if (here.epoch() == next.epoch() && here.last.next() == next.first()) {
            here.has_neighbour = true;
            next.has_neighbour = true;
        }
    }
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) {
        const bool is_ordered =
            blocks[i].id < blocks[i + 1].id &&
            (blocks[i].epoch() != blocks[i + 1].epoch() || blocks[i].last < blocks[i + 1].first());
        if (is_ordered) continue;
        if (!blocks[i].has_neighbour) is_bad[i] = true;
        if (!blocks[i + 1].has_neighbour) is_bad[i + 1] = true;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!is_bad[i]) blocks[kept++] = blocks[i];
    }
    blocks.resize(kept);
}

}  // namespace

Result<std::vector<Record>> read_found(const sql::PageFile& file, const FoundBlock& block,
                                       std::vector<std::uint32_t>* pages) {
    const auto page = block.is_loose ? file.loose_page(block.place) : file.page(block.place);
    if (!page) return page.error();
    const auto header_at = block.is_loose ? 0 : sql::PageFile::header_of(block.place);
    for (const auto& cell : sql::leaf_cells(*page, header_at)) {
        if (cell.rowid != block.id) continue;
        const auto payload = file.payload(cell, pages);
        if (!payload) return payload.error();
        const auto values = sql::row_values(*payload);
        const auto* pack = values ? pack_of(*values) : nullptr;
        if (pack == nullptr || pack->view.size() != pack->bytes) continue;
        if ((*values)[1].number != static_cast<std::int64_t>(block.last.value)) continue;
        auto records = wire::decode_pack(pack->view);
        if (!records) return records.error();
        if (records->front().seq != block.first() || records->back().seq != block.last) {
            return Error{Errc::bad_input, "a pack whose range differs from its key"};
        }
        return records;
    }
    return Error{Errc::bad_input, "a row that is no longer there"};
}

bool PageScan::look(std::uint32_t pages) {
    const auto total = std::uint64_t{file_->page_count()} + file_->loose_count();
    for (; pages > 0 && next_ <= total; --pages, ++next_) {
        const bool is_loose = next_ > file_->page_count();
        const auto place = is_loose ? next_ - file_->page_count() - 1 : next_;
        auto page = is_loose ? file_->loose_page(place) : file_->page(place);
        // A medium that dies may need several tries.
        for (int tried = 1; !page && tried < kTries; ++tried) {
            page = is_loose ? file_->loose_page(place) : file_->page(place);
        }
        if (!page) {
            ++findings_.unreadable_pages;
            continue;
        }
        look_at(*page, is_loose ? 0 : sql::PageFile::header_of(place), place, is_loose);
    }
    return next_ <= total;
}

void PageScan::look_at(const std::string& page, std::size_t header_at, std::uint32_t place,
                       bool is_loose) {
    take_rows(sql::leaf_cells(page, header_at), place, is_loose);
    for (const auto& payload : sql::index_payloads(page, header_at)) take_index_row(payload);
}

void PageScan::take_rows(const std::vector<sql::LeafCell>& cells, std::uint32_t place,
                         bool is_loose) {
    std::vector<FoundBlock> blocks;
    for (const auto& cell : cells) {
        const auto values = sql::row_values(cell.local);
        if (!values) continue;
        const auto& row = *values;
        if (auto block = block_of(cell, row)) {
            block->place = place;
            block->is_loose = is_loose;
            blocks.push_back(*block);
            if (block->first().value == 1) take_epoch_record(cell, block->epoch());
        } else if (row.size() == 3 && is_blob(row[1], 16) && cell.rowid >= 1 &&
                   cell.rowid <= kMaxEpochNo && by_row_.size() < kMaxEpochs) {
            by_row_[cell.rowid] = EpochId{array_of<16>(row[1].view)};
        } else if (row.size() == 2 && is_blob(row[1], 32) && findings_.heads.size() < kMaxHeads) {
            findings_.heads.push_back({cell.rowid, array_of<32>(row[1].view)});
        }
    }
    judge(blocks);
    findings_.blocks.insert(findings_.blocks.end(), blocks.begin(), blocks.end());
    if (findings_.blocks.size() > 2 * kMaxBlocks) keep_newest_blocks();
}

void PageScan::keep_newest_blocks() {
    auto& blocks = findings_.blocks;
    std::sort(blocks.begin(), blocks.end(),
              [](const FoundBlock& a, const FoundBlock& b) { return a.id > b.id; });
    if (blocks.size() > kMaxBlocks) blocks.resize(kMaxBlocks);
}

/// Rows of tables without row ids (`cursor`) and of the index over `epoch.uuid`.
void PageScan::take_index_row(std::string_view payload) {
    const auto values = sql::row_values(payload);
    if (!values) return;
    const auto& row = *values;
    if (row.size() == 2 && is_blob(row[0], 16) && row[1].type == Value::Type::integer &&
        row[1].number >= 1 && row[1].number <= kMaxEpochNo && by_index_.size() < kMaxEpochs) {
        by_index_[row[1].number] = EpochId{array_of<16>(row[0].view)};
    }
    const bool is_cursor = row.size() >= 8 && row[0].type == Value::Type::text &&
                           row[0].view.size() == row[0].bytes && is_blob(row[1], 16) &&
                           row[2].type == Value::Type::integer && is_blob(row[3], 32) &&
                           is_blob(row[6], 16) && row[7].type == Value::Type::integer;
    if (!is_cursor || findings_.cursors.size() >= kMaxCursors) return;
    Cursor cursor;
    cursor.consumer = row[0].view;
    cursor.epoch.bytes = array_of<16>(row[1].view);
    cursor.through = Seq{static_cast<std::uint64_t>(row[2].number)};
    cursor.head = array_of<32>(row[3].view);
    cursor.store.bytes = array_of<16>(row[6].view);
    cursor.generation = static_cast<std::uint64_t>(row[7].number);
    if (!is_valid_site_id(cursor.consumer) || cursor.through.value > kMaxSeq) return;
    findings_.cursors.push_back(std::move(cursor));
}

/// Record 1 of an epoch names it, under the checksum of its pack.
void PageScan::take_epoch_record(const sql::LeafCell& cell, EpochNo number) {
    if (by_record_.size() >= kMaxEpochs) return;
    const auto payload = file_->payload(cell);
    if (!payload) return;
    const auto values = sql::row_values(*payload);
    const auto* pack = values ? pack_of(*values) : nullptr;
    if (pack == nullptr) return;
    const auto records = wire::decode_pack(pack->view);
    if (!records) return;
    const auto* event = std::get_if<Event>(&records->front().body);
    if (event == nullptr || event->kind != EventKind::epoch) return;
    if (const auto fact = epoch_from(*event)) by_record_[number] = fact->id;
}

Findings PageScan::take() {
    for (const auto& [number, id] : by_row_) {
        const auto indexed = by_index_.find(number);
        if (indexed != by_index_.end() && indexed->second == id) findings_.epochs[number] = id;
    }
    for (const auto& [number, id] : by_record_) findings_.epochs[number] = id;
    keep_newest_blocks();
    drop_incredible_blocks();
    std::sort(findings_.heads.begin(), findings_.heads.end(),
              [](const FoundHead& a, const FoundHead& b) { return a.id < b.id; });
    return std::move(findings_);
}

/// A row that stands alone in its page and adjoins no other of its epoch may be one whose epoch a
/// flipped bit changed, if there is more than one epoch.
void PageScan::drop_incredible_blocks() {
    auto& blocks = findings_.blocks;
    std::vector<std::int64_t> begins;
    std::vector<std::int64_t> ends;
    std::set<EpochNo> epochs;
    for (const auto& block : blocks) {
        begins.push_back(block.id);
        ends.push_back(row_id(block.epoch(), block.last.next()));
        epochs.insert(block.epoch());
    }
    std::sort(begins.begin(), begins.end());
    std::sort(ends.begin(), ends.end());
    for (auto& block : blocks) {
        if (block.has_neighbour) continue;
        const auto after = row_id(block.epoch(), block.last.next());
        block.has_neighbour = std::binary_search(ends.begin(), ends.end(), block.id) ||
                              std::binary_search(begins.begin(), begins.end(), after);
        const auto named = by_record_.find(block.epoch());
        if (block.first().value == 1 && named != by_record_.end()) {
            block.has_neighbour |= findings_.epochs[block.epoch()] == named->second;
        }
    }
    if (epochs.size() <= 1) return;
    std::erase_if(blocks, [](const FoundBlock& block) { return !block.has_neighbour; });
}

std::optional<FoundRollup> rollup_of(std::string_view payload) {
    const auto values = sql::row_values(payload);
    if (!values || values->size() != 10) return std::nullopt;
    const auto& row = *values;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const bool is_text = i == 3 || i == 8;
        if (is_text != (row[i].type == Value::Type::text)) return std::nullopt;
        if (is_text && row[i].view.size() != row[i].bytes) return std::nullopt;
        if (!is_text && row[i].type != Value::Type::integer) return std::nullopt;
        if (!is_text && row[i].number < 0) return std::nullopt;
    }
    if (row[0].number > static_cast<std::int64_t>(UsagePeriod::year) || row[2].number > 1 ||
        row[3].view.empty() || row[3].view.size() > kMaxNameBytes) {
        return std::nullopt;
    }
    FoundRollup found;
    found.period = static_cast<UsagePeriod>(row[0].number);
    found.key.start = wall_from_ms(row[1].number);
    found.key.name = {.is_role = row[2].number == 1, .name = std::string{row[3].view}};
    const auto unsigned_at = [&](std::size_t i) {
        return static_cast<std::uint64_t>(row[i].number);
    };
    found.part.sum.received.value = unsigned_at(4);
    found.part.sum.transmitted.value = unsigned_at(5);
    found.part.sum.peak_receive.bit_per_s = unsigned_at(6);
    found.part.sum.peak_transmit.bit_per_s = unsigned_at(7);
    found.part.sum.minutes = minutes_from(row[8].view);
    found.part.measured_ms = unsigned_at(9);
    constexpr std::int64_t kYear = 366LL * 86'400'000;
    constexpr std::int64_t kLastWall = 253'402'300'800'000;
    constexpr std::int64_t kMaxBytes = std::int64_t{1} << 60;
    const bool is_possible = row[1].number <= kLastWall && row[9].number <= kYear &&
                             row[4].number <= kMaxBytes && row[5].number <= kMaxBytes;
    if (!is_possible) return std::nullopt;
    return found;
}

std::optional<std::uint32_t> PageScan::root_of(std::string_view table) const {
    std::vector<std::uint32_t> open{1};
    std::set<std::uint32_t> seen;
    while (!open.empty() && seen.size() < kMaxSchemaPages) {
        const auto place = open.back();
        open.pop_back();
        if (!seen.insert(place).second) continue;
        const auto page = file_->page(place);
        if (!page) continue;
        const auto header_at = sql::PageFile::header_of(place);
        for (const auto child : sql::children(*page, header_at)) open.push_back(child);
        if (const auto root = root_in(*page, header_at, table)) return root;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> PageScan::root_in(std::string_view page, std::size_t header_at,
                                               std::string_view table) const {
    for (const auto& cell : sql::leaf_cells(page, header_at)) {
        const auto row = sql::row_values(cell.local);
        if (!row || row->size() < 4 || (*row)[1].view != table || (*row)[0].view != "table")
            continue;
        const auto root = (*row)[3].number;
        if (root >= 2 && root <= file_->page_count()) return static_cast<std::uint32_t>(root);
    }
    return std::nullopt;
}

std::vector<FoundBlock> PageScan::newest() {
    auto place = root_of("block");
    for (int depth = 0; place && depth < kMaxDepth; ++depth) {
        const auto page = file_->page(*place);
        if (!page) break;
        const auto below = sql::children(*page, sql::PageFile::header_of(*place));
        if (!below.empty()) {
            place = below.back();
            continue;
        }
        const auto before = findings_.blocks.size();
        take_rows(sql::leaf_cells(*page, sql::PageFile::header_of(*place)), *place, false);
        std::vector<FoundBlock> rows(findings_.blocks.begin() + static_cast<std::ptrdiff_t>(before),
                                     findings_.blocks.end());
        findings_.blocks.resize(before);
        return rows;
    }
    return {};
}

}  // namespace gerbang
