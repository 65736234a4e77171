#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gerbang {

/// What goes wrong at the chosen I/O call.
enum class Fault {
    none,
    power_cut,     ///< this and every later call fails; `restart` shows what the flash kept
    io_error,      ///< EIO of whatever call it is; a sync as below
    full,          ///< a write that makes a file longer finds no space
    cannot_open,   ///< opening a file fails
    short_read,    ///< a read finds only half of what it asks for, as at the end of a file
    failing_sync,  ///< fsync fails and gives its writes up: they look written and never are
    read_only,     ///< whatever would change a file is refused with EROFS
};

/// When the creation and removal of files becomes durable.
enum class Directory {
    with_any_sync,  ///< any later fsync of any file (ext4)
    with_its_own,   ///< only an fsync of the folder
};

struct FaultPlan {
    Fault fault = Fault::none;
    std::uint64_t at_call = 0;   ///< from 1; the first call that suits the fault at or after it
    bool is_persistent = false;  ///< from then on, instead of once (a power cut always is)
    std::uint64_t seed = 1;
    Directory directory = Directory::with_its_own;
    /// False: a torn sector takes the bytes around the write with it, and SQLite is told so.
    bool is_powersafe_overwrite = true;
    /// A torn sector takes them with it although SQLite was told that it does not.
    bool tears_neighbours = false;
    bool sync_is_a_lie = false;  ///< fsync returns success and keeps nothing
};

/// A disk in memory as an SQLite VFS, with faults at a chosen call.
///
/// Every file has a durable image and the operations since its last fsync. After a power cut each
/// 512-byte sector of a pending write is kept, dropped or torn (filled with garbage), and a
/// pending truncation happened or not; the folder keeps a prefix of its changes. Everything is
/// drawn from the seed. Calls are opens, reads, writes, truncations, syncs, deletions, renamings,
/// punched holes and questions for a file's size.
///
/// Files beside the database come through the same VFS (`daemon/journal/side_file.hpp`), with the
/// same faults. A renaming is atomic; it is durable when the folder is.
///
/// Its I/O methods are of version 1 (no shared memory): the connection must set
/// `locking_mode=EXCLUSIVE` before it touches the file. One thread; must outlive its connections.
class FaultVfs {
public:
    explicit FaultVfs(const FaultPlan& plan = {});
    ~FaultVfs();
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;

    /// Its name for `sqlite3_open_v2`.
    [[nodiscard]] const std::string& name() const;
    /// Whether the fault has happened.
    [[nodiscard]] bool fired() const;
    /// Calls so far, and bytes given to writes.
    [[nodiscard]] std::uint64_t calls() const;
    [[nodiscard]] std::uint64_t written_bytes() const;

    /// Power off and on, all connections being closed: the files become what the flash kept, and
    /// `next` is planned, counting calls from 1 again.
    void restart(const FaultPlan& next = {});
    /// Plans anew without a power cut, counting calls from 1 again.
    void arm(const FaultPlan& next);

    /// Called within each call, numbered from 1, before it takes effect; within a write after it,
    /// as the write that a power cut interrupts may have reached the flash in part.
    void on_each_call(std::function<void(std::uint64_t)> hook);
    /// Another disk: what the flash of this one would keep if the power were cut now, drawn from
    /// the seed of `next`, which is planned on it. Of this one nothing changes; its connections may
    /// be open and amid a call.
    [[nodiscard]] std::unique_ptr<FaultVfs> after_cut(const FaultPlan& next) const;

    [[nodiscard]] std::vector<std::string> files() const;
    [[nodiscard]] std::string content(const std::string& file) const;
    /// Puts a durable file onto the disk.
    void put(const std::string& file, std::string content);
    /// Takes a file off the disk, durably.
    void take_away(const std::string& file);

private:
    struct Disk;
    struct Calls;
    std::unique_ptr<Disk> disk_;
};

}  // namespace gerbang
