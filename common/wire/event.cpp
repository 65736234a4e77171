#include "common/wire/event.hpp"

#include <limits>

#include "common/core/check.hpp"
#include "common/wire/codec.hpp"

namespace gerbang::wire {
namespace {

constexpr std::size_t kMaxKey = 40;
constexpr std::size_t kMaxText = 1024;
constexpr auto kMaxU32 = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void put_event(std::string& out, const Event& event) {
    put_u8(out, static_cast<std::uint8_t>(event.kind));
    put_varint(out, event.at.boot.value);
    put_zigzag(out, to_ms(event.at.at));
    put_varint(out, event.fields.size());
    for (const auto& field : event.fields) {
        // The lowest bit of the key's length says that a text follows, not a number.
        const auto* const text = std::get_if<std::string>(&field.value);
        put_varint(out, field.key.size() << 1 | (text != nullptr ? 1u : 0u));
        out.append(field.key);
        if (text != nullptr) {
            put_text(out, *text);
        } else {
            put_zigzag(out, std::get<std::int64_t>(field.value));
        }
    }
}

Event get_event(ByteReader& in) {
    Event event;
    event.kind = static_cast<EventKind>(in.u8("event kind"));
    event.at.boot = BootNo{static_cast<std::uint32_t>(in.varint("event boot", kMaxU32))};
    event.at.at = monotonic_from_ms(in.zigzag("event time"));
    const auto count = in.varint("event field count", kMaxFieldsPerEvent);
    event.fields.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        const auto head = in.varint("event field name length", kMaxKey << 1 | 1);
        Field field;
        field.key = in.take(static_cast<std::size_t>(head >> 1), "event field name");
        if ((head & 1) != 0) {
            field.value = std::string{in.text("event field text", kMaxText)};
        } else {
            field.value = in.zigzag("event field number");
        }
        event.fields.push_back(std::move(field));
    }
    return event;
}

std::string encode_event(const Event& event) {
    GERBANG_CHECK(defect_of(RecordBody{event}).empty());
    std::string bytes;
    put_event(bytes, event);
    return bytes;
}

Result<Event> decode_event(std::string_view bytes) {
    ByteReader in{bytes};
    RecordBody body{get_event(in)};
    if (in.ok() && in.remaining() > 0) in.fail("length of the event");
    if (!in.ok()) return in.error("event");
    if (auto defect = defect_of(body); !defect.empty()) {
        return Error{Errc::bad_input, "event: " + defect};
    }
    return std::get<Event>(std::move(body));
}

}  // namespace gerbang::wire
