#include "daemon/journal/mirror.hpp"

#include <algorithm>
#include <utility>

#include "common/model/compact.hpp"
#include "common/model/facts.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/codec.hpp"
#include "daemon/journal/side_file.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kMagic{"GRBM", 4};
/// Magic, generation, length of the content, checksum of all before it and of the content.
constexpr std::size_t kHeaderBytes = 4 + 8 + 4 + 4;
constexpr std::size_t kMaxEpochs = 4096;
constexpr std::size_t kMaxCursors = 4096;
constexpr std::size_t kMaxNotes = 64;

template <std::size_t N>
std::string_view view(const std::array<std::uint8_t, N>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), N};
}
template <std::size_t N>
bool copy_to(std::array<std::uint8_t, N>& target, std::string_view bytes) {
    if (bytes.size() != N) return false;
    std::copy(bytes.begin(), bytes.end(), target.begin());
    return true;
}

void put_ranges(CompactWriter& out, const RangeSet& set) {
    out.number(set.ranges().size());
    for (const auto& range : set.ranges()) {
        out.number(range.first.value);
        out.number(range.last.value);
    }
}

bool take_ranges(CompactReader& in, RangeSet& set) {
    for (auto left = in.count(); left > 0; --left) {
        const Seq first{in.number()};
        const Seq last{in.number()};
        if (!in.ok() || first.value == 0 || last < first || last.value > kMaxSeq) return false;
        if (!set.add({first, last})) return false;
    }
    return in.ok();
}

void put_cursor(CompactWriter& out, const Cursor& cursor) {
    out.text(cursor.consumer);
    out.text(view(cursor.epoch.bytes));
    out.number(cursor.through.value);
    out.text(view(cursor.head));
    put_ranges(out, cursor.held);
    put_ranges(out, cursor.deferred);
    out.text(view(cursor.store.bytes));
    out.number(cursor.generation);
    out.number(cursor.parked.size());
    for (const auto& parked : cursor.parked) {
        out.number(parked.range.first.value);
        out.number(parked.range.last.value);
        out.text(parked.reason);
    }
}

bool take_cursor(CompactReader& in, Cursor& cursor) {
    cursor.consumer = in.text();
    if (!copy_to(cursor.epoch.bytes, in.text())) return false;
    cursor.through = Seq{in.number()};
    if (!copy_to(cursor.head, in.text())) return false;
    if (!take_ranges(in, cursor.held) || !take_ranges(in, cursor.deferred)) return false;
    if (!copy_to(cursor.store.bytes, in.text())) return false;
    cursor.generation = in.number();
    for (auto left = in.count(); left > 0; --left) {
        ParkedRange parked;
        parked.range = {Seq{in.number()}, Seq{in.number()}};
        parked.reason = in.text();
        if (!in.ok() || cursor.parked.size() >= kMaxParked) return false;
        cursor.parked.push_back(std::move(parked));
    }
    return in.ok() && cursor.through.value <= kMaxSeq;
}

std::string encode_all(const Mirror& mirror) {
    CompactWriter out;
    out.number(kVersion);
    out.number(static_cast<std::uint64_t>(mirror.schema));
    out.number(mirror.epochs.size());
    for (const auto& epoch : mirror.epochs) {
        out.text(view(epoch.id.bytes));
        out.number(static_cast<std::uint64_t>(epoch.number));
        out.number(epoch.last.value);
        out.number(epoch.is_open ? 1 : 0);
    }
    out.number(mirror.series.size());
    for (const auto& series : mirror.series) {
        // As its own event: one form of a series, and one check of it.
        out.text(wire::encode_event(to_event(series, DeviceTime{BootNo{1}, Monotonic{}})));
    }
    out.number(mirror.totals.size());
    for (const auto& total : mirror.totals) {
        out.number(total.series.value);
        out.signed_number(total.value);
    }
    out.number(mirror.last_boot_no);
    out.text(view(mirror.last_boot.bytes));
    out.number(mirror.last_outage_id);
    out.signed_number(mirror.elapsed.count());
    out.number(mirror.cursors.size());
    for (const auto& cursor : mirror.cursors) put_cursor(out, cursor);
    out.number(mirror.notes.size());
    for (const auto& [key, value] : mirror.notes) {
        out.text(key);
        out.text(value);
    }
    return out.take();
}

Error damaged() {
    return Error{Errc::bad_input, "mirror of the journal: damaged"};
}

Result<void> take_epochs(CompactReader& in, Mirror& mirror) {
    for (auto left = in.count(); left > 0; --left) {
        MirroredEpoch epoch;
        if (!copy_to(epoch.id.bytes, in.text())) return damaged();
        epoch.number = static_cast<std::int64_t>(in.number());
        epoch.last = Seq{in.number()};
        epoch.is_open = in.number() != 0;
        if (!in.ok() || epoch.number < 1 || epoch.last.value > kMaxSeq) return damaged();
        if (mirror.epochs.size() >= kMaxEpochs) return damaged();
        mirror.epochs.push_back(epoch);
    }
    return ok();
}

Result<void> take_series(CompactReader& in, Mirror& mirror) {
    for (auto left = in.count(); left > 0; --left) {
        const auto event = wire::decode_event(in.text());
        if (!event) return event.error();
        auto series = series_from(*event);
        if (!series) return series.error();
        const bool ascends = mirror.series.empty() || mirror.series.back().id < series->id;
        if (!ascends || mirror.series.size() >= kMaxSeries) return damaged();
        mirror.series.push_back(std::move(*series));
    }
    for (auto left = in.count(); left > 0; --left) {
        const SeriesId id{static_cast<std::uint32_t>(in.number())};
        const auto value = in.signed_number();
        const bool ascends = mirror.totals.empty() || mirror.totals.back().series < id;
        if (!in.ok() || !ascends || mirror.totals.size() >= kMaxSeries) return damaged();
        mirror.totals.push_back({id, value});
    }
    return ok();
}

std::string sibling(const std::string& path, std::string_view ending) {
    const auto slash = path.rfind('/');
    const auto dot = path.rfind('.');
    const bool has_ending = dot != std::string::npos && (slash == std::string::npos || dot > slash);
    return (has_ending ? path.substr(0, dot) : path) + std::string{ending};
}

}  // namespace

const MirroredEpoch* Mirror::find(const EpochId& id) const noexcept {
    const auto found = std::find_if(epochs.begin(), epochs.end(),
                                    [&](const MirroredEpoch& each) { return each.id == id; });
    return found == epochs.end() ? nullptr : &*found;
}

std::string encode_mirror(const Mirror& mirror) {
    auto encoded = encode_all(mirror);
    if (encoded.size() <= kMaxMirrorBytes) return encoded;
    auto smaller = mirror;
    smaller.notes.clear();
    // Cursors and epochs alternate: an epoch that is left out needs no cursor.
    while ((encoded = encode_all(smaller)).size() > kMaxMirrorBytes && smaller.epochs.size() > 1) {
        const auto dropped = smaller.epochs.size() / 2;
        for (std::size_t i = 0; i < dropped; ++i) {
            std::erase_if(smaller.cursors, [&](const Cursor& cursor) {
                return cursor.epoch == smaller.epochs[i].id;
            });
        }
        smaller.epochs.erase(smaller.epochs.begin(),
                             smaller.epochs.begin() + static_cast<std::ptrdiff_t>(dropped));
    }
    while (encoded.size() > kMaxMirrorBytes && !smaller.series.empty()) {
        smaller.series.resize(smaller.series.size() / 2);
        smaller.totals.resize(smaller.totals.size() / 2);
        smaller.cursors.resize(smaller.cursors.size() / 2);
        encoded = encode_all(smaller);
    }
    return encoded;
}

Result<Mirror> decode_mirror(std::string_view bytes) {
    CompactReader in{bytes};
    if (in.number() != kVersion) return Error{Errc::bad_input, "mirror: unknown version"};
    Mirror mirror;
    mirror.schema = static_cast<std::int64_t>(in.number());
    if (auto taken = take_epochs(in, mirror); !taken) return taken.error();
    if (auto taken = take_series(in, mirror); !taken) return taken.error();
    mirror.last_boot_no = static_cast<std::uint32_t>(in.number());
    if (!copy_to(mirror.last_boot.bytes, in.text())) return damaged();
    mirror.last_outage_id = in.number();
    mirror.elapsed = Millis{in.signed_number()};
    for (auto left = in.count(); left > 0; --left) {
        Cursor cursor;
        if (mirror.cursors.size() >= kMaxCursors || !take_cursor(in, cursor)) return damaged();
        mirror.cursors.push_back(std::move(cursor));
    }
    for (auto left = in.count(); left > 0; --left) {
        std::string key{in.text()};
        std::string value{in.text()};
        if (!in.ok() || mirror.notes.size() >= kMaxNotes) return damaged();
        mirror.notes[std::move(key)] = std::move(value);
    }
    if (!in.is_complete()) return damaged();
    return mirror;
}

Result<std::optional<MirrorFile::Slot>> MirrorFile::read_slot(std::uint64_t index) const {
    const auto file = sql::SideFile::open(path_, vfs_, sql::SideFile::Mode::read);
    if (!file) {
        if (file.error().code == Errc::not_found) return std::optional<Slot>{};
        return file.error();
    }
    auto header = file->read(index * kSlotBytes, kHeaderBytes);
    if (!header) return header.error();
    if (header->size() != kHeaderBytes || !header->starts_with(kMagic)) {
        return std::optional<Slot>{};
    }
    wire::ByteReader in{std::string_view{*header}.substr(kMagic.size())};
    Slot slot;
    const std::uint64_t low = in.u32("generation");
    const std::uint64_t high = in.u32("generation");
    slot.generation = low | high << 32;
    const auto length = in.u32("length");
    const auto checksum = in.u32("checksum");
    if (length > kMaxMirrorBytes) return std::optional<Slot>{};
    auto content = file->read(index * kSlotBytes + kHeaderBytes, length);
    if (!content) return content.error();
    if (content->size() != length) return std::optional<Slot>{};
    slot.content = std::move(*content);
    const auto covered = header->substr(0, kHeaderBytes - 4) + slot.content;
    if (wire::crc32(covered) != checksum) return std::optional<Slot>{};
    return std::optional{std::move(slot)};
}

Result<std::optional<MirrorFile::Slot>> MirrorFile::newest() const {
    auto first = read_slot(0);
    if (!first) return first;
    auto second = read_slot(1);
    if (!second) return second;
    if (!*first) return second;
    if (!*second) return first;
    return (*first)->generation > (*second)->generation ? first : second;
}

Result<std::optional<Mirror>> MirrorFile::read() {
    for (const std::uint64_t skipped : {2U, 0U, 1U}) {
        // The newest first; a slot whose checksum holds and whose content does not is none.
        auto slot = skipped == 2 ? newest() : read_slot(1 - skipped);
        if (!slot) return slot.error();
        if (!*slot) continue;
        auto mirror = decode_mirror((*slot)->content);
        if (mirror) return std::optional{std::move(*mirror)};
    }
    return std::optional<Mirror>{};
}

Result<void> MirrorFile::write(const Mirror& mirror) {
    const auto content = encode_mirror(mirror);
    const auto before = newest();
    if (!before) return before.error();
    const auto generation = *before ? (*before)->generation + 1 : 1;
    if (*before && (*before)->content == content) return ok();
    std::string slot{kMagic};
    wire::put_u64(slot, generation);
    wire::put_u32(slot, static_cast<std::uint32_t>(content.size()));
    wire::put_u32(slot, wire::crc32(slot + content));
    slot += content;
    auto file = sql::SideFile::open(path_, vfs_, sql::SideFile::Mode::write);
    if (!file) return file.error();
    if (auto written = file->write(generation % 2 * kSlotBytes, slot); !written) return written;
    return file->sync();
}

std::string mirror_path(const std::string& path) {
    return sibling(path, ".mirror");
}

std::string set_aside_path(const std::string& path) {
    return sibling(path, ".damaged");
}

}  // namespace gerbang
