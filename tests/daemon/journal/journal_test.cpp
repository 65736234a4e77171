#include "daemon/journal/journal.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "daemon/journal/database.hpp"
#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

std::unique_ptr<Journal> must_open(const JournalOptions& options) {
    auto journal = Journal::open(options);
    if (!journal) FAIL(journal.error().detail);
    return std::move(*journal);
}

/// What was promised: the records of one epoch as they were given.
struct Book {
    std::vector<Record> records;
    void add(const std::vector<RecordBody>& bodies) {
        for (const auto& body : bodies) {
            records.push_back({Seq{records.size() + 1}, body});
        }
    }
};

std::vector<Record> read_all(Journal& journal, const EpochId& epoch, Seq last,
                             std::uint64_t max_bytes) {
    std::vector<Record> found;
    Head head{};
    for (Seq next{1}; next <= last;) {
        auto slice = journal.read(epoch, {next, last}, max_bytes);
        if (!slice) FAIL(slice.error().detail);
        REQUIRE(slice->before == head);
        REQUIRE(!slice->records.empty());
        for (auto& record : slice->records) {
            head = wire::next_head(head, record);
            next = record.seq.next();
            found.push_back(std::move(record));
        }
    }
    return found;
}

}  // namespace

TEST_CASE("Journal refuses an append before the first epoch and at the wrong number", "[journal]") {
    const TempFolder folder;
    auto journal = must_open({.path = folder.file("journal.db")});
    CHECK(journal->state().epoch.is_none());
    CHECK(journal->append(Seq{1}, {nth_minute(1, 0)}).error().code == Errc::bad_input);
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    CHECK(journal->append(Seq{5}, {nth_minute(1, 0)}).error().code == Errc::bad_input);
    CHECK(journal->append(Seq{6}, {}).error().code == Errc::bad_input);
    auto defective = nth_minute(1, 0);
    defective.ticks.clear();
    CHECK(journal->append(Seq{6}, {defective}).error().code == Errc::bad_input);
    const auto committed = journal->append(Seq{6}, {nth_minute(1, 0)});
    REQUIRE(committed);
    CHECK(committed->first == Seq{6});
    CHECK(committed->last == Seq{6});
    CHECK(journal->begin_epoch(epoch_fact(1), at(1, 5), {}).error().code == Errc::bad_input);
}

TEST_CASE("Journal gives back every record with the chain head before it, at any slice size",
          "[journal]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    Book book;
    {
        auto journal = must_open(options);
        REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
        book.add({to_event(epoch_fact(1), at(1, 5))});
        book.add(beginning());
        for (std::int64_t n = 0; n < 150; ++n) {
            std::vector<RecordBody> bodies;
            if (n % 60 == 7) bodies.emplace_back(anchor(1, n * 60, 1'800'000'000 + n * 60));
            bodies.emplace_back(nth_minute(1, n));
            REQUIRE(journal->append(journal->state().last.next(), bodies));
            book.add(bodies);
            if (n % 60 == 59) REQUIRE(journal->checkpoint());
        }
        CHECK(read_all(*journal, epoch_id(1), journal->state().last, 1) == book.records);
        CHECK(read_all(*journal, epoch_id(1), journal->state().last, 1 << 20) == book.records);
    }
    auto journal = must_open(options);
    CHECK(journal->state().last == Seq{book.records.size()});
    CHECK(read_all(*journal, epoch_id(1), journal->state().last, 3000) == book.records);
    CHECK(journal->read(epoch_id(9), {Seq{1}, Seq{2}}, 10).error().code == Errc::not_found);
    CHECK(journal->read(epoch_id(1), {Seq{900}, Seq{901}}, 10).error().code == Errc::not_found);
    CHECK(journal->read(epoch_id(1), {Seq{0}, Seq{1}}, 10).error().code == Errc::bad_input);
    const auto middle = journal->read(epoch_id(1), {Seq{70}, Seq{71}}, 1 << 20);
    REQUIRE(middle);
    CHECK(middle->records.size() == 2);
    CHECK(middle->records.front() == book.records[69]);
}

TEST_CASE("Journal restores the same state from a checkpoint and the records after it",
          "[journal]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    Outage outage;
    outage.id = 4;
    outage.cause = Cause::isp;
    outage.last_good = at(1, 100);
    outage.first_bad = at(1, 110);
    InterfaceFact wan;
    wan.name = "eth0";
    wan.role = "wan";
    wan.reason = "first";
    wan.base = {-5, 7};
    const bool with_checkpoint = GENERATE(false, true);
    auto journal = must_open(options);
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    REQUIRE(journal->append(Seq{6}, {anchor(1, 6, 1'800'000'000), to_event(wan, at(1, 6)),
                                     to_event(outage, at(1, 120)), nth_minute(1, 0)}));
    if (with_checkpoint) REQUIRE(journal->checkpoint());
    REQUIRE(journal->append(Seq{10}, {nth_minute(1, 1)}));
    REQUIRE(journal->append(Seq{11}, {to_event(BootFact{boot_id(2)}, at(2, 3)),
                                      to_event(StopFact{"signal"}, at(2, 9))}));
    const auto before = journal->state();
    journal.reset();

    journal = must_open(options);
    const auto& after = journal->state();
    CHECK(after.epoch == before.epoch);
    CHECK(after.last == Seq{12});
    CHECK(after.head == before.head);
    CHECK(after.last_boot_no == BootNo{2});
    CHECK(after.last_boot == boot_id(2));
    CHECK(after.series == before.series);
    CHECK(after.series.size() == 3);
    CHECK(after.interfaces == std::vector{wan});
    CHECK(after.interface_boots == std::vector{BootNo{1}});
    CHECK(after.totals == before.totals);
    CHECK(after.totals == std::vector<Reading>{{SeriesId{1}, 600'000}, {SeriesId{2}, 60'000}});
    CHECK(after.last_tick == at(1, 120));
    REQUIRE(after.last_event_of_stop);
    CHECK(*after.last_event_of_stop == to_event(StopFact{"signal"}, at(2, 9)));
    CHECK(after.open_outages == std::vector{outage});
    CHECK(after.last_outage_id == 4);
    CHECK(after.timeline.wall_of(Seq{12}, at(1, 120)) == wall_from_ms(1'800'000'114'000));

    outage.last_bad = at(1, 130);
    outage.first_good = at(1, 140);
    REQUIRE(journal->append(Seq{13}, {to_event(outage, at(1, 141))}));
    CHECK(journal->state().open_outages.empty());
    CHECK_FALSE(journal->state().last_event_of_stop);
    const auto listed = journal->outages();
    REQUIRE(listed);
    CHECK(*listed == std::vector{outage});
}

TEST_CASE("Journal remembers the open outages of all links at once, the newest segment of each",
          "[journal]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    const bool with_checkpoint = GENERATE(false, true);
    std::vector<Outage> open;
    {
        auto journal = must_open(options);
        REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
        std::vector<RecordBody> bodies;
        for (std::uint64_t id = 1; id <= 11; ++id) {
            Outage outage;
            outage.id = id;
            outage.link = id == 1 ? "wan" : id == 2 ? "hotspot" : "service-" + std::to_string(id);
            outage.cause = Cause::service;
            outage.confidence = Confidence::medium;
            outage.last_good = at(1, 100);
            outage.first_bad = at(1, 110);
            bodies.emplace_back(to_event(outage, at(1, 120)));
            open.push_back(outage);
        }
        // The WAN's changes its cause; one of a service ends.
        auto first = open[0];
        first.last_bad = at(1, 120);
        first.first_good = at(1, 130);
        bodies.emplace_back(to_event(first, at(1, 130)));
        open[0].segment = 2;
        open[0].first_bad = at(1, 130);
        bodies.emplace_back(to_event(open[0], at(1, 130)));
        auto ended = open[5];
        ended.last_bad = at(1, 120);
        ended.first_good = at(1, 130);
        bodies.emplace_back(to_event(ended, at(1, 130)));
        open.erase(open.begin() + 5);
        std::rotate(open.begin(), open.begin() + 1, open.end());  // told last, listed last
        bodies.emplace_back(nth_minute(1, 3));
        REQUIRE(journal->append(Seq{6}, bodies));
        if (with_checkpoint) REQUIRE(journal->checkpoint());
        CHECK(journal->state().open_outages == open);
    }
    auto journal = must_open(options);
    CHECK(journal->state().open_outages == open);
    CHECK(journal->state().last_outage_id == 11);
}

TEST_CASE("Journal copies the events whose newest state matters, not those of every hour",
          "[journal]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    {
        auto journal = must_open(options);
        REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
        std::vector<RecordBody> bodies;
        for (int kind = 1; kind <= static_cast<int>(EventKind::path) + 1; ++kind) {
            if (kind == static_cast<int>(EventKind::series)) continue;
            bodies.emplace_back(Event{static_cast<EventKind>(kind), at(1, 6), {}});
        }
        REQUIRE(journal->append(Seq{6}, bodies));
    }
    sql::Connection connection;
    REQUIRE(sql::open_database(connection, options.path, {}, 4096));
    for (const auto kind : {EventKind::boot_end, EventKind::note, EventKind::clock, EventKind::path,
                            EventKind::outage, EventKind::anchor, EventKind::stop}) {
        INFO(to_string(kind));
        const auto sql =
            "SELECT count(*) FROM event WHERE kind=" + std::to_string(static_cast<int>(kind));
        CHECK(connection.number(sql)->value_or(0) == 1);
    }
    for (const auto kind : {EventKind::start, EventKind::carrier, EventKind::power,
                            static_cast<EventKind>(static_cast<int>(EventKind::path) + 1)}) {
        INFO(to_string(kind));
        const auto sql =
            "SELECT count(*) FROM event WHERE kind=" + std::to_string(static_cast<int>(kind));
        CHECK(connection.number(sql)->value_or(9) == 0);
    }
}

TEST_CASE("Journal closes the old epoch when a new one begins and still serves it", "[journal]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    auto journal = must_open(options);
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    REQUIRE(journal->append(Seq{6}, {nth_minute(1, 0)}));
    const auto old = read_all(*journal, epoch_id(1), Seq{6}, 1 << 20);
    REQUIRE(journal->begin_epoch(epoch_fact(2, epoch_id(1)), at(1, 80), beginning()));
    CHECK(journal->state().last == Seq{5});
    REQUIRE(journal->append(Seq{6}, {nth_minute(1, 1)}));
    journal.reset();
    journal = must_open(options);
    const auto epochs = journal->epochs();
    REQUIRE(epochs);
    REQUIRE(epochs->size() == 2);
    CHECK(epochs->front().id == epoch_id(1));
    CHECK(epochs->front().last == Seq{6});
    CHECK_FALSE(epochs->front().is_open);
    CHECK(epochs->back().is_open);
    CHECK(epochs->back().last == Seq{6});
    CHECK(read_all(*journal, epoch_id(1), Seq{6}, 1 << 20) == old);
    CHECK(read_all(*journal, epoch_id(2), Seq{6}, 1 << 20).size() == 6);
}

TEST_CASE("Journal keeps cursors and notes that rode with a commit, not those only staged",
          "[journal]") {
    const TempFolder folder;
    const JournalOptions options{.path = folder.file("journal.db")};
    Cursor cursor;
    cursor.consumer = "province";
    cursor.epoch = epoch_id(1);
    cursor.through = Seq{4};
    cursor.head.fill(7);
    REQUIRE(cursor.held.add({Seq{6}, Seq{9}}));
    REQUIRE(cursor.held.add({Seq{12}, Seq{12}}));
    REQUIRE(cursor.deferred.add({Seq{20}, Seq{21}}));
    cursor.parked = {{{Seq{5}, Seq{5}}, "HTTP 422: \"no\"\nline"}};
    cursor.store.bytes.fill(3);
    cursor.generation = 2;
    auto journal = must_open(options);
    REQUIRE(journal->begin_epoch(epoch_fact(1), at(1, 5), beginning()));
    journal->stage(cursor);
    journal->stage_note("back-off", "30");
    CHECK(*journal->cursors() == std::vector{cursor});
    SECTION("with a commit") {
        REQUIRE(journal->append(Seq{6}, {nth_minute(1, 0)}));
    }
    SECTION("with a flush") {
        REQUIRE(journal->flush_cursors());
    }
    SECTION("only staged") {
        journal.reset();
        journal = must_open(options);
        CHECK(journal->cursors()->empty());
        CHECK_FALSE(journal->note("back-off"));
        return;
    }
    journal.reset();
    journal = must_open(options);
    CHECK(*journal->cursors() == std::vector{cursor});
    CHECK(journal->note("back-off") == "30");
    cursor.parked.clear();
    cursor.through = Seq{12};
    cursor.held = {};
    journal->stage(cursor);
    REQUIRE(journal->flush_cursors());
    journal.reset();
    journal = must_open(options);
    CHECK(*journal->cursors() == std::vector{cursor});
}

TEST_CASE("Journal bounds its notes and keeps the earlier value of a refused one", "[journal]") {
    const TempFolder folder;
    auto journal = must_open({.path = folder.file("journal.db")});
    for (int i = 0; i < 70; ++i) journal->stage_note("key-" + std::to_string(i), "v");
    CHECK(journal->note("key-63") == "v");
    CHECK_FALSE(journal->note("key-64"));
    journal->stage_note("key-0", std::string(1025, 'x'));
    CHECK(journal->note("key-0") == "v");
    journal->stage_note("key-0", std::string(1024, 'x'));
    CHECK(journal->note("key-0") == std::string(1024, 'x'));
}
