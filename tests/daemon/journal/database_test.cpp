#include "daemon/journal/database.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "daemon/journal/journal.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

std::string bytes_of(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::string open_as_other_program(const std::string& path, const char* sql) {
    sqlite3* handle = nullptr;
    sqlite3_open(path.c_str(), &handle);
    sqlite3_exec(handle, sql, nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    return bytes_of(path);
}

std::uint32_t big_endian(const std::string& bytes, std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8 | static_cast<std::uint8_t>(bytes[offset + i]);
    }
    return value;
}

/// Page numbers of the frames written to a WAL since it was last started over.
std::vector<std::uint32_t> pages_in_wal(const std::string& wal) {
    std::vector<std::uint32_t> pages;
    if (wal.size() < 32) return pages;
    const std::size_t frame = 24 + big_endian(wal, 8);
    for (std::size_t at = 32; at + frame <= wal.size(); at += frame) {
        if (wal.compare(at + 8, 8, wal, 16, 8) != 0) break;  // older frames have another salt
        pages.push_back(big_endian(wal, at));
    }
    return pages;
}

}  // namespace

TEST_CASE("The journal's files are closed to others, made anew or found open to all",
          "[journal][database]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    const auto others_may = [](const std::string& file) {
        struct stat about {};
        REQUIRE(::stat(file.c_str(), &about) == 0);
        return (about.st_mode & S_IRWXO) != 0;
    };
    const auto umask_before = ::umask(0);
    for (const bool was_open_to_all : {false, true}) {
        if (was_open_to_all) REQUIRE(::chmod(path.c_str(), 0666) == 0);
        sql::Connection connection;
        REQUIRE(sql::open_database(connection, path, {}, 4096));
        REQUIRE(connection.run("INSERT INTO note VALUES('a', 'b')"));
        CHECK_FALSE(others_may(path));
        CHECK_FALSE(others_may(path + "-wal"));
        REQUIRE(connection.run("DELETE FROM note"));
    }
    ::umask(umask_before);
}

TEST_CASE("The journal's connection has the promised settings and a marked file",
          "[journal][database]") {
    const TempFolder folder;
    sql::Connection connection;
    REQUIRE(sql::open_database(connection, folder.file("journal.db"), "", 1024));
    CHECK(*connection.text("PRAGMA locking_mode") == "exclusive");
    CHECK(*connection.text("PRAGMA journal_mode") == "wal");
    CHECK(connection.number("PRAGMA synchronous")->value() == 3);
    CHECK(connection.number("PRAGMA mmap_size")->value_or(0) == 0);
    CHECK(connection.number("PRAGMA secure_delete")->value() == 0);
    CHECK(connection.number("PRAGMA page_size")->value() == 1024);
    CHECK(connection.number("PRAGMA cache_size")->value() == -512);
    CHECK(connection.number("PRAGMA journal_size_limit")->value() == -1);
    CHECK(connection.number("PRAGMA application_id")->value() == sql::kApplicationId);
    CHECK(connection.number("PRAGMA user_version")->value() == sql::kSchemaVersion);
    CHECK_FALSE(std::filesystem::exists(folder.file("journal.db-shm")));
    CHECK(std::filesystem::exists(folder.file("journal.db-wal")));
}

TEST_CASE("A database of a newer schema or of another program is refused and left as it is",
          "[journal][database]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    std::string before;
    SECTION("newer") {
        REQUIRE(Journal::open({.path = path}));
        before = open_as_other_program(path, "PRAGMA user_version=3");
    }
    SECTION("another program") {
        before = open_as_other_program(path, "CREATE TABLE t(a)");
    }
    SECTION("another program that marks its files") {
        before = open_as_other_program(path, "PRAGMA application_id=77;CREATE TABLE t(a)");
    }
    const auto opened = Journal::open({.path = path});
    REQUIRE_FALSE(opened);
    INFO(opened.error().detail);
    CHECK(opened.error().code == Errc::bad_input);
    CHECK(opened.error().detail.find("left as it is") != std::string::npos);
    CHECK(bytes_of(path) == before);
}

TEST_CASE("A file that is no database is set aside as it is", "[journal][database]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    std::ofstream{path} << std::string(5000, 'x');
    const auto opened = Journal::open({.path = path});
    if (!opened) FAIL(opened.error().detail);
    CHECK((*opened)->state().next_epoch.reason == "damage");
    CHECK(bytes_of(folder.file("journal.damaged")) == std::string(5000, 'x'));
}

TEST_CASE("A folder in the place of the database, or none to put it in, is broken storage",
          "[journal][database]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    SECTION("folder") {
        std::filesystem::create_directory(path);
    }
    SECTION("no folder") {
        std::filesystem::remove_all(folder.path());
    }
    const auto opened = Journal::open({.path = path});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::storage_broken);
    CHECK(opened.error().detail.find(path) != std::string::npos);
}

TEST_CASE("A second process is kept out of the journal without calling it broken",
          "[journal][database]") {
    const TempFolder folder;
    const auto path = folder.file("journal.db");
    const auto first = Journal::open({.path = path});
    REQUIRE(first);
    REQUIRE((*first)->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    // Within one process SQLite keeps the two connections apart by the same locks.
    const auto second = Journal::open({.path = path});
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::overloaded);
    REQUIRE((*first)->append(Seq{6}, {nth_minute(1, 0)}));
}

TEST_CASE("An ordinary minute's commit writes pages of the block table only",
          "[journal][database]") {
    FaultVfs disk;
    JournalOptions options;
    options.path = "journal.db";
    options.vfs = disk.name();
    options.page_bytes = 4096;
    constexpr std::int64_t kMinutes = 60;
    {
        auto opened = Journal::open(options);
        REQUIRE(opened);
        REQUIRE((*opened)->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
        REQUIRE((*opened)->append(Seq{6}, {anchor(1, 9, 1'800'000'000)}));
    }
    {
        auto opened = Journal::open(options);  // the WAL starts over
        REQUIRE(opened);
        auto& journal = **opened;
        for (std::int64_t n = 0; n < kMinutes; ++n) {
            REQUIRE(journal.append(journal.state().last.next(), {nth_minute(1, n)}));
        }
    }
    const auto pages = pages_in_wal(disk.content("journal.db-wal"));
    std::set<std::uint32_t> block_pages{1};  // page 1 counts the pages when the file grows
    sql::Connection connection;
    REQUIRE(sql::open_database(connection, "journal.db", disk.name(), 4096));
    auto owned = connection.prepare("SELECT pageno FROM dbstat WHERE name='block'");
    REQUIRE(owned);
    while (*owned->step()) block_pages.insert(static_cast<std::uint32_t>(owned->number(0)));
    for (const auto page : pages) CHECK(block_pages.contains(page));
    CHECK(pages.size() >= kMinutes);
    CHECK(pages.size() <= kMinutes + kMinutes / 4);
}

TEST_CASE("The WAL is overwritten in place and never truncated", "[journal][database]") {
    const TempFolder folder;
    const JournalOptions options{
        .path = folder.file("journal.db"), .page_bytes = 4096, .wal_pages = 16};
    std::uintmax_t largest = 0;
    auto opened = Journal::open(options);
    REQUIRE(opened);
    auto& journal = **opened;
    REQUIRE(journal.begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    for (std::int64_t n = 0; n < 200; ++n) {
        REQUIRE(journal.append(journal.state().last.next(), {nth_minute(1, n)}));
        const auto size = std::filesystem::file_size(options.path + "-wal");
        REQUIRE(size >= largest);
        largest = size;
    }
    CHECK(largest < 64 * 4120);
    CHECK(journal.size_bytes() == std::filesystem::file_size(options.path) + largest);
    CHECK(journal.written_bytes() > 200 * 4096);
    opened->reset();
    CHECK(std::filesystem::file_size(options.path + "-wal") == largest);
}
