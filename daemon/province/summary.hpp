#pragma once

#include <vector>

#include "common/core/result.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"

namespace gerbang::province {

/// Reads what `Store::list` promises. Outside any transaction.
[[nodiscard]] Result<std::vector<SiteSummary>> summarise(Database& database);

}  // namespace gerbang::province
