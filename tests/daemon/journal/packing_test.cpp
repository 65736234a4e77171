#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "daemon/journal/journal.hpp"
#include "daemon/journal/packer.hpp"
#include "daemon/journal/state.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

std::unique_ptr<Journal> must_open(const JournalOptions& options) {
    auto journal = Journal::open(options);
    if (!journal) FAIL(journal.error().detail);
    return std::move(*journal);
}

void tend_to_the_end(Journal& journal) {
    for (int slice = 0; slice < 100'000; ++slice) {
        const auto more = journal.tend();
        if (!more) FAIL(more.error().detail);
        if (!*more) return;
    }
    FAIL("upkeep never ends");
}

/// A journal under random use, with what it was given.
class Player {
public:
    explicit Player(std::uint64_t seed) : random_{seed} {
        options_.path = folder_.file("journal.db");
        options_.page_bytes = 1024;
        options_.quota_bytes = 1;  // the least
        if (random_() % 2 == 0) options_.pins = {"province"};
        journal_ = must_open(options_);
        begin_epoch();
    }

    void step() {
        const auto what = random_() % 100;
        if (what < 55) {
            append();
        } else if (what < 85) {
            for (auto left = random_() % 8; left > 0; --left) {
                const auto more = journal_->tend();
                if (!more) FAIL(more.error().detail);
                check_size();
                if (!*more) break;
            }
        } else if (what < 90) {
            REQUIRE(journal_->checkpoint());
        } else if (what < 93) {
            acknowledge();
        } else if (what < 96) {
            reopen();
        } else if (what < 97 && epochs_.size() < 3) {
            begin_epoch();
        } else {
            read_some();
        }
        check_size();
    }

    /// Reads everything and compares it with what was given.
    void check_all() {
        for (std::size_t e = 0; e < epochs_.size(); ++e) {
            const auto& given = epochs_[e].given;
            for (Seq next{1}; next.value <= given.size();) {
                next = check_slice(e, {next, Seq{given.size()}}, 1 + random_() % 300'000);
            }
        }
    }

    std::uint64_t lost_records() {
        std::uint64_t lost = 0;
        const auto facts = journal_->facts();
        for (const auto& total : facts->losses) lost += total.records;
        return lost;
    }
    std::array<std::uint64_t, 5> levels() {
        std::array<std::uint64_t, 5> records{};
        const auto facts = journal_->facts();
        for (const auto& epoch : facts->epochs) {
            for (std::size_t level = 0; level < 4; ++level) {
                records[level] += epoch.levels[level].records;
            }
            records[4] += epoch.given_up.records;
        }
        return records;
    }

private:
    struct Epoch {
        EpochId id;
        std::vector<Record> given;
        std::vector<Head> heads;  ///< after record i + 1
    };

    void note(const std::vector<RecordBody>& bodies) {
        auto& epoch = epochs_.back();
        for (const auto& body : bodies) {
            const Record record{Seq{epoch.given.size() + 1}, body};
            const auto before = epoch.heads.empty() ? Head{} : epoch.heads.back();
            epoch.given.push_back(record);
            epoch.heads.push_back(wire::next_head(before, record));
        }
    }

    void begin_epoch() {
        const auto n = static_cast<std::uint8_t>(epochs_.size() + 1);
        const auto fact = epoch_fact(n, epochs_.empty() ? EpochId{} : epochs_.back().id);
        epochs_.push_back({fact.id, {}, {}});
        boot_ = 1;
        at_s_ = 10;
        REQUIRE(journal_->begin_epoch(fact, at(1, 5), beginning()));
        note({to_event(fact, at(1, 5))});
        note(beginning());
    }

    /// A chunk that hardly compresses, so that the quota is reached within a few hundred commits.
    Chunk noise() {
        std::vector<Tick> ticks(24);
        at_s_ += static_cast<std::int64_t>(random_() % 4'000);
        for (auto& tick : ticks) {
            at_s_ += 10;
            tick.at = monotonic_from_ms(at_s_ * 1000);
            for (std::uint32_t id = 1; id <= 120; ++id) {
                tick.readings.push_back(
                    {SeriesId{id}, static_cast<std::int64_t>(random_() >> (id % 3 == 0 ? 8 : 40))});
            }
        }
        return make_chunk(BootNo{boot_}, ticks);
    }

    void append() {
        std::vector<RecordBody> bodies;
        if (random_() % 40 == 0) {
            ++boot_;
            at_s_ = 3;
            bodies.emplace_back(
                to_event(BootFact{boot_id(static_cast<std::uint8_t>(boot_))}, at(boot_, at_s_)));
        }
        if (random_() % 6 == 0)
            bodies.emplace_back(anchor(boot_, at_s_ + 1, 1'800'000'000 + at_s_));
        for (auto left = random_() % 4; left > 0; --left) {
            bodies.emplace_back(to_event(CarrierFact{"eth0", left % 2 == 0, 7}, at(boot_, at_s_)));
        }
        for (auto left = 1 + random_() % 4; left > 0; --left) bodies.emplace_back(noise());
        const auto stored = journal_->append(journal_->state().last.next(), bodies);
        if (!stored) FAIL(stored.error().detail);
        note(bodies);
    }

    void acknowledge() {
        Cursor cursor;
        cursor.consumer = "province";
        cursor.epoch = epochs_.back().id;
        cursor.through = Seq{random_() % (epochs_.back().given.size() + 1)};
        cursor.generation = 1;
        journal_->stage(cursor);
        REQUIRE(journal_->flush_cursors());
    }

    void reopen() {
        const auto before = journal_->state();
        journal_.reset();
        journal_ = must_open(options_);
        const auto& after = journal_->state();
        CHECK(after.last == before.last);
        CHECK(after.head == before.head);
        CHECK(after.series == before.series);
        CHECK(after.totals == before.totals);
        CHECK(after.last_tick == before.last_tick);
        CHECK(after.elapsed == before.elapsed);
        CHECK(after.last_boot_no == before.last_boot_no);
    }

    void read_some() {
        const auto e = static_cast<std::size_t>(random_() % epochs_.size());
        const auto last = epochs_[e].given.size();
        const Seq first{1 + random_() % last};
        (void)check_slice(e, {first, Seq{first.value + random_() % 200}}, 1 + random_() % 100'000);
    }

    /// Returns the number after the slice.
    Seq check_slice(std::size_t e, SeqRange range, std::uint64_t max_bytes) {
        const auto& epoch = epochs_[e];
        auto slice = journal_->read(epoch.id, range, max_bytes);
        if (!slice) FAIL(slice.error().detail);
        const auto& records = slice->records;
        REQUIRE(!records.empty());
        const auto first = records.front().seq;
        REQUIRE(first <= range.first);
        REQUIRE(records.back().seq >= range.first);
        const auto before = first.value == 1 ? Head{} : epoch.heads[first.value - 2];
        REQUIRE(slice->before == before);
        const bool is_reduced = !std::all_of(records.begin(), records.end(), wire::is_chainable);
        if (!is_reduced) {
            REQUIRE(first == range.first);
            REQUIRE(records.back().seq <= range.last);
        }
        Seq next = first;
        for (const auto& record : records) {
            REQUIRE(record.seq == next);
            next = next.next();
            const auto& given = epoch.given[record.seq.value - 1].body;
            const auto* event = std::get_if<Event>(&given);
            if (event != nullptr && is_protected(event->kind)) REQUIRE(record.body == given);
            if (!is_reduced) REQUIRE(record.body == given);
            REQUIRE(boot_of(record.body) == boot_of(given));
        }
        return next;
    }

    void check_size() {
        std::uintmax_t bytes = 0;
        for (const auto& file : std::filesystem::directory_iterator{folder_.path()}) {
            if (file.path().filename() != "journal.mirror") bytes += file.file_size();
        }
        REQUIRE(bytes + kMirrorReserveBytes <= kMinQuotaBytes);
    }

    TempFolder folder_;
    std::mt19937_64 random_;
    JournalOptions options_;
    std::unique_ptr<Journal> journal_;
    std::vector<Epoch> epochs_;
    std::uint32_t boot_ = 1;
    std::int64_t at_s_ = 10;
};

}  // namespace

TEST_CASE("Every record of a journal stands in its place through packing, reduction and reopening",
          "[journal][packing]") {
    const auto rounds = test_rounds(2);
    const int steps = test_effort() < 1 ? 300 : 900;
    std::array<std::uint64_t, 5> seen{};
    std::uint64_t lost = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        INFO("round " << round << " of seed " << test_seed());
        Player player{test_seed() * 1000 + round};
        for (int step = 1; step <= steps; ++step) {
            player.step();
            if (step % 300 == 0) player.check_all();
        }
        const auto levels = player.levels();
        for (std::size_t level = 0; level < levels.size(); ++level) seen[level] += levels[level];
        lost += player.lost_records();
    }
    if (test_effort() < 1) return;
    // The campaign reached what it is about.
    for (const auto records : seen) CHECK(records > 0);
    CHECK(lost > 0);
}

TEST_CASE("Packing makes one block of a complete hour of a boot and leaves the open one alone",
          "[journal][packing]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    auto journal = must_open(options);
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    const auto unpacked = [&] { return journal->facts()->epochs[0].unpacked.records; };
    for (std::int64_t n = 0; n < 59; ++n) {
        REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, n)}));
        REQUIRE_FALSE(*journal->tend());
    }
    CHECK(unpacked() == 5 + 59);
    // The sixtieth minute begins in the hour and ends behind it. The checkpoint takes the hour
    // along; where none comes for an hour, upkeep packs by itself.
    REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, 59)}));
    CHECK_FALSE(*journal->tend());
    CHECK(unpacked() == 5 + 60);
    const bool with_checkpoint = GENERATE(false, true);
    if (with_checkpoint) {
        REQUIRE(journal->checkpoint());
        CHECK(unpacked() == 1);
    }
    for (std::int64_t n = 60; n < 120; ++n) {
        REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, n)}));
        REQUIRE(journal->tend());
    }
    CHECK(unpacked() == 61);
    while (*journal->tend()) {
    }
    REQUIRE(journal->checkpoint());
    CHECK(unpacked() == 1);
    // The end of a boot completes its hour, whatever the time.
    REQUIRE(journal->append(journal->state().last.next(), {nth_minute(2, 0)}));
    CHECK(*journal->tend());
    CHECK(unpacked() == 1);
    // So does the end of an epoch.
    REQUIRE(journal->begin_epoch(epoch_fact(2, epoch_id(1)), at(1, 5), beginning()));
    CHECK(*journal->tend());
    CHECK(unpacked() == 0);
}

TEST_CASE("Journal time counts what was measured, over boots and epochs, and never a clock",
          "[journal][packing]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    auto journal = must_open(options);
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 1'000'000), beginning()));
    CHECK(journal->state().elapsed == Millis{0});
    REQUIRE(journal->append(Seq{6}, {minute(1, 1'000'010, 0, 5)}));
    const auto first = journal->state().elapsed;
    // Ten years by the clock, a minute by the device.
    REQUIRE(
        journal->append(Seq{7}, {anchor(1, 1'000'061, 2'100'000'000), minute(1, 1'000'070, 0, 5)}));
    CHECK(journal->state().elapsed - first == Millis{60'000});
    // A gap on one boot counts an hour at most: the daemon did not run.
    REQUIRE(journal->append(Seq{9}, {minute(1, 9'000'000, 0, 5)}));
    CHECK(journal->state().elapsed - first == Millis{60'000 + 3'600'000});
    // A new boot counts from its own start.
    REQUIRE(journal->append(Seq{10}, {minute(2, 30, 0, 5)}));
    CHECK(journal->state().elapsed - first == Millis{60'000 + 3'600'000 + 80'000});
    const auto before = journal->state().elapsed;
    REQUIRE(journal->begin_epoch(epoch_fact(2, epoch_id(1)), at(1, 100), beginning()));
    CHECK(journal->state().elapsed == before);
    journal.reset();
    journal = must_open(options);
    CHECK(journal->state().elapsed == before);
}

TEST_CASE("Packing frees what small commits waste", "[journal][packing]") {
    const TempFolder folder;
    auto journal = must_open({.path = folder.file("journal.db")});
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    for (std::int64_t n = 0; n < 240; ++n) {
        REQUIRE(journal->append(journal->state().last.next(), {nth_minute(1, n)}));
    }
    const auto before = journal->facts()->epochs[0].levels[0].bytes;
    tend_to_the_end(*journal);
    const auto after = journal->facts()->epochs[0].levels[0].bytes;
    CHECK(after * 3 < before);
}
