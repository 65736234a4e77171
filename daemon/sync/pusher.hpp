#pragma once

// Sync: what the journal holds travels to the province, at least once on the wire and once in
// effect. `Pusher` acts; lanes.hpp, backoff.hpp and reactions.hpp decide.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/model/reading.hpp"
#include "common/model/receipt.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/host/entropy.hpp"
#include "daemon/journal/async_journal.hpp"
#include "daemon/net/uplink.hpp"
#include "daemon/sync/backoff.hpp"

namespace gerbang {

/// How a target wants its samples when it is no province but a Prometheus, VictoriaMetrics or the
/// like (Remote-Write 1.0).
struct RemoteWriteSettings {
    std::vector<Label> labels{};  ///< said of each sample, besides `site`
    /// Samples older than this are parked, not sent: most receivers refuse them, some drop them
    /// silently. 0: no limit.
    Millis max_age{};
    /// Oldest first, one request after the other, as a receiver without an out-of-order window
    /// needs. False: what is new goes first, and the backlog beside it.
    bool in_order = true;
};

/// Bodies of this size fill a link while three others wait for their answers.
inline constexpr std::uint64_t kSharedBodyBytes = 64u << 10;

struct PushSettings {
    std::string consumer;     ///< name of the push target, `[a-z0-9-]{1,64}`
    std::string site;         ///< `site.id`; a gateway that is "unassigned" does not push
    Millis interval{120000};  ///< between batches of the fresh lane while all is well
    /// Per request; a single larger record goes alone. Where several go side by side they are at
    /// most `kSharedBodyBytes` each: more of them rather than larger ones, for the memory that
    /// making one takes.
    std::uint64_t max_body_bytes = 256u << 10;
    Millis timeout{60000};  ///< hard limit of one request
    /// Requests of the backlog lane under way, 1-4; Remote-Write has one. One alone leaves the link
    /// idle until its answer comes; two of one size begin and end together and do so, too. Each has
    /// a connection of its own, which loses less of its pace by a lost packet. For ten minutes
    /// after the consumer said when to come again (`Retry-After`) there is one.
    unsigned backlog_slots = 4;
    /// Of bodies, averaged over some seconds; 0: no limit. The fresh lane goes first.
    std::uint64_t max_bytes_s = 0;
    Millis stopped_retry{15 * 60000};  ///< a stopped lane asks again about this often
    Millis flush_interval{10000};      ///< cursors are committed at most this often on a drain
    Backoff::Settings backoff;
    std::string path = "/v1/batches";
    std::optional<RemoteWriteSettings> remote_write{};  ///< nothing: protocol `batch`
};

enum class PushState : std::uint8_t {
    idle,     ///< nothing is due
    sending,  ///< at least one request is under way
    waiting,  ///< backing off after a failure
    stopped,  ///< needs a person: not authorised, diverged, everything refused
};
/// "idle", "sending", "waiting", "stopped": the words of `status --json`.
[[nodiscard]] const char* to_string(PushState state) noexcept;

/// A record that waits, and when it happened.
struct OldestPending {
    EpochId epoch;
    Seq seq;
    DeviceTime at;
};

/// More parked ranges than these are only counted.
inline constexpr std::size_t kShownParked = 16;

/// What `status` and the page show of one target. Counters are since the daemon started.
struct PushStatus {
    std::string consumer;
    PushState state = PushState::idle;
    /// Why it waits or stopped, or else the uplink's remark; English, with the next step; no
    /// secret.
    std::string detail;
    EpochId epoch;                      ///< the journal's open epoch
    Seq through;                        ///< of that epoch: everything up to here is at the consumer
    std::uint64_t pending_records = 0;  ///< of all epochs: not known to be at the consumer
    std::uint64_t parked_records = 0;   ///< of those, refused by the consumer
    /// The parked ranges, oldest epoch first, and why; at most `kShownParked`.
    std::vector<ParkedRange> parked;
    /// The oldest record that is not at the consumer, as of the last look at it.
    std::optional<OldestPending> oldest;
    /// About what the pending records take on the wire, by what was sent; 0: nothing was yet.
    std::uint64_t pending_bytes = 0;
    /// Bodies' bytes per second while requests were under way, of about the last minute of that;
    /// 0: not known.
    std::uint64_t rate_bytes_s = 0;
    std::optional<Monotonic> last_success;
    std::optional<Monotonic> next_attempt;  ///< set while waiting or stopped
    std::uint64_t sent_bytes = 0;           ///< as `Uplink::traffic` counts
    std::uint64_t received_bytes = 0;
    std::uint64_t attempts = 0;  ///< requests begun
    unsigned failures = 0;       ///< in a row
};

/// Pushes one journal to one target for the life of the daemon.
///
/// Two lanes. Fresh: the newest records of the open epoch, once per `interval`. Backlog: whatever
/// else the consumer does not hold, oldest epoch and oldest record first, without a pause. Each
/// has a bound of requests under way (one; `backlog_slots`); after a failure only one request in
/// all, until one succeeds. With `RemoteWriteSettings::in_order` the two are one. A cursor moves by
/// a receipt only, and is staged then; it becomes durable with the journal's next commit. Loop
/// thread only.
class Pusher {
public:
    /// `journal`, `uplink`, `clock` and `entropy` must outlive it and the coroutines of `run`.
    Pusher(PushSettings settings, Clock& clock, Entropy& entropy, AsyncJournal& journal,
           Uplink& uplink);
    ~Pusher();
    Pusher(const Pusher&) = delete;
    Pusher& operator=(const Pusher&) = delete;

    /// Runs until the clock stops and every request under way has ended: stop the uplink as well.
    /// At most once at a time.
    [[nodiscard]] net::awaitable<void> run();

    /// Ring it after each commit. It makes the pusher look, not send.
    [[nodiscard]] Bell& data_bell() noexcept;
    /// Tries at once whatever waits, stopped lanes and parked records included.
    void push_now();
    /// From now on the backlog lane sends at most `bytes_s` bytes of bodies a second, as villagers
    /// use the link; 0: no limit but `max_bytes_s`. A body under way goes on as it began.
    void limit_drain(std::uint64_t bytes_s);
    /// Called on the loop thread when the consumer holds other records than the open epoch has,
    /// with the last record that both have in common (at least 1): a new epoch must begin after it
    /// (`Journal::fork_epoch`). Until then that epoch rests, and others go on; it asks again, and
    /// calls again, every `stopped_retry`. Of a closed epoch what differs is parked instead.
    void on_diverged(std::function<void(const EpochId& epoch, Seq agreed)> callback);

    /// Called on the loop thread for each complete answer, whatever its status, that carries a Date
    /// and comes from an authenticated server: `anchor_from_date` makes an anchor of it. The date
    /// was written between the two instants. A first connection's handshake and a large body lie
    /// between them as well and make it vaguer, by seconds on a slow line; the fresh lane's small
    /// batches on a kept connection make it sharp again. No request is made for the time alone.
    void on_date(std::function<void(WallTime date, Monotonic sent, Monotonic received)> callback);

    [[nodiscard]] PushStatus status() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gerbang
