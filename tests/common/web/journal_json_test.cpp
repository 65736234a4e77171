#include "common/web/journal_json.hpp"

#include <catch2/catch.hpp>

namespace gerbang::web {
namespace {

EpochId epoch_id(std::uint8_t last) {
    EpochId id;
    id.bytes.back() = last;
    return id;
}

}  // namespace

TEST_CASE("Facts of the journal survive the way through JSON", "[web]") {
    JournalFacts facts;
    facts.database_bytes = 1;
    facts.free_bytes = 2;
    facts.wal_bytes = 3;
    facts.ballast_bytes = 4;
    facts.mirror_bytes = 5;
    facts.set_aside_bytes = 6;
    facts.quota_bytes = 7;
    facts.database_limit = 8;
    facts.can_shrink = false;
    facts.protected_bytes = 9;
    facts.protected_limit = 10;
    facts.written_bytes = 11;
    facts.day_bytes = 12;
    facts.days_left = 13;
    facts.oldest_wall = wall_from_ms(1'795'241'104'123);
    facts.journal_time = Seconds{14};
    EpochFacts epoch;
    epoch.id = epoch_id(1);
    epoch.last = Seq{15};
    epoch.is_open = true;
    epoch.levels[3] = {16, 17};
    epoch.unpacked = {18, 19};
    epoch.given_up = {20, 21};
    facts.epochs.push_back(epoch);
    facts.pins.push_back({"pusat", false, Seconds{22}, {{epoch_id(1), {Seq{23}, Seq{24}}}}});
    facts.losses.push_back({"quota", 25, 26});
    facts.written_days.push_back({std::nullopt, 27});
    facts.damage = {
        "page 7 is not what it was", epoch_id(1), facts.oldest_wall, true, 28, 29, 30, 31};
    facts.check = {32, 33, 34};
    facts.daily_writes_bytes = 35;
    facts.device = "mmcblk0p2";
    facts.device_written_bytes = 36;
    facts.device_uptime = Seconds{37};
    facts.commit = Seconds{38};
    facts.loss_window = Seconds{39};
    const auto text = to_json(facts);
    const auto back = journal_from_json(text);
    REQUIRE(back);
    CHECK(to_json(*back) == text);
    CHECK(back->epochs.at(0).levels[3].bytes == 17);
    CHECK(back->epochs.at(0).given_up.records == 20);
    CHECK(back->pins.at(0).owed.at(0).range == SeqRange{Seq{23}, Seq{24}});
    CHECK_FALSE(back->pins.at(0).is_pinning);
    CHECK(back->days_left == 13);
    CHECK(back->oldest_wall == facts.oldest_wall);
    CHECK(back->written_days.at(0).bytes == 27);
    CHECK(back->damage.found == facts.damage.found);
    CHECK(back->damage.epoch == epoch_id(1));
    CHECK(back->damage.since == facts.oldest_wall);
    CHECK(back->damage.is_salvaging);
    CHECK(back->damage.salvaged_records == 30);
    CHECK(back->check.rounds == 34);
    CHECK(back->daily_writes_bytes == 35);
    CHECK(back->device == "mmcblk0p2");
    CHECK(back->device_written_bytes == 36);
    CHECK(back->device_uptime == Seconds{37});
    CHECK(back->commit == Seconds{38});
    CHECK(back->loss_window == Seconds{39});
}

TEST_CASE("Epochs of the journal survive the way through JSON, nonsense does not", "[web]") {
    const std::vector<EpochRow> rows{{epoch_id(1), Seq{2}, false}, {epoch_id(2), Seq{0}, true}};
    const auto back = epochs_from_json(to_json(rows));
    REQUIRE(back);
    CHECK(*back == rows);
    CHECK(epochs_from_json("{}").error().detail == "epochs.epochs: is missing");
    CHECK_FALSE(epochs_from_json(R"({"epochs":[{"id":"x"}]})"));
    CHECK_FALSE(journal_from_json(R"({"epochs":[{"last":1}]})"));
    CHECK_FALSE(journal_from_json("[]"));
}

}  // namespace gerbang::web
