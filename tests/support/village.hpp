#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/model/record.hpp"
#include "daemon/app/daemon.hpp"
#include "daemon/province/receiver.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"
#include "tests/support/fake_kernel.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_ring.hpp"
#include "tests/support/scripted_prober.hpp"
#include "tests/support/seeded_entropy.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/village_link.hpp"
#include "tests/support/village_pull.hpp"

namespace gerbang {

/// The whole daemon and the whole province on virtual time: manual clock, fake kernel, scripted
/// link and prober, ring in memory, real journal and real province store in a folder of its own.
/// Same seed and script: same records.
class Village {
public:
    /// `province_vfs`: SQLite VFS of the province's store; empty: the real one.
    explicit Village(std::uint64_t seed, std::string province_vfs = {});
    ~Village();
    Village(const Village&) = delete;
    Village& operator=(const Village&) = delete;

    ManualClock clock;
    FakeKernel kernel;
    VillageLink link;
    VillagePull pull;
    ScriptedProber prober;
    Config config;            ///< read by `start`
    std::string journal_vfs;  ///< SQLite VFS of the journal, read by `start`; empty: the real one
    /// What the state folder is found to be (`Edges::state_folder`), read by `start`.
    std::function<Result<StateFolder>()> state_folder;
    /// Read by the first `start`: storage works apart from the loop, so that it may hang. Time then
    /// passes in steps of 100 ms.
    bool storage_may_hang = false;
    bool storage_hangs = false;  ///< no call to the storage returns

    /// Starts the daemon; it must not be running.
    void start();
    void run_for(Millis span);
    /// SIGTERM, or the end before a new configuration: a last commit and a `stop` event.
    void stop(const std::string& reason = "signal");
    /// kill -9: the ring survives.
    void kill();
    /// The power goes for `off` and comes back: the ring is lost, another boot begins. The daemon
    /// is not started.
    void power_cut(Millis off);
    /// Both a clean stop and another boot.
    void reboot(Millis off);
    /// The province's program ends and starts again, after `off`, from its store.
    void province_down();
    void province_up();
    /// The same with its store: closed, and opened anew.
    void close_province();
    void open_province();
    /// The province's puller begins a visit, unless one is under way or the daemon does not run.
    void begin_visit();
    /// The site's link, for probes and for pushes.
    void set_link(bool is_up);
    /// The kernel tells of a change of links or routes; the reading at this instant is taken.
    void link_changed();

    [[nodiscard]] bool is_running() const { return daemon_ != nullptr; }
    [[nodiscard]] Daemon& daemon();
    /// The loop of the running daemon, for questions put to it.
    [[nodiscard]] net::any_io_executor executor() { return loop_->get_executor(); }
    [[nodiscard]] province::Store& province() { return *store_; }
    [[nodiscard]] MemoryRing& ring() { return ring_; }
    /// Of the present boot, known before the daemon starts on it.
    [[nodiscard]] const BootId& boot() const { return boot_; }
    /// Where the daemon looks for the facts of the privileged one-shot.
    [[nodiscard]] std::string facts_path() const { return folder_.file("facts"); }
    [[nodiscard]] std::string journal_path() const { return folder_.file("journal.db"); }
    [[nodiscard]] std::string province_path() const { return folder_.file("province.db"); }
    /// To open its journal with, while the daemon is not running.
    [[nodiscard]] JournalOptions journal_options() const;

    /// All records of the journal, read while the daemon is not running.
    [[nodiscard]] std::vector<Record> journal_records();
    /// All records of the province for the journal's epoch.
    [[nodiscard]] std::vector<Record> province_records();
    /// Closes the province's store for good and opens its file for SQL.
    [[nodiscard]] std::unique_ptr<province::Database> query_province();
    /// WAN bytes as the journal has them, read while the daemon is not running.
    [[nodiscard]] TrueBytes committed_wan_bytes();
    /// WAN bytes received and transmitted as the last of `records` has them.
    [[nodiscard]] static TrueBytes wan_bytes(const std::vector<Record>& records);

private:
    class TimedKernel;
    class Watch;
    void new_boot();
    [[nodiscard]] net::awaitable<void> live();
    void bury();
    void run_with_storage(Millis span);
    void run_ready();

    std::uint64_t seed_;
    std::string province_vfs_;
    TempFolder folder_;
    SeededEntropy entropy_;
    MemoryRing ring_;
    BootId boot_;
    std::unique_ptr<TimedKernel> timed_kernel_;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<province::Store> store_;
    std::unique_ptr<province::Receiver> receiver_;

    // One life of the daemon.
    std::unique_ptr<net::io_context> loop_;
    std::unique_ptr<net::io_context> storage_loop_;
    std::unique_ptr<Ring> open_ring_;
    std::unique_ptr<Daemon> daemon_;
    Daemon* current_ = nullptr;  ///< as the pull API sees it
    std::unique_ptr<PullApi> pull_api_;
    bool has_ended_ = false;
};

}  // namespace gerbang
