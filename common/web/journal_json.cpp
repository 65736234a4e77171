#include "common/web/journal_json.hpp"

#include <array>
#include <optional>

#include "common/web/members.hpp"

namespace gerbang::web {
namespace {

constexpr std::size_t kMaxText = 4u << 20;
constexpr std::size_t kMaxRows = 65'536;

void go_id(Way& way, const char* name, EpochId& id) {
    auto text = to_string(id);
    way.members({{name, text, Slot::Kind::needed}});
    const auto parsed = parse_id<EpochId>(text);
    if (parsed) id = *parsed;
    if (auto* reader = way.reader(); reader != nullptr && !parsed) {
        reader->fail(name, "is not a UUID");
    }
}

void go_level(Way way, LevelFacts& level) {
    way.members({{"records", level.records}, {"bytes", level.bytes}});
}

void go_seconds(Way& way, const char* name, Seconds& seconds) {
    std::int64_t count = seconds.count();
    way.members({{name, count}});
    seconds = Seconds{count};
}

void go_epoch(Way way, EpochFacts& epoch) {
    go_id(way, "id", epoch.id);
    way.members({{"last", epoch.last.value}, {"is_open", epoch.is_open}});
    constexpr std::array kNames{"as_taken", "per_minute", "per_five_minutes", "per_hour"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        go_level(way.object(kNames[i]), epoch.levels[i]);
    }
    go_level(way.object("unpacked"), epoch.unpacked);
    go_level(way.object("given_up"), epoch.given_up);
}

void go_owed(Way way, PinFacts::Owed& owed) {
    go_id(way, "epoch", owed.epoch);
    way.members({{"first", owed.range.first.value}, {"last", owed.range.last.value}});
}

void go_pin(Way way, PinFacts& pin) {
    way.members({{"consumer", pin.consumer}, {"is_pinning", pin.is_pinning}});
    go_seconds(way, "silent_s", pin.silent_for);
    way.list("owed", kMaxRows, pin.owed, &go_owed);
}

void go_loss(Way way, LossTotal& loss) {
    way.members({{"reason", loss.reason}, {"ranges", loss.ranges}, {"records", loss.records}});
}

void go_day(Way way, WrittenDay& day) {
    way.members({{"start", day.start}, {"bytes", day.bytes}});
}

void go_damage(Way way, DamageFacts& damage) {
    way.members({{"found", damage.found}, {"since", damage.since}});
    go_id(way, "epoch", damage.epoch);
    way.members({{"is_salvaging", damage.is_salvaging},
                 {"blocks_found", damage.blocks_found},
                 {"blocks_done", damage.blocks_done},
                 {"salvaged_records", damage.salvaged_records},
                 {"damaged_blocks", damage.damaged_blocks}});
}

void go_check(Way way, CheckFacts& check) {
    way.members({{"records", check.records}, {"of", check.of}, {"rounds", check.rounds}});
}

void go_facts(Way way, JournalFacts& facts) {
    way.members({{"database_bytes", facts.database_bytes},
                 {"free_bytes", facts.free_bytes},
                 {"wal_bytes", facts.wal_bytes},
                 {"ballast_bytes", facts.ballast_bytes},
                 {"mirror_bytes", facts.mirror_bytes},
                 {"set_aside_bytes", facts.set_aside_bytes},
                 {"quota_bytes", facts.quota_bytes},
                 {"database_limit", facts.database_limit},
                 {"can_shrink", facts.can_shrink},
                 {"protected_bytes", facts.protected_bytes},
                 {"protected_limit", facts.protected_limit},
                 {"written_bytes", facts.written_bytes},
                 {"daily_writes_bytes", facts.daily_writes_bytes},
                 {"device", facts.device},
                 {"device_written_bytes", facts.device_written_bytes},
                 {"day_bytes", facts.day_bytes},
                 {"days_left", facts.days_left},
                 {"oldest", facts.oldest_wall}});
    go_seconds(way, "journal_time_s", facts.journal_time);
    go_seconds(way, "device_uptime_s", facts.device_uptime);
    go_seconds(way, "commit_s", facts.commit);
    go_seconds(way, "loss_window_s", facts.loss_window);
    way.list("epochs", kMaxRows, facts.epochs, &go_epoch);
    way.list("pins", kMaxRows, facts.pins, &go_pin);
    way.list("losses", kMaxRows, facts.losses, &go_loss);
    go_damage(way.object("damage"), facts.damage);
    go_check(way.object("check"), facts.check);
    way.list("written_days", kMaxRows, facts.written_days, &go_day);
}

void go_row(Way way, EpochRow& row) {
    go_id(way, "id", row.id);
    way.members({{"last", row.last.value}, {"is_open", row.is_open}});
}

void go_rows(Way way, std::vector<EpochRow>& rows) {
    if (auto* reader = way.reader(); reader != nullptr && !reader->has("epochs")) {
        reader->fail("epochs", "is missing");
    }
    way.list("epochs", kMaxRows, rows, &go_row);
}

}  // namespace

std::string to_json(const JournalFacts& facts) {
    return write_document(facts, &go_facts);
}

Result<JournalFacts> journal_from_json(const std::string& text) {
    return read_document(text, "journal", kMaxText, &go_facts);
}

std::string to_json(const std::vector<EpochRow>& rows) {
    return write_document(rows, &go_rows);
}

Result<std::vector<EpochRow>> epochs_from_json(const std::string& text) {
    return read_document(text, "epochs", kMaxText, &go_rows);
}

}  // namespace gerbang::web
