#include "daemon/journal/holes.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "daemon/journal/sqlite.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;

namespace {

/// 400 rows of 3 KB in pages of 1 KiB; then those whose number `erase` picks are gone, and the file
/// alone holds the rest.
void fill(sql::Connection& connection, const std::string& path, const char* erase) {
    REQUIRE(connection.open(path, {}));
    REQUIRE(connection.run("PRAGMA page_size=1024;PRAGMA locking_mode=EXCLUSIVE"));
    REQUIRE(connection.text("PRAGMA journal_mode=WAL").value() == "wal");
    REQUIRE(
        connection.run("PRAGMA secure_delete=OFF;CREATE TABLE t(id INTEGER PRIMARY KEY,b);"
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE "
                       "i<400) INSERT INTO t SELECT i,randomblob(3000) FROM n"));
    REQUIRE(connection.run(erase));
    REQUIRE(connection.checkpoint());
    REQUIRE(connection.is_wal_moved());
}

void overwrite(const std::string& path, std::streamoff offset, const std::string& bytes) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(offset);
    file << bytes;
    REQUIRE(file.good());
}

std::string read_at(const std::string& path, std::streamoff offset, std::size_t bytes) {
    std::ifstream file{path, std::ios::binary};
    file.seekg(offset);
    std::string found(bytes, '\0');
    file.read(found.data(), static_cast<std::streamsize>(bytes));
    return found;
}

}  // namespace

TEST_CASE("A damaged list of free pages makes no hole", "[journal][holes]") {
    const TempFolder folder;
    const auto path = folder.file("some.db");
    sql::Connection connection;
    fill(connection, path, "DELETE FROM t WHERE id>200");
    const auto before = Holes::bytes_on_disk(path);
    const auto first = read_at(path, 32, 4);
    const auto trunk = (std::streamoff{static_cast<unsigned char>(first[2])} << 8 |
                        std::streamoff{static_cast<unsigned char>(first[3])}) -
                       1;
    REQUIRE(trunk > 0);
    const std::string far{"\x7f\xff\xff\xff", 4};
    Holes holes;
    for (const auto& [where, bytes] :
         {std::pair{std::streamoff{32}, far},                        // the first trunk
          std::pair{trunk * 1024, far},                              // the next one
          std::pair{trunk * 1024, first},                            // a ring
          std::pair{trunk * 1024 + 4, far},                          // its length
          std::pair{trunk * 1024 + 8, far},                          // a leaf
          std::pair{trunk * 1024 + 8, std::string{"\0\0\0\1", 4}},   // the header's page
          std::pair{std::streamoff{36}, far},                        // how many there are
          std::pair{std::streamoff{16}, std::string{"\0\2", 2}}}) {  // the page size
        INFO("offset " << where);
        const auto kept = read_at(path, where, bytes.size());
        overwrite(path, where, bytes);
        const auto made = holes.make(path);
        REQUIRE_FALSE(made);
        CHECK(made.error().code == Errc::storage_broken);
        CHECK(Holes::bytes_on_disk(path) == before);
        overwrite(path, where, kept);
    }
    CHECK(holes.make(path));
    CHECK(Holes::bytes_on_disk(path) < before);
}

TEST_CASE("Where there is no file or folder, there are no holes", "[journal][holes]") {
    const TempFolder folder;
    Holes holes;
    const auto made = holes.make(folder.file("none.db"));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Errc::storage_broken);
    CHECK_FALSE(Holes::are_possible(folder.file("none")));
    CHECK(Holes::bytes_on_disk(folder.file("none.db")) == 0);
}

TEST_CASE("Free pages become holes, and the rest stays what it was", "[journal][holes]") {
    const TempFolder folder;
    REQUIRE(Holes::are_possible(folder.path()));
    const auto path = folder.file("some.db");
    Holes holes;
    sql::Connection connection;
    fill(connection, path, "DELETE FROM t WHERE id%20>4");
    const auto length = std::filesystem::file_size(path);
    const auto before = Holes::bytes_on_disk(path);
    const auto sum = connection.text("SELECT hex(max(b)) FROM t").value();
    const auto made = holes.make(path);
    if (!made) FAIL(made.error().detail);
    REQUIRE(*made);
    CHECK(Holes::bytes_on_disk(path) < before / 2);
    CHECK(std::filesystem::file_size(path) == length);
    CHECK(connection.text("PRAGMA integrity_check").value() == "ok");
    CHECK(connection.text("SELECT hex(max(b)) FROM t").value() == sum);
    CHECK(connection.number("SELECT count(*) FROM t").value() == 100);
    // Again changes nothing, and written pages come back.
    REQUIRE(holes.make(path));
    REQUIRE(
        connection.run("WITH RECURSIVE n(i) AS (SELECT 1001 UNION ALL SELECT i+1 FROM n WHERE "
                       "i<1250) INSERT INTO t SELECT i,randomblob(3000) FROM n"));
    REQUIRE(connection.checkpoint());
    CHECK(std::filesystem::file_size(path) == length);
    CHECK(Holes::bytes_on_disk(path) > before * 3 / 4);
    CHECK(connection.text("PRAGMA integrity_check").value() == "ok");
}
