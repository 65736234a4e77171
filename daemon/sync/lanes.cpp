#include "daemon/sync/lanes.hpp"

#include <algorithm>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

Seq newest_known(const LaneView& view) {
    Seq newest = view.cursor->through;
    const auto raise = [&](const SeqRange& range) { newest = std::max(newest, range.last); };
    for (const auto& range : view.cursor->held.ranges()) raise(range);
    for (const auto& parked : view.cursor->parked) raise(parked.range);
    for (const auto& range : view.cursor->deferred.ranges()) raise(range);
    for (const auto& range : view.in_flight) raise(range);
    for (const auto& range : view.set_aside) raise(range);
    return newest;
}

/// Everything that the backlog lane must step over, ascending.
std::vector<SeqRange> taken(const LaneView& view) {
    std::vector<SeqRange> ranges = view.cursor->held.ranges();
    for (const auto& parked : view.cursor->parked) ranges.push_back(parked.range);
    const auto& deferred = view.cursor->deferred.ranges();
    ranges.insert(ranges.end(), deferred.begin(), deferred.end());
    ranges.insert(ranges.end(), view.in_flight.begin(), view.in_flight.end());
    ranges.insert(ranges.end(), view.set_aside.begin(), view.set_aside.end());
    std::sort(ranges.begin(), ranges.end());
    return ranges;
}

}  // namespace

Seq fresh_start(const LaneView& view) {
    const Seq next = newest_known(view).next();
    const std::size_t gaps =
        view.cursor->held.ranges().size() + view.in_flight.size() + view.set_aside.size();
    if (gaps >= kMaxGaps || view.last.value < kFreshRecords) return next;
    return std::max(next, Seq{view.last.value - kFreshRecords + 1});
}

std::optional<SeqRange> next_fresh(const LaneView& view) {
    const Seq first = fresh_start(view);
    if (first > view.last) return std::nullopt;
    return SeqRange{first, view.last};
}

std::optional<SeqRange> next_backlog(const LaneView& view, Seq end, std::uint64_t max_records) {
    GERBANG_CHECK(max_records > 0);
    Seq first = view.cursor->through.next();
    Seq last = end;
    for (const auto& range : taken(view)) {
        if (range.last < first) continue;
        if (range.first > first) {
            last = std::min(end, range.first.previous());
            break;
        }
        first = range.last.next();
    }
    if (first > last) return std::nullopt;
    return SeqRange{first, std::min(last, Seq{first.value + max_records - 1})};
}

BatchSize::BatchSize(std::uint64_t max_bytes)
    : max_bytes_{max_bytes},
      floor_bytes_{std::min(kFloorBytes, max_bytes)},
      bytes_{std::min(max_bytes, std::uint64_t{64} << 10)} {}

void BatchSize::arrived(std::uint64_t sent_bytes, bool was_quick) noexcept {
    if (bytes_ >= max_bytes_ || sent_bytes < bytes_ / 2) return;
    if (++successes_ < wanted_ && (is_server_limited_ || !was_quick)) return;
    successes_ = 0;
    bytes_ = std::min(max_bytes_, bytes_ * 2);
}

void BatchSize::too_much(std::uint64_t sent_bytes, bool said_server) noexcept {
    is_server_limited_ = is_server_limited_ || said_server;
    // What was really sent counts: a small batch that failed says nothing good of larger ones, and
    // several of one size that fail together are one lesson.
    const auto halved = std::max(floor_bytes_, sent_bytes / 2);
    if (halved >= bytes_ && bytes_ > floor_bytes_) return;
    bytes_ = std::min(bytes_, halved);
    successes_ = 0;
    wanted_ = std::min(wanted_ * 2, 8u);
}

std::optional<Seq> Suspects::refused(const EpochId& epoch, SeqRange range, bool newest_first) {
    if (range.size() == 1) return range.first;
    if (ranges_.size() + 2 > kMaxRanges) return std::nullopt;
    const Seq middle{range.first.value + range.size() / 2};
    ranges_.push_back({epoch, {middle, range.last}});
    ranges_.push_back({epoch, {range.first, middle.previous()}});
    if (newest_first) std::swap(ranges_.back(), ranges_[ranges_.size() - 2]);
    return std::nullopt;
}

std::vector<SeqRange> Suspects::take_before(const EpochId& epoch, Seq seq) {
    std::vector<SeqRange> taken;
    for (auto next = ranges_.begin(); next != ranges_.end();) {
        if (next->epoch == epoch && next->range.last < seq) {
            taken.push_back(next->range);
            next = ranges_.erase(next);
        } else {
            ++next;
        }
    }
    return taken;
}

std::optional<Suspects::Range> Suspects::take() {
    if (ranges_.empty()) return std::nullopt;
    const Range next = ranges_.back();
    ranges_.pop_back();
    return next;
}

void Suspects::put_back(const Range& range) {
    if (ranges_.size() < kMaxRanges) ranges_.push_back(range);
}

void Pace::landed(std::uint64_t body_bytes, std::uint64_t records, Millis took) noexcept {
    constexpr std::int64_t kWindowMs = 60'000;
    bytes_ += body_bytes;
    records_ += records;
    took_ms_ += std::max<std::int64_t>(took.count(), 1);
    // What is older counts half as often as it slips out of the window.
    while (took_ms_ > kWindowMs) {
        bytes_ /= 2;
        records_ = (records_ + 1) / 2;
        took_ms_ /= 2;
    }
}

std::uint64_t Pace::bytes_s() const noexcept {
    return took_ms_ == 0 ? 0 : bytes_ * 1000 / static_cast<std::uint64_t>(took_ms_);
}

std::uint64_t Pace::bytes_of(std::uint64_t records) const noexcept {
    if (records_ == 0) return 0;
    return static_cast<std::uint64_t>(static_cast<double>(bytes_) / static_cast<double>(records_) *
                                      static_cast<double>(records));
}

bool park(Cursor& cursor, SeqRange range, const std::string& reason) {
    const std::string shortened = reason.substr(0, 256);
    for (auto& parked : cursor.parked) {
        if (parked.reason != shortened) continue;
        if (parked.range.last.next() == range.first) {
            parked.range.last = range.last;
            return true;
        }
        if (range.last.next() == parked.range.first) {
            parked.range.first = range.first;
            return true;
        }
    }
    if (cursor.parked.size() >= kMaxParked) return false;
    const auto place =
        std::find_if(cursor.parked.begin(), cursor.parked.end(),
                     [&](const ParkedRange& p) { return p.range.first > range.first; });
    cursor.parked.insert(place, ParkedRange{range, shortened});
    return true;
}

}  // namespace gerbang
