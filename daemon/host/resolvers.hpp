#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gerbang {

inline constexpr std::size_t kMaxResolvers = 4;

/// Numeric addresses of the `nameserver` lines of a resolv.conf, in order, each once, at most
/// `kMaxResolvers`. Lines that make no sense are skipped: the file is not ours. Pure.
[[nodiscard]] std::vector<std::string> parse_resolv_conf(std::string_view text);

/// The resolvers that this machine's own questions end at: those of /etc/resolv.conf, or, where
/// that names systemd-resolved's local address alone, those that systemd-resolved asks. Blocking,
/// two small files; none when neither can be read.
[[nodiscard]] std::vector<std::string> system_resolvers();

}  // namespace gerbang
