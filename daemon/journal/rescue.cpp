#include "daemon/journal/rescue.hpp"

#include <algorithm>
#include <utility>

#include "common/model/facts.hpp"
#include "common/wire/chain.hpp"

namespace gerbang {
namespace {

/// About what a slice of 20 ms does on a slow board.
constexpr std::uint32_t kPagesPerSlice = 128;
constexpr std::size_t kBlocksPerSlice = 8;
constexpr std::size_t kBytesPerSlice = 256u << 10;
constexpr std::size_t kRecordsPerWalk = 256;
constexpr std::uint64_t kTotalsPerSlice = 128;
/// Of reading from a medium that dies.
constexpr int kTries = 3;
constexpr std::size_t kMaxUnproven = 1024;
/// The losses of an epoch that is more hole than record become one.
constexpr std::size_t kMaxLossRanges = 256;

template <std::size_t N>
std::string_view view(const std::array<std::uint8_t, N>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), N};
}

/// Level of a block, as `PackedBlock` has it.
int level_of(const std::vector<Record>& records) {
    int level = 0;
    bool has_chunk = false;
    bool has_tick = false;
    for (const auto& record : records) {
        const auto* chunk = std::get_if<Chunk>(&record.body);
        if (chunk == nullptr) continue;
        has_chunk = true;
        if (!chunk->ticks.empty()) has_tick = true;
        level = std::max(level, static_cast<int>(chunk->level));
    }
    return has_chunk && !has_tick ? kGivenUpLevel : level;
}

}  // namespace

Rescue::Rescue(sql::PageFile file, std::string path, std::string vfs, std::optional<Mirror> mirror)
    : file_{std::move(file)},
      path_{std::move(path)},
      vfs_{std::move(vfs)},
      mirror_{std::move(mirror)},
      scan_{file_} {}

Result<void> Rescue::prepare(sql::Connection& connection) {
    const std::array<std::pair<sql::Statement*, const char*>, 7> statements{{
        {&find_epoch_, "SELECT no,last FROM epoch WHERE uuid=?"},
        {&put_epoch_,
         "INSERT INTO epoch(no,uuid,last) VALUES(CASE WHEN EXISTS(SELECT 1 FROM epoch WHERE no=?1) "
         "THEN (SELECT max(no)+1 FROM epoch) ELSE ?1 END,?2,?3)"},
        {&raise_epoch_, "UPDATE epoch SET last=max(last,?2) WHERE no=?1 AND last IS NOT NULL"},
        {&list_blocks_,
         "SELECT id,last FROM block WHERE id>=coalesce((SELECT max(id) FROM block WHERE "
         "id<=?1),?1) "
         "AND id<=?2 ORDER BY id"},
        {&list_sizes_, "SELECT id,last,length(body) FROM block WHERE id>=? AND id<=? ORDER BY id"},
        {&first_block_, "SELECT id FROM block WHERE id>=? AND id<=? ORDER BY id LIMIT 1"},
        {&last_of_epoch_, "SELECT last FROM epoch WHERE no=?"},
    }};
    for (const auto& [statement, text] : statements) {
        auto prepared = connection.prepare(text);
        if (!prepared) return prepared.error();
        *statement = std::move(*prepared);
    }
    return ok();
}

std::vector<FoundBlock> Rescue::newest() {
    auto found = scan_.newest();
    if (!found.empty()) return found;
    while (stage_ == Stage::scan) scan();
    constexpr std::size_t kEnough = 16;
    const auto& blocks = findings_.blocks;
    found.assign(blocks.begin(),
                 blocks.begin() + static_cast<std::ptrdiff_t>(std::min(kEnough, blocks.size())));
    return found;
}

void Rescue::newest_totals(const std::vector<FoundBlock>& newest, const Mirror& known,
                           Mirror& target) {
    if (newest.empty() || known.epochs.empty()) return;
    const auto& epoch = known.epochs.back();
    for (const auto& block : newest) {
        // Series have the same numbers only within the mirror's epoch.
        if (block.epoch() != epoch.number) continue;
        const auto records = read_found(file_, block, nullptr);
        if (!records) continue;
        for (const auto& record : *records) {
            if (const auto* event = std::get_if<Event>(&record.body)) {
                if (const auto outage = outage_from(*event);
                    event->kind == EventKind::outage && outage) {
                    target.last_outage_id = std::max(target.last_outage_id, outage->id);
                }
                continue;
            }
            for (const auto& column : std::get<Chunk>(record.body).columns) {
                const auto total = std::lower_bound(
                    target.totals.begin(), target.totals.end(), column.series,
                    [](const Reading& each, SeriesId id) { return each.series < id; });
                if (total == target.totals.end() || total->series != column.series) continue;
                if (column.part != part::kValue) continue;
                total->value = std::max(total->value, column.values.back());
            }
        }
    }
}

std::vector<MirroredEpoch> Rescue::epochs() const {
    std::vector<MirroredEpoch> found;
    for (const auto& [number, id] : findings_.epochs) {
        MirroredEpoch epoch{id, number, Seq{}, false};
        for (const auto& block : findings_.blocks) {
            if (block.epoch() == number) epoch.last = std::max(epoch.last, block.last);
        }
        found.push_back(epoch);
    }
    return found;
}

RescueFacts Rescue::facts() const noexcept {
    return {.is_running = stage_ != Stage::done,
            .blocks_found = findings_.blocks.size(),
            .blocks_done = next_block_,
            .records = salvaged_.records,
            .damaged_blocks = salvaged_.damaged_blocks};
}

void Rescue::scan() {
    if (scan_.look(kPagesPerSlice)) return;
    findings_ = scan_.take();
    // What the mirror knows stands above rows that nobody vouches for.
    if (mirror_) {
        for (const auto& epoch : mirror_->epochs) findings_.epochs[epoch.number] = epoch.id;
    }
    stage_ = Stage::name;
}

Result<void> Rescue::name_epochs() {
    numbers_.clear();
    for (const auto& [old_number, id] : findings_.epochs) {
        Seq last;
        if (mirror_) {
            if (const auto* known = mirror_->find(id)) last = known->last;
        }
        for (const auto& block : findings_.blocks) {
            if (block.epoch() == old_number) last = std::max(last, block.last);
        }
        std::optional<EpochNo> number;
        {
            find_epoch_.start().bind_blob(1, view(id.bytes));
            const sql::Resetting resetting{find_epoch_};
            const auto row = find_epoch_.step();
            if (!row) return row.error();
            if (*row) number = find_epoch_.number(0);
        }
        if (!number) {
            if (last.value == 0) continue;
            auto put = put_epoch_.start()
                           .bind(1, old_number)
                           .bind_blob(2, view(id.bytes))
                           .bind(3, static_cast<std::int64_t>(last.value))
                           .run();
            if (!put) return put;
            find_epoch_.start().bind_blob(1, view(id.bytes));
            const sql::Resetting resetting{find_epoch_};
            const auto row = find_epoch_.step();
            if (!row) return row.error();
            if (!*row) return Error{Errc::storage_broken, "an epoch that was not stored"};
            number = find_epoch_.number(0);
        } else {
            auto raised = raise_epoch_.start()
                              .bind(1, *number)
                              .bind(2, static_cast<std::int64_t>(last.value))
                              .run();
            if (!raised) return raised;
        }
        numbers_[old_number] = *number;
    }
    next_block_ = 0;
    block_in_hand_ = 0;
    stage_ = findings_.blocks.empty() ? Stage::walk : Stage::copy;
    walked_ = numbers_.begin();
    return ok();
}

/// What of `range` the database does not hold.
Result<std::vector<SeqRange>> Rescue::absent(EpochNo number, SeqRange range) {
    std::vector<SeqRange> missing;
    auto next = range.first;
    list_blocks_.start().bind(1, row_id(number, range.first)).bind(2, row_id(number, range.last));
    const sql::Resetting resetting{list_blocks_};
    while (next <= range.last) {
        const auto row = list_blocks_.step();
        if (!row) return row.error();
        if (!*row) break;
        const auto id = list_blocks_.number(0);
        const Seq last{static_cast<std::uint64_t>(list_blocks_.number(1))};
        if (id >> 40 != number || last < next) continue;
        const Seq first{static_cast<std::uint64_t>(id) & kMaxSeq};
        if (first > next) missing.push_back({next, first.previous()});
        next = last.next();
    }
    if (next <= range.last) missing.push_back({next, range.last});
    return missing;
}

Result<void> Rescue::put_packed(PackedStore& packed, EpochNo number, SeqRange range, int level,
                                std::int64_t elapsed_s) {
    list_sizes_.start().bind(1, row_id(number, range.first)).bind(2, row_id(number, range.last));
    const sql::Resetting resetting{list_sizes_};
    for (;;) {
        const auto row = list_sizes_.step();
        if (!row) return row.error();
        if (!*row) return ok();
        PackedBlock block;
        block.epoch = number;
        block.range = {Seq{static_cast<std::uint64_t>(list_sizes_.number(0)) & kMaxSeq},
                       Seq{static_cast<std::uint64_t>(list_sizes_.number(1))}};
        block.level = level;
        block.elapsed_s = elapsed_s;
        block.bytes = static_cast<std::uint64_t>(list_sizes_.number(2));
        if (auto put = packed.put(block); !put) return put;
    }
}

Result<void> Rescue::copy_one(const FoundBlock& found, BlockStore& blocks, PackedStore& packed,
                              std::int64_t elapsed_s) {
    const auto number = numbers_.find(found.epoch());
    if (number == numbers_.end()) return ok();
    const auto missing = absent(number->second, {found.first(), found.last});
    if (!missing) return missing.error();
    if (missing->empty()) return ok();
    std::vector<std::uint32_t> pages;
    auto records = read_found(file_, found, &pages);
    for (int tried = 1; tried < kTries && !records; ++tried) {
        if (records.error().code == Errc::bad_input) break;
        pages.clear();
        records = read_found(file_, found, &pages);
    }
    if (!records) {
        ++salvaged_in_hand_.damaged_blocks;
        return ok();
    }
    for (const auto& range : *missing) {
        const auto from = static_cast<std::ptrdiff_t>(range.first.value - found.first().value);
        const auto count = static_cast<std::ptrdiff_t>(range.size());
        const std::vector<Record> part(records->begin() + from, records->begin() + from + count);
        const auto inserted = blocks.insert(number->second, part);
        if (!inserted) return inserted.error();
        auto put = put_packed(packed, number->second, range, level_of(part), elapsed_s);
        if (!put) return put;
        salvaged_in_hand_.records += range.size();
    }
    ++salvaged_in_hand_.blocks;
    for (const auto page : pages) {
        if (!file_.is_in_log(page)) holes_.push_back(page);
    }
    return ok();
}

Result<void> Rescue::copy(BlockStore& blocks, PackedStore& packed, std::int64_t elapsed_s) {
    salvaged_in_hand_ = salvaged_;
    holes_.clear();
    std::size_t at = next_block_;
    for (std::size_t done = 0; done < kBlocksPerSlice && at < findings_.blocks.size();
         ++done, ++at) {
        const auto before = holes_.size();
        auto copied_one = copy_one(findings_.blocks[at], blocks, packed, elapsed_s);
        if (!copied_one) return copied_one;
        const auto bytes = (holes_.size() - before) * file_.page_bytes();
        if (bytes >= kBytesPerSlice) done = kBlocksPerSlice;
    }
    block_in_hand_ = at;
    return ok();
}

void Rescue::copied(bool is_committed) {
    if (!is_committed) {
        holes_.clear();
        return;
    }
    salvaged_ = salvaged_in_hand_;
    next_block_ = block_in_hand_;
    if (next_block_ >= findings_.blocks.size()) stage_ = Stage::walk;
    for (const auto page : holes_) {
        if (!can_punch_) break;
        const auto punched = sql::punch_hole(
            path_, vfs_, std::uint64_t{page - 1} * file_.page_bytes(), file_.page_bytes());
        // Where the file system cannot do it, the newest are copied as far as they fit.
        if (!punched) can_punch_ = false;
    }
    holes_.clear();
}

void Rescue::stop_copying() {
    is_cut_short_ = true;
    stage_ = Stage::walk;
}

void Rescue::back_to(Stage stage) {
    stage_ = stage;
    walked_ = numbers_.begin();
    walk_ = {};
}

const Head* Rescue::found_head(EpochNo old_number, Seq seq) const {
    const auto wanted = row_id(old_number, seq);
    const auto found =
        std::lower_bound(findings_.heads.begin(), findings_.heads.end(), wanted,
                         [](const FoundHead& each, std::int64_t id) { return each.id < id; });
    return found != findings_.heads.end() && found->id == wanted ? &found->head : nullptr;
}

/// The next block of the epoch in hand; false at its end.
Result<bool> Rescue::walk_block(BlockStore& blocks) {
    Seq first;
    {
        first_block_.start()
            .bind(1, row_id(walk_.number, walk_.reached.next()))
            .bind(2, row_id(walk_.number, Seq{kMaxSeq}));
        const sql::Resetting resetting{first_block_};
        const auto row = first_block_.step();
        if (!row) return row.error();
        if (!*row) return false;
        first = Seq{static_cast<std::uint64_t>(first_block_.number(0)) & kMaxSeq};
    }
    const auto records = blocks.load(walk_.number, first);
    if (!records) return records.error();
    if (first != walk_.reached.next()) walk_.head.reset();
    if (!walk_.head) {
        walk_.is_proven = false;
        walk_.unproven.clear();
        if (first.value == 1) {
            walk_.head = Head{};
            walk_.is_proven = true;
        } else if (const auto* known = found_head(walk_.old_number, first.previous())) {
            walk_.head = *known;
            walk_.unproven.emplace_back(first.previous(), *known);
        }
    }
    for (const auto& record : *records) {
        if (!walk_.head) break;
        if (!wire::is_chainable(record)) {
            walk_.head.reset();
            break;
        }
        walk_.head = wire::next_head(*walk_.head, record);
        const auto* known = found_head(walk_.old_number, record.seq);
        if (known == nullptr || walk_.is_proven) continue;
        // Both ends of a stretch agree by way of everything between them, or one of them lies.
        if (*known == *walk_.head) {
            walk_.is_proven = true;
        } else {
            walk_.head = *known;
            walk_.unproven.clear();
            walk_.unproven.emplace_back(record.seq, *known);
        }
    }
    walk_.reached = records->back().seq;
    if (!walk_.head) return true;
    if (walk_.unproven.size() < kMaxUnproven)
        walk_.unproven.emplace_back(walk_.reached, *walk_.head);
    if (!walk_.is_proven) return true;
    for (const auto& [seq, head] : walk_.unproven) {
        if (auto put = blocks.put_head(walk_.number, seq, head); !put) return put.error();
    }
    walk_.unproven.clear();
    return true;
}

Result<void> Rescue::walk(BlockStore& blocks) {
    for (std::size_t done = 0; done < kRecordsPerWalk;) {
        if (walk_.number == 0) {
            if (walked_ == numbers_.end()) {
                stage_ = Stage::totals;
                return ok();
            }
            walk_ = {};
            walk_.old_number = walked_->first;
            walk_.number = walked_->second;
            ++walked_;
        }
        const auto before = walk_.reached;
        const auto more = walk_block(blocks);
        if (!more) return more.error();
        done += static_cast<std::size_t>(walk_.reached.value - before.value) + 1;
        if (!*more) walk_.number = 0;
    }
    return ok();
}

void Rescue::begin_totals(std::uint64_t done) {
    totals_ = {};
    totals_.done = done;
    // By the tree alone: free pages hold earlier states of the same rows.
    if (const auto root = scan_.root_of("rollup")) totals_.open.push_back(*root);
}

Result<std::uint64_t> Rescue::add_totals(RollupStore& rollups) {
    const auto until = std::max(totals_.seen_rows, totals_.done) + kTotalsPerSlice;
    while (!totals_.open.empty() && totals_.seen_rows < until) {
        const auto place = totals_.open.back();
        totals_.open.pop_back();
        if (!totals_.seen_pages.insert(place).second) continue;
        const auto page = file_.page(place);
        if (!page) continue;
        const auto header_at = sql::PageFile::header_of(place);
        for (const auto& payload : sql::index_payloads(*page, header_at)) {
            const auto row = rollup_of(payload);
            if (!row || totals_.seen_rows++ < totals_.done) continue;
            auto added = rollups.add_one(row->period, row->key, row->part);
            if (!added) return added.error();
        }
        for (const auto child : sql::children(*page, header_at)) totals_.open.push_back(child);
    }
    if (totals_.open.empty()) stage_ = Stage::finish;
    return totals_.seen_rows;
}

Result<std::uint64_t> Rescue::tell_losses(LossStore& losses) {
    std::uint64_t present = 0;
    for (const auto& [old_number, number] : numbers_) {
        Seq last;
        {
            last_of_epoch_.start().bind(1, number);
            const sql::Resetting resetting{last_of_epoch_};
            const auto row = last_of_epoch_.step();
            if (!row) return row.error();
            if (!*row || last_of_epoch_.is_null(0)) continue;
            last = Seq{static_cast<std::uint64_t>(last_of_epoch_.number(0))};
        }
        if (last.value == 0) continue;
        auto missing = absent(number, {Seq{1}, last});
        if (!missing) return missing.error();
        present += last.value;
        for (const auto& range : *missing) present -= range.size();
        Loss loss;
        loss.epoch = number;
        loss.what = "records";
        loss.reason = is_cut_short_ ? "quota" : "damage";
        if (missing->size() > kMaxLossRanges) {
            loss.range = {missing->front().first, missing->back().last};
            for (const auto& range : *missing) loss.count += range.size();
            if (auto told = losses.add(loss); !told) return told.error();
            continue;
        }
        for (const auto& range : *missing) {
            loss.range = range;
            loss.count = range.size();
            if (auto told = losses.add(loss); !told) return told.error();
        }
    }
    return present;
}

Result<std::vector<Cursor>> Rescue::cursors(BlockStore& blocks, const std::vector<Cursor>& known) {
    std::vector<Cursor> better;
    for (const auto& found : findings_.cursors) {
        if (found.through.value == 0 || found.generation == 0) continue;
        const auto same = std::find_if(known.begin(), known.end(), [&](const Cursor& each) {
            return each.consumer == found.consumer && each.epoch == found.epoch;
        });
        const bool is_known = same != known.end();
        if (is_known && (same->through >= found.through || same->store != found.store ||
                         same->generation != found.generation)) {
            continue;
        }
        EpochNo number = 0;
        for (const auto& [old_number, id] : findings_.epochs) {
            const auto place = numbers_.find(old_number);
            if (id == found.epoch && place != numbers_.end()) number = place->second;
        }
        if (number == 0) continue;
        const auto head = blocks.head_after(number, found.through);
        if (!head) {
            if (head.error().code == Errc::not_found) continue;
            return head.error();
        }
        if (*head != found.head) continue;
        auto cursor = is_known ? *same : found;
        cursor.through = found.through;
        cursor.head = found.head;
        cursor.held.remove_through(found.through);
        cursor.deferred.remove_through(found.through);
        better.push_back(std::move(cursor));
    }
    return better;
}

std::uint64_t Rescue::allocated() const {
    return sql::allocated_bytes(path_, vfs_) + sql::allocated_bytes(path_ + "-wal", vfs_);
}

Result<void> Rescue::remove() {
    if (auto removed = sql::remove_file(path_, vfs_); !removed) return removed;
    return sql::remove_file(path_ + "-wal", vfs_);
}

}  // namespace gerbang
