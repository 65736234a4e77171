#include "daemon/cli/arguments.hpp"

#include <sysexits.h>

#include <catch2/catch.hpp>

#include "daemon/cli/command_table.hpp"

namespace gerbang::cli {
namespace {

Reading read(std::vector<const char*> words, Language language = Language::english) {
    words.insert(words.begin(), "gerbang");
    return read_arguments(gerbang_program(), static_cast<int>(words.size()), words.data(),
                          language);
}

std::string refusal(const std::vector<const char*>& words, Language language = Language::english) {
    const auto reading = read(words, language);
    if (!reading.refusal) return "accepted";
    CHECK(reading.refusal->code == EX_USAGE);
    CHECK(reading.refusal->out.empty());
    return reading.refusal->err;
}

}  // namespace

TEST_CASE("What is not accepted is named, with what was meant and where to look", "[cli]") {
    CHECK(refusal({"fly"}) == "Not known: fly.\nSee: gerbang --help\n");
    CHECK(refusal({"statsu"}) ==
          "Not known: statsu. Did you mean \"status\"?\nSee: gerbang --help\n");
    CHECK(refusal({"--jsno"}) ==
          "Not known: --jsno. Did you mean \"--json\"?\nSee: gerbang --help\n");
    CHECK(refusal({"--limit", "3", "usage"}) == "Not known: --limit.\nSee: gerbang --help\n");
    CHECK(refusal({"-x"}) == "Not known: -x.\nSee: gerbang --help\n");
    CHECK(refusal({"usage", "--limit"}) ==
          "--limit needs a value behind it.\nSee: gerbang usage --help\n");
    CHECK(refusal({"usage", "--by=week"}) ==
          "Not accepted: --by week. It may be: hour, day, month, year.\n"
          "See: gerbang usage --help\n");
    for (const char* number : {"0", "-1", "100001", "3x", "", "99999999999999999999"}) {
        INFO(number);
        CHECK(refusal({"usage", "--limit", number}).find("It may be: 1-100000.") !=
              std::string::npos);
    }
    CHECK(refusal({"--json=yes"}).find("This option is not accepted: --json=yes.") == 0);
    CHECK(refusal({"status", "outages"}).find("Not known: outages.") == 0);
    CHECK(refusal({"check", "a", "b"}).find("Not known: b.") == 0);
    CHECK(refusal({"journal", "verfy"}).find("Did you mean \"verify\"?") != std::string::npos);
    CHECK(refusal({"clock"}) == "clock must be followed by: set.\nSee: gerbang clock --help\n");
    CHECK(refusal({"clock", "set"}).find("clock set must be followed by: TIME.") == 0);
    CHECK(refusal({"note"}, Language::indonesian) ==
          "note harus diikuti: KETERANGAN.\nLihat: gerbang note --help\n");
    CHECK(refusal({"\x1b[2J"}).find('\x1b') == std::string::npos);
    CHECK(refusal({std::string(5000, 'x').c_str()}).size() < 200);
}

TEST_CASE("Options stand before and behind the command, in every form", "[cli]") {
    for (const std::vector<const char*>& words :
         {std::vector<const char*>{"--config", "/x", "--json", "outages", "--limit", "7"},
          {"outages", "--limit=7", "--config=/x", "--json"},
          {"outages", "--json", "--lim", "7", "--config", "/x"},
          {"outages", "--limit", "3", "--limit", "7", "--config", "/x", "--json"}}) {
        const auto reading = read(words);
        REQUIRE(!reading.refusal);
        CHECK(reading.arguments.is("outages"));
        CHECK(reading.arguments.has("json"));
        CHECK(reading.arguments.value("config") == "/x");
        CHECK(reading.arguments.value("limit", "1") == "7");
        CHECK(!reading.arguments.has("link"));
        CHECK(reading.arguments.value("link", "wan") == "wan");
    }
    CHECK(read({}).arguments.command == nullptr);
    // A value may look like anything.
    CHECK(read({"--config", "status"}).arguments.command == nullptr);
    CHECK(read({"--state", "--json"}).arguments.value("state") == "--json");
}

TEST_CASE("Words are a command's own, and commands stand below commands", "[cli]") {
    const auto note = read({"note", "genset", "status", "--kind", "power", "--", "--rusak", "-h"});
    REQUIRE(!note.refusal);
    CHECK(note.arguments.is("note"));
    CHECK(note.arguments.words == std::vector<std::string>{"genset", "status", "--rusak", "-h"});
    CHECK(!note.arguments.wants_help);
    CHECK(read({"journal", "--json", "verify"}).arguments.is("journal verify"));
    CHECK(read({"journal"}).arguments.is("journal"));
    CHECK(read({"clock", "set", "2026-11-21 14:05"}).arguments.words.front() == "2026-11-21 14:05");
    CHECK(read({"check", "-"}).arguments.words.front() == "-");
}

TEST_CASE("Help comes before every complaint that follows it, and fits the terminal", "[cli]") {
    CHECK(read({"usage", "-h", "--by", "week"}).arguments.wants_help);
    CHECK(read({"clock", "set", "--help"}).arguments.is("clock set"));
    const auto& program = gerbang_program();
    for (const auto language : {Language::indonesian, Language::english}) {
        std::vector<const CommandSpec*> pages{nullptr};
        for (const auto& command : program.commands) pages.push_back(&command);
        for (const auto* page : pages) {
            const auto text = help_text(program, page, language);
            CHECK(text.find("--help") != std::string::npos);
            std::size_t begin = 0;
            for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos;
                 begin = end + 1) {
                CHECK(width_of(text.substr(begin, end - begin)) <= kWidth);
            }
        }
        const auto all = help_text(program, nullptr, language);
        for (const auto& command : program.commands) {
            const std::string name = command.name;
            if (name.find(' ') != std::string::npos) continue;
            CHECK(all.find("\n  " + name + " ") != std::string::npos);
        }
    }
}

}  // namespace gerbang::cli
