#include "common/model/facts.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

namespace gerbang {
namespace {

constexpr DeviceTime kAt{BootNo{3}, monotonic_from_ms(123'456)};

template <class Id>
Id some_id(std::uint8_t number) {
    Id id;
    id.bytes.fill(number);
    return id;
}

EpochFact some_epoch() {
    return {some_id<EpochId>(1), some_id<EpochId>(2), Seq{kMaxSeq}, "diverged", "ab12"};
}
Series some_series() {
    return {.id = SeriesId{4'294'967'295},
            .name = "interface_receive_bytes_total",
            .labels = {{"_zone", ""}, {"interface", "eth0"}},
            .kind = SeriesKind::counter,
            .unit = "bytes",
            .scale = 9};
}
InterfaceFact some_interface() {
    return {"eth0",
            7,
            "wan",
            "boot",
            {1, -2, 3, -4, 5, 6, std::numeric_limits<std::int64_t>::min(),
             std::numeric_limits<std::int64_t>::max()}};
}
Anchor some_anchor() {
    return {kAt, wall_from_ms(4'102'444'800'123), AnchorSource::province, Millis{850}};
}
Outage some_outage() {
    Outage outage;
    outage.id = 12;
    outage.segment = 2;
    outage.link = "service-dukcapil";
    outage.cause = Cause::carrier;
    outage.confidence = Confidence::medium;
    outage.last_good = {BootNo{2}, monotonic_from_ms(10)};
    outage.first_bad = {BootNo{2}, monotonic_from_ms(20)};
    outage.last_bad = DeviceTime{BootNo{2}, monotonic_from_ms(30)};
    outage.first_good = DeviceTime{BootNo{3}, monotonic_from_ms(40)};
    outage.evidence = "carrier 0 on eth0";
    return outage;
}
ConfigFact some_config() {
    return {"site-1", "64.07.01.2003", "Long Apari", "Telkom",   "Orbit",   "lte",
            "123",    "+08:00",        "0800-1",     50'000'000, 10'000'000};
}
PowerFact some_power() {
    return {"AC", "mains", false, "discharging", 80};
}
BootEndFact some_boot_end() {
    return {BootNo{2},
            Cause::power,
            Confidence::high,
            {BootNo{2}, monotonic_from_ms(99)},
            "mains was off"};
}
NoteFact some_note() {
    return {"maintenance", "Pak Amat", "antena diganti", wall_from_ms(1'700'000'000'000),
            wall_from_ms(4'102'444'800'123)};
}
ClockFact some_clock() {
    return {Millis{-86'400'000}, AnchorSource::province};
}
PathFact some_path() {
    return {"suspect", "not_in_path", "flowtable on br-lan"};
}
LossFact some_loss() {
    return {"ticks", "ring_full", 77, {BootNo{1}, monotonic_from_ms(1)}, kAt};
}

template <class Read>
std::string complaint(Read read, const Event& event) {
    const auto fact = read(event);
    if (fact) return "none";
    CHECK(fact.error().code == Errc::bad_input);
    return fact.error().detail;
}

Event without(Event event, const std::string& key) {
    std::erase_if(event.fields, [&](const Field& field) { return field.key == key; });
    return event;
}

template <class Value>
Event with(Event event, const std::string& key, Value value) {
    for (auto& field : event.fields) {
        if (field.key == key) field.value = value;
    }
    return event;
}

/// Every field is needed, of its type; a wrong kind is refused. `optional`: fields that may go.
template <class Read>
void require_strict(Read read, const Event& event, const std::vector<std::string>& optional = {}) {
    REQUIRE(read(event));
    REQUIRE(defect_of(RecordBody{event}).empty());
    auto other = event;
    other.kind = event.kind == EventKind::stop ? EventKind::loss : EventKind::stop;
    CHECK_THAT(complaint(read, other), Catch::Contains("kind is"));
    for (const auto& field : event.fields) {
        INFO(field.key);
        if (std::find(optional.begin(), optional.end(), field.key) == optional.end()) {
            CHECK_THAT(complaint(read, without(event, field.key)), Catch::Contains(field.key));
        }
        if (std::holds_alternative<std::string>(field.value)) {
            CHECK_THAT(complaint(read, with(event, field.key, std::int64_t{1})),
                       Catch::Contains(field.key));
        } else {
            CHECK_THAT(complaint(read, with(event, field.key, std::string{"x"})),
                       Catch::Contains(field.key));
        }
    }
}

}  // namespace

TEST_CASE("Every fact refuses an event with a field missing, mistyped, or of another kind",
          "[model]") {
    require_strict(epoch_from, to_event(some_epoch(), kAt));
    require_strict(boot_from, to_event(BootFact{some_id<BootId>(9)}, kAt));
    require_strict(start_from,
                   to_event(StartFact{"0.1.0", Millis{10'000}, Millis{60'000}, 4}, kAt));
    require_strict(stop_from, to_event(StopFact{"signal"}, kAt));
    require_strict(series_from, to_event(some_series(), kAt), {"label._zone", "label.interface"});
    require_strict(interface_from, to_event(some_interface(), kAt));
    require_strict(carrier_from, to_event(CarrierFact{"eth0", true, 9}, kAt));
    require_strict(anchor_from, to_event(some_anchor()));
    require_strict(outage_from, to_event(some_outage(), kAt), {"link", "confidence"});
    require_strict(config_from, to_event(some_config(), kAt),
                   {"site", "site_code", "site_name", "provider", "product", "medium",
                    "customer_number", "utc_offset", "helpdesk", "down_bit_per_s", "up_bit_per_s"});
    require_strict(loss_from, to_event(some_loss(), kAt));
    require_strict(power_from, to_event(some_power(), kAt),
                   {"online", "status", "capacity_percent"});
    require_strict(boot_end_from, to_event(some_boot_end(), kAt));
    require_strict(note_from, to_event(some_note(), kAt), {"from_wall_ms", "to_wall_ms"});
    require_strict(clock_from, to_event(some_clock(), kAt));
    require_strict(path_from, to_event(some_path(), kAt));
}

TEST_CASE("Facts refuse impossible values by name", "[model]") {
    using namespace std::string_literals;
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    const auto check = [](auto read, const Event& event, const std::string& key, auto value) {
        INFO(key);
        CHECK_THAT(complaint(read, with(event, key, value)), Catch::Contains("field " + key));
    };
    const auto epoch = to_event(some_epoch(), kAt);
    check(epoch_from, epoch, "id", "zz"s);
    check(epoch_from, epoch, "id", std::string(32, '0'));
    check(epoch_from, epoch, "parent_last", kMax);
    const auto series = to_event(some_series(), kAt);
    check(series_from, series, "id", std::int64_t{0});
    check(series_from, series, "id", std::int64_t{1} << 32);
    check(series_from, series, "name", "Upper"s);
    check(series_from, series, "name", std::string(65, 'a'));
    check(series_from, series, "kind", std::int64_t{4});
    check(series_from, series, "scale", std::int64_t{10});
    check(series_from, series, "label.interface", std::string(129, 'x'));
    const auto outage = to_event(some_outage(), kAt);
    check(outage_from, outage, "id", std::int64_t{0});
    check(outage_from, outage, "segment", std::int64_t{0});
    check(outage_from, outage, "cause", std::int64_t{17});
    check(outage_from, outage, "cause", std::int64_t{-1});
    check(outage_from, outage, "confidence", std::int64_t{4});
    check(outage_from, outage, "link", ""s);
    check(outage_from, outage, "link", "Wan"s);
    check(outage_from, outage, "link", "wan/../x"s);
    check(outage_from, outage, "link", std::string(49, 'a'));
    check(outage_from, outage, "first_bad_boot", std::int64_t{0});
    check(outage_from, outage, "first_good_ms", std::int64_t{-1});
    const auto anchor = to_event(some_anchor());
    check(anchor_from, anchor, "wall_ms", std::int64_t{-1});
    check(anchor_from, anchor, "wall_ms", kMax);
    check(anchor_from, anchor, "source", std::int64_t{0});
    check(carrier_from, to_event(CarrierFact{"eth0", true, 9}, kAt), "up", std::int64_t{2});
    check(interface_from, to_event(some_interface(), kAt), "name", ""s);
    const auto power = to_event(some_power(), kAt);
    check(power_from, power, "name", ""s);
    check(power_from, power, "online", std::int64_t{2});
    check(power_from, power, "capacity_percent", std::int64_t{101});
    const auto ended = to_event(some_boot_end(), kAt);
    check(boot_end_from, ended, "boot", std::int64_t{0});
    check(boot_end_from, ended, "ending", std::int64_t{0});
    check(boot_end_from, ended, "ending", static_cast<std::int64_t>(Cause::daemon));
    check(boot_end_from, ended, "confidence", std::int64_t{-1});
    check(boot_end_from, ended, "last_alive_boot", std::int64_t{0});
    const auto said = to_event(some_note(), kAt);
    check(note_from, said, "kind", ""s);
    check(note_from, said, "text", std::string(501, 'x'));
    check(note_from, said, "author", std::string(129, 'x'));
    check(note_from, said, "from_wall_ms", std::int64_t{-1});
    check(note_from, said, "to_wall_ms", kMax);
    check(clock_from, to_event(some_clock(), kAt), "source", std::int64_t{4});
    check(path_from, to_event(some_path(), kAt), "path", ""s);
}

TEST_CASE("A series refuses labels that are unsorted, misnamed or too many", "[model]") {
    auto event = to_event(some_series(), kAt);
    std::swap(event.fields[5], event.fields[6]);
    CHECK_THAT(complaint(series_from, event), Catch::Contains("sorted"));
    event = to_event(some_series(), kAt);
    event.fields[6].key = "label.A";
    CHECK_THAT(complaint(series_from, event), Catch::Contains("label name"));
    auto series = some_series();
    series.labels.clear();
    for (char c = 'a'; c <= 'i'; ++c) series.labels.push_back({std::string{c}, "x"});
    CHECK_THAT(complaint(series_from, to_event(series, kAt)), Catch::Contains("8 labels"));
}

TEST_CASE("Every fact comes back from its event as it was", "[model]") {
    CHECK(epoch_from(to_event(some_epoch(), kAt)).value() == some_epoch());
    const EpochFact first{some_id<EpochId>(1), {}, Seq{0}, "new", ""};
    CHECK(epoch_from(to_event(first, kAt)).value() == first);
    const BootFact boot{some_id<BootId>(9)};
    CHECK(boot_from(to_event(boot, kAt)).value() == boot);
    const StartFact start{"0.1.0", Millis{10'000}, Millis{60'000}, 4};
    CHECK(start_from(to_event(start, kAt)).value() == start);
    CHECK(stop_from(to_event(StopFact{"signal"}, kAt)).value() == StopFact{"signal"});
    CHECK(series_from(to_event(some_series(), kAt)).value() == some_series());
    CHECK(interface_from(to_event(some_interface(), kAt)).value() == some_interface());
    const CarrierFact carrier{"wlan0", false, 4'294'967'295};
    CHECK(carrier_from(to_event(carrier, kAt)).value() == carrier);
    CHECK(anchor_from(to_event(some_anchor())).value() == some_anchor());
    CHECK(outage_from(to_event(some_outage(), kAt)).value() == some_outage());
    auto open = some_outage();
    open.last_bad.reset();
    open.first_good.reset();
    open.last_good = {};
    CHECK(outage_from(to_event(open, kAt)).value() == open);
    CHECK(config_from(to_event(some_config(), kAt)).value() == some_config());
    CHECK(config_from(to_event(ConfigFact{}, kAt)).value() == ConfigFact{});
    CHECK(loss_from(to_event(some_loss(), kAt)).value() == some_loss());
    CHECK(to_event(some_loss(), kAt).at == kAt);
    auto numbered = some_loss();
    numbered.id = 4;
    numbered.epoch.bytes.fill(7);
    numbered.first_seq = Seq{12};
    numbered.last_seq = Seq{40};
    CHECK(loss_from(to_event(numbered, kAt)).value() == numbered);
    numbered.last_seq = Seq{11};
    CHECK(complaint(loss_from, to_event(numbered, kAt)).find("last_seq") != std::string::npos);
    CHECK(power_from(to_event(some_power(), kAt)).value() == some_power());
    const PowerFact battery{"BAT0", "battery", std::nullopt, "", std::nullopt};
    CHECK(power_from(to_event(battery, kAt)).value() == battery);
    CHECK(boot_end_from(to_event(some_boot_end(), kAt)).value() == some_boot_end());
    CHECK(note_from(to_event(some_note(), kAt)).value() == some_note());
    const NoteFact bare{"other", "", "listrik padam", std::nullopt, std::nullopt};
    CHECK(note_from(to_event(bare, kAt)).value() == bare);
    CHECK(clock_from(to_event(some_clock(), kAt)).value() == some_clock());
    const ClockFact far{Millis{std::numeric_limits<std::int64_t>::min()}, AnchorSource::kernel};
    CHECK(clock_from(to_event(far, kAt)).value() == far);
    CHECK(path_from(to_event(some_path(), kAt)).value() == some_path());
}

TEST_CASE("A text too long for an event is cut between two characters", "[model]") {
    auto outage = some_outage();
    outage.evidence = std::string(1023, 'x') + "\xC3\xA9";
    const auto event = to_event(outage, kAt);
    CHECK(defect_of(RecordBody{event}).empty());
    CHECK(*event.text("evidence") == std::string(1023, 'x'));
}

TEST_CASE("An outage of version 0.1 is one of the WAN, of no known confidence", "[model]") {
    auto old = some_outage();
    old.link = "wan";
    old.confidence = Confidence::none;
    const auto event = without(without(to_event(some_outage(), kAt), "link"), "confidence");
    CHECK(outage_from(event).value() == old);
}

TEST_CASE("A note and a supply's name are cut to what their readers take", "[model]") {
    auto note = some_note();
    note.text = std::string(499, 'x') + "\xC3\xA9";
    note.author = std::string(300, 'y');
    const auto read = note_from(to_event(note, kAt));
    REQUIRE(read);
    CHECK(read->text == std::string(499, 'x'));
    CHECK(read->author == std::string(128, 'y'));
    auto power = some_power();
    power.name = std::string(300, 'z');
    power.status = std::string(300, 'z');
    REQUIRE(power_from(to_event(power, kAt)));
    CHECK(power_from(to_event(power, kAt))->name.size() == 128);
}

TEST_CASE("Counters, causes, link states and event kinds have stable names", "[model]") {
    CHECK(to_string(Counter::rx_bytes) == "rx_bytes");
    CHECK(to_string(Counter::tx_dropped) == "tx_dropped");
    CHECK(to_string(Counter{99}) == "unknown");
    // Numbers and names are stored: this list only grows.
    const std::vector<std::string> causes{
        "unknown", "device_off", "power",        "crash",   "off",    "reboot",
        "daemon",  "carrier",    "modem",        "blocked", "isp",    "international",
        "dns",     "province",   "undetermined", "hotspot", "service"};
    REQUIRE(causes.size() == kCauseCount);
    for (std::size_t i = 0; i < causes.size(); ++i) {
        CHECK(to_string(static_cast<Cause>(i)) == causes[i]);
        CHECK(parse_cause(causes[i]) == static_cast<Cause>(i));
    }
    CHECK(to_string(Cause{99}) == "unknown");
    const std::vector<std::string> states{"unknown", "up", "down", "degraded"};
    REQUIRE(states.size() == kLinkStateCount);
    for (std::size_t i = 0; i < states.size(); ++i) {
        CHECK(to_string(static_cast<LinkState>(i)) == states[i]);
        CHECK(parse_link_state(states[i]) == static_cast<LinkState>(i));
    }
    CHECK_FALSE(parse_link_state("sideways"));
    const std::vector<std::string> confidences{"none", "low", "medium", "high"};
    for (std::size_t i = 0; i < confidences.size(); ++i) {
        CHECK(to_string(static_cast<Confidence>(i)) == confidences[i]);
        CHECK(parse_confidence(confidences[i]) == static_cast<Confidence>(i));
    }
    CHECK_FALSE(parse_confidence("certain"));
    CHECK_FALSE(parse_cause("gremlins"));
    CHECK(to_string(LinkState::down) == "down");
    const std::vector<std::string> kinds{
        "epoch",  "boot",   "start", "stop",  "series",   "interface", "carrier", "anchor",
        "outage", "config", "loss",  "power", "boot_end", "note",      "clock",   "path"};
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        CHECK(to_string(static_cast<EventKind>(i + 1)) == kinds[i]);
    }
    CHECK(to_string(EventKind{77}) == "kind-77");
}

}  // namespace gerbang
