#include "daemon/meter/nl80211_messages.hpp"

#include <linux/genetlink.h>
#include <linux/nl80211.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

#include "tests/daemon/meter/datagram.hpp"

using namespace gerbang;
using namespace gerbang::netlink;

namespace {

constexpr std::uint32_t kSequence = 7;
constexpr std::uint16_t kFamily = 0x1c;
using Address = std::array<std::uint8_t, 6>;

DatagramBuilder& command(DatagramBuilder& builder, std::uint8_t number,
                         std::uint16_t family = kFamily) {
    return builder.message(family, genlmsghdr{.cmd = number, .version = 1, .reserved = 0});
}

DatagramBuilder& add_station(DatagramBuilder& builder, std::uint32_t ifindex, Address address) {
    return command(builder, NL80211_CMD_NEW_STATION)
        .value(NL80211_ATTR_IFINDEX, ifindex)
        .value(NL80211_ATTR_MAC, address);
}

}  // namespace

TEST_CASE("Questions about WiFi are whole messages", "[meter][netlink]") {
    const auto family = ask_wifi_family();
    CHECK(family.body().size() == GENL_HDRLEN + NLA_HDRLEN + 8);
    const auto name =
        std::string{reinterpret_cast<const char*>(family.body().data()) + GENL_HDRLEN + NLA_HDRLEN};
    CHECK(name == "nl80211");
    CHECK(ask_wifi_interfaces().body().size() == GENL_HDRLEN);
    const auto stations = ask_stations(0x01020304);
    REQUIRE(stations.body().size() == GENL_HDRLEN + NLA_HDRLEN + 4);
    CHECK(stations.body()[0] == std::byte{NL80211_CMD_GET_STATION});
    std::uint32_t ifindex = 0;
    std::memcpy(&ifindex, stations.body().data() + GENL_HDRLEN + NLA_HDRLEN, sizeof ifindex);
    CHECK(ifindex == 0x01020304);
}

TEST_CASE("A kernel without nl80211 has no number for it", "[meter][netlink]") {
    DatagramBuilder absent;
    absent.message(NLMSG_ERROR, int{-ENOENT});
    std::uint16_t family = 0;
    const auto progress = parse_wifi_family(absent.datagram(), kSequence, family);
    CHECK(progress.error == ENOENT);
    CHECK(family == 0);

    DatagramBuilder cut;
    cut.message(GENL_ID_CTRL, std::uint8_t{CTRL_CMD_NEWFAMILY});
    cut.bytes().resize(NLMSG_HDRLEN + 2);
    const std::uint32_t length = NLMSG_HDRLEN + 2;
    std::memcpy(cut.bytes().data(), &length, sizeof length);
    CHECK(parse_wifi_family(cut.datagram(), kSequence, family).is_malformed);

    DatagramBuilder odd;
    command(odd, CTRL_CMD_NEWFAMILY, GENL_ID_CTRL).value(CTRL_ATTR_FAMILY_ID, std::uint16_t{3});
    (void)parse_wifi_family(odd.datagram(), kSequence, family);
    CHECK(family == 0);  // such numbers are the kernel's own

    DatagramBuilder builder;
    command(builder, CTRL_CMD_NEWFAMILY, GENL_ID_CTRL).text(CTRL_ATTR_FAMILY_NAME, "nl80211");
    builder.value(CTRL_ATTR_FAMILY_ID, kFamily);
    CHECK_FALSE(parse_wifi_family(builder.datagram(), kSequence, family).is_malformed);
    CHECK(family == kFamily);
}

TEST_CASE("Only WiFi interfaces that serve stations are access points", "[meter][netlink]") {
    DatagramBuilder builder;
    const auto add = [&builder](std::uint32_t ifindex, std::uint32_t type) {
        command(builder, NL80211_CMD_NEW_INTERFACE)
            .value(NL80211_ATTR_IFINDEX, ifindex)
            .value(NL80211_ATTR_IFTYPE, type);
    };
    add(3, NL80211_IFTYPE_STATION);
    add(4, NL80211_IFTYPE_AP);
    add(5, NL80211_IFTYPE_MONITOR);
    add(6, NL80211_IFTYPE_AP_VLAN);
    add(4, NL80211_IFTYPE_AP);
    add(0, NL80211_IFTYPE_AP);
    command(builder, NL80211_CMD_NEW_INTERFACE).value(NL80211_ATTR_IFINDEX, std::uint32_t{9});
    command(builder, NL80211_CMD_NEW_WIPHY).value(NL80211_ATTR_IFINDEX, std::uint32_t{10});
    builder.done();
    std::vector<std::uint32_t> found;
    CHECK(parse_access_points(builder.datagram(), kSequence, kFamily, found).is_done);
    CHECK(found == std::vector<std::uint32_t>{4, 6});

    // Messages of another family say other things under the same numbers.
    found.clear();
    (void)parse_access_points(builder.datagram(), kSequence, kFamily + 1, found);
    CHECK(found.empty());

    DatagramBuilder many;
    for (std::uint32_t i = 1; i <= 40; ++i) {
        command(many, NL80211_CMD_NEW_INTERFACE)
            .value(NL80211_ATTR_IFINDEX, i)
            .value(NL80211_ATTR_IFTYPE, std::uint32_t{NL80211_IFTYPE_AP});
    }
    (void)parse_access_points(many.datagram(), kSequence, kFamily, found);
    CHECK(found.size() == kMaxAccessPoints);
}

TEST_CASE("Stations are counted by their address, and only whole ones", "[meter][netlink]") {
    DatagramBuilder builder;
    add_station(builder, 4, {2, 0, 0, 0, 0, 1});
    add_station(builder, 4, {2, 0, 0, 0, 0, 2}).attribute(NL80211_ATTR_STA_INFO, nullptr, 0);
    command(builder, NL80211_CMD_NEW_STATION).value(NL80211_ATTR_IFINDEX, std::uint32_t{4});
    command(builder, NL80211_CMD_NEW_STATION).value(NL80211_ATTR_MAC, Address{2, 0, 0, 0, 0, 3});
    command(builder, NL80211_CMD_NEW_STATION)
        .value(NL80211_ATTR_IFINDEX, std::uint32_t{4})
        .value(NL80211_ATTR_MAC, std::uint32_t{1});
    builder.done();
    std::vector<Neighbour> stations;
    CHECK(parse_stations(builder.datagram(), kSequence, kFamily, stations).is_done);
    REQUIRE(stations.size() == 2);
    CHECK(stations[0].ifindex == 4);
    CHECK(stations[1].hardware == std::array<std::uint8_t, 8>{2, 0, 0, 0, 0, 2, 0, 0});

    for (std::size_t size = 0; size < NLMSG_HDRLEN + GENL_HDRLEN; ++size) {
        auto cut = builder.bytes();
        cut.resize(size);
        if (size >= sizeof(std::uint32_t)) {
            const auto length = static_cast<std::uint32_t>(size);
            std::memcpy(cut.data(), &length, sizeof length);
        }
        std::vector<Neighbour> none;
        const auto progress = parse_stations(cut, kSequence, kFamily, none);
        CHECK(progress.is_malformed == (size > 0));
        CHECK(none.empty());
    }
}

TEST_CASE("More stations than fit are left out", "[meter][netlink]") {
    DatagramBuilder builder;
    for (std::uint32_t i = 0; i < 200; ++i)
        add_station(builder, 4, {2, 0, 0, 0, 0, static_cast<std::uint8_t>(i)});
    std::vector<Neighbour> stations(kMaxNeighbours - 10);
    (void)parse_stations(builder.datagram(), kSequence, kFamily, stations);
    CHECK(stations.size() == kMaxNeighbours);
}
