// needs: probe
// ICMP messages: the first byte picks the parser and its switches, the rest is a message or what
// an error quotes of one.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "common/core/check.hpp"
#include "daemon/probe/echo.hpp"

using namespace gerbang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // An allocation of exactly that size lets the sanitizer see every look beyond its end.
    std::vector<std::uint8_t> bytes(size - 1);
    if (size > 1) std::memcpy(bytes.data(), data + 1, size - 1);
    const auto version = (data[0] & 1) != 0 ? IpVersion::v6 : IpVersion::v4;
    const bool match_identifier = (data[0] & 2) != 0;
    const bool has_ip_header = (data[0] & 4) != 0;
    const EchoKey key{.identifier = 0x1234, .sequence = 0xabcd, .nonce = 0x0123456789abcdefULL};
    const bool is_reply = is_echo_reply(version, bytes, has_ip_header, match_identifier, key);
    const bool is_quote = quotes_echo_request(version, bytes, match_identifier, key);
    // A reply is none of our requests, and both are at least as long as what makes them ours.
    GERBANG_CHECK(!(is_reply && is_quote));
    GERBANG_CHECK(!is_reply || bytes.size() >= kEchoBytes);
    GERBANG_CHECK(!is_quote || bytes.size() >= 8);
    return 0;
}
