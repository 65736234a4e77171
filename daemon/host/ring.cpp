#include "daemon/host/ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <utility>

#include "common/core/check.hpp"
#include "daemon/host/ring_layout.hpp"
#include "daemon/host/unique_fd.hpp"

namespace gerbang {
namespace {

using namespace ring_layout;

std::uint32_t crc_of(const void* bytes, std::size_t size) {
    boost::crc_32_type crc;
    crc.process_bytes(bytes, size);
    return crc.checksum();
}

std::uint32_t crc_of(const EntryHeader& header, std::span<const std::byte> bytes) {
    boost::crc_32_type crc;
    crc.process_bytes(&header, offsetof(EntryHeader, crc));
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

/// Keeps the compiler from moving stores across. Against kill -9 that is enough: the processor
/// shows a process's stores to others as if they had happened in program order up to the kill.
void store_before_what_follows() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

/// A shared mapping of the whole file.
class Mapping {
public:
    Mapping(void* start, std::uint64_t size)
        : bytes_{static_cast<std::byte*>(start), static_cast<std::size_t>(size)} {}
    Mapping(Mapping&& other) noexcept : bytes_{std::exchange(other.bytes_, {})} {}
    Mapping& operator=(Mapping&&) = delete;
    ~Mapping() {
        if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
    }

    template <class T>
    [[nodiscard]] T get(std::uint64_t offset) const {
        T value;
        std::memcpy(&value, at(offset, sizeof value), sizeof value);
        return value;
    }
    template <class T>
    void put(std::uint64_t offset, const T& value) {
        std::memcpy(at(offset, sizeof value), &value, sizeof value);
    }
    [[nodiscard]] std::byte* at(std::uint64_t offset, std::uint64_t size) const {
        GERBANG_CHECK(offset <= bytes_.size() && size <= bytes_.size() - offset);
        return bytes_.data() + static_cast<std::size_t>(offset);
    }
    [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }

private:
    std::span<std::byte> bytes_;
};

class FileRing final : public Ring {
public:
    /// Takes over what `file` holds for `boot`; nothing when that does not pass the checks.
    static std::unique_ptr<FileRing> recover(Mapping& file, const BootId& boot);
    /// Makes `file` an empty ring.
    static std::unique_ptr<FileRing> create(Mapping file, const BootId& boot);

    [[nodiscard]] Left left_behind() const override;
    [[nodiscard]] Result<std::uint64_t> append(std::string_view bytes) override;
    [[nodiscard]] std::string_view entry(std::uint64_t number) const override;
    void intend(const Intent& intent) override;
    void release(std::uint64_t through) override;
    void give_up(std::uint64_t through, const GivenUp& lost) override;
    void withdraw() override;
    [[nodiscard]] const RingLosses& losses() const override { return losses_; }
    [[nodiscard]] std::uint64_t used_bytes() const override { return used_; }
    [[nodiscard]] std::uint64_t capacity_bytes() const override { return capacity_; }
    [[nodiscard]] bool is_empty() const { return places_.empty(); }

private:
    struct Place {
        std::uint64_t number;
        std::uint32_t offset;
        std::uint32_t length;
    };

    FileRing(Mapping file, std::uint64_t capacity) : file_{std::move(file)}, capacity_{capacity} {}

    void find_entries();
    [[nodiscard]] std::optional<Place> entry_at(std::uint64_t offset, std::uint64_t limit) const;
    [[nodiscard]] std::optional<std::uint64_t> room_for(std::uint64_t size);
    [[nodiscard]] Intent intent() const;
    void free_through(std::uint64_t through);
    void clear_intent();
    void publish();

    Mapping file_;
    std::uint64_t capacity_;
    State state_;
    std::size_t next_slot_ = 0;
    std::deque<Place> places_;  // of the entries, oldest first
    std::uint64_t used_ = 0;
    std::uint64_t first_new_ = 1;  // entries below it were found at opening
    Intent found_intent_;
    Acknowledged found_acknowledged_;
    RingLosses losses_;
};

std::array<std::int64_t, 3> stored(const GivenUp& lost) {
    return {static_cast<std::int64_t>(lost.count), lost.first_ms, lost.last_ms};
}

GivenUp loaded(const std::array<std::int64_t, 3>& lost) {
    return {static_cast<std::uint64_t>(lost[0]), lost[1], lost[2]};
}

std::uint32_t crc_of(const Preamble& preamble) {
    return crc_of(&preamble, offsetof(Preamble, crc));
}

std::uint32_t crc_of(const State& state) {
    return crc_of(&state, offsetof(State, crc));
}

bool is_sound(const Preamble& preamble, std::uint64_t file_size) {
    return preamble.magic == kMagic && preamble.version == kVersion &&
           preamble.crc == crc_of(preamble) && preamble.capacity >= kSmallest &&
           preamble.capacity <= kLargest && file_size == kDataOffset + preamble.capacity;
}

bool is_sound(const State& state, std::uint64_t capacity) {
    if (state.generation == 0 || state.crc != crc_of(state)) return false;
    const bool is_wrapped = state.wrap != 0;
    // A ring that takes an entry a nanosecond reaches 2^62 after a century: only hands do.
    constexpr std::uint64_t kBeyondReach = std::uint64_t{1} << 62;
    if (state.generation >= kBeyondReach || state.next_number >= kBeyondReach) return false;
    if (state.next_number == 0 || state.count >= state.next_number) return false;
    if (state.end > capacity || state.wrap > capacity) return false;
    if (state.begin > (is_wrapped ? state.wrap : state.end)) return false;
    return !is_wrapped || state.end <= state.begin;
}

std::unique_ptr<FileRing> FileRing::recover(Mapping& file, const BootId& boot) {
    if (file.size() < kDataOffset + kSmallest) return nullptr;
    const auto preamble = file.get<Preamble>(0);
    if (!is_sound(preamble, file.size()) || preamble.boot != boot.bytes) return nullptr;
    std::optional<State> newest;
    std::size_t free_slot = 0;
    for (std::size_t slot = 0; slot < kStateOffsets.size(); ++slot) {
        const auto state = file.get<State>(kStateOffsets[slot]);
        if (!is_sound(state, preamble.capacity)) continue;
        if (newest && newest->generation > state.generation) continue;
        newest = state;
        free_slot = 1 - slot;
    }
    if (!newest) return nullptr;
    std::unique_ptr<FileRing> ring{new FileRing{std::move(file), preamble.capacity}};
    ring->state_ = *newest;
    ring->losses_ = {.untold = loaded(newest->losses[0]),
                     .told = loaded(newest->losses[1]),
                     .doubtful = loaded(newest->losses[2])};
    ring->next_slot_ = free_slot;
    ring->find_entries();
    ring->first_new_ = ring->state_.next_number;
    ring->found_intent_ = ring->intent();
    ring->found_acknowledged_ = {EpochId{newest->acknowledged_epoch},
                                 Seq{newest->acknowledged_last}};
    return ring;
}

std::unique_ptr<FileRing> FileRing::create(Mapping file, const BootId& boot) {
    Preamble preamble;
    preamble.boot = boot.bytes;
    preamble.capacity = file.size() - kDataOffset;
    preamble.crc = crc_of(preamble);
    // Nothing of an older content may count once the preamble is there.
    file.put(0, Preamble{.magic = 0});
    for (const auto offset : kStateOffsets) file.put(offset, State{});
    std::unique_ptr<FileRing> ring{new FileRing{std::move(file), preamble.capacity}};
    ring->publish();
    store_before_what_follows();
    ring->file_.put(0, preamble);
    return ring;
}

std::optional<FileRing::Place> FileRing::entry_at(std::uint64_t offset, std::uint64_t limit) const {
    if (limit - offset < sizeof(EntryHeader)) return std::nullopt;
    const auto header = file_.get<EntryHeader>(kDataOffset + offset);
    if (occupied_by(header.length) > limit - offset) return std::nullopt;
    const std::span<const std::byte> bytes{
        file_.at(kDataOffset + offset + sizeof header, header.length), header.length};
    if (header.crc != crc_of(header, bytes)) return std::nullopt;
    const auto previous = places_.empty() ? 0 : places_.back().number;
    if (header.number <= previous || header.number >= state_.next_number) return std::nullopt;
    return Place{header.number, static_cast<std::uint32_t>(offset), header.length};
}

/// Walks from `begin`; what follows a damaged entry cannot be found and is cut off.
void FileRing::find_entries() {
    const State found = state_;
    bool is_in_front = found.wrap == 0;
    std::uint64_t offset = found.begin;
    while (places_.size() < found.count) {
        if (!is_in_front && offset == found.wrap) {
            is_in_front = true;
            offset = 0;
        }
        const auto place = entry_at(offset, is_in_front ? found.end : found.wrap);
        if (!place) break;
        places_.push_back(*place);
        used_ += occupied_by(place->length);
        offset += occupied_by(place->length);
    }
    if (places_.size() == found.count && is_in_front && offset == found.end) return;
    state_.count = places_.size();
    state_.end = offset;
    if (!is_in_front) state_.wrap = 0;
    if (places_.empty()) state_.begin = state_.end = state_.wrap = 0;
    publish();
}

Ring::Intent FileRing::intent() const {
    return {.epoch = EpochId{state_.intent_epoch},
            .first = Seq{state_.intent_first},
            .last = Seq{state_.intent_last},
            .through = state_.intent_through};
}

Ring::Left FileRing::left_behind() const {
    Left left;
    left.intent = found_intent_;
    left.acknowledged = found_acknowledged_;
    for (const auto& place : places_) {
        if (place.number >= first_new_) break;
        left.entries.push_back({place.number, std::string{entry(place.number)}});
    }
    return left;
}

std::string_view FileRing::entry(std::uint64_t number) const {
    const auto place = std::lower_bound(
        places_.begin(), places_.end(), number,
        [](const Place& each, std::uint64_t wanted) { return each.number < wanted; });
    if (place == places_.end() || place->number != number) return {};
    const auto* bytes = file_.at(kDataOffset + place->offset + sizeof(EntryHeader), place->length);
    return {reinterpret_cast<const char*>(bytes), place->length};
}

/// Where an entry of `size` bytes fits, with the state's bounds moved as if it were there.
std::optional<std::uint64_t> FileRing::room_for(std::uint64_t size) {
    const bool is_wrapped = state_.wrap != 0;
    if (size <= (is_wrapped ? state_.begin : capacity_) - state_.end) {
        state_.end += size;
        return state_.end - size;
    }
    if (is_wrapped || size > state_.begin) return std::nullopt;
    state_.wrap = state_.end;
    state_.end = size;
    return 0;
}

Result<std::uint64_t> FileRing::append(std::string_view bytes) {
    const auto size = occupied_by(bytes.size());
    const auto offset = size <= capacity_ ? room_for(size) : std::nullopt;
    if (!offset) {
        return Error{Errc::storage_full, "ring: no room for " + std::to_string(bytes.size()) +
                                             " bytes beside " + std::to_string(places_.size()) +
                                             " entries, " + std::to_string(used_) + " of " +
                                             std::to_string(capacity_) + " bytes"};
    }
    EntryHeader header{.number = state_.next_number,
                       .length = static_cast<std::uint32_t>(bytes.size())};
    header.crc = crc_of(header, std::as_bytes(std::span{bytes}));
    file_.put(kDataOffset + *offset, header);
    std::memcpy(file_.at(kDataOffset + *offset + sizeof header, bytes.size()), bytes.data(),
                bytes.size());
    places_.push_back({header.number, static_cast<std::uint32_t>(*offset), header.length});
    used_ += size;
    ++state_.count;
    ++state_.next_number;
    publish();
    return header.number;
}

void FileRing::intend(const Intent& intent) {
    losses_.offer();
    state_.intent_epoch = intent.epoch.bytes;
    state_.intent_first = intent.first.value;
    state_.intent_last = intent.last.value;
    state_.intent_through = intent.through;
    publish();
}

void FileRing::free_through(std::uint64_t through) {
    while (!places_.empty() && places_.front().number <= through) {
        used_ -= occupied_by(places_.front().length);
        places_.pop_front();
        --state_.count;
    }
    if (places_.empty()) {
        state_.begin = state_.end = state_.wrap = 0;
    } else {
        const std::uint64_t begin = places_.front().offset;
        if (begin < state_.begin) state_.wrap = 0;  // the part at the back is empty now
        state_.begin = begin;
    }
}

void FileRing::clear_intent() {
    state_.intent_epoch = {};
    state_.intent_first = state_.intent_last = state_.intent_through = 0;
}

void FileRing::release(std::uint64_t through) {
    free_through(through);
    if (through >= state_.intent_through) {
        if (state_.intent_last != 0) {
            state_.acknowledged_epoch = state_.intent_epoch;
            state_.acknowledged_last = state_.intent_last;
        }
        clear_intent();
        losses_.settle();
    }
    publish();
}

void FileRing::give_up(std::uint64_t through, const GivenUp& lost) {
    const bool is_under_way = through <= state_.intent_through;
    free_through(through);
    auto& where = is_under_way ? losses_.doubtful : losses_.untold;
    where = GivenUp::joined(where, lost);
    publish();
}

void FileRing::withdraw() {
    clear_intent();
    losses_.untold =
        GivenUp::joined(losses_.untold, GivenUp::joined(losses_.told, losses_.doubtful));
    losses_.settle();
    publish();
}

/// Makes `state_` the one that a successor finds. Until the last store the other slot holds.
void FileRing::publish() {
    ++state_.generation;
    state_.losses = {stored(losses_.untold), stored(losses_.told), stored(losses_.doubtful)};
    state_.crc = crc_of(state_);
    State incomplete = state_;
    incomplete.generation = 0;
    const auto offset = kStateOffsets[next_slot_];
    store_before_what_follows();
    file_.put(offset, std::uint64_t{0});
    store_before_what_follows();
    file_.put(offset, incomplete);
    store_before_what_follows();
    auto* generation = reinterpret_cast<std::uint64_t*>(file_.at(offset, sizeof(std::uint64_t)));
    std::atomic_ref{*generation}.store(state_.generation, std::memory_order_release);
    store_before_what_follows();
    next_slot_ = 1 - next_slot_;
}

Error failed(const std::string& what, const std::string& path, int reason) {
    auto detail = what + " " + path + ": " + std::strerror(reason);
    switch (reason) {
        case ENOENT:
        case EACCES:
        case EPERM:
        case EROFS:
        case ENOTDIR:
            detail +=
                "; the runtime folder must exist and be writable for the user that runs "
                "gerbang (systemd: RuntimeDirectory=gerbang; else --runtime)";
            break;
        case ELOOP:
            detail += "; a symbolic link is not followed: remove it";
            break;
        case ENOSPC:
        case EDQUOT:
            detail += "; the RAM file system is full: free some of it or make the ring smaller";
            break;
        default:
            break;
    }
    return Error{Errc::storage_broken, std::move(detail)};
}

Result<Mapping> map(const UniqueFd& fd, const std::string& path, std::uint64_t size) {
    void* start = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                         MAP_SHARED, fd.get(), 0);
    if (start == MAP_FAILED) return failed("map", path, errno);
    return Mapping{start, size};
}

/// Our own plain file, or an error: anything else is not ours to write to.
Result<UniqueFd> open_own_file(const std::string& path) {
    UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)};
    if (!fd.is_open()) return failed("open", path, errno);
    struct stat about {};
    if (::fstat(fd.get(), &about) != 0) return failed("stat", path, errno);
    if (!S_ISREG(about.st_mode) || about.st_nlink > 1 || about.st_uid != ::geteuid()) {
        return Error{Errc::storage_broken, "open " + path +
                                               ": not a plain file of the user that runs gerbang: "
                                               "remove it"};
    }
    if (::fchmod(fd.get(), 0600) != 0) return failed("chmod", path, errno);
    return fd;
}

}  // namespace

GivenUp GivenUp::joined(const GivenUp& a, const GivenUp& b) {
    if (a.count == 0) return b;
    if (b.count == 0) return a;
    return {a.count + b.count, std::min(a.first_ms, b.first_ms), std::max(a.last_ms, b.last_ms)};
}

void RingLosses::offer() {
    told = GivenUp::joined(untold, GivenUp::joined(told, doubtful));
    untold = doubtful = {};
}

Result<std::unique_ptr<Ring>> open_ring(const std::string& path, const BootId& boot,
                                        std::uint64_t capacity_bytes) {
    if (capacity_bytes < kSmallest || capacity_bytes > kLargest) {
        return Error{Errc::bad_input, "ring of " + std::to_string(capacity_bytes) +
                                          " bytes: expected 64 KiB to 64 MiB"};
    }
    constexpr std::uint64_t kPage = 4096;
    const auto wanted = kDataOffset + (capacity_bytes + kPage - 1) / kPage * kPage;
    auto fd = open_own_file(path);
    if (!fd) return fd.error();

    struct stat about {};
    if (::fstat(fd->get(), &about) != 0) return failed("stat", path, errno);
    const auto found = static_cast<std::uint64_t>(about.st_size);
    if (found >= kDataOffset + kSmallest && found <= kDataOffset + kLargest) {
        // A file with holes would kill us (SIGBUS) when the RAM file system is full.
        const int reason = ::posix_fallocate(fd->get(), 0, about.st_size);
        if (reason != 0) return failed("allocate", path, reason);
        auto mapping = map(*fd, path, found);
        if (!mapping) return mapping.error();
        auto ring = FileRing::recover(*mapping, boot);
        if (ring && (found == wanted || !ring->is_empty())) {
            return std::unique_ptr<Ring>{std::move(ring)};
        }
    }
    if (::ftruncate(fd->get(), 0) != 0) return failed("truncate", path, errno);
    const int reason = ::posix_fallocate(fd->get(), 0, static_cast<off_t>(wanted));
    if (reason != 0) return failed("allocate", path, reason);
    auto mapping = map(*fd, path, wanted);
    if (!mapping) return mapping.error();
    return std::unique_ptr<Ring>{FileRing::create(std::move(*mapping), boot)};
}

}  // namespace gerbang
