#include "daemon/meter/nl80211_messages.hpp"

#include <linux/genetlink.h>
#include <linux/nl80211.h>

#include <algorithm>
#include <cstring>

#include "daemon/meter/netlink_walk.hpp"

namespace gerbang::netlink {
namespace {

constexpr std::string_view kFamilyName = NL80211_GENL_NAME;

GenericQuestion question(std::uint8_t command, std::uint16_t attribute, const void* data,
                         std::size_t size) {
    GenericQuestion made;
    const genlmsghdr header{.cmd = command, .version = 1, .reserved = 0};
    std::memcpy(made.bytes.data(), &header, sizeof header);
    made.size = sizeof header;
    if (size == 0) return made;
    const nlattr head{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + size),
                      .nla_type = attribute};
    std::memcpy(made.bytes.data() + made.size, &head, sizeof head);
    std::memcpy(made.bytes.data() + made.size + sizeof head, data, size);
    made.size += sizeof head + aligned(size);
    return made;
}

/// Calls `take(type, value)` for the attributes of each `command` of `family`.
template <class Take>
Progress walk_commands(Datagram datagram, std::uint32_t sequence, std::uint16_t family,
                       std::uint8_t command, Take take) {
    return walk(datagram, sequence,
                [&](const nlmsghdr& header, std::span<const std::byte> payload) {
                    if (header.nlmsg_type != family) return true;
                    const auto generic = front_as<genlmsghdr>(payload);
                    if (!generic) return false;
                    if (generic->cmd == command) take(payload.subspan(GENL_HDRLEN));
                    return true;
                });
}

bool serves_stations(std::uint32_t type) noexcept {
    return type == NL80211_IFTYPE_AP || type == NL80211_IFTYPE_AP_VLAN ||
           type == NL80211_IFTYPE_P2P_GO;
}

}  // namespace

GenericQuestion ask_wifi_family() {
    static_assert(NLA_HDRLEN + GENL_HDRLEN + kFamilyName.size() + 1 <= 32);
    return question(CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, kFamilyName.data(),
                    kFamilyName.size() + 1);
}

GenericQuestion ask_wifi_interfaces() {
    return question(NL80211_CMD_GET_INTERFACE, 0, nullptr, 0);
}

GenericQuestion ask_stations(std::uint32_t ifindex) {
    return question(NL80211_CMD_GET_STATION, NL80211_ATTR_IFINDEX, &ifindex, sizeof ifindex);
}

Progress parse_wifi_family(Datagram datagram, std::uint32_t sequence, std::uint16_t& family) {
    return walk_commands(datagram, sequence, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY,
                         [&family](std::span<const std::byte> attributes) {
                             for_each_attribute(
                                 attributes,
                                 [&family](std::uint16_t type, std::span<const std::byte> value) {
                                     if (type != CTRL_ATTR_FAMILY_ID) return;
                                     const auto id = front_as<std::uint16_t>(value);
                                     if (id && *id > GENL_ID_CTRL) family = *id;
                                 });
                         });
}

Progress parse_access_points(Datagram datagram, std::uint32_t sequence, std::uint16_t family,
                             std::vector<std::uint32_t>& into) {
    return walk_commands(
        datagram, sequence, family, NL80211_CMD_NEW_INTERFACE,
        [&into](std::span<const std::byte> attributes) {
            std::uint32_t ifindex = 0;
            std::uint32_t kind = 0;
            for_each_attribute(attributes,
                               [&](std::uint16_t type, std::span<const std::byte> value) {
                                   if (type == NL80211_ATTR_IFINDEX) ifindex = number(value);
                                   if (type == NL80211_ATTR_IFTYPE) kind = number(value);
                               });
            if (ifindex == 0 || !serves_stations(kind) || into.size() >= kMaxAccessPoints) return;
            if (std::find(into.begin(), into.end(), ifindex) == into.end()) into.push_back(ifindex);
        });
}

Progress parse_stations(Datagram datagram, std::uint32_t sequence, std::uint16_t family,
                        std::vector<Neighbour>& into) {
    return walk_commands(
        datagram, sequence, family, NL80211_CMD_NEW_STATION,
        [&into](std::span<const std::byte> attributes) {
            constexpr std::size_t kAddressBytes = 6;
            Neighbour station;
            bool has_address = false;
            for_each_attribute(attributes,
                               [&](std::uint16_t type, std::span<const std::byte> value) {
                                   if (type == NL80211_ATTR_IFINDEX)
                                       station.ifindex = number(value);
                                   if (type != NL80211_ATTR_MAC || value.size() != kAddressBytes)
                                       return;
                                   std::memcpy(station.hardware.data(), value.data(), value.size());
                                   has_address = true;
                               });
            if (has_address && station.ifindex != 0 && into.size() < kMaxNeighbours)
                into.push_back(station);
        });
}

}  // namespace gerbang::netlink
