#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"

namespace gerbang {

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
    /// What an earlier process of the same boot left behind. Empty after a reboot.
    struct Left {
        std::vector<Entry> entries;
        Intent intent;  ///< `last` 0: no commit was under way
    };

    virtual ~Ring() = default;

    /// The entries found at opening (those not released since) and the intent found with them;
    /// damaged entries end the list (kill -9 cannot damage, a hostile hand can).
    [[nodiscard]] virtual Left left_behind() const = 0;
    /// Keeps `bytes`; returns the entry's number. `storage_full` when it does not fit: nothing is
    /// changed and the caller gives up its oldest entries by `release`, recording the loss.
    [[nodiscard]] virtual Result<std::uint64_t> append(std::string_view bytes) = 0;
    /// Replaces the intent.
    virtual void intend(const Intent& intent) = 0;
    /// Frees every entry up to and including `through`. Clears the intent when it was about those
    /// entries only; giving up the oldest entries while a commit is under way leaves it standing.
    virtual void release(std::uint64_t through) = 0;
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
