#include "daemon/journal/state.hpp"

#include <algorithm>
#include <utility>

#include "common/model/compact.hpp"
#include "common/model/facts.hpp"
#include "common/wire/codec.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kStateVersion = 2;
/// Journal time between two records counts up to here: a daemon that did not run measured nothing.
constexpr Millis kMaxElapsedStep{3'600'000};
/// More interfaces than any gateway has; further names replace the one seen longest ago.
constexpr std::size_t kMaxInterfaces = 512;
/// At most one outage of a link is open: the WAN, the hotspot, the province, 8 services. The bound
/// is for what a damaged or hostile database may hold; beyond it the one told longest ago is
/// forgotten.
constexpr std::size_t kMaxOpenOutages = 64;

void write(CompactWriter& out, const std::optional<DeviceTime>& time) {
    out.number(time ? 1 : 0);
    if (!time) return;
    out.number(time->boot.value);
    out.signed_number(to_ms(time->at));
}

std::optional<DeviceTime> read_time(CompactReader& in) {
    if (in.number() == 0) return std::nullopt;
    const BootNo boot{static_cast<std::uint32_t>(in.number())};
    return DeviceTime{boot, monotonic_from_ms(in.signed_number())};
}

Result<Event> read_event(CompactReader& in) {
    const auto bytes = in.text();
    if (!in.ok()) return Error{Errc::bad_input, "journal state: damaged"};
    return wire::decode_event(bytes);
}

}  // namespace

bool is_protected(EventKind kind) noexcept {
    switch (kind) {
        case EventKind::epoch:
        case EventKind::boot:
        case EventKind::stop:
        case EventKind::series:
        case EventKind::interface:
        case EventKind::anchor:
        case EventKind::outage:
        case EventKind::config:
        case EventKind::loss:
        case EventKind::boot_end:
        case EventKind::note:
        case EventKind::clock:
        case EventKind::path:
            return true;
        case EventKind::start:
        case EventKind::carrier:
        case EventKind::power:
        case EventKind::storage:
        case EventKind::summary:
            break;
    }
    return false;
}

void JournalMemory::advance(DeviceTime at) {
    if (last_at && at <= *last_at) return;
    // A new boot began at some time after the last record: its own first minutes are all we know.
    const auto from = last_at && last_at->boot == at.boot ? last_at->at : Monotonic{};
    if (last_at) state.elapsed += std::min<Millis>(at.at - from, kMaxElapsedStep);
    last_at = at;
}

void JournalMemory::count_written(std::uint64_t bytes, Seconds utc_offset) {
    std::optional<WallTime> day;
    if (last_at) {
        if (const auto wall = state.timeline.wall_of(state.last, *last_at)) {
            day = period_start(UsagePeriod::day, *wall, utc_offset);
        }
    }
    const bool is_new = written_days.empty() ||
                        (day && written_days.back().start && *day > *written_days.back().start);
    if (is_new) written_days.push_back({});
    // What was written before the clock was set belongs to the day that it then says.
    if (!written_days.back().start) written_days.back().start = day;
    written_days.back().bytes += bytes;
    if (written_days.size() > kMaxWrittenDays) written_days.erase(written_days.begin());
}

bool JournalMemory::is_counter(SeriesId id) const {
    const auto found =
        std::lower_bound(state.series.begin(), state.series.end(), id,
                         [](const Series& each, SeriesId wanted) { return each.id < wanted; });
    return found != state.series.end() && found->id == id && found->kind == SeriesKind::counter;
}

void JournalMemory::apply_chunk(const Chunk& chunk) {
    if (chunk.is_emptied()) return;
    state.last_tick = DeviceTime{chunk.boot, chunk.ticks.back()};
    auto place = state.totals.begin();
    for (const auto& column : chunk.columns) {
        if (column.part != part::kValue || !is_counter(column.series)) continue;
        place = std::lower_bound(place, state.totals.end(), column.series,
                                 [](const Reading& each, SeriesId id) { return each.series < id; });
        if (place != state.totals.end() && place->series == column.series) {
            place->value = column.values.back();
        } else {
            place = state.totals.insert(place, {column.series, column.values.back()});
        }
    }
}

void JournalMemory::set_interface(const InterfaceFact& fact, BootNo boot) {
    const auto found =
        std::find_if(state.interfaces.begin(), state.interfaces.end(),
                     [&](const InterfaceFact& each) { return each.name == fact.name; });
    if (found != state.interfaces.end()) {
        state.interface_boots.erase(state.interface_boots.begin() +
                                    (found - state.interfaces.begin()));
        state.interfaces.erase(found);
    } else if (state.interfaces.size() >= kMaxInterfaces) {
        state.interfaces.erase(state.interfaces.begin());
        state.interface_boots.erase(state.interface_boots.begin());
    }
    state.interfaces.push_back(fact);
    state.interface_boots.push_back(boot);
}

void JournalMemory::apply_outage(const Outage& outage) {
    state.last_outage_id = std::max(state.last_outage_id, outage.id);
    auto& open = state.open_outages;
    // A later segment of the same outage takes the place of the earlier ones.
    std::erase_if(open, [&](const Outage& each) {
        return each.id == outage.id && each.segment <= outage.segment;
    });
    if (!outage.is_open()) return;
    if (open.size() >= kMaxOpenOutages) open.erase(open.begin());
    open.push_back(outage);
}

void JournalMemory::learn(Seq seq, const Event& event) {
    if (event.kind == EventKind::anchor) {
        if (const auto anchor = anchor_from(event)) state.timeline.add(seq, *anchor);
    }
    if (event.kind != EventKind::series) return;
    auto series = series_from(event);
    if (!series || state.series.size() >= kMaxSeries) return;
    const auto place =
        std::lower_bound(state.series.begin(), state.series.end(), series->id,
                         [](const Series& each, SeriesId id) { return each.id < id; });
    if (place != state.series.end() && place->id == series->id) return;
    state.series.insert(place, std::move(*series));
}

void JournalMemory::apply_event(Seq seq, const Event& event) {
    learn(seq, event);
    if (is_protected(event.kind)) event_bytes += event_row_bytes(wire::encode_event(event).size());
    switch (event.kind) {
        case EventKind::boot:
            if (const auto boot = boot_from(event)) {
                state.last_boot = boot->id;
                state.last_boot_no = event.at.boot;
            }
            break;
        case EventKind::interface:
            if (const auto fact = interface_from(event)) set_interface(*fact, event.at.boot);
            break;
        case EventKind::outage:
            if (const auto outage = outage_from(event)) apply_outage(*outage);
            break;
        case EventKind::stop:
            state.last_event_of_stop = event;
            break;
        default:
            break;
    }
}

void JournalMemory::apply(const Record& record, const Head& head) {
    state.last = record.seq;
    state.head = head;
    state.last_event_of_stop.reset();
    if (const auto at = time_of(record.body)) advance(*at);
    if (const auto* chunk = std::get_if<Chunk>(&record.body)) {
        apply_chunk(*chunk);
    } else {
        apply_event(record.seq, std::get<Event>(record.body));
    }
    rollup.feed(record, state.timeline);
}

void JournalMemory::start_epoch(const EpochId& epoch) {
    const auto elapsed = state.elapsed;
    state = {};
    state.epoch = epoch;
    state.elapsed = elapsed;
    last_at.reset();
}

std::string JournalMemory::save(const UsageRollup& rollup_to_save) const {
    GERBANG_CHECK(rollup_to_save.hours().empty());
    CompactWriter out;
    out.number(kStateVersion);
    out.number(state.last_boot_no ? state.last_boot_no->value : 0);
    out.text({reinterpret_cast<const char*>(state.last_boot.bytes.data()), 16});
    write(out, state.last_tick);
    out.number(state.last_outage_id);
    out.number(state.interfaces.size());
    for (std::size_t i = 0; i < state.interfaces.size(); ++i) {
        const DeviceTime at{state.interface_boots[i], Monotonic{}};
        out.text(wire::encode_event(to_event(state.interfaces[i], at)));
    }
    out.number(state.open_outages.size());
    for (const auto& outage : state.open_outages) {
        out.text(wire::encode_event(to_event(outage, DeviceTime{BootNo{1}, Monotonic{}})));
    }
    out.number(state.last_event_of_stop ? 1 : 0);
    if (state.last_event_of_stop) out.text(wire::encode_event(*state.last_event_of_stop));
    out.number(state.totals.size());
    for (const auto& total : state.totals) {
        out.number(total.series.value);
        out.signed_number(total.value);
    }
    out.text(rollup_to_save.save());
    out.signed_number(state.elapsed.count());
    write(out, last_at);
    out.number(event_bytes);
    out.number(written_days.size());
    for (const auto& day : written_days) {
        out.number(day.start ? 1 : 0);
        if (day.start) out.signed_number(to_ms(*day.start));
        out.number(day.bytes);
    }
    return out.take();
}

void JournalMemory::restore_upkeep(CompactReader& in) {
    state.elapsed = Millis{in.signed_number()};
    last_at = read_time(in);
    event_bytes = in.number();
    for (auto left = in.count(); left > 0 && in.ok(); --left) {
        WrittenDay day;
        if (in.number() != 0) day.start = wall_from_ms(in.signed_number());
        day.bytes = in.number();
        written_days.push_back(day);
    }
}

Result<void> JournalMemory::restore(std::string_view bytes, Seconds utc_offset) {
    CompactReader in{bytes};
    const auto version = in.number();
    if (version < 1 || version > kStateVersion) {
        return Error{Errc::bad_input, "journal state: unknown version"};
    }
    const BootNo boot{static_cast<std::uint32_t>(in.number())};
    if (boot.value != 0) state.last_boot_no = boot;
    const auto boot_id = in.text();
    if (boot_id.size() != 16) return Error{Errc::bad_input, "journal state: damaged"};
    std::copy(boot_id.begin(), boot_id.end(), state.last_boot.bytes.begin());
    state.last_tick = read_time(in);
    state.last_outage_id = in.number();
    for (auto left = in.count(); left > 0; --left) {
        const auto event = read_event(in);
        if (!event) return event.error();
        const auto fact = interface_from(*event);
        if (!fact) return fact.error();
        set_interface(*fact, event->at.boot);
    }
    for (auto left = in.count(); left > 0; --left) {
        const auto event = read_event(in);
        if (!event) return event.error();
        const auto outage = outage_from(*event);
        if (!outage) return outage.error();
        apply_outage(*outage);
    }
    if (in.number() != 0) {
        auto event = read_event(in);
        if (!event) return event.error();
        state.last_event_of_stop = std::move(*event);
    }
    for (auto left = in.count(); left > 0; --left) {
        const SeriesId id{static_cast<std::uint32_t>(in.number())};
        state.totals.push_back({id, in.signed_number()});
    }
    auto restored = UsageRollup::restore(in.text(), utc_offset);
    if (!restored) return restored.error();
    if (version >= 2) restore_upkeep(in);
    if (!in.is_complete()) return Error{Errc::bad_input, "journal state: damaged"};
    rollup = std::move(*restored);
    return ok();
}

}  // namespace gerbang
