// needs: wire host meter daemon/app/intake.cpp daemon/app/graft.cpp tests/support/memory_ring.cpp

// Entries of a ring that a hostile hand or a torn write left, and what they say of the journal (the
// graft): decoded alone, then taken over, attached, grafted and committed as the daemon does. What
// comes out must be what the journal takes, each tick once and later than the one before.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "common/wire/codec.hpp"
#include "daemon/app/graft.hpp"
#include "daemon/app/intake.hpp"
#include "daemon/host/log.hpp"
#include "tests/support/memory_ring.hpp"

namespace {

using namespace gerbang;

void need(bool is_so) {
    if (!is_so) std::abort();
}

void decode_alone(std::string_view bytes) {
    const auto graft = Graft::decode(bytes);
    if (!graft) return;
    const auto again = Graft::decode(graft->encode());
    need(again.has_value() && *again == *graft);
    (void)graft->translated(Tick{.at = {}, .readings = {{SeriesId{0}, 7}, {SeriesId{3}, 9}}});
    for (const auto& event : graft->preface) (void)graft->translated(event, graft->first);
}

/// Entries: two bytes of length each, then so many bytes.
void fill(Ring& ring, std::string_view rest) {
    while (rest.size() >= 2) {
        const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(rest[0])) << 8 |
                            static_cast<std::uint8_t>(rest[1]);
        rest.remove_prefix(2);
        const auto entry = rest.substr(0, length);
        rest.remove_prefix(entry.size());
        (void)ring.append(entry);
    }
}

EpochId some_epoch(std::uint8_t byte) {
    EpochId epoch;
    epoch.bytes.fill(byte);
    return epoch;
}

/// As the journal looks at what it is given.
void commit_all(Intake& intake) {
    std::optional<Monotonic> last;
    Seq next{1};
    for (int round = 0; round < 10'000 && !intake.empty(); ++round) {
        const auto commit = intake.next(next, 6);
        if (!commit) return;
        need(!commit->bodies.empty() && commit->bodies.size() <= 8192);
        for (const auto& body : commit->bodies) {
            need(defect_of(body).empty());
            const auto* chunk = std::get_if<Chunk>(&body);
            if (chunk == nullptr) continue;
            for (const auto at : chunk->ticks) {
                need(!last || *last < at);
                last = at;
            }
        }
        next = commit->last().next();
        intake.release(*commit);
    }
    need(intake.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool is_quiet = (set_log_sink([](std::string_view) {}), true);
    (void)is_quiet;
    if (size < 1) return 0;
    const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
    decode_alone(input);

    MemoryRing store{1u << 20};
    BootId boot;
    boot.bytes.fill(1);
    const auto epoch = some_epoch('e');
    {
        const auto earlier = store.open(boot);
        fill(*earlier, input);
        if ((data[0] & 1) != 0) {
            earlier->intend({.epoch = epoch, .first = Seq{1}, .last = Seq{3}, .through = 2});
        }
    }
    const auto ring = store.open(boot);
    Intake intake{*ring};
    const Monotonic now{Millis{1'000'000}};
    const auto found = intake.begin(now);
    need(intake.last_at().value_or(Monotonic{}) <= now);
    need(!found.last_tick || *found.last_tick <= now);
    intake.add(Tick{now + Millis{1}, {{SeriesId{1}, 5}}});
    (void)intake.attach(epoch, Seq{(data[0] & 2) != 0 ? 3U : 0U}, BootNo{1});
    if (intake.first_provisional() != 0) {
        Graft graft;
        graft.epoch = epoch;
        graft.boot = BootNo{1};
        graft.series = {{SeriesId{1}, 0}, {SeriesId{2}, 100}};
        intake.graft(graft);
    }
    intake.add(Tick{now + Millis{2}, {{SeriesId{1}, 6}}});
    commit_all(intake);
    return 0;
}
