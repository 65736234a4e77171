#pragma once

// Records as Prometheus Remote-Write 1.0: pure. What real receivers do with such a request, and
// why a time from the future is the worst that can be sent to them, is told in the README.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/model/epoch_dictionary.hpp"
#include "common/model/receipt.hpp"
#include "common/model/record.hpp"

namespace gerbang {

/// Content type of the body, and the headers that the protocol asks for besides.
inline constexpr const char* kRemoteWriteType = "application/x-protobuf";
inline constexpr const char* kRemoteWriteEncoding = "Content-Encoding: snappy";
inline constexpr const char* kRemoteWriteVersion = "X-Prometheus-Remote-Write-Version: 0.1.0";

/// Every series' name begins so, that nobody else's `link_state` is meant.
inline constexpr std::string_view kRemoteWritePrefix = "gerbang_";

/// Which samples of the given records travel.
struct RemoteWriteLimits {
    WallTime not_after;                  ///< the receiver's own time: nothing from the future
    std::optional<WallTime> not_before;  ///< what the receiver takes at most
    const std::set<SeriesId>* left_out = nullptr;  ///< series that the receiver refused
    /// Of a single record: only its columns [first, last), to find the one that is refused.
    std::optional<std::pair<std::size_t, std::size_t>> columns;
};

/// One request, and what is to be said of the records that it does not carry.
struct RemoteWritePart {
    std::string body;  ///< compressed; empty: there is no sample to send
    std::uint64_t samples = 0;
    /// The receiver has everything of these once it took the body: carried, or nothing in them is
    /// a sample (events, emptied chunks, states after reduction).
    std::vector<SeqRange> carried;
    std::vector<SeqRange> deferred;   ///< without a wall time yet, or ahead of `not_after`
    std::optional<WallTime> ahead;    ///< the earliest time beyond `not_after`, if any
    std::vector<ParkedRange> parked;  ///< older than `not_before`, or of a time that nobody knows
    /// Series whose name or labels no receiver takes: left out, as most drop them without a word.
    std::vector<SeriesId> unfit;
};

/// Translates the records of one epoch. The same records give the same samples at any time and
/// however they are cut into requests: the time of a sample is a function of the journal's prefix
/// (`Timeline`), and where the clock was set back what would lie before earlier samples is left
/// out, as no receiver takes it, and it would make counters seem to fall. (Over a reboot what the
/// clock is set back from is known as of the earlier boot's last anchor only.)
///
/// Events have no sample, but wait and are parked with the chunks around them, so that these
/// make few ranges.
///
/// A reduced counter is sent as its last value and a reduced gauge as its mean, at the time of the
/// merged point; minima, maxima and times in states have no sample.
class RemoteWriter {
public:
    /// `labels` are said of each sample besides `site`; a series' own label of the same name holds.
    /// `dictionary` must outlive it.
    RemoteWriter(std::string site, std::vector<Label> labels, const EpochDictionary& dictionary);

    /// `records` ascending, of this epoch.
    [[nodiscard]] RemoteWritePart write(const std::vector<Record>& records,
                                        const RemoteWriteLimits& limits) const;
    /// Name and labels as the receiver writes them, for messages; empty if unknown.
    [[nodiscard]] std::string name_of(SeriesId series) const;

private:
    /// From record `after` on, samples may be as late as `until` already.
    struct Floor {
        Seq after;
        WallTime until;
    };

    [[nodiscard]] const Series* find(SeriesId series) const;
    [[nodiscard]] std::optional<WallTime> floor_before(Seq seq) const;

    std::vector<Label> labels_;
    const EpochDictionary* dictionary_;
    std::vector<const Series*> by_id_;
    std::vector<Floor> floors_;  ///< ascending in both
};

/// A request without a sample: asks what time the receiver has, and whether it lets us in.
[[nodiscard]] std::string empty_remote_write();

}  // namespace gerbang
