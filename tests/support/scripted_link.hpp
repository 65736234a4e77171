#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/model/receipt.hpp"
#include "common/model/record.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/net/uplink.hpp"

namespace gerbang {

/// The receiving side in memory, strict as the real one: set semantics, chain checked against
/// everything it holds, a receipt only for what it holds. Speaks the real codecs.
class FakeProvince {
public:
    explicit FakeProvince(std::string site, std::uint64_t store = 1);

    struct Epoch {
        std::map<Seq, Record> records;
        std::map<Seq, Head> before;  ///< chain head before each record
        std::map<Seq, Head> after;
    };
    /// What the province would answer to `POST /v1/batches` with `body`.
    [[nodiscard]] HttpAnswer receive(const std::string& body);

    [[nodiscard]] const std::map<EpochId, Epoch>& epochs() const { return epochs_; }
    /// Every record held of `epoch`, ascending.
    [[nodiscard]] std::vector<Record> records(const EpochId& epoch) const;
    [[nodiscard]] std::uint64_t duplicates_ignored() const { return duplicates_; }
    [[nodiscard]] std::uint64_t batches() const { return batches_; }
    /// The most held ranges that any receipt carried.
    [[nodiscard]] std::size_t most_held_ranges() const { return most_held_; }

    /// Keeps a copy of the store; `restore_backup` goes back to it under a new generation.
    void make_backup() { backup_ = epochs_; }
    void restore_backup();

    std::set<Seq> poison;          ///< a batch with one of these is refused with 422
    std::set<EpochId> disowned;    ///< 409 for everything of these
    std::size_t max_body_bytes{};  ///< larger: 413; 0: no limit

private:
    [[nodiscard]] Receipt receipt_for(const EpochId& epoch);
    [[nodiscard]] HttpAnswer diverged(const EpochId& epoch);

    std::string site_;
    StoreId store_;
    std::uint64_t generation_ = 1;
    std::map<EpochId, Epoch> epochs_;
    std::map<EpochId, Epoch> backup_;
    std::uint64_t duplicates_ = 0;
    std::uint64_t batches_ = 0;
    std::size_t most_held_ = 0;
};

/// The way to a `FakeProvince` on virtual time, with every fault that a village's link has.
class ScriptedLink final : public Uplink {
public:
    ScriptedLink(Clock& clock, FakeProvince& province, std::uint64_t seed);

    bool is_up = true;             ///< down: requests time out, or are refused at once
    bool refuses_at_once = false;  ///< down means "connection refused"
    Millis latency{600};           ///< there and back
    std::uint64_t bit_per_s = 0;   ///< upstream, shared by all requests; 0: infinite
    unsigned lose_requests = 0;    ///< of the next ones: never arrive
    unsigned lose_receipts = 0;    ///< of the next ones: arrive and count, the answer is lost
    double request_loss = 0;       ///< probabilities, drawn per request
    double receipt_loss = 0;
    double duplication = 0;              ///< arrives twice
    double replay = 0;                   ///< an earlier request arrives once more as well
    double stale_receipt = 0;            ///< the answer is an earlier one
    bool portal = false;                 ///< a login page answers everything with 200
    std::deque<int> statuses;            ///< answered instead of the province, one each
    int always_status = 0;               ///< answered to everything; 0: no
    std::optional<Seconds> retry_after;  ///< sent with injected statuses
    std::optional<WallTime> date;        ///< the Date of every answer
    bool is_authenticated = false;       ///< of every answer
    std::string said;                    ///< the uplink's remark

    [[nodiscard]] net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) override;
    [[nodiscard]] UplinkTraffic traffic() const override { return traffic_; }
    [[nodiscard]] std::string remark() const override { return said; }

    [[nodiscard]] std::uint64_t attempts() const { return begun_.size(); }
    /// When each attempt began.
    [[nodiscard]] const std::vector<Monotonic>& begun() const { return begun_; }
    /// What each was asked to go no faster than, bytes per second; 0: nothing was asked.
    [[nodiscard]] const std::vector<std::uint64_t>& rates() const { return rates_; }
    [[nodiscard]] unsigned most_in_flight() const { return most_in_flight_; }
    void forget_in_flight_peak() { most_in_flight_ = in_flight_; }

private:
    [[nodiscard]] bool happens(double probability);
    [[nodiscard]] HttpAnswer deliver(const UplinkRequest& request);

    Clock* clock_;
    FakeProvince* province_;
    std::mt19937_64 random_;
    UplinkTraffic traffic_;
    std::vector<Monotonic> begun_;
    std::vector<std::uint64_t> rates_;
    Monotonic busy_until_;
    unsigned in_flight_ = 0;
    unsigned most_in_flight_ = 0;
    std::deque<std::string> earlier_;  ///< bodies, for replays
    std::optional<HttpAnswer> earlier_answer_;
};

}  // namespace gerbang
