// Compares the independent decoder, decode.py, with ours: both must print the same lines for
// generated packs, for recorded packs and for a batch with one event of every kind, and both must
// refuse the same damage.
//
//   test_wire_interop DECODE.PY RECORDING

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/model/reduction.hpp"
#include "common/wire/bytes.hpp"
#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"
#include "tests/bench/codec_recording.hpp"
#include "tests/common/wire/random_records.hpp"
#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

constexpr int kSkipped = 77;

struct Answer {
    int exit_code = 0;
    std::string text;
};

Answer ask(const std::string& command) {
    Answer answer;
    FILE* pipe = popen(command.c_str(), "r");
    GERBANG_CHECK(pipe != nullptr);
    char block[4096];
    for (std::size_t size = 0; (size = fread(block, 1, sizeof block, pipe)) > 0;) {
        answer.text.append(block, size);
    }
    const int status = pclose(pipe);
    answer.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    return answer;
}

void put_json(std::string& out, std::string_view text) {
    out.push_back('"');
    for (const char c : text) {
        static constexpr std::string_view kEscaped{"\"\\\n\r\t\b\f"};
        static constexpr std::string_view kLetters{"\"\\nrtbf"};
        if (const auto at = kEscaped.find(c); at != std::string_view::npos) {
            out += {'\\', kLetters[at]};
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[7];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            out += escape;
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

template <class Items, class Put>
void put_list(std::string& out, const Items& items, Put put) {
    out.push_back('[');
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out.push_back(',');
        put(items[i]);
    }
    out.push_back(']');
}

std::string line_of(const Record& record) {
    std::string out = "{\"seq\":" + std::to_string(record.seq.value);
    const auto put_number = [&out](auto number) { out += std::to_string(number); };
    if (const auto* chunk = std::get_if<Chunk>(&record.body)) {
        out += ",\"chunk\":{\"boot\":" + std::to_string(chunk->boot.value) +
               ",\"level\":" + std::to_string(chunk->level) + ",\"ticks\":";
        put_list(out, chunk->ticks, [&](Monotonic at) { put_number(to_ms(at)); });
        out += ",\"columns\":";
        put_list(out, chunk->columns, [&](const Column& column) {
            out += "{\"series\":" + std::to_string(column.series.value) +
                   ",\"part\":" + std::to_string(column.part) + ",\"present\":";
            put_list(out, column.present, put_number);
            out += ",\"values\":";
            put_list(out, column.values, put_number);
            out.push_back('}');
        });
        return out + "}}\n";
    }
    const auto& event = std::get<Event>(record.body);
    out += ",\"event\":{\"kind\":";
    put_json(out, to_string(event.kind));
    out += ",\"boot\":" + std::to_string(event.at.boot.value) +
           ",\"ms\":" + std::to_string(to_ms(event.at.at)) + ",\"fields\":{";
    for (const auto& field : event.fields) {
        if (&field != &event.fields.front()) out.push_back(',');
        put_json(out, field.key);
        out.push_back(':');
        if (const auto* text = std::get_if<std::string>(&field.value)) {
            put_json(out, *text);
        } else {
            put_number(std::get<std::int64_t>(field.value));
        }
    }
    return out + "}}}\n";
}

std::string lines_of(const std::string& pack, Head head, const std::string& frame) {
    const auto records = wire::decode_pack(pack);
    GERBANG_CHECK(records.has_value());
    std::string lines;
    bool is_known = true;
    for (const auto& record : *records) {
        lines += line_of(record);
        is_known = is_known && wire::is_chainable(record);
        if (is_known) head = wire::next_head(head, record);
    }
    return lines + "{" + frame + "\"first\":" + std::to_string(records->front().seq.value) +
           ",\"last\":" + std::to_string(records->back().seq.value) +
           ",\"head\":" + (is_known ? '"' + to_hex(head) + '"' : "null") + "}\n";
}

/// One event of every kind, with awkward texts.
std::vector<Record> one_of_each() {
    const DeviceTime at{BootNo{2}, monotonic_from_ms(60'123)};
    EpochId epoch;
    epoch.bytes.fill(0xE1);
    BootId boot;
    boot.bytes.fill(0xB0);
    Outage outage;
    outage.id = 4;
    outage.cause = Cause::isp;
    outage.last_good = outage.first_bad = at;
    outage.evidence = "\"quoted\" \\ back\nline\ttab \x01 caf\xC3\xA9 \xE2\x82\xAC";
    auto ended = outage;
    ended.last_bad = ended.first_good = at;
    const std::vector<Event> events{
        to_event(EpochFact{epoch, {}, Seq{0}, "new", "00ff"}, at),
        to_event(BootFact{boot}, at),
        to_event(StartFact{"0.1.0", Millis{10'000}, Millis{60'000}, 3}, at),
        to_event(Series{.id = SeriesId{3},
                        .name = "x_total",
                        .labels = {{"interface", "eth0"}},
                        .kind = SeriesKind::counter,
                        .unit = "bytes"},
                 at),
        to_event(InterfaceFact{"eth0", 2, "wan", "boot", {1, -2, 3, -4, 5, -6, 7, -8}}, at),
        to_event(CarrierFact{"eth0", false, 5}, at),
        to_event(Anchor{at, wall_from_ms(4'102'444'800'000), AnchorSource::kernel, Millis{12}}),
        to_event(outage, at),
        to_event(ended, at),
        to_event(ConfigFact{"site-1", "64.07", "Long Apari", "P", "Q", "lte", "1", "+08:00", "0800",
                            50'000'000, 10'000'000},
                 at),
        to_event(LossFact{"ticks", "ring_full", 9, at, at}, at),
        to_event(StopFact{"signal"}, at),
        to_event(PowerFact{"ACAD", "mains", false, "", {}}, at),
        to_event(PowerFact{"BAT0", "battery", {}, "discharging", 40U}, at),
        to_event(BootEndFact{BootNo{1}, Cause::power, Confidence::high, at, "mains off"}, at),
        to_event(NoteFact{"maintenance", "Dewi", "kabel diganti", wall_from_ms(1'800'000'000'000),
                          wall_from_ms(1'800'003'600'000)},
                 at),
        to_event(ClockFact{Millis{-12'345}, AnchorSource::province}, at),
        to_event(PathFact{"good", "in_path", "forwards"}, at),
        Event{EventKind{200}, at, {{"from.the_future", std::int64_t{-1}}}},
    };
    std::vector<Record> records;
    for (const auto& event : events) records.push_back({Seq{records.size() + 1}, event});
    return records;
}

class Comparison {
public:
    Comparison(std::string decoder, std::filesystem::path folder)
        : decoder_{std::move(decoder)}, file_{std::move(folder) / "pack"} {}

    void same(const std::string& name, const std::string& bytes, const std::string& expected) {
        write(bytes);
        const auto answer = ask("python3 '" + decoder_ + "' '" + file_.string() + "'");
        ++count_;
        if (answer.exit_code == 0 && answer.text == expected) return;
        fail(name, "exit " + std::to_string(answer.exit_code) + "\n--- decode.py\n" +
                       answer.text.substr(0, 2000) + "--- ours\n" + expected.substr(0, 2000));
    }
    void refused(const std::string& name, const std::string& bytes) {
        write(bytes);
        const auto answer = ask("python3 '" + decoder_ + "' '" + file_.string() + "' 2>&1");
        ++count_;
        if (answer.exit_code != 1 || answer.text.find("Traceback") != std::string::npos) {
            fail(name, "not refused: " + answer.text.substr(0, 2000));
        }
    }
    [[nodiscard]] bool passed() const {
        std::printf("%zu comparisons, %zu failed\n", count_, failed_);
        return failed_ == 0 && count_ > 0;
    }

private:
    void write(const std::string& bytes) const {
        std::ofstream{file_, std::ios::binary}.write(bytes.data(),
                                                     static_cast<std::streamsize>(bytes.size()));
    }
    void fail(const std::string& name, const std::string& why) {
        ++failed_;
        std::printf("%s: %s\n", name.c_str(), why.c_str());
    }

    std::string decoder_;
    std::filesystem::path file_;
    std::size_t count_ = 0;
    std::size_t failed_ = 0;
};

void compare_packs(Comparison& comparison, const Recording& recording) {
    RandomRecords random{test_seed()};
    for (int i = 0; i < 12; ++i) {
        const auto pack = wire::encode_pack(random.records(1 + random.below(30)));
        comparison.same("generated pack " + std::to_string(i), pack, lines_of(pack, {}, ""));
        const auto reduced = wire::encode_pack(random.reduced_records(1 + random.below(30)));
        comparison.same("reduced pack " + std::to_string(i), reduced, lines_of(reduced, {}, ""));
    }
    std::vector<Record> records;
    for (auto& chunk : chunks_of(recording, 10, 6)) {
        records.push_back({Seq{500 + records.size()}, std::move(chunk)});
    }
    const auto recorded = wire::encode_pack(records);
    comparison.same("recorded pack", recorded, lines_of(recorded, {}, ""));
    const auto kind_of = [&](SeriesId id) { return recording.series[id.value - 1].kind; };
    for (std::uint8_t level = 1; level <= kMaxLevel; ++level) {
        const auto reduced = wire::encode_pack(reduce(records, level, kind_of));
        comparison.same("recorded pack at level " + std::to_string(level), reduced,
                        lines_of(reduced, {}, ""));
    }
    records.resize(1);
    const auto minute = wire::encode_pack(records);
    comparison.same("recorded minute", minute, lines_of(minute, {}, ""));

    wire::Batch batch{"mahakam-ulu-003", {}, {}, wire::encode_pack(one_of_each())};
    batch.epoch.bytes.fill(0xE1);
    batch.before.fill(0x77);
    const auto bytes = wire::encode_batch(batch);
    comparison.same(
        "batch of every kind of event", bytes,
        lines_of(batch.pack, batch.before,
                 "\"site\":\"" + batch.site + "\",\"epoch\":\"" + to_string(batch.epoch) + "\","));

    comparison.refused("empty file", "");
    comparison.refused("truncated pack", minute.substr(0, minute.size() / 2));
    auto flipped = minute;
    flipped[minute.size() / 2] = static_cast<char>(flipped[minute.size() / 2] ^ 4);
    comparison.refused("pack with a flipped bit", flipped);
    for (const char version : {'\0', '\3'}) {
        auto other = minute.substr(0, minute.size() - 4);
        other[2] = version;
        wire::put_u32(other, wire::crc32(other));
        comparison.refused("pack of another version", other);
    }
    flipped = bytes;
    flipped[30] = static_cast<char>(flipped[30] ^ 1);
    comparison.refused("batch with a flipped bit", flipped);
}

int run(const std::string& decoder, const std::string& recording) {
    if (ask("python3 -c 'print(1)' 2>/dev/null").text != "1\n") {
        std::printf("skipped: python3 is missing\n");
        return kSkipped;
    }
    auto name = (std::filesystem::temp_directory_path() / "gerbang-interop-XXXXXX").string();
    GERBANG_CHECK(mkdtemp(name.data()) != nullptr);
    Comparison comparison{decoder, name};
    compare_packs(comparison, read_recording(recording));
    std::filesystem::remove_all(name);
    return comparison.passed() ? 0 : 1;
}

}  // namespace
}  // namespace gerbang

int main(int argc, char* argv[]) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: test_wire_interop DECODE.PY RECORDING\n");
        return 64;
    }
    return gerbang::run(argv[1], argv[2]);
}
