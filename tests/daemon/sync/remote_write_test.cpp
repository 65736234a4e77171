#include "daemon/sync/remote_write.hpp"

#include <snappy.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

using Samples = std::vector<std::pair<std::int64_t, double>>;

/// A request as a receiver reads it: series by their labels in the order in which they came.
std::map<std::string, Samples> read(const std::string& body) {
    std::string message;
    REQUIRE(snappy::Uncompress(body.data(), body.size(), &message));
    std::map<std::string, Samples> all;
    protozero::pbf_reader request{message};
    while (request.next(1)) {
        auto series = request.get_message();
        std::string name;
        Samples samples;
        while (series.next()) {
            // Taking a field ends its tag.
            const bool is_label = series.tag() == 1;
            auto part = series.get_message();
            if (is_label) {
                std::string label;
                std::string value;
                while (part.next()) {
                    auto& text = part.tag() == 1 ? label : value;
                    text = part.get_string();
                }
                name += label + "=" + value + ";";
            } else {
                std::pair<std::int64_t, double> sample;
                while (part.next()) {
                    if (part.tag() == 1) {
                        sample.second = part.get_double();
                    } else {
                        sample.first = part.get_int64();
                    }
                }
                samples.push_back(sample);
            }
        }
        CHECK_FALSE(all.contains(name));
        all[name] = samples;
    }
    return all;
}

constexpr WallTime kNoon = wall_from_ms(1'790'000'000'000);
constexpr BootNo kBoot{3};

Monotonic second(std::int64_t seconds) {
    return monotonic_from_ms(seconds * 1000);
}

/// Three series: bytes of eth0, a temperature with one decimal, the state of a link.
struct Village {
    Village() {
        dictionary.series = {
            {SeriesId{1},
             "interface_receive_bytes_total",
             {{"interface", "eth0"}},
             SeriesKind::counter,
             "bytes",
             0},
            {SeriesId{2}, "temperature_celsius", {}, SeriesKind::gauge, "celsius", 1},
            {SeriesId{3}, "link_state", {{"link", "wan"}, {"note", ""}}, SeriesKind::state, "", 0}};
        anchor(1, kBoot, 0, kNoon);
        dictionary.open_boot = BootNo{4};
    }
    void anchor(std::uint64_t seq, BootNo boot, std::int64_t at, WallTime wall) {
        dictionary.timeline.add(Seq{seq}, {{boot, second(at)}, wall, AnchorSource::kernel, {}});
    }
    [[nodiscard]] static Record chunk(std::uint64_t seq, std::int64_t begin, BootNo boot = kBoot,
                                      std::int64_t value = 7) {
        std::vector<Tick> ticks;
        for (std::int64_t i = 0; i < 6; ++i) {
            ticks.push_back({second(begin + 10 * i),
                             {{SeriesId{1}, value + i}, {SeriesId{2}, 425}, {SeriesId{3}, 1}}});
        }
        return {Seq{seq}, make_chunk(boot, ticks)};
    }
    [[nodiscard]] RemoteWriter writer() const {
        return {"64.02.05.2007", {{"province", "kaltim"}, {"link", "never"}}, dictionary};
    }

    EpochDictionary dictionary;
};

const RemoteWriteLimits kNow{
    .not_after = kNoon + Millis{86'400'000}, .not_before = {}, .left_out = nullptr, .columns = {}};

constexpr const char* kBytes =
    "__name__=gerbang_interface_receive_bytes_total;interface=eth0;link=never;province=kaltim;"
    "site=64.02.05.2007;";
constexpr const char* kTemperature =
    "__name__=gerbang_temperature_celsius;link=never;province=kaltim;site=64.02.05.2007;";
constexpr const char* kLink =
    "__name__=gerbang_link_state;link=wan;province=kaltim;site=64.02.05.2007;";

}  // namespace

TEST_CASE("Remote-Write never sends a time that is not known or in the receiver's future",
          "[sync]") {
    Village village;
    const auto undated = village.chunk(2, 60, BootNo{4});
    const auto now = village.chunk(3, 60);
    const auto later = village.chunk(4, 86'400);
    const auto part = village.writer().write({undated, now, later}, kNow);
    CHECK(part.deferred == std::vector<SeqRange>{{Seq{2}, Seq{2}}, {Seq{4}, Seq{4}}});
    CHECK(part.carried == std::vector<SeqRange>{{Seq{3}, Seq{3}}});
    CHECK(part.ahead == kNoon + Millis{86'450'000});
    CHECK(part.samples == 18);

    const auto nothing = village.writer().write({undated, later}, kNow);
    CHECK(nothing.body.empty());
    CHECK(nothing.carried.empty());
}

TEST_CASE("Remote-Write parks what was never dated and cannot be any more", "[sync]") {
    Village village;
    const Record event{Seq{4}, Event{EventKind::note, {BootNo{2}, second(90)}, {}}};
    const auto part = village.writer().write(
        {village.chunk(2, 60, BootNo{2}), Record{Seq{3}, Chunk{BootNo{2}, 1, {}, {}}}, event,
         village.chunk(5, 60)},
        kNow);
    REQUIRE(part.parked.size() == 1);
    CHECK(part.parked[0].range == SeqRange{Seq{2}, Seq{4}});
    CHECK(part.deferred.empty());
    CHECK(part.carried == std::vector<SeqRange>{{Seq{5}, Seq{5}}});
}

TEST_CASE("Remote-Write leaves out what no receiver would name so, and says it", "[sync]") {
    Village village;
    const std::string name = GENERATE("", "9lives", "with-dash", "with space");
    const bool is_label = GENERATE(true, false);
    auto& series = village.dictionary.series[1];
    if (is_label) {
        series.labels = {{name.empty() ? "__mine" : name, "x"}};
    } else {
        series.name = name.empty() ? "caf\xc3\xa9" : "a:" + name;
    }
    village.dictionary.series[2].labels = {{"link",
                                            "\xff"
                                            "wan"}};
    const auto part = village.writer().write({village.chunk(2, 60), village.chunk(3, 120)}, kNow);
    CHECK(part.unfit == std::vector<SeriesId>{SeriesId{2}});
    const auto all = read(part.body);
    CHECK(all.size() == 2);
    CHECK(
        all.contains("__name__=gerbang_link_state;link=\xef\xbf\xbdwan;province=kaltim;"
                     "site=64.02.05.2007;"));
    CHECK(part.carried == std::vector<SeqRange>{{Seq{2}, Seq{3}}});
}

TEST_CASE("Remote-Write parks what the receiver is known to be too young for", "[sync]") {
    Village village;
    auto limits = kNow;
    limits.not_before = kNoon + Millis{100'000};
    const auto part = village.writer().write(
        {village.chunk(2, 40), village.chunk(3, 99), village.chunk(4, 100)}, limits);
    REQUIRE(part.parked.size() == 1);
    CHECK(part.parked[0].range == SeqRange{Seq{2}, Seq{3}});
    CHECK(part.carried == std::vector<SeqRange>{{Seq{4}, Seq{4}}});
}

TEST_CASE("Remote-Write writes sorted labels, millisecond times and real numbers", "[sync]") {
    Village village;
    const auto part =
        village.writer().write({village.chunk(2, 60), village.chunk(3, 120, kBoot, 100)}, kNow);
    const auto series = read(part.body);
    REQUIRE(series.size() == 3);
    REQUIRE(series.contains(kBytes));
    REQUIRE(series.contains(kTemperature));
    REQUIRE(series.contains(kLink));
    const auto& bytes = series.at(kBytes);
    REQUIRE(bytes.size() == 12);
    CHECK(bytes.front() == std::pair<std::int64_t, double>{1'790'000'060'000, 7.0});
    CHECK(bytes.back() == std::pair<std::int64_t, double>{1'790'000'170'000, 105.0});
    CHECK(series.at(kTemperature)[3].second == 42.5);
    CHECK(part.samples == 36);
    CHECK(part.carried == std::vector<SeqRange>{{Seq{2}, Seq{3}}});
}

TEST_CASE("Remote-Write calls events and emptied chunks carried, and sends nothing for them",
          "[sync]") {
    Village village;
    const Record event{Seq{2}, Event{EventKind::note, {kBoot, second(1)}, {}}};
    const Record emptied{Seq{3}, Chunk{kBoot, 1, {}, {}}};
    const auto part = village.writer().write({event, emptied}, kNow);
    CHECK(part.body.empty());
    CHECK(part.carried == std::vector<SeqRange>{{Seq{2}, Seq{3}}});
    CHECK(read(empty_remote_write()).empty());
}

TEST_CASE("Remote-Write sends of reduced chunks what is a sample", "[sync]") {
    Village village;
    Chunk chunk{kBoot, 1, {second(110)}, {}};
    chunk.columns = {{SeriesId{1}, {}, {12}, part::kValue},
                     {SeriesId{2}, {}, {420}, part::kValue},
                     {SeriesId{2}, {}, {400}, part::kMinimum},
                     {SeriesId{2}, {}, {440}, part::kMaximum},
                     {SeriesId{2}, {}, {6}, part::kCount},
                     {SeriesId{3}, {}, {60'000}, part::kStateTime + 1}};
    const auto series = read(village.writer().write({{Seq{2}, chunk}}, kNow).body);
    REQUIRE(series.size() == 2);
    CHECK(series.at(kBytes) == Samples{{1'790'000'110'000, 12.0}});
    CHECK(series.at(kTemperature) == Samples{{1'790'000'110'000, 42.0}});
}

TEST_CASE("Remote-Write leaves out what a receiver refused, and can send single columns",
          "[sync]") {
    Village village;
    const std::set<SeriesId> refused{SeriesId{2}};
    auto limits = kNow;
    limits.left_out = &refused;
    CHECK(read(village.writer().write({village.chunk(2, 60)}, limits).body).size() == 2);
    limits = kNow;
    limits.columns = {{1, 3}};
    const auto series = read(village.writer().write({village.chunk(2, 60)}, limits).body);
    CHECK(series.size() == 2);
    CHECK_FALSE(series.contains(kBytes));
    CHECK(village.writer().name_of(SeriesId{1}) ==
          "gerbang_interface_receive_bytes_total{interface=\"eth0\"}");
}

TEST_CASE("Remote-Write sends each series in the order of time however the clock was set",
          "[sync]") {
    const auto seed = test_seed();
    for (unsigned round = 0; round < test_rounds(200); ++round) {
        INFO("round " << round);
        std::mt19937_64 random{seed + round};
        Village village;
        village.dictionary.timeline = {};
        std::vector<Record> records;
        std::uint64_t seq = 0;
        std::int64_t now = 0;
        std::uint32_t boot = 1;
        std::int64_t wall = to_ms(kNoon) / 1000;
        for (int i = 0; i < 60; ++i) {
            switch (random() % 6) {
                case 0:
                    wall += static_cast<std::int64_t>(random() % 7200) - 3600;
                    village.anchor(++seq, BootNo{boot}, now, wall_from_ms((wall + now) * 1000));
                    break;
                case 1:
                    if (random() % 4 == 0) {
                        ++boot;
                        wall += now;
                        now = 0;
                        village.anchor(++seq, BootNo{boot}, 0, wall_from_ms(wall * 1000));
                    }
                    break;
                default:
                    records.push_back(village.chunk(++seq, now + 10, BootNo{boot}));
                    now += 60;
                    break;
            }
        }
        const auto whole = village.writer().write(records, kNow);
        if (whole.body.empty()) continue;
        const auto at_once = read(whole.body);
        // Cut anywhere the same samples come, none twice.
        std::map<std::string, Samples> in_parts;
        for (std::size_t i = 0; i < records.size();) {
            const auto count = std::min<std::size_t>(1 + random() % 5, records.size() - i);
            const std::vector<Record> some{
                records.begin() + static_cast<std::ptrdiff_t>(i),
                records.begin() + static_cast<std::ptrdiff_t>(i + count)};
            i += count;
            const auto part = village.writer().write(some, kNow);
            if (part.body.empty()) continue;
            for (const auto& [name, samples] : read(part.body)) {
                auto& into = in_parts[name];
                into.insert(into.end(), samples.begin(), samples.end());
            }
        }
        for (const auto& [name, samples] : in_parts) {
            for (std::size_t i = 1; i < samples.size(); ++i) {
                REQUIRE(samples[i - 1].first < samples[i].first);
            }
        }
        CHECK(in_parts == at_once);
    }
}

}  // namespace gerbang
