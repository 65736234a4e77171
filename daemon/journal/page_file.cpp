#include "daemon/journal/page_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "common/wire/bytes.hpp"

namespace gerbang::sql {
namespace {

// The format of an SQLite 3 file: https://www.sqlite.org/fileformat2.html
constexpr std::size_t kFileHeader = 100;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr unsigned char kIndexInterior = 0x02;
constexpr unsigned char kTableInterior = 0x05;
constexpr unsigned char kIndexLeaf = 0x0a;
constexpr unsigned char kTableLeaf = 0x0d;
constexpr std::size_t kLogHeader = 32;
constexpr std::size_t kFrameHeader = 24;
constexpr std::uint32_t kLogMagic = 0x377f0682;  ///< the lowest bit: checksums are big-endian
constexpr std::size_t kMaxColumns = 16;

unsigned byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}
std::uint32_t u16_at(std::string_view bytes, std::size_t at) {
    return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}
std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
    return u16_at(bytes, at) << 16 | u16_at(bytes, at + 2);
}

/// SQLite's own variable-length integer: big-endian groups of 7 bits, a ninth byte whole.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 9; ++i) {
        if (i >= bytes.size()) return std::nullopt;
        const auto byte = byte_at(bytes, i);
        if (i == 8) {
            bytes.remove_prefix(9);
            return value << 8 | byte;
        }
        value = value << 7 | (byte & 0x7f);
        if (byte < 0x80) {
            bytes.remove_prefix(i + 1);
            return value;
        }
    }
    return std::nullopt;
}

bool is_page_size(std::uint32_t bytes) {
    return bytes >= 512 && bytes <= 65536 && std::has_single_bit(bytes);
}

/// How much of a payload of `total` bytes lies in the page itself, `most` being the largest that
/// does as a whole.
std::size_t local_bytes(std::uint64_t total, std::size_t page, std::size_t most) {
    if (total <= most) return static_cast<std::size_t>(total);
    const std::size_t least = (page - 12) * 32 / 255 - 23;
    const auto fitting = least + static_cast<std::size_t>((total - least) % (page - 4));
    return fitting <= most ? fitting : least;
}
std::size_t table_local_bytes(std::uint64_t total, std::size_t page) {
    return local_bytes(total, page, page - 35);
}
std::size_t index_local_bytes(std::uint64_t total, std::size_t page) {
    return local_bytes(total, page, (page - 12) * 64 / 255 - 23);
}

/// The log's running checksum over `bytes`, whose size is a multiple of 8.
struct Checksum {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    bool is_big_endian = false;

    void add(std::string_view bytes) {
        for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
            auto a = u32_at(bytes, at);
            auto b = u32_at(bytes, at + 4);
            if (!is_big_endian) {
                a = __builtin_bswap32(a);
                b = __builtin_bswap32(b);
            }
            first += a + second;
            second += b + first;
        }
    }
    [[nodiscard]] bool is_at(std::string_view bytes, std::size_t at) const {
        return first == u32_at(bytes, at) && second == u32_at(bytes, at + 4);
    }
};

/// Rows that look like rows, for guessing a page size.
std::size_t plausible_rows(std::string_view page) {
    const auto cells = leaf_cells(page, 0);
    std::size_t rows = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0 && cells[i].rowid <= cells[i - 1].rowid) return 0;
        if (row_values(cells[i].local)) ++rows;
    }
    return rows;
}

}  // namespace

std::vector<LeafCell> leaf_cells(std::string_view page, std::size_t header_at) {
    std::vector<LeafCell> cells;
    if (page.size() < 512 || byte_at(page, header_at) != kTableLeaf) return cells;
    const auto count = u16_at(page, header_at + 3);
    const auto pointers = header_at + 8;
    if (pointers + std::size_t{count} * 2 > page.size()) return cells;
    cells.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto at = u16_at(page, pointers + std::size_t{i} * 2);
        if (at < pointers + std::size_t{count} * 2 || at >= page.size()) continue;
        auto rest = page.substr(at);
        LeafCell cell;
        const auto total = take_varint(rest);
        const auto rowid = take_varint(rest);
        if (!total || !rowid || *total > PageFile::kMaxPayload) continue;
        cell.payload_bytes = *total;
        cell.rowid = static_cast<std::int64_t>(*rowid);
        const auto local = table_local_bytes(*total, page.size());
        const bool goes_on = local < *total;
        if (rest.size() < local + (goes_on ? 4 : 0)) continue;
        cell.local = rest.substr(0, local);
        if (goes_on) cell.overflow = u32_at(rest, local);
        cells.push_back(cell);
    }
    return cells;
}

std::vector<std::string_view> index_payloads(std::string_view page, std::size_t header_at) {
    std::vector<std::string_view> payloads;
    if (page.size() < 512) return payloads;
    const auto type = byte_at(page, header_at);
    if (type != kIndexLeaf && type != kIndexInterior) return payloads;
    const std::size_t child = type == kIndexInterior ? 4 : 0;
    const auto count = u16_at(page, header_at + 3);
    const auto pointers = header_at + 8 + child;
    if (pointers + std::size_t{count} * 2 > page.size()) return payloads;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto at = u16_at(page, pointers + std::size_t{i} * 2) + child;
        if (at >= page.size()) continue;
        auto rest = page.substr(at);
        const auto total = take_varint(rest);
        if (!total || *total > PageFile::kMaxPayload) continue;
        const auto local = index_local_bytes(*total, page.size());
        if (rest.size() < local) continue;
        payloads.push_back(rest.substr(0, local));
    }
    return payloads;
}

std::vector<std::uint32_t> children(std::string_view page, std::size_t header_at) {
    std::vector<std::uint32_t> found;
    if (page.size() < 512) return found;
    const auto type = byte_at(page, header_at);
    if (type != kTableInterior && type != kIndexInterior) return found;
    const auto count = u16_at(page, header_at + 3);
    const auto pointers = header_at + 12;
    if (pointers + std::size_t{count} * 2 > page.size()) return found;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto at = u16_at(page, pointers + std::size_t{i} * 2);
        if (std::size_t{at} + 4 <= page.size()) found.push_back(u32_at(page, at));
    }
    found.push_back(u32_at(page, header_at + 8));
    return found;
}

std::optional<std::vector<Value>> row_values(std::string_view payload) {
    auto rest = payload;
    const auto header_bytes = take_varint(rest);
    if (!header_bytes || *header_bytes > payload.size() || *header_bytes == 0) return std::nullopt;
    const auto taken = payload.size() - rest.size();
    if (*header_bytes < taken) return std::nullopt;
    auto header = rest.substr(0, static_cast<std::size_t>(*header_bytes) - taken);
    auto body = payload.substr(static_cast<std::size_t>(*header_bytes));
    constexpr std::array<std::size_t, 7> kIntegerBytes{0, 1, 2, 3, 4, 6, 8};
    std::vector<Value> values;
    while (!header.empty()) {
        const auto type = take_varint(header);
        if (!type || values.size() >= kMaxColumns) return std::nullopt;
        Value value;
        if (*type >= 12) {
            value.type = *type % 2 == 0 ? Value::Type::blob : Value::Type::text;
            value.bytes = (*type - 12) / 2;
            if (value.bytes > PageFile::kMaxPayload) return std::nullopt;
            const auto have = std::min(body.size(), static_cast<std::size_t>(value.bytes));
            value.view = body.substr(0, have);
            body.remove_prefix(have);
        } else if (*type == 8 || *type == 9) {
            value.type = Value::Type::integer;
            value.number = static_cast<std::int64_t>(*type) - 8;
        } else if (*type >= 1 && *type <= 6) {
            const auto size = kIntegerBytes[static_cast<std::size_t>(*type)];
            if (body.size() < size) return std::nullopt;
            value.type = Value::Type::integer;
            std::uint64_t bits = byte_at(body, 0) >= 0x80 ? ~std::uint64_t{0} : 0;
            for (std::size_t i = 0; i < size; ++i) bits = bits << 8 | byte_at(body, i);
            value.number = static_cast<std::int64_t>(bits);
            body.remove_prefix(size);
        } else if (*type == 7) {
            if (body.size() < 8) return std::nullopt;
            value.type = Value::Type::real;
            body.remove_prefix(8);
        } else if (*type != 0) {
            return std::nullopt;
        }
        values.push_back(value);
    }
    return values;
}

Result<PageFile> PageFile::open(const std::string& path, const std::string& log_path,
                                const std::string& vfs) {
    PageFile pages;
    auto file = SideFile::open(path, vfs, SideFile::Mode::read);
    if (!file && file.error().code != Errc::not_found) return file.error();
    if (file) pages.file_.emplace(std::move(*file));
    auto log = SideFile::open(log_path, vfs, SideFile::Mode::read);
    if (!log && (!file || log.error().code != Errc::not_found)) return log.error();
    if (log) pages.log_file_.emplace(std::move(*log));
    if (auto read = pages.read_header(); !read) return read.error();
    if (auto read = pages.read_log(); !read) return read.error();
    return pages;
}

Result<std::string> PageFile::read_file(std::uint64_t offset, std::size_t size) const {
    if (!file_) return std::string{};
    return file_->read(offset, size);
}

Result<void> PageFile::read_header() {
    const auto bytes = file_ ? file_->size() : Result<std::uint64_t>{0};
    if (!bytes) return bytes.error();
    const auto usable = std::min(*bytes, kMaxFileBytes);
    // All depends on the page size: a medium that dies may need several tries.
    constexpr int kTries = 3;
    auto header = read_file(0, kFileHeader);
    for (int tried = 1; !header && tried < kTries; ++tried) header = read_file(0, kFileHeader);
    if (header && header->size() == kFileHeader && header->starts_with(kMagic)) {
        const auto stored = u16_at(*header, 16);
        page_bytes_ = stored == 1 ? 65536 : stored;
    }
    if (!is_page_size(page_bytes_) && log_file_) {
        const auto log_header = log_file_->read(0, kLogHeader);
        if (log_header && log_header->size() == kLogHeader &&
            (u32_at(*log_header, 0) & ~1U) == kLogMagic) {
            page_bytes_ = u32_at(*log_header, 8);
        }
    }
    if (!is_page_size(page_bytes_)) guess_page_bytes(usable);
    page_count_ = static_cast<std::uint32_t>((usable + page_bytes_ - 1) / page_bytes_);
    return ok();
}

/// The size by which most of a sample of pages look like leaves with rows. With half the true size
/// every other page does; with twice of it every page that is looked at, about as often: so the
/// smallest of those that come near the best.
void PageFile::guess_page_bytes(std::uint64_t file_bytes) {
    constexpr std::uint64_t kSamples = 64;
    page_bytes_ = 4096;
    std::map<std::uint32_t, std::uint64_t> scores;
    std::uint64_t best = 0;
    for (std::uint32_t bytes = 512; bytes <= 65536; bytes *= 2) {
        const auto pages = file_bytes / bytes;
        const auto stride = std::max<std::uint64_t>(1, pages / kSamples);
        std::uint64_t found = 0;
        for (std::uint64_t i = 0; i < pages; i += stride) {
            const auto page = read_file(i * bytes, bytes);
            if (page && page->size() == bytes) found += plausible_rows(*page) * bytes;
        }
        scores[bytes] = found;
        best = std::max(best, found);
    }
    for (const auto& [bytes, score] : scores) {
        if (best == 0 || score * 10 < best * 7) continue;
        page_bytes_ = bytes;
        return;
    }
}

Result<void> PageFile::read_log() {
    if (!log_file_) return ok();
    const auto size = log_file_->size();
    if (!size) return size.error();
    const auto frame_bytes = kFrameHeader + page_bytes_;
    if (*size < kLogHeader + frame_bytes) return ok();
    const auto count = static_cast<std::uint32_t>(
        std::min<std::uint64_t>((*size - kLogHeader) / frame_bytes, kMaxLogFrames));
    const auto header = log_file_->read(0, kLogHeader);
    if (!header) return header.error();
    const auto magic = u32_at(*header, 0);
    Checksum running;
    running.is_big_endian = (magic & 1) != 0;
    running.add(std::string_view{*header}.substr(0, 24));
    const bool is_sound = (magic & ~1U) == kLogMagic && u32_at(*header, 8) == page_bytes_ &&
                          running.is_at(*header, 24);
    const auto salts = header->substr(16, 8);
    bool is_unbroken = is_sound;
    std::string previous;  // header of the frame before
    std::vector<std::pair<std::uint32_t, std::uint32_t>> uncommitted;
    std::uint32_t taken = 0;
    std::optional<std::uint32_t> last_stranded;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto frame =
            log_file_->read(kLogHeader + std::uint64_t{i} * frame_bytes, frame_bytes);
        if (!frame || frame->size() != frame_bytes) break;
        const std::string_view view{*frame};
        const auto number = u32_at(view, 0);
        const bool is_commit = u32_at(view, 4) != 0;
        const bool is_of_this_run = view.substr(8, 8) == salts;
        // By the checksum that the frame before it states, whole or not itself.
        Checksum own = running;
        if (!is_unbroken && !previous.empty()) {
            own.first = u32_at(previous, 16);
            own.second = u32_at(previous, 20);
        }
        own.add(view.substr(0, 8));
        own.add(view.substr(kFrameHeader));
        const bool is_whole = own.is_at(view, 16);
        previous.assign(view.substr(0, kFrameHeader));
        if (is_unbroken && is_of_this_run && is_whole && number != 0) {
            running = own;
            uncommitted.emplace_back(number, i);
            if (!is_commit) continue;
            for (const auto& [page, at] : uncommitted) frames_[page] = at;
            uncommitted.clear();
            page_count_ =
                std::max(page_count_, std::min(u32_at(view, 4), page_count_ + kMaxLogFrames));
            taken = i + 1;
            continue;
        }
        is_unbroken = false;
        if (is_sound && !is_of_this_run) continue;  // left over from an earlier run
        // Where a sector may be torn as a whole, SQLite fills it with copies of the last frame.
        const auto content = wire::crc32(view.substr(kFrameHeader));
        if (is_commit && is_whole && is_sound && content != last_stranded) {
            ++log_condition_.stranded_commits;
            last_stranded = content;
        }
    }
    for (std::uint32_t i = taken; i < count; ++i) loose_.push_back(i);
    return ok();
}

Result<std::string> PageFile::page(std::uint32_t number) const {
    if (number == 0 || number > page_count_) return Error{Errc::bad_input, "page out of range"};
    Result<std::string> bytes = std::string{};
    if (const auto frame = frames_.find(number); frame != frames_.end()) {
        bytes = log_file_->read(
            kLogHeader + std::uint64_t{frame->second} * (kFrameHeader + page_bytes_) + kFrameHeader,
            page_bytes_);
    } else {
        bytes = read_file(std::uint64_t{number - 1} * page_bytes_, page_bytes_);
    }
    if (!bytes) return bytes;
    bytes->resize(page_bytes_, '\0');
    return bytes;
}

Result<std::string> PageFile::loose_page(std::uint32_t index) const {
    if (index >= loose_.size()) return Error{Errc::bad_input, "page out of range"};
    auto bytes = log_file_->read(
        kLogHeader + std::uint64_t{loose_[index]} * (kFrameHeader + page_bytes_) + kFrameHeader,
        page_bytes_);
    if (bytes) bytes->resize(page_bytes_, '\0');
    return bytes;
}

Result<std::string> PageFile::payload(const LeafCell& cell,
                                      std::vector<std::uint32_t>* used) const {
    if (cell.payload_bytes > kMaxPayload) return Error{Errc::too_large, "row of a damaged file"};
    std::string whole{cell.local};
    auto next = cell.overflow;
    while (whole.size() < cell.payload_bytes) {
        const auto bytes = page(next);
        if (!bytes) return bytes.error();
        if (used != nullptr) used->push_back(next);
        next = u32_at(*bytes, 0);
        whole.append(
            *bytes, 4,
            std::min<std::size_t>(page_bytes_ - 4,
                                  static_cast<std::size_t>(cell.payload_bytes) - whole.size()));
    }
    return whole;
}

}  // namespace gerbang::sql
