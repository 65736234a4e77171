#include "daemon/host/log.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace gerbang;

namespace {

std::vector<std::string>& lines() {
    static std::vector<std::string> kept;
    return kept;
}

/// Catches the log for the life of one test.
struct Caught {
    Caught() {
        lines().clear();
        set_log_sink([](std::string_view line) { lines().emplace_back(line); });
    }
    ~Caught() {
        set_log_sink(nullptr);
        set_log_level(LogLevel::info);
    }
};

}  // namespace

TEST_CASE("log writes one event as one line with its priority", "[host]") {
    const Caught caught;
    log(LogLevel::info, "started", {{"site", "berau-001"}, {"version", "0.1.0"}});
    log(LogLevel::error, "commit_failed");
    CHECK(lines() ==
          std::vector<std::string>{"<6>started site=berau-001 version=0.1.0", "<3>commit_failed"});
}

TEST_CASE("log quotes what would not read back, and lets nothing forge a second line", "[host]") {
    const Caught caught;
    log(LogLevel::warning, "odd",
        {{"blank", "two words"},
         {"empty", ""},
         {"equals", "a=b"},
         {"quote", "say \"no\" \\ yes"},
         {"forged", "x\n<3>commit_failed"},
         {"control", std::string("\x1b[31m\t\0", 7)},
         {"utf8", "Desa Muara Wahau – Kutai"}});
    REQUIRE(lines().size() == 1);
    CHECK(lines()[0] ==
          "<4>odd blank=\"two words\" empty=\"\" equals=\"a=b\" quote=\"say \\\"no\\\" \\\\ yes\" "
          "forged=\"x\\n<3>commit_failed\" control=\"\\x1b[31m\\t\\x00\" "
          "utf8=\"Desa Muara Wahau – Kutai\"");
}

TEST_CASE("log drops what is below the level", "[host]") {
    const Caught caught;
    log(LogLevel::debug, "hidden");
    set_log_level(LogLevel::debug);
    log(LogLevel::debug, "shown");
    set_log_level(LogLevel::error);
    log(LogLevel::warning, "hidden");
    CHECK(lines() == std::vector<std::string>{"<7>shown"});
}

TEST_CASE("log cuts a line that is too long and says so", "[host]") {
    const Caught caught;
    log(LogLevel::info, "long", {{"text", std::string(100'000, 'x')}});
    REQUIRE(lines().size() == 1);
    CHECK(lines()[0].size() == 8192);
    CHECK(lines()[0].substr(8189) == "...");
}
