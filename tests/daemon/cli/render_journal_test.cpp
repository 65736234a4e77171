// What `gerbang journal` says of damage, of the check and of what is written.

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

TEST_CASE("The journal's page tells the day's writes against its budget, and what that means",
          "[cli]") {
    JournalFacts facts;
    facts.written_bytes = 8'500'000;
    CHECK(says(page_of(facts, Language::english), "Written to flash today: 8.50 MB.\n"));
    facts.daily_writes_bytes = 32'000'000;
    CHECK(says(page_of(facts, Language::english), "8.50 MB of the day's budget of 32.0 MB (26 %)"));
    CHECK(says(page_of(facts, Language::indonesian), "8,50 MB dari jatah 32,0 MB sehari (26 %)"));
    CHECK(says(page_of(facts, Language::english), "Within the budget"));
    CHECK(says(page_of(facts, Language::indonesian), "Masih dalam jatah"));
    facts.written_bytes = 32'000'000;
    CHECK(says(page_of(facts, Language::english), "Within the budget"));
    facts.written_bytes = 32'000'001;
    CHECK(says(page_of(facts, Language::english), "Over the budget: the card wears sooner"));
    CHECK(says(page_of(facts, Language::indonesian), "Jatah terlampaui: kartu lebih cepat aus"));
}

TEST_CASE("The journal's page names the card and whose writes it counts, or says that it cannot",
          "[cli]") {
    JournalFacts facts;
    // A daemon of another version does not say.
    CHECK_FALSE(says(page_of(facts, Language::english), "cannot be counted"));
    CHECK_FALSE(says(page_of(facts, Language::english), "power cut"));
    facts.commit = facts.loss_window = Seconds{60};
    CHECK(says(page_of(facts, Language::english), "cannot be counted"));
    CHECK(says(page_of(facts, Language::indonesian), "tidak dapat dihitung"));
    facts.device = "mmcblk0p2";
    facts.device_written_bytes = 120'000'000;
    facts.device_uptime = Seconds{7200};
    CHECK(says(page_of(facts, Language::english), "mmcblk0p2: 120 MB written in the 2 h"));
    CHECK(says(page_of(facts, Language::indonesian), "mmcblk0p2: 120 MB ditulis selama 2 jam"));
    CHECK_FALSE(says(page_of(facts, Language::english), "cannot be counted"));
}

TEST_CASE("The journal's page always says what a power cut would cost now", "[cli]") {
    JournalFacts facts;
    facts.commit = facts.loss_window = Seconds{60};
    CHECK(says(page_of(facts, Language::english), "A power cut now costs at most 1 min."));
    CHECK(says(page_of(facts, Language::indonesian), "menghilangkan paling banyak 1 menit."));
    facts.loss_window = Seconds{300};
    CHECK(says(page_of(facts, Language::english), "at most 5 min, usually 1 min"));
    CHECK(says(page_of(facts, Language::indonesian), "paling banyak 5 menit, biasanya 1 menit"));
}

}  // namespace gerbang::cli
