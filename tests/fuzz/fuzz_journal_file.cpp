// needs: journal
// What the salvage reads: pages of a damaged database and its log, cells, rows, packs, the mirror.
// The first byte says what the rest is: a database, a log beside a small database, or a mirror.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "daemon/journal/mirror.hpp"
#include "daemon/journal/salvage.hpp"

using namespace gerbang;

namespace {

const std::string& folder() {
    static const std::string path = [] {
        auto pattern = (std::filesystem::temp_directory_path() / "gerbang-fuzz-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        return pattern;
    }();
    return path;
}

void put(const std::string& path, std::string_view bytes) {
    std::ofstream{path, std::ios::binary}.write(bytes.data(),
                                                static_cast<std::streamsize>(bytes.size()));
}

void salvage() {
    const auto path = folder() + "/journal.damaged";
    const auto file = sql::PageFile::open(path, path + "-wal", "");
    if (!file) return;
    PageScan scan{*file};
    (void)scan.newest();
    (void)scan.root_of("rollup");
    while (scan.look(64)) {
    }
    const auto found = scan.take();
    std::size_t tried = 0;
    for (const auto& block : found.blocks) {
        if (++tried > 64) break;
        const auto records = read_found(*file, block, nullptr);
        if (!records) continue;
        if (records->front().seq != block.first() || records->back().seq != block.last) {
            std::abort();
        }
    }
    for (std::uint32_t number = 1; number <= std::min(file->page_count(), 64U); ++number) {
        const auto page = file->page(number);
        if (!page) continue;
        for (const auto& payload : sql::index_payloads(*page, sql::PageFile::header_of(number))) {
            (void)rollup_of(payload);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kMaxFile = 1 << 20;
    if (size < 1 || size > kMaxFile) return 0;
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    if (data[0] % 3 == 2) {
        const auto mirror = decode_mirror(bytes);
        if (mirror && !decode_mirror(encode_mirror(*mirror))) std::abort();
        return 0;
    }
    const auto path = folder() + "/journal.damaged";
    std::filesystem::remove(path);
    std::filesystem::remove(path + "-wal");
    // A log comes behind a database of two pages.
    constexpr std::size_t kSmall = 1024;
    const bool has_log = data[0] % 3 == 1 && bytes.size() > kSmall;
    put(path, has_log ? bytes.substr(0, kSmall) : bytes);
    if (has_log) put(path + "-wal", bytes.substr(kSmall));
    salvage();
    return 0;
}
