#include "common/model/rollup.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/model/compact.hpp"
#include "common/model/facts.hpp"

namespace gerbang {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kHourMs = 3'600'000;
/// A one-minute rate needs at least this much of its minute.
constexpr std::uint64_t kMinMinuteMs = 30'000;
/// Bytes of a longer gap belong to its last 24 days; keeps the products below in 64 bits.
constexpr std::int64_t kMaxSpreadMs = std::int64_t{1} << 31;
/// Year 9999; what claims to be later is hostile and has no hour.
constexpr std::int64_t kMaxTimeMs = 253'402'300'800'000;
constexpr std::uint64_t kStateVersion = 1;
constexpr std::string_view kWanRole = "wan";

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
    const auto quotient = value / by;
    return value % by < 0 ? quotient - 1 : quotient;
}

/// floor(bytes * part / whole) without 128-bit integers, which armhf lacks; part <= whole < 2^32.
std::uint64_t share(std::uint64_t bytes, std::int64_t part, std::int64_t whole) {
    const auto p = static_cast<std::uint64_t>(part);
    const auto w = static_cast<std::uint64_t>(whole);
    return bytes / w * p + bytes % w * p / w;
}

std::uint64_t bit_per_s(std::uint64_t bytes, std::int64_t ms) {
    constexpr std::uint64_t kLimit = UINT64_MAX / 8000;
    const auto scaled = bytes > kLimit ? UINT64_MAX : bytes * 8000;
    return scaled / static_cast<std::uint64_t>(ms);
}

std::size_t bucket_of(std::uint64_t rate) {
    const auto bound = std::lower_bound(kRateBucketBitPerS.begin(), kRateBucketBitPerS.end(), rate);
    return static_cast<std::size_t>(bound - kRateBucketBitPerS.begin());
}

void write(CompactWriter& out, const UsageName& name) {
    out.number(name.is_role ? 1 : 0);
    out.text(name.name);
}

UsageName read_name(CompactReader& in) {
    UsageName name;
    name.is_role = in.number() != 0;
    name.name = in.text();
    return name;
}

void write(CompactWriter& out, const UsagePart& part) {
    out.number(part.sum.received.value);
    out.number(part.sum.transmitted.value);
    out.number(part.sum.peak_receive.bit_per_s);
    out.number(part.sum.peak_transmit.bit_per_s);
    for (const auto minutes : part.sum.minutes) out.number(minutes);
    out.number(part.measured_ms);
}

UsagePart read_part(CompactReader& in) {
    UsagePart part;
    part.sum.received.value = in.number();
    part.sum.transmitted.value = in.number();
    part.sum.peak_receive.bit_per_s = in.number();
    part.sum.peak_transmit.bit_per_s = in.number();
    for (auto& minutes : part.sum.minutes) minutes = static_cast<std::uint32_t>(in.number());
    part.measured_ms = in.number();
    return part;
}

void write(CompactWriter& out, const std::map<UsageName, UsagePart>& parts) {
    out.number(parts.size());
    for (const auto& [name, part] : parts) {
        write(out, name);
        write(out, part);
    }
}

std::map<UsageName, UsagePart> read_parts(CompactReader& in) {
    std::map<UsageName, UsagePart> parts;
    for (auto left = in.count(); left > 0 && in.ok(); --left) {
        auto name = read_name(in);
        parts[std::move(name)] = read_part(in);
    }
    return parts;
}

void write(CompactWriter& out, const std::optional<std::uint64_t>& value) {
    out.number(value ? 1 : 0);
    if (value) out.number(*value);
}

std::optional<std::uint64_t> read_optional(CompactReader& in) {
    if (in.number() == 0) return std::nullopt;
    return in.number();
}

}  // namespace

WallTime period_start(UsagePeriod period, WallTime at, Seconds utc_offset) {
    using std::chrono::days;
    const auto local = at + utc_offset;
    const std::chrono::sys_days day = std::chrono::floor<days>(local);
    const std::chrono::year_month_day date{day};
    const auto back = [&](WallTime start) { return start - utc_offset; };
    switch (period) {
        case UsagePeriod::hour:
            return back(std::chrono::floor<std::chrono::hours>(local));
        case UsagePeriod::day:
            return back(WallTime{day});
        case UsagePeriod::month:
            return back(
                WallTime{std::chrono::sys_days{date.year() / date.month() / std::chrono::day{1}}});
        case UsagePeriod::year:
            break;
    }
    return back(
        WallTime{std::chrono::sys_days{date.year() / std::chrono::January / std::chrono::day{1}}});
}

void UsagePart::add(const UsagePart& other) noexcept {
    sum += other.sum;
    measured_ms += other.measured_ms;
}

UsageSum UsagePart::rounded() const noexcept {
    auto rounded_sum = sum;
    rounded_sum.measured_s = (measured_ms + 500) / 1000;
    return rounded_sum;
}

/// The time between two ticks of one name, with the bytes that passed in it.
struct UsageRollup::Interval {
    const UsageName* name = nullptr;
    std::map<UsageName, UsagePart>* undated = nullptr;  ///< where sums go without a wall time
    std::int64_t to_wall_ms = 0;                        ///< wall time minus device time
    DeviceTime at;                                      ///< of the later tick
    Millis max_gap{};
    std::uint64_t received = 0;
    std::uint64_t transmitted = 0;
    std::int64_t length_ms = 0;

    [[nodiscard]] std::int64_t end_ms() const { return to_ms(at.at) + to_wall_ms; }
};

UsagePart& UsageRollup::part_at(const Interval& interval, std::int64_t position_ms) {
    if (interval.undated != nullptr) return (*interval.undated)[*interval.name];
    const auto start = period_start(UsagePeriod::hour, wall_from_ms(position_ms), utc_offset_);
    return hours_[Hour{start, *interval.name}];
}

void UsageRollup::close_minute(Meter& meter, const Interval& interval) {
    if (meter.minute != kNoMinute && meter.minute_ms >= kMinMinuteMs) {
        const auto rate = bit_per_s(meter.minute_bytes, static_cast<std::int64_t>(meter.minute_ms));
        ++part_at(interval, meter.minute * kMinuteMs).sum.minutes[bucket_of(rate)];
    }
    meter.minute = kNoMinute;
    meter.minute_bytes = 0;
    meter.minute_ms = 0;
}

void UsageRollup::measure(Meter& meter, const Interval& interval) {
    const auto end = interval.end_ms();
    const auto start = end - interval.length_ms;
    const BitRate receive_rate{bit_per_s(interval.received, interval.length_ms)};
    const BitRate transmit_rate{bit_per_s(interval.transmitted, interval.length_ms)};
    std::uint64_t received_before = 0;
    std::uint64_t transmitted_before = 0;
    for (auto from = start; from < end;) {
        const auto minute = floor_div(from, kMinuteMs);
        const auto to = std::min(end, (minute + 1) * kMinuteMs);
        if (meter.minute != minute) close_minute(meter, interval);
        meter.minute = minute;
        const auto received_so_far = share(interval.received, to - start, interval.length_ms);
        const auto transmitted_so_far = share(interval.transmitted, to - start, interval.length_ms);
        const Bytes received{received_so_far - received_before};
        const Bytes transmitted{transmitted_so_far - transmitted_before};
        auto& part = part_at(interval, from);
        part.sum.received += received;
        part.sum.transmitted += transmitted;
        part.sum.peak_receive = std::max(part.sum.peak_receive, receive_rate);
        part.sum.peak_transmit = std::max(part.sum.peak_transmit, transmit_rate);
        part.measured_ms += static_cast<std::uint64_t>(to - from);
        meter.minute_bytes += received.value + transmitted.value;
        meter.minute_ms += static_cast<std::uint64_t>(to - from);
        received_before = received_so_far;
        transmitted_before = transmitted_so_far;
        from = to;
    }
}

void UsageRollup::spread(const Interval& interval) {
    const auto end = interval.end_ms();
    const auto length = std::min(interval.length_ms, kMaxSpreadMs);
    const auto offset_ms = Millis{utc_offset_}.count();
    std::uint64_t received_before = 0;
    std::uint64_t transmitted_before = 0;
    for (auto from = end - length; from < end;) {
        const auto next_hour = (floor_div(from + offset_ms, kHourMs) + 1) * kHourMs - offset_ms;
        const auto to = std::min(end, next_hour);
        const auto received_so_far = share(interval.received, to - (end - length), length);
        const auto transmitted_so_far = share(interval.transmitted, to - (end - length), length);
        if (received_so_far > received_before || transmitted_so_far > transmitted_before) {
            auto& part = part_at(interval, from);
            part.sum.received += Bytes{received_so_far - received_before};
            part.sum.transmitted += Bytes{transmitted_so_far - transmitted_before};
        }
        received_before = received_so_far;
        transmitted_before = transmitted_so_far;
        from = to;
    }
}

void UsageRollup::advance(Meter& meter, const Interval& interval) {
    if (interval.length_ms > 0 && Millis{interval.length_ms} <= interval.max_gap) {
        measure(meter, interval);
        return;
    }
    close_minute(meter, interval);
    if (interval.length_ms > 0) {
        spread(interval);
    } else if (interval.received > 0 || interval.transmitted > 0) {
        auto& part = part_at(interval, interval.end_ms());
        part.sum.received += Bytes{interval.received};
        part.sum.transmitted += Bytes{interval.transmitted};
    }
}

void UsageRollup::add_chunk(Meters& meters, Seq seq, const Chunk& chunk, const Timeline& timeline,
                            bool is_replay) {
    if (chunk.is_emptied()) return;
    struct Pair {
        const Column* received = nullptr;
        const Column* transmitted = nullptr;
        std::size_t next_received = 0;
        std::size_t next_transmitted = 0;
    };
    std::map<UsageName, Pair> pairs;
    for (const auto& column : chunk.columns) {
        const auto source = sources_.find(column.series);
        if (source == sources_.end() || column.part != part::kValue) continue;
        auto& pair = pairs[source->second.name];
        (source->second.is_transmit ? pair.transmitted : pair.received) = &column;
    }
    const auto last = chunk.ticks.back();
    if (to_ms(last) > kMaxTimeMs) return;
    const auto wall = timeline.wall_of(seq, {chunk.boot, last});
    const auto wall_ms = wall ? to_ms(*wall) : -1;
    const bool is_dated = wall_ms >= 0 && wall_ms <= kMaxTimeMs;
    std::map<UsageName, UsagePart>* undated = nullptr;
    if (!is_dated) {
        // An anchor without a usable time calls for a replay that finds none.
        undated = is_replay ? &never_dated_ : &undated_of(chunk.boot, seq, meters).sums;
    }
    const auto take = [](const Column* column, std::size_t tick,
                         std::size_t& next) -> std::optional<std::uint64_t> {
        if (column == nullptr) return std::nullopt;
        if (!column->present.empty() && column->present[tick] == 0) return std::nullopt;
        const auto value = column->values[next++];
        if (value < 0) return std::nullopt;
        return static_cast<std::uint64_t>(value);
    };
    for (auto& [name, pair] : pairs) {
        if (!meters.contains(name) && meters.size() >= kMaxNames) continue;
        auto& meter = meters[name];
        for (std::size_t i = 0; i < chunk.ticks.size(); ++i) {
            const auto received = take(pair.received, i, pair.next_received);
            const auto transmitted = take(pair.transmitted, i, pair.next_transmitted);
            if (!received && !transmitted) continue;
            Interval interval{.name = &name,
                              .undated = undated,
                              .to_wall_ms = is_dated ? wall_ms - to_ms(last) : 0,
                              .at = {chunk.boot, chunk.ticks[i]},
                              .max_gap = kMaxGap[std::min<std::size_t>(chunk.level, 3)]};
            if (meter.at && meter.at->boot == chunk.boot && interval.at > *meter.at) {
                interval.length_ms = (interval.at.at - meter.at->at).count();
            }
            // A total that fell has lost its base: nothing can be said of what passed.
            const auto passed = [&](const std::optional<std::uint64_t>& now,
                                    std::optional<std::uint64_t>& before) -> std::uint64_t {
                if (!now) return 0;
                const auto base = before ? *before : (is_base_only_ ? *now : 0);
                before = now;
                return *now > base ? *now - base : 0;
            };
            interval.received = passed(received, meter.received);
            interval.transmitted = passed(transmitted, meter.transmitted);
            advance(meter, interval);
            meter.at = interval.at;
        }
    }
    if (!pairs.empty()) is_base_only_ = false;
}

UsageRollup::Undated& UsageRollup::undated_of(BootNo boot, Seq seq, const Meters& meters) {
    for (auto& undated : undated_) {
        if (undated.boot == boot) return undated;
    }
    if (undated_.size() >= kMaxUndatedBoots) {
        give_up(undated_.front());
        undated_.erase(undated_.begin());
    }
    undated_.push_back({.boot = boot, .first = seq, .before = meters, .sums = {}, .anchored = {}});
    return undated_.back();
}

void UsageRollup::give_up(const Undated& undated) {
    for (const auto& [name, part] : undated.sums) never_dated_[name].add(part);
}

void UsageRollup::start_epoch(const Event& event) {
    for (const auto& undated : undated_) give_up(undated);
    undated_.clear();
    sources_.clear();
    const auto fact = epoch_from(event);
    is_base_only_ = meters_.empty() && fact && !fact->parent.is_none();
    for (auto& [name, meter] : meters_) {
        meter = {.received = meter.received, .transmitted = meter.transmitted, .at = {}};
    }
}

void UsageRollup::learn(const Event& event) {
    const auto series = series_from(event);
    if (!series) return;
    Source source;
    if (series->name == series_name::kWanReceiveBytes ||
        series->name == series_name::kWanTransmitBytes) {
        source.name = {.is_role = true, .name = std::string{kWanRole}};
        source.is_transmit = series->name == series_name::kWanTransmitBytes;
    } else if (series->name == series_name::kInterfaceReceiveBytes ||
               series->name == series_name::kInterfaceTransmitBytes) {
        const auto label = std::find_if(
            series->labels.begin(), series->labels.end(),
            [](const Label& each) { return each.name == series_name::kLabelInterface; });
        if (label == series->labels.end()) return;
        source.name = {.is_role = false, .name = label->value};
        source.is_transmit = series->name == series_name::kInterfaceTransmitBytes;
    } else {
        return;
    }
    if (sources_.size() < kMaxSeries) sources_.emplace(series->id, std::move(source));
}

void UsageRollup::feed(const Record& record, const Timeline& timeline) {
    if (const auto* chunk = std::get_if<Chunk>(&record.body)) {
        add_chunk(meters_, record.seq, *chunk, timeline, false);
        return;
    }
    const auto& event = std::get<Event>(record.body);
    if (event.kind == EventKind::epoch) start_epoch(event);
    if (event.kind == EventKind::series) learn(event);
    if (event.kind != EventKind::anchor) return;
    for (auto& undated : undated_) {
        if (undated.boot != event.at.boot || undated.anchored) continue;
        undated.anchored = record.seq;
        // The open minute began on another scale; the replay counts what it held.
        for (auto& [name, meter] : meters_) {
            meter.minute = kNoMinute;
            meter.minute_bytes = 0;
            meter.minute_ms = 0;
        }
    }
}

UsageRollup::Hours UsageRollup::take_hours() {
    return std::exchange(hours_, {});
}

std::map<UsageName, UsagePart> UsageRollup::undated() const {
    auto parts = never_dated_;
    for (const auto& undated : undated_) {
        for (const auto& [name, part] : undated.sums) parts[name].add(part);
    }
    return parts;
}

std::optional<SeqRange> UsageRollup::wants_replay() const {
    for (const auto& undated : undated_) {
        if (undated.anchored) return SeqRange{undated.first, undated.anchored->previous()};
    }
    return std::nullopt;
}

void UsageRollup::begin_replay() {
    const auto undated = std::find_if(undated_.begin(), undated_.end(),
                                      [](const Undated& each) { return each.anchored; });
    if (undated == undated_.end()) return;
    replaying_ = std::move(undated->before);
    undated_.erase(undated);
}

void UsageRollup::replay(const Record& record, const Timeline& timeline) {
    const auto* chunk = std::get_if<Chunk>(&record.body);
    if (chunk == nullptr || !replaying_) return;
    add_chunk(*replaying_, record.seq, *chunk, timeline, true);
}

void UsageRollup::end_replay() {
    replaying_.reset();
}

std::string UsageRollup::save() const {
    GERBANG_CHECK(!replaying_);
    CompactWriter out;
    const auto write_meters = [&out](const Meters& meters) {
        out.number(meters.size());
        for (const auto& [name, meter] : meters) {
            write(out, name);
            write(out, meter.received);
            write(out, meter.transmitted);
            out.number(meter.at ? 1 : 0);
            if (meter.at) {
                out.number(meter.at->boot.value);
                out.signed_number(to_ms(meter.at->at));
            }
            out.signed_number(meter.minute);
            out.number(meter.minute_bytes);
            out.number(meter.minute_ms);
        }
    };
    out.number(kStateVersion);
    out.number(is_base_only_ ? 1 : 0);
    out.number(sources_.size());
    for (const auto& [id, source] : sources_) {
        out.number(id.value);
        write(out, source.name);
        out.number(source.is_transmit ? 1 : 0);
    }
    write_meters(meters_);
    out.number(undated_.size());
    for (const auto& undated : undated_) {
        out.number(undated.boot.value);
        out.number(undated.first.value);
        write_meters(undated.before);
        write(out, undated.sums);
        out.number(undated.anchored ? undated.anchored->value : 0);
    }
    write(out, never_dated_);
    return out.take();
}

Result<UsageRollup> UsageRollup::restore(std::string_view bytes, Seconds utc_offset) {
    CompactReader in{bytes};
    UsageRollup rollup{utc_offset};
    bool is_possible = true;
    const auto read_meters = [&in, &is_possible] {
        Meters meters;
        for (auto left = in.count(); left > 0 && in.ok(); --left) {
            auto name = read_name(in);
            auto& meter = meters[std::move(name)];
            meter.received = read_optional(in);
            meter.transmitted = read_optional(in);
            if (in.number() != 0) {
                const BootNo boot{static_cast<std::uint32_t>(in.number())};
                meter.at = DeviceTime{boot, monotonic_from_ms(in.signed_number())};
                const auto at_ms = to_ms(meter.at->at);
                is_possible = is_possible && at_ms >= 0 && at_ms <= kMaxTimeMs;
            }
            meter.minute = in.signed_number();
            const bool is_open = meter.minute != kNoMinute;
            is_possible = is_possible && (!is_open || (meter.minute >= -kMaxTimeMs / kMinuteMs &&
                                                       meter.minute <= kMaxTimeMs / kMinuteMs));
            meter.minute_bytes = in.number();
            meter.minute_ms = in.number();
        }
        return meters;
    };
    if (in.number() != kStateVersion) {
        return Error{Errc::bad_input, "roll-up state: unknown version"};
    }
    rollup.is_base_only_ = in.number() != 0;
    for (auto left = in.count(); left > 0 && in.ok(); --left) {
        const SeriesId id{static_cast<std::uint32_t>(in.number())};
        auto name = read_name(in);
        rollup.sources_[id] = {.name = std::move(name), .is_transmit = in.number() != 0};
    }
    rollup.meters_ = read_meters();
    for (auto left = in.count(); left > 0 && in.ok(); --left) {
        Undated undated;
        undated.boot.value = static_cast<std::uint32_t>(in.number());
        undated.first.value = in.number();
        undated.before = read_meters();
        undated.sums = read_parts(in);
        if (const auto anchored = in.number(); anchored != 0) undated.anchored = Seq{anchored};
        rollup.undated_.push_back(std::move(undated));
    }
    rollup.never_dated_ = read_parts(in);
    if (!in.is_complete() || !is_possible) {
        return Error{Errc::bad_input, "roll-up state: damaged"};
    }
    return rollup;
}

}  // namespace gerbang
