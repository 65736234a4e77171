#pragma once

// Records as rows that anyone can open: CSV, NDJSON or a plain SQLite file.

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/result.hpp"
#include "common/model/record.hpp"
#include "common/model/timeline.hpp"
#include "daemon/cli/record_source.hpp"

namespace gerbang::cli {

/// One number of one series at one instant.
struct ReadingRow {
    const EpochId* epoch;
    Seq seq;
    std::uint8_t level = 0;
    DeviceTime at;
    std::optional<WallTime> wall;  ///< none: the clock of that boot was never set
    const Series* series;
    std::string_view part;   ///< "value", "minimum", "maximum", "count" or "seconds"
    std::int64_t state = 0;  ///< with "seconds": the code that the state had
    std::string value;       ///< decimal, in the series' unit
};

struct EventRow {
    const EpochId* epoch;
    Seq seq;
    DeviceTime at;
    std::optional<WallTime> wall;
    const Event* event;
};

/// Where rows go. The first error ends the export.
class RowSink {
public:
    virtual ~RowSink() = default;
    [[nodiscard]] virtual Result<void> take(const ReadingRow& row) = 0;
    [[nodiscard]] virtual Result<void> take(const EventRow& row) = 0;
    /// Everything is written out; `storage_full` or `storage_broken` when it is not.
    [[nodiscard]] virtual Result<void> finish() = 0;
};

/// RFC 4180: readings only, a header, then a line each:
/// `time,boot,device_ms,epoch,seq,level,series,labels,part,value`. `out` must outlive it.
[[nodiscard]] std::unique_ptr<RowSink> csv_sink(std::FILE* out);
/// One JSON object a line, with `type` "reading" or "event". `out` must outlive it.
[[nodiscard]] std::unique_ptr<RowSink> ndjson_sink(std::FILE* out);
/// A new SQLite file with the tables `series`, `reading` and `event` and the view `readings`.
/// `refused` when `path` exists.
[[nodiscard]] Result<std::unique_ptr<RowSink>> sqlite_sink(const std::string& path);

struct ExportSpan {
    std::optional<WallTime> from, to;  ///< [from, to); with either, what has no date is left out
};
struct ExportCount {
    std::uint64_t readings = 0;
    std::uint64_t events = 0;
    std::uint64_t undated = 0;         ///< readings without a date
    std::uint64_t undated_events = 0;  ///< likewise
    std::uint64_t absent = 0;  ///< records of closed epochs that are not here, whatever the span
};
/// Records looked at so far, of how many.
using Progress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// Every record of every epoch, in order, into `sink`. Times follow the prefix rule (design 4), as
/// for everything that is sent.
[[nodiscard]] Result<ExportCount> export_records(RecordSource& source, RowSink& sink,
                                                 const ExportSpan& span, const Progress& progress);

/// What `gerbang journal verify` finds.
struct Verification {
    std::uint64_t verified = 0;  ///< records whose place in the chain was recomputed
    std::uint64_t reduced = 0;   ///< records in reduced blocks: the chain cannot cover them
    std::uint64_t absent = 0;    ///< numbers of closed epochs that are not here
    struct Break {
        EpochId epoch;
        Seq seq;  ///< of the first record behind the break
    };
    std::vector<Break> breaks;  ///< at most 64
};
/// Walks the chain of every epoch: each stored head against the one computed from the records.
[[nodiscard]] Result<Verification> verify_records(RecordSource& source, const Progress& progress);

}  // namespace gerbang::cli
