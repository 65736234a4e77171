#pragma once

// The province's side: receives batches of records from many sites, keeps them for ever and makes
// every reading and event visible to plain SQL. SCHEMA.md describes the tables and views.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/outage.hpp"
#include "common/model/receipt.hpp"
#include "common/model/record.hpp"
#include "common/wire/codec.hpp"

namespace gerbang::province {

class DatabaseCopy;

struct StoreOptions {
    std::string path;  ///< SQLite file; ":memory:" in simulations (nothing is durable then)
    std::string vfs;   ///< SQLite VFS name; empty: the default. Tests inject faults here.
    StoreId new_id;    ///< identity that a newly created store gets; must not be none
};

/// Records held at one level of reduction, 1 to 3: the gateway was short of room before it could
/// send them. Events among them are as they were written. The chain cannot be verified over them.
struct ReducedRange {
    SeqRange range;
    std::uint8_t level = 0;
    bool operator==(const ReducedRange&) const = default;
};

/// What the store holds of one epoch.
struct EpochSummary {
    EpochId id;
    EpochId parent;  ///< none: the first, or record 1 is not here yet
    Seq through;
    std::vector<SeqRange> held;     ///< later ranges, beyond `through` + 1
    std::vector<SeqRange> missing;  ///< gaps between 1 and the highest held record
    std::vector<ReducedRange> reduced;
    bool is_current = false;  ///< the epoch that the site writes now
    /// It grew behind the place where another epoch had branched off and was sent already: a second
    /// device, a clone, writes under this identity.
    bool is_cloned = false;
    bool operator==(const EpochSummary&) const = default;
};

struct OpenOutage {
    Cause cause = Cause::unknown;
    std::optional<WallTime> since;  ///< first failed observation; absent without an anchor
    bool operator==(const OpenOutage&) const = default;
};

/// One line of `gerbang-province list`.
struct SiteSummary {
    std::string site;
    std::string code;  ///< from the site's newest `config` event, as all names here
    std::string name;
    std::string provider;
    WallTime last_heard;               ///< the server's own time of the last accepted batch
    std::vector<EpochSummary> epochs;  ///< oldest first
    std::uint64_t records = 0;         ///< held, all epochs
    std::uint64_t rx_bytes = 0;        ///< the site's usage since its journal began (WAN role)
    std::uint64_t tx_bytes = 0;
    LinkState link = LinkState::unknown;  ///< newest reading of `link_state`
    std::optional<OpenOutage> outage;     ///< the newest outage, when it has not ended
    bool operator==(const SiteSummary&) const = default;
};

/// The store. Knows nothing of HTTP. One thread at a time; every call blocks on the disk.
///
/// `accept` follows design 8: (site, epoch, seq) is unique, a repeat changes nothing, only what
/// is new of an overlapping range is stored, and the chain must agree with everything held.
///
/// Of a record that came at several levels of reduction the lowest is kept, whichever came first;
/// a higher one counts as held. Heads after reduced records are not known here until the batch that
/// follows tells them; where a head is not known, on either side, nothing is compared.
///
/// A receipt is built from the database in the transaction that stored the records; when `accept`
/// returns it, they are durable.
class Store {
public:
    static constexpr std::int64_t kMaxSites = 4096;
    static constexpr std::int64_t kMaxEpochsPerSite = 256;
    /// What one batch may need when decoded. A gateway's journal reads at most 16 MiB of records
    /// and one commit (4 MiB) for a batch; forty bytes made by hand can stand for 64 MiB of
    /// readings and four times as much in the store. `too_large` (HTTP 413) makes a sender halve.
    static constexpr wire::DecodeLimits kBatchLimits{.content_bytes = 16u << 20,
                                                     .decoded_bytes = 24u << 20};

    /// Opens, creates or migrates. `storage_broken` for a file that is not a province store or of
    /// a newer version; `overloaded` when another process has it open.
    [[nodiscard]] static Result<std::unique_ptr<Store>> open(const StoreOptions& options);
    virtual ~Store() = default;

    /// Stores what is new in `batch`, or finer than what is held. `received` is the server's wall
    /// time, kept beside the data and never used for order. Errors, each leaving the store
    /// unchanged: `bad_input` the pack does not decode; `too_large` beyond `kBatchLimits`;
    /// `refused` it decodes and cannot be right (record 1 does not introduce the epoch, ...);
    /// `diverged` the chain contradicts what is held, naming the record; `overloaded` it would need
    /// more than 64 separate ranges, sites or epochs beyond the limits, or the database is locked;
    /// `storage_full`, `storage_broken`.
    [[nodiscard]] virtual Result<Receipt> accept(const wire::Batch& batch, WallTime received) = 0;

    /// What is held of an epoch; `not_found` when nothing is.
    [[nodiscard]] virtual Result<Receipt> receipt(const std::string& site,
                                                  const EpochId& epoch) = 0;
    /// The held records of an epoch in order, decoded from the evidence as received.
    [[nodiscard]] virtual Result<std::vector<Record>> records(const std::string& site,
                                                              const EpochId& epoch,
                                                              SeqRange range) = 0;
    /// All sites, by name.
    [[nodiscard]] virtual Result<std::vector<SiteSummary>> list() = 0;
    /// Begins a copy of the whole store into the new file `path`, for people to query while the
    /// receiver runs. See `DatabaseCopy`.
    [[nodiscard]] virtual Result<std::unique_ptr<DatabaseCopy>> begin_copy(
        const std::string& path) = 0;
    /// To be called once after the file was restored from a backup: raises the generation, so that
    /// every sender forgets its cursor and believes our receipts instead. Returns the new one: the
    /// seconds of `now`, at least one more than the file says. So the same backup restored twice
    /// does not get a generation that senders have seen already, unless the clock went back.
    [[nodiscard]] virtual Result<std::uint64_t> mark_restored(WallTime now) = 0;

    [[nodiscard]] virtual StoreId id() const = 0;
    [[nodiscard]] virtual std::uint64_t generation() const = 0;
    /// Records that came again and were already held, since this object was opened.
    [[nodiscard]] virtual std::uint64_t duplicates_ignored() const = 0;
};

}  // namespace gerbang::province
