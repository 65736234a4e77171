#include "daemon/journal/packer.hpp"

#include <iterator>
#include <utility>

#include "common/wire/codec.hpp"

namespace gerbang {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

std::optional<DeviceTime> end_of(const std::vector<Record>& records) {
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
        if (auto at = time_of(record->body)) return at;
    }
    return std::nullopt;
}

}  // namespace

DeviceHour hour_of(DeviceTime at) noexcept {
    return {at.boot, to_ms(at.at) / kHourMs};
}

void Packer::Group::keep_first_commit() {
    std::erase_if(records, [this](const Record& record) { return record.seq > first_commit_last; });
    commits = 1;
    bytes = first_commit_bytes;
}

Result<std::optional<Packer::Group>> Packer::next(EpochNo epoch, Seq last, bool takes_incomplete) {
    const auto newest = packed_->newest(epoch);
    if (!newest) return newest.error();
    Group group;
    group.epoch = epoch;
    if (*newest) {
        group.previous = (*newest)->range.last;
        group.elapsed_s = (*newest)->elapsed_s;
    }
    if (group.previous >= last) return std::optional<Group>{};

    bool is_complete = false;
    std::optional<DeviceHour> hour;
    std::size_t decoded = 0;
    auto read = blocks_->blocks(
        epoch, {group.previous.next(), last}, [&](Seq, Seq, std::string_view body) -> Result<bool> {
            auto records = wire::decode_pack(body);
            if (!records) {
                return Error{Errc::storage_broken, "journal: " + records.error().detail};
            }
            const auto end = end_of(*records);
            std::size_t more = 0;
            for (const auto& record : *records) more += decoded_bytes(record);
            // What is absent in a salvaged epoch separates blocks as well.
            const bool follows =
                group.records.empty() || group.records.back().seq.next() == records->front().seq;
            const bool fits = follows && decoded + more <= kMaxDecodedBytes &&
                              group.bytes + body.size() <= kMaxBlockBytes &&
                              group.records.size() + records->size() <= wire::kMaxRecordsPerPack;
            if (!group.records.empty() && (!fits || (end && hour && hour_of(*end) != *hour))) {
                is_complete = true;
                return false;
            }
            if (end) hour = hour_of(*end);
            decoded += more;
            group.bytes += body.size();
            if (++group.commits == 1) {
                group.first_commit_last = records->back().seq;
                group.first_commit_bytes = body.size();
            }
            group.records.insert(group.records.end(), std::make_move_iterator(records->begin()),
                                 std::make_move_iterator(records->end()));
            return true;
        });
    if (!read) return read.error();
    if (group.records.empty() || (!is_complete && !takes_incomplete)) {
        return std::optional<Group>{};
    }
    // The limits above are far below those of the codec, but for one huge commit, which stays as
    // it is.
    GERBANG_CHECK(group.commits == 1 ||
                  wire::records_that_fit(group.records) == group.records.size());
    return std::optional{std::move(group)};
}

}  // namespace gerbang
