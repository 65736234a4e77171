#pragma once

// The gateways that `gerbang-province pull` visits: a text file, one line a gateway.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"
#include "daemon/net/uplink.hpp"

namespace gerbang::province {

struct Gateway {
    std::string site;  ///< what the gateway must say that it is
    UplinkTarget target;
};

/// Lines of `SITE URL [KEY=VALUE ...]`, separated by blanks; empty lines and lines that begin with
/// '#' are skipped. Keys: `ca`, `token`, `cert`, `key` (files, absolute paths) and `plain=yes`
/// (http within a tunnel). A line whose first word is `*` has no URL; its keys hold for the lines
/// below that do not say otherwise.
///
///     *               ca=/etc/gerbang-province/gateways-ca.pem
///     6403-berau-001  https://10.7.0.11:8621  token=/etc/gerbang-province/pull/berau-001
///
/// `bad_input` names line and remedy: a malformed site or key, a site that stands twice, https
/// without `ca`, http without `plain=yes`, cert without key, more than `kMaxGateways`.
inline constexpr std::size_t kMaxGateways = 4096;
inline constexpr std::size_t kMaxInventoryBytes = 1u << 20;
[[nodiscard]] Result<std::vector<Gateway>> parse_inventory(std::string_view text,
                                                           const std::string& path);
[[nodiscard]] Result<std::vector<Gateway>> load_inventory(const std::string& path);

}  // namespace gerbang::province
