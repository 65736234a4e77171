#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/journal/async_journal.hpp"
#include "daemon/sync/pusher.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/scripted_link.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace gerbang {

/// One village's sync on virtual time: a real journal, the pusher, a scripted link, a province.
class Sender {
public:
    explicit Sender(std::uint64_t seed, PushSettings settings = default_settings());
    ~Sender();
    [[nodiscard]] static PushSettings default_settings();

    /// Opens the journal and starts the pusher. `new_epoch` closes the present epoch first.
    void start(bool new_epoch = false);
    /// SIGTERM: the clock and the link stop, `run` returns.
    void stop();
    /// kill -9: the loop dies with everything suspended in it.
    void kill();
    [[nodiscard]] bool has_returned() const { return has_returned_; }

    /// While it does not run: records of an epoch disappear behind the journal's back.
    void lose(EpochId epoch, SeqRange range);

    /// Commits `count` records in one transaction, and rings.
    void commit(std::uint64_t count, std::size_t text_bytes = 8);
    void run_for(Millis span) { clock.run_for(*loop_, span); }
    /// Time passes; `per_commit` records are committed each minute.
    void live(Millis span, std::uint64_t per_commit = 1);

    [[nodiscard]] Pusher& pusher() { return *pusher_; }
    [[nodiscard]] PushStatus status() const { return pusher_->status(); }
    [[nodiscard]] Seq last() const { return journal_->last(); }
    [[nodiscard]] EpochId epoch() const { return journal_->epoch(); }
    [[nodiscard]] std::vector<EpochId> epochs();
    [[nodiscard]] std::vector<Record> records(const EpochId& epoch);
    /// True when the province holds exactly the journal's records, in every epoch. What the journal
    /// has lost it holds emptied.
    [[nodiscard]] bool is_complete();

    ManualClock clock;
    FakeProvince province{"village-1"};
    ScriptedLink link;

private:
    template <class T>
    T wait(net::awaitable<T> work);

    std::string folder_;
    SeededEntropy entropy_;
    PushSettings settings_;
    std::unique_ptr<AsyncJournal> journal_;
    std::unique_ptr<Pusher> pusher_;
    std::unique_ptr<net::io_context> loop_;
    std::int64_t written_ = 0;
    bool has_returned_ = true;
};

}  // namespace gerbang
