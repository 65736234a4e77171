#pragma once

// What the ledger would have written, had it known the past when it looked.

#include <vector>

#include "daemon/ledger/link_book.hpp"

namespace gerbang {

/// A life whose ledger began without the journal: it told outages of its own, with ids of its own.
struct BlindLife {
    DeviceTime began;
    DeviceTime ended;                    ///< its last tick, or now
    std::vector<Outage> segments;        ///< newest state of each, any order; folds too
    std::vector<LinkBook::View> at_end;  ///< states at `ended`; none: the process died
};

struct Replayed {
    std::vector<Outage> written;  ///< to be written as `outage` events, in this order
    std::vector<Outage> open;     ///< what goes on
    std::uint64_t last_id = 0;
};

/// Lets a book that knows `past` look at what the blind life saw, as far as its segments and its
/// last views tell: the gap before it gets its end and its cause, an outage that went on through
/// the gap keeps its id, and the segments get ids of the journal. `k` and `link_start` as the
/// book's own. Pure.
[[nodiscard]] Replayed replay(const LinkBook::History& past, const BlindLife& life, bool same_boot,
                              unsigned k, Millis link_start);

}  // namespace gerbang
