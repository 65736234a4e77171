// What `gerbang journal` says of damage and of the check.

#include <catch2/catch.hpp>

#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

constexpr Seconds kWita{8 * 3600};

std::string page_of(const JournalFacts& facts, Language language) {
    RenderOptions options;
    options.language = language;
    return render_journal(facts, kWita, options);
}

bool says(const std::string& page, const std::string& text) {
    return page.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("The journal's page says what was damaged, since when and what was salvaged", "[cli]") {
    JournalFacts facts;
    CHECK_FALSE(says(page_of(facts, Language::english), "damaged"));
    CHECK_FALSE(says(page_of(facts, Language::english), "check"));

    facts.damage.found = "block 1/7: checksum";
    CHECK(says(page_of(facts, Language::english), "damaged once and replaced: block 1/7"));
    facts.damage.since = wall_from_ms(1'795'000'000'000);
    CHECK(says(page_of(facts, Language::english), "replaced on "));
    CHECK(says(page_of(facts, Language::indonesian), "diganti baru pada "));

    facts.damage.is_salvaging = true;
    facts.damage.blocks_found = 90;
    facts.damage.blocks_done = 30;
    facts.damage.salvaged_records = 1234;
    CHECK(says(page_of(facts, Language::english), "30 of 90 blocks"));
    CHECK(says(page_of(facts, Language::indonesian), "30 dari 90 blok"));
    facts.damage.is_salvaging = false;
    CHECK(says(page_of(facts, Language::english), "Salvaged from the old file: 1"));
    CHECK(says(page_of(facts, Language::indonesian), "Diselamatkan dari berkas lama: 1"));

    facts.check = {50, 200, 0};
    CHECK(says(page_of(facts, Language::english), "under way: 25 %"));
    facts.check = {300, 200, 3};
    CHECK(says(page_of(facts, Language::english), "checked 3 times; this round 100 %"));
    CHECK(says(page_of(facts, Language::indonesian), "diperiksa utuh 3 kali; putaran ini 100 %"));
}

}  // namespace gerbang::cli
