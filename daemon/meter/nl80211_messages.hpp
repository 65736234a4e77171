#pragma once

// What the kernel's WiFi says over generic netlink: pure functions over datagrams, as those of
// netlink_messages.hpp.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "daemon/meter/netlink_messages.hpp"

namespace gerbang::netlink {

/// A question that is sent as the body of a message: the generic header and one attribute.
struct GenericQuestion {
    alignas(4) std::array<std::byte, 32> bytes{};
    std::size_t size = 0;
    [[nodiscard]] std::span<const std::byte> body() const { return {bytes.data(), size}; }
};
/// Which number nl80211 has on this boot; for message type GENL_ID_CTRL.
[[nodiscard]] GenericQuestion ask_wifi_family();
/// The WiFi interfaces; for a dump.
[[nodiscard]] GenericQuestion ask_wifi_interfaces();
/// The stations of one interface; for a dump.
[[nodiscard]] GenericQuestion ask_stations(std::uint32_t ifindex);

/// Sets `family` to nl80211's number; untouched when the answer has none.
[[nodiscard]] Progress parse_wifi_family(Datagram datagram, std::uint32_t sequence,
                                         std::uint16_t& family);

inline constexpr std::size_t kMaxAccessPoints = 8;
/// Appends the ifindexes of those WiFi interfaces that serve stations (access points), each once.
[[nodiscard]] Progress parse_access_points(Datagram datagram, std::uint32_t sequence,
                                           std::uint16_t family, std::vector<std::uint32_t>& into);

/// Appends the stations of one interface. Personal data, see `Neighbour`.
[[nodiscard]] Progress parse_stations(Datagram datagram, std::uint32_t sequence,
                                      std::uint16_t family, std::vector<Neighbour>& into);

}  // namespace gerbang::netlink
