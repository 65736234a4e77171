#include "tests/support/fault_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <random>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

constexpr std::int64_t kSector = 512;
/// As in daemon/journal/sqlite.hpp: "sync the folder of this file".
constexpr int kSyncDirectoryControl = 0x67620001;

struct Pending {
    bool is_truncation = false;
    std::int64_t offset = 0;  ///< or the new size
    std::string bytes{};
};

void apply_write(std::string& image, std::int64_t offset, std::string_view bytes) {
    const auto end = static_cast<std::size_t>(offset) + bytes.size();
    if (image.size() < end) image.resize(end, '\0');
    std::copy(bytes.begin(), bytes.end(), image.begin() + offset);
}

struct File {
    std::string durable;
    std::string now;
    std::vector<Pending> pending;
    bool needs_directory_sync = false;  ///< SQLite's unix VFS does it at the first sync

    void sync() {
        for (const auto& op : pending) {
            if (op.is_truncation) {
                durable.resize(static_cast<std::size_t>(op.offset));
            } else {
                apply_write(durable, op.offset, op.bytes);
            }
        }
        pending.clear();
    }
};

using Names = std::map<std::string, std::shared_ptr<File>>;
struct Renaming {
    std::string name;
    std::shared_ptr<File> file;  ///< null: removed
    std::string old_name{};      ///< of a renaming: gone in the same instant
};

void change(Names& names, const Renaming& what) {
    if (!what.old_name.empty()) names.erase(what.old_name);
    if (what.file) {
        names[what.name] = what.file;
    } else {
        names.erase(what.name);
    }
}

}  // namespace

struct FaultVfs::Disk {
    FaultPlan plan;
    std::string name;
    sqlite3_vfs vfs{};
    Names names;
    Names durable_names;
    std::vector<Renaming> pending_names;
    std::mt19937_64 random{1};
    std::uint64_t calls = 0;
    std::uint64_t written = 0;
    bool has_fired = false;
    bool is_dead = false;
    int open_files = 0;
    std::function<void(std::uint64_t)> hook;

    enum class Call { open, read, write, growing_write, truncate, sync, remove, rename, size };

    [[nodiscard]] bool suits(Call call) const {
        switch (plan.fault) {
            case Fault::none:
                return false;
            case Fault::power_cut:
            case Fault::io_error:
                return true;
            case Fault::full:
                return call == Call::growing_write;
            case Fault::cannot_open:
                return call == Call::open;
            case Fault::failing_sync:
                return call == Call::sync;
            case Fault::short_read:
                return call == Call::read;
            case Fault::read_only:
                return call != Call::open && call != Call::read && call != Call::size;
        }
        return false;
    }

    /// SQLITE_OK, or what the call must return.
    int next_call(Call call, int io_code) {
        if (is_dead) return io_code;
        ++calls;
        if (call != Call::write && call != Call::growing_write) called();
        if (calls < plan.at_call || !suits(call)) return SQLITE_OK;
        if (has_fired && !plan.is_persistent) return SQLITE_OK;
        has_fired = true;
        is_dead = plan.fault == Fault::power_cut;
        if (plan.fault == Fault::short_read) return SQLITE_IOERR_SHORT_READ;
        return plan.fault == Fault::full ? SQLITE_FULL : io_code;
    }

    [[nodiscard]] int last_errno() const {
        return has_fired && plan.fault == Fault::read_only ? EROFS : 0;
    }

    void sync_directory() {
        if (plan.sync_is_a_lie) return;
        durable_names = names;
        pending_names.clear();
    }

    void change_names(Renaming what) {
        change(names, what);
        pending_names.push_back(std::move(what));
    }

    std::string survivor(const File& file);
    void survive(const Disk& before);
    void called() {
        if (hook) hook(calls);
    }
};

namespace {

struct Handle {
    sqlite3_file base;
    void* disk;
    std::shared_ptr<File>* file;
};

}  // namespace

/// What the flash holds of `file` after the cut.
std::string FaultVfs::Disk::survivor(const File& file) {
    // Some cuts keep everything, nothing, or a prefix in order; most are a mixture.
    const auto style = random() % 6;
    const auto prefix = file.pending.empty() ? 0 : random() % (file.pending.size() + 1);
    auto image = file.durable;
    for (std::size_t i = 0; i < file.pending.size(); ++i) {
        const auto& op = file.pending[i];
        if (style == 0 || (style == 1 && i >= prefix)) continue;
        const bool keeps_all = style == 1 || style == 2;
        if (op.is_truncation) {
            if (keeps_all || random() % 2 == 0) {
                image.resize(static_cast<std::size_t>(op.offset), '\0');
            }
            continue;
        }
        const auto end = op.offset + static_cast<std::int64_t>(op.bytes.size());
        for (auto from = op.offset; from < end;) {
            auto to = std::min(end, (from / kSector + 1) * kSector);
            const auto fate = keeps_all ? 0 : random() % 5;
            if (fate <= 1) {
                apply_write(
                    image, from,
                    std::string_view{op.bytes}.substr(static_cast<std::size_t>(from - op.offset),
                                                      static_cast<std::size_t>(to - from)));
            } else if (fate == 2) {
                auto torn_from = from;
                auto torn_to = to;
                if (!plan.is_powersafe_overwrite || plan.tears_neighbours) {
                    torn_from = from / kSector * kSector;
                    torn_to = torn_from + kSector;
                }
                std::string garbage(static_cast<std::size_t>(torn_to - torn_from), '\0');
                for (auto& byte : garbage) byte = static_cast<char>(random());
                apply_write(image, torn_from, garbage);
            }
            from = to;
        }
    }
    return image;
}

/// Becomes what is left of `before`, which may be this disk.
void FaultVfs::Disk::survive(const Disk& before) {
    auto surviving = before.durable_names;
    const auto kept = random() % (before.pending_names.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) change(surviving, before.pending_names[i]);
    names.clear();
    for (const auto& [file_name, file] : surviving) {
        auto fresh = std::make_shared<File>();
        fresh->durable = survivor(*file);
        fresh->now = fresh->durable;
        names[file_name] = std::move(fresh);
    }
    durable_names = names;
    pending_names.clear();
}

/// The functions that SQLite calls.
struct FaultVfs::Calls {
    using Call = Disk::Call;

    static Disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }
    static Handle& handle_of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
    static Disk& disk_of(sqlite3_file* file) { return *static_cast<Disk*>(handle_of(file).disk); }
    static File& file_of(sqlite3_file* file) { return **handle_of(file).file; }

    static int close(sqlite3_file* file) {
        --disk_of(file).open_files;
        delete handle_of(file).file;
        handle_of(file).file = nullptr;
        return SQLITE_OK;
    }
    static int read(sqlite3_file* file, void* target, int size, sqlite3_int64 offset) {
        const int rc = disk_of(file).next_call(Call::read, SQLITE_IOERR_READ);
        if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return rc;
        const auto& now = file_of(file).now;
        std::memset(target, 0, static_cast<std::size_t>(size));
        if (rc == SQLITE_IOERR_SHORT_READ) size /= 2;
        const auto have = static_cast<std::int64_t>(now.size()) - offset;
        if (have > 0) {
            std::memcpy(target, now.data() + offset,
                        static_cast<std::size_t>(std::min<std::int64_t>(have, size)));
        }
        return have >= size ? rc : SQLITE_IOERR_SHORT_READ;
    }
    static int write(sqlite3_file* file, const void* source, int size, sqlite3_int64 offset) {
        auto& disk = disk_of(file);
        auto& target = file_of(file);
        const bool grows = offset + size > static_cast<sqlite3_int64>(target.now.size());
        const bool was_dead = disk.is_dead;
        const int rc =
            disk.next_call(grows ? Call::growing_write : Call::write, SQLITE_IOERR_WRITE);
        // The write that the power cut interrupts may have reached the flash in part.
        if (rc != SQLITE_OK && (was_dead || !disk.is_dead)) return rc;
        std::string bytes(static_cast<const char*>(source), static_cast<std::size_t>(size));
        apply_write(target.now, offset, bytes);
        target.pending.push_back({.offset = offset, .bytes = std::move(bytes)});
        disk.written += static_cast<std::uint64_t>(size);
        disk.called();
        return rc;
    }
    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        const int rc = disk_of(file).next_call(Call::truncate, SQLITE_IOERR_TRUNCATE);
        if (rc != SQLITE_OK) return rc;
        auto& target = file_of(file);
        target.now.resize(static_cast<std::size_t>(size), '\0');
        target.pending.push_back({.is_truncation = true, .offset = size});
        return SQLITE_OK;
    }
    static int sync(sqlite3_file* file, int) {
        auto& disk = disk_of(file);
        auto& target = file_of(file);
        const int rc = disk.next_call(Call::sync, SQLITE_IOERR_FSYNC);
        if (rc != SQLITE_OK) {
            // As Linux does: the pages count as clean from now on, and were never written.
            if (!disk.is_dead) target.pending.clear();
            return rc;
        }
        if (disk.plan.sync_is_a_lie) return SQLITE_OK;
        target.sync();
        if (disk.plan.directory == Directory::with_any_sync || target.needs_directory_sync) {
            disk.sync_directory();
            target.needs_directory_sync = false;
        }
        return SQLITE_OK;
    }
    static int file_size(sqlite3_file* file, sqlite3_int64* size) {
        const int rc = disk_of(file).next_call(Call::size, SQLITE_IOERR_FSTAT);
        *size = static_cast<sqlite3_int64>(file_of(file).now.size());
        return rc;
    }
    static int no_lock(sqlite3_file*, int) { return SQLITE_OK; }
    static int is_reserved(sqlite3_file*, int* result) {
        *result = 0;
        return SQLITE_OK;
    }
    static int control(sqlite3_file* file, int operation, void* argument) {
        if (operation == SQLITE_FCNTL_LAST_ERRNO) {
            *static_cast<int*>(argument) = disk_of(file).last_errno();
            return SQLITE_OK;
        }
        if (operation != kSyncDirectoryControl) return SQLITE_NOTFOUND;
        auto& disk = disk_of(file);
        const int rc = disk.next_call(Call::sync, SQLITE_IOERR_DIR_FSYNC);
        if (rc != SQLITE_OK) return rc;
        disk.sync_directory();
        return SQLITE_OK;
    }
    static int sector_size(sqlite3_file*) { return kSector; }
    static int characteristics(sqlite3_file* file) {
        return disk_of(file).plan.is_powersafe_overwrite ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
    }

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                    int* out_flags) {
        static const sqlite3_io_methods kMethods{1,
                                                 close,
                                                 read,
                                                 write,
                                                 truncate,
                                                 sync,
                                                 file_size,
                                                 no_lock,
                                                 no_lock,
                                                 is_reserved,
                                                 control,
                                                 sector_size,
                                                 characteristics,
                                                 nullptr,
                                                 nullptr,
                                                 nullptr,
                                                 nullptr,
                                                 nullptr,
                                                 nullptr};
        auto& disk = disk_of(vfs);
        file->pMethods = nullptr;
        const int rc = disk.next_call(Call::open, SQLITE_CANTOPEN);
        if (rc != SQLITE_OK) return rc;
        std::shared_ptr<File> found;
        if (name == nullptr) {
            found = std::make_shared<File>();
        } else if (const auto known = disk.names.find(name); known != disk.names.end()) {
            found = known->second;
        } else if ((flags & SQLITE_OPEN_CREATE) != 0) {
            found = std::make_shared<File>();
            found->needs_directory_sync = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL |
                                                    SQLITE_OPEN_SUPER_JOURNAL)) != 0;
            disk.change_names({name, found});
        } else {
            return SQLITE_CANTOPEN;
        }
        auto& handle = handle_of(file);
        handle.disk = &disk;
        handle.file = new std::shared_ptr<File>{std::move(found)};
        ++disk.open_files;
        file->pMethods = &kMethods;
        if (out_flags != nullptr) *out_flags = flags;
        return SQLITE_OK;
    }
    static int remove(sqlite3_vfs* vfs, const char* name, int sync_directory) {
        auto& disk = disk_of(vfs);
        const int rc = disk.next_call(Call::remove, SQLITE_IOERR_DELETE);
        if (rc != SQLITE_OK) return rc;
        if (!disk.names.contains(name)) return SQLITE_IOERR_DELETE_NOENT;
        disk.change_names({name, nullptr});
        if (sync_directory != 0) disk.sync_directory();
        return SQLITE_OK;
    }
    static int rename(sqlite3_vfs* vfs, const char* from, const char* to) {
        auto& disk = disk_of(vfs);
        const int rc = disk.next_call(Call::rename, SQLITE_IOERR);
        if (rc != SQLITE_OK) return rc;
        const auto found = disk.names.find(from);
        if (found == disk.names.end()) return SQLITE_IOERR;
        disk.change_names({to, found->second, from});
        return SQLITE_OK;
    }
    static int sync_folder(sqlite3_vfs* vfs) {
        auto& disk = disk_of(vfs);
        const int rc = disk.next_call(Call::sync, SQLITE_IOERR_DIR_FSYNC);
        if (rc == SQLITE_OK) disk.sync_directory();
        return rc;
    }
    static int punch(sqlite3_vfs* vfs, const char* name, std::int64_t offset, std::int64_t size) {
        auto& disk = disk_of(vfs);
        const int rc = disk.next_call(Call::write, SQLITE_IOERR_WRITE);
        disk.called();
        if (rc != SQLITE_OK) return rc;
        const auto found = disk.names.find(name);
        if (found == disk.names.end()) return SQLITE_IOERR;
        auto& file = *found->second;
        const auto end = std::min(offset + size, static_cast<std::int64_t>(file.now.size()));
        if (offset >= end) return SQLITE_OK;
        std::string zeroes(static_cast<std::size_t>(end - offset), '\0');
        apply_write(file.now, offset, zeroes);
        file.pending.push_back({.offset = offset, .bytes = std::move(zeroes)});
        return SQLITE_OK;
    }
    /// Sectors that are not all zero.
    static std::int64_t allocated(sqlite3_vfs* vfs, const char* name) {
        const auto& disk = disk_of(vfs);
        const auto found = disk.names.find(name);
        if (found == disk.names.end()) return 0;
        const std::string_view now{found->second->now};
        std::int64_t bytes = 0;
        for (std::size_t at = 0; at < now.size(); at += kSector) {
            const auto sector = now.substr(at, kSector);
            if (sector.find_first_not_of('\0') != std::string_view::npos) bytes += kSector;
        }
        return bytes;
    }
    /// What SQLite's interface does not have: daemon/journal/side_file.hpp.
    static sqlite3_syscall_ptr system_call(sqlite3_vfs*, const char* name) {
        const std::string_view wanted{name};
        if (wanted == "gerbang_rename") return reinterpret_cast<sqlite3_syscall_ptr>(rename);
        if (wanted == "gerbang_sync_folder") {
            return reinterpret_cast<sqlite3_syscall_ptr>(sync_folder);
        }
        if (wanted == "gerbang_punch") return reinterpret_cast<sqlite3_syscall_ptr>(punch);
        if (wanted == "gerbang_allocated") return reinterpret_cast<sqlite3_syscall_ptr>(allocated);
        return nullptr;
    }
    static int access(sqlite3_vfs* vfs, const char* name, int, int* result) {
        auto& disk = disk_of(vfs);
        const auto found = disk.names.find(name);
        // As SQLite's unix VFS: an empty file counts as absent.
        *result = !disk.is_dead && found != disk.names.end() && !found->second->now.empty();
        return disk.is_dead ? SQLITE_IOERR_ACCESS : SQLITE_OK;
    }
    static int full_name(sqlite3_vfs*, const char* name, int size, char* target) {
        if (std::strlen(name) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
        std::strcpy(target, name);
        return SQLITE_OK;
    }
    static int randomness(sqlite3_vfs* vfs, int size, char* target) {
        auto& disk = disk_of(vfs);
        for (int i = 0; i < size; ++i) target[i] = static_cast<char>(disk.random());
        return size;
    }
    static int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
    static int current_time(sqlite3_vfs*, double* julian_day) {
        *julian_day = 2461000.5;
        return SQLITE_OK;
    }
    static int last_error(sqlite3_vfs* vfs, int, char*) { return disk_of(vfs).last_errno(); }
};

FaultVfs::FaultVfs(const FaultPlan& plan) : disk_{std::make_unique<Disk>()} {
    static std::atomic<unsigned> count{0};
    disk_->name = "gerbang-fault-" + std::to_string(++count);
    auto& vfs = disk_->vfs;
    vfs.iVersion = 3;
    vfs.szOsFile = sizeof(Handle);
    vfs.mxPathname = 512;
    vfs.zName = disk_->name.c_str();
    vfs.pAppData = disk_.get();
    vfs.xOpen = Calls::open;
    vfs.xDelete = Calls::remove;
    vfs.xAccess = Calls::access;
    vfs.xFullPathname = Calls::full_name;
    vfs.xRandomness = Calls::randomness;
    vfs.xSleep = Calls::sleep;
    vfs.xCurrentTime = Calls::current_time;
    vfs.xGetLastError = Calls::last_error;
    vfs.xGetSystemCall = Calls::system_call;
    GERBANG_CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
    arm(plan);
}

FaultVfs::~FaultVfs() {
    GERBANG_CHECK(disk_->open_files == 0);
    sqlite3_vfs_unregister(&disk_->vfs);
}

void FaultVfs::arm(const FaultPlan& next) {
    disk_->plan = next;
    disk_->random.seed(next.seed);
    disk_->calls = 0;
    disk_->has_fired = false;
    disk_->is_dead = false;
}

void FaultVfs::restart(const FaultPlan& next) {
    GERBANG_CHECK(disk_->open_files == 0);
    disk_->survive(*disk_);
    arm(next);
}

void FaultVfs::on_each_call(std::function<void(std::uint64_t)> hook) {
    disk_->hook = std::move(hook);
}

std::unique_ptr<FaultVfs> FaultVfs::after_cut(const FaultPlan& next) const {
    auto other = std::make_unique<FaultVfs>(next);
    other->disk_->survive(*disk_);
    other->arm(next);
    return other;
}

const std::string& FaultVfs::name() const {
    return disk_->name;
}
bool FaultVfs::fired() const {
    return disk_->has_fired;
}
std::uint64_t FaultVfs::calls() const {
    return disk_->calls;
}
std::uint64_t FaultVfs::written_bytes() const {
    return disk_->written;
}

std::vector<std::string> FaultVfs::files() const {
    std::vector<std::string> found;
    for (const auto& [file_name, file] : disk_->names) found.push_back(file_name);
    return found;
}

std::string FaultVfs::content(const std::string& file) const {
    const auto found = disk_->names.find(file);
    return found == disk_->names.end() ? std::string{} : found->second->now;
}

void FaultVfs::put(const std::string& file, std::string content) {
    auto fresh = std::make_shared<File>();
    fresh->durable = content;
    fresh->now = std::move(content);
    disk_->names[file] = fresh;
    disk_->durable_names[file] = std::move(fresh);
}

void FaultVfs::take_away(const std::string& file) {
    disk_->names.erase(file);
    disk_->durable_names.erase(file);
}

}  // namespace gerbang
