#pragma once

#include <string>
#include <vector>

#include "common/core/language.hpp"
#include "common/core/result.hpp"
#include "daemon/province/store.hpp"

namespace gerbang::province {

/// `GET /v1/sites` and `gerbang-province list --json`: an object with `sites`, an array. Names are
/// stable; see config/province/README.md.
[[nodiscard]] std::string to_json(const std::vector<SiteSummary>& sites);
[[nodiscard]] Result<std::vector<SiteSummary>> sites_from_json(const std::string& text);

/// `gerbang-province list`: one line a site, what is missing below it. `now` is the wall time that
/// ages are counted from.
[[nodiscard]] std::string to_table(const std::vector<SiteSummary>& sites, WallTime now,
                                   Language language);

/// "1,2 GB" (decimal units; a comma in Indonesian).
[[nodiscard]] std::string human_bytes(std::uint64_t bytes, Language language);

}  // namespace gerbang::province
