#include "daemon/probe/echo.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "tests/support/seed.hpp"

namespace gerbang {
namespace {

const EchoKey kKey{.identifier = 0x1234, .sequence = 0xabcd, .nonce = 0x0123456789abcdefULL};

/// What a host that answers sends back: the request with the reply's type.
std::vector<std::uint8_t> reply_of(IpVersion version) {
    const auto request = make_echo_request(version, kKey);
    std::vector<std::uint8_t> reply(request.begin(), request.end());
    reply[0] = version == IpVersion::v4 ? 0 : 129;
    return reply;
}

std::vector<std::uint8_t> with_ip_header(const std::vector<std::uint8_t>& icmp,
                                         std::size_t header_bytes = 20) {
    std::vector<std::uint8_t> packet(header_bytes, 0);
    packet[0] = static_cast<std::uint8_t>(0x40 | header_bytes / 4);
    packet[9] = 1;
    packet.insert(packet.end(), icmp.begin(), icmp.end());
    return packet;
}

bool is_ours(const std::vector<std::uint8_t>& message) {
    return is_echo_reply(IpVersion::v4, message, false, true, kKey);
}

}  // namespace

TEST_CASE("Echo takes no reply with another identifier, sequence or nonce", "[probe]") {
    REQUIRE(is_ours(reply_of(IpVersion::v4)));
    for (std::size_t at = 4; at < kEchoBytes; ++at) {
        auto other = reply_of(IpVersion::v4);
        other[at] ^= 1;
        INFO("byte " << at);
        CHECK_FALSE(is_ours(other));
    }
}

TEST_CASE("Echo takes no truncated or lengthened reply", "[probe]") {
    auto reply = reply_of(IpVersion::v4);
    for (std::size_t size = 0; size < kEchoBytes; ++size) {
        CHECK_FALSE(is_ours({reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(size)}));
    }
    reply.push_back(0);
    CHECK_FALSE(is_ours(reply));
}

TEST_CASE("Echo takes neither its own request nor another type or code for a reply", "[probe]") {
    const auto request = make_echo_request(IpVersion::v4, kKey);
    CHECK_FALSE(is_ours({request.begin(), request.end()}));
    auto unreachable = reply_of(IpVersion::v4);
    unreachable[0] = 3;
    CHECK_FALSE(is_ours(unreachable));
    auto odd_code = reply_of(IpVersion::v4);
    odd_code[1] = 1;
    CHECK_FALSE(is_ours(odd_code));
    // The reply of the other IP version.
    CHECK_FALSE(is_echo_reply(IpVersion::v4, reply_of(IpVersion::v6), false, true, kKey));
    CHECK(is_echo_reply(IpVersion::v6, reply_of(IpVersion::v6), false, true, kKey));
}

TEST_CASE("Echo looks behind the IPv4 header of a raw socket, options included", "[probe]") {
    const auto reply = reply_of(IpVersion::v4);
    CHECK(is_echo_reply(IpVersion::v4, with_ip_header(reply), true, true, kKey));
    CHECK(is_echo_reply(IpVersion::v4, with_ip_header(reply, 60), true, true, kKey));
    auto short_header = with_ip_header(reply);
    short_header[0] = 0x44;
    CHECK_FALSE(is_echo_reply(IpVersion::v4, short_header, true, true, kKey));
    auto long_header = with_ip_header(reply);
    long_header[0] = 0x4f;
    CHECK_FALSE(is_echo_reply(IpVersion::v4, long_header, true, true, kKey));
    auto udp = with_ip_header(reply);
    udp[9] = 17;
    CHECK_FALSE(is_echo_reply(IpVersion::v4, udp, true, true, kKey));
    CHECK_FALSE(is_echo_reply(IpVersion::v4, reply, true, true, kKey));
}

TEST_CASE("Echo leaves the identifier out where the kernel replaces it, never the nonce",
          "[probe]") {
    auto reply = reply_of(IpVersion::v4);
    reply[4] ^= 0xff;
    CHECK(is_echo_reply(IpVersion::v4, reply, false, false, kKey));
    reply[15] ^= 1;
    CHECK_FALSE(is_echo_reply(IpVersion::v4, reply, false, false, kKey));
}

TEST_CASE("Echo knows its request in what a router quotes, and nobody else's", "[probe]") {
    for (const auto version : {IpVersion::v4, IpVersion::v6}) {
        const auto request = make_echo_request(version, kKey);
        const std::vector<std::uint8_t> whole(request.begin(), request.end());
        const std::vector<std::uint8_t> least(request.begin(), request.begin() + 8);
        CHECK(quotes_echo_request(version, whole, true, kKey));
        CHECK(quotes_echo_request(version, least, true, kKey));
        CHECK_FALSE(quotes_echo_request(version, {}, true, kKey));
        CHECK_FALSE(quotes_echo_request(version, std::span{least}.first(7), true, kKey));
        CHECK_FALSE(quotes_echo_request(version, reply_of(version), true, kKey));
        for (std::size_t at = 4; at < kEchoBytes; ++at) {
            auto other = whole;
            other[at] ^= 1;
            INFO("byte " << at);
            CHECK_FALSE(quotes_echo_request(version, other, true, kKey));
            // Datagram sockets: the kernel put its own identifier in the place of ours.
            CHECK(quotes_echo_request(version, other, false, kKey) == (at < 6));
        }
        std::vector<std::uint8_t> header(40, 0);
        header[0] = 0x60;
        header[6] = 58;
        auto quoted = version == IpVersion::v4 ? with_ip_header(whole, 24) : header;
        if (version == IpVersion::v6) quoted.insert(quoted.end(), whole.begin(), whole.end());
        CHECK(quotes_echo_request(version, quoted, true, kKey));
        quoted[version == IpVersion::v4 ? 9 : 6] = 17;
        CHECK_FALSE(quotes_echo_request(version, quoted, true, kKey));
    }
}

TEST_CASE("Echo request carries a right IPv4 checksum", "[probe]") {
    const auto request = make_echo_request(IpVersion::v4, kKey);
    CHECK(request[0] == 8);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < request.size(); i += 2) {
        sum += static_cast<std::uint32_t>(request[i] << 8 | request[i + 1]);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    CHECK(sum == 0xffff);
}

TEST_CASE("Echo takes no random bytes for a reply", "[probe]") {
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t round = 0; round < test_rounds(20000); ++round) {
        std::vector<std::uint8_t> bytes(random() % 80);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
        if (!bytes.empty() && round % 2 == 0) bytes[0] = 0x45;
        CHECK_FALSE(is_echo_reply(IpVersion::v4, bytes, round % 4 < 2, round % 3 == 0, kKey));
        CHECK_FALSE(is_echo_reply(IpVersion::v6, bytes, false, round % 3 == 0, kKey));
        CHECK_FALSE(quotes_echo_request(IpVersion::v4, bytes, round % 3 == 0, kKey));
    }
}

}  // namespace gerbang
