#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "common/core/result.hpp"
#include "daemon/journal/block_store.hpp"
#include "daemon/journal/sqlite.hpp"

namespace gerbang {

/// Level of a block whose readings were given up; its protected events are kept.
inline constexpr int kGivenUpLevel = 4;

/// One packed block, as upkeep sees it.
struct PackedBlock {
    EpochNo epoch = 0;
    SeqRange range;
    int level = 0;               ///< of reduction, or `kGivenUpLevel`
    std::int64_t elapsed_s = 0;  ///< journal time at its end
    std::uint64_t bytes = 0;     ///< of its body
    bool operator==(const PackedBlock&) const = default;
};

/// The table `packed`: what upkeep must know of a block without reading it. A block without a row
/// here is a commit that was not packed yet; those lie behind all packed ones of their epoch.
class PackedStore {
public:
    [[nodiscard]] Result<void> prepare(sql::Connection& connection);

    /// Both inside the caller's transaction.
    [[nodiscard]] Result<void> put(const PackedBlock& block);
    [[nodiscard]] Result<void> erase(const PackedBlock& block);

    /// The newest packed block of `epoch`.
    [[nodiscard]] Result<std::optional<PackedBlock>> newest(EpochNo epoch);
    /// The block of `level` that ends right before `first`.
    [[nodiscard]] Result<std::optional<PackedBlock>> ending_before(EpochNo epoch, Seq first,
                                                                   int level);
    /// All blocks of `level`, oldest first or newest first, until `visit` returns false.
    using Visitor = std::function<bool(const PackedBlock&)>;
    [[nodiscard]] Result<void> visit(int level, bool newest_first, const Visitor& visitor);
    /// The block that holds `seq`.
    [[nodiscard]] Result<std::optional<PackedBlock>> holding(EpochNo epoch, Seq seq);

private:
    [[nodiscard]] Result<std::optional<PackedBlock>> at_or_below(int level, std::int64_t id);

    sql::Statement put_;
    sql::Statement erase_;
    sql::Statement find_;
    sql::Statement list_;
    sql::Statement list_back_;
};

}  // namespace gerbang
