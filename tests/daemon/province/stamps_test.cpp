#include <catch2/catch.hpp>
#include <filesystem>
#include <vector>

#include "common/model/facts.hpp"
#include "common/wire/codec.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::province;

TEST_CASE("SQL keeps the times of ticks that were taken before an event of the same minute",
          "[province]") {
    const TempFolder folder;
    constexpr BootNo kBoot{1};
    const EpochId epoch{{7}};
    const auto at = [&](std::int64_t ms) { return DeviceTime{kBoot, monotonic_from_ms(ms)}; };
    const std::int64_t offset_ms = 1'790'000'000'000;

    // An outage is declared 35 s into the minute; the minute's chunk is the record behind it.
    std::vector<Tick> ticks;
    for (std::int64_t ms = 60'000; ms < 120'000; ms += 10'000) {
        ticks.push_back({monotonic_from_ms(ms), {{SeriesId{1}, ms}}});
    }
    std::vector<Record> records{
        {Seq{1},
         to_event(
             EpochFact{
                 .id = epoch, .parent = {}, .parent_last = {}, .reason = "new", .hardware = "x"},
             at(1'000))},
        {Seq{2}, to_event(Anchor{.at = at(1'000), .wall = wall_from_ms(offset_ms + 1'000)})},
        {Seq{3}, to_event(Series{.id = SeriesId{1},
                                 .name = "link_state",
                                 .labels = {},
                                 .kind = SeriesKind::state,
                                 .unit = {}},
                          at(1'000))},
        {Seq{4}, to_event(CarrierFact{.name = "eth0", .is_up = false, .changes = 2}, at(95'000))},
        {Seq{5}, make_chunk(kBoot, ticks)}};

    auto store = Store::open({.path = folder.file("p.db"), .vfs = {}, .new_id = {{1}}});
    REQUIRE(store);
    REQUIRE((*store)->accept({"desa", epoch, Head{}, wire::encode_pack(records)},
                             wall_from_ms(offset_ms)));
    store->reset();
    auto database = Database::open(folder.file("p.db"), "");
    REQUIRE(database);
    CHECK((*database)->number("SELECT count(DISTINCT wall_ms) FROM reading") == 6);
    CHECK((*database)->number("SELECT min(wall_ms) FROM reading") == offset_ms + 60'000);
    CHECK((*database)->number("SELECT max(wall_ms) FROM reading") == offset_ms + 110'000);
    CHECK((*database)->number("SELECT sum(wall_ms <> device_ms + 1790000000000) FROM reading") ==
          0);
}
