#include "common/model/record.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <utility>

#include "common/model/series_table.hpp"
#include "common/model/usage.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

Chunk some_chunk() {
    return make_chunk(BootNo{1}, {{monotonic_from_ms(10), {{SeriesId{1}, 5}, {SeriesId{3}, -1}}},
                                  {monotonic_from_ms(20), {{SeriesId{1}, 6}}}});
}

template <class Change>
std::string defect_after(Change change) {
    auto chunk = some_chunk();
    change(chunk);
    return defect_of(RecordBody{chunk});
}

template <class Change>
std::string event_defect_after(Change change) {
    Event event{EventKind::stop, {BootNo{1}, monotonic_from_ms(0)}, {{"a", std::int64_t{1}}}};
    change(event);
    return defect_of(RecordBody{event});
}

}  // namespace

TEST_CASE("defect_of finds every broken bound of a chunk", "[model]") {
    CHECK(defect_of(RecordBody{some_chunk()}).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.boot.value = 0; }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.level = 4; }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.ticks.clear(); }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.ticks[1] = c.ticks[0]; }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.ticks[0] = monotonic_from_ms(-1); }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) {
                    c.ticks.clear();
                    c.columns.clear();
                    for (int i = 0; i < 1025; ++i) c.ticks.push_back(monotonic_from_ms(i));
                }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.columns[0].series.value = 0; }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.columns[1].series.value = 1; }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.columns[0].values.pop_back(); }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.columns[1].values.push_back(1); }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.columns[1].present = {1}; }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) { c.columns[1].present = {2, 0}; }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) {
                    c.columns[1].present = {1, 1};
                    c.columns[1].values = {1, 2};
                }).empty());
    CHECK_FALSE(defect_after([](Chunk& c) {
                    c.columns[1].present = {0, 0};
                    c.columns[1].values.clear();
                }).empty());
}

TEST_CASE("defect_of finds every broken bound of an event", "[model]") {
    CHECK(event_defect_after([](Event&) {}).empty());
    CHECK_FALSE(event_defect_after([](Event& e) { e.kind = EventKind{0}; }).empty());
    CHECK_FALSE(event_defect_after([](Event& e) { e.at.boot.value = 0; }).empty());
    CHECK_FALSE(event_defect_after([](Event& e) { e.at.at = monotonic_from_ms(-1); }).empty());
    CHECK_FALSE(event_defect_after([](Event& e) { e.fields.push_back(e.fields[0]); }).empty());
    for (const auto* key : {"", "A", "1a", ".a", "a-b"}) {
        INFO(key);
        CHECK_FALSE(event_defect_after([&](Event& e) { e.fields[0].key = key; }).empty());
    }
    CHECK(event_defect_after([](Event& e) { e.fields[0].key = std::string(40, 'a'); }).empty());
    CHECK_FALSE(
        event_defect_after([](Event& e) { e.fields[0].key = std::string(41, 'a'); }).empty());
    CHECK(event_defect_after([](Event& e) { e.fields[0].value = std::string(1024, 'a'); }).empty());
    CHECK_FALSE(
        event_defect_after([](Event& e) { e.fields[0].value = std::string(1025, 'a'); }).empty());
    CHECK_FALSE(event_defect_after([](Event& e) {
                    e.fields.clear();
                    for (int i = 0; i < 41; ++i) {
                        e.fields.push_back({"k" + std::to_string(i), std::int64_t{0}});
                    }
                }).empty());
}

TEST_CASE("defect_of finds what cannot be right in a reduced chunk, and in one of level 0",
          "[model]") {
    const auto reduced_defect = [](auto change) {
        return defect_after([&](Chunk& chunk) {
            chunk.level = 1;
            chunk.columns.resize(1);
            auto count = chunk.columns[0];
            count.part = part::kCount;
            auto time = chunk.columns[0];
            time.part = part::kStateTime;
            chunk.columns.push_back(count);
            chunk.columns.push_back(time);
            change(chunk);
        });
    };
    CHECK(reduced_defect([](Chunk&) {}).empty());
    CHECK_FALSE(reduced_defect([](Chunk& c) { c.level = 0; }).empty());
    CHECK_FALSE(reduced_defect([](Chunk& c) { c.columns[1].part = 0; }).empty());
    CHECK_FALSE(reduced_defect([](Chunk& c) { c.columns[2].part = part::kCount; }).empty());
    CHECK_FALSE(reduced_defect([](Chunk& c) { std::swap(c.columns[0], c.columns[1]); }).empty());
    for (const auto unknown : {std::uint8_t{4}, std::uint8_t{15}}) {
        CHECK_FALSE(reduced_defect([&](Chunk& c) { c.columns[1].part = unknown; }).empty());
    }
    CHECK_FALSE(reduced_defect([](Chunk& c) { c.columns[1].values[1] = 0; }).empty());
    CHECK_FALSE(reduced_defect([](Chunk& c) { c.columns[2].values[0] = -1; }).empty());
    CHECK(reduced_defect([](Chunk& c) { c.columns[2].values[0] = 0; }).empty());
    CHECK(reduced_defect([](Chunk& c) { c.columns[0].values[0] = -1; }).empty());
    // Emptied: without anything, and not at level 0.
    CHECK_FALSE(reduced_defect([](Chunk& c) { c.ticks.clear(); }).empty());
    const auto emptied = [](Chunk& chunk) {
        chunk.ticks.clear();
        chunk.columns.clear();
    };
    CHECK(reduced_defect(emptied).empty());
    CHECK_FALSE(defect_after(emptied).empty());
}

TEST_CASE("An emptied chunk has a boot and a level, and no time", "[model]") {
    const Chunk emptied{.boot = BootNo{3}, .level = 2, .ticks = {}, .columns = {}};
    CHECK_FALSE(time_of(emptied));
    CHECK(boot_of(emptied) == BootNo{3});
    CHECK(level_of(emptied) == 2);
    const Event event{EventKind::stop, {BootNo{2}, monotonic_from_ms(7)}, {}};
    CHECK(boot_of(event) == BootNo{2});
    CHECK(level_of(event) == 0);
}

TEST_CASE("A record's time is the event's instant or the chunk's last tick", "[model]") {
    CHECK(time_of(some_chunk()) == DeviceTime{BootNo{1}, monotonic_from_ms(20)});
    const Event event{EventKind::stop, {BootNo{2}, monotonic_from_ms(7)}, {}};
    CHECK(time_of(event) == event.at);
}

TEST_CASE("An event's fields are found by key and type", "[model]") {
    const Event event{EventKind::stop,
                      {BootNo{1}, monotonic_from_ms(0)},
                      {{"n", std::int64_t{4}}, {"t", std::string{"x"}}}};
    REQUIRE(event.number("n") != nullptr);
    CHECK(*event.number("n") == 4);
    CHECK(event.number("t") == nullptr);
    CHECK(event.text("n") == nullptr);
    CHECK(event.text("absent") == nullptr);
}

TEST_CASE("ticks_of gives back the ticks that made the chunk", "[model]") {
    std::mt19937_64 engine{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(500); ++round) {
        std::vector<Tick> ticks(1 + engine() % 10);
        std::int64_t at_ms = 0;
        for (auto& tick : ticks) {
            at_ms += 1 + static_cast<std::int64_t>(engine() % 1000);
            tick.at = monotonic_from_ms(at_ms);
            for (std::uint32_t s = 1; s <= 6; ++s) {
                if (engine() % 3 == 0) continue;
                tick.readings.push_back({SeriesId{s}, static_cast<std::int64_t>(engine())});
            }
        }
        const auto chunk = make_chunk(BootNo{1}, ticks);
        REQUIRE(defect_of(RecordBody{chunk}).empty());
        REQUIRE(ticks_of(chunk) == ticks);
    }
}

TEST_CASE("SeriesTable numbers a series once, whatever the order of its labels", "[model]") {
    SeriesTable table;
    const auto a = table.intern("x_total", {{"b", "2"}, {"a", "1"}}, SeriesKind::counter, "bytes");
    CHECK(table.intern("x_total", {{"a", "1"}, {"b", "2"}}, SeriesKind::counter, "bytes") == a);
    CHECK(table.intern("x_total", {{"a", "1"}}, SeriesKind::counter, "bytes") != a);
    CHECK(table.intern("x_total", {}, SeriesKind::counter, "bytes") != a);
    REQUIRE(table.find(a) != nullptr);
    CHECK(table.find(a)->labels.front().name == "a");
    CHECK(table.find(SeriesId{99}) == nullptr);
}

TEST_CASE("SeriesTable refuses a series too many with id 0", "[model]") {
    SeriesTable table;
    for (std::size_t i = 0; i < kMaxSeries; ++i) {
        REQUIRE(table.intern("s" + std::to_string(i), {}, SeriesKind::gauge, "").value > 0);
    }
    CHECK(table.intern("one_more", {}, SeriesKind::gauge, "") == SeriesId{0});
    CHECK(table.intern("s7", {}, SeriesKind::gauge, "").value > 0);
}

TEST_CASE("SeriesTable introduces each series once an epoch", "[model]") {
    SeriesTable table{{Series{.id = SeriesId{7}, .name = "known", .labels = {}, .unit = ""}}};
    CHECK(table.take_new().empty());
    const auto id = table.intern("fresh", {}, SeriesKind::gauge, "");
    CHECK(id == SeriesId{8});
    CHECK(table.intern("known", {}, SeriesKind::gauge, "") == SeriesId{7});
    REQUIRE(table.take_new().size() == 1);
    CHECK(table.take_new().empty());
    table.reintroduce_all();
    CHECK(table.take_new().size() == 2);
}

TEST_CASE("Usage adds bytes, minutes and seconds, and keeps the highest rates", "[model]") {
    UsageSum sum{.received = Bytes{10},
                 .transmitted = Bytes{1},
                 .peak_receive = BitRate{500},
                 .peak_transmit = BitRate{5},
                 .minutes = {},
                 .measured_s = 60};
    sum.minutes[2] = 1;
    UsageSum other = sum;
    other.peak_receive = BitRate{400};
    other.peak_transmit = BitRate{50};
    other.minutes[15] = 3;
    sum += other;
    CHECK(sum.received == Bytes{20});
    CHECK(sum.transmitted == Bytes{2});
    CHECK(sum.peak_receive == BitRate{500});
    CHECK(sum.peak_transmit == BitRate{50});
    CHECK(sum.minutes[2] == 2);
    CHECK(sum.minutes[15] == 3);
    CHECK(sum.measured_s == 120);
}

}  // namespace gerbang
