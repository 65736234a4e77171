#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/journal/journal.hpp"

namespace gerbang {

/// The journal as the loop thread sees it: every call runs on the storage worker, in the order of
/// the calls, and resumes the caller on the loop. It outlives its connection: `open` closes what is
/// there, on the worker, and opens anew. `worker` must run one job at a time; in tests it is the
/// loop itself. Must outlive its calls.
///
/// Storage may hang for ever. While a job is with the worker for `kHangs` and longer, further calls
/// are refused at once, so that no more than a few wait behind it. Questions (`read`, `usage` and
/// the like, not what changes the journal) give up waiting after `kPatience`; what they asked for
/// is then done for nobody. Either way the error is `unreachable` and says that storage hangs.
///
/// After `storage_broken` the connection is not used again: every call but `open` answers
/// `storage_broken` at once. A call that runs out of memory ends so, too: what it knows may be
/// behind its file.
class AsyncJournal {
public:
    /// Runs on the worker. Blocks as long as the storage does; may throw `std::bad_alloc` alone.
    using Open = std::function<Result<std::unique_ptr<Journal>>()>;
    static constexpr Millis kHangs{5000};
    static constexpr Millis kPatience{5000};

    /// Not open yet. `clock` bounds the waiting and must outlive it.
    AsyncJournal(Open open, net::any_io_executor worker, Clock& clock);
    /// Open already, and nothing is bounded: whoever calls waits as long as it takes.
    AsyncJournal(std::unique_ptr<Journal> journal, net::any_io_executor worker);
    ~AsyncJournal();

    /// Closes the connection, if any, and opens another. The state is a copy, as it is then.
    [[nodiscard]] net::awaitable<Result<JournalState>> open();
    /// As `Journal::begin_epoch` and `fork_epoch`, with the state after it.
    [[nodiscard]] net::awaitable<Result<JournalState>> begin_epoch(EpochFact fact, DeviceTime at,
                                                                   std::vector<RecordBody> first);
    [[nodiscard]] net::awaitable<Result<JournalState>> fork_epoch(EpochFact fact, DeviceTime at);
    /// Ends the connection; only `open` may follow.
    [[nodiscard]] net::awaitable<void> close();

    [[nodiscard]] net::awaitable<Result<Committed>> append(Seq expected_first,
                                                           std::vector<RecordBody> bodies);
    [[nodiscard]] net::awaitable<Result<JournalSlice>> read(EpochId epoch, SeqRange range,
                                                            std::uint64_t max_bytes);
    [[nodiscard]] net::awaitable<Result<std::vector<Journal::EpochInfo>>> epochs();
    [[nodiscard]] net::awaitable<Result<EpochDictionary>> dictionary(EpochId epoch);
    [[nodiscard]] net::awaitable<Result<std::vector<Cursor>>> cursors();
    [[nodiscard]] net::awaitable<Result<void>> stage(Cursor cursor);
    [[nodiscard]] net::awaitable<Result<void>> flush_cursors();
    [[nodiscard]] net::awaitable<Result<void>> stage_note(std::string key, std::string value);
    [[nodiscard]] net::awaitable<Result<std::optional<std::string>>> note(std::string key);
    [[nodiscard]] net::awaitable<Result<std::vector<UsageRow>>> usage(UsagePeriod period,
                                                                      WallTime from, WallTime to);
    [[nodiscard]] net::awaitable<Result<std::vector<Outage>>> outages();
    [[nodiscard]] net::awaitable<Result<void>> checkpoint();
    [[nodiscard]] net::awaitable<Result<bool>> tend();
    [[nodiscard]] net::awaitable<Result<std::vector<LossFact>>> untold_losses();
    [[nodiscard]] net::awaitable<Result<JournalFacts>> facts();

    /// Loop thread: as of the last completed call, no waiting.
    [[nodiscard]] bool is_open() const { return is_open_; }
    [[nodiscard]] EpochId epoch() const { return view_.epoch; }
    [[nodiscard]] Seq last() const { return view_.last; }
    [[nodiscard]] Head head() const { return view_.head; }
    [[nodiscard]] std::uint64_t size_bytes() const { return view_.size_bytes; }
    [[nodiscard]] std::uint64_t written_bytes() const;
    [[nodiscard]] std::uint64_t written_today() const { return view_.written_today; }
    /// Since when the present job is with the worker; nothing: there is none.
    [[nodiscard]] std::optional<Monotonic> busy_since() const;
    [[nodiscard]] bool is_hanging() const;
    /// Called on the loop thread when a call found the storage broken.
    void on_broken(std::function<void(const Error&)> callback) { broken_ = std::move(callback); }

private:
    struct Store;
    struct Job;
    struct Line;
    /// What the loop may know of the journal without asking.
    struct View {
        EpochId epoch;
        Seq last;
        Head head{};
        std::uint64_t size_bytes = 0;
        std::uint64_t written_bytes = 0;
        std::uint64_t written_today = 0;
    };

    [[nodiscard]] static View view_of(const Journal& journal);
    /// Runs `work` on the worker, on the open journal. An error: it did not run, or nobody waits.
    [[nodiscard]] net::awaitable<Result<void>> run(std::function<void(Journal&)> work,
                                                   bool is_question);
    [[nodiscard]] net::awaitable<void> carry(std::shared_ptr<Job> job);
    [[nodiscard]] std::shared_ptr<Job> submit(std::function<void(Store&)> work,
                                              net::any_io_executor home);
    [[nodiscard]] Error hanging() const;
    void notice(const Error& error);
    template <class R>
    Result<R> taken(std::shared_ptr<std::optional<Result<R>>> slot, const Result<void>& ran);

    std::shared_ptr<Store> store_;
    std::shared_ptr<Line> line_;
    Open open_;
    net::any_io_executor worker_;
    Clock* clock_ = nullptr;
    std::function<void(const Error&)> broken_;
    View view_;
    std::uint64_t written_before_ = 0;  ///< by connections that are closed
    bool is_open_ = false;
    std::string why_closed_ = "the journal is not open yet";
};

}  // namespace gerbang
