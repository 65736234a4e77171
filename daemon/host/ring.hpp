#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"

namespace gerbang {

/// Ticks that found no room in the ring, as one growing range: no list that could grow as well.
struct GivenUp {
    std::uint64_t count = 0;
    std::int64_t first_ms = 0;  ///< device time of the first and the last of them
    std::int64_t last_ms = 0;
    bool operator==(const GivenUp&) const = default;
    /// Both together; the order does not matter.
    [[nodiscard]] static GivenUp joined(const GivenUp& a, const GivenUp& b);
};

/// The ring's losses on their way into the journal. Part of the ring's state, so that a process
/// that dies at any moment takes none of it along and none is told twice.
struct RingLosses {
    GivenUp untold;    ///< no commit speaks of them yet
    GivenUp told;      ///< the commit under way speaks of them
    GivenUp doubtful;  ///< the commit under way may still hold them: lost only if it fails

    /// A commit begins that tells of all that is lost; one before it, if any, failed.
    void offer();
    /// The commit under way is in the journal.
    void settle() { told = doubtful = {}; }
    bool operator==(const RingLosses&) const = default;
};

/// What was measured and is not yet in the journal, kept where the death of the process cannot
/// reach it (design 7): entries in order of arrival, opaque here, numbered 1, 2, 3 ... for ever.
///
/// The commit protocol makes recovery exact: before a journal commit the owner declares an
/// `Intent`; after it, it releases. A process that dies between the two finds the intent and asks
/// the journal whether its last sequence reached `intent.last` (then the entries are in the
/// journal) or not (then they are not: the commit is atomic). Loop thread only.
class Ring {
public:
    struct Entry {
        std::uint64_t number = 0;
        std::string bytes;
    };
    struct Intent {
        EpochId epoch;
        Seq first;  ///< sequence numbers that the commit will use
        Seq last;
        std::uint64_t through = 0;  ///< entries up to this number are in that commit
    };
    /// The newest commit that was released: the journal has said that it is durable. A journal that
    /// ends before `last` of `epoch` on the same boot lost what it had promised.
    struct Acknowledged {
        EpochId epoch;  ///< none: nothing was committed on this boot
        Seq last;
        bool operator==(const Acknowledged&) const = default;
    };
    /// What an earlier process of the same boot left behind. Empty after a reboot.
    struct Left {
        std::vector<Entry> entries;
        Intent intent;  ///< `last` 0: no commit was under way
        Acknowledged acknowledged{};
    };

    virtual ~Ring() = default;

    /// The entries found at opening (those not released since) and the intent found with them;
    /// damaged entries end the list (kill -9 cannot damage, a hostile hand can).
    [[nodiscard]] virtual Left left_behind() const = 0;
    /// The bytes of an entry that is kept, until the next call that changes the ring; empty for any
    /// other number.
    [[nodiscard]] virtual std::string_view entry(std::uint64_t number) const = 0;
    /// Keeps `bytes`; returns the entry's number. `storage_full` when it does not fit: nothing is
    /// changed and the caller gives up its oldest entries by `release`, recording the loss.
    [[nodiscard]] virtual Result<std::uint64_t> append(std::string_view bytes) = 0;
    /// Replaces the intent; the commit that it declares tells of all `losses` (they are offered).
    virtual void intend(const Intent& intent) = 0;
    /// Frees every entry up to and including `through`: the journal holds them, or nobody needs
    /// them. Clears the intent, and settles the losses, when it was about those entries only; what
    /// was intended is acknowledged then.
    virtual void release(std::uint64_t through) = 0;
    /// Frees likewise what is given up for want of room, and adds `lost` to the losses in the same
    /// step: as doubtful when the commit under way has it. The intent stands.
    virtual void give_up(std::uint64_t through, const GivenUp& lost) = 0;
    /// No commit is under way any more: what was intended is known not to be in the journal.
    virtual void withdraw() = 0;
    [[nodiscard]] virtual const RingLosses& losses() const = 0;
    /// Bytes that the entries occupy, 16 to 23 more for each than was given.
    [[nodiscard]] virtual std::uint64_t used_bytes() const = 0;
    [[nodiscard]] virtual std::uint64_t capacity_bytes() const = 0;
};

/// The ring as a preallocated, shared mapping of `path` (on tmpfs), mode 0600. Content of another
/// boot, of another format version or failing its checks is discarded. A ring of another capacity
/// that still holds entries keeps its capacity; an empty one is made anew.
///
/// `storage_broken` when the file cannot be made, is a symbolic link or belongs to somebody else;
/// `bad_input` for a capacity outside 64 KiB..64 MiB (rounded up to whole pages). Touches only the
/// pages it uses: it starts again at the front whenever it becomes empty. One user at a time: the
/// lock of the state folder sees to that. Nobody else may truncate the file (SIGBUS).
[[nodiscard]] Result<std::unique_ptr<Ring>> open_ring(const std::string& path, const BootId& boot,
                                                      std::uint64_t capacity_bytes);

}  // namespace gerbang
