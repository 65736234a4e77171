#include "tests/support/sample_site.hpp"

#include <utility>

#include "common/core/check.hpp"
#include "common/wire/chain.hpp"

namespace gerbang {
namespace {

template <class Id>
Id id_from(std::uint64_t high, std::uint64_t low) {
    Id id;
    for (std::size_t i = 0; i < 8; ++i) {
        id.bytes[i] = static_cast<std::uint8_t>(high >> (8 * i));
        id.bytes[i + 8] = static_cast<std::uint8_t>(low >> (8 * i));
    }
    return id;
}

}  // namespace

SampleSite::SampleSite(std::string site, std::uint64_t seed)
    : site_{std::move(site)}, random_state_{seed * 2'654'435'761u + 1} {
    for (const char c : site_) random_state_ = random_state_ * 31 + static_cast<unsigned char>(c);
    open_epoch(EpochId{}, Seq{}, "new");
}

void SampleSite::open_epoch(EpochId parent, Seq parent_last, const std::string& reason) {
    epoch_ = id_from<EpochId>(random(), random());
    records_.clear();
    heads_.assign(1, Head{});
    counters_.assign(1, Counters{wan_rx_bytes_, wan_tx_bytes_});
    append(to_event(EpochFact{.id = epoch_,
                              .parent = parent,
                              .parent_last = parent_last,
                              .reason = reason,
                              .hardware = "5a"},
                    device_time()));
    append(to_event(BootFact{id_from<BootId>(boot_.value, 7)}, device_time()));
    append(to_event(StartFact{.version = "0.1.0", .tick = Millis{10'000}, .commit = Millis{60'000}},
                    device_time()));
    configure({.site = site_,
               .site_code = "64.02.01.2001",
               .site_name = "Desa " + site_,
               .provider = "Sinar \"Net\"",
               .product = "50 Mbit/s",
               .medium = "fibre",
               .customer_number = "C-1",
               .utc_offset = "+08:00",
               .helpdesk = ""});
}

void SampleSite::minutes(int count) {
    for (int i = 0; i < count; ++i) minute();
}

void SampleSite::minute() {
    const auto rx = series_.intern(series_name::kWanReceiveBytes, {}, SeriesKind::counter, "bytes");
    const auto tx =
        series_.intern(series_name::kWanTransmitBytes, {}, SeriesKind::counter, "bytes");
    const auto eth = series_.intern(series_name::kInterfaceReceiveBytes, {{"interface", "eth0"}},
                                    SeriesKind::counter, "bytes");
    const auto link = series_.intern(series_name::kLinkState, {}, SeriesKind::state, "");
    const auto heat = series_.intern("temperature_celsius", {}, SeriesKind::gauge, "celsius", 1);
    const auto still = series_.intern("memory_total_bytes", {}, SeriesKind::gauge, "bytes");
    introduce_new_series();
    std::vector<Tick> ticks;
    for (int i = 0; i < 6; ++i) {
        pass(Millis{10'000});
        wan_rx_bytes_ += static_cast<std::int64_t>(random() % 5'000'000);
        wan_tx_bytes_ += static_cast<std::int64_t>(random() % 700'000);
        Tick tick{.at = at_, .readings = {}};
        tick.readings = {
            {rx, wan_rx_bytes_}, {tx, wan_tx_bytes_}, {eth, wan_rx_bytes_ + 1'000}, {link, link_}};
        if (random() % 4 != 0) {
            tick.readings.push_back({heat, static_cast<std::int64_t>(random() % 900) - 100});
        }
        tick.readings.push_back({still, 512 << 20});
        ticks.push_back(std::move(tick));
    }
    append(make_chunk(boot_, ticks));
}

void SampleSite::anchor() {
    anchor_off_by(Millis{0});
}

void SampleSite::anchor_off_by(Millis error) {
    append(to_event(Anchor{.at = device_time(),
                           .wall = true_time_ + error,
                           .source = AnchorSource::kernel,
                           .uncertainty = Millis{12}}));
}

void SampleSite::begin_outage(Cause cause) {
    link_ = 2;
    outage_ = {.id = ++outages_,
               .segment = 1,
               .cause = cause,
               .last_good = device_time(),
               .first_bad = {},
               .last_bad = {},
               .first_good = {},
               .evidence = "carrier 0 on eth0"};
    pass(Millis{1'000});
    outage_.first_bad = device_time();
    append(to_event(outage_, device_time()));
}

void SampleSite::end_outage() {
    link_ = 1;
    outage_.last_bad = device_time();
    pass(Millis{1'000});
    outage_.first_good = device_time();
    append(to_event(outage_, device_time()));
}

void SampleSite::reboot(Millis off) {
    true_time_ += off;
    boot_.value += 1;
    at_ = monotonic_from_ms(20'000);
    append(to_event(BootFact{id_from<BootId>(boot_.value, 7)}, device_time()));
}

void SampleSite::configure(const ConfigFact& fact) {
    append(to_event(fact, device_time()));
}

void SampleSite::roll_back(Seq seq) {
    GERBANG_CHECK(seq <= last());
    records_.resize(seq.value);
    heads_.resize(seq.value + 1);
    counters_.resize(seq.value + 1);
    wan_rx_bytes_ = counters_.back().rx;
    wan_tx_bytes_ = counters_.back().tx;
    random_state_ += 17;  // what comes now is another history
}

void SampleSite::new_epoch(Seq parent_last, const std::string& reason) {
    const auto parent = epoch_;
    open_epoch(parent, parent_last, reason);
    series_.reintroduce_all();
}

Head SampleSite::head(Seq seq) const {
    return heads_.at(seq.value);
}

std::vector<Record> SampleSite::records(SeqRange range) const {
    const auto begin = records_.begin() + static_cast<std::ptrdiff_t>(range.first.value) - 1;
    return {begin, begin + static_cast<std::ptrdiff_t>(range.size())};
}

wire::Batch SampleSite::batch(SeqRange range) const {
    GERBANG_CHECK(range.first.value >= 1 && range.last <= last());
    return {.site = site_,
            .epoch = epoch_,
            .before = head(range.first.previous()),
            .pack = wire::encode_pack(records(range))};
}

void SampleSite::append(RecordBody body) {
    Record record{.seq = Seq{records_.size() + 1}, .body = std::move(body)};
    GERBANG_CHECK(defect_of(record.body).empty());
    heads_.push_back(wire::next_head(heads_.back(), record));
    counters_.push_back({wan_rx_bytes_, wan_tx_bytes_});
    records_.push_back(std::move(record));
}

void SampleSite::introduce_new_series() {
    for (const auto& series : series_.take_new()) append(to_event(series, device_time()));
}

void SampleSite::pass(Millis span) {
    at_ += span;
    true_time_ += span;
}

std::uint64_t SampleSite::random() {
    // splitmix64: small, seeded, the same everywhere.
    random_state_ += 0x9e37'79b9'7f4a'7c15u;
    std::uint64_t x = random_state_;
    x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebu;
    return x ^ (x >> 31);
}

}  // namespace gerbang
