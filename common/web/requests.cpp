// What people tell the daemon, as JSON.

#include <utility>

#include "common/web/members.hpp"
#include "common/web/status.hpp"

namespace gerbang::web {
namespace {

constexpr std::size_t kMaxRequest = 4096;
constexpr std::size_t kMaxAuthorBytes = 64;
constexpr WallTime kEarliest = wall_from_ms(1'577'836'800'000);  // 2020-01-01
constexpr WallTime kLatest = wall_from_ms(4'102'444'800'000);    // 2100-01-01

bool is_plausible(WallTime at) {
    return at >= kEarliest && at < kLatest;
}

/// Control characters steer terminals: ASCII's, and U+0080 to U+009F.
bool has_control(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return true;
        const bool is_c1 =
            byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (is_c1) return true;
    }
    return false;
}

void check_text(Members& reader, const char* name, const std::string& text, std::size_t max) {
    if (text.size() > max) reader.fail(name, "is longer than " + std::to_string(max) + " bytes");
    if (has_control(text)) reader.fail(name, "expected one line without control characters");
}

void check_time(Members& reader, const char* name, const std::optional<WallTime>& at) {
    if (at && !is_plausible(*at)) reader.fail(name, "expected a time from 2020 to 2099");
}

void go_note(Way way, NoteRequest& note) {
    way.members({{"kind", note.kind},
                 {"author", note.author},
                 {"text", note.text, Slot::Kind::needed},
                 {"from", note.from},
                 {"to", note.to}});
    auto* reader = way.reader();
    if (reader == nullptr) return;
    reader->refuse_others({"kind", "author", "text", "from", "to"});
    if (note.kind.empty()) note.kind = "other";
    if (note.kind != "maintenance" && note.kind != "power" && note.kind != "other") {
        reader->fail("kind", "expected maintenance, power or other");
    }
    if (note.text.empty()) reader->fail("text", "is empty");
    check_text(*reader, "text", note.text, kMaxNoteBytes);
    check_text(*reader, "author", note.author, kMaxAuthorBytes);
    check_time(*reader, "from", note.from);
    check_time(*reader, "to", note.to);
    if (note.from && note.to && *note.to < *note.from) reader->fail("to", "lies before from");
}

void go_clock(Way way, ClockRequest& request) {
    std::optional<WallTime> wall;
    std::int64_t uncertainty_s = request.uncertainty.count();
    auto* reader = way.reader();
    if (reader == nullptr) wall = request.wall;
    way.members({{"wall", wall}, {"uncertainty_s", uncertainty_s}});
    if (reader == nullptr) return;
    reader->refuse_others({"wall", "uncertainty_s"});
    if (!wall) return reader->fail("wall", "is missing");
    check_time(*reader, "wall", wall);
    if (uncertainty_s < 1 || uncertainty_s > 86'400) {
        reader->fail("uncertainty_s", "expected 1 to 86400");
    }
    request = {*wall, Seconds{uncertainty_s}};
}

}  // namespace

std::string to_json(const NoteRequest& note) {
    return write_document(note, &go_note);
}

Result<NoteRequest> note_request_from_json(const std::string& text) {
    return read_document(text, "note", kMaxRequest, &go_note);
}

std::string to_json(const ClockRequest& request) {
    return write_document(request, &go_clock);
}

Result<ClockRequest> clock_request_from_json(const std::string& text) {
    return read_document(text, "clock", kMaxRequest, &go_clock);
}

}  // namespace gerbang::web
