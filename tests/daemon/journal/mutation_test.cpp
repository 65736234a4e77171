#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <random>

#include "daemon/journal/mirror.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

constexpr std::size_t kPage = 1024;

JournalOptions options_on(const FaultVfs& disk) {
    JournalOptions options;
    options.path = "journal.db";
    options.vfs = disk.name();
    options.page_bytes = kPage;
    options.wal_pages = 64;
    return options;
}

using Records = std::map<std::uint64_t, Record>;
using Content = std::map<EpochId, Records>;

/// A journal as a kill leaves it, and all that it holds.
struct Original {
    std::map<std::string, std::string> files;
    Content content;
    Seq last;           ///< of the open epoch
    Seq last_mirrored;  ///< what its mirror knows of it
};

void give(Original& original, const EpochId& epoch, Seq seq, const RecordBody& body) {
    original.content[epoch][seq.value] = {seq, body};
}

Original make_original() {
    Original original;
    FaultVfs disk;
    auto opened = Journal::open(options_on(disk));
    REQUIRE(opened);
    auto& journal = **opened;
    for (std::uint8_t n = 1; n <= 2; ++n) {
        const auto fact = epoch_fact(n, n == 1 ? EpochId{} : epoch_id(1));
        REQUIRE(journal.begin_epoch(fact, at(1, 5), beginning()));
        give(original, fact.id, Seq{1}, to_event(fact, at(1, 5)));
        Seq seq{1};
        for (const auto& body : beginning()) give(original, fact.id, seq = seq.next(), body);
        for (std::int64_t minute = 0; minute < 200; ++minute) {
            std::vector<RecordBody> bodies{nth_minute(1, minute)};
            if (minute % 50 == 7) {
                bodies.emplace_back(anchor(1, minute * 60, 1'790'000'000 + minute * 60));
            }
            REQUIRE(journal.append(journal.state().last.next(), bodies));
            for (const auto& body : bodies) give(original, fact.id, seq = seq.next(), body);
            if (minute % 60 == 59) REQUIRE(journal.checkpoint());
            for (int slice = 0; slice < 3; ++slice) REQUIRE(journal.tend());
        }
        Cursor cursor;
        cursor.consumer = "province";
        cursor.epoch = fact.id;
        cursor.through = Seq{20};
        cursor.generation = 1;
        journal.stage(cursor);
        REQUIRE(journal.flush_cursors());
    }
    original.last = journal.state().last;
    for (const auto& name : disk.files()) original.files[name] = disk.content(name);
    const auto mirror = MirrorFile{"journal.mirror", disk.name()}.read();
    REQUIRE(mirror);
    REQUIRE(*mirror);
    original.last_mirrored = (*mirror)->find(epoch_id(2))->last;
    return original;
}

/// One thing that happens to files on a bad card.
std::string mutate(std::string& bytes, std::mt19937_64& random) {
    if (bytes.empty()) return "nothing";
    const auto pages = bytes.size() / kPage + 1;
    const auto page = random() % pages * kPage;
    const auto place = std::min(page, bytes.size() - 1);
    const auto size = std::min(kPage, bytes.size() - place);
    switch (random() % 8) {
        case 0:
        case 1:
        case 2:
            for (auto flips = 1 + random() % 8; flips > 0; --flips) {
                const auto at_byte = random() % bytes.size();
                bytes[at_byte] = static_cast<char>(bytes[at_byte] ^ (1 << random() % 8));
            }
            return "bits";
        case 3:
            bytes[random() % std::min<std::size_t>(bytes.size(), 100)] =
                static_cast<char>(random());
            return "header";
        case 4:
            bytes.resize(random() % bytes.size());
            return "truncated";
        case 5:
            bytes.replace(place, size, size, '\0');
            return "zeroed page";
        case 6: {
            const auto other = random() % pages * kPage;
            if (other + size > bytes.size()) return "nothing";
            const auto saved = bytes.substr(place, size);
            bytes.replace(place, size, bytes, other, size);
            bytes.replace(other, size, saved);
            return "swapped pages";
        }
        default:
            for (std::size_t i = 0; i < std::min<std::size_t>(size, 512); ++i) {
                bytes[place + i] = static_cast<char>(random());
            }
            return "garbage";
    }
}

struct Tally {
    std::uint64_t tried = 0;
    std::uint64_t set_aside = 0;
    std::uint64_t older = 0;   ///< the tree was whole without its end; a receiver's receipt tells
    std::uint64_t failed = 0;  ///< the service did not come back
    std::uint64_t wrong = 0;   ///< records that were never given under that name
    std::uint64_t records = 0;
    std::uint64_t lost = 0;
    std::string first;

    void report(std::uint64_t& count, const std::string& what) {
        ++count;
        if (first.empty()) first = what;
    }
};

/// What the daemon does with a journal: open, begin an epoch where one is wanted, append, tend,
/// serve. Damage found on the way makes it open again.
class Daemon {
public:
    Daemon(FaultVfs& disk, const Original& original, bool log_was_hit)
        : disk_{disk}, original_{original}, log_was_hit_{log_was_hit} {}

    std::string run() {
        for (int life = 0; life < 6; ++life) {
            found_.clear();
            auto defect = live(life);
            journal_.reset();
            if (defect != "again") return defect;
        }
        return "never settles";
    }
    [[nodiscard]] const Content& found() const { return found_; }
    [[nodiscard]] bool was_set_aside() const { return was_set_aside_; }
    [[nodiscard]] bool is_older() const { return is_older_; }

private:
    std::string again_or(const Error& error, const std::string& what) {
        if (error.code == Errc::storage_broken) return "again";
        return what + ": " + error.detail;
    }

    std::string live(int life) {
        auto opened = Journal::open(options_on(disk_));
        if (!opened) return "does not open: " + opened.error().detail;
        journal_ = std::move(*opened);
        const auto& state = journal_->state();
        if (state.epoch.is_none() || state.must_begin_epoch) {
            was_set_aside_ = true;
            auto fact = epoch_fact(static_cast<std::uint8_t>(10 + life), state.next_epoch.parent);
            fact.parent_last = state.next_epoch.parent_last;
            fact.reason = state.next_epoch.reason;
            auto begun = journal_->begin_epoch(fact, at(1, 5), {});
            if (!begun) return again_or(begun.error(), "begin_epoch");
        } else if (state.epoch == epoch_id(2)) {
            // As a card that dropped commits: whole, but older than it was.
            is_older_ = is_older_ || (state.last < original_.last && !log_was_hit_);
            reused_from_ = std::min(reused_from_, state.last.value);
        }
        const auto minute = nth_minute(1, 1000 + life);
        auto appended = journal_->append(journal_->state().last.next(), {minute});
        if (!appended) return again_or(appended.error(), "append");
        for (int slice = 0; slice < 5000; ++slice) {
            const auto more = journal_->tend();
            if (!more) return again_or(more.error(), "tend");
            if (!*more) return serve();
        }
        return "upkeep does not end";
    }

    std::string serve() {
        const auto epochs = journal_->epochs();
        if (!epochs) return again_or(epochs.error(), "epochs");
        const auto cursors = journal_->cursors();
        if (!cursors) return again_or(cursors.error(), "cursors");
        for (const auto& epoch : *epochs) {
            for (Seq next{1}; next <= epoch.last && next.value < 2000;) {
                const auto slice = journal_->read(epoch.id, {next, epoch.last}, 8000);
                if (!slice) {
                    if (slice.error().code != Errc::not_found) {
                        return again_or(slice.error(), "read");
                    }
                    next = next.next();
                    continue;
                }
                if (slice->absent) next = slice->absent->last.next();
                for (const auto& record : slice->records) {
                    const bool is_new = epoch.id == epoch_id(2) && record.seq.value > reused_from_;
                    if (!is_new) found_[epoch.id][record.seq.value] = record;
                    next = record.seq.next();
                }
            }
        }
        return "";
    }

    FaultVfs& disk_;
    const Original& original_;
    bool log_was_hit_;
    bool was_set_aside_ = false;
    bool is_older_ = false;
    std::uint64_t reused_from_ = kMaxSeq;
    Content found_;
    std::unique_ptr<Journal> journal_;
};

void compare(const Original& original, const Content& found, const std::string& how, Tally& tally) {
    for (const auto& [epoch, records] : found) {
        const auto known = original.content.find(epoch);
        if (known == original.content.end()) {
            // Epochs of this test's own; any other name was invented.
            if (epoch.bytes[0] < 10 || epoch.bytes[0] > 16 || epoch != epoch_id(epoch.bytes[0])) {
                tally.report(tally.wrong, how + ": an epoch of no one");
            }
            continue;
        }
        for (const auto& [seq, record] : records) {
            const auto same = known->second.find(seq);
            if (same == known->second.end() || same->second != record) {
                tally.report(tally.wrong, how + ": record " + std::to_string(seq));
            }
        }
    }
    for (const auto& [epoch, records] : original.content) {
        const auto known = found.find(epoch);
        tally.records += records.size();
        tally.lost += records.size() - (known == found.end() ? 0 : known->second.size());
    }
}

}  // namespace

TEST_CASE("No mutation of the journal's files stops the service or makes it tell a wrong record",
          "[journal][damage][mutation]") {
    const auto original = make_original();
    std::mt19937_64 random{test_seed()};
    Tally tally;
    const auto rounds = test_rounds(1000);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        FaultVfs disk{{.seed = random()}};
        auto files = original.files;
        std::string how;
        bool log_was_hit = false;
        for (auto left = 1 + random() % 2; left > 0; --left) {
            const auto which = random() % 8;
            const std::string name = which < 5   ? "journal.db"
                                     : which < 7 ? "journal.db-wal"
                                                 : "journal.mirror";
            log_was_hit = log_was_hit || which == 5 || which == 6;
            how += name + " " + mutate(files[name], random) + ", ";
        }
        for (const auto& [name, bytes] : files) disk.put(name, bytes);
        Daemon daemon{disk, original, log_was_hit};
        ++tally.tried;
        const auto defect = daemon.run();
        how += "round " + std::to_string(round);
        if (!defect.empty()) tally.report(tally.failed, how + ": " + defect);
        if (daemon.was_set_aside()) ++tally.set_aside;
        if (daemon.is_older()) ++tally.older;
        compare(original, daemon.found(), how, tally);
    }
    std::printf(
        "mutations: tried %llu, set aside %llu, older unnoticed %llu, service failed %llu, wrong "
        "records %llu, lost "
        "%llu of %llu records\n",
        static_cast<unsigned long long>(tally.tried),
        static_cast<unsigned long long>(tally.set_aside),
        static_cast<unsigned long long>(tally.older), static_cast<unsigned long long>(tally.failed),
        static_cast<unsigned long long>(tally.wrong), static_cast<unsigned long long>(tally.lost),
        static_cast<unsigned long long>(tally.records));
    INFO(tally.first);
    CHECK(tally.failed == 0);
    CHECK(tally.wrong == 0);
    CHECK(tally.older <= tally.tried / 100 + 1);
    CHECK(tally.lost < tally.records / 10);
}
