#include "daemon/province/tokens.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/seeded_entropy.hpp"

using namespace gerbang;
using namespace gerbang::province;

namespace {

/// SHA-256 of "abc" (FIPS 180-2).
constexpr const char* kHashOfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::string complaint(std::string_view text) {
    const auto book = TokenBook::parse(text, "tokens");
    REQUIRE_FALSE(book);
    CHECK(book.error().code == Errc::bad_input);
    return book.error().detail;
}

}  // namespace

TEST_CASE("TokenBook names file and line of what it does not understand", "[province]") {
    const std::string hash = kHashOfAbc;
    CHECK(complaint("a " + hash + "\n\nUPPER " + hash).find("tokens:3: ") == 0);
    CHECK(complaint("site-a").find("tokens:1: ") == 0);
    CHECK(complaint("site-a " + hash.substr(2)).find("tokens:1: ") == 0);
    CHECK(complaint("site-a  " + hash).find("tokens:1: ") == 0);
    CHECK(complaint("site-a " + hash + " x").find("tokens:1: ") == 0);
    CHECK(complaint("site-a " + hash + "\nsite-b " + hash).find("site-a") != std::string::npos);
    CHECK_FALSE(TokenBook::load("/nonexistent/tokens"));
}

TEST_CASE("TokenBook knows a site by its token's hash and nobody by anything else", "[province]") {
    const std::string hash = kHashOfAbc;
    const auto book = TokenBook::parse("# note\r\n\nsite-a " + hash + "\r\n", "tokens");
    REQUIRE(book);
    CHECK(book->site_of("abc") == "site-a");
    CHECK_FALSE(book->site_of("abd"));
    CHECK_FALSE(book->site_of(""));
    CHECK_FALSE(book->site_of(hash));
    const auto empty = TokenBook::parse("", "tokens");
    REQUIRE(empty);
    CHECK_FALSE(empty->site_of(""));
}

TEST_CASE("TokenBook sees an added token after refresh and keeps the old ones on an error",
          "[province]") {
    std::string folder = (std::filesystem::temp_directory_path() / "tokens-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const auto path = folder + "/tokens";
    SeededEntropy entropy{1};
    const auto first = add_token(path, "site-a", entropy);
    REQUIRE(first);
    CHECK(first->size() == 64);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777u) == 0600u);
    auto book = TokenBook::load(path);
    REQUIRE(book);
    CHECK(book->site_of(*first) == "site-a");

    const auto unchanged = book->refresh();
    REQUIRE(unchanged);
    CHECK_FALSE(*unchanged);
    {
        std::ofstream file{path, std::ios::app};
        file << "# a note without a line break at its end";
    }
    const auto second = add_token(path, "site-b", entropy);
    REQUIRE(second);
    CHECK(*second != *first);
    const auto changed = book->refresh();
    REQUIRE(changed);
    CHECK(*changed);
    CHECK(book->site_of(*second) == "site-b");
    CHECK(book->site_of(*first) == "site-a");

    // Whoever may write the file may let himself in.
    REQUIRE(::chmod(path.c_str(), 0602) == 0);
    const auto open_to_all = TokenBook::load(path);
    REQUIRE_FALSE(open_to_all);
    CHECK(open_to_all.error().detail.find("chmod o-w") != std::string::npos);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);

    {
        std::ofstream file{path};
        file << "nonsense\n";
    }
    CHECK_FALSE(book->refresh());
    CHECK(book->site_of(*first) == "site-a");
    CHECK_FALSE(add_token(path, "Not A Site", entropy));
    std::filesystem::remove_all(folder);
}
