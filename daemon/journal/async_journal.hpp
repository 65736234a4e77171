#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "daemon/host/async.hpp"
#include "daemon/journal/journal.hpp"

namespace gerbang {

/// The journal as the loop thread sees it: every call runs on the storage worker, in the order of
/// the calls, and resumes the caller on the loop. `worker` must run one job at a time; in tests it
/// is the loop itself. Must outlive its calls.
class AsyncJournal {
public:
    AsyncJournal(std::unique_ptr<Journal> journal, net::any_io_executor worker);
    ~AsyncJournal();

    [[nodiscard]] net::awaitable<Result<Committed>> append(Seq expected_first,
                                                           std::vector<RecordBody> bodies);
    [[nodiscard]] net::awaitable<Result<JournalSlice>> read(EpochId epoch, SeqRange range,
                                                            std::uint64_t max_bytes);
    [[nodiscard]] net::awaitable<Result<std::vector<Journal::EpochInfo>>> epochs();
    [[nodiscard]] net::awaitable<Result<std::vector<Cursor>>> cursors();
    [[nodiscard]] net::awaitable<Result<void>> stage(Cursor cursor);
    [[nodiscard]] net::awaitable<Result<void>> flush_cursors();
    [[nodiscard]] net::awaitable<Result<void>> stage_note(std::string key, std::string value);
    [[nodiscard]] net::awaitable<Result<std::optional<std::string>>> note(std::string key);
    [[nodiscard]] net::awaitable<Result<std::vector<UsageRow>>> usage(UsagePeriod period,
                                                                      WallTime from, WallTime to);
    [[nodiscard]] net::awaitable<Result<std::vector<Outage>>> outages();
    [[nodiscard]] net::awaitable<Result<void>> checkpoint();

    /// Loop thread: as of the last completed call, no waiting.
    [[nodiscard]] EpochId epoch() const { return epoch_; }
    [[nodiscard]] Seq last() const { return last_; }
    [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
    [[nodiscard]] std::uint64_t written_bytes() const { return written_bytes_; }

private:
    std::shared_ptr<Journal> journal_;
    net::any_io_executor worker_;
    EpochId epoch_;
    Seq last_;
    std::uint64_t size_bytes_ = 0;
    std::uint64_t written_bytes_ = 0;
};

}  // namespace gerbang
