#include "daemon/app/graft.hpp"

#include <algorithm>

#include "common/model/compact.hpp"
#include "common/model/storage_facts.hpp"
#include "common/wire/codec.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kVersion = 1;

const std::int64_t* find_value(const std::vector<Reading>& readings, SeriesId id) {
    for (const auto& reading : readings) {
        if (reading.series == id) return &reading.value;
    }
    return nullptr;
}

/// The offset of the counter `name` of `interface`, 0 when the life has no such series.
std::int64_t offset_of(const Graft& graft, const std::vector<Series>& series, std::string_view name,
                       const std::string& interface) {
    for (const auto& one : series) {
        if (one.name != name || one.labels.size() != 1 || one.labels[0].value != interface)
            continue;
        if (one.id.value < graft.series.size()) return graft.series[one.id.value].offset;
    }
    return 0;
}

}  // namespace

DeviceTime Graft::translated(DeviceTime at) const {
    return at.boot == kProvisionalBoot ? DeviceTime{boot, at.at} : at;
}

Tick Graft::translated(const Tick& tick) const {
    Tick result{.at = tick.at, .readings = {}};
    result.readings.reserve(tick.readings.size());
    for (const auto& reading : tick.readings) {
        if (reading.series.value >= series.size()) continue;
        const auto& target = series[reading.series.value];
        if (target.id.value == 0) continue;
        result.readings.push_back({target.id, reading.value + target.offset});
    }
    std::sort(result.readings.begin(), result.readings.end());
    return result;
}

std::optional<Event> Graft::translated(const Event& event, std::uint64_t number) const {
    const auto at = translated(event.at);
    switch (event.kind) {
        case EventKind::series:
        case EventKind::outage:
            return std::nullopt;
        case EventKind::interface: {
            auto fact = interface_from(event);
            if (!fact || number <= first_tick) return std::nullopt;
            const auto base = std::find_if(bases.begin(), bases.end(), [&](const Base& each) {
                return each.interface == fact->name;
            });
            if (base != bases.end()) {
                for (std::size_t i = 0; i < kCounterCount; ++i) fact->base[i] += base->offset[i];
            }
            return to_event(*fact, at);
        }
        case EventKind::loss: {
            auto fact = loss_from(event);
            if (!fact) return std::nullopt;
            fact->first = translated(fact->first);
            fact->last = translated(fact->last);
            return to_event(*fact, at);
        }
        case EventKind::summary: {
            auto fact = summary_from(event);
            if (!fact) return std::nullopt;
            fact->first = translated(fact->first);
            fact->last = translated(fact->last);
            return to_event(*fact, at);
        }
        default:
            break;
    }
    auto result = event;
    result.at = at;
    return result;
}

std::string Graft::encode() const {
    CompactWriter out;
    out.number(kVersion);
    out.text({reinterpret_cast<const char*>(epoch.bytes.data()), epoch.bytes.size()});
    out.number(boot.value);
    out.number(first);
    out.number(first_tick);
    out.signed_number(to_ms(after));
    out.number(series.size());
    for (const auto& target : series) {
        out.number(target.id.value);
        out.signed_number(target.offset);
    }
    out.number(bases.size());
    for (const auto& base : bases) {
        out.text(base.interface);
        for (const auto offset : base.offset) out.signed_number(offset);
    }
    out.number(preface.size());
    for (const auto& event : preface) out.text(wire::encode_event(event));
    return out.take();
}

Result<Graft> Graft::decode(std::string_view bytes) {
    const Error damaged{Errc::bad_input, "graft: damaged"};
    CompactReader in{bytes};
    if (in.number() != kVersion) return damaged;
    Graft graft;
    const auto epoch = in.text();
    if (epoch.size() != graft.epoch.bytes.size()) return damaged;
    std::copy(epoch.begin(), epoch.end(), graft.epoch.bytes.begin());
    const auto boot = in.number();
    if (boot == 0 || boot >= kProvisionalBoot.value) return damaged;
    graft.boot = BootNo{static_cast<std::uint32_t>(boot)};
    graft.first = in.number();
    graft.first_tick = in.number();
    graft.after = monotonic_from_ms(in.signed_number());
    for (auto left = in.count(); left > 0; --left) {
        const auto id = in.number();
        if (id > kMaxSeries) return damaged;
        graft.series.push_back({SeriesId{static_cast<std::uint32_t>(id)}, in.signed_number()});
    }
    for (auto left = in.count(); left > 0; --left) {
        Base base;
        base.interface = std::string{in.text()};
        for (auto& offset : base.offset) offset = in.signed_number();
        graft.bases.push_back(std::move(base));
    }
    for (auto left = in.count(); left > 0; --left) {
        auto event = wire::decode_event(in.text());
        if (!event) return damaged;
        graft.preface.push_back(std::move(*event));
    }
    if (!in.is_complete()) return damaged;
    return graft;
}

void number_series(Graft& graft, const ProvisionalLife& life, SeriesTable& table,
                   const std::vector<Reading>& stored, const std::vector<Reading>& joined) {
    graft.series.clear();
    graft.bases.clear();
    for (const auto& local : life.series) {
        Graft::Target target;
        target.id = table.intern(local.name, local.labels, local.kind, local.unit, local.scale);
        if (local.kind == SeriesKind::counter && target.id.value != 0) {
            const auto* before = find_value(stored, target.id);
            const auto* total = find_value(joined, target.id);
            const auto* counted = find_value(life.first, local.id);
            if (total != nullptr && counted != nullptr) {
                target.offset = *total - *counted;
            } else if (before != nullptr) {
                target.offset = *before;
            }
        }
        if (local.id.value >= graft.series.size()) graft.series.resize(local.id.value + 1);
        graft.series[local.id.value] = target;
    }
    for (const auto& name : life.names) {
        Graft::Base base{.interface = name, .offset = {}};
        for (std::size_t i = 0; i < kCounterCount; ++i) {
            base.offset[i] =
                offset_of(graft, life.series, series_of(static_cast<Counter>(i)), name);
        }
        graft.bases.push_back(std::move(base));
    }
}

KernelReading reading_of(const std::vector<InterfaceFact>& first, Monotonic at,
                         MeterSettings& settings) {
    KernelReading reading;
    reading.taken = at;
    settings.wan.clear();
    settings.lan.clear();
    settings.wifi.clear();
    settings.ignore.clear();
    for (const auto& fact : first) {
        if (fact.ifindex == 0 || reading.interfaces.size() >= kMaxInterfaces) continue;
        InterfaceReading one;
        one.name = fact.name;
        one.ifindex = fact.ifindex;
        one.is_up = true;
        one.is_physical = true;
        // Before its first tick a provisional life had counted nothing: total 0 = base + counter.
        for (std::size_t i = 0; i < kCounterCount; ++i) {
            one.counters[i] = static_cast<std::uint64_t>(std::max<std::int64_t>(0, -fact.base[i]));
        }
        if (fact.role == to_string(Role::wan)) settings.wan = fact.name;
        if (fact.role == to_string(Role::lan)) settings.lan.push_back(fact.name);
        if (fact.role == to_string(Role::wifi)) settings.wifi.push_back(fact.name);
        reading.interfaces.push_back(std::move(one));
    }
    // Whoever names none has them found by kind.
    if (settings.wan.empty()) settings.wan = "auto";
    if (settings.lan.empty()) settings.lan.emplace_back("-");
    if (settings.wifi.empty()) settings.wifi.emplace_back("-");
    std::sort(
        reading.interfaces.begin(), reading.interfaces.end(),
        [](const InterfaceReading& a, const InterfaceReading& b) { return a.ifindex < b.ifindex; });
    return reading;
}

}  // namespace gerbang
