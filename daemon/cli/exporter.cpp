#include "daemon/cli/exporter.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "common/model/facts.hpp"
#include "common/model/true_time.hpp"
#include "common/wire/chain.hpp"

namespace gerbang::cli {
namespace {

constexpr std::size_t kMaxBreaks = 64;

/// Calls `take` for every piece of `epoch`, less the records that the piece before it held.
template <class Take>
Result<void> walk(RecordSource& source, const web::EpochRow& epoch, Take take) {
    Seq after;
    while (after < epoch.last) {
        auto piece = source.read(epoch.id, after);
        if (!piece) return piece.error();
        if (piece->records.empty() || piece->records.back().seq <= after) return ok();
        const auto last = piece->records.back().seq;
        if (auto taken = take(*piece, after); !taken) return taken;
        after = last;
    }
    return ok();
}

/// Numbers between `last` and `first`, neither of them counted.
std::uint64_t between(Seq last, Seq first) {
    return first > last.next() ? first.value - last.value - 1 : 0;
}

std::uint64_t all_of(const std::vector<web::EpochRow>& epochs) {
    std::uint64_t all = 0;
    for (const auto& epoch : epochs) all += epoch.last.value;
    return all;
}

/// `value` / 10^`scale`, exactly.
std::string decimal(std::int64_t value, unsigned scale) {
    auto digits = std::to_string(value);
    if (scale == 0) return digits;
    const bool is_negative = digits.front() == '-';
    if (is_negative) digits.erase(0, 1);
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, 1, '.');
    return is_negative ? "-" + digits : digits;
}

/// Name of a column's part, its state code, and how its numbers are scaled.
struct PartName {
    std::string_view name;
    std::int64_t state = 0;
    unsigned scale = 0;
};
PartName name_of(std::uint8_t part, const Series& series) {
    if (part >= part::kStateTime) return {"seconds", part - part::kStateTime, 3};
    switch (part) {
        case part::kMinimum:
            return {"minimum", 0, series.scale};
        case part::kMaximum:
            return {"maximum", 0, series.scale};
        case part::kCount:
            return {"count", 0, 0};
        default:
            return {"value", 0, series.scale};
    }
}

/// The work on one epoch.
class EpochExport {
public:
    EpochExport(const web::EpochRow& epoch, RowSink& sink, const ExportSpan& span,
                ExportCount& count)
        : epoch_{&epoch}, sink_{&sink}, span_{&span}, count_{&count}, stamper_{timeline_, {}} {}

    /// First walk: a boot's first anchor dates what came before it.
    void learn(const Record& record) {
        const auto* event = std::get_if<Event>(&record.body);
        if (event == nullptr) return;
        if (event->kind == EventKind::anchor) {
            if (const auto anchor = anchor_from(*event)) timeline_.add(record.seq, *anchor);
        } else if (event->kind == EventKind::series) {
            if (auto series = series_from(*event)) series_[series->id] = std::move(*series);
        }
    }

    [[nodiscard]] Result<void> take(const Record& record) {
        if (const auto* event = std::get_if<Event>(&record.body)) {
            const auto wall = stamper_.stamp(record.seq, event->at);
            if (!wants(wall)) return ok();
            ++count_->events;
            if (!wall) ++count_->undated_events;
            return sink_->take(EventRow{&epoch_->id, record.seq, event->at, wall, event});
        }
        return take(record.seq, std::get<Chunk>(record.body));
    }

private:
    [[nodiscard]] bool wants(std::optional<WallTime> wall) const {
        if (!wall) return !span_->from && !span_->to;
        return (!span_->from || *wall >= *span_->from) && (!span_->to || *wall < *span_->to);
    }

    [[nodiscard]] Result<void> take(Seq seq, const Chunk& chunk) {
        std::vector<std::size_t> next(chunk.columns.size());
        for (std::size_t i = 0; i < chunk.ticks.size(); ++i) {
            const DeviceTime at{chunk.boot, chunk.ticks[i]};
            const auto wall = stamper_.stamp(seq, at);
            const bool is_wanted = wants(wall);
            for (std::size_t c = 0; c < chunk.columns.size(); ++c) {
                const auto& column = chunk.columns[c];
                if (!column.present.empty() && column.present[i] == 0) continue;
                const auto value = column.values[next[c]++];
                const auto series = series_.find(column.series);
                if (!is_wanted || series == series_.end()) continue;
                const auto part = name_of(column.part, series->second);
                ++count_->readings;
                if (!wall) ++count_->undated;
                auto taken =
                    sink_->take(ReadingRow{&epoch_->id, seq, chunk.level, at, wall, &series->second,
                                           part.name, part.state, decimal(value, part.scale)});
                if (!taken) return taken;
            }
        }
        return ok();
    }

    const web::EpochRow* epoch_;
    RowSink* sink_;
    const ExportSpan* span_;
    ExportCount* count_;
    Timeline timeline_;
    PrefixStamper stamper_;
    std::map<SeriesId, Series> series_;
};

}  // namespace

Result<ExportCount> export_records(RecordSource& source, RowSink& sink, const ExportSpan& span,
                                   const Progress& progress) {
    const auto epochs = source.epochs();
    if (!epochs) return epochs.error();
    ExportCount count;
    const auto all = 2 * all_of(*epochs);
    std::uint64_t before = 0;
    for (const auto& epoch : *epochs) {
        EpochExport work{epoch, sink, span, count};
        const auto both = [&](bool is_second) {
            Seq seen;
            auto walked = walk(source, epoch, [&](const Piece& piece, Seq after) -> Result<void> {
                if (is_second) count.absent += between(after, piece.records.front().seq);
                seen = piece.records.back().seq;
                for (const auto& record : piece.records) {
                    if (record.seq <= after || record.seq > epoch.last) continue;
                    if (!is_second) {
                        work.learn(record);
                    } else if (auto taken = work.take(record); !taken) {
                        return taken;
                    }
                }
                progress(before + seen.value, all);
                return ok();
            });
            if (is_second) count.absent += between(seen, epoch.last.next());
            return walked;
        };
        if (auto done = both(false); !done) return done.error();
        before += epoch.last.value;
        if (auto done = both(true); !done) return done.error();
        before += epoch.last.value;
    }
    if (auto done = sink.finish(); !done) return done.error();
    return count;
}

Result<Verification> verify_records(RecordSource& source, const Progress& progress) {
    const auto epochs = source.epochs();
    if (!epochs) return epochs.error();
    Verification found;
    const auto all = all_of(*epochs);
    std::uint64_t before = 0;
    for (const auto& epoch : *epochs) {
        std::optional<Head> head = Head{};  // before record 1
        Seq last;
        auto walked = walk(source, epoch, [&](const Piece& piece, Seq) -> Result<void> {
            const auto first = piece.records.front().seq;
            if (first > last.next()) head.reset();
            found.absent += between(last, first);
            // A block that begins at or before what was seen is a reduced one, given whole.
            const bool follows = first == last.next();
            if (head && follows && *head != piece.before && found.breaks.size() < kMaxBreaks) {
                found.breaks.push_back({epoch.id, first});
            }
            const bool is_chainable =
                std::all_of(piece.records.begin(), piece.records.end(), &wire::is_chainable);
            head = piece.before;
            for (const auto& record : piece.records) {
                if (is_chainable) head = wire::next_head(*head, record);
                if (record.seq > last) ++(is_chainable ? found.verified : found.reduced);
            }
            if (!is_chainable) head.reset();
            last = std::max(last, piece.records.back().seq);
            progress(before + last.value, all);
            return ok();
        });
        if (!walked) return walked.error();
        found.absent += between(last, epoch.last.next());
        before += epoch.last.value;
    }
    return found;
}

}  // namespace gerbang::cli
